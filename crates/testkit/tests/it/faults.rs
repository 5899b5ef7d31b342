//! Each fault as a client meets it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use waxseal_oci::{Annotations, Digest, media};
use waxseal_testkit::{Auth, Fault, ImageSpec, Match, Options, PushedImage, Registry};

use crate::http;

fn registry() -> (Registry, PushedImage) {
    let registry = Registry::start(Options::default());
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    (registry, image)
}

fn manifest_url(registry: &Registry) -> String {
    format!("{}/v2/a/b/manifests/v1", registry.url())
}

/// What comes over the connection for one GET, to its end or its break.
fn raw(registry: &Registry, path: &str) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).err().map(|e| e.kind());
    (bytes, end)
}

#[tokio::test]
async fn answers_in_place_of_the_right_one() {
    let (registry, _) = registry();
    let url = manifest_url(&registry);
    for (fault, status, header, value) in [
        (Fault::status(403), 403, "content-type", "application/json"),
        (Fault::status(503), 503, "content-type", "application/json"),
        (Fault::too_many(7), 429, "retry-after", "7"),
        (
            Fault::redirect("http://other.example/x"),
            307,
            "location",
            "http://other.example/x",
        ),
        (
            Fault::challenge("http://169.254.169.254/token"),
            401,
            "www-authenticate",
            r#"Bearer realm="http://169.254.169.254/token",service="testkit""#,
        ),
    ] {
        registry.fault(Match::kind("manifest"), fault, 1);
        let answer = http().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()[header], value);
        assert_eq!(http().get(&url).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn lies_about_what_it_sends() {
    let (registry, image) = registry();
    let url = manifest_url(&registry);
    let other = Digest::sha256(b"other").to_string();
    let once = |fault| registry.fault(Match::new("GET", "/manifests/"), fault, 1);
    let get = async || http().get(&url).send().await.unwrap();

    once(Fault::Body(b"other".to_vec()));
    let answer = get().await;
    assert_eq!(
        answer.headers()["docker-content-digest"],
        image.digest.as_str()
    );
    assert_eq!(answer.bytes().await.unwrap(), "other");

    once(Fault::Header("docker-content-digest", other.clone()));
    assert_eq!(
        get().await.headers()["docker-content-digest"],
        other.as_str()
    );
    once(Fault::Header("content-type", media::OCI_INDEX.to_owned()));
    assert_eq!(get().await.headers()["content-type"], media::OCI_INDEX);
    once(Fault::NoHeader("docker-content-digest"));
    assert!(!get().await.headers().contains_key("docker-content-digest"));

    once(Fault::Length(10));
    assert_eq!(get().await.bytes().await.unwrap().len(), 10);
    once(Fault::Length(1 << 40));
    let answer = get().await;
    assert_eq!(answer.content_length(), Some(1 << 40));
    assert!(answer.bytes().await.is_err());
    once(Fault::Truncated);
    let answer = get().await;
    assert_eq!(answer.content_length(), Some(image.descriptor.size));
    assert!(answer.bytes().await.is_err());
    once(Fault::Slow(100, 1));
    assert!(image.digest.matches(&get().await.bytes().await.unwrap()));
}

#[tokio::test]
async fn sends_without_end() {
    let (registry, _) = registry();
    let url = manifest_url(&registry);
    registry.fault(Match::kind("manifest"), Fault::Endless, 1);
    registry.fault(Match::kind("manifest"), Fault::Huge(10 << 30), 1);
    for length in [None, Some(10 << 30)] {
        let mut answer = http().get(&url).send().await.unwrap();
        assert_eq!(answer.content_length(), length);
        let mut read = 0;
        while read < 8 * 1024 * 1024 {
            read += answer.chunk().await.unwrap().unwrap().len();
        }
    }
    let stats = registry.stats();
    assert!(stats.wire_out >= 16 * 1024 * 1024, "{stats:?}");
    let all = u64::MAX;
    registry.fault(Match::kind("referrers"), Fault::EndlessPages, all);
    let mut path = format!("/v2/a/b/referrers/{}", Digest::sha256(b""));
    for _ in 0..30 {
        let answer = http().get(format!("{}{path}", registry.url())).send().await;
        let link = answer.unwrap().headers()["link"]
            .to_str()
            .unwrap()
            .to_owned();
        let next = link
            .trim_start_matches('<')
            .split_once('>')
            .unwrap()
            .0
            .to_owned();
        assert_ne!(next, path);
        path = next;
    }
    registry.fault(Match::kind("blob"), Fault::RedirectLoop, all);
    let follow = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v2/a/b/blobs/{}", registry.url(), Digest::sha256(b""));
    assert!(follow.get(url).send().await.unwrap_err().is_redirect());
}

#[test]
fn breaks_the_connection() {
    let (registry, _) = registry();
    let path = "/v2/a/b/manifests/v1";
    let once = |fault| registry.fault(Match::any("/manifests/"), fault, 1);
    once(Fault::Broken);
    let reset = (Vec::new(), Some(ErrorKind::ConnectionReset));
    assert_eq!(raw(&registry, path), reset);
    once(Fault::Verbatim(b"HTTP/1.1 200 OK\r\nnonsense".to_vec()));
    let (bytes, _) = raw(&registry, path);
    assert_eq!(bytes, b"HTTP/1.1 200 OK\r\nnonsense");
    assert!(raw(&registry, path).0.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn changes_in_between() {
    let (registry, image) = registry();
    let other = registry.push_image("a/b", "v2", &ImageSpec::tiny().with_marker("other"));
    let moved = other.digest.clone();
    let act = move |contents: &waxseal_testkit::Contents| contents.tag("a/b", "v1", &moved);
    let second = Match::new("GET", "/manifests/v1").after(1);
    registry.fault(second, Fault::before(act), 1);
    for wanted in [&image.digest, &other.digest, &other.digest] {
        let answer = http().get(manifest_url(&registry)).send().await.unwrap();
        assert_eq!(answer.headers()["docker-content-digest"], wanted.as_str());
    }
    registry.fault(Match::new("PUT", "/manifests/"), Fault::Forgotten, 1);
    let url = format!("{}/v2/a/b/manifests/v3", registry.url());
    let request = http().put(&url).header("content-type", media::OCI_MANIFEST);
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(http().get(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn lists_what_it_should_not() {
    let (registry, image) = registry();
    let layer = registry.push_blob("a/b", "text/plain", b"x");
    registry.attach(&image, "text/x", vec![layer], Annotations::new());
    let url = format!(
        "{}/v2/a/b/referrers/{}?artifactType=text%2Fy",
        registry.url(),
        image.digest
    );
    let get = async || {
        let answer = http().get(&url).send().await.unwrap();
        let claims = answer.headers().contains_key("oci-filters-applied");
        let list: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let kinds = list["manifests"].as_array().unwrap().iter();
        let kinds: Vec<_> = kinds.map(|e| e["artifactType"].clone()).collect();
        (claims, kinds)
    };
    assert_eq!(get().await, (true, Vec::new()));
    for claims in [true, false] {
        let fault = Fault::Unfiltered { claims };
        registry.fault(Match::kind("referrers"), fault, 1);
        assert_eq!(get().await, (claims, vec!["text/x".into()]));
    }
    // As cosign 3.1 writes it into the fallback list.
    let wrong = Fault::ArtifactType(Some(media::OCI_EMPTY.to_owned()));
    registry.fault(Match::kind("referrers"), wrong, 1);
    let url = url.split_once('?').unwrap().0;
    let answer = http().get(url).send().await.unwrap();
    let list: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(list["manifests"][0]["artifactType"], media::OCI_EMPTY);
}

#[tokio::test]
async fn tokens_expire() {
    let registry = Registry::start(Options {
        auth: Auth::Token,
        ..Options::default()
    });
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let url = format!("{}/v2/a/b/manifests/{}", registry.url(), image.digest);
    let get = async |token: &str| {
        let request = http().get(&url).header("authorization", token);
        request.send().await.unwrap()
    };
    let asked = get("").await;
    assert_eq!(asked.status(), 401);
    let challenge = asked.headers()["www-authenticate"].to_str().unwrap();
    let wanted = format!(
        r#"Bearer realm="{}/token",service="testkit",scope="repository:a/b:pull""#,
        registry.url()
    );
    assert_eq!(challenge, wanted);
    let issued = http().get(format!("{}/token", registry.url())).send().await;
    let issued: Value = serde_json::from_slice(&issued.unwrap().bytes().await.unwrap()).unwrap();
    let token = format!("Bearer {}", issued["token"].as_str().unwrap());
    assert_eq!(get(&token).await.status(), 200);
    registry.expire_tokens();
    assert_eq!(get(&token).await.status(), 401);
    let seen: Vec<_> = registry
        .log()
        .into_iter()
        .map(|r| r.authorization)
        .collect();
    assert_eq!(seen.last(), Some(&Some(token)));
}
