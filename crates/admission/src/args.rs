//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::http::{parse_duration, parse_positive_duration};
use crate::kinds::{ExtraKind, Kinds};
use crate::review::{Door, Rules};

/// Keep images that do not verify out of a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "waxseal-admission", version, about, after_help = EXIT_CODES)]
#[non_exhaustive]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How the log on stderr is written.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// What is logged: off, error, warn, info, debug, or a tracing filter.
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// A subcommand.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Answer one review from standard input, without a server.
    ///
    /// Reads an AdmissionReview or an ImageReview and prints the answer.
    Review(ReviewArgs),
    /// Answer an API server's reviews over TLS.
    Serve(ServeArgs),
}

/// Of `review`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ReviewArgs {
    /// What is decided by.
    #[command(flatten)]
    pub decide: DecideArgs,
    /// Answer as /mutate does, with the patch that pins tags.
    #[arg(long)]
    pub mutate: bool,
}

/// Of `serve`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ServeArgs {
    /// What is decided by.
    #[command(flatten)]
    pub decide: DecideArgs,
    /// The certificate chain (PEM), for the name that the API server calls.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: PathBuf,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub tls_key: PathBuf,
    /// Answer reviews only to clients with a certificate from these authorities (PEM).
    ///
    /// The API server shows one if its AdmissionConfiguration names a kubeconfig.
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, default_value = "[::]:8443", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// How often certificate and policy files are looked at for changes.
    #[arg(long, default_value = "10s", value_parser = parse_positive_duration, value_name = "TIME")]
    pub reload_interval: Duration,
}

/// What decisions are made by, and how.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct DecideArgs {
    /// The folder with the policies (*.yaml, *.yml) and what they name.
    #[arg(long, value_name = "DIR")]
    pub policy_dir: PathBuf,
    /// What becomes of an image that no policy covers.
    #[arg(long, value_enum, default_value = "deny", value_name = "WHAT")]
    pub unmatched: Unmatched,
    /// Refuse a tag at validation even where what it names now verifies.
    #[arg(long)]
    pub require_digest: bool,
    /// Another kind that holds images, and the path to its pod spec or image.
    ///
    /// As in argoproj.io/Rollout=spec.template.spec; `*` stands for every
    /// element of a list. A webhook rule must list the kind as well.
    #[arg(long, value_name = "GROUP/KIND=PATH")]
    pub extra_kind: Vec<ExtraKind>,
    /// The longest time to answer in; the API server's own, if shorter, wins.
    #[arg(long, default_value = "9s", value_parser = parse_positive_duration, value_name = "TIME")]
    pub deadline: Duration,
    /// How long a decision that lets a digest in is kept.
    #[arg(long, default_value = "5m", value_parser = parse_duration, value_name = "TIME")]
    pub cache_ttl: Duration,
    /// The trusted_root.json by which logs, timestamps and certificates are checked.
    #[arg(long, value_name = "FILE")]
    pub trusted_root: Option<PathBuf>,
    /// The folder of the trust roots that policies name, which `waxseal trust` keeps.
    #[arg(long, value_name = "DIR")]
    pub trust_dir: Option<PathBuf>,
    /// Take a named root that its repository ceased to vouch for up to this many days ago.
    #[arg(
        long,
        value_name = "DAYS",
        default_value = "0",
        hide_default_value = true
    )]
    pub trust_max_stale: u16,
    /// The docker configuration with the registries' credentials.
    #[arg(long, value_name = "FILE")]
    pub registry_config: Option<PathBuf>,
    /// Certificate authorities (PEM) that registries are trusted by as well.
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Vec<PathBuf>,
    /// Speak plain HTTP to registries on loopback.
    #[arg(long)]
    pub insecure_http: bool,
}

impl DecideArgs {
    /// How requests are read.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules::new(Kinds::new(self.extra_kind.clone())).require_digest(self.require_digest)
    }
}

impl ReviewArgs {
    /// Which question is asked of an AdmissionReview.
    #[must_use]
    pub fn door(&self) -> Door {
        if self.mutate {
            Door::Mutate
        } else {
            Door::Validate
        }
    }
}

/// What becomes of an image that no policy covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Unmatched {
    /// It is let in.
    Allow,
    /// It is refused.
    Deny,
    /// It is let in with a warning.
    Warn,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object on each line.
    Json,
    /// For people.
    Text,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  allowed, or the server was stopped
  1  could not run, or could not check
  2  the command line is wrong
  3  refused";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_is_let_in_by_default() {
        let cli =
            Cli::try_parse_from(["waxseal-admission", "review", "--policy-dir", "p"]).unwrap();
        let Command::Review(args) = cli.command else {
            panic!("another command")
        };
        assert_eq!(args.decide.unmatched, Unmatched::Deny);
        assert!(!args.decide.insecure_http);
        assert_eq!(args.door(), Door::Validate);
    }
}
