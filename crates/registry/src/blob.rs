//! Blobs (distribution-spec 1.1, "Pulling blobs", "Pushing blobs").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use waxseal_oci::{Descriptor, Digest, Repository};

use crate::answer::Answer;
use crate::client::Client;
use crate::request::Ask;
use crate::stream::len;
use crate::{BlobStream, Error};

impl Client {
    pub(crate) async fn fetch_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        max: u64,
    ) -> Result<Bytes, Error> {
        let what = what(repository, &descriptor.digest);
        if descriptor.size > max {
            return Err(Error::TooLarge { what, limit: max });
        }
        if let Some(bytes) = known(descriptor) {
            return Ok(bytes);
        }
        if let Some(cache) = self.cache()
            && let Some(bytes) = cache.get(&descriptor.digest, descriptor.size).await
        {
            return Ok(bytes);
        }
        let answer = self.ask_blob(repository, descriptor, what.clone()).await?;
        let bytes = answer
            .bytes(descriptor.size)
            .await
            .map_err(|error| match error {
                Error::TooLarge { what, limit } => Error::SizeMismatch {
                    what,
                    wanted: limit,
                    found: limit.saturating_add(1),
                },
                other => other,
            })?;
        check(what, descriptor, &bytes)?;
        if let Some(cache) = self.cache() {
            cache.put(&descriptor.digest, &bytes).await;
        }
        Ok(bytes)
    }

    pub(crate) async fn stream_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<BlobStream, Error> {
        let what = what(repository, &descriptor.digest);
        let mut answer = self.ask_blob(repository, descriptor, what.clone()).await?;
        // Whoever reads a stream may have to write before it goes on.
        answer.release();
        let chunks = futures_util::stream::unfold(Some(answer), |answer| async move {
            let mut answer = answer?;
            match answer.chunk().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(answer))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(BlobStream::checked(what, descriptor, chunks))
    }

    async fn ask_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        what: String,
    ) -> Result<Answer, Error> {
        let wire = self.wire();
        let path = format!("blobs/{}", descriptor.digest);
        let ask = Ask::new(wire, Method::GET, repository, &path, what)?.expect(descriptor.size);
        let answer = wire.send(ask).await?;
        if answer.status() != StatusCode::OK {
            return Err(answer.refuse().await);
        }
        match answer.announced() {
            Some(found) if found != descriptor.size => Err(Error::SizeMismatch {
                what: answer.what().to_owned(),
                wanted: descriptor.size,
                found,
            }),
            _ => Ok(answer),
        }
    }

    /// Whether the repository has a blob.
    ///
    /// # Errors
    /// Where it could not be told.
    pub async fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, Error> {
        let wire = self.wire();
        let what = what(repository, digest);
        let ask = Ask::new(
            wire,
            Method::HEAD,
            repository,
            &format!("blobs/{digest}"),
            what,
        )?;
        let answer = wire.send(ask.before_writing()).await?;
        match answer.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.refuse().await),
        }
    }
}

/// Checks that bytes are what a descriptor says.
pub(crate) fn check(what: String, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Error> {
    let found = len(bytes);
    if found != descriptor.size {
        return Err(Error::SizeMismatch {
            what,
            wanted: descriptor.size,
            found,
        });
    }
    let found = Digest::of(descriptor.digest.algorithm(), bytes);
    if found != descriptor.digest {
        return Err(Error::DigestMismatch {
            what,
            wanted: descriptor.digest.clone(),
            found,
        });
    }
    Ok(())
}

/// Content that needs no request: the empty object, and what stands in the
/// descriptor itself (image-spec 1.1, `data`), if it is what the digest names.
pub(crate) fn known(descriptor: &Descriptor) -> Option<Bytes> {
    let matches = |bytes: &[u8]| len(bytes) == descriptor.size && descriptor.digest.matches(bytes);
    if descriptor.size == 2 && matches(EMPTY) {
        return Some(Bytes::from_static(EMPTY));
    }
    let embedded = STANDARD.decode(descriptor.data.as_ref()?).ok()?;
    matches(&embedded).then(|| embedded.into())
}

pub(crate) fn what(repository: &Repository, digest: &Digest) -> String {
    format!("the blob {}", repository.at(digest))
}

const EMPTY: &[u8] = b"{}";
