//! What a signer's certificate has to say besides whom it is for.

use std::collections::BTreeMap;

use waxseal_gate::{Expected, NamedIdentity};
use waxseal_verify::claim_names;

use crate::error::Failure;

/// What else a certificate has to say.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct ClaimArgs {
    /// What else the certificate has to say, by the names of Fulcio's extensions, such as
    /// runnerEnvironment=github-hosted (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = claim, help_heading = KEYLESS)]
    certificate_claim: Vec<(String, String)>,

    /// The same with a regular expression that has to match the whole value (repeatable)
    #[arg(long, value_name = "NAME=REGEXP", value_parser = claim, help_heading = KEYLESS)]
    certificate_claim_regexp: Vec<(String, String)>,

    /// cosign's word for --certificate-claim githubWorkflowTrigger=
    #[arg(long, value_name = "EVENT", hide = true)]
    certificate_github_workflow_trigger: Option<String>,

    /// cosign's word for --certificate-claim githubWorkflowSHA=
    #[arg(long, value_name = "COMMIT", hide = true)]
    certificate_github_workflow_sha: Option<String>,

    /// cosign's word for --certificate-claim githubWorkflowName=
    #[arg(long, value_name = "NAME", hide = true)]
    certificate_github_workflow_name: Option<String>,

    /// cosign's word for --certificate-claim githubWorkflowRepository=
    #[arg(long, value_name = "OWNER/REPOSITORY", hide = true)]
    certificate_github_workflow_repository: Option<String>,

    /// cosign's word for --certificate-claim githubWorkflowRef=
    #[arg(long, value_name = "REF", hide = true)]
    certificate_github_workflow_ref: Option<String>,
}

impl ClaimArgs {
    /// Whether nothing more is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Asks it of an identity, too.
    pub(crate) fn join(&self, identity: &mut NamedIdentity) -> Result<(), Failure> {
        let mut claims = BTreeMap::new();
        for (name, expected) in self.all() {
            let twice =
                claims.insert(name, expected).is_some() || identity.claims.contains_key(name);
            if twice {
                return Err(Failure::usage(format_args!(
                    "the claim `{name}` is asked for twice"
                )));
            }
        }
        let claims = claims.into_iter();
        identity
            .claims
            .extend(claims.map(|(name, expected)| (name.to_owned(), expected)));
        Ok(())
    }

    fn all(&self) -> Vec<(&str, Expected)> {
        let cosign = [
            (
                "githubWorkflowTrigger",
                &self.certificate_github_workflow_trigger,
            ),
            ("githubWorkflowSHA", &self.certificate_github_workflow_sha),
            ("githubWorkflowName", &self.certificate_github_workflow_name),
            (
                "githubWorkflowRepository",
                &self.certificate_github_workflow_repository,
            ),
            ("githubWorkflowRef", &self.certificate_github_workflow_ref),
        ];
        let cosign = cosign.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some((name, Expected::Exactly(value.clone())))
        });
        let exact = self.certificate_claim.iter();
        let exact = exact.map(|(name, value)| (name.as_str(), Expected::Exactly(value.clone())));
        let patterns = self.certificate_claim_regexp.iter();
        let patterns =
            patterns.map(|(name, value)| (name.as_str(), Expected::Matching(value.clone())));
        cosign.chain(exact).chain(patterns).collect()
    }
}

fn claim(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("it is not of the form NAME=VALUE".to_owned());
    };
    let known = claim_names();
    if !known.contains(&name) {
        let known = known.join(", ");
        return Err(format!("there is no such claim (there are: {known})"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// What these flags are called among the arguments.
pub(crate) const FLAGS: [&str; 7] = [
    "certificate_claim",
    "certificate_claim_regexp",
    "certificate_github_workflow_trigger",
    "certificate_github_workflow_sha",
    "certificate_github_workflow_name",
    "certificate_github_workflow_repository",
    "certificate_github_workflow_ref",
];

const KEYLESS: &str = "Identities";
