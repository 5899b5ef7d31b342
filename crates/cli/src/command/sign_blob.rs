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

    /// Write the signature by itself, in base64, to this file too, for `cosign verify-blob
    /// --signature`; needs a key
    #[arg(long, value_name = "FILE", conflicts_with = "keyless")]
    output_signature: Option<PathBuf>,
}

impl SignBlob {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        one_stdin(Some(&self.file), &self.signer.password)?;
        let prepared = self.signer.read(context)?;
        let bundle = OutFile::open(self.bundle.as_deref())?;
        let detached = self.output_signature.as_deref();
        let detached = detached.map(|path| OutFile::open(Some(path))).transpose()?;
        let (made, digest, name) = context.block_on(async {
            if is_stdin(&self.file) {
                let blob = Blob::pipe(stdin().lock());
                return sign(context, prepared, blob, &self.file).await;
            }
            let file = File::open(&self.file).map_err(|e| Failure::file("open", &self.file, e))?;
            sign(context, prepared, Blob::file(file), &self.file).await
        })??;
        if let Some(file) = detached {
            file.write(context, signature(&made.bundle)?.as_bytes())?;
        }
        bundle.write(context, &made.bundle)?;
        made.note(context);
        context.note(format_args!("signed {digest} with {name}"));
        Ok(Exit::Ok)
    }
}

/// The signature in a bundle of ours, as cosign 2 writes one: base64 and no more.
fn signature(bundle: &[u8]) -> Result<String, Failure> {
    let bundle: serde_json::Value = serde_json::from_slice(bundle).map_err(Failure::new)?;
    let signature = bundle.pointer("/messageSignature/signature");
    let signature = signature.and_then(serde_json::Value::as_str);
    signature
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("the bundle holds no signature by itself"))
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
