//! The tag names that are derived from a digest.

use crate::Digest;

/// What a tag derived by cosign 2 holds (cosign `specs/SIGNATURE_SPEC.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CosignTag {
    /// `.att`: DSSE envelopes.
    Attestation,
    /// `.sbom`: an attached, unsigned SBOM.
    Sbom,
    /// `.sig`: simple-signing payloads.
    Signature,
}

impl CosignTag {
    /// Every kind, in the order in which `tree` lists them.
    pub const ALL: [Self; 3] = [Self::Signature, Self::Attestation, Self::Sbom];

    /// The suffix of the tag, with its full stop.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Attestation => ".att",
            Self::Sbom => ".sbom",
            Self::Signature => ".sig",
        }
    }

    /// The tag for the image of this digest: `sha256-<hex>.sig`.
    #[must_use]
    pub fn tag(self, image: &Digest) -> String {
        format!("{}{}", referrers_tag(image), self.suffix())
    }
}

/// The tag of the referrers list on a registry without the referrers API
/// (distribution-spec 1.1, "Referrers Tag Schema").
#[must_use]
pub fn referrers_tag(image: &Digest) -> String {
    // The specification cuts the algorithm at 32 and the value at 64 characters.
    let hex = image.hex();
    format!(
        "{}-{}",
        image.algorithm().name(),
        hex.get(..64).unwrap_or(hex)
    )
}
