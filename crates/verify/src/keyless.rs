//! Signatures by certificate: `sigstore-verify` checks the cryptography, and
//! what stands here decides whether the identity is the authority's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sigstore_types::bundle::{
    CertificateContent, CheckpointData, InclusionPromise, InclusionProof, LogId, MessageDigest,
    MessageSignature, Rfc3161Timestamp, SignatureContent, TimestampVerificationData,
    TransparencyLogEntry, VerificationMaterial, VerificationMaterialContent, X509Certificate,
};
use sigstore_types::{
    Artifact as Input, ArtifactDigest, Bundle, CanonicalizedBody, DerCertificate, DigestBytes,
    DsseEnvelope, DsseSignature, HashAlgorithm, KeyId, KindVersion, LogIndex, LogKeyId, MediaType,
    PayloadBytes, Sha256Hash, SignatureBytes, SignedTimestamp, TimestampToken,
};
use sigstore_verify::crypto::{FulcioCiClaims, parse_certificate_info};
use sigstore_verify::{Error, TimestampError, VerificationPolicy, VerificationResult};
use waxseal_attestation::json::shown;
use waxseal_oci::{Algorithm, Digest};

use crate::authority::{Demand, KeylessAuthority};
use crate::entry::LogEntry;
use crate::evidence::{Content, Evidence, SignedWith};
use crate::key::PublicKey;
use crate::rejection::{Material, Rejection};
use crate::trust::Trust;
use crate::verified::{Check, Checks, Format, Signer};
use crate::verify::{Artifact, demand_log, note_not_done};

/// The key of the signing certificate.
pub(crate) fn key_of(chain: &[Vec<u8>]) -> Result<PublicKey, Rejection> {
    let leaf = chain
        .first()
        .ok_or_else(|| Rejection::Certificate("there is none".to_owned()))?;
    let info = parse_certificate_info(&DerCertificate::from_bytes(leaf)).map_err(certificate)?;
    PublicKey::from_spki_der(info.public_key.as_bytes()).map_err(certificate)
}

/// Who a certificate says it is for, and who vouches; unverified.
pub(crate) fn claimed_identity(chain: &[Vec<u8>]) -> Option<(String, String)> {
    let info = parse_certificate_info(&DerCertificate::from_bytes(chain.first()?)).ok()?;
    Some((info.identity?.to_string(), info.issuer.unwrap_or_default()))
}

/// Checks certificate, logs, times and identity. The signature, the subject
/// and the entries' binding are checked already.
pub(crate) fn check(
    evidence: &Evidence<'_>,
    artifact: &Artifact,
    subject: &Digest,
    authority: &KeylessAuthority,
    trust: &Trust<'_>,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<(Signer, Vec<Timestamp>), Rejection> {
    let root = trust.root.ok_or(Rejection::TrustRootRequired)?;
    if authority.log == Demand::Required && evidence.entries.is_empty() {
        return Err(Rejection::LogRequired);
    }
    if evidence.entries.is_empty() && evidence.timestamps.is_empty() {
        return Err(Rejection::SigningTimeRequired);
    }
    // Their verifier reads the clock; ours is told the time.
    if let Some(time) = evidence
        .entries
        .iter()
        .filter(|entry| entry.promise.is_some())
        .filter_map(|entry| entry.integrated_at)
        .find(|time| *time > now)
    {
        return Err(Rejection::LogEntryInvalid(format!(
            "it was integrated in the future, at {time}"
        )));
    }
    let mut policy = VerificationPolicy::any_identity();
    if authority.log == Demand::Optional && evidence.entries.is_empty() {
        policy = policy.skip_tlog_unsafe();
    }
    if authority.sct == Demand::Optional {
        policy = policy.skip_sct();
    }
    let bundle = bundle(evidence)?;
    let input = input(evidence, artifact)?;
    let result = root
        .anchors
        .verifier
        .verify(input, &bundle, &policy)
        .map_err(|error| refusal(error, subject))?;
    let times = result.verified_timestamps().to_vec();
    if let Some(time) = times.iter().find(|time| **time > now) {
        return Err(Rejection::TimestampInvalid(format!(
            "{time} is in the future"
        )));
    }
    record(&result, evidence, checks)?;
    note_not_done(evidence, true, checks);
    if authority.log == Demand::Required {
        demand_log(evidence, authority.proof, true, checks)?;
    }
    let signer = match_identity(&result, authority)?;
    checks.done(Check::Identity);
    Ok((signer, times))
}

/// Writes down what was checked, as their verifier says.
fn record(
    result: &VerificationResult,
    evidence: &Evidence<'_>,
    checks: &mut Checks,
) -> Result<(), Rejection> {
    if !result.certificate_verified() {
        return Err(Rejection::Certificate("it was not checked".to_owned()));
    }
    checks.done(Check::CertificateChain);
    if result.sct_verified() {
        checks.done(Check::CertificateTransparency);
    } else {
        checks.not_done(
            Check::CertificateTransparency,
            "the authority does not ask for certificate transparency",
        );
    }
    if result.tlog_verified() {
        if evidence.entries.iter().any(|entry| entry.proof.is_some()) {
            checks.done(Check::LogInclusionProof);
        }
        if evidence.entries.iter().any(|entry| entry.promise.is_some()) {
            checks.done(Check::LogPromise);
        }
    }
    if !evidence.timestamps.is_empty() {
        checks.done(Check::Timestamp);
    }
    Ok(())
}

