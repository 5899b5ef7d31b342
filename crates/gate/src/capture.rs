//! Keeping everything that a verdict rests on.

use std::path::Path;

use jiff::Timestamp;
use waxseal_oci::{CosignTag, Descriptor, Digest, Document, Manifest, Reference, limits::LAYERS};
use waxseal_policy::Decision;
use waxseal_registry::{Found, Layout, RawManifest, Source};

use crate::ask::{Asker, Transcript, document};
use crate::gate::Verification;
use crate::record::{
    API_VERSION, EVIDENCE_TYPE, EvidenceError, Exchange, KIND, RECORD_TYPE, Record,
};
use crate::{Options, PolicySet, limits};

/// What was kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured {
    /// The verdict.
    pub decision: Decision,
    /// The digest of the evidence file's manifest, which names all of it.
    pub manifest: Digest,
    /// How many pieces of content.
    pub contents: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Extent {
    /// All evidence there is, so that another policy can be tried on it.
    Everything,
    /// What the verdict rests on.
    Verdict,
}

/// Decides about an image and writes every byte that the verdict rests on to
/// `to`: a `.tar` file, else a folder that is empty or not there yet.
///
/// # Errors
/// [`EvidenceError`] where it cannot be written. A refusal, and even a verdict
/// that could not be reached, are kept as an allow is.
pub async fn capture<S: Source>(
    source: &S,
    image: &Reference,
    set: &PolicySet,
    options: &Options,
    now: Timestamp,
    extent: Extent,
    to: &Path,
) -> Result<Captured, EvidenceError> {
    let asker = Asker::recording(source, image.repository());
    let decision = Verification::new(&asker, image, set, options, now)
        .decide()
        .await;
    if extent == Extent::Everything
        && let Some(digest) = &decision.digest
    {
        ask_everything(&asker, digest, options.evidence_bytes).await;
    }
    let transcript = asker.into_transcript();
    let packed = to.extension().is_some_and(|e| e == "tar");
    if !packed {
        return write(to, image, set, options, now, transcript, decision);
    }
    let refuse = |e: std::io::Error| EvidenceError::Write {
        path: to.display().to_string(),
        reason: e.to_string(),
    };
    let folder = tempfile::tempdir().map_err(refuse)?;
    let root = folder.path().join("layout");
    let captured = write(&root, image, set, options, now, transcript, decision)?;
    let layout = Layout::open(&root).map_err(EvidenceError::Layout)?;
    layout.pack(to).map_err(EvidenceError::Layout)?;
    Ok(captured)
}

/// Asks for all that hangs on an image. What cannot be had is on record too.
async fn ask_everything<S: Source>(asker: &Asker<'_, S>, image: &Digest, max: u64) {
    let _ = asker.manifest(image).await;
    let mut manifests = Vec::new();
    for list in [
        asker.referrers(image).await,
        asker.fallback_referrers(image).await,
    ] {
        let entries = list.map(|l| l.entries).unwrap_or_default();
        for entry in entries.into_iter().take(limits::CANDIDATES) {
            manifests.push(asker.manifest(&entry.digest).await);
        }
    }
    for tag in [CosignTag::Signature, CosignTag::Attestation] {
        manifests.push(asker.tag(&tag.tag(image)).await);
    }
    for manifest in manifests {
        let Ok(Found::Present(manifest)) = manifest else {
            continue;
        };
        if let Ok(Document::Manifest(manifest)) = document(&manifest) {
            let layers = manifest.layers.iter().filter(|l| l.size <= max);
            for layer in layers.take(limits::CANDIDATES) {
                let _ = asker.blob(layer, max).await;
            }
        }
    }
}

fn write(
    root: &Path,
    image: &Reference,
    set: &PolicySet,
    options: &Options,
    now: Timestamp,
    transcript: Transcript,
    decision: Decision,
) -> Result<Captured, EvidenceError> {
    let layout = Layout::create(root).map_err(EvidenceError::Layout)?;
    let mut layers = Vec::new();
    let mut bytes = 0_u64;
    for (digest, (media_type, content)) in &transcript.contents {
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let layer = Descriptor::new(media_type.clone(), digest.clone(), size);
        layout
            .write_blob(&layer, content)
            .map_err(EvidenceError::Layout)?;
        bytes = bytes.saturating_add(size);
        layers.push(layer);
    }
    if layers.len() > LAYERS {
        return Err(EvidenceError::TooMuch { limit: LAYERS });
    }
    let contents = layers.len();
    let answers = transcript.answers.into_iter();
    let record = Record {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        image: image.clone(),
        time: now,
        options: options.into(),
        policies: set.sources().clone(),
        answers: answers
            .map(|(question, answer)| Exchange { question, answer })
            .collect(),
        decision,
    };
    let refuse = |e: serde_json::Error| EvidenceError::Write {
        path: root.display().to_string(),
        reason: e.to_string(),
    };
    let account = serde_json::to_vec(&record).map_err(refuse)?;
    let config = Descriptor::of(RECORD_TYPE, &account);
    layout
        .write_blob(&config, &account)
        .map_err(EvidenceError::Layout)?;
    let mut manifest = Manifest::new(config, layers);
    manifest.artifact_type = Some(EVIDENCE_TYPE.to_owned());
    let written = manifest.to_bytes().map_err(refuse)?;
    let raw = RawManifest::new(waxseal_oci::media::OCI_MANIFEST, written);
    layout
        .write_manifest(&raw, None)
        .map_err(EvidenceError::Layout)?;
    Ok(Captured {
        decision: record.decision,
        manifest: raw.digest,
        contents,
        bytes,
    })
}
