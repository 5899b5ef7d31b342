//! The rule that a recent scan found nothing that is too bad.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use waxseal_attestation::vex::{self, VexDocument, VexStatement};
use waxseal_attestation::vulnerability::{ScanReport, Severity, Vulnerability};
use waxseal_verify::{Verified, VerifiedAttestation};

use super::{Miss, Requirement, Rule, attestation};
use crate::judge::{about, by};
use crate::{Facts, Needs, Policy, PolicyError, codes, escaped};

/// An attested scan, not too old, without findings from a severity on that
/// nobody who is trusted with it has excused.
#[derive(Clone, Debug)]
pub(crate) struct Vulnerabilities {
    types: Vec<String>,
    /// The least severity that is too bad.
    worst: Severity,
    only_fixable: bool,
    max_age: attestation::MaxAge,
    except: Vec<Exception>,
    /// Whose VEX statements excuse findings, by their names in the policy.
    pub(crate) vex: Vec<String>,
}

#[derive(Clone, Debug)]
struct Exception {
    id: String,
    reason: String,
    until: Option<Timestamp>,
}

/// Why a finding does not count.
struct Excuse(String);

impl Vulnerabilities {
    pub(crate) fn weigh(
        &self,
        verified: &Verified,
        policy: &Policy,
        facts: &Facts<'_>,
    ) -> Result<Vec<String>, Box<Miss>> {
        let wanted = |found: &str| self.types.iter().any(|kind| kind == found);
        let scan = attestation::of_type(verified, wanted)?;
        let broken = |why: String| Miss::near(codes::SCAN, format!("the scan: {why}"));
        let predicate = scan.predicate().unwrap_or("null");
        let report = ScanReport::parse(predicate).map_err(|e| broken(e.to_string()))?;
        self.is_recent(scan, &report, facts.now)?;
        let counts = |found: &&Vulnerability| {
            found.severity >= self.worst && (found.fixable || !self.only_fixable)
        };
        let bad: Vec<&Vulnerability> = report.found.iter().filter(counts).collect();
        let vex = if bad.is_empty() {
            Statements::default()
        } else {
            self.statements(policy, facts)
        };
        let (mut left, mut excused) = (Vec::new(), Vec::new());
        for found in bad {
            match self.excuse(found, scan, &vex, facts) {
                Some(Excuse(why)) => excused.push(format!("{} is excused: {why}", named(found))),
                None => left.push(found),
            }
        }
        if !left.is_empty() {
            return Err(self.too_bad(&left, &vex));
        }
        // A statement that takes an excuse back may be yet to come.
        if !excused.is_empty() && !facts.complete {
            let reason = "it is excused by statements of which not all are there yet";
            return Err(Miss::near(codes::VULNERABLE, reason.to_owned()));
        }
        Ok(excused)
    }

    /// The age is that of the oldest time that is known: the end of the scan,
    /// as the report says, or when it was signed, as is proven.
    fn is_recent(
        &self,
        scan: &VerifiedAttestation,
        report: &ScanReport,
        now: Timestamp,
    ) -> Result<(), Box<Miss>> {
        let mut times = scan.times().to_vec();
        for text in &report.finished {
            let broken = |why: &str| {
                let reason = format!("the scan ended at `{}`, which is {why}", escaped(text));
                Miss::near(codes::SCAN, reason)
            };
            let ended: Timestamp = text.parse().map_err(|_| broken("not a time"))?;
            if ended.duration_since(now) > AHEAD {
                return Err(broken("yet to come"));
            }
            times.push(ended);
        }
        self.max_age.weigh(&times, now)?;
        for text in &report.databases {
            let made: Result<Timestamp, _> = text.parse();
            let made = made.map_err(|_| {
                let reason = format!(
                    "the scanner's list of vulnerabilities is of `{}`, which is not a time",
                    escaped(text)
                );
                Miss::near(codes::SCAN, reason)
            })?;
            if self.max_age.is_over(made, now) {
                let reason = format!(
                    "the scanner's list of vulnerabilities is of {made}, which is more than {} ago",
                    self.max_age.text
                );
                return Err(Miss::near(codes::TOO_OLD, reason));
            }
        }
        Ok(())
    }

    /// All that the authorities of `unless.vex` say.
    fn statements(&self, policy: &Policy, facts: &Facts<'_>) -> Statements {
        let mut read = Statements::default();
        let findings = facts.findings.iter();
        for finding in findings.filter(|f| self.vex.contains(&f.authority)) {
            let Ok(verified) = &finding.outcome else {
                continue;
            };
            let Verified::Attestation(said) = &**verified else {
                continue;
            };
            let is_theirs = about(verified, facts).is_ok() && by(policy, finding, verified).is_ok();
            if !is_theirs || !vex::TYPES.contains(&said.predicate_type()) {
                continue;
            }
            let predicate = said.predicate().unwrap_or("null");
            let statements = VexDocument::parse(predicate)
                .map_err(|e| e.to_string())
                .and_then(|document| dated(document.statements, facts.now));
            match statements {
                Ok(statements) => read.all.extend(
                    statements
                        .into_iter()
                        .map(|(time, statement)| (time, finding.authority.clone(), statement)),
                ),
                Err(why) => {
                    read.broken = Some(format!("a VEX document by {}: {why}", finding.authority));
                }
            }
        }
        read
    }

