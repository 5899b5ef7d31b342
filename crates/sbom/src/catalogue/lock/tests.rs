use super::*;

fn found(lock: Lock, text: &str) -> Vec<String> {
    let packages = read(lock, text).unwrap();
    assert!(packages.iter().all(|p| p.declared && p.ecosystem.is_some()));
    let each = packages.iter().map(|p| format!("{} {}", p.name, p.version));
    each.collect()
}

#[test]
fn cargo_without_the_members_of_the_workspace() {
    let lock = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"serde\"]\n\
        [[package]]\nname = \"serde\"\nversion = \"1.0.200\"\n\
        source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"00\"\n";
    assert_eq!(found(Lock::Cargo, lock), ["serde 1.0.200"]);
    assert_eq!(
        read(Lock::Cargo, "package = 1"),
        Err("not a Cargo.lock: invalid type: integer `1`, expected a sequence".to_owned())
    );
}

#[test]
fn npm_of_every_version() {
    let newer = r#"{"lockfileVersion": 3, "packages": {
        "": {"name": "app", "version": "1.0.0"},
        "packages/member": {"version": "2.0.0"},
        "node_modules/member": {"link": true, "resolved": "packages/member"},
        "node_modules/a": {"version": "1.2.3", "license": "MIT"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0"},
        "node_modules/alias": {"name": "real", "version": "3.0.0"}}}"#;
    assert_eq!(
        found(Lock::Npm, newer),
        ["a 1.2.3", "@s/b 2.0.0", "real 3.0.0"]
    );
    let older = r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.2.3", "dependencies": {"@s/b": {"version": "2.0.0"}}},
        "alias": {"version": "npm:@s/real@3.0.0"},
        "from-git": {"version": "git+ssh://git@example.com/x.git#abc"}}}"#;
    assert_eq!(
        found(Lock::Npm, older),
        ["a 1.2.3", "@s/b 2.0.0", "@s/real 3.0.0", "from-git "]
    );
}

#[test]
fn yarn_of_both_forms() {
    let first = "# yarn lockfile v1\n\n\n\"@s/b@^2.0.0\", \"@s/b@^2.1.0\":\n  version \"2.1.0\"\n  \
        resolved \"https://example.com/b.tgz#00\"\n  dependencies:\n    version \"^9\"\n\n\
        a@^1.0.0:\n  version \"1.2.3\"\n\n\"alias@npm:real@^3.0.0\":\n  version \"3.0.0\"\n";
    assert_eq!(
        found(Lock::Yarn, first),
        ["@s/b 2.1.0", "a 1.2.3", "real 3.0.0"]
    );
    let later = "__metadata:\n  version: 8\n  cacheKey: 10\n\n\"@s/b@npm:^2.0.0\":\n  version: 2.1.0\n  \
        resolution: \"@s/b@npm:2.1.0\"\n  languageName: node\n\n\"app@workspace:.\":\n  \
        version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n\n\
        \"t@patch:t@npm%3A5.0.0#x\":\n  version: 5.0.0\n  resolution: \"t@patch:t@npm%3A5.0.0#x::version=5.0.0\"\n";
    assert_eq!(found(Lock::Yarn, later), ["@s/b 2.1.0", "t 5.0.0"]);
}

#[test]
fn pnpm_of_every_form() {
    let lock = "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n\npackages:\n\n  \
        '@s/b@2.0.0':\n    resolution: {integrity: sha512-x}\n\n  a@1.2.3(c@1.0.0):\n    dev: true\n\n  \
        /d@4.0.0:\n    dev: true\n\n  /@s/e/5.0.0_c@1.0.0:\n    dev: true\n\n  \
        file:../here:\n    dev: true\n\nsnapshots:\n\n  a@1.2.3(c@1.0.0): {}\n";
    let mut names = found(Lock::Pnpm, lock);
    names.sort();
    assert_eq!(names, ["@s/b 2.0.0", "@s/e 5.0.0", "a 1.2.3", "d 4.0.0"]);
    assert_eq!(
        found(Lock::Pnpm, "lockfileVersion: '9.0'\n"),
        Vec::<String>::new()
    );
    let bomb = "a: &a [x, x]\npackages:\n  b: *a\n";
    assert!(
        read(Lock::Pnpm, bomb)
            .unwrap_err()
            .starts_with("not a pnpm-lock.yaml: ")
    );
}

#[test]
fn archives_have_the_hashes_that_the_lock_file_gives() {
    let sha512 =
        "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
    let npm = format!(
        r#"{{"packages": {{"node_modules/a": {{"version": "1", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= sha512-{sha512}"}}}}}}"#
    );
    let older = format!(
        r#"{{"dependencies": {{"a": {{"version": "1", "integrity": "sha512-{sha512}"}}}}}}"#
    );
    let yarn = format!("a@^1:\n  version \"1\"\n  integrity sha512-{sha512}\n");
    let pnpm = format!("packages:\n  a@1:\n    resolution: {{integrity: sha512-{sha512}}}\n");
    let empty = Digest::from_hex(
        Algorithm::Sha512,
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    );
    for (lock, text) in [
        (Lock::Npm, npm),
        (Lock::Npm, older),
        (Lock::Yarn, yarn),
        (Lock::Pnpm, pnpm),
    ] {
        let packages = read(lock, &text).unwrap();
        assert_eq!(packages[0].hashes, [empty.clone().unwrap()], "{lock:?}");
    }
    let checksum = Digest::sha256(b"");
    let cargo = format!(
        "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"x\"\nchecksum = \"{}\"\n",
        checksum.hex()
    );
    assert_eq!(read(Lock::Cargo, &cargo).unwrap()[0].hashes, [checksum]);
}

