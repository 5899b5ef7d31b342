//! Ed25519, over messages that are read by pieces.

use std::cell::RefCell;

use aws_lc_rs::digest::{Context, SHA256};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate};
use ed25519_dalek::{SignatureError, SigningKey};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use crate::{KeyError, Message, SignError};

pub(super) struct Key(SigningKey);

impl Key {
    pub(super) fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| KeyError::Generate("no random numbers"))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// RFC 8410, section 7: the seed in an OCTET STRING in an OCTET STRING.
    pub(super) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let mut der = Zeroizing::new(Vec::with_capacity(48));
        der.extend_from_slice(PKCS8_PREFIX);
        der.extend_from_slice(self.0.as_bytes());
        der
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        let mut der = SPKI_PREFIX.to_vec();
        der.extend_from_slice(self.0.verifying_key().as_bytes());
        der
    }

    /// Signs a message that is read twice (RFC 8032, section 5.1.6, steps 2
    /// and 4).
    ///
    /// Two different messages under the nonce of the first would give the key
    /// away, and the signature over the second would verify. The two readings
    /// are therefore compared, and a signature over a message that changed is
    /// never let out.
    pub(super) fn sign(&self, message: &mut dyn Message) -> Result<Vec<u8>, SignError> {
        let expanded = ExpandedSecretKey::from(self.0.as_bytes());
        let state = RefCell::new(Readings {
            message,
            seen: Vec::new(),
            failure: None,
        });
        let signature = raw_sign_byupdate::<Sha512, _>(
            &expanded,
            |hasher| {
                let Ok(mut state) = state.try_borrow_mut() else {
                    return Err(SignatureError::new());
                };
                state.read(hasher)
            },
            &self.0.verifying_key(),
        );
        let Readings { seen, failure, .. } = state.into_inner();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let signature = signature.map_err(|_| SignError::Key("Ed25519"))?;
        match seen.as_slice() {
            [first, second] if first == second => Ok(signature.to_bytes().to_vec()),
            _ => Err(SignError::Changed),
        }
    }
}

struct Readings<'a> {
    message: &'a mut dyn Message,
    /// The SHA-256 of each reading.
    seen: Vec<Vec<u8>>,
    failure: Option<SignError>,
}

impl Readings<'_> {
    fn read(&mut self, hasher: &mut Sha512) -> Result<(), SignatureError> {
        let mut control = Context::new(&SHA256);
        let outcome = self.message.read(&mut |piece| {
            hasher.update(piece);
            control.update(piece);
        });
        self.seen.push(control.finish().as_ref().to_vec());
        outcome.map_err(|failure| {
            self.failure = Some(failure);
            SignatureError::new()
        })
    }
}

/// RFC 8410, section 7, up to the seed.
const PKCS8_PREFIX: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
/// RFC 8410, section 4, up to the key.
const SPKI_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
