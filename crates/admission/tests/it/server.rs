//! Over TLS, as an API server does it and as others do.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Version};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use waxseal_admission::check::Checker;
use waxseal_admission::http::App;
use waxseal_admission::metrics::Metrics;
use waxseal_admission::serve::{Certificate, CertificateError, serve};

use crate::requests::{KINDS, object, pod_spec, review};
use crate::stub::{Stub, rules};

/// A server with its certificate, on a port of its own.
struct Server {
    address: SocketAddr,
    stub: Arc<Stub>,
    certificate: Arc<Certificate>,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    fn start() -> Self {
        Self::with_deadline(Duration::from_secs(9))
    }

    fn with_deadline(deadline: Duration) -> Self {
        Self::with(deadline, None)
    }

    fn with(deadline: Duration, client_ca: Option<String>) -> Self {
        let folder = TempDir::new().unwrap();
        write_certificate(folder.path());
        let client_ca = client_ca.map(|pem| {
            let path = folder.path().join("client-ca.crt");
            std::fs::write(&path, pem).unwrap();
            path
        });
        let certificate = Certificate::load(
            folder.path().join("tls.crt"),
            folder.path().join("tls.key"),
            client_ca,
        );
        let certificate = Arc::new(certificate.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stub = Arc::new(Stub::default());
        let checker = Checker::new(Arc::clone(&stub), rules());
        let app = App::new(checker, Arc::new(Metrics::default()), deadline)
            .clients_only(certificate.asks_clients());
        let (stop, stopped) = oneshot::channel();
        let ended = {
            let certificate = Arc::clone(&certificate);
            tokio::spawn(async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                serve(listener, &certificate, app, stopped).await
            })
        };
        Self {
            address,
            stub,
            certificate,
            folder,
            stop,
            ended,
        }
    }

