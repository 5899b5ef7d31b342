//! One layer while it is written.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use waxseal_oci::{Algorithm, Hasher};

use super::Compression;

/// A layer that files are put into.
pub(super) struct Layer {
    archive: Builder<Plain>,
    entries: usize,
}

/// A layer as it is stored.
pub(super) struct Done {
    pub(super) stored: Vec<u8>,
    pub(super) plain: u64,
    pub(super) diff_id: String,
    pub(super) entries: usize,
}

impl Layer {
    pub(super) fn new(compression: Compression) -> Self {
        let encoder = match compression {
            Compression::Gzip => {
                Encoder::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(6)))
            }
            Compression::Zstd => Encoder::Zstd(zstd::Encoder::new(Vec::new(), 3).expect("zstd")),
        };
        let plain = Plain {
            encoder,
            hasher: Hasher::new(Algorithm::Sha256),
            written: 0,
        };
        Self {
            archive: Builder::new(plain),
            entries: 0,
        }
    }

    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) {
        self.entry(path, bytes, 0o644);
    }

    pub(super) fn program(&mut self, path: &str, bytes: &[u8]) {
        self.entry(path, bytes, 0o755);
    }

    fn entry(&mut self, path: &str, bytes: &[u8], mode: u32) {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_size(u64::try_from(bytes.len()).expect("a length"));
        self.archive
            .append_data(&mut header, path, bytes)
            .expect("an entry");
        self.entries += 1;
    }

    pub(super) fn finish(self) -> Done {
        let plain = self.archive.into_inner().expect("an archive");
        let stored = match plain.encoder {
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        };
        Done {
            stored: stored.expect("a stream"),
            plain: plain.written,
            diff_id: plain.hasher.finish().to_string(),
            entries: self.entries,
        }
    }
}

/// The archive on its way, counted and hashed.
struct Plain {
    encoder: Encoder,
    hasher: Hasher,
    written: u64,
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::Encoder<'static, Vec<u8>>),
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            Encoder::Gzip(encoder) => encoder.write_all(bytes)?,
            Encoder::Zstd(encoder) => encoder.write_all(bytes)?,
        }
        self.hasher.update(bytes);
        self.written += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
