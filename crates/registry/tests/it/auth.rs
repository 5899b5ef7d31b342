//! Who is shown which secret, and who must never see one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use waxseal_oci::Descriptor;
use waxseal_registry::{Client, Error, Found, Source as _};

use crate::fake::{Ask, Fake, answer, bearer_challenge, builder};
use crate::pace::Instantly;

/// `user:secret` in base64.
const SECRET: &str = "dXNlcjpzZWNyZXQ=";

fn config(fake: &Fake) -> String {
    format!(
        r#"{{"auths":{{"{}":{{"auth":"{SECRET}"}}}}}}"#,
        fake.address
    )
}

fn client(fake: &Fake) -> Client {
    builder()
        .docker_config(nowhere())
        .docker_config_json(config(fake))
        .build()
        .unwrap()
}

/// A docker configuration with nothing in it, so that the machine's own is not read.
fn nowhere() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/empty-docker-config.json")
}

fn authorization(ask: &Ask) -> Option<String> {
    ask.header("authorization").map(str::to_owned)
}

/// Every `Authorization` that a server was sent.
fn secrets(fake: &Fake) -> Vec<String> {
    fake.asks().iter().filter_map(authorization).collect()
}

/// A token service that counts its tokens: `token-1`, `token-2`.
async fn token_service(life: u64) -> (Fake, String) {
    let service = Fake::start().await;
    let issued = AtomicUsize::new(0);
    service.hook(move |_| {
        let n = issued.fetch_add(1, Ordering::Relaxed) + 1;
        Some(answer(
            200,
            &[],
            format!(r#"{{"token":"token-{n}","expires_in":{life}}}"#),
        ))
    });
    let realm = format!("http://{}/token", service.address);
    (service, realm)
}

/// Lets in whoever shows the newest token, and sends others to the service.
fn guard(fake: &Fake, realm: String, valid: &'static str) {
    fake.hook(move |ask| {
        (ask.header("authorization") != Some(valid)).then(|| bearer_challenge(&realm))
    });
}

#[tokio::test]
async fn gets_a_token_once_and_uses_it_for_everything() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let layer = fake.put_blob(b"layer");
    let (service, realm) = token_service(300).await;
    guard(&fake, realm, "Bearer token-1");
    let client = client(&fake);
    assert!(
        !client
            .resolve(&fake.reference("v1"))
            .await
            .unwrap()
            .is_absent()
    );
    assert!(
        !client
            .manifest(&fake.repository(), &image.digest)
            .await
            .unwrap()
            .is_absent()
    );
    client.blob(&fake.repository(), &layer, 5).await.unwrap();
    assert_eq!(
        service.requests(),
        ["GET /token?service=fake&scope=repository%3Ateam%2Fapp%3Apull"]
    );
    assert_eq!(secrets(&service), [format!("Basic {SECRET}")]);
    assert_eq!(secrets(&fake), ["Bearer token-1"; 3]);
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test]
async fn many_at_once_get_one_token() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let (service, realm) = token_service(300).await;
    guard(&fake, realm, "Bearer token-1");
    let client = client(&fake);
    let reference = fake.reference("v1");
    let asks = (0..20).map(|_| client.resolve(&reference));
    for found in futures_util::future::join_all(asks).await {
        assert!(!found.unwrap().is_absent());
    }
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn pulls_anonymously_where_that_is_allowed() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let (service, realm) = token_service(300).await;
    guard(&fake, realm, "Bearer token-1");
    assert!(
        !fake
            .client()
            .resolve(&fake.reference("v1"))
            .await
            .unwrap()
            .is_absent()
    );
    assert_eq!(secrets(&service), [""; 0]);
}

#[tokio::test]
async fn asks_for_more_before_it_writes() {
    let fake = Fake::start().await;
    let (service, realm) = token_service(300).await;
    guard(&fake, realm, "Bearer token-1");
    let client = client(&fake);
    let image = fake.put_image("v1", b"layer");
    client
        .push_manifest(&fake.repository(), &image, Some("v2"))
        .await
        .unwrap();
    // The token for writing serves for reading.
    assert!(
        !client
            .resolve(&fake.reference("v2"))
            .await
            .unwrap()
            .is_absent()
    );
    assert_eq!(
        service.requests(),
        ["GET /token?service=fake&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"]
    );
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let (service, realm) = token_service(300).await;
    guard(&fake, realm, "Bearer token-1");
    let config = format!(
        r#"{{"auths":{{"{}":{{"identitytoken":"refresh me"}}}}}}"#,
        fake.address
    );
    let client = builder()
        .docker_config(nowhere())
        .docker_config_json(config)
        .build()
        .unwrap();
    assert!(
        !client
            .resolve(&fake.reference("v1"))
            .await
            .unwrap()
            .is_absent()
    );
    let ask = service.asks().remove(0);
    assert_eq!((ask.method.as_str(), ask.query.as_str()), ("POST", ""));
    assert_eq!(
        ask.body,
        "grant_type=refresh_token&client_id=waxseal&refresh_token=refresh+me\
         &scope=repository%3Ateam%2Fapp%3Apull&service=fake"
    );
    assert_eq!(secrets(&service), [""; 0]);
    assert_eq!(secrets(&fake), ["Bearer token-1"]);
}

