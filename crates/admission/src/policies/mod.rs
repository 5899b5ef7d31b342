//! The policies in force, the registries behind them, and the gate between.

mod told;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use waxseal_gate::{Cache, CacheTimes, KnownRoot, Options, PolicySet, PolicySetError};
use waxseal_oci::Reference;
use waxseal_policy::{NamespaceLabels, Policy, RootAge, Unmatched as Uncovered};
use waxseal_registry::Client;
use waxseal_trust::{Name, NameError, Store};

use crate::args::{DecideArgs, Unmatched};
use crate::decider::{Counts, Decider, Place, Readiness};
use crate::review::{Judgement, Outcome, Reason};
use crate::{files, limits};

/// Decides by the policies of a folder.
#[derive(Debug)]
pub struct Policies {
    sources: Sources,
    unmatched: Unmatched,
    client: Client,
    cache: Cache,
    set: ArcSwap<PolicySet>,
    /// What is wrong with the files as they are now, if they are not in force.
    problem: Mutex<Option<String>>,
    failures: AtomicU64,
}

impl Policies {
    /// Reads the policies and makes a client for registries. Nothing is asked of
    /// anybody yet.
    ///
    /// # Errors
    /// [`PoliciesError`] with the first file that cannot be used.
    pub fn open(args: &DecideArgs) -> Result<Self, PoliciesError> {
        let sources = Sources {
            folder: args.policy_dir.clone(),
            trusted_root: args.trusted_root.clone(),
            named: args.trust_dir.clone().map(Store::new),
            most: SignedDuration::from_hours(24 * i64::from(args.trust_max_stale)),
        };
        let set = sources.load()?;
        Ok(Self {
            sources,
            unmatched: args.unmatched,
            client: client(args)?,
            cache: Cache::new(limits::DECISIONS, times(args.cache_ttl)),
            set: ArcSwap::from_pointee(set),
            problem: Mutex::default(),
            failures: AtomicU64::new(0),
        })
    }

    /// Reads the files again; says whether there was something new. Files that
    /// cannot be used leave the policies in force as they are.
    ///
    /// # Errors
    /// [`PoliciesError`] with the first file that cannot be used.
    pub fn refresh(&self) -> Result<bool, PoliciesError> {
        let set = self.sources.load();
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let set = set.inspect_err(|error| {
            self.failures.fetch_add(1, Ordering::Relaxed);
            *problem = Some(error.to_string());
        })?;
        *problem = None;
        if set.digest() == self.set.load().digest() {
            return Ok(false);
        }
        self.set.store(Arc::new(set));
        Ok(true)
    }

    async fn judge(&self, image: &Reference, place: &Place) -> Judgement {
        let set = self.set.load_full();
        let mut options = Options::for_admission();
        options.unmatched = match self.unmatched {
            Unmatched::Allow | Unmatched::Warn => Uncovered::Allow,
            Unmatched::Deny => Uncovered::Deny,
        };
        // Where no policy selects namespaces, all of them share a decision.
        let selects = set.policies().iter().any(Policy::selects_namespaces);
        options.namespace = selects.then(|| known_labels(place));
        let now = Timestamp::now();
        let decision = self
            .cache
            .decide(&self.client, image, &set, &options, now)
            .await;
        let judgement = told::judgement(&decision);
        let uncovered = judgement.outcome == Outcome::Allow && judgement.reason == Reason::NoPolicy;
        if uncovered && self.unmatched == Unmatched::Warn {
            return judgement.warn("no policy covers it; it was not checked");
        }
        judgement
    }
}

impl Decider for Policies {
    fn decide<'a>(&'a self, image: &'a Reference, place: &'a Place) -> BoxFuture<'a, Judgement> {
        Box::pin(self.judge(image, place))
    }

    fn readiness(&self) -> Readiness {
        let count = self.set.load().policies().len();
        let noun = if count == 1 { "policy" } else { "policies" };
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        Readiness::Ready(match &*problem {
            Some(problem) => {
                format!("{count} {noun} in force, older than the files: {problem}")
            }
            None => format!("{count} {noun} in force"),
        })
    }

    fn counts(&self) -> Counts {
        Counts {
            cache_hits: self.cache.hits(),
            cache_misses: self.cache.misses(),
            registry_requests: self.cache.questions(),
            policies: u64::try_from(self.set.load().policies().len()).unwrap_or(u64::MAX),
            policy_failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

/// A review says in which namespace the object is, and not what labels that
/// namespace has but for this one, which every namespace has.
fn known_labels(place: &Place) -> NamespaceLabels {
    let mut labels = NamespaceLabels::new();
    if !place.namespace.is_empty() {
        labels.insert(
            "kubernetes.io/metadata.name".to_owned(),
            place.namespace.clone(),
        );
    }
    labels
}

/// Where policies, and whom they trust, are read from.
#[derive(Debug)]
struct Sources {
    folder: PathBuf,
    trusted_root: Option<PathBuf>,
    named: Option<Store>,
    /// How stale a named root may be.
    most: SignedDuration,
}

impl Sources {
    fn load(&self) -> Result<PolicySet, PoliciesError> {
        let named = |name: &str| self.named(name);
        let set = PolicySet::load_with(std::slice::from_ref(&self.folder), &named)?;
        match &self.trusted_root {
            Some(path) => Ok(set.with_trusted_root(read(path)?)?),
            None => Ok(set),
        }
    }

    fn named(&self, name: &str) -> Result<KnownRoot, String> {
        let store = self.named.as_ref();
        let store = store.ok_or_else(|| {
            format!("the trust root `{name}` is in no folder: --trust-dir names one")
        })?;
        let name: Name = name.parse().map_err(|e: NameError| e.to_string())?;
        let root = store
            .load(&name, Timestamp::now())
            .map_err(|e| e.to_string())?;
        let expires = root.expires();
        Ok(KnownRoot {
            age: RootAge {
                origin: root.origin.to_string(),
                fetched: root.fetched(),
                expires,
                tolerated: expires.and_then(|until| until.checked_add(self.most).ok()),
            },
            document: String::from_utf8(root.trusted_root)
                .map_err(|_| format!("the trust root `{name}` is not UTF-8 text"))?,
        })
    }
}

fn client(args: &DecideArgs) -> Result<Client, PoliciesError> {
    let mut builder = Client::builder()
        .insecure_http(args.insecure_http)
        .timeout(args.deadline)
        .concurrency(limits::REGISTRY_REQUESTS)
        .user_agent(concat!("waxseal-admission/", env!("CARGO_PKG_VERSION")));
    for path in &args.ca_cert {
        builder = builder.ca_pem(read(path)?);
    }
    if let Some(path) = &args.registry_config {
        builder = builder.docker_config(path);
    }
    Ok(builder.build()?)
}

fn read(path: &Path) -> Result<Vec<u8>, PoliciesError> {
    files::read(path).map_err(|error| PoliciesError::File {
        path: path.to_owned(),
        error,
    })
}

fn times(allow: Duration) -> CacheTimes {
    let default = CacheTimes::default();
    CacheTimes {
        allow,
        deny: default.deny.min(allow),
        unable: default.unable.min(allow),
        resolved: default.resolved.min(allow),
    }
}

/// Why nothing can be decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoliciesError {
    /// The client for registries.
    #[error("registries cannot be asked: {0}")]
    Client(#[from] waxseal_registry::Error),
    /// A file.
    #[error("`{}` cannot be read: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The policies.
    #[error("policies: {0}")]
    Set(#[from] PolicySetError),
}
