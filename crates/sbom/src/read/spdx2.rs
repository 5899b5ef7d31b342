//! What an SPDX 2 document lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use waxseal_oci::Digest;

use super::{Many, asserted, hash};
use crate::inventory::License;
use crate::listing::{Listed, Listing};
use crate::subject::is_image_purl;
use crate::walk::{Count, Walk, walk};
use crate::{SbomError, limits};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    creation_info: Option<CreationInfo>,
    #[serde(default)]
    packages: Packages,
    #[serde(default)]
    has_extracted_licensing_infos: Texts,
    #[serde(default)]
    document_describes: Ids,
    #[serde(default)]
    relationships: Relations,
}

impl Document {
    pub(super) fn listing(self) -> Result<Listing, SbomError> {
        let creation = self.creation_info.unwrap_or_default();
        let texts = self.has_extracted_licensing_infos.0;
        let mut described = self.document_describes.0;
        described.extend(self.relationships.described);
        let packages = self.packages.0.all("packages")?.into_iter();
        // One that is described is what the rest is in; several are just packages.
        let is_subject = |id: &String| described.len() == 1 && described.contains(id);
        let packages = packages.filter(|(id, _)| !is_subject(id));
        let mut packages: Vec<Listed> = packages.map(|(_, package)| package).collect();
        for license in packages
            .iter_mut()
            .flat_map(|package| &mut package.licenses)
        {
            if let Some(text) = texts.get(license.as_str()) {
                *license = License::Named(text.clone());
            }
        }
        Ok(Listing {
            created: creation.created.and_then(|text| text.parse().ok()),
            has_author: creation.creators.is_some_and(|creators| creators.0 > 0),
            relations: self.relationships.others,
            packages,
            ..Listing::default()
        })
    }
}

#[derive(Default, Deserialize)]
struct CreationInfo {
    created: Option<String>,
    creators: Option<Count<IgnoredAny>>,
}

/// The packages, without those that are images: they are what is described.
#[derive(Default)]
struct Packages(Many<(String, Listed)>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID", default)]
    id: String,
    #[serde(default)]
    name: String,
    version_info: Option<String>,
    primary_package_purpose: Option<String>,
    supplier: Option<String>,
    originator: Option<String>,
    license_declared: Option<String>,
    license_concluded: Option<String>,
    #[serde(default)]
    external_refs: References,
    #[serde(default)]
    checksums: Checksums,
}

impl Walk<'_> for Packages {
    type Element = Package;

    fn take(&mut self, package: Package) {
        let References { purl, other } = package.external_refs;
        let is_image = match &purl {
            Some(purl) => is_image_purl(purl),
            None => package.primary_package_purpose.as_deref() == Some("CONTAINER"),
        };
        if is_image {
            return;
        }
        // What its makers say, and what whoever wrote the document came to think.
        let stated = [package.license_declared, package.license_concluded];
        let stated = stated.into_iter().filter_map(asserted);
        let mut licenses: Vec<License> = stated.filter_map(|text| License::of(&text)).collect();
        licenses.dedup();
        let supplier = asserted(package.supplier).or_else(|| asserted(package.originator));
        let listed = Listed {
            name: package.name,
            version: asserted(package.version_info).unwrap_or_default(),
            purl,
            otherwise_identified: other,
            supplier: supplier.map(|text| match text.split_once(": ") {
                Some(("Organization" | "Person", name)) => name.to_owned(),
                _ => text,
            }),
            licenses,
            hashes: package.checksums.0,
            ..Listed::default()
        };
        self.0.push((package.id, listed));
    }
}

walk!(Packages, "a list of packages");

/// The first package URL, and whether there is another identifier.
#[derive(Default)]
struct References {
    purl: Option<String>,
    other: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    reference_type: String,
    reference_locator: String,
}

impl Walk<'_> for References {
    type Element = Reference;

    fn take(&mut self, reference: Reference) {
        // Some write the type as a URI.
        match reference
            .reference_type
            .rsplit('/')
            .next()
            .unwrap_or_default()
        {
            "purl" if self.purl.is_none() => {
                self.purl = Some(reference.reference_locator).filter(|purl| !purl.is_empty());
            }
            "cpe22Type" | "cpe23Type" | "swid" => self.other = true,
            _ => {}
        }
    }
}

walk!(References, "a list of references");

#[derive(Default)]
struct Checksums(Vec<Digest>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

impl Walk<'_> for Checksums {
    type Element = Checksum;

    fn take(&mut self, checksum: Checksum) {
        if let Some(digest) = hash(&checksum.algorithm, &checksum.checksum_value)
            && self.0.len() < limits::HASHES
        {
            self.0.push(digest);
        }
    }
}

walk!(Checksums, "a list of checksums");

/// Licences that SPDX does not list, by the names that the document gives them.
#[derive(Default)]
struct Texts(BTreeMap<String, String>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    license_id: String,
    extracted_text: Option<String>,
    name: Option<String>,
}

impl Walk<'_> for Texts {
    type Element = Text;

    fn take(&mut self, text: Text) {
        let said = asserted(text.name).or_else(|| asserted(text.extracted_text));
        if let Some(said) = said
            && self.0.len() < limits::LICENSE_TEXTS
        {
            self.0.entry(text.license_id).or_insert(said);
        }
    }
}

walk!(Texts, "a list of licences");

/// What the document says it is about, in the older of the two ways to say so.
#[derive(Default)]
struct Ids(BTreeSet<String>);

impl Walk<'_> for Ids {
    type Element = String;

    fn take(&mut self, id: String) {
        if self.0.len() < limits::SUBJECTS {
            self.0.insert(id);
        }
    }
}

walk!(Ids, "a list of identifiers");

/// What the document says it is about, and how many relations there are besides.
#[derive(Default)]
struct Relations {
    described: BTreeSet<String>,
    others: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relation {
    #[serde(default)]
    spdx_element_id: String,
    #[serde(default)]
    relationship_type: String,
    #[serde(default)]
    related_spdx_element: String,
}

impl Walk<'_> for Relations {
    type Element = Relation;

    fn take(&mut self, relation: Relation) {
        match relation.relationship_type.as_str() {
            "DESCRIBES" if relation.spdx_element_id == DOCUMENT => {
                if self.described.len() < limits::SUBJECTS {
                    self.described.insert(relation.related_spdx_element);
                }
            }
            "DESCRIBED_BY" if relation.related_spdx_element == DOCUMENT => {
                if self.described.len() < limits::SUBJECTS {
                    self.described.insert(relation.spdx_element_id);
                }
            }
            "DESCRIBES" | "DESCRIBED_BY" => {}
            _ => self.others += 1,
        }
    }
}

walk!(Relations, "a list of relationships");

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
