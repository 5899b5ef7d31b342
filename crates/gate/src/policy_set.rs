//! The policies that are in force together, and the bytes that they came from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use waxseal_oci::{Digest, Reference};
use waxseal_policy::{
    KeySource, NamespaceLabels, Policy, PolicyDocument, PolicyError, RootAge, RootDemand, RootUsed,
};
use waxseal_verify::{Trust, TrustedRoot, TrustedRootError};

use crate::flags::FlagsSource;
use crate::limits;

/// Policies, with the keys and the trust root that they rest on.
///
/// Two sets with the same [`digest`](Self::digest) give the same verdicts.
#[derive(Clone, Debug)]
pub struct PolicySet {
    policies: Vec<Policy>,
    root: Option<TrustedRoot>,
    ages: BTreeMap<String, RootAge>,
    sources: SetSource,
    digest: Digest,
}

/// What a set is made of: bytes that can be kept in an evidence file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetSource {
    /// The policies, in the order in which they were given.
    pub(crate) policies: Vec<PolicySource>,
    /// The text of `trusted_root.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_root: Option<String>,
    /// The operator's name of that, and its age, where it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_root_name: Option<SharedName>,
}

/// The operator's name of the trust root that all authorities share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SharedName {
    name: String,
    age: RootAge,
}

/// A trust root from the operator's store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct KnownRoot {
    /// The text of `trusted_root.json`.
    pub document: String,
    /// Where it is from, and how old it is.
    pub age: RootAge,
}

/// Where a policy comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "from",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(crate) enum PolicySource {
    /// A file, with the files that it names.
    File {
        /// Its name, for messages.
        name: String,
        /// Its text.
        yaml: String,
        /// The files that it names, by the names that it uses.
        files: BTreeMap<String, String>,
        /// The trust roots that it names, by the operator's names.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        roots: BTreeMap<String, KnownRoot>,
    },
    /// Command-line flags.
    Flags(FlagsSource),
}

impl PolicySet {
    /// Reads policy files, and every policy file (`*.yaml`, `*.yml`) of folders.
    /// Key files are looked for beside the policy that names them.
    ///
    /// # Errors
    /// [`PolicySetError`] with the first file that cannot be used; a policy that
    /// names a trust root by an operator's name is one.
    pub fn load(paths: &[PathBuf]) -> Result<Self, PolicySetError> {
        Self::load_with(paths, &|name| {
            Err(format!("no trust roots are known by name: `{name}`"))
        })
    }

    /// The same, with `roots` giving the trust root of an operator's name, of
    /// whatever age: how old it may be is decided with each image. Each is
    /// asked for once.
    ///
    /// # Errors
    /// [`PolicySetError`] with the first file that cannot be used.
    pub fn load_with(paths: &[PathBuf], roots: Roots<'_>) -> Result<Self, PolicySetError> {
        let mut files = Vec::new();
        for path in paths {
            if path.is_dir() {
                files.extend(policy_files(path)?);
            } else {
                files.push(path.clone());
            }
        }
        let known = RefCell::new(BTreeMap::new());
        let once = |name: &str| {
            if let Some(root) = known.borrow().get(name) {
                return Ok(KnownRoot::clone(root));
            }
            let root = roots(name)?;
            known.borrow_mut().insert(name.to_owned(), root.clone());
            Ok(root)
        };
        let policies = files
            .iter()
            .map(|f| read_policy(f, &once))
            .collect::<Result<_, _>>()?;
        Self::compile(SetSource {
            policies,
            ..SetSource::default()
        })
    }

    /// The policy that command-line flags stand for.
    ///
    /// # Errors
    /// [`PolicySetError::Policy`] where the flags make no policy.
    pub fn from_flags(flags: FlagsSource) -> Result<Self, PolicySetError> {
        Self::compile(SetSource {
            policies: vec![PolicySource::Flags(flags)],
            ..SetSource::default()
        })
    }

