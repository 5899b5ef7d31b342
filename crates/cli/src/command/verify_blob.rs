//! `waxseal verify-blob`

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{ErrorKind, Read, stdin};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::{ArgGroup, ValueEnum};
use serde::Serialize;
use waxseal_attestation::PredicateType;
use waxseal_attestation::json::shown;
use waxseal_oci::{Algorithm, Annotations, Digest, Hasher};
use waxseal_policy::RootUsed;
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, Check, Demand, KeyAuthority, Origin,
    Place, Rejection, Signer, Trust, TrustedRoot, Verified, Wanted, published, verify,
};

use crate::command::sign_blob::is_stdin;
use crate::context::{Context, Output, OutputArgs};
use crate::cosign_args::CosignArgs;
use crate::error::Failure;
use crate::exit::Exit;
use crate::expected::ExpectedArgs;
use crate::key::public_key;
use crate::predicate_out::PredicateFile;
use crate::publisher::{self, Publisher, PublisherArgs};
use crate::trust_args::{DEFAULT_ROOT, TrustRootArgs};

/// Verify a file against its bundle
///
/// The file is read in pieces, however large it is. One of the keys, or somebody with a certificate
/// for the identity, has to have signed it. A bundle with an attestation counts only with
/// --attestation, or where published provenance is asked for.
#[derive(clap::Args, Debug)]
#[command(group = ArgGroup::new("signer").required(true).multiple(true).args(["keys", "certificate_identity", "certificate_identity_regexp", "github", "github_release", "npm", "pypi"]))]
pub(crate) struct VerifyBlob {
    /// The file that was signed (`-` is standard input), or its digest: sha256:…, sha512:…, or
    /// sha512-… as npm writes it
    #[arg(value_name = "FILE|DIGEST")]
    subject: Subject,

    /// The Sigstore bundle with the signature, or what cosign 2 called one; for published provenance
    /// also what the registry answers, or bundles one a line
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "signature"
    )]
    bundle: Option<PathBuf>,

    /// What cosign 2 wrote in place of a bundle: the signature in base64, or an attestation's
    /// envelope
    #[arg(long, value_name = "FILE", conflicts_with = "bundle", conflicts_with_all = publisher::FLAGS)]
    signature: Option<PathBuf>,

    /// A public key that may have signed it (repeatable: any of them)
    #[arg(short, long = "key", value_name = "FILE", conflicts_with_all = publisher::FLAGS)]
    keys: Vec<PathBuf>,

    /// Ask for an attestation of this type, by cosign's name or URI, not for a signature
    #[arg(long, visible_alias = "type", value_name = "TYPE")]
    attestation: Option<String>,

    /// Write what the attestation says, its predicate, to this file once it is verified (`-` is
    /// standard output, and the answer goes to standard error)
    #[arg(long, value_name = "FILE")]
    write_predicate: Option<PathBuf>,

    /// Whether an entry in a transparency log has to be there (default: optional for keys, required
    /// for identities)
    #[arg(long, value_name = "WHETHER", conflicts_with_all = publisher::FLAGS)]
    log: Option<Whether>,

    /// Whether a timestamp has to be there (default: optional)
    #[arg(long, value_name = "WHETHER", conflicts_with_all = publisher::FLAGS)]
    timestamp: Option<Whether>,

    #[command(flatten)]
    expected: ExpectedArgs,

    /// Take certificates that are in no certificate transparency log
    #[arg(long, conflicts_with_all = publisher::FLAGS)]
    insecure_ignore_sct: bool,

    #[command(flatten)]
    publisher: PublisherArgs,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    cosign: CosignArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// What is verified.
