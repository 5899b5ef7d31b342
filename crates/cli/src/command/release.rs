//! `waxseal release`

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use waxseal_attestation::{PredicateType, signature_statement};
use waxseal_oci::Annotations;
use waxseal_registry::Client;

use crate::command::sign;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::predicate::{About, Built, Plan};
use crate::provenance::ProvenanceArgs;
use crate::report::CiReport;
use crate::signer::{Made, Outside, SignerArgs};
use crate::store::{self, Image, Pending, Stored};

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

    /// Attest this SBOM, CycloneDX or SPDX as JSON, after checking it (repeatable); `auto`, the
    /// default, makes one of the image's layers, of an index one of each image and one that
    /// refers to them
    #[arg(long, value_name = "FILE")]
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
        let mut plans: Vec<Plan> = self.sbom.iter().cloned().map(Plan::sbom).collect();
        if plans.is_empty() && !self.no_sbom {
            plans.push(Plan::Generated);
        }
        if !self.no_provenance {
            let mut build = self.build.clone();
            build.can_be_left_out = true;
            // In front: it fails sooner than layers are read.
            plans.insert(0, Plan::Provenance(build));
        }
        let prepared = self.signer.read(context)?;
        let client = context.client()?;
        context.block_on(async {
            let keyless = prepared.is_keyless();
            let build = async |image: &Image| {
                statements(context, &plans, image, &annotations, context.now()).await
            };
            let looking = async {
                let image = Image::resolve(client, &reference).await?;
                store::warn_of_tag(context, &reference, &image, "releasing");
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
            let now = context.now();
            let mut made = Vec::new();
            for About { image, built } in built {
                let bundle = signer.sign_statement(context, built.statement, image.digest());
                let bundle = bundle.await?;
                bundle.note(context);
                made.push((image, built.predicate_type, bundle));
            }
            let stored = store_all(client, &image, made, now).await?;
            let released = Released {
                api_version: "waxseal.dev/v1alpha1",
                kind: "Release",
                image: image.name(),
                digest: image.digest().to_string(),
                key: signer.key().map(|key| key.public_key().id().to_string()),
                signer: signer.name(),
                stored,
            };
            for part in &released.stored {
                match &part.member {
                    Some(member) => {
                        context.note(format_args!(
                            "stored {} of {member} ({})",
                            part.is, part.place
                        ));
                    }
                    None => context.note(format_args!("stored {} ({})", part.is, part.place)),
                }
            }
            Ok::<_, Failure>(released)
        })?
    }
}

/// All that is to be signed, the signature last. Every statement is there
/// before the first is signed, since a signature may be published.
async fn statements(
    context: &Context,
    plans: &[Plan],
    image: &Image,
    annotations: &Annotations,
    now: Timestamp,
) -> Result<Vec<About>, Failure> {
    let mut statements = Vec::new();
    for plan in plans {
        statements.extend(plan.about(context, image, now).await?);
    }
    let built = Built {
        statement: signature_statement(image.digest(), annotations),
        predicate_type: PredicateType::from_uri(PredicateType::SIGN),
    };
    let image = image.clone();
    statements.push(About { image, built });
    Ok(statements)
}

/// Stores what is about members of an index first, and the rest together.
async fn store_all(
    client: &Client,
    whole: &Image,
    made: Vec<(Image, PredicateType, Made)>,
    now: Timestamp,
) -> Result<Vec<ReleasedPart>, Failure> {
    let mut stored = Vec::new();
    let (own, members): (Vec<_>, Vec<_>) = made
        .into_iter()
        .partition(|(image, ..)| image.digest() == whole.digest());
    for (image, kind, made) in members {
        let place = store::put_bundle(client, &image, kind.uri(), made.bundle, now).await?;
        let member = Some(image.digest().to_string());
        stored.push(ReleasedPart::new(&kind, place, member, made.outside));
    }
    let pending = own.iter().map(|(_, kind, made)| Pending {
        predicate_type: kind.uri(),
        bundle: made.bundle.clone(),
    });
    let places = store::put_bundles(client, whole, pending.collect(), now).await?;
    let own = own.into_iter().zip(places);
    stored.extend(
        own.map(|((_, kind, made), place)| ReleasedPart::new(&kind, place, None, made.outside)),
    );
    Ok(stored)
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
    /// The digest of the image of the index that it is about, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    pub(crate) predicate_type: String,
    pub(crate) manifest: String,
    place: &'static str,
    #[serde(flatten)]
    outside: Option<Outside>,
}

impl ReleasedPart {
    fn new(
        kind: &PredicateType,
        stored: Stored,
        member: Option<String>,
        outside: Option<Outside>,
    ) -> Self {
        let is = if kind.uri() == PredicateType::SIGN {
            "signature".to_owned()
        } else {
            kind.to_string()
        };
        Self {
            is,
            member,
            predicate_type: kind.uri().to_owned(),
            manifest: stored.manifest.to_string(),
            place: stored.place,
            outside,
        }
    }
}
