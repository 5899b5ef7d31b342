//! A decision as text.

use std::fmt::Write as _;

use crate::outline::{PolicyOutline, RequirementOutline, Tone, Word};
use crate::text::escaped_to;
use crate::{Decision, Verdict, escaped, limits};

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
        let outline = self.outline();
        let mut out = format!("{} {}", coloured(outline.word, style), outline.image);
        if let Some(digest) = &outline.digest {
            let _ = write!(out, "\n  digest {digest}");
        }
        if let Some(reason) = &outline.reason {
            let _ = write!(out, "\n  {reason}");
        }
        for policy in &outline.policies {
            render_policy(policy, &mut out, style);
        }
        if let Some(hint) = &outline.hint {
            let _ = write!(out, "\n  hint: {hint}");
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

fn render_policy(policy: &PolicyOutline, out: &mut String, style: Style) {
    let word = coloured(policy.word, style);
    let _ = write!(out, "\n  policy {}: {word}{}", policy.name, policy.scope);
    if let Some(index) = &policy.through {
        let _ = write!(out, "\n    through index {index}");
    }
    let last = policy.requirements.len().saturating_sub(1);
    for (n, requirement) in policy.requirements.iter().enumerate() {
        render_requirement(requirement, out, n == last);
    }
}

fn render_requirement(requirement: &RequirementOutline, out: &mut String, last: bool) {
    let (branch, bar) = if last {
        ("└─", "  ")
    } else {
        ("├─", "│ ")
    };
    let _ = write!(
        out,
        "\n    {branch} {}: {}",
        requirement.mark, requirement.text
    );
    for line in requirement.found.iter().chain(&requirement.others) {
        let _ = write!(out, "\n    {bar}   {}", line.text);
        for about in &line.about {
            let _ = write!(out, "\n    {bar}     {about}");
        }
    }
}

fn coloured(word: Word, style: Style) -> String {
    let code = match word.tone {
        Tone::Good => "32",
        Tone::Doubtful => "33",
        Tone::Bad => "31",
    };
    if style.color {
        format!("\u{1b}[{code}m{}\u{1b}[0m", word.text)
    } else {
        word.text.to_owned()
    }
}