#[derive(Clone, Debug)]
enum Subject {
    File(PathBuf),
    Digest(Digest),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(digest) = text.parse() {
            return Ok(Self::Digest(digest));
        }
        let integrity = text.strip_prefix("sha512-").and_then(|text| {
            let bytes = STANDARD.decode(text).ok()?;
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Digest::from_hex(Algorithm::Sha512, &hex).ok()
        });
        match integrity {
            Some(digest) => Ok(Self::Digest(digest)),
            None if text.is_empty() => Err("it is empty".to_owned()),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// Who may have signed, and whom else to believe about it.
struct Signers {
    authorities: Vec<(Authority, Option<TrustedRoot>)>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Whether {
    /// Checked where it is there
    Optional,
    /// Refused without it
    Required,
}

impl From<Whether> for Demand {
    fn from(whether: Whether) -> Self {
        match whether {
            Whether::Optional => Self::Optional,
            Whether::Required => Self::Required,
        }
    }
}

impl VerifyBlob {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let publisher = self.publisher.publisher(self.expected.claims())?;
        let wanted: Vec<PredicateType> = match &self.attestation {
            Some(name) => vec![name.parse().map_err(Failure::usage)?],
            None => publisher.map_or_else(Vec::new, |publisher| publisher.types()),
        };
        let place = self.place(&wanted)?;
        let signers = match publisher {
            Some(publisher) => self.publishers(context, publisher)?,
            None => self.signers(context)?,
        };
        let (beside, detached) = match (&self.bundle, &self.signature) {
            (_, Some(path)) => (path, true),
            (Some(path), None) => (path, false),
            (None, None) => return Err(Failure::usage("give --bundle or --signature")),
        };
        let content = bounded(beside)?;
        let outcomes = if publisher.is_some() {
            let bundles = published(&content)
                .map_err(|e| Failure::new(format_args!("`{}`: {e}", beside.display())))?;
            self.verify_any(context, bundles, &signers)?
        } else {
            let content = match (detached, self.attestation.is_some()) {
                (false, _) => CandidateContent::beside_blob(content.into()),
                (true, false) => CandidateContent::LegacyBlob(content.into()),
                (true, true) => CandidateContent::LegacyAttestation {
                    envelope: content.into(),
                    annotations: Annotations::new(),
                },
            };
            self.verify(context, &candidate(content), &signers)?
        };
        let mut refusal = (0, Rejection::SignatureInvalid.code(), String::new());
        let mut hint = None;
        for outcome in outcomes {
            let (rank, code, why) = match outcome {
                Ok(verified) => match self.unwanted(&verified, &wanted, publisher) {
                    None => {
                        self.accept(context, &verified, place)?;
                        return Ok(Exit::Ok);
                    }
                    Some(why) => (u8::MAX, "not-what-was-asked", why),
                },
                Err(rejection) => {
                    hint = hint.or(publisher.and_then(|publisher| publisher.hint(&rejection)));
                    (rejection.rank(), rejection.code(), rejection.to_string())
                }
            };
            if rank >= refusal.0 {
                refusal = (rank, code, why);
            }
        }
        let (_, code, why) = refusal;
        self.refuse(context, (code, why))?;
        if let Some(hint) = hint.filter(|_| code == OTHER_WORKFLOW) {
            context.note(format_args!("hint: {hint}"));
        }
        Ok(Exit::Refused)
    }

    /// Where what an attestation of a type that is asked for says is to be written.
    fn place(&self, wanted: &[PredicateType]) -> Result<Option<PredicateFile>, Failure> {
        let Some(path) = &self.write_predicate else {
            return Ok(None);
        };
        if wanted.is_empty() {
            return Err(Failure::usage("--write-predicate goes with --attestation"));
        }
        PredicateFile::open(path, self.output.output).map(Some)
    }

    /// The keys and the identity.
    fn signers(&self, context: &Context) -> Result<Signers, Failure> {
        let root = self.root.root(context)?;
        let mut authorities = Vec::new();
        for path in &self.keys {
            let mut authority = KeyAuthority::new(public_key(path)?);
            authority.log = self.log.unwrap_or(Whether::Optional).into();
            authority.timestamp = self.timestamp();
            authorities.push((Authority::Key(authority), root.clone()));
        }
        if let Some(mut authority) = self.expected.authority()? {
            let root = match root {
                Some(root) => root,
                None => self.root.implied(context, DEFAULT_ROOT)?,
            };
            authority.log = match self.log {
                None if self.cosign.without_log() => Demand::Optional,
                log => log.unwrap_or(Whether::Required).into(),
            };
            authority.timestamp = self.timestamp();
            if self.insecure_ignore_sct {
                authority.sct = Demand::Optional;
            }
            authorities.push((Authority::Keyless(authority), Some(root)));
        } else {
            self.expected.refuse_claims_alone()?;
        }
        Ok(Signers { authorities })
    }

    fn timestamp(&self) -> Demand {
        match self.timestamp {
            None if self.cosign.with_timestamp() => Demand::Required,
            timestamp => timestamp.unwrap_or(Whether::Optional).into(),
        }
    }

    /// The builds of a repository, under the roots where they are published.
    fn publishers(&self, context: &Context, by: Publisher<'_>) -> Result<Signers, Failure> {
        let roots = match self.root.root(context)? {
            Some(root) => vec![root],
            None => by
                .roots()
                .iter()
                .map(|name| self.root.implied(context, name))
                .collect::<Result<_, _>>()?,
        };
        let authorities = roots
            .into_iter()
            .map(|root| {
                let authority = by.authority(&root)?;
                Ok((Authority::Keyless(authority), Some(root)))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Signers { authorities })
    }

    /// Reads the file once, for all signers together.
    fn verify(
        &self,
        context: &Context,
        candidate: &Candidate,
        signers: &Signers,
    ) -> Result<Vec<Result<Verified, Rejection>>, Failure> {
        let path = match &self.subject {
            Subject::File(path) => path,
            Subject::Digest(digest) => return Ok(signers.judge(context, candidate, digest)),
        };
        let mut verifiers = Vec::new();
        let mut outcomes = Vec::new();
        for (authority, root) in &signers.authorities {
            let trust = Trust {
                root: root.as_ref(),
            };
            let open = match self.write_predicate {
                Some(_) => BlobVerifier::keeping_predicate,
                None => BlobVerifier::new,
            };
            match open(candidate, authority, trust, context.now()) {
                Ok(verifier) => verifiers.push(verifier),
                Err(rejection) => outcomes.push(Err(rejection)),
            }
        }
        // The file is read even where the bundle is refused already: a file
        // that is not there is another answer than a bundle that is wrong.
        read(path, &mut |piece| {
            verifiers.iter_mut().for_each(|v| v.update(piece));
        })?;
        outcomes.extend(verifiers.into_iter().map(BlobVerifier::finish));
        Ok(outcomes)
    }

    /// Holds each of several attestations against the digests of the file,
    /// which is hashed once.
    fn verify_any(
        &self,
        context: &Context,
        bundles: Vec<Bytes>,
        signers: &Signers,
    ) -> Result<Vec<Result<Verified, Rejection>>, Failure> {
        let digests = match &self.subject {
            Subject::Digest(digest) => vec![digest.clone()],
            Subject::File(path) => {
                let mut hashers = [Algorithm::Sha256, Algorithm::Sha512].map(Hasher::new);
                read(path, &mut |piece| {
                    hashers.iter_mut().for_each(|hasher| hasher.update(piece));
                })?;
                hashers.into_iter().map(Hasher::finish).collect()
            }
        };
        let mut outcomes = Vec::new();
        for bundle in bundles {
            let candidate = candidate(CandidateContent::Bundle(bundle));
            for digest in &digests {
                outcomes.extend(signers.judge(context, &candidate, digest));
            }
        }
        Ok(outcomes)
    }

    /// Why something that verifies is not what was asked for.
    fn unwanted(
        &self,
        verified: &Verified,
        wanted: &[PredicateType],
        publisher: Option<Publisher<'_>>,
    ) -> Option<String> {
        let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let names = names.join(" or ");
        let found = match (verified, wanted.is_empty()) {
            (Verified::Signature(_), true) => return None,
            (Verified::Signature(_), false) => {
                return Some(format!(
                    "the bundle is a signature, not an attestation of {names}"
                ));
            }
            (Verified::Attestation(found), _) => found,
        };
        let kind = PredicateType::from_uri(found.predicate_type());
        if wanted.is_empty() {
            return Some(format!(
                "the bundle is an attestation of {kind}, not a signature; --attestation asks for one"
            ));
        }
        if wanted.iter().all(|wanted| wanted.uri() != kind.uri()) {
            return Some(format!(
                "the bundle is an attestation of {kind}, not of {names}"
            ));
        }
        let file = match &self.subject {
            Subject::File(path) if !is_stdin(path) => Some(path.as_path()),
            _ => None,
        };
        publisher.and_then(|publisher| publisher.misnamed(found, file))
    }

    fn accept(
        &self,
        context: &Context,
        verified: &Verified,
        place: Option<PredicateFile>,
    ) -> Result<(), Failure> {
        match (self.output.output, &place) {
            (Output::Json, _) => self.accept_json(context, verified)?,
            (Output::Text, Some(place)) => place.answer(context, &self.accepted(verified))?,
            (Output::Text, None) => context.print(self.accepted(verified))?,
        }
        match (verified, place) {
            (Verified::Attestation(attestation), Some(place)) => place.write(context, attestation),
            _ => Ok(()),
        }
    }

    fn accept_json(&self, context: &Context, verified: &Verified) -> Result<(), Failure> {
        context.print_json(&Answer {
            api_version: VERSION,
            kind: KIND,
            verdict: "allow",
            file: self.subject.to_string(),
            digest: Some(verified.subject()),
            signer: Some(verified.signer()),
            predicate_type: predicate_type(verified),
            checked: verified.checks().done.clone(),
            not_checked: verified
                .checks()
                .not_done
                .iter()
                .map(|(check, why)| NotChecked { check: *check, why })
                .collect(),
            trust_roots: self.root.used(),
            refusal: None,
        })
    }

    fn accepted(&self, verified: &Verified) -> String {
        let mut text = format!("{}: verified\n", self.subject);
        let mut line = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:<12} {value}");
        };
        line("digest", verified.subject().as_str());
        match verified.signer() {
            Signer::Key { id, algorithm } => line("signed by", &format!("key {id} ({algorithm})")),
            Signer::Identity {
                issuer, subject, ..
            } if issuer.is_empty() => line("signed by", &shown(subject)),
            Signer::Identity {
                issuer, subject, ..
            } => {
                let by = format!("{}, as {} says", shown(subject), shown(issuer));
                line("signed by", &by);
            }
            _ => {}
        }
        if let Verified::Attestation(attestation) = verified {
            line("attestation", attestation.predicate_type());
            if !attestation.subject_name().is_empty() {
                line("of", &shown(attestation.subject_name()));
            }
        }
        for check in &verified.checks().done {
            line("checked", &word(*check));
        }
        for (check, why) in &verified.checks().not_done {
            line("not checked", &format!("{}: {why}", word(*check)));
        }
        text
    }

    fn refuse(&self, context: &Context, (code, why): (&str, String)) -> Result<(), Failure> {
        match self.output.output {
            Output::Json => context.print_json(&Answer {
                api_version: VERSION,
                kind: KIND,
                verdict: "deny",
                file: self.subject.to_string(),
                digest: None,
                signer: None,
                predicate_type: None,
                checked: Vec::new(),
                not_checked: Vec::new(),
                trust_roots: self.root.used(),
                refusal: Some(Refusal { code, why: &why }),
            }),
            Output::Text => {
                context.print(format_args!("{}: refused\n  because {why}\n", self.subject))
            }
        }
    }
}

fn predicate_type(verified: &Verified) -> Option<&str> {
    match verified {
        Verified::Attestation(attestation) => Some(attestation.predicate_type()),
        Verified::Signature(_) => None,
    }
}

impl Signers {
    /// What each makes of a candidate for a digest.
    fn judge(
        &self,
        context: &Context,
        candidate: &Candidate,
        subject: &Digest,
    ) -> Vec<Result<Verified, Rejection>> {
        let wanted = Wanted {
            subject,
            keep_predicate: true,
        };
        self.authorities
            .iter()
            .map(|(authority, root)| {
                let trust = Trust {
                    root: root.as_ref(),
                };
                verify(candidate, &wanted, authority, &trust, context.now())
            })
            .collect()
    }
}

/// The file with the bundle.
fn bounded(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|e| Failure::file("open", path, e))?;
    let mut content = Vec::new();
    let read = file
        .take(BUNDLE_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|e| Failure::file("read", path, e))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > BUNDLE_BYTES {
        return Err(Failure::new(format_args!(
            "`{}` is larger than {BUNDLE_BYTES} bytes, too large for a bundle",
            path.display()
        )));
    }
    Ok(content)
}

