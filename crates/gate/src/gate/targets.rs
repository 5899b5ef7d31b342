//! Which images the evidence must be about.

use waxseal_oci::{Digest, Document, Platform};
use waxseal_policy::{Platforms, Via};
use waxseal_registry::{Found, Source};

use super::Verification;
use crate::ask::document;
use crate::{Fault, limits};

/// One thing that the evidence must be about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) subject: Digest,
    pub(super) via: Option<Via>,
    pub(super) platform: Option<Platform>,
}

impl Target {
    pub(super) fn whole(subject: &Digest) -> Self {
        Self {
            subject: subject.clone(),
            via: None,
            platform: None,
        }
    }
}

impl<S: Source> Verification<'_, S> {
    /// The images that evidence must be about.
    pub(super) async fn targets(
        &self,
        digest: &Digest,
        platforms: &Platforms,
    ) -> Result<Vec<Target>, Problem> {
        if *platforms == Platforms::Index {
            return Ok(vec![Target::whole(digest)]);
        }
        let Found::Present(raw) = self.asker.manifest(digest).await? else {
            return Err(Problem::NoImage);
        };
        let Document::Index(index) = document(&raw)? else {
            return Ok(vec![Target::whole(digest)]);
        };
        let mut targets = Vec::new();
        // What is not to be run (attestations of a build) calls itself unknown.
        let images = index
            .manifests
            .into_iter()
            .filter(|entry| entry.platform.as_ref().is_none_or(|p| p.os != "unknown"));
        match platforms {
            Platforms::Only(wanted) => {
                let via = Some(Via {
                    index: digest.clone(),
                });
                let images: Vec<_> = images.collect();
                for platform in wanted {
                    let before = targets.len();
                    for entry in &images {
                        let is = entry.platform.as_ref().filter(|p| p.satisfies(platform));
                        targets.extend(is.map(|is| Target {
                            subject: entry.digest.clone(),
                            via: via.clone(),
                            platform: Some(is.clone()),
                        }));
                    }
                    if targets.len() == before {
                        let reason = format!("the index {digest} has no image for {platform}");
                        return Err(Problem::Refused(reason));
                    }
                }
                targets.dedup();
            }
            _ => {
                targets.push(Target::whole(digest));
                targets.extend(images.map(|entry| Target {
                    subject: entry.digest,
                    via: None,
                    platform: entry.platform,
                }));
            }
        }
        if targets.len() > limits::PLATFORMS {
            let reason = format!(
                "the index {digest} has more than {} images to look at",
                limits::PLATFORMS
            );
            return Err(Problem::Refused(reason));
        }
        Ok(targets)
    }

    /// The index that the reference's tag names, where it lists `child`.
    pub(super) async fn index_by_tag(
        &self,
        child: &Digest,
    ) -> Result<Option<(Digest, Option<Platform>)>, Fault> {
        let named = self.image.digest() == Some(child);
        let Some(tagged) = self.image.without_digest().filter(|_| named) else {
            return Ok(None);
        };
        let Found::Present(index) = self.asker.resolve(&tagged).await? else {
            return Ok(None);
        };
        if index == *child {
            return Ok(None);
        }
        let Found::Present(raw) = self.asker.manifest(&index).await? else {
            return Ok(None);
        };
        let Document::Index(document) = document(&raw)? else {
            return Ok(None);
        };
        let entry = document.manifests.into_iter().find(|e| e.digest == *child);
        Ok(entry.map(|entry| (index, entry.platform)))
    }
}

/// Why there are no targets.
pub(super) enum Problem {
    Fault(Fault),
    NoImage,
    Refused(String),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
