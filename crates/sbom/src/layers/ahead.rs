//! A layer that is decompressed in a thread of its own, a little ahead of whoever
//! reads it: looking at files takes about as long as decompressing them.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::decompress::{self, Produced};
use super::{LayerError, fill};

/// Decompressed bytes, as many chunks as are handed over together; the last of all is
/// empty, or says why there are no more.
type Next = Vec<io::Result<Chunk>>;

/// Some decompressed bytes.
struct Chunk {
    /// Always of [`CHUNK`] bytes, of which the first count.
    bytes: Vec<u8>,
    length: usize,
}

/// Where decompressed bytes go.
pub(super) struct Source {
    chunks: SyncSender<Next>,
    /// Buffers that were read.
    spent: Receiver<Vec<u8>>,
}

/// Where they come from: to be read once, from the front.
///
/// It seeks forward alone, which is how the archive is told to pass over a file
/// without copying it.
pub(super) struct Ahead {
    chunks: Receiver<Next>,
    spent: Sender<Vec<u8>>,
    /// Chunks that were handed over and not looked at.
    waiting: std::vec::IntoIter<io::Result<Chunk>>,
    chunk: Chunk,
    taken: usize,
    position: u64,
    is_over: bool,
}

/// Both ends.
pub(super) fn pair() -> (Source, Ahead) {
    let (sender, chunks) = sync_channel(WAITING);
    let (spent, empty) = channel();
    let source = Source {
        chunks: sender,
        spent: empty,
    };
    let ahead = Ahead {
        chunks,
        spent,
        waiting: Vec::new().into_iter(),
        chunk: Chunk {
            bytes: Vec::new(),
            length: 0,
        },
        taken: 0,
        position: 0,
        is_over: false,
    };
    (source, ahead)
}

impl Source {
    /// Decompresses a layer that may become at most so many bytes, until it ends,
    /// cannot be read, or nobody reads on. The first two are told to who reads.
    pub(super) fn fill(self, compressed: &mut dyn Read, most: u64) -> Result<Produced, LayerError> {
        let mut plain = decompress::open(compressed, most)?;
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            let bytes = self.spent.try_recv();
            let mut bytes = bytes.unwrap_or_else(|_| vec![0; CHUNK]);
            let next = fill(&mut plain, &mut bytes).map(|length| Chunk { bytes, length });
            let is_last = !matches!(&next, Ok(chunk) if chunk.length > 0);
            together.push(next);
            if !is_last && together.len() < TOGETHER {
                continue;
            }
            let next = std::mem::replace(&mut together, Vec::with_capacity(TOGETHER));
            if self.chunks.send(next).is_err() || is_last {
                return Ok(plain.produced());
            }
        }
    }
}

impl Ahead {
    /// Reads the rest and looks at nothing.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            match self.fill_buf()?.len() {
                0 => return Ok(()),
                length => self.consume(length),
            }
        }
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.chunk.length && !self.is_over {
            let next = self.waiting.next().or_else(|| {
                self.waiting = self.chunks.recv().ok()?.into_iter();
                self.waiting.next()
            });
            // A sender that is gone without a last word has said why elsewhere.
            let next = next.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()));
            let next = next.inspect_err(|_| self.is_over = true)?;
            self.is_over = next.length == 0;
            let spent = std::mem::replace(&mut self.chunk, next);
            if !spent.bytes.is_empty() {
                // It is no loss where nobody wants it any more.
                let _ = self.spent.send(spent.bytes);
            }
            self.taken = 0;
        }
        let rest = self.chunk.bytes.get(self.taken..self.chunk.length);
        Ok(rest.unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken = self.taken.saturating_add(amount).min(self.chunk.length);
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(amount);
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut there = self.fill_buf()?;
        let read = there.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl Seek for Ahead {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut left = match to {
            SeekFrom::Current(by) => u64::try_from(by).ok(),
            SeekFrom::Start(at) => at.checked_sub(self.position),
            SeekFrom::End(_) => None,
        }
        .ok_or(io::ErrorKind::Unsupported)?;
        while left > 0 {
            let there = self.fill_buf()?.len();
            if there == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it ends within a file",
                ));
            }
            let step = there.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= u64::try_from(step).unwrap_or(left);
        }
        Ok(self.position)
    }
}

