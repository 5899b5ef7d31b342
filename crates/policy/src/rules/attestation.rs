//! The rule that something was attested about an image.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use waxseal_attestation::PredicateType;
use waxseal_verify::{Verified, VerifiedAttestation};

use super::{Miss, Requirement, Rule};
use crate::condition::Input;
use crate::{Condition, Facts, Needs, PolicyError, codes};

/// An attestation of one type, which meets a condition and is not too old.
#[derive(Clone, Debug)]
pub(crate) struct Attestation {
    kind: PredicateType,
    condition: Option<Condition>,
    max_age: Option<MaxAge>,
}

/// How old something may be.
#[derive(Clone, Debug)]
pub(super) struct MaxAge {
    pub(super) text: String,
    duration: SignedDuration,
}

impl Attestation {
    /// An attestation of this type, whatever it says.
    pub(crate) fn of(kind: PredicateType) -> Self {
        Self {
            kind,
            condition: None,
            max_age: None,
        }
    }

    pub(crate) fn label(&self) -> String {
        self.kind.to_string()
    }

    pub(crate) fn weigh(&self, verified: &Verified, facts: &Facts<'_>) -> Result<(), Box<Miss>> {
        let attestation = of_type(verified, |found| found == self.kind.uri())?;
        if let Some(max_age) = &self.max_age {
            max_age.weigh(attestation.times(), facts.now)?;
        }
        match &self.condition {
            Some(condition) => meets(condition, attestation, facts),
            None => Ok(()),
        }
    }

    pub(crate) fn needs(&self, needs: &mut Needs) {
        let uri = self.kind.uri().to_owned();
        if self.condition.is_some() {
            needs.keep_predicate_of.insert(uri.clone());
        }
        needs.attestations.insert(uri);
    }
}

impl MaxAge {
    /// The age is counted from the earliest time that is proven: what was
    /// signed is at least that old.
    pub(super) fn weigh(&self, times: &[Timestamp], now: Timestamp) -> Result<(), Box<Miss>> {
        let Some(signed) = times.iter().min() else {
            let reason = "nothing proves when it was signed, and `maxAge` needs that: \
                          a log entry or a timestamp, and the trust root to check it";
            return Err(Miss::near(codes::NO_TIME, reason.to_owned()));
        };
        if self.is_over(*signed, now) {
            let reason = format!(
                "it was signed at {signed}, which is more than {} ago",
                self.text
            );
            return Err(Miss::near(codes::TOO_OLD, reason));
        }
        Ok(())
    }

    /// Whether a time is longer ago.
    pub(super) fn is_over(&self, time: Timestamp, now: Timestamp) -> bool {
        now.duration_since(time) > self.duration
    }
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attestation of type {}", self.kind)?;
        if let Some(max_age) = &self.max_age {
            write!(f, " at most {} old", max_age.text)?;
        }
        match &self.condition {
            Some(condition) => write!(f, " where {}", condition.source()),
            None => Ok(()),
        }
    }
}

/// The attestation, if it is one of a type that is wanted.
pub(super) fn of_type(
    verified: &Verified,
    wanted: impl Fn(&str) -> bool,
) -> Result<&VerifiedAttestation, Box<Miss>> {
    match verified {
        Verified::Attestation(attestation) if wanted(attestation.predicate_type()) => {
            Ok(attestation)
        }
        Verified::Attestation(attestation) => {
            let reason = format!(
                "it is an attestation of type {}",
                attestation.predicate_type()
            );
            Err(Miss::other(codes::OTHER_TYPE, reason))
        }
        Verified::Signature(_) => {
            let reason = "it is a signature, not an attestation".to_owned();
            Err(Miss::other(codes::NOT_AN_ATTESTATION, reason))
        }
    }
}

