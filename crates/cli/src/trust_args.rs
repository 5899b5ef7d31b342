//! Whom to trust, by file or by name, and what is said about how old that is.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use waxseal_gate::{KnownRoot, PolicySet};
use waxseal_policy::{RootAge, RootDemand, RootUsed};
use waxseal_trust::{Name, NameError, NamedRoot, Origin, Standing, Store, StoreError, limits};
use waxseal_verify::TrustedRoot;

use crate::context::Context;
use crate::error::Failure;
use crate::policy_args::refuse;

/// The root by which identities are checked, and with which keyless signers sign,
/// where nobody names another: the public Sigstore's, as with cosign.
pub(crate) const DEFAULT_ROOT: &str = "sigstore";

/// Whom to trust besides the signer.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct TrustRootArgs {
    /// The logs and authorities that are trusted, as a Sigstore `trusted_root.json`
    #[arg(long, value_name = "FILE", help_heading = ROOT, conflicts_with = "trust_root")]
    trusted_root: Option<PathBuf>,

    /// The same by name: `sigstore` (the default for identities), `github`, or what `waxseal trust
    /// pin` was told
    #[arg(long, value_name = "NAME", help_heading = ROOT)]
    trust_root: Option<Name>,

    /// Take a named root that its repository ceased to vouch for up to this many days ago
    #[arg(long, value_name = "DAYS", help_heading = ROOT)]
    trust_max_stale: Option<u16>,

    #[arg(skip)]
    used: RefCell<Vec<RootUsed>>,
}

impl TrustRootArgs {
    /// Whether somebody is named.
    pub(crate) fn given(&self) -> bool {
        self.trusted_root.is_some() || self.trust_root.is_some()
    }

    /// Whether that is by a file, which has nothing but the root.
    pub(crate) fn is_file(&self) -> bool {
        self.trusted_root.is_some()
    }

    /// The flag that names somebody.
    pub(crate) fn flag(&self) -> &'static str {
        match self.trust_root {
            Some(_) => "--trust-root",
            None => "--trusted-root",
        }
    }

    /// The root, for what is to be verified. Of a named one it is said where it comes
    /// from; a stale one is refused.
    pub(crate) fn root(&self, context: &Context) -> Result<Option<TrustedRoot>, Failure> {
        if let Some(root) = self.file()? {
            return Ok(Some(root));
        }
        let named = self.named(context)?;
        let root = named.map(|root| TrustedRoot::from_json(&root.trusted_root));
        root.transpose().map_err(Failure::new)
    }

    /// The root in the file that was given.
    pub(crate) fn file(&self) -> Result<Option<TrustedRoot>, Failure> {
        let Some(path) = &self.trusted_root else {
            return Ok(None);
        };
        let document = bounded(path, limits::DOCUMENT_BYTES)?;
        let root = TrustedRoot::from_json(&document);
        root.map(Some)
            .map_err(|e| Failure::new(format_args!("`{}`: {e}", path.display())))
    }

    /// The root that was given, without a word of its age: for what only looks
    /// at it.
    pub(crate) fn peek(&self, context: &Context) -> Result<Option<TrustedRoot>, Failure> {
        let Some(name) = &self.trust_root else {
            return self.file();
        };
        let root = load(context, name)?;
        let root = TrustedRoot::from_json(&root.trusted_root);
        root.map(Some).map_err(Failure::new)
    }

    /// The root of the name that was given.
    pub(crate) fn named(&self, context: &Context) -> Result<Option<NamedRoot>, Failure> {
        let Some(name) = &self.trust_root else {
            return Ok(None);
        };
        self.admitted(context, name).map(Some)
    }

    /// A root that a policy names. It is said how old it is; whether that is too
    /// old, the policy says.
    pub(crate) fn of_policy(&self, context: &Context, name: &str) -> Result<KnownRoot, String> {
        let root = named_by_policy(context, name)?;
        say(context, &root, root.standing(context.now()));
        known(&root, self.tolerance())
    }

    /// The policies with the root that the flags name, if they do.
    pub(crate) fn join(&self, context: &Context, set: PolicySet) -> Result<PolicySet, Failure> {
        let set = match (&self.trusted_root, self.named(context)?) {
            (Some(path), _) => set.with_trusted_root(bounded(path, limits::DOCUMENT_BYTES)?),
            (None, Some(root)) => {
                let known = known(&root, self.tolerance()).map_err(Failure::new)?;
                set.with_named_root(root.name.as_str(), known)
            }
            (None, None) => return Ok(set),
        };
        set.map_err(refuse)
    }

    /// For how long one is taken that nobody vouches for any more.
    fn tolerance(&self) -> SignedDuration {
        let days = i64::from(self.trust_max_stale.unwrap_or_default());
        SignedDuration::from_hours(days.saturating_mul(24))
    }

    /// A root that other flags imply, by its name.
    pub(crate) fn implied(&self, context: &Context, name: &str) -> Result<TrustedRoot, Failure> {
        let name: Name = name.parse().map_err(|e: NameError| Failure::new(e))?;
        let root = self.admitted(context, &name)?;
        TrustedRoot::from_json(&root.trusted_root).map_err(Failure::new)
    }

    fn admitted(&self, context: &Context, name: &Name) -> Result<NamedRoot, Failure> {
        let root = load(context, name)?;
        let standing = root.admit(context.now(), self.tolerance()).map_err(|e| {
            Failure::new(&e).hint(format!(
                "`waxseal trust update {name}` renews it; --trust-max-stale DAYS takes it as it is"
            ))
        })?;
        say(context, &root, standing);
        let demand = RootDemand::new(root.name.as_str());
        let used = demand.weigh(&age(&root, self.tolerance()), context.now());
        self.used.borrow_mut().push(used);
        Ok(root)
    }

    /// The named roots that were used so far, for the answer.
    pub(crate) fn used(&self) -> Vec<RootUsed> {
        self.used.borrow().clone()
    }
}

