//! Counters and timings in the OpenMetrics text format.
//!
//! Every label's values come from a fixed list: an image or a namespace is never
//! one, since whoever can send a review could make as many as they like.

use std::sync::Mutex;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::decider::Counts;
use crate::review::{Answer, Door};

/// What the server counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    reviews: Family<ReviewLabels, Counter>,
    seconds: Family<DoorLabels, Histogram, fn() -> Histogram>,
    rejected: Family<RejectedLabels, Counter>,
    /// Reviews that are being worked on.
    pub(crate) in_flight: Gauge,
    certificate_failures: Counter,
}

/// Why a request was not a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejected {
    /// No review in the body.
    BadRequest,
    /// Too much to do.
    Busy,
    /// A client without a certificate.
    NoCertificate,
    /// A body over the limit.
    TooLarge,
    /// A body that did not come.
    TooSlow,
    /// Another content type.
    WrongType,
}

impl Rejected {
    fn label(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::Busy => "busy",
            Self::NoCertificate => "no-certificate",
            Self::TooLarge => "too-large",
            Self::TooSlow => "too-slow",
            Self::WrongType => "wrong-type",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    endpoint: &'static str,
    verdict: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorLabels {
    endpoint: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectedLabels {
    reason: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let reviews = Family::default();
        let seconds = Family::<_, _, fn() -> Histogram>::new_with_constructor(histogram);
        let rejected = Family::default();
        let in_flight = Gauge::default();
        let certificate_failures = Counter::default();
        let mut registry = Registry::with_prefix("waxseal_admission");
        registry.register("reviews", "Reviews answered", reviews.clone());
        registry.register("review_seconds", "Time to answer a review", seconds.clone());
        registry.register("rejected", "Requests that were no review", rejected.clone());
        registry.register("in_flight", "Reviews being worked on", in_flight.clone());
        registry.register(
            "certificate_failures",
            "Certificates that could not be loaded",
            certificate_failures.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            reviews,
            seconds,
            rejected,
            in_flight,
            certificate_failures,
        }
    }
}

impl Metrics {
    /// One review was answered.
    pub fn review(&self, door: Door, answer: &Answer, took: Duration) {
        let endpoint = endpoint(door);
        let labels = ReviewLabels {
            endpoint,
            verdict: answer.outcome.label(),
            reason: answer.reason.label(),
        };
        self.reviews.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&DoorLabels { endpoint })
            .observe(took.as_secs_f64());
    }

    /// One request was not a review.
    pub fn rejected(&self, reason: Rejected) {
        self.rejected
            .get_or_create(&RejectedLabels {
                reason: reason.label(),
            })
            .inc();
    }

    /// A certificate could not be loaded.
    pub fn certificate_failure(&self) {
        self.certificate_failures.inc();
    }

    /// Everything, as a scraper reads it.
    #[must_use]
    pub fn encode(&self, counts: Counts) -> String {
        let mut out = String::new();
        let registry = self
            .registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing to a string does not fail; what was written is sent.
        let _ = text::encode_registry(&mut out, &registry);
        let _ = text::encode_registry(&mut out, &of_decider(counts));
        let _ = text::encode_eof(&mut out);
        out
    }
}

fn of_decider(counts: Counts) -> Registry {
    let mut registry = Registry::with_prefix("waxseal_admission");
    let counters = [
        (
            "cache_hits",
            "Decisions that were already made",
            counts.cache_hits,
        ),
        (
            "cache_misses",
            "Decisions that had to be made",
            counts.cache_misses,
        ),
        (
            "registry_requests",
            "Requests to a registry",
            counts.registry_requests,
        ),
        (
            "policy_failures",
            "Policy sets that could not be loaded",
            counts.policy_failures,
        ),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value));
    }
    registry.register(
        "policies",
        "Policies in force",
        ConstGauge::new(i64::try_from(counts.policies).unwrap_or(i64::MAX)),
    );
    registry
}

fn endpoint(door: Door) -> &'static str {
    match door {
        Door::ImageReview => "image-review",
        Door::Mutate => "mutate",
        Door::Validate => "validate",
    }
}

/// A warm decision takes well under a millisecond, the API server waits 30 s at most.
fn histogram() -> Histogram {
    Histogram::new([
        0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}
