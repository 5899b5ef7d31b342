//! `waxseal verify`

use std::path::PathBuf;

use futures_util::StreamExt as _;
use futures_util::stream;
use waxseal_gate::kinds::ExtraKind;
use waxseal_gate::{Gate, Outcome};

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::policy_args::PolicyArgs;
use crate::predicate_out::{PredicateOut, PredicateOutArgs};
use crate::store::reference;
use crate::verdict::{self, Judged};
use crate::workloads::{self, Used};

/// Verify images in a registry
///
/// A signature by one of the keys is required, or what the policies ask for. Nothing
/// that was skipped is called verified: the answer lists what was checked and what was
/// not. With `-o json` the answer is a Decision for one image, else a DecisionList,
/// whether it is yes or no.
#[derive(clap::Args, Debug)]
pub(crate) struct Verify {
    /// The images: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE", required_unless_present = "files")]
    images: Vec<String>,

    /// Verify every image in these Kubernetes files or folders (`-` is standard input)
    #[arg(short, long = "file", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,

    /// Where objects of another kind name images: argoproj.io/Rollout=spec.template.spec
    #[arg(long, value_name = "GROUP/KIND=PATH", requires = "files")]
    extra_kind: Vec<ExtraKind>,

    #[command(flatten)]
    trust: PolicyArgs,

    #[command(flatten)]
    predicate: PredicateOutArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Verify {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let output = self.output.output;
        let types = self.trust.attestation_types();
        let predicate = self.predicate.open(self.images.len(), types, output)?;
        let set = self.trust.policies(context)?;
        let options = self.trust.options()?;
        let mut used: Vec<Used> = Vec::new();
        for text in &self.images {
            let image = reference(text)?;
            if used.iter().all(|u| u.image != image) {
                used.push(Used {
                    image,
                    by: Vec::new(),
                });
            }
        }
        if !self.files.is_empty() {
            used.extend(workloads::images(context, &self.files, self.extra_kind)?);
        }
        let single = self.files.is_empty() && self.images.len() == 1;
        let gate = Gate::new(context.client()?, &options);
        let now = context.now();
        if let (Some(predicate), Some(used)) = (predicate, used.first()) {
            let gate = gate.keeping(predicate.kind());
            let outcome = context.block_on(gate.verify(&used.image, &set, now))?;
            return said(context, &outcome, predicate, output);
        }
        let judge = |used: Used| {
            let (gate, set) = (&gate, &set);
            async move {
                let outcome = gate.verify(&used.image, set, now).await;
                Judged {
                    decision: outcome.decision,
                    used_by: used.by,
                }
            }
        };
        let work = stream::iter(used.into_iter().map(judge)).buffered(AT_ONCE);
        let judged: Vec<Judged> = context.block_on(work.collect())?;
        for item in &judged {
            verdict::warn(context, &item.decision);
        }
        match judged.as_slice() {
            [one] if single => verdict::print_one(context, &one.decision, output)?,
            all => verdict::print_all(context, all, output)?,
        }
        Ok(verdict::exit(judged.iter().map(|j| &j.decision)))
    }
}

/// Answers about one image, and writes what its attestation says.
fn said(
    context: &Context,
    outcome: &Outcome,
    predicate: PredicateOut,
    output: Output,
) -> Result<Exit, Failure> {
    let decision = &outcome.decision;
    verdict::warn(context, decision);
    match (output, decision.allows()) {
        (Output::Text, true) => {
            let text = verdict::text(context, decision);
            predicate.answer(context, &format!("{text}\n"))?;
        }
        _ => verdict::print_one(context, decision, output)?,
    }
    predicate.write(context, outcome)?;
    Ok(verdict::exit([decision].into_iter()))
}

const AT_ONCE: usize = 8;
