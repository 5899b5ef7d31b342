//! Statements as bytes, laid out as cosign 3 lays them out, but for two things
//! that sigstore-python asks for and cosign does not mind: all are of version 1,
//! and every subject has a name, if an empty one.
//!
//! The layout is stable: the same facts give the same bytes. A predicate is
//! copied as it stands; parsing and writing it again would change numbers that
//! no float holds.

use serde_json::{Map, Value};
use waxseal_oci::{Annotations, Digest};

use crate::predicate_type::PredicateType;
use crate::statement::{STATEMENT_V1, Subject};

/// The statement that says nothing but "signed", with cosign's sign predicate.
///
/// The name of its one subject is empty, and its annotations are there even
/// when they are empty.
#[must_use]
pub fn signature_statement(digest: &Digest, annotations: &Annotations) -> Vec<u8> {
    format!(
        r#"{{"_type":{},"subject":[{{"name":"","digest":{{{}:{}}},"annotations":{}}}],"predicateType":{},"predicate":{{}}}}"#,
        quoted(STATEMENT_V1),
        quoted(digest.algorithm().name()),
        quoted(digest.hex()),
        object(annotations),
        quoted(PredicateType::SIGN),
    )
    .into_bytes()
}

/// A statement that says `predicate`, which must be a JSON object, about
/// `subjects`.
#[must_use]
pub fn statement_bytes(predicate_type: &str, subjects: &[Subject], predicate: &[u8]) -> Vec<u8> {
    let mut bytes = statement_prefix(predicate_type, subjects);
    bytes.reserve_exact(predicate.len().saturating_add(STATEMENT_SUFFIX.len()));
    bytes.extend_from_slice(predicate);
    bytes.extend_from_slice(STATEMENT_SUFFIX);
    bytes
}

/// What stands before the predicate in [`statement_bytes`], for a predicate
/// that is not to be copied.
#[must_use]
pub fn statement_prefix(predicate_type: &str, subjects: &[Subject]) -> Vec<u8> {
    let subjects: Vec<String> = subjects.iter().map(subject).collect();
    format!(
        r#"{{"_type":{},"subject":[{}],"predicateType":{},"predicate":"#,
        quoted(STATEMENT_V1),
        subjects.join(","),
        quoted(predicate_type),
    )
    .into_bytes()
}

/// What stands after the predicate.
pub const STATEMENT_SUFFIX: &[u8] = b"}";

/// cosign's `custom` predicate: any text, and when it was wrapped.
///
/// `timestamp` is RFC 3339 in UTC with whole seconds.
#[must_use]
pub fn custom_predicate(data: &str, timestamp: &str) -> Vec<u8> {
    format!(
        r#"{{"Data":{},"Timestamp":{}}}"#,
        quoted(data),
        quoted(timestamp)
    )
    .into_bytes()
}

fn subject(subject: &Subject) -> String {
    let mut members = vec![
        format!(r#""name":{}"#, quoted(&subject.name)),
        format!(r#""digest":{}"#, object(&subject.digest)),
    ];
    if !subject.annotations.is_empty() {
        members.push(format!(r#""annotations":{}"#, object(&subject.annotations)));
    }
    format!("{{{}}}", members.join(","))
}

fn object(members: &Annotations) -> String {
    let members: Map<String, Value> = members
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    Value::Object(members).to_string()
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Statement;

    #[test]
    fn writes_a_stable_layout() {
        let digest = Digest::sha256(b"{}");
        let annotations = Annotations::from([("env".to_owned(), "prod".to_owned())]);
        assert_eq!(
            String::from_utf8(signature_statement(&digest, &annotations)).unwrap(),
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"","digest":{"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"annotations":{"env":"prod"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#
        );
        let subject = Subject::new("example.com/app", &digest);
        assert_eq!(
            String::from_utf8(statement_bytes(
                "https://cyclonedx.org/bom",
                &[subject],
                b"{\"a\":1.0}"
            ))
            .unwrap(),
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"example.com/app","digest":{"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}],"predicateType":"https://cyclonedx.org/bom","predicate":{"a":1.0}}"#
        );
    }

    #[test]
    fn reads_what_it_writes() {
        let digest = Digest::sha256(b"image");
        let bytes = signature_statement(&digest, &Annotations::new());
        let statement = Statement::parse(&bytes).unwrap();
        assert!(statement.names_digest(&digest));
        assert!(!statement.names_digest(&Digest::sha256(b"other")));
        assert_eq!(statement.predicate(), Some("{}"));
    }
}
