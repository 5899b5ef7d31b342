//! What must be true of an image, and whether it is.
//!
//! A [`PolicyDocument`] is parsed from YAML and compiled to a [`Policy`], which
//! says which evidence it needs. Verified facts go in, a [`Decision`] comes
//! out: a tree of what was required, what was found, and why each rejected
//! candidate was rejected. The crate opens no file and no socket and reads no
//! clock.
//!
//! ```
//! use waxseal_policy::{KeySource, Policy, PolicyDocument, PolicyError};
//!
//! let yaml = "
//! apiVersion: waxseal.dev/v1alpha1
//! kind: ImagePolicy
//! metadata: { name: release }
//! spec:
//!   match: { images: ['registry.example.com/shop/**'] }
//!   authorities: { release-key: { key: { file: release.pub } } }
//!   require:
//!     - signature: { from: [release-key] }
//! ";
//! let pem = "-----BEGIN PUBLIC KEY-----
//! MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/6zMfDkVSyqnZe2d57FfO8Isqjke
//! bEgdHpDppMBSkG5iei+9kZXgb22afm6wkw2oYcKm7ZqlD8e1pcR0CmzcXg==
//! -----END PUBLIC KEY-----";
//!
//! // The caller reads the key files; this crate opens none.
//! let read = |source: &KeySource| match source {
//!     KeySource::File(name) if name == "release.pub" => Ok(pem.as_bytes().to_vec()),
//!     other => Err(format!("cannot read {other:?}")),
//! };
//! let documents = PolicyDocument::parse(yaml)?;
//! let policies: Result<Vec<Policy>, PolicyError> =
//!     documents.into_iter().map(|document| document.compile(&read)).collect();
//! assert!(policies?.iter().all(|policy| policy.needs().signature));
//! # Ok::<(), PolicyError>(())
//! ```
//!
//! Why one engine: flags, a file in CI and the webhook in a cluster all become
//! a [`Policy`] and go through [`evaluate()`] and [`decide`], so that a verdict
//! in one place is the verdict in the others.
//!
//! A policy that would let everybody in does not load, and an evaluation
//! without facts never allows.

pub mod codes;
mod compile;
mod condition;
mod decision;
mod document;
mod error;
mod evaluate;
mod explain;
mod facts;
mod flags;
mod identity;
mod judge;
pub mod limits;
mod namespaces;
mod outline;
mod pattern;
mod policy;
mod reach;
mod render;
mod roots;
mod rules;
mod sboms;
mod schema;
mod text;

pub use condition::{Condition, ConditionError, Input};
pub use decision::{
    Decision, Found, PolicyDecision, Rejected, RequirementDecision, SeenEvidence, Verdict,
};
pub use document::{KeySource, PolicyDocument};
pub use error::PolicyError;
pub use evaluate::{Unmatched, decide, evaluate, unable};
pub use facts::{Facts, Finding, Seen, Via};
pub use flags::Flags;
pub use identity::refuse_everybody;
pub use namespaces::NamespaceLabels;
pub use outline::{Line, Outline, PolicyOutline, RequirementOutline, Tone, Word};
pub use pattern::{ImagePattern, PatternError};
pub use policy::{Mode, Needs, Platforms, Policy};
pub use render::Style;
pub use roots::{RootAge, RootDemand, RootUsed, WhenStale};
pub use rules::sbom::SbomDemand;
pub use sboms::{AttestedSbom, Layers, Sboms};
pub use text::{escaped, escaped_lines};
