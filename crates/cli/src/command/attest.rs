//! `waxseal attest`

use serde::Serialize;
use waxseal_oci::CosignTag;

use crate::command::sign_blob::one_stdin;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::predicate::PredicateArgs;
use crate::signer::{Outside, SignerArgs};
use crate::store::{self, Image};

/// Sign a statement about an image, such as its SBOM
///
/// The tag is looked up once; the statement is about the digest that it names
/// then, which is printed. It is stored beside the image as a Sigstore bundle,
/// as cosign 3 stores it.
#[derive(clap::Args, Debug)]
pub(crate) struct Attest {
    /// The image that the statement is about, by digest or by tag
    #[arg(value_name = "IMAGE")]
    image: String,

    #[command(flatten)]
    predicate: PredicateArgs,

    #[command(flatten)]
    signer: SignerArgs,

    /// Store the attestation as cosign 2 does, under the tag `sha256-….att`; needs a key
    #[arg(long, conflicts_with = "keyless")]
    legacy: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Attest {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let reference = store::reference(&self.image)?;
        let plan = self.predicate.plan()?;
        one_stdin(plan.path(), &self.signer.password)?;
        let prepared = self.signer.read(context)?;
        let client = context.client()?;
        let (image, stored, predicate_type, outside) = context.block_on(async {
            let keyless = prepared.is_keyless();
            let build = |image: &Image| {
                let name = image.repository.to_string();
                plan.build(context, &name, image.digest(), context.now())
            };
            let looking = async {
                let image = Image::resolve(client, &reference).await?;
                store::warn_of_tag(context, &reference, &image, "attesting");
                let built = keyless.then(|| build(&image)).transpose()?;
                Ok((image, built))
            };
            let (signer, (image, built)) = prepared.open_with(context, looking).await?;
            let (now, digest) = (context.now(), image.digest());
            let built = match built {
                Some(built) => built,
                // Read after the key is open: its derivation takes 64 MiB of its own.
                None => build(&image)?,
            };
            let kind = built.predicate_type;
            let (stored, outside) = match signer.key() {
                Some(key) if self.legacy => {
                    let layer = waxseal_sign::legacy_attestation(
                        key,
                        built.statement,
                        kind.uri(),
                        digest,
                        now,
                    )
                    .map_err(Failure::new)?;
                    let tag = CosignTag::Attestation;
                    (store::put_legacy(client, &image, tag, layer).await?, None)
                }
                _ => {
                    let made = signer
                        .sign_statement(context, built.statement, digest)
                        .await?;
                    made.note(context);
                    let stored =
                        store::put_bundle(client, &image, kind.uri(), made.bundle, now).await?;
                    (stored, made.outside)
                }
            };
            Ok::<_, Failure>((image, stored, kind, outside))
        })??;
        let name = image.name();
        context.note(format_args!(
            "{name}: attested {predicate_type} ({})",
            stored.place
        ));
        match self.output.output {
            Output::Json => context.print_json(&Answer {
                api_version: "waxseal.dev/v1alpha1",
                kind: "Attestation",
                image: name,
                digest: image.digest().to_string(),
                predicate_type: predicate_type.uri().to_owned(),
                manifest: stored.manifest.to_string(),
                place: stored.place,
                outside,
            })?,
            Output::Text => context.print(format_args!("{name}\n"))?,
        }
        Ok(Exit::Ok)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    image: String,
    digest: String,
    predicate_type: String,
    manifest: String,
    place: &'static str,
    #[serde(flatten)]
    outside: Option<Outside>,
}
