//! What is kept of one named root: one file, replaced as a whole, so that it
//! is never half of one state and half of another.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::limits;
use crate::tuf::Files;

/// The file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) source: Source,
    /// What was verified last, below which nothing is accepted.
    #[serde(default)]
    pub(crate) floor: Texts,
    /// What was complete last.
    #[serde(default)]
    pub(crate) current: Option<Current>,
}

/// Where the root comes from.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "type", deny_unknown_fields)]
pub(crate) enum Source {
    /// From the repository, and by the root, that are in the program.
    Embedded,
    /// From the operator.
    #[serde(rename_all = "camelCase")]
    File {
        kept: Timestamp,
        trusted_root: String,
        #[serde(default)]
        signing_config: Option<String>,
    },
    /// From a repository, by the root that the operator gave.
    Repository { url: String, root: String },
}

/// A state of the repository that was verified as a whole.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Current {
    pub(crate) fetched: Timestamp,
    pub(crate) files: Texts,
}

/// Files by name. All of them are JSON, and kept as they were received.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// What is no text is no JSON and was not verified; it is left out.
    pub(crate) fn of(files: Files) -> Self {
        let texts = files.into_iter().filter_map(|(name, bytes)| {
            let text = String::from_utf8(bytes).ok()?;
            Some((name, text))
        });
        Self(texts.collect())
    }

    pub(crate) fn files(&self) -> Files {
        let bytes = |(name, text): (&String, &String)| (name.clone(), text.clone().into_bytes());
        self.0.iter().map(bytes).collect()
    }
}

impl State {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            api_version: VERSION.to_owned(),
            kind: KIND.to_owned(),
            source,
            floor: Texts::default(),
            current: None,
        }
    }

    /// The state in this file, if there is such a file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let failed = |e: std::io::Error| io("read", path, &e);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let mut bytes = Vec::new();
        file.take(limits::STATE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        check_size(path, &bytes)?;
        let malformed = |reason: String| StoreError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let state: Self = serde_json::from_slice(&bytes).map_err(|e| malformed(e.to_string()))?;
        if state.api_version != VERSION || state.kind != KIND {
            return Err(malformed(format!(
                "it is a {} of {}",
                state.kind.escape_debug(),
                state.api_version.escape_debug()
            )));
        }
        Ok(Some(state))
    }

    /// Puts the state in the place of what is in this file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let malformed = |e: serde_json::Error| StoreError::Malformed {
            path: path.to_owned(),
            reason: e.to_string(),
        };
        let mut bytes = serde_json::to_vec_pretty(self).map_err(malformed)?;
        bytes.push(b'\n');
        check_size(path, &bytes)?;
        replace(path, &bytes)
    }
}

/// Replaces a file as a whole, or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let failed = |e: &std::io::Error| io("write", path, e);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|e| io("make", folder, &e))?;
    let mut file = tempfile::Builder::new()
        .prefix(".waxseal-")
        .tempfile_in(folder)
        .map_err(|e| failed(&e.kind().into()))?;
    file.write_all(bytes).map_err(|e| failed(&e))?;
    open_to_all(file.as_file()).map_err(|e| failed(&e))?;
    file.as_file().sync_all().map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    // Without it the old file may be there again after a crash, which is as good.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn check_size(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits::STATE_BYTES {
        return Err(StoreError::TooLarge(path.to_owned()));
    }
    Ok(())
}

pub(crate) fn io(action: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io {
        action,
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(unix)]
fn open_to_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    // Whom one trusts is no secret.
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_all(_: &File) -> std::io::Result<()> {
    Ok(())
}

const VERSION: &str = "waxseal.dev/v1alpha1";
const KIND: &str = "TrustState";
