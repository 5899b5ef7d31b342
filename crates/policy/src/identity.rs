//! Keyless authorities: identities that let neither everybody in nor nobody.

use waxseal_verify::{KeylessAuthority, Matcher, TrustedRoot, claim_names};

use crate::compile::{Read, demand};
use crate::document::authority::{Demand, KeySource, Keyless, Root};
use crate::rules::attestation::age;
use crate::{PolicyError, RootDemand};

pub(crate) fn compile(
    name: &str,
    raw: Keyless,
    read: Read<'_>,
) -> Result<KeylessAuthority, PolicyError> {
    let root = raw.root().map(|source| {
        let document = read(&source)?;
        TrustedRoot::from_json(&document).map_err(|e| {
            let reason = e.to_string();
            reason.trim_start_matches("trust root: ").to_owned()
        })
    });
    let mut authority = compile_identity(raw).map_err(|reason| PolicyError::Identity {
        authority: name.to_owned(),
        reason,
    })?;
    authority.root = root.transpose().map_err(|reason| PolicyError::TrustRoot {
        authority: name.to_owned(),
        reason,
    })?;
    Ok(authority)
}

/// What is asked of the trust root that an authority names.
pub(crate) fn root_demand(name: &str, raw: &Keyless) -> Result<Option<RootDemand>, PolicyError> {
    let (Some(root), Some(KeySource::TrustRoot(known))) = (&raw.trust_root, raw.root()) else {
        return Ok(None);
    };
    let mut demand = RootDemand::new(&known);
    if let Root::Long(long) = root {
        demand.stale = long.stale;
        if let Some(text) = &long.max_age {
            let age = age(text).ok_or_else(|| PolicyError::TrustRoot {
                authority: name.to_owned(),
                reason: format!("its `maxAge` is `{text}`; it is a number and one of `s`, `m`, `h`, `d`, `w`, such as `7d`"),
            })?;
            demand.max_age = Some(age);
        }
    }
    Ok(Some(demand))
}

fn compile_identity(raw: Keyless) -> Result<KeylessAuthority, String> {
    let issuer = matcher("issuer", raw.issuer, raw.issuer_reg_exp)?;
    let subject = matcher("subject", raw.subject, raw.subject_reg_exp)?;
    let mut authority = KeylessAuthority::new(issuer, subject);
    if let Some(log) = raw.log {
        authority.log = demand(log);
    }
    authority.timestamp = demand(raw.timestamp);
    if let Some(whether) = raw.certificate_transparency {
        authority.sct = demand(Demand::Whether(whether));
    }
    for (claim, value) in raw.claims {
        let known = claim_names();
        if !known.contains(&claim.as_str()) {
            return Err(format!(
                "there is no claim `{claim}` (there are: {})",
                known.join(", ")
            ));
        }
        let wanted = matcher(&claim, Some(value), None)?;
        authority.claims.insert(claim, wanted);
    }
    refuse_everybody(&authority)?;
    Ok(authority)
}

/// Refuses an identity that is whoever there is, or whoever cares to register.
/// A policy's identities are checked when it is compiled; this is for those that
/// are part of none.
///
/// # Errors
/// Why it lets in too many.
pub fn refuse_everybody(authority: &KeylessAuthority) -> Result<(), String> {
    for (what, wanted) in [
        ("issuer", &authority.issuer),
        ("subject", &authority.subject),
    ] {
        if wanted.matches(STRANGER) || wanted.matches("\u{1}") {
            return Err(format!("the {what} `{wanted}` is whoever there is"));
        }
    }
    if open_to_everybody(authority) {
        return Err(format!(
            "`{}` by `{}` lets in whoever has an account there: name the owner in the subject, \
             or claim `sourceRepositoryOwnerURI`",
            authority.subject, authority.issuer
        ));
    }
    Ok(())
}

fn matcher(what: &str, text: Option<String>, pattern: Option<String>) -> Result<Matcher, String> {
    let about = |e: waxseal_verify::MatcherError| format!("`{what}`: {e}");
    match (text, pattern) {
        (Some(text), None) if text.contains(['*', '?']) => Matcher::glob(text).map_err(about),
        (Some(text), None) => Matcher::exact(text).map_err(about),
        (None, Some(text)) => {
            if !is_anchored(&text) {
                return Err(format!(
                    "`{what}RegExp` is `{text}`, which is not anchored: begin it with `^` and end it with `$`"
                ));
            }
            Matcher::regex(text).map_err(|e| format!("`{what}RegExp`: {e}"))
        }
        (None, None) => Err(format!("`{what}` is missing")),
        (Some(_), Some(_)) => Err(format!("`{what}` and `{what}RegExp` are both there")),
    }
}

fn is_anchored(expression: &str) -> bool {
    let Some(body) = expression
        .strip_prefix('^')
        .and_then(|e| e.strip_suffix('$'))
    else {
        return false;
    };
    // `\$` is a dollar, not the end.
    let escapes = body.chars().rev().take_while(|c| *c == '\\').count();
    escapes % 2 == 0
}

