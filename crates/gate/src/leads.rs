//! What may be evidence, before anything of it is fetched.
//!
//! Annotations and types in a list are not signed. They may cost a candidate
//! its place, they never admit one: what a candidate is, its verified content
//! says.

use std::collections::{HashSet, VecDeque};

use waxseal_attestation::PredicateType;
use waxseal_oci::{Annotations, CosignTag, Descriptor, Digest, Document, media};
use waxseal_policy::{Needs, Seen};
use waxseal_registry::{RawManifest, Referrers, ReferrersVia};
use waxseal_verify::{Origin, Place};

use crate::limits;

/// Something that may be evidence.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    /// The digest that it was found with.
    pub(crate) about: Digest,
    pub(crate) place: Place,
    pub(crate) hint: Option<String>,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A referrer, by its manifest.
    Manifest(Descriptor),
    /// A layer under one of cosign 2's tags.
    Layer { manifest: Digest, layer: Descriptor },
}

impl Lead {
    /// The origin as far as it is known without fetching.
    pub(crate) fn origin(&self) -> Origin {
        let (manifest, content) = match &self.what {
            What::Manifest(descriptor) => (&descriptor.digest, descriptor),
            What::Layer { manifest, layer } => (manifest, layer),
        };
        Origin {
            place: self.place,
            manifest: Some(manifest.clone()),
            blob: content.digest.clone(),
            size: content.size,
            predicate_hint: self.hint.clone(),
        }
    }

    /// The lead as one that was not looked at.
    pub(crate) fn seen(&self, note: impl Into<String>) -> Seen {
        Seen {
            origin: self.origin(),
            predicate: self.hint.clone(),
            note: note.into(),
        }
    }
}

/// Leads in the order in which they are followed: for each need those that say
/// that they meet it, then those that say nothing.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    hinted: Vec<(String, VecDeque<Lead>)>,
    unhinted: VecDeque<Lead>,
    known: HashSet<(Digest, Digest, Annotations)>,
}

impl Queue {
    pub(crate) fn new(needs: &Needs) -> Self {
        let mut wanted = Vec::new();
        if needs.signature {
            wanted.push((PredicateType::SIGN.to_owned(), VecDeque::new()));
        }
        for kind in &needs.attestations {
            wanted.push((kind.clone(), VecDeque::new()));
        }
        Self {
            hinted: wanted,
            ..Self::default()
        }
    }

    /// Takes in what a list of referrers has, and returns what is left aside.
    pub(crate) fn add_referrers(&mut self, about: &Digest, list: Referrers) -> Vec<Seen> {
        let place = match list.via {
            ReferrersVia::FallbackTag => Place::FallbackTag,
            _ => Place::Referrer,
        };
        let mut aside = Vec::new();
        for entry in list.entries {
            let lead = Lead {
                about: about.clone(),
                place,
                hint: predicate_hint(&entry),
                what: What::Manifest(entry),
            };
            aside.extend(self.add(lead));
        }
        aside
    }

    /// Takes in the layers under one of cosign 2's tags, and returns what is
    /// left aside.
    pub(crate) fn add_layers(
        &mut self,
        about: &Digest,
        tag: CosignTag,
        manifest: &RawManifest,
        document: Document,
    ) -> Vec<Seen> {
        match layers(about, tag, manifest, document) {
            Ok(leads) => leads
                .into_iter()
                .filter_map(|lead| self.add(lead))
                .collect(),
            Err(seen) => vec![*seen],
        }
    }

    fn add(&mut self, lead: Lead) -> Option<Seen> {
        // A layer's signature is in its annotations: whoever signs one image with
        // cosign 2 signs the same bytes.
        let (content, signature) = match &lead.what {
            What::Manifest(entry) => (entry.digest.clone(), Annotations::new()),
            What::Layer { layer, .. } => (layer.digest.clone(), layer.annotations.clone()),
        };
        if !self.known.insert((lead.about.clone(), content, signature)) {
            return None;
        }
        if let What::Manifest(entry) = &lead.what
            && !may_be_bundle(entry)
        {
            let kind = entry.artifact_type.as_deref().unwrap_or(&entry.media_type);
            return Some(lead.seen(format!("`{kind}` is not evidence that is read")));
        }
        match &lead.hint {
            None => self.unhinted.push_back(lead),
            Some(hint) => match self.hinted.iter_mut().find(|(kind, _)| kind == hint) {
                Some((_, queue)) => queue.push_back(lead),
                None => return Some(lead.seen(NOT_NEEDED)),
            },
        }
        None
    }

