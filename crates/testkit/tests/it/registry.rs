//! The registry without faults.

use oci_client::client::{Client, ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use waxseal_oci::{Annotations, Descriptor, Digest, media};
use waxseal_testkit::{Auth, ImageSpec, Options, Registry};

use crate::http;

fn header(answer: &reqwest::Response, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().unwrap().to_owned())
}

fn digest_of(answer: &reqwest::Response) -> Digest {
    let digest = header(answer, "docker-content-digest");
    digest.unwrap().parse().unwrap()
}

fn theirs() -> Client {
    Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    })
}

#[tokio::test]
async fn another_client_pushes_and_pulls() {
    let password = RegistryAuth::Basic("user".to_owned(), "secret".to_owned());
    for (auth, credentials) in [
        (Auth::None, RegistryAuth::Anonymous),
        (Auth::Token, RegistryAuth::Anonymous),
        (Auth::PrivateToken, password),
    ] {
        let registry = Registry::start(Options {
            auth,
            ..Options::default()
        });
        let reference = format!("{}/some/app:v1", registry.host()).parse().unwrap();
        // More than one chunk of theirs.
        let layer = vec![7; 9 * 1024 * 1024];
        let layers = [ImageLayer::oci_v1(layer.clone(), None)];
        let config = Config::oci_v1(b"{}".to_vec(), None);
        let client = theirs();
        client
            .push(&reference, &layers, config, &credentials, None)
            .await
            .unwrap();
        let accepted = vec![layers[0].media_type.as_str()];
        let image = client
            .pull(&reference, &credentials, accepted)
            .await
            .unwrap();
        assert_eq!(image.layers[0].data, layer);
        let stored = registry.contents().tagged("some/app", "v1").unwrap();
        assert_eq!(image.digest, Some(stored.to_string()));
    }
}

#[tokio::test]
async fn head_tells_what_get_would() {
    let registry = Registry::start(Options::default());
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let url = format!("{}/v2/a/b/manifests/v1", registry.url());
    let head = http().head(&url).send().await.unwrap();
    let get = http().get(&url).send().await.unwrap();
    for answer in [&head, &get] {
        assert_eq!(digest_of(answer), image.digest);
        assert_eq!(
            header(answer, "content-length").unwrap(),
            image.descriptor.size.to_string()
        );
        assert_eq!(header(answer, "content-type").unwrap(), media::OCI_MANIFEST);
    }
    assert!(head.bytes().await.unwrap().is_empty());
    assert!(image.digest.matches(&get.bytes().await.unwrap()));
    let missing = http().head(format!("{url}x")).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    let sent: Vec<_> = registry
        .log()
        .iter()
        .map(|r| (r.kind(), r.status, r.sent))
        .collect();
    let size = image.descriptor.size;
    assert_eq!(
        sent,
        [
            ("manifest", 200, 0),
            ("manifest", 200, size),
            ("manifest", 404, 0)
        ]
    );
}

#[tokio::test]
async fn refuses_what_does_not_fit() {
    let registry = Registry::start(Options::default());
    let base = format!("{}/v2/a/b", registry.url());
    let other = Digest::sha256(b"other");
    let put = async |path: &str, body: &'static str| {
        let request = http().put(format!("{base}{path}"));
        let request = request.header("content-type", media::OCI_MANIFEST);
        request.body(body).send().await.unwrap()
    };
    let code = async |answer: reqwest::Response| {
        let status = answer.status().as_u16();
        let body: serde_json::Value =
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let code = body["errors"][0]["code"].as_str().unwrap().to_owned();
        (status, code)
    };
    let wrong = put(&format!("/manifests/{other}"), "{}").await;
    assert_eq!(code(wrong).await, (400, "DIGEST_INVALID".to_owned()));
    let not_json = put("/manifests/v1", "{").await;
    assert_eq!(code(not_json).await, (400, "MANIFEST_INVALID".to_owned()));
    let dangling = Descriptor::of(media::OCI_EMPTY, b"{}").digest;
    let body = format!(r#"{{"config":{{"digest":"{dangling}"}}}}"#);
    let request = http().put(format!("{base}/manifests/v1")).body(body);
    let answer = request
        .header("content-type", media::OCI_MANIFEST)
        .send()
        .await;
    assert_eq!(
        code(answer.unwrap()).await,
        (400, "MANIFEST_BLOB_UNKNOWN".to_owned())
    );
    // A blob of another repository is not this one's.
    let blob = registry.push_blob("c/d", "text/plain", b"blob");
    let url = format!("{base}/blobs/{}", blob.digest);
    let elsewhere = http().get(&url).send().await.unwrap();
    assert_eq!(code(elsewhere).await, (404, "BLOB_UNKNOWN".to_owned()));
    let mount = format!("{base}/blobs/uploads/?mount={}&from=c/d", blob.digest);
    assert_eq!(http().post(mount).send().await.unwrap().status(), 201);
    assert_eq!(http().get(&url).send().await.unwrap().status(), 200);
    let upload = format!("{base}/blobs/uploads/?digest={other}");
    let answer = http().post(upload).body("blob").send().await.unwrap();
    assert_eq!(code(answer).await, (400, "DIGEST_INVALID".to_owned()));
    // A client that reads Docker's documents only.
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let request = http().get(format!("{base}/manifests/{}", image.digest));
    let answer = request
        .header("accept", media::DOCKER_MANIFEST)
        .send()
        .await;
    assert_eq!(
        code(answer.unwrap()).await,
        (404, "MANIFEST_UNKNOWN".to_owned())
    );
}

