//! cosign 2's signature payload, "simple signing".
//!
//! > critical: […] Consumers MUST process all fields of this object, and MUST
//! > reject the signature if they do not recognise one.
//! > — containers/image, atomic signature format

use waxseal_oci::{Annotations, Digest};

use crate::json::{self, Budget, Fields, JsonError, Value, shown};
use crate::limits;
use crate::write::quoted;

/// The only type of a payload that counts.
pub const TYPE: &str = "cosign container image signature";

/// The payload that a cosign 2 signature is made over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// The repository that it was signed for, as the signer says. Never
    /// compared by cosign.
    pub docker_reference: String,
    /// The manifest that was signed.
    pub digest: Digest,
    /// The annotations that are strings, which the signer added.
    pub annotations: Annotations,
}

impl Payload {
    /// A payload.
    #[must_use]
    pub fn new(docker_reference: &str, digest: Digest, annotations: Annotations) -> Self {
        Self {
            docker_reference: docker_reference.to_owned(),
            digest,
            annotations,
        }
    }

    /// Reads a payload. `bytes` are untrusted.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        if bytes.len() > limits::HEAD_BYTES {
            return Err(PayloadError::TooLarge);
        }
        let mut fields = Fields::new("payload", json::parse(bytes, BUDGET)?)?;
        let mut critical = fields.need_object("critical")?;
        let mut identity = critical.need_object("identity")?;
        let docker_reference = identity
            .string("docker-reference")?
            .unwrap_or_default()
            .into_owned();
        identity.finish()?;
        let mut image = critical.need_object("image")?;
        let digest = image.need_string("docker-manifest-digest")?;
        let digest = digest
            .parse()
            .map_err(|_| PayloadError::Digest(shown(&digest)))?;
        image.finish()?;
        let kind = critical.need_string("type")?;
        if kind != TYPE {
            return Err(PayloadError::Type(shown(&kind)));
        }
        critical.finish()?;
        let annotations = match fields.object("optional")? {
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
        fields.finish()?;
        Ok(Self {
            docker_reference,
            digest,
            annotations,
        })
    }

    /// The payload's bytes, laid out as cosign lays them out.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let optional = if self.annotations.is_empty() {
            "null".to_owned()
        } else {
            let members: Vec<String> = self
                .annotations
                .iter()
                .map(|(key, value)| format!("{}:{}", quoted(key), quoted(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":{}}},"image":{{"docker-manifest-digest":"{}"}},"type":"{TYPE}"}},"optional":{optional}}}"#,
            quoted(&self.docker_reference),
            self.digest,
        )
        .into_bytes()
    }
}

/// Why a payload was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// What it signs is no digest.
    #[error("`critical.image.docker-manifest-digest` is no digest: `{0}`")]
    Digest(String),
    /// A member is missing, of another type, there twice, or not known.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is too large.
    #[error("a signature payload has more than {} bytes", limits::HEAD_BYTES)]
    TooLarge,
    /// It is a payload of another kind.
    #[error("unknown signature type `{0}` (known: `{TYPE}`)")]
    Type(String),
}

const BUDGET: Budget = Budget::new(2_048, 32);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Payload {
        Payload::new("example.com/app", Digest::sha256(b"{}"), Annotations::new())
    }

    #[test]
    fn writes_what_cosign_writes() {
        assert_eq!(
            String::from_utf8(sample().to_json()).unwrap(),
            r#"{"critical":{"identity":{"docker-reference":"example.com/app"},"image":{"docker-manifest-digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"type":"cosign container image signature"},"optional":null}"#
        );
        let mut payload = sample();
        payload.annotations.insert("env".into(), "prod".into());
        let bytes = payload.to_json();
        assert!(bytes.ends_with(br#""optional":{"env":"prod"}}"#));
        assert_eq!(Payload::parse(&bytes), Ok(payload));
    }

    #[test]
    fn refuses_with_the_reason() {
        let text = String::from_utf8(sample().to_json()).unwrap();
        let parse = |from: &str, to: &str| Payload::parse(text.replace(from, to).as_bytes()).err();
        assert_eq!(
            parse(r#""type""#, r#""expires":1,"type""#),
            Some(
                JsonError::Unknown {
                    at: "critical",
                    name: "expires".into()
                }
                .into()
            )
        );
        assert_eq!(
            parse("sha256:44", "sha256:"),
            Some(PayloadError::Digest(
                "sha256:136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".into()
            ))
        );
        assert_eq!(
            parse("cosign container", "other"),
            Some(PayloadError::Type("other image signature".into()))
        );
        assert_eq!(
            parse(r#""optional":null"#, r#""optional":null,"critical":{}"#),
            Some(JsonError::DuplicateKey("critical".into()).into())
        );
    }
}