fn meets(
    condition: &Condition,
    attestation: &VerifiedAttestation,
    facts: &Facts<'_>,
) -> Result<(), Box<Miss>> {
    let input = Input {
        predicate: attestation.predicate().unwrap_or("null"),
        predicate_type: attestation.predicate_type(),
        subject: attestation.subject().as_str(),
        image: &facts.image.to_string(),
    };
    match condition.holds(&input) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let reason = format!("the condition does not hold: {}", condition.source());
            Err(Miss::near(codes::CONDITION, reason))
        }
        Err(error) => Err(Miss::near(
            codes::CONDITION_ERROR,
            format!("the condition: {error}"),
        )),
    }
}

/// An attestation about the image.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Attestation")]
pub(crate) struct Raw {
    /// The predicate type, by cosign's name (`slsaprovenance1`) or by URI.
    #[serde(rename = "type")]
    kind: String,
    /// How many distinct keys or identities it takes; 1 where it is left out.
    #[serde(default)]
    threshold: Option<usize>,
    /// Who may attest, by their names under `authorities`.
    #[serde(default)]
    from: Vec<String>,
    /// A condition in CEL over `predicate`, `predicateType`, `subject` and `image`.
    #[serde(default, rename = "where")]
    condition: Option<String>,
    /// How old it may be, such as `7d`, by a time that a log or a timestamp proves.
    #[serde(default)]
    max_age: Option<String>,
}

impl Raw {
    pub(crate) fn compile(self, number: usize) -> Result<Requirement, PolicyError> {
        let mut rule = Attestation::of(predicate_type(&self.kind, number)?);
        let compiled = self
            .condition
            .map(|source| Condition::compile(&source))
            .transpose();
        rule.condition = compiled.map_err(|source| PolicyError::Condition {
            requirement: number,
            source,
        })?;
        rule.max_age = self
            .max_age
            .map(|text| parse_age(text, number))
            .transpose()?;
        Ok(Requirement {
            from: self.from,
            threshold: self.threshold.unwrap_or(1),
            rule: Rule::Attestation(rule),
        })
    }
}

/// A type by cosign's name or by URI. The type of a signature is not one: to
/// ask for a signature there is `signature`.
pub(crate) fn predicate_type(kind: &str, number: usize) -> Result<PredicateType, PolicyError> {
    let refuse = |reason: String| PolicyError::Type {
        requirement: number,
        reason,
    };
    let parsed: PredicateType = kind.parse().map_err(|e| refuse(format!("{e}")))?;
    if parsed.uri() == PredicateType::SIGN {
        return Err(refuse(
            "a signature is required with `signature`".to_owned(),
        ));
    }
    Ok(parsed)
}

/// A span of time as policies write it: a number and a unit.
pub(crate) fn age(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let length = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let seconds = count.checked_mul(length).filter(|s| *s > 0)?;
    Some(SignedDuration::from_secs(seconds))
}

pub(super) fn parse_age(text: String, number: usize) -> Result<MaxAge, PolicyError> {
    match age(&text) {
        Some(duration) => Ok(MaxAge { duration, text }),
        None => Err(PolicyError::MaxAge {
            requirement: number,
            found: text,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_counted_from_the_earliest_time() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let day = 86_400;
        let week = parse_age("7d".to_owned(), 1).unwrap();
        let code = |times: &[Timestamp]| week.weigh(times, at(100 * day)).map_err(|m| m.code);
        assert_eq!(code(&[]), Err(codes::NO_TIME));
        assert_eq!(code(&[at(93 * day)]), Ok(()));
        assert_eq!(code(&[at(93 * day - 1)]), Err(codes::TOO_OLD));
        assert_eq!(code(&[at(99 * day), at(90 * day)]), Err(codes::TOO_OLD));
        // A log's clock may be a little ahead of ours.
        assert_eq!(code(&[at(100 * day + 5)]), Ok(()));
    }

    #[test]
    fn reads_durations() {
        let seconds = |text: &str| parse_age(text.to_owned(), 1).unwrap().duration.as_secs();
        assert_eq!(
            ["1s", "2m", "3h", "4d", "5w"].map(seconds),
            [1, 120, 10_800, 345_600, 3_024_000]
        );
    }
}
