//! The compiled policy.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use waxseal_attestation::PredicateType;
use waxseal_oci::{Platform, Reference};
use waxseal_verify::Authority;

use crate::namespaces::NamespaceSelector;
use crate::rules::Requirement;
use crate::{ImagePattern, NamespaceLabels, PolicyError, RootDemand, document};

/// A compiled policy: it covers some images, trusts somebody, and requires something.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) images: Option<Vec<ImagePattern>>,
    pub(crate) namespaces: Option<NamespaceSelector>,
    pub(crate) authorities: Vec<(String, Authority)>,
    pub(crate) roots: Vec<(String, RootDemand)>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) mode: Mode,
    pub(crate) platforms: Platforms,
}

/// What a refusal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Mode {
    /// It refuses.
    #[default]
    Enforce,
    /// It lets the image in with a warning.
    Warn,
    /// It lets the image in and is recorded.
    Audit,
}

impl Mode {
    /// The word for it in a policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

/// Which members of an index are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Platforms {
    /// The index: it is what was signed, its members inherit by digest.
    #[default]
    Index,
    /// Each member on its own.
    All,
    /// The members for these platforms, through the index or on their own.
    Only(Vec<Platform>),
}

/// Which evidence a policy needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers read it")]
pub struct Needs {
    /// Whether it needs signatures.
    pub signature: bool,
    /// Which attestations it needs, by the URI of their type.
    pub attestations: BTreeSet<String>,
    /// Of which attestations it reads the predicate.
    pub keep_predicate_of: BTreeSet<String>,
}

impl Needs {
    /// Whether evidence of this predicate type is of use.
    #[must_use]
    pub fn wants(&self, predicate_type: &str) -> bool {
        let signature = self.signature && predicate_type == PredicateType::SIGN;
        signature || self.attestations.contains(predicate_type)
    }
}

impl Policy {
    /// The trust roots that it names, and how old each may be.
    pub fn trust_roots(&self) -> impl Iterator<Item = &RootDemand> {
        self.roots.iter().map(|(_, demand)| demand)
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a refusal does.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Which members of an index are looked at.
    #[must_use]
    pub fn platforms(&self) -> &Platforms {
        &self.platforms
    }

    /// Whether the policy is for this image, in a namespace with these labels.
    ///
    /// Where the labels are not known, a policy that selects namespaces covers
    /// the image: not to know is no reason to let it in.
    #[must_use]
    pub fn covers(&self, image: &Reference, labels: Option<&NamespaceLabels>) -> bool {
        let in_namespace = match (&self.namespaces, labels) {
            (Some(selector), Some(labels)) => selector.selects(labels),
            _ => true,
        };
        in_namespace && self.names(image)
    }

    /// Whether the policy is for this image in a namespace of which only some
    /// labels are known. One that is not known is taken to be as the policy
    /// wants it: not to know is no reason to let the image in.
    #[must_use]
    pub fn may_cover(&self, image: &Reference, known: &NamespaceLabels) -> bool {
        let selects = |s: &NamespaceSelector| s.may_select(known);
        self.namespaces.as_ref().is_none_or(selects) && self.names(image)
    }

    fn names(&self, image: &Reference) -> bool {
        let covers = |patterns: &Vec<ImagePattern>| patterns.iter().any(|p| p.covers(image));
        self.images.as_ref().is_none_or(covers)
    }

    /// Whether the policy selects namespaces by their labels.
    #[must_use]
    pub fn selects_namespaces(&self) -> bool {
        self.namespaces.is_some()
    }

    /// Whom the policy trusts.
    pub fn authorities(&self) -> impl Iterator<Item = (&str, &Authority)> {
        self.authorities
            .iter()
            .map(|(name, authority)| (name.as_str(), authority))
    }

    /// Which evidence it takes to evaluate the policy.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for requirement in &self.requirements {
            requirement.rule.needs(&mut needs);
        }
        needs
    }

    /// Fails where two of these policies, from however many files, have one name.
    ///
    /// # Errors
    /// [`PolicyError::DuplicateName`] with the first such name.
    pub fn check_names<'a>(
        policies: impl IntoIterator<Item = &'a Self>,
    ) -> Result<(), PolicyError> {
        document::distinct(policies.into_iter().map(Self::name))
    }
}
