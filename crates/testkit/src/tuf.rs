//! A TUF repository in the process, with every fault that a client has to see.
//!
//! What it publishes is drawn up from a [`Draft`]: versions, times and signers of
//! the four roles, and the targets. Keys come from a seed, and the same draft makes
//! the same bytes. Consistent snapshots are on, as in Sigstore's repositories.
//!
//! ```
//! use waxseal_testkit::tuf::{Draft, Repository};
//!
//! let repository = Repository::start(1);
//! let mut draft = Draft::new();
//! draft.target("trusted_root.json", "{}");
//! repository.publish(&draft);
//! assert!(repository.file("timestamp.json").is_some());
//! ```

#![expect(
    clippy::indexing_slicing,
    reason = "objects of JSON that are made here"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::NOW;
use crate::sigstore::{EdKey, sha256};

/// A signer who has none of the keys, and signs under the name of the first.
pub const MALLORY: &str = "mallory";

/// What a role says of itself, and who signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests change it")]
pub struct Role {
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// The names of the keys that the root gives it.
    pub keys: Vec<String>,
    /// How many of them have to sign.
    pub threshold: u64,
    /// The names of the keys that do sign, or [`MALLORY`].
    pub signers: Vec<String>,
}

impl Role {
    fn new(name: &str, now: Timestamp, days: i64) -> Self {
        Self {
            version: 1,
            expires: now + SignedDuration::from_hours(24 * days),
            keys: vec![name.to_owned()],
            threshold: 1,
            signers: vec![name.to_owned()],
        }
    }

    /// Gives the role to another key, which signs for it from now on.
    pub fn rotate(&mut self, key: &str) {
        self.keys = vec![key.to_owned()];
        self.signers = vec![key.to_owned()];
    }
}

/// What a repository is to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests change it")]
pub struct Draft {
    /// The root: a year.
    pub root: Role,
    /// The timestamp: a week.
    pub timestamp: Role,
    /// The snapshot: three weeks.
    pub snapshot: Role,
    /// The targets: half a year.
    pub targets: Role,
    /// The files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Names that end up in the hands of another role, `delegated`, with the key
    /// of that name.
    pub delegated: Vec<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl Draft {
    /// The first versions of all roles, from [`NOW`] on, and no targets.
    #[must_use]
    pub fn new() -> Self {
        Self::at(NOW)
    }

    /// The same from another time on.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            root: Role::new("root", now, 365),
            timestamp: Role::new("timestamp", now, 7),
            snapshot: Role::new("snapshot", now, 21),
            targets: Role::new("targets", now, 180),
            files: BTreeMap::new(),
            delegated: Vec::new(),
        }
    }

    /// With this file.
    pub fn target(&mut self, name: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), content.into());
    }

    /// The next version of all roles but the root.
    pub fn renew(&mut self) {
        for role in [&mut self.timestamp, &mut self.snapshot, &mut self.targets] {
            role.version += 1;
        }
    }
}

/// How a file is answered for.
#[derive(Clone, Debug)]
enum Answer {
    Bytes(Vec<u8>),
    Endless,
    Never,
    Status(u16),
}

