//! `waxseal trust pin`

use std::path::{Path, PathBuf};

use waxseal_trust::{Name, StoreError, limits};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust_args::{bounded, failed, store};

/// Name a TUF repository, or a trusted root in a file
///
/// A repository is followed from its `root.json`, which has to come from somebody who is
/// trusted, not from the repository; nothing is fetched before `waxseal trust update`.
/// A trusted root in a file is copied, and good until it is replaced. A name is given once;
/// --replace gives it to another one.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["url", "trusted_root"]))]
pub(super) struct Pin {
    /// What it is to be called
    #[arg(value_name = "NAME")]
    name: Name,

    /// Where the TUF repository is
    #[arg(long, value_name = "URL", requires = "root")]
    url: Option<String>,

    /// The `root.json` from which the repository is followed
    #[arg(long, value_name = "FILE", requires = "url")]
    root: Option<PathBuf>,

    /// A Sigstore `trusted_root.json`
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,

    /// The `signing_config.json` that goes with --trusted-root
    #[arg(
        long,
        value_name = "FILE",
        requires = "trusted_root",
        conflicts_with = "url"
    )]
    signing_config: Option<PathBuf>,

    /// Put it in the place of the root that is called so. What was seen of that one is forgotten,
    /// the versions below which nothing was accepted, too
    #[arg(long)]
    replace: bool,
}

impl Pin {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let store = match self.replace {
            true => store()?.replacing(),
            false => store()?,
        };
        let name = &self.name;
        let read = |path: &Path| bounded(path, limits::DOCUMENT_BYTES);
        match (&self.url, &self.root, &self.trusted_root) {
            (Some(url), Some(root), _) => {
                let content = bounded(root, limits::ROOT_BYTES)?;
                let pinned = store.pin(name, url, &content);
                pinned.map_err(|e| not_pinned(e, root))?;
                context.print(format_args!("{name}: pinned to {url}\n"))?;
                context.note(format_args!("`waxseal trust update {name}` fetches it"));
            }
            (_, _, Some(trusted_root)) => {
                let content = read(trusted_root)?;
                let config = self.signing_config.as_deref().map(read).transpose()?;
                let kept = store.keep(name, &content, config.as_deref(), context.now());
                kept.map_err(|e| {
                    let of_config = matches!(&e, StoreError::Unusable { document, .. }
                        if *document == "signing configuration");
                    let config = self.signing_config.as_ref().filter(|_| of_config);
                    not_pinned(e, config.unwrap_or(trusted_root))
                })?;
                context.print(format_args!("{name}: kept\n"))?;
            }
            _ => return Err(Failure::usage("give --url with --root, or --trusted-root")),
        }
        Ok(Exit::Ok)
    }
}

/// What is wrong, with the file in which it is.
fn not_pinned(error: StoreError, file: &Path) -> Failure {
    let in_file = matches!(error, StoreError::Pin(_) | StoreError::Unusable { .. });
    let failure = failed(error);
    if in_file {
        failure.context(format_args!("`{}`", file.display()))
    } else {
        failure
    }
}

const EXAMPLES: &str = "\
Examples:
  waxseal trust pin acme --url https://tuf.example.com --root root.json
  waxseal trust pin acme --trusted-root trusted_root.json --signing-config signing_config.json";
