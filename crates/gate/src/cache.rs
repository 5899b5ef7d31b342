//! Decisions that were made a moment ago, shared by all who ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache as Moka;
use waxseal_oci::{Digest, Reference};
use waxseal_policy::{Decision, Unmatched, Verdict, unable};
use waxseal_registry::{Found, Source};

use crate::{Fault, Gate, Options, PlatformsFlag, PolicySet};

/// How long decisions live.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it in")]
pub struct CacheTimes {
    /// One that allows. Nothing revokes it before: policies and trust roots are
    /// part of what it is kept by.
    pub allow: Duration,
    /// One that refuses: evidence may be added any moment.
    pub deny: Duration,
    /// One that could not be reached.
    pub unable: Duration,
    /// What a tag names.
    pub resolved: Duration,
}

impl Default for CacheTimes {
    fn default() -> Self {
        Self {
            allow: Duration::from_secs(600),
            deny: Duration::from_secs(5),
            unable: Duration::from_secs(1),
            resolved: Duration::from_secs(1),
        }
    }
}

/// A cache of decisions. Cheap to clone; clones share it.
///
/// A decision is kept by the digest that it is about, the repository, the
/// digest of the policy set with its keys and trust root, and the options with
/// the labels of the namespace; never by a tag. Everybody who asks for the same
/// at the same time waits for one verification.
#[derive(Clone, Debug)]
pub struct Cache {
    decisions: Moka<Key, Arc<Decision>>,
    resolved: Moka<Reference, Resolved>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    questions: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// With its digest.
    image: Reference,
    set: Digest,
    namespace: Option<BTreeMap<String, String>>,
    platforms: Option<PlatformsFlag>,
    allow_unmatched: bool,
    evidence_bytes: u64,
    layer_bytes: u64,
}

type Resolved = Result<Found<Digest>, Fault>;

impl Cache {
    /// A cache of at most so many decisions.
    #[must_use]
    pub fn new(entries: u64, times: CacheTimes) -> Self {
        Self {
            decisions: Moka::builder()
                .max_capacity(entries)
                .expire_after(times)
                .build(),
            resolved: Moka::builder()
                .max_capacity(entries)
                .expire_after(times)
                .build(),
            counts: Arc::default(),
        }
    }

    /// The decision about an image: one that is known, or one made now.
    pub async fn decide<S: Source>(
        &self,
        source: &S,
        image: &Reference,
        set: &PolicySet,
        options: &Options,
        now: Timestamp,
    ) -> Arc<Decision> {
        let labels = options.namespace.as_ref();
        let covered = set.covering(image, labels).next().is_some();
        let pinned = match image.digest() {
            Some(_) => image.clone(),
            None if !covered => image.clone(),
            None => match self.resolve(source, image).await {
                Ok(Found::Present(digest)) => image.pinned(&digest),
                Ok(Found::Absent) => {
                    let hint = "check the name, and whether the image has been pushed";
                    let reason = "the registry has no such image";
                    return Arc::new(unable(image, None, reason, Some(hint.to_owned()), now));
                }
                Err(fault) => {
                    return Arc::new(unable(image, None, &fault.message, fault.hint, now));
                }
            },
        };
        let key = Key {
            image: pinned.clone(),
            set: set.digest().clone(),
            namespace: labels.cloned(),
            platforms: options.platforms.clone().map(PlatformsFlag::from),
            allow_unmatched: options.unmatched == Unmatched::Allow,
            evidence_bytes: options.evidence_bytes,
            layer_bytes: options.layer_bytes,
        };
        let mut made = false;
        let decision = self
            .decisions
            .get_with(key, async {
                made = true;
                let outcome = Gate::new(source, options).verify(&pinned, set, now).await;
                self.asked(outcome.questions);
                Arc::new(outcome.decision)
            })
            .await;
        let counter = match made {
            true => &self.counts.misses,
            false => &self.counts.hits,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        decision
    }

    async fn resolve<S: Source>(&self, source: &S, image: &Reference) -> Resolved {
        let work = async {
            self.asked(1);
            source.resolve(image).await.map_err(|e| Fault::from(&e))
        };
        self.resolved.get_with(image.clone(), work).await
    }

    fn asked(&self, questions: u64) {
        self.counts
            .questions
            .fetch_add(questions, Ordering::Relaxed);
    }

    /// How many decisions were known already.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.counts.hits.load(Ordering::Relaxed)
    }

    /// How many decisions had to be made.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.counts.misses.load(Ordering::Relaxed)
    }

    /// How many questions went to registries.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.counts.questions.load(Ordering::Relaxed)
    }

    /// Forgets every decision.
    pub fn clear(&self) {
        self.decisions.invalidate_all();
        self.resolved.invalidate_all();
    }
}

impl Expiry<Key, Arc<Decision>> for CacheTimes {
    fn expire_after_create(
        &self,
        _: &Key,
        decision: &Arc<Decision>,
        _: Instant,
    ) -> Option<Duration> {
        Some(match decision.verdict {
            Verdict::Allow => self.allow,
            Verdict::Deny => self.deny,
            Verdict::Unable => self.unable,
        })
    }
}

impl Expiry<Reference, Resolved> for CacheTimes {
    fn expire_after_create(&self, _: &Reference, found: &Resolved, _: Instant) -> Option<Duration> {
        Some(match found {
            Ok(Found::Present(_)) => self.resolved,
            Ok(Found::Absent) | Err(_) => self.unable,
        })
    }
}