fn match_identity(
    result: &VerificationResult,
    authority: &KeylessAuthority,
) -> Result<Signer, Rejection> {
    let found = result.issuer().map(str::to_owned);
    let issuer = match found {
        Some(issuer) if authority.issuer.matches(&issuer) => issuer,
        found => {
            let wanted = authority.issuer.to_string();
            return Err(Rejection::IssuerMismatch { wanted, found });
        }
    };
    let found = result.identity().map(ToString::to_string);
    let subject = match found {
        Some(subject) if authority.subject.matches(&subject) => subject,
        found => {
            let wanted = authority.subject.to_string();
            return Err(Rejection::IdentityMismatch { wanted, found });
        }
    };
    let claims = result
        .certificate()
        .map(|info| claims_of(&info.ci_claims))
        .unwrap_or_default();
    for (claim, wanted) in &authority.claims {
        let found = claims.get(claim);
        if !found.is_some_and(|found| wanted.matches(found)) {
            return Err(Rejection::ClaimMismatch {
                claim: claim.clone(),
                wanted: wanted.to_string(),
                found: found.cloned(),
            });
        }
    }
    Ok(Signer::Identity {
        issuer,
        subject,
        claims,
    })
}

/// The extensions that are there, by the names that Fulcio documents.
fn claims_of(claims: &FulcioCiClaims) -> BTreeMap<String, String> {
    let named = [
        ("buildConfigDigest", &claims.build_config_digest),
        ("buildConfigURI", &claims.build_config_uri),
        ("buildSignerDigest", &claims.build_signer_digest),
        ("buildSignerURI", &claims.build_signer_uri),
        ("buildTrigger", &claims.build_trigger),
        ("deploymentEnvironment", &claims.deployment_environment),
        ("runInvocationURI", &claims.run_invocation_uri),
        ("runnerEnvironment", &claims.runner_environment),
        ("sourceRepositoryDigest", &claims.source_repository_digest),
        (
            "sourceRepositoryIdentifier",
            &claims.source_repository_identifier,
        ),
        (
            "sourceRepositoryOwnerIdentifier",
            &claims.source_repository_owner_identifier,
        ),
        (
            "sourceRepositoryOwnerURI",
            &claims.source_repository_owner_uri,
        ),
        ("sourceRepositoryRef", &claims.source_repository_ref),
        ("sourceRepositoryURI", &claims.source_repository_uri),
        (
            "sourceRepositoryVisibilityAtSigning",
            &claims.source_repository_visibility_at_signing,
        ),
        ("tokenSubject", &claims.token_subject),
    ];
    named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect()
}

/// The evidence as their bundle, made from what the strict parser read: theirs
/// never sees the text.
fn bundle(evidence: &Evidence<'_>) -> Result<Bundle, Rejection> {
    let SignedWith::Certificates(chain) = &evidence.material else {
        return Err(Rejection::OtherMaterial {
            wanted: Material::Certificate,
            found: evidence.material.kind(),
        });
    };
    let media_type = match evidence.format {
        Format::BundleV02 => MediaType::Bundle0_2,
        Format::BundleV03 => MediaType::Bundle0_3,
        // Annotations hold what a bundle v0.1 holds: a chain and a promise.
        _ => MediaType::Bundle0_1,
    };
    let content = match (evidence.format, chain.as_slice()) {
        (Format::BundleV03, [leaf]) => VerificationMaterialContent::Certificate(
            CertificateContent::new(DerCertificate::from_bytes(leaf)),
        ),
        _ => VerificationMaterialContent::X509CertificateChain {
            certificates: chain
                .iter()
                .map(|certificate| X509Certificate::new(DerCertificate::from_bytes(certificate)))
                .collect(),
        },
    };
    let entries = evidence
        .entries
        .iter()
        .map(log_entry)
        .collect::<Result<Vec<_>, Rejection>>()?;
    let timestamps = evidence
        .timestamps
        .iter()
        .map(|token| Rfc3161Timestamp::new(TimestampToken::from_bytes(token)))
        .collect();
    let material = VerificationMaterial::new(content)
        .with_tlog_entries(entries)
        .with_timestamp_verification_data(TimestampVerificationData::new(timestamps));
    let signature = SignatureBytes::from_bytes(evidence.signature()?);
    let content = match &evidence.content {
        Content::Envelope(envelope) => {
            let mut payload = Vec::new();
            crate::envelope::decode(envelope.payload.as_bytes(), |bytes| {
                payload.extend_from_slice(bytes);
            })?;
            SignatureContent::DsseEnvelope(DsseEnvelope::new(
                envelope.payload_type.to_string(),
                PayloadBytes::new(payload),
                DsseSignature::new(signature, KeyId::default()),
            ))
        }
        Content::Artifact { digest, .. } => {
            let mut message = MessageSignature::new(signature);
            if let Some(digest) = digest {
                let value = DigestBytes::new(digest.to_bytes());
                message =
                    message.with_message_digest(MessageDigest::new(hash_algorithm(digest)?, value));
            }
            SignatureContent::MessageSignature(message)
        }
        Content::SimpleSigning { .. } => {
            SignatureContent::MessageSignature(MessageSignature::new(signature))
        }
    };
    Ok(Bundle::new(media_type, material, content))
}

