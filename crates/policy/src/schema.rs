//! The JSON schema of the policy document, for editors and for the cluster.

use serde_json::Value;

use crate::Policy;
use crate::document::Raw;

impl Policy {
    /// The JSON schema (draft 2020-12) of the document that a policy is written in.
    #[must_use]
    pub fn json_schema() -> Value {
        let schema = schemars::schema_for!(Raw);
        let mut value = Value::from(schema);
        if let Some(top) = value.as_object_mut() {
            top.insert("title".to_owned(), "Waxseal ImagePolicy".into());
        }
        // The two fields have one value each; the types cannot say so.
        for (field, constant) in [
            ("apiVersion", "waxseal.dev/v1alpha1"),
            ("kind", "ImagePolicy"),
        ] {
            if let Some(found) = value.pointer_mut(&format!("/properties/{field}")) {
                *found = serde_json::json!({ "const": constant });
            }
        }
        value
    }
}
