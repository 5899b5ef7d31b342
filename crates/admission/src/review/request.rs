//! Reading an AdmissionReview.
//!
//! The types of `kube-core` are not used: they buffer the document twice over,
//! want members that we do not need, and write a patch as a list of numbers. The
//! tests hold what is read and written here against them.

use serde_json::Value;

use crate::kinds::Kind;

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
    /// The object as it is to be; null for DELETE. Written by the user.
    pub object: Value,
    /// The object as it is stored; null for CREATE. Written by the API server.
    pub old_object: Value,
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
        let mut body = document(body, KIND)?;
        let mut request = body.get_mut("request").map(Value::take).unwrap_or_default();
        if !request.is_object() {
            return Err(Unreadable::Member("request"));
        }
        let uid = text(&mut request, "uid").unwrap_or_default();
        if uid.is_empty() {
            return Err(Unreadable::Member("request.uid"));
        }
        let api_version = text(&mut body, "apiVersion").unwrap_or_default();
        let request = if api_version == VERSION {
            Request::read(request)
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
    fn read(mut request: Value) -> Result<Self, Unreadable> {
        let operation = match text(&mut request, "operation").as_deref() {
            Some("CREATE") => Operation::Create,
            Some("UPDATE") => Operation::Update,
            Some("DELETE") => Operation::Delete,
            Some("CONNECT") => Operation::Connect,
            Some(other) => return Err(Unreadable::Operation(other.to_owned())),
            None => return Err(Unreadable::Member("request.operation")),
        };
        let mut kind = request.get_mut("kind").map(Value::take).unwrap_or_default();
        let kind = Kind::new(
            text(&mut kind, "group").unwrap_or_default(),
            text(&mut kind, "kind").ok_or(Unreadable::Member("request.kind"))?,
        );
        let request = Self {
            kind,
            subresource: text(&mut request, "subResource").unwrap_or_default(),
            name: text(&mut request, "name").unwrap_or_default(),
            namespace: text(&mut request, "namespace").unwrap_or_default(),
            operation,
            dry_run: request.get("dryRun") == Some(&Value::Bool(true)),
            object: request
                .get_mut("object")
                .map(Value::take)
                .unwrap_or_default(),
            old_object: request
                .get_mut("oldObject")
                .map(Value::take)
                .unwrap_or_default(),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), Unreadable> {
        if !matches!(self.operation, Operation::Create | Operation::Update) {
            return Ok(());
        }
        if !self.object.is_object() {
            return Err(Unreadable::Member("request.object"));
        }
        match kind_of(&self.object) {
            Some(object) if object != self.kind => Err(Unreadable::OtherKind {
                request: self.kind.clone(),
                object,
            }),
            _ => Ok(()),
        }
    }
}

/// The document in `body`, if it is of the kind `wanted` and says one thing only.
pub(super) fn document(body: &[u8], wanted: &'static str) -> Result<Value, Unreadable> {
    waxseal_oci::check_json(body)?;
    let mut body: Value = serde_json::from_slice(body)
        .map_err(|error| waxseal_oci::JsonError::Syntax(error.to_string()))?;
    match text(&mut body, "kind") {
        Some(kind) if kind == wanted => Ok(body),
        other => Err(Unreadable::NotAReview {
            found: other.unwrap_or_default(),
            wanted,
        }),
    }
}

/// The string member `key`, taken out.
pub(super) fn text(holder: &mut Value, key: &str) -> Option<String> {
    match holder.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
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
