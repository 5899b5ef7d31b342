//! CycloneDX 1.6.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use waxseal_oci::Digest;

use super::{Target, listed_id, seconds, uuid};
use crate::inventory::{Component, Inventory, License};

pub(super) fn document(
    inventory: &Inventory,
    target: &Target,
    created: Option<Timestamp>,
) -> Value {
    let mut metadata = metadata(target, created);
    let notes: Vec<Value> = inventory
        .notes
        .iter()
        .map(|note| {
            property(
                "waxseal:notRead",
                &format!("{}: {}", note.at.path, note.reason),
            )
        })
        .collect();
    if !notes.is_empty() {
        metadata.insert("properties".to_owned(), notes.into());
    }
    let distro = inventory.distro.iter().filter(|d| !d.id.is_empty());
    let mut components: Vec<Value> = distro
        .map(|distro| {
            let mut value = json!({
                "type": "operating-system",
                "bom-ref": format!("os:{}", distro.id),
                "name": distro.id,
            });
            add(&mut value, "version", Some(distro.version.as_str()));
            add(&mut value, "description", Some(distro.name.as_str()));
            value
        })
        .collect();
    components.extend(inventory.components.iter().map(component));
    finish(json!({"metadata": metadata, "components": components}))
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
    add(&mut document, "bomFormat", Some("CycloneDX"));
    add(&mut document, "specVersion", Some("1.6"));
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
        let platform = property("waxseal:platform", platform);
        members.insert("properties".to_owned(), json!([platform]));
    }
    root
}

fn component(component: &Component) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": component.purl,
        "name": component.name,
        "purl": component.purl,
    });
    add(&mut value, "version", Some(component.version.as_str()));
    let Some(members) = value.as_object_mut() else {
        return value;
    };
    if let Some(supplier) = &component.supplier {
        members.insert("supplier".to_owned(), json!({"name": supplier}));
    }
    let hashes: Vec<Value> = component
        .hashes
        .iter()
        .map(|hash| json!({"alg": dashed(hash), "content": hash.hex()}))
        .collect();
    if !hashes.is_empty() {
        members.insert("hashes".to_owned(), hashes.into());
    }
    let licenses = licenses(&component.licenses);
    if !licenses.is_empty() {
        members.insert("licenses".to_owned(), licenses.into());
    }
    let mut layers: Vec<String> = component
        .found
        .iter()
        .filter_map(|at| at.layer.as_ref().map(ToString::to_string))
        .collect();
    layers.sort();
    layers.dedup();
    let mut properties: Vec<Value> = layers
        .iter()
        .map(|layer| property("waxseal:layer", layer))
        .collect();
    if component.is_declared_only() {
        properties.push(property("waxseal:evidence", DECLARED));
    }
    if !properties.is_empty() {
        members.insert("properties".to_owned(), properties.into());
    }
    let places: Vec<Value> = component
        .found
        .iter()
        .map(|at| match at.declared {
            true => json!({"location": at.path, "additionalContext": DECLARED}),
            false => json!({"location": at.path}),
        })
        .collect();
    members.insert("evidence".to_owned(), json!({"occurrences": places}));
    value
}

/// The name of a hash's algorithm as the format has it: `SHA-256`.
fn dashed(hash: &Digest) -> String {
    hash.algorithm()
        .name()
        .to_uppercase()
        .replace("SHA", "SHA-")
}

/// Either one expression, or licences one by one: the format does not mix them.
fn licenses(licenses: &[License]) -> Vec<Value> {
    if let [License::Expression(text)] = licenses
        && listed_id(&License::Expression(text.clone())).is_none()
    {
        return vec![json!({"expression": text})];
    }
    let each = licenses.iter().map(|license| match listed_id(license) {
        Some(id) => json!({"license": {"id": id}}),
        None => json!({"license": {"name": license.as_str()}}),
    });
    each.collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn add(value: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(members), Some(text)) = (value.as_object_mut(), text.filter(|t| !t.is_empty())) {
        members.insert(name.to_owned(), text.into());
    }
}

const DECLARED: &str = "declared by lock file";
pub(super) const ROOT: &str = "image";
