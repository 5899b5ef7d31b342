//! Our SBOMs beside what the tools of each ecosystem say of the same root
//! filesystem: dpkg, rpm, pip, npm, go and cargo. A line passes where neither
//! side has a package that the other does not. Then both documents of each root
//! are read by tools of others, and written twice.
//!
//! `.ci/sbom-peers` makes the roots of real packages; `just sbom-truth` makes
//! them and prints the table. No peer is at hand for apk, Ruby, PHP, .NET and
//! rpm's ndb: what is shown of those, the tests of the crate show.

#![expect(
    clippy::print_stdout,
    reason = "the table is the product of this program"
)]
#![expect(
    clippy::expect_used,
    reason = "a driver of outside programs that cannot go on has failed"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a member that is not there reads as null"
)]

mod ours;
mod readers;
#[path = "../../table.rs"]
mod table;
mod truth;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::ours::{Named, Ours};
use crate::table::{Outcome, Table};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("the workspace");
    let peers = Peers {
        folder: root.join(".peers/sbom"),
        pins: root.join(".ci/sbom"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let ours = Ours::new(&root, folder.path());
    let mut table = Table::new(words);
    ecosystems(&peers, &ours, &mut table);
    for name in ROOTS {
        readers::lines(&peers, &ours, name, &mut table);
    }
    if table.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Where everything is.
struct Peers {
    folder: PathBuf,
    pins: PathBuf,
}

impl Peers {
    fn root(&self, name: &str) -> PathBuf {
        self.folder.join("roots").join(name)
    }
}

fn ecosystems(peers: &Peers, ours: &Ours, table: &mut Table) {
    let deb = peers.root("deb");
    let compare = |root: &Path, kind: &str, named: Named, theirs: truth::Packages| -> Outcome {
        same(&ours.packages(root, kind, named)?, &theirs?)
    };
    table.line("dpkg: `dpkg-query -W`", || {
        compare(&deb, "deb", Named::There, truth::dpkg(&deb))
    });
    table.line("dpkg, as a layer of an image: `dpkg-query -W`", || {
        let image = ours.image(&deb)?;
        compare(&image, "deb", Named::There, truth::dpkg(&deb))
    });
    table.line("Java: the paths of Debian's Maven repository", || {
        compare(&deb, "maven", Named::There, truth::maven(&deb))
    });
    for name in ["rpm-sqlite", "rpm-bdb"] {
        let root = peers.root(name);
        table.line(&format!("{name}: `rpm -qa`"), || {
            compare(&root, "rpm", Named::There, truth::rpm(peers, &root))
        });
    }
    let python = peers.root("python");
    table.line("Python: `pip list`", || {
        compare(&python, "pypi", Named::There, truth::pip(&python, "list"))
    });
    table.line("requirements.txt: `pip freeze`", || {
        compare(
            &python,
            "pypi",
            Named::Declared,
            truth::pip(&python, "freeze"),
        )
    });
    let js = peers.root("js");
    table.line("Node: `npm ls --all`", || {
        compare(&js, "npm", Named::There, truth::npm(&js.join("app"), &[]))
    });
    table.line(
        "package-lock.json: `npm ls --all --package-lock-only`",
        || {
            let theirs = truth::npm(&js.join("app"), &["--package-lock-only"]);
            compare(&js, "npm", Named::Declared, theirs)
        },
    );
    let go = peers.root("go");
    table.line("Go: `go version -m`", || {
        compare(&go, "golang", Named::There, truth::go_program(&go))
    });
    table.line("go.mod: `go mod edit -json`", || {
        compare(&go, "golang", Named::Declared, truth::go_mod(&go))
    });
    let rust = peers.root("rust");
    table.line("Rust: `cargo tree -e normal,no-proc-macro`", || {
        compare(&rust, "cargo", Named::There, truth::cargo_tree(peers))
    });
    table.line("Cargo.lock: `cargo metadata`", || {
        compare(&rust, "cargo", Named::Declared, truth::cargo_lock(peers))
    });
}

/// Whether two lists are the same, and not because both are empty.
fn same(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Outcome {
    let list = |side: &str, difference: Vec<&String>| {
        let names = difference
            .iter()
            .take(20)
            .map(|name| format!("\n{side} alone: {name}"));
        names.collect::<String>()
    };
    let mine = list("ours", ours.difference(theirs).collect());
    let other = list("theirs", theirs.difference(ours).collect());
    if theirs.is_empty() {
        return Err("the tool names nothing".to_owned());
    }
    if mine.is_empty() && other.is_empty() {
        println!("      {} packages, the same in both", ours.len());
        return Ok(());
    }
    Err(format!(
        "{} packages of ours, {} of theirs{mine}{other}",
        ours.len(),
        theirs.len()
    ))
}

const ROOTS: [&str; 7] = ["deb", "go", "js", "python", "rpm-bdb", "rpm-sqlite", "rust"];