    fn client(&self) -> Client {
        trusting(&std::fs::read(self.folder.path().join("tls.crt")).unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
        let request = self
            .client()
            .post(self.url(path))
            .header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let (status, text) = self.post(path, body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn write_certificate(folder: &Path) {
    let names = [
        "127.0.0.1".to_owned(),
        "waxseal-admission.waxseal.svc".to_owned(),
    ];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
}

fn trusting(pem: &[u8]) -> Client {
    let root = reqwest::Certificate::from_pem(pem).unwrap();
    Client::builder().tls_certs_only([root]).build().unwrap()
}

fn pod(image: &str) -> Value {
    let row = &KINDS[0];
    review(row, "CREATE", &object(row, pod_spec(image)), &Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_answered_over_http_2() {
    let server = Server::start();
    let request = server
        .client()
        .post(server.url("/validate?timeout=10s"))
        .header("content-type", "application/json; charset=utf-8")
        .body(pod("registry.example.com/ok/app:1").to_string());
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(
        answer["response"]["uid"],
        "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4"
    );
    let (_, namespace) = server.stub.asked.lock().unwrap()[0].clone();
    assert_eq!(namespace, "production");

    let answer = server
        .ask("/validate", &pod("registry.example.com/bad/app:1"))
        .await;
    assert_eq!(answer["response"]["allowed"], false);
    let answer = server
        .ask("/mutate", &pod("registry.example.com/ok/app:1"))
        .await;
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_answered_over_http_1() {
    let server = Server::start();
    let pem = std::fs::read(server.folder.path().join("tls.crt")).unwrap();
    let root = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = Client::builder()
        .tls_certs_only([root])
        .http1_only()
        .build()
        .unwrap();
    let request = client
        .post(server.url("/validate"))
        .header("content-type", "application/json");
    let body = pod("registry.example.com/ok/app:1").to_string();
    let response = request.body(body).send().await.unwrap();
    assert_eq!(
        (response.version(), response.status()),
        (Version::HTTP_11, StatusCode::OK)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_review_gets_an_error_that_says_why() {
    let server = Server::start();
    let bad_request = StatusCode::BAD_REQUEST;
    let deep = "[".repeat(100_000);
    let cases: &[(&str, &str)] = &[
        (
            "",
            "the body cannot be read: not valid JSON: EOF while parsing a value at line 1 column 0\n",
        ),
        ("null", "the body is no AdmissionReview: its kind is ``\n"),
        ("[]", "the body is no AdmissionReview: its kind is ``\n"),
        ("{}", "the body is no AdmissionReview: its kind is ``\n"),
        (
            "{\"kind\":",
            "the body cannot be read: not valid JSON: EOF while parsing a value at line 1 column 8\n",
        ),
        (
            &deep,
            "the body cannot be read: nested deeper than 64 levels\n",
        ),
        (
            r#"{"kind":"Pod","kind":"AdmissionReview"}"#,
            "the body cannot be read: the key `kind` stands twice in one object\n",
        ),
        (
            r#"{"kind":"Pod"}"#,
            "the body is no AdmissionReview: its kind is `Pod`\n",
        ),
        (
            r#"["AdmissionReview","admission.k8s.io/v1",{"uid":"u"}]"#,
            "the body is no AdmissionReview: its kind is ``\n",
        ),
        (
            r#"{"kind":5}"#,
            "the body is no AdmissionReview: its kind is ``\n",
        ),
        (
            r#"{"kind":"AdmissionReview"}"#,
            "`request` is absent or of the wrong type\n",
        ),
        (
            r#"{"kind":"AdmissionReview","request":null}"#,
            "`request` is absent or of the wrong type\n",
        ),
        (
            r#"{"kind":"AdmissionReview","request":[]}"#,
            "`request` is absent or of the wrong type\n",
        ),
        (
            r#"{"kind":"AdmissionReview","request":{}}"#,
            "`request.uid` is absent or of the wrong type\n",
        ),
        (
            r#"{"kind":"AdmissionReview","request":{"uid":""}}"#,
            "`request.uid` is absent or of the wrong type\n",
        ),
        (
            r#"{"kind":"AdmissionReview","request":{"uid":7}}"#,
            "`request.uid` is absent or of the wrong type\n",
        ),
    ];
    for (body, message) in cases {
        for path in ["/validate", "/mutate"] {
            let answer = server.post(path, (*body).to_owned()).await;
            assert_eq!(answer, (bad_request, (*message).to_owned()), "{body:.60}");
        }
    }
    let (status, text) = server.post("/validate", vec![0xff, 0xfe]).await;
    assert_eq!(status, bad_request, "{text}");
    let not_utf8 = b"{\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"\xff\"}}".to_vec();
    let (status, text) = server.post("/validate", not_utf8).await;
    assert_eq!(status, bad_request, "{text}");
    assert!(server.stub.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_uid_is_answered_as_a_review() {
    let server = Server::start();
    for (request, version, reason) in [
        (json!({"uid": "u"}), "admission.k8s.io/v1", "malformed"),
        (
            json!({"uid": "u", "operation": 5, "kind": []}),
            "admission.k8s.io/v1",
            "malformed",
        ),
        (
            json!({"uid": "u", "operation": "CREATE", "kind": null}),
            "admission.k8s.io/v1",
            "malformed",
        ),
        (
            json!({"uid": "u", "operation": "CREATE", "kind": {"kind": "Pod"}, "object": []}),
            "admission.k8s.io/v1",
            "malformed",
        ),
        (json!({"uid": "u"}), "admission.k8s.io/v1beta1", "version"),
        (json!({"uid": "u"}), "admission.k8s.io/v2", "version"),
        (json!({"uid": "u"}), "", "version"),
    ] {
        let body = json!({"kind": "AdmissionReview", "apiVersion": version, "request": request});
        let answer = server.ask("/validate", &body).await;
        assert_eq!(answer["apiVersion"], version);
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["response"]["uid"], "u");
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"]["status"]["code"], 400);
        assert_eq!(
            answer["response"]["auditAnnotations"]["reason"], reason,
            "{body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_types_paths_and_sizes_are_refused() {
    let server = Server::start();
    let client = server.client();
    for path in ["/validate", "/mutate", "/image-review"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let response = client
                .request(method, server.url(path))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(response.headers()["allow"], "POST");
        }
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/yaml"),
            Some("application/jsonx"),
        ] {
            let mut request = client
                .post(server.url(path))
                .body(pod("ok/app:1").to_string());
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let (status, text) = server.post(path, vec![b' '; 3 * 1024 * 1024 + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(text, "the body is larger than 3145728 bytes\n");
    }
    let (status, _) = server.post("/", "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_decision_is_a_refusal() {
    let server = Server::start();
    let answer = server
        .ask("/validate", &pod("registry.example.com/panic/app:1"))
        .await;
    assert_eq!(answer["response"]["allowed"], false);
    assert_eq!(answer["response"]["status"]["code"], 500);
    assert_eq!(
        answer["response"]["auditAnnotations"]["verdict"],
        "not-checked"
    );
    let answer = server
        .ask("/validate", &pod("registry.example.com/ok/app:1"))
        .await;
    assert_eq!(answer["response"]["allowed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_before_the_api_server_gives_up() {
    let server = Server::start();
    let answer = server
        .ask(
            "/validate?timeout=100ms",
            &pod("registry.example.com/slow/app:1"),
        )
        .await;
    assert_eq!(answer["response"]["allowed"], false);
    assert_eq!(answer["response"]["status"]["code"], 504);
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains("no decision within 0.1 s"), "{message}");

    let server = Server::with_deadline(Duration::from_millis(50));
    let answer = server
        .ask("/validate", &pod("registry.example.com/slow/app:1"))
        .await;
    assert_eq!(answer["response"]["status"]["reason"], "Timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_review_is_answered() {
    let server = Server::start();
    let ask = |images: &[&str]| {
        let containers: Vec<_> = images.iter().map(|image| json!({"image": image})).collect();
        json!({
            "apiVersion": "imagepolicy.k8s.io/v1alpha1",
            "kind": "ImageReview",
            "spec": {
                "containers": containers,
                "annotations": {"mycluster.image-policy.k8s.io/ticket-1234": "break-glass"},
                "namespace": "production",
            },
        })
    };
    let ok = "registry.example.com/ok/app:1";
    let bad = "registry.example.com/bad/app:1";
    let answer = server.ask("/image-review", &ask(&[ok])).await;
    assert_eq!(
        answer,
        json!({
            "apiVersion": "imagepolicy.k8s.io/v1alpha1",
            "kind": "ImageReview",
            "spec": {},
            "status": {"allowed": true},
        })
    );
    let answer = server.ask("/image-review", &ask(&[ok, bad])).await;
    assert_eq!(
        answer["status"],
        json!({
            "allowed": false,
            "reason": format!(
                "refused 1 of 2 images: spec.containers[1].image `{bad}`: \
                 policy `release`: no signature by a known key"
            ),
        })
    );
    let answer = server.ask("/image-review", &ask(&[""])).await;
    assert_eq!(answer["status"]["allowed"], false);
    let mut odd = ask(&[ok]);
    odd["spec"]["containers"] = json!([{"image": 5}]);
    let answer = server.ask("/image-review", &odd).await;
    assert_eq!(
        answer["status"]["reason"],
        "the review cannot be read: `spec.containers[].image` is absent or of the wrong type"
    );
    odd["spec"]["containers"] = json!("none");
    let answer = server.ask("/image-review", &odd).await;
    assert_eq!(answer["status"]["allowed"], false);
    for body in [
        json!({"kind": "ImageReview"}),
        json!({"kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1"}),
        json!({"kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1"}),
        pod(ok),
    ] {
        let (status, _) = server.post("/image-review", body.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_are_told() {
    let server = Server::start();
    server
        .ask("/validate", &pod("registry.example.com/ok/app:1"))
        .await;
    server
        .ask("/mutate", &pod("registry.example.com/bad/app:1"))
        .await;
    server.post("/validate", "garbage").await;
    let get = |path: &'static str| {
        let request = server.client().get(server.url(path));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    assert_eq!(get("/healthz").await, "ok\n");
    assert_eq!(get("/readyz").await, "ok: a stub\n");
    let metrics = get("/metrics").await;
    for line in [
        r#"waxseal_admission_reviews_total{endpoint="validate",verdict="allowed",reason="policy"} 1"#,
        r#"waxseal_admission_reviews_total{endpoint="mutate",verdict="refused",reason="policy"} 1"#,
        r#"waxseal_admission_rejected_total{reason="bad-request"} 1"#,
        r#"waxseal_admission_review_seconds_count{endpoint="validate"} 1"#,
        "waxseal_admission_in_flight 0",
        "waxseal_admission_cache_hits_total 0",
        "waxseal_admission_policies 0",
        "# EOF",
    ] {
        assert!(
            metrics.lines().any(|l| l == line),
            "{line} not in\n{metrics}"
        );
    }
    assert!(!metrics.contains("registry.example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_without_a_restart() {
    let server = Server::start();
    assert!(!server.certificate.refresh().unwrap(), "nothing is new yet");
    let old = server.client();
    write_certificate(server.folder.path());
    assert!(server.certificate.refresh().unwrap());
    let new = server.client();
    assert_eq!(
        new.get(server.url("/healthz"))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
    assert!(old.get(server.url("/healthz")).send().await.is_err());

    // Half of a rotation is no pair: the one in use stays.
    let key = server.folder.path().join("tls.key");
    let other = rcgen::KeyPair::generate().unwrap();
    std::fs::write(&key, other.serialize_pem()).unwrap();
    assert!(matches!(
        server.certificate.refresh(),
        Err(CertificateError::Unusable { .. })
    ));
    std::fs::write(&key, "no key").unwrap();
    assert!(
        matches!(server.certificate.refresh(), Err(CertificateError::NoKey(path)) if path == key)
    );
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(
        server.certificate.refresh(),
        Err(CertificateError::File { .. })
    ));
    let new = new.get(server.url("/healthz")).send().await.unwrap();
    assert_eq!(new.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_numbers_keeps_nobody_from_an_answer() {
    let server = Server::start();
    let client = server.client();
    let mut garbage = tokio::task::JoinSet::new();
    for n in 0..500_usize {
        let (client, url) = (client.clone(), server.url("/validate"));
        garbage.spawn(async move {
            let body = vec![b"{[\"x\x00\xff"[n % 6]; n * 40];
            let request = client.post(url).header("content-type", "application/json");
            request.body(body).send().await.unwrap().status()
        });
    }
    let answer = server
        .ask("/validate", &pod("registry.example.com/ok/app:1"))
        .await;
    assert_eq!(answer["response"]["allowed"], true);
    while let Some(status) = garbage.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_text_that_is_a_large_tree_is_refused() {
    let server = Server::start();
    let bomb = |parts: usize| {
        let list = vec![r#"{"":0}"#; parts].join(",");
        let review = pod("registry.example.com/ok/app:1").to_string();
        review.replace(
            r#""restartPolicy":"Always","#,
            &format!(r#""bomb":[{list}],"#),
        )
    };
    let (status, text) = server.post("/validate", bomb(100_000)).await;
    assert_eq!(
        (status, text.as_str()),
        (
            StatusCode::BAD_REQUEST,
            "the body has more than 200000 parts\n"
        )
    );
    let (status, text) = server.post("/validate", bomb(1_000)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains(r#""allowed":true"#), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_and_noise_end_the_connection_only() {
    let server = Server::start();
    let address = server.address;
    for noise in [
        &b"GET /healthz HTTP/1.1\r\n\r\n"[..],
        &[0x16, 0x03, 0x01, 0xff, 0xff, 0x00],
        &[0; 64],
    ] {
        let noise = noise.to_vec();
        let closed = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(&noise).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            !answer.starts_with(b"HTTP")
        });
        assert!(closed.await.unwrap());
    }
    let answer = server
        .ask("/validate", &pod("registry.example.com/ok/app:1"))
        .await;
    assert_eq!(answer["response"]["allowed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops_when_it_is_told_to() {
    let server = Server::start();
    server
        .ask("/validate", &pod("registry.example.com/ok/app:1"))
        .await;
    server.stop.send(()).unwrap();
    server.ended.await.unwrap().unwrap();
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_certificate_gets_no_review() {
    let authority = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        rcgen::CertifiedIssuer::self_signed(params, key).unwrap()
    };
    let (ours, other) = (authority("clients"), authority("others"));
    let server = Server::with(Duration::from_secs(9), Some(ours.pem()));
    let server_pem = std::fs::read(server.folder.path().join("tls.crt")).unwrap();
    let client_of = |issuer: &rcgen::CertifiedIssuer<'_, rcgen::KeyPair>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["apiserver".to_owned()]).unwrap();
        let cert = params.signed_by(&key, issuer).unwrap();
        let pem = format!("{}{}", cert.pem(), key.serialize_pem());
        let root = reqwest::Certificate::from_pem(&server_pem).unwrap();
        Client::builder()
            .tls_certs_only([root])
            .identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            .build()
            .unwrap()
    };
    let body = pod("registry.example.com/ok/app:1").to_string();
    let ask = |client: Client| {
        let request = client.post(server.url("/validate"));
        let request = request
            .header("content-type", "application/json")
            .body(body.clone());
        async move { request.send().await.map(|response| response.status()) }
    };
    assert_eq!(ask(server.client()).await.unwrap(), StatusCode::FORBIDDEN);
    assert_eq!(ask(client_of(&ours)).await.unwrap(), StatusCode::OK);
    assert!(ask(client_of(&other)).await.is_err());
    let health = server
        .client()
        .get(server.url("/healthz"))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), StatusCode::OK);
}
