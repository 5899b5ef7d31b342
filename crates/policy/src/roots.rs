//! Trust roots that policies name, and how old they may be.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a policy says of a trust root that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootDemand {
    /// The operator's name of it.
    pub name: String,
    /// How long ago it may have been fetched.
    pub max_age: Option<SignedDuration>,
    /// What becomes of one that is stale.
    pub stale: WhenStale,
}

/// What becomes of a trust root that is stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum WhenStale {
    /// Nothing is decided by it.
    #[default]
    Refuse,
    /// It is used, and that is said.
    Warn,
}

/// Where a trust root is from, and what is known of its age; said by the
/// operator's store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct RootAge {
    /// Where it is from, in words.
    pub origin: String,
    /// When it was fetched or given, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<Timestamp>,
    /// Until when its repository vouches for it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Until when the operator takes it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerated: Option<Timestamp>,
}

/// A trust root that a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RootUsed {
    /// The operator's name of it.
    pub name: String,
    /// Where it is from, in words.
    pub origin: String,
    /// When it was fetched or given, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<Timestamp>,
    /// How long ago that was when the verdict was made, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<i64>,
    /// Until when its repository vouches for it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Why it is stale, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Whether nothing was decided by it for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl RootDemand {
    /// What an operator's root is held to who says nothing more.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            max_age: None,
            stale: WhenStale::Refuse,
        }
    }

    /// Holds a root of this age against what the policy says.
    #[must_use]
    pub fn weigh(&self, age: &RootAge, now: Timestamp) -> RootUsed {
        let old = age.fetched.map(|then| now.duration_since(then));
        let stale = self.too_old(age, now);
        let (stale, refused) = match (stale, age.expires) {
            (Some(why), _) => (Some(why), true),
            (None, Some(until)) if until < now => (
                Some(format!(
                    "the trust root `{}` is stale: its repository vouched for it until {until}",
                    self.name
                )),
                age.tolerated.is_none_or(|tolerated| tolerated < now),
            ),
            (None, _) => (None, false),
        };
        RootUsed {
            name: self.name.clone(),
            origin: age.origin.clone(),
            fetched: age.fetched,
            age_seconds: old.map(|old| old.as_secs().max(0)),
            expires: age.expires,
            stale,
            refused: refused && self.stale == WhenStale::Refuse,
        }
    }

    fn too_old(&self, age: &RootAge, now: Timestamp) -> Option<String> {
        let most = self.max_age?;
        let name = &self.name;
        let Some(fetched) = age.fetched else {
            return Some(format!(
                "the trust root `{name}` is stale: nobody knows how old it is, and the policy asks"
            ));
        };
        (now.duration_since(fetched) > most).then(|| {
            format!(
                "the trust root `{name}` is stale: it is of {fetched}, older than the policy takes"
            )
        })
    }
}

impl fmt::Display for RootDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "which is `{}`", self.name)?;
        if let Some(most) = self.max_age {
            let seconds = most.as_secs();
            match (seconds % 86_400, seconds / 86_400) {
                (0, days) => write!(f, " of at most {days}d")?,
                _ => write!(f, " of at most {most:#}")?,
            }
        }
        f.write_str(match self.stale {
            WhenStale::Refuse => " and not stale",
            WhenStale::Warn => ", used with a warning when stale",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn demand(max_age: Option<i64>, stale: WhenStale) -> RootDemand {
        RootDemand {
            max_age: max_age.map(|days| SignedDuration::from_hours(24 * days)),
            stale,
            ..RootDemand::new("acme")
        }
    }

    fn said(demand: &RootDemand, age: &RootAge, day: i64) -> (Option<String>, bool) {
        let used = demand.weigh(age, at(day));
        (used.stale, used.refused)
    }

    #[test]
    fn a_root_is_stale_when_nobody_vouches_for_it() {
        let age = RootAge {
            fetched: Some(at(10)),
            expires: Some(at(17)),
            tolerated: Some(at(20)),
            ..RootAge::default()
        };
        let why = "the trust root `acme` is stale: its repository vouched for it until \
                   1970-01-18T00:00:00Z";
        let why = Some(why.to_owned());
        let strict = demand(None, WhenStale::Refuse);
        assert_eq!(said(&strict, &age, 17), (None, false));
        assert_eq!(said(&strict, &age, 20), (why.clone(), false));
        assert_eq!(said(&strict, &age, 21), (why.clone(), true));
        assert_eq!(said(&demand(None, WhenStale::Warn), &age, 21), (why, false));
        assert_eq!(strict.weigh(&age, at(12)).age_seconds, Some(2 * 86_400));
    }

    #[test]
    fn a_policys_limit_is_nobody_elses_to_move() {
        let age = RootAge {
            fetched: Some(at(10)),
            expires: Some(at(17)),
            tolerated: Some(at(100)),
            ..RootAge::default()
        };
        let strict = demand(Some(3), WhenStale::Refuse);
        assert_eq!(said(&strict, &age, 13), (None, false));
        let why = "the trust root `acme` is stale: it is of 1970-01-11T00:00:00Z, older than the \
                   policy takes";
        assert_eq!(said(&strict, &age, 14), (Some(why.to_owned()), true));
        let lax = demand(Some(3), WhenStale::Warn);
        assert_eq!(said(&lax, &age, 14), (Some(why.to_owned()), false));
    }

    #[test]
    fn a_copy_of_unknown_age_meets_no_limit() {
        let age = RootAge::default();
        let why = "the trust root `acme` is stale: nobody knows how old it is, and the policy asks";
        let strict = demand(Some(3), WhenStale::Refuse);
        assert_eq!(said(&strict, &age, 1), (Some(why.to_owned()), true));
        assert_eq!(
            said(&demand(None, WhenStale::Refuse), &age, 1),
            (None, false)
        );
    }

    #[test]
    fn a_demand_is_said_in_words() {
        assert_eq!(
            demand(None, WhenStale::Refuse).to_string(),
            "which is `acme` and not stale"
        );
        assert_eq!(
            demand(Some(3), WhenStale::Warn).to_string(),
            "which is `acme` of at most 3d, used with a warning when stale"
        );
        let hours = RootDemand {
            max_age: Some(SignedDuration::from_hours(36)),
            ..RootDemand::new("acme")
        };
        assert_eq!(
            hours.to_string(),
            "which is `acme` of at most 36h and not stale"
        );
    }
}
