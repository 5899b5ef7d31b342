//! A decision in words.

use std::fmt::Write as _;

use waxseal_verify::{Check, Origin, Place, Signer};

use crate::{Decision, Found, Mode, PolicyDecision, RequirementDecision, Verdict, escaped};

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
        let mut out = String::new();
        let _ = write!(
            out,
            "{} {}",
            word(self.verdict, style),
            escaped(&self.image)
        );
        if let Some(digest) = self
            .digest
            .as_ref()
            .filter(|d| !self.image.contains(d.as_str()))
        {
            let _ = write!(out, "\n  digest {digest}");
        }
        if let Some(reason) = &self.reason {
            let _ = write!(out, "\n  {reason}");
        }
        for policy in &self.policies {
            policy.render(&mut out, style);
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\n  hint: {hint}");
        }
        out
    }

    /// The decision in one line of at most about a kilobyte, for a webhook's answer.
    #[must_use]
    pub fn message(&self) -> String {
        let mut out = format!("{}: {}", escaped(&self.image), plain(self.verdict));
        if let Some(reason) = &self.reason {
            let _ = write!(out, ": {reason}");
        }
        let unmet = self.policies.iter().filter(|p| p.verdict != Verdict::Allow);
        for policy in unmet {
            for missing in policy
                .requirements
                .iter()
                .filter_map(|r| r.missing.as_ref())
            {
                let _ = write!(out, "; policy {}: {missing}", escaped(&policy.policy));
            }
        }
        match out.char_indices().nth(MESSAGE) {
            Some((at, _)) => format!("{}…", out.get(..at).unwrap_or_default()),
            None => out,
        }
    }
}

impl PolicyDecision {
    fn render(&self, out: &mut String, style: Style) {
        let _ = write!(
            out,
            "\n  policy {}: {}",
            escaped(&self.policy),
            word(self.verdict, style)
        );
        match self.mode {
            Mode::Enforce => {}
            Mode::Warn => out.push_str(" (mode warn: not enforced)"),
            Mode::Audit => out.push_str(" (mode audit: not enforced)"),
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
        for found in &self.found {
            render_found(out, bar, found);
        }
        for rejected in &self.rejected {
            let _ = write!(
                out,
                "\n    {bar}   rejected for {}: {} [{}]",
                escaped(&rejected.authority),
                rejected.reason,
                place(&rejected.origin)
            );
        }
        for seen in &self.seen {
            let kind = seen.predicate.as_deref().unwrap_or("unknown");
            let _ = write!(
                out,
                "\n    {bar}   seen, not looked at: {kind} ({}) [{}]",
                seen.note,
                place(&seen.origin)
            );
        }
        if let Some(missing) = &self.missing {
            let _ = write!(out, "\n    {bar}   missing: {missing}");
        }
    }
}

fn render_found(out: &mut String, bar: &str, found: &Found) {
    let _ = write!(
        out,
        "\n    {bar}   by {} ({}) [{}]",
        escaped(&found.authority),
        signer(&found.signer),
        place(&found.origin)
    );
    if let Some(index) = &found.through {
        let _ = write!(out, "\n    {bar}     about the index {index}");
    }
    if let Some(kind) = &found.predicate_type {
        let _ = write!(out, "\n    {bar}     type {}", escaped(kind));
    }
    for (key, value) in &found.annotations {
        let _ = write!(out, "\n    {bar}     {}={}", escaped(key), escaped(value));
    }
    let done: Vec<_> = found.checks.done.iter().map(|c| check(*c)).collect();
    let _ = write!(out, "\n    {bar}     checked: {}", done.join(", "));
    for (what, why) in &found.checks.not_done {
        let _ = write!(
            out,
            "\n    {bar}     not checked: {} ({})",
            check(*what),
            escaped(why)
        );
    }
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
        Check::Identity => "identity",
        Check::LogEntryBinding => "log entry is about this signature",
        Check::LogInclusionProof => "log inclusion proof",
        Check::LogPromise => "log promise",
        Check::CertificateTransparency => "certificate transparency",
        Check::Signature => "signature",
        Check::SubjectDigest => "subject digest",
        Check::Timestamp => "timestamp",
        _ => "another check",
    }
}

fn plain(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "verified",
        Verdict::Deny => "refused",
        Verdict::Unable => "could not be checked",
    }
}

fn word(verdict: Verdict, style: Style) -> String {
    let (code, text) = match verdict {
        Verdict::Allow => ("32", "verified"),
        Verdict::Deny => ("31", "refused"),
        Verdict::Unable => ("33", "could not check"),
    };
    if style.color {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

const MESSAGE: usize = 1_000;
