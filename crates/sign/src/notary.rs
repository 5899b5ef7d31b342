//! Signatures with what makes them last: a certificate, log entries,
//! timestamps.
//!
//! What cannot be taken back comes last: the timestamps are fetched first,
//! everything that can be checked by then is checked, and only then is an
//! entry published. The whole goes through the verifier before it is handed
//! out, so that a log or an authority that answers rubbish leaves nothing
//! behind but its own entry.

use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use sigstore_types::bundle::{
    CertificateContent, PublicKeyIdentifier, Rfc3161Timestamp, TimestampVerificationData,
    VerificationMaterialContent,
};
use sigstore_types::{DerCertificate, TimestampToken, TransparencyLogEntry, VerificationMaterial};
use waxseal_attestation::dsse;
use waxseal_oci::{Digest, media};
use waxseal_verify::{
    Authority, Demand, KeyAlgorithm, KeyAuthority, KeylessAuthority, Matcher, Trust, TrustedRoot,
};

use crate::bundle::around_base64;
use crate::certified::Certified;
use crate::service::rekor::{self, Submission};
use crate::service::{Choice, Endpoint, RekorVersion, Service, fulcio, tsa};
use crate::{
    Blob, Http, IdentityToken, Message as _, Parts, ServiceError, Services, SignError, Signer,
    check, limits,
};

/// What a signature is made with.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Credential<'a> {
    /// A certificate over a key that is thrown away.
    Certificate(&'a Certified),
    /// A key that is kept.
    Key(&'a dyn Signer),
}

/// A bundle, and what was done for it outside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notarized {
    /// The bundle, v0.3. It verifies.
    pub bundle: Bytes,
    /// The entries that were published, as log and index.
    pub logged: Vec<(String, u64)>,
    /// The timestamp authorities that signed.
    pub timestamped: Vec<String>,
}

/// Has signatures certified, timestamped and logged.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Notary<'a> {
    /// How services are asked.
    pub http: &'a Http,
    /// Which services are asked.
    pub services: &'a Services,
    /// What their answers are held against.
    pub root: &'a TrustedRoot,
    /// Whether a certificate has to be in a certificate transparency log.
    pub sct: Demand,
    /// What time it is.
    pub clock: fn() -> Timestamp,
}

