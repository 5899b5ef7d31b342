//! A decision in words.

use std::fmt::Write as _;

use waxseal_verify::{Check, Origin, Place, Signer};

use crate::text::escaped_to;
use crate::{Decision, Found, Mode, PolicyDecision, RequirementDecision, Verdict, escaped, limits};

/// How a decision is written for people. Colour carries no meaning.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Style {
    /// Whether verdict words are coloured.
    pub color: bool,
}

impl Decision {
    /// The decision as a tree of text, without a line break at the end.
    #[must_use]
    pub fn render_text(&self, style: Style) -> String {
        let mut out = format!("{} {}", self.word(style), escaped(&self.image));
        let digest = self
            .digest
            .as_ref()
            .filter(|d| !self.image.contains(d.as_str()));
        if let Some(digest) = digest {
            let _ = write!(out, "\n  digest {digest}");
        }
        if let Some(reason) = &self.reason {
            let _ = write!(out, "\n  {}", escaped(reason));
        }
        for policy in &self.policies {
            policy.render(&mut out, style);
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\n  hint: {}", escaped(hint));
        }
        out
    }

    /// The decision in one line of at most a kilobyte, for a webhook's answer.
    #[must_use]
    pub fn message(&self) -> String {
        let mut out = format!("{}: {}", escaped(&self.image), self.plain());
        if let Some(reason) = &self.reason {
            let _ = write!(out, ": {}", escaped(reason));
        }
        let unmet = self.policies.iter().filter(|p| p.verdict != Verdict::Allow);
        for policy in unmet {
            for missing in policy
                .requirements
                .iter()
                .filter_map(|r| r.missing.as_ref())
            {
                let _ = write!(
                    out,
                    "; policy {}: {}",
                    escaped(&policy.policy),
                    escaped_to(limits::MESSAGE_BYTES, missing)
                );
            }
        }
        shortened(out)
    }
}

impl Decision {
    /// Whether every policy is satisfied, and there is one: an image that is
    /// let in without that is never called verified.
    fn is_verified(&self) -> bool {
        let satisfied = self.policies.iter().all(|p| p.verdict == Verdict::Allow);
        self.verdict == Verdict::Allow && !self.policies.is_empty() && satisfied
    }

    fn word(&self, style: Style) -> String {
        if self.verdict == Verdict::Allow && !self.is_verified() {
            return coloured("33", "let in, not verified", style);
        }
        word(self.verdict, style)
    }

    fn plain(&self) -> &'static str {
        match self.verdict {
            Verdict::Allow if self.is_verified() => "verified",
            Verdict::Allow => "let in, not verified",
            Verdict::Deny => "refused",
            Verdict::Unable => "could not be checked",
        }
    }
}

/// At most [`limits::MESSAGE_BYTES`], the mark of what is left out included.
fn shortened(mut text: String) -> String {
    if text.len() <= limits::MESSAGE_BYTES {
        return text;
    }
    let mark = '…';
    let mut end = limits::MESSAGE_BYTES - mark.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push(mark);
    text
}

impl PolicyDecision {
    fn render(&self, out: &mut String, style: Style) {
        let _ = write!(
            out,
            "\n  policy {}: {}",
            escaped(&self.policy),
            word(self.verdict, style)
        );
        if self.mode != Mode::Enforce {
            let _ = write!(out, " (mode {}: not enforced)", self.mode.word());
        }
        if let Some(platform) = &self.platform {
            let _ = write!(out, " for {}", escaped(platform));
        }
        if let Some(via) = &self.via {
            let _ = write!(out, "\n    through index {}", via.index);
        }
        let last = self.requirements.len().saturating_sub(1);
        for (n, requirement) in self.requirements.iter().enumerate() {
            requirement.render(out, n == last);
        }
    }
}

impl RequirementDecision {
    fn render(&self, out: &mut String, last: bool) {
        let (branch, bar) = if last {
            ("└─", "  ")
        } else {
            ("├─", "│ ")
        };
        let mark = if self.satisfied { "met" } else { "NOT MET" };
        let _ = write!(out, "\n    {branch} {mark}: {}", escaped(&self.requirement));
        let mut line = |text: String| {
            let _ = write!(out, "\n    {bar}   {text}");
        };
        for found in self.found.iter().take(limits::SHOWN_CANDIDATES) {
            evidence(found).into_iter().for_each(&mut line);
        }
        more(self.found.len(), "that count")
            .into_iter()
            .for_each(&mut line);
        for rejected in self.rejected.iter().take(limits::SHOWN_CANDIDATES) {
            let (who, why) = (escaped(&rejected.authority), escaped(&rejected.reason));
            line(format!(
                "rejected for {who}: {why} [{}]",
                place(&rejected.origin)
            ));
        }
        more(self.rejected.len(), "rejected")
            .into_iter()
            .for_each(&mut line);
        for seen in self.seen.iter().take(limits::SHOWN_CANDIDATES) {
            let kind = escaped(seen.predicate.as_deref().unwrap_or("unknown"));
            let (note, place) = (escaped(&seen.note), place(&seen.origin));
            line(format!("seen, not looked at: {kind} ({note}) [{place}]"));
        }
        more(self.seen.len(), "seen and not looked at")
            .into_iter()
            .for_each(&mut line);
        if let Some(missing) = &self.missing {
            line(format!(
                "missing: {}",
                escaped_to(limits::MESSAGE_BYTES, missing)
            ));
        }
    }
}

fn evidence(found: &Found) -> Vec<String> {
    let (who, signer) = (escaped(&found.authority), signer(&found.signer));
    let mut lines = vec![format!("by {who} ({signer}) [{}]", place(&found.origin))];
    if let Some(index) = &found.through {
        lines.push(format!("  about the index {index}"));
    }
    if let Some(kind) = &found.predicate_type {
        lines.push(format!("  type {}", escaped(kind)));
    }
    for (key, value) in found.annotations.iter().take(limits::SHOWN_CANDIDATES) {
        lines.push(format!("  {}={}", escaped(key), escaped(value)));
    }
    lines.extend(more(found.annotations.len(), "annotations").map(|m| format!("  {m}")));
    for note in found.notes.iter().take(limits::SHOWN_CANDIDATES) {
        lines.push(format!("  {}", escaped(note)));
    }
    lines.extend(more(found.notes.len(), "notes").map(|m| format!("  {m}")));
    let done: Vec<_> = found.checks.done.iter().map(|c| check(*c)).collect();
    lines.push(format!("  checked: {}", done.join(", ")));
    for (what, why) in &found.checks.not_done {
        lines.push(format!(
            "  not checked: {} ({})",
            check(*what),
            escaped(why)
        ));
    }
    lines
}

fn more(count: usize, what: &str) -> Option<String> {
    let left = count
        .checked_sub(limits::SHOWN_CANDIDATES)
        .filter(|left| *left > 0)?;
    Some(format!("and {left} more {what}"))
}

fn signer(signer: &Signer) -> String {
    match signer {
        Signer::Key { id, .. } => format!("key {}", escaped(id)),
        Signer::Identity {
            issuer, subject, ..
        } => {
            format!("{} by {}", escaped(subject), escaped(issuer))
        }
        _ => "signer".to_owned(),
    }
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

fn word(verdict: Verdict, style: Style) -> String {
    let (code, text) = match verdict {
        Verdict::Allow => ("32", "verified"),
        Verdict::Deny => ("31", "refused"),
        Verdict::Unable => ("33", "could not check"),
    };
    coloured(code, text, style)
}

fn coloured(code: &str, text: &str, style: Style) -> String {
    if style.color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
