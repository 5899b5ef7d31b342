//! Signatures and attestations in a registry: put there, and looked for before
//! another one is put there.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use waxseal_attestation::PredicateType;
use waxseal_oci::{
    Annotations, CosignTag, Descriptor, Digest, Document, Reference, Repository, empty_config,
    media,
};
use waxseal_registry::{Artifact, Client, Error, Found, RawManifest, ReferrersVia, Source as _};
use waxseal_sign::{LegacyLayer, bundle_descriptor, bundle_manifest};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, Origin, Place, Trust, Verified, Wanted,
};

use crate::context::Context;
use crate::error::Failure;

/// An image in a registry, by the digest that it has now.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) repository: Repository,
    pub(crate) descriptor: Descriptor,
}

impl Image {
    /// Looks up what a reference names, once. All that follows speaks of the
    /// digest and is not moved by the tag.
    pub(crate) async fn resolve(client: &Client, reference: &Reference) -> Result<Self, Failure> {
        let found = client.describe(reference).await?;
        let descriptor = found.required(reference.to_string())?;
        Ok(Self {
            repository: reference.repository().clone(),
            descriptor,
        })
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// `registry/repository@sha256:…`
    pub(crate) fn name(&self) -> String {
        self.repository.at(self.digest()).to_string()
    }
}

/// Parses references before anything is asked of a registry.
pub(crate) fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse()
        .map_err(|e| Failure::usage(format_args!("the image `{text}`: {e}")))
}

/// Warns where a name that may move was given for something that may not.
pub(crate) fn warn_of_tag(context: &Context, reference: &Reference, image: &Image, doing: &str) {
    if reference.digest().is_none() {
        context.warn(format_args!(
            "`{reference}` is a tag, which may name another image by now; {doing} {}",
            image.digest()
        ));
    }
}

/// Where something was put.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The manifest that holds it.
    pub(crate) manifest: Digest,
    /// The kind of place, for people.
    pub(crate) place: &'static str,
}

/// A bundle that is to be hung on an image.
pub(crate) struct Pending<'a> {
    pub(crate) predicate_type: &'a str,
    pub(crate) bundle: Bytes,
}

/// Hangs a bundle on an image. Where the registry keeps no referrers, the
/// client reads the list back before it returns.
pub(crate) async fn put_bundle(
    client: &Client,
    image: &Image,
    predicate_type: &str,
    bundle: Bytes,
    now: Timestamp,
) -> Result<Stored, Failure> {
    let pending = Pending {
        predicate_type,
        bundle,
    };
    let stored = put_bundles(client, image, vec![pending], now).await?;
    let one = stored.into_iter().next();
    one.ok_or_else(|| Failure::new("the bundle was not stored"))
}

/// Hangs several bundles on an image, in this order.
pub(crate) async fn put_bundles(
    client: &Client,
    image: &Image,
    bundles: Vec<Pending<'_>>,
    now: Timestamp,
) -> Result<Vec<Stored>, Failure> {
    let artifacts = bundles
        .into_iter()
        .map(|pending| {
            let descriptor = bundle_descriptor(&pending.bundle);
            let manifest =
                bundle_manifest(&descriptor, pending.predicate_type, &image.descriptor, now)
                    .map_err(Failure::new)?;
            let manifest = RawManifest::new(media::OCI_MANIFEST, manifest);
            let (empty, config) = empty_config();
            let blobs = vec![
                (descriptor, pending.bundle),
                (config, Bytes::from_static(empty)),
            ];
            Ok(Artifact::new(manifest, blobs))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let attached = client
        .attach_all(&image.repository, &image.descriptor, &artifacts)
        .await?;
    let stored = attached.into_iter().map(|one| Stored {
        manifest: one.digest,
        place: match one.via {
            ReferrersVia::FallbackTag => "fallback tag",
            _ => "referrers",
        },
    });
    Ok(stored.collect())
}

/// Adds a layer to one of cosign's tags, which the client reads back.
pub(crate) async fn put_legacy(
    client: &Client,
    image: &Image,
    tag: CosignTag,
    layer: LegacyLayer,
) -> Result<Stored, Failure> {
    let layers = vec![(layer.descriptor, layer.bytes)];
    let name = tag.tag(image.digest());
    let appended = client
        .append_to_tag(&image.repository, &name, layers)
        .await?;
    let place = match tag {
        CosignTag::Attestation => ".att tag",
        _ => ".sig tag",
    };
    Ok(Stored {
        manifest: appended.digest,
        place,
    })
}

/// Who may have signed an image before, and what.
pub(crate) struct Earlier<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) trust: Trust<'a>,
    pub(crate) annotations: &'a Annotations,
    pub(crate) now: Timestamp,
}

