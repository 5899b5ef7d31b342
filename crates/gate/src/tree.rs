//! Everything that hangs on an image, and what hangs on that.
//!
//! A listing, not a verdict: what it says about signers and types is what the
//! evidence says about itself, unless a key was given and verified it.

use std::collections::HashSet;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use waxseal_oci::{CosignTag, Descriptor, Digest, Document, Manifest, Reference, media};
use waxseal_registry::{Found, RawManifest, ReferrersVia, Source};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, Origin, Place, Trust, Wanted, inspect, verify,
};

use crate::ask::{Asker, document};
use crate::{Fault, limits};

/// Everything that hangs on an image.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tree {
    /// `waxseal.dev/v1alpha1`.
    pub api_version: &'static str,
    /// `EvidenceTree`.
    pub kind: &'static str,
    /// The image as it was asked for.
    pub image: Reference,
    /// The image.
    pub root: Node,
    /// What could not be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Whether there was more than is listed.
    pub cut: bool,
}

/// A manifest, or a layer that stands for itself.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Node {
    /// Its digest.
    pub digest: Digest,
    /// What kind of artifact it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its bytes: those of the manifest and of the content that it names.
    pub size: u64,
    /// The platform, where it is a member of an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Where it is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When an annotation says that it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// What it says about itself, where it is evidence. Not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
    /// The names of the keys that it was verified with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verified_by: Vec<String>,
    /// Why there is less here than there could be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What hangs on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

/// What evidence says about itself. Not verified.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Claims {
    /// The type of its predicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// Who signed, as far as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// How many log entries it has.
    pub log_entries: usize,
    /// How many timestamps it has.
    pub timestamps: usize,
}

/// What to look for besides what is there.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct TreeOptions<'a> {
    /// Keys to verify with, by name.
    pub authorities: Vec<(String, Authority)>,
    /// What is trusted besides.
    pub trust: Trust<'a>,
    /// The largest content that is read to see what it says.
    pub content_bytes: u64,
    /// The time.
    pub now: Timestamp,
}

/// Lists everything that hangs on an image.
///
/// # Errors
/// [`Fault`] where the image cannot be had; what is missing below it is noted
/// in its place.
pub async fn tree<S: Source>(
    source: &S,
    image: &Reference,
    options: &TreeOptions<'_>,
) -> Result<Tree, Fault> {
    let asker = Asker::new(source, image.repository());
    let missing = || {
        Fault::missing(
            format!("{image}: the registry has no such image"),
            "check the name, and whether the image has been pushed",
        )
    };
    let digest = asker.resolve(image).await?.present().ok_or_else(missing)?;
    let raw = asker
        .manifest(&digest)
        .await?
        .present()
        .ok_or_else(missing)?;
    let walker = Walker {
        asker: &asker,
        options,
        state: std::sync::Mutex::default(),
    };
    let root = walker.image(raw, None, 0).await;
    let state = walker
        .state
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Tree {
        api_version: "waxseal.dev/v1alpha1",
        kind: "EvidenceTree",
        image: image.clone(),
        root,
        faults: state.faults,
        cut: state.cut,
    })
}

struct Walker<'a, S> {
    asker: &'a Asker<'a, S>,
    options: &'a TreeOptions<'a>,
    state: std::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    faults: Vec<String>,
    nodes: usize,
    cut: bool,
}

