//! What changed since another image.

use maud::{Markup, html};
use waxseal_policy::escaped;
use waxseal_sbom::{Change, Changes, HashChange};

use crate::page::{count, table};

pub(crate) fn changed(since: &str, changes: &Changes, n: usize) -> Markup {
    let kinds = [
        ("changed", &changes.changed),
        ("added", &changes.added),
        ("removed", &changes.removed),
    ];
    let rows = html! {
        @for (kind, all) in kinds {
            @for change in all { (row(kind, change)) }
        }
        @for change in &changes.contents { (content(change)) }
    };
    html! {
        p {
            "Since " code { (escaped(since)) } ": "
            (changes.changed.len()) " changed, " (changes.added.len()) " added, "
            (changes.removed.len()) " removed"
            @if !changes.contents.is_empty() { ", " (changes.contents.len()) " with another content" }
            "; "
            (count(changes.same, "package")) " the same."
        }
        @if !changes.is_empty() {
            (table(
                &format!("changes-table-{n}"),
                "Packages that are not the same",
                &["Package", "Type", "Change", "Before", "After"],
                rows,
            ))
        }
    }
}

fn row(kind: &str, change: &Change) -> Markup {
    html! {
        tr {
            th scope="row" { (escaped(&change.name)) }
            td { (escaped(&change.ecosystem)) }
            td { (kind) }
            td { (versions(&change.before)) }
            td { (versions(&change.after)) }
        }
    }
}

fn content(change: &HashChange) -> Markup {
    html! {
        tr {
            th scope="row" { (escaped(&change.name)) " " (escaped(&change.version)) }
            td { (escaped(&change.ecosystem)) }
            td { "another content" }
            td { (versions(&change.before)) }
            td { (versions(&change.after)) }
        }
    }
}

/// An empty cell would be read out as nothing.
fn versions(all: &[String]) -> Markup {
    html! {
        @if all.is_empty() { span.muted { "none" } }
        @else { (escaped(&all.join(", "))) }
    }
}
