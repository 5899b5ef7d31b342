use super::*;

/// The package URLs and the notes that a root filesystem with these files gives.
fn scan(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let inventory = inventory(files);
    let notes = noted(&inventory);
    let purls = inventory.components.into_iter().map(|c| c.purl).collect();
    (purls, notes)
}

fn inventory(files: &[(&str, &str)]) -> Inventory {
    let mut scanner = Scanner::new();
    for (path, content) in files {
        let size = u64::try_from(content.len()).unwrap();
        scanner
            .file(path, size, false, &mut content.as_bytes())
            .unwrap();
    }
    scanner.finish()
}

fn purls(files: &[(&str, &str)]) -> Vec<String> {
    let (purls, notes) = scan(files);
    assert_eq!(notes, Vec::<String>::new());
    purls
}

const DEBIAN: (&str, &str) = (
    "etc/os-release",
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
);

#[test]
fn dpkg_with_what_is_there_only() {
    let status = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
                  Maintainer: GNU Libc <x@example.com>\nVersion: 2.36-9+deb12u10\n\
                  Description: a\n Package: not this\n\n\
                  Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                  Package: never\nStatus: install ok not-installed\nVersion: 1\n\n\
                  package: epoch\nSTATUS: install ok triggers-awaited\nArchitecture: all\nVersion: 1:2~3\n";
    assert_eq!(
        purls(&[DEBIAN, ("var/lib/dpkg/status", status)]),
        [
            "pkg:deb/debian/epoch@1:2~3?arch=all&distro=debian-12",
            "pkg:deb/debian/libc6@2.36-9+deb12u10?arch=amd64&distro=debian-12"
        ]
    );
    let distroless = "Package: tzdata\nVersion: 2024a\nArchitecture: all\n";
    assert_eq!(
        purls(&[
            ("var/lib/dpkg/status.d/tzdata", distroless),
            ("var/lib/dpkg/status.d/tzdata.md5sums", "Package: x\n")
        ]),
        ["pkg:deb/debian/tzdata@2024a?arch=all"]
    );
}

#[test]
fn debian_licences_stand_in_another_file() {
    let status = "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n\nPackage: c\nVersion: 1\n";
    let copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                     Files: *\nLicense: GPL-2+ or Expat\n\nFiles: x\nLicense: MIT\n";
    let inventory = inventory(&[
        ("usr/share/doc/a/copyright", copyright),
        ("var/lib/dpkg/status", status),
        ("usr/share/doc/b/copyright", "Copyright: somebody\n"),
        ("usr/share/doc/none/copyright", copyright),
    ]);
    let each = inventory.components.iter().map(|c| {
        let licenses = c.licenses.iter().map(License::as_str);
        format!("{}: {}", c.name, licenses.collect::<Vec<_>>().join("; "))
    });
    assert_eq!(
        each.collect::<Vec<_>>(),
        ["a: GPL-2.0-or-later OR MIT; MIT", "b: ", "c: "]
    );
    assert_eq!(
        inventory.components[0].licenses[1],
        License::Named("MIT".to_owned())
    );
}

#[test]
fn apk_with_licences() {
    let installed = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\nm:N <n@example.com>\n\n\
                     P:busybox\nV:1.36.1-r29\nA:x86_64\nL:GPL-2.0-only AND bzip2-1.0.4\n\n";
    let inventory = inventory(&[
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n"),
        ("lib/apk/db/installed", installed),
    ]);
    let read: Vec<_> = inventory
        .components
        .iter()
        .map(|c| (c.purl.as_str(), c.licenses.as_slice()))
        .collect();
    assert_eq!(
        read,
        [
            (
                "pkg:apk/alpine/busybox@1.36.1-r29?arch=x86_64&distro=alpine-3.20.0",
                &[License::Named("GPL-2.0-only AND bzip2-1.0.4".to_owned())][..]
            ),
            (
                "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.0",
                &[License::Expression("MIT".to_owned())][..]
            ),
        ]
    );
}

#[test]
fn python_by_its_metadata() {
    let read = purls(&[
        (
            "usr/lib/python3/dist-packages/Flask_SQL.Alchemy-3.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Flask_SQL.Alchemy\nVersion: 3.0\nLicense: BSD-3-Clause\n\n\
             Name: not this\n",
        ),
        (
            "usr/lib/python3/dist-packages/six.egg-info",
            "Name: six\nVersion: 1.16.0\n",
        ),
        ("srv/METADATA", "Name: no\nVersion: 1\n"),
    ]);
    assert_eq!(
        read,
        ["pkg:pypi/flask-sql-alchemy@3.0", "pkg:pypi/six@1.16.0"]
    );
}

