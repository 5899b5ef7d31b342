//! `waxseal sign-blob`

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use waxseal_oci::Digest;
use waxseal_sign::{Blob, Message as _, SignError};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::out_file::OutFile;
use crate::password::PasswordArgs;
use crate::signer::{Made, Prepared, SignerArgs};

/// Sign a file
///
/// Writes a Sigstore bundle with the signature, by a key or, with --keyless, by
/// an identity. The file is read in pieces, however large it is.
#[derive(clap::Args, Debug)]
pub(crate) struct SignBlob {
    /// The file to sign (`-` is standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    signer: SignerArgs,

    /// Write the bundle to this file (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl SignBlob {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        one_stdin(Some(&self.file), &self.signer.password)?;
        let prepared = self.signer.read(context)?;
        let bundle = OutFile::open(self.bundle.as_deref())?;
        let (made, digest, name) = context.block_on(async {
            if is_stdin(&self.file) {
                let blob = Blob::pipe(stdin().lock());
                return sign(context, prepared, blob, &self.file).await;
            }
            let file = File::open(&self.file).map_err(|e| Failure::file("open", &self.file, e))?;
            sign(context, prepared, Blob::file(file), &self.file).await
        })??;
        bundle.write(context, &made.bundle)?;
        made.note(context);
        context.note(format_args!("signed {digest} with {name}"));
        Ok(Exit::Ok)
    }
}

async fn sign<R: Read>(
    context: &Context,
    prepared: Prepared<'_>,
    mut blob: Blob<R>,
    path: &Path,
) -> Result<(Made, Digest, String), Failure> {
    let failed = |error: SignError| {
        let hint = matches!(error, SignError::ReadOnce).then_some("give the content as a file");
        Failure::new(&error)
            .context(format_args!("`{}` is not signed", path.display()))
            .maybe_hint(hint)
    };
    if prepared.is_keyless() {
        blob.sha256().map_err(failed)?;
    }
    let signer = prepared.open(context).await?;
    let (made, digest) = signer.sign_blob(&mut blob).await.map_err(failed)?;
    Ok((made, digest, signer.name()))
}

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses to take content and password from standard input both.
pub(crate) fn one_stdin(content: Option<&Path>, password: &PasswordArgs) -> Result<(), Failure> {
    let password = password.password_file.as_deref();
    if content.is_some_and(is_stdin) && password.is_some_and(is_stdin) {
        return Err(Failure::usage(
            "standard input cannot be both the content and the password",
        ));
    }
    Ok(())
}
