//! The signatures inside a trust root: one authority's over the next one's
//! certificate, which every chain of every signer comes by.
//!
//! Such a signature is checked when it is first met, and known from then on.
//! Known is what is the same byte for byte: key, message, signature and
//! algorithm. Everything else that makes a path, such as who may issue for
//! what, how deep and when, is looked at each time.

use std::sync::OnceLock;

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

/// A signature of one certificate of a trust root over another.
pub(crate) struct Link {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    /// The algorithm by which it has been found to hold, once it has.
    holds: OnceLock<[AlgorithmIdentifier; 2]>,
}

impl Link {
    /// What a certificate and the one above it come to; nothing where they
    /// cannot be read, which only costs time.
    pub(crate) fn of(pair: &[&[u8]]) -> Option<Self> {
        let [lower, upper] = pair else { return None };
        let lower = Certificate::from_der(lower).ok()?;
        let upper = Certificate::from_der(upper).ok()?;
        let key = upper.tbs_certificate.subject_public_key_info;
        Some(Self {
            key: key.subject_public_key.raw_bytes().to_vec(),
            message: lower.tbs_certificate.to_der().ok()?,
            signature: lower.signature.raw_bytes().to_vec(),
            holds: OnceLock::new(),
        })
    }
}

/// An algorithm that does not check twice what is in a trust root.
#[derive(Clone, Copy)]
pub(crate) struct Remembering<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    links: &'a [Link],
}

impl<'a> Remembering<'a> {
    pub(crate) fn new(
        algorithm: &'static dyn SignatureVerificationAlgorithm,
        links: &'a [Link],
    ) -> Self {
        Self { algorithm, links }
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
        let link = self.links.iter().find(|link| {
            link.key == public_key && link.message == message && link.signature == signature
        });
        let held = link.and_then(|link| link.holds.get());
        if held.is_some_and(|names| *names == self.names()) {
            return Ok(());
        }
        self.algorithm
            .verify_signature(public_key, message, signature)?;
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
        let links = [link(b"good"), link(b"bad")];
        let algorithm = Remembering::new(&COUNTING, &links);
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
