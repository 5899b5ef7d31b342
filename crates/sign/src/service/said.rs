//! What a service says about its refusal, fit to be shown.

use serde_json::Value;
use waxseal_attestation::json::shown;

/// The service's own words out of the body of a refusal: shortened, without
/// control characters, and without anything that could be a token, since a
/// service may repeat what it was sent.
pub(crate) fn said(body: &[u8], secrets: &[&str]) -> String {
    let body = body.get(..LOOKED_AT).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let words = match serde_json::from_str::<Value>(&text) {
        Ok(json) => MEMBERS
            .into_iter()
            .find_map(|member| json.get(member)?.as_str().map(str::to_owned))
            .unwrap_or_default(),
        // A page of markup says nothing to a person at a terminal.
        Err(_) if text.trim_start().starts_with(['<', '{', '[']) => String::new(),
        Err(_) => text.trim().lines().next().unwrap_or_default().to_owned(),
    };
    let words = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(words, |words, secret| words.replace(secret, HIDDEN));
    shown(&without_tokens(&words))
}

/// Replaces every long run of the characters of which tokens are made.
fn without_tokens(words: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '+');
    let mut out = String::new();
    let mut run = String::new();
    for c in words.chars().chain(std::iter::once(' ')) {
        if is_part(c) {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() > WORD { HIDDEN } else { &run });
        run.clear();
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

const MEMBERS: [&str; 3] = ["error_description", "message", "error"];
const LOOKED_AT: usize = 16 * 1024;
const HIDDEN: &str = "[hidden]";
/// No word is longer; a SHA-256 in hexadecimal, which may be named, is not.
const WORD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_words_and_hides_what_may_be_a_token() {
        let words = |body: &str| said(body.as_bytes(), &["s3cret"]);
        assert_eq!(
            words(r#"{"code":3,"message":"no such thing"}"#),
            "no such thing"
        );
        assert_eq!(words(r#"{"error":"invalid_grant"}"#), "invalid_grant");
        assert_eq!(words("plain words\nmore"), "plain words");
        assert_eq!(words("<html>"), "");
        assert_eq!(words(r#"{"message":"#), "");
        assert_eq!(
            words("the bearer s3cret is bad"),
            "the bearer [hidden] is bad"
        );
        let token = format!("eyJhbGciOiJub25lIn0.{}.c2ln", "x".repeat(50));
        assert_eq!(
            words(&format!("bad token `{token}`")),
            "bad token `[hidden]`"
        );
        assert_eq!(words("a\u{1b}[31mb"), "a\\u{1b}[31mb");
    }
}
