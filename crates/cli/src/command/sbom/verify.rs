//! `waxseal sbom verify`

use std::fmt::Write as _;
use std::mem;

use serde::Serialize;
use waxseal_gate::{Contents, Gate, LayersAhead};
use waxseal_oci::{Digest, Platform};
use waxseal_policy::{Decision, escaped};
use waxseal_sbom::{Comparison, Difference};
use waxseal_verify::Origin;

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory;
use crate::policy_args::PolicyArgs;
use crate::store::reference;
use crate::verdict;

/// Compare an image's attested SBOM with what is in the image
///
/// The SBOM has to be attested by one of the keys or identities, CycloneDX or SPDX,
/// by whatever tool. Then the image's layers are looked into. Where the SBOM leaves a
/// package out, or names another version or another hash of it, the answer is no, and
/// says in which layer the package is. It is no as well where something in the image cannot be
/// read, unless `--allow` names its path. What the SBOM lists and the image does not have is told,
/// and refuses nothing. The same in a policy: `sbom: { matchesImage: true }`.
#[derive(clap::Args, Debug)]
pub(super) struct Verify {
    /// The image: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE")]
    image: String,

    #[command(flatten)]
    trust: PolicyArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// An SBOM beside an image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Compared {
    subject: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    sbom: Origin,
    #[serde(flatten)]
    comparison: Comparison,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    comparisons: &'a [Compared],
}

impl Verify {
    pub(super) fn run(mut self, context: &Context) -> Result<Exit, Failure> {
        let image = reference(&self.image)?;
        context.use_workers()?;
        self.trust.require_matching_sbom();
        let set = self.trust.policies(context)?;
        let options = self.trust.options()?;
        let client = context.client()?;
        let gate = Gate::new(client, &options);
        let outcome = context.block_on(async {
            // What is in the image is asked for whatever the SBOM says.
            let layers = LayersAhead::start(client.clone(), image.clone(), &options);
            let now = context.now();
            gate.verify_with_layers(&image, &set, now, &layers).await
        })?;
        let decision = &outcome.decision;
        if decision.allows() && outcome.contents.is_empty() {
            return Err(Failure::new("the policies compare no SBOM with the image")
                .hint("add `sbom: { from: [...], matchesImage: true }` to one of them"));
        }
        for contents in &outcome.contents {
            if let Ok(inventory) = &contents.layers {
                inventory::warn(context, inventory);
            }
        }
        let may_omit = self.trust.may_omit();
        let contents = outcome.contents.iter();
        let compared: Vec<Compared> = contents.flat_map(|of| each(of, may_omit)).collect();
        match self.output.output {
            Output::Json => context.print_json(&Answer {
                decision,
                comparisons: &compared,
            })?,
            Output::Text => {
                verdict::print_one(context, decision, Output::Text)?;
                for one in &compared {
                    context.print(text(one))?;
                }
            }
        }
        let exit = verdict::exit([decision].into_iter());
        // Letting go of a million names takes longer than the system does.
        mem::forget((outcome, compared));
        Ok(exit)
    }
}

/// Each SBOM that is attested for an image that was looked into.
fn each(contents: &Contents, may_omit: &[String]) -> Vec<Compared> {
    let sboms = contents.sboms.iter();
    sboms
        .map(|(origin, comparison)| Compared {
            subject: contents.subject.clone(),
            platform: contents.platform.clone(),
            sbom: origin.clone(),
            comparison: Comparison::clone(comparison).allowing(may_omit),
        })
        .collect()
}

fn text(one: &Compared) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "\nthe SBOM {} beside the layers of {}",
        one.sbom.blob, one.subject
    );
    let found = &one.comparison;
    let mut section = |title: &str, all: &[Difference]| {
        if all.is_empty() {
            return;
        }
        let _ = writeln!(out, "  {title}");
        for difference in all {
            let name = format!("pkg:{}/{}", difference.ecosystem, difference.name);
            let versions = |all: &[String]| escaped(&all.join(", "));
            let _ = match (&*difference.in_image, &*difference.in_sbom) {
                (image, []) => writeln!(out, "    {} {}", escaped(&name), versions(image)),
                ([], sbom) => writeln!(out, "    {} {}", escaped(&name), versions(sbom)),
                (image, sbom) => writeln!(
                    out,
                    "    {} {}, and {} in the SBOM",
                    escaped(&name),
                    versions(image),
                    versions(sbom)
                ),
            };
            for place in &difference.found {
                let _ = writeln!(out, "      {}", escaped(place));
            }
        }
    };
    section("left out, and in the image:", &found.missing);
    section("in another version:", &found.versions);
    // Each with its version, since that is the same on both sides.
    let contents: Vec<Difference> = found.hashes.iter().map(Difference::from).collect();
    section("of another content:", &contents);
    section("listed, and not in the image:", &found.extra);
    if !found.unread.is_empty() {
        let _ = writeln!(out, "  not read, and so not compared:");
        for unread in &found.unread {
            let _ = writeln!(out, "    {}", escaped(&unread.to_string()));
        }
    }
    for (kind, count) in &found.not_covered {
        let _ = writeln!(
            out,
            "  of type {kind} the SBOM lists nothing, and the image has {count}; --allow {kind} leaves \
             them to others"
        );
    }
    for (kind, count) in &found.not_looked_for {
        let _ = writeln!(
            out,
            "  {count} of type {} are not looked for",
            escaped(kind)
        );
    }
    if found.without_purl > 0 {
        let _ = writeln!(
            out,
            "  {} without a package URL are not compared",
            found.without_purl
        );
    }
    let _ = writeln!(
        out,
        "  {} the same, {} left out, {} in another version, {} of another content, {} more in the SBOM",
        found.same,
        found.missing.len(),
        found.versions.len(),
        found.hashes.len(),
        found.extra.len()
    );
    out
}
