//! What a trusted root says, in a form for people.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sigstore_trust_root::TrustedRoot;
use sigstore_types::TimeRange;

/// One key or authority that a trusted root names. Its words come from whoever
/// wrote that root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anchor {
    /// What it is trusted for.
    pub kind: Kind,
    /// Where it is.
    pub url: String,
    /// Who it is, or what kind of key it has.
    pub who: String,
    /// The log's identifier, or the SHA-256 of the authority's certificate, in
    /// hexadecimal.
    pub id: String,
    /// From when on it is trusted.
    pub start: Option<Timestamp>,
    /// Until when it is trusted, where that is known.
    pub end: Option<Timestamp>,
}

/// What somebody is trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// To issue certificates.
    CertificateAuthority,
    /// To log certificates.
    CertificateLog,
    /// To say what time it is.
    TimestampAuthority,
    /// To log signatures.
    TransparencyLog,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateAuthority => "certificate authority",
            Self::CertificateLog => "certificate transparency log",
            Self::TimestampAuthority => "timestamp authority",
            Self::TransparencyLog => "transparency log",
        })
    }
}

/// It cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trusted root cannot be read: {0}")]
pub struct SummaryError(String);

/// Everybody whom a `trusted_root.json` names.
///
/// # Errors
/// If it is malformed.
pub fn summary(trusted_root: &[u8]) -> Result<Vec<Anchor>, SummaryError> {
    let text = str::from_utf8(trusted_root).map_err(|e| SummaryError(e.to_string()))?;
    let root = TrustedRoot::from_json(text).map_err(|e| SummaryError(e.to_string()))?;
    let span = |range: Option<&TimeRange>| (range.map(|r| r.start), range.and_then(|r| r.end));
    let mut anchors = Vec::new();
    for authority in &root.certificate_authorities {
        let (start, end) = span(authority.valid_for.as_ref());
        let first = authority.cert_chain.certificates.first();
        anchors.push(Anchor {
            kind: Kind::CertificateAuthority,
            url: authority.uri.clone(),
            who: who(&authority.subject),
            id: first.map_or_else(String::new, |c| sha256(c.raw_bytes.as_bytes())),
            start,
            end,
        });
    }
    for log in &root.ctlogs {
        let (start, end) = span(log.public_key.valid_for.as_ref());
        anchors.push(Anchor {
            kind: Kind::CertificateLog,
            url: log.base_url.clone(),
            who: log.public_key.key_details.to_string(),
            id: hex::encode(log.log_id.key_id.as_bytes()),
            start,
            end,
        });
    }
    for log in &root.tlogs {
        let (start, end) = span(log.public_key.valid_for.as_ref());
        anchors.push(Anchor {
            kind: Kind::TransparencyLog,
            url: log.base_url.clone(),
            who: log.public_key.key_details.to_string(),
            id: hex::encode(log.log_id.key_id.as_bytes()),
            start,
            end,
        });
    }
    for authority in &root.timestamp_authorities {
        let (start, end) = span(authority.valid_for.as_ref());
        let first = authority.cert_chain.certificates.first();
        anchors.push(Anchor {
            kind: Kind::TimestampAuthority,
            url: authority.uri.clone().unwrap_or_default(),
            who: who(&authority.subject),
            id: first.map_or_else(String::new, |c| sha256(c.raw_bytes.as_bytes())),
            start,
            end,
        });
    }
    Ok(anchors)
}

fn who(subject: &sigstore_trust_root::trusted_root::CertificateSubject) -> String {
    let parts = [&subject.organization, &subject.common_name];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(", ")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
