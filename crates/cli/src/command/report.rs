//! `waxseal report`

use std::path::{Path, PathBuf};

use waxseal_gate::{Gate, Node, TreeOptions, tree};
use waxseal_oci::{Digest, Reference};
use waxseal_report::{Attachment, Contents, Page};
use waxseal_sbom::{Changes, Inventory, Listed, changes};
use waxseal_verify::Trust;

use crate::command::tree::{LISTED_BYTES, place_name, size, what};
use crate::context::{Context, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory::{self, Taken};
use crate::out_file::OutFile;
use crate::policy_args::PolicyArgs;
use crate::store::reference;
use crate::verdict;

/// Write a page about an image: its verdict, its signers, what is in it
///
/// Verifies the image as `waxseal verify` does, lists what is attached to it as `waxseal
/// tree` does and its packages as `waxseal sbom` does, and writes all of it as one HTML
/// file that needs no network, whatever the verdict is. The verdict goes to standard
/// output too. The page bears the time of SOURCE_DATE_EPOCH, if it is set.
#[derive(clap::Args, Debug)]
pub(crate) struct Report {
    /// The image: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Write the page to this file
    #[arg(long, value_name = "FILE")]
    html: PathBuf,

    /// Say what changed since this image, or image layout, or folder
    #[arg(long, value_name = "TARGET")]
    since: Option<String>,

    #[command(flatten)]
    trust: PolicyArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Report {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let image = reference(&self.image)?;
        if let Some(since) = self.since.as_ref().filter(|s| !Path::new(s).exists()) {
            reference(since)?;
        }
        let set = self.trust.policies(context)?;
        let options = self.trust.options()?;
        let created = inventory::created()?;
        let file = OutFile::open(Some(&self.html))?;
        let now = context.now();
        let decision = {
            let gate = Gate::new(context.client()?, &options);
            context.block_on(gate.verify(&image, &set, now))?.decision
        };
        // What follows is about the digest that the verdict is about.
        let image = decision.digest.as_ref().map(|d| image.repository().at(d));
        let mut faults = Faults(Vec::new());
        let attached = match &image {
            Some(image) => faults.catch(self.attached(context, image, now)),
            None => None,
        };
        if let Some((_, found)) = &attached {
            faults.0.extend(found.iter().cloned());
        }
        let taken = match &image {
            Some(image) => self.contents(context, image, &mut faults),
            None => Vec::new(),
        };
        let mut page = Page::new(&decision, created.unwrap_or(now));
        page.attached = attached.map(|(all, _)| all);
        page.contents = taken.iter().map(contents).collect();
        if let Some(since) = &self.since {
            for (one, taken) in page.contents.iter_mut().zip(&taken) {
                one.since = faults.catch(changed(context, since, taken));
            }
        }
        page.faults = faults.0;
        file.write(context, page.render().as_bytes())?;
        context.note(format_args!("wrote `{}`", self.html.display()));
        verdict::warn(context, &decision);
        verdict::print_one(context, &decision, self.output.output)?;
        match verdict::exit(std::iter::once(&decision)) {
            // A page with holes must not pass for a whole one.
            Exit::Ok if !page.faults.is_empty() => Err(Failure::new(format_args!(
                "the page is not complete: {}",
                page.faults.join("; ")
            ))),
            exit => {
                for fault in &page.faults {
                    context.warn(fault);
                }
                Ok(exit)
            }
        }
    }

    /// What is attached, and what of it could not be told.
    fn attached(
        &self,
        context: &Context,
        image: &Reference,
        now: jiff::Timestamp,
    ) -> Result<(Vec<Attachment>, Vec<String>), Failure> {
        let options = TreeOptions {
            content_bytes: LISTED_BYTES,
            authorities: Vec::new(),
            trust: Trust::default(),
            now,
        };
        let found = context.block_on(tree(context.client()?, image, &options))?;
        let found = found.map_err(|fault| Failure::new(&fault.message))?;
        let mut faults = found.faults;
        if found.cut {
            faults.push("there is more attached than is listed".to_owned());
        }
        Ok((found.root.children.iter().map(attachment).collect(), faults))
    }

    /// What is in the image; of an index, in all its images or those that
    /// `--platforms` names.
    fn contents(&self, context: &Context, image: &Reference, faults: &mut Faults) -> Vec<Taken> {
        let there = context
            .block_on(inventory::platforms(context, image))
            .and_then(|found| found);
        let Some((there, others)) = faults.catch(there) else {
            return Vec::new();
        };
        let asked = self.trust.which();
        let every = asked.is_empty() || asked == ["index"] || asked == ["all"];
        if others > 0 && every {
            faults.0.push(format!(
                "{others} of the entries of the index are for no platform, and their packages are \
                 not listed"
            ));
        }
        let wanted: Vec<Option<&str>> = match (there.as_slice(), every) {
            ([], _) => vec![None],
            (there, true) => there.iter().map(|p| Some(p.as_str())).collect(),
            (_, false) => asked.iter().map(|p| Some(p.as_str())).collect(),
        };
        if wanted.len() > MEMBERS {
            faults.0.push(format!(
                "the index has {} images, and the packages of the first {MEMBERS} are listed; \
                 --platforms names others",
                wanted.len()
            ));
        }
        let mut all = Vec::new();
        for platform in wanted.into_iter().take(MEMBERS) {
            let taken = context
                .block_on(inventory::of_image(context, image, platform))
                .and_then(|taken| taken);
            all.extend(faults.catch(
                taken.map_err(|failure| failure.context(format_args!("the packages of {image}"))),
            ));
        }
        all
    }
}

/// What could not be told, on its way into the page.
struct Faults(Vec<String>);

impl Faults {
    fn catch<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        result
            .map_err(|failure| self.0.push(failure.to_string().replace('\n', "; ")))
            .ok()
    }
}