    /// The next leads: up to `size` for each need; where none says that it meets
    /// one, up to `size` of those that say nothing. Never more than `most`.
    pub(crate) fn wave(&mut self, size: usize, most: usize) -> Vec<Lead> {
        let mut wave = Vec::new();
        for (_, queue) in &mut self.hinted {
            wave.extend(queue.drain(..size.min(queue.len())));
        }
        if wave.is_empty() {
            wave.extend(self.unhinted.drain(..size.min(self.unhinted.len())));
        }
        let over = wave.split_off(wave.len().min(most));
        for lead in over.into_iter().rev() {
            self.unhinted.push_front(lead);
        }
        wave
    }

    /// What was not followed.
    pub(crate) fn rest(self) -> impl Iterator<Item = Lead> {
        let hinted = self.hinted.into_iter().flat_map(|(_, queue)| queue);
        hinted.chain(self.unhinted)
    }

    pub(crate) fn len(&self) -> usize {
        let hinted: usize = self.hinted.iter().map(|(_, queue)| queue.len()).sum();
        hinted + self.unhinted.len()
    }
}

/// The layers under one of cosign 2's tags that no requirement asks for.
pub(crate) fn layers_aside(
    about: &Digest,
    tag: CosignTag,
    manifest: &RawManifest,
    document: Document,
) -> Vec<Seen> {
    match layers(about, tag, manifest, document) {
        Ok(leads) => leads.iter().map(|lead| lead.seen(NOT_NEEDED)).collect(),
        Err(seen) => vec![*seen],
    }
}

/// The layers under one of cosign 2's tags.
fn layers(
    about: &Digest,
    tag: CosignTag,
    manifest: &RawManifest,
    document: Document,
) -> Result<Vec<Lead>, Box<Seen>> {
    let (place, meant_for) = match tag {
        CosignTag::Attestation => (Place::AttestationTag, None),
        _ => (Place::SignatureTag, Some(PredicateType::SIGN.to_owned())),
    };
    let lead = |layer: Descriptor| {
        let hint = layer.annotation("predicateType").map(str::to_owned);
        Lead {
            about: about.clone(),
            place,
            hint: meant_for.clone().or(hint),
            what: What::Layer {
                manifest: manifest.digest.clone(),
                layer,
            },
        }
    };
    match document {
        Document::Manifest(document) => Ok(document.layers.into_iter().map(lead).collect()),
        _ => {
            let lead = lead(manifest.descriptor());
            Err(Box::new(lead.seen("an index where a manifest belongs")))
        }
    }
}

/// Whether a hint says that a piece of evidence is of no use to these needs.
pub(crate) fn is_unneeded(hint: Option<&str>, needs: &Needs) -> bool {
    hint.is_some_and(|hint| !needs.wants(hint))
}

/// Adds to a list of what was seen, up to its limit.
pub(crate) fn list_seen(list: &mut Vec<Seen>, more: impl IntoIterator<Item = Seen>) {
    let room = limits::SEEN.saturating_sub(list.len());
    list.extend(more.into_iter().take(room));
}

fn predicate_hint(entry: &Descriptor) -> Option<String> {
    if let Some(kind) = entry.annotation(media::ANNOTATION_PREDICATE_TYPE) {
        return Some(kind.to_owned());
    }
    // A message signature has no predicate; it can be nothing but a signature.
    let content = entry.annotation(media::ANNOTATION_BUNDLE_CONTENT);
    (content == Some("message-signature")).then(|| PredicateType::SIGN.to_owned())
}

/// Whether a listed referrer may be a bundle.
///
/// cosign 3.1.1 writes the type of the empty configuration into fallback lists,
/// other tools write nothing: only another definite type says no.
fn may_be_bundle(entry: &Descriptor) -> bool {
    if !media::is_manifest(&entry.media_type) {
        return false;
    }
    match entry.artifact_type.as_deref() {
        None | Some("" | media::OCI_EMPTY | media::OCI_CONFIG) => true,
        Some(kind) => {
            media::is_sigstore_bundle(kind)
                || entry.annotation(media::ANNOTATION_PREDICATE_TYPE).is_some()
        }
    }
}

pub(crate) const NOT_NEEDED: &str = "no requirement asks for this type";
