//! Which images the evidence must be about.

use std::collections::{HashSet, VecDeque};

use waxseal_oci::{Digest, Document, Index, Manifest, Platform, media};
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
        let index = match (document(&raw)?, platforms) {
            (Document::Index(index), _) => index,
            (Document::Manifest(manifest), Platforms::Only(wanted)) => {
                return self.single(digest, &manifest, wanted).await;
            }
            _ => return Ok(vec![Target::whole(digest)]),
        };
        let mut targets = Vec::new();
        let members = self.members(digest, index, platforms).await?;
        match platforms {
            Platforms::Only(wanted) => {
                let via = Some(Via {
                    index: digest.clone(),
                });
                for platform in wanted {
                    let before = targets.len();
                    for member in members.iter().filter(|m| m.may_be_for(platform)) {
                        targets.push(Target {
                            subject: member.digest.clone(),
                            via: via.clone(),
                            // What does not say so is looked at as what was asked for.
                            platform: Some(member.platform.clone().unwrap_or(platform.clone())),
                        });
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
                targets.extend(members.into_iter().map(|member| Target {
                    subject: member.digest,
                    via: None,
                    platform: member.platform,
                }));
            }
        }
        if targets.len() > limits::PLATFORMS {
            return Err(too_many(digest));
        }
        Ok(targets)
    }

    /// An image that is in no index has a platform all the same, if it says so.
    async fn single(
        &self,
        digest: &Digest,
        manifest: &Manifest,
        wanted: &[Platform],
    ) -> Result<Vec<Target>, Problem> {
        match self.platform_of(manifest).await? {
            Some(is) if !wanted.iter().any(|wanted| is.satisfies(wanted)) => {
                let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
                let wanted = wanted.join(" or ");
                let reason = format!("the image {digest} is for {is}, not for {wanted}");
                Err(Problem::Refused(reason))
            }
            _ => Ok(vec![Target::whole(digest)]),
        }
    }

    /// The members of an index, and of the indexes among them, as a runtime goes
    /// down into them. Of what has no use for the wanted platforms nothing is
    /// asked; of what names none, the content says for which it is.
    async fn members(
        &self,
        root: &Digest,
        index: Index,
        platforms: &Platforms,
    ) -> Result<Vec<Member>, Problem> {
        let wanted = match platforms {
            Platforms::Only(wanted) => Some(wanted.as_slice()),
            _ => None,
        };
        let mut known = HashSet::from([root.clone()]);
        let mut members = Vec::new();
        let mut waiting = VecDeque::from([index]);
        while let Some(index) = waiting.pop_front() {
            for entry in index.manifests {
                let is_index = media::is_index(&entry.media_type);
                let mut member = Member {
                    digest: entry.digest,
                    platform: entry.platform,
                };
                // What is not to be run (attestations of a build) calls itself unknown.
                let is_image = member.platform.as_ref().is_none_or(|p| p.os != "unknown");
                let is_wanted = |member: &Member| {
                    wanted.is_none_or(|wanted| wanted.iter().any(|w| member.may_be_for(w)))
                };
                if !is_image || !is_wanted(&member) {
                    continue;
                }
                if members.len() >= limits::PLATFORMS || known.len() > limits::PLATFORMS {
                    return Err(too_many(root));
                }
                let is_open = wanted.is_some() && member.platform.is_none();
                if known.insert(member.digest.clone()) && (is_index || is_open) {
                    match self.member(root, &member.digest).await? {
                        Document::Index(index) => waiting.push_back(index),
                        Document::Manifest(manifest) if is_open => {
                            member.platform = self.platform_of(&manifest).await?;
                        }
                        _ => {}
                    }
                }
                // Of an index only its members are for a platform.
                if is_wanted(&member) && !(is_index && wanted.is_some()) {
                    members.push(member);
                }
            }
        }
        Ok(members)
    }

    async fn member(&self, root: &Digest, digest: &Digest) -> Result<Document, Problem> {
        let Found::Present(raw) = self.asker.manifest(digest).await? else {
            let reason = format!("the index {root} lists {digest}, which is not there");
            return Err(Problem::Refused(reason));
        };
        Ok(document(&raw)?)
    }

    /// The platform in an image's configuration, where there is one.
    async fn platform_of(&self, manifest: &Manifest) -> Result<Option<Platform>, Problem> {
        let config = &manifest.config;
        let bytes = self.asker.blob(config, limits::CONFIG_BYTES).await?;
        let said: Option<Platform> = serde_json::from_slice(&bytes).ok();
        Ok(said.filter(|p| !p.os.is_empty() && !p.architecture.is_empty()))
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

/// One entry of an index, or of an index in it.
struct Member {
    digest: Digest,
    platform: Option<Platform>,
}

impl Member {
    fn may_be_for(&self, wanted: &Platform) -> bool {
        let platform = self.platform.as_ref();
        platform.is_none_or(|is| is.satisfies(wanted))
    }
}

fn too_many(index: &Digest) -> Problem {
    Problem::Refused(format!(
        "the index {index} has more than {} images to look at",
        limits::PLATFORMS
    ))
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
