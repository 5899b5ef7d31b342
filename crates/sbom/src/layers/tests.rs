use std::io::Write as _;

use tar::{Builder, EntryType, Header};

use super::*;

/// The files that are shown, with the layer that has them and their content.
#[derive(Default)]
struct Seen {
    files: Vec<String>,
    odd: Vec<String>,
}

impl Visitor for Seen {
    fn file(&mut self, file: &File<'_>, content: &mut dyn Read) -> io::Result<()> {
        let mut text = String::new();
        content.read_to_string(&mut text)?;
        if file.kind == Kind::File {
            self.files.push(format!("{}={text}", file.path));
        }
        Ok(())
    }

    fn odd(&mut self, path: &str, reason: String) {
        self.odd.push(format!("{path}: {reason}"));
    }
}

fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(u64::try_from(size).unwrap());
    header.set_mode(0o644);
    header
}

/// A layer with these files; a path that ends in a slash is a folder, and a
/// content that begins with `->` a link.
fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, content) in files {
        let link = content.strip_prefix("->");
        let kind = match link {
            Some(_) => EntryType::Symlink,
            None if path.ends_with('/') => EntryType::Directory,
            None => EntryType::Regular,
        };
        let bytes = link.map_or(content.as_bytes(), |_| b"");
        let mut header = header(kind, bytes.len());
        if let Some(target) = link {
            header.set_link_name(target).unwrap();
        }
        // The builder refuses what an attacker would write.
        if path.contains("..") || path.starts_with('/') {
            let name = &mut header.as_old_mut().name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        } else {
            archive.append_data(&mut header, path, bytes).unwrap();
        }
    }
    archive.into_inner().unwrap()
}

/// What is left of layers, the uppermost first.
fn walk(layers: &[&[u8]]) -> Result<Seen, LayerError> {
    let (mut walk, mut seen) = (Walk::default(), Seen::default());
    for layer in layers {
        walk.layer(&mut &layer[..], &mut seen)?;
    }
    Ok(seen)
}

fn files(layers: &[&[(&str, &str)]]) -> Vec<String> {
    let layers: Vec<Vec<u8>> = layers.iter().map(|files| layer(files)).collect();
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    walk(&layers).unwrap().files
}

#[test]
fn the_upper_layer_hides_the_lower_one() {
    assert_eq!(
        files(&[&[("a", "new")], &[("./a", "old"), ("b", "b")]]),
        ["a=new", "b=b"]
    );
    // A file in place of a folder, and a link in place of one.
    assert_eq!(files(&[&[("d", "file")], &[("d/a", "1")]]), ["d=file"]);
    assert_eq!(
        files(&[&[("d", "->e")], &[("d/a", "1"), ("e/a", "2")]]),
        ["e/a=2"]
    );
    // A folder hides a file, and merges with a folder.
    assert_eq!(
        files(&[&[("d/", ""), ("d/b", "2")], &[("d/a", "1")]]),
        ["d/b=2", "d/a=1"]
    );
    assert_eq!(
        files(&[&[("d/", ""), ("d/b", "2")], &[("d", "file"), ("e", "3")]]),
        ["d/b=2", "e=3"]
    );
}

/// A device that nobody may make is left out by some, and the file is there.
#[test]
fn a_device_hides_nothing() {
    let mut archive = Builder::new(Vec::new());
    let mut device = header(EntryType::Char, 0);
    archive.append_data(&mut device, "d/a", &b""[..]).unwrap();
    let upper = archive.into_inner().unwrap();
    let lower = layer(&[("d/a", "1")]);
    assert_eq!(walk(&[&upper, &lower]).unwrap().files, ["d/a=1"]);
}

#[test]
fn whiteouts_delete_below_and_not_in_their_own_layer() {
    let lower: &[(&str, &str)] = &[("d/a", "1"), ("d/b/c", "2"), ("e", "3")];
    assert_eq!(files(&[&[("d/.wh.a", "")], lower]), ["d/b/c=2", "e=3"]);
    assert_eq!(files(&[&[(".wh.d", "")], lower]), ["e=3"]);
    assert_eq!(
        files(&[&[("d/new", "n"), ("d/.wh..wh..opq", "")], lower]),
        ["d/new=n", "e=3"]
    );
    assert_eq!(
        files(&[&[(".wh..wh..opq", "")], lower]),
        Vec::<String>::new()
    );
    // Deleted and made again in one layer.
    assert_eq!(
        files(&[&[("d/a", "new"), ("d/.wh.a", "")], lower]),
        ["d/a=new", "d/b/c=2", "e=3"]
    );
    // What a middle layer deletes, the uppermost has again.
    assert_eq!(
        files(&[&[("e", "top")], &[(".wh.e", "")], lower]),
        ["e=top", "d/a=1", "d/b/c=2"]
    );
    // Names that are reserved mean nothing.
    assert_eq!(
        files(&[&[(".wh..wh.plnk", "x"), (".wh.", "")], &[("a", "1")]]),
        ["a=1"]
    );
}