#[tokio::test]
async fn a_token_that_has_expired_is_replaced_once() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let (service, realm) = token_service(300).await;
    guard(&fake, realm.clone(), "Bearer token-1");
    let client = client(&fake);
    let reference = fake.reference("v1");
    assert!(!client.resolve(&reference).await.unwrap().is_absent());
    // The registry has forgotten it before its time.
    guard(&fake, realm, "Bearer token-2");
    fake.hook(|ask| {
        (ask.header("authorization") == Some("Bearer token-2")).then(|| answer(404, &[], ""))
    });
    assert_eq!(client.resolve(&reference).await, Ok(Found::Absent));
    assert_eq!(
        secrets(&fake),
        ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    );
    assert_eq!(service.requests().len(), 2);
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_not_sent() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let (service, realm) = token_service(60).await;
    fake.hook(move |ask| {
        ask.header("authorization")
            .is_none()
            .then(|| bearer_challenge(&realm))
    });
    let pace = Instantly::new();
    let client = builder()
        .docker_config(nowhere())
        .docker_config_json(config(&fake))
        .pace(pace.clone())
        .build()
        .unwrap();
    let reference = fake.reference("v1");
    for (passes, token) in [(0, "token-1"), (49, "token-1"), (2, "token-2")] {
        pace.pass(Duration::from_secs(passes));
        fake.forget_requests();
        assert!(!client.resolve(&reference).await.unwrap().is_absent());
        assert_eq!(secrets(&fake), [format!("Bearer {token}")]);
    }
    assert_eq!(service.requests().len(), 2);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_a_refusal() {
    let fake = Fake::start().await;
    let (service, realm) = token_service(300).await;
    fake.hook(move |_| Some(bearer_challenge(&realm)));
    assert_eq!(
        client(&fake).resolve(&fake.reference("v1")).await,
        Err(Error::Unauthorized {
            registry: fake.address.to_string(),
            detail: "the new token is refused".into()
        })
    );
    assert!(service.requests().len() <= 2);
    assert!(fake.requests().len() <= 3);
}

#[tokio::test]
async fn says_what_the_token_service_says() {
    let fake = Fake::start().await;
    let service = Fake::start().await;
    let realm = format!("http://{}/token", service.address);
    fake.hook(move |_| Some(bearer_challenge(&realm)));
    let registry = fake.address.to_string();
    let what = format!("the token service {}", service.address);
    service.hook(|_| {
        Some(answer(
            401,
            &[],
            r#"{"details":"incorrect username or password"}"#,
        ))
    });
    let detail = format!("{what} refuses: incorrect username or password");
    let resolve = || async { client(&fake).resolve(&fake.reference("v1")).await };
    assert_eq!(
        resolve().await,
        Err(Error::Unauthorized {
            registry: registry.clone(),
            detail
        })
    );
    service.hook(|_| Some(answer(200, &[], "{}")));
    let reason = "it has no token in it".to_owned();
    assert_eq!(
        resolve().await,
        Err(Error::Answer {
            what: what.clone(),
            reason
        })
    );
    service.hook(|_| Some(answer(200, &[], vec![b' '; 1024 * 1024 + 1])));
    assert_eq!(
        resolve().await,
        Err(Error::TooLarge {
            what,
            limit: 1024 * 1024
        })
    );
}

