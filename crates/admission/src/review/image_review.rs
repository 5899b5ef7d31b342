//! The API server's own ImagePolicyWebhook (`imagepolicy.k8s.io/v1alpha1`).
//!
//! It sends the images of containers, init containers and ephemeral containers.
//! It does not send image volumes, which a validating webhook has to catch.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::plan::work;
use super::request::{document, members, text};
use super::{Answer, Door, Outcome, Plan, Rules, Unreadable, plain};
use crate::kinds::{Path, Slot};
use crate::limits;

/// A question about images.
///
/// Its `annotations` can be set by whoever writes the Pod: they are not read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageReview {
    /// The version it is written in, which the answer repeats.
    pub api_version: String,
    /// The namespace that the Pod is going to be in.
    pub namespace: String,
    pub(crate) containers: Box<RawValue>,
}

impl ImageReview {
    /// Reads an ImageReview. `body` is untrusted.
    ///
    /// # Errors
    /// [`Unreadable`] where it is another document.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let envelope = document(body, KIND)?;
        let api_version = text(envelope.api_version).unwrap_or_default();
        if api_version != VERSION {
            return Err(Unreadable::Version(api_version));
        }
        let spec: Option<AskedSpec<'_>> = envelope.spec.and_then(members);
        let namespace = spec
            .as_ref()
            .and_then(|spec| text(spec.namespace))
            .unwrap_or_default();
        let containers = spec.and_then(|spec| spec.containers);
        let containers = containers
            .ok_or(Unreadable::Member("spec.containers"))?
            .to_owned();
        Ok(Self {
            api_version,
            namespace,
            containers,
        })
    }

    /// What must be checked.
    #[must_use]
    pub fn plan(&self, rules: &Rules) -> Plan {
        match self.slots() {
            Ok(slots) => work(slots, rules, Door::ImageReview),
            Err(error) => Plan::Refuse(Answer::unreadable(&error)),
        }
    }

    fn slots(&self) -> Result<Vec<Slot>, Unreadable> {
        let Ok(containers) = serde_json::from_str::<Vec<Value>>(self.containers.get()) else {
            return Err(Unreadable::Member("spec.containers"));
        };
        let at = Path::default().key("spec").key("containers");
        let mut slots = Vec::with_capacity(containers.len());
        for (index, container) in containers.iter().enumerate() {
            let image = match container.get("image") {
                Some(Value::String(image)) if !image.is_empty() => Some(image.clone()),
                None | Some(Value::String(_) | Value::Null) => None,
                Some(_) => return Err(Unreadable::Member("spec.containers[].image")),
            };
            slots.push(Slot {
                path: at.index(index).key("image"),
                image,
                may_be_empty: false,
            });
        }
        Ok(slots)
    }

    /// The body that says `answer`.
    #[must_use]
    pub fn response(&self, answer: &Answer) -> Vec<u8> {
        let allowed = answer.outcome == Outcome::Allow;
        let response = Response {
            api_version: &self.api_version,
            kind: KIND,
            spec: Spec {},
            status: Status {
                allowed,
                reason: if allowed {
                    String::new()
                } else {
                    plain(&answer.message, limits::MESSAGE_CHARS)
                },
            },
        };
        serde_json::to_vec(&response).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct AskedSpec<'a> {
    #[serde(borrow, default)]
    containers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    namespace: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    api_version: &'a str,
    kind: &'static str,
    spec: Spec,
    status: Status,
}

#[derive(Serialize)]
struct Spec {}

#[derive(Serialize)]
struct Status {
    allowed: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

const KIND: &str = "ImageReview";
const VERSION: &str = "imagepolicy.k8s.io/v1alpha1";
