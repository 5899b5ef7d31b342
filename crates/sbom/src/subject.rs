//! What an SBOM says it describes, held against an image.

use waxseal_oci::{Algorithm, Digest};

use crate::{Sbom, SbomError};

/// A thing that an SBOM says it describes, from CycloneDX whatever it is, from
/// SPDX where it names an image by digest. A claim: nobody has signed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedSubject {
    /// Its name.
    pub name: String,
    /// Its package URL.
    pub purl: Option<String>,
    /// The image digests that it names, by version, package URL or hashes.
    pub digests: Vec<Digest>,
}

impl ClaimedSubject {
    pub(crate) fn new(name: &str, version: Option<&str>, purl: Option<&str>) -> Self {
        let named = version.and_then(|v| v.parse().ok());
        let located = purl.and_then(image_purl);
        let mut digests: Vec<Digest> = named.into_iter().chain(located).collect();
        digests.dedup();
        Self {
            name: name.to_owned(),
            purl: purl.map(str::to_owned),
            digests,
        }
    }

    pub(crate) fn add_hash(&mut self, algorithm: &str, hex: &str) {
        // CycloneDX writes `SHA-256`, SPDX 2 `SHA256`, SPDX 3 `sha256`.
        let name = algorithm.to_ascii_lowercase().replace('-', "");
        let digest = Algorithm::from_name(&name)
            .and_then(|a| Digest::from_hex(a, &hex.to_ascii_lowercase()).ok());
        if let Some(digest) = digest
            && !self.digests.contains(&digest)
        {
            self.digests.push(digest);
        }
    }
}

/// How an SBOM's own subject stands to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectMatch {
    /// It names exactly this image by digest.
    Named,
    /// It names no image by a digest that could be compared.
    NotNamed,
}

/// Holds the subjects that an SBOM claims against the image it is for.
///
/// # Errors
/// [`SbomError::OtherImage`] where it names an image by digest, and not this.
pub fn check_subject(sbom: &Sbom, image: &Digest) -> Result<SubjectMatch, SbomError> {
    let claimed = || sbom.subjects.iter().flat_map(|s| &s.digests);
    if claimed().any(|d| d == image) {
        return Ok(SubjectMatch::Named);
    }
    match claimed().find(|d| d.algorithm() == image.algorithm()) {
        Some(other) => Err(SbomError::OtherImage {
            claimed: other.clone(),
            image: image.clone(),
        }),
        None => Ok(SubjectMatch::NotNamed),
    }
}

/// Whether a package URL is one of a container image.
pub(crate) fn is_image_purl(purl: &str) -> bool {
    purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/")
}

/// The digest in the package URL of an image: `pkg:oci/app@sha256%3A…`.
fn image_purl(purl: &str) -> Option<Digest> {
    if !is_image_purl(purl) {
        return None;
    }
    let path = purl.split(['?', '#']).next().unwrap_or(purl);
    let (_, version) = path.rsplit_once('@')?;
    version.replace("%3A", ":").replace("%3a", ":").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_purl_names_a_digest() {
        let digest = Digest::sha256(b"x");
        for colon in [":", "%3A", "%3a"] {
            let purl = format!("pkg:oci/app@sha256{colon}{}?arch=amd64&tag=1", digest.hex());
            assert_eq!(image_purl(&purl), Some(digest.clone()));
        }
        assert_eq!(image_purl("pkg:npm/app@1.0.0"), None);
        assert_eq!(image_purl("pkg:oci/app@1.0.0"), None);
    }
}
