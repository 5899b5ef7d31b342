//! The webhook, started and asked.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waxseal_testkit::process::{Process, free_ports};
use waxseal_testkit::{PushedImage, TlsIdentity};

use crate::stage::{Stage, say};

pub(crate) fn play(stage: &Stage, api: &PushedImage, web: &PushedImage) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(ask(stage, api, web))
}

async fn ask(stage: &Stage, api: &PushedImage, web: &PushedImage) -> Result<(), String> {
    let identity = TlsIdentity::loopback();
    stage.write("tls.crt", &identity.cert_pem)?;
    stage.write("tls.key", &identity.key_pem)?;
    let [port] = free_ports();
    let address = format!("127.0.0.1:{port}");
    let words = format!(
        "serve --insecure-http --policy-dir policies --tls-cert tls.crt --tls-key tls.key --listen {address}"
    );
    println!("\n  $ waxseal-admission {words} &");
    let child = Command::new(stage.binary("waxseal-admission"))
        .current_dir(stage.folder())
        .args(words.split_whitespace())
        .args(["--log", "error"])
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot run waxseal-admission: {e}"))?;
    let mut server = Process::from(child);
    let authority =
        reqwest::Certificate::from_pem(identity.ca_pem.as_bytes()).map_err(|e| e.to_string())?;
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .no_proxy()
        .build()
        .map_err(|e| e.to_string())?;
    let base = format!("https://{address}");
    ready(&client, &base, &mut server).await?;

    say("Admitted: a Pod with the signed image, its tag pinned to the verified digest");
    let answer = post(&client, &format!("{base}/mutate"), &review(&api.reference)).await?;
    let patch = decode(answer["response"]["patch"].as_str().unwrap_or_default())?;
    println!("    patch: {patch}");
    let pinned = format!("{}@{}", api.reference, api.digest);
    let wanted = json!([
        { "op": "replace", "path": "/spec/containers/0/image", "value": pinned },
    ]);
    if serde_json::from_str::<Value>(&patch).ok() != Some(wanted) {
        return Err("the patch should pin the verified digest, and nothing else".to_owned());
    }
    let answer = post(&client, &format!("{base}/validate"), &review(&pinned)).await?;
    println!("    allowed: {}", answer["response"]["allowed"]);
    if answer["response"]["allowed"] != true {
        return Err(format!("the signed image should be admitted: {answer}"));
    }

    say("Denied: a Pod with the image that carries another one's signature");
    let answer = post(
        &client,
        &format!("{base}/validate"),
        &review(&web.reference),
    )
    .await?;
    let response = &answer["response"];
    let message = response["status"]["message"].as_str().unwrap_or_default();
    println!("    allowed: {}\n    {message}", response["allowed"]);
    if response["allowed"] != false || !message.contains("policy `release`") {
        return Err(format!("the unsigned image should be denied: {answer}"));
    }
    Ok(())
}

async fn ready(client: &reqwest::Client, base: &str, server: &mut Process) -> Result<(), String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(status) = server.ended() {
            return Err(format!("the webhook ended at once: {status}"));
        }
        let answer = client.get(format!("{base}/readyz")).send().await;
        if answer.is_ok_and(|a| a.status().is_success()) {
            println!("    (ready after {} ms)", start.elapsed().as_millis());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the webhook did not come up".to_owned())
}

/// Sends a review as the API server would, prints it and the time it took.
async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Result<Value, String> {
    let image = &body["request"]["object"]["spec"]["containers"][0]["image"];
    println!("\n  POST {url}: an AdmissionReview of a Pod whose image is {image}");
    let start = Instant::now();
    let request = client.post(url).header("content-type", "application/json");
    let answer = request
        .body(body.to_string())
        .send()
        .await
        .map_err(|e| e.to_string())?;
    let (status, bytes) = (answer.status(), answer.bytes().await);
    let took = start.elapsed().as_millis();
    println!("    (HTTP {}, {took} ms)", status.as_u16());
    let bytes = bytes.map_err(|e| e.to_string())?;
    let answer: Value =
        serde_json::from_slice(&bytes).map_err(|e| format!("{url} did not answer JSON: {e}"))?;
    if answer["response"]["uid"] != body["request"]["uid"] {
        return Err(format!("{url} answered another review: {answer}"));
    }
    Ok(answer)
}

fn review(image: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "name": "demo",
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": { "username": "demo" },
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": "demo", "namespace": "shop" },
                "spec": { "containers": [{ "name": "main", "image": image }] },
            },
            "oldObject": null,
            "dryRun": false,
        },
    })
}

fn decode(patch: &str) -> Result<String, String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(patch)
        .map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
