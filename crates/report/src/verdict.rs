//! The verdict and its reasons, in the words of the text.

use maud::{Markup, html};
use waxseal_policy::{
    Decision, Line, Outline, PolicyOutline, RequirementOutline, Verdict, codes, escaped,
};

use crate::Page;
use crate::page::{moment, tone};

pub(crate) fn verdict(page: &Page<'_>, outline: &Outline) -> Markup {
    html! {
        dl {
            dt { "Verdict" }
            dd { (outline.word.text) }
            dt { "Image" }
            dd { code { (outline.image) } }
            @if let Some(digest) = &page.decision.digest {
                dt { "Digest" }
                dd { code { (digest) } }
            }
            dt { "Dated" }
            dd { (moment(&page.dated)) }
        }
        @if let Some(reason) = &outline.reason { p { (reason) } }
        @for policy in &outline.policies { (one(policy)) }
        @if let Some(hint) = &outline.hint { p { "hint: " (hint) } }
    }
}

fn one(policy: &PolicyOutline) -> Markup {
    html! {
        div.policy {
            h3 {
                "policy " (policy.name) ": "
                span.(tone(policy.word.tone)) { (policy.word.text) }
                (policy.scope)
            }
            @if let Some(index) = &policy.through {
                p { "through index " code { (index) } }
            }
            ul.requirements { @for one in &policy.requirements { li { (requirement(one)) } } }
        }
    }
}

fn requirement(one: &RequirementOutline) -> Markup {
    html! {
        p {
            strong.(if one.met { "good" } else { "bad" }) { (one.mark) }
            ": " (one.text)
        }
        (lines(&one.found))
        @if one.met && !one.others.is_empty() {
            // Of no consequence here: it is there for who wants to know.
            details {
                summary { "What does not count" }
                (lines(&one.others))
            }
        } @else {
            (lines(&one.others))
        }
    }
}

fn lines(all: &[Line]) -> Markup {
    html! {
        @if !all.is_empty() {
            ul {
                @for line in all {
                    li {
                        (line.text)
                        @if !line.about.is_empty() {
                            ul { @for about in &line.about { li { (about) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What the decision says of vulnerabilities, if it says something.
pub(crate) fn vulnerabilities(decision: &Decision) -> Option<Markup> {
    let mut said: Vec<(String, bool, String)> = Vec::new();
    for policy in &decision.policies {
        for requirement in &policy.requirements {
            let mut say = |bad: bool, text: &str| {
                let one = (escaped(&policy.policy), bad, escaped(text));
                if !said.contains(&one) {
                    said.push(one);
                }
            };
            for note in requirement.found.iter().flat_map(|found| &found.notes) {
                say(false, note);
            }
            let about_scans = |code: &str| code == codes::SCAN || code == codes::VULNERABLE;
            for rejected in &requirement.rejected {
                if about_scans(&rejected.code) {
                    say(policy.verdict != Verdict::Allow, &rejected.reason);
                }
            }
            if requirement.code.as_deref() == Some(codes::NO_SCAN)
                && requirement.rejected.iter().all(|r| !about_scans(&r.code))
                && let Some(missing) = &requirement.missing
            {
                say(true, missing);
            }
        }
    }
    if said.is_empty() {
        return None;
    }
    Some(html! {
        ul {
            @for (policy, bad, text) in &said {
                li {
                    "policy " (policy) ": "
                    @if *bad { strong.bad { "not accepted" } ": " }
                    (text)
                }
            }
        }
    })
}
