//! A registry in memory that does exactly what a test tells it to, right or
//! wrong, and writes down every request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use waxseal_oci::{Descriptor, Digest, Manifest, Reference, Repository, empty_config, media};
use waxseal_registry::{Client, ClientBuilder, RawManifest};

/// What a registry was asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }
}

type Hook = Box<dyn Fn(&Ask) -> Option<Response> + Send + Sync>;

#[derive(Default)]
struct Store {
    blobs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, RawManifest>,
    tags: HashMap<String, Digest>,
    uploads: HashMap<String, Vec<u8>>,
}

struct Shared {
    store: Mutex<Store>,
    log: Mutex<Vec<Ask>>,
    hooks: Mutex<Vec<Hook>>,
    referrers_api: bool,
}

/// A registry on loopback, with one repository for all names.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Fake {
    /// A registry with the referrers API.
    pub(crate) async fn start() -> Self {
        Self::with(true).await
    }

    /// A registry like docker-registry 2.8.
    pub(crate) async fn without_referrers() -> Self {
        Self::with(false).await
    }

    async fn with(referrers_api: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            log: Mutex::default(),
            hooks: Mutex::default(),
            referrers_api,
        });
        let router = axum::Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn repository(&self) -> Repository {
        self.reference("v1").repository().clone()
    }

    pub(crate) fn reference(&self, tag: &str) -> Reference {
        format!("{}/team/app:{tag}", self.address).parse().unwrap()
    }

    /// A client that takes no credentials from the machine.
    pub(crate) fn client(&self) -> Client {
        builder().anonymous(true).build().unwrap()
    }

    /// Answers in place of the registry where it returns something. The last
    /// one that was added is asked first.
    pub(crate) fn hook(&self, hook: impl Fn(&Ask) -> Option<Response> + Send + Sync + 'static) {
        self.shared.hooks.lock().unwrap().push(Box::new(hook));
    }

    /// Every request so far, `METHOD path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let shown = |ask: &Ask| match ask.query.as_str() {
            "" => format!("{} {}", ask.method, ask.path),
            query => format!("{} {}?{query}", ask.method, ask.path),
        };
        self.asks().iter().map(shown).collect()
    }

    pub(crate) fn asks(&self) -> Vec<Ask> {
        self.shared.log.lock().unwrap().clone()
    }

    pub(crate) fn forget_requests(&self) {
        self.shared.log.lock().unwrap().clear();
    }

    pub(crate) fn put_blob(&self, bytes: &'static [u8]) -> Descriptor {
        let descriptor = Descriptor::of("application/octet-stream", bytes);
        let mut store = self.shared.store.lock().unwrap();
        store
            .blobs
            .insert(descriptor.digest.clone(), Bytes::from_static(bytes));
        descriptor
    }

    pub(crate) fn put_manifest(&self, manifest: &RawManifest, tag: Option<&str>) {
        let mut store = self.shared.store.lock().unwrap();
        store
            .manifests
            .insert(manifest.digest.clone(), manifest.clone());
        if let Some(tag) = tag {
            store.tags.insert(tag.to_owned(), manifest.digest.clone());
        }
    }

    /// What a tag names.
    pub(crate) fn tagged(&self, tag: &str) -> Option<RawManifest> {
        let store = self.shared.store.lock().unwrap();
        store.manifests.get(store.tags.get(tag)?).cloned()
    }

    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.shared.store.lock().unwrap().blobs.contains_key(digest)
    }

    pub(crate) fn has_manifest(&self, digest: &Digest) -> bool {
        self.shared
            .store
            .lock()
            .unwrap()
            .manifests
            .contains_key(digest)
    }

    /// A small image under a tag, with its blobs.
    pub(crate) fn put_image(&self, tag: &str, layer: &'static [u8]) -> RawManifest {
        let config = self.put_blob(b"{}");
        let layer = self.put_blob(layer);
        let manifest = Manifest::new(config, vec![layer]);
        let raw = RawManifest::new(media::OCI_MANIFEST, manifest.to_bytes().unwrap());
        self.put_manifest(&raw, Some(tag));
        raw
    }
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder().insecure_http(true)
}

/// An artifact's manifest and its one blob.
pub(crate) fn artifact(
    subject: &RawManifest,
    kind: &str,
    content: &'static [u8],
) -> (RawManifest, Vec<(Descriptor, Bytes)>) {
    let (empty, config) = empty_config();
    let layer = Descriptor::of(kind, content);
    let mut manifest = Manifest::new(config.clone(), vec![layer.clone()]);
    manifest.artifact_type = Some(kind.to_owned());
    manifest.subject = Some(subject.descriptor());
    manifest
        .annotations
        .insert("made-by".into(), "a test".into());
    let raw = RawManifest::new(media::OCI_MANIFEST, manifest.to_bytes().unwrap());
    (
        raw,
        vec![
            (config, Bytes::from_static(empty)),
            (layer, Bytes::from_static(content)),
        ],
    )
}