#[test]
fn node_by_what_is_installed() {
    let read = purls(&[
        (
            "app/node_modules/left-pad/package.json",
            r#"{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}"#,
        ),
        (
            "app/node_modules/@babel/core/package.json",
            r#"{"name": "@babel/core", "version": "7.0.0", "license": {"type": "MIT"}}"#,
        ),
        (
            "app/node_modules/left-pad/test/package.json",
            r#"{"name": "no", "version": "1"}"#,
        ),
        ("app/package.json", r#"{"name": "app", "version": "1"}"#),
        ("app/node_modules/x/package.json", r#"{"type": "module"}"#),
    ]);
    assert_eq!(
        read,
        ["pkg:npm/%40babel/core@7.0.0", "pkg:npm/left-pad@1.3.0"]
    );
}

#[test]
fn gems_composer_and_dotnet() {
    let gem = "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\n  \
               s.licenses = [\"MIT\".freeze]\n  s.authors = [\"A\".freeze, \"B\".freeze]\nend\n";
    let composer =
        r#"{"packages": [{"name": "monolog/monolog", "version": "3.5.0", "license": ["MIT"]}]}"#;
    let deps = r#"{"libraries": {"app/1.0.0": {"type": "project"},
                   "Newtonsoft.Json/13.0.3": {"type": "package"}}}"#;
    assert_eq!(
        purls(&[
            (
                "usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec",
                gem
            ),
            ("app/vendor/composer/installed.json", composer),
            ("app/app.deps.json", deps),
        ]),
        [
            "pkg:composer/monolog/monolog@3.5.0",
            "pkg:gem/rake@13.0.6",
            "pkg:nuget/Newtonsoft.Json@13.0.3"
        ]
    );
}

#[test]
fn what_a_lock_file_declares_is_one_with_what_is_installed() {
    let lock =
        r#"{"packages": {"node_modules/a": {"version": "1"}, "node_modules/b": {"version": "2"}}}"#;
    let inventory = inventory(&[
        ("app/package-lock.json", lock),
        (
            "app/node_modules/a/package.json",
            r#"{"name": "a", "version": "1"}"#,
        ),
        ("src/go.mod", "module x\nrequire example.com/a v1.0.0\n"),
        (
            "src/go.sum",
            "example.com/a v1.0.0 h1:x\nexample.com/old v0.1.0 h1:x\n",
        ),
    ]);
    let each = inventory.components.iter().map(|c| {
        let places = c.found.iter().map(|at| match at.declared {
            true => format!("declared by {}", at.path),
            false => at.path.clone(),
        });
        let places: Vec<String> = places.collect();
        format!("{} {} {}", c.purl, c.is_declared_only(), places.join(", "))
    });
    assert_eq!(
        each.collect::<Vec<_>>(),
        [
            "pkg:golang/example.com/a@v1.0.0 true declared by src/go.mod",
            "pkg:npm/a@1 false app/node_modules/a/package.json, declared by app/package-lock.json",
            "pkg:npm/b@2 true declared by app/package-lock.json",
        ]
    );
}

