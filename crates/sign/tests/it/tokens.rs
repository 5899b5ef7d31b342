//! Identity tokens, and the places that give them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use waxseal_sign::{
    Blob, Credential, Http, HttpOptions, IdentityError, IdentityToken, Provider, Surroundings,
    ambient_token, token_given,
};
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{Claims, LogVersion, Service, ServiceFault};
use waxseal_verify::{Authority, KeylessAuthority, Matcher};

use crate::keyless::{World, parse};

/// A token that nobody signed: what it says is all that is read here.
fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{CANARY}",
        part(&json!({ "alg": "none" })),
        part(claims)
    )
}

fn person() -> Value {
    json!({
        "iss": "https://idp.example", "sub": "123", "aud": "sigstore",
        "exp": NOW.as_second() + 60, "email": "dev@example.com", "email_verified": true,
    })
}

/// A job or machine with these variables, and with this folder as its root.
async fn look(
    variables: &[(&str, &str)],
    root: &Path,
) -> Result<Option<(Provider, IdentityToken)>, IdentityError> {
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let http = Http::new(HttpOptions::default());
    ambient_token(&Surroundings {
        variable: &|name| variables.get(name).cloned(),
        root: root.to_owned(),
        http: &http,
        audience: "sigstore",
    })
    .await
}

#[test]
fn a_token_is_read_and_never_shown() {
    let token = parse(format!(" {}\n", token(&person())));
    assert_eq!(token.issuer(), "https://idp.example");
    assert_eq!(token.bearer(), "dev@example.com");
    assert_eq!(token.email(), Some("dev@example.com"));
    assert_eq!(format!("{token:?}"), "IdentityToken(…)");
    token.check("sigstore", NOW).unwrap();
}

#[test]
fn a_token_that_nobody_would_take_is_refused_early() {
    let check = |name: &str, value: Value| {
        let mut claims = person();
        claims[name] = value;
        let error = parse(token(&claims)).check("sigstore", NOW);
        error.unwrap_err().to_string()
    };
    assert_eq!(
        check("exp", NOW.as_second().into()),
        format!(
            "the identity token expired at {}",
            Timestamp::from_second(NOW.as_second()).unwrap()
        )
    );
    assert_eq!(
        check("aud", json!(["a", "b"])),
        "the identity token is for `a, b`, not for `sigstore`"
    );
    for unverified in [json!(false), json!("false"), json!("yes")] {
        assert_eq!(
            check("email_verified", unverified),
            "the identity provider has not verified the e-mail address in the token"
        );
    }
    let mut claims = person();
    claims["email_verified"] = json!("true");
    claims["aud"] = json!(["other", "sigstore"]);
    parse(token(&claims)).check("sigstore", NOW).unwrap();
}

