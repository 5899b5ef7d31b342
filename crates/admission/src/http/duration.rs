//! Durations as Go writes them: `10s`, `1m30s`, `1.5s`, `500ms`.

use std::time::Duration;

/// Reads a duration. A number needs its unit, and the whole is at most a day.
///
/// # Errors
/// [`DurationError`] where it is none.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let refuse = || DurationError(text.to_owned());
    let mut rest = text;
    let mut seconds = 0.0_f64;
    if rest.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(refuse)?;
        let (number, tail) = rest.split_at_checked(end).ok_or_else(refuse)?;
        let number: f64 = number.parse().map_err(|_| refuse())?;
        let (unit, tail) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((unit, tail.strip_prefix(name)?)))
            .ok_or_else(refuse)?;
        seconds += number * unit;
        rest = tail;
    }
    if seconds > DAY {
        return Err(refuse());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| refuse())
}

/// Reads a duration that is not zero.
///
/// # Errors
/// [`DurationError`] where it is none, or zero.
pub fn parse_positive_duration(text: &str) -> Result<Duration, DurationError> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err(DurationError(text.to_owned())),
        other => other,
    }
}

/// Not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration such as 9s, 500ms or 1m30s")]
pub struct DurationError(String);

const UNITS: &[(&str, f64)] = &[
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];
const DAY: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let read = |text| parse_duration(text).ok();
        assert_eq!(read("10s"), Some(Duration::from_secs(10)));
        assert_eq!(read("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(read("0s"), Some(Duration::ZERO));
        for text in [
            "", "10", "s", "-1s", "1d", "1s1", "1..5s", "25h", "1e9s", "1é",
        ] {
            assert_eq!(
                parse_duration(text),
                Err(DurationError(text.to_owned())),
                "{text}"
            );
        }
    }
}
