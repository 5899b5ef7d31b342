//! What a certificate says about its holder.
//!
//! Read from the certificate of a path that was verified, these are facts;
//! read from any other they are claims.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::key::PublicKey;
use crate::rejection::Rejection;

/// What a certificate says.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Who vouches for the identity.
    pub(crate) issuer: Option<String>,
    /// The identity.
    pub(crate) subject: Option<String>,
    /// What else it says, by the documented names of Fulcio's extensions.
    pub(crate) claims: BTreeMap<String, String>,
}

/// The names by which claims can be asked for: those of Fulcio's extensions, in
/// the order of the alphabet.
#[must_use]
pub fn claim_names() -> Vec<&'static str> {
    let mut names: Vec<_> = CLAIMS.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    names
}

/// The key that a certificate is over.
pub(crate) fn key_of(certificate: &Certificate) -> Result<PublicKey, Rejection> {
    let spki = &certificate.tbs_certificate.subject_public_key_info;
    PublicKey::from_spki_der(&spki.to_der().map_err(refuse)?).map_err(refuse)
}

impl Names {
    /// What a certificate says.
    pub(crate) fn of(certificate: &Certificate) -> Result<Self, Rejection> {
        let subject = subject(certificate)?;
        let mut issuer = None;
        let mut claims = BTreeMap::new();
        let extensions = certificate.tbs_certificate.extensions.iter().flatten();
        let mut seen = Vec::new();
        for extension in extensions {
            let Some(number) = number(&extension.extn_id) else {
                continue;
            };
            if seen.contains(&number) {
                return Err(refuse(format_args!("{} is there twice", extension.extn_id)));
            }
            seen.push(number);
            let bytes = extension.extn_value.as_bytes();
            match number {
                // The first form of the issuer, which has no ASN.1 around it.
                1 if issuer.is_none() => {
                    issuer = Some(text(bytes).or_else(|_| bare(bytes))?);
                }
                8 => issuer = Some(text(bytes)?),
                number => {
                    if let Some((_, name)) = CLAIMS.iter().find(|(known, _)| *known == number) {
                        let value = if FORMER.contains(&number) {
                            text(bytes).or_else(|_| bare(bytes))?
                        } else {
                            text(bytes)?
                        };
                        claims.insert((*name).to_owned(), value);
                    }
                }
            }
        }
        Ok(Self {
            issuer,
            subject,
            claims,
        })
    }
}

/// The one e-mail address or URI, or Fulcio's user name.
///
/// Of two names one reader would take the first and another the last.
fn subject(certificate: &Certificate) -> Result<Option<String>, Rejection> {
    let names: Option<(bool, SubjectAltName)> =
        certificate.tbs_certificate.get().map_err(refuse)?;
    let Some((_, names)) = names else {
        return Ok(None);
    };
    match names.0.as_slice() {
        [] => Ok(None),
        [GeneralName::Rfc822Name(name)] => Ok(Some(name.to_string())),
        [GeneralName::UniformResourceIdentifier(name)] => Ok(Some(name.to_string())),
        [GeneralName::OtherName(name)] if name.type_id == USER_NAME => {
            let bytes = name.value.to_der().map_err(refuse)?;
            text(&bytes).map(Some)
        }
        [_] => Ok(None),
        several => Err(refuse(format_args!(
            "it is for {} names; exactly one is read",
            several.len()
        ))),
    }
}

/// Reads a certificate. `der` is untrusted.
pub(crate) fn parse(der: &[u8]) -> Result<Certificate, Rejection> {
    Certificate::from_der(der).map_err(refuse)
}

fn text(bytes: &[u8]) -> Result<String, Rejection> {
    Utf8StringRef::from_der(bytes)
        .map(|text| text.as_str().to_owned())
        .map_err(refuse)
}

fn bare(bytes: &[u8]) -> Result<String, Rejection> {
    str::from_utf8(bytes).map(str::to_owned).map_err(refuse)
}

/// The last number of an identifier directly below Fulcio's.
fn number(oid: &ObjectIdentifier) -> Option<u32> {
    // Most are not below it at all, and to find the parent costs something.
    if !oid.as_bytes().starts_with(FULCIO.as_bytes()) {
        return None;
    }
    if oid.parent()? != FULCIO {
        return None;
    }
    oid.arcs().last()
}

fn refuse(error: impl std::fmt::Display) -> Rejection {
    Rejection::Certificate(error.to_string())
}

const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// The extensions of which GitHub's workflows had one each, before there was a form
/// for all providers. They have no ASN.1 around them.
const FORMER: RangeInclusive<u32> = 2..=6;

/// Fulcio's extensions, by number, as its `oid-info.md` names them.
const CLAIMS: [(u32, &str); 21] = [
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSHA"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
    (9, "buildSignerURI"),
    (10, "buildSignerDigest"),
    (11, "runnerEnvironment"),
    (12, "sourceRepositoryURI"),
    (13, "sourceRepositoryDigest"),
    (14, "sourceRepositoryRef"),
    (15, "sourceRepositoryIdentifier"),
    (16, "sourceRepositoryOwnerURI"),
    (17, "sourceRepositoryOwnerIdentifier"),
    (18, "buildConfigURI"),
    (19, "buildConfigDigest"),
    (20, "buildTrigger"),
    (21, "runInvocationURI"),
    (22, "sourceRepositoryVisibilityAtSigning"),
    (23, "deploymentEnvironment"),
    (24, "tokenSubject"),
];
