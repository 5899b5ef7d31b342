//! Node packages in `node_modules`.

use serde::Deserialize;
use serde_json::Value;

use super::Package;
use crate::inventory::{Ecosystem, License};

/// Whether this is the `package.json` of an installed package, and not one of
/// a test or a part of it: `node_modules/NAME/` or `node_modules/@SCOPE/NAME/`.
pub(super) fn is_installed(path: &str) -> bool {
    let Some(start) = path
        .rfind("/node_modules/")
        .map(|at| at + "/node_modules/".len())
        .or_else(|| {
            path.starts_with("node_modules/")
                .then_some("node_modules/".len())
        })
    else {
        return false;
    };
    let below = path.get(start..).unwrap_or_default();
    let folders = below.split('/').count() - 1;
    match below.starts_with('@') {
        true => folders == 2,
        false => folders == 1,
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|e| format!("not a package.json: {e}"))?;
    // A manifest without a name is for settings alone.
    let Some(name) = manifest.name.filter(|name| !name.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut licenses: Vec<License> = license(&manifest.license).into_iter().collect();
    if let Value::Array(older) = &manifest.licenses {
        licenses.extend(older.iter().filter_map(license));
    }
    Ok(vec![Package {
        name,
        version: manifest.version.unwrap_or_default(),
        supplier: person(&manifest.author),
        licenses,
        ecosystem: Some(Ecosystem::Npm),
        ..Package::default()
    }])
}

/// A text, or the object of old manifests.
fn license(value: &Value) -> Option<License> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(members) => members.get("type")?.as_str()?,
        _ => return None,
    };
    License::of(text)
}

fn person(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(name) => name,
        Value::Object(members) => members.get("name")?.as_str()?,
        _ => return None,
    };
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
    #[serde(default)]
    author: Value,
}
