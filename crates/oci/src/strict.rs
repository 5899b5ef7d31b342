//! A check that a JSON text says one thing only.

use std::borrow::Cow;
use std::cell::RefCell;
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
    let keys = RefCell::default();
    let check = Check {
        depth: 0,
        keys: &keys,
    };
    check.deserialize(&mut deserializer)?;
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
struct Check<'k, 'de> {
    depth: usize,
    /// The keys of the objects that are being read, those of the innermost last: an object
    /// of its own memory each is what most of the time would go into.
    keys: &'k RefCell<Vec<Cow<'de, str>>>,
}

impl Check<'_, '_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= limits::JSON_DEPTH {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_, 'de> {
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
        let start = self.keys.borrow().len();
        // Compared one by one while they are few, as they nearly always are, and hashed
        // once they are many.
        let mut many: Option<HashSet<Cow<'de, str>>> = None;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let mut keys = self.keys.borrow_mut();
            let few = keys.get(start..).unwrap_or_default();
            let is_known = match &many {
                Some(many) => many.contains(&key),
                None => few.contains(&key),
            };
            if is_known {
                return Err(A::Error::custom(format_args!("{DUPLICATE}`{key}`")));
            }
            match &mut many {
                Some(many) => drop(many.insert(key)),
                None if few.len() < FEW => keys.push(key),
                None => many = Some(keys.drain(start..).chain([key]).collect()),
            }
            drop(keys);
            map.next_value_seed(deeper)?;
        }
        self.keys.borrow_mut().truncate(start);
        Ok(())
    }
}

/// A key, borrowed from the text unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

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
        // Keys of objects within, before and behind are others'.
        let within = |last: &str| {
            check_json(
                format!(r#"{{"a":{{"b":1,"c":{{"a":2}}}},"b":[{{"a":1}},{{"a":2}}],"{last}":3}}"#)
                    .as_bytes(),
            )
        };
        assert_eq!(within("c"), Ok(()));
        assert_eq!(within("a"), Err(JsonError::DuplicateKey("a".into())));
        let around = |last: &str| {
            let keys: Vec<String> = (0..20).map(|n| format!("\"{n}\":{{\"{n}\":0}}")).collect();
            check_json(format!("{{\"x\":{{{}}},\"{last}\":1}}", keys.join(",")).as_bytes())
        };
        assert_eq!(around("3"), Ok(()));
        assert_eq!(around("x"), Err(JsonError::DuplicateKey("x".into())));
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
