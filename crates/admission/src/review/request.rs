//! Reading an AdmissionReview.
//!
//! The objects inside are kept as the text that they came as, and are made into
//! trees only while they are looked at: a small text can be a large tree.
//!
//! The types of `kube-core` are not used: they buffer the document twice over,
//! want members that we do not need, and write a patch as a list of numbers. The
//! tests hold what is read and written here against them.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinds::Kind;
use crate::limits;

/// An AdmissionReview that can be answered: it has a uid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Review {
    /// The version it is written in, which the answer repeats.
    pub api_version: String,
    /// The request's uid, which the answer repeats.
    pub uid: String,
    /// The request, or why it cannot be understood.
    pub request: Result<Request, Unreadable>,
}

/// What a review asks about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// What kind of object.
    pub kind: Kind,
    /// The subresource; empty for none.
    pub subresource: String,
    /// The object's name; empty where the server is going to make one up.
    pub name: String,
    /// Its namespace; empty for none.
    pub namespace: String,
    /// What is being done.
    pub operation: Operation,
    /// Whether nothing is going to be stored.
    pub dry_run: bool,
    /// The object as it is to be; none for DELETE. Written by the user.
    pub object: Option<Box<RawValue>>,
    /// The object as it is stored; none for CREATE. Written by the API server.
    pub old_object: Option<Box<RawValue>>,
}

/// What is being done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A connection into it: exec, attach, proxy.
    Connect,
    /// It is made.
    Create,
    /// It is removed.
    Delete,
    /// It is changed.
    Update,
}

/// Why a body is not a review that can be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// A member is absent or of the wrong type.
    #[error("`{0}` is absent or of the wrong type")]
    Member(&'static str),
    /// More parts than a tree is made of.
    #[error("the body has more than {} parts", limits::JSON_PARTS)]
    TooManyParts,
    /// Not JSON, or JSON that says two things.
    #[error("the body cannot be read: {0}")]
    NotJson(#[from] waxseal_oci::JsonError),
    /// Another kind of document.
    #[error("the body is no {wanted}: its kind is `{found}`")]
    NotAReview {
        /// What it says that it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// An operation that does not exist.
    #[error("the operation `{0}` is not known")]
    Operation(String),
    /// The object is of another kind than the request.
    #[error("the request is about a {request}, and its object is a {object}")]
    OtherKind {
        /// The kind of the request.
        request: Kind,
        /// The kind of the object.
        object: Kind,
    },
    /// A version that is not spoken here.
    #[error("the version `{0}` is not supported: list v1 in admissionReviewVersions")]
    Version(String),
}

impl Review {
    /// Reads an AdmissionReview. `body` is untrusted.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no uid to answer to; the caller sent
    /// something else. What else is wrong stands in [`Review::request`].
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let envelope: Envelope<'_> = document(body, KIND)?;
        let request = envelope.request.ok_or(Unreadable::Member("request"))?;
        let request: RawRequest<'_> = members(request).ok_or(Unreadable::Member("request"))?;
        let uid = text(request.uid)
            .filter(|uid| !uid.is_empty())
            .ok_or(Unreadable::Member("request.uid"))?;
        let api_version = text(envelope.api_version).unwrap_or_default();
        let request = if api_version == VERSION {
            Request::read(&request)
        } else {
            Err(Unreadable::Version(api_version.clone()))
        };
        Ok(Self {
            api_version,
            uid,
            request,
        })
    }
}

impl Request {
    fn read(raw: &RawRequest<'_>) -> Result<Self, Unreadable> {
        let operation = match text(raw.operation).as_deref() {
            Some("CREATE") => Operation::Create,
            Some("UPDATE") => Operation::Update,
            Some("DELETE") => Operation::Delete,
            Some("CONNECT") => Operation::Connect,
            Some(other) => return Err(Unreadable::Operation(other.to_owned())),
            None => return Err(Unreadable::Member("request.operation")),
        };
        let Some(kind) = raw.kind.and_then(members::<RawKind<'_>>) else {
            return Err(Unreadable::Member("request.kind"));
        };
        let kind = Kind::new(
            text(kind.group).unwrap_or_default(),
            text(kind.kind).ok_or(Unreadable::Member("request.kind"))?,
        );
        Ok(Self {
            kind,
            subresource: text(raw.sub_resource).unwrap_or_default(),
            name: text(raw.name).unwrap_or_default(),
            namespace: text(raw.namespace).unwrap_or_default(),
            operation,
            dry_run: raw.dry_run.is_some_and(|dry_run| dry_run.get() == "true"),
            object: raw.object.map(ToOwned::to_owned),
            old_object: raw.old_object.map(ToOwned::to_owned),
        })
    }

    /// The object as it is to be, which is of the kind that the request says.
    pub(super) fn object(&self) -> Result<Value, Unreadable> {
        let object = tree(self.object.as_deref());
        if !object.is_object() {
            return Err(Unreadable::Member("request.object"));
        }
        match kind_of(&object) {
            Some(object) if object != self.kind => Err(Unreadable::OtherKind {
                request: self.kind.clone(),
                object,
            }),
            _ => Ok(object),
        }
    }

    /// The object as it is stored; null where there is none.
    pub(super) fn old_object(&self) -> Value {
        tree(self.old_object.as_deref())
    }
}

/// The tree of a text that was checked when it came.
fn tree(text: Option<&RawValue>) -> Value {
    text.and_then(|text| serde_json::from_str(text.get()).ok())
        .unwrap_or_default()
}

/// The members of the outermost object that are looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) api_version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) spec: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest<'a> {
    #[serde(borrow, default)]
    uid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sub_resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    namespace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    operation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dry_run: Option<&'a RawValue>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawKind<'a> {
    #[serde(borrow, default)]
    group: Option<&'a RawValue>,
    #[serde(borrow, default)]
    kind: Option<&'a RawValue>,
}

/// The document in `body`, if it is of the kind `wanted` and says one thing only.
pub(super) fn document<'a>(
    body: &'a [u8],
    wanted: &'static str,
) -> Result<Envelope<'a>, Unreadable> {
    waxseal_oci::check_json(body)?;
    // Those in strings are counted as well: at most, there are so many.
    let parts = body
        .iter()
        .filter(|byte| matches!(byte, b',' | b'{' | b'['))
        .count();
    if parts > limits::JSON_PARTS {
        return Err(Unreadable::TooManyParts);
    }
    let not_a_review = |found| Unreadable::NotAReview { found, wanted };
    let envelope = serde_json::from_slice::<&RawValue>(body)
        .ok()
        .and_then(members);
    let envelope: Envelope<'a> = envelope.ok_or_else(|| not_a_review(String::new()))?;
    match text(envelope.kind) {
        Some(kind) if kind == wanted => Ok(envelope),
        other => Err(not_a_review(other.unwrap_or_default())),
    }
}

/// The members of an object. A list is none, though serde would take it for one.
pub(super) fn members<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let text = raw.get();
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// A string.
pub(super) fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

/// What an object says that it is, where it says so.
fn kind_of(object: &Value) -> Option<Kind> {
    let name = object.get("kind")?.as_str()?;
    let group = match object.get("apiVersion")?.as_str()?.split_once('/') {
        Some((group, _version)) => group,
        None => "",
    };
    Some(Kind::new(group, name))
}

const KIND: &str = "AdmissionReview";
const VERSION: &str = "admission.k8s.io/v1";