#[test]
fn java_archives_have_places_in_them() {
    let mut scanner = Scanner::new();
    let jar = java_archive();
    let size = u64::try_from(jar.len()).unwrap();
    scanner
        .file("srv/app.war", size, false, &mut jar.as_slice())
        .unwrap();
    let found = scanner.finish().components;
    let each = found.iter().map(|c| {
        let paths = c.found.iter().map(|at| at.path.as_str());
        format!("{} {}", c.purl, paths.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(
        each.collect::<Vec<_>>(),
        ["pkg:maven/org.example/lib@2.0 srv/app.war!/WEB-INF/lib/lib-2.0.jar"]
    );
}

fn java_archive() -> Vec<u8> {
    let zip = |name: &str, content: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
        writer.finish().unwrap().into_inner()
    };
    let properties = b"groupId=org.example\nartifactId=lib\nversion=2.0\n";
    let lib = zip("META-INF/maven/org.example/lib/pom.properties", properties);
    zip("WEB-INF/lib/lib-2.0.jar", &lib)
}

#[test]
fn what_cannot_be_read_is_noted_with_its_reason() {
    let (purls, notes) = scan(&[
        ("app/node_modules/a/package.json", "{"),
        ("lib/apk/db/installed", "P:ok\nV:1\n"),
        ("opt/a.jar", "PK"),
        ("usr/lib/python3/x.dist-info/METADATA", "Version: 1\n"),
        ("var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0"),
    ]);
    assert_eq!(purls, ["pkg:apk/alpine/ok@1"]);
    assert_eq!(
        notes,
        [
            "app/node_modules/a/package.json: not a package.json: EOF while parsing an object at \
             line 1 column 1",
            "opt/a.jar: not a Java archive: invalid Zip archive: Could not find EOCD",
            "usr/lib/python3/x.dist-info/METADATA: a Python distribution without a name",
            "var/lib/rpm/rpmdb.sqlite: its size of page is none",
        ]
    );
}

/// uv and pnpm link what they install to what they keep.
#[test]
fn another_name_of_a_file_of_the_layer_names_its_packages_too() {
    let python = b"Name: a\nVersion: 1\n";
    let own = "app/lib/a-1.dist-info/METADATA";
    let cached = "root/.cache/uv/x/a-1.dist-info/METADATA";
    let layer = |entries: &[(&str, Option<&str>)]| {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, link) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            match link {
                Some(link) => {
                    header.set_entry_type(tar::EntryType::Link);
                    header.set_size(0);
                    archive.append_link(&mut header, path, link).unwrap();
                }
                None => {
                    header.set_size(u64::try_from(python.len()).unwrap());
                    archive.append_data(&mut header, path, &python[..]).unwrap();
                }
            }
        }
        archive.into_inner().unwrap()
    };
    let scan = |layers: &[Vec<u8>]| {
        let mut scanner = Scanner::new();
        for layer in layers {
            let digest = Digest::sha256(layer);
            scanner.layer(&digest, &mut layer.as_slice()).unwrap();
        }
        scanner.finish()
    };
    let linked = layer(&[(own, None), (cached, Some(own))]);
    let inventory = scan(&[linked]);
    assert_eq!(inventory.notes, []);
    let found = inventory.components[0].found.iter().map(|at| &*at.path);
    assert_eq!(found.collect::<Vec<_>>(), [own, cached]);
    // Where an upper layer deleted the one, the other is there and was not read.
    let upper = layer(&[("app/.wh.lib", None)]);
    let lower = layer(&[(own, None), (cached, Some(own))]);
    let inventory = scan(&[upper, lower]);
    assert_eq!(inventory.components, []);
    assert_eq!(
        noted(&inventory),
        [format!("{cached}: a hard link to what was not read")]
    );
    // A file that is read in one way says nothing of what it is when read in another.
    let [jar, status] = ["opt/a.jar", "var/lib/dpkg/status.d/a.jar"];
    let inventory = scan(&[layer(&[(status, None), (jar, Some(status))])]);
    assert_eq!(
        noted(&inventory),
        [format!("{jar}: a hard link to what was not read")]
    );
    // What has the same name in another layer is another file.
    let inventory = scan(&[layer(&[(own, None)]), layer(&[(cached, Some(own))])]);
    assert_eq!(inventory.notes.len(), 1);
}

fn noted(inventory: &Inventory) -> Vec<String> {
    let notes = inventory.notes.iter();
    notes
        .map(|n| format!("{}: {}", n.at.path, n.reason))
        .collect()
}

/// A link takes no room in the layer, and what it leads to might be named by many.
#[test]
fn links_do_not_multiply_packages_without_end() {
    let status: String = (0..1_000).map(|n| format!("P:a{n}\nV:1\n\n")).collect();
    let mut scanner = Scanner::new();
    let file = |path, link| File {
        path,
        size: u64::try_from(status.len()).unwrap(),
        executable: false,
        kind: if link { Kind::HardLink } else { Kind::File },
        link: link.then_some("lib/apk/db/installed"),
        only_name: false,
    };
    let first = file("lib/apk/db/installed", false);
    scanner.look(None, &first, &mut status.as_bytes()).unwrap();
    for _ in 0..1_500 {
        let other = file("usr/lib/apk/db/installed", true);
        scanner.look(None, &other, &mut io::empty()).unwrap();
    }
    assert_eq!(scanner.count, 1_501_000);
    assert!(!scanner.found.contains_key("usr/lib/apk/db/installed"));
}

#[test]
fn a_link_in_place_of_a_database_is_noted() {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, target) in [
        ("etc/os-release", "../usr/lib/os-release"),
        ("var/lib/dpkg/status", "/srv/status"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, path, target).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    archive
        .append_data(&mut header, "srv/status", io::empty())
        .unwrap();
    let layer = archive.into_inner().unwrap();
    let mut scanner = Scanner::new();
    let digest = Digest::sha256(&layer);
    scanner.layer(&digest, &mut layer.as_slice()).unwrap();
    let notes = scanner.finish().notes;
    let notes = notes.iter().map(|n| format!("{}: {}", n.at.path, n.reason));
    assert_eq!(
        notes.collect::<Vec<_>>(),
        ["var/lib/dpkg/status: a link, which is not followed"]
    );
}

