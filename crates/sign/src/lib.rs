//! Signing keys and what is made with them: Sigstore bundles, cosign's older
//! signatures and attestations, signed blobs.
//!
//! A [`PrivateKey`] comes from [`PrivateKey::generate`] or from a [`KeyFile`],
//! which reads cosign's encrypted keys and the usual PEM forms. Whatever is
//! signed goes through [`Signer`], and is verified by `waxseal-verify` before
//! it is handed out: a function of this crate that returns a signature has
//! seen it verify.
//!
//! ```
//! use jiff::Timestamp;
//! use waxseal_attestation::signature_statement;
//! use waxseal_oci::{Annotations, Digest};
//! use waxseal_sign::{PrivateKey, sign_statement};
//! use waxseal_verify::KeyAlgorithm;
//!
//! let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
//! let image = Digest::sha256(b"the manifest of an image");
//! let statement = signature_statement(&image, &Annotations::new());
//! let bundle = sign_statement(&key, statement, &image, Timestamp::now())?;
//! assert!(bundle.starts_with(br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without a key of one's own a [`Notary`] gets a certificate over a new one for
//! the bearer of an [`IdentityToken`], and has what is signed timestamped and
//! logged by the [`Services`] of a Sigstore.
//!
//! The crate speaks to no registry and asks nobody for a password; it writes
//! key files, and speaks to the services that it is told of.
//!
//! What is written is what `cosign verify` accepts without any flag: SHA-256
//! whatever the curve or modulus, and pure Ed25519.

mod bundle;
mod certified;
mod check;
mod error;
mod file;
mod identity;
mod key;
mod legacy;
pub mod limits;
mod login;
mod message;
mod notary;
mod password;
mod service;
mod signer;

pub use crate::bundle::{bundle_descriptor, bundle_manifest, sign_blob, sign_statement};
pub use crate::certified::Certified;
pub use crate::error::{FileError, KeyError, SignError};
pub use crate::file::{read_key_file, write_key_pair};
pub use crate::identity::{
    IdentityError, IdentityToken, Provider, Surroundings, ambient_token, token_from_file,
    token_given,
};
pub use crate::key::{KeyFile, PrivateKey};
pub use crate::legacy::{LegacyLayer, legacy_attestation, legacy_signature};
pub use crate::login::{Browser, Device, Issuer};
pub use crate::message::{Blob, Message, Parts};
pub use crate::notary::{Credential, Notarized, Notary};
pub use crate::password::Password;
pub use crate::service::{
    Endpoint, Http, HttpOptions, RekorVersion, Service, ServiceError, Services,
    public_good_trusted_root,
};
pub use crate::signer::Signer;
