//! A statement's text as a stream, without its predicate.
//!
//! A predicate can be twenty megabytes, of which a verifier needs nothing. The
//! scanner takes the payload chunk by chunk, checks that all of it is JSON, and
//! keeps everything but the value of the outermost `predicate`, for which it
//! writes `null`. What it keeps is small and goes through the strict parser, so
//! there is one reader of statements and not two.

use std::ops::Range;

use crate::limits;
use crate::statement::StatementError;

/// The scanner; see the module.
#[derive(Debug)]
pub(crate) struct Scanner {
    kept: Vec<u8>,
    /// One bit per open container, the innermost lowest: set for an object.
    open: u128,
    depth: u32,
    state: State,
    /// How far into the payload the next byte is.
    position: usize,
    /// Where in `kept` the content of the current outermost key begins.
    key_start: usize,
    /// Whether the last outermost key was `predicate`.
    predicate_next: bool,
    skipping: bool,
    predicate: Option<Predicate>,
}

/// The predicate that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Predicate {
    /// Where it stands in the payload.
    pub(crate) range: Range<usize>,
    /// Its first byte.
    pub(crate) first: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value, after a colon or a comma, or at the start.
    Value,
    /// A value or the end, after `[`.
    ValueOrEnd,
    /// A key, after a comma.
    Key,
    /// A key or the end, after `{`.
    KeyOrEnd,
    Colon,
    /// A comma or the end of the container.
    After,
    /// Nothing but white space.
    Done,
    String {
        key: bool,
    },
    Escape {
        key: bool,
    },
    /// That many hexadecimal digits of an escape.
    Hex {
        key: bool,
        left: u8,
    },
    Number(Number),
    /// The rest of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// What a byte does. No error stands in it: it is made for each byte of twenty
