//! Manifests and indexes (distribution-spec 1.1, "Pulling manifests", "Pushing
//! manifests").

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderValue, Method, StatusCode};
use waxseal_oci::{Descriptor, Digest, Reference, Repository, limits::MANIFEST_BYTES};

use crate::answer::Answer;
use crate::client::{Client, PushedManifest};
use crate::request::Ask;
use crate::{Error, Found, RawManifest};

impl Client {
    /// The media type, digest and size of what a reference names now: one HEAD
    /// request, also where the reference has a digest.
    ///
    /// Only a claim of the registry until the content has been read.
    ///
    /// # Errors
    /// Where it could not be told.
    pub async fn describe(&self, reference: &Reference) -> Result<Found<Descriptor>, Error> {
        let repository = reference.repository();
        let name = name_of(reference);
        let what = format!("the manifest {reference}");
        let answer = self
            .ask_manifest(Method::HEAD, repository, &name, what, false)
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Found::Absent);
        }
        if answer.status() == StatusCode::OK {
            let digest = announced_digest(&answer)?;
            if let (Some(wanted), Some(found)) = (reference.digest(), &digest)
                && wanted.algorithm() == found.algorithm()
                && wanted != found
            {
                return Err(Error::DigestMismatch {
                    what: answer.what().to_owned(),
                    wanted: wanted.clone(),
                    found: found.clone(),
                });
            }
            let digest = reference.digest().cloned().or(digest);
            let size = answer.announced().filter(|size| *size > 0);
            if let (Some(digest), Some(size), Some(kind)) = (digest, size, content_type(&answer)) {
                return Ok(Found::Present(Descriptor::new(kind, digest, size)));
            }
        } else if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
            return Err(answer.refuse().await);
        }
        // The registry does not do HEAD, or not fully: what GET brings is hashed.
        answer.drain().await;
        let manifest = match reference.digest() {
            Some(digest) => self.fetch_manifest(repository, digest).await?,
            None => self.fetch_manifest_by_tag(repository, &name).await?,
        };
        Ok(manifest.map(|m| m.descriptor()))
    }

    pub(crate) async fn fetch_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        if let Some(cache) = self.cache()
            && let Some((media_type, bytes)) = cache.manifest(digest).await
        {
            return Ok(Found::Present(RawManifest {
                bytes,
                media_type,
                digest: digest.clone(),
            }));
        }
        let found = self.fetch_manifest_anew(repository, digest).await?;
        if let (Some(cache), Found::Present(manifest)) = (self.cache(), &found) {
            cache.keep_manifest(manifest).await;
        }
        Ok(found)
    }

    /// As [`Client::fetch_manifest`], from the registry and nowhere else.
    pub(crate) async fn fetch_manifest_anew(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found<RawManifest>, Error> {
        let what = format!("the manifest {}", repository.at(digest));
        let answer = self
            .ask_manifest(Method::GET, repository, digest.as_str(), what, false)
            .await?;
        let found = read_manifest(answer, Some(digest)).await?;
        Ok(found.map(|(manifest, _)| manifest))
    }

    pub(crate) async fn fetch_manifest_by_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Found<RawManifest>, Error> {
        let what = format!("the manifest {repository}:{tag}");
        let answer = self
            .ask_manifest(Method::GET, repository, tag, what, false)
            .await?;
        Ok(read_manifest(answer, None)
            .await?
            .map(|(manifest, _)| manifest))
    }

    /// As [`Client::fetch_manifest_by_tag`], by someone who is about to replace
    /// it: with the entity tag that the replacement can name.
    pub(crate) async fn fetch_for_writing(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Found<(RawManifest, Option<HeaderValue>)>, Error> {
        let what = format!("the manifest {repository}:{tag}");
        let answer = self
            .ask_manifest(Method::GET, repository, tag, what, true)
            .await?;
        read_manifest(answer, None).await
    }

    /// The digest that a tag names now, by someone who is about to write.
    pub(crate) async fn peek_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Found<Digest>, Error> {
        let what = format!("the manifest {repository}:{tag}");
        let answer = self
            .ask_manifest(Method::HEAD, repository, tag, what, true)
            .await?;
        match answer.status() {
            StatusCode::NOT_FOUND => return Ok(Found::Absent),
            StatusCode::OK => {
                if let Some(digest) = announced_digest(&answer)? {
                    return Ok(Found::Present(digest));
                }
            }
            StatusCode::METHOD_NOT_ALLOWED => {}
            _ => return Err(answer.refuse().await),
        }
        answer.drain().await;
        Ok(self
            .fetch_for_writing(repository, tag)
            .await?
            .map(|(manifest, _)| manifest.digest))
    }

    async fn ask_manifest(
        &self,
        method: Method,
        repository: &Repository,
        name: &str,
        what: String,
        writing: bool,
    ) -> Result<Answer, Error> {
        let wire = self.wire();
        let ask = Ask::new(wire, method, repository, &format!("manifests/{name}"), what)?
            .header(ACCEPT, HeaderValue::from_static(ACCEPTED))
            .expect(MANIFEST_BYTES);
        wire.send(if writing { ask.before_writing() } else { ask })
            .await
    }

    /// Pushes a manifest, under a tag if one is given. Its blobs have to be there.
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<PushedManifest, Error> {
        self.put_manifest(self.ask_put(repository, manifest, tag)?, manifest)
            .await
    }

    /// Puts a manifest under a tag once, whatever comes of it. Where the entity
    /// tag of the version that it replaces is known, only over that one, if the
    /// registry knows conditions (RFC 9110 §13.1.1; most do not look).
    ///
    /// # Errors
    /// [`Error::Status`] with 412 where the condition did not hold.
    pub(crate) async fn replace_tag(
        &self,
        repository: &Repository,
        tag: &str,
        manifest: &RawManifest,
        replaces: Option<HeaderValue>,
    ) -> Result<(), Error> {
        let mut ask = self.ask_put(repository, manifest, Some(tag))?.once();
        if let Some(version) = replaces {
            ask = ask.header(IF_MATCH, version);
        }
        self.put_manifest(ask, manifest).await.map(|_| ())
    }

    fn ask_put<'a>(
        &self,
        repository: &'a Repository,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<Ask<'a>, Error> {
        let name = tag.unwrap_or(manifest.digest.as_str());
        let what = match tag {
            Some(tag) => format!("the manifest {repository}:{tag}"),
            None => format!("the manifest {}", repository.at(&manifest.digest)),
        };
        let kind = HeaderValue::try_from(&manifest.media_type).map_err(|_| Error::Answer {
            what: what.clone(),
            reason: "its media type cannot stand in a header".into(),
        })?;
        let path = format!("manifests/{name}");
        Ok(Ask::new(self.wire(), Method::PUT, repository, &path, what)?
            .header(CONTENT_TYPE, kind)
            .body(manifest.bytes.clone()))
    }

    async fn put_manifest(
        &self,
        ask: Ask<'_>,
        manifest: &RawManifest,
    ) -> Result<PushedManifest, Error> {
        let answer = self.wire().send(ask).await?;
        if !matches!(
            answer.status(),
            StatusCode::CREATED | StatusCode::OK | StatusCode::ACCEPTED
        ) {
            return Err(answer.refuse().await);
        }
        if let Some(found) = announced_digest(&answer)?
            && found.algorithm() == manifest.digest.algorithm()
            && found != manifest.digest
        {
            return Err(Error::DigestMismatch {
                what: answer.what().to_owned(),
                wanted: manifest.digest.clone(),
                found,
            });
        }
        let subject_seen = answer.header("oci-subject").is_some();
        answer.drain().await;
        Ok(PushedManifest {
            digest: manifest.digest.clone(),
            subject_seen,
        })
    }
}

/// Reads a manifest out of an answer and holds it against every digest that is
/// known for it: the one it was asked for by and the one the registry claims.
async fn read_manifest(
    answer: Answer,
    wanted: Option<&Digest>,
) -> Result<Found<(RawManifest, Option<HeaderValue>)>, Error> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => {
            answer.drain().await;
            return Ok(Found::Absent);
        }
        _ => return Err(answer.refuse().await),
    }
    let what = answer.what().to_owned();
    let media_type = content_type(&answer).unwrap_or_default();
    let claimed = announced_digest(&answer)?;
    let version = answer.headers().get(ETAG).cloned();
    let bytes: Bytes = answer.bytes(MANIFEST_BYTES).await?;
    let algorithm = wanted
        .or(claimed.as_ref())
        .map_or(waxseal_oci::Algorithm::Sha256, Digest::algorithm);
    let digest = Digest::of(algorithm, &bytes);
    for named in [wanted, claimed.as_ref()].into_iter().flatten() {
        if !named.matches(&bytes) {
            let wanted = named.clone();
            return Err(Error::DigestMismatch {
                what,
                wanted,
                found: Digest::of(named.algorithm(), &bytes),
            });
        }
    }
    Ok(Found::Present((
        RawManifest {
            bytes,
            media_type,
            digest,
        },
        version,
    )))
}

