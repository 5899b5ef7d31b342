//! Who signed what and when.

use maud::{Markup, html};
use waxseal_policy::{Decision, Found, PolicyDecision, escaped};

use crate::page::{moment, table};

/// The evidence that counts, each piece once.
pub(crate) fn signers(decision: &Decision) -> Markup {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for policy in &decision.policies {
        for found in policy.requirements.iter().flat_map(|r| &r.found) {
            let known = |row: &&mut Row<'_>| {
                row.found.origin == found.origin && row.found.signer == found.signer
            };
            let name = name(policy);
            match rows.iter_mut().find(known) {
                Some(row) if row.policies.contains(&name) => {}
                Some(row) => row.policies.push(name),
                None => rows.push(Row {
                    found,
                    policies: vec![name],
                }),
            }
        }
    }
    if rows.is_empty() {
        return html! { p { "No signature and no attestation was found that counts." } };
    }
    let body = html! { @for row in &rows { (row.markup()) } };
    table(
        "signers-table",
        "Evidence that was verified and counts",
        &["Signer", "What", "When", "Where", "Counts for"],
        body,
    )
}

struct Row<'a> {
    found: &'a Found,
    policies: Vec<String>,
}

impl Row<'_> {
    fn markup(&self) -> Markup {
        let found = self.found;
        html! {
            tr {
                th scope="row" { (escaped(&found.authority)) br; span.muted { (found.who()) } }
                td {
                    @match &found.predicate_type {
                        Some(kind) => { "attestation of " (escaped(kind)) }
                        None => "signature"
                    }
                    @if let Some(index) = &found.through {
                        " of the index " code { (index.short()) }
                    }
                }
                td {
                    @if found.times.is_empty() {
                        "not known: no trusted log or authority says when"
                    }
                    @for time in &found.times { (moment(time)) " " }
                }
                td { (found.place()) }
                td { (self.policies.join(", ")) }
            }
        }
    }
}

fn name(policy: &PolicyDecision) -> String {
    let name = escaped(&policy.policy);
    match &policy.platform {
        Some(platform) => format!("{name} for {}", escaped(platform)),
        None => name,
    }
}
