//! Whose certificate a signature has to be by, in cosign's words.

use waxseal_gate::{Expected, NamedIdentity};
use waxseal_policy::refuse_everybody;
use waxseal_verify::KeylessAuthority;

use crate::claim_args::ClaimArgs;
use crate::error::Failure;

/// An identity, and who vouches for it.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct ExpectedArgs {
    /// The identity in the signer's certificate: an e-mail address or a URI
    #[arg(long, value_name = "SUBJECT", help_heading = KEYLESS, conflicts_with = "certificate_identity_regexp")]
    certificate_identity: Option<String>,

    /// The same as a regular expression that has to match the whole identity
    #[arg(long, value_name = "REGEXP", help_heading = KEYLESS)]
    certificate_identity_regexp: Option<String>,

    /// Who vouches for the identity
    #[arg(long, value_name = "URL", help_heading = KEYLESS, conflicts_with = "certificate_oidc_issuer_regexp")]
    certificate_oidc_issuer: Option<String>,

    /// The same as a regular expression that has to match the whole address
    #[arg(long, value_name = "REGEXP", help_heading = KEYLESS)]
    certificate_oidc_issuer_regexp: Option<String>,

    #[command(flatten)]
    claims: ClaimArgs,
}

impl ExpectedArgs {
    /// Who is expected, if anybody.
    pub(crate) fn identity(&self) -> Result<Option<NamedIdentity>, Failure> {
        let one = |exact: &Option<String>, pattern: &Option<String>| match (exact, pattern) {
            (Some(text), _) => Some(Expected::Exactly(text.clone())),
            (None, Some(pattern)) => Some(Expected::Matching(pattern.clone())),
            (None, None) => None,
        };
        let subject = one(
            &self.certificate_identity,
            &self.certificate_identity_regexp,
        );
        let issuer = one(
            &self.certificate_oidc_issuer,
            &self.certificate_oidc_issuer_regexp,
        );
        match (subject, issuer) {
            (Some(subject), Some(issuer)) => {
                let (Expected::Exactly(name) | Expected::Matching(name)) = &subject;
                let mut identity = NamedIdentity::new(name.clone(), issuer, subject);
                self.claims.join(&mut identity)?;
                Ok(Some(identity))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(Failure::usage(
                "an identity says nothing without who vouches for it",
            )
            .hint("give --certificate-oidc-issuer")),
            (None, Some(_)) => Err(Failure::usage("an issuer alone vouches for everybody")
                .hint("give --certificate-identity")),
        }
    }

    /// The same, to be verified with.
    pub(crate) fn authority(&self) -> Result<Option<KeylessAuthority>, Failure> {
        let Some(identity) = self.identity()? else {
            return Ok(None);
        };
        let authority = identity.authority().map_err(Failure::usage)?;
        refuse_everybody(&authority).map_err(Failure::usage)?;
        Ok(Some(authority))
    }

    /// What else the certificate has to say, whoever is expected.
    pub(crate) fn claims(&self) -> &ClaimArgs {
        &self.claims
    }

    /// Claims are said of somebody.
    pub(crate) fn refuse_claims_alone(&self) -> Result<(), Failure> {
        if self.claims.is_empty() {
            return Ok(());
        }
        Err(
            Failure::usage("a claim says nothing without whose certificate has to make it")
                .hint("give --certificate-identity with its issuer, or --github"),
        )
    }
}

/// What these flags are called among the arguments.
pub(crate) const FLAGS: [&str; 4] = [
    "certificate_identity",
    "certificate_identity_regexp",
    "certificate_oidc_issuer",
    "certificate_oidc_issuer_regexp",
];

const KEYLESS: &str = "Identities";
