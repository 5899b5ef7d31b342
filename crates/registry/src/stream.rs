//! Content that is read as a stream and checked at its end.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use waxseal_oci::{Descriptor, Digest, Hasher};

use crate::Error;

/// The content of a descriptor, chunk by chunk.
///
/// Size and digest are checked when the last chunk has been read: until
/// [`BlobStream::next`] has returned `None`, nothing that came is certain.
pub struct BlobStream {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
    check: Option<Check>,
}

struct Check {
    what: String,
    hasher: Hasher,
    wanted: Digest,
    size: u64,
    read: u64,
}

impl BlobStream {
    /// Bytes that have been checked already.
    #[must_use]
    pub fn of(bytes: Bytes) -> Self {
        let chunks = Box::pin(futures_util::stream::once(async move { Ok(bytes) }));
        Self {
            chunks,
            check: None,
        }
    }

    /// Unchecked chunks that must turn out to be what `descriptor` names.
    #[must_use]
    pub fn checked(
        what: impl Into<String>,
        descriptor: &Descriptor,
        chunks: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) -> Self {
        let check = Check {
            what: what.into(),
            hasher: Hasher::new(descriptor.digest.algorithm()),
            wanted: descriptor.digest.clone(),
            size: descriptor.size,
            read: 0,
        };
        Self {
            chunks: Box::pin(chunks),
            check: Some(check),
        }
    }

    /// The next chunk; `None` once everything has been read and is right.
    ///
    /// # Errors
    /// Whatever the source says, [`Error::SizeMismatch`] as soon as there is
    /// too much, [`Error::DigestMismatch`] at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self.chunks.next().await {
            Some(chunk) => {
                let chunk = chunk?;
                if let Some(check) = &mut self.check {
                    check.take(&chunk)?;
                }
                Ok(Some(chunk))
            }
            None => match self.check.take() {
                Some(check) => check.finish().map(|()| None),
                None => Ok(None),
            },
        }
    }

    /// Everything, as one buffer of at most `max` bytes.
    ///
    /// # Errors
    /// As for [`BlobStream::next`], and [`Error::TooLarge`].
    pub async fn collect(mut self, max: u64) -> Result<Bytes, Error> {
        let what = self
            .check
            .as_ref()
            .map_or("the content", |c| &c.what)
            .to_owned();
        let mut whole = Vec::new();
        let mut read = 0_u64;
        while let Some(chunk) = self.next().await? {
            read = read.saturating_add(len(&chunk));
            if read > max {
                return Err(Error::TooLarge { what, limit: max });
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream").finish_non_exhaustive()
    }
}

impl Check {
    fn take(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.read = self.read.saturating_add(len(chunk));
        if self.read > self.size {
            return Err(self.wrong_size());
        }
        self.hasher.update(chunk);
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        if self.read != self.size {
            return Err(self.wrong_size());
        }
        let found = self.hasher.finish();
        if found != self.wanted {
            return Err(Error::DigestMismatch {
                what: self.what,
                wanted: self.wanted,
                found,
            });
        }
        Ok(())
    }

    fn wrong_size(&self) -> Error {
        Error::SizeMismatch {
            what: self.what.clone(),
            wanted: self.size,
            found: self.read,
        }
    }
}

/// A length as the width that sizes have everywhere.
pub(crate) fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
