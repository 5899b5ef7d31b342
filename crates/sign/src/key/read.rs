//! Private keys as they stand in files.

use zeroize::Zeroizing;

use super::{PrivateKey, cosign, pkcs8};
use crate::{KeyError, Password};

/// A private key as it stands in a PEM file, perhaps encrypted.
///
/// Understood are cosign's own format under both its labels, and PKCS#8
/// (plain and encrypted), SEC1 and PKCS#1.
pub struct KeyFile {
    form: Form,
    bytes: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Form {
    Cosign,
    Pkcs1,
    Pkcs8,
    Pkcs8Encrypted,
    Sec1,
}

impl KeyFile {
    /// Finds the private key in the content of a file (untrusted).
    ///
    /// # Errors
    /// [`KeyError`] where there is none, or more than one, or one that is not
    /// understood.
    pub fn parse(content: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem::parse_many(content).map_err(|e| KeyError::Malformed(e.to_string()))?;
        // OpenSSL writes the curve in a block of its own before a SEC1 key.
        let mut blocks: Vec<_> = blocks
            .into_iter()
            .filter(|b| b.tag() != "EC PARAMETERS")
            .collect();
        let count = blocks.len();
        let (Some(block), 1) = (blocks.pop(), count) else {
            return Err(if count == 0 {
                KeyError::NoPem
            } else {
                KeyError::Several(count)
            });
        };
        let form = match block.tag() {
            SIGSTORE_LABEL | COSIGN_LABEL => Form::Cosign,
            "PRIVATE KEY" => Form::Pkcs8,
            "ENCRYPTED PRIVATE KEY" => Form::Pkcs8Encrypted,
            "EC PRIVATE KEY" => Form::Sec1,
            "RSA PRIVATE KEY" => Form::Pkcs1,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(KeyError::PublicKey),
            label => {
                return Err(KeyError::UnknownLabel {
                    label: label.to_owned(),
                });
            }
        };
        // RFC 1421 encryption, as `openssl ec -aes256` writes it.
        if block.headers().get("DEK-Info").is_some() {
            let what = "PEM with `DEK-Info`; `openssl pkcs8 -topk8` converts it".to_owned();
            return Err(KeyError::UnknownEncryption(what));
        }
        Ok(Self {
            form,
            bytes: Zeroizing::new(block.into_contents()),
        })
    }

    /// Whether a password is needed.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.form, Form::Cosign | Form::Pkcs8Encrypted)
    }

    /// The key, decrypted with the password where it is encrypted.
    ///
    /// # Errors
    /// [`KeyError::PasswordNeeded`], [`KeyError::WrongPassword`], or what is
    /// wrong with the key.
    pub fn open(&self, password: Option<&Password>) -> Result<PrivateKey, KeyError> {
        let needed = || password.ok_or(KeyError::PasswordNeeded);
        match self.form {
            Form::Cosign => PrivateKey::from_pkcs8(&cosign::open(&self.bytes, needed()?)?),
            Form::Pkcs8Encrypted => {
                PrivateKey::from_pkcs8(&pkcs8::decrypt(&self.bytes, needed()?)?)
            }
            Form::Pkcs8 => PrivateKey::from_pkcs8(&self.bytes),
            Form::Sec1 => PrivateKey::from_sec1(&self.bytes),
            Form::Pkcs1 => PrivateKey::from_pkcs1(&self.bytes),
        }
    }
}

/// What cosign writes since version 2.
pub(super) const SIGSTORE_LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What it wrote before.
const COSIGN_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";
