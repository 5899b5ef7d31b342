//! Timestamp authorities: whether a token is by one that is trusted, which
//! was allowed to make it at the time that it says.

use cms::cert::CertificateChoices;
use cms::signed_data::SignerIdentifier;
use rustls_pki_types::CertificateDer;
use sigstore_types::{DerPublicKey, HashAlgorithm, TimeRange};
use sigstore_verify::crypto::{KeyAlgorithm, VerificationKey};
use sigstore_verify::tsa::Error;
use waxseal_oci::Digest;
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::oid::db::rfc5912::{ID_KP_TIME_STAMPING, ID_SHA_256, ID_SHA_384, ID_SHA_512};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};

use crate::chain::Chain;
use crate::token::{Token, wrong};
use crate::trusted_key::TrustedKey;

/// A timestamp authority that is trusted.
pub(crate) struct TimestampAuthority {
    /// The digest of its key, or of another of the same address: by which
    /// authorities are counted.
    pub(crate) name: Digest,
    /// The certificate of whoever signs, as it stands and as it reads.
    leaf: CertificateDer<'static>,
    certificate: Certificate,
    /// Its key, by the hash that is signed; or why it signs none.
    keys: [(ObjectIdentifier, Result<TrustedKey, String>); 3],
    /// Whether the certificate is for timestamps and nothing else.
    for_timestamps: bool,
    /// The certificates above it.
    chain: Chain,
    window: Option<TimeRange>,
}

impl TimestampAuthority {
    /// An authority by its chain, which begins with the certificate that
    /// signs and ends with the one that is trusted.
    pub(crate) fn new(chain: &[&[u8]], window: Option<TimeRange>) -> Result<Self, String> {
        let leaf = chain
            .first()
            .copied()
            .ok_or("a timestamp authority without a certificate")?;
        let certificate = Certificate::from_der(leaf).map_err(|error| error.to_string())?;
        let spki = &certificate.tbs_certificate.subject_public_key_info;
        let spki = spki.to_der().map_err(|error| error.to_string())?;
        let name = Digest::sha256(&spki);
        let spki = DerPublicKey::new(spki);
        let by = |oid, hash| (oid, key_for(&spki, hash));
        Ok(Self {
            name,
            leaf: CertificateDer::from(leaf).into_owned(),
            keys: [
                by(ID_SHA_256, HashAlgorithm::Sha2256),
                by(ID_SHA_384, HashAlgorithm::Sha2384),
                by(ID_SHA_512, HashAlgorithm::Sha2512),
            ],
            for_timestamps: is_for_timestamps(&certificate),
            certificate,
            chain: Chain::below(chain)?,
            window,
        })
    }

    /// Checks that `token` is by this authority, whose chain and window have
    /// to have been in force at the time that it says.
    pub(crate) fn check(&self, token: &Token<'_>) -> Result<(), Error> {
        self.check_signer(&token.signer)?;
        self.check_certificates(token)?;
        let algorithm = &token.hash;
        let (_, key) = self
            .keys
            .iter()
            .find(|(oid, _)| oid == algorithm)
            .ok_or_else(|| wrong(format!("unsupported digest algorithm: {algorithm}")))?;
        let key = key.as_ref().map_err(|why| wrong(why.as_str()))?;
        if !key.signed(&token.signed, &token.signature) {
            let scheme = key.scheme().name();
            return Err(wrong(format!(
                "Verification error: {scheme} signature invalid"
            )));
        }
        self.check_chain(token)?;
        let time = token.time;
        if self.window.is_some_and(|window| !window.contains(time)) {
            return Err(Error::TimestampOutsideValidity { time });
        }
        Ok(())
    }

    /// Whether the token says that it is by this authority.
    fn check_signer(&self, signer: &SignerIdentifier) -> Result<(), Error> {
        let certificate = &self.certificate.tbs_certificate;
        let same = match signer {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                certificate.issuer == named.issuer
                    && certificate.serial_number == named.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(named) => certificate
                .get::<SubjectKeyIdentifier>()
                .is_ok_and(|found| found.is_some_and(|(_, found)| found == *named)),
        };
        if same {
            Ok(())
        } else {
            Err(wrong(
                "CMS signer does not match any trusted TSA certificate",
            ))
        }
    }

    /// Nothing is taken from the certificates in a token. But where there are
    /// any, the one that signed is among them, and is the trust root's.
    fn check_certificates(&self, token: &Token<'_>) -> Result<(), Error> {
        let Some(certificates) = &token.certificates else {
            return Ok(());
        };
        let unread = |error| Error::Parse(format!("failed to decode SignedData: {error}"));
        let leaf = AnyRef::from_der(&self.leaf).map_err(unread)?;
        let mut same = certificates.is_empty();
        for certificate in certificates.iter() {
            if *certificate == leaf {
                same = true;
            } else {
                let der = certificate.to_der().map_err(unread)?;
                if !self.chain.has(&der) {
                    CertificateChoices::from_der(&der).map_err(unread)?;
                }
            }
        }
        if same {
            Ok(())
        } else {
            Err(wrong(
                "the certificate in the token is not the trusted TSA's",
            ))
        }
    }

    /// Whether the certificate led to the trusted one and was for timestamps
    /// when the token was made.
    fn check_chain(&self, token: &Token<'_>) -> Result<(), Error> {
        let invalid = |why: String| Error::CertificateValidationError(why);
        let leaf = EndEntityCert::try_from(&self.leaf)
            .map_err(|error| invalid(format!("failed to parse end-entity certificate: {error}")))?;
        let usage = KeyUsage::required(ID_KP_TIME_STAMPING.as_bytes());
        self.chain
            .lead(&leaf, &[], token.time, usage, |_| ())
            .map_err(|error| {
                invalid(format!("TSA certificate chain validation failed: {error}"))
            })?;
        if self.for_timestamps {
            Ok(())
        } else {
            Err(invalid("it is not for timestamps alone".to_owned()))
        }
    }
}

/// > The corresponding certificate MUST contain only one instance of the
/// > extended key usage field extension […] with KeyPurposeID having value:
/// > id-kp-timeStamping. This extension MUST be critical.
/// > — RFC 3161, 2.3
fn is_for_timestamps(certificate: &Certificate) -> bool {
    let usage = certificate.tbs_certificate.get::<ExtendedKeyUsage>();
    matches!(usage, Ok(Some((true, usage))) if usage.0 == [ID_KP_TIME_STAMPING])
}

/// The key with which signatures over `hash` are checked.
fn key_for(spki: &DerPublicKey, hash: HashAlgorithm) -> Result<TrustedKey, String> {
    let algorithm = KeyAlgorithm::from_spki(spki).map_err(|error| error.to_string())?;
    if !matches!(algorithm, KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384) {
        return Err("not an EC key".to_owned());
    }
    algorithm
        .resolve_signing_scheme(hash)
        .and_then(|scheme| VerificationKey::from_spki_with_scheme(spki, scheme))
        .map(TrustedKey::new)
        .map_err(|error| error.to_string())
}
