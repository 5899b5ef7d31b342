//! `waxseal verify-blob`

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read, stdin};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;
use waxseal_attestation::PredicateType;
use waxseal_oci::Digest;
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, Check, Demand, KeyAuthority, Origin,
    Place, PublicKey, Rejection, Signer, Trust, Verified,
};

use crate::command::sign_blob::is_stdin;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::key::public_key;
use crate::trust_args::TrustRootArgs;

/// Verify a file against its bundle
///
/// The file is read in pieces, however large it is. One of the keys has to have
/// signed it. A bundle with an attestation counts only with --attestation.
#[derive(clap::Args, Debug)]
pub(crate) struct VerifyBlob {
    /// The file that was signed (`-` is standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The Sigstore bundle with the signature
    #[arg(short, long, value_name = "FILE")]
    bundle: PathBuf,

    /// A public key that may have signed it (repeatable: any of them)
    #[arg(short, long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,

    /// Ask for an attestation of this type, by cosign's name or URI, not for a signature
    #[arg(long, value_name = "TYPE")]
    attestation: Option<String>,

    /// Whether an entry in a transparency log has to be there
    #[arg(long, value_name = "WHETHER", default_value = "optional")]
    log: Whether,

    /// Whether a timestamp has to be there
    #[arg(long, value_name = "WHETHER", default_value = "optional")]
    timestamp: Whether,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    output: OutputArgs,
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
        let wanted: Option<PredicateType> = self
            .attestation
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(Failure::usage)?;
        let keys: Vec<PublicKey> = self
            .keys
            .iter()
            .map(|path| public_key(path))
            .collect::<Result<_, _>>()?;
        let root = self.root.root(context)?;
        let candidate = candidate(&self.bundle)?;
        let authorities: Vec<Authority> = keys
            .into_iter()
            .map(|key| {
                let (log, timestamp) = (self.log.into(), self.timestamp.into());
                Authority::Key(KeyAuthority {
                    key,
                    log,
                    timestamp,
                })
            })
            .collect();
        let trust = Trust {
            root: root.as_ref(),
        };

        let outcome = self.verify(context, &candidate, &authorities, trust)?;
        let refused = match outcome {
            Ok(verified) => match unwanted(&verified, wanted.as_ref()) {
                None => {
                    self.accept(context, &verified)?;
                    return Ok(Exit::Ok);
                }
                Some(why) => ("not-what-was-asked", why),
            },
            Err(rejection) => (rejection.code(), rejection.to_string()),
        };
        self.refuse(context, refused)?;
        Ok(Exit::Refused)
    }

    /// Reads the file once, for all keys together.
    fn verify(
        &self,
        context: &Context,
        candidate: &Candidate,
        authorities: &[Authority],
        trust: Trust<'_>,
    ) -> Result<Result<Verified, Rejection>, Failure> {
        let mut verifiers = Vec::new();
        let mut rejections = Vec::new();
        for authority in authorities {
            match BlobVerifier::new(candidate, authority, trust, context.now()) {
                Ok(verifier) => verifiers.push(verifier),
                Err(rejection) => rejections.push(rejection),
            }
        }
        // The file is read even where the bundle is refused already: a file
        // that is not there is another answer than a bundle that is wrong.
        let mut take = |piece: &[u8]| verifiers.iter_mut().for_each(|v| v.update(piece));
        if is_stdin(&self.file) {
            pieces(stdin().lock(), &mut take)
        } else {
            File::open(&self.file).and_then(|file| pieces(file, &mut take))
        }
        .map_err(|e| Failure::file("read", &self.file, e))?;
        for verifier in verifiers {
            match verifier.finish() {
                Ok(verified) => return Ok(Ok(verified)),
                Err(rejection) => rejections.push(rejection),
            }
        }
        let most_telling = rejections.into_iter().max_by_key(Rejection::rank);
        Ok(Err(most_telling.unwrap_or(Rejection::SignatureInvalid)))
    }

    fn accept(&self, context: &Context, verified: &Verified) -> Result<(), Failure> {
        if self.output.output == Output::Json {
            return context.print_json(&Answer {
                api_version: VERSION,
                kind: KIND,
                verdict: "allow",
                file: self.file.display().to_string(),
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
                refusal: None,
            });
        }
        let mut text = format!("{}: verified\n", self.file.display());
        let mut line = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:<12} {value}");
        };
        line("digest", verified.subject().as_str());
        match verified.signer() {
            Signer::Key { id, algorithm } => line("signed by", &format!("key {id} ({algorithm})")),
            Signer::Identity {
                issuer, subject, ..
            } => {
                line("signed by", &format!("{subject}, as {issuer} says"));
            }
            _ => {}
        }
        if let Some(kind) = predicate_type(verified) {
            line("attestation", kind);
        }
        for check in &verified.checks().done {
            line("checked", &word(*check));
        }
        for (check, why) in &verified.checks().not_done {
            line("not checked", &format!("{}: {why}", word(*check)));
        }
        context.print(text)
    }

    fn refuse(&self, context: &Context, (code, why): (&str, String)) -> Result<(), Failure> {
        match self.output.output {
            Output::Json => context.print_json(&Answer {
                api_version: VERSION,
                kind: KIND,
                verdict: "deny",
                file: self.file.display().to_string(),
                digest: None,
                signer: None,
                predicate_type: None,
                checked: Vec::new(),
                not_checked: Vec::new(),
                refusal: Some(Refusal { code, why: &why }),
            }),
            Output::Text => context.print(format_args!(
                "{}: refused\n  because {why}\n",
                self.file.display()
            )),
        }
    }
}

/// Why something that verifies is not what was asked for.
fn unwanted(verified: &Verified, wanted: Option<&PredicateType>) -> Option<String> {
    match (verified, wanted) {
        (Verified::Signature(_), None) => None,
        (Verified::Signature(_), Some(wanted)) => Some(format!(
            "the bundle is a signature, not an attestation of {wanted}"
        )),
        (Verified::Attestation(found), None) => Some(format!(
            "the bundle is an attestation of {}, not a signature; --attestation asks for one",
            PredicateType::from_uri(found.predicate_type())
        )),
        (Verified::Attestation(found), Some(wanted)) => (found.predicate_type() != wanted.uri())
            .then(|| {
                let found = PredicateType::from_uri(found.predicate_type());
                format!("the bundle is an attestation of {found}, not of {wanted}")
            }),
    }
}

fn predicate_type(verified: &Verified) -> Option<&str> {
    match verified {
        Verified::Attestation(attestation) => Some(attestation.predicate_type()),
        Verified::Signature(_) => None,
    }
}

fn candidate(path: &Path) -> Result<Candidate, Failure> {
    let file = File::open(path).map_err(|e| Failure::file("open", path, e))?;
    let mut content = Vec::new();
    let read = file
        .take(BUNDLE_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|e| Failure::file("read", path, e))?;
    let size = u64::try_from(read).unwrap_or(u64::MAX);
    if size > BUNDLE_BYTES {
        return Err(Failure::new(format_args!(
            "`{}` is larger than {BUNDLE_BYTES} bytes, too large for a bundle",
            path.display()
        )));
    }
    let origin = Origin {
        place: Place::File,
        manifest: None,
        blob: Digest::sha256(&content),
        size,
        predicate_hint: None,
    };
    Ok(Candidate {
        origin,
        content: CandidateContent::Bundle(Bytes::from(content)),
    })
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
/// What cosign reads at most.
const BUNDLE_BYTES: u64 = 128 * 1024 * 1024;
const PIECE: usize = 256 * 1024;