/// The last one of a path is it, of whatever it says.
#[test]
fn the_last_entry_of_a_path_counts() {
    let inventory = inventory(&[
        ("etc/os-release", "ID=debian\n"),
        ("etc/os-release", "ID=alpine\n"),
        ("lib/apk/db/installed", "P:a\nV:1\n"),
        ("lib/apk/db/installed", "P:b\nV:1\n"),
    ]);
    let purls: Vec<_> = inventory.components.iter().map(|c| &*c.purl).collect();
    assert_eq!(purls, ["pkg:apk/alpine/b@1?distro=alpine"]);
}

/// Somebody's name in Latin-1, and the mark that some editors put before a text.
#[test]
fn what_is_not_quite_utf8_is_read() {
    let mut scanner = Scanner::new();
    for (path, bytes) in [
        ("lib/apk/db/installed", &b"P:a\nV:1\nm:Andr\xe9\n"[..]),
        (
            "var/lib/dpkg/status",
            b"Package: b\nVersion: 1\nMaintainer: \xe9\n",
        ),
        (
            "x/site-packages/c.egg-info",
            b"Name: c\nVersion: 1\nAuthor: \xe9\n",
        ),
        ("x/c.egg/EGG-INFO/PKG-INFO", b"Name: d\nVersion: 1\n"),
        (
            "node_modules/e/package.json",
            b"\xef\xbb\xbf{\"name\": \"e\", \"version\": \"1\"}",
        ),
    ] {
        let size = u64::try_from(bytes.len()).unwrap();
        scanner.file(path, size, false, &mut &*bytes).unwrap();
    }
    let inventory = scanner.finish();
    assert_eq!(inventory.notes, []);
    let purls: Vec<_> = inventory.components.iter().map(|c| &*c.purl).collect();
    assert_eq!(
        purls,
        [
            "pkg:apk/alpine/a@1",
            "pkg:deb/debian/b@1",
            "pkg:npm/e@1",
            "pkg:pypi/c@1",
            "pkg:pypi/d@1"
        ]
    );
}

#[test]
fn one_package_in_two_places_is_one_component() {
    let manifest = r#"{"name": "a", "version": "1"}"#;
    let inventory = inventory(&[
        ("y/node_modules/a/package.json", manifest),
        ("x/node_modules/a/package.json", manifest),
    ]);
    let [one] = inventory.components.as_slice() else {
        panic!("{inventory:?}");
    };
    let paths: Vec<_> = one.found.iter().map(|at| at.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "x/node_modules/a/package.json",
            "y/node_modules/a/package.json"
        ]
    );
}

#[test]
fn a_program_that_is_cut_short_is_noted() {
    let mut scanner = Scanner::new();
    let mut bytes = &b"\x7fELF\x02\x01\x01"[..];
    scanner.file("usr/bin/x", 7, true, &mut bytes).unwrap();
    let mut script = &b"#!/bin/sh\n"[..];
    scanner.file("usr/bin/y", 10, true, &mut script).unwrap();
    // However large, what is no program is none.
    let large = limits::PROGRAM_BYTES + 1;
    let mut weights = &b"GGUF"[..];
    scanner
        .file("m/weights", large, true, &mut weights)
        .unwrap();
    let notes = scanner.finish().notes;
    let paths: Vec<_> = notes.iter().map(|note| note.at.path.as_str()).collect();
    assert_eq!(paths, ["usr/bin/x"]);
    assert_eq!(golang::read(b"\x7fELF"), Ok(Vec::new()));
}

#[test]
fn a_go_list_is_read_with_its_replacements() {
    let list = "path\texample.com/app\nmod\texample.com/app\t(devel)\t\n\
                dep\tgithub.com/a/b\tv1.2.3\th1:x=\ndep\tgithub.com/c/d\tv1.0.0\n\
                =>\tgithub.com/fork/d\tv1.0.1\th1:y=\ndep\tk8s.io/api\tv0.0.0\n\
                =>\t./staging/api\t(devel)\nbuild\t-compiler=gc\n";
    let names: Vec<_> = golang::listed(list)
        .into_iter()
        .map(|p| format!("{} {}", p.name, p.version))
        .collect();
    assert_eq!(
        names,
        [
            "example.com/app ",
            "github.com/a/b v1.2.3",
            "github.com/fork/d v1.0.1",
            "k8s.io/api "
        ]
    );
}

