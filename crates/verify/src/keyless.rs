//! Signatures by certificate: who the certificate is for, whether it is
//! trusted, and when it was used.

use jiff::Timestamp;
use x509_cert::Certificate;

use crate::authority::KeylessAuthority;
use crate::chain;
use crate::evidence::{Evidence, SignedWith};
use crate::log;
use crate::names::Names;
use crate::rejection::{Material, Rejection};
use crate::sct;
use crate::trust::Trust;
use crate::verified::{Check, Checks, Signer};
use crate::verify::{demand, note_not_done};

/// Who a certificate says it is for, and who vouches; unverified.
pub(crate) fn claimed_identity(certificate: &Certificate) -> Option<(String, String)> {
    let names = Names::of(certificate).ok()?;
    Some((names.subject?, names.issuer.unwrap_or_default()))
}

/// Checks certificate, logs, times and identity. The signature, the subject
/// and the entries' binding are checked already. `leaf` is the signing
/// certificate, where it was a certificate that signed.
pub(crate) fn check(
    evidence: &Evidence<'_>,
    leaf: Option<Certificate>,
    authority: &KeylessAuthority,
    trust: &Trust<'_>,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<(Signer, Vec<Timestamp>), Rejection> {
    let (SignedWith::Certificates(chain), Some(leaf)) = (&evidence.material, leaf) else {
        return Err(Rejection::OtherMaterial {
            wanted: Material::Certificate,
            found: evidence.material.kind(),
        });
    };
    let root = trust.root.ok_or(Rejection::TrustRootRequired)?;
    if authority.log.needed() > 0 && evidence.entries.is_empty() {
        return Err(Rejection::LogRequired);
    }
    let anchors = &root.anchors;
    let witnesses = log::witnesses(evidence, anchors, now, checks)?;
    if witnesses.times.is_empty() {
        return Err(Rejection::SigningTimeRequired);
    }
    let issuer = chain::verify(chain, &leaf, &anchors.issuers, &witnesses.times)?;
    checks.done(Check::CertificateChain);

    let names = Names::of(&leaf);
    let expected = sct::is_there(&leaf) && anchors.has_ct_logs();
    if authority.sct.needed() > 0 || expected {
        sct::verify(leaf, &issuer, &anchors.ct_logs, now)?;
        checks.done(Check::CertificateTransparency);
    } else {
        checks.not_done(
            Check::CertificateTransparency,
            "the authority does not ask for it, and there is nothing to check it with",
        );
    }
    note_not_done(evidence, true, checks);
    demand(
        evidence,
        (authority.log, authority.proof, authority.timestamp),
        Some(&witnesses),
    )?;
    let signer = match_identity(names?, authority)?;
    checks.done(Check::Identity);
    Ok((signer, witnesses.times))
}

fn match_identity(names: Names, authority: &KeylessAuthority) -> Result<Signer, Rejection> {
    let issuer = match names.issuer {
        Some(issuer) if authority.issuer.matches(&issuer) => issuer,
        None if authority.issuer.is_absent() => String::new(),
        found => {
            let wanted = authority.issuer.unmatched();
            return Err(Rejection::IssuerMismatch { wanted, found });
        }
    };
    let subject = match names.subject {
        Some(subject) if authority.subject.matches(&subject) => subject,
        found => {
            let wanted = authority.subject.unmatched();
            return Err(Rejection::IdentityMismatch { wanted, found });
        }
    };
    for (claim, wanted) in &authority.claims {
        let found = names.claims.get(claim);
        if !found.is_some_and(|found| wanted.matches(found)) {
            return Err(Rejection::ClaimMismatch {
                claim: claim.clone(),
                wanted: wanted.unmatched(),
                found: found.cloned(),
            });
        }
    }
    Ok(Signer::Identity {
        issuer,
        subject,
        claims: names.claims,
    })
}