#[test]
fn what_is_no_token_is_refused_without_being_quoted() {
    let refused = |text: String| {
        let error = IdentityToken::parse(text.into()).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains(CANARY), "{said}");
        error.to_string()
    };
    let malformed = |why: &str| format!("the identity token is malformed: {why}");
    let three = malformed("it does not have three parts with dots between them");
    assert_eq!(refused(CANARY.to_owned()), three);
    assert_eq!(refused(format!("{}.{CANARY}", token(&person()))), three);
    assert_eq!(
        refused(format!("a.{CANARY}!.c")),
        malformed("its middle part is not base64url")
    );
    let middle = |claims: &str| format!("a.{}.{CANARY}", URL_SAFE_NO_PAD.encode(claims));
    let strict = malformed("its claims are not strict JSON");
    assert_eq!(refused(middle(CANARY)), strict);
    assert_eq!(
        refused(middle(r#"{"iss":"a","iss":"b","sub":"c","exp":1}"#)),
        strict
    );
    let lacks = malformed("it lacks `iss`, `sub` or `exp`, or one has another type");
    assert_eq!(refused(middle(r#"{"iss":"a","sub":"c"}"#)), lacks);
    assert_eq!(
        refused(middle(&format!(
            r#"{{"iss":"a","sub":"b","exp":"{CANARY}"}}"#
        ))),
        lacks
    );
    assert_eq!(
        refused(middle(r#"{"iss":"","sub":"b","exp":1}"#)),
        malformed("its `iss` or `sub` is empty")
    );
    assert_eq!(
        refused(CANARY.repeat(2000)),
        "the identity token is longer than 16384 bytes"
    );
}

#[test]
fn a_token_is_given_as_itself_or_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, token(&person())).unwrap();
    let path = path.to_str().unwrap();
    for given in [token(&person()), format!("@{path}"), path.to_owned()] {
        assert_eq!(
            token_given(given.into()).unwrap().bearer(),
            "dev@example.com"
        );
    }
    let missing = token_given("@/nowhere/token".to_owned().into()).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("cannot read the identity token from `/nowhere/token`: "),
        "{missing}"
    );
    // What may be a token with a letter missing is no file name to be quoted.
    let broken = token_given(CANARY.to_owned().into()).unwrap_err();
    assert!(!broken.to_string().contains(CANARY), "{broken}");
    // Nor is a token where its file should stand, whole or not.
    let whole = token(&person());
    for given in [format!("@{whole}"), format!("@{whole:.40}")] {
        let mistaken = token_given(given.into()).unwrap_err();
        assert_eq!(
            format!("{mistaken} {mistaken:?}"),
            "the identity token is malformed: it stands where the name of a file with it has to \
             stand Malformed(\"it stands where the name of a file with it has to stand\")"
        );
    }
}

#[tokio::test]
async fn a_token_in_place_of_its_file_is_not_shown() {
    let kept = token(&person());
    let error = look(&[("SPIFFE_JWT_SVID_FILE", &kept)], Path::new("/nowhere")).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the identity token is malformed: it stands where the name of a file with it has to stand"
    );
}

#[tokio::test]
async fn github_gives_a_token_to_a_job_that_may_have_one() {
    let world = World::new();
    let nowhere = PathBuf::from("/nowhere");
    world.sigstore.sign_in_as(Claims::github());
    let url = format!(
        "{}/actions/token?api-version=2",
        world.sigstore.issuer_url()
    );
    let job = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token"),
    ];
    let (provider, token) = look(&job, &nowhere).await.unwrap().unwrap();
    assert_eq!(provider, Provider::GitHub);
    assert_eq!(
        token.issuer(),
        "https://token.actions.githubusercontent.com"
    );
    token.check("sigstore", NOW).unwrap();

    let refused = look(&job[..1], &nowhere).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "GitHub Actions gives no identity token: the job lacks the permission `id-token: write`"
    );
    let mut wrong = job;
    wrong[2].1 = CANARY;
    let refused = look(&wrong, &nowhere).await.unwrap_err().to_string();
    assert!(
        refused.contains("answered 401") && !refused.contains(CANARY),
        "{refused}"
    );
    // A service that repeats what it was sent.
    let echo = format!(r#"{{"message":"bad bearer {CANARY} and {CANARY}"}}"#);
    for fault in [
        ServiceFault::Rubbish(echo.into_bytes()),
        ServiceFault::Rubbish(format!(r#"{{"value":"{CANARY}"}}"#).into_bytes()),
        ServiceFault::Rubbish(format!(r#"{{"value":["{CANARY}"]}}"#).into_bytes()),
    ] {
        world.sigstore.fault(Service::Issuer, fault, 1);
        let error = look(&wrong, &nowhere).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains(CANARY), "{said}");
    }
}

#[tokio::test]
async fn gitlab_and_others_give_a_token_in_a_variable() {
    let nowhere = PathBuf::from("/nowhere");
    let text = token(&person());
    let job = [("GITLAB_CI", "true"), ("SIGSTORE_ID_TOKEN", text.as_str())];
    let (provider, found) = look(&job, &nowhere).await.unwrap().unwrap();
    assert_eq!(
        (provider, found.bearer()),
        (Provider::GitLab, "dev@example.com")
    );
    assert!(look(&job[1..], &nowhere).await.unwrap().is_some());
    let refused = look(&job[..1], &nowhere).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "GitLab gives no identity token: the job has no `id_tokens` entry SIGSTORE_ID_TOKEN with \
         `aud: sigstore`"
    );
    assert!(look(&[], &nowhere).await.unwrap().is_none());
}

#[tokio::test]
async fn google_gives_a_token_to_its_machines() {
    let world = World::new();
    let robot = Claims::email("robot@project.iam.gserviceaccount.com");
    world.sigstore.sign_in_as(robot);
    let url = world.sigstore.issuer_url();
    let host = url.strip_prefix("http://").unwrap();
    let machine = [("GCE_METADATA_HOST", host)];
    let found = look(&machine, Path::new("/nowhere")).await.unwrap();
    let (provider, token) = found.unwrap();
    assert_eq!(provider, Provider::Google);
    assert_eq!(token.bearer(), "robot@project.iam.gserviceaccount.com");
    token.check("sigstore", NOW).unwrap();
}

#[tokio::test]
async fn kubernetes_and_spiffe_keep_a_token_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let projected = folder.path().join("var/run/sigstore/cosign");
    std::fs::create_dir_all(&projected).unwrap();
    let mut account = person();
    account["email"] = Value::Null;
    account["sub"] = json!("system:serviceaccount:ns:builder");
    std::fs::write(projected.join("oidc-token"), token(&account)).unwrap();
    let (provider, found) = look(&[], folder.path()).await.unwrap().unwrap();
    assert_eq!(provider, Provider::Kubernetes);
    assert_eq!(found.bearer(), "system:serviceaccount:ns:builder");

    let svid = folder.path().join("svid.token");
    account["sub"] = json!("spiffe://example.org/builder");
    std::fs::write(&svid, token(&account)).unwrap();
    let here = [("SPIFFE_JWT_SVID_FILE", svid.to_str().unwrap())];
    let (provider, found) = look(&here, folder.path()).await.unwrap().unwrap();
    assert_eq!(provider, Provider::Spiffe);
    assert_eq!(found.bearer(), "spiffe://example.org/builder");
    std::fs::write(&svid, token(&person())).unwrap();
    let refused = look(&here, folder.path()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "SPIFFE gives no identity token: the subject of the token in SPIFFE_JWT_SVID_FILE is no \
         SPIFFE ID"
    );
}

/// Somewhere that a token can come from.
struct Job {
    provider: Provider,
    claims: Claims,
    variables: Vec<(&'static str, String)>,
    /// What is on its disk, below its root.
    file: Option<(&'static str, String)>,
}

/// Every provider that needs no program; those are tried with the command line.
fn jobs(world: &World) -> Vec<Job> {
    let url = world.sigstore.issuer_url();
    let host = url.trim_start_matches("http://").to_owned();
    let gitlab = world.sigstore.token(&Claims::gitlab());
    let account = Claims::uri("system:serviceaccount:ci:builder");
    let svid = Claims::uri("spiffe://example.org/builder");
    let robot = Claims::email("robot@project.iam.gserviceaccount.com");
    let (mounted, kept) = (world.sigstore.token(&account), world.sigstore.token(&svid));
    let job = |provider, claims, variables| Job {
        provider,
        claims,
        variables,
        file: None,
    };
    let github = vec![
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            format!("{url}/actions/token?v=2"),
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token".to_owned()),
    ];
    vec![
        job(Provider::GitHub, Claims::github(), github),
        job(
            Provider::GitLab,
            Claims::gitlab(),
            vec![("SIGSTORE_ID_TOKEN", gitlab)],
        ),
        job(Provider::Google, robot, vec![("GCE_METADATA_HOST", host)]),
        Job {
            file: Some(("var/run/sigstore/cosign/oidc-token", mounted)),
            ..job(Provider::Kubernetes, account, Vec::new())
        },
        Job {
            file: Some(("svid.token", kept)),
            ..job(Provider::Spiffe, svid, Vec::new())
        },
    ]
}

impl Job {
    async fn look(&self, root: &Path) -> Result<Option<(Provider, IdentityToken)>, IdentityError> {
        let mut variables = self.variables.clone();
        if let Some((name, content)) = &self.file {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            if self.provider == Provider::Spiffe {
                variables.push(("SPIFFE_JWT_SVID_FILE", path.to_str().unwrap().to_owned()));
            }
        }
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        look(&variables, root).await
    }
}

#[tokio::test]
async fn whoever_gives_a_token_it_gets_a_certificate() {
    let world = World::new();
    let services = world.services(&[LogVersion::V2]);
    for job in jobs(&world) {
        let folder = tempfile::tempdir().unwrap();
        world.sigstore.sign_in_as(job.claims.clone());
        let (provider, token) = job.look(folder.path()).await.unwrap().unwrap();
        assert_eq!(provider, job.provider);
        assert_eq!(format!("{token:?}"), "IdentityToken(…)");
        token.check("sigstore", NOW).unwrap();
        let notary = world.notary(&services);
        let certified = notary.certify(&token).await.unwrap();
        let mut blob = Blob::file(std::io::Cursor::new(b"a release\n"));
        let credential = Credential::Certificate(&certified);
        let (made, _) = notary.sign_blob(credential, &mut blob).await.unwrap();
        let subject = match provider {
            // Fulcio names the workflow, not the token's subject.
            Provider::GitHub | Provider::GitLab => Matcher::glob("https://**").unwrap(),
            _ => Matcher::exact(token.bearer()).unwrap(),
        };
        let issuer = Matcher::exact(token.issuer()).unwrap();
        let authority = Authority::Keyless(KeylessAuthority::new(issuer, subject));
        world.verify(&made, &authority).unwrap();
    }
}

#[tokio::test]
async fn what_a_provider_gives_in_place_of_a_token_is_not_shown() {
    let world = World::new();
    let long = format!("{CANARY}.{CANARY}.{}", CANARY.repeat(2000));
    for mut job in jobs(&world) {
        for given in [
            CANARY.to_owned(),
            format!("{CANARY}.{CANARY}.{CANARY}"),
            long.clone(),
        ] {
            let folder = tempfile::tempdir().unwrap();
            match (&mut job.file, job.provider) {
                (Some((_, content)), _) => content.clone_from(&given),
                (None, Provider::GitLab) => job.variables[0].1.clone_from(&given),
                (None, provider) => {
                    let body = match provider {
                        Provider::GitHub => json!({ "value": given }).to_string(),
                        _ => given.clone(),
                    };
                    let fault = ServiceFault::Rubbish(body.into_bytes());
                    world.sigstore.fault(Service::Issuer, fault, 1);
                }
            }
            let error = job.look(folder.path()).await.unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains(CANARY), "{:?}: {said}", job.provider);
            world.sigstore.heal();
        }
    }
}

#[test]
fn providers_have_names() {
    for provider in Provider::ALL {
        assert_eq!(provider.name().parse(), Ok(provider));
    }
    assert_eq!("github-actions".parse(), Ok(Provider::GitHub));
    assert_eq!(
        "jenkins".parse::<Provider>(),
        Err(
            "unknown provider (known: gitlab, github, circleci, buildkite, spiffe, kubernetes, \
             google)"
                .to_owned()
        )
    );
}

/// Stands for the part of a token that must be seen nowhere.
const CANARY: &str = "c2lnbmF0dXJl-canary";
