//! The services that stand behind a signature, and what their answers are held
//! against.

use std::path::{Path, PathBuf};
use std::time::Duration;

use waxseal_sign::{Http, RekorVersion, Services, limits};
use waxseal_trust::{NamedRoot, Standing};
use waxseal_verify::{Demand, TrustedRoot};

use crate::context::Context;
use crate::error::Failure;
use crate::trust_args::{self, DEFAULT_ROOT, TrustRootArgs, bounded};

/// The services that stand behind a signature.
#[derive(clap::Args, Debug)]
pub(crate) struct ServiceArgs {
    /// The services to use, as a Sigstore `signing_config.json`
    #[arg(long, value_name = "FILE", help_heading = SERVICES)]
    signing_config: Option<PathBuf>,

    #[command(flatten)]
    root: TrustRootArgs,

    /// Get the certificate from this Fulcio
    #[arg(long, value_name = "URL", help_heading = SERVICES, conflicts_with = "key")]
    fulcio_url: Option<String>,

    /// Publish the log entry in this Rekor
    #[arg(long, value_name = "URL", help_heading = SERVICES, conflicts_with = "no_log_upload")]
    rekor_url: Option<String>,

    /// The interface of --rekor-url (default: 1); without it, which logs of the signing
    /// configuration are used
    #[arg(long, value_name = "1|2", help_heading = SERVICES, value_parser = rekor_version)]
    rekor_version: Option<RekorVersion>,

    /// Get the timestamp from this RFC 3161 authority, by its full address
    #[arg(long, alias = "timestamp-server-url", value_name = "URL", help_heading = SERVICES, conflicts_with = "no_timestamp")]
    tsa_url: Option<String>,

    /// Publish no log entry. Verifiers that ask for one, as they do by default, will refuse the
    /// signature. A keyless one needs a timestamp then
    #[arg(long, help_heading = SERVICES)]
    no_log_upload: bool,

    /// Get no timestamp. A keyless signature needs an entry in a Rekor v1 log then
    #[arg(long, help_heading = SERVICES)]
    no_timestamp: bool,

    /// Take a certificate that is in no certificate transparency log
    #[arg(long, help_heading = SERVICES, conflicts_with = "key")]
    insecure_ignore_sct: bool,

    /// How long a service may take to answer
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        help_heading = SERVICES,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    service_timeout: u64,
}

/// What stands behind the signatures of a run.
pub(crate) struct Backing {
    pub(crate) http: Http,
    pub(crate) services: Services,
    pub(crate) root: TrustedRoot,
    pub(crate) sct: Demand,
}

impl ServiceArgs {
    /// The services for a signature by certificate: those that are named, else
    /// the public ones.
    pub(crate) fn for_keyless(&self, context: &Context) -> Result<Backing, Failure> {
        let chosen = self.root.named(context)?;
        if self.signing_config.is_some() || self.names_any() {
            let services = self.named(context)?;
            return self.backing(context, services, chosen);
        }
        if self.root.is_file() {
            // The public services would be asked, and their certificate published,
            // for an answer that does not verify with this file.
            return Err(Failure::usage(
                "--trusted-root says whom to believe, and not where to sign",
            )
            .hint("give --signing-config FILE with it; --trust-root NAME has both"));
        }
        let instance = match chosen {
            Some(chosen) => chosen,
            None => public(context)?,
        };
        let Some(config) = &instance.signing_config else {
            return Err(Failure::new(format_args!(
                "the trust root `{}` does not say where to sign",
                instance.name
            ))
            .hint("--signing-config FILE does"));
        };
        let services = Services::from_signing_config(config, context.now(), self.rekor_version)
            .map_err(|e| {
                Failure::new(&e).context(format_args!("trust root `{}`", instance.name))
            })?;
        self.backing(context, services, Some(instance))
    }

