//! From what was found out about each image to the answer on the wire.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use waxseal_oci::{Digest, Reference};

use super::{Door, Review, Unreadable, Work, plain};
use crate::kinds::Path;
use crate::limits;

/// Whether an object is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// It is.
    Allow,
    /// It is not, since it could not be checked.
    Unable,
    /// It is not, since it was checked and refused.
    Deny,
}

impl Outcome {
    /// As it is written in metrics, logs and audit annotations.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Deny => "refused",
            Self::Unable => "not-checked",
        }
    }
}

/// Why, from a fixed list: metrics are labelled with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A field names something that is no image reference.
    BadReference,
    /// The evidence could not be had.
    CouldNotCheck,
    /// The time was over.
    Deadline,
    /// A fault of this program.
    Internal,
    /// The object or the review cannot be read.
    Malformed,
    /// There is no image in it.
    NoImages,
    /// The operation brings no object.
    NoObject,
    /// No policy covers the image.
    NoPolicy,
    /// A tag stands where a digest must.
    NotPinned,
    /// The policies that cover the images say so.
    Policy,
    /// More images than are checked at once.
    TooManyImages,
    /// The stored object names the same images.
    Unchanged,
    /// A kind that is not configured, with images in it.
    UnknownKind,
    /// A version of the review that is not spoken.
    Version,
}

impl Reason {
    /// As it is written in metrics, logs and audit annotations.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::BadReference => "bad-reference",
            Self::CouldNotCheck => "could-not-check",
            Self::Deadline => "deadline",
            Self::Internal => "internal",
            Self::Malformed => "malformed",
            Self::NoImages => "no-images",
            Self::NoObject => "no-object",
            Self::NoPolicy => "no-policy",
            Self::NotPinned => "not-pinned",
            Self::Policy => "policy",
            Self::TooManyImages => "too-many-images",
            Self::Unchanged => "unchanged",
            Self::UnknownKind => "unknown-kind",
            Self::Version => "version",
        }
    }

    /// The HTTP code and the word for it that `kubectl` shows.
    fn status(self) -> (u16, &'static str) {
        match self {
            Self::Malformed | Self::Version => (400, "BadRequest"),
            Self::CouldNotCheck => (503, "ServiceUnavailable"),
            Self::Deadline => (504, "Timeout"),
            Self::Internal => (500, "InternalError"),
            _ => (403, "Forbidden"),
        }
    }
}

/// What was found out about one image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// May it run?
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The digest that was decided on, where it came to that.
    pub digest: Option<Digest>,
    /// Why, for people.
    pub message: String,
    /// What would have been refused if the policy were enforced, to be told.
    pub warnings: Vec<String>,
    /// The same, to be recorded only.
    pub recorded: Vec<String>,
}