/// The bundle with which this signer has signed this image already, with exactly
/// these annotations, if there is one.
pub(crate) async fn bundle_signature(
    client: &Client,
    image: &Image,
    earlier: &Earlier<'_>,
) -> Result<Option<Stored>, Failure> {
    let repository = &image.repository;
    let listed = client
        .referrers(repository, image.digest(), Some(media::SIGSTORE_BUNDLE_V03))
        .await?;
    let place = match listed.via {
        ReferrersVia::FallbackTag => Place::FallbackTag,
        _ => Place::Referrer,
    };
    // What says that it is an attestation is believed: it would not be a
    // signature if it lied, either.
    let candidates = listed.entries.into_iter().filter(|entry| {
        let hint = entry.annotation(media::ANNOTATION_PREDICATE_TYPE);
        hint.is_none_or(|hint| hint == PredicateType::SIGN) && media::is_manifest(&entry.media_type)
    });
    let fetches = candidates.take(CANDIDATES).map(|entry| async move {
        let bundle = bundle_of(client, repository, &entry.digest).await?;
        Ok((entry.digest, bundle))
    });
    let mut fetched = stream::iter(fetches).buffer_unordered(AT_ONCE);
    while let Some(result) = fetched.next().await {
        let Some((manifest, Some((descriptor, bytes)))) = readable(result)? else {
            continue;
        };
        let origin = origin(place, &manifest, &descriptor);
        let candidate = Candidate {
            origin,
            content: CandidateContent::Bundle(bytes),
        };
        if earlier.made(&candidate, image.digest()) {
            let place = match place {
                Place::FallbackTag => "fallback tag",
                _ => "referrers",
            };
            return Ok(Some(Stored { manifest, place }));
        }
    }
    Ok(None)
}

/// As [`bundle_signature`], under cosign 2's tag `.sig`.
pub(crate) async fn legacy_signature(
    client: &Client,
    image: &Image,
    earlier: &Earlier<'_>,
) -> Result<Option<Stored>, Failure> {
    let repository = &image.repository;
    let tag = CosignTag::Signature.tag(image.digest());
    let Found::Present(raw) = client.manifest_by_tag(repository, &tag).await? else {
        return Ok(None);
    };
    let Document::Manifest(manifest) = raw.document()? else {
        return Ok(None);
    };
    let layers = manifest
        .layers
        .into_iter()
        .filter(|layer| layer.media_type == media::SIMPLE_SIGNING && layer.size <= SIGNATURE_BYTES);
    let fetches = layers.take(CANDIDATES).map(|layer| async move {
        let payload = client.blob(repository, &layer, SIGNATURE_BYTES).await?;
        Ok((layer, payload))
    });
    let mut fetched = stream::iter(fetches).buffer_unordered(AT_ONCE);
    while let Some(result) = fetched.next().await {
        let Some((layer, payload)) = readable(result)? else {
            continue;
        };
        let origin = origin(Place::SignatureTag, &raw.digest, &layer);
        let annotations_of = layer.annotations;
        let content = CandidateContent::SimpleSigning {
            payload,
            annotations: annotations_of,
        };
        let candidate = Candidate { origin, content };
        if earlier.made(&candidate, image.digest()) {
            return Ok(Some(Stored {
                manifest: raw.digest,
                place: ".sig tag",
            }));
        }
    }
    Ok(None)
}

/// The bundle that an artifact's manifest holds, where it is one of a size
/// that a signature can have.
async fn bundle_of(
    client: &Client,
    repository: &Repository,
    manifest: &Digest,
) -> Result<Option<(Descriptor, Bytes)>, Error> {
    let Found::Present(raw) = client.manifest(repository, manifest).await? else {
        return Ok(None);
    };
    let Ok(Document::Manifest(manifest)) = raw.document() else {
        return Ok(None);
    };
    let [layer] = manifest.layers.as_slice() else {
        return Ok(None);
    };
    if !media::is_sigstore_bundle(&layer.media_type) || layer.size > SIGNATURE_BYTES {
        return Ok(None);
    }
    let bytes = client.blob(repository, layer, SIGNATURE_BYTES).await?;
    Ok(Some((layer.clone(), bytes)))
}

/// What came of reading what somebody attached. What is broken for good is no
/// signature of ours, and no reason not to sign: anybody can leave it there.
fn readable<T>(result: Result<T, Error>) -> Result<Option<T>, Failure> {
    match result {
        Err(error) if error.is_transient() => Err(error.into()),
        other => Ok(other.ok()),
    }
}

impl Earlier<'_> {
    fn made(&self, candidate: &Candidate, image: &Digest) -> bool {
        let wanted = Wanted {
            subject: image,
            keep_predicate: false,
        };
        match waxseal_verify::verify(candidate, &wanted, self.authority, &self.trust, self.now) {
            Ok(Verified::Signature(signature)) => signature.annotations() == self.annotations,
            _ => false,
        }
    }
}

fn origin(place: Place, manifest: &Digest, blob: &Descriptor) -> Origin {
    Origin {
        place,
        manifest: Some(manifest.clone()),
        blob: blob.digest.clone(),
        size: blob.size,
        predicate_hint: None,
    }
}

/// How many earlier signatures are looked at before one is made regardless.
const CANDIDATES: usize = 1_000;
/// How many of them are fetched at a time.
const AT_ONCE: usize = 8;
/// The largest bundle that is looked at as a signature.
const SIGNATURE_BYTES: u64 = 1024 * 1024;