impl Notary<'_> {
    /// Whether the services are enough for a signature of this kind, which can
    /// be known before anything is asked of anybody.
    ///
    /// # Errors
    /// [`SignError::NoTime`], [`SignError::TimestampNeeded`] or
    /// [`ServiceError::NoneKnown`].
    pub fn check_keyless(services: &Services) -> Result<(), SignError> {
        if services.authorities.is_empty() {
            let service = Service::Fulcio;
            return Err(ServiceError::NoneKnown { service }.into());
        }
        services.check()?;
        let timestamped = services.timestamps.wanted > 0;
        if services.logs.wanted == 0 && !timestamped {
            return Err(SignError::NoTime);
        }
        let all_v2 = services.logs().all(|log| log.version == RekorVersion::V2);
        if all_v2 && !timestamped {
            return Err(SignError::TimestampNeeded);
        }
        Ok(())
    }

    /// As [`Notary::check_keyless`], for a signature by a key.
    ///
    /// # Errors
    /// [`SignError::LogRefusesKey`] or [`ServiceError::NoneKnown`].
    pub fn check_key(
        services: &Services,
        algorithm: KeyAlgorithm,
        statement: bool,
    ) -> Result<(), SignError> {
        services.check()?;
        for log in services.logs() {
            rekor::takes(log.version, algorithm, statement)?;
        }
        Ok(())
    }

    /// Gets a certificate for the bearer of a token, over a new key.
    ///
    /// # Errors
    /// [`SignError::Service`] where no authority gives one, and
    /// [`SignError::Certificate`] where it is not what was asked for.
    pub async fn certify(&self, token: &IdentityToken) -> Result<Certified, SignError> {
        let (key, proof) = Certified::key(token)?;
        let mut failures = Vec::new();
        for authority in &self.services.authorities {
            let asked =
                fulcio::certificate(self.http, authority, token, key.public_key(), &proof).await;
            match asked {
                Ok(certificate) => return Certified::new(key, certificate, token),
                Err(failure) => failures.push(failure),
            }
        }
        Err(exhausted(Service::Fulcio, failures).into())
    }

    /// Signs an in-toto statement about `subject`.
    ///
    /// # Errors
    /// [`SignError`]. Nothing is handed out that does not verify.
    pub async fn sign_statement(
        &self,
        credential: Credential<'_>,
        statement: Vec<u8>,
        subject: &Digest,
    ) -> Result<Notarized, SignError> {
        let signer = credential.signer();
        let prefix = dsse::pae_prefix(dsse::PAYLOAD_TYPE_INTOTO, statement.len());
        let parts: [&[u8]; 2] = [&prefix, &statement];
        let mut signed = Parts::new(&parts);
        let signature = signer.sign(&mut signed)?;
        let digest = signed.sha256()?;
        let tail = format!(
            r#"","payloadType":"{}","signatures":[{{"sig":"{}"}}]}}"#,
            dsse::PAYLOAD_TYPE_INTOTO,
            STANDARD.encode(&signature),
        );
        let envelope = around_base64(r#"{"payload":""#, &statement, &tail);
        drop(statement);
        let envelope = str::from_utf8(&envelope).map_err(|e| SignError::Write {
            what: "envelope",
            cause: e.to_string(),
        })?;
        let content = format!(r#""dsseEnvelope":{envelope}"#);
        let making = Making {
            credential,
            signature: &signature,
            digest,
            envelope: Some(envelope),
            content: &content,
            subject,
        };
        self.make(&making).await
    }

    /// Signs a file, and returns its digest with the bundle.
    ///
    /// # Errors
    /// As [`Notary::sign_statement`].
    pub async fn sign_blob<R: Read>(
        &self,
        credential: Credential<'_>,
        blob: &mut Blob<R>,
    ) -> Result<(Notarized, Digest), SignError> {
        let digest = blob.sha256()?;
        let subject = blob.digest()?;
        let signer = credential.signer();
        let signature = signer.sign(blob)?;
        check::blob(signer.public_key(), &signature, &subject, blob)?;
        let content = format!(
            r#""messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":"{}"}}"#,
            STANDARD.encode(digest),
            STANDARD.encode(&signature),
        );
        let making = Making {
            credential,
            signature: &signature,
            digest,
            envelope: None,
            content: &content,
            subject: &subject,
        };
        let made = self.make(&making).await?;
        Ok((made, subject))
    }

    async fn make(&self, making: &Making<'_>) -> Result<Notarized, SignError> {
        let algorithm = making.credential.signer().public_key().algorithm();
        Self::check_key(self.services, algorithm, making.envelope.is_some())?;
        let (timestamped, tokens) = self.timestamps(making).await?;
        if !tokens.is_empty() {
            // Certificate, its transparency, timestamps: before the log knows.
            let bundle = making.bundle(&[], &tokens)?;
            self.check(making, &bundle, Demand::Optional)?;
        }
        let (logged, entries) = self.entries(making).await?;
        let bundle = making.bundle(&entries, &tokens)?;
        let log = if entries.is_empty() {
            Demand::Optional
        } else {
            Demand::Required
        };
        self.check(making, &bundle, log)?;
        Ok(Notarized {
            bundle,
            logged,
            timestamped,
        })
    }

    async fn timestamps(
        &self,
        making: &Making<'_>,
    ) -> Result<(Vec<String>, Vec<Vec<u8>>), SignError> {
        let mut gathered = Gathered::new(Service::Tsa, &self.services.timestamps);
        while let Some(endpoint) = gathered.next() {
            let asked = tsa::timestamp(self.http, endpoint, making.signature).await;
            gathered.take(endpoint, asked)?;
        }
        let found = gathered.finish()?;
        Ok(found
            .into_iter()
            .map(|(endpoint, token)| (endpoint.to_string(), token))
            .unzip())
    }

    async fn entries(
        &self,
        making: &Making<'_>,
    ) -> Result<(Vec<(String, u64)>, Vec<TransparencyLogEntry>), SignError> {
        let submission = Submission {
            digest: making.digest,
            signature: making.signature,
            key: making.credential.signer().public_key(),
            certificate: making.credential.certificate(),
            envelope: making.envelope,
        };
        let mut gathered = Gathered::new(Service::Rekor, &self.services.logs);
        while let Some(endpoint) = gathered.next() {
            let asked = rekor::log(self.http, endpoint, &submission).await;
            gathered.take(endpoint, asked)?;
        }
        let found = gathered.finish()?;
        Ok(found
            .into_iter()
            .map(|(endpoint, entry)| ((endpoint.to_string(), entry.log_index.get()), entry))
            .unzip())
    }

    /// Holds what was made against the trust root, as every verifier will.
    fn check(&self, making: &Making<'_>, bundle: &Bytes, log: Demand) -> Result<(), SignError> {
        let authority = match making.credential {
            Credential::Key(signer) => {
                let mut authority = KeyAuthority::new(signer.public_key().clone());
                authority.log = log;
                Authority::Key(authority)
            }
            Credential::Certificate(certified) => {
                let exact = |text: &str| {
                    Matcher::exact(text).map_err(|e| SignError::Certificate(e.to_string()))
                };
                let issuer = exact(certified.issuer())?;
                let subject = exact(certified.subject())?;
                let mut authority = KeylessAuthority::new(issuer, subject);
                authority.log = log;
                authority.sct = self.sct;
                Authority::Keyless(authority)
            }
        };
        let trust = Trust {
            root: Some(self.root),
        };
        // A service's clock may be a little ahead of ours.
        let now = (self.clock)();
        let now = now.checked_add(limits::CLOCK_SKEW).unwrap_or(now);
        check::bundle_by(&authority, &trust, bundle, making.subject, now)
    }
}

impl fmt::Debug for Notary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notary").finish_non_exhaustive()
    }
}

