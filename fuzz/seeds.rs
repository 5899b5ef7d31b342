//! Writes the files that the tests make into `corpus`, a folder a target.

#[path = "../crates/sbom/tests/it/fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use waxseal_fuzz::LOCKS;

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).expect("the folder of a target");
        fs::write(folder.join(name), bytes).expect("a seed");
    };
    for file in fixture::files::all() {
        let name = file.path.replace('/', "-");
        let last = file.path.rsplit('/').next().unwrap_or_default();
        match LOCKS.iter().position(|lock| *lock == last) {
            Some(kind) => {
                let kind = u8::try_from(kind).expect("few of them");
                write("lock", &name, &[&[kind], &file.bytes[..]].concat());
            }
            None => write(file.kind, &name, &file.bytes),
        }
    }
    for (n, layer) in fixture::files::layers().iter().enumerate() {
        write("layer", &n.to_string(), layer);
    }
}
