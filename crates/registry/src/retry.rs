//! When a request is made again.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::fmt::rfc2822;

use crate::limits;

/// The waits of one request, bounded in number and in sum.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    attempts: u32,
    waited: Duration,
}

impl Schedule {
    /// How long to wait before the next attempt, or `None` for no more attempts.
    ///
    /// What the registry asks for is honoured up to [`limits::RETRY_WAIT`];
    /// without a request the wait doubles from 100 ms, the upper half of it at random.
    pub(crate) fn next(&mut self, asked: Option<Duration>, random: u64) -> Option<Duration> {
        if self.attempts >= limits::RETRIES {
            return None;
        }
        let wait = asked.unwrap_or_else(|| {
            let full = FIRST.saturating_mul(1 << self.attempts.min(8));
            let half = full / 2;
            let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
            half + Duration::from_micros(random % micros)
        });
        let waited = self.waited.saturating_add(wait);
        if waited > limits::RETRY_WAIT {
            return None;
        }
        self.attempts += 1;
        self.waited = waited;
        Some(wait)
    }
}

/// Whether the registry may answer otherwise if asked again.
pub(crate) fn is_worth_repeating(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The wait that a `Retry-After` asks for: seconds, or a date, which is
/// compared with the answer's own `Date` so that no clock is needed.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = |text: &str| rfc2822::parse(text).ok().map(|z| z.timestamp());
    let then = at(text)?;
    let now = at(headers.get(DATE)?.to_str().ok()?)?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

const FIRST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_and_ends() {
        let mut schedule = Schedule::default();
        let waits: Vec<_> = std::iter::from_fn(|| schedule.next(None, 0)).collect();
        assert_eq!(waits, [50, 100, 200].map(Duration::from_millis));
        let mut schedule = Schedule::default();
        assert!(
            schedule
                .next(None, u64::MAX)
                .is_some_and(|w| w < Duration::from_millis(100))
        );
    }

    #[test]
    fn honours_the_registry_within_bounds() {
        let seconds = Duration::from_secs;
        let mut schedule = Schedule::default();
        assert_eq!(schedule.next(Some(seconds(0)), 7), Some(seconds(0)));
        assert_eq!(schedule.next(Some(seconds(20)), 7), Some(seconds(20)));
        assert_eq!(schedule.next(Some(seconds(20)), 7), None);
        assert_eq!(Schedule::default().next(Some(seconds(3600)), 7), None);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(
            RETRY_AFTER,
            "Mon, 23 Nov 2026 06:00:30 GMT".parse().unwrap(),
        );
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "Mon, 23 Nov 2026 06:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
        headers.insert(
            RETRY_AFTER,
            "Mon, 23 Nov 2026 05:00:00 GMT".parse().unwrap(),
        );
        assert_eq!(retry_after(&headers), Some(Duration::ZERO));
        headers.insert(RETRY_AFTER, "soon".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}