    fn excuse(
        &self,
        found: &Vulnerability,
        scan: &VerifiedAttestation,
        vex: &Statements,
        facts: &Facts<'_>,
    ) -> Option<Excuse> {
        let names = || std::iter::once(&found.id).chain(&found.aliases);
        let in_force = |e: &&Exception| e.until.is_none_or(|until| facts.now < until);
        let exception = self
            .except
            .iter()
            .filter(in_force)
            .find(|e| names().any(|name| name.eq_ignore_ascii_case(&e.id)));
        if let Some(exception) = exception {
            return Some(Excuse(format!("{}, says the policy", exception.reason)));
        }
        // A document that cannot be read could take back what another says.
        if vex.broken.is_some() {
            return None;
        }
        let image = facts.image;
        let applies = |(_, _, s): &&(Timestamp, String, VexStatement)| {
            // What is said of an advisory excuses nothing of what it is about, and may
            // take back what was.
            let related = found.related.iter().filter(|_| !s.status.excuses());
            s.is_about(names().chain(related).map(String::as_str))
                && (s.covers(image, scan.subject(), found.purl.as_deref())
                    || s.covers(image, facts.subject, found.purl.as_deref()))
        };
        let said: Vec<_> = vex.all.iter().filter(applies).collect();
        let last = said.iter().map(|(time, _, _)| time).max()?;
        let mut latest = said.iter().filter(|(time, _, _)| time == last);
        if latest.clone().any(|(_, _, s)| !s.status.excuses()) {
            return None;
        }
        let (_, authority, statement) = latest.next()?;
        let why = match statement.why.as_str() {
            "" => String::new(),
            why => format!(" ({})", escaped(why)),
        };
        let word = statement.status.word();
        Some(Excuse(format!("{word}{why}, says {authority}")))
    }

    fn too_bad(&self, left: &[&Vulnerability], vex: &Statements) -> Box<Miss> {
        let mut worst: Vec<&&Vulnerability> = left.iter().collect();
        worst.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
        let shown: Vec<String> = worst.iter().take(SHOWN).map(|f| named(f)).collect();
        let mut reason = format!(
            "{} of severity {} or above: {}",
            match left.len() {
                1 => "a finding is".to_owned(),
                n => format!("{n} findings are"),
            },
            self.worst,
            shown.join(", ")
        );
        if left.len() > SHOWN {
            reason.push_str(&format!(" and {} more", left.len() - SHOWN));
        }
        if let Some(broken) = &vex.broken {
            reason.push_str(&format!("; nothing is excused: {broken}"));
        }
        Miss::near(codes::VULNERABLE, reason)
    }

    pub(crate) fn needs(&self, needs: &mut Needs) {
        let vex = vex::TYPES.iter().filter(|_| !self.vex.is_empty());
        let types = self.types.iter().cloned();
        for uri in types.chain(vex.map(|&uri| uri.to_owned())) {
            needs.keep_predicate_of.insert(uri.clone());
            needs.attestations.insert(uri);
        }
    }
}

/// What was said, with its time and by whom.
#[derive(Default)]
struct Statements {
    all: Vec<(Timestamp, String, VexStatement)>,
    /// Why not all of it could be read.
    broken: Option<String>,
}

/// The statements with their times. One that is yet to be made would outdo all
/// that are made until then, those that take it back too.
fn dated(
    statements: Vec<VexStatement>,
    now: Timestamp,
) -> Result<Vec<(Timestamp, VexStatement)>, String> {
    let each = statements.into_iter().map(|statement| {
        let time: Timestamp = statement
            .time
            .parse()
            .map_err(|_| "a statement has a time that is none".to_owned())?;
        if time.duration_since(now) > AHEAD {
            return Err(format!("a statement is of {time}, which is yet to come"));
        }
        Ok((time, statement))
    });
    each.collect()
}

fn named(found: &Vulnerability) -> String {
    let what = found.purl.as_deref().unwrap_or(&found.package);
    let inside = if what.is_empty() {
        String::new()
    } else {
        format!(" in {}", escaped(what))
    };
    format!("{} ({}){inside}", escaped(&found.id), found.severity)
}

