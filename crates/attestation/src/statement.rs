//! in-toto statements, v0.1 and v1.
//!
//! > Statement: binds the attestation to a particular subject, and
//! > unambiguously identifies the types of the predicate.
//! > — in-toto attestation specification v1.0

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use waxseal_oci::{Algorithm, Annotations, Digest, JsonError as PredicateJsonError, check_json};

use crate::json::{self, Budget, Fields, JsonError, Value, shown};
use crate::limits;
use crate::scan::{Predicate, Scanner};

/// `_type` of an in-toto statement v0.1.
pub const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";
/// `_type` of an in-toto statement v1.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// A statement with its predicate.
#[derive(Clone, Debug)]
pub struct Statement {
    head: StatementHead,
    predicate: Option<Box<str>>,
}

impl Statement {
    /// Reads a statement. `payload` is untrusted.
    ///
    /// Members that the specification does not know are ignored, as it asks.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        Self::from_bytes(payload.to_vec())
    }

    /// Reads a statement as [`parse`](Self::parse) does, and keeps its predicate in the
    /// memory that it came in.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_bytes(mut payload: Vec<u8>) -> Result<Self, StatementError> {
        let mut reader = HeadReader::new();
        reader.push(&payload)?;
        let (head, range) = reader.finish_with_range()?;
        let text = range.and_then(|range| Some((payload.get(range.clone())?, range)));
        let Some((text, range)) = text.filter(|(text, _)| *text != b"null") else {
            return Ok(Self {
                head,
                predicate: None,
            });
        };
        check_json(text).map_err(|error| {
            StatementError::Predicate(match error {
                PredicateJsonError::DuplicateKey(key) => {
                    PredicateJsonError::DuplicateKey(shown(&key))
                }
                other => other,
            })
        })?;
        payload.truncate(range.end);
        payload.drain(..range.start);
        let text = String::from_utf8(payload).map_err(|error| StatementError::NotJson {
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(Self {
            head,
            predicate: Some(text.into()),
        })
    }

    /// Everything but the predicate.
    #[must_use]
    pub fn head(&self) -> &StatementHead {
        &self.head
    }

    /// What the statement is about.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        self.head.subjects()
    }

    /// What the statement says, by URI.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        self.head.predicate_type()
    }

    /// The predicate, as its JSON was written; cosign 3.0.0 to 3.0.4 left it out.
    #[must_use]
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }

    /// The predicate, taken out.
    #[must_use]
    pub fn into_predicate(self) -> Option<Box<str>> {
        self.predicate
    }

    /// Whether a subject names `digest`.
    #[must_use]
    pub fn names_digest(&self, digest: &Digest) -> bool {
        self.head.names_digest(digest)
    }
}

/// A statement whose predicate was skipped unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementHead {
    subjects: Vec<Subject>,
    predicate_type: String,
}

impl StatementHead {
    /// Reads a statement from a stream, in memory that does not grow with its
    /// predicate. What is read is untrusted.
    ///
    /// # Errors
    /// The first thing that is wrong; a failure of the reader is
    /// [`StatementError::Unreadable`].
    pub fn from_reader(mut reader: impl Read) -> Result<Self, StatementError> {
        let mut head = HeadReader::new();
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let read = reader
                .read(&mut buffer)
                .map_err(|error| StatementError::Unreadable(error.to_string()))?;
            match buffer.get(..read) {
                Some([]) | None => return head.finish(),
                Some(chunk) => head.push(chunk)?,
            }
        }
    }

    /// What the statement is about.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What the statement says, by URI.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Whether a subject names `digest`.
    #[must_use]
    pub fn names_digest(&self, digest: &Digest) -> bool {
        self.subject_named(std::slice::from_ref(digest)).is_some()
    }

    /// The first subject that names the artifact with these digests.
    ///
    /// Of the algorithms that a subject and `digests` have in common only the
    /// strongest counts: an agreement in a weak one must not outvote it.
    #[must_use]
    pub fn subject_named(&self, digests: &[Digest]) -> Option<&Subject> {
        self.subjects
            .iter()
            .find(|subject| subject.is_any_of(digests))
    }
}

/// A statement in the making, fed chunk by chunk.
#[derive(Debug)]
pub struct HeadReader {
    scanner: Scanner,
}

impl Default for HeadReader {
    fn default() -> Self {
        Self::new()
    }
}

impl HeadReader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(),
        }
    }

    /// Takes the next bytes of the payload, which are untrusted.
    ///
    /// # Errors
    /// As soon as it cannot be a statement any more.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), StatementError> {
        self.scanner.push(chunk)
    }

    /// The statement that was read.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn finish(self) -> Result<StatementHead, StatementError> {
        self.finish_with_range().map(|(head, _)| head)
    }

    fn finish_with_range(self) -> Result<(StatementHead, Option<Range<usize>>), StatementError> {
        let (kept, predicate) = self.scanner.finish()?;
        let head = parse_head(&kept)?;
        match predicate {
            Some(Predicate {
                first: b'{' | b'n',
                range,
            }) => Ok((head, Some(range))),
            Some(_) => Err(StatementError::Json(JsonError::Type {
                at: "statement",
                name: "predicate",
                wanted: "an object",
            })),
            None => Ok((head, None)),
        }
    }
}

/// What a statement is about (v1: a resource descriptor).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// Its name; empty if it has none. What identifies the subject is its digest.
    pub name: String,
    /// Its digests, by algorithm.
    pub digest: BTreeMap<String, String>,
    /// Its annotations that are strings.
    pub annotations: Annotations,
}

