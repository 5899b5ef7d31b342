//! Claims of identity tokens, and what Fulcio makes of them.

use der::asn1::Any;
use der::asn1::Ia5String;
use der::{Encode as _, Tag};
use serde_json::{Map, Value, json};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::spki::ObjectIdentifier;

use super::certificate::{extension, raw_extension};

/// The claims of an identity token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// Any claims.
    ///
    /// # Panics
    /// If it is not an object.
    #[must_use]
    pub fn new(claims: &Value) -> Self {
        Self(claims.as_object().expect("an object").clone())
    }

    /// A person with a verified address.
    #[must_use]
    pub fn email(address: &str) -> Self {
        Self::new(&json!({ "sub": "CgVwZXJzb24", "email": address, "email_verified": true }))
    }

    /// A workload whose subject is an address, as SPIFFE and Kubernetes have it.
    #[must_use]
    pub fn uri(subject: &str) -> Self {
        Self::new(&json!({ "sub": subject }))
    }

    /// A run of the workflow `release.yml` of `octo/app` on GitHub Actions.
    #[must_use]
    pub fn github() -> Self {
        Self::new(&json!({
            "iss": "https://token.actions.githubusercontent.com",
            "sub": "repo:octo/app:ref:refs/tags/v1.2.3",
            "actor": "octocat",
            "event_name": "push",
            "job_workflow_ref": "octo/app/.github/workflows/release.yml@refs/tags/v1.2.3",
            "job_workflow_sha": "7d0f0a9e0f3b2c54d4b3c9a1e2f4a5b6c7d8e9f0",
            "ref": "refs/tags/v1.2.3",
            "repository": "octo/app",
            "repository_id": "4711",
            "repository_owner": "octo",
            "repository_owner_id": "815",
            "repository_visibility": "public",
            "run_attempt": "1",
            "run_id": "1234567890",
            "runner_environment": "github-hosted",
            "sha": "7d0f0a9e0f3b2c54d4b3c9a1e2f4a5b6c7d8e9f0",
            "workflow": "release",
            "workflow_ref": "octo/app/.github/workflows/release.yml@refs/tags/v1.2.3",
            "workflow_sha": "7d0f0a9e0f3b2c54d4b3c9a1e2f4a5b6c7d8e9f0",
        }))
    }

    /// A job of `octo/app` on GitLab.
    #[must_use]
    pub fn gitlab() -> Self {
        Self::new(&json!({
            "iss": "https://gitlab.com",
            "sub": "project_path:octo/app:ref_type:branch:ref:main",
            "ci_config_ref_uri": "gitlab.com/octo/app//.gitlab-ci.yml@refs/heads/main",
            "ci_config_sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "job_id": "99",
            "namespace_id": "815",
            "namespace_path": "octo",
            "pipeline_source": "push",
            "project_id": "4711",
            "project_path": "octo/app",
            "project_visibility": "public",
            "ref": "main",
            "ref_path": "refs/heads/main",
            "ref_type": "branch",
            "runner_environment": "gitlab-hosted",
            "sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        }))
    }

    /// The same claims and this one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// What a proof of possession signs: the address of a person, the subject
    /// of anything else.
    pub(crate) fn challenge(&self) -> Option<&str> {
        self.text("email").or_else(|| self.text("sub"))
    }

    /// The name that the certificate is for.
    pub(crate) fn name(&self) -> Option<String> {
        let named = |prefix: &str, claim: &str| Some(format!("{prefix}{}", self.text(claim)?));
        self.text("email")
            .map(str::to_owned)
            .or_else(|| named("https://github.com/", "job_workflow_ref"))
            .or_else(|| named("https://", "ci_config_ref_uri"))
            .or_else(|| self.text("sub").map(str::to_owned))
    }

    /// The name and Fulcio's extensions.
    pub(crate) fn extensions(&self) -> Option<Vec<Extension>> {
        let name = self.name()?;
        let ia5 = |text: &str| Ia5String::new(text).ok();
        let general = if self.text("email").is_some() {
            GeneralName::Rfc822Name(ia5(&name)?)
        } else if name.contains("://") {
            GeneralName::UniformResourceIdentifier(ia5(&name)?)
        } else {
            GeneralName::OtherName(OtherName {
                type_id: fulcio(7),
                value: Any::new(Tag::Utf8String, name.as_bytes()).ok()?,
            })
        };
        let issuer = self.text("iss")?;
        let mut extensions = vec![extension(&SubjectAltName(vec![general]), true)];
        // GitHub's certificate for its releases names none.
        if !issuer.is_empty() {
            extensions.push(raw_extension(fulcio(1), false, issuer.as_bytes()));
            extensions.push(text(8, issuer));
        }
        let workflow = self.text("job_workflow_ref").is_some();
        if workflow {
            for (arc, claim) in [
                (2, "event_name"),
                (3, "sha"),
                (4, "workflow"),
                (5, "repository"),
                (6, "ref"),
            ] {
                let value = self.text(claim);
                extensions.extend(value.map(|v| raw_extension(fulcio(arc), false, v.as_bytes())));
            }
        }
        let values = match (workflow, self.text("ci_config_ref_uri")) {
            (true, _) => self.github_extensions(),
            (false, Some(config)) => self.gitlab_extensions(config),
            (false, None) => Vec::new(),
        };
        extensions.extend(
            values
                .into_iter()
                .filter_map(|(arc, value)| Some(text(arc, &value?))),
        );
        if self.text("email").is_none() {
            extensions.extend(self.text("sub").map(|subject| text(24, subject)));
        }
        Some(extensions)
    }

    fn github_extensions(&self) -> Vec<(u32, Option<String>)> {
        let own = |claim| self.text(claim).map(str::to_owned);
        let site = |claim| Some(format!("https://github.com/{}", self.text(claim)?));
        let run = || {
            let run = self.text("run_id")?;
            let attempt = self.text("run_attempt")?;
            Some(format!(
                "{}/actions/runs/{run}/attempts/{attempt}",
                site("repository")?
            ))
        };
        vec![
            (9, site("job_workflow_ref")),
            (10, own("job_workflow_sha")),
            (11, own("runner_environment")),
            (12, site("repository")),
            (13, own("sha")),
            (14, own("ref")),
            (15, own("repository_id")),
            (16, site("repository_owner")),
            (17, own("repository_owner_id")),
            (18, site("workflow_ref")),
            (19, own("workflow_sha")),
            (20, own("event_name")),
            (21, run()),
            (22, own("repository_visibility")),
            (23, own("environment")),
        ]
    }

    fn gitlab_extensions(&self, config: &str) -> Vec<(u32, Option<String>)> {
        let own = |claim| self.text(claim).map(str::to_owned);
        let site = |claim| Some(format!("https://gitlab.com/{}", self.text(claim)?));
        let job = || {
            Some(format!(
                "{}/-/jobs/{}",
                site("project_path")?,
                self.text("job_id")?
            ))
        };
        let config = Some(format!("https://{config}"));
        vec![
            (9, config.clone()),
            (10, own("ci_config_sha")),
            (11, own("runner_environment")),
            (12, site("project_path")),
            (13, own("sha")),
            (14, own("ref_path")),
            (15, own("project_id")),
            (16, site("namespace_path")),
            (17, own("namespace_id")),
            (18, config),
            (19, own("ci_config_sha")),
            (20, own("pipeline_source")),
            (21, job()),
            (22, own("project_visibility")),
            (23, own("environment")),
        ]
    }
}

/// An extension whose value is a UTF8String.
fn text(arc: u32, value: &str) -> Extension {
    let value = value.to_owned().to_der().expect("a text");
    raw_extension(fulcio(arc), false, &value)
}

fn fulcio(arc: u32) -> ObjectIdentifier {
    FULCIO.push_arc(arc).expect("an arc")
}

/// Sigstore's arc, under which Fulcio documents its extensions.
const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
