//! Decisions as the commands write them, and the exit codes that they come to.

use serde::Serialize;
use waxseal_policy::{Decision, Style, Verdict};

use crate::context::{Context, Output};
use crate::error::Failure;
use crate::exit::Exit;

/// A decision and the places that asked for it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Judged {
    #[serde(flatten)]
    pub(crate) decision: Decision,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) used_by: Vec<String>,
}

/// Writes one decision.
pub(crate) fn print_one(
    context: &Context,
    decision: &Decision,
    output: Output,
) -> Result<(), Failure> {
    match output {
        Output::Json => context.print_json(decision),
        Output::Text => context.print(format_args!("{}\n", text(context, decision))),
    }
}

/// Writes several decisions: in JSON as one list.
pub(crate) fn print_all(
    context: &Context,
    items: &[Judged],
    output: Output,
) -> Result<(), Failure> {
    if output == Output::Json {
        return context.print_json(&List {
            api_version: "waxseal.dev/v1alpha1",
            kind: "DecisionList",
            items,
        });
    }
    let mut all = String::new();
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            all.push('\n');
        }
        all.push_str(&text(context, &item.decision));
        all.push('\n');
        for place in &item.used_by {
            all.push_str(&format!("  used by {}\n", waxseal_policy::escaped(place)));
        }
    }
    context.print(all)
}

/// One refusal refuses; what could not be checked is no refusal, and no consent.
pub(crate) fn exit<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Exit {
    let mut exit = Exit::Ok;
    for decision in decisions {
        exit = match (decision.verdict, exit) {
            (Verdict::Deny, _) | (_, Exit::Refused) => Exit::Refused,
            (Verdict::Unable, _) => Exit::Failed,
            (Verdict::Allow, exit) => exit,
        };
    }
    exit
}

/// Says on stderr what a policy that does not enforce would have refused.
pub(crate) fn warn(context: &Context, decision: &Decision) {
    for policy in decision.warnings() {
        if decision.allows() {
            context.warn(format_args!(
                "{}: the policy {} is not satisfied, and does not enforce",
                waxseal_policy::escaped(&decision.image),
                waxseal_policy::escaped(&policy.policy)
            ));
        }
    }
}

pub(crate) fn text(context: &Context, decision: &Decision) -> String {
    decision.render_text(Style {
        color: context.color(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Judged],
}
