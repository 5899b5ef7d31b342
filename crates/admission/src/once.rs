//! One review without a server.

use std::time::Duration;

use crate::check::{Checker, Deadline, Question};
use crate::review::{Answer, Door, Unreadable};

/// The answer to the review in `body`, and the response that says so.
///
/// An ImageReview is answered as one, whatever `door` says. `body` is untrusted.
///
/// # Errors
/// [`Unreadable`] where `body` is no review.
pub async fn review(
    checker: &Checker,
    body: &[u8],
    door: Door,
    time: Duration,
) -> Result<(Answer, Vec<u8>), Unreadable> {
    let (question, door) = match Question::parse(body, door) {
        Err(Unreadable::NotAReview { found, .. }) if found == "ImageReview" => {
            (Question::parse(body, Door::ImageReview)?, Door::ImageReview)
        }
        other => (other?, door),
    };
    let answer = checker
        .answer(&question, door, Deadline::within(time))
        .await;
    let response = question.response(&answer);
    Ok((answer, response))
}