/// megabytes, and has to fit into a register.
#[derive(Clone, Copy)]
enum Step {
    /// The byte belongs to what is being read.
    Taken,
    /// The byte ends a value.
    Ends,
    /// A value ended before the byte, which is looked at again.
    Again,
    /// The byte cannot stand here.
    Wrong,
    /// The byte opens one container too many.
    TooDeep,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            kept: Vec::with_capacity(1024),
            open: 0,
            depth: 0,
            state: State::Value,
            position: 0,
            key_start: 0,
            predicate_next: false,
            skipping: false,
            predicate: None,
        }
    }

    /// Takes the next bytes of the payload.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), StatementError> {
        let mut rest = chunk;
        while let Some((&byte, tail)) = rest.split_first() {
            if matches!(self.state, State::String { .. }) {
                let plain = rest
                    .iter()
                    .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
                    .unwrap_or(rest.len());
                let (run, after) = rest.split_at(plain);
                if !run.is_empty() {
                    self.keep(run)?;
                    rest = after;
                    continue;
                }
            }
            match self.step(byte) {
                Step::Taken => self.keep(&[byte])?,
                Step::Ends => {
                    self.keep(&[byte])?;
                    self.value_ended();
                }
                Step::Again => {
                    self.value_ended();
                    continue;
                }
                Step::Wrong => {
                    return Err(StatementError::NotJson {
                        offset: self.position,
                    });
                }
                Step::TooDeep => return Err(StatementError::TooDeep),
            }
            rest = tail;
        }
        Ok(())
    }

    /// What was kept, and the predicate that was not.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, Option<Predicate>), StatementError> {
        if self.state == State::Done {
            Ok((self.kept, self.predicate))
        } else {
            Err(StatementError::NotJson {
                offset: self.position,
            })
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), StatementError> {
        self.position = self.position.saturating_add(bytes.len());
        if self.skipping {
            return Ok(());
        }
        if self.kept.len().saturating_add(bytes.len()) > limits::HEAD_BYTES {
            return Err(StatementError::HeadTooLarge);
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    fn value_ended(&mut self) {
        self.state = if self.depth == 0 {
            State::Done
        } else {
            State::After
        };
        if self.skipping && self.depth == 1 {
            self.skipping = false;
            if let Some(predicate) = &mut self.predicate {
                predicate.range.end = self.position;
            }
        }
    }

    fn step(&mut self, byte: u8) -> Step {
        let white = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let next = match self.state {
            State::Value
            | State::ValueOrEnd
            | State::Key
            | State::KeyOrEnd
            | State::Colon
            | State::After
            | State::Done
                if white =>
            {
                return Step::Taken;
            }
            State::Value => return self.value(byte),
            State::ValueOrEnd if byte == b']' => return self.close(false),
            State::ValueOrEnd => return self.value(byte),
            State::KeyOrEnd if byte == b'}' => return self.close(true),
            State::Key | State::KeyOrEnd if byte == b'"' => {
                self.key_start = self.kept.len().saturating_add(1);
                State::String { key: true }
            }
            State::Colon if byte == b':' => State::Value,
            State::After if byte == b',' => {
                if self.in_object() {
                    State::Key
                } else {
                    State::Value
                }
            }
            State::After if byte == b'}' => return self.close(true),
            State::After if byte == b']' => return self.close(false),
            State::String { key } => match byte {
                b'"' if key => {
                    self.predicate_next = self.depth == 1
                        && self.kept.get(self.key_start..) == Some(b"predicate".as_slice());
                    State::Colon
                }
                b'"' => return Step::Ends,
                b'\\' => State::Escape { key },
                _ => return Step::Wrong,
            },
            State::Escape { key } => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::String { key },
                b'u' => State::Hex { key, left: 4 },
                _ => return Step::Wrong,
            },
            State::Hex { key, left } if byte.is_ascii_hexdigit() => match left.saturating_sub(1) {
                0 => State::String { key },
                left => State::Hex { key, left },
            },
            State::Number(number) => match number.next(byte) {
                Some(number) => State::Number(number),
                None if number.may_end() => return Step::Again,
                None => return Step::Wrong,
            },
            State::Literal(rest) => match rest.split_first() {
                Some((&wanted, [])) if byte == wanted => return Step::Ends,
                Some((&wanted, rest)) if byte == wanted => State::Literal(rest),
                _ => return Step::Wrong,
            },
            _ => return Step::Wrong,
        };
        self.state = next;
        Step::Taken
    }

    /// The first byte of a value.
    fn value(&mut self, byte: u8) -> Step {
        if self.depth == 1 && self.predicate_next && !self.skipping {
            self.predicate_next = false;
            self.kept.extend_from_slice(b"null");
            self.skipping = true;
            self.predicate = Some(Predicate {
                range: self.position..self.position,
                first: byte,
            });
        }
        self.state = match byte {
            b'"' => State::String { key: false },
            b'{' | b'[' => {
                if self.depth >= limits::PREDICATE_DEPTH {
                    return Step::TooDeep;
                }
                self.depth = self.depth.saturating_add(1);
                self.open = (self.open << 1) | u128::from(byte == b'{');
                if byte == b'{' {
                    State::KeyOrEnd
                } else {
                    State::ValueOrEnd
                }
            }
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Integer),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            _ => return Step::Wrong,
        };
        Step::Taken
    }

    fn close(&mut self, object: bool) -> Step {
        if self.depth == 0 || self.in_object() != object {
            return Step::Wrong;
        }
        self.depth = self.depth.saturating_sub(1);
        self.open >>= 1;
        Step::Ends
    }

    fn in_object(&self) -> bool {
        self.open & 1 == 1
    }
}

