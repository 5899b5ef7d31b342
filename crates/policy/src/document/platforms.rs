//! Which members of an index are looked at, as it is written.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use waxseal_oci::Platform;

use crate::{Platforms, PolicyError};

/// A word or a list of platforms.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    Word(String),
    List(Vec<String>),
}

impl Raw {
    pub(crate) fn compile(self) -> Result<Platforms, PolicyError> {
        let list = match self {
            Self::Word(word) => {
                return match word.as_str() {
                    "index" => Ok(Platforms::Index),
                    "all" => Ok(Platforms::All),
                    "runnable" => Err(PolicyError::Unsupported("platforms: runnable".into())),
                    _ => Err(PolicyError::Platforms(word)),
                };
            }
            Self::List(list) => list,
        };
        if list.is_empty() {
            return Err(PolicyError::Platforms("[]".into()));
        }
        let parse =
            |p: &String| Platform::parse(p).ok_or_else(|| PolicyError::Platforms(p.clone()));
        list.iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Platforms::Only)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrList)
    }
}

struct WordOrList;

impl<'de> Visitor<'de> for WordOrList {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`index`, `all` or a list of platforms")
    }

    fn visit_str<E>(self, word: &str) -> Result<Raw, E> {
        Ok(Raw::Word(word.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut platforms = Vec::new();
        while let Some(platform) = list.next_element()? {
            platforms.push(platform);
        }
        Ok(Raw::List(platforms))
    }
}

impl JsonSchema for Raw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Platforms".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Which members of an index are looked at: the index itself (its members \
                            inherit), all, or those for the platforms listed.",
            "oneOf": [
                { "enum": ["index", "all"] },
                { "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "^[^/]+/[^/]+(/[^/]+)?$" } },
            ],
        })
    }
}
