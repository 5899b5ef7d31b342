//! Named trust roots in a folder.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Url;

use crate::document;
use crate::embedded::Embedded;
use crate::error::{StoreError, UpdateError};
use crate::fetch::{Fetch, FetchError, check_url};
use crate::named::{NamedRoot, Origin};
use crate::state::{Current, Source, State, Texts, io};
use crate::tuf::{self, Refreshed};
use crate::{Name, limits};

/// A folder of named trust roots, one file each. Whoever can write it decides
/// whom a root that is pinned or given there trusts; those that are embedded in
/// the program are followed from the program's own pin.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    replacing: bool,
}

/// What an update came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Updated {
    /// The root as it is now.
    pub root: NamedRoot,
    /// Whether it is another one than before.
    pub changed: bool,
}

impl Store {
    /// The roots in this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            replacing: false,
        }
    }

    /// The same, in which [`pin`](Self::pin) and [`keep`](Self::keep) put what
    /// they are given in the place of another root of that name, even of one that
    /// cannot be read. All that was known of that one is forgotten, the versions
    /// below which nothing was accepted, too.
    #[must_use]
    pub fn replacing(self) -> Self {
        Self {
            replacing: true,
            ..self
        }
    }

    /// The names of all roots: those in the folder and those in the program.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::TooMany`].
    pub fn names(&self) -> Result<Vec<Name>, StoreError> {
        let mut names: BTreeSet<Name> = Embedded::ALL
            .iter()
            .filter_map(|one| one.name.parse().ok())
            .collect();
        names.extend(self.kept()?);
        Ok(names.into_iter().collect())
    }

    /// The names of the roots that have a file.
    ///
    /// # Errors
    /// As [`Store::names`].
    pub fn kept(&self) -> Result<BTreeSet<Name>, StoreError> {
        let mut names = BTreeSet::new();
        let failed = |e: &std::io::Error| io("read", &self.folder, e);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(names),
            Err(e) => return Err(failed(&e)),
        };
        for entry in entries {
            let name = entry.map_err(|e| failed(&e))?.file_name();
            let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) else {
                continue;
            };
            if let Ok(name) = stem.parse() {
                names.insert(name);
            }
            if names.len() > limits::NAMES {
                return Err(StoreError::TooMany(self.folder.clone()));
            }
        }
        Ok(names)
    }

    /// The root of this name. What was fetched is verified once more, from the
    /// pin on, as of when it was fetched; whether it is still vouched for at `now`
    /// is said by [`NamedRoot::standing`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, name: &Name, now: Timestamp) -> Result<NamedRoot, StoreError> {
        let state = State::read(&self.path(name))?;
        let embedded = Embedded::of(name);
        let Some(state) = state else {
            return embedded
                .map(|embedded| copy(name, embedded))
                .ok_or_else(|| StoreError::Unknown {
                    name: name.to_string(),
                });
        };
        if let (
            None,
            Source::File {
                kept,
                trusted_root,
                signing_config,
            },
        ) = (embedded, &state.source)
        {
            let trusted_root = trusted_root.clone().into_bytes();
            let signing_config = signing_config.clone().map(String::into_bytes);
            document::check(&trusted_root, signing_config.as_deref())?;
            return Ok(NamedRoot {
                name: name.clone(),
                origin: Origin::File { kept: *kept },
                trusted_root,
                signing_config,
            });
        }
        let (url, pin) = self.repository(name, &state)?;
        let Some(current) = &state.current else {
            return match embedded {
                Some(embedded) => Ok(copy(name, embedded)),
                None => Err(StoreError::NotFetched {
                    name: name.to_string(),
                    url: url.to_string(),
                }),
            };
        };
        let ahead = current.fetched.duration_since(now);
        if ahead > limits::CLOCK_SKEW {
            return Err(StoreError::FromTheFuture {
                name: name.to_string(),
                fetched: current.fetched,
            });
        }
        let unverified = |cause: UpdateError| StoreError::Unverified {
            name: name.to_string(),
            cause: Box::new(cause),
        };
        let files = current.files.files();
        let found = tuf::reread(&files, &pin, current.fetched).map_err(unverified)?;
        document::check(&found.trusted_root, found.signing_config.as_deref())?;
        Ok(fetched(name, &url, current.fetched, found))
    }

    /// Names a TUF repository, and the `root.json` from which it is followed.
    /// Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::Pin`], [`StoreError::Reserved`], [`StoreError::Exists`] where
    /// the name is that of another repository, [`StoreError::Io`].
    pub fn pin(&self, name: &Name, url: &str, root: &[u8]) -> Result<(), StoreError> {
        not_reserved(name)?;
        let refused = |cause: UpdateError| StoreError::Pin(Box::new(cause));
        address(url).map_err(|e| refused(e.into()))?;
        tuf::check_pin(root).map_err(refused)?;
        let malformed = |e: std::string::FromUtf8Error| UpdateError::Malformed {
            file: "root.json".to_owned(),
            reason: e.to_string(),
        };
        let root = String::from_utf8(root.to_vec())
            .map_err(malformed)
            .map_err(refused)?;
        let url = url.to_owned();
        self.put(name, Source::Repository { url, root })
    }

    /// Keeps a trusted root, and perhaps the signing configuration that goes with
    /// it, as they are.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], [`StoreError::Reserved`], [`StoreError::Exists`]
    /// where the name is that of another one, [`StoreError::Io`].
    pub fn keep(
        &self,
        name: &Name,
        trusted_root: &[u8],
        signing_config: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        not_reserved(name)?;
        document::check(trusted_root, signing_config)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let source = Source::File {
            kept: now,
            trusted_root: text(trusted_root),
            signing_config: signing_config.map(text),
        };
        self.put(name, source)
    }

    /// Asks a root's repository for what it vouches for now. Where that is
    /// refused, the root stays what it was.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub async fn update(
        &self,
        name: &Name,
        fetch: Arc<dyn Fetch>,
        now: Timestamp,
    ) -> Result<Updated, UpdateError> {
        let path = self.path(name);
        let _locked = self.lock(name)?;
        let state = State::read(&path)?;
        let mut state = match (state, Embedded::of(name)) {
            (Some(state), _) => state,
            (None, Some(_)) => State::new(Source::Embedded),
            (None, None) => {
                let name = name.to_string();
                return Err(StoreError::Unknown { name }.into());
            }
        };
        if Embedded::of(name).is_none() && matches!(state.source, Source::File { .. }) {
            let name = name.to_string();
            return Err(UpdateError::NoRepository { name });
        }
        let (url, pin) = self.repository(name, &state)?;
        let before = state.clone();
        let mut floor = state.floor.files();
        let followed = tuf::follow(fetch, url.clone(), &pin, &mut floor, now).await;
        state.floor = Texts::of(floor);
        let followed = followed.and_then(|found| {
            // What could not be read again would take the place of what can.
            tuf::reread(&found.files, &pin, now)?;
            document::check(&found.trusted_root, found.signing_config.as_deref())
                .map_err(unusable)?;
            Ok(found)
        });
        let found = match followed {
            Ok(found) => found,
            Err(error) => {
                // What was verified on the way is not forgotten.
                if state != before {
                    state.write(&path)?;
                }
                return Err(error);
            }
        };
        state.current = Some(Current {
            fetched: now,
            files: Texts::of(found.files.clone()),
        });
        state.write(&path)?;
        let targets = |state: &State| {
            let files = state.current.as_ref().map(|current| current.files.files());
            let mut files = files.unwrap_or_default();
            files.retain(|name, _| name.starts_with("targets/"));
            files
        };
        Ok(Updated {
            changed: targets(&before) != targets(&state),
            root: fetched(name, &url, now, found),
        })
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{name}{SUFFIX}"))
    }

    /// Puts a source there, unless there is another one that is not to be replaced.
    /// What was fetched from the same one stays.
    fn put(&self, name: &Name, source: Source) -> Result<(), StoreError> {
        let _locked = self.lock(name)?;
        let path = self.path(name);
        match State::read(&path) {
            Ok(Some(state)) if state.source == source => Ok(()),
            Ok(None) => State::new(source).write(&path),
            Ok(Some(_)) | Err(StoreError::Malformed { .. }) if self.replacing => {
                State::new(source).write(&path)
            }
            Ok(Some(_)) => Err(StoreError::Exists {
                name: name.to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Where the root's repository is, and from which root it is followed. For
    /// the names that are in the program, the file has no say in it.
    fn repository(&self, name: &Name, state: &State) -> Result<(Url, Vec<u8>), StoreError> {
        let malformed = |reason: String| StoreError::Malformed {
            path: self.path(name),
            reason,
        };
        let (url, pin) = match (Embedded::of(name), &state.source) {
            (Some(embedded), _) => (embedded.url, embedded.pin),
            (None, Source::Repository { url, root }) => (url.as_str(), root.as_bytes()),
            (None, _) => return Err(malformed("it names no repository".to_owned())),
        };
        let url = address(url).map_err(|e| malformed(e.to_string()))?;
        Ok((url, pin.to_vec()))
    }

    /// Two updates at once could put the older state in the place of the newer.
    fn lock(&self, name: &Name) -> Result<File, StoreError> {
        fs::create_dir_all(&self.folder).map_err(|e| io("make", &self.folder, &e))?;
        let path = self.folder.join(format!(".{name}.lock"));
        let file = File::create(&path).map_err(|e| io("write", &path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy {
                name: name.to_string(),
            }),
            Err(TryLockError::Error(e)) => Err(io("lock", &path, &e)),
        }
    }
}

fn not_reserved(name: &Name) -> Result<(), StoreError> {
    match Embedded::of(name) {
        None => Ok(()),
        Some(_) => Err(StoreError::Reserved {
            name: name.to_string(),
        }),
    }
}

pub(crate) fn address(text: &str) -> Result<Url, FetchError> {
    let url = Url::parse(text).map_err(|e| FetchError::Url {
        url: text.escape_debug().to_string(),
        reason: e.to_string(),
    })?;
    check_url(&url)?;
    Ok(url)
}

fn unusable(error: StoreError) -> UpdateError {
    match error {
        StoreError::Unusable { document, reason } => UpdateError::Unusable {
            name: document.to_owned(),
            reason,
        },
        other => other.into(),
    }
}

fn copy(name: &Name, embedded: &Embedded) -> NamedRoot {
    NamedRoot {
        name: name.clone(),
        origin: Origin::Embedded {
            url: embedded.url.to_owned(),
        },
        trusted_root: embedded.trusted_root().to_vec(),
        signing_config: embedded.signing_config().map(<[u8]>::to_vec),
    }
}

fn fetched(name: &Name, url: &Url, at: Timestamp, found: Refreshed) -> NamedRoot {
    NamedRoot {
        name: name.clone(),
        origin: Origin::Repository {
            url: url.to_string(),
            fetched: at,
            expires: found.expires,
            root_version: found.root_version,
        },
        trusted_root: found.trusted_root,
        signing_config: found.signing_config,
    }
}

const SUFFIX: &str = ".json";
