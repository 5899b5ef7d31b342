//! What a CI system is told: GitHub's step output, summary and annotations, and
//! the variables that GitLab hands from job to job.

use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::command::release::Released;
use crate::context::Context;
use crate::error::Failure;

/// Where the CI system wants to be told.
pub(crate) struct CiReport {
    /// GitHub's file of the step's outputs.
    output: Option<PathBuf>,
    /// GitHub's file of the job's summary, in Markdown.
    summary: Option<PathBuf>,
    /// Whether errors are shown as GitHub's annotations.
    annotate: bool,
    /// GitLab's file of variables.
    dotenv: Option<PathBuf>,
}

impl CiReport {
    /// Reads from the environment where this is.
    pub(crate) fn new(dotenv: Option<PathBuf>) -> Self {
        let github = env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true");
        let file = |name: &str| {
            let path = env::var_os(name).filter(|path| !path.is_empty());
            path.filter(|_| github).map(PathBuf::from)
        };
        Self {
            output: file("GITHUB_OUTPUT"),
            summary: file("GITHUB_STEP_SUMMARY"),
            annotate: github,
            dotenv,
        }
    }

    /// Tells of an image that is released now.
    pub(crate) fn released(&self, context: &Context, released: &Released) -> Result<(), Failure> {
        let Released { image, digest, .. } = released;
        if let Some(path) = &self.output {
            append(path, &format!("image={image}\ndigest={digest}\n"))?;
        }
        if let Some(path) = &self.summary {
            // The image is stored: a summary that cannot be written changes nothing.
            if let Err(failure) = append(path, &summary(released)) {
                context.warn(failure);
            }
        }
        if let Some(path) = &self.dotenv {
            let variables = format!("WAXSEAL_IMAGE={image}\nWAXSEAL_DIGEST={digest}\n");
            append(path, &variables)?;
        }
        Ok(())
    }

    /// Tells of an image that is not.
    pub(crate) fn failed(&self, context: &Context, failure: &Failure) {
        if self.annotate {
            // GitHub's escapes: a message is one line of a command.
            let text = failure
                .to_string()
                .replace('%', "%25")
                .replace('\r', "%0D")
                .replace('\n', "%0A");
            context.annotate(format_args!("::error title=waxseal release::{text}"));
        }
    }
}

fn summary(released: &Released) -> String {
    let mut text = format!(
        "### Released `{}`\n\nsigned by `{}`\n\n| stored | manifest |\n| --- | --- |\n",
        released.image,
        // What is in a certificate must not leave the quotes.
        released.signer.replace('`', "")
    );
    for part in &released.stored {
        let _ = writeln!(text, "| {} | `{}` |", part.is, part.manifest);
    }
    text
}

fn append(path: &Path, text: &str) -> Result<(), Failure> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| Failure::file("write", path, e))
}
