//! Layers as they are stored: gzip, zstd or plain, told by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use super::LayerError;
use crate::limits;

/// The decompressed bytes of a layer, counted.
pub(super) struct Plain<'a> {
    inner: Box<dyn Read + 'a>,
    taken: std::rc::Rc<std::cell::Cell<u64>>,
    produced: u64,
    most: u64,
    bomb: Option<u64>,
}

/// Opens a layer that may become at most so many bytes.
pub(super) fn open<'a>(compressed: &'a mut dyn Read, most: u64) -> Result<Plain<'a>, LayerError> {
    let taken = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = Counted {
        inner: compressed,
        taken: std::rc::Rc::clone(&taken),
    };
    let mut buffered = BufReader::with_capacity(BUFFER, counted);
    let start = buffered.fill_buf()?;
    let inner: Box<dyn Read + 'a> = if start.starts_with(&[0x1f, 0x8b]) {
        // Some tools write a layer as several members.
        Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
    } else if is_zstd(start) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered)?;
        // 128 MiB, as the tool's own default.
        decoder.window_log_max(27)?;
        Box::new(decoder)
    } else {
        Box::new(buffered)
    };
    Ok(Plain {
        inner,
        taken,
        produced: 0,
        most,
        bomb: None,
    })
}

/// A frame, or one that is to be skipped, of which some tools put one first
/// (RFC 8878, 3.1.2).
fn is_zstd(start: &[u8]) -> bool {
    matches!(
        start,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
    )
}

/// What became of a layer.
pub(super) struct Produced {
    pub(super) bytes: u64,
    /// How many bytes it may have at most, where it has more.
    pub(super) bomb: Option<u64>,
}

impl Plain<'_> {
    pub(super) fn produced(&self) -> Produced {
        Produced {
            bytes: self.produced,
            bomb: self.bomb,
        }
    }
}

impl Read for Plain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.produced += u64::try_from(read).unwrap_or(u64::MAX);
        let by_ratio = self.taken.get().saturating_mul(limits::RATIO);
        let most = self.most.min(by_ratio.max(limits::RATIO_FROM));
        if self.produced > most {
            self.bomb = Some(most);
            return Err(io::Error::other("it decompresses to too much"));
        }
        Ok(read)
    }
}

struct Counted<'a> {
    inner: &'a mut dyn Read,
    taken: std::rc::Rc<std::cell::Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        self.taken.set(self.taken.get().saturating_add(more));
        Ok(read)
    }
}

/// No mapping of its own (see `ahead`).
const BUFFER: usize = 64 * 1024;
