//! Nine kinds, both operations, every position: one refused image is enough.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::{Value, json};
use waxseal_admission::review::{Door, Outcome, Reason};

use crate::requests::{KINDS, POSITIONS, object, pod_spec, review};
use crate::stub::{Stub, ask, rules};

#[tokio::test]
async fn one_refused_image_at_any_position_refuses_the_object() {
    let mut tried = 0;
    for row in KINDS {
        let old = object(row, pod_spec("registry.example.com/ok/old:1"));
        for (operation, old) in [("CREATE", Value::Null), ("UPDATE", old)] {
            for position in POSITIONS {
                let mut spec = pod_spec("registry.example.com/ok/app:1");
                *spec.pointer_mut(position).unwrap() = json!("registry.example.com/bad/app:1");
                let body = review(row, operation, &object(row, spec), &old);
                for door in [Door::Validate, Door::Mutate] {
                    let stub = Arc::new(Stub::default());
                    let body = serde_json::to_vec(&body).unwrap();
                    let (answer, response) = ask(&stub, rules(), door, &body).await;
                    let case = format!("{row:?} {operation} {position} {door:?}");
                    assert_eq!(answer.outcome, Outcome::Deny, "{case}");
                    assert_eq!(answer.reason, Reason::Policy, "{case}");
                    assert_eq!(response["response"].get("patch"), None, "{case}");
                    let path = format!("{}{position}", row.4);
                    let people = people(&path);
                    assert_eq!(
                        answer.message,
                        format!(
                            "refused 1 of 2 images: {people} `registry.example.com/bad/app:1`: \
                             policy `release`: no signature by a known key"
                        ),
                        "{case}"
                    );
                    assert_eq!(
                        stub.asked().len(),
                        2,
                        "each image is asked about once: {case}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 16 * 2 * 6 * 2);
}

#[tokio::test]
async fn a_signed_object_is_let_in_and_every_tag_is_pinned() {
    for row in KINDS {
        let before = object(row, pod_spec("registry.example.com/ok/app:1"));
        let body = serde_json::to_vec(&review(row, "CREATE", &before, &Value::Null)).unwrap();
        let stub = Arc::new(Stub::default());
        let (answer, _) = ask(&stub, rules(), Door::Validate, &body).await;
        assert_eq!(
            (answer.outcome, answer.pins.len()),
            (Outcome::Allow, 0),
            "{row:?}"
        );

        let (answer, response) = ask(&stub, rules(), Door::Mutate, &body).await;
        assert_eq!(answer.outcome, Outcome::Allow, "{row:?}");
        assert_eq!(response["response"]["patchType"], "JSONPatch");
        let patch = response["response"]["patch"].as_str().unwrap();
        let patch = base64::engine::general_purpose::STANDARD
            .decode(patch)
            .unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        assert_eq!(patch.len(), POSITIONS.len());
        let mut after = before.clone();
        json_patch::patch(&mut after, &patch).unwrap();
        let tag = "registry.example.com/ok/app:1".parse().unwrap();
        let pinned = format!("{tag}@{}", crate::stub::digest_of(&tag));
        assert_eq!(after, object(row, pod_spec(&pinned)), "{row:?}");

        // What mutation pinned is what validation is asked about, and stays.
        let body = serde_json::to_vec(&review(row, "CREATE", &after, &Value::Null)).unwrap();
        let stub = Arc::new(Stub::default());
        let (answer, _) = ask(&stub, rules().require_digest(true), Door::Validate, &body).await;
        assert_eq!((answer.outcome, answer.warnings.len()), (Outcome::Allow, 0));
        assert_eq!(stub.asked(), std::slice::from_ref(&pinned));
        let (answer, response) = ask(&stub, rules(), Door::Mutate, &body).await;
        assert_eq!(answer.outcome, Outcome::Allow);
        assert_eq!(response["response"].get("patch"), None, "{row:?}");
    }
}

#[tokio::test]
async fn an_image_of_the_wrong_type_is_refused_and_never_a_panic() {
    for row in KINDS {
        for position in POSITIONS {
            for wrong in [json!(5), json!(true), json!(["a"]), json!({"a": "b"})] {
                let mut spec = pod_spec("registry.example.com/ok/app:1");
                *spec.pointer_mut(position).unwrap() = wrong;
                let body = review(row, "CREATE", &object(row, spec), &Value::Null);
                let body = serde_json::to_vec(&body).unwrap();
                let stub = Arc::new(Stub::default());
                let (answer, response) = ask(&stub, rules(), Door::Validate, &body).await;
                assert_eq!(
                    (answer.outcome, answer.reason),
                    (Outcome::Deny, Reason::Malformed)
                );
                assert_eq!(response["response"]["status"]["code"], 400);
                assert!(stub.asked().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn every_part_of_a_path_may_be_absent_or_of_the_wrong_type() {
    for row in KINDS {
        let whole = object(row, pod_spec("registry.example.com/ok/app:1"));
        let mut at = String::new();
        for key in row.4.split('/').skip(1) {
            at = format!("{at}/{key}");
            for (wrong, outcome) in [
                (Value::Null, Outcome::Allow),
                (json!({}), Outcome::Allow),
                (json!("text"), Outcome::Deny),
                (json!([]), Outcome::Deny),
            ] {
                let mut object = whole.clone();
                *object.pointer_mut(&at).unwrap() = wrong.clone();
                let body = review(row, "CREATE", &object, &Value::Null);
                let body = serde_json::to_vec(&body).unwrap();
                let stub = Arc::new(Stub::default());
                let (answer, _) = ask(&stub, rules(), Door::Validate, &body).await;
                let is_image = row.0 == "Rollout" && at == row.4 && wrong.is_string();
                let reason = match (outcome, is_image) {
                    (Outcome::Allow, _) => Reason::NoImages,
                    // A configured path that ends in a text names an image.
                    (_, true) => continue,
                    _ => Reason::Malformed,
                };
                assert_eq!(
                    (answer.outcome, answer.reason),
                    (outcome, reason),
                    "{row:?} {at}"
                );
            }
        }
    }
}

#[tokio::test]
async fn one_image_in_too_many_places_is_refused() {
    for (places, outcome) in [(2_000, Outcome::Allow), (2_001, Outcome::Deny)] {
        let container = json!({"name": "c", "image": "registry.example.com/ok/app:1"});
        let containers = vec![container; places];
        let pod = object(&KINDS[0], json!({"containers": containers}));
        let body = serde_json::to_vec(&review(&KINDS[0], "CREATE", &pod, &Value::Null)).unwrap();
        let stub = Arc::new(Stub::default());
        let (answer, _) = ask(&stub, rules(), Door::Validate, &body).await;
        assert_eq!(answer.outcome, outcome);
        if outcome == Outcome::Deny {
            assert_eq!(answer.reason, Reason::TooManyImages);
        }
    }
}

#[tokio::test]
async fn an_object_with_too_many_images_is_refused_before_a_registry_is_asked() {
    for (images, outcome) in [(256, Outcome::Allow), (257, Outcome::Deny)] {
        let containers: Vec<_> = (0..images)
            .map(|n| json!({"name": format!("c{n}"), "image": format!("registry.example.com/ok/app:{n}")}))
            .collect();
        let pod = object(&KINDS[0], json!({"containers": containers}));
        let body = serde_json::to_vec(&review(&KINDS[0], "CREATE", &pod, &Value::Null)).unwrap();
        let stub = Arc::new(Stub::default());
        let (answer, _) = ask(&stub, rules(), Door::Mutate, &body).await;
        assert_eq!(answer.outcome, outcome);
        if outcome == Outcome::Deny {
            assert_eq!(answer.reason, Reason::TooManyImages);
            assert!(stub.asked().is_empty());
        }
    }
}

/// `/spec/containers/0/image` as people write it.
fn people(pointer: &str) -> String {
    let mut out = String::new();
    for token in pointer.split('/').skip(1) {
        if token.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str(&format!("[{token}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(token);
        }
    }
    out
}
