//! A predicate as a value of CEL.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cel::Value;
use cel::objects::Key;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::ConditionError;
use crate::limits;

/// How large a predicate is, in what makes an evaluation costly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) values: usize,
    pub(super) longest_list: usize,
    pub(super) longest_text: usize,
}

/// Reads a predicate. Whole numbers are whole, as in Kubernetes' CEL.
pub(super) fn parse(json: &str) -> Result<(Value, Extent), ConditionError> {
    let mut extent = Extent::default();
    let mut reader = serde_json::Deserializer::from_str(json);
    let read = Reader(&mut extent)
        .deserialize(&mut reader)
        .and_then(|v| reader.end().map(|()| v));
    match read {
        Ok(value) => Ok((value, extent)),
        Err(_) if extent.values > limits::PREDICATE_VALUES => Err(ConditionError::TooLarge),
        Err(error) => Err(ConditionError::Predicate(super::one_line(
            &error.to_string(),
        ))),
    }
}

struct Reader<'a>(&'a mut Extent);

impl Reader<'_> {
    fn text(&mut self, text: &str) -> Arc<String> {
        self.0.longest_text = self.0.longest_text.max(text.len());
        Arc::new(text.to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.values += 1;
        if self.0.values > limits::PREDICATE_VALUES {
            return Err(Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::UInt(value), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(mut self, value: &str) -> Result<Value, E> {
        Ok(Value::String(self.text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Reader(self.0))? {
            list.push(item);
        }
        self.0.longest_list = self.0.longest_list.max(list.len());
        Ok(Value::List(Arc::new(list)))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut map = HashMap::new();
        while let Some(name) = members.next_key::<String>()? {
            let key = Key::String(self.text(&name));
            let member = members.next_value_seed(Reader(self.0))?;
            if map.insert(key, member).is_some() {
                return Err(Error::custom(format_args!(
                    "the member `{name}` is there twice"
                )));
            }
        }
        self.0.longest_list = self.0.longest_list.max(map.len());
        Ok(Value::Map(map.into()))
    }
}
