//! `waxseal load`

use std::path::PathBuf;

use waxseal_oci::{Descriptor, Digest, REF_NAME_ANNOTATION, Reference};
use waxseal_registry::Layout;

use crate::context::{Context, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::ledger;
use crate::store::reference;

/// Push an image from an OCI image layout, with everything that is attached to it
#[derive(clap::Args, Debug)]
pub(crate) struct Load {
    /// The layout: a folder or a `.tar` file
    #[arg(value_name = "PATH")]
    layout: PathBuf,

    /// Where to: REPOSITORY[:TAG]
    #[arg(value_name = "TARGET")]
    target: String,

    /// Which image of the layout, by its tag or digest, where it holds several
    #[arg(long, value_name = "TAG|DIGEST")]
    image: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Load {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let to = reference(&self.target)?;
        let layout = Layout::open(&self.layout)?;
        let from = self.choose(&layout, &to)?;
        let client = context.client()?;
        let ledger = context.block_on(waxseal_registry::copy(&layout, &from, client, &to))??;
        let path = self.layout.display().to_string();
        ledger::print(context, &path, &to.to_string(), &ledger, self.output.output)?;
        Ok(Exit::Ok)
    }

    /// The image to push, as a reference into the layout.
    fn choose(&self, layout: &Layout, to: &Reference) -> Result<Reference, Failure> {
        let repository = to.repository();
        if let Some(text) = &self.image {
            return match text.parse::<Digest>() {
                Ok(digest) => Ok(repository.at(&digest)),
                Err(_) => repository
                    .tagged(text)
                    .map_err(|e| Failure::usage(format_args!("--image: {e}"))),
            };
        }
        let images = layout.images()?;
        let mut digests: Vec<&Digest> = images.iter().map(|d| &d.digest).collect();
        digests.dedup();
        match digests.as_slice() {
            [one] => Ok(repository.at(one)),
            [] => Err(Failure::new(format_args!(
                "there is no image in `{}`",
                self.layout.display()
            ))),
            _ => Err(Failure::usage(format_args!(
                "`{}` holds several images: {}",
                self.layout.display(),
                images.iter().map(name).collect::<Vec<_>>().join(", ")
            ))
            .hint("say which with --image")),
        }
    }
}

fn name(entry: &Descriptor) -> String {
    match entry.annotation(REF_NAME_ANNOTATION) {
        Some(tag) => waxseal_policy::escaped(tag),
        None => entry.digest.to_string(),
    }
}
