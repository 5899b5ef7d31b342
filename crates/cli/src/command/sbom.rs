//! `waxseal sbom TARGET`

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::inventory::{self, Taken};

/// List the packages in an image, as an SBOM
///
/// Looks into every layer, uppermost first, without unpacking anything: packages
/// of dpkg and apk, Python, Node, Ruby, PHP and .NET, Go programs, and Rust programs
/// built with `cargo auditable`. What is known and cannot be read is in the
/// document and on stderr. The same image gives the same bytes; the time of the
/// document is that of SOURCE_DATE_EPOCH, if it is set.
#[derive(clap::Args, Debug)]
pub(crate) struct Sbom {
    /// An image in a registry, an image layout (a folder, or a `.tar` file as `docker save`
    /// writes it), or a folder with a root filesystem
    #[arg(value_name = "TARGET")]
    target: String,

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
pub(crate) enum Format {
    /// CycloneDX 1.6.
    CyclonedxJson,
    /// SPDX 2.3.
    SpdxJson,
    /// For people.
    Table,
}

impl Sbom {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let created = inventory::created()?;
        let Taken {
            inventory, target, ..
        } = inventory::take(context, &self.target, self.platform.as_deref())?;
        let bytes = match self.output {
            Format::CyclonedxJson => inventory.to_cyclonedx(&target, created),
            Format::SpdxJson => inventory.to_spdx(&target, created),
            Format::Table => inventory.to_table().into_bytes(),
        };
        for note in inventory.notes.iter().take(SHOWN) {
            context.warn(format_args!("`{}`: {}", note.at.path, note.reason));
        }
        if inventory.notes.len() > SHOWN {
            context.warn(format_args!(
                "and {} more that could not be read",
                inventory.notes.len() - SHOWN
            ));
        }
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

/// Notes that are shown one by one.
const SHOWN: usize = 20;