impl Judgement {
    /// A judgement without a digest or warnings.
    #[must_use]
    pub fn new(outcome: Outcome, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            outcome,
            reason,
            digest: None,
            message: message.into(),
            warnings: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// The same, about `digest`.
    #[must_use]
    pub fn of(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// The same, with a warning.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// The answer to a review, before it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Is it let in?
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Why, for people.
    pub message: String,
    /// What its author should know.
    pub warnings: Vec<String>,
    /// What would have been refused, for the audit log and ours only.
    pub recorded: Vec<String>,
    /// What stands where in the object, and what shall.
    pub pins: Vec<(Path, String)>,
    /// One line for each image.
    pub images: Vec<String>,
}

impl Answer {
    /// An answer without images.
    #[must_use]
    pub fn new(outcome: Outcome, reason: Reason, message: String) -> Self {
        Self {
            outcome,
            reason,
            message,
            warnings: Vec::new(),
            recorded: Vec::new(),
            pins: Vec::new(),
            images: Vec::new(),
        }
    }

    /// A refusal.
    #[must_use]
    pub fn refuse(reason: Reason, message: String) -> Self {
        Self::new(Outcome::Deny, reason, message)
    }

    /// The answer to a review of which little more than the uid can be read.
    #[must_use]
    pub fn unreadable(error: &Unreadable) -> Self {
        let reason = match error {
            Unreadable::Version(_) => Reason::Version,
            _ => Reason::Malformed,
        };
        Self::refuse(reason, format!("the review cannot be read: {error}"))
    }

    /// The body that says so to `review`.
    #[must_use]
    pub fn response(&self, review: &Review) -> Vec<u8> {
        let allowed = self.outcome == Outcome::Allow;
        let (code, reason) = if allowed {
            (200, "")
        } else {
            self.reason.status()
        };
        let patch = self.patch();
        let response = ReviewResponse {
            api_version: &review.api_version,
            kind: "AdmissionReview",
            response: Response {
                uid: &review.uid,
                allowed,
                status: Status {
                    status: if allowed { "Success" } else { "Failure" },
                    code,
                    reason,
                    message: plain(&self.message, limits::MESSAGE_CHARS),
                },
                patch_type: patch.is_some().then_some("JSONPatch"),
                patch,
                audit_annotations: self.audit(),
                warnings: self
                    .warnings
                    .iter()
                    .take(limits::WARNINGS)
                    .map(|warning| plain(warning, limits::WARNING_CHARS))
                    .collect(),
            },
        };
        serde_json::to_vec(&response).unwrap_or_default()
    }

    /// RFC 6902, in base64 as the API server wants it.
    fn patch(&self) -> Option<String> {
        if self.pins.is_empty() || self.outcome != Outcome::Allow {
            return None;
        }
        let operations: Vec<_> = self
            .pins
            .iter()
            .map(|(path, value)| Replace {
                op: "replace",
                path: path.pointer(),
                value,
            })
            .collect();
        serde_json::to_vec(&operations)
            .ok()
            .map(|patch| STANDARD.encode(patch))
    }

    /// The API server puts the webhook's name before each key.
    fn audit(&self) -> BTreeMap<&'static str, String> {
        let mut audit = BTreeMap::new();
        audit.insert("verdict", self.outcome.label().to_owned());
        audit.insert("reason", self.reason.label().to_owned());
        if !self.images.is_empty() {
            audit.insert(
                "images",
                plain(&self.images.join("; "), limits::AUDIT_CHARS),
            );
        }
        if !self.recorded.is_empty() {
            let recorded = plain(&self.recorded.join("; "), limits::AUDIT_CHARS);
            audit.insert("not-enforced", recorded);
        }
        audit
    }
}

/// The answer about `work`, of whose images `judgements` says, in their order,
/// what was found out. An image without a judgement was not checked.
#[must_use]
pub fn conclude(work: &Work, judgements: &[Judgement], door: Door) -> Answer {
    let missing = Judgement::new(Outcome::Unable, Reason::Internal, "it was not checked");
    let judgement = |image: usize| judgements.get(image).unwrap_or(&missing);
    // The last of several equal ones is taken, so the first image's comes last.
    let worst = (0..work.images.len())
        .rev()
        .map(judgement)
        .max_by_key(|judgement| judgement.outcome)
        .unwrap_or(&missing);
    let mut answer = Answer::new(worst.outcome, worst.reason, String::new());
    let mut failed = Vec::new();
    for (index, reference) in work.images.iter().enumerate() {
        let judgement = judgement(index);
        let places = work.places(index);
        if judgement.outcome != Outcome::Allow {
            let message = plain(&judgement.message, limits::IMAGE_MESSAGE_CHARS);
            failed.push((
                judgement.outcome,
                format!("{places} `{reference}`: {message}"),
            ));
        }
        let about = |text: &String| format!("{places} `{reference}`: {text}");
        answer.warnings.extend(judgement.warnings.iter().map(about));
        answer.recorded.extend(judgement.recorded.iter().map(about));
        answer.images.push(line(reference, judgement));
        let (None, Some(digest), Outcome::Allow) =
            (reference.digest(), &judgement.digest, judgement.outcome)
        else {
            continue;
        };
        if door == Door::Mutate {
            let pinned = reference.pinned(digest).to_string();
            let paths = work.wanted.iter().filter(|wanted| wanted.image == index);
            answer
                .pins
                .extend(paths.map(|wanted| (wanted.path.clone(), pinned.clone())));
        } else {
            answer.warnings.push(format!(
                "{places} `{reference}` is a tag, which can move before the pull: name {digest}, \
                 or add the mutating webhook"
            ));
        }
    }
    answer.message = message(worst, &failed, work.images.len());
    answer
}

impl Work {
    /// The places that name an image, few of them by name.
    fn places(&self, image: usize) -> String {
        let mut paths = self
            .wanted
            .iter()
            .filter(|w| w.image == image)
            .map(|w| &w.path);
        let mut text = paths.next().map(ToString::to_string).unwrap_or_default();
        let more = paths.count();
        if more > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, " (and {more} more)");
        }
        text
    }
}

fn line(reference: &Reference, judgement: &Judgement) -> String {
    let image = match &judgement.digest {
        Some(digest) => reference.pinned(digest).to_string(),
        None => reference.to_string(),
    };
    format!("{image} {}", judgement.outcome.label())
}

/// What was refused comes before what could not be checked.
fn message(worst: &Judgement, failed: &[(Outcome, String)], images: usize) -> String {
    let told = |outcome: Outcome, verb: &str| {
        let told: Vec<_> = failed
            .iter()
            .filter(|f| f.0 == outcome)
            .map(|f| f.1.as_str())
            .collect();
        match told.len() {
            0 => None,
            _ if images == 1 => Some(format!("{verb}: {}", told.join("; "))),
            n => Some(format!(
                "{verb} {n} of {images} images: {}",
                told.join("; ")
            )),
        }
    };
    let told = [
        told(Outcome::Deny, "refused"),
        told(Outcome::Unable, "could not check"),
    ];
    match (worst.outcome, images) {
        (Outcome::Allow, 1) => plain(&worst.message, limits::IMAGE_MESSAGE_CHARS),
        (Outcome::Allow, n) => format!("{n} images allowed"),
        _ => told.into_iter().flatten().collect::<Vec<_>>().join("; "),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewResponse<'a> {
    api_version: &'a str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    audit_annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    code: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Replace<'a> {
    op: &'static str,
    path: String,
    value: &'a str,
}
