//! SPDX 2.3.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use waxseal_oci::Digest;

use super::{Target, seconds, uuid};
use crate::inventory::{Component, Inventory, License};

/// The document of an inventory; its members stand in the order of their names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[serde(rename = "SPDXID")]
    id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    creation_info: Value,
    data_license: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_extracted_licensing_infos: Option<Value>,
    name: &'a str,
    packages: Packages<'a>,
    relationships: Relationships,
    spdx_version: &'static str,
}

pub(super) fn document<'a>(
    inventory: &'a Inventory,
    target: &'a Target,
    created: Option<Timestamp>,
) -> Document<'a> {
    let mut texts = Texts::default();
    let licenses = inventory.components.iter().flat_map(|c| &c.licenses);
    for license in licenses {
        if let License::Named(text) = license {
            texts.add(text);
        }
    }
    let created = created.unwrap_or(Timestamp::UNIX_EPOCH);
    let creator = format!("Tool: waxseal-{}", env!("CARGO_PKG_VERSION"));
    let listed = Some(texts.list()).filter(|_| !texts.ids.is_empty());
    let mut document = Document {
        id: DOCUMENT,
        comment: None,
        creation_info: json!({"created": seconds(created), "creators": [creator]}),
        data_license: "CC0-1.0",
        document_namespace: None,
        has_extracted_licensing_infos: None,
        name: &target.name,
        packages: Packages {
            inventory,
            target,
            texts,
        },
        relationships: Relationships(inventory.components.len()),
        spdx_version: "SPDX-2.3",
    };
    let namespace = format!("https://waxseal.dev/spdx/{}", uuid(&document));
    document.document_namespace = Some(namespace);
    let notes: Vec<String> = inventory
        .notes
        .iter()
        .map(|note| format!("not read: {}: {}", note.at.path, note.reason))
        .collect();
    document.comment = Some(notes.join("\n")).filter(|_| !notes.is_empty());
    document.has_extracted_licensing_infos = listed;
    document
}

/// The image and the packages, each made when it is written.
struct Packages<'a> {
    inventory: &'a Inventory,
    target: &'a Target,
    texts: Texts,
}

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let components = self.inventory.components.iter().enumerate();
        let packages = components.map(|(n, c)| package(c, &numbered(n), &self.texts));
        serializer.collect_seq(std::iter::once(root(self.target)).chain(packages))
    }
}

/// That the document is about the image, and that the image contains so many packages.
struct Relationships(usize);

impl Serialize for Relationships {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = Relationship {
            related_spdx_element: IMAGE.to_owned(),
            relationship_type: "DESCRIBES",
            spdx_element_id: DOCUMENT,
        };
        let contained = (0..self.0).map(|n| Relationship {
            related_spdx_element: numbered(n),
            relationship_type: "CONTAINS",
            spdx_element_id: IMAGE,
        });
        serializer.collect_seq(std::iter::once(first).chain(contained))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    related_spdx_element: String,
    relationship_type: &'static str,
    spdx_element_id: &'static str,
}

fn numbered(n: usize) -> String {
    format!("SPDXRef-Package-{n}")
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

fn package(component: &Component, id: &str, texts: &Texts) -> Value {
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

fn declared(licenses: &[License], texts: &Texts) -> String {
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
    fn add(&mut self, text: &str) {
        let next = self.ids.len();
        if !self.ids.contains_key(text) {
            self.ids.insert(text.to_owned(), next);
        }
    }

    fn id(&self, text: &str) -> String {
        match self.ids.get(text) {
            Some(number) => format!("LicenseRef-{number}"),
            None => NO_ASSERTION.to_owned(),
        }
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
