//! The words of a decision, apart from how they are laid out: text and a page
//! say the same because they are made from the same words.

use waxseal_verify::{Check, Origin, Place, Signer};

use crate::text::escaped_to;
use crate::{Decision, Found, Mode, PolicyDecision, RequirementDecision, Verdict, escaped, limits};

/// A decision in words, for people. Every text in it is escaped and cut as
/// [`escaped`] does it; it is not escaped for HTML or any other syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// What becomes of the image.
    pub word: Word,
    /// The image as it was asked for.
    pub image: String,
    /// Its digest, where the name does not have it.
    pub digest: Option<String>,
    /// Why there is a verdict without policies.
    pub reason: Option<String>,
    /// What each policy says.
    pub policies: Vec<PolicyOutline>,
    /// What to do next.
    pub hint: Option<String>,
}

/// What one policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyOutline {
    /// The policy's name.
    pub name: String,
    /// Its verdict.
    pub word: Word,
    /// What limits the verdict: the mode, the platform. Empty, or it begins with a space.
    pub scope: String,
    /// The index through which the image is verified.
    pub through: Option<String>,
    /// Each requirement.
    pub requirements: Vec<RequirementOutline>,
}

/// What became of one requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementOutline {
    /// `met` or `NOT MET`.
    pub mark: &'static str,
    /// Whether it is met.
    pub met: bool,
    /// The requirement.
    pub text: String,
    /// The evidence that counts.
    pub found: Vec<Line>,
    /// The evidence that does not, and what is missing.
    pub others: Vec<Line>,
}

/// A line, and those that say more about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The line.
    pub text: String,
    /// What belongs to it.
    pub about: Vec<String>,
}

/// A verdict in words, and how it strikes the eye. The words alone say all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// The words.
    pub text: &'static str,
    /// Whether they are good news.
    pub tone: Tone,
}

/// What kind of news a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Tone {
    /// Verified.
    Good,
    /// Neither verified nor refused.
    Doubtful,
    /// Refused.
    Bad,
}

impl Decision {
    /// The words of the decision.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let digest = self.digest.as_ref();
        Outline {
            word: self.word(),
            image: escaped(&self.image),
            digest: digest
                .filter(|d| !self.image.contains(d.as_str()))
                .map(ToString::to_string),
            reason: self.reason.as_deref().map(escaped),
            policies: self.policies.iter().map(PolicyDecision::outline).collect(),
            hint: self.hint.as_deref().map(escaped),
        }
    }

    /// Whether every policy is satisfied, and there is one: an image that is
    /// let in without that is never called verified.
    pub(crate) fn is_verified(&self) -> bool {
        let satisfied = self.policies.iter().all(|p| p.verdict == Verdict::Allow);
        self.verdict == Verdict::Allow && !self.policies.is_empty() && satisfied
    }

    fn word(&self) -> Word {
        if self.verdict == Verdict::Allow && !self.is_verified() {
            return Word {
                text: "let in, not verified",
                tone: Tone::Doubtful,
            };
        }
        word(self.verdict)
    }
}

impl PolicyDecision {
    fn outline(&self) -> PolicyOutline {
        let mut scope = String::new();
        if self.mode != Mode::Enforce {
            scope.push_str(&format!(" (mode {}: not enforced)", self.mode.word()));
        }
        if let Some(platform) = &self.platform {
            scope.push_str(&format!(" for {}", escaped(platform)));
        }
        let requirements = self.requirements.iter();
        PolicyOutline {
            name: escaped(&self.policy),
            word: word(self.verdict),
            scope,
            through: self.via.as_ref().map(|via| via.index.to_string()),
            requirements: requirements.map(RequirementDecision::outline).collect(),
        }
    }
}