impl<S: Source> Walker<'_, S> {
    /// An image or index, its members, what refers to it, and cosign's tags.
    fn image(
        &self,
        raw: RawManifest,
        platform: Option<String>,
        depth: usize,
    ) -> BoxFuture<'_, Node> {
        async move {
            let mut node = Node::of(&raw, platform);
            let mut members = Vec::new();
            match document(&raw) {
                Ok(Document::Index(index)) => members = index.manifests,
                Ok(Document::Manifest(manifest)) => node.describe(&manifest),
                Ok(_) => {}
                Err(fault) => node.note = Some(fault.message),
            }
            let (referrers, tags) = futures_util::future::join(
                self.referrers(&raw.digest, depth),
                self.cosign_tags(&raw.digest),
            )
            .await;
            node.children.extend(referrers);
            node.children.extend(tags);
            let members = members.into_iter().map(|entry| self.member(entry, depth));
            let members: Vec<_> = stream::iter(members)
                .buffered(limits::PARALLEL)
                .collect()
                .await;
            node.children.extend(members.into_iter().flatten());
            node
        }
        .boxed()
    }

    async fn member(&self, entry: Descriptor, depth: usize) -> Option<Node> {
        let platform = entry.platform.as_ref().map(ToString::to_string);
        if depth >= limits::TREE_DEPTH || !self.room() {
            return None;
        }
        match self.asker.manifest(&entry.digest).await {
            Ok(Found::Present(raw)) => Some(self.image(raw, platform, depth + 1).await),
            other => Some(self.without_content(&entry, None, other.err())),
        }
    }

    /// What refers to a digest, each with what refers to it.
    async fn referrers(&self, digest: &Digest, depth: usize) -> Vec<Node> {
        if depth >= limits::TREE_DEPTH {
            self.state().cut = true;
            return Vec::new();
        }
        let list = match self.asker.referrers(digest).await {
            Ok(list) => list,
            Err(fault) => {
                self.fault(&fault);
                return Vec::new();
            }
        };
        let place = match list.via {
            ReferrersVia::FallbackTag => Place::FallbackTag,
            _ => Place::Referrer,
        };
        let mut entries = list.entries;
        if place == Place::Referrer {
            // What an earlier registry without the API left behind.
            match self.asker.fallback_referrers(digest).await {
                Ok(also) => {
                    let known: HashSet<_> = entries.iter().map(|e| e.digest.clone()).collect();
                    let more = also.entries.into_iter();
                    entries.extend(more.filter(|e| !known.contains(&e.digest)));
                }
                Err(fault) => self.fault(&fault),
            }
        }
        let nodes = entries
            .into_iter()
            .map(|entry| self.referrer(digest, entry, place, depth));
        let nodes: Vec<_> = stream::iter(nodes)
            .buffered(limits::PARALLEL)
            .collect()
            .await;
        nodes.into_iter().flatten().collect()
    }

    fn referrer<'w>(
        &'w self,
        about: &'w Digest,
        entry: Descriptor,
        place: Place,
        depth: usize,
    ) -> BoxFuture<'w, Option<Node>> {
        async move {
            if !self.room() {
                return None;
            }
            let raw = match self.asker.manifest(&entry.digest).await {
                Ok(Found::Present(raw)) => raw,
                other => return Some(self.without_content(&entry, Some(place), other.err())),
            };
            let mut node = Node::of(&raw, None);
            node.place = Some(place);
            match document(&raw) {
                Ok(Document::Manifest(manifest)) => {
                    node.describe(&manifest);
                    let hint = manifest.annotations.get(media::ANNOTATION_PREDICATE_TYPE);
                    node.claims = hint.map(|hint| Claims {
                        predicate_type: Some(hint.clone()),
                        ..Claims::default()
                    });
                    if let [layer] = manifest.layers.as_slice()
                        && media::is_sigstore_bundle(&layer.media_type)
                    {
                        self.evidence(&mut node, about, &raw.digest, layer).await;
                    }
                }
                Ok(_) => {}
                Err(fault) => node.note = Some(fault.message),
            }
            node.children = self.referrers(&raw.digest, depth + 1).await;
            Some(node)
        }
        .boxed()
    }

    async fn cosign_tags(&self, digest: &Digest) -> Vec<Node> {
        let asked = CosignTag::ALL.map(|tag| async move {
            let found = self.asker.tag(&tag.tag(digest)).await;
            (tag, found)
        });
        let mut nodes = Vec::new();
        for (tag, found) in join_all(asked).await {
            match found {
                Ok(Found::Present(raw)) => {
                    nodes.extend(self.under_tag(digest, tag, raw).await);
                }
                Ok(Found::Absent) => {}
                Err(fault) => self.fault(&fault),
            }
        }
        nodes
    }

    /// The layers under one of cosign's tags: each is a piece of evidence.
    async fn under_tag(&self, about: &Digest, tag: CosignTag, raw: RawManifest) -> Vec<Node> {
        let place = match tag {
            CosignTag::Attestation => Some(Place::AttestationTag),
            CosignTag::Signature => Some(Place::SignatureTag),
            _ => None,
        };
        let manifest = match document(&raw) {
            Ok(Document::Manifest(manifest)) => manifest,
            Ok(_) => return Vec::new(),
            Err(fault) => {
                self.fault(&fault);
                return Vec::new();
            }
        };
        let mut nodes = Vec::new();
        for layer in &manifest.layers {
            if !self.room() {
                break;
            }
            let mut node = Node {
                place,
                size: layer.size,
                ..Node::bare(layer.digest.clone(), layer.media_type.clone())
            };
            match place {
                Some(_) => self.evidence(&mut node, about, &raw.digest, layer).await,
                None => {
                    node.note =
                        Some("an SBOM attached by `.sbom` tag; nobody signed it".to_owned());
                }
            }
            nodes.push(node);
        }
        nodes
    }

    /// Reads a piece of evidence to see what it says, and verifies it where a
    /// key was given.
    async fn evidence(
        &self,
        node: &mut Node,
        about: &Digest,
        manifest: &Digest,
        layer: &Descriptor,
    ) {
        let place = node.place.unwrap_or(Place::Referrer);
        if layer.size > self.options.content_bytes {
            node.note = Some(format!(
                "not read: {} bytes, more than the {} that are read for a listing",
                layer.size, self.options.content_bytes
            ));
            return;
        }
        let bytes = match self.asker.blob(layer, self.options.content_bytes).await {
            Ok(bytes) => bytes,
            Err(fault) => {
                node.note = Some(fault.message);
                return;
            }
        };
        let annotations = layer.annotations.clone();
        let candidate = Candidate {
            origin: Origin {
                place,
                manifest: Some(manifest.clone()),
                blob: layer.digest.clone(),
                size: layer.size,
                predicate_hint: None,
            },
            content: match place {
                Place::SignatureTag => CandidateContent::SimpleSigning {
                    payload: bytes,
                    annotations,
                },
                Place::AttestationTag => CandidateContent::LegacyAttestation {
                    envelope: bytes,
                    annotations,
                },
                _ => CandidateContent::Bundle(bytes),
            },
        };
        match inspect(&candidate) {
            Ok(says) => {
                let identity = says
                    .identity
                    .map(|(who, by)| format!("a certificate for {who} from {by}"));
                let hint = says.key_hint.filter(|hint| !hint.is_empty());
                let key = hint.map(|hint| format!("the key of hint {hint}"));
                node.claims = Some(Claims {
                    predicate_type: says.predicate_type,
                    signer: identity.or(key),
                    log_entries: says.log_entries,
                    timestamps: says.timestamps,
                });
            }
            Err(rejection) => node.note = Some(format!("it cannot be read: {rejection}")),
        }
        let wanted = Wanted {
            subject: about,
            keep_predicate: false,
        };
        let options = self.options;
        let verifies = |authority: &Authority| {
            verify(&candidate, &wanted, authority, &options.trust, options.now).is_ok()
        };
        let names = options.authorities.iter();
        node.verified_by = names
            .filter(|(_, authority)| verifies(authority))
            .map(|(name, _)| name.clone())
            .collect();
    }

    fn without_content(
        &self,
        entry: &Descriptor,
        place: Option<Place>,
        fault: Option<Fault>,
    ) -> Node {
        let kind = entry.artifact_type.as_ref().unwrap_or(&entry.media_type);
        let note = match fault {
            Some(fault) => {
                self.fault(&fault);
                fault.message
            }
            None => "it is listed, and it is not there".to_owned(),
        };
        Node {
            place,
            size: entry.size,
            platform: entry.platform.as_ref().map(ToString::to_string),
            note: Some(note),
            ..Node::bare(entry.digest.clone(), kind.clone())
        }
    }

    /// Whether one more node may be listed.
    fn room(&self) -> bool {
        let mut state = self.state();
        state.nodes += 1;
        let room = state.nodes <= limits::TREE_NODES;
        state.cut |= !room;
        room
    }

    fn fault(&self, fault: &Fault) {
        self.state().faults.push(fault.message.clone());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Node {
    fn bare(digest: Digest, kind: String) -> Self {
        Self {
            digest,
            kind,
            size: 0,
            platform: None,
            place: None,
            created: None,
            claims: None,
            verified_by: Vec::new(),
            note: None,
            children: Vec::new(),
        }
    }

    fn of(raw: &RawManifest, platform: Option<String>) -> Self {
        Self {
            size: u64::try_from(raw.bytes.len()).unwrap_or(u64::MAX),
            platform,
            ..Self::bare(raw.digest.clone(), raw.media_type.clone())
        }
    }

    fn describe(&mut self, manifest: &Manifest) {
        if manifest.config.media_type != media::OCI_CONFIG || manifest.artifact_type.is_some() {
            manifest.kind().clone_into(&mut self.kind);
        }
        let layers = manifest.layers.iter().map(|l| l.size);
        self.size = layers.fold(self.size, u64::saturating_add);
        self.size = self.size.saturating_add(manifest.config.size);
        self.created = manifest.annotations.get(media::ANNOTATION_CREATED).cloned();
    }
}
