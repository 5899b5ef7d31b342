//! The signatures inside a trust root: one authority's over the next one's
//! certificate, which every chain of every signer comes by.
//!
//! Such a signature is checked when it is first met, and known from then on.
//! Known is what is the same byte for byte: key, message, signature and
//! algorithm. Everything else that makes a path, such as who may issue for
//! what, how deep and when, is looked at each time.

use std::sync::OnceLock;

use aws_lc_rs::signature::ParsedPublicKey;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sigstore_verify::crypto::SigningScheme;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::trusted_key;

/// What is known of the certificates of one authority.
pub(crate) struct Known {
    /// The certificates, each with the one above it behind it.
    chain: Vec<Vec<u8>>,
    /// What they come to, from the first time on that it is asked for.
    inside: OnceLock<Inside>,
}

#[derive(Default)]
struct Inside {
    links: Vec<Link>,
    keys: Vec<Key>,
}

/// A signature of one certificate of a trust root over another.
struct Link {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    /// The algorithm by which it has been found to hold, once it has.
    holds: OnceLock<[AlgorithmIdentifier; 2]>,
}

/// A key of a certificate of a trust root.
struct Key {
    bytes: Vec<u8>,
    /// The same as AWS-LC holds it, for each of [`SCHEMES`].
    read: [OnceLock<Option<ParsedPublicKey>>; SCHEMES.len()],
}

impl Known {
    pub(crate) fn of(chain: &[&[u8]]) -> Self {
        Self {
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            inside: OnceLock::new(),
        }
    }

    /// Whether a certificate is one of these.
    pub(crate) fn has(&self, der: &[u8]) -> bool {
        self.chain.iter().any(|known| known == der)
    }

    fn inside(&self) -> &Inside {
        self.inside.get_or_init(|| Inside::of(&self.chain))
    }
}

impl Inside {
    /// Certificates that cannot be read are left out, which only costs time.
    fn of(chain: &[Vec<u8>]) -> Self {
        let chain: Vec<Option<Certificate>> = chain
            .iter()
            .map(|der| Certificate::from_der(der).ok())
            .collect();
        let links = chain.windows(2).filter_map(|pair| match pair {
            [Some(lower), Some(upper)] => Link::of(lower, upper),
            _ => None,
        });
        Self {
            links: links.collect(),
            keys: chain.iter().flatten().map(Key::of).collect(),
        }
    }
}

impl Link {
    fn of(lower: &Certificate, upper: &Certificate) -> Option<Self> {
        Some(Self {
            key: key_of(upper).to_vec(),
            message: lower.tbs_certificate.to_der().ok()?,
            signature: lower.signature.raw_bytes().to_vec(),
            holds: OnceLock::new(),
        })
    }
}

impl Key {
    fn of(certificate: &Certificate) -> Self {
        Self {
            bytes: key_of(certificate).to_vec(),
            read: Default::default(),
        }
    }

    /// The key as AWS-LC holds it, where it is one for such signatures.
    fn read(&self, names: [AlgorithmIdentifier; 2]) -> Option<&ParsedPublicKey> {
        let mut slots = SCHEMES.iter().zip(&self.read);
        let ((_, scheme), slot) = slots.find(|((known, _), _)| *known == names)?;
        slot.get_or_init(|| trusted_key::read(*scheme, &self.bytes))
            .as_ref()
    }
}

fn key_of(certificate: &Certificate) -> &[u8] {
    let key = &certificate.tbs_certificate.subject_public_key_info;
    key.subject_public_key.raw_bytes()
}

/// How authorities sign, by the names that X.509 has for a key and a
/// signature. What is not here is left to `sigstore-crypto`.
const SCHEMES: [([AlgorithmIdentifier; 2], SigningScheme); 2] = [
    (
        [alg_id::ECDSA_P256, alg_id::ECDSA_SHA256],
        SigningScheme::EcdsaP256Sha256,
    ),
    (
        [alg_id::ECDSA_P384, alg_id::ECDSA_SHA384],
        SigningScheme::EcdsaP384Sha384,
    ),
];

/// An algorithm that does not check twice what is in a trust root.
#[derive(Clone, Copy)]
pub(crate) struct Remembering<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    known: &'a Known,
}

impl<'a> Remembering<'a> {
    pub(crate) fn new(
        algorithm: &'static dyn SignatureVerificationAlgorithm,
        known: &'a Known,
    ) -> Self {
        Self { algorithm, known }
    }

    pub(crate) fn as_algorithm(&self) -> &dyn SignatureVerificationAlgorithm {
        self
    }

    fn names(&self) -> [AlgorithmIdentifier; 2] {
        [self.public_key_alg_id(), self.signature_alg_id()]
    }
}

impl std::fmt::Debug for Remembering<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.algorithm.fmt(f)
    }
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let inside = self.known.inside();
        let link = inside.links.iter().find(|link| {
            link.key == public_key && link.message == message && link.signature == signature
        });
        let held = link.and_then(|link| link.holds.get());
        if held.is_some_and(|names| *names == self.names()) {
            return Ok(());
        }
        let key = inside.keys.iter().find(|key| key.bytes == public_key);
        match key.and_then(|key| key.read(self.names())) {
            Some(key) => key
                .verify_sig(message, signature)
                .map_err(|_| InvalidSignature)?,
            None => self
                .algorithm
                .verify_signature(public_key, message, signature)?,
        }
        if let Some(link) = link {
            // Whoever was first has said the same.
            let _ = link.holds.set(self.names());
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Takes the signature `good`, and counts how often it is asked.
    #[derive(Debug)]
    struct Counting(AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            _: &[u8],
            _: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match signature {
                b"good" => Ok(()),
                _ => Err(InvalidSignature),
            }
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"key")
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"signature")
        }
    }

    fn link(signature: &[u8]) -> Link {
        Link {
            key: b"key".to_vec(),
            message: b"message".to_vec(),
            signature: signature.to_vec(),
            holds: OnceLock::new(),
        }
    }

    #[test]
    fn what_holds_is_checked_once_and_nothing_else_passes_by_it() {
        static COUNTING: Counting = Counting(AtomicUsize::new(0));
        let known = Known {
            chain: Vec::new(),
            inside: OnceLock::from(Inside {
                links: vec![link(b"good"), link(b"bad")],
                keys: Vec::new(),
            }),
        };
        let algorithm = Remembering::new(&COUNTING, &known);
        let asked = || COUNTING.0.swap(0, Ordering::Relaxed);
        for (key, message, signature, holds, asks) in [
            ("key", "message", "good", true, 1),
            ("key", "message", "good", true, 0),
            // Not in the trust root: asked each time.
            ("key", "other", "good", true, 1),
            ("key", "other", "good", true, 1),
            ("other", "message", "good", true, 1),
            // What does not hold is never remembered as if it did.
            ("key", "message", "bad", false, 1),
            ("key", "message", "bad", false, 1),
            ("key", "message", "none", false, 1),
        ] {
            let found = algorithm.verify_signature(
                key.as_bytes(),
                message.as_bytes(),
                signature.as_bytes(),
            );
            assert_eq!(found.is_ok(), holds, "{key} {message} {signature}");
            assert_eq!(asked(), asks, "{key} {message} {signature}");
        }
    }
}
