//! A check that a JSON text says one thing only.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::limits;

/// Checks that `bytes` are one JSON value without duplicate keys and not
/// nested deeper than [`limits::JSON_DEPTH`].
///
/// Two parsers that differ in which of two equal keys they take would read two
/// documents under one digest; such a text is refused before anything is read
/// out of it. `bytes` are untrusted.
///
/// # Errors
/// [`JsonError`] with the first thing that is wrong.
pub fn check_json(bytes: &[u8]) -> Result<(), JsonError> {
    // One look at the whole for its encoding is much faster than one at each string.
    let outcome = match str::from_utf8(bytes) {
        Ok(text) => check(serde_json::Deserializer::from_str(text)),
        Err(_) => check(serde_json::Deserializer::from_slice(bytes)),
    };
    outcome.map_err(|error| {
        let message = error.to_string();
        match message.split_once(DUPLICATE) {
            Some((_, rest)) => {
                JsonError::DuplicateKey(rest.split('`').nth(1).unwrap_or_default().to_owned())
            }
            None if message.starts_with(TOO_DEEP) => JsonError::TooDeep,
            None => JsonError::Syntax(message),
        }
    })
}

fn check<'de, R: serde_json::de::Read<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
) -> Result<(), serde_json::Error> {
    Check { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Why a JSON text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// An object has one key twice.
    #[error("the key `{0}` stands twice in one object")]
    DuplicateKey(String),
    /// It is not JSON.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// It is nested too deeply.
    #[error("nested deeper than {} levels", limits::JSON_DEPTH)]
    TooDeep,
}

const DUPLICATE: &str = "duplicate key ";
const TOO_DEEP: &str = "nested too deeply";

#[derive(Clone, Copy)]
struct Check {
    depth: usize,
}

impl Check {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= limits::JSON_DEPTH {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let deeper = self.deeper()?;
        while seq.next_element_seed(deeper)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let deeper = self.deeper()?;
        let mut seen = Keys::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if !seen.is_new(&key) {
                return Err(A::Error::custom(format_args!("{DUPLICATE}`{key}`")));
            }
            seen.keep(key);
            map.next_value_seed(deeper)?;
        }
        Ok(())
    }
}

/// A key, borrowed from the text unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of one object: compared one by one while they are few, as they
/// nearly always are, and hashed once they are many.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    fn is_new(&self, key: &str) -> bool {
        if self.many.is_empty() {
            self.few.iter().all(|known| known != key)
        } else {
            !self.many.contains(key)
        }
    }

    fn keep(&mut self, key: Cow<'a, str>) {
        if self.few.len() < FEW && self.many.is_empty() {
            self.few.push(key);
        } else {
            self.many.extend(self.few.drain(..));
            self.many.insert(key);
        }
    }
}

/// Above this, hashing is cheaper than comparing.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_can_be_read_two_ways() {
        assert_eq!(check_json(br#"{"a":1,"b":[{"c":null}]}"#), Ok(()));
        assert_eq!(
            check_json(br#"{"a":{"k":1,"k":2}}"#),
            Err(JsonError::DuplicateKey("k".into()))
        );
        let many = |last: usize| {
            let keys: Vec<String> = (0..100)
                .chain([last])
                .map(|n| format!("\"{n}\":0"))
                .collect();
            check_json(format!("{{{}}}", keys.join(",")).as_bytes())
        };
        assert_eq!(many(100), Ok(()));
        assert_eq!(many(99), Err(JsonError::DuplicateKey("99".into())));
        assert_eq!(many(3), Err(JsonError::DuplicateKey("3".into())));
        // An escape does not make it another key.
        assert_eq!(
            check_json(br#"{"a":1,"\u0061":2}"#),
            Err(JsonError::DuplicateKey("a".into()))
        );
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(check_json(deep.as_bytes()), Err(JsonError::TooDeep));
        assert!(matches!(check_json(b"{} {}"), Err(JsonError::Syntax(_))));
        assert_eq!(
            check_json(b"{\"a\":\"\xff\"}"),
            Err(JsonError::Syntax(
                "invalid unicode code point at line 1 column 7".into()
            ))
        );
    }
}
