//! Evidence files: what a verdict rested on, as an image layout.
//!
//! The layout lists one manifest. Its configuration is the account: the image,
//! the policies with their keys, the trust root, the time, every question and
//! its answer, and the verdict. Its layers are the content that came.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Descriptor, Document, Reference};
use waxseal_policy::{Decision, NamespaceLabels, Unmatched};
use waxseal_registry::{Layout, Source as _};

use crate::ask::{Answer, Asker, Question};
use crate::flags::PlatformsFlag;
use crate::gate::Verification;
use crate::policy_set::SetSource;
use crate::{Options, PolicySet, PolicySetError, limits};

/// The account that an evidence file gives of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) image: Reference,
    pub(crate) time: Timestamp,
    pub(crate) options: RecordedOptions,
    pub(crate) policies: SetSource,
    pub(crate) answers: Vec<Exchange>,
    pub(crate) decision: Decision,
}

/// [`Options`] as they are written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordedOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platforms: Option<PlatformsFlag>,
    allow_unmatched: bool,
    evidence_bytes: u64,
    #[serde(default = "layer_bytes")]
    layer_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<NamespaceLabels>,
}

/// For evidence files from before layers were looked into.
fn layer_bytes() -> u64 {
    limits::LAYER_BYTES
}

/// A question and its answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(crate) question: Question,
    pub(crate) answer: Answer,
}

impl From<&Options> for RecordedOptions {
    fn from(options: &Options) -> Self {
        Self {
            platforms: options.platforms.clone().map(PlatformsFlag::from),
            allow_unmatched: options.unmatched == Unmatched::Allow,
            evidence_bytes: options.evidence_bytes,
            layer_bytes: options.layer_bytes,
            namespace: options.namespace.clone(),
        }
    }
}

impl From<RecordedOptions> for Options {
    fn from(recorded: RecordedOptions) -> Self {
        Self {
            platforms: recorded.platforms.map(Into::into),
            unmatched: match recorded.allow_unmatched {
                true => Unmatched::Allow,
                false => Unmatched::Deny,
            },
            evidence_bytes: recorded.evidence_bytes,
            layer_bytes: recorded.layer_bytes,
            namespace: recorded.namespace,
        }
    }
}

/// A verdict given again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// The verdict now.
    pub decision: Decision,
    /// The verdict that the file says was given when it was made.
    pub recorded: Decision,
}

impl Replayed {
    /// Whether the verdict is the one that was recorded, in every detail.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.decision == self.recorded
    }
}

/// Gives a verdict again from an evidence file (untrusted: a folder or a `.tar`
/// file) and nothing else, as of the time that it records.
///
/// Every byte is checked against the digest that it was recorded by, and every
/// signature is verified again; which lists the registry gave, which policies
/// were in force and what time it was, the file says. `other` takes the place
/// of its policies, and of what it says of how policies were applied: where, to
/// which members of an index, and what becomes of an image that none covers.
/// What they need and the file does not hold is "could not be told".
///
/// # Errors
/// [`EvidenceError`] where the file is not one, or its policies do not load.
pub async fn replay(path: &Path, other: Option<&PolicySet>) -> Result<Replayed, EvidenceError> {
    let layout = Layout::open(path).map_err(EvidenceError::Layout)?;
    let record = read(&layout).await?;
    let own;
    let set = match other {
        Some(set) => set,
        None => {
            own = PolicySet::compile(record.policies)?;
            &own
        }
    };
    let answers = record.answers.into_iter().map(|e| (e.question, e.answer));
    let answers = answers.collect();
    let asker = Asker::replaying(&answers, &layout, record.image.repository());
    let recorded = Options::from(record.options);
    let options = match other {
        None => recorded,
        Some(_) => Options {
            evidence_bytes: recorded.evidence_bytes,
            layer_bytes: recorded.layer_bytes,
            ..Options::for_cli()
        },
    };
    let verification = Verification::new(&asker, &record.image, set, &options, record.time);
    Ok(Replayed {
        decision: verification.decide().await,
        recorded: record.decision,
    })
}

async fn read(layout: &Layout) -> Result<Record, EvidenceError> {
    let refuse = |reason: String| EvidenceError::NotEvidence {
        path: layout.root().display().to_string(),
        reason,
    };
    let entries = layout.entries().map_err(EvidenceError::Layout)?;
    let [entry] = entries.as_slice() else {
        return Err(refuse(format!(
            "it lists {} manifests; an evidence file lists one",
            entries.len()
        )));
    };
    // The layout does not look at the repository's name.
    let anywhere = ANYWHERE
        .parse::<Reference>()
        .map_err(|e| refuse(e.to_string()))?;
    let found = layout.manifest(anywhere.repository(), &entry.digest).await;
    let raw = found
        .and_then(|f| f.required(format!("the manifest {}", entry.digest)))
        .map_err(EvidenceError::Layout)?;
    let config: Descriptor = match raw.document().map_err(EvidenceError::Layout)? {
        Document::Manifest(m) if m.kind() == EVIDENCE_TYPE => m.config,
        Document::Manifest(m) => return Err(refuse(format!("it is `{}`", m.kind()))),
        _ => return Err(refuse("it is an index".to_owned())),
    };
    let bytes = layout
        .blob(anywhere.repository(), &config, limits::RECORD_BYTES)
        .await
        .map_err(EvidenceError::Layout)?;
    let record: Record =
        serde_json::from_slice(&bytes).map_err(|e| refuse(format!("its account: {e}")))?;
    if record.api_version != API_VERSION || record.kind != KIND {
        return Err(refuse(format!(
            "its account is {} {}, not {API_VERSION} {KIND}",
            record.api_version, record.kind
        )));
    }
    Ok(record)
}

/// Why an evidence file cannot be written or used.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Its layout cannot be read or written.
    #[error(transparent)]
    Layout(waxseal_registry::Error),
    /// It is something else.
    #[error("`{path}` is not an evidence file: {reason}")]
    NotEvidence {
        /// Where.
        path: String,
        /// What it is.
        reason: String,
    },
    /// The policies that it holds do not load.
    #[error("the policies in the evidence file: {0}")]
    Policies(#[from] PolicySetError),
    /// There is too much of it.
    #[error("the verdict rests on more than {limit} pieces of content")]
    TooMuch {
        /// How many there can be.
        limit: usize,
    },
    /// It cannot be written.
    #[error("cannot write `{path}`: {reason}")]
    Write {
        /// Where to.
        path: String,
        /// Why not.
        reason: String,
    },
}

pub(crate) const EVIDENCE_TYPE: &str = "application/vnd.waxseal.evidence.v1+json";
pub(crate) const RECORD_TYPE: &str = "application/vnd.waxseal.evidence.record.v1+json";
pub(crate) const API_VERSION: &str = "waxseal.dev/v1alpha1";
pub(crate) const KIND: &str = "Evidence";
const ANYWHERE: &str = "localhost/evidence";
