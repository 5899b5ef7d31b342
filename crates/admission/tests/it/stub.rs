//! A decider that goes by the first part of the repository's name.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use waxseal_admission::check::{Checker, Deadline, Question};
use waxseal_admission::decider::{Decider, Place, Readiness};
use waxseal_admission::kinds::Kinds;
use waxseal_admission::review::{Answer, Door, Judgement, Outcome, Reason, Rules};
use waxseal_oci::{Digest, Reference};

/// `ok/…` is allowed, `bad/…` refused, `down/…` cannot be told, `warn/…` is
/// allowed with a warning, `none/…` has no policy, `slow/…` never ends,
/// `panic/…` panics.
#[derive(Default)]
pub(crate) struct Stub {
    pub(crate) asked: Mutex<Vec<(String, String)>>,
}

impl Stub {
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|(image, _)| image.clone())
            .collect()
    }
}

impl Decider for Stub {
    fn decide<'a>(&'a self, image: &'a Reference, place: &'a Place) -> BoxFuture<'a, Judgement> {
        self.asked
            .lock()
            .unwrap()
            .push((image.to_string(), place.namespace.clone()));
        Box::pin(async move {
            let name = image.repository().name();
            let allow = Judgement::new(Outcome::Allow, Reason::Policy, "signed by release-key");
            match name.split('/').next().unwrap_or_default() {
                "ok" => allow.of(digest_of(image)),
                "warn" => allow
                    .of(digest_of(image))
                    .warn("policy `trial`: no signature by a known key"),
                "bad" => Judgement::new(
                    Outcome::Deny,
                    Reason::Policy,
                    "policy `release`: no signature by a known key",
                )
                .of(digest_of(image)),
                "none" => Judgement::new(Outcome::Deny, Reason::NoPolicy, "no policy covers it"),
                "down" => Judgement::new(
                    Outcome::Unable,
                    Reason::CouldNotCheck,
                    "the registry answered 503",
                ),
                "slow" => std::future::pending().await,
                "panic" => panic!("asked to"),
                other => panic!("the stub knows no {other}"),
            }
        })
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready("a stub".to_owned())
    }
}

/// The digest that the reference has, or one made from its name.
pub(crate) fn digest_of(image: &Reference) -> Digest {
    image
        .digest()
        .cloned()
        .unwrap_or_else(|| Digest::sha256(image.to_string().as_bytes()))
}

pub(crate) fn rules() -> Rules {
    Rules::new(Kinds::new(vec![
        "argoproj.io/Rollout=spec.template.spec".parse().unwrap(),
    ]))
}

/// The answer to `body` and the response written from it.
pub(crate) async fn ask(
    stub: &Arc<Stub>,
    rules: Rules,
    door: Door,
    body: &[u8],
) -> (Answer, serde_json::Value) {
    let checker = Checker::new(Arc::clone(stub), rules);
    let question = Question::parse(body, door).unwrap();
    let deadline = Deadline::within(std::time::Duration::from_secs(9));
    let answer = checker.answer(&question, door, deadline).await;
    let response = serde_json::from_slice(&question.response(&answer)).unwrap();
    (answer, response)
}
