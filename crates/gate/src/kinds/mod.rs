//! Where each kind of object names images.
//!
//! The nine built-in kinds that hold a pod spec stand in one table; other kinds
//! are configured with a path. Everything here reads untyped JSON and answers
//! with what it found or with why it could not read it: an object whose shape is
//! not understood is never taken for one without images.

mod builtin;
mod extra;
mod path;
mod pod_spec;
mod stray;

use std::collections::BTreeSet;

use serde_json::Value;

pub use extra::{ExtraKind, ExtraKindError};
pub use path::Path;

/// What an object is, as the API server says in `request.kind`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind's name: `Pod`.
    pub name: String,
}

impl Kind {
    /// The kind `name` of `group`.
    #[must_use]
    pub fn new(group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        f.write_str(&self.name)
    }
}

/// One place in an object that names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the reader of an ImageReview makes them too"
)]
pub struct Slot {
    /// Where in the object.
    pub path: Path,
    /// What stands there. `None` where the field is absent, null or empty.
    pub image: Option<String>,
    /// Whether an empty field may stay empty: only an image volume inside a
    /// template, whose Pods are checked when they are made.
    pub may_be_empty: bool,
}

/// An object that cannot be read: a field of the wrong JSON type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is {found}, not {wanted}")]
#[non_exhaustive]
pub struct Malformed {
    /// Where.
    pub path: Path,
    /// What stands there.
    pub found: &'static str,
    /// What must stand there.
    pub wanted: &'static str,
}

/// Why the images of an object are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each has its own answer at admission"
)]
pub enum ExtractError {
    /// A field has the wrong type.
    #[error("the object cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// The kind is not known, and its object holds images all the same.
    #[error(
        "images in a {kind} are not checked as configured, and this one has some under `{path}`: \
         say so with `--extra-kind {kind}={path}`"
    )]
    UnknownKind {
        /// The kind.
        kind: Kind,
        /// The path of what looks like a pod spec.
        path: Path,
    },
}

/// The kinds whose images are known: the built-in ones and the configured ones.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    extra: Vec<ExtraKind>,
}

impl Kinds {
    /// The nine built-in kinds and `extra`.
    #[must_use]
    pub fn new(extra: Vec<ExtraKind>) -> Self {
        Self { extra }
    }

    /// Every place in `object`, which is a `kind`, that names an image.
    ///
    /// # Errors
    /// [`ExtractError`] where the object's images cannot be told.
    pub fn images(&self, kind: &Kind, object: &Value) -> Result<Vec<Slot>, ExtractError> {
        let mut slots = Vec::new();
        if let Some(workload) = builtin::find(kind) {
            let is_pod = workload.is_pod();
            let mut at = Path::default();
            let mut value = object;
            for key in workload.pod_spec {
                at = at.key(key);
                value = step(value, key, &at)?;
            }
            pod_spec::walk(value, &at, is_pod, &mut slots)?;
            return Ok(slots);
        }
        let mut configured = false;
        for extra in self.extra.iter().filter(|extra| extra.kind == *kind) {
            configured = true;
            extra.walk(object, &mut slots)?;
        }
        if !configured && builtin::holds_no_images_of_its_own(kind) {
            return Ok(slots);
        }
        // A configured path may lead to none of the images, or not to all.
        let mut known: BTreeSet<&str> = slots.iter().filter_map(|s| s.image.as_deref()).collect();
        known.extend(configured.then_some(""));
        match stray::find(object, &known) {
            Some(path) => Err(ExtractError::UnknownKind {
                kind: kind.clone(),
                path,
            }),
            None => Ok(slots),
        }
    }
}

/// The member `key` of an object; null where the object or the member is absent.
fn step<'a>(value: &'a Value, key: &str, at: &Path) -> Result<&'a Value, Malformed> {
    match value {
        Value::Null => Ok(&Value::Null),
        Value::Object(members) => Ok(members.get(key).unwrap_or(&Value::Null)),
        other => Err(Malformed {
            path: at.parent(),
            found: json_type(other),
            wanted: "an object",
        }),
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
