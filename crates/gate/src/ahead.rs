//! Layers that are looked into while the evidence about the image is still verified.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;
use waxseal_oci::{Digest, Document, Reference};
use waxseal_registry::{Found, Source};
use waxseal_sbom::Inventory;

use crate::Options;
use crate::ask::document;
use crate::layers::{self, LayersError};

/// The layers of an image, which somebody reads already.
///
/// [`Gate::verify`](crate::Gate::verify) looks into layers only when a policy asks for that and
/// somebody who is trusted has said what is in them, which spares an admission the
/// traffic. Who asked for just this comparison saves time by this; what was read is
/// dropped, and no more is read, where no policy asks for it in the end.
#[derive(Debug)]
pub struct LayersAhead(Mutex<Option<JoinHandle<Option<Read>>>>);

/// An image, and what is in its layers.
type Read = (Digest, Result<Inventory, LayersError>);

impl LayersAhead {
    /// Begins to look into the layers of an image, with as many bytes as the options
    /// allow. An index is left to the verification itself, and so is what fails before
    /// there are layers.
    ///
    /// # Panics
    /// Outside of a tokio runtime. One of a single thread reads no further while evidence
    /// is verified.
    #[must_use]
    pub fn start<S: Source + 'static>(source: S, image: Reference, options: &Options) -> Self {
        let reading = tokio::spawn(read(source, image, options.layer_bytes));
        Self(Mutex::new(Some(reading)))
    }

    /// What is in the layers of `subject`, if that is what is read, once.
    pub(crate) async fn take(&self, subject: &Digest) -> Option<Result<Inventory, LayersError>> {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (digest, inventory) = reading?.await.ok()??;
        // A tag may have been moved meanwhile.
        (digest == *subject).then_some(inventory)
    }
}

impl Drop for LayersAhead {
    fn drop(&mut self) {
        let reading = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = reading {
            reading.abort();
        }
    }
}

async fn read<S: Source>(source: S, image: Reference, most: u64) -> Option<Read> {
    let Found::Present(digest) = source.resolve(&image).await.ok()? else {
        return None;
    };
    let repository = image.repository();
    let Found::Present(raw) = source.manifest(repository, &digest).await.ok()? else {
        return None;
    };
    let Document::Manifest(manifest) = document(&raw).ok()? else {
        return None;
    };
    if layers::bytes(&manifest) > most {
        return None;
    }
    let inventory = layers::inventory(&source, repository, &manifest, |_, _| ()).await;
    Some((digest, inventory))
}
