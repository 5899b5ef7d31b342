//! `waxseal sbom TARGET`

use std::mem;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory::{self, Taken};
use crate::out_file::OutFile;

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
    #[value(alias = "cyclonedx")]
    CyclonedxJson,
    /// SPDX 2.3.
    #[value(alias = "spdx")]
    SpdxJson,
    /// For people.
    Table,
}

impl List {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let created = inventory::created()?;
        // An image is not looked into for a file that cannot be written.
        let file = OutFile::open(self.file.as_deref())?;
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
        file.write(context, &bytes)?;
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
        // Letting go of a million names takes longer than the system does.
        mem::forget(inventory);
        Ok(Exit::Ok)
    }
}
