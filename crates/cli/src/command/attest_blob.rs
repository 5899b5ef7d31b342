//! `waxseal attest-blob`

use std::fs::File;
use std::path::PathBuf;

use waxseal_sign::Blob;

use crate::command::sign_blob::{one_stdin, write_bundle};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::key::KeyArgs;
use crate::predicate::PredicateArgs;

/// Sign a statement about a file
///
/// Writes a Sigstore bundle with the statement. Of the file only its digest
/// and its name go into it.
#[derive(clap::Args, Debug)]
pub(crate) struct AttestBlob {
    /// The file that the statement is about
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    predicate: PredicateArgs,

    #[command(flatten)]
    key: KeyArgs,

    /// Write the bundle to this file (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl AttestBlob {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let plan = self.predicate.plan()?;
        one_stdin(plan.path(), &self.key)?;
        let key = self.key.open()?;
        let file = File::open(&self.file).map_err(|e| Failure::file("open", &self.file, e))?;
        let digest = Blob::file(file).digest().map_err(Failure::new)?;
        let name = self
            .file
            .file_name()
            .map(|n| n.to_string_lossy().into_owned());
        let now = context.now();
        let built = plan.build(context, &name.unwrap_or_default(), &digest, now)?;
        let bundle = waxseal_sign::sign_statement(&key, built.statement, &digest, now)
            .map_err(Failure::new)?;
        write_bundle(context, self.bundle.as_deref(), &bundle)?;
        context.note(format_args!(
            "attested {} for {digest}",
            built.predicate_type
        ));
        Ok(Exit::Ok)
    }
}
