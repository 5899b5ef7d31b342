//! DSSE envelopes.
//!
//! > SIGNATURE = Sign(PAE(UTF8(PAYLOAD_TYPE), SERIALIZED_BODY))
//! > — DSSE v1.0, protocol

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::{self, Budget, Fields, JsonError};
use crate::limits;
use crate::write::quoted;

/// The payload type of an in-toto statement.
pub const PAYLOAD_TYPE_INTOTO: &str = "application/vnd.in-toto+json";

/// What stands before the payload in the bytes that are signed.
#[must_use]
pub fn pae_prefix(payload_type: &str, payload_len: usize) -> Vec<u8> {
    format!(
        "DSSEv1 {} {payload_type} {payload_len} ",
        payload_type.len()
    )
    .into_bytes()
}

/// The bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = pae_prefix(payload_type, payload.len());
    bytes.extend_from_slice(payload);
    bytes
}

/// An envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Its signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

impl Envelope {
    /// An envelope with one signature.
    #[must_use]
    pub fn new(payload_type: &str, payload: Vec<u8>, signature: EnvelopeSignature) -> Self {
        Self {
            payload_type: payload_type.to_owned(),
            payload,
            signatures: vec![signature],
        }
    }

    /// Reads an envelope. `bytes` are untrusted.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let encoded = EncodedEnvelope::parse(bytes)?;
        let payload =
            STANDARD
                .decode(encoded.payload.as_bytes())
                .map_err(|_| JsonError::Base64 {
                    at: "dsseEnvelope",
                    name: "payload",
                })?;
        Ok(Self {
            payload_type: encoded.payload_type.into_owned(),
            payload,
            signatures: encoded.signatures,
        })
    }

    /// The envelope as JSON, its members in cosign 3's order.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let signatures: Vec<String> = self
            .signatures
            .iter()
            .map(|signature| {
                let sig = STANDARD.encode(&signature.sig);
                if signature.keyid.is_empty() {
                    format!(r#"{{"sig":"{sig}"}}"#)
                } else {
                    format!(r#"{{"keyid":{},"sig":"{sig}"}}"#, quoted(&signature.keyid))
                }
            })
            .collect();
        let tail = format!(
            r#"","payloadType":{},"signatures":[{}]}}"#,
            quoted(&self.payload_type),
            signatures.join(",")
        );
        let mut json = String::with_capacity(
            self.payload
                .len()
                .div_ceil(3)
                .saturating_mul(4)
                .saturating_add(tail.len() + 16),
        );
        json.push_str(r#"{"payload":""#);
        STANDARD.encode_string(&self.payload, &mut json);
        json.push_str(&tail);
        json.into_bytes()
    }
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvelopeSignature {
    /// Which key made it: unsigned, a hint. cosign refuses any but the empty one.
    pub keyid: String,
    /// The signature.
    pub sig: Vec<u8>,
}

impl EnvelopeSignature {
    /// A signature without a key id.
    #[must_use]
    pub fn new(sig: Vec<u8>) -> Self {
        Self {
            keyid: String::new(),
            sig,
        }
    }
}

/// An envelope whose payload has not been decoded, so that a large one is not
/// copied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedEnvelope<'a> {
    /// What the payload is.
    pub payload_type: Cow<'a, str>,
    /// The payload, in base64.
    pub payload: Cow<'a, str>,
    /// Its signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

impl<'a> EncodedEnvelope<'a> {
    /// Reads an envelope. `bytes` are untrusted.
    ///
    /// # Errors
    /// The first thing that is wrong; the payload's base64 is not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::from_fields(Fields::new("dsseEnvelope", json::parse(bytes, BUDGET)?)?)
    }

    /// Reads an envelope out of a larger document.
    ///
    /// # Errors
    /// As for [`EncodedEnvelope::parse`].
    pub fn from_fields(mut fields: Fields<'a>) -> Result<Self, JsonError> {
        let payload_type = fields.need_string("payloadType")?;
        let payload = fields.need_string("payload")?;
        let signatures = fields
            .array("signatures", limits::SIGNATURES)?
            .into_iter()
            .map(|value| {
                let mut fields = Fields::new("signatures", value)?;
                let keyid = fields.string("keyid")?.unwrap_or_default().into_owned();
                let sig = fields.need_bytes("sig")?;
                fields.finish()?;
                Ok(EnvelopeSignature { keyid, sig })
            })
            .collect::<Result<Vec<_>, JsonError>>()?;
        fields.finish()?;
        if signatures.is_empty() {
            return Err(JsonError::Missing {
                at: "dsseEnvelope",
                name: "signatures",
            });
        }
        Ok(Self {
            payload_type,
            payload,
            signatures,
        })
    }
}

const BUDGET: Budget = Budget::new(256, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_before_signing_as_the_specification_shows() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn reads_what_it_writes() {
        let envelope = Envelope::new(
            PAYLOAD_TYPE_INTOTO,
            b"{}".to_vec(),
            EnvelopeSignature::new(b"signature".to_vec()),
        );
        let json = envelope.to_json();
        assert_eq!(
            String::from_utf8(json.clone()).unwrap(),
            r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"c2lnbmF0dXJl"}]}"#
        );
        assert_eq!(Envelope::parse(&json), Ok(envelope));
    }

    #[test]
    fn refuses_with_the_reason() {
        let parse = |text: &str| Envelope::parse(text.as_bytes()).err();
        assert_eq!(
            parse(r#"{"payload":"e30","payloadType":"t","signatures":[{"sig":"c2ln"}]}"#),
            Some(JsonError::Base64 {
                at: "dsseEnvelope",
                name: "payload"
            })
        );
        assert_eq!(
            parse(r#"{"payload":"e30=","payload":"e30=","payloadType":"t","signatures":[]}"#),
            Some(JsonError::DuplicateKey("payload".into()))
        );
        assert_eq!(
            parse(r#"{"payload":"e30=","payloadType":"t","signatures":[]}"#),
            Some(JsonError::Missing {
                at: "dsseEnvelope",
                name: "signatures"
            })
        );
        assert_eq!(
            parse(r#"{"payload":"e30=","payloadType":"t","signatures":[{"sig":"c2ln","x":1}]}"#),
            Some(JsonError::Unknown {
                at: "signatures",
                name: "x".into()
            })
        );
    }
}
