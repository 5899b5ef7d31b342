//! The images of one pod spec.

use serde_json::{Map, Value};

use super::{Malformed, Path, Slot, json_type};

/// Adds every place under the pod spec `spec` that names an image.
///
/// `containers`, `initContainers` (a sidecar is one), `ephemeralContainers` and
/// `volumes[].image.reference` are all there are.
pub(super) fn walk(
    spec: &Value,
    at: &Path,
    is_pod: bool,
    slots: &mut Vec<Slot>,
) -> Result<(), Malformed> {
    let Some(spec) = object(spec, at)? else {
        return Ok(());
    };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, list, at, |container, at| {
            slots.push(slot(container, "image", at, false)?);
            Ok(())
        })?;
    }
    each(spec, "volumes", at, |volume, at| {
        let at = at.key("image");
        let image = volume.get("image").unwrap_or(&Value::Null);
        if let Some(image) = object(image, &at)? {
            slots.push(slot(image, "reference", &at, !is_pod)?);
        }
        Ok(())
    })
}

/// The place `at` where an image reference itself is expected.
pub(super) fn text(value: &Value, at: Path, may_be_empty: bool) -> Result<Slot, Malformed> {
    let image = match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => {
            return Err(Malformed {
                path: at,
                found: json_type(other),
                wanted: "a string",
            });
        }
    };
    Ok(Slot {
        path: at,
        image,
        may_be_empty,
    })
}

/// An object's members; nothing where it is absent or null.
pub(super) fn object<'a>(
    value: &'a Value,
    at: &Path,
) -> Result<Option<&'a Map<String, Value>>, Malformed> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        other => Err(Malformed {
            path: at.clone(),
            found: json_type(other),
            wanted: "an object",
        }),
    }
}

fn slot(
    holder: &Map<String, Value>,
    key: &str,
    at: &Path,
    may_be_empty: bool,
) -> Result<Slot, Malformed> {
    text(
        holder.get(key).unwrap_or(&Value::Null),
        at.key(key),
        may_be_empty,
    )
}

fn each(
    spec: &Map<String, Value>,
    list: &str,
    at: &Path,
    mut visit: impl FnMut(&Map<String, Value>, &Path) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let at = at.key(list);
    let elements = match spec.get(list) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(elements)) => elements,
        Some(other) => {
            return Err(Malformed {
                path: at,
                found: json_type(other),
                wanted: "a list",
            });
        }
    };
    for (index, element) in elements.iter().enumerate() {
        let at = at.index(index);
        let Value::Object(members) = element else {
            return Err(Malformed {
                path: at,
                found: json_type(element),
                wanted: "an object",
            });
        };
        visit(members, &at)?;
    }
    Ok(())
}
