//! `waxseal sign`

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use waxseal_attestation::{PredicateType, signature_statement};
use waxseal_oci::{Annotations, CosignTag, Descriptor, Document, Reference};
use waxseal_registry::{Client, Source as _};
use waxseal_verify::Authority;

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::signer::{Outside, Signer, SignerArgs};
use crate::store::{self, Earlier, Image, Stored};

/// Sign images
///
/// Each tag is looked up once; what is signed is the digest that it names then,
/// which is printed. The signature, by a key or, with --keyless, by an identity,
/// is stored beside the image as a Sigstore bundle, as cosign 3 stores it. An
/// image that the key or the identity has signed already, with the same
/// annotations, is left as it is.
#[derive(clap::Args, Debug)]
pub(crate) struct Sign {
    /// The images to sign, by digest or by tag
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,

    #[command(flatten)]
    signer: SignerArgs,

    /// Sign this too; `verify -a` can ask for it (repeatable)
    #[arg(short, long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<String>,

    /// Store the signature as cosign 2 does, under the tag `sha256-….sig`; needs a key
    #[arg(long, conflicts_with = "keyless")]
    legacy: bool,

    /// Sign an index and the image of every platform in it
    #[arg(short, long)]
    recursive: bool,

    /// Sign even what is signed already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    output: OutputArgs,
}

impl Sign {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let references: Vec<Reference> = self
            .images
            .iter()
            .map(|text| store::reference(text))
            .collect::<Result<_, _>>()?;
        let annotations = annotations(&self.annotations)?;
        let prepared = self.signer.read(context)?;
        let client = context.client()?;
        let signed = context.block_on(async {
            let images = self.images(context, client, &references);
            let (signer, images) = prepared.open_with(context, images).await?;
            let signing = Signing {
                client,
                authority: signer.authority()?,
                signer: &signer,
                annotations: &annotations,
                legacy: self.legacy,
                force: self.force,
                now: context.now(),
            };
            let all = images.into_iter().map(|image| signing.sign(context, image));
            stream::iter(all)
                .buffered(AT_ONCE)
                .try_collect::<Vec<_>>()
                .await
        })??;
        match self.output.output {
            Output::Json => context.print_json(&Answer::new(&signed))?,
            Output::Text => {
                let lines: String = signed
                    .iter()
                    .map(|s| format!("{}\n", s.image.name()))
                    .collect();
                context.print(lines)?;
            }
        }
        Ok(Exit::Ok)
    }

    /// What is to be signed: each image once, its platforms after it.
    async fn images(
        &self,
        context: &Context,
        client: &Client,
        references: &[Reference],
    ) -> Result<Vec<Image>, Failure> {
        let lookups = references.iter().map(|reference| async move {
            let image = Image::resolve(client, reference).await?;
            store::warn_of_tag(context, reference, &image, "signing");
            if self.recursive {
                platforms(client, image).await
            } else {
                Ok(vec![image])
            }
        });
        let found: Vec<Vec<Image>> = stream::iter(lookups)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut images: Vec<Image> = Vec::new();
        for image in found.into_iter().flatten() {
            let is_same =
                |i: &Image| i.repository == image.repository && i.digest() == image.digest();
            if !images.iter().any(is_same) {
                images.push(image);
            }
        }
        Ok(images)
    }
}

/// What every image of a run is signed with.
struct Signing<'a> {
    client: &'a Client,
    signer: &'a Signer<'a>,
    authority: Authority,
    annotations: &'a Annotations,
    legacy: bool,
    force: bool,
    now: jiff::Timestamp,
}

struct Signed {
    image: Image,
    stored: Stored,
    already: bool,
    outside: Option<Outside>,
}

