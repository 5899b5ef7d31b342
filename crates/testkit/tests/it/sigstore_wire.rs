//! The private Sigstore over HTTP, as a client goes through it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::Notify;
use waxseal_oci::Digest;
use waxseal_testkit::TestKey;
use waxseal_testkit::sigstore::{Claims, Service, ServiceFault, Sigstore, SigstoreOptions};

use crate::http;

async fn post(url: String, body: &Value) -> (u16, Value) {
    let request = http().post(url).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

async fn form(url: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = fields.iter().map(|(name, value)| format!("{name}={value}"));
    let body = body.collect::<Vec<_>>().join("&");
    let answer = http().post(url).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

async fn get(url: &str) -> Value {
    let answer = http().get(url).send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn certificate_request(token: &str, challenge: &str, key: &TestKey) -> Value {
    json!({
        "credentials": { "oidcIdentityToken": token },
        "publicKeyRequest": {
            "publicKey": { "algorithm": "ECDSA", "content": key.public_pem() },
            "proofOfPossession": STANDARD.encode(key.sign(challenge.as_bytes())),
        },
    })
}

/// A challenge and what hashes to it (RFC 7636, B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn a_browser_gets_a_token_for_its_code() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    sigstore.sign_in_as(Claims::email("jo@example.com"));
    let issuer = sigstore.issuer_url();
    let found = get(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(found["issuer"], issuer);
    let callback = "http://localhost:1234/auth/callback";
    let ask = || async {
        let query = [
            ("response_type", "code"),
            ("client_id", "sigstore"),
            ("redirect_uri", callback),
            ("state", "a state"),
            ("nonce", "a nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let page = found["authorization_endpoint"].as_str().unwrap();
        let page = Url::parse_with_params(page, query).unwrap();
        let answer = http().get(page).send().await.unwrap();
        let place = answer.headers()["location"].to_str().unwrap().to_owned();
        let query: BTreeMap<String, String> = Url::parse(&place)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(query["state"], "a state");
        query["code"].clone()
    };
    let redeem = |code: String, verifier: &'static str| async move {
        form(
            &format!("{issuer}/token"),
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", callback),
                ("code_verifier", verifier),
            ],
        )
        .await
    };
    let wrong = redeem(ask().await, "another").await;
    assert_eq!(wrong, (400, json!({ "error": "invalid_grant" })));
    let code = ask().await;
    let (status, answer) = redeem(code.clone(), VERIFIER).await;
    assert_eq!(status, 200);
    let claims = claims_of(answer["id_token"].as_str().unwrap());
    assert_eq!(claims["email"], "jo@example.com");
    assert_eq!(claims["nonce"], "a nonce");
    let twice = redeem(code, VERIFIER).await;
    assert_eq!(twice, (400, json!({ "error": "invalid_grant" })));
}

#[tokio::test]
async fn a_device_waits_for_its_token() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    sigstore.hold_device(1);
    let issuer = sigstore.issuer_url();
    let (_, device) = form(
        &format!("{issuer}/device/code"),
        &[("client_id", "sigstore")],
    )
    .await;
    let poll = || async {
        let code = device["device_code"].as_str().unwrap();
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        form(
            &format!("{issuer}/token"),
            &[("grant_type", grant), ("device_code", code)],
        )
        .await
    };
    assert_eq!(
        poll().await,
        (400, json!({ "error": "authorization_pending" }))
    );
    let (status, answer) = poll().await;
    assert_eq!(status, 200);
    assert_eq!(answer["token_type"], "Bearer");
}

#[tokio::test]
async fn fulcio_asks_for_token_and_key() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let url = || format!("{}/api/v2/signingCert", sigstore.fulcio_url());
    let key = TestKey::generate();
    let person = Claims::email("jo@example.com");
    let token = sigstore.token(&person);
    let (status, answer) = post(url(), &certificate_request(&token, "jo@example.com", &key)).await;
    assert_eq!(status, 200);
    let chain = answer.pointer("/signedCertificateEmbeddedSct/chain/certificates");
    assert_eq!(chain.unwrap().as_array().unwrap().len(), 3);

    let (status, _) = post(url(), &certificate_request(&token, "another", &key)).await;
    assert_eq!(status, 400, "somebody else's key");
    for (token, why) in [
        (
            sigstore.token(&person.clone().with("aud", "another")),
            "for another",
        ),
        (sigstore.token(&person.clone().with("exp", 1)), "expired"),
        (
            sigstore.token(&person.clone().with("email_verified", false)),
            "not verified",
        ),
        (format!("{token}A"), "not signed"),
    ] {
        let request = certificate_request(&token, "jo@example.com", &key);
        assert_eq!(post(url(), &request).await.0, 401, "{why}");
    }
}

#[tokio::test]
async fn logs_take_signatures_that_verify_only() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let key = TestKey::generate();
    let signature = STANDARD.encode(key.sign(b"a release\n"));
    let v1 = |digest: &Digest| {
        json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": digest.hex() } },
            "signature": {
                "content": signature,
                "publicKey": { "content": STANDARD.encode(key.public_pem()) },
            },
        } })
    };
    let url = || format!("{}/api/v1/log/entries", sigstore.rekor_v1_url());
    let right = v1(&Digest::sha256(b"a release\n"));
    let (status, entry) = post(url(), &right).await;
    assert_eq!(status, 201);
    let (uuid, entry) = entry.as_object().unwrap().iter().next().unwrap();
    assert_eq!(
        get(&format!("{}/{uuid}", url())).await[uuid]["body"],
        entry["body"]
    );
    assert_eq!(
        get(&format!("{}?logIndex=0", url())).await[uuid]["body"],
        entry["body"]
    );
    assert_eq!(post(url(), &right).await.0, 409);
    assert_eq!(post(url(), &v1(&Digest::sha256(b"another"))).await.0, 400);

    let v2 = |digest: &Digest| {
        json!({ "hashedRekordRequestV002": {
            "digest": STANDARD.encode(digest.to_bytes()),
            "signature": { "content": signature, "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "publicKey": { "rawBytes": STANDARD.encode(key.public_der()) },
            } },
        } })
    };
    let url = || format!("{}/api/v2/log/entries", sigstore.rekor_v2_url());
    assert_eq!(
        post(url(), &v2(&Digest::sha256(b"a release\n"))).await.0,
        201
    );
    assert_eq!(post(url(), &v2(&Digest::sha256(b"another"))).await.0, 400);
}

#[tokio::test]
async fn faults_on_the_wire_come_as_often_as_told() {
    let sigstore = Sigstore::start(SigstoreOptions::default());
    let url = format!("{}/api/v1/log", sigstore.rekor_v1_url());
    sigstore.fault(Service::RekorV1, ServiceFault::Status(503), 2);
    sigstore.fault(Service::RekorV1, ServiceFault::Rubbish(b"{".to_vec()), 1);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = http().get(&url).send().await.unwrap();
        seen.push(answer.status().as_u16());
    }
    assert_eq!(seen, [503, 503, 201, 200]);
    assert_eq!(sigstore.asked(Service::RekorV1).len(), 4);
    assert_eq!(sigstore.asked(Service::Fulcio), []);

    let notify = Arc::new(Notify::new());
    sigstore.fault(Service::RekorV1, ServiceFault::Held(Arc::clone(&notify)), 1);
    let mut held = Box::pin(http().get(&url).send());
    while sigstore.asked(Service::RekorV1).len() < 5 {
        tokio::select! {
            _ = &mut held => panic!("it is held"),
            () = tokio::task::yield_now() => {}
        }
    }
    notify.notify_one();
    assert_eq!(held.await.unwrap().status(), 200);
}
