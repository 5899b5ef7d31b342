//! The JSON schema of the document.

use waxseal_policy::Policy;

#[test]
fn is_what_editors_have() {
    let schema = serde_json::to_string_pretty(&Policy::json_schema()).unwrap();
    insta::assert_snapshot!("schema", schema);
}

/// Every object of the document refuses members that it does not know, and so
/// does its schema.
#[test]
fn is_as_strict_as_the_reader() {
    let schema = Policy::json_schema();
    let mut objects = vec![("top".to_owned(), schema.clone())];
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        objects.push((name.clone(), definition.clone()));
    }
    for (name, object) in objects {
        if object.get("properties").is_some() {
            assert_eq!(object["additionalProperties"], false, "{name}");
        }
    }
}