/// Bytes that are handed over at once. An allocation of 128 KiB and more is a mapping
/// of its own, 16 bytes behind the start of a page, and what AMD's processors copy to
/// there takes them up to four times as long.
const CHUNK: usize = 64 * 1024;
/// Chunks that are handed over together: who waits is woken, which takes a virtual machine
/// as long as decompressing one of them.
const TOGETHER: usize = 8;
/// How often so many may wait.
const WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Three buffers and a bit.
    fn content() -> Vec<u8> {
        (0..=250).cycle().take(3 * CHUNK + 7).collect()
    }

    /// Reads what a plain layer holds, and returns what became of it.
    fn with(
        layer: &[u8],
        most: u64,
        read: impl FnOnce(&mut Ahead),
    ) -> Result<Produced, LayerError> {
        let (source, mut ahead) = pair();
        thread::scope(|scope| {
            let filling = scope.spawn(move || source.fill(&mut &*layer, most));
            read(&mut ahead);
            drop(ahead);
            filling.join().unwrap()
        })
    }

    #[test]
    fn what_is_passed_over_is_gone_and_the_rest_is_as_it_was() {
        let layer = content();
        let produced = with(&layer, u64::MAX, |ahead| {
            let mut start = [0; 10];
            ahead.read_exact(&mut start).unwrap();
            assert_eq!(start, layer[..10]);
            let to = CHUNK + 3;
            let by = i64::try_from(to - 10).unwrap();
            assert_eq!(
                ahead.seek(SeekFrom::Current(by)).unwrap(),
                u64::try_from(to).unwrap()
            );
            let mut rest = Vec::new();
            ahead.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, layer[to..]);
            // It is over, however often it is asked.
            assert_eq!(ahead.read(&mut start).unwrap(), 0);
        });
        let produced = produced.unwrap();
        assert_eq!(produced.bytes, u64::try_from(layer.len()).unwrap());
        assert_eq!(produced.bomb, None);
    }

    #[test]
    fn it_seeks_neither_back_nor_past_its_end() {
        let layer = content();
        let produced = with(&layer, u64::MAX, |ahead| {
            ahead.read_exact(&mut [0; 10]).unwrap();
            for to in [SeekFrom::Current(-1), SeekFrom::Start(9), SeekFrom::End(0)] {
                let error = ahead.seek(to).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{to:?}");
            }
            let error = ahead.seek(SeekFrom::Current(1 << 40)).unwrap_err();
            assert_eq!(error.to_string(), "it ends within a file");
        });
        assert!(produced.is_ok());
    }

    #[test]
    fn who_stops_reading_leaves_nobody_waiting() {
        let layer = vec![0; 2 * WAITING * TOGETHER * CHUNK];
        let produced = with(&layer, u64::MAX, |ahead| {
            ahead.read_exact(&mut [0]).unwrap();
        });
        assert!(produced.unwrap().bytes < u64::try_from(layer.len()).unwrap());
    }

    #[test]
    fn what_is_wrong_with_it_is_told_to_who_reads() {
        let layer = content();
        let most = u64::try_from(CHUNK).unwrap();
        let produced = with(&layer, most, |ahead| {
            let error = ahead.drain().unwrap_err();
            assert_eq!(error.to_string(), "it decompresses to too much");
            // There is no more after that.
            assert_eq!(ahead.read(&mut [0]).unwrap(), 0);
        });
        assert_eq!(produced.unwrap().bomb, Some(most));
        // gzip that ends within its first block.
        let layer = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        let produced = with(&layer, u64::MAX, |ahead| {
            let error = ahead.drain().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        });
        assert_eq!(produced.unwrap().bytes, 0);
    }
}