impl Signing<'_> {
    async fn sign(&self, context: &Context, image: Image) -> Result<Signed, Failure> {
        let name = image.name();
        let done = self.sign_once(context, image).await;
        let signed = done.map_err(|e| e.context(format_args!("`{name}` is not signed")))?;
        let words = if signed.already {
            "was signed already"
        } else {
            "signed"
        };
        context.note(format_args!("{name}: {words} ({})", signed.stored.place));
        Ok(signed)
    }

    async fn sign_once(&self, context: &Context, image: Image) -> Result<Signed, Failure> {
        let Self {
            client,
            signer,
            annotations,
            now,
            ..
        } = *self;
        let legacy = signer.key().filter(|_| self.legacy);
        if !self.force {
            let earlier = Earlier {
                authority: &self.authority,
                trust: signer.trust(),
                annotations,
                now,
            };
            let found = if legacy.is_some() {
                store::legacy_signature(client, &image, &earlier).await?
            } else {
                store::bundle_signature(client, &image, &earlier).await?
            };
            if let Some(stored) = found {
                return Ok(Signed {
                    image,
                    stored,
                    already: true,
                    outside: None,
                });
            }
        }
        let digest = image.digest();
        let (stored, outside) = match legacy {
            Some(key) => {
                let repository = &image.repository;
                let layer =
                    waxseal_sign::legacy_signature(key, repository, digest, annotations, now)
                        .map_err(Failure::new)?;
                let tag = CosignTag::Signature;
                (store::put_legacy(client, &image, tag, layer).await?, None)
            }
            None => {
                let statement = signature_statement(digest, annotations);
                let made = signer.sign_statement(context, statement, digest).await?;
                made.note(context);
                let kind = PredicateType::SIGN;
                let stored = store::put_bundle(client, &image, kind, made.bundle, now).await?;
                (stored, made.outside)
            }
        };
        Ok(Signed {
            image,
            stored,
            already: false,
            outside,
        })
    }
}

/// An image and, where it is an index, the images in it, to any depth.
async fn platforms(client: &Client, image: Image) -> Result<Vec<Image>, Failure> {
    let mut images = vec![image];
    let mut next = 0;
    while let Some(image) = images.get(next).cloned() {
        next += 1;
        if !waxseal_oci::media::is_index(&image.descriptor.media_type) {
            continue;
        }
        let found = client.manifest(&image.repository, image.digest()).await?;
        let Document::Index(index) = found.required(image.name())?.document()? else {
            continue;
        };
        for child in index.manifests.into_iter().filter(is_image) {
            if images.iter().any(|i| *i.digest() == child.digest) {
                continue;
            }
            if images.len() >= PLATFORMS {
                return Err(Failure::new(format_args!(
                    "`{}` holds more than {PLATFORMS} images",
                    image.name()
                )));
            }
            images.push(Image {
                repository: image.repository.clone(),
                descriptor: child,
            });
        }
    }
    Ok(images)
}

/// Whether an entry of an index is an image, and not what BuildKit says about one.
fn is_image(entry: &Descriptor) -> bool {
    let known = waxseal_oci::media::is_index(&entry.media_type)
        || waxseal_oci::media::is_manifest(&entry.media_type);
    known && entry.annotation("vnd.docker.reference.type").is_none()
}

/// The annotations of `-a key=value`.
pub(crate) fn annotations(given: &[String]) -> Result<Annotations, Failure> {
    let mut annotations = Annotations::new();
    for text in given {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format_args!(
                "the annotation `{text}` is not KEY=VALUE"
            )));
        };
        if annotations
            .insert(key.to_owned(), value.to_owned())
            .is_some()
        {
            return Err(Failure::usage(format_args!(
                "the annotation `{key}` is given twice"
            )));
        }
    }
    Ok(annotations)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    images: Vec<AnswerImage>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerImage {
    image: String,
    digest: String,
    manifest: String,
    place: &'static str,
    signed_already: bool,
    #[serde(flatten)]
    outside: Option<Outside>,
}

impl Answer {
    fn new(signed: &[Signed]) -> Self {
        let images = signed.iter().map(|signed| AnswerImage {
            image: signed.image.name(),
            digest: signed.image.digest().to_string(),
            manifest: signed.stored.manifest.to_string(),
            place: signed.stored.place,
            signed_already: signed.already,
            outside: signed.outside.clone(),
        });
        Self {
            api_version: "waxseal.dev/v1alpha1",
            kind: "Signatures",
            images: images.collect(),
        }
    }
}

/// Images signed at a time; the client has its own cap on requests.
const AT_ONCE: usize = 8;
/// Images of one index, nested ones included.
const PLATFORMS: usize = 1_000;
