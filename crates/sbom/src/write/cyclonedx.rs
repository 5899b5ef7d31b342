//! CycloneDX 1.6.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use waxseal_oci::Digest;

use super::{Target, Text, listed_id, seconds, uuid};
use crate::inventory::{Component, Inventory, License};

/// The document of an inventory; its members stand in the order of their names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    bom_format: &'static str,
    components: Components<'a>,
    metadata: Map<String, Value>,
    serial_number: Serial<'a>,
    spec_version: &'static str,
    version: u32,
}

pub(super) fn document<'a>(
    inventory: &'a Inventory,
    target: &Target,
    created: Option<Timestamp>,
    text: &'a Text,
) -> Document<'a> {
    let mut metadata = metadata(target, created);
    let notes: Vec<Value> = inventory
        .notes
        .iter()
        .map(|note| {
            let text = format!("{}: {}", note.at.path, note.reason);
            json!(property("waxseal:notRead", text))
        })
        .collect();
    if !notes.is_empty() {
        metadata.insert("properties".to_owned(), notes.into());
    }
    Document {
        bom_format: FORMAT,
        components: Components(inventory),
        metadata,
        serial_number: Serial(text),
        spec_version: VERSION,
        version: 1,
    }
}

/// Names the document by its content, which has been written when its turn comes:
/// no document is made twice.
struct Serial<'a>(&'a Text);

impl Serialize for Serial<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:uuid:{}", self.0.uuid()))
    }
}

/// The distribution and the packages, each made when it is written.
struct Components<'a>(&'a Inventory);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        if let Some(distro) = self.0.distro.as_ref().filter(|d| !d.id.is_empty()) {
            let mut value = json!({
                "type": "operating-system",
                "bom-ref": format!("os:{}", distro.id),
                "name": distro.id,
            });
            add(&mut value, "version", Some(distro.version.as_str()));
            add(&mut value, "description", Some(distro.name.as_str()));
            list.serialize_element(&value)?;
        }
        for component in &self.0.components {
            list.serialize_element(&library(component))?;
        }
        list.end()
    }
}

/// What a document says of itself.
pub(super) fn metadata(target: &Target, created: Option<Timestamp>) -> Map<String, Value> {
    let mut metadata = Map::new();
    if let Some(created) = created {
        metadata.insert("timestamp".to_owned(), seconds(created).into());
    }
    metadata.insert(
        "tools".to_owned(),
        json!({"components": [{
            "type": "application", "name": "waxseal", "version": env!("CARGO_PKG_VERSION")
        }]}),
    );
    metadata.insert("component".to_owned(), container(target, ROOT));
    metadata
}

/// Names the format, and the document by its content.
pub(super) fn finish(mut document: Value) -> Value {
    add(&mut document, "bomFormat", Some(FORMAT));
    add(&mut document, "specVersion", Some(VERSION));
    if let Some(members) = document.as_object_mut() {
        members.insert("version".to_owned(), 1.into());
    }
    let serial = format!("urn:uuid:{}", uuid(&document));
    add(&mut document, "serialNumber", Some(&serial));
    document
}

/// An image, or a folder, as a component.
pub(super) fn container(target: &Target, name: &str) -> Value {
    let kind = if target.digest.is_some() {
        "container"
    } else {
        "file"
    };
    let mut root = json!({"type": kind, "bom-ref": name, "name": target.name});
    let digest = target.digest.as_ref().map(ToString::to_string);
    add(&mut root, "version", digest.as_deref());
    add(&mut root, "purl", target.purl.as_deref());
    if let (Some(platform), Some(members)) = (&target.platform, root.as_object_mut()) {
        let platform = property("waxseal:platform", platform.as_str());
        members.insert("properties".to_owned(), json!([platform]));
    }
    root
}

/// A package; its members stand in the order of their names.
#[derive(Serialize)]
struct Library<'a> {
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    evidence: Evidence<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Licensed<'a>>,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
    purl: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
}

#[derive(Serialize)]
struct Evidence<'a> {
    occurrences: Vec<Occurrence<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Occurrence<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_context: Option<&'static str>,
    location: &'a str,
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: String,
    content: &'a str,
}

/// An expression, or one licence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Licensed<'a> {
    Expression(&'a str),
    License(Named<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Named<'a> {
    Id(&'a str),
    Name(&'a str),
}

#[derive(Serialize)]
struct Supplier<'a> {
    name: &'a str,
}

fn library(component: &Component) -> Library<'_> {
    let hashes = component.hashes.iter().map(|hash| Hash {
        alg: dashed(hash),
        content: hash.hex(),
    });
    let layers: BTreeSet<&Digest> = component
        .found
        .iter()
        .filter_map(|at| at.layer.as_ref())
        .collect();
    let mut properties: Vec<Property<'_>> = layers
        .iter()
        .map(|layer| property("waxseal:layer", layer.to_string()))
        .collect();
    if component.is_declared_only() {
        properties.push(property("waxseal:evidence", DECLARED));
    }
    let places = component.found.iter().map(|at| Occurrence {
        additional_context: at.declared.then_some(DECLARED),
        location: &at.path,
    });
    Library {
        bom_ref: &component.purl,
        evidence: Evidence {
            occurrences: places.collect(),
        },
        hashes: hashes.collect(),
        licenses: licenses(&component.licenses),
        name: &component.name,
        properties,
        purl: &component.purl,
        supplier: component.supplier.as_deref().map(|name| Supplier { name }),
        kind: "library",
        version: &component.version,
    }
}

/// The name of a hash's algorithm as the format has it: `SHA-256`.
fn dashed(hash: &Digest) -> String {
    hash.algorithm()
        .name()
        .to_uppercase()
        .replace("SHA", "SHA-")
}

/// Either one expression, or licences one by one: the format does not mix them.
fn licenses(licenses: &[License]) -> Vec<Licensed<'_>> {
    let each = licenses.iter().map(|license| (license, listed_id(license)));
    let each: Vec<_> = each.collect();
    if let [(License::Expression(text), None)] = each.as_slice() {
        return vec![Licensed::Expression(text)];
    }
    let named = each.into_iter().map(|(license, id)| match id {
        Some(id) => Named::Id(id),
        None => Named::Name(license.as_str()),
    });
    named.map(Licensed::License).collect()
}

fn property<'a>(name: &'static str, value: impl Into<Cow<'a, str>>) -> Property<'a> {
    Property {
        name,
        value: value.into(),
    }
}

fn add(value: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(members), Some(text)) = (value.as_object_mut(), text.filter(|t| !t.is_empty())) {
        members.insert(name.to_owned(), text.into());
    }
}

const FORMAT: &str = "CycloneDX";
const VERSION: &str = "1.6";
const DECLARED: &str = "declared by lock file";
pub(super) const ROOT: &str = "image";
