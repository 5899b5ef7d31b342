//! What is signed, where it is logged, and which peer can read what.

use crate::programs::Program;

/// What a bundle says about a file or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signature,
    Attestation,
}

/// Which log it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    V2,
    V1,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Signature, Self::Attestation];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Attestation => "attestation",
        }
    }
}

impl Log {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V2 => "Rekor v2",
            Self::V1 => "Rekor v1",
        }
    }

    /// What the names of the files end with that lead to this log.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::V2 => "",
            Self::V1 => "_v1",
        }
    }

    /// What our program and cosign are told about the services.
    pub(crate) fn services(self) -> String {
        let suffix = self.suffix();
        format!(
            "--yes --identity-token token --signing-config signing_config{suffix}.json \
             --trusted-root trusted_root.json"
        )
    }
}

/// What a peer cannot verify, though it is signed rightly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Why not.
    pub(crate) why: &'static str,
    /// What it says.
    pub(crate) says: &'static str,
}

/// The limit that a verifier meets with envelopes, of a signer and in a log.
/// A peer that outgrows its limit fails its line.
pub(crate) fn envelope_limit(
    signer: Program,
    verifier: Program,
    kind: Kind,
    log: Log,
) -> Option<Limit> {
    match (signer, verifier, kind, log) {
        (Program::Cosign, Program::Python, Kind::Attestation, _) => Some(Limit {
            why: "cannot: it reads no statements v0.1",
            says: "malformed in-toto statement",
        }),
        (Program::Cosign, Program::Python, Kind::Signature, _) => Some(Limit {
            why: "cannot: it wants a name for every subject",
            says: "malformed in-toto statement",
        }),
        (_, Program::Javascript, _, Log::V2) => Some(Limit {
            why: "cannot: it knows no envelopes under entries by hash",
            says: "digest mismatch",
        }),
        _ => None,
    }
}

/// The predicate that is attested, as our program and cosign are told.
pub(crate) const PREDICATE: &str = "--type slsaprovenance1 --predicate predicate.json";
/// The type of SLSA provenance v1.
pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
