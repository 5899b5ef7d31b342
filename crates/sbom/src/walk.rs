//! Lists of any length that are looked at one element at a time.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// What is kept of a list while its elements pass by.
pub(crate) trait Walk<'a>: Default {
    /// An element, which borrows from the document.
    type Element: Deserialize<'a>;

    /// Takes in the next element.
    fn take(&mut self, element: Self::Element);
}

/// Makes a [`Walk`] something that serde reads from a list.
macro_rules! walk {
    ($name:ty, $expecting:literal) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                crate::walk::list(d, $expecting)
            }
        }
    };
}
pub(crate) use walk;

pub(crate) fn list<'de, D, W>(deserializer: D, expecting: &'static str) -> Result<W, D::Error>
where
    D: Deserializer<'de>,
    W: Walk<'de>,
{
    deserializer.deserialize_seq(ListVisitor {
        expecting,
        walk: PhantomData,
    })
}

struct ListVisitor<W> {
    expecting: &'static str,
    walk: PhantomData<W>,
}

impl<'de, W: Walk<'de>> Visitor<'de> for ListVisitor<W> {
    type Value = W;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<W, A::Error> {
        let mut walk = W::default();
        while let Some(element) = seq.next_element()? {
            walk.take(element);
        }
        Ok(walk)
    }
}

/// How many elements a list has, each of which was seen to be a `T`.
pub(crate) struct Count<T>(pub(crate) usize, PhantomData<T>);

impl<T> Default for Count<T> {
    fn default() -> Self {
        Self(0, PhantomData)
    }
}

impl<'a, T: Deserialize<'a>> Walk<'a> for Count<T> {
    type Element = T;

    fn take(&mut self, _: T) {
        self.0 += 1;
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Count<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer, "a list")
    }
}

/// A string that is seen to be one and not kept.
pub(crate) struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}
