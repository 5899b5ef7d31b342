//! What a copy did, in words.

use std::fmt::Write as _;

use serde::Serialize;
use waxseal_registry::copy::{Action, Entry, Kind, Ledger};

use crate::context::{Context, Output};
use crate::error::Failure;

/// Writes what a copy did, and returns nothing that could be mistaken for more.
pub(crate) fn print(
    context: &Context,
    from: &str,
    to: &str,
    ledger: &Ledger,
    output: Output,
) -> Result<(), Failure> {
    if output == Output::Json {
        return context.print_json(&Account {
            api_version: "waxseal.dev/v1alpha1",
            kind: "CopyLedger",
            from,
            to,
            ledger,
        });
    }
    let mut text = String::new();
    for entry in &ledger.entries {
        let _ = write!(
            text,
            "{:<13} {:<14} {} {}",
            action(entry),
            kind(entry),
            entry.digest,
            entry.size
        );
        if let Some(name) = &entry.name {
            let _ = write!(text, " {}", waxseal_policy::escaped(name));
        }
        text.push('\n');
    }
    context.print(&text)?;
    let count = |wanted: Action| ledger.entries.iter().filter(|e| e.action == wanted).count();
    context.note(format_args!(
        "{from} is in {to} as {}: {} copied and read back, {} merged, {} already there, {} skipped",
        ledger.root,
        count(Action::Copied),
        count(Action::Merged),
        count(Action::AlreadyThere),
        count(Action::Skipped)
    ));
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    api_version: &'static str,
    kind: &'static str,
    from: &'a str,
    to: &'a str,
    #[serde(flatten)]
    ledger: &'a Ledger,
}

fn action(entry: &Entry) -> &'static str {
    match entry.action {
        Action::AlreadyThere => "already there",
        Action::Copied => "copied",
        Action::Merged => "merged",
        Action::Skipped => "skipped",
        _ => "unknown",
    }
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Blob => "blob",
        Kind::CosignTag => "cosign tag",
        Kind::Index => "index",
        Kind::Manifest => "manifest",
        Kind::Referrer => "referrer",
        Kind::ReferrersTag => "referrers tag",
        Kind::Tag => "tag",
        _ => "unknown",
    }
}
