//! `waxseal trust create`

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use waxseal_trust::{
    Authority, CreateError, Log, Provider, Selector, Sigstore, StoreError, limits,
};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::out_file::OutFile;
use crate::trust_args::bounded;

/// Make a trusted root and a signing configuration for a private Sigstore
///
/// Each service is a list KEY=VALUE,…; all may be given several times, for services that
/// follow one another. Times are RFC 3339, such as 2026-01-01T00:00:00Z. Without a start,
/// authorities are trusted from when on their certificate is valid, and keys from when on
/// the first of the authorities is.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Create {
    /// The folder for `trusted_root.json` and `signing_config.json`
    #[arg(short, long = "output-dir", value_name = "DIR")]
    output: PathBuf,

    /// Who issues certificates: url, certificate-chain (PEM, its own first, the root last)
    /// [start-time, end-time, operator]
    #[arg(long, value_name = "SPEC", help_heading = SERVICES)]
    fulcio: Vec<String>,

    /// Where certificates are logged: url, public-key (PEM) [start-time, end-time]
    #[arg(long, value_name = "SPEC", help_heading = SERVICES)]
    ctfe: Vec<String>,

    /// Where signatures are logged: url, public-key (PEM) [api-version (1 or 2), origin,
    /// start-time, end-time, operator]
    #[arg(long, value_name = "SPEC", help_heading = SERVICES)]
    rekor: Vec<String>,

    /// Who says what time it is: url, certificate-chain (PEM, its own first, the root last)
    /// [start-time, end-time, operator]
    #[arg(long, value_name = "SPEC", help_heading = SERVICES)]
    tsa: Vec<String>,

    /// With whom people sign in: url [start-time, end-time, operator]
    #[arg(long, value_name = "SPEC", help_heading = SERVICES)]
    oidc_provider: Vec<String>,

    /// How many of the logs a signature is published in: ANY (one), ALL or EXACT:N
    #[arg(long, value_name = "WHICH", default_value = "ANY", value_parser = selector, help_heading = SERVICES)]
    rekor_config: Selector,

    /// How many timestamp authorities are asked: ANY (one), ALL or EXACT:N
    #[arg(long, value_name = "WHICH", default_value = "ANY", value_parser = selector, help_heading = SERVICES)]
    tsa_config: Selector,

    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

impl Create {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let sigstore = Sigstore {
            authorities: each("--fulcio", &self.fulcio, authority)?,
            ct_logs: each("--ctfe", &self.ctfe, log)?,
            logs: each("--rekor", &self.rekor, log)?,
            timestamp_authorities: each("--tsa", &self.tsa, authority)?,
            providers: each("--oidc-provider", &self.oidc_provider, provider)?,
            log_selector: self.rekor_config,
            timestamp_selector: self.tsa_config,
        };
        let root = sigstore.trusted_root().map_err(refused)?;
        let config = sigstore.signing_config().map_err(refused)?;
        let folder = &self.output;
        fs::create_dir_all(folder).map_err(|e| Failure::file("make", folder, e))?;
        let documents = [("trusted_root.json", root), ("signing_config.json", config)]
            .map(|(name, bytes)| (folder.join(name), bytes));
        for (path, _) in &documents {
            if !self.force && path.symlink_metadata().is_ok() {
                return Err(
                    Failure::file("write", path, "it is there already").hint("--force replaces it")
                );
            }
        }
        for (path, bytes) in &documents {
            OutFile::open(Some(path))?.write(context, bytes)?;
            context.print(format_args!("{}\n", path.display()))?;
        }
        Ok(Exit::Ok)
    }
}

fn refused(error: CreateError) -> Failure {
    match error {
        CreateError::Start { .. } => Failure::usage(&error).hint("give start-time=…"),
        CreateError::Unusable(StoreError::Unusable { .. }) => Failure::new(&error),
        CreateError::Empty
        | CreateError::Url { .. }
        | CreateError::Version { .. }
        | CreateError::Never { .. }
        | CreateError::Count { .. } => Failure::usage(&error),
        _ => Failure::new(&error),
    }
}

