//! SPDX 2.3.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use waxseal_oci::Digest;

use super::{Target, seconds, uuid};
use crate::inventory::{Component, Inventory, License};

pub(super) fn document(
    inventory: &Inventory,
    target: &Target,
    created: Option<Timestamp>,
) -> Value {
    let mut texts = Texts::default();
    let mut packages = vec![root(target)];
    let mut relationships = vec![json!({
        "spdxElementId": DOCUMENT,
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": IMAGE,
    })];
    for (n, component) in inventory.components.iter().enumerate() {
        let id = format!("SPDXRef-Package-{n}");
        relationships.push(json!({
            "spdxElementId": IMAGE,
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": id,
        }));
        packages.push(package(component, &id, &mut texts));
    }
    let notes: Vec<String> = inventory
        .notes
        .iter()
        .map(|note| format!("not read: {}: {}", note.at.path, note.reason))
        .collect();
    let created = created.unwrap_or(Timestamp::UNIX_EPOCH);
    let creator = format!("Tool: waxseal-{}", env!("CARGO_PKG_VERSION"));
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": target.name,
        "creationInfo": {"created": seconds(created), "creators": [creator]},
        "packages": packages,
        "relationships": relationships,
    });
    let namespace = format!("https://waxseal.dev/spdx/{}", uuid(&document));
    if let Some(members) = document.as_object_mut() {
        members.insert("documentNamespace".to_owned(), namespace.into());
        if !notes.is_empty() {
            members.insert("comment".to_owned(), notes.join("\n").into());
        }
        if !texts.ids.is_empty() {
            members.insert("hasExtractedLicensingInfos".to_owned(), texts.list());
        }
    }
    document
}

fn root(target: &Target) -> Value {
    let mut root = json!({
        "SPDXID": IMAGE,
        "name": target.name,
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "primaryPackagePurpose": if target.digest.is_some() { "CONTAINER" } else { "FILE" },
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": NO_ASSERTION,
        "copyrightText": NO_ASSERTION,
    });
    let Some(members) = root.as_object_mut() else {
        return root;
    };
    if let Some(digest) = &target.digest {
        members.insert("versionInfo".to_owned(), digest.to_string().into());
        members.insert("checksums".to_owned(), json!([checksum(digest)]));
    }
    if let Some(purl) = &target.purl {
        members.insert("externalRefs".to_owned(), json!([reference(purl)]));
    }
    if let Some(platform) = &target.platform {
        members.insert("comment".to_owned(), format!("platform: {platform}").into());
    }
    root
}

fn package(component: &Component, id: &str, texts: &mut Texts) -> Value {
    let places = |declared: bool| -> Vec<String> {
        let those = component.found.iter().filter(|at| at.declared == declared);
        let each = those.map(|at| match &at.layer {
            Some(layer) => format!("{} in layer {layer}", at.path),
            None => at.path.clone(),
        });
        each.collect()
    };
    let mut sources = Vec::new();
    for (word, places) in [
        ("found at", places(false)),
        ("declared by lock file at", places(true)),
    ] {
        if !places.is_empty() {
            sources.push(format!("{word} {}", places.join(", ")));
        }
    }
    let mut package = json!({
        "SPDXID": id,
        "name": component.name,
        "supplier": component
            .supplier
            .as_ref()
            .map_or_else(|| NO_ASSERTION.to_owned(), |name| format!("Organization: {name}")),
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "sourceInfo": sources.join("; "),
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": declared(&component.licenses, texts),
        "copyrightText": NO_ASSERTION,
        "externalRefs": [reference(&component.purl)],
    });
    let Some(members) = package.as_object_mut() else {
        return package;
    };
    if !component.version.is_empty() {
        members.insert("versionInfo".to_owned(), component.version.as_str().into());
    }
    let hashes: Vec<Value> = component.hashes.iter().map(checksum).collect();
    if !hashes.is_empty() {
        members.insert("checksums".to_owned(), hashes.into());
    }
    package
}

fn checksum(hash: &Digest) -> Value {
    json!({
        "algorithm": hash.algorithm().name().to_ascii_uppercase(),
        "checksumValue": hash.hex(),
    })
}

fn reference(purl: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    })
}

fn declared(licenses: &[License], texts: &mut Texts) -> String {
    let each: Vec<String> = licenses
        .iter()
        .map(|license| match license {
            License::Expression(text) if text.contains(' ') && licenses.len() > 1 => {
                format!("({text})")
            }
            License::Expression(text) => text.clone(),
            License::Named(text) => texts.id(text),
        })
        .collect();
    if each.is_empty() {
        return NO_ASSERTION.to_owned();
    }
    each.join(" AND ")
}

/// Licences that SPDX does not list, by the names that the document gives them.
#[derive(Default)]
struct Texts {
    ids: BTreeMap<String, usize>,
}

impl Texts {
    fn id(&mut self, text: &str) -> String {
        let next = self.ids.len();
        let number = *self.ids.entry(text.to_owned()).or_insert(next);
        format!("LicenseRef-{number}")
    }

    fn list(&self) -> Value {
        let mut all: Vec<(&String, &usize)> = self.ids.iter().collect();
        all.sort_by_key(|(_, number)| **number);
        let each = all.iter().map(|(text, number)| {
            json!({
                "licenseId": format!("LicenseRef-{number}"),
                "extractedText": text,
                "name": text,
            })
        });
        each.collect()
    }
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const NO_ASSERTION: &str = "NOASSERTION";
