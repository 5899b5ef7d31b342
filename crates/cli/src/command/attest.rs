//! `waxseal attest`

use serde::Serialize;
use waxseal_attestation::PredicateType;
use waxseal_oci::CosignTag;

use crate::command::sign_blob::one_stdin;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::predicate::{About, PredicateArgs};
use crate::signer::{Outside, Signer, SignerArgs};
use crate::store::{self, Image, Stored};

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
        let (image, stored) = context.block_on(async {
            let keyless = prepared.is_keyless();
            let build = async |image: &Image| plan.about(context, image, context.now()).await;
            let looking = async {
                let image = Image::resolve(client, &reference).await?;
                store::warn_of_tag(context, &reference, &image, "attesting");
                let built = if keyless {
                    Some(build(&image).await?)
                } else {
                    None
                };
                Ok((image, built))
            };
            let (signer, (image, built)) = prepared.open_with(context, looking).await?;
            let built = match built {
                Some(built) => built,
                // Read after the key is open: its derivation takes 64 MiB of its own.
                None => build(&image).await?,
            };
            let stored = if self.legacy {
                store_tags(context, &signer, built).await?
            } else {
                store_bundles(context, &signer, built).await?
            };
            Ok::<_, Failure>((image, stored))
        })??;
        let name = image.name();
        for part in &stored {
            context.note(format_args!(
                "{}: attested {} ({})",
                part.image, part.is, part.place
            ));
        }
        match self.output.output {
            Output::Json => {
                let (this, members): (Vec<Part>, Vec<Part>) =
                    stored.into_iter().partition(|part| part.image == name);
                let this = this.into_iter().next();
                context.print_json(&Answer {
                    api_version: "waxseal.dev/v1alpha1",
                    kind: "Attestation",
                    this: this.ok_or_else(|| Failure::new("nothing was attested"))?,
                    members,
                })?;
            }
            Output::Text => context.print(format_args!("{name}\n"))?,
        }
        Ok(Exit::Ok)
    }
}

async fn store_tags(
    context: &Context,
    signer: &Signer<'_>,
    all: Vec<About>,
) -> Result<Vec<Part>, Failure> {
    let key = signer.key();
    let key = key.ok_or_else(|| Failure::usage("`--legacy` needs a key"))?;
    let mut stored = Vec::new();
    for About { image, built } in all {
        let kind = built.predicate_type;
        let layer = waxseal_sign::legacy_attestation(
            key,
            built.statement,
            kind.uri(),
            image.digest(),
            context.now(),
        )
        .map_err(Failure::new)?;
        let tag = CosignTag::Attestation;
        let place = store::put_legacy(context.client()?, &image, tag, layer).await?;
        stored.push(Part::new(&image, &kind, place, None));
    }
    Ok(stored)
}

/// Signs all before the first is stored.
async fn store_bundles(
    context: &Context,
    signer: &Signer<'_>,
    all: Vec<About>,
) -> Result<Vec<Part>, Failure> {
    let mut signed = Vec::new();
    for About { image, built } in all {
        let made = signer
            .sign_statement(context, built.statement, image.digest())
            .await?;
        made.note(context);
        signed.push((image, built.predicate_type, made));
    }
    let client = context.client()?;
    let mut stored = Vec::new();
    for (image, kind, made) in signed {
        let place = store::put_bundle(client, &image, kind.uri(), made.bundle, context.now());
        stored.push(Part::new(&image, &kind, place.await?, made.outside));
    }
    Ok(stored)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    this: Part,
    /// The same for the images of an index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Part>,
}

/// What was stored for an image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    image: String,
    digest: String,
    #[serde(skip)]
    is: String,
    predicate_type: String,
    manifest: String,
    place: &'static str,
    #[serde(flatten)]
    outside: Option<Outside>,
}

impl Part {
    fn new(image: &Image, kind: &PredicateType, stored: Stored, outside: Option<Outside>) -> Self {
        Self {
            image: image.name(),
            digest: image.digest().to_string(),
            is: kind.to_string(),
            predicate_type: kind.uri().to_owned(),
            manifest: stored.manifest.to_string(),
            place: stored.place,
            outside,
        }
    }
}
