//! Stable names of reasons, for programs. The verifier's own are those of
//! [`Rejection::code`](waxseal_verify::Rejection::code).

/// The signature lacks an annotation.
pub const ANNOTATION: &str = "annotation";
/// The condition does not hold.
pub const CONDITION: &str = "condition";
/// The condition has no truth value on this predicate.
pub const CONDITION_ERROR: &str = "condition-error";
/// The layers of the image cannot be compared.
pub const LAYERS: &str = "layers";
/// The layers of the image have not been looked into.
pub const LAYERS_UNREAD: &str = "layers-unread";
/// No attestation of the type that is wanted counts.
pub const NO_ATTESTATION: &str = "no-attestation";
/// No SBOM counts.
pub const NO_SBOM: &str = "no-sbom";
/// No vulnerability scan counts.
pub const NO_SCAN: &str = "no-scan";
/// No signature counts.
pub const NO_SIGNATURE: &str = "no-signature";
/// Nothing proves when it was signed.
pub const NO_TIME: &str = "no-time";
/// It is an attestation where a signature is wanted.
pub const NOT_A_SIGNATURE: &str = "not-a-signature";
/// It is a signature where an attestation is wanted.
pub const NOT_AN_ATTESTATION: &str = "not-an-attestation";
/// It was signed by somebody other than the authority that it is put down to.
pub const OTHER_SIGNER: &str = "other-signer";
/// It is about another digest.
pub const OTHER_SUBJECT: &str = "other-subject";
/// It is an attestation of another type.
pub const OTHER_TYPE: &str = "other-type";
/// A vulnerability scan that cannot be relied upon.
pub const SCAN: &str = "scan";
/// An SBOM that cannot be read, or that is about another image.
pub const SBOM: &str = "sbom";
/// A component that the policy denies.
pub const SBOM_DENIED: &str = "sbom-denied";
/// The SBOM does not list what is in the image.
pub const SBOM_DIFFERS: &str = "sbom-differs";
/// The SBOM lacks what it has to state.
pub const SBOM_ELEMENTS: &str = "sbom-elements";
/// A component has no licence.
pub const SBOM_LICENSE: &str = "sbom-license";
/// Some of the distinct signers are there, and not enough.
pub const THRESHOLD: &str = "threshold";
/// It was signed too long ago.
pub const TOO_OLD: &str = "too-old";
/// The trust root that it rests on is stale.
pub const TRUST_ROOT_STALE: &str = "trust-root-stale";
/// The image has vulnerabilities that are too bad.
pub const VULNERABLE: &str = "vulnerable";