/// A running repository. It stops when dropped.
pub struct Repository {
    seed: u64,
    url: String,
    files: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Repository {
    /// Starts an empty repository on a free port of loopback.
    #[must_use]
    pub fn start(seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback");
        socket.set_nonblocking(true).expect("a listener");
        let url = format!("http://{}", socket.local_addr().expect("its address"));
        let files: Arc<Mutex<BTreeMap<String, Answer>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (served, noted) = (Arc::clone(&files), Arc::clone(&asked));
        let app = Router::new().fallback(move |uri: Uri| {
            let (served, noted) = (Arc::clone(&served), Arc::clone(&noted));
            async move {
                let name = uri.path().trim_start_matches('/').to_owned();
                noted.lock().unwrap().push(name.clone());
                let answer = served.lock().unwrap().get(&name).cloned();
                respond(answer).await
            }
        });
        runtime.spawn(async move {
            let listener = TcpListener::from_std(socket).expect("a listener");
            let _ = axum::serve(listener, app).await;
        });
        Self {
            seed,
            url,
            files,
            asked,
            runtime: Some(runtime),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Publishes a draft beside what was published before.
    pub fn publish(&self, draft: &Draft) {
        for (name, bytes) in self.draw_up(draft) {
            self.put(&name, bytes);
        }
    }

    /// The root of a draft, which clients are given beforehand.
    #[must_use]
    pub fn pin(&self, draft: &Draft) -> Vec<u8> {
        self.sign(&draft.root, self.root(draft))
    }

    /// A file that was published.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        match self.files.lock().unwrap().get(name) {
            Some(Answer::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The names of all files.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }

    /// Puts a file there, whoever vouches for it.
    pub fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.answer(name, Answer::Bytes(bytes.into()));
    }

    /// Takes a file away.
    pub fn remove(&self, name: &str) {
        self.files.lock().unwrap().remove(name);
    }

    /// Lets a file go on for ever.
    pub fn endless(&self, name: &str) {
        self.answer(name, Answer::Endless);
    }

    /// Lets whoever asks for a file wait for ever.
    pub fn never(&self, name: &str) {
        self.answer(name, Answer::Never);
    }

    /// Answers for a file with this status.
    pub fn status(&self, name: &str, status: u16) {
        self.answer(name, Answer::Status(status));
    }

    /// What was asked for, oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn answer(&self, name: &str, answer: Answer) {
        self.files.lock().unwrap().insert(name.to_owned(), answer);
    }

    /// All files of a draft.
    fn draw_up(&self, draft: &Draft) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        let mut targets = serde_json::Map::new();
        let mut delegated = serde_json::Map::new();
        for (name, content) in &draft.files {
            let hash = hex(&sha256(content));
            let entry = json!({ "length": content.len(), "hashes": { "sha256": hash } });
            let list = match draft.delegated.contains(name) {
                true => &mut delegated,
                false => &mut targets,
            };
            list.insert(name.clone(), entry);
            let place = match name.rsplit_once('/') {
                Some((folder, file)) => format!("targets/{folder}/{hash}.{file}"),
                None => format!("targets/{hash}.{name}"),
            };
            files.push((place, content.clone()));
        }
        let mut signed = head("targets", &draft.targets);
        signed["targets"] = targets.into();
        let mut metadata = serde_json::Map::new();
        if !draft.delegated.is_empty() {
            signed["delegations"] = json!({
                "keys": { id("delegated"): self.key("delegated") },
                "roles": [{
                    "name": "delegated",
                    "keyids": [id("delegated")],
                    "threshold": 1,
                    "paths": draft.delegated,
                    "terminating": true,
                }],
            });
            let role = Role {
                keys: vec!["delegated".to_owned()],
                signers: vec!["delegated".to_owned()],
                ..draft.targets.clone()
            };
            let mut below = head("targets", &role);
            below["targets"] = delegated.into();
            let below = self.sign(&role, below);
            metadata.insert("delegated.json".to_owned(), pinned(&role, &below));
            files.push((format!("{}.delegated.json", role.version), below));
        }
        let targets = self.sign(&draft.targets, signed);
        metadata.insert("targets.json".to_owned(), pinned(&draft.targets, &targets));
        let mut snapshot = head("snapshot", &draft.snapshot);
        snapshot["meta"] = metadata.into();
        let snapshot = self.sign(&draft.snapshot, snapshot);
        let mut timestamp = head("timestamp", &draft.timestamp);
        timestamp["meta"] = json!({ "snapshot.json": pinned(&draft.snapshot, &snapshot) });
        let timestamp = self.sign(&draft.timestamp, timestamp);
        files.extend([
            (format!("{}.root.json", draft.root.version), self.pin(draft)),
            (format!("{}.targets.json", draft.targets.version), targets),
            (
                format!("{}.snapshot.json", draft.snapshot.version),
                snapshot,
            ),
            ("timestamp.json".to_owned(), timestamp),
        ]);
        files
    }

    fn root(&self, draft: &Draft) -> Value {
        let roles = [
            ("root", &draft.root),
            ("timestamp", &draft.timestamp),
            ("snapshot", &draft.snapshot),
            ("targets", &draft.targets),
        ];
        let mut signed = head("root", &draft.root);
        signed["consistent_snapshot"] = true.into();
        signed["keys"] = json!({});
        signed["roles"] = json!({});
        for (name, role) in roles {
            for key in &role.keys {
                signed["keys"][id(key)] = self.key(key);
            }
            let ids: Vec<String> = role.keys.iter().map(|key| id(key)).collect();
            signed["roles"][name] = json!({ "keyids": ids, "threshold": role.threshold });
        }
        signed
    }

    fn key(&self, name: &str) -> Value {
        let key = EdKey::new(self.seed, &format!("tuf {name}"));
        json!({
            "keytype": "ed25519",
            "scheme": "ed25519",
            "keyval": { "public": hex(key.public()) },
        })
    }

    fn sign(&self, role: &Role, signed: Value) -> Vec<u8> {
        let message = sigstore_tuf::canonical_json::to_canonical_bytes(&signed).expect("integers");
        let sign = |name: &String| {
            let key = EdKey::new(self.seed, &format!("tuf {name}"));
            let under = match name.as_str() {
                MALLORY => role.keys.first().unwrap_or(name),
                _ => name,
            };
            json!({ "keyid": id(under), "sig": hex(&key.sign(&message)) })
        };
        let signatures: Vec<Value> = role.signers.iter().map(sign).collect();
        let envelope = json!({ "signatures": signatures, "signed": signed });
        envelope.to_string().into_bytes()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

async fn respond(answer: Option<Answer>) -> Response {
    match answer {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Answer::Bytes(bytes)) => bytes.into_response(),
        Some(Answer::Status(status)) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Some(Answer::Never) => std::future::pending().await,
        Some(Answer::Endless) => {
            let piece = || async { Some((Ok::<_, std::io::Error>(vec![b' '; 4096]), ())) };
            Body::from_stream(futures_util::stream::unfold((), move |()| piece())).into_response()
        }
    }
}

fn head(kind: &str, role: &Role) -> Value {
    json!({
        "_type": kind,
        "spec_version": "1.0.31",
        "version": role.version,
        "expires": role.expires.to_string(),
    })
}

fn pinned(role: &Role, bytes: &[u8]) -> Value {
    json!({
        "version": role.version,
        "length": bytes.len(),
        "hashes": { "sha256": hex(&sha256(bytes)) },
    })
}

/// The number of a key is whatever the repository says it is.
fn id(name: &str) -> String {
    hex(&sha256(name.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