    /// The same set, with a trust root to check logs, timestamps and
    /// certificates by. `json` comes from the operator.
    ///
    /// # Errors
    /// [`PolicySetError::TrustedRoot`].
    pub fn with_trusted_root(self, json: Vec<u8>) -> Result<Self, PolicySetError> {
        let text = String::from_utf8(json).map_err(|_| PolicySetError::RootEncoding)?;
        Self::compile(SetSource {
            trusted_root: Some(text),
            ..self.sources
        })
    }

    /// The same, with one from the operator's store. Nothing is decided by it when
    /// it is stale.
    ///
    /// # Errors
    /// [`PolicySetError::TrustedRoot`].
    pub fn with_named_root(self, name: &str, root: KnownRoot) -> Result<Self, PolicySetError> {
        Self::compile(SetSource {
            trusted_root: Some(root.document),
            trusted_root_name: Some(SharedName {
                name: name.to_owned(),
                age: root.age,
            }),
            ..self.sources
        })
    }

    pub(crate) fn compile(sources: SetSource) -> Result<Self, PolicySetError> {
        let mut policies = Vec::new();
        let mut ages = BTreeMap::new();
        for source in &sources.policies {
            match source {
                PolicySource::File {
                    name,
                    yaml,
                    files,
                    roots,
                } => {
                    policies.extend(compile_file(name, yaml, files, roots)?);
                    ages.extend(roots.iter().map(|(n, r)| (n.clone(), r.age.clone())));
                }
                PolicySource::Flags(flags) => {
                    policies.push(flags.compile()?);
                    ages.extend(flags.roots.iter().map(|(n, r)| (n.clone(), r.age.clone())));
                }
            }
        }
        if policies.is_empty() {
            return Err(PolicySetError::Empty);
        }
        Policy::check_names(&policies).map_err(PolicySetError::Names)?;
        let root = match &sources.trusted_root {
            Some(text) => Some(TrustedRoot::from_json(text.as_bytes())?),
            None => None,
        };
        let written = serde_json::to_vec(&sources).unwrap_or_default();
        Ok(Self {
            policies,
            root,
            ages,
            digest: Digest::sha256(&written),
            sources,
        })
    }

    pub(crate) fn sources(&self) -> &SetSource {
        &self.sources
    }

    /// The policies.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policies that cover an image, in a namespace of which these labels
    /// are known. Where a label that a policy selects by is not known, the
    /// policy covers the image: not to know is no reason to let it in.
    pub fn covering<'a>(
        &'a self,
        image: &'a Reference,
        known: Option<&'a NamespaceLabels>,
    ) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().filter(move |policy| match known {
            Some(known) => policy.may_cover(image, known),
            None => policy.covers(image, None),
        })
    }

    /// What is trusted besides the authorities.
    #[must_use]
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            root: self.root.as_ref(),
        }
    }

    /// The trust roots with names that a verdict of the policy called `policy`
    /// rests on, held against what it says of their age.
    #[must_use]
    pub fn roots_of(&self, policy: &str, now: Timestamp) -> Vec<RootUsed> {
        let mut used = Vec::new();
        if let Some(shared) = &self.sources.trusted_root_name {
            used.push(RootDemand::new(&shared.name).weigh(&shared.age, now));
        }
        let policy = self.policies.iter().find(|p| p.name() == policy);
        for demand in policy.into_iter().flat_map(Policy::trust_roots) {
            // One of which nothing is known has no age either.
            let age = self.ages.get(&demand.name).cloned().unwrap_or_default();
            used.push(demand.weigh(&age, now));
        }
        used
    }

    /// The digest of all that the set is made of: policies, keys, trust root.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// How a trust root is had by its name: the root, or why not.
pub type Roots<'a> = &'a dyn Fn(&str) -> Result<KnownRoot, String>;

