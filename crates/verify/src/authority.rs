//! Whom a verification trusts, and what it asks of them.

use crate::PublicKey;

/// Whom a policy trusts to say something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Authority {
    /// The holder of a private key.
    Key(KeyAuthority),
}

/// A key authority: a public key, and whether a log entry and a timestamp must be there.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct KeyAuthority {
    /// The public key.
    pub key: PublicKey,
    /// Whether an entry in a transparency log is required.
    pub log: Demand,
    /// Whether a timestamp of a timestamp authority is required.
    pub timestamp: Demand,
}

/// Whether a piece of evidence must be there. What is there and wrong is
/// refused in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by nature")]
pub enum Demand {
    /// It may be absent.
    Optional,
    /// It must be there.
    Required,
}

/// The trust roots that a verification may use.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Trust<'a> {
    /// The trusted root of the Sigstore instance, if there is one.
    pub root: Option<&'a TrustedRoot>,
}

/// The certificates and keys of one Sigstore instance (`trusted_root.json`).
#[derive(Clone, Debug)]
pub struct TrustedRoot {
    digest: waxseal_oci::Digest,
}

impl TrustedRoot {
    /// Parses a `trusted_root.json`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        waxseal_oci::check_json(bytes).map_err(|e| format!("the trusted root is refused: {e}"))?;
        Ok(Self {
            digest: waxseal_oci::Digest::sha256(bytes),
        })
    }

    /// The digest of the file that it was parsed from.
    #[must_use]
    pub fn digest(&self) -> &waxseal_oci::Digest {
        &self.digest
    }
}
