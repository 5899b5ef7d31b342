//! The frame of the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use waxseal_policy::{Outline, Tone, escaped};

use crate::{Page, attached, changed, contents, signers, verdict};

pub(crate) fn page(page: &Page<'_>) -> Markup {
    let outline = page.decision.outline();
    let sections = sections(page, &outline);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (outline.word.text) ": " (outline.image) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#report" { "Skip to the report" }
                header {
                    p.kicker { "Waxseal report" }
                    h1 { (outline.image) }
                    p.word.(tone(outline.word.tone)) { (outline.word.text) }
                }
                nav aria-label="On this page" {
                    ul {
                        @for section in &sections {
                            li { a href={ "#" (section.id) } { (section.title) } }
                        }
                    }
                }
                main id="report" tabindex="-1" {
                    @for section in &sections {
                        section aria-labelledby=(section.id) {
                            h2 id=(section.id) tabindex="-1" { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p {
                        "What registries, signers and packages say is shown as text. Characters that are "
                        "invisible or turn text around stand as their number: "
                        code { "\\u{202e}" } "."
                    }
                    p { "Made by waxseal " (env!("CARGO_PKG_VERSION")) "." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// A part of the page with a heading.
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) body: Markup,
}

fn sections(page: &Page<'_>, outline: &Outline) -> Vec<Section> {
    let section = |id: &str, title: &str, body| Section {
        id: id.to_owned(),
        title: title.to_owned(),
        body,
    };
    let mut sections = vec![section(
        "verdict",
        "Verdict",
        verdict::verdict(page, outline),
    )];
    if !page.faults.is_empty() {
        let body = html! {
            p { "This page is not whole:" }
            ul { @for fault in &page.faults { li { (escaped(fault)) } } }
        };
        sections.push(section("faults", "What could not be told", body));
    }
    sections.push(section(
        "signers",
        "Who signed what",
        signers::signers(page.decision),
    ));
    if let Some(body) = verdict::vulnerabilities(page.decision) {
        sections.push(section("vulnerabilities", "Vulnerabilities", body));
    }
    if let Some(all) = &page.attached {
        let body = attached::attached(all, page.decision);
        sections.push(section("attached", "What is attached", body));
    }
    let several = page.contents.len() > 1;
    for (n, one) in page.contents.iter().enumerate() {
        let of = match several {
            true => format!(" ({})", escaped(&one.name)),
            false => String::new(),
        };
        if let Some((since, changes)) = &one.since {
            sections.push(section(
                &format!("changes-{n}"),
                &format!("What changed{of}"),
                changed::changed(since, changes, n),
            ));
        }
        sections.push(section(
            &format!("packages-{n}"),
            &format!("Packages by layer{of}"),
            contents::packages(one, n),
        ));
    }
    sections
}

/// A table under a caption that a keyboard can scroll where it is too wide.
pub(crate) fn table(id: &str, caption: &str, columns: &[&str], rows: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby=(id) tabindex="0" {
            table {
                caption id=(id) { (caption) }
                thead { tr { @for name in columns { th scope="col" { (name) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// A time, to the second.
pub(crate) fn moment(time: &Timestamp) -> Markup {
    let text = format!("{time:.0}");
    html! { time datetime=(text) { (text) } }
}

pub(crate) fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
    }
}

/// `1 package`, `2 packages`.
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// What the page may do: its own style and script, and nothing besides.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
