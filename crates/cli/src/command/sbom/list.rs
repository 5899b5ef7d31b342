//! `waxseal sbom TARGET`

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory::{self, Taken};

/// What to list, and how.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(super) struct List {
    /// An image in a registry, an image layout (a folder, or a `.tar` file as `docker save`
    /// writes it), or a folder with a root filesystem
    #[arg(value_name = "TARGET", required = true)]
    target: Option<String>,

    /// The platform, where the image is an index: OS/ARCHITECTURE[/VARIANT]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,

    /// Write it to this file (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// CycloneDX 1.6.
    CyclonedxJson,
    /// SPDX 2.3.
    SpdxJson,
    /// For people.
    Table,
}

impl List {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let created = inventory::created()?;
        let text = self.target.unwrap_or_default();
        let Taken {
            inventory, target, ..
        } = inventory::take(context, &text, self.platform.as_deref())?;
        let bytes = match self.output {
            Format::CyclonedxJson => inventory.to_cyclonedx(&target, created),
            Format::SpdxJson => inventory.to_spdx(&target, created),
            Format::Table => inventory.to_table().into_bytes(),
        };
        inventory::warn(context, &inventory);
        match &self.file {
            Some(path) => {
                fs::write(path, &bytes).map_err(|e| Failure::file("write", path, e))?;
            }
            None => context.print_bytes(&bytes)?,
        }
        context.note(format_args!(
            "{} package{} in {}",
            inventory.components.len(),
            if inventory.components.len() == 1 {
                ""
            } else {
                "s"
            },
            target.name
        ));
        Ok(Exit::Ok)
    }
}
