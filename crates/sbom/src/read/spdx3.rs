//! What an SPDX 3 document lists.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Many, asserted, hash};
use crate::inventory::License;
use crate::listing::{Listed, Listing};
use crate::subject::is_image_purl;
use crate::walk::{Walk, walk};
use crate::{SbomError, limits};

#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(rename = "@graph")]
    graph: Graph,
}

impl Document {
    pub(super) fn listing(self) -> Result<Listing, SbomError> {
        let Graph {
            packages,
            expressions,
            made_of,
            licensed,
            agents,
            created,
            has_author,
            relations,
        } = self.graph;
        let expressions: BTreeMap<String, String> =
            expressions.all("licences")?.into_iter().collect();
        let agents: BTreeMap<String, String> = agents.all("agents")?.into_iter().collect();
        let mut by_package: BTreeMap<String, Vec<License>> = BTreeMap::new();
        let made_of: BTreeMap<String, Vec<String>> = made_of.all("licences")?.into_iter().collect();
        for (package, license) in licensed.all("licences")? {
            let known = by_package.entry(package).or_default();
            for license in parts(&license, &made_of) {
                let text = expressions
                    .get(license)
                    .map_or_else(|| short_name(license), String::as_str);
                if let Some(license) = asserted(Some(text.to_owned())).and_then(|t| License::of(&t))
                    && known.len() < limits::LICENSES
                    && !known.contains(&license)
                {
                    known.push(license);
                }
            }
        }
        let packages = packages
            .all("packages")?
            .into_iter()
            .map(|(id, mut package)| {
                package.licenses = by_package.get(&id).cloned().unwrap_or_default();
                package.supplier = package
                    .supplier
                    .map(|agent| agents.get(&agent).cloned().unwrap_or(agent));
                package
            });
        Ok(Listing {
            created,
            has_author,
            relations,
            packages: packages.collect(),
            ..Listing::default()
        })
    }
}

/// The licences that a licence is made of: itself, unless it is a set or one with
/// something added. Some sets have each other in them.
fn parts<'a>(license: &'a str, made_of: &'a BTreeMap<String, Vec<String>>) -> BTreeSet<&'a str> {
    let (mut left, mut seen) = (vec![license], BTreeSet::new());
    let mut parts = BTreeSet::new();
    while let Some(license) = left.pop() {
        if !seen.insert(license) || seen.len() > limits::LICENSES {
            continue;
        }
        match made_of.get(license) {
            Some(inside) => left.extend(inside.iter().map(String::as_str)),
            None => {
                parts.insert(license);
            }
        }
    }
    parts
}

/// The name of a licence of SPDX's list, which is named by its address; other
/// identifiers stay as they are.
fn short_name(id: &str) -> &str {
    let listed = LISTED.iter().find_map(|start| id.strip_prefix(start));
    listed.unwrap_or(id)
}

#[derive(Default)]
struct Graph {
    packages: Many<(String, Listed)>,
    expressions: Many<(String, String)>,
    made_of: Many<(String, Vec<String>)>,
    licensed: Many<(String, String)>,
    agents: Many<(String, String)>,
    created: Option<jiff::Timestamp>,
    has_author: bool,
    relations: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Element {
    #[serde(rename = "type", alias = "@type")]
    kind: String,
    spdx_id: Option<String>,
    name: Option<String>,
    created: Option<String>,
    #[serde(default)]
    created_by: Strings,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "software_primaryPurpose")]
    purpose: Option<String>,
    supplied_by: Option<String>,
    #[serde(default)]
    external_identifier: Identifiers,
    #[serde(default)]
    verified_using: Hashes,
    #[serde(rename = "simplelicensing_licenseExpression")]
    expression: Option<String>,
    #[serde(rename = "expandedlicensing_member", default)]
    members: Strings,
    #[serde(rename = "expandedlicensing_subjectExtendableLicense")]
    extended: Option<String>,
    #[serde(rename = "expandedlicensing_subjectLicense")]
    or_later: Option<String>,
    relationship_type: Option<String>,
    from: Option<String>,
    #[serde(default)]
    to: Strings,
}

