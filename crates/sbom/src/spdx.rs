//! SPDX 2.2 and 2.3 (ISO/IEC 5962), as JSON.

use std::borrow::Cow;

use serde::Deserialize;

use crate::subject::ClaimedSubject;
use crate::walk::{Count, Text, Walk, walk};
use crate::{Head, Sbom, SbomError, SbomFormat, limits};

pub(crate) fn check(head: Head<'_>, version: &str) -> Result<Sbom, SbomError> {
    let known = version
        .strip_prefix("SPDX-")
        .filter(|v| VERSIONS.contains(v));
    let Some(version) = known else {
        let found = version.to_owned();
        return Err(SbomError::UnknownVersion {
            format: FORMAT,
            found,
            known: KNOWN,
        });
    };
    same("SPDXID", head.spdx_id.as_deref(), DOCUMENT)?;
    same("dataLicense", head.data_license.as_deref(), "CC0-1.0")?;
    head.name.ok_or(missing("name"))?;
    head.document_namespace
        .ok_or(missing("documentNamespace"))?;
    let info = head.creation_info.ok_or(missing("creationInfo"))?;
    info.created.ok_or(missing("creationInfo.created"))?;
    info.creators
        .filter(|c| c.0 > 0)
        .ok_or(missing("creationInfo.creators"))?;

    let packages = head.packages.unwrap_or_default();
    let components = packages.count + head.files.map_or(0, |files| files.0);
    if components == 0 {
        return Err(SbomError::Empty("packages"));
    }
    packages.images.within("packages that are images")?;
    let listed = head.document_describes.unwrap_or_default().0;
    let related = head.relationships.unwrap_or_default().0;
    listed.within("things")?;
    related.within("things")?;
    let is_described = |id: &str| listed.0.iter().chain(&related.0).any(|d| d == id);
    let subjects = packages
        .images
        .0
        .into_iter()
        .filter(|(id, _)| is_described(id));
    Ok(Sbom {
        format: SbomFormat::Spdx {
            version: version.to_owned(),
        },
        subjects: subjects.map(|(_, claim)| claim).collect(),
        components,
    })
}

#[derive(Deserialize)]
pub(crate) struct CreationInfo {
    created: Option<Text>,
    creators: Option<Count<Text>>,
}

#[derive(Deserialize)]
pub(crate) struct File {
    #[serde(rename = "SPDXID")]
    _id: Text,
    #[serde(rename = "fileName")]
    _name: Text,
}

/// At most [`limits::SUBJECTS`] of something, and one more where there were more.
#[derive(Debug)]
pub(crate) struct Few<T>(pub(crate) Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Few<T> {
    pub(crate) fn push(&mut self, value: T) {
        if self.0.len() <= limits::SUBJECTS {
            self.0.push(value);
        }
    }

    pub(crate) fn within(&self, what: &'static str) -> Result<(), SbomError> {
        if self.0.len() > limits::SUBJECTS {
            return Err(SbomError::TooMany {
                what,
                limit: limits::SUBJECTS,
            });
        }
        Ok(())
    }
}

/// The count of the packages, and those that could be the image described:
/// the relationship that would tell mostly stands behind them.
#[derive(Default)]
pub(crate) struct Packages {
    count: usize,
    images: Few<(String, ClaimedSubject)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Package<'a> {
    #[serde(borrow, rename = "SPDXID")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "downloadLocation")]
    _download_location: Text,
    #[serde(borrow)]
    version_info: Option<Cow<'a, str>>,
    #[serde(borrow)]
    primary_package_purpose: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    external_refs: Vec<ExternalRef<'a>>,
    #[serde(borrow, default)]
    checksums: Vec<Checksum<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    #[serde(borrow)]
    reference_type: Cow<'a, str>,
    #[serde(borrow)]
    reference_locator: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    checksum_value: Cow<'a, str>,
}

impl<'a> Walk<'a> for Packages {
    type Element = Package<'a>;

    fn take(&mut self, package: Package<'a>) {
        self.count += 1;
        let purl = package
            .external_refs
            .iter()
            .find(|r| r.reference_type == "purl");
        let purl = purl.map(|r| &*r.reference_locator);
        let version = package.version_info.as_deref();
        let mut claim = ClaimedSubject::new(&package.name, version, purl);
        // The checksum of anything but an image is not an image's digest.
        if package.primary_package_purpose.as_deref() == Some("CONTAINER")
            || purl.is_some_and(crate::subject::is_image_purl)
        {
            for checksum in package.checksums.iter().take(limits::HASHES) {
                claim.add_hash(&checksum.algorithm, &checksum.checksum_value);
            }
        }
        if !claim.digests.is_empty() {
            self.images.push((package.id.into_owned(), claim));
        }
    }
}

walk!(Packages, "a list of packages");

/// The identifiers in `documentDescribes`.
#[derive(Default)]
pub(crate) struct Described(Few<String>);

impl<'a> Walk<'a> for Described {
    type Element = String;

    fn take(&mut self, id: String) {
        self.0.push(id);
    }
}

walk!(Described, "a list of identifiers");

/// What the relationships say that the document describes.
#[derive(Default)]
pub(crate) struct Relationships(Few<String>);

#[derive(Deserialize)]
pub(crate) struct Relationship<'a> {
    #[serde(borrow, rename = "spdxElementId")]
    from: Cow<'a, str>,
    #[serde(borrow, rename = "relationshipType")]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "relatedSpdxElement")]
    to: Cow<'a, str>,
}

impl<'a> Walk<'a> for Relationships {
    type Element = Relationship<'a>;

    fn take(&mut self, relationship: Relationship<'a>) {
        let Relationship { from, kind, to } = relationship;
        match &*kind {
            "DESCRIBES" if from == DOCUMENT => self.0.push(to.into_owned()),
            "DESCRIBED_BY" if to == DOCUMENT => self.0.push(from.into_owned()),
            _ => {}
        }
    }
}

walk!(Relationships, "a list of relationships");

fn same(member: &'static str, found: Option<&str>, wanted: &'static str) -> Result<(), SbomError> {
    let found = found.ok_or(missing(member))?;
    if found != wanted {
        return Err(SbomError::Invalid {
            format: FORMAT,
            member: member.to_owned(),
            found: found.to_owned(),
            wanted,
        });
    }
    Ok(())
}

fn missing(member: &'static str) -> SbomError {
    SbomError::Missing {
        format: FORMAT,
        member,
    }
}

const FORMAT: &str = "SPDX";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const VERSIONS: [&str; 2] = ["2.2", "2.3"];
const KNOWN: &str = "2.2, 2.3, 3.0";
