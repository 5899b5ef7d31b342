//! The servers: started on free ports of loopback, stopped when dropped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A process that ends with its owner.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a program, its output in `log`.
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> Self {
        let out = fs::File::create(log).expect("a log file");
        let err = out.try_clone().expect("a second handle");
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of loopback that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("its address").port()
}

/// An API server with its etcd.
pub(crate) struct Cluster {
    http: reqwest::Client,
    base: String,
    _servers: [Server; 2],
}

/// A status code and a body.
pub(crate) type Answer = (u16, Value);

impl Cluster {
    /// Starts etcd and the API server and waits until it is ready.
    pub(crate) async fn start(bin: &Path, folder: &Path) -> Self {
        let [client, peer, secure] = [free_port(), free_port(), free_port()];
        let text = |p: PathBuf| p.to_string_lossy().into_owned();
        let etcd_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let etcd = Server::start(
            &bin.join("etcd"),
            &[
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
        let key = rcgen::KeyPair::generate().expect("a key");
        fs::write(folder.join("sa.key"), key.serialize_pem()).expect("a key file");
        fs::write(folder.join("sa.pub"), key.public_key_pem()).expect("a key file");
        let token = waxseal_oci::Digest::sha256(key.serialize_pem().as_bytes())
            .hex()
            .to_owned();
        let tokens = format!("{token},admin,admin,\"system:masters\"\n");
        fs::write(folder.join("tokens.csv"), tokens).expect("a token file");
        let api = Server::start(
            &bin.join("kube-apiserver"),
            &[
                format!("--etcd-servers={etcd_url}"),
                "--bind-address=127.0.0.1".into(),
                "--advertise-address=127.0.0.1".into(),
                format!("--secure-port={secure}"),
                format!("--cert-dir={}", text(folder.join("pki"))),
                "--service-account-issuer=https://kubernetes.default.svc".into(),
                format!("--service-account-key-file={}", text(folder.join("sa.pub"))),
                format!(
                    "--service-account-signing-key-file={}",
                    text(folder.join("sa.key"))
                ),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                "--authorization-mode=RBAC".into(),
                format!("--token-auth-file={}", text(folder.join("tokens.csv"))),
                "--endpoint-reconciler-type=none".into(),
                "--allow-privileged=true".into(),
            ],
            &folder.join("apiserver.log"),
        );
        let certificate = folder.join("pki/apiserver.crt");
        until("the API server's certificate", || async {
            certificate.is_file()
        })
        .await;
        let pem = fs::read(&certificate).expect("the certificate");
        let mut headers = reqwest::header::HeaderMap::new();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        headers.insert(reqwest::header::AUTHORIZATION, bearer);
        let http = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).expect("a certificate"))
            .default_headers(headers)
            .no_proxy()
            .build()
            .expect("a client");
        let cluster = Self {
            http,
            base: format!("https://127.0.0.1:{secure}"),
            _servers: [api, etcd],
        };
        until("the API server", || async {
            let answer = cluster
                .http
                .get(format!("{}/readyz", cluster.base))
                .send()
                .await;
            answer.is_ok_and(|a| a.status().is_success())
        })
        .await;
        cluster
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
