//! Pushing blobs (distribution-spec 1.1, "Pushing blobs").

use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use url::Url;
use waxseal_oci::{Descriptor, Digest, Repository};

use crate::answer::Answer;
use crate::blob::{check, known, what};
use crate::client::Client;
use crate::request::Ask;
use crate::retry::Schedule;
use crate::stream::len;
use crate::{BlobStream, Error};

impl Client {
    /// Pushes a blob unless it is there.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] and [`Error::DigestMismatch`] where the bytes
    /// are not what the descriptor says; else where the registry does not take it.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        bytes: Bytes,
    ) -> Result<(), Error> {
        check(what(repository, &descriptor.digest), descriptor, &bytes)?;
        // Asking first costs a request, sending what is there already costs its
        // length; a tiny blob that others may have pushed is worth asking for.
        let shared = known(descriptor).is_some();
        if (shared || descriptor.size >= ASK_FIRST)
            && self.has_blob(repository, &descriptor.digest).await?
        {
            return Ok(());
        }
        self.upload(repository, &descriptor.digest, bytes).await
    }

    /// Pushes a blob that is known not to be there.
    pub(crate) async fn upload(
        &self,
        repository: &Repository,
        digest: &Digest,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let mut schedule = Schedule::default();
        loop {
            let session = self.begin_upload(repository, digest).await?;
            let outcome = self
                .finish_upload(repository, digest, session, &bytes)
                .await;
            // A session may not survive a failure: the next attempt begins anew.
            let wait = match &outcome {
                Err(Error::RateLimited { retry_after, .. }) => *retry_after,
                Err(Error::Server { .. }) => None,
                Err(Error::Status { status, .. }) if CHUNKS_INSTEAD.contains(status) => {
                    let session = self.begin_upload(repository, digest).await?;
                    return self
                        .upload_chunks(repository, digest, session, &bytes)
                        .await;
                }
                _ => return outcome,
            };
            let pace = self.pace();
            match schedule.next(wait, pace.random()) {
                Some(wait) => pace.sleep(wait).await,
                None => return outcome,
            }
        }
    }

    pub(crate) async fn begin_upload(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Url, Error> {
        let wire = self.wire();
        let what = what(repository, digest);
        let ask = Ask::new(wire, Method::POST, repository, "blobs/uploads/", what)?;
        let answer = wire.send(ask).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Err(answer.refuse().await);
        }
        let session = location(&answer)?;
        answer.drain().await;
        Ok(session)
    }

    async fn finish_upload(
        &self,
        repository: &Repository,
        digest: &Digest,
        mut session: Url,
        bytes: &Bytes,
    ) -> Result<(), Error> {
        session
            .query_pairs_mut()
            .append_pair("digest", digest.as_str());
        let ask = Ask::to(Method::PUT, repository, session, what(repository, digest))
            .header(CONTENT_TYPE, OCTETS)
            .body(bytes.clone())
            .once();
        let answer = self.wire().send(ask).await?;
        match answer.status() {
            // 201 by the specification; the others are met.
            StatusCode::CREATED
            | StatusCode::OK
            | StatusCode::ACCEPTED
            | StatusCode::NO_CONTENT => {
                answer.drain().await;
                Ok(())
            }
            _ => Err(answer.refuse().await),
        }
    }

    /// For registries that do not take a blob in one piece.
    async fn upload_chunks(
        &self,
        repository: &Repository,
        digest: &Digest,
        mut session: Url,
        bytes: &Bytes,
    ) -> Result<(), Error> {
        let mut rest = bytes.clone();
        let mut start = 0_u64;
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(CHUNK));
            session = self
                .upload_chunk(repository, digest, session, start, chunk.clone())
                .await?;
            start = start.saturating_add(len(&chunk));
        }
        self.finish_upload(repository, digest, session, &Bytes::new())
            .await
    }

    /// Sends the next chunk of an upload; returns where the one after it goes.
    pub(crate) async fn upload_chunk(
        &self,
        repository: &Repository,
        digest: &Digest,
        session: Url,
        start: u64,
        chunk: Bytes,
    ) -> Result<Url, Error> {
        let end = start.saturating_add(len(&chunk)).saturating_sub(1);
        let what = what(repository, digest);
        let range = HeaderValue::try_from(format!("{start}-{end}")).map_err(|e| Error::Answer {
            what: what.clone(),
            reason: e.to_string(),
        })?;
        let ask = Ask::to(Method::PATCH, repository, session, what)
            .header(CONTENT_TYPE, OCTETS)
            .header(CONTENT_RANGE, range)
            .body(chunk)
            .once();
        let answer = self.wire().send(ask).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Err(answer.refuse().await);
        }
        let session = location(&answer)?;
        answer.drain().await;
        Ok(session)
    }

    /// Pushes a blob of any size without holding it: chunk by chunk, closed
    /// only if the stream turns out to be what it should be.
    pub(crate) async fn push_stream(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        mut content: BlobStream,
    ) -> Result<(), Error> {
        let digest = &descriptor.digest;
        let mut session = self.begin_upload(repository, digest).await?;
        let mut start = 0_u64;
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            let next = content.next().await?;
            if let Some(chunk) = &next {
                buffer.extend_from_slice(chunk);
            }
            if buffer.len() >= CHUNK || (next.is_none() && !buffer.is_empty()) {
                let chunk = Bytes::from(std::mem::replace(&mut buffer, Vec::with_capacity(CHUNK)));
                let length = len(&chunk);
                session = self
                    .upload_chunk(repository, digest, session, start, chunk)
                    .await?;
                start = start.saturating_add(length);
            }
            if next.is_none() {
                break;
            }
        }
        self.finish_upload(repository, digest, session, &Bytes::new())
            .await
    }
}

/// Where an upload goes on (absolute or relative to the request).
fn location(answer: &Answer) -> Result<Url, Error> {
    let refuse = |reason: String| Error::Answer {
        what: answer.what().to_owned(),
        reason,
    };
    let text = answer
        .header(LOCATION.as_str())
        .ok_or_else(|| refuse("it does not say where to upload".to_owned()))?;
    answer
        .url()
        .join(text)
        .map_err(|e| refuse(format!("the upload goes to `{text}`: {e}")))
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const ASK_FIRST: u64 = 64 * 1024;
const CHUNK: usize = 8 * 1024 * 1024;

/// What registries answer that take chunks only.
const CHUNKS_INSTEAD: [u16; 5] = [404, 405, 411, 413, 415];
