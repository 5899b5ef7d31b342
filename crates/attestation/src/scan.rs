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
    /// Whether the string that is being read is a key.
    in_key: bool,
    /// How many hexadecimal digits of an escape are still to come.
    digits: u8,
    /// The rest of `true`, `false` or `null` that is still to come.
    literal: &'static [u8],
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

/// Where the scanner is. What belongs to one of them stands in the scanner, so that this is
/// a byte: it changes with every second one that is read.
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
    String,
    Escape,
    Hex,
    Number(Number),
    Literal,
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
            in_key: false,
            digits: 0,
            literal: b"",
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
        while let Some(&byte) = rest.first() {
            if self.skipping {
                rest = self.skip(rest)?;
                continue;
            }
            if self.state == State::String {
                let (run, after) = rest.split_at(plain(rest));
                if !run.is_empty() {
                    self.keep(run)?;
                    rest = after;
                    continue;
                }
            }
            if self.take(byte)? {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Takes what comes first of the predicate's rest, and returns what comes after
    /// it: by the same steps, the ordinary ones of which are made here.
    fn skip<'c>(&mut self, chunk: &'c [u8]) -> Result<&'c [u8], StatementError> {
        let start = self.position;
        let mut at = 0;
        let mut state = self.state;
        loop {
            if state == State::String {
                at += chunk.get(at..).map_or(0, plain);
            }
            let Some(&byte) = chunk.get(at) else {
                break;
            };
            match (state, byte) {
                (State::String, b'"') if self.in_key => state = State::Colon,
                (State::String, b'"') if self.depth > 1 => state = State::After,
                (
                    State::Colon
                    | State::After
                    | State::Key
                    | State::KeyOrEnd
                    | State::Value
                    | State::ValueOrEnd,
                    b' ' | b'\n',
                ) => {}
                (State::Colon, b':') => state = State::Value,
                (State::After, b',') => {
                    state = if self.in_object() {
                        State::Key
                    } else {
                        State::Value
                    };
                }
                (State::Key | State::KeyOrEnd, b'"') => {
                    (state, self.in_key) = (State::String, true);
                }
                (State::Value | State::ValueOrEnd, b'"') => {
                    (state, self.in_key) = (State::String, false);
                }
                _ => {
                    self.state = state;
                    self.position = start.saturating_add(at);
                    let taken = self.take(byte)?;
                    at += usize::from(taken);
                    if !self.skipping {
                        return Ok(chunk.get(at..).unwrap_or_default());
                    }
                    state = self.state;
                    continue;
                }
            }
            at += 1;
        }
        self.state = state;
        self.position = start.saturating_add(at);
        Ok(&[])
    }

    /// Takes a byte, or ends what it does not belong to and is to be asked again.
    fn take(&mut self, byte: u8) -> Result<bool, StatementError> {
        match self.step(byte) {
            Step::Taken => self.keep(&[byte])?,
            Step::Ends => {
                self.keep(&[byte])?;
                self.value_ended();
            }
            Step::Again => {
                self.value_ended();
                return Ok(false);
            }
            Step::Wrong => {
                return Err(StatementError::NotJson {
                    offset: self.position,
                });
            }
            Step::TooDeep => return Err(StatementError::TooDeep),
        }
        Ok(true)
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
                self.in_key = true;
                State::String
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
            State::String => match byte {
                b'"' if self.in_key => {
                    self.predicate_next = self.depth == 1
                        && self.kept.get(self.key_start..) == Some(b"predicate".as_slice());
                    State::Colon
                }
                b'"' => return Step::Ends,
                b'\\' => State::Escape,
                _ => return Step::Wrong,
            },
            State::Escape => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => State::String,
                b'u' => {
                    self.digits = 4;
                    State::Hex
                }
                _ => return Step::Wrong,
            },
            State::Hex if byte.is_ascii_hexdigit() => {
                self.digits = self.digits.saturating_sub(1);
                match self.digits {
                    0 => State::String,
                    _ => State::Hex,
                }
            }
            State::Number(number) => match number.next(byte) {
                Some(number) => State::Number(number),
                None if number.may_end() => return Step::Again,
                None => return Step::Wrong,
            },
            State::Literal => match self.literal.split_first() {
                Some((&wanted, rest)) if byte == wanted => {
                    self.literal = rest;
                    if rest.is_empty() {
                        return Step::Ends;
                    }
                    State::Literal
                }
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
            b'"' => {
                self.in_key = false;
                State::String
            }
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
            b't' => self.literal(b"rue"),
            b'f' => self.literal(b"alse"),
            b'n' => self.literal(b"ull"),
            _ => return Step::Wrong,
        };
        Step::Taken
    }

    fn literal(&mut self, rest: &'static [u8]) -> State {
        self.literal = rest;
        State::Literal
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

/// How many of the first bytes of a string's rest are neither its end nor an escape nor
/// a control character. Strings are short: eight at a time is as good as sixty-four.
fn plain(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    const HIGH: u64 = EACH * 0x80;
    // The high bit of each byte that is less than `limit`, and perhaps of bytes above the
    // first such.
    let less = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word & HIGH;
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let quote = less(word ^ (EACH * 0x22), 1);
        let escape = less(word ^ (EACH * 0x5c), 1);
        let found = quote | escape | less(word, 0x20);
        if found != 0 {
            // At most 7.
            return at + usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let end = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    at + rest.iter().position(end).unwrap_or(rest.len())
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

        #[test]
        fn passes_over_any_predicate_that_the_other_parser_takes(
            inside in r#"(("[a-c\\nu0é\x01 ]{0,20}"|[\[\]{}:,]|-?[0-9]{1,2}|[.e+ \n\t]|true|null){0,12}|("k": ?(\[\]|"[a-z\\"]{0,30}"|-1.5e3), ?){0,3}"z":[0-9])"#,
            chunk in 1_usize..40,
        ) {
            let text = format!(r#"{{"predicate":{{{inside}}},"b":1}}"#);
            let other = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            let found = scan(&text, chunk);
            proptest::prop_assert_eq!(found.is_ok(), other, "{}", text);
            if let Ok((kept, range)) = found {
                // Braces that are closed early leave more than one member behind it.
                proptest::prop_assert!(kept.starts_with(r#"{"predicate":null"#), "{}", kept);
                let range = range.and_then(|range| text.get(range)).unwrap_or_default();
                let whole = serde_json::from_str::<serde::de::IgnoredAny>(range);
                proptest::prop_assert!(whole.is_ok(), "{}", range);
            }
        }

        #[test]
        fn finds_what_ends_a_string_as_one_would_byte_by_byte(
            bytes in proptest::collection::vec(
                proptest::prop_oneof![proptest::prelude::any::<u8>(), 0x1e_u8..0x25, 0x5b_u8..0x5e, 0x60_u8..0x7b, 0x60_u8..0x7b],
                0..40,
            ),
        ) {
            let end = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
            let naive = bytes.iter().position(end).unwrap_or(bytes.len());
            proptest::prop_assert_eq!(plain(&bytes), naive);
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
