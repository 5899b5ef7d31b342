//! A strict JSON tree, for documents whose every member matters.
//!
//! Two readers of one document must not see two documents: a key that stands
//! twice, nesting without end and more values than the budget allows are
//! refused while the text is read. Strings without escapes are borrowed from
//! the input, so that a large one costs nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "complete by nature: JSON has these values"
)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object, its keys distinct and in the order of the text.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// What a document may cost.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Budget {
    /// Values in all.
    pub values: usize,
    /// Nesting.
    pub depth: usize,
}

impl Budget {
    /// A budget of `values` values, nested at most `depth` deep.
    #[must_use]
    pub const fn new(values: usize, depth: usize) -> Self {
        Self { values, depth }
    }
}

/// Reads one JSON text. `bytes` are untrusted.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(bytes: &[u8], budget: Budget) -> Result<Value<'_>, JsonError> {
    let state = RefCell::new(State {
        left: budget.values,
        fault: None,
    });
    let seed = Seed {
        state: &state,
        depth: budget.depth,
        budget,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let outcome = seed.deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    outcome.map_err(|error| {
        state
            .into_inner()
            .fault
            .unwrap_or_else(|| JsonError::Syntax(error.to_string()))
    })
}

/// Untrusted text for a message: of bounded length, on one line, and without
/// what a terminal would obey or show in another order.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == SHOWN_CHARS {
            shown.push('…');
            break;
        }
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

const SHOWN_CHARS: usize = 256;