#[tokio::test]
async fn takes_chunks_in_order_only() {
    let registry = Registry::start(Options::default());
    let base = registry.url();
    let uploads = format!("{base}/v2/a/b/blobs/uploads/");
    let started = http().post(uploads).send().await.unwrap();
    let url = format!("{base}{}", header(&started, "location").unwrap());
    let digest = Digest::sha256(b"abcdef");
    let patch = |range: &'static str| http().patch(&url).header("content-range", range);
    let put = |range: &'static str| {
        let request = http().put(format!("{url}?digest={digest}"));
        request.header("content-range", range)
    };
    for (request, body, status) in [
        (patch("3-5"), "def", 416),
        (patch("0-2"), "abc", 202),
        (put("2-4"), "def", 416),
        (put("3-5"), "def", 201),
        (patch("6-8"), "ghi", 404),
    ] {
        assert_eq!(request.body(body).send().await.unwrap().status(), status);
    }
    let stored = registry.blob("a/b", &digest);
    assert_eq!(stored.as_deref(), Some(b"abcdef".as_slice()));
}

#[tokio::test]
async fn takes_a_manifest_whose_layers_lie_elsewhere() {
    let registry = Registry::start(Options::default());
    let digest = Digest::sha256(b"elsewhere");
    let url = format!("{}/v2/a/b/manifests/v1", registry.url());
    for (urls, status) in [("[]", 400), (r#"["https://store.example/x"]"#, 201)] {
        let body = format!(r#"{{"layers":[{{"digest":"{digest}","urls":{urls}}}]}}"#);
        let request = http().put(&url).header("content-type", media::OCI_MANIFEST);
        assert_eq!(request.body(body).send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn takes_a_large_blob_and_counts_it() {
    let registry = Registry::start(Options::default());
    let blob = vec![1; 26 * 1024 * 1024];
    let digest = Digest::sha256(&blob);
    let url = format!("{}/v2/a/b/blobs/uploads/?digest={digest}", registry.url());
    let answer = http().post(url).body(blob.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(digest_of(&answer), digest);
    let stats = registry.stats();
    let size = u64::try_from(blob.len()).unwrap();
    assert_eq!((stats.requests, stats.bytes_in), (1, size));
    assert_eq!((stats.connections, stats.wire_in > size), (1, true));
    registry.reset();
    let url = format!("{}/v2/a/b/blobs/{digest}", registry.url());
    let answer = http().get(url).header("range", "bytes=100-").send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.bytes().await.unwrap(), blob[100..]);
    assert_eq!(registry.stats().bytes_out, size - 100);
}

#[tokio::test]
async fn lists_each_referrer_once_and_by_pages() {
    let registry = Registry::start(Options {
        page: Some(2),
        ..Options::default()
    });
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let attach = |kind: &str, content: &[u8]| {
        let layer = registry.push_blob("a/b", "text/plain", content);
        registry.attach(&image, kind, vec![layer], Annotations::new())
    };
    let mut wanted: Vec<_> = [b"1", b"2", b"3"]
        .iter()
        .map(|c| attach("text/x+y", *c).digest)
        .collect();
    // Pushed again, it is still one.
    attach("text/x+y", b"1");
    attach("text/other", b"4");
    let base = registry.url();
    let mut url = format!(
        "{base}/v2/a/b/referrers/{}?artifactType=text%2Fx%2By",
        image.digest
    );
    let mut found = Vec::new();
    for more in [true, false] {
        let answer = http().get(&url).send().await.unwrap();
        assert_eq!(
            header(&answer, "oci-filters-applied").as_deref(),
            Some("artifactType")
        );
        let link = header(&answer, "link");
        assert_eq!(link.is_some(), more);
        if let Some(link) = link {
            let path = link.trim_start_matches('<').split_once('>').unwrap().0;
            url = format!("{base}{path}");
        }
        let list: waxseal_oci::Index =
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        found.extend(list.manifests.into_iter().map(|e| e.digest));
    }
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn has_no_referrers_api_where_it_should_not() {
    let registry = Registry::start(Options {
        referrers: false,
        ..Options::default()
    });
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let url = format!("{}/v2/a/b/referrers/{}", registry.url(), image.digest);
    assert_eq!(http().get(url).send().await.unwrap().status(), 404);
    let body = format!(r#"{{"subject":{{"digest":"{}"}}}}"#, image.digest);
    let request = http().put(format!("{}/v2/a/b/manifests/x", registry.url()));
    let request = request.header("content-type", media::OCI_MANIFEST);
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(header(&answer, "oci-subject"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_every_one_of_many_writes() {
    let registry = Registry::start(Options::default());
    let image = registry.push_image("a/b", "v1", &ImageSpec::tiny());
    let writes = (0..50).map(|n| {
        let url = format!("{}/v2/a/b/manifests/t{n}", registry.url());
        let body = format!(r#"{{"subject":{{"digest":"{}"}},"n":{n}}}"#, image.digest);
        tokio::spawn(async move {
            let request = http().put(url).header("content-type", media::OCI_MANIFEST);
            request.body(body).send().await.unwrap().status().as_u16()
        })
    });
    for write in writes.collect::<Vec<_>>() {
        assert_eq!(write.await.unwrap(), 201);
    }
    let found = registry.contents().referrers("a/b", &image.digest);
    assert_eq!(found.len(), 50);
    assert_eq!(registry.stats().by_kind["PUT manifest"], 50);
}
