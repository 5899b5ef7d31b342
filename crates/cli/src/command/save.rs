//! `waxseal save`

use std::path::{Path, PathBuf};

use waxseal_registry::Layout;

use crate::context::{Context, Output};
use crate::error::Failure;
use crate::exit::Exit;
use crate::ledger;
use crate::store::reference;

/// Write an image with everything that is attached to it to an OCI image layout
#[derive(clap::Args, Debug)]
pub(crate) struct Save {
    /// The image: REPOSITORY[:TAG][@DIGEST]
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Where to: FILE.tar, or a folder, which is added to if it is a layout
    #[arg(short, long, visible_alias = "dir", value_name = "PATH")]
    output: PathBuf,

    /// How to write what was done
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

impl Save {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let image = reference(&self.image)?;
        let client = context.client()?;
        let packed = self.output.extension().is_some_and(|e| e == "tar");
        let save = |root: &Path| {
            let layout = Layout::open_or_create(root)?;
            let ledger = context.block_on(waxseal_registry::copy(client, &image, &layout, &image));
            Ok::<_, Failure>((layout, ledger??))
        };
        let ledger = if packed {
            let refuse = |e| Failure::file("write", &self.output, e);
            let folder = tempfile::tempdir().map_err(refuse)?;
            let (layout, ledger) = save(&folder.path().join("layout"))?;
            layout.pack(&self.output)?;
            ledger
        } else {
            save(&self.output)?.1
        };
        let to = self.output.display().to_string();
        ledger::print(context, &image.to_string(), &to, &ledger, self.format)?;
        Ok(Exit::Ok)
    }
}