impl RequirementDecision {
    fn outline(&self) -> RequirementOutline {
        let line = |text| Line {
            text,
            about: Vec::new(),
        };
        let shown = self.found.iter().take(limits::SHOWN_CANDIDATES);
        let mut found: Vec<Line> = shown.map(found).collect();
        found.extend(more(self.found.len(), "that count").map(line));
        let mut lines = Vec::new();
        for rejected in self.rejected.iter().take(limits::SHOWN_CANDIDATES) {
            let (who, why) = (escaped(&rejected.authority), escaped(&rejected.reason));
            let place = place(&rejected.origin);
            lines.push(line(format!("rejected for {who}: {why} [{place}]")));
        }
        lines.extend(more(self.rejected.len(), "rejected").map(line));
        for seen in self.seen.iter().take(limits::SHOWN_CANDIDATES) {
            let kind = escaped(seen.predicate.as_deref().unwrap_or("unknown"));
            let (note, place) = (escaped(&seen.note), place(&seen.origin));
            lines.push(line(format!(
                "seen, not looked at: {kind} ({note}) [{place}]"
            )));
        }
        lines.extend(more(self.seen.len(), "seen and not looked at").map(line));
        if let Some(missing) = &self.missing {
            let missing = escaped_to(limits::MESSAGE_BYTES, missing);
            lines.push(line(format!("missing: {missing}")));
        }
        RequirementOutline {
            mark: if self.satisfied { "met" } else { "NOT MET" },
            met: self.satisfied,
            text: escaped(&self.requirement),
            found,
            others: lines,
        }
    }
}

impl Found {
    /// Who signed, in words.
    #[must_use]
    pub fn who(&self) -> String {
        match &self.signer {
            Signer::Key { id, .. } => format!("key {}", escaped(id)),
            Signer::Identity {
                issuer, subject, ..
            } => {
                format!("{} by {}", escaped(subject), escaped(issuer))
            }
            _ => "signer".to_owned(),
        }
    }

    /// Where it was found, in words.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.origin)
    }
}

fn found(found: &Found) -> Line {
    let (who, signer) = (escaped(&found.authority), found.who());
    let mut about = Vec::new();
    if let Some(index) = &found.through {
        about.push(format!("about the index {index}"));
    }
    if let Some(kind) = &found.predicate_type {
        about.push(format!("type {}", escaped(kind)));
    }
    for (key, value) in found.annotations.iter().take(limits::SHOWN_CANDIDATES) {
        about.push(format!("{}={}", escaped(key), escaped(value)));
    }
    about.extend(more(found.annotations.len(), "annotations"));
    let notes = found.notes.iter().take(limits::SHOWN_CANDIDATES);
    about.extend(notes.map(|note| escaped(note)));
    about.extend(more(found.notes.len(), "notes"));
    let done: Vec<_> = found.checks.done.iter().map(|c| check(*c)).collect();
    about.push(format!("checked: {}", done.join(", ")));
    for (what, why) in &found.checks.not_done {
        about.push(format!("not checked: {} ({})", check(*what), escaped(why)));
    }
    Line {
        text: format!("by {who} ({signer}) [{}]", place(&found.origin)),
        about,
    }
}

fn more(count: usize, what: &str) -> Option<String> {
    let left = count
        .checked_sub(limits::SHOWN_CANDIDATES)
        .filter(|left| *left > 0)?;
    Some(format!("and {left} more {what}"))
}

fn place(origin: &Origin) -> String {
    let place = match origin.place {
        Place::AttestationTag => ".att tag",
        Place::FallbackTag => "fallback tag",
        Place::File => "file",
        Place::Referrer => "referrer",
        Place::SignatureTag => ".sig tag",
        _ => "evidence",
    };
    let digest = origin.manifest.as_ref().unwrap_or(&origin.blob);
    format!("{place} {}", digest.short())
}

fn check(check: Check) -> &'static str {
    match check {
        Check::CertificateChain => "certificate chain",
        Check::CertificateTransparency => "certificate transparency",
        Check::Identity => "identity",
        Check::LogEntryBinding => "log entry is about this signature",
        Check::LogInclusionProof => "log inclusion proof",
        Check::LogPromise => "log promise",
        Check::Signature => "signature",
        Check::SubjectDigest => "subject digest",
        Check::Timestamp => "timestamp",
        _ => "another check",
    }
}

fn word(verdict: Verdict) -> Word {
    let (text, tone) = match verdict {
        Verdict::Allow => ("verified", Tone::Good),
        Verdict::Deny => ("refused", Tone::Bad),
        Verdict::Unable => ("could not check", Tone::Doubtful),
    };
    Word { text, tone }
}
