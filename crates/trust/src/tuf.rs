//! The TUF workflow over a repository, a network's or the one that is kept.
//!
//! `sigstore-tuf` does the verifying. Here is what it is given, how what it says
//! is named, and what is kept of it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use reqwest::Url;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, MetadataStore, Repository, TrustedMetadataSet, Updater, UpdaterConfig};

use crate::error::UpdateError;
use crate::fetch::{Fetch, FetchError};
use crate::limits;

/// Files by name: `root_history/2.root.json`, `timestamp.json`, `snapshot.json`,
/// `targets.json` and those of delegated roles; of what was complete also
/// `targets/trusted_root.json`.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// What a repository has, all of it verified.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) files: Files,
    pub(crate) trusted_root: Vec<u8>,
    pub(crate) signing_config: Option<Vec<u8>>,
    /// When the first of the roles expires.
    pub(crate) expires: Timestamp,
    pub(crate) root_version: u64,
}

/// Follows a repository from `pin` at `now`. `floor` is what was verified before:
/// nothing older is accepted. What is verified on the way replaces it, even where
/// the end is not reached, so that nothing older is accepted later either.
pub(crate) async fn follow(
    fetch: Arc<dyn Fetch>,
    base: Url,
    pin: &[u8],
    floor: &mut Files,
    now: Timestamp,
) -> Result<Refreshed, UpdateError> {
    let seen = Seen::default();
    let remote = Remote {
        fetch,
        targets: below(&base, "targets"),
        base,
        seen: seen.clone(),
    };
    let mut refreshed = with_floor(remote, pin, floor, async |updater| {
        refresh(updater, &seen, now).await
    })
    .await?;
    refreshed.files.extend(floor.clone());
    Ok(refreshed)
}

