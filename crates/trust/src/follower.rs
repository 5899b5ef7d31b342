//! TUF repositories that hold anything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Url;

use crate::error::UpdateError;
use crate::fetch::Fetch;
use crate::store::address;
use crate::tuf::{self, Files};

/// Follows a TUF repository with targets of any names, as a [`Store`] does those
/// that hold trust roots. TUF's own conformance suite is run against it.
///
/// [`Store`]: crate::Store
pub struct Follower {
    fetch: Arc<dyn Fetch>,
    metadata: Url,
    targets: Url,
    pin: Vec<u8>,
    known: Files,
}

impl Follower {
    /// A repository whose metadata and targets are at these addresses, followed
    /// from the root `pin`.
    ///
    /// # Errors
    /// [`UpdateError::Fetch`] where an address is none; what is wrong with `pin`.
    pub fn new(
        fetch: Arc<dyn Fetch>,
        metadata: &str,
        targets: &str,
        pin: &[u8],
    ) -> Result<Self, UpdateError> {
        tuf::check_pin(pin)?;
        Ok(Self {
            fetch,
            metadata: address(metadata)?,
            targets: address(targets)?,
            pin: pin.to_vec(),
            known: Files::new(),
        })
    }

    /// The same, with the metadata that was [known](Self::known) before. Nothing
    /// older is accepted.
    #[must_use]
    pub fn with_known(self, known: BTreeMap<String, Vec<u8>>) -> Self {
        Self { known, ..self }
    }

    /// The metadata that was verified, by file name; the roots that followed the pin are
    /// `root_history/2.root.json` and so on.
    #[must_use]
    pub fn known(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.known
    }

    /// What the repository vouches for at `now` under these names. What is verified
    /// on the way is known from then on, even where the end is not reached.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub async fn fetch(
        &mut self,
        names: &[String],
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, UpdateError> {
        let places = (self.metadata.clone(), self.targets.clone());
        let fetch = Arc::clone(&self.fetch);
        tuf::targets(fetch, places, &self.pin, &mut self.known, names, now).await
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("metadata", &self.metadata.as_str())
            .finish_non_exhaustive()
    }
}