#[test]
fn compressed_layers_are_told_by_their_bytes() {
    let plain = layer(&[("a", "1")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    // A frame that is to be skipped stands before.
    let mut skipped = vec![0x5e, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    skipped.extend_from_slice(&zstd);
    for layer in [&plain, &gzip, &zstd, &skipped] {
        assert_eq!(walk(&[layer]).unwrap().files, ["a=1"]);
    }
    // Two members, as pigz and eStargz write them.
    let (first, second) = plain.split_at(300);
    let mut members = Vec::new();
    for part in [first, second] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(part).unwrap();
        members.extend(gzip.finish().unwrap());
    }
    assert_eq!(walk(&[&members]).unwrap().files, ["a=1"]);
}

#[test]
fn long_names_are_read_in_both_forms() {
    let long = "a/".repeat(120) + "file";
    assert_eq!(files(&[&[(&long, "1")]]), [format!("{long}=1")]);
    let mut archive = Builder::new(Vec::new());
    archive
        .append_pax_extensions([("path", long.as_bytes())])
        .unwrap();
    let mut one = header(EntryType::Regular, 1);
    archive.append_data(&mut one, "short", &b"1"[..]).unwrap();
    let pax = archive.into_inner().unwrap();
    assert_eq!(walk(&[&pax]).unwrap().files, [format!("{long}=1")]);
}

#[test]
fn what_leads_out_of_the_image_is_told_and_not_shown() {
    let hostile = layer(&[("../a", "1"), ("b/../../c", "2"), ("/etc/d", "3")]);
    let seen = walk(&[&hostile]).unwrap();
    assert_eq!(seen.files, ["etc/d=3"]);
    assert_eq!(
        seen.odd,
        [
            "../a: its path leads out of the image",
            "b/../../c: its path leads out of the image"
        ]
    );
}

#[test]
fn a_path_has_so_many_folders() {
    let deep = |folders: usize| "a/".repeat(folders) + "b";
    let seen = walk(&[&layer(&[(&deep(256), "1"), (&deep(257), "2")])]).unwrap();
    assert_eq!(seen.files, [format!("{}=1", deep(256))]);
    assert_eq!(
        seen.odd,
        [format!("{}: its path has too many folders", deep(257))]
    );
}

#[test]
fn headers_have_a_limit_and_one_meaning() {
    let mut archive = Builder::new(Vec::new());
    let name = vec![b'a'; 2 * 1024 * 1024];
    let mut long = header(EntryType::GNULongName, name.len());
    long.set_cksum();
    archive.append(&long, name.as_slice()).unwrap();
    let bytes = archive.into_inner().unwrap();
    assert_eq!(
        walk(&[&bytes]).map(|s| s.files).map_err(|e| e.to_string()),
        Err("an entry has a name or attributes of a megabyte".to_owned())
    );
    let mut archive = Builder::new(Vec::new());
    archive
        .append_pax_extensions([("size", &b"512"[..])])
        .unwrap();
    let mut one = header(EntryType::Regular, 1);
    archive.append_data(&mut one, "a", &b"1"[..]).unwrap();
    let bytes = archive.into_inner().unwrap();
    assert_eq!(
        walk(&[&bytes]).map(|s| s.files).map_err(|e| e.to_string()),
        Err("an entry has its size in an attribute".to_owned())
    );
}

/// A block of attributes as they stand there, a file, and another.
fn with_attributes(blocks: &[&[u8]], then: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for block in blocks {
        let mut attributes = header(EntryType::XHeader, block.len());
        attributes.set_cksum();
        archive.append(&attributes, *block).unwrap();
    }
    then(&mut archive);
    archive.into_inner().unwrap()
}

fn one(archive: &mut Builder<Vec<u8>>, path: &str) {
    let mut one = header(EntryType::Regular, 1);
    archive.append_data(&mut one, path, &b"1"[..]).unwrap();
}

fn refused(layer: &[u8]) -> String {
    match walk(&[layer]) {
        Ok(seen) => panic!("{:?}", seen.files),
        Err(error) => error.to_string(),
    }
}

#[test]
fn attributes_may_have_lines_in_them_and_may_be_empty() {
    let lines = b"35 SCHILY.xattr.user.a=x\n9 path=e\n\n".as_slice();
    let layer = with_attributes(&[lines], |archive| one(archive, "a"));
    assert_eq!(walk(&[&layer]).unwrap().files, ["a=1"]);
    // Nothing is what the header itself says.
    let layer = with_attributes(&[b"8 path=\n"], |archive| one(archive, "a"));
    assert_eq!(walk(&[&layer]).unwrap().files, ["a=1"]);
    for broken in ["9 path=a", "99 path=a\n", "x path=a\n", "8 pathab\n", "\n"] {
        let layer = with_attributes(&[broken.as_bytes()], |archive| one(archive, "a"));
        assert_eq!(
            refused(&layer),
            "an entry has attributes in no form that is known",
            "{broken:?}"
        );
    }
}

/// Tools differ in which of two they take.
#[test]
fn what_is_said_twice_is_refused() {
    let layer = with_attributes(&[b"9 path=a\n", b"9 path=b\n"], |archive| one(archive, "c"));
    assert_eq!(refused(&layer), "an entry has two headers of attributes");
    let long = "a/".repeat(120);
    let layer = with_attributes(&[b"9 path=b\n"], |archive| one(archive, &long));
    assert_eq!(refused(&layer), "an entry has its name twice");
    let layer = with_attributes(&[], |archive| {
        for _ in 0..2 {
            let mut name = header(EntryType::GNULongName, 2);
            name.set_cksum();
            archive.append(&name, &b"a\0"[..]).unwrap();
        }
        one(archive, "c");
    });
    assert_eq!(refused(&layer), "an entry has two long names");
}

/// Some tools skip as many bytes as a folder says that it has, and others read
/// the next header there: `hidden` is there for one of them alone.
#[test]
fn what_is_no_file_has_no_size() {
    for kind in [
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
    ] {
        let mut hidden = Builder::new(Vec::new());
        one(&mut hidden, "hidden");
        let hidden = hidden.into_inner().unwrap();
        let mut archive = Builder::new(Vec::new());
        let mut folder = header(kind, 1024);
        archive
            .append_data(&mut folder, "a", &hidden[..1024])
            .unwrap();
        let layer = archive.into_inner().unwrap();
        assert_eq!(
            refused(&layer),
            "an entry that is no file has a size",
            "{kind:?}"
        );
    }
}

/// GNU tar's later form gives a made up path beside the name.
#[test]
fn files_with_holes_have_their_own_names() {
    struct Sparse(Vec<String>);
    impl Visitor for Sparse {
        fn file(&mut self, file: &File<'_>, _: &mut dyn Read) -> io::Result<()> {
            assert_eq!(file.kind, Kind::Sparse);
            self.0.push(file.path.to_owned());
            Ok(())
        }

        fn odd(&mut self, _: &str, _: String) {}
    }
    let attributes = b"22 GNU.sparse.major=1\n23 GNU.sparse.name=a/b\n".as_slice();
    let later = with_attributes(&[attributes], |archive| one(archive, "GNUSparseFile.1/b"));
    let mut seen = Sparse(Vec::new());
    Walk::default()
        .layer(&mut later.as_slice(), &mut seen)
        .unwrap();
    assert_eq!(seen.0, ["a/b"]);
    let mut older = header(EntryType::GNUSparse, 1);
    older.as_gnu_mut().unwrap().isextended = [1];
    let mut archive = Builder::new(Vec::new());
    archive.append_data(&mut older, "a", &b"1"[..]).unwrap();
    assert_eq!(
        refused(&archive.into_inner().unwrap()),
        "an entry is a sparse file of more parts than its header holds"
    );
}

#[test]
fn a_bomb_is_stopped_and_a_cut_layer_is_an_error() {
    let zeros = vec![0_u8; 1024 * 1024];
    let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..300 {
        packed.write_all(&zeros).unwrap();
    }
    let bomb = packed.finish().unwrap();
    assert_eq!(
        walk(&[&bomb]).map(|s| s.files).map_err(|e| e.to_string()),
        Err("it decompresses to more than 268435456 bytes".to_owned())
    );
    let whole = layer(&[("a", &"x".repeat(2000))]);
    assert!(walk(&[&whole[..1000]]).is_err());
    assert!(walk(&[&b"not an archive at all, and far too short"[..]]).is_err());
}
