//! The SBOM of an index, which refers to those of its images.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cyclonedx::{ROOT, container, finish, metadata};
use super::{Member, Target};

pub(super) fn document(
    target: &Target,
    members: &[Member<'_>],
    created: Option<Timestamp>,
) -> Value {
    let components: Vec<Value> = members.iter().map(member).collect();
    let refs: Vec<&Value> = components.iter().filter_map(|c| c.get("bom-ref")).collect();
    let dependencies = json!([{"ref": ROOT, "dependsOn": refs}]);
    let metadata = metadata(target, created);
    finish(json!({
        "metadata": metadata,
        "dependencies": dependencies,
        "components": components,
    }))
}

fn member(member: &Member<'_>) -> Value {
    let digest = member.target.digest.as_ref();
    let id = digest.map_or_else(|| member.target.name.clone(), ToString::to_string);
    let mut value = container(member.target, &format!("image:{id}"));
    let serial = serde_json::from_slice::<Serial>(member.document).ok();
    let link = serial.as_ref().and_then(Serial::link);
    if let (Some(link), Some(members)) = (link, value.as_object_mut()) {
        let reference = json!([{"type": "bom", "url": link}]);
        members.insert("externalReferences".to_owned(), reference);
    }
    value
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Serial {
    serial_number: String,
}

impl Serial {
    /// The document's BOM-Link: `urn:cdx:SERIAL/VERSION`.
    fn link(&self) -> Option<String> {
        let uuid = self.serial_number.strip_prefix("urn:uuid:")?;
        Some(format!("urn:cdx:{uuid}/1"))
    }
}
