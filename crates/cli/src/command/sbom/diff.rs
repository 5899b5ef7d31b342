//! `waxseal sbom diff`

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use waxseal_policy::escaped;
use waxseal_sbom::{Change, Changes, Listed, Listing, changes, read};

use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory;

/// Compare the packages of two images or SBOMs
///
/// Each is an SBOM in a file, CycloneDX or SPDX as JSON, or whatever
/// `waxseal sbom` takes: an image, an image layout or a folder.
#[derive(clap::Args, Debug)]
pub(super) struct Diff {
    /// The one before
    #[arg(value_name = "BEFORE")]
    before: String,

    /// The one after
    #[arg(value_name = "AFTER")]
    after: String,

    /// The platform, where an image is an index
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Diff {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let of = |text: &str| packages(context, text, self.platform.as_deref());
        let found = changes(&of(&self.before)?, &of(&self.after)?);
        match self.output.output {
            Output::Json => context.print_json(&found)?,
            Output::Text => context.print(text(&found))?,
        }
        Ok(Exit::Ok)
    }
}

fn packages(context: &Context, text: &str, platform: Option<&str>) -> Result<Vec<Listed>, Failure> {
    let path = Path::new(text);
    if path.is_file() && path.extension().is_some_and(|e| e == "json") {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
            .map_err(|e| Failure::file("read", path, e))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
            return Err(Failure::new(format_args!(
                "`{text}` is larger than {LIMIT} bytes"
            )));
        }
        let listing = read(&bytes);
        let listing = listing
            .map_err(|why| Failure::new(format_args!("`{text}`: {}", escaped(&why.to_string()))));
        return listing.map(|listing| listing.packages);
    }
    let taken = inventory::take(context, text, platform)?;
    inventory::warn(context, &taken.inventory);
    Ok(Listing::from(&taken.inventory).packages)
}

fn text(found: &Changes) -> String {
    let mut out = String::new();
    let mut each = |mark: &str, all: &[Change]| {
        for change in all {
            let versions = match (change.before.join(", "), change.after.join(", ")) {
                (before, after) if before.is_empty() => after,
                (before, after) if after.is_empty() => before,
                (before, after) => format!("{before} -> {after}"),
            };
            let name = escaped(&change.name);
            let versions = escaped(&versions);
            let _ = writeln!(out, "{mark} {} {name} {versions}", change.ecosystem);
        }
    };
    each("+", &found.added);
    each("-", &found.removed);
    each("~", &found.changed);
    for change in &found.contents {
        let [name, version] = [&change.name, &change.version].map(|text| escaped(text));
        let [before, after] = [&change.before, &change.after].map(|all| all.join(", "));
        let _ = writeln!(
            out,
            "! {} {name} {version} {before} -> {after}",
            change.ecosystem
        );
    }
    let contents = match found.contents.len() {
        0 => String::new(),
        n => format!("{n} with another content, "),
    };
    let _ = writeln!(
        out,
        "{} added, {} removed, {} changed, {contents}{} the same",
        found.added.len(),
        found.removed.len(),
        found.changed.len(),
        found.same
    );
    out
}

/// The largest SBOM that is read.
const LIMIT: u64 = 128 * 1024 * 1024;
