//! `waxseal attest-blob`

use std::fs::File;
use std::path::{Path, PathBuf};

use waxseal_oci::Digest;
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
/// A --statement says itself what it is about, and needs no file.
#[derive(clap::Args, Debug)]
pub(crate) struct AttestBlob {
    /// The file that the statement is about
    #[arg(value_name = "FILE", required_unless_present = "statement")]
    file: Option<PathBuf>,

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
        let subject = self.file.as_deref().map(subject).transpose()?;
        let bundle = OutFile::open(self.bundle.as_deref())?;
        let (made, predicate_type, digest) = context.block_on(async {
            let build = || match &subject {
                None => plan.alone(),
                Some((name, digest)) => plan
                    .build(context, name, digest, context.now())
                    .map(|built| (built, digest.clone())),
            };
            let built = prepared.is_keyless().then(build).transpose()?;
            let signer = prepared.open(context).await?;
            let (built, digest) = match built {
                Some(built) => built,
                // Read after the key is open: its derivation takes 64 MiB of its own.
                None => build()?,
            };
            let made = signer
                .sign_statement(context, built.statement, &digest)
                .await?;
            Ok::<_, Failure>((made, built.predicate_type, digest))
        })??;
        bundle.write(context, &made.bundle)?;
        made.note(context);
        context.note(format_args!("attested {} for {digest}", predicate_type));
        Ok(Exit::Ok)
    }
}

/// The name and the digest of a file.
fn subject(path: &Path) -> Result<(String, Digest), Failure> {
    let file = File::open(path).map_err(|e| Failure::file("open", path, e))?;
    let digest = Blob::file(file).digest().map_err(Failure::new)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    Ok((name.unwrap_or_default(), digest))
}
