//! The way from a signer's certificate to one that is trusted.
//!
//! Paths are built and signatures checked by `webpki`. What stands here is
//! which certificates it may use at which time: the ones of one authority,
//! within that authority's own window, so that none lends another its own.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sigstore_types::TimeRange;
use sigstore_verify::crypto::WEBPKI_VERIFICATION_ALGS;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Encode as _, Tag};
use x509_cert::ext::pkix::ExtendedKeyUsage;

use crate::links::{Known, Remembering};
use crate::rejection::Rejection;

/// The certificates of one authority of a trust root.
pub(crate) struct Chain {
    anchor: TrustAnchor<'static>,
    /// The certificates between the anchor and those that it issues, from
    /// above.
    intermediates: Vec<CertificateDer<'static>>,
    /// How they are signed and sign.
    known: Known,
}

impl Chain {
    /// The chain of an authority that issues certificates, which ends with
    /// the one that is trusted.
    pub(crate) fn issuing(chain: &[&[u8]]) -> Result<Self, String> {
        Self::new(chain, chain)
    }

    /// The chain of an authority that signs something else with the first of
    /// its certificates.
    pub(crate) fn below(chain: &[&[u8]]) -> Result<Self, String> {
        let above = match chain {
            [_, above @ ..] if !above.is_empty() => above,
            _ => chain,
        };
        Self::new(above, chain)
    }

    fn new(issuers: &[&[u8]], all: &[&[u8]]) -> Result<Self, String> {
        let (last, between) = issuers
            .split_last()
            .ok_or("an authority without a certificate")?;
        let anchor = webpki::anchor_from_trusted_cert(&CertificateDer::from(*last))
            .map_err(|error| format!("an authority's certificate: {error}"))?
            .to_owned();
        Ok(Self {
            anchor,
            intermediates: between
                .iter()
                .rev()
                .map(|der| CertificateDer::from(*der).into_owned())
                .collect(),
            known: Known::of(all),
        })
    }

    /// Whether a certificate is one of these.
    pub(crate) fn has(&self, der: &[u8]) -> bool {
        self.known.has(der)
    }

