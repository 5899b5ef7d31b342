//! What is in the images that SBOMs are compared with.

use std::sync::Arc;

use waxseal_oci::{Digest, Document, Manifest};
use waxseal_registry::{Found, Source};
use waxseal_sbom::Inventory;
use waxseal_verify::{Origin, Verified};

use super::targets::Target;
use super::{Contents, Verification};
use crate::ask::document;
use crate::evidence::Evidence;
use crate::layers::{LayersError, scan};
use crate::{Fault, limits};

impl<S: Source> Verification<'_, S> {
    /// Looks into the layers of a target; an index has those of all its images.
    pub(super) async fn look_into(&self, target: &Target, evidence: &mut Evidence) {
        let read = match self.contents(&target.subject).await {
            Ok(inventory) => Ok(inventory),
            Err(LayersError::Unreadable(why)) => Err(why),
            Err(LayersError::Fault(fault)) => {
                let why = fault.message.clone();
                evidence.faults.push(fault);
                Err(why)
            }
        };
        evidence.layers = Some(read);
    }

    async fn contents(&self, subject: &Digest) -> Result<Inventory, LayersError> {
        let mut manifests = Vec::new();
        match self.document(subject).await? {
            Document::Manifest(manifest) => manifests.push(manifest),
            Document::Index(index) => {
                // What is not to be run (attestations of a build) calls itself unknown.
                let images = index.manifests.iter();
                let images =
                    images.filter(|e| e.platform.as_ref().is_none_or(|p| p.os != "unknown"));
                let images: Vec<_> = images.collect();
                if images.len() > limits::PLATFORMS {
                    return Err(LayersError::Unreadable(format!(
                        "the index {subject} has more than {} images to look at",
                        limits::PLATFORMS
                    )));
                }
                for entry in images {
                    match self.document(&entry.digest).await? {
                        Document::Manifest(manifest) => manifests.push(manifest),
                        _ => return Err(unreadable("an index in an index is not looked into")),
                    }
                }
            }
            _ => return Err(unreadable("it is neither an image nor an index")),
        }
        let layers = manifests.iter().flat_map(|manifest| &manifest.layers);
        let bytes = layers.fold(0_u64, |all, layer| all.saturating_add(layer.size));
        if bytes > self.options.layer_bytes {
            return Err(LayersError::Unreadable(format!(
                "its layers have {bytes} bytes, more than the {} that are read here",
                self.options.layer_bytes
            )));
        }
        self.union(&manifests).await
    }

    async fn union(&self, manifests: &[Manifest]) -> Result<Inventory, LayersError> {
        let mut all = Vec::new();
        for manifest in manifests {
            all.push(scan(self.asker, manifest, |_, _| ()).await?);
        }
        if all.len() == 1
            && let Some(one) = all.pop()
        {
            return Ok(one);
        }
        let notes = all
            .iter_mut()
            .flat_map(|one| std::mem::take(&mut one.notes));
        let notes = notes.collect();
        let components = all.into_iter().flat_map(|one| one.components);
        Ok(Inventory::new(None, components, notes))
    }

    async fn document(&self, digest: &Digest) -> Result<Document, LayersError> {
        match self.asker.manifest(digest).await? {
            Found::Present(raw) => Ok(document(&raw)?),
            Found::Absent => {
                let message = format!("the registry has no manifest {digest}");
                Err(Fault::missing(message, "push the image again").into())
            }
        }
    }
}

impl Evidence {
    /// What the layers were held against, where they were looked into.
    pub(super) fn into_contents(self, target: &Target) -> Vec<Contents> {
        let Some(layers) = self.layers else {
            return Vec::new();
        };
        let mut attestations: Vec<(Origin, Arc<Verified>)> = Vec::new();
        for finding in self.findings.into_iter().flatten() {
            let Ok(verified) = finding.outcome else {
                continue;
            };
            let is_new = attestations.iter().all(|(o, _)| *o != finding.candidate);
            if is_new && matches!(*verified, Verified::Attestation(_)) {
                attestations.push((finding.candidate, verified));
            }
        }
        vec![Contents {
            subject: target.subject.clone(),
            platform: target.platform.clone(),
            layers,
            attestations,
        }]
    }
}

fn unreadable(why: &str) -> LayersError {
    LayersError::Unreadable(why.to_owned())
}
