//! `waxseal release`

use std::path::PathBuf;

use serde::Serialize;
use waxseal_attestation::{PredicateType, signature_statement};
use waxseal_oci::Annotations;

use crate::command::sign;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::predicate::{Built, Plan};
use crate::provenance::ProvenanceArgs;
use crate::report::CiReport;
use crate::signer::{Outside, SignerArgs};
use crate::store::{self, Image, Pending};

/// Attest an image's SBOMs and provenance, and sign it, in one go
///
/// Everything is made and verified before the first of it is stored. The
/// signature is stored last: where something fails, the image is not signed.
/// The image by digest is printed. In GitHub Actions it also becomes the step's
/// output `image` and `digest`, and a summary is added to the job's page.
#[derive(clap::Args, Debug)]
pub(crate) struct Release {
    /// The image, by digest or by tag
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Attest this SBOM, CycloneDX or SPDX as JSON, after checking it (repeatable)
    #[arg(long, value_name = "FILE", required_unless_present = "no_sbom")]
    sbom: Vec<PathBuf>,

    /// Attest no SBOM
    #[arg(long, conflicts_with = "sbom")]
    no_sbom: bool,

    /// Attest no provenance
    #[arg(long, conflicts_with_all = ["builder_id", "base_image", "buildx_metadata"])]
    no_provenance: bool,

    #[command(flatten)]
    build: ProvenanceArgs,

    #[command(flatten)]
    signer: SignerArgs,

    /// Sign this too; `verify -a` can ask for it (repeatable)
    #[arg(short, long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<String>,

    /// Write the image and its digest to this file as variables, for GitLab's `dotenv` reports
    #[arg(long, value_name = "FILE")]
    dotenv: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Release {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let report = CiReport::new(self.dotenv.clone());
        let released = self.release(context);
        if let Err(failure) = &released {
            report.failed(context, failure);
        }
        let released = released?;
        report.released(context, &released)?;
        match self.output.output {
            Output::Json => context.print_json(&released)?,
            Output::Text => context.print(format_args!("{}\n", released.image))?,
        }
        Ok(Exit::Ok)
    }

    fn release(&self, context: &Context) -> Result<Released, Failure> {
        let reference = store::reference(&self.image)?;
        let annotations = sign::annotations(&self.annotations)?;
        let mut plans: Vec<Plan> = self.sbom.iter().cloned().map(Plan::Sbom).collect();
        if !self.no_provenance {
            plans.push(Plan::Provenance(self.build.clone()));
        }
        let prepared = self.signer.read(context)?;
        let client = context.client()?;
        context.block_on(async {
            let keyless = prepared.is_keyless();
            let build =
                |image: &Image| statements(context, &plans, image, &annotations, context.now());
            let looking = async {
                let image = Image::resolve(client, &reference).await?;
                store::warn_of_tag(context, &reference, &image, "releasing");
                let built = keyless.then(|| build(&image)).transpose()?;
                Ok((image, built))
            };
            let (signer, (image, built)) = prepared.open_with(context, looking).await?;
            let built = match built {
                Some(built) => built,
                // Read after the key is open: its derivation takes 64 MiB of its own.
                None => build(&image)?,
            };
            let now = context.now();
            let mut made = Vec::new();
            for one in built {
                let bundle = signer.sign_statement(context, one.statement, image.digest());
                let bundle = bundle.await?;
                bundle.note(context);
                made.push((one.predicate_type, bundle));
            }
            let kinds: Vec<PredicateType> = made.iter().map(|(kind, _)| kind.clone()).collect();
            let pending = made.iter().map(|(kind, made)| Pending {
                predicate_type: kind.uri(),
                bundle: made.bundle.clone(),
            });
            let stored = store::put_bundles(client, &image, pending.collect(), now).await?;
            let outside = made.into_iter().map(|(_, made)| made.outside);
            let stored = kinds.iter().zip(stored).zip(outside);
            let stored = stored.map(|((kind, stored), outside)| ReleasedPart {
                predicate_type: kind.uri().to_owned(),
                is: if kind.uri() == PredicateType::SIGN {
                    "signature".to_owned()
                } else {
                    kind.to_string()
                },
                manifest: stored.manifest.to_string(),
                place: stored.place,
                outside,
            });
            let released = Released {
                api_version: "waxseal.dev/v1alpha1",
                kind: "Release",
                image: image.name(),
                digest: image.digest().to_string(),
                key: signer.key().map(|key| key.public_key().id().to_string()),
                signer: signer.name(),
                stored: stored.collect(),
            };
            for part in &released.stored {
                context.note(format_args!("stored {} ({})", part.is, part.place));
            }
            Ok::<_, Failure>(released)
        })?
    }
}

/// All that is to be signed, the signature last. Every statement is there
/// before the first is signed, since a signature may be published.
fn statements(
    context: &Context,
    plans: &[Plan],
    image: &Image,
    annotations: &Annotations,
    now: jiff::Timestamp,
) -> Result<Vec<Built>, Failure> {
    let digest = image.digest();
    let name = image.repository.to_string();
    let mut statements: Vec<Built> = plans
        .iter()
        .map(|plan| plan.build(context, &name, digest, now))
        .collect::<Result<_, _>>()?;
    statements.push(Built {
        statement: signature_statement(digest, annotations),
        predicate_type: PredicateType::from_uri(PredicateType::SIGN),
    });
    Ok(statements)
}

/// What was stored for an image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Released {
    api_version: &'static str,
    kind: &'static str,
    pub(crate) image: String,
    pub(crate) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// For people.
    #[serde(skip)]
    pub(crate) signer: String,
    pub(crate) stored: Vec<ReleasedPart>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReleasedPart {
    #[serde(skip)]
    pub(crate) is: String,
    pub(crate) predicate_type: String,
    pub(crate) manifest: String,
    place: &'static str,
    #[serde(flatten)]
    outside: Option<Outside>,
}
