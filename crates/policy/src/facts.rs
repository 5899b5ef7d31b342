//! What the evaluation is given.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Digest, Platform, Reference};
use waxseal_verify::{Origin, Rejection, Verified};

use crate::{Layers, Sboms};

/// One candidate against one authority.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Finding {
    /// Where the candidate was found.
    pub candidate: Origin,
    /// The authority's name in the policy.
    pub authority: String,
    /// What was established, or why nothing was.
    pub outcome: Result<Arc<Verified>, Rejection>,
}

/// Evidence that was listed and not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Seen {
    /// Where it was found.
    pub origin: Origin,
    /// The predicate type that an unsigned annotation names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Why it was not looked at.
    pub note: String,
}

/// The way from the image that was asked for to the one that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Via {
    /// The index that lists the image by its digest.
    pub index: Digest,
}

/// Everything that a policy is evaluated on.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Facts<'a> {
    /// The image as it was asked for, fully qualified.
    pub image: &'a Reference,
    /// The digest that the evidence must be about.
    pub subject: &'a Digest,
    /// The index that lists the image; what is said about it counts as well.
    pub via: Option<&'a Via>,
    /// The platform, where one member of an index is looked at.
    pub platform: Option<&'a Platform>,
    /// The verified and the rejected.
    pub findings: &'a [Finding],
    /// The listed and not verified.
    pub seen: &'a [Seen],
    /// What is in the image's layers, or why that cannot be told. `None` where
    /// nobody has looked: see [`PolicyDecision::wants_layers`](crate::PolicyDecision::wants_layers).
    pub layers: Option<Result<&'a Layers, &'a str>>,
    /// What was read of the SBOMs among the findings.
    pub sboms: &'a Sboms,
    /// Whether there is no more evidence to fetch.
    pub complete: bool,
    /// The time of the evaluation.
    pub now: Timestamp,
}
