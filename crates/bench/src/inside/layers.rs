//! What has to be done to the layers of an image before anything can be found in
//! them: they are read from their files and decompressed, and nobody looks at
//! what comes out. With `digests`, what is stored is hashed as well, which
//! everybody must who does not trust where it came from.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use waxseal_oci::{Algorithm, Hasher};

pub(super) fn run(folder: &str, what: &str) {
    let is_hashed = match what {
        "digests" => true,
        "plain" => false,
        _ => panic!("what is {what}?"),
    };
    let mut bytes = 0;
    for path in crate::sbom::layers(Path::new(folder)) {
        let stored = Stored {
            file: File::open(&path).expect("a layer"),
            hasher: is_hashed.then(|| Hasher::new(Algorithm::Sha256)),
        };
        let mut stored = BufReader::with_capacity(CHUNK, stored);
        let start = stored.fill_buf().expect("a layer");
        bytes += if start.starts_with(&[0x1f, 0x8b]) {
            drain(MultiGzDecoder::new(stored))
        } else {
            drain(zstd::Decoder::with_buffer(stored).expect("zstd"))
        };
    }
    assert!(bytes > 0, "there is nothing in it");
}

fn drain(mut plain: impl Read) -> u64 {
    let mut chunk = vec![0; CHUNK];
    let mut all = 0;
    loop {
        match plain.read(&mut chunk).expect("it decompresses") {
            0 => return all,
            read => all += u64::try_from(read).expect("a length"),
        }
    }
}

struct Stored {
    file: File,
    hasher: Option<Hasher>,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// As ours.
const CHUNK: usize = 64 * 1024;
