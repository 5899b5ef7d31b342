//! Media types and annotation keys, by the specification that defines them.

/// OCI image manifest (image-spec 1.1).
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index (image-spec 1.1).
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The empty JSON object, used as the configuration of an artifact.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Sigstore bundle v0.3, as a layer, an `artifactType` and a file.
pub const SIGSTORE_BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What every Sigstore bundle media type begins with, of any version.
pub const SIGSTORE_BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// cosign's simple-signing payload, a layer of a `.sig` manifest.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// A DSSE envelope, a layer of a `.att` manifest.
pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// A Notation signature's `artifactType`.
pub const NOTATION_SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// The manifest media types that a client says it accepts.
pub const ACCEPT_MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// Annotation of a bundle's manifest: the predicate type inside (unsigned: a hint).
pub const ANNOTATION_PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// Annotation of a bundle's manifest: `dsse-envelope` or `message-signature`.
pub const ANNOTATION_BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
/// Annotation of a bundle's manifest: when it was made (RFC 3339).
pub const ANNOTATION_CREATED: &str = "org.opencontainers.image.created";

/// Whether a media type names a list of manifests.
#[must_use]
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_LIST)
}

/// Whether a media type names one image or artifact.
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}

/// Whether a media type names a Sigstore bundle of any version.
///
/// Both spellings exist: `….v0.3+json` and `…+json;version=0.3`.
#[must_use]
pub fn is_sigstore_bundle(media_type: &str) -> bool {
    media_type.starts_with(SIGSTORE_BUNDLE_PREFIX)
}
