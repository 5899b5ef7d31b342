//! The decision on a review, without I/O: what stands in the request, what of
//! it must be checked, and what to answer once that has been checked.

mod answer;
mod image_review;
mod plan;
mod request;

pub use answer::{Answer, Judgement, Outcome, Reason, conclude};
pub use image_review::ImageReview;
pub use plan::{Plan, Rules, Skip, Wanted, Work, plan};
pub use request::{Operation, Request, Review, Unreadable};

/// Which question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Door {
    /// The API server's ImagePolicyWebhook: may these images run?
    ImageReview,
    /// A mutating webhook: which digests are these tags?
    Mutate,
    /// A validating webhook: may this object in?
    Validate,
}

/// `text` fit for a message: control characters replaced, at most `max`
/// characters, so that what a registry or an object says reaches no terminal.
pub(crate) fn plain(text: &str, max: usize) -> String {
    let printable = |c: char| {
        if c.is_control() || is_bidi(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    let mut out: String = text.chars().take(max).map(printable).collect();
    if text.chars().nth(max).is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// Characters that reorder the text around them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
