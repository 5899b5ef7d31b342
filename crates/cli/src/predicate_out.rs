//! What a verified attestation says, written to a file.

use std::path::{Path, PathBuf};

use waxseal_attestation::PredicateType;
use waxseal_gate::Outcome;
use waxseal_policy::escaped;
use waxseal_verify::VerifiedAttestation;

use crate::command::sign_blob::is_stdin;
use crate::context::{Context, Output};
use crate::error::Failure;
use crate::out_file::OutFile;

/// Where what an attestation says goes.
#[derive(clap::Args, Debug)]
pub(crate) struct PredicateOutArgs {
    /// Write what the attestation says, its predicate, to this file once it is verified (`-` is
    /// standard output, and the answer goes to standard error)
    #[arg(
        long,
        value_name = "FILE",
        requires = "attestations",
        conflicts_with = "files"
    )]
    write_predicate: Option<PathBuf>,
}

/// A file that waits for a predicate.
pub(crate) struct PredicateFile {
    file: OutFile,
    is_stdout: bool,
}

impl PredicateFile {
    /// Opens the file, and writes nothing. `-` is standard output.
    pub(crate) fn open(path: &Path, output: Output) -> Result<Self, Failure> {
        let is_stdout = is_stdin(path);
        if is_stdout && output == Output::Json {
            return Err(Failure::usage(
                "standard output cannot be both the predicate and the answer",
            )
            .hint("give --write-predicate a file"));
        }
        let file = OutFile::open((!is_stdout).then_some(path))?;
        Ok(Self { file, is_stdout })
    }

    /// Writes what a verified attestation says.
    pub(crate) fn write(
        self,
        context: &Context,
        attestation: &VerifiedAttestation,
    ) -> Result<(), Failure> {
        let predicate = attestation
            .predicate()
            .ok_or_else(|| Failure::new("the predicate was not kept"))?;
        self.file
            .write(context, &[predicate.as_bytes(), b"\n"].concat())
    }

    /// Says a text that is an answer, where the predicate is not.
    pub(crate) fn answer(&self, context: &Context, text: &str) -> Result<(), Failure> {
        if self.is_stdout {
            context.note(text.trim_end());
            return Ok(());
        }
        context.print(text)
    }
}

/// A file that waits for what one image's attestation of a type says.
pub(crate) struct PredicateOut {
    kind: PredicateType,
    file: PredicateFile,
}

impl PredicateOutArgs {
    /// Opens the file, if there is to be one, of the one image and the one type.
    pub(crate) fn open(
        self,
        images: usize,
        types: &[String],
        output: Output,
    ) -> Result<Option<PredicateOut>, Failure> {
        let Some(path) = self.write_predicate else {
            return Ok(None);
        };
        let [kind] = types else {
            return Err(Failure::usage(
                "--write-predicate goes with one --attestation",
            ));
        };
        if images != 1 {
            return Err(Failure::usage("--write-predicate goes with one image"));
        }
        let kind = kind
            .parse()
            .map_err(|why| Failure::usage(format_args!("--attestation: {why}")))?;
        let file = PredicateFile::open(&path, output)?;
        Ok(Some(PredicateOut { kind, file }))
    }
}

impl PredicateOut {
    /// The type that is to be kept, by URI.
    pub(crate) fn kind(&self) -> &str {
        self.kind.uri()
    }

    /// Says the answer where the predicate does not go.
    pub(crate) fn answer(&self, context: &Context, text: &str) -> Result<(), Failure> {
        self.file.answer(context, text)
    }

    /// Writes what the attestation says on which the verdict rests. Nothing is written
    /// unless the image is allowed, nor where several say different things.
    pub(crate) fn write(self, context: &Context, outcome: &Outcome) -> Result<(), Failure> {
        if !outcome.decision.allows() {
            return Ok(());
        }
        let policies = outcome.decision.policies.iter();
        let requirements = policies.flat_map(|policy| &policy.requirements);
        let mut cited: Vec<&VerifiedAttestation> = Vec::new();
        for found in requirements.flat_map(|requirement| &requirement.found) {
            let mut kept = outcome.attested.iter();
            let kept = kept.find(|kept| *kept.origin() == found.origin);
            if let Some(kept) = kept
                && cited.iter().all(|c| c.predicate() != kept.predicate())
            {
                cited.push(kept);
            }
        }
        let [one] = cited.as_slice() else {
            let all = cited.iter().map(|c| c.origin().blob.to_string());
            let all: Vec<String> = all.collect();
            return Err(Failure::new(format_args!(
                "{} attestations of type {} are verified and do not say the same: {}",
                cited.len(),
                escaped(self.kind()),
                all.join(", ")
            ))
            .hint("nothing is written; name one signer, or one platform with --platforms"));
        };
        self.file.write(context, one)
    }
}
