//! Signed certificate timestamps: a certificate transparency log's promise to
//! publish a certificate (RFC 6962).

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use sigstore_trust_root::CertificateTransparencyLog;
use sigstore_types::{Sha256Hash, TimeRange};
use sigstore_verify::crypto::{SigningScheme, VerificationKey};
use tls_codec::{SerializeBytes as _, TlsByteVecU16, TlsByteVecU24, TlsSerializeBytes, TlsSize};
use x509_cert::Certificate;
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::SignedCertificateTimestampList;
use x509_cert::ext::pkix::sct::{HashAlgorithm, SignatureAlgorithm, SignedCertificateTimestamp};

use crate::rejection::Rejection;
use crate::trusted_key::TrustedKey;

/// A certificate transparency log that is trusted, as it signs by one scheme.
pub(crate) struct CtLog {
    id: [u8; 32],
    key: TrustedKey,
    window: Option<TimeRange>,
}

impl CtLog {
    /// A log, once for each scheme by which its key can sign.
    pub(crate) fn all(log: &CertificateTransparencyLog) -> Result<Vec<Self>, String> {
        let id = Sha256Hash::try_from(log.log_id.key_id.as_bytes())
            .map_err(|error| error.to_string())?;
        let keys = SCHEMES.into_iter().filter_map(|scheme| {
            let key = VerificationKey::from_der(&log.public_key.raw_bytes, scheme).ok()?;
            Some(Self {
                id: *id.as_bytes(),
                key: TrustedKey::new(key),
                window: log.public_key.valid_for,
            })
        });
        Ok(keys.collect())
    }
}

/// The schemes by which a log may sign.
const SCHEMES: [SigningScheme; 5] = [
    SigningScheme::EcdsaP256Sha256,
    SigningScheme::EcdsaP384Sha384,
    SigningScheme::RsaPkcs1Sha256,
    SigningScheme::RsaPkcs1Sha384,
    SigningScheme::RsaPkcs1Sha512,
];

/// Whether a certificate has such a timestamp at all.
pub(crate) fn is_there(leaf: &Certificate) -> bool {
    let mut extensions = leaf.tbs_certificate.extensions.iter().flatten();
    extensions.any(|extension| extension.extn_id == LIST)
}

/// Checks the timestamp in a certificate that was issued with `issuer`, the
/// DER `SubjectPublicKeyInfo` out of the path that was verified.
pub(crate) fn verify(
    certificate: Certificate,
    issuer: &[u8],
    logs: &[CtLog],
    now: Timestamp,
) -> Result<(), Rejection> {
    let list: SignedCertificateTimestampList = certificate
        .tbs_certificate
        .get()
        .map_err(|error| refuse(error.to_string()))?
        .map(|(_, list)| list)
        .ok_or_else(|| refuse("there is none in the certificate"))?;
    let timestamps = list
        .parse_timestamps()
        .map_err(|error| refuse(format!("{error:?}")))?;
    let [timestamp] = timestamps.as_slice() else {
        return Err(refuse(format!(
            "there are {} in the certificate; exactly one is read",
            timestamps.len()
        )));
    };
    let timestamp = timestamp
        .parse_timestamp()
        .map_err(|error| refuse(format!("{error:?}")))?;
    let at = i64::try_from(timestamp.timestamp)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .ok_or_else(|| refuse("its time is out of range"))?;
    if at > now {
        return Err(refuse(format!("{at} is in the future")));
    }
    let wanted = scheme(&timestamp)?;
    let signed = signed(certificate, &timestamp, issuer)?;
    let id = timestamp.log_id.key_id;
    let log = logs
        .iter()
        .find(|log| {
            log.key.scheme() == wanted
                && log.id == id
                && log.window.is_none_or(|window| window.contains(at))
        })
        .ok_or_else(|| refuse(format!("no trusted log {} at {at}", hex::encode(id))))?;
    if log
        .key
        .signed(&signed, timestamp.signature.signature.as_slice())
    {
        Ok(())
    } else {
        Err(refuse("the log's signature does not verify"))
    }
}

/// What the log signed: the certificate as it was before it had the timestamp.
fn signed(
    certificate: Certificate,
    timestamp: &SignedCertificateTimestamp,
    issuer: &[u8],
) -> Result<Vec<u8>, Rejection> {
    let mut unsigned = certificate.tbs_certificate;
    if let Some(extensions) = &mut unsigned.extensions {
        extensions.retain(|extension| extension.extn_id != LIST);
    }
    let issuer = digest(&SHA256, issuer)
        .as_ref()
        .try_into()
        .map_err(|_| refuse("the issuer's key has no digest"))?;
    let unsigned = unsigned
        .to_der()
        .map_err(|error| refuse(error.to_string()))?;
    SignedEntry {
        version: 0,
        signature_type: 0,
        timestamp: timestamp.timestamp,
        entry_type: 1,
        issuer,
        certificate: TlsByteVecU24::new(unsigned),
        extensions: timestamp.extensions.clone(),
    }
    .tls_serialize()
    .map_err(|error| refuse(error.to_string()))
}

fn scheme(timestamp: &SignedCertificateTimestamp) -> Result<SigningScheme, Rejection> {
    let algorithm = &timestamp.signature.algorithm;
    match (&algorithm.signature, &algorithm.hash) {
        (SignatureAlgorithm::Ecdsa, HashAlgorithm::Sha256) => Ok(SigningScheme::EcdsaP256Sha256),
        (SignatureAlgorithm::Ecdsa, HashAlgorithm::Sha384) => Ok(SigningScheme::EcdsaP384Sha384),
        (SignatureAlgorithm::Rsa, HashAlgorithm::Sha256) => Ok(SigningScheme::RsaPkcs1Sha256),
        (SignatureAlgorithm::Rsa, HashAlgorithm::Sha384) => Ok(SigningScheme::RsaPkcs1Sha384),
        (SignatureAlgorithm::Rsa, HashAlgorithm::Sha512) => Ok(SigningScheme::RsaPkcs1Sha512),
        (signature, hash) => Err(refuse(format!("signed by {signature:?} over {hash:?}"))),
    }
}

/// RFC 6962, 3.2: what a timestamp's signature is over.
#[derive(TlsSerializeBytes, TlsSize)]
struct SignedEntry {
    version: u8,
    signature_type: u8,
    timestamp: u64,
    entry_type: u16,
    issuer: [u8; 32],
    certificate: TlsByteVecU24,
    extensions: TlsByteVecU16,
}

fn refuse(why: impl std::fmt::Display) -> Rejection {
    Rejection::Certificate(format!("its transparency timestamp: {why}"))
}

/// The extension with the timestamps (1.3.6.1.4.1.11129.2.4.2).
const LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