#[test]
fn build_information_is_text_between_marks_that_are_none() {
    let list = "path\texample.com/app\ndep\tgithub.com/a/b\tv1.2.3\th1:x=\n";
    let mark = [0xff_u8; 16];
    let mut section = b"\xff Go buildinf:\x08\x02".to_vec();
    section.resize(32, 0);
    section.push(6);
    section.extend(b"go1.22");
    section.push(u8::try_from(list.len() + 32).unwrap());
    section.extend([&mark[..], list.as_bytes(), &mark[..]].concat());
    let names = |section: &[u8]| {
        golang::information(section, &|_, _| None).map(|packages| {
            let each = packages.into_iter();
            each.map(|p| format!("{} {}", p.name, p.version))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        names(&section).unwrap(),
        ["stdlib 1.22", "github.com/a/b v1.2.3"]
    );
    section.pop();
    assert_eq!(
        names(&section),
        Err("its build information is cut short".to_owned())
    );
    assert_eq!(
        names(&section[..14]),
        Err("its build information is cut short".to_owned())
    );
    // What says that the strings are elsewhere, where nothing is.
    section[15] = 0;
    assert_eq!(
        names(&section),
        Err("its build information is cut short".to_owned())
    );
}

/// Go before 1.18 gives the addresses of two strings, in the order of the machine's
/// bytes.
#[test]
fn build_information_of_older_programs_is_elsewhere_in_them() {
    let list = [&[0; 16][..], b"dep\tgithub.com/a/b\tv1.2.3\n", &[0; 16]].concat();
    for big in [false, true] {
        let word = |value: usize| {
            let value = u32::try_from(value).unwrap();
            match big {
                true => value.to_be_bytes(),
                false => value.to_le_bytes(),
            }
        };
        // At 0 the headers of the strings, at 16 and 32 their bytes.
        let mut memory = [word(16), word(6), word(32), word(list.len())].concat();
        memory.extend_from_slice(b"go1.16");
        memory.resize(32, 0);
        memory.extend_from_slice(&list);
        let at = |address: u64, size: u64| {
            let start = usize::try_from(address).ok()?;
            memory.get(start..start.checked_add(usize::try_from(size).ok()?)?)
        };
        let mut section = b"\xff Go buildinf:\x04".to_vec();
        section.push(u8::from(big));
        section.extend([word(0), word(8)].concat());
        let found = golang::information(&section, &at).unwrap();
        let found = found.iter().map(|p| format!("{} {}", p.name, p.version));
        assert_eq!(
            found.collect::<Vec<_>>(),
            ["stdlib 1.16", "github.com/a/b v1.2.3"]
        );
        section[14] = 3;
        assert_eq!(
            golang::information(&section, &at),
            Err("its build information is cut short".to_owned())
        );
    }
}

/// A program that is deleted under one of its names is there under the other.
#[test]
fn another_name_of_a_program_is_noted_where_it_is_the_only_one() {
    let entry = |archive: &mut tar::Builder<Vec<u8>>, path: &str, kind: tar::EntryType| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_entry_type(kind);
        header.set_size(0);
        match kind {
            tar::EntryType::Link => archive.append_link(&mut header, path, "bin/a"),
            _ => archive.append_data(&mut header, path, io::empty()),
        }
        .unwrap();
    };
    let layer = |entries: &[(&str, tar::EntryType)]| {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, kind) in entries {
            entry(&mut archive, path, *kind);
        }
        archive.into_inner().unwrap()
    };
    let notes = |layers: &[Vec<u8>]| {
        let mut scanner = Scanner::new();
        for layer in layers {
            let digest = Digest::sha256(layer);
            scanner.layer(&digest, &mut layer.as_slice()).unwrap();
        }
        let notes = scanner.finish().notes.into_iter();
        notes
            .map(|n| format!("{}: {}", n.at.path, n.reason))
            .collect::<Vec<_>>()
    };
    let (file, link) = (tar::EntryType::Regular, tar::EntryType::Link);
    let lower = layer(&[("bin/a", file), ("bin/b", link)]);
    assert_eq!(notes(std::slice::from_ref(&lower)), Vec::<String>::new());
    for upper in ["bin/.wh.a", "bin/a"] {
        assert_eq!(
            notes(&[layer(&[(upper, file)]), lower.clone()]),
            ["bin/b: a hard link to what was not read"],
            "{upper}"
        );
    }
    let mut sparse = tar::Builder::new(Vec::new());
    let holes = [("GNU.sparse.major", &b"1"[..])];
    sparse.append_pax_extensions(holes).unwrap();
    entry(&mut sparse, "bin/c", file);
    let sparse = sparse.into_inner().unwrap();
    assert_eq!(
        notes(&[sparse]),
        ["bin/c: a sparse file, which is not read"]
    );
}