fn contents(taken: &Taken) -> Contents<'_> {
    let name = match &taken.target.platform {
        Some(platform) => format!("{} for {platform}", taken.target.name),
        None => taken.target.name.clone(),
    };
    let layers = taken.layers.iter();
    Contents {
        name,
        layers: layers
            .map(|layer| (layer.digest.clone(), size(layer.size)))
            .collect::<Vec<(Digest, String)>>(),
        inventory: &taken.inventory,
        since: None,
    }
}

/// What changed since another image, for the same platform.
fn changed(context: &Context, since: &str, taken: &Taken) -> Result<(String, Changes), Failure> {
    let platform = taken.target.platform.as_deref();
    let other = inventory::take(context, since, platform)
        .map_err(|failure| failure.context(format_args!("the packages of {since}")))?;
    let listed = |inventory: &Inventory| -> Vec<Listed> {
        inventory.components.iter().map(Listed::from).collect()
    };
    let found = changes(&listed(&other.inventory), &listed(&taken.inventory));
    Ok((since.to_owned(), found))
}

fn attachment(node: &Node) -> Attachment {
    let mut facts: Vec<String> = node.platform.iter().cloned().collect();
    facts.extend(node.place.map(|place| place_name(place).to_owned()));
    let what = what(node);
    if what.is_some() {
        facts.push(node.kind.clone());
    }
    facts.push(size(node.size));
    facts.extend(node.created.iter().map(|time| format!("dated {time}")));
    let mut says = Vec::new();
    if let Some(claims) = &node.claims {
        let signer = claims.signer.iter();
        says.extend(signer.map(|signer| format!("says it is signed with {signer}")));
        if claims.log_entries + claims.timestamps > 0 {
            says.push(format!(
                "brings {} log entries and {} timestamps",
                claims.log_entries, claims.timestamps
            ));
        }
    }
    says.extend(node.note.clone());
    Attachment {
        what: what.unwrap_or_else(|| node.kind.clone()),
        facts,
        digest: node.digest.clone(),
        says,
        children: node.children.iter().map(attachment).collect(),
    }
}

/// Images of an index whose packages are listed.
const MEMBERS: usize = 16;