impl Credential<'_> {
    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Certificate(certified) => *certified,
            Self::Key(signer) => *signer,
        }
    }

    fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Certificate(certified) => Some(certified.certificate()),
            Self::Key(_) => None,
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(_) => "Certificate(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// A signature that is being made into a bundle.
struct Making<'a> {
    credential: Credential<'a>,
    signature: &'a [u8],
    /// Of the bytes that were signed.
    digest: [u8; 32],
    envelope: Option<&'a str>,
    /// The member of the bundle that holds what was signed.
    content: &'a str,
    subject: &'a Digest,
}

impl Making<'_> {
    fn bundle(
        &self,
        entries: &[TransparencyLogEntry],
        tokens: &[Vec<u8>],
    ) -> Result<Bytes, SignError> {
        let content = match self.credential {
            Credential::Certificate(certified) => VerificationMaterialContent::Certificate(
                CertificateContent::new(DerCertificate::from_bytes(certified.certificate())),
            ),
            Credential::Key(signer) => VerificationMaterialContent::PublicKey(
                PublicKeyIdentifier::new(signer.public_key().hint()),
            ),
        };
        let tokens = tokens
            .iter()
            .map(|token| Rfc3161Timestamp::new(TimestampToken::from_bytes(token)))
            .collect();
        let material = VerificationMaterial::new(content)
            .with_tlog_entries(entries.to_vec())
            .with_timestamp_verification_data(TimestampVerificationData::new(tokens));
        let material = serde_json::to_string(&material).map_err(|e| SignError::Write {
            what: "bundle",
            cause: e.to_string(),
        })?;
        Ok(Bytes::from(format!(
            r#"{{"mediaType":"{}","verificationMaterial":{material},{}}}"#,
            media::SIGSTORE_BUNDLE_V03,
            self.content,
        )))
    }
}

/// The answers of the services of one kind: one of each group, until there are
/// as many as are wanted.
struct Gathered<'a, T> {
    service: Service,
    choice: &'a Choice,
    group: usize,
    member: usize,
    found: Vec<(&'a Endpoint, T)>,
    failures: Vec<ServiceError>,
}

impl<'a, T> Gathered<'a, T> {
    fn new(service: Service, choice: &'a Choice) -> Self {
        Self {
            service,
            choice,
            group: 0,
            member: 0,
            found: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Which one is asked next.
    fn next(&mut self) -> Option<&'a Endpoint> {
        if self.found.len() >= self.choice.wanted {
            return None;
        }
        while let Some(group) = self.choice.groups.get(self.group) {
            if let Some(endpoint) = group.get(self.member) {
                return Some(endpoint);
            }
            self.group += 1;
            self.member = 0;
        }
        None
    }

    /// Takes down what came of it. Where a service failed, the next one of its
    /// operator stands in for it, and then another operator's.
    fn take(
        &mut self,
        endpoint: &'a Endpoint,
        asked: Result<T, SignError>,
    ) -> Result<(), SignError> {
        match asked {
            Ok(answer) => {
                self.found.push((endpoint, answer));
                self.group += 1;
                self.member = 0;
            }
            Err(SignError::Service(failure)) => {
                self.failures.push(failure);
                self.member += 1;
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<(&'a Endpoint, T)>, SignError> {
        if self.found.len() >= self.choice.wanted {
            Ok(self.found)
        } else {
            Err(exhausted(self.service, self.failures).into())
        }
    }
}

fn exhausted(service: Service, mut failures: Vec<ServiceError>) -> ServiceError {
    match failures.len() {
        0 => ServiceError::NoneKnown { service },
        1 => failures.remove(0),
        _ => ServiceError::Exhausted { failures },
    }
}
