//! What refers to a manifest (distribution-spec 1.1, "Listing Referrers" and
//! "Referrers Tag Schema").

use std::collections::HashSet;

use http::header::{ACCEPT, CONTENT_TYPE, LINK};
use http::{HeaderValue, Method, StatusCode};
use url::Url;
use waxseal_oci::{
    Descriptor, Digest, Document, Repository, limits::MANIFEST_BYTES, media, referrers_tag,
};

use crate::answer::Answer;
use crate::client::Client;
use crate::origin::same_origin;
use crate::request::{Ask, shown};
use crate::{Error, Found, Referrers, ReferrersVia, limits};

impl Client {
    pub(crate) async fn list_referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Referrers, Error> {
        match self.list_by_api(repository, digest, artifact_type).await? {
            Found::Present(entries) => Ok(Referrers::new(entries, ReferrersVia::Api)),
            Found::Absent => {
                let mut list = self.list_by_tag(repository, digest).await?;
                list.entries.retain(|entry| may_be(entry, artifact_type));
                Ok(list)
            }
        }
    }

    /// Absent means that there is no API: 404, or one of the other answers of
    /// registries that do not know the path. A registry that limits the rate,
    /// forbids or fails has not said that there is none.
    async fn list_by_api(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Found<Vec<Descriptor>>, Error> {
        let wire = self.wire();
        let what = format!("the referrers of {}", repository.at(digest));
        let path = format!("referrers/{digest}");
        let mut ask = Ask::new(wire, Method::GET, repository, &path, what.clone())?;
        if let Some(kind) = artifact_type {
            ask = ask.query("artifactType", kind);
        }
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for page in 0..limits::REFERRER_PAGES {
            let asked = ask.header(ACCEPT, INDEX).expect(MANIFEST_BYTES);
            let answer = wire.send(asked).await?;
            match answer.status() {
                StatusCode::OK if is_page_for_people(&answer) && page == 0 => {
                    return Ok(Found::Absent);
                }
                StatusCode::OK => {}
                status if page == 0 && NO_SUCH_PATH.contains(&status) => {
                    answer.drain().await;
                    return Ok(Found::Absent);
                }
                _ => return Err(answer.refuse().await),
            }
            let filtered = answer
                .header("oci-filters-applied")
                .is_some_and(|f| f.split(',').any(|f| f.trim() == "artifactType"));
            let next = next_page(&answer)?;
            let bytes = answer.bytes(MANIFEST_BYTES).await?;
            let index = match Document::parse(&bytes, Some(media::OCI_INDEX)) {
                Ok(Document::Index(index)) => index,
                Ok(_) => return Err(Error::NotReferrers { what }),
                Err(reason) => return Err(Error::Document { what, reason }),
            };
            for entry in index.manifests {
                if (filtered || may_be(&entry, artifact_type)) && seen.insert(entry.digest.clone())
                {
                    entries.push(entry);
                }
                if entries.len() > limits::REFERRER_ENTRIES {
                    return Err(Error::TooManyEntries {
                        what,
                        limit: limits::REFERRER_ENTRIES,
                    });
                }
            }
            match next {
                Some(url) => ask = Ask::to(Method::GET, repository, url, what.clone()),
                None => return Ok(Found::Present(entries)),
            }
        }
        Err(Error::TooManyPages {
            what,
            limit: limits::REFERRER_PAGES,
        })
    }

    pub(crate) async fn list_by_tag(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Referrers, Error> {
        let tag = referrers_tag(digest);
        let Found::Present(manifest) = self.fetch_manifest_by_tag(repository, &tag).await? else {
            return Ok(Referrers::new(Vec::new(), ReferrersVia::Nothing));
        };
        let Document::Index(index) = manifest.document()? else {
            return Err(Error::NotReferrers {
                what: format!("{repository}:{tag}"),
            });
        };
        let mut seen = HashSet::new();
        let entries = index
            .manifests
            .into_iter()
            .filter(|e| seen.insert(e.digest.clone()))
            .collect();
        Ok(Referrers::new(entries, ReferrersVia::FallbackTag))
    }
}

/// Whether an entry may be of the wanted type. cosign 3.1.1 lists a bundle
/// under the type of its empty configuration: such an entry says nothing.
pub(crate) fn may_be(entry: &Descriptor, wanted: Option<&str>) -> bool {
    match (entry.artifact_type.as_deref(), wanted) {
        (_, None) | (None | Some(media::OCI_EMPTY), _) => true,
        (Some(labelled), Some(wanted)) => labelled == wanted,
    }
}

/// Where the next page is (RFC 8288, `rel="next"`). It has to be where this
/// one was: a list does not go on elsewhere.
fn next_page(answer: &Answer) -> Result<Option<Url>, Error> {
    let refuse = |reason: String| Error::Answer {
        what: answer.what().to_owned(),
        reason,
    };
    for value in answer.headers().get_all(LINK) {
        let text = value
            .to_str()
            .map_err(|_| refuse("`Link` is not text".to_owned()))?;
        let Some(target) = next_link(text) else {
            continue;
        };
        let url = answer
            .url()
            .join(target)
            .map_err(|e| refuse(format!("the next page is at `{target}`: {e}")))?;
        if !same_origin(&url, answer.url()) {
            return Err(refuse(format!(
                "the next page is on another host: {}",
                shown(&url)
            )));
        }
        return Ok(Some(url));
    }
    Ok(None)
}

/// The target of the link with `rel=next` in one `Link` header.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        // Parameters end where the next link begins.
        let (parameters, following) = match after.find('<') {
            Some(at) => after.split_at(at),
            None => (after, ""),
        };
        let next = parameters.split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else {
                return false;
            };
            let relations = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations
                    .split_ascii_whitespace()
                    .any(|r| r.eq_ignore_ascii_case("next"))
        });
        if next {
            return Some(target);
        }
        rest = following;
    }
}

/// Whether a web page came, as it does where a path leads to a web site.
fn is_page_for_people(answer: &Answer) -> bool {
    answer
        .header(CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("text/html"))
}

/// What registries without the API answer. The specification has 404; the
/// others are what some of them say to any path that they do not know.
const NO_SUCH_PATH: [StatusCode; 4] = [
    StatusCode::NOT_FOUND,
    StatusCode::BAD_REQUEST,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
];

const INDEX: HeaderValue = HeaderValue::from_static(media::OCI_INDEX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        assert_eq!(
            next_link(r#"</v2/a/referrers/x?n=2>; rel="next""#),
            Some("/v2/a/referrers/x?n=2")
        );
        assert_eq!(next_link("</p2>;rel=next"), Some("/p2"));
        assert_eq!(
            next_link(r#"</p0>; rel="prev", </p2>; title="a, b"; REL="NEXT""#),
            Some("/p2")
        );
        assert_eq!(next_link(r#"</p0>; rel="prev""#), None);
        assert_eq!(next_link("nonsense"), None);
        assert_eq!(next_link("<unclosed; rel=next"), None);
    }

    #[test]
    fn keeps_what_is_labelled_wrongly() {
        let mut entry = Descriptor::of(media::OCI_MANIFEST, b"x");
        let wanted = Some(media::SIGSTORE_BUNDLE_V03);
        assert!(may_be(&entry, wanted));
        entry.artifact_type = Some(media::OCI_EMPTY.into());
        assert!(may_be(&entry, wanted));
        entry.artifact_type = Some(media::NOTATION_SIGNATURE.into());
        assert!(!may_be(&entry, wanted));
        assert!(may_be(&entry, None));
    }
}
