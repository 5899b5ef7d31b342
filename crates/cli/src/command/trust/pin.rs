//! `waxseal trust pin`

use std::path::{Path, PathBuf};

use waxseal_trust::{Name, limits};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust_args::{bounded, failed, store};

/// Name a TUF repository, or a trusted root in a file
///
/// A repository is followed from its `root.json`, which has to come from somebody who is
/// trusted, not from the repository; nothing is fetched before `waxseal trust update`.
/// A trusted root in a file is copied, and good until it is replaced.
#[derive(clap::Args, Debug)]
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
}

impl Pin {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let store = store()?;
        let name = &self.name;
        let read = |path: &Path| bounded(path, limits::DOCUMENT_BYTES);
        match (&self.url, &self.root, &self.trusted_root) {
            (Some(url), Some(root), _) => {
                let root = bounded(root, limits::ROOT_BYTES)?;
                store.pin(name, url, &root).map_err(failed)?;
                context.print(format_args!("{name}: pinned to {url}\n"))?;
                context.note(format_args!("`waxseal trust update {name}` fetches it"));
            }
            (_, _, Some(trusted_root)) => {
                let trusted_root = read(trusted_root)?;
                let config = self.signing_config.as_deref().map(read).transpose()?;
                store
                    .keep(name, &trusted_root, config.as_deref(), context.now())
                    .map_err(failed)?;
                context.print(format_args!("{name}: kept\n"))?;
            }
            _ => return Err(Failure::usage("give --url with --root, or --trusted-root")),
        }
        Ok(Exit::Ok)
    }
}