impl Number {
    fn next(self, byte: u8) -> Option<Self> {
        let digit = byte.is_ascii_digit();
        match self {
            Self::Minus if byte == b'0' => Some(Self::Zero),
            Self::Minus | Self::Integer if digit => Some(Self::Integer),
            Self::Zero | Self::Integer if byte == b'.' => Some(Self::Point),
            Self::Point | Self::Fraction if digit => Some(Self::Fraction),
            Self::Zero | Self::Integer | Self::Fraction if matches!(byte, b'e' | b'E') => {
                Some(Self::Exponent)
            }
            Self::Exponent if matches!(byte, b'+' | b'-') => Some(Self::ExponentSign),
            Self::Exponent | Self::ExponentSign | Self::ExponentDigits if digit => {
                Some(Self::ExponentDigits)
            }
            _ => None,
        }
    }

    fn may_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str, chunk: usize) -> Result<(String, Option<Range<usize>>), StatementError> {
        let mut scanner = Scanner::new();
        for chunk in text.as_bytes().chunks(chunk) {
            scanner.push(chunk)?;
        }
        let (kept, predicate) = scanner.finish()?;
        Ok((
            String::from_utf8(kept).unwrap(),
            predicate.map(|found| found.range),
        ))
    }

    #[test]
    fn leaves_the_predicate_out_at_every_chunk_size() {
        let text =
            r#" {"a":[1,{"predicate":"inner"}],"predicate" : {"x":"}\"{","y":[1.5e-3]} ,"b":null}"#;
        let kept = r#" {"a":[1,{"predicate":"inner"}],"predicate" : null ,"b":null}"#;
        for chunk in 1..text.len() {
            let (found, range) = scan(text, chunk).unwrap();
            assert_eq!(found, kept);
            assert_eq!(
                text.get(range.unwrap()).unwrap(),
                r#"{"x":"}\"{","y":[1.5e-3]}"#
            );
        }
    }

    #[test]
    fn takes_a_scalar_for_a_predicate() {
        let (kept, range) = scan(r#"{"predicate":-12}"#, 3).unwrap();
        assert_eq!(
            (kept.as_str(), range),
            (r#"{"predicate":null}"#, Some(13..16))
        );
    }

    #[test]
    fn agrees_with_the_other_parser_about_what_is_json() {
        let cases = [
            "{}",
            "[]",
            "{",
            "}",
            "[}",
            "{]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "[1,]",
            "[,1]",
            "01",
            "-",
            "-0",
            "1.",
            "1.e1",
            "1e",
            "1e+",
            "1e+1",
            ".5",
            "tru",
            "true",
            "truee",
            "nul",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u1234\"",
            "\"\n\"",
            "1 2",
            "{} ",
            "",
            " ",
            "{\"a\":{\"b\":[{}]}}",
            "\"a",
            "+1",
            "[1 2]",
            "{\"a\" 1}",
            "{1:2}",
            "nan",
        ];
        for case in cases {
            let other = serde_json::from_str::<serde::de::IgnoredAny>(case).is_ok();
            assert_eq!(
                scan(case, 1).is_ok() || case_is_open_number(case),
                other,
                "{case}"
            );
        }
    }

    /// A number at the very end of the text has no byte that ends it; a
    /// statement is an object, so the scanner need not know.
    fn case_is_open_number(case: &str) -> bool {
        matches!(case, "-0" | "1e+1")
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_other_parser_about_anything(
            text in r#"\{("[a-e\\]{0,3}"|[\[\]{}:,]|-?[0-9]{1,2}|[.e+ ]|true|null|"predicate":){0,12}\}"#,
            chunk in 1_usize..9,
        ) {
            let other = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            proptest::prop_assert_eq!(scan(&text, chunk).is_ok(), other, "{}", text);
        }
    }

    #[test]
    fn bounds_nesting_and_size() {
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert_eq!(scan(&deep, 64), Err(StatementError::TooDeep));
        let long = format!("[\"{}\"]", "a".repeat(limits::HEAD_BYTES));
        assert_eq!(scan(&long, 4096), Err(StatementError::HeadTooLarge));
        let skipped = format!(r#"{{"predicate":"{}"}}"#, "a".repeat(limits::HEAD_BYTES));
        assert!(scan(&skipped, 4096).is_ok());
    }
}
