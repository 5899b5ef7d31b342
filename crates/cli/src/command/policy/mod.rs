//! `waxseal policy`

mod test;

use std::fs;
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use waxseal_gate::{PolicySet, PolicySetError};
use waxseal_policy::escaped;

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust_args::{self, TrustRootArgs};

/// Check, test and explain policy files
#[derive(clap::Args, Debug)]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Load policies and their keys, compile their conditions, and say what is probably not meant
    ///
    /// Exit code 3 says that one does not load.
    Check(Check),
    /// Say in words what policies require
    Explain(Explain),
    /// Decide about images that were captured, and compare with what is expected
    Test(test::Test),
}

#[derive(clap::Args, Debug)]
struct Check {
    /// Policy files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Refuse what is probably not meant, too
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
struct Explain {
    /// Policy files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Policy {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.command {
            Command::Check(check) => check.run(context),
            Command::Explain(explain) => explain.run(context),
            Command::Test(test) => test.run(context),
        }
    }
}

impl Check {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let mut checked = Vec::new();
        for file in &self.files {
            // A file that cannot be read has not been checked.
            if !file.is_dir() {
                fs::File::open(file).map_err(|e| Failure::file("read", file, e))?;
            }
            checked.push(self.one(context, file)?);
        }
        let refused = checked
            .iter()
            .any(|c| c.error.is_some() || (self.strict && !c.lints.is_empty()));
        match self.output.output {
            Output::Json => context.print_json(&Report {
                api_version: "waxseal.dev/v1alpha1",
                kind: "PolicyCheck",
                files: &checked,
            })?,
            Output::Text => {
                for file in &checked {
                    context.print(file.text())?;
                }
            }
        }
        Ok(match refused {
            true => Exit::Refused,
            false => Exit::Ok,
        })
    }

    fn one(&self, context: &Context, file: &PathBuf) -> Result<Checked, Failure> {
        let mut checked = Checked {
            file: file.display().to_string(),
            policies: Vec::new(),
            lints: Vec::new(),
            error: None,
        };
        let roots = |name: &str| trust_args::of_policy(context, name);
        match PolicySet::load_with(std::slice::from_ref(file), &roots) {
            Ok(set) => {
                let set = self.root.join(context, set)?;
                for policy in set.policies() {
                    checked.policies.push(policy.name().to_owned());
                    let lints = policy.lints_under(set.trust().root).into_iter();
                    let roots = set.roots_of(policy.name(), context.now());
                    let stale = roots.into_iter().filter_map(|root| root.stale);
                    checked.lints.extend(
                        lints
                            .chain(stale)
                            .map(|lint| format!("{}: {lint}", policy.name())),
                    );
                }
            }
            Err(PolicySetError::Policy { name, reason }) if name == checked.file => {
                checked.error = Some(reason.to_string());
            }
            Err(error) => checked.error = Some(error.to_string()),
        }
        Ok(checked)
    }
}

impl Explain {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let roots = |name: &str| trust_args::of_policy(context, name);
        let set = PolicySet::load_with(&self.files, &roots).map_err(Failure::new)?;
        for policy in set.policies() {
            context.print(format_args!("{}\n", policy.explain()))?;
        }
        Ok(Exit::Ok)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    api_version: &'static str,
    kind: &'static str,
    files: &'a [Checked],
}

/// What became of one file or folder.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: String,
    policies: Vec<String>,
    lints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Checked {
    fn text(&self) -> String {
        let file = escaped(&self.file);
        let mut text = match &self.error {
            Some(error) => format!("{file}: does not load: {}\n", escaped(error)),
            None => format!("{file}: loads: {}\n", escaped(&self.policies.join(", "))),
        };
        for lint in &self.lints {
            text.push_str(&format!("  {}\n", escaped(lint)));
        }
        text
    }
}
