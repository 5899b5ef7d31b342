//! The API server and etcd: started on free ports of loopback, stopped when
//! dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use waxseal_testkit::TlsIdentity;
use waxseal_testkit::process::{Process, free_ports};

/// An API server with its etcd.
pub(crate) struct Cluster {
    http: reqwest::Client,
    base: String,
    _servers: [Process; 2],
}

/// A status code and a body.
pub(crate) type Answer = (u16, Value);

impl Cluster {
    /// Starts etcd and the API server and waits until it is ready.
    pub(crate) async fn start(bin: &Path, folder: &Path) -> Self {
        let [client, peer, secure] = free_ports();
        let text = |p: PathBuf| p.to_string_lossy().into_owned();
        let etcd_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let mut etcd = Process::start(
            &bin.join("etcd"),
            [
                format!("--data-dir={}", text(folder.join("etcd"))),
                format!("--listen-client-urls={etcd_url}"),
                format!("--advertise-client-urls={etcd_url}"),
                format!("--listen-peer-urls={peer_url}"),
                format!("--initial-advertise-peer-urls={peer_url}"),
                format!("--initial-cluster=t={peer_url}"),
                "--name=t".into(),
                "--unsafe-no-fsync".into(),
            ],
            &folder.join("etcd.log"),
        );
        etcd.answers(client);

        let write = |name: &str, content: &str| {
            let file = folder.join(name);
            fs::write(&file, content).expect("a file in a folder of ours");
            text(file)
        };
        let key = rcgen::KeyPair::generate().expect("a key");
        let token = waxseal_oci::Digest::sha256(key.serialize_pem().as_bytes())
            .hex()
            .to_owned();
        // Its own certificate would be written while we look for it.
        let identity = TlsIdentity::loopback();
        let mut api = Process::start(
            &bin.join("kube-apiserver"),
            [
                format!("--etcd-servers={etcd_url}"),
                "--bind-address=127.0.0.1".into(),
                "--advertise-address=127.0.0.1".into(),
                format!("--secure-port={secure}"),
                format!("--cert-dir={}", text(folder.join("pki"))),
                format!(
                    "--tls-cert-file={}",
                    write("apiserver.crt", &identity.cert_pem)
                ),
                format!(
                    "--tls-private-key-file={}",
                    write("apiserver.key", &identity.key_pem)
                ),
                "--service-account-issuer=https://kubernetes.default.svc".into(),
                format!(
                    "--service-account-key-file={}",
                    write("sa.pub", &key.public_key_pem())
                ),
                format!(
                    "--service-account-signing-key-file={}",
                    write("sa.key", &key.serialize_pem())
                ),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                "--authorization-mode=RBAC".into(),
                format!(
                    "--token-auth-file={}",
                    write(
                        "tokens.csv",
                        &format!("{token},admin,admin,\"system:masters\"\n")
                    )
                ),
                "--endpoint-reconciler-type=none".into(),
                "--allow-privileged=true".into(),
            ],
            &folder.join("apiserver.log"),
        );
        let authority = reqwest::Certificate::from_pem(identity.ca_pem.as_bytes());
        let mut headers = reqwest::header::HeaderMap::new();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        headers.insert(reqwest::header::AUTHORIZATION, bearer);
        let http = reqwest::Client::builder()
            .tls_certs_only([authority.expect("a certificate")])
            .default_headers(headers)
            .no_proxy()
            .build()
            .expect("a client");
        let base = format!("https://127.0.0.1:{secure}");

        let start = Instant::now();
        let ready = format!("{base}/readyz");
        loop {
            let answer = http.get(&ready).send().await;
            if answer.as_ref().is_ok_and(|a| a.status().is_success()) {
                break;
            }
            assert!(
                start.elapsed() < Duration::from_secs(300)
                    && api.ended().is_none()
                    && etcd.ended().is_none(),
                "the API server did not come up: {answer:?}\n{}\netcd:\n{}",
                api.printed(),
                etcd.printed()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Self {
            http,
            base,
            _servers: [api, etcd],
        }
    }

    /// Sends a request to the API.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let kind = match method.as_str() {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await.expect("an answer of the API server");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// Polls until `ready`, for two minutes at most.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, ready: impl Fn() -> F) {
    let start = Instant::now();
    while !ready().await {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{what} did not come up"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
