//! Bundles as code hosts and package registries hand them out.
//!
//! Only the wrapping is read here, and nothing of it is believed: what comes
//! out is as untrusted as what went in. Bundles are cut out as they stand.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use waxseal_oci::check_json;

use crate::limits;

/// The bundles in a document, which is untrusted: a bundle by itself, bundles
/// one a line (`gh attestation download`), the answer of npm's or GitHub's
/// interface for attestations, or PyPI's attestations (PEP 740), which are
/// rewritten as bundles.
///
/// # Errors
/// If it is none of these, or holds more than [`limits::PUBLISHED`].
pub fn published(document: &[u8]) -> Result<Vec<Bytes>, PublishedError> {
    let text = str::from_utf8(document).map_err(PublishedError::malformed)?;
    let mut found = Vec::new();
    if let Err(error) = check_json(document) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let whole_lines = lines.len() > 1
            && lines
                .iter()
                .take(limits::PUBLISHED.saturating_add(1))
                .all(|line| check_json(line.as_bytes()).is_ok());
        if !whole_lines {
            return Err(PublishedError::malformed(error));
        }
        for line in lines {
            read(line, &mut found)?;
        }
    } else {
        read(text, &mut found)?;
    }
    if found.is_empty() {
        return Err(PublishedError::None);
    }
    Ok(found)
}

fn read(text: &str, found: &mut Vec<Bytes>) -> Result<(), PublishedError> {
    let document: Document<'_> = parse(text)?;
    let mut keep = |bundle: Bytes| {
        if found.len() == limits::PUBLISHED {
            return Err(PublishedError::TooMany);
        }
        found.push(bundle);
        Ok(())
    };
    match document {
        Document {
            media_type: Some(_),
            ..
        } => keep(Bytes::copy_from_slice(text.as_bytes())),
        Document {
            attestations: Some(listed),
            ..
        } => listed.into_iter().try_for_each(|listed| {
            let bundle = listed.bundle.ok_or(PublishedError::Elsewhere)?;
            keep(Bytes::copy_from_slice(bundle.get().as_bytes()))
        }),
        Document {
            attestation_bundles: Some(groups),
            ..
        } => groups
            .into_iter()
            .flat_map(|group| group.attestations)
            .try_for_each(|attestation| keep(rewritten(attestation.get())?)),
        Document {
            verification_material: Some(_),
            ..
        } => keep(rewritten(text)?),
        _ => Err(PublishedError::Unknown),
    }
}

/// PyPI's attestation as a bundle. Every part is put in as it stands, as the
/// one JSON value that it is.
fn rewritten(text: &str) -> Result<Bytes, PublishedError> {
    let Attestation {
        version,
        verification_material: material,
        envelope,
    } = parse(text)?;
    if version != 1 {
        return Err(PublishedError::Version(version));
    }
    Ok(Bytes::from(format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"certificate":{{"rawBytes":{}}},"tlogEntries":{}}},"dsseEnvelope":{{"payload":{},"payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":{}}}]}}}}"#,
        material.certificate, material.transparency_entries, envelope.statement, envelope.signature,
    )))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, PublishedError> {
    serde_json::from_str(text).map_err(PublishedError::malformed)
}

/// Any of the documents; what else is in it is the registry's business.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "mediaType")]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    attestations: Option<Vec<Listed<'a>>>,
    #[serde(borrow)]
    attestation_bundles: Option<Vec<Group<'a>>>,
    #[serde(borrow)]
    verification_material: Option<&'a RawValue>,
}

/// npm's and GitHub's. GitHub's may be elsewhere, by a link.
#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    bundle: Option<&'a RawValue>,
}

/// What one publisher attested, for PyPI.
#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow)]
    attestations: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attestation<'a> {
    version: u64,
    #[serde(borrow)]
    verification_material: VerificationMaterial<'a>,
    #[serde(borrow)]
    envelope: Envelope<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerificationMaterial<'a> {
    #[serde(borrow)]
    certificate: &'a RawValue,
    #[serde(borrow)]
    transparency_entries: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    statement: &'a RawValue,
    #[serde(borrow)]
    signature: &'a RawValue,
}

/// Why nothing was found in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// A bundle is not in the document but behind a link.
    #[error("an attestation in the list has no bundle with it")]
    Elsewhere,
    /// It is not JSON, or a member is of another type.
    #[error("not a list of attestations: {0}")]
    Malformed(String),
    /// It lists nothing.
    #[error("no attestations are in the list")]
    None,
    /// There are more than are read.
    #[error("more than {} attestations; that many are read", limits::PUBLISHED)]
    TooMany,
    /// It is another document.
    #[error("neither a bundle nor a list of attestations")]
    Unknown,
    /// PyPI's attestations have another version by now.
    #[error("an attestation of version {0}; version 1 is read")]
    Version(u64),
}

impl PublishedError {
    fn malformed(error: impl std::fmt::Display) -> Self {
        Self::Malformed(error.to_string())
    }
}
