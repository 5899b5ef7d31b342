//! `waxseal attest-blob`

use std::fs::File;
use std::path::PathBuf;

use waxseal_sign::Blob;

use crate::command::sign_blob::one_stdin;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::out_file::OutFile;
use crate::predicate::PredicateArgs;
use crate::signer::SignerArgs;

/// Sign a statement about a file
///
/// Writes a Sigstore bundle with the statement, signed by a key or, with
/// --keyless, by an identity. Of the file only its digest and its name go into it.
#[derive(clap::Args, Debug)]
pub(crate) struct AttestBlob {
    /// The file that the statement is about
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    predicate: PredicateArgs,

    #[command(flatten)]
    signer: SignerArgs,

    /// Write the bundle to this file (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl AttestBlob {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let plan = self.predicate.plan()?;
        one_stdin(plan.path(), &self.signer.password)?;
        let prepared = self.signer.read(context)?;
        let file = File::open(&self.file).map_err(|e| Failure::file("open", &self.file, e))?;
        let digest = Blob::file(file).digest().map_err(Failure::new)?;
        let name = self
            .file
            .file_name()
            .map(|n| n.to_string_lossy().into_owned());
        let bundle = OutFile::open(self.bundle.as_deref())?;
        let (made, predicate_type) = context.block_on(async {
            let name = name.unwrap_or_default();
            let build = || plan.build(context, &name, &digest, context.now());
            let built = prepared.is_keyless().then(build).transpose()?;
            let signer = prepared.open(context).await?;
            let built = match built {
                Some(built) => built,
                // Read after the key is open: its derivation takes 64 MiB of its own.
                None => build()?,
            };
            let made = signer
                .sign_statement(context, built.statement, &digest)
                .await?;
            Ok::<_, Failure>((made, built.predicate_type))
        })??;
        bundle.write(context, &made.bundle)?;
        made.note(context);
        context.note(format_args!("attested {} for {digest}", predicate_type));
        Ok(Exit::Ok)
    }
}
