//! The files in `cases/`: a request, and what is answered to it.
//!
//! The end of a file's name says the verdict. A new case is a new file.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use kube_core::DynamicObject;
use kube_core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use serde::Deserialize;
use serde_json::{Value, json};
use waxseal_admission::review::{Answer, Door, Outcome, Review};

use crate::stub::{Stub, ask, digest_of, rules};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct Case {
    #[serde(default, rename = "why")]
    _why: String,
    door: String,
    #[serde(default)]
    require_digest: bool,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    /// Whether `kube-core` can read the request at all.
    kube_core: Option<bool>,
    request: serde_json::Map<String, Value>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    reason: String,
    code: Option<u16>,
    status: Option<String>,
    message: Option<String>,
    asked: Option<Vec<String>>,
    #[serde(default)]
    any_order: bool,
    warnings: Option<Vec<String>>,
    warnings_start: Option<Vec<String>>,
    #[serde(default)]
    patch: Option<String>,
}

#[tokio::test(start_paused = true)]
async fn every_case_is_answered_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let case: Case = serde_json::from_slice(&std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&name, case).await;
        seen += 1;
    }
    assert!(seen > 60, "{seen} cases");
}

async fn check(name: &str, case: Case) {
    let door = match case.door.as_str() {
        "validate" => Door::Validate,
        "mutate" => Door::Mutate,
        other => panic!("{name}: no door {other}"),
    };
    let body = review(&case);
    let bytes = serde_json::to_vec(&body).unwrap();
    if case.kube_core != Some(false) {
        agrees_with_kube_core(name, &body, &Review::parse(&bytes).unwrap());
    }
    let stub = Arc::new(Stub::default());
    let rules = rules().require_digest(case.require_digest);
    let (answer, response) = ask(&stub, rules, door, &bytes).await;

    let expect = &case.expect;
    let outcome = match name.rsplit_once('_') {
        Some((_, "allow")) => Outcome::Allow,
        Some((_, "refuse")) => Outcome::Deny,
        Some((_, "unable")) => Outcome::Unable,
        _ => panic!("{name} says no verdict"),
    };
    assert_eq!(answer.outcome, outcome, "{name}: {}", answer.message);
    assert_eq!(answer.reason.label(), expect.reason, "{name}");
    let mut asked = stub.asked();
    if let Some(mut wanted) = expect.asked.clone() {
        if expect.any_order {
            asked.sort();
            wanted.sort();
        }
        assert_eq!(asked, wanted, "{name}");
    }
    written_as_the_api_server_reads_it(name, &body, &answer, response, expect);
}

fn written_as_the_api_server_reads_it(
    name: &str,
    body: &Value,
    answer: &Answer,
    mut response: Value,
    expect: &Expect,
) {
    let patch = response["response"].get("patch").map(|patch| {
        base64::engine::general_purpose::STANDARD
            .decode(patch.as_str().unwrap())
            .unwrap()
    });
    // `kube-core` reads a patch as a list of numbers; everybody else as base64.
    if let Some(bytes) = &patch {
        response["response"]["patch"] = json!(bytes);
    }
    assert_eq!(response["apiVersion"], body["apiVersion"], "{name}");
    let theirs: AdmissionReview<DynamicObject> = serde_json::from_value(response.clone()).unwrap();
    let theirs: AdmissionResponse = theirs.response.unwrap();
    assert_eq!(theirs.uid, body["request"]["uid"], "{name}");
    assert_eq!(theirs.allowed, answer.outcome == Outcome::Allow, "{name}");
    assert_eq!(theirs.result.code, expect.code.unwrap_or(200), "{name}");
    assert_eq!(theirs.audit_annotations["reason"], expect.reason, "{name}");
    if let Some(status) = &expect.status {
        assert_eq!(theirs.result.reason, *status, "{name}");
    }
    if let Some(message) = &expect.message {
        assert_eq!(theirs.result.message, *message, "{name}");
    }
    let warnings = theirs.warnings.unwrap_or_default();
    if let Some(wanted) = &expect.warnings {
        assert_eq!(warnings, *wanted, "{name}");
    }
    if let Some(starts) = &expect.warnings_start {
        assert_eq!(warnings.len(), starts.len(), "{name}");
        for (warning, start) in warnings.iter().zip(starts) {
            assert!(warning.starts_with(start), "{name}: {warning}");
        }
    }
    match &expect.patch {
        None => assert_eq!(patch, None, "{name}"),
        Some(_) => {
            let pointer = "/spec/containers/0/image";
            let image = body["request"]["object"]
                .pointer(pointer)
                .unwrap()
                .as_str()
                .unwrap();
            let digest = digest_of(&image.parse().unwrap());
            let wanted =
                json!([{"op": "replace", "path": pointer, "value": format!("{image}@{digest}")}]);
            let patch: Value = serde_json::from_slice(&patch.unwrap()).unwrap();
            assert_eq!(patch, wanted, "{name}");
        }
    }
}

/// The same document read by `kube-core` says the same.
fn agrees_with_kube_core(name: &str, body: &Value, ours: &Review) {
    let theirs: AdmissionReview<DynamicObject> = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(theirs.types.api_version, ours.api_version, "{name}");
    let theirs: AdmissionRequest<DynamicObject> = theirs.try_into().unwrap();
    assert_eq!(theirs.uid, ours.uid, "{name}");
    let Ok(ours) = &ours.request else { return };
    assert_eq!(theirs.kind.group, ours.kind.group, "{name}");
    assert_eq!(theirs.kind.kind, ours.kind.name, "{name}");
    assert_eq!(
        theirs.sub_resource.unwrap_or_default(),
        ours.subresource,
        "{name}"
    );
    assert_eq!(theirs.name, ours.name, "{name}");
    assert_eq!(
        theirs.namespace.unwrap_or_default(),
        ours.namespace,
        "{name}"
    );
    assert_eq!(theirs.dry_run, ours.dry_run, "{name}");
    assert_eq!(
        format!("{:?}", theirs.operation),
        format!("{:?}", ours.operation),
        "{name}"
    );
    assert_eq!(theirs.object.is_none(), ours.object.is_none(), "{name}");
    assert_eq!(
        theirs.old_object.is_none(),
        ours.old_object.is_none(),
        "{name}"
    );
}

/// The whole review around what the case says of its request.
fn review(case: &Case) -> Value {
    let mut request = json!({
        "uid": "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4",
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "shop",
        "namespace": "production",
        "userInfo": {"username": "dev", "groups": ["devs"]},
        "dryRun": false,
        "object": null,
        "oldObject": null,
    });
    for (key, value) in &case.request {
        request[key] = value.clone();
    }
    let version = case.api_version.as_deref().unwrap_or("admission.k8s.io/v1");
    json!({"apiVersion": version, "kind": "AdmissionReview", "request": request})
}