/// Whether the authority is one identity and not a pattern.
pub(crate) fn is_one(authority: &KeylessAuthority) -> bool {
    let exact = |m: &Matcher| {
        !m.to_string()
            .contains(['*', '?', '^', '[', '(', '|', '+', '\\'])
    };
    exact(&authority.issuer) && exact(&authority.subject)
}

/// An identity that nobody has meant, on an issuer where anybody can get one.
fn open_to_everybody(authority: &KeylessAuthority) -> bool {
    let anybody = |issuer: &str, subjects: &[&str]| {
        authority.issuer.matches(issuer) && subjects.iter().any(|s| authority.subject.matches(s))
    };
    let bound = authority.claims.iter().any(|(claim, wanted)| {
        let strangers = BINDING.iter().find(|(binding, _)| binding == claim);
        strangers.is_some_and(|(_, values)| !values.iter().any(|value| wanted.matches(value)))
    });
    !bound
        && STRANGERS
            .iter()
            .any(|(issuer, subjects)| anybody(issuer, subjects))
}

/// Nobody has meant this one.
const STRANGER: &str = "https://zq-stranger-7.example/zq";

/// Subjects that strangers could have, by the issuers where anybody may register.
const STRANGERS: [(&str, &[&str]); 7] = [
    (
        "https://token.actions.githubusercontent.com",
        &[
            "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/zq.yml@refs/heads/zq",
            "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/release.yml@refs/tags/v1.0.0",
            "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/release.yml@refs/heads/main",
        ],
    ),
    (
        "https://gitlab.com",
        &["https://gitlab.com/zq-stranger-7/zq-other-7//.gitlab-ci.yml@refs/heads/main"],
    ),
    (
        "https://agent.buildkite.com",
        &["https://buildkite.com/zq-stranger-7/zq-other-7"],
    ),
    (
        "https://oauth2.sigstore.dev/auth",
        &["zq.stranger.7@gmail.com", "zq.stranger.7@zq-7.example"],
    ),
    (
        "https://github.com/login/oauth",
        &["zq.stranger.7@gmail.com", "zq.stranger.7@zq-7.example"],
    ),
    (
        "https://accounts.google.com",
        &["zq.stranger.7@gmail.com", "zq.stranger.7@zq-7.example"],
    ),
    (
        "https://login.microsoftonline.com",
        &["zq.stranger.7@outlook.com", "zq.stranger.7@zq-7.example"],
    ),
];

/// Claims that tie an identity to an owner, with what strangers could have.
const BINDING: [(&str, &[&str]); 9] = [
    ("buildConfigURI", WORKFLOWS),
    ("buildSignerURI", WORKFLOWS),
    ("githubWorkflowRepository", &["zq-stranger-7/zq-other-7"]),
    (
        "runInvocationURI",
        &[
            "https://github.com/zq-stranger-7/zq-other-7/actions/runs/7/attempts/1",
            "https://gitlab.com/zq-stranger-7/zq-other-7/-/jobs/7",
        ],
    ),
    ("sourceRepositoryIdentifier", &["7070707070707"]),
    ("sourceRepositoryOwnerIdentifier", &["7070707070707"]),
    (
        "sourceRepositoryOwnerURI",
        &[
            "https://github.com/zq-stranger-7",
            "https://gitlab.com/zq-stranger-7",
        ],
    ),
    (
        "sourceRepositoryURI",
        &[
            "https://github.com/zq-stranger-7/zq-other-7",
            "https://gitlab.com/zq-stranger-7/zq-other-7",
        ],
    ),
    (
        "tokenSubject",
        &[
            "repo:zq-stranger-7/zq-other-7:ref:refs/heads/main",
            "repo:zq-stranger-7/zq-other-7:environment:release",
            "project_path:zq-stranger-7/zq-other-7:ref_type:branch:ref:main",
        ],
    ),
];

/// What strangers on GitHub and GitLab could have run.
const WORKFLOWS: &[&str] = &[
    "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/zq.yml@refs/heads/zq",
    "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/release.yml@refs/tags/v1.0.0",
    "https://github.com/zq-stranger-7/zq-other-7/.github/workflows/release.yml@refs/heads/main",
    "https://gitlab.com/zq-stranger-7/zq-other-7//.gitlab-ci.yml@refs/heads/main",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_real() {
        assert!(is_anchored("^a$") && is_anchored(r"^a\\$"));
        assert!(
            !is_anchored("a$") && !is_anchored("^a") && !is_anchored(r"^a\$") && !is_anchored("^")
        );
    }

    #[test]
    fn one_identity_is_one() {
        let one = |issuer: &str, subject: Matcher| {
            is_one(&KeylessAuthority::new(
                Matcher::exact(issuer).unwrap(),
                subject,
            ))
        };
        assert!(one("https://i", Matcher::exact("a@b.c").unwrap()));
        assert!(!one("https://i", Matcher::glob("*@b.c").unwrap()));
        assert!(!one("https://i", Matcher::regex("^a@b.c$").unwrap()));
    }
}
