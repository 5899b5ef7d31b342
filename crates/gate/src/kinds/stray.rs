//! What looks like a pod spec in an object of a kind that nobody configured.

use serde_json::Value;

use super::Path;

/// The path, in the notation of `--extra-kind`, of the first part of `object`
/// that has containers with an image, or an image volume.
///
/// `metadata` and `status` name no image that is going to run. The walk does not
/// recurse deeper than the JSON parser let the document be.
pub(super) fn find(object: &Value) -> Option<Path> {
    let members = object.as_object()?;
    if let Some(found) = here(object).then(Path::default) {
        return Some(found);
    }
    members
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"))
        .find_map(|(key, value)| search(value, &Path::default().key(key)))
}

fn search(value: &Value, at: &Path) -> Option<Path> {
    match value {
        Value::Object(members) => {
            if here(value) {
                return Some(at.clone());
            }
            members
                .iter()
                .find_map(|(key, value)| search(value, &at.key(key)))
        }
        Value::Array(list) => {
            let at = at.key("*");
            list.iter().find_map(|value| search(value, &at))
        }
        _ => None,
    }
}

fn here(value: &Value) -> bool {
    ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .any(|list| elements(value, list).any(|container| container.get("image").is_some()))
        || elements(value, "volumes").any(|volume| volume.pointer("/image/reference").is_some())
}

fn elements<'a>(holder: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    holder
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
