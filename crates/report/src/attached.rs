//! What is attached to an image, and what became of it in the verdict.

use std::collections::BTreeMap;

use maud::{Markup, html};
use waxseal_oci::Digest;
use waxseal_policy::{Decision, escaped};

use crate::Attachment;

pub(crate) fn attached(all: &[Attachment], decision: &Decision) -> Markup {
    let standing = standing(decision);
    html! {
        @if all.is_empty() {
            p { "Nothing is attached." }
        } @else {
            p {
                "Everything that the registry lists. What it says about itself is what it says; "
                "what was verified stands under the verdict."
            }
            (list(all, &standing))
        }
    }
}

fn list(all: &[Attachment], standing: &BTreeMap<Digest, String>) -> Markup {
    html! {
        ul.attached {
            @for one in all {
                li {
                    strong { (escaped(&one.what)) } " " code { (one.digest) }
                    ul.plain {
                        @if !one.facts.is_empty() {
                            li.muted { (escaped(&one.facts.join(", "))) }
                        }
                        @for line in &one.says { li { (escaped(line)) } }
                        @if let Some(standing) = standing.get(&one.digest) {
                            li { "in this verdict: " (standing) }
                        }
                    }
                    @if !one.children.is_empty() { (list(&one.children, standing)) }
                }
            }
        }
    }
}

/// What became of each piece of evidence, the best of it where it was looked
/// at more than once.
fn standing(decision: &Decision) -> BTreeMap<Digest, String> {
    let mut all: BTreeMap<Digest, (u8, String)> = BTreeMap::new();
    let mut put = |digest: &Digest, rank: u8, text: String| {
        let known = all.get(digest).is_none_or(|(known, _)| rank < *known);
        if known {
            all.insert(digest.clone(), (rank, text));
        }
    };
    for requirement in decision.policies.iter().flat_map(|p| &p.requirements) {
        let digests = |origin: &waxseal_verify::Origin| {
            let blob = Some(origin.blob.clone());
            blob.into_iter().chain(origin.manifest.clone())
        };
        for found in &requirement.found {
            for digest in digests(&found.origin) {
                put(
                    &digest,
                    0,
                    format!("counts, by {}", escaped(&found.authority)),
                );
            }
        }
        for rejected in &requirement.rejected {
            for digest in digests(&rejected.origin) {
                put(
                    &digest,
                    1,
                    format!("rejected: {}", escaped(&rejected.reason)),
                );
            }
        }
        for seen in &requirement.seen {
            for digest in digests(&seen.origin) {
                put(
                    &digest,
                    2,
                    format!("not looked at: {}", escaped(&seen.note)),
                );
            }
        }
    }
    let words = all.into_iter();
    words.map(|(digest, (_, text))| (digest, text)).collect()
}