#[tokio::test]
async fn answers_basic() {
    let fake = Fake::start().await;
    fake.put_image("v1", b"layer");
    let challenge = || answer(401, &[("www-authenticate", r#"Basic realm="x""#)], "");
    fake.hook(move |ask| ask.header("authorization").is_none().then(challenge));
    let reference = fake.reference("v1");
    assert!(!client(&fake).resolve(&reference).await.unwrap().is_absent());
    assert_eq!(secrets(&fake), [format!("Basic {SECRET}")]);
    let registry = fake.address.to_string();
    let detail = "it asks for credentials and there are none".to_owned();
    assert_eq!(
        fake.client().resolve(&reference).await,
        Err(Error::Unauthorized {
            registry: registry.clone(),
            detail
        })
    );
    fake.hook(move |_| Some(challenge()));
    let detail = "the user name and password are not accepted".to_owned();
    assert_eq!(
        client(&fake).resolve(&reference).await,
        Err(Error::Unauthorized { registry, detail })
    );
}

#[tokio::test]
async fn credentials_stay_with_the_registry_when_it_redirects() {
    let (fake, thief) = (Fake::start().await, Fake::start().await);
    let blob = thief.put_blob(b"content");
    let to = format!("http://{}/v2/x/blobs/{}", thief.address, blob.digest);
    fake.hook(move |ask| match ask.header("authorization") {
        None => Some(answer(401, &[("www-authenticate", "Basic realm=x")], "")),
        Some(_) => Some(answer(307, &[("location", &to)], "")),
    });
    let client = client(&fake);
    client.blob(&fake.repository(), &blob, 7).await.unwrap();
    assert_eq!(secrets(&fake).len(), 1);
    assert_eq!(secrets(&thief), [""; 0]);
    // And when the other host asks for them.
    thief.hook(|_| Some(answer(401, &[("www-authenticate", "Basic realm=x")], "")));
    let refused = client.blob(&fake.repository(), &blob, 7).await;
    let registry = thief.address.to_string();
    assert_eq!(
        refused,
        Err(Error::Unauthorized {
            registry,
            detail: String::new()
        })
    );
    assert_eq!(secrets(&thief), [""; 0]);
}

#[tokio::test]
async fn credentials_stay_with_the_registry_when_it_uploads_elsewhere() {
    let (fake, thief) = (Fake::start().await, Fake::start().await);
    thief.hook(|_| Some(answer(201, &[], "")));
    let to = format!("http://{}/upload?signature=1", thief.address);
    fake.hook(
        move |ask| match (ask.header("authorization"), ask.method.as_str()) {
            (None, _) => Some(answer(401, &[("www-authenticate", "Basic realm=x")], "")),
            (_, "POST") => Some(answer(202, &[("location", &to)], "")),
            _ => None,
        },
    );
    let blob = Descriptor::of("text/plain", b"content");
    client(&fake)
        .push_blob(&fake.repository(), &blob, "content".into())
        .await
        .unwrap();
    assert_eq!(secrets(&thief), [""; 0]);
    let digest = blob.digest.to_string().replace(':', "%3A");
    assert_eq!(
        thief.requests(),
        [format!("PUT /upload?signature=1&digest={digest}")]
    );
}

#[tokio::test]
async fn credentials_go_to_no_foreign_token_service() {
    let fake = Fake::start().await;
    let registry = fake.address.to_string();
    for (realm, host, reason) in [
        (
            "https://example.com/token",
            "example.com",
            "it is not known to belong to the registry",
        ),
        (
            "https://203.0.113.7/token",
            "203.0.113.7",
            "it is not known to belong to the registry",
        ),
        (
            "http://example.com/token",
            "example.com",
            "it is plain HTTP to another host",
        ),
        (
            "https://169.254.169.254/token",
            "169.254.169.254",
            "it is a link-local address",
        ),
        (
            "https://user:pw@example.com/token",
            "example.com",
            "it carries credentials of its own",
        ),
    ] {
        fake.hook(move |_| Some(bearer_challenge(realm)));
        assert_eq!(
            client(&fake).resolve(&fake.reference("v1")).await,
            Err(Error::UntrustedRealm {
                registry: registry.clone(),
                realm: host.to_owned(),
                reason: reason.to_owned()
            })
        );
    }
}

#[tokio::test]
async fn a_token_service_that_redirects_is_not_followed() {
    let (fake, service, thief) = (
        Fake::start().await,
        Fake::start().await,
        Fake::start().await,
    );
    let realm = format!("http://{}/token", service.address);
    fake.hook(move |_| Some(bearer_challenge(&realm)));
    let to = format!("http://{}/token", thief.address);
    service.hook(move |_| Some(answer(307, &[("location", &to)], "")));
    let what = format!("the token service {}", service.address);
    assert_eq!(
        client(&fake).resolve(&fake.reference("v1")).await,
        Err(Error::Status {
            what,
            status: 307,
            detail: String::new()
        })
    );
    assert_eq!(thief.requests(), [""; 0]);
}

#[tokio::test]
async fn secrets_do_not_print() {
    let fake = Fake::start().await;
    let client = client(&fake);
    let shown = format!("{client:?}");
    assert!(
        !shown.contains("secret") && !shown.contains(SECRET),
        "{shown}"
    );
    let builder = builder().docker_config_json(config(&fake));
    assert!(!format!("{builder:?}").contains(SECRET));
}
