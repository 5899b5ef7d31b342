//! `waxseal policy test`

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use waxseal_gate::{PolicySet, replay};
use waxseal_policy::{Decision, Verdict, escaped};

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy_args::refuse;
use crate::trust_args::TrustRootArgs;

/// Decide about images that were captured, and compare with what is expected
///
/// A case is an evidence file as `waxseal capture` writes it, called NAME_allow.tar or
/// NAME_deny.tar. A file of the same name that ends in `.yaml` can say which requirements are not
/// met: `missing: [no-signature]`. Exit code 3 says that a verdict is not as expected.
#[derive(clap::Args, Debug)]
pub(super) struct Test {
    /// Policy files, or folders of them; all of them decide together
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The folder with the cases (default: `cases` beside the first policy)
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,

    #[command(flatten)]
    root: TrustRootArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Test {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let roots = |name: &str| self.root.of_policy(context, name);
        let set = PolicySet::load_with(&self.files, &roots).map_err(refuse)?;
        let set = self.root.join(context, set)?;
        let cases = cases(&self.folder())?;
        let mut judged = Vec::new();
        for case in cases {
            let evidence = replay(&case.path, Some(&set));
            let replayed = context.block_on(evidence)?;
            let replayed = replayed.map_err(|error| {
                Failure::new(format_args!("`{}`: {error}", case.path.display()))
                    .hint("`waxseal capture IMAGE -o FILE` writes what can be a case")
            })?;
            judged.push(Judged::of(&case, &replayed.decision));
        }
        let unexpected = judged.iter().filter(|case| !case.as_expected).count();
        match self.output.output {
            Output::Json => context.print_json(&Report {
                api_version: "waxseal.dev/v1alpha1",
                kind: "PolicyTest",
                cases: &judged,
            })?,
            Output::Text => {
                for case in &judged {
                    context.print(case.text())?;
                }
            }
        }
        context.note(format_args!(
            "{} of {} cases are as expected",
            judged.len() - unexpected,
            judged.len()
        ));
        Ok(match unexpected {
            0 => Exit::Ok,
            _ => Exit::Refused,
        })
    }

    fn folder(&self) -> PathBuf {
        self.cases.clone().unwrap_or_else(|| {
            let first = self.files.first().map(PathBuf::as_path);
            let first = first.unwrap_or(Path::new("."));
            let beside = match first.is_dir() {
                true => first,
                false => first.parent().unwrap_or(Path::new("")),
            };
            beside.join("cases")
        })
    }
}

/// An evidence file and what is expected of it.
struct Case {
    path: PathBuf,
    name: String,
    verdict: Verdict,
    missing: Option<BTreeSet<String>>,
}

/// What stands beside an evidence file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    missing: BTreeSet<String>,
}

/// The cases in a folder, by name. No case at all is no test.
fn cases(folder: &Path) -> Result<Vec<Case>, Failure> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = listed.map_err(|e| Failure::file("list", folder, e))?;
    let mut paths: Vec<PathBuf> = listed.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(stem) = name.strip_suffix(".tar") else {
            let evidence = path.with_extension("tar");
            if name.ends_with(".yaml") && !paths.contains(&evidence) {
                return Err(Failure::new(format_args!(
                    "`{}` says what is expected of `{}`, which is not there",
                    path.display(),
                    evidence.display()
                )));
            }
            continue;
        };
        let verdict = match stem.rsplit_once('_') {
            Some((_, "allow")) => Verdict::Allow,
            Some((_, "deny")) => Verdict::Deny,
            _ => {
                return Err(Failure::new(format_args!(
                    "`{}` does not say what is expected of it",
                    path.display()
                ))
                .hint("a case is called NAME_allow.tar or NAME_deny.tar"));
            }
        };
        cases.push(Case {
            name: name.to_string(),
            missing: expected(&path.with_extension("yaml"))?,
            path: path.clone(),
            verdict,
        });
    }
    if cases.is_empty() {
        return Err(
            Failure::new(format_args!("there are no cases in `{}`", folder.display())).hint(
                "`waxseal capture IMAGE --policy FILE --everything -o NAME_allow.tar` makes one; --cases names \
                 another folder",
            ),
        );
    }
    Ok(cases)
}

fn expected(path: &Path) -> Result<Option<BTreeSet<String>>, Failure> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("open", path, error)),
    };
    let mut text = String::new();
    let read = file.take(EXPECTED_BYTES).read_to_string(&mut text);
    read.map_err(|e| Failure::file("read", path, e))?;
    let expected: Expected = serde_saphyr::from_str(&text).map_err(|error| {
        let first = error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        Failure::new(format_args!("`{}`: {first}", path.display())).hint(
            "it has the codes of the requirements that are not met: `missing: [no-signature]`",
        )
    })?;
    Ok(Some(expected.missing))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    api_version: &'static str,
    kind: &'static str,
    cases: &'a [Judged],
}

/// A verdict beside the one that is expected.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    case: String,
    as_expected: bool,
    image: String,
    /// Whether any of the policies is about the image.
    covered: bool,
    verdict: Verdict,
    expected: Verdict,
    /// The codes of the requirements that are not met.
    missing: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_missing: Option<BTreeSet<String>>,
    /// What would have to be there, and why something could not be told.
    reasons: Vec<String>,
}

impl Judged {
    fn of(case: &Case, decision: &Decision) -> Self {
        let all = || decision.policies.iter().flat_map(|p| &p.requirements);
        let missing: BTreeSet<String> = all().filter_map(|r| r.code.clone()).collect();
        let reasons = decision
            .reason
            .iter()
            .chain(all().filter_map(|r| r.missing.as_ref()));
        let as_told = case.missing.as_ref().is_none_or(|told| *told == missing);
        // What none of the policies covers is kept out, and shows nothing about them.
        let covered = !decision.policies.is_empty();
        Self {
            case: case.name.clone(),
            as_expected: covered && decision.verdict == case.verdict && as_told,
            image: decision.image.clone(),
            covered,
            verdict: decision.verdict,
            expected: case.verdict,
            expected_missing: case.missing.clone(),
            reasons: reasons.cloned().collect(),
            missing,
        }
    }

    fn text(&self) -> String {
        let list = |codes: &BTreeSet<String>| match codes.is_empty() {
            true => String::new(),
            false => format!(
                " ({})",
                codes.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
        };
        let found = format!("{}{}", word(self.verdict), list(&self.missing));
        let case = escaped(&self.case);
        if self.as_expected {
            return format!("{case}: as expected: {}\n", escaped(&found));
        }
        if !self.covered {
            let image = escaped(&self.image);
            return format!("{case}: NOT AS EXPECTED: no policy here covers {image}\n");
        }
        let wanted = self.expected_missing.as_ref().map(list).unwrap_or_default();
        let mut text = format!(
            "{case}: NOT AS EXPECTED: {}, not {}{}\n",
            escaped(&found),
            word(self.expected),
            escaped(&wanted)
        );
        for reason in &self.reasons {
            text.push_str(&format!("  {}\n", escaped(reason)));
        }
        text
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Unable => "could not be told",
    }
}

/// How much of what is expected is read.
const EXPECTED_BYTES: u64 = 64 * 1024;