fn candidate(content: CandidateContent) -> Candidate {
    let bytes = content.bytes();
    let origin = Origin {
        place: Place::File,
        manifest: None,
        blob: Digest::sha256(bytes),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        predicate_hint: None,
    };
    Candidate { origin, content }
}

fn read(path: &Path, take: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    if is_stdin(path) {
        pieces(stdin().lock(), take)
    } else {
        File::open(path).and_then(|file| pieces(file, take))
    }
    .map_err(|e| Failure::file("read", path, e))
}

fn pieces(mut from: impl Read, take: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => take(buffer.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A check as the policy language and the JSON name it.
fn word(check: Check) -> String {
    match serde_json::to_value(check) {
        Ok(serde_json::Value::String(word)) => word.replace('-', " "),
        _ => String::new(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    verdict: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<&'a Signer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<&'a str>,
    checked: Vec<Check>,
    not_checked: Vec<NotChecked<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trust_roots: Vec<RootUsed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotChecked<'a> {
    check: Check,
    why: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a> {
    code: &'a str,
    why: &'a str,
}

const VERSION: &str = "waxseal.dev/v1alpha1";
const KIND: &str = "BlobVerification";
/// What a rejection is called for which a publisher has a hint.
const OTHER_WORKFLOW: &str = "identity-mismatch";
/// What cosign reads at most.
const BUNDLE_BYTES: u64 = 128 * 1024 * 1024;
/// As much as a signer reads at a time, for its reasons.
const PIECE: usize = 64 * 1024;
