//! What is in the images that SBOMs are compared with.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use waxseal_oci::{Digest, Document, Manifest};
use waxseal_policy::Layers;
use waxseal_registry::{Found, Source};
use waxseal_sbom::Inventory;
use waxseal_verify::{Origin, Verified, VerifiedAttestation};

use super::targets::Target;
use super::{Contents, Verification};
use crate::ask::document;
use crate::evidence::Evidence;
use crate::layers::{LayersError, bytes, scan};
use crate::{Fault, limits};

impl<S: Source> Verification<'_, S> {
    /// Looks into the layers of a target; an index has those of all its images.
    pub(super) async fn look_into(&self, target: &Target, evidence: &mut Evidence) {
        // Meanwhile the SBOMs are read, which takes another processor a moment.
        let reading: Vec<_> = evidence
            .attestations()
            .map(|(_, verified)| {
                let sbom = evidence.sboms.of(attestation(&verified)?);
                Some(spawn_blocking(move || {
                    let attested = attestation(&verified)?;
                    // What is wrong with it is said when it is asked for.
                    sbom.claims(attested).ok().map(drop)
                }))
            })
            .collect();
        let ahead = match self.ahead {
            Some(ahead) => ahead.take(&target.subject).await,
            None => None,
        };
        let contents = match ahead {
            Some(contents) => contents,
            None => self.contents(&target.subject).await,
        };
        for read in reading.into_iter().flatten() {
            // One that came to nothing is read when it is asked for.
            let _ = read.await;
        }
        let read = match contents {
            Ok(inventory) => Ok(Layers::new(inventory)),
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
        let bytes = manifests.iter().map(bytes).fold(0, u64::saturating_add);
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
        let compared = self.layers.as_ref().and_then(|layers| layers.as_ref().ok());
        let compared = compared.map(|layers| {
            let each = self.attestations().filter_map(|(origin, verified)| {
                let attested = attestation(&verified)?;
                let sbom = self.sboms.of(attested);
                Some((origin, layers.compared(&sbom, attested).ok()?))
            });
            each.collect()
        });
        let Some(layers) = self.layers else {
            return Vec::new();
        };
        vec![Contents {
            subject: target.subject.clone(),
            platform: target.platform.clone(),
            layers: layers.map(Layers::into_inventory),
            sboms: compared.unwrap_or_default(),
        }]
    }

    /// The attestations of one type that were verified and kept, each once.
    pub(super) fn attested(&self, predicate_type: &str) -> Vec<VerifiedAttestation> {
        let all = self.attestations();
        let of_type = all.filter_map(|(_, verified)| attestation(&verified).cloned());
        of_type
            .filter(|found| found.predicate_type() == predicate_type)
            .collect()
    }

    /// The attestations that were verified and kept, each once.
    fn attestations(&self) -> impl Iterator<Item = (Origin, Arc<Verified>)> {
        let mut all: Vec<(Origin, Arc<Verified>)> = Vec::new();
        for finding in self.findings.iter().flatten() {
            let Ok(verified) = &finding.outcome else {
                continue;
            };
            let is_kept = attestation(verified).is_some_and(|a| a.predicate().is_some());
            if is_kept && all.iter().all(|(origin, _)| *origin != finding.candidate) {
                all.push((finding.candidate.clone(), Arc::clone(verified)));
            }
        }
        all.into_iter()
    }
}

fn attestation(verified: &Verified) -> Option<&VerifiedAttestation> {
    match verified {
        Verified::Attestation(attested) => Some(attested),
        Verified::Signature(_) => None,
    }
}

fn unreadable(why: &str) -> LayersError {
    LayersError::Unreadable(why.to_owned())
}
