//! What is signed, read as often as a signature needs it.

use std::io::{ErrorKind, Read, Seek};

use aws_lc_rs::digest::{Context, SHA256};
use waxseal_oci::{Algorithm, Digest};

use crate::SignError;

/// A message that a [`Signer`](crate::Signer) reads by pieces, so that signing
/// needs no memory for it.
pub trait Message {
    /// The SHA-256 of the message.
    ///
    /// # Errors
    /// [`SignError::Read`].
    fn sha256(&mut self) -> Result<[u8; 32], SignError> {
        let mut context = Context::new(&SHA256);
        self.read(&mut |piece| context.update(piece))?;
        Ok(fixed(&context.finish()))
    }

    /// Hands the whole message to `take`, from its beginning.
    ///
    /// # Errors
    /// [`SignError::Read`], or [`SignError::ReadOnce`] where it has been read
    /// before and cannot be read again.
    fn read(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), SignError>;
}

/// A message in memory, in one or more parts that follow one another.
#[derive(Debug)]
pub struct Parts<'a>(&'a [&'a [u8]]);

impl<'a> Parts<'a> {
    /// These parts, in this order.
    #[must_use]
    pub fn new(parts: &'a [&'a [u8]]) -> Self {
        Self(parts)
    }
}

impl Message for Parts<'_> {
    fn read(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), SignError> {
        self.0.iter().for_each(|part| take(part));
        Ok(())
    }
}

/// A message that comes from a file or a pipe, read in pieces; its SHA-256 is
/// computed once.
#[derive(Debug)]
pub struct Blob<R> {
    reader: R,
    /// How to begin again; a pipe cannot.
    rewind: Option<fn(&mut R) -> std::io::Result<()>>,
    untouched: bool,
    sha256: Option<[u8; 32]>,
}

impl<R: Read + Seek> Blob<R> {
    /// The whole of a file.
    pub fn file(file: R) -> Self {
        Self {
            reader: file,
            rewind: Some(R::rewind),
            untouched: true,
            sha256: None,
        }
    }
}

impl<R: Read> Blob<R> {
    /// What a pipe has left. It can be read once: enough for every key but Ed25519.
    pub fn pipe(reader: R) -> Self {
        Self {
            reader,
            rewind: None,
            untouched: true,
            sha256: None,
        }
    }
}

impl<R: Read> Blob<R> {
    /// The SHA-256 of the content, as a digest.
    ///
    /// # Errors
    /// [`SignError::Read`].
    pub fn digest(&mut self) -> Result<Digest, SignError> {
        let hex: String = self
            .sha256()?
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Digest::from_hex(Algorithm::Sha256, &hex).map_err(|e| SignError::Write {
            what: "digest",
            cause: e.to_string(),
        })
    }
}

impl<R: Read> Message for Blob<R> {
    fn sha256(&mut self) -> Result<[u8; 32], SignError> {
        if let Some(known) = self.sha256 {
            return Ok(known);
        }
        let mut context = Context::new(&SHA256);
        self.read(&mut |piece| context.update(piece))?;
        let digest = fixed(&context.finish());
        self.sha256 = Some(digest);
        Ok(digest)
    }

    fn read(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), SignError> {
        if !std::mem::take(&mut self.untouched) {
            let rewind = self.rewind.ok_or(SignError::ReadOnce)?;
            rewind(&mut self.reader).map_err(SignError::Read)?;
        }
        let mut buffer = vec![0; PIECE];
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => take(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(SignError::Read(error)),
            }
        }
    }
}

pub(crate) fn fixed(digest: &aws_lc_rs::digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    // SHA-256 is the only digest that comes here.
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}

/// What is read at a time: large enough that system calls cost nothing, small
/// enough to stay in the second-level cache, and for an allocation that is not a mapping
/// of its own: those begin 16 bytes behind the start of a page, and what the system
/// copies to there takes AMD's processors four times as long.
const PIECE: usize = 64 * 1024;