/// The members of one object, taken out one by one.
#[derive(Debug)]
pub struct Fields<'a> {
    at: &'static str,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// The members of `value`, which stands at `at`.
    ///
    /// # Errors
    /// If it is no object.
    pub fn new(at: &'static str, value: Value<'a>) -> Result<Self, JsonError> {
        match value {
            Value::Object(members) => Ok(Self { at, members }),
            _ => Err(JsonError::Type {
                at,
                name: "",
                wanted: "an object",
            }),
        }
    }

    /// The member `name`; `null` is as good as absent, as in protobuf's JSON.
    pub fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let index = self.members.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.members.swap_remove(index);
        (value != Value::Null).then_some(value)
    }

    /// The member `name`, which must be there.
    ///
    /// # Errors
    /// If it is absent.
    pub fn need(&mut self, name: &'static str) -> Result<Value<'a>, JsonError> {
        self.take(name)
            .ok_or(JsonError::Missing { at: self.at, name })
    }

    /// The string member `name`, if there is one.
    ///
    /// # Errors
    /// If it is no string.
    pub fn string(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// The string member `name`, which must be there.
    ///
    /// # Errors
    /// If it is absent or no string.
    pub fn need_string(&mut self, name: &'static str) -> Result<Cow<'a, str>, JsonError> {
        self.string(name)?
            .ok_or(JsonError::Missing { at: self.at, name })
    }

    /// The array member `name`, or an empty one, of at most `limit` elements.
    ///
    /// # Errors
    /// If it is no array or too long.
    pub fn array(&mut self, name: &'static str, limit: usize) -> Result<Vec<Value<'a>>, JsonError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() > limit => Err(JsonError::TooMany {
                name,
                limit,
                found: items.len(),
            }),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.wrong(name, "an array")),
        }
    }

    /// The object member `name`, if there is one.
    ///
    /// # Errors
    /// If it is no object.
    pub fn object(&mut self, name: &'static str) -> Result<Option<Self>, JsonError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self { at: name, members })),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// The object member `name`, which must be there.
    ///
    /// # Errors
    /// If it is absent or no object.
    pub fn need_object(&mut self, name: &'static str) -> Result<Self, JsonError> {
        self.object(name)?
            .ok_or(JsonError::Missing { at: self.at, name })
    }

    /// The bytes of the standard, padded base64 member `name`, if there is one.
    ///
    /// # Errors
    /// If it is no such string.
    pub fn bytes(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, JsonError> {
        let at = self.at;
        self.string(name)?
            .map(|text| {
                STANDARD
                    .decode(text.as_ref())
                    .map_err(|_| JsonError::Base64 { at, name })
            })
            .transpose()
    }

    /// The bytes of the base64 member `name`, which must be there and not empty.
    ///
    /// # Errors
    /// If it is absent, empty or not base64.
    pub fn need_bytes(&mut self, name: &'static str) -> Result<Vec<u8>, JsonError> {
        match self.bytes(name)? {
            Some(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(JsonError::Missing { at: self.at, name }),
        }
    }

    /// As [`Fields::need_bytes`], and the text itself, which is the only one of
    /// those bytes.
    ///
    /// # Errors
    /// If it is absent, empty or not base64.
    pub fn need_encoded(
        &mut self,
        name: &'static str,
    ) -> Result<(Cow<'a, str>, Vec<u8>), JsonError> {
        let at = self.at;
        let text = self.string(name)?.filter(|text| !text.is_empty());
        let text = text.ok_or(JsonError::Missing { at, name })?;
        let bytes = STANDARD
            .decode(text.as_ref())
            .map_err(|_| JsonError::Base64 { at, name })?;
        Ok((text, bytes))
    }

    /// The integer member `name`: a number, or a string of one, as protobuf's
    /// JSON writes 64-bit integers.
    ///
    /// # Errors
    /// If it is no integer, or negative.
    pub fn unsigned(&mut self, name: &'static str) -> Result<Option<u64>, JsonError> {
        let wrong = self.wrong(name, "a non-negative integer");
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_u64().map(Some).ok_or(wrong),
            Some(Value::String(text))
                if text.bytes().all(|byte| byte.is_ascii_digit())
                    && (text == "0" || !text.starts_with('0')) =>
            {
                text.parse().map(Some).map_err(|_| wrong)
            }
            Some(_) => Err(wrong),
        }
    }

    /// Ends the reading of the object.
    ///
    /// # Errors
    /// If a member is left that nobody asked for.
    pub fn finish(self) -> Result<(), JsonError> {
        match self.members.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(JsonError::Unknown {
                at: self.at,
                name: shown(&name),
            }),
        }
    }

    /// The members that nobody asked for.
    #[must_use]
    pub fn into_rest(self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        self.members
    }

    fn wrong(&self, name: &'static str, wanted: &'static str) -> JsonError {
        JsonError::Type {
            at: self.at,
            name,
            wanted,
        }
    }
}

/// Why a JSON document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// A member is not standard, padded base64.
    #[error("`{at}.{name}` is not standard base64")]
    Base64 {
        /// The object it stands in.
        at: &'static str,
        /// The member.
        name: &'static str,
    },
    /// An object has one key twice.
    #[error("the key `{0}` stands twice in one object")]
    DuplicateKey(String),
    /// A member is not there, or empty.
    #[error("`{at}` has no `{name}`")]
    Missing {
        /// The object it is missing from.
        at: &'static str,
        /// The member.
        name: &'static str,
    },
    /// It is not JSON.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// It is nested too deeply.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// How deep is allowed.
        limit: usize,
    },
    /// A list is too long.
    #[error("`{name}` has {found} elements; {limit} are the most that are read")]
    TooMany {
        /// The list.
        name: &'static str,
        /// How many are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// It has too many values.
    #[error("more than {limit} values in one document")]
    TooManyValues {
        /// How many are allowed.
        limit: usize,
    },
    /// A member is of another type.
    #[error("`{at}.{name}` is not {wanted}")]
    Type {
        /// The object it stands in.
        at: &'static str,
        /// The member; empty for the object itself.
        name: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A member is not known, so that ignoring it might change the meaning.
    #[error("`{at}` has the unknown member `{name}`")]
    Unknown {
        /// The object it stands in.
        at: &'static str,
        /// The member.
        name: String,
    },
}

struct State {
    left: usize,
    fault: Option<JsonError>,
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    state: &'s RefCell<State>,
    depth: usize,
    budget: Budget,
}

impl Seed<'_> {
    fn fault<E: serde::de::Error>(self, fault: JsonError) -> E {
        self.state.borrow_mut().fault = Some(fault);
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.fault(JsonError::TooDeep {
                limit: self.budget.depth,
            })),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        let left = self.state.borrow().left.checked_sub(1);
        match left {
            Some(left) => self.state.borrow_mut().left = left,
            None => {
                return Err(self.fault(JsonError::TooManyValues {
                    limit: self.budget.values,
                }));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            members.push((key, map.next_value_seed(deeper)?));
        }
        if let Some(key) = twice(&members) {
            return Err(self.fault(JsonError::DuplicateKey(key)));
        }
        Ok(Value::Object(members))
    }
}

