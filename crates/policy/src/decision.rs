//! The verdict and the tree of reasons for it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use waxseal_oci::Digest;
use waxseal_verify::{Checks, Format, Origin, Signer};

use crate::{Mode, RootUsed, Via};

/// What is done with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Verdict {
    /// Every policy that covers the image is satisfied.
    Allow,
    /// A policy is not satisfied.
    Deny,
    /// It could not be checked. The image stays out.
    Unable,
}

/// A verdict on one image, with the reasons. Serialises to a versioned document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// `waxseal.dev/v1alpha1`.
    pub api_version: String,
    /// `Decision`.
    pub kind: String,
    /// What is done with the image.
    pub verdict: Verdict,
    /// The image as it was asked for, fully qualified.
    pub image: String,
    /// The digest that the verdict is about, where the image could be resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Why there is a verdict without policies: nothing covers the image, or it could not be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When the verdict was made.
    pub time: Timestamp,
    /// The trust roots with names that the verdict rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_roots: Vec<RootUsed>,
    /// One entry for each policy and each image of the index that was looked at.
    pub policies: Vec<PolicyDecision>,
}

/// What one policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicyDecision {
    /// The policy's name.
    pub policy: String,
    /// What its refusal does.
    pub mode: Mode,
    /// What it says, its mode apart.
    pub verdict: Verdict,
    /// The digest that the evidence is about.
    pub subject: Digest,
    /// The index through which the image is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The platform, where one member of an index was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Each requirement.
    pub requirements: Vec<RequirementDecision>,
}

/// What became of one requirement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequirementDecision {
    /// The requirement in words.
    pub requirement: String,
    /// Whether it is met.
    pub satisfied: bool,
    /// How many distinct signers it takes.
    pub threshold: usize,
    /// How many were found.
    pub signers: usize,
    /// A stable name of what is missing: see [`codes`](crate::codes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The evidence that counts.
    pub found: Vec<Found>,
    /// The evidence that does not, the nearest miss first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// What was listed and not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenEvidence>,
    /// What would satisfy it, where it is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// Evidence that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Found {
    /// The authority's name.
    pub authority: String,
    /// Who signed.
    pub signer: Signer,
    /// The form it was in.
    pub format: Format,
    /// The type of the predicate, where it is an attestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// The signed annotations, where it is a signature that has some.
    #[serde(default, skip_serializing_if = "waxseal_oci::Annotations::is_empty")]
    pub annotations: waxseal_oci::Annotations,
    /// The index that it is about, where it is not about the image itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Digest>,
    /// Where it was found.
    pub origin: Origin,
    /// What was checked, and what was not.
    pub checks: Checks,
    /// When it was signed, as far as a trusted log or timestamp authority says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Timestamp>,
    /// What people should know of how it counts, such as what was excused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Evidence that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Rejected {
    /// The authority for which it was looked at.
    pub authority: String,
    /// A stable name of the reason.
    pub code: String,
    /// The reason.
    pub reason: String,
    /// Where it was found.
    pub origin: Origin,
}

/// Evidence that was listed and not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SeenEvidence {
    /// The predicate type that an unsigned annotation names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Why it was not looked at.
    pub note: String,
    /// Where it was found.
    pub origin: Origin,
}

impl PolicyDecision {
    /// Whether it could be another one if the layers of the image were known:
    /// see [`Facts::layers`](crate::Facts::layers).
    #[must_use]
    pub fn wants_layers(&self) -> bool {
        let open = self.requirements.iter().filter(|r| !r.satisfied);
        open.flat_map(|r| &r.rejected)
            .any(|rejected| rejected.code == crate::codes::LAYERS_UNREAD)
    }
}

impl Decision {
    /// Whether the image is let in. Only an allow is.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// The policies that are not satisfied and do not enforce.
    pub fn warnings(&self) -> impl Iterator<Item = &PolicyDecision> {
        self.policies
            .iter()
            .filter(|p| p.verdict != Verdict::Allow && p.mode != Mode::Enforce)
    }
}