#[test]
fn python_of_every_tool() {
    let poetry = "[[package]]\nname = \"Flask\"\nversion = \"3.0.0\"\n\n\
        [[package]]\nname = \"here\"\nversion = \"0\"\n[package.source]\ntype = \"directory\"\nurl = \"../here\"\n";
    assert_eq!(found(Lock::PythonToml, poetry), ["Flask 3.0.0"]);
    let uv = "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\
        [[package]]\nname = \"idna\"\nversion = \"3.6\"\nsource = { registry = \"https://example.com\" }\n";
    assert_eq!(found(Lock::PythonToml, uv), ["idna 3.6"]);
    let pep751 = "lock-version = \"1.0\"\n[[packages]]\nname = \"attrs\"\nversion = \"25.1.0\"\n\
        [[packages]]\nname = \"here\"\ndirectory = { path = \".\" }\n";
    assert_eq!(found(Lock::PythonToml, pep751), ["attrs 25.1.0"]);
    let pipfile = r#"{"_meta": {"hash": {"sha256": "00"}}, "default": {"six": {"version": "==1.16.0"},
        "git": {"ref": "x"}}, "develop": {"pytest": {"version": "==8.0.0"}}}"#;
    assert_eq!(
        found(Lock::Pipfile, pipfile),
        ["six 1.16.0", "pytest 8.0.0"]
    );
    let requirements = "# a comment\n-r other.txt\nflask==3.0.0 ; python_version > '3' \\\n    --hash=sha256:00\n\
        requests[socks] == 2.31.0 # why\nurllib3>=1\nstar==1.*\nlocal===1.0+x --hash=sha256:00\nhttps://example.com/a==1.whl\n";
    assert_eq!(
        found(Lock::Requirements, requirements),
        ["flask 3.0.0", "requests 2.31.0", "local 1.0+x"]
    );
}

#[test]
fn gems_and_composer() {
    let gems = "PATH\n  remote: .\n  specs:\n    app (0.1.0)\n\nGEM\n  remote: https://example.com/\n  specs:\n    \
        nokogiri (1.16.0-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.7.3)\n\nPLATFORMS\n  ruby\n\n\
        DEPENDENCIES\n  nokogiri\n\nBUNDLED WITH\n   2.5.0\n";
    assert_eq!(
        found(Lock::Gemfile, gems),
        ["nokogiri 1.16.0", "racc 1.7.3"]
    );
    let composer = r#"{"packages": [{"name": "a/b", "version": "1.0", "license": ["MIT"]}],
        "packages-dev": [{"name": "c/d", "version": "2.0"}]}"#;
    assert_eq!(found(Lock::Composer, composer), ["a/b 1.0", "c/d 2.0"]);
}

#[test]
fn go_with_what_is_replaced() {
    let modules = "module example.com/app\n\ngo 1.22\n\nrequire example.com/a v1.0.0 // indirect\nrequire (\n\t\
        example.com/b v1.1.0\n\texample.com/c v1.2.0\n\texample.com/d v1.3.0\n)\n\
        replace example.com/b => example.com/fork v1.1.1\nreplace (\n\texample.com/c v1.2.0 => ../c\n\t\
        example.com/d v9.9.9 => example.com/no v1.0.0\n)\nexclude example.com/a v0.9.0\n";
    assert_eq!(
        found(Lock::GoMod, modules),
        [
            "example.com/a v1.0.0",
            "example.com/fork v1.1.1",
            "example.com/c ",
            "example.com/d v1.3.0"
        ]
    );
    let sums = "example.com/a v1.0.0 h1:x=\nexample.com/a v1.0.0/go.mod h1:y=\nexample.com/z v0.1.0/go.mod h1:z=\n";
    assert_eq!(found(Lock::GoSum, sums), ["example.com/a v1.0.0"]);
}

#[test]
fn what_came_with_a_dependency_decides_nothing() {
    for (path, lock) in [
        ("app/Cargo.lock", Some(Lock::Cargo)),
        ("srv/requirements-dev.txt", Some(Lock::Requirements)),
        ("app/node_modules/x/yarn.lock", None),
        ("root/.cargo/registry/src/x-1/Cargo.lock", None),
        ("go/pkg/mod/example.com/a@v1/go.mod", None),
        ("usr/lib/python3/dist-packages/x/requirements.txt", None),
        ("app/Cargo.toml", None),
    ] {
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(Lock::of(path, name), lock, "{path}");
    }
}
