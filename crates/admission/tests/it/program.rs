//! The program itself: its output, its exit codes, its end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::world::{World, pod};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_waxseal-admission"))
}

fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn review(world: &World, more: &[&str], body: &str) -> (Option<i32>, String, String) {
    let output = run(program().args(world.words(more)), body);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn one_review_is_answered_with_its_exit_code() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1").reference;
    let unsigned = world.push("shop/web:1").by_digest;

    let (code, out, err) = review(&world, &[], &pod("default", &[&signed]).to_string());
    assert_eq!(code, Some(0), "{out}{err}");
    let response: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(response["response"]["allowed"], true);
    assert_eq!(response["response"].get("patch"), None);
    assert!(out.ends_with("}\n"));
    assert_eq!(err, "");

    let (code, out, _) = review(
        &world,
        &["--mutate"],
        &pod("default", &[&signed]).to_string(),
    );
    assert_eq!(code, Some(0));
    let response: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(response["response"]["patchType"], "JSONPatch");

    let (code, out, _) = review(&world, &[], &pod("default", &[&unsigned]).to_string());
    assert_eq!(code, Some(3));
    let response: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(response["response"]["allowed"], false);

    let image_review = json!({
        "apiVersion": "imagepolicy.k8s.io/v1alpha1",
        "kind": "ImageReview",
        "spec": {"containers": [{"image": unsigned}]},
    });
    let (code, out, _) = review(&world, &[], &image_review.to_string());
    assert_eq!(code, Some(3));
    let response: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(response["kind"], "ImageReview");
    assert_eq!(response["status"]["allowed"], false);
}

#[test]
fn what_could_not_run_or_be_checked_has_another_exit_code() {
    let world = World::new();
    let nobody = pod("default", &["127.0.0.1:1/shop/api:1"]).to_string();
    world.policy("all", "enforce", "");
    let yaml = std::fs::read_to_string(world.path().join("all.yaml")).unwrap();
    let yaml = yaml.replace(world.registry.host(), "127.0.0.1:1");
    std::fs::write(world.path().join("all.yaml"), yaml).unwrap();
    let (code, out, _) = review(&world, &["--deadline", "200ms"], &nobody);
    assert_eq!(code, Some(1));
    let response: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(response["response"]["allowed"], false);

    let (code, out, err) = review(&world, &[], "{}");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.ends_with(
            "error: standard input is no review: the body is no AdmissionReview: its kind is ``\n"
        ),
        "{err}"
    );

    let (code, out, err) = review(&world, &["--deadline", "soon"], "{}");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        err.contains("`soon` is not a duration such as 9s, 500ms or 1m30s"),
        "{err}"
    );

    std::fs::remove_file(world.path().join("release.pub")).unwrap();
    let (code, out, err) = review(&world, &[], &nobody);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("release.pub"), "{err}");

    let none = run(&mut program(), "");
    assert_eq!(none.status.code(), Some(2));
    let help = run(program().arg("--help"), "");
    assert_eq!(help.status.code(), Some(0));
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("3  refused")
    );
}

/// A server that is ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_until_it_is_told_to_stop() {
    let world = World::new();
    let signed = world.push_signed("shop/api:1").reference;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (world.path().join("tls.crt"), world.path().join("tls.key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut command = program();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--insecure-http",
            "--log-format",
            "json",
        ])
        .arg("--policy-dir")
        .arg(world.path())
        .arg("--tls-cert")
        .arg(cert)
        .arg("--tls-key")
        .arg(key)
        .stderr(Stdio::piped());
    let mut served = Served(command.spawn().unwrap());
    let mut log = BufReader::new(served.0.stderr.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["fields"]["message"], "listening");
    let address = first["fields"]["address"].as_str().unwrap().to_owned();

    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let request = client
        .post(format!("https://{address}/validate?timeout=10s"))
        .header("content-type", "application/json")
        .body(pod("default", &[&signed]).to_string());
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    let ready = client
        .get(format!("https://{address}/readyz"))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.text().await.unwrap(), "ok: 1 policy in force\n");
    drop(client);

    let pid = served.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(served.0.wait().unwrap().code(), Some(0));
}
