//! Whom to trust and what to require: flags or policy files, which come to the
//! same policies.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use waxseal_gate::{
    FlagsSource, KnownRoot, NamedIdentity, NamedKey, Options, PlatformsFlag, PolicySet,
    PolicySetError,
};
use waxseal_oci::{Annotations, Platform};
use waxseal_policy::{PolicyError, Unmatched};
use waxseal_verify::TrustedRoot;

use crate::claim_args;
use crate::context::Context;
use crate::cosign_args::CosignArgs;
use crate::error::Failure;
use crate::expected::{self, ExpectedArgs};
use crate::publisher::{BuiltArgs, Publisher};
use crate::trust_args::{DEFAULT_ROOT, TrustRootArgs};
use crate::workflow_args;

/// Whom to trust and what to require.
#[derive(clap::Args, Debug)]
pub(crate) struct PolicyArgs {
    /// A public key that may have signed it (repeatable: any of them, see --threshold)
    #[arg(short, long = "key", value_name = "FILE", help_heading = WHAT, conflicts_with = "policies")]
    keys: Vec<PathBuf>,

    /// A policy file, or a folder of them; every policy that covers the image has to allow it
    #[arg(short, long = "policy", value_name = "FILE", help_heading = WHAT, conflicts_with_all = expected::FLAGS, conflicts_with_all = claim_args::FLAGS, conflicts_with_all = workflow_args::FLAGS)]
    policies: Vec<PathBuf>,

    /// How many different keys or identities it takes
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true, help_heading = WHAT, conflicts_with = "policies", value_parser = clap::value_parser!(u16).range(1..))]
    threshold: u16,

    /// Require an attestation of this type, by cosign's name or URI, not a signature (repeatable)
    #[arg(long = "attestation", visible_alias = "type", value_name = "TYPE", help_heading = WHAT, conflicts_with = "policies")]
    attestations: Vec<String>,

    /// Require this annotation in the signature (repeatable)
    #[arg(short, long = "annotation", visible_alias = "annotations", value_name = "KEY=VALUE", help_heading = WHAT, value_parser = annotation, conflicts_with_all = ["policies", "attestations"])]
    annotations: Vec<(String, String)>,

    /// Require an attested SBOM that lists what is in the image's layers, not a signature
    #[arg(long, help_heading = WHAT, conflicts_with = "policies")]
    sbom_matches_image: bool,

    /// What the SBOM may leave out: a type of packages such as npm, a package URL without a
    /// version, or a file or folder, such as /opt/vendor, that cannot be read (repeatable)
    #[arg(long, visible_alias = "allow", value_name = "WHAT", help_heading = WHAT, conflicts_with = "policies")]
    may_omit: Vec<String>,

    /// Which images of an index to look at: index, all, or a platform such as linux/arm64 (repeatable)
    #[arg(long, visible_alias = "platform", value_name = "WHICH", value_delimiter = ',', help_heading = WHAT)]
    platforms: Vec<String>,

    /// Whether an entry in a transparency log has to be there
    /// (default: optional for keys, required for identities)
    #[arg(long, value_name = "WHETHER", help_heading = WHAT, conflicts_with = "policies")]
    log: Option<Whether>,

    /// Whether a timestamp has to be there
    #[arg(long, value_name = "WHETHER", default_value = "optional", hide_default_value = true, help_heading = WHAT, conflicts_with = "policies")]
    timestamp: Whether,

    /// The same as --log required
    #[arg(long, hide = true, conflicts_with = "policies")]
    require_log: bool,

    /// The same as --timestamp required
    #[arg(long, hide = true, conflicts_with = "policies")]
    require_timestamp: bool,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    expected: ExpectedArgs,

    #[command(flatten)]
    built: BuiltArgs,

    /// Take certificates that are in no certificate transparency log
    #[arg(long, help_heading = WHAT, conflicts_with = "policies")]
    insecure_ignore_sct: bool,

    #[command(flatten)]
    cosign: CosignArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Whether {
    /// Checked where it is there
    Optional,
    /// Refused without it
    Required,
}

impl PolicyArgs {
    /// Asks for an SBOM that matches the image, unless policy files say what is asked.
    pub(crate) fn require_matching_sbom(&mut self) {
        self.sbom_matches_image = self.policies.is_empty();
    }

    /// The types of attestations that flags ask for.
    pub(crate) fn attestation_types(&self) -> &[String] {
        &self.attestations
    }

    /// What an SBOM may leave out.
    pub(crate) fn may_omit(&self) -> &[String] {
        &self.may_omit
    }

    /// The policies that the flags or files come to.
    pub(crate) fn policies(&self, context: &Context) -> Result<PolicySet, Failure> {
        if self.cosign.without_log() {
            if !self.policies.is_empty() {
                context.note(
                    "note: whether a transparency log is asked for stands in the policy; the flag \
                     changes nothing",
                );
            } else if !self.keys.is_empty() {
                context.note(
                    "note: a key asks for no transparency log unless --log required says so; \
                     the flag changes nothing",
                );
            }
        }
        let set = if self.policies.is_empty() {
            PolicySet::from_flags(self.flags(context)?)
        } else {
            PolicySet::load_with(&self.policies, &|name| self.root.of_policy(context, name))
        };
        self.root.join(context, set.map_err(refuse)?)
    }

