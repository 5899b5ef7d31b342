//! What of a request must be checked.
//!
//! The rules, in their order:
//!
//! 1. DELETE and CONNECT bring no image.
//! 2. A kind whose objects name images is read as what it is; another that
//!    looks as if it named some is refused; any other (Scale, Binding) has none.
//! 3. An UPDATE that names no image which the stored object does not name
//!    changes nothing that runs: a label, a scale, a finalizer's removal. It is
//!    let through, so that what was there before the policy can still be
//!    managed and deleted. Only `oldObject` is believed, which the API server
//!    read from its own store; a `deletionTimestamp` in the new object, an
//!    annotation or an owner is what its author wrote and is not looked at.
//! 4. `pods/ephemeralcontainers` cannot change the Pod's other containers, so
//!    there the new images are checked and the old ones are not.
//! 5. Everything else: every image is checked, the unchanged ones too.

use std::collections::{BTreeSet, HashMap};

use waxseal_oci::Reference;

use super::{Answer, Door, Operation, Outcome, Reason, Request};
use crate::kinds::{ExtractError, Kinds, Path, Slot};
use crate::limits;

/// What to do about a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Plan {
    /// Nothing needs to be checked.
    Allow(Skip),
    /// These images must be decided on.
    Check(Work),
    /// It is refused as it stands.
    Refuse(Answer),
}

/// Why nothing needs to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// The operation brings no object.
    NoObject,
    /// The object names no image.
    NoImages,
    /// The stored object names the same images.
    Unchanged {
        /// The stored object is being deleted.
        deleting: bool,
    },
}

/// The images to decide on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Work {
    /// Every place that names one.
    pub wanted: Vec<Wanted>,
    /// The different images among them, each once.
    pub images: Vec<Reference>,
}

/// One place with the image that it names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// Where in the object.
    pub path: Path,
    /// Which of [`Work::images`].
    pub image: usize,
}

/// How requests are read.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    kinds: Kinds,
    require_digest: bool,
}

impl Rules {
    /// Reads objects as `kinds` says.
    #[must_use]
    pub fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            require_digest: false,
        }
    }

    /// Refuses a reference without a digest wherever it cannot be pinned.
    #[must_use]
    pub fn require_digest(mut self, required: bool) -> Self {
        self.require_digest = required;
        self
    }
}

/// What must be checked of `request` when it is asked at `door`.
#[must_use]
pub fn plan(request: &Request, rules: &Rules, door: Door) -> Plan {
    let kinds = &rules.kinds;
    if matches!(request.operation, Operation::Delete | Operation::Connect) {
        return Plan::Allow(Skip::NoObject);
    }
    let mut slots = match request
        .object()
        .map(|object| kinds.images(&request.kind, &object))
    {
        Ok(Ok(slots)) => slots,
        Ok(Err(error)) => return Plan::Refuse(no_images_known(&error)),
        Err(error) => return Plan::Refuse(Answer::unreadable(&error)),
    };
    if slots
        .iter()
        .all(|slot| slot.image.is_none() && slot.may_be_empty)
    {
        return Plan::Allow(Skip::NoImages);
    }
    if request.operation == Operation::Update && request.old_object.is_some() {
        // An old object that cannot be read is no reason to skip anything.
        let stored = request.old_object();
        let old = kinds.images(&request.kind, &stored).unwrap_or_default();
        let old: BTreeSet<&str> = old
            .iter()
            .filter_map(|slot| slot.image.as_deref())
            .collect();
        let is_new = |slot: &Slot| match slot.image.as_deref() {
            Some(image) => !old.contains(image),
            None => !slot.may_be_empty,
        };
        if !slots.iter().any(is_new) {
            let deleting = stored
                .pointer("/metadata/deletionTimestamp")
                .is_some_and(serde_json::Value::is_string);
            return Plan::Allow(Skip::Unchanged { deleting });
        }
        if request.kind.group.is_empty()
            && request.kind.name == "Pod"
            && request.subresource == "ephemeralcontainers"
        {
            slots.retain(is_new);
        }
    }
    work(slots, rules, door)
}

/// The images that `slots` name, or why they cannot all be told.
pub(super) fn work(slots: Vec<Slot>, rules: &Rules, door: Door) -> Plan {
    if slots.len() > limits::SLOTS {
        let message = format!(
            "{} places in one object name an image, more than the {} that are checked at once",
            slots.len(),
            limits::SLOTS
        );
        return Plan::Refuse(Answer::refuse(Reason::TooManyImages, message));
    }
    let mut work = Work::default();
    let require_digest = rules.require_digest && door != Door::Mutate;
    let mut movable = Vec::new();
    let mut seen: HashMap<Reference, usize> = HashMap::new();
    let mut problems = Vec::new();
    for Slot {
        path,
        image,
        may_be_empty,
    } in slots
    {
        let Some(text) = image else {
            // Another webhook may still fill it in; validation comes last.
            if !may_be_empty && door != Door::Mutate {
                problems.push(format!("{path} is empty"));
            }
            continue;
        };
        match text.parse::<Reference>() {
            Ok(reference) => {
                if require_digest && reference.digest().is_none() {
                    movable.push(format!("{path} `{text}`"));
                }
                let next = work.images.len();
                let image = *seen.entry(reference).or_insert_with_key(|reference| {
                    work.images.push(reference.clone());
                    next
                });
                work.wanted.push(Wanted { path, image });
            }
            Err(error) => problems.push(format!("{path} `{text}` is no image reference: {error}")),
        }
    }
    if !problems.is_empty() {
        return Plan::Refuse(Answer::refuse(Reason::BadReference, problems.join("; ")));
    }
    if work.images.len() > limits::IMAGES {
        let message = format!(
            "{} different images in one object, more than the {} that are checked at once",
            work.images.len(),
            limits::IMAGES
        );
        return Plan::Refuse(Answer::refuse(Reason::TooManyImages, message));
    }
    if work.images.is_empty() {
        return Plan::Allow(Skip::NoImages);
    }
    if !movable.is_empty() {
        let message = format!(
            "{}: a tag can move between this check and the pull; name the image by digest, or \
             put /mutate into a MutatingWebhookConfiguration, which pins it",
            movable.join(", ")
        );
        return Plan::Refuse(Answer::refuse(Reason::NotPinned, message));
    }
    Plan::Check(work)
}

fn no_images_known(error: &ExtractError) -> Answer {
    let reason = match error {
        ExtractError::Malformed(_) => Reason::Malformed,
        ExtractError::UnknownKind { .. } => Reason::UnknownKind,
    };
    Answer::refuse(reason, error.to_string())
}

impl Skip {
    /// The answer that says so.
    #[must_use]
    pub fn answer(self) -> Answer {
        let (reason, message) = match self {
            Self::NoObject => (Reason::NoObject, "the operation brings no image"),
            Self::NoImages => (Reason::NoImages, "the object names no image"),
            Self::Unchanged { deleting: false } => (
                Reason::Unchanged,
                "not checked: the stored object names the same images",
            ),
            Self::Unchanged { deleting: true } => (
                Reason::Unchanged,
                "not checked: the stored object is being deleted and names the same images",
            ),
        };
        Answer::new(Outcome::Allow, reason, message.to_owned())
    }
}