/// The digest that the registry says the content has.
fn announced_digest(answer: &Answer) -> Result<Option<Digest>, Error> {
    answer
        .header("docker-content-digest")
        .map(|text| {
            text.parse().map_err(|e| Error::Answer {
                what: answer.what().to_owned(),
                reason: format!("in `Docker-Content-Digest`: {e}"),
            })
        })
        .transpose()
}

/// The media type without its parameters.
fn content_type(answer: &Answer) -> Option<String> {
    let text = answer.header(CONTENT_TYPE.as_str())?;
    let bare = text.split(';').next().unwrap_or(text).trim();
    (!bare.is_empty()).then(|| bare.to_owned())
}

fn name_of(reference: &Reference) -> String {
    let digest = reference.digest().map(|d| d.as_str().to_owned());
    digest
        .or_else(|| reference.tag().map(str::to_owned))
        .unwrap_or_else(|| "latest".to_owned())
}

/// What `media::ACCEPT_MANIFESTS` holds, as one header.
const ACCEPTED: &str = concat!(
    "application/vnd.oci.image.manifest.v1+json, ",
    "application/vnd.oci.image.index.v1+json, ",
    "application/vnd.docker.distribution.manifest.v2+json, ",
    "application/vnd.docker.distribution.manifest.list.v2+json"
);

#[cfg(test)]
mod tests {
    use waxseal_oci::media;

    use super::*;

    #[test]
    fn accepts_every_kind_of_manifest() {
        assert_eq!(ACCEPTED, media::ACCEPT_MANIFESTS.join(", "));
    }
}
