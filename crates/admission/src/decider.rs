//! Who says whether an image may run.

use futures_util::future::BoxFuture;
use waxseal_oci::Reference;

use crate::review::Judgement;

/// Decides on images. The server asks; the gate, or a table in a test, answers.
pub trait Decider: Send + Sync + 'static {
    /// May `image` run in the namespace of `place`?
    fn decide<'a>(&'a self, image: &'a Reference, place: &'a Place) -> BoxFuture<'a, Judgement>;

    /// Whether there is anything to decide by.
    fn readiness(&self) -> Readiness;

    /// What has been counted since the start.
    fn counts(&self) -> Counts {
        Counts::default()
    }
}

/// Where an image is going to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The namespace; empty where there is none.
    pub namespace: String,
}

impl Place {
    /// In `namespace`.
    #[must_use]
    pub fn new(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
        }
    }
}

/// Whether reviews can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// They can; the text says by what, and what was wrong with what came later.
    Ready(String),
    /// They cannot, and why.
    NotReady(String),
}

/// Counts that only the decider knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Decisions that were already made.
    pub cache_hits: u64,
    /// Decisions that had to be made.
    pub cache_misses: u64,
    /// Requests that went to a registry.
    pub registry_requests: u64,
    /// Policies in force.
    pub policies: u64,
    /// Sets of policies that were refused while the process ran.
    pub policy_failures: u64,
}