/// An answer with headers and a body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let ask = Ask {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap_or_default(),
    };
    shared.log.lock().unwrap().push(ask.clone());
    let hooked = shared
        .hooks
        .lock()
        .unwrap()
        .iter()
        .rev()
        .find_map(|hook| hook(&ask));
    hooked.unwrap_or_else(|| registry(&shared, &ask))
}

fn registry(shared: &Shared, ask: &Ask) -> Response {
    let absent = |code: &str| {
        answer(
            404,
            &[],
            format!(r#"{{"errors":[{{"code":"{code}","message":"unknown"}}]}}"#),
        )
    };
    let mut segments: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    let last = segments.pop().unwrap_or_default();
    let kind = segments.pop().unwrap_or_default();
    let mut store = shared.store.lock().unwrap();
    match (ask.method.as_str(), kind, last) {
        ("GET" | "HEAD", "manifests", name) => {
            let digest = name.parse().ok().or_else(|| store.tags.get(name).cloned());
            match digest.and_then(|d| store.manifests.get(&d)) {
                Some(manifest) => answer(
                    200,
                    &[
                        ("content-type", &manifest.media_type),
                        ("docker-content-digest", manifest.digest.as_str()),
                    ],
                    manifest.bytes.clone(),
                ),
                None => absent("MANIFEST_UNKNOWN"),
            }
        }
        ("PUT", "manifests", name) => {
            let media_type = ask.header("content-type").unwrap();
            let manifest = RawManifest::new(media_type, ask.body.clone());
            let digest = manifest.digest.clone();
            let subject = manifest.subject().unwrap();
            store.manifests.insert(digest.clone(), manifest);
            if name.parse::<Digest>().is_err() {
                store.tags.insert(name.to_owned(), digest.clone());
            }
            let mut headers = vec![("docker-content-digest", digest.as_str())];
            if let Some(subject) = subject.as_ref().filter(|_| shared.referrers_api) {
                headers.push(("oci-subject", subject.digest.as_str()));
            }
            answer(201, &headers, "")
        }
        ("GET", "referrers", digest) if shared.referrers_api => {
            let digest: Digest = digest.parse().unwrap();
            answer(
                200,
                &[("content-type", media::OCI_INDEX)],
                referrers(&store, &digest),
            )
        }
        ("GET" | "HEAD", "blobs", digest) => {
            match digest
                .parse()
                .ok()
                .and_then(|d: Digest| store.blobs.get(&d))
            {
                Some(bytes) => answer(200, &[], bytes.clone()),
                None => absent("BLOB_UNKNOWN"),
            }
        }
        ("POST", "blobs", "uploads") => {
            let id = format!("upload-{}", store.uploads.len());
            store.uploads.insert(id.clone(), Vec::new());
            answer(
                202,
                &[("location", &format!("{}{id}?state=x", ask.path))],
                "",
            )
        }
        ("PATCH", "uploads", id) => {
            let upload = store.uploads.get_mut(id).unwrap();
            upload.extend_from_slice(&ask.body);
            answer(202, &[("location", &ask.path)], "")
        }
        ("PUT", "uploads", id) => {
            let mut upload = store.uploads.remove(id).unwrap();
            upload.extend_from_slice(&ask.body);
            let digest = ask
                .query
                .split("digest=")
                .nth(1)
                .unwrap()
                .replace("%3A", ":");
            let found = Digest::sha256(&upload);
            if found.as_str() != digest {
                return answer(400, &[], r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
            }
            store.blobs.insert(found, upload.into());
            answer(201, &[], "")
        }
        _ => absent("NOT_FOUND"),
    }
}

fn referrers(store: &Store, digest: &Digest) -> String {
    let mut entries = Vec::new();
    for manifest in store.manifests.values() {
        if manifest
            .subject()
            .unwrap()
            .is_some_and(|s| s.digest == *digest)
        {
            let waxseal_oci::Document::Manifest(inner) = manifest.document().unwrap() else {
                continue;
            };
            let mut entry = manifest.descriptor();
            entry.artifact_type = Some(inner.kind().to_owned());
            entry.annotations = inner.annotations;
            entries.push(entry);
        }
    }
    entries.sort_by(|a, b| a.digest.cmp(&b.digest));
    String::from_utf8(waxseal_oci::Index::new(entries).to_bytes().unwrap()).unwrap()
}

/// 401 with a challenge for a token from `realm`.
pub(crate) fn bearer_challenge(realm: &str) -> Response {
    let challenge = format!(r#"Bearer realm="{realm}",service="fake""#);
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}"#;
    answer(
        StatusCode::UNAUTHORIZED.as_u16(),
        &[("www-authenticate", &challenge)],
        body,
    )
}
