//! What must be true of an image, and whether it is.
//!
//! A [`PolicyDocument`] is parsed from YAML and compiled to a [`Policy`], which
//! says which evidence it needs. Verified facts go in, a [`Decision`] comes
//! out: a tree of what was required, what was found, and why each rejected
//! candidate was rejected. The crate opens no file and no socket and reads no
//! clock.
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
mod pattern;
mod policy;
mod render;
mod rules;
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
pub use namespaces::NamespaceLabels;
pub use pattern::{ImagePattern, PatternError};
pub use policy::{Mode, Needs, Platforms, Policy};
pub use render::Style;
pub use text::escaped;
