//! Provenance of the build that is running: `--provenance auto`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use waxseal_attestation::provenance::{
    Builder, Checkout, Dependency, Detected, Environment, buildx_materials, detect,
};
use waxseal_oci::Reference;

use crate::context::Context;
use crate::error::Failure;

/// What is said of the build.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
pub(crate) struct ProvenanceArgs {
    /// The URI of the builder, where the environment does not say who it is
    #[arg(long, value_name = "URI", help_heading = HEADING)]
    builder_id: Option<String>,

    /// An image that the build began from, by digest (repeatable)
    #[arg(long, value_name = "IMAGE@DIGEST", help_heading = HEADING)]
    base_image: Vec<String>,

    /// Take the base images from what `docker buildx build --metadata-file` wrote
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    buildx_metadata: Option<PathBuf>,

    /// Whether the command is of use without it.
    #[arg(skip)]
    pub(crate) can_be_left_out: bool,
}

impl ProvenanceArgs {
    pub(crate) fn is_given(&self) -> bool {
        self.builder_id.is_some() || !self.base_image.is_empty() || self.buildx_metadata.is_some()
    }

    /// The predicate, in JSON. What could not be learnt is said, and left out.
    pub(crate) fn predicate(&self, context: &Context) -> Result<Vec<u8>, Failure> {
        let detected = detect(&environment()).ok_or_else(|| {
            let otherwise = if self.can_be_left_out {
                "leave it out with --no-provenance"
            } else {
                "give --predicate"
            };
            Failure::new("there is nothing here to make provenance from").hint(format!(
                "run it in a CI job or in a git checkout, or {otherwise}"
            ))
        })?;
        let builder = self.builder(&detected)?;
        let mut more = self
            .base_image
            .iter()
            .map(|text| base_image(text))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(path) = &self.buildx_metadata {
            more.extend(of_buildx(path)?);
        }
        let mut omitted = detected.omitted.clone();
        if more.is_empty() {
            omitted.push("base images: none was given".to_owned());
        }
        context.note(format_args!(
            "provenance from {}, builder {}",
            detected.system, builder.id
        ));
        for what in omitted {
            context.note(format_args!("  not in it: {what}"));
        }
        detected
            .provenance(builder, more)
            .to_json()
            .map_err(|e| Failure::new(format_args!("cannot write the provenance: {e}")))
    }

    fn builder(&self, detected: &Detected) -> Result<Builder, Failure> {
        let Some(given) = &self.builder_id else {
            return detected.builder.clone().ok_or_else(|| {
                Failure::usage(format_args!(
                    "{} does not say who the builder is",
                    detected.system
                ))
                .hint("give the builder's URI with --builder-id")
            });
        };
        let is_uri = given.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && !rest.is_empty()
                && !given.contains(|c: char| c.is_whitespace() || c.is_control())
        });
        if !is_uri {
            return Err(Failure::usage(format_args!(
                "--builder-id: `{given}` is not a URI"
            )));
        }
        let mut builder = detected.builder.clone().unwrap_or_default();
        builder.id.clone_from(given);
        Ok(builder)
    }
}

fn environment() -> Environment {
    let mut environment = Environment::default();
    // A variable that is not UTF-8 is none that a build system sets.
    environment.variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    environment.checkout = checkout();
    environment.tekton = Path::new("/tekton/run").is_dir();
    environment
}

/// What git says of the folder in which the command runs.
fn checkout() -> Option<Checkout> {
    let commit = git(&["rev-parse", "--verify", "HEAD"])?;
    let mut checkout = Checkout::default();
    checkout.commit = Some(commit);
    checkout.remote = git(&["remote", "get-url", "origin"]);
    checkout.reference = git(&["symbolic-ref", "--quiet", "HEAD"]).or_else(|| {
        let tag = git(&["describe", "--exact-match", "--tags", "HEAD"])?;
        Some(format!("refs/tags/{tag}"))
    });
    // Where git cannot say, it is not said that nothing was modified.
    checkout.modified = Command::new("git")
        .args(["status", "--porcelain", "--untracked-files=no"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_or(true, |ran| !ran.status.success() || !ran.stdout.is_empty());
    Some(checkout)
}

/// The one line that git prints, if it is there and has an answer.
fn git(arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8(ran.stdout).ok()?;
    let line = line.trim();
    (ran.status.success() && !line.is_empty()).then(|| line.to_owned())
}

/// An image as a dependency, named by its package URL.
fn base_image(text: &str) -> Result<Dependency, Failure> {
    let wrong =
        |why: &dyn std::fmt::Display| Failure::usage(format_args!("--base-image `{text}`: {why}"));
    let reference: Reference = text.parse().map_err(|e| wrong(&e))?;
    let digest = reference
        .digest()
        .ok_or_else(|| wrong(&"it names no digest, so that another image may be meant tomorrow"))?;
    let repository = reference.repository();
    let name = repository.name();
    let last = name.rsplit('/').next().unwrap_or(name);
    let tag = reference
        .tag()
        .map(|tag| format!("&tag={tag}"))
        .unwrap_or_default();
    let purl = format!(
        "pkg:oci/{last}@{}%3A{}?repository_url={}/{name}{tag}",
        digest.algorithm().name(),
        digest.hex(),
        repository.registry(),
    );
    Ok(Dependency::new(
        purl,
        digest.algorithm().name(),
        digest.hex(),
    ))
}

fn of_buildx(path: &Path) -> Result<Vec<Dependency>, Failure> {
    let length = fs::metadata(path)
        .map_err(|e| Failure::file("read", path, e))?
        .len();
    if length > METADATA_BYTES {
        return Err(Failure::new(format_args!(
            "`{}`: it is larger than {METADATA_BYTES} bytes",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(|e| Failure::file("read", path, e))?;
    buildx_materials(&bytes)
        .map_err(|why| Failure::new(format_args!("`{}`: {why}", path.display())))
}

const HEADING: &str = "Provenance";
/// The largest file of buildx that is read.
const METADATA_BYTES: u64 = 16 * 1024 * 1024;