/// A key that stands twice, found in a large object by sorting, so that it
/// stays cheap.
fn twice(members: &[(Cow<'_, str>, Value<'_>)]) -> Option<String> {
    if members.len() <= FEW {
        let mut rest = members;
        while let [(key, _), others @ ..] = rest {
            if others.iter().any(|(other, _)| other == key) {
                return Some(shown(key));
            }
            rest = others;
        }
        return None;
    }
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).find_map(|pair| match pair {
        [left, right] if left == right => Some(shown(left)),
        _ => None,
    })
}

/// Members that are compared with each other rather than sorted.
const FEW: usize = 16;

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget::new(8, 3);

    #[test]
    fn refuses_with_the_reason() {
        let fault = |text: &'static str| parse(text.as_bytes(), BUDGET).err();
        assert_eq!(fault(r#"{"a":[1,"b",null]}"#), None);
        assert_eq!(
            fault(r#"{"a":1,"b":2,"a":3}"#),
            Some(JsonError::DuplicateKey("a".into()))
        );
        assert_eq!(
            fault(r#"{"a":1,"\u0061":3}"#),
            Some(JsonError::DuplicateKey("a".into()))
        );
        assert_eq!(fault("[[[[]]]]"), Some(JsonError::TooDeep { limit: 3 }));
        assert_eq!(
            fault("[1,2,3,4,5,6,7,8]"),
            Some(JsonError::TooManyValues { limit: 8 })
        );
        assert!(matches!(fault("{} {}"), Some(JsonError::Syntax(_))));
    }

    #[test]
    fn shows_untrusted_text_tamely() {
        assert_eq!(
            shown("a\u{1b}]0;x\u{7}\n\u{202e}é"),
            "a\\u{1b}]0;x\\u{7}\\u{a}\\u{202e}é"
        );
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 257);
    }

    #[test]
    fn names_the_member() {
        let fields = |text: &'static str| {
            Fields::new("thing", parse(text.as_bytes(), BUDGET).unwrap()).unwrap()
        };
        assert_eq!(
            fields(r#"{"n":"-1"}"#).unsigned("n"),
            Err(JsonError::Type {
                at: "thing",
                name: "n",
                wanted: "a non-negative integer"
            })
        );
        assert_eq!(fields(r#"{"n":"17"}"#).unsigned("n"), Ok(Some(17)));
        assert_eq!(fields(r#"{"n":17}"#).unsigned("n"), Ok(Some(17)));
        assert!(fields(r#"{"n":"017"}"#).unsigned("n").is_err());
        assert_eq!(
            fields(r#"{"b":"aGk"}"#).bytes("b"),
            Err(JsonError::Base64 {
                at: "thing",
                name: "b"
            })
        );
        assert_eq!(
            fields(r#"{"x":1}"#).finish(),
            Err(JsonError::Unknown {
                at: "thing",
                name: "x".into()
            })
        );
        assert_eq!(
            fields("{}").need_string("s"),
            Err(JsonError::Missing {
                at: "thing",
                name: "s"
            })
        );
    }
}