    /// How images are looked at.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::for_cli();
        options.unmatched = Unmatched::Deny;
        if !self.platforms.is_empty() {
            options.platforms = Some(self.platforms()?.into());
        }
        Ok(options)
    }

    /// Which images of an index are looked at: `index`, `all` or platforms.
    pub(crate) fn which(&self) -> &[String] {
        &self.platforms
    }

    fn flags(&self, context: &Context) -> Result<FlagsSource, Failure> {
        let mut keys = Vec::new();
        for (n, path) in self.keys.iter().enumerate() {
            if self.keys.iter().take(n).any(|known| known == path) {
                let path = path.display();
                return Err(Failure::usage(format_args!("--key {path} is given twice")));
            }
            let pem = String::from_utf8(read(path)?)
                .map_err(|_| Failure::file("use", path, "it is not a PEM public key"))?;
            keys.push(NamedKey {
                name: path.display().to_string(),
                pem,
            });
        }
        let mut identities = self.expected.identity()?.into_iter().collect::<Vec<_>>();
        let publisher = self.built.publisher(self.expected.claims())?;
        if publisher.is_none() && identities.is_empty() {
            self.expected.refuse_claims_alone()?;
        }
        if publisher.is_none() && keys.is_empty() && identities.is_empty() {
            return Err(Failure::usage("nobody is named who may have signed")
                .hint("give --key FILE, --policy FILE, --github OWNER/REPOSITORY or --certificate-identity with its issuer"));
        }
        for identity in &mut identities {
            identity.log_optional = match self.log {
                None => self.cosign.without_log() && !self.require_log,
                Some(log) => log == Whether::Optional,
            };
            identity.sct_optional = self.insecure_ignore_sct;
        }
        let mut attestations = self.attestations.clone();
        let mut roots = BTreeMap::new();
        if !identities.is_empty() && !self.root.given() {
            let known = self.root.of_policy(context, DEFAULT_ROOT);
            roots.insert(DEFAULT_ROOT.to_owned(), known.map_err(Failure::new)?);
            for identity in &mut identities {
                identity.root = Some(DEFAULT_ROOT.to_owned());
            }
        }
        if let Some(publisher) = publisher {
            (identities, roots) = self.builds(context, publisher)?;
            if attestations.is_empty() && !self.sbom_matches_image {
                let types = publisher.types().into_iter();
                attestations.extend(types.map(|kind| kind.uri().to_owned()));
            }
        }
        if !self.may_omit.is_empty() && !self.sbom_matches_image {
            return Err(Failure::usage(
                "--may-omit says nothing without --sbom-matches-image",
            ));
        }
        let mut annotations = Annotations::new();
        for (key, value) in &self.annotations {
            if annotations.insert(key.clone(), value.clone()).is_some() {
                return Err(Failure::usage(format_args!(
                    "the annotation `{key}` is given twice"
                )));
            }
        }
        Ok(FlagsSource {
            keys,
            identities,
            roots,
            threshold: self.threshold.into(),
            annotations,
            attestations,
            sbom_omits: self.sbom_matches_image.then(|| self.may_omit.clone()),
            require_log: self.require_log || self.log == Some(Whether::Required),
            require_timestamp: self.require_timestamp
                || self.timestamp == Whether::Required
                || self.cosign.with_timestamp(),
            platforms: PlatformsFlag::Index,
        })
    }

    /// Whoever builds in a repository, under the root that is given, else under
    /// each of those where builds are attested.
    fn builds(
        &self,
        context: &Context,
        publisher: Publisher<'_>,
    ) -> Result<(Vec<NamedIdentity>, BTreeMap<String, KnownRoot>), Failure> {
        if let Some(root) = self.root.peek(context)? {
            return Ok((vec![publisher.builds(&root)?], BTreeMap::new()));
        }
        let mut identities = Vec::new();
        let mut roots = BTreeMap::new();
        for name in publisher.roots() {
            let known = self.root.of_policy(context, name).map_err(Failure::new)?;
            let root = TrustedRoot::from_json(known.document.as_bytes()).map_err(Failure::new)?;
            let mut identity = publisher.builds(&root)?;
            identity.name = format!("{} ({name})", identity.name);
            identity.root = Some((*name).to_owned());
            identities.push(identity);
            roots.insert((*name).to_owned(), known);
        }
        Ok((identities, roots))
    }

    fn platforms(&self) -> Result<PlatformsFlag, Failure> {
        match self.platforms.as_slice() {
            [one] if one == "index" => Ok(PlatformsFlag::Index),
            [one] if one == "all" => Ok(PlatformsFlag::All),
            many => many
                .iter()
                .map(|text| {
                    Platform::parse(text).ok_or_else(|| {
                        Failure::usage(format_args!(
                            "`{text}` is neither `index`, `all` nor a platform such as linux/amd64"
                        ))
                    })
                })
                .collect::<Result<_, _>>()
                .map(PlatformsFlag::Only),
        }
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not of the form KEY=VALUE".to_owned()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::file("read", path, e))
}

/// A policy that does not load is nothing that can be run.
pub(crate) fn refuse(error: PolicySetError) -> Failure {
    let failure = match &error {
        PolicySetError::Flags(PolicyError::Threshold {
            threshold, keys, ..
        }) => Failure::usage(format_args!(
            "--threshold {threshold} asks for more signers than are named: {keys}, one key in two files counted once"
        )),
        PolicySetError::Flags(_) | PolicySetError::Identity(_) => Failure::usage(&error),
        _ => Failure::new(&error),
    };
    match error {
        PolicySetError::Policy { .. } => failure.hint("`waxseal policy check` says more"),
        _ => failure,
    }
}

const WHAT: &str = "Trust";