impl fmt::Display for Vulnerabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixable = if self.only_fixable {
            " that could be fixed"
        } else {
            ""
        };
        write!(
            f,
            "scan at most {} old with nothing of severity {} or above{fixable}",
            self.max_age.text, self.worst
        )?;
        if !self.vex.is_empty() {
            write!(f, ", unless excused by VEX of {}", self.vex.join(", "))?;
        }
        Ok(())
    }
}

/// An attested vulnerability scan: cosign's `vuln` or in-toto's `vulns`, with the
/// result of Trivy, Grype or SARIF in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Vulnerabilities")]
pub(crate) struct Raw {
    /// Other predicate types in which scans are attested, by URI.
    #[serde(default)]
    types: Vec<String>,
    /// How many distinct keys or identities it takes; 1 where it is left out.
    #[serde(default)]
    threshold: Option<usize>,
    /// Who may attest, by their names under `authorities`.
    #[serde(default)]
    from: Vec<String>,
    /// How old the scan may be, such as `7d`. Required: an old scan knows nothing of what was
    /// found since.
    #[serde(default)]
    max_age: Option<String>,
    /// What is refused, as `severity >= "high"`.
    #[serde(default)]
    deny: Option<String>,
    /// Refuse only what the scanner knows a fixed version of.
    #[serde(default)]
    only_fixable: bool,
    /// Findings that are let pass, each with a reason.
    #[serde(default)]
    except: Vec<RawException>,
    /// Who may excuse findings.
    #[serde(default)]
    unless: Option<Unless>,
}

/// A vulnerability that is let pass.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawException {
    /// Its identifier, such as `CVE-2024-1`.
    id: String,
    /// Why it is let pass.
    reason: String,
    /// Until when, in RFC 3339.
    #[serde(default)]
    until: Option<String>,
}

/// Who may excuse findings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unless {
    /// The authorities whose attested OpenVEX statements are believed.
    vex: Vec<String>,
}

impl Raw {
    pub(crate) fn compile(self, number: usize) -> Result<Requirement, PolicyError> {
        let refuse = |reason: String| PolicyError::Vulnerabilities {
            requirement: number,
            reason,
        };
        let mut types: Vec<String> = ScanReport::TYPES.map(str::to_owned).into();
        for kind in &self.types {
            let kind = attestation::predicate_type(kind, number)?;
            types.push(kind.uri().to_owned());
        }
        let max_age = self.max_age.ok_or_else(|| {
            refuse("`maxAge` is missing; an old scan knows nothing of what was found since".into())
        })?;
        let deny = self
            .deny
            .ok_or_else(|| refuse("`deny` is missing, such as `severity >= \"high\"`".into()))?;
        let vex = self.unless.map(|unless| unless.vex);
        if vex.as_ref().is_some_and(Vec::is_empty) {
            return Err(refuse("`unless.vex` is empty".into()));
        }
        let rule = Vulnerabilities {
            types,
            worst: severity(&deny).map_err(refuse)?,
            only_fixable: self.only_fixable,
            max_age: attestation::parse_age(max_age, number)?,
            except: self
                .except
                .into_iter()
                .map(RawException::compile)
                .collect::<Result<_, _>>()
                .map_err(refuse)?,
            vex: vex.unwrap_or_default(),
        };
        Ok(Requirement {
            from: self.from,
            threshold: self.threshold.unwrap_or(1),
            rule: Rule::Vulnerabilities(Box::new(rule)),
        })
    }
}

impl RawException {
    fn compile(self) -> Result<Exception, String> {
        let Self { id, reason, until } = self;
        if id.trim().is_empty() {
            return Err("an entry of `except` has an empty `id`".to_owned());
        }
        if reason.trim().is_empty() {
            return Err(format!("`{}` is excepted without a reason", escaped(&id)));
        }
        let until = until.map(|text| {
            text.parse()
                .map_err(|_| format!("`until` of `{}` is not a time", escaped(&id)))
        });
        Ok(Exception {
            until: until.transpose()?,
            id,
            reason: escaped(&reason),
        })
    }
}

/// `severity >= "high"`, with or without the quotes.
fn severity(deny: &str) -> Result<Severity, String> {
    let word = deny
        .trim()
        .strip_prefix("severity")
        .and_then(|rest| rest.trim_start().strip_prefix(">="))
        .ok_or_else(|| {
            format!(
                "`deny` is `{}`; it is of the form `severity >= \"high\"`",
                escaped(deny)
            )
        })?
        .trim();
    let word = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'))
        .unwrap_or(word);
    word.parse()
        .map_err(|e: waxseal_attestation::vulnerability::UnknownSeverity| {
            format!("`deny`: {}", escaped(&e.to_string()))
        })
}

/// How far the clock of a scanner, or of whoever excuses, may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Findings that are named in a reason.
const SHOWN: usize = 5;