/// The same for targets of any names, kept apart from the metadata.
pub(crate) async fn targets(
    fetch: Arc<dyn Fetch>,
    (base, targets): (Url, Url),
    pin: &[u8],
    floor: &mut Files,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, UpdateError> {
    let seen = Seen::default();
    let remote = Remote {
        fetch,
        base,
        targets,
        seen: seen.clone(),
    };
    with_floor(remote, pin, floor, async |mut updater| {
        updater.refresh(now).await.map_err(|e| name(e, &seen))?;
        let mut all = Vec::new();
        for name in names {
            let found = target(&mut updater, name, &seen, now).await?;
            all.push(found.ok_or_else(|| UpdateError::TargetUnlisted { name: name.clone() })?);
        }
        Ok(all)
    })
    .await
}

/// Works on a repository, with what was verified before, and keeps what is
/// verified now.
async fn with_floor<T>(
    remote: Remote,
    pin: &[u8],
    floor: &mut Files,
    work: impl AsyncFnOnce(Updater) -> Result<T, UpdateError>,
) -> Result<T, UpdateError> {
    let kept = Kept::new(std::mem::take(floor));
    let updater = updater(remote, pin).map(|updater| updater.with_store(kept.clone()));
    let done = match updater {
        Ok(updater) => match tokio::time::timeout(limits::UPDATE, work(updater)).await {
            Ok(done) => done,
            Err(_) => Err(UpdateError::Timeout),
        },
        Err(error) => Err(error),
    };
    *floor = kept.files();
    done
}

/// The address of a folder.
fn below(base: &Url, folder: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{folder}", base.path().trim_end_matches('/')));
    url
}

/// Follows what was kept of a repository, as it was verified at `then`: whoever
/// can write the files cannot make them say anything else.
pub(crate) fn reread(files: &Files, pin: &[u8], then: Timestamp) -> Result<Refreshed, UpdateError> {
    let seen = Seen::default();
    let local = Local {
        files: files.clone(),
        seen: seen.clone(),
    };
    let work = refresh(updater(local, pin)?, &seen, then);
    // Nothing in it waits for anything.
    futures_util::FutureExt::now_or_never(work).unwrap_or(Err(UpdateError::Timeout))
}

/// Whether `pin` is a root that is signed by itself; its version.
pub(crate) fn check_pin(pin: &[u8]) -> Result<u64, UpdateError> {
    let set = TrustedMetadataSet::from_root(pin).map_err(|e| name(e, &Seen::at("root.json")))?;
    Ok(set.root().version)
}

fn updater(repository: impl Repository + 'static, pin: &[u8]) -> Result<Updater, UpdateError> {
    let mut config = UpdaterConfig::default();
    config.root_max_length = limits::ROOT_BYTES;
    config.timestamp_max_length = limits::TIMESTAMP_BYTES;
    config.snapshot_max_length = limits::SNAPSHOT_BYTES;
    config.targets_max_length = limits::TARGETS_BYTES;
    config.target_max_length = limits::DOCUMENT_BYTES;
    config.max_root_rotations = limits::ROTATIONS;
    config.max_delegations = limits::DELEGATIONS;
    let updater = Updater::new(repository, pin).map_err(|e| name(e, &Seen::at("root.json")))?;
    Ok(updater.with_config(config))
}

async fn refresh(
    mut updater: Updater,
    seen: &Seen,
    now: Timestamp,
) -> Result<Refreshed, UpdateError> {
    updater.refresh(now).await.map_err(|e| name(e, seen))?;
    let mut files = Files::new();
    let missing = || UpdateError::TargetUnlisted {
        name: TRUSTED_ROOT.to_owned(),
    };
    let trusted_root = target(&mut updater, TRUSTED_ROOT, seen, now)
        .await?
        .ok_or_else(missing)?;
    files.insert(format!("targets/{TRUSTED_ROOT}"), trusted_root.clone());
    // GitHub's instance has none: nobody signs there but GitHub.
    let signing_config = target(&mut updater, SIGNING_CONFIG, seen, now).await?;
    if let Some(config) = &signing_config {
        files.insert(format!("targets/{SIGNING_CONFIG}"), config.clone());
    }
    let set = updater.trusted();
    let roles = [
        Some(set.root().expires),
        set.timestamp().map(|role| role.expires),
        set.snapshot().map(|role| role.expires),
        set.targets_role("targets").map(|role| role.expires),
    ];
    Ok(Refreshed {
        files,
        trusted_root,
        signing_config,
        expires: roles.into_iter().flatten().min().unwrap_or(now),
        root_version: set.root().version,
    })
}

async fn target(
    updater: &mut Updater,
    target: &str,
    seen: &Seen,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, UpdateError> {
    let info = updater.get_target_info(target, now).await;
    let Some(info) = info.map_err(|e| name(e, seen))? else {
        return Ok(None);
    };
    let got = updater.download_target(&info, target).await;
    got.map(Some).map_err(|error| match error {
        Error::IntegrityMismatch(reason) => UpdateError::Target {
            name: target.to_owned(),
            reason,
        },
        other => name(other, seen),
    })
}

/// What the client says, in our words.
fn name(error: Error, seen: &Seen) -> UpdateError {
    let (file, there) = seen.last();
    match error {
        Error::Expired { role, expires } => UpdateError::Expired { role, expires },
        Error::Rollback { role, trusted, new } => UpdateError::Rollback {
            role,
            trusted,
            offered: new,
        },
        Error::BadRootVersion { trusted, new } => UpdateError::RootVersion {
            trusted,
            offered: new,
        },
        Error::ThresholdNotMet {
            role,
            found,
            threshold,
        } => UpdateError::Signatures {
            role,
            found,
            threshold,
        },
        Error::IntegrityMismatch(reason) => UpdateError::Mismatch { file, reason },
        Error::Transport { source, .. } => {
            let fetch = source
                .as_deref()
                .and_then(|e| e.downcast_ref::<FetchError>());
            match fetch {
                Some(fetch) => UpdateError::Fetch(fetch.clone()),
                None if there => UpdateError::TooManyRoots,
                None => UpdateError::Missing { file },
            }
        }
        other => {
            let mut reason = other.to_string();
            let mut cause = other.source();
            while let Some(inner) = cause {
                reason = format!("{reason}: {inner}");
                cause = inner.source();
            }
            UpdateError::Malformed { file, reason }
        }
    }
}

/// The file that was asked for last, and whether it was there.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<(String, bool)>>);

impl Seen {
    fn at(file: &str) -> Self {
        Self(Arc::new(Mutex::new((file.to_owned(), true))))
    }

    fn note(&self, file: &str, there: bool) {
        *held(&self.0) = (file.to_owned(), there);
    }

    fn last(&self) -> (String, bool) {
        held(&self.0).clone()
    }
}

/// A repository behind a network.
struct Remote {
    fetch: Arc<dyn Fetch>,
    base: Url,
    targets: Url,
    seen: Seen,
}

impl Remote {
    async fn get(&self, base: &Url, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let file = path.rsplit('/').next().unwrap_or(path);
        self.seen.note(file, true);
        let url = below(base, path);
        let got = self.fetch.fetch(&url, limit).await;
        let got = got.map_err(|e| Error::transport_with_source("fetch", e))?;
        // Whoever implements `Fetch` may have forgotten it.
        if let Some(bytes) = &got
            && u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit
        {
            let file = file.to_owned();
            let too_large = FetchError::TooLarge { file, limit };
            return Err(Error::transport_with_source("fetch", too_large));
        }
        self.seen.note(file, got.is_some());
        Ok(got)
    }
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(&self.base, name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(&self.targets, path, max_length))
    }
}

/// A repository that was kept.
struct Local {
    files: Files,
    seen: Seen,
}

impl Local {
    fn get(&self, file: &str, names: [Option<String>; 3]) -> Option<Vec<u8>> {
        let mut found = names
            .into_iter()
            .flatten()
            .map(|name| self.files.get(&name));
        let found = found.find_map(|bytes| bytes.cloned());
        self.seen.note(file, found.is_some());
        found
    }
}

impl Repository for Local {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> FetchFuture<'a> {
        // `5.snapshot.json` is kept as `snapshot.json`.
        let bare = name
            .split_once('.')
            .filter(|(version, _)| version.bytes().all(|c| c.is_ascii_digit()))
            .map(|(_, bare)| bare.to_owned())
            .filter(|bare| bare != "root.json");
        let names = [
            Some(format!("root_history/{name}")),
            Some(name.to_owned()),
            bare,
        ];
        let found = self.get(name, names);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, _: u64) -> FetchFuture<'a> {
        // `<hash>.trusted_root.json` is kept as `trusted_root.json`.
        let bare = path.split_once('.').map(|(_, bare)| bare);
        let names = [
            Some(format!("targets/{path}")),
            bare.map(|bare| format!("targets/{bare}")),
            None,
        ];
        let found = self.get(bare.unwrap_or(path), names);
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// What the client has verified, as it goes.
#[derive(Clone)]
struct Kept(Arc<Mutex<Files>>);

impl Kept {
    fn new(files: Files) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    fn files(&self) -> Files {
        held(&self.0).clone()
    }
}

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        Ok(held(&self.0).get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        // The same bytes under a second name, and targets, which are kept apart.
        let twice = name == "root.json" || name.ends_with(".snapshot.json");
        if !twice && !name.starts_with("targets/") {
            held(&self.0).insert(name.to_owned(), bytes.to_vec());
        }
        Ok(())
    }
}

/// Nothing that is done under these locks can fail half-way.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
