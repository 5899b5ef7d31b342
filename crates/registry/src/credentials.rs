//! Who we are to a registry: docker configurations and credential helpers.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;
use waxseal_oci::Repository;

use crate::{Error, limits};

/// What a registry or its token service is shown.
pub(crate) enum Credential {
    /// A refresh token of the token service.
    IdentityToken(String),
    /// A user name and a password.
    Password(String, String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Where credentials are looked for.
#[derive(Default)]
pub(crate) struct Credentials {
    /// Contents of docker configurations, which come before any file.
    pub(crate) given: Vec<Vec<u8>>,
    /// The one file to read, in place of the user's.
    pub(crate) file: Option<PathBuf>,
    /// Whether the user's files are left alone.
    pub(crate) anonymous: bool,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// The credential for a repository, if there is one. Helpers are run.
    pub(crate) async fn find(&self, repository: &Repository) -> Result<Option<Credential>, Error> {
        if self.anonymous {
            return Ok(None);
        }
        let refuse = |reason: String| Error::Credentials {
            registry: repository.registry().to_owned(),
            reason,
        };
        let mut sources = self.given.clone();
        match &self.file {
            Some(path) => {
                let shown = path.display();
                sources.push(
                    read(path)
                        .await
                        .map_err(|e| refuse(format!("{shown}: {e}")))?,
                );
            }
            None => {
                for path in user_files() {
                    match read(&path).await {
                        Ok(content) => sources.push(content),
                        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                        Err(e) => return Err(refuse(format!("{}: {e}", path.display()))),
                    }
                }
            }
        }
        let repository = repository.clone();
        let search = tokio::task::spawn_blocking(move || {
            sources
                .iter()
                .find_map(|json| search(json, &repository).transpose())
                .transpose()
        });
        match tokio::time::timeout(HELPER_TIME, search).await {
            Ok(Ok(found)) => found.map_err(refuse),
            Ok(Err(_)) => Err(refuse("the credential helper could not be run".into())),
            Err(_) => Err(refuse("the credential helper does not answer".into())),
        }
    }
}

/// The credential in one docker configuration.
fn search(json: &[u8], repository: &Repository) -> Result<Option<Credential>, String> {
    for key in keys(json, repository)? {
        match docker_credential::get_credential_from_reader(json, &key) {
            Ok(DockerCredential::IdentityToken(token)) => {
                return Ok(Some(Credential::IdentityToken(token)));
            }
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                return Ok(Some(Credential::Password(user, password)));
            }
            Err(CredentialRetrievalError::NoCredentialConfigured) => {}
            // What helpers say where they have nothing (docker-credential-helpers).
            Err(CredentialRetrievalError::HelperFailure { stdout, .. })
                if stdout.contains("credentials not found") => {}
            // What a helper writes may hold secrets: its words stay out.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                return Err(format!("`{helper}` failed"));
            }
            Err(other) => return Err(other.to_string().to_lowercase()),
        }
    }
    Ok(None)
}

/// The names under which a configuration may hold a repository's credential,
/// the most specific first (`host/path` as podman and Kubernetes have it).
fn keys(json: &[u8], repository: &Repository) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Names {
        #[serde(default)]
        auths: Option<HashMap<String, serde::de::IgnoredAny>>,
    }
    let names: Names = serde_json::from_slice(json)
        .map_err(|e| format!("the docker configuration is not valid: {e}"))?;
    let registry = repository.registry();
    let hub = registry == "docker.io";
    let mut keys = Vec::new();
    if let Some(auths) = names.auths {
        let mut path = format!("{registry}/{}", repository.name());
        while path.len() > registry.len() {
            for name in [path.clone(), format!("https://{path}")] {
                if auths.contains_key(&name) {
                    keys.push(name);
                }
            }
            path.truncate(path.rfind('/').unwrap_or_default());
        }
    }
    if hub {
        keys.push("https://index.docker.io/v1/".to_owned());
    }
    keys.push(registry.to_owned());
    Ok(keys)
}

async fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let length = tokio::fs::metadata(path).await?.len();
    if length > limits::CONFIG_BYTES {
        return Err(std::io::Error::other(
            "too large for a docker configuration",
        ));
    }
    tokio::fs::read(path).await
}

/// `REGISTRY_AUTH_FILE`, docker's file, podman's file.
fn user_files() -> Vec<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let docker = variable("DOCKER_CONFIG")
        .or_else(|| variable("HOME").map(|home| home.join(".docker")))
        .map(|folder| folder.join("config.json"));
    let podman = variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json"));
    [variable("REGISTRY_AUTH_FILE"), docker, podman]
        .into_iter()
        .flatten()
        .collect()
}

const HELPER_TIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn find(json: &str, image: &str) -> Result<Option<String>, String> {
        let reference: waxseal_oci::Reference = image.parse().unwrap();
        search(json.as_bytes(), reference.repository()).map(|found| {
            found.map(|c| match c {
                Credential::IdentityToken(token) => format!("token {token}"),
                Credential::Password(user, password) => format!("{user}:{password}"),
            })
        })
    }

    #[test]
    fn finds_the_most_specific_credential() {
        // `dTpw` is `u:p`, `YTpi` is `a:b`.
        let json = r#"{"auths":{
            "r.test":{"auth":"dTpw"},
            "r.test/team":{"auth":"YTpi"},
            "https://index.docker.io/v1/":{"username":"hub","password":"secret"},
            "https://v2.test/v2/":{"identitytoken":"refresh"}
        }}"#;
        assert_eq!(find(json, "r.test/app"), Ok(Some("u:p".into())));
        assert_eq!(find(json, "r.test/team/app"), Ok(Some("a:b".into())));
        assert_eq!(find(json, "r.test/teams/app"), Ok(Some("u:p".into())));
        assert_eq!(find(json, "nginx"), Ok(Some("hub:secret".into())));
        assert_eq!(find(json, "v2.test/app"), Ok(Some("token refresh".into())));
        assert_eq!(find(json, "other.test/app"), Ok(None));
    }

    #[test]
    fn says_what_is_wrong_with_a_configuration() {
        assert_eq!(
            find("{", "r.test/app"),
            Err("the docker configuration is not valid: EOF while parsing an object at line 1 column 1".into())
        );
        assert_eq!(
            find(r#"{"auths":{"r.test":{"auth":"%%"}}}"#, "r.test/app"),
            Err("unable to decode credential".into())
        );
        assert_eq!(
            find(
                r#"{"credHelpers":{"r.test":"waxseal-no-such-helper"}}"#,
                "r.test/app"
            ),
            Err("unable to communicate with credential helper".into())
        );
    }
}
