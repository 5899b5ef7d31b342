//! `waxseal man [COMMAND]`, `waxseal man --all DIR`

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::command::Cli;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Print a manual page, or write all of them
#[derive(clap::Args, Debug)]
pub(crate) struct Man {
    /// The command whose page to print (default: the overview)
    #[arg(conflicts_with = "all")]
    command: Option<String>,

    /// Write every page to this folder
    #[arg(long, value_name = "DIR")]
    all: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let mut root = Cli::command();
        root.build();
        if let Some(folder) = &self.all {
            write_pages(&root, folder)?;
            return Ok(Exit::Ok);
        }
        let chosen = match &self.command {
            None => Some(&root),
            Some(name) => root.find_subcommand(name),
        };
        let Some(chosen) = chosen else {
            let name = self.command.unwrap_or_default();
            return Err(Failure::usage(format_args!("there is no command `{name}`")));
        };
        context.print_bytes(&page(chosen)?)?;
        Ok(Exit::Ok)
    }
}

fn write_pages(command: &clap::Command, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, e))?;
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        let path = folder.join(format!("{}.1", page_name(command)));
        fs::write(&path, page(command)?).map_err(|e| Failure::file("write", &path, e))?;
        waiting.extend(command.get_subcommands().filter(|c| !c.is_hide_set()));
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command.clone().name(page_name(command)))
        .render(&mut bytes)
        .map_err(|e| Failure::new(format_args!("cannot write the manual page: {e}")))?;
    Ok(bytes)
}

/// `waxseal verify` becomes `waxseal-verify`.
fn page_name(command: &clap::Command) -> String {
    command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .replace(' ', "-")
}