/// A named root from the store, whatever its age.
pub(crate) fn load(context: &Context, name: &Name) -> Result<NamedRoot, Failure> {
    let store = store()?;
    store.load(name, context.now()).map_err(failed)
}

/// A root that a policy names, without a word of its age: for a policy that is
/// looked at, and decides nothing.
pub(crate) fn of_policy(context: &Context, name: &str) -> Result<KnownRoot, String> {
    known(&named_by_policy(context, name)?, SignedDuration::ZERO)
}

fn named_by_policy(context: &Context, name: &str) -> Result<NamedRoot, String> {
    let name: Name = name.parse().map_err(|e: NameError| e.to_string())?;
    load(context, &name).map_err(|failure| failure.in_one_line())
}

/// A root with its age, as verdicts need it.
fn known(root: &NamedRoot, tolerance: SignedDuration) -> Result<KnownRoot, String> {
    let document = String::from_utf8(root.trusted_root.clone())
        .map_err(|_| format!("the trust root `{}` is not UTF-8 text", root.name))?;
    let age = age(root, tolerance);
    Ok(KnownRoot { document, age })
}

fn age(root: &NamedRoot, tolerance: SignedDuration) -> RootAge {
    let expires = root.expires();
    RootAge {
        origin: root.origin.to_string(),
        fetched: root.fetched(),
        expires,
        tolerated: expires.and_then(|until| until.checked_add(tolerance).ok()),
    }
}

/// Where named roots are: the folder that the environment names, else the one
/// where this system keeps a person's data.
pub(crate) fn store() -> Result<Store, Failure> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("WAXSEAL_TRUST_DIR") {
        return Ok(Store::new(PathBuf::from(folder)));
    }
    let home = || set("HOME").map(PathBuf::from);
    let data = if cfg!(windows) {
        set("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        let xdg = set("XDG_DATA_HOME").map(PathBuf::from);
        xdg.filter(|folder| folder.is_absolute())
            .or_else(|| home().map(|home| home.join(".local/share")))
    };
    let data = data.ok_or_else(|| {
        Failure::new(
            "there is no folder for trust roots: neither HOME nor WAXSEAL_TRUST_DIR is set",
        )
    })?;
    Ok(Store::new(data.join("waxseal").join("trust")))
}

/// What is wrong with the store, with what to do about it.
pub(crate) fn failed(error: StoreError) -> Failure {
    Failure::new(&error).maybe_hint(error.hint())
}

/// Says which root is used, and how old it is.
pub(crate) fn say(context: &Context, root: &NamedRoot, standing: Standing) {
    let name = &root.name;
    let aged = Aged(root, context.now());
    match standing {
        Standing::Embedded => context.note(format_args!(
            "trust root `{name}`: {aged}; `waxseal trust update {name}` fetches the current one"
        )),
        Standing::Stale { since } => context.warn(format_args!(
            "the trust root `{name}` is stale: {aged}, vouched for until {since}"
        )),
        _ => context.note(format_args!("trust root `{name}`: {aged}")),
    }
}

/// Where a root is from, and how long ago that was.
pub(crate) struct Aged<'a>(pub(crate) &'a NamedRoot, pub(crate) jiff::Timestamp);

impl fmt::Display for Aged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(root, now) = self;
        let age = Ago(root.age(*now).unwrap_or_default());
        match &root.origin {
            Origin::Embedded { .. } => f.write_str("the copy in this program"),
            Origin::File { .. } => write!(f, "from a file, given {age}"),
            Origin::Repository { url, .. } => {
                write!(f, "fetched {age} from {}", url.trim_end_matches('/'))
            }
            other => write!(f, "from {other}, {age}"),
        }
    }
}

/// A span of time as people say it.
struct Ago(SignedDuration);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.as_mins();
        let (count, unit) = match minutes {
            ..=0 => return f.write_str("just now"),
            1..=119 => (minutes, "minute"),
            120..=2879 => (minutes / 60, "hour"),
            _ => (minutes / 1440, "day"),
        };
        let s = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{s} ago")
    }
}

/// A file of at most this many bytes.
pub(crate) fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(|e| Failure::file("read", path, e))?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(Failure::new(format_args!(
            "`{}`: it is larger than {limit} bytes",
            path.display()
        )));
    }
    Ok(content)
}

const ROOT: &str = "Trust root";

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::Ago;

    #[test]
    fn an_age_is_said_as_people_do() {
        let said = |minutes| Ago(SignedDuration::from_mins(minutes)).to_string();
        assert_eq!(said(0), "just now");
        assert_eq!(said(1), "1 minute ago");
        assert_eq!(said(119), "119 minutes ago");
        assert_eq!(said(120), "2 hours ago");
        assert_eq!(said(2 * 1440 - 1), "47 hours ago");
        assert_eq!(said(9 * 1440), "9 days ago");
    }
}