    /// Whether `leaf` led to the anchor at `time`; if so, what `then` makes of
    /// the path.
    pub(crate) fn lead<T>(
        &self,
        leaf: &EndEntityCert<'_>,
        given: &[CertificateDer<'_>],
        time: Timestamp,
        usage: KeyUsage,
        then: impl FnOnce(&VerifiedPath<'_>) -> T,
    ) -> Result<T, webpki::Error> {
        let joined: Vec<CertificateDer<'_>>;
        let between = if given.is_empty() {
            &self.intermediates
        } else {
            joined = self
                .intermediates
                .iter()
                .chain(given)
                .map(|certificate| CertificateDer::from(certificate.as_ref()))
                .collect();
            &joined
        };
        // Before 1970 nothing is valid, which is as true one second later.
        let seconds = u64::try_from(time.as_second()).unwrap_or_default();
        let remembering: Vec<_> = WEBPKI_VERIFICATION_ALGS
            .iter()
            .map(|algorithm| Remembering::new(*algorithm, &self.known))
            .collect();
        let algorithms: Vec<_> = remembering.iter().map(Remembering::as_algorithm).collect();
        let path = leaf.verify_for_usage(
            &algorithms,
            std::slice::from_ref(&self.anchor),
            between,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            usage,
            None,
            None,
        )?;
        Ok(then(&path))
    }
}

/// One certificate authority of a trust root.
pub(crate) struct Issuer {
    chain: Chain,
    window: Option<TimeRange>,
}

impl Issuer {
    /// An authority by its chain, which ends with the one that is trusted.
    pub(crate) fn new(chain: &[&[u8]], window: Option<TimeRange>) -> Result<Self, String> {
        Ok(Self {
            chain: Chain::issuing(chain)?,
            window,
        })
    }

    /// Whether `leaf` leads here at `time`; if so, the key of whoever issued
    /// it, as DER.
    fn lead(
        &self,
        leaf: &EndEntityCert<'_>,
        given: &[CertificateDer<'_>],
        time: Timestamp,
    ) -> Result<Vec<u8>, String> {
        // Of authorities it is asked where they say what they are for; the
        // leaf has to say so.
        let usage = KeyUsage::required_if_present(CODE_SIGNING.as_bytes());
        if time < Timestamp::UNIX_EPOCH {
            return Err("a time before 1970".to_owned());
        }
        self.chain
            .lead(leaf, given, time, usage, issuing_key)
            .map_err(|error| why_not(&error, time))?
            .map_err(|error| error.to_string())
    }
}

/// The key of whoever issued the leaf of a path, as DER.
fn issuing_key(path: &VerifiedPath<'_>) -> x509_cert::der::Result<Vec<u8>> {
    match path.intermediate_certificates().next() {
        Some(issuer) => Ok(issuer.subject_public_key_info().as_ref().to_vec()),
        // Of an anchor there are the contents of the sequence.
        None => Any::new(
            Tag::Sequence,
            path.anchor().subject_public_key_info.as_ref(),
        )
        .and_then(|any| any.to_der()),
    }
}

fn why_not(error: &webpki::Error, time: Timestamp) -> String {
    use webpki::Error;
    match error {
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => {
            "no certificate authority of the trust root issued it".to_owned()
        }
        Error::CertExpired { .. } => {
            format!("it, or one above it, was not valid any more at {time}")
        }
        Error::CertNotValidYet { .. } => {
            format!("it, or one above it, was not valid yet at {time}")
        }
        Error::RequiredEkuNotFoundContext(_) => "it is not for signing code".to_owned(),
        other => other.to_string(),
    }
}

/// Checks that a chain, the leaf first and as `certificate`, led to one of `issuers` at each of
/// `times`. Returns the key of whoever issued the leaf, as DER.
///
/// All times have to hold: with the best of several, one authority that
/// backdates would be enough.
pub(crate) fn verify(
    chain: &[Vec<u8>],
    certificate: &Certificate,
    issuers: &[Issuer],
    times: &[Timestamp],
) -> Result<Vec<u8>, Rejection> {
    let refuse = |why: String| Rejection::Certificate(why);
    let (leaf, given) = chain
        .split_first()
        .ok_or_else(|| refuse("there is none".to_owned()))?;
    let certificate = &certificate.tbs_certificate;
    let usage = certificate
        .get::<ExtendedKeyUsage>()
        .map_err(|error| refuse(error.to_string()))?;
    if !usage.is_some_and(|(_, usage)| usage.0.contains(&CODE_SIGNING)) {
        return Err(refuse("it is not for signing code".to_owned()));
    }
    let end = certificate.validity.not_after.to_unix_duration();
    let leaf = CertificateDer::from(leaf.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| refuse(error.to_string()))?;
    let given: Vec<CertificateDer<'_>> = given
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let mut issuer = None;
    for &time in times {
        let mut why = format!("the trust root names no certificate authority for {time}");
        let mut found = None;
        let open = |issuer: &&Issuer| issuer.window.is_none_or(|window| window.contains(time));
        for candidate in issuers.iter().filter(open) {
            match candidate.lead(&leaf, &given, time) {
                Ok(key) => {
                    found = Some(key);
                    break;
                }
                Err(error) => why = error,
            }
        }
        // `webpki` counts whole seconds; timestamps may have a fraction.
        let after = u64::try_from(time.as_second())
            .is_ok_and(|seconds| seconds >= end.as_secs() && time.subsec_nanosecond() > 0);
        if after {
            why = format!("it, or one above it, was not valid any more at {time}");
        }
        issuer = found.filter(|_| !after);
        if issuer.is_none() {
            return Err(refuse(why));
        }
    }
    issuer.ok_or(Rejection::SigningTimeRequired)
}

/// `id-kp-codeSigning`.
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
