//! The webhook, started and asked.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::{Stage, say};

/// A process that ends with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn play(
    stage: &Stage,
    signed: &str,
    digest: &str,
    unsigned: &str,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(ask(stage, signed, digest, unsigned))
}

async fn ask(stage: &Stage, signed: &str, digest: &str, unsigned: &str) -> Result<(), String> {
    let (pem, address) = certificate(stage)?;
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
    let _server = Server(child);
    let client = reqwest::Client::builder()
        .tls_certs_only(
            reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| e.to_string())?,
        )
        .no_proxy()
        .build()
        .map_err(|e| e.to_string())?;
    let base = format!("https://{address}");
    ready(&client, &base).await?;

    say(
        "A Pod with the signed image: the mutating webhook pins the tag, the validating one lets it in",
    );
    let answer = post(&client, &format!("{base}/mutate"), &review(signed)).await?;
    let patch = answer["response"]["patch"].as_str().unwrap_or_default();
    let patch = decode(patch)?;
    println!("    patch: {patch}");
    if !patch.contains(digest) {
        return Err("the patch should pin the verified digest".to_owned());
    }
    let answer = post(
        &client,
        &format!("{base}/validate"),
        &review(&format!("{signed}@{digest}")),
    )
    .await?;
    println!("    allowed: {}", answer["response"]["allowed"]);
    if answer["response"]["allowed"] != true {
        return Err(format!("the signed image should be admitted: {answer}"));
    }

    say("A Pod with the unsigned image: denied, with the reason");
    let answer = post(&client, &format!("{base}/validate"), &review(unsigned)).await?;
    let response = &answer["response"];
    println!("    allowed: {}", response["allowed"]);
    println!(
        "    {}",
        response["status"]["message"].as_str().unwrap_or_default()
    );
    if response["allowed"] != false {
        return Err(format!("the unsigned image should be denied: {answer}"));
    }
    Ok(())
}

fn certificate(stage: &Stage) -> Result<(String, String), String> {
    let key = rcgen::KeyPair::generate().map_err(|e| e.to_string())?;
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .and_then(|params| params.self_signed(&key))
        .map_err(|e| e.to_string())?;
    stage.write("tls.crt", &certificate.pem())?;
    stage.write("tls.key", &key.serialize_pem())?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    Ok((certificate.pem(), address.to_string()))
}

async fn ready(client: &reqwest::Client, base: &str) -> Result<(), String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let answer = client.get(format!("{base}/readyz")).send().await;
        if answer.is_ok_and(|a| a.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the webhook did not come up".to_owned())
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Result<Value, String> {
    let request = client.post(url).header("content-type", "application/json");
    let answer = request
        .body(body.to_string())
        .send()
        .await
        .map_err(|e| e.to_string())?;
    let bytes = answer.bytes().await.map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| format!("{url} did not answer JSON: {e}"))
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