impl Subject {
    /// The subject `name` with one digest.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: &Digest) -> Self {
        let mut digests = BTreeMap::new();
        digests.insert(
            digest.algorithm().name().to_owned(),
            digest.hex().to_owned(),
        );
        Self {
            name: name.into(),
            digest: digests,
            annotations: Annotations::new(),
        }
    }

    /// The same subject, with `annotations`.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = annotations;
        self
    }

    fn is_any_of(&self, digests: &[Digest]) -> bool {
        [Algorithm::Sha512, Algorithm::Sha384, Algorithm::Sha256]
            .into_iter()
            .find_map(|algorithm| {
                let named = self.digest.get(algorithm.name())?;
                let digest = digests
                    .iter()
                    .find(|digest| digest.algorithm() == algorithm)?;
                Some(digest.hex() == named)
            })
            .unwrap_or(false)
    }
}

/// Why a payload is not a statement that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// A digest of a known algorithm is no such digest.
    #[error("the {algorithm} digest of subject {index} is not one: `{value}`")]
    Digest {
        /// Which subject, from 0.
        index: usize,
        /// The algorithm.
        algorithm: &'static str,
        /// What stands there.
        value: String,
    },
    /// There is too much beside the predicate.
    #[error(
        "a statement has more than {} bytes beside its predicate",
        limits::HEAD_BYTES
    )]
    HeadTooLarge,
    /// A member is missing, of another type, there twice, or one too many.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It has no subjects, so that it is about nothing.
    #[error("a statement has no subjects")]
    NoSubjects,
    /// It is not JSON.
    #[error("not valid JSON at byte {offset}")]
    NotJson {
        /// Where.
        offset: usize,
    },
    /// The predicate can be read in two ways.
    #[error("predicate: {0}")]
    Predicate(PredicateJsonError),
    /// A subject has no digest, so that it names nothing.
    #[error("subject {index} has no digest")]
    SubjectWithoutDigest {
        /// Which subject, from 0.
        index: usize,
    },
    /// It is nested too deeply.
    #[error("nested deeper than {} levels", limits::PREDICATE_DEPTH)]
    TooDeep,
    /// It is a statement of a kind that is not known.
    #[error("unknown statement type `{0}` (known: in-toto v0.1 and v1)")]
    Type(String),
    /// The stream failed.
    #[error("cannot read the payload: {0}")]
    Unreadable(String),
}

/// Reads what the scanner kept.
fn parse_head(kept: &[u8]) -> Result<StatementHead, StatementError> {
    let mut fields = Fields::new("statement", json::parse(kept, BUDGET)?)?;
    let kind = fields.need_string("_type")?;
    if kind != STATEMENT_V01 && kind != STATEMENT_V1 {
        return Err(StatementError::Type(shown(&kind)));
    }
    let predicate_type = fields.need_string("predicateType")?.into_owned();
    if predicate_type.is_empty() {
        return Err(JsonError::Missing {
            at: "statement",
            name: "predicateType",
        }
        .into());
    }
    // The scanner writes `null` here. Anything else got past it under a key
    // that is spelled with escapes.
    if fields.take("predicate").is_some() {
        return Err(JsonError::DuplicateKey("predicate".to_owned()).into());
    }
    let subjects = fields
        .array("subject", limits::SUBJECTS)?
        .into_iter()
        .enumerate()
        .map(|(index, subject)| parse_subject(index, subject))
        .collect::<Result<Vec<_>, _>>()?;
    if subjects.is_empty() {
        return Err(StatementError::NoSubjects);
    }
    Ok(StatementHead {
        subjects,
        predicate_type,
    })
}

fn parse_subject(index: usize, value: Value<'_>) -> Result<Subject, StatementError> {
    let mut fields = Fields::new("subject", value)?;
    let name = fields.string("name")?.unwrap_or_default().into_owned();
    let digests = match fields.object("digest")? {
        Some(digests) => digests.into_rest(),
        None => Vec::new(),
    };
    if digests.is_empty() {
        return Err(StatementError::SubjectWithoutDigest { index });
    }
    if digests.len() > limits::DIGESTS {
        return Err(JsonError::TooMany {
            name: "digest",
            limit: limits::DIGESTS,
            found: digests.len(),
        }
        .into());
    }
    let mut digest = BTreeMap::new();
    for (algorithm, value) in digests {
        let Value::String(value) = value else {
            return Err(JsonError::Type {
                at: "subject",
                name: "digest",
                wanted: "strings",
            }
            .into());
        };
        if let Some(known) = Algorithm::from_name(&algorithm)
            && Digest::from_hex(known, &value).is_err()
        {
            return Err(StatementError::Digest {
                index,
                algorithm: known.name(),
                value: shown(&value),
            });
        }
        digest.insert(algorithm.into_owned(), value.into_owned());
    }
    let annotations = match fields.object("annotations")? {
        None => Annotations::new(),
        Some(members) => members
            .into_rest()
            .into_iter()
            .filter_map(|(key, value)| match value {
                Value::String(value) => Some((key.into_owned(), value.into_owned())),
                _ => None,
            })
            .collect(),
    };
    Ok(Subject {
        name,
        digest,
        annotations,
    })
}

/// A statement's head has at most so many subjects, digests and annotations.
const BUDGET: Budget = Budget::new(65_536, 16);