impl Walk<'_> for Graph {
    type Element = Element;

    fn take(&mut self, element: Element) {
        let id = element.spdx_id.unwrap_or_default();
        match element.kind.as_str() {
            "CreationInfo" => {
                let created = element.created.and_then(|text| text.parse().ok());
                self.created = self.created.or(created);
                self.has_author |= !element.created_by.0.is_empty();
            }
            "Agent" | "Organization" | "Person" => {
                if let Some(name) = element.name {
                    self.agents.push((id, name));
                }
            }
            "simplelicensing_LicenseExpression" => {
                if let Some(text) = element.expression {
                    self.expressions.push((id, text));
                }
            }
            "expandedlicensing_CustomLicense" | "simplelicensing_SimpleLicensingText" => {
                if let Some(name) = asserted(element.name) {
                    self.expressions.push((id, name));
                }
            }
            "expandedlicensing_ConjunctiveLicenseSet"
            | "expandedlicensing_DisjunctiveLicenseSet"
            | "expandedlicensing_OrLaterOperator"
            | "expandedlicensing_WithAdditionOperator" => {
                let one = [element.extended, element.or_later].into_iter().flatten();
                let inside = element.members.0.into_iter().chain(one);
                self.made_of.push((id, inside.collect()));
            }
            "Relationship" | "LifecycleScopedRelationship" => {
                let kind = element.relationship_type.unwrap_or_default();
                if kind == "hasDeclaredLicense" || kind == "hasConcludedLicense" {
                    for license in element.to.0 {
                        let package = element.from.clone().unwrap_or_default();
                        self.licensed.push((package, license));
                    }
                } else if kind != "describes" {
                    self.relations += 1;
                }
            }
            "software_Package" | "ai_AIPackage" | "dataset_DatasetPackage" => {
                let Identifiers { purl, other } = element.external_identifier;
                let purl = element.purl.or(purl).filter(|purl| !purl.is_empty());
                let is_image = match &purl {
                    Some(purl) => is_image_purl(purl),
                    None => element.purpose.as_deref() == Some("container"),
                };
                if is_image {
                    return;
                }
                let listed = Listed {
                    name: element.name.unwrap_or_default(),
                    version: element.version.unwrap_or_default(),
                    purl,
                    otherwise_identified: other,
                    supplier: element.supplied_by,
                    hashes: element.verified_using.0,
                    ..Listed::default()
                };
                self.packages.push((id, listed));
            }
            _ => {}
        }
    }
}

walk!(Graph, "a list of elements");

/// Some texts of a list.
#[derive(Default)]
struct Strings(Vec<String>);

impl Walk<'_> for Strings {
    type Element = String;

    fn take(&mut self, text: String) {
        if self.0.len() < limits::LICENSES {
            self.0.push(text);
        }
    }
}

walk!(Strings, "a list of identifiers");

/// The first package URL, and whether there is another identifier.
#[derive(Default)]
struct Identifiers {
    purl: Option<String>,
    other: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identifier {
    external_identifier_type: Option<String>,
    identifier: Option<String>,
}

impl Walk<'_> for Identifiers {
    type Element = Identifier;

    fn take(&mut self, found: Identifier) {
        match found.external_identifier_type.as_deref() {
            Some("packageUrl") if self.purl.is_none() => self.purl = found.identifier,
            Some("cpe22" | "cpe23" | "swid") => self.other = true,
            _ => {}
        }
    }
}

walk!(Identifiers, "a list of identifiers");

#[derive(Default)]
struct Hashes(Vec<waxseal_oci::Digest>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Integrity {
    algorithm: Option<String>,
    hash_value: Option<String>,
}

impl Walk<'_> for Hashes {
    type Element = Integrity;

    fn take(&mut self, found: Integrity) {
        if let (Some(algorithm), Some(hex)) = (found.algorithm, found.hash_value)
            && let Some(digest) = hash(&algorithm, &hex)
            && self.0.len() < limits::HASHES
        {
            self.0.push(digest);
        }
    }
}

walk!(Hashes, "a list of hashes");

const LISTED: [&str; 2] = ["https://spdx.org/licenses/", "http://spdx.org/licenses/"];