/// Why policies cannot be used.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicySetError {
    /// There is no policy.
    #[error("there is no policy: {0}")]
    NoneIn(String),
    /// There is no policy at all.
    #[error("there is no policy")]
    Empty,
    /// A file cannot be read.
    #[error("cannot read `{path}`: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A flag's key is not one.
    #[error("the key `{name}`: {reason}")]
    Key {
        /// The key's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A flag's identity is not one.
    #[error("{0}")]
    Identity(String),
    /// A trust root that a policy names cannot be had.
    #[error("the policy `{policy}`: {reason}")]
    NamedRoot {
        /// The policy's file.
        policy: String,
        /// Why not.
        reason: String,
    },
    /// Two policies have one name.
    #[error("the policies: {0}")]
    Names(PolicyError),
    /// A policy does not load.
    #[error("the policy `{name}`: {reason}")]
    Policy {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: PolicyError,
    },
    /// The flags make no policy.
    #[error("{0}")]
    Flags(PolicyError),
    /// The trust root is not text.
    #[error("trust root: it is not UTF-8 text")]
    RootEncoding,
    /// The trust root does not load.
    #[error(transparent)]
    TrustedRoot(#[from] TrustedRootError),
}

fn compile_file(
    name: &str,
    yaml: &str,
    files: &BTreeMap<String, String>,
    roots: &BTreeMap<String, KnownRoot>,
) -> Result<Vec<Policy>, PolicySetError> {
    let about = |reason| PolicySetError::Policy {
        name: name.to_owned(),
        reason,
    };
    let documents = PolicyDocument::parse(yaml).map_err(about)?;
    let read = |source: &KeySource| match source {
        KeySource::Pem(pem) => Ok(pem.clone().into_bytes()),
        KeySource::File(file) => files
            .get(file)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| format!("the file `{file}` is not at hand")),
        KeySource::TrustRoot(root) => roots
            .get(root)
            .map(|root| root.document.clone().into_bytes())
            .ok_or_else(|| format!("the trust root `{root}` is not at hand")),
        _ => Err("this way of naming a key is not supported".to_owned()),
    };
    documents
        .into_iter()
        .map(|document| document.compile(&read).map_err(about))
        .collect()
}

fn read_policy(path: &Path, named: Roots<'_>) -> Result<PolicySource, PolicySetError> {
    let name = path.display().to_string();
    let yaml = read_text(path)?;
    let documents = PolicyDocument::parse(&yaml).map_err(|reason| PolicySetError::Policy {
        name: name.clone(),
        reason,
    })?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut files = BTreeMap::new();
    let mut roots = BTreeMap::new();
    for document in &documents {
        for source in document.trust_roots() {
            match source {
                KeySource::File(file) => {
                    let text = read_text(&beside.join(&file))?;
                    files.insert(file, text);
                }
                KeySource::TrustRoot(root) => {
                    let refuse = |reason| PolicySetError::NamedRoot {
                        policy: name.clone(),
                        reason,
                    };
                    let known = named(&root).map_err(refuse)?;
                    roots.insert(root, known);
                }
                _ => {}
            }
        }
        for (_, source) in document.keys() {
            if let KeySource::File(file) = source {
                files.insert(file.clone(), read_text(&beside.join(file))?);
            }
        }
    }
    Ok(PolicySource::File {
        name,
        yaml,
        files,
        roots,
    })
}

fn policy_files(folder: &Path) -> Result<Vec<PathBuf>, PolicySetError> {
    let refuse = |reason: std::io::Error| PolicySetError::File {
        path: folder.display().to_string(),
        reason: reason.to_string(),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if is_yaml && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        let reason = format!("no `*.yaml` in `{}`", folder.display());
        return Err(PolicySetError::NoneIn(reason));
    }
    files.sort();
    Ok(files)
}

fn read_text(path: &Path) -> Result<String, PolicySetError> {
    let refuse = |reason: String| PolicySetError::File {
        path: path.display().to_string(),
        reason,
    };
    let file = fs::File::open(path).map_err(|e| refuse(e.to_string()))?;
    let mut bytes = Vec::new();
    let limited = file.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes);
    limited.map_err(|e| refuse(e.to_string()))?;
    if u64::try_from(bytes.len()).is_ok_and(|n| n > limits::FILE_BYTES) {
        return Err(refuse(format!(
            "it is larger than {} bytes",
            limits::FILE_BYTES
        )));
    }
    String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8 text".to_owned()))
}
