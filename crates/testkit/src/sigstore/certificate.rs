//! Certificates and the authorities that sign them.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use der::asn1::{BitString, OctetString, UtcTime};
use der::flagset::FlagSet;
use der::oid::AssociatedOid;
use der::{Encode, EncodePem as _, pem::LineEnding};
use jiff::{SignedDuration, Timestamp};
use x509_cert::Certificate;
use x509_cert::TbsCertificate;
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use super::key::sha256;
use super::signer::SignerKey;
use crate::KeyKind;

/// A certificate authority's key and certificate.
pub(crate) struct Authority {
    key: SignerKey,
    kind: KeyKind,
    certificate: Certificate,
    seed: u64,
    issued: AtomicU64,
}

impl Authority {
    /// An authority that signed its own certificate.
    pub(crate) fn root(kind: KeyKind, seed: u64, name: &str) -> Self {
        let key = SignerKey::new(kind, seed, name);
        let subject = subject(name);
        let mut extensions = authority_extensions(None);
        extensions.extend(key_ids(&key.spki(), None));
        let certificate = sign(
            &key,
            tbs(
                &key,
                &serial(seed, name, 0),
                subject.clone(),
                subject,
                long(),
                key.spki(),
                extensions,
            ),
        );
        Self::of(kind, seed, key, certificate)
    }

    /// An authority below this one, which signs for one purpose.
    pub(crate) fn intermediate(&self, name: &str, purpose: ObjectIdentifier) -> Self {
        let key = SignerKey::new(self.kind, self.seed, name);
        let mut extensions = authority_extensions(Some(purpose));
        extensions.extend(key_ids(&key.spki(), Some(self)));
        let unsigned = self.unsigned(subject(name), long(), key.spki(), extensions);
        let certificate = self.sign(unsigned);
        Self::of(self.kind, self.seed, key, certificate)
    }

    fn of(kind: KeyKind, seed: u64, key: SignerKey, certificate: Certificate) -> Self {
        Self {
            key,
            kind,
            certificate,
            seed,
            issued: AtomicU64::new(0),
        }
    }

    /// What this authority is to sign.
    pub(crate) fn unsigned(
        &self,
        subject: Name,
        validity: Validity,
        key: SubjectPublicKeyInfoOwned,
        extensions: Extensions,
    ) -> TbsCertificate {
        let count = self.issued.fetch_add(1, Ordering::SeqCst);
        let own = self.certificate.tbs_certificate.subject.clone();
        let serial = serial(self.seed, &own.to_string(), count.saturating_add(1));
        tbs(&self.key, &serial, own, subject, validity, key, extensions)
    }

    pub(crate) fn sign(&self, unsigned: TbsCertificate) -> Certificate {
        sign(&self.key, unsigned)
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The hash by which a precertificate names its issuer.
    pub(crate) fn key_hash(&self) -> [u8; 32] {
        sha256(&self.key.spki_der())
    }
}

fn tbs(
    signer: &SignerKey,
    serial: &SerialNumber,
    issuer: Name,
    subject: Name,
    validity: Validity,
    key: SubjectPublicKeyInfoOwned,
    extensions: Extensions,
) -> TbsCertificate {
    TbsCertificate {
        version: Version::V3,
        serial_number: serial.clone(),
        signature: signer.signature_algorithm(),
        issuer,
        validity,
        subject,
        subject_public_key_info: key,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    }
}

fn sign(key: &SignerKey, unsigned: TbsCertificate) -> Certificate {
    let signature = key.sign(&unsigned.to_der().expect("a certificate"), false);
    Certificate {
        tbs_certificate: unsigned,
        signature_algorithm: key.signature_algorithm(),
        signature: BitString::from_bytes(&signature).expect("a signature"),
    }
}

fn authority_extensions(purpose: Option<ObjectIdentifier>) -> Extensions {
    let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    let constraints = BasicConstraints {
        ca: true,
        path_len_constraint: purpose.map(|_| 0),
    };
    let mut extensions = vec![extension(&usage, true), extension(&constraints, true)];
    extensions.extend(purpose.map(|purpose| extension(&ExtendedKeyUsage(vec![purpose]), false)));
    extensions
}

/// What a certificate that signs for one purpose may do.
pub(crate) fn leaf_extensions(
    purpose: ObjectIdentifier,
    critical: bool,
    key: &SubjectPublicKeyInfoOwned,
    authority: &Authority,
) -> Extensions {
    let usage = KeyUsage(FlagSet::from(KeyUsages::DigitalSignature));
    let mut extensions = vec![
        extension(&usage, true),
        extension(&ExtendedKeyUsage(vec![purpose]), critical),
    ];
    extensions.extend(key_ids(key, Some(authority)));
    extensions
}

fn key_ids(key: &SubjectPublicKeyInfoOwned, authority: Option<&Authority>) -> Vec<Extension> {
    let own = SubjectKeyIdentifier(key_id(key));
    let mut extensions = vec![extension(&own, false)];
    extensions.extend(authority.map(|authority| {
        let above = &authority
            .certificate
            .tbs_certificate
            .subject_public_key_info;
        let above = AuthorityKeyIdentifier {
            key_identifier: Some(key_id(above)),
            ..AuthorityKeyIdentifier::default()
        };
        extension(&above, false)
    }));
    extensions
}

/// RFC 7093, method 1: the leftmost 160 bits of the SHA-256 of the key.
fn key_id(key: &SubjectPublicKeyInfoOwned) -> OctetString {
    let hash = sha256(key.subject_public_key.raw_bytes());
    let (id, _) = hash.split_at(20);
    OctetString::new(id).expect("20 bytes")
}

pub(crate) fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> Extension {
    raw_extension(T::OID, critical, &value.to_der().expect("an extension"))
}

pub(crate) fn raw_extension(id: ObjectIdentifier, critical: bool, value: &[u8]) -> Extension {
    Extension {
        extn_id: id,
        critical,
        extn_value: OctetString::new(value).expect("an extension"),
    }
}

fn subject(name: &str) -> Name {
    Name::from_str(&format!("CN={name},O=waxseal-testkit")).expect("a name")
}

fn serial(seed: u64, name: &str, count: u64) -> SerialNumber {
    let hash = sha256(format!("serial {seed} {name} {count}").as_bytes());
    let (bytes, _) = hash.split_at(16);
    SerialNumber::new(bytes).expect("a number")
}

/// From 2020 to 2049, whatever the time is.
fn long() -> Validity {
    between(START, END)
}

/// From a time on, for so many minutes.
pub(crate) fn minutes(from: Timestamp, minutes: i64) -> Validity {
    between(from, from + SignedDuration::from_mins(minutes))
}

pub(crate) fn between(start: Timestamp, end: Timestamp) -> Validity {
    let time = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).expect("after 1970");
        let utc = UtcTime::from_unix_duration(Duration::from_secs(seconds));
        Time::UtcTime(utc.expect("before 2050"))
    };
    Validity {
        not_before: time(start),
        not_after: time(end),
    }
}

pub(crate) fn pem(certificate: &Certificate) -> String {
    certificate.to_pem(LineEnding::LF).expect("a certificate")
}

pub(crate) fn der(certificate: &Certificate) -> Vec<u8> {
    certificate.to_der().expect("a certificate")
}

/// From when on authorities and logs are trusted: 2020-01-01.
pub(crate) const START: Timestamp = Timestamp::constant(1_577_836_800, 0);
/// 2049-12-31.
const END: Timestamp = Timestamp::constant(2_524_521_600, 0);
