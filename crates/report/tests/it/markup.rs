//! A reader of the markup that the page consists of, and of no other: every
//! element closed in order, every attribute quoted, no entity but four.

use std::collections::BTreeSet;

/// An element: its name, its attributes, and the text right before it.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

/// Everything in a page.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    pub(crate) tags: Vec<Tag>,
    /// The text outside of style and script, unescaped.
    pub(crate) text: String,
}

impl Markup {
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Tag> {
        self.tags.iter().filter(move |tag| tag.name == name)
    }
}

impl Tag {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 4] = ["br", "input", "link", "meta"];

/// Reads a page, or says where it is not well formed.
pub(crate) fn read(page: &str) -> Markup {
    let mut markup = Markup::default();
    let mut open: Vec<String> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while !rest.is_empty() {
        let (text, after) = rest.split_once('<').unwrap_or((rest, ""));
        assert!(!text.contains('>'), "a bare `>` in `{text}`");
        markup.text.push_str(&unescape(text));
        if after.is_empty() {
            break;
        }
        let (inside, next) = after.split_once('>').unwrap();
        rest = next;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let tag = tag(inside);
        if let Some(id) = tag.attribute("id") {
            assert!(ids.insert(id.to_owned()), "the id `{id}` is there twice");
        }
        if tag.name == "style" || tag.name == "script" {
            // Raw text: it ends at its own end tag only.
            let end = format!("</{}>", tag.name);
            rest = rest.split_once(&end).unwrap().1;
        } else if !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        markup.tags.push(tag);
    }
    assert!(open.is_empty(), "{open:?} is not closed");
    markup
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    assert!(
        name.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        "`{name}`"
    );
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').unwrap();
                rest = after;
                unescape(value)
            }
            None => String::new(),
        };
        rest = rest.trim_start_matches(' ');
        assert!(!name.starts_with("on"), "the handler `{name}`");
        attributes.push((name, value));
    }
    Tag {
        name: name.to_owned(),
        attributes,
    }
}

fn unescape(text: &str) -> String {
    for (n, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(known.iter().any(|e| text[n..].starts_with(e)), "`{text}`");
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
