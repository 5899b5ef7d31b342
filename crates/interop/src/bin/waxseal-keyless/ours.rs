//! Our verdict on a bundle over a blob.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use waxseal_oci::Digest;
use waxseal_verify::{
    Authority, BlobVerifier, Candidate, CandidateContent, KeylessAuthority, Matcher, Origin, Place,
    Rejection, Trust, TrustedRoot, Verified,
};

/// Whom to believe, under which trust root.
pub(crate) struct Wanted<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) root: &'a Value,
}

/// Verifies a bundle against a file, at the present time.
pub(crate) fn verify(
    bundle: &[u8],
    file: &Path,
    wanted: &Wanted<'_>,
) -> Result<Verified, Rejection> {
    let matcher = |text: &str| Matcher::exact(text).expect("a name");
    let authority = KeylessAuthority::new(matcher(wanted.issuer), matcher(wanted.subject));
    let authority = Authority::Keyless(authority);
    let root = TrustedRoot::from_json(wanted.root.to_string().as_bytes()).expect("a trusted root");
    let candidate = Candidate {
        origin: Origin {
            place: Place::Referrer,
            manifest: None,
            blob: Digest::sha256(bundle),
            size: u64::try_from(bundle.len()).expect("a size"),
            predicate_hint: None,
        },
        content: CandidateContent::Bundle(bundle.to_vec().into()),
    };
    let trust = Trust { root: Some(&root) };
    let mut verifier = BlobVerifier::new(&candidate, &authority, trust, Timestamp::now())?;
    verifier.update(&fs::read(file).expect("a file of ours"));
    verifier.finish()
}