fn log_entry(entry: &LogEntry) -> Result<TransparencyLogEntry, Rejection> {
    let kind = match (entry.kind.as_str(), entry.version.as_str()) {
        ("hashedrekord", "0.0.1") => KindVersion::HashedRekordV001,
        ("hashedrekord", "0.0.2") => KindVersion::HashedRekordV002,
        ("dsse", "0.0.1") => KindVersion::DsseV001,
        ("intoto", "0.0.2") => KindVersion::IntotoV002,
        (kind, version) => {
            return Err(Rejection::LogEntryKind {
                kind: shown(kind),
                version: shown(version),
            });
        }
    };
    let index = |index| LogIndex::new(index).map_err(invalid);
    let mut found = TransparencyLogEntry::new(
        index(entry.index)?,
        LogId::new(LogKeyId::from_bytes(&entry.log)),
        kind,
        CanonicalizedBody::new(entry.body.clone()),
    );
    if let Some(time) = entry.integrated_at {
        found = found.with_integrated_time(time);
    }
    if let Some(promise) = &entry.promise {
        found = found
            .with_inclusion_promise(InclusionPromise::new(SignedTimestamp::from_bytes(promise)));
    }
    if let Some(proof) = &entry.proof {
        let checkpoint = CheckpointData::new(proof.checkpoint.clone()).map_err(invalid)?;
        // Rekor v2 may leave the duplicated root out; theirs has to have one,
        // and looks only at the checkpoint's.
        let root = match (proof.root.as_slice(), checkpoint.checkpoint()) {
            ([], Some(checkpoint)) if entry.is_rekor_v2() => *checkpoint.root_hash(),
            (root, _) => Sha256Hash::try_from(root).map_err(invalid)?,
        };
        found = found.with_inclusion_proof(InclusionProof::new(
            index(proof.index)?,
            root,
            proof.tree_size,
            proof.hashes.iter().copied().map(Sha256Hash::new).collect(),
            checkpoint,
        ));
    }
    Ok(found)
}

/// The artifact, as far as it is known here.
fn input<'a>(evidence: &Evidence<'a>, artifact: &Artifact) -> Result<Input<'a>, Rejection> {
    let find = |algorithm| {
        artifact
            .digests
            .iter()
            .find(|digest| digest.algorithm() == algorithm)
    };
    let digest = match &evidence.content {
        Content::SimpleSigning { payload, .. } => return Ok(Input::from_blob(payload)),
        Content::Artifact { .. } | Content::Envelope(_) => {
            find(Algorithm::Sha256).or_else(|| artifact.digests.first())
        }
    };
    let digest = digest.ok_or(Rejection::SignatureInvalid)?;
    ArtifactDigest::new(hash_algorithm(digest)?, digest.to_bytes())
        .map(Input::from_digest)
        .map_err(|error| Rejection::Unsupported(error.to_string()))
}

fn hash_algorithm(digest: &Digest) -> Result<HashAlgorithm, Rejection> {
    match digest.algorithm() {
        Algorithm::Sha256 => Ok(HashAlgorithm::Sha2256),
        Algorithm::Sha384 => Ok(HashAlgorithm::Sha2384),
        Algorithm::Sha512 => Ok(HashAlgorithm::Sha2512),
        other => Err(Rejection::Unsupported(format!(
            "digests by {}",
            other.name()
        ))),
    }
}

/// Their reason in our words.
fn refusal(error: Error, subject: &Digest) -> Rejection {
    match error {
        Error::Certificate(error) => Rejection::Certificate(error.to_string()),
        Error::TransparencyLog(error) => Rejection::LogEntryInvalid(error.to_string()),
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => Rejection::SigningTimeRequired,
        Error::Timestamp(error) => Rejection::TimestampInvalid(error.to_string()),
        Error::SignatureInvalid(_) => Rejection::SignatureInvalid,
        Error::ArtifactMismatch(found) => Rejection::SubjectMismatch {
            wanted: subject.clone(),
            found,
        },
        Error::Bundle(error) => Rejection::LogEntryInvalid(error.to_string()),
        other => Rejection::Unsupported(other.to_string()),
    }
}

fn certificate(error: impl std::fmt::Display) -> Rejection {
    Rejection::Certificate(error.to_string())
}

fn invalid(error: impl std::fmt::Display) -> Rejection {
    Rejection::LogEntryInvalid(error.to_string())
}
