//! What looks like a pod spec in an object of a kind that nobody configured, or
//! in another place than where it was configured.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Path;

/// The path, in the notation of `--extra-kind`, of the first part of `object`
/// that has containers with an image, or an image volume, of which `known` does
/// not tell.
///
/// `metadata` and `status` name no image that is going to run. The walk does not
/// recurse deeper than the JSON parser let the document be.
pub(super) fn find(object: &Value, known: &BTreeSet<&str>) -> Option<Path> {
    let members = object.as_object()?;
    if let Some(found) = here(object, known).then(Path::default) {
        return Some(found);
    }
    members
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"))
        .find_map(|(key, value)| search(value, &Path::default().key(key), known))
}

fn search(value: &Value, at: &Path, known: &BTreeSet<&str>) -> Option<Path> {
    match value {
        Value::Object(members) => {
            if here(value, known) {
                return Some(at.clone());
            }
            members
                .iter()
                .find_map(|(key, value)| search(value, &at.key(key), known))
        }
        Value::Array(list) => {
            let at = at.key("*");
            list.iter().find_map(|value| search(value, &at, known))
        }
        _ => None,
    }
}

fn here(value: &Value, known: &BTreeSet<&str>) -> bool {
    let stray = |image: &Value| match image {
        Value::Null => !known.contains(""),
        Value::String(image) => !known.contains(image.as_str()),
        _ => true,
    };
    ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .any(|list| elements(value, list).any(|c| c.get("image").is_some_and(stray)))
        || elements(value, "volumes").any(|v| v.pointer("/image/reference").is_some_and(stray))
}

fn elements<'a>(holder: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    holder
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
