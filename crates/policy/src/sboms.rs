//! What was read of SBOMs and layers, each of it once, however often policies are
//! asked about it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use waxseal_oci::Digest;
use waxseal_sbom::{Claims, Comparison, Inventory, Listing, Sbom, SbomError, detect};
use waxseal_verify::VerifiedAttestation;

/// The attested SBOMs beside one image, as far as they were read.
///
/// Policies are evaluated again as evidence comes in, and an SBOM may have many
/// megabytes. Nothing is decided here: what is kept is what reading it again would
/// give.
#[derive(Debug, Default)]
pub struct Sboms(Mutex<BTreeMap<Digest, Arc<AttestedSbom>>>);

impl Sboms {
    /// The SBOM that an attestation is, whether or not it is one.
    #[must_use]
    pub fn of(&self, attested: &VerifiedAttestation) -> Arc<AttestedSbom> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One blob is one statement.
        let known = all.entry(attested.origin().blob.clone());
        Arc::clone(known.or_insert_with(|| Arc::new(AttestedSbom::new(attested))))
    }
}

/// An SBOM that somebody has attested. Its content is a claim.
#[derive(Debug)]
pub struct AttestedSbom {
    document: Result<Sbom, SbomError>,
    listing: OnceLock<Result<Listing, SbomError>>,
    claims: OnceLock<Result<Claims, SbomError>>,
}

impl AttestedSbom {
    fn new(attested: &VerifiedAttestation) -> Self {
        Self {
            document: detect(predicate(attested)),
            listing: OnceLock::new(),
            claims: OnceLock::new(),
        }
    }

    /// What it is, and what it says that it describes.
    ///
    /// # Errors
    /// Why it is no SBOM.
    pub fn document(&self) -> Result<&Sbom, &SbomError> {
        self.document.as_ref()
    }

    /// What it lists. `attested` is the attestation that this was made of.
    ///
    /// # Errors
    /// Why it is no SBOM, or lists more than is read.
    pub fn listing(&self, attested: &VerifiedAttestation) -> Result<&Listing, &SbomError> {
        let document = self.document.as_ref()?;
        let read = || document.listing(predicate(attested));
        self.listing.get_or_init(read).as_ref()
    }

    /// What it lists, by what packages are compared by. `attested` is the attestation
    /// that this was made of.
    ///
    /// # Errors
    /// Why it is no SBOM, or lists more than is read.
    pub fn claims(&self, attested: &VerifiedAttestation) -> Result<&Claims, &SbomError> {
        let read = || {
            let listing = self.listing(attested).map_err(Clone::clone)?;
            Ok(Claims::of(&listing.packages))
        };
        self.claims.get_or_init(read).as_ref()
    }
}

fn predicate(attested: &VerifiedAttestation) -> &[u8] {
    attested.predicate().unwrap_or("null").as_bytes()
}

/// What is in the layers of an image, and how SBOMs compare with it.
#[derive(Debug, Default)]
pub struct Layers {
    inventory: Inventory,
    compared: Mutex<BTreeMap<Digest, Arc<Comparison>>>,
}

impl Layers {
    /// Layers that nothing was compared with.
    #[must_use]
    pub fn new(inventory: Inventory) -> Self {
        Self {
            inventory,
            compared: Mutex::default(),
        }
    }

    /// What is in them.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What is in them, without how anything compares.
    #[must_use]
    pub fn into_inventory(self) -> Inventory {
        self.inventory
    }

    /// How an SBOM compares with them. `sbom` is what was read of `attested`.
    ///
    /// # Errors
    /// Why it is no SBOM, or lists more than is read.
    pub fn compared(
        &self,
        sbom: &AttestedSbom,
        attested: &VerifiedAttestation,
    ) -> Result<Arc<Comparison>, SbomError> {
        let claims = sbom.claims(attested).map_err(Clone::clone)?;
        let mut all = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(attested.origin().blob.clone());
        let compared = known.or_insert_with(|| Arc::new(claims.compare(&self.inventory)));
        Ok(Arc::clone(compared))
    }
}