fn each<T>(
    flag: &str,
    texts: &[String],
    one: fn(&mut Spec) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let one = |text: &String| {
        let mut spec = Spec::parse(text)?;
        let made = one(&mut spec)?;
        spec.finish()?;
        Ok(made)
    };
    let made: Result<Vec<T>, Failure> = texts.iter().map(one).collect();
    made.map_err(|failure: Failure| failure.context(flag))
}

fn authority(spec: &mut Spec) -> Result<Authority, Failure> {
    Ok(Authority {
        url: spec.need("url")?,
        chain: spec.file("certificate-chain")?,
        start: spec.time("start-time")?,
        end: spec.time("end-time")?,
        operator: spec.take("operator"),
    })
}

fn log(spec: &mut Spec) -> Result<Log, Failure> {
    let version = match spec.take("api-version").as_deref() {
        None | Some("1") => 1,
        Some("2") => 2,
        Some(other) => {
            return Err(Failure::usage(format_args!(
                "the api-version `{other}` is unknown: known are 1 and 2"
            )));
        }
    };
    Ok(Log {
        url: spec.need("url")?,
        key: spec.file("public-key")?,
        version,
        origin: spec.take("origin"),
        start: spec.time("start-time")?,
        end: spec.time("end-time")?,
        operator: spec.take("operator"),
    })
}

fn provider(spec: &mut Spec) -> Result<Provider, Failure> {
    Ok(Provider {
        url: spec.need("url")?,
        start: spec.time("start-time")?,
        end: spec.time("end-time")?,
        operator: spec.take("operator"),
    })
}

/// What is said of one service.
struct Spec(Vec<(String, String)>);

impl Spec {
    fn parse(text: &str) -> Result<Self, Failure> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split(',') {
            let Some((key, value)) = part.split_once('=') else {
                return Err(
                    Failure::usage(format_args!("`{part}` is not of the form KEY=VALUE")).hint(
                        "it begins like url=https://service.example.com; --help has an example",
                    ),
                );
            };
            if pairs.iter().any(|(known, _)| known == key) {
                return Err(Failure::usage(format_args!("`{key}` is given twice")));
            }
            pairs.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(pairs))
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    fn need(&mut self, key: &str) -> Result<String, Failure> {
        self.take(key)
            .ok_or_else(|| Failure::usage(format_args!("`{key}` is missing")))
    }

    fn file(&mut self, key: &str) -> Result<Vec<u8>, Failure> {
        bounded(Path::new(&self.need(key)?), limits::DOCUMENT_BYTES)
    }

    fn time(&mut self, key: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.take(key) else {
            return Ok(None);
        };
        let time = text.parse();
        time.map(Some)
            .map_err(|e| Failure::usage(format_args!("the {key} `{text}`: {e}")))
    }

    fn finish(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(Failure::usage(format_args!("`{key}` has no meaning here"))),
        }
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    match text {
        "ALL" => Ok(Selector::All),
        "ANY" => Ok(Selector::Any),
        _ => text
            .strip_prefix("EXACT:")
            .and_then(|count| count.parse().ok())
            .map(Selector::Exact)
            .ok_or_else(|| "known are ANY, ALL and EXACT:N".to_owned()),
    }
}

const SERVICES: &str = "Services";

const EXAMPLE: &str = "\
Example:
  waxseal trust create -o trust \\
    --fulcio url=https://fulcio.example.com,certificate-chain=fulcio.pem \\
    --ctfe url=https://ct.example.com/2026,public-key=ct.pub \\
    --rekor url=https://rekor.example.com,public-key=rekor.pub,api-version=2 \\
    --tsa url=https://tsa.example.com/api/v1/timestamp,certificate-chain=tsa.pem";