    /// The services for a signature by a key, if any are named.
    pub(crate) fn for_key(&self, context: &Context) -> Result<Option<Backing>, Failure> {
        if self.signing_config.is_none() && !self.names_any() {
            let idle = [
                (self.root.given(), self.root.flag()),
                (self.no_log_upload, "--no-log-upload"),
                (self.no_timestamp, "--no-timestamp"),
                (self.rekor_version.is_some(), "--rekor-version"),
            ];
            return match idle.into_iter().find(|(given, _)| *given) {
                None => Ok(None),
                Some((_, flag)) => Err(Failure::usage(format_args!(
                    "{flag} goes with --keyless, --signing-config, --rekor-url or --tsa-url: a \
                     key alone asks no service"
                ))),
            };
        }
        let services = self.named(context)?;
        let chosen = self.root.named(context)?;
        self.backing(context, services, chosen).map(Some)
    }

    fn names_any(&self) -> bool {
        self.fulcio_url.is_some() || self.rekor_url.is_some() || self.tsa_url.is_some()
    }

    /// What the configuration names, with what the flags name in its place.
    fn named(&self, context: &Context) -> Result<Services, Failure> {
        let mut services = match &self.signing_config {
            Some(path) => {
                let content = bounded(path, limits::CONFIG_BYTES)?;
                Services::from_signing_config(&content, context.now(), self.rekor_version)
                    .map_err(|e| about(path, e))?
            }
            None => Services::none(),
        };
        if let Some(url) = &self.fulcio_url {
            services = services.with_fulcio(url).map_err(Failure::usage)?;
        }
        if let Some(url) = &self.rekor_url {
            let version = self.rekor_version.unwrap_or(RekorVersion::V1);
            services = services.with_rekor(url, version).map_err(Failure::usage)?;
        }
        if let Some(url) = &self.tsa_url {
            services = services.with_tsa(url).map_err(Failure::usage)?;
        }
        Ok(services)
    }

    fn backing(
        &self,
        context: &Context,
        mut services: Services,
        instance: Option<NamedRoot>,
    ) -> Result<Backing, Failure> {
        if self.no_log_upload {
            services = services.without_log();
        }
        if self.no_timestamp {
            services = services.without_timestamp();
        }
        let root = match (self.root.file()?, instance) {
            (Some(root), _) => root,
            (None, Some(instance)) => {
                TrustedRoot::from_json(&instance.trusted_root).map_err(Failure::new)?
            }
            (None, None) => {
                return Err(Failure::usage(
                    "what the services answer has to be held against somebody's keys",
                )
                .hint("--trusted-root FILE or --trust-root NAME names them"));
            }
        };
        let sct = if self.insecure_ignore_sct {
            Demand::Optional
        } else {
            Demand::Required
        };
        Ok(Backing {
            http: context.http(Duration::from_secs(self.service_timeout))?,
            services,
            root,
            sct,
        })
    }

    pub(crate) fn no_log_upload(&self) -> bool {
        self.no_log_upload
    }

    pub(crate) fn no_timestamp(&self) -> bool {
        self.no_timestamp
    }
}

/// The public Sigstore, as it was fetched last. What is signed is held against it
/// before it is handed out, so that a stale one does no harm but to fail.
fn public(context: &Context) -> Result<NamedRoot, Failure> {
    let name = DEFAULT_ROOT.parse().map_err(Failure::new)?;
    let root = trust_args::load(context, &name)?;
    match root.standing(context.now()) {
        Standing::Embedded => {
            context.note("using the public Sigstore, as it was when this program was built");
        }
        standing => trust_args::say(context, &root, standing),
    }
    Ok(root)
}

fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(format_args!("`{}`: {error}", path.display()))
}

fn rekor_version(text: &str) -> Result<RekorVersion, String> {
    match text {
        "1" => Ok(RekorVersion::V1),
        "2" => Ok(RekorVersion::V2),
        _ => Err("known are 1 and 2".to_owned()),
    }
}

const SERVICES: &str = "Services";
