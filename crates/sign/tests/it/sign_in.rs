//! People who sign in, with a browser here or elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use axum::routing::{get, post};
use axum::{Json, Router};
use reqwest::Url;
use serde_json::{Value, json};
use waxseal_sign::{Browser, Device, Http, HttpOptions, IdentityError, IdentityToken, Issuer};
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{Claims, Service, ServiceFault};

use crate::keyless::{PERSON, World};

/// Asks for a page as a browser does, and returns the head of the answer.
fn visit(url: &Url) -> String {
    let host = url.host_str().unwrap().replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect((host.as_str(), url.port().unwrap())).unwrap();
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let target = format!("{}{query}", url.path());
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Where the provider's page sends the browser once the person has signed in.
fn signed_in(page: &Url) -> Url {
    let answer = visit(page);
    let location = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    location.unwrap().parse().unwrap()
}

async fn issuer(world: &World) -> Issuer {
    let url = world.sigstore.issuer_url();
    Issuer::discover(&world.http, url).await.unwrap()
}

/// Signs in with a browser, which comes back to what `tamper` makes of the address.
async fn browse(
    world: &World,
    tamper: impl FnOnce(&mut Url) + Send + 'static,
) -> (Result<IdentityToken, IdentityError>, String) {
    let issuer = issuer(world).await;
    let browser = Browser::begin(&world.http, &issuer, "sigstore")
        .await
        .unwrap();
    let page = browser.url();
    let person = tokio::task::spawn_blocking(move || {
        let mut back = signed_in(&page);
        tamper(&mut back);
        visit(&back)
    });
    let outcome = browser.finish().await;
    (outcome, person.await.unwrap())
}

/// The same address with another query.
fn requery(url: &mut Url, change: impl Fn(&str, &str) -> Option<String>) {
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(name, value)| Some((name.to_string(), change(&name, &value)?)))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
}

#[tokio::test]
async fn a_browser_brings_a_token_for_whoever_signed_in() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::email(PERSON));
    let (token, seen) = browse(&world, |_| {}).await;
    let token = token.unwrap();
    assert_eq!(token.bearer(), PERSON);
    token.check("sigstore", NOW).unwrap();
    assert!(seen.starts_with("HTTP/1.1 200 OK\r\n"), "{seen}");
    assert!(seen.contains("You are signed in."), "{seen}");
}

#[tokio::test]
async fn a_browser_that_brings_something_else_is_not_believed() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::email(PERSON));
    let drop = |wanted: &'static str| {
        move |url: &mut Url| {
            requery(url, |name, value| {
                (name != wanted).then(|| value.to_owned())
            });
        }
    };
    let set = |wanted: &'static str, new: &'static str| {
        move |url: &mut Url| {
            requery(url, |name, value| {
                Some(if name == wanted { new } else { value }.to_owned())
            });
        }
    };
    let state = "the browser came back with another state than it was sent with";
    let check = |outcome: (Result<IdentityToken, IdentityError>, String), why: &str| {
        let error = outcome.0.unwrap_err().to_string();
        assert_eq!(error, format!("signing in failed: {why}"));
    };
    check(browse(&world, drop("state")).await, state);
    check(browse(&world, set("state", "guessed")).await, state);
    let twice = |url: &mut Url| {
        url.query_pairs_mut().append_pair("state", "again");
    };
    check(browse(&world, twice).await, state);
    check(
        browse(&world, drop("code")).await,
        "the browser came back without a code",
    );
    check(
        browse(&world, set("code", "another")).await,
        "the identity provider says `invalid_grant`",
    );
    let from = |url: &mut Url| {
        url.query_pairs_mut()
            .append_pair("iss", "https://evil.example");
    };
    check(
        browse(&world, from).await,
        "the browser came back from another identity provider",
    );
    let denied = |url: &mut Url| {
        url.query_pairs_mut()
            .append_pair("error", "access_denied\u{1b}");
    };
    let outcome = browse(&world, denied).await;
    assert!(outcome.1.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    check(outcome, "the identity provider says `access_denied\\u{1b}`");
}

#[tokio::test]
async fn other_visitors_do_not_end_the_wait() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::email(PERSON));
    let (token, _) = browse(&world, |back| {
        let mut icon = back.clone();
        icon.set_path("/favicon.ico");
        assert!(visit(&icon).starts_with("HTTP/1.1 404 Not Found\r\n"));
        // A connection on which nothing is said.
        drop(TcpStream::connect(("127.0.0.1", back.port().unwrap())).unwrap());
    })
    .await;
    assert_eq!(token.unwrap().bearer(), PERSON);
}

#[tokio::test]
async fn a_device_waits_until_the_person_has_signed_in() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::email(PERSON));
    world.sigstore.hold_device(1);
    let issuer = issuer(&world).await;
    let device = Device::begin(&world.http, &issuer, "sigstore")
        .await
        .unwrap();
    assert_eq!(device.user_code(), "WAXS-EALS");
    assert_eq!(
        device.page(),
        format!("{}/device", world.sigstore.issuer_url())
    );
    let token = device.finish().await.unwrap();
    assert_eq!(token.bearer(), PERSON);
    let polls = world.sigstore.asked(Service::Issuer);
    assert_eq!(
        polls.iter().filter(|asked| asked.path == "/token").count(),
        2
    );
}

/// A provider of which a test says what it answers.
async fn provider(discovery: Value, token: (u16, Value)) -> Url {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let text = discovery
        .to_string()
        .replace("ISSUER", url.as_str().trim_end_matches('/'));
    let discovery: Value = serde_json::from_str(&text).unwrap();
    let device = json!({
        "device_code": "device-canary", "user_code": "A\u{202e}B",
        "verification_uri": "https://idp.example/device", "expires_in": 60, "interval": 0,
    });
    let app = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(move || async { Json(discovery) }),
        )
        .route("/device", post(move || async { Json(device) }))
        .route(
            "/token",
            post(move || async move {
                (
                    axum::http::StatusCode::from_u16(token.0).unwrap(),
                    Json(token.1),
                )
            }),
        );
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_provider_that_misbehaves_is_named() {
    let http = Http::new(HttpOptions::default());
    let good = json!({
        "issuer": "ISSUER", "authorization_endpoint": "ISSUER/auth",
        "token_endpoint": "ISSUER/token", "device_authorization_endpoint": "ISSUER/device",
    });
    let mut other = good.clone();
    other["issuer"] = json!("https://evil.example");
    let url = provider(other, (200, json!({}))).await;
    let error = Issuer::discover(&http, url.as_str())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("it calls itself `https://evil.example`"),
        "{error}"
    );

    let mut deviceless = good.clone();
    deviceless["device_authorization_endpoint"] = Value::Null;
    let url = provider(deviceless, (200, json!({}))).await;
    let issuer = Issuer::discover(&http, url.as_str()).await.unwrap();
    let error = Device::begin(&http, &issuer, "sigstore").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "signing in failed: the identity provider has no flow for devices"
    );

    for (status, answer, why) in [
        (
            400,
            json!({ "error": "access_denied" }),
            "signing in failed: it was refused",
        ),
        (
            400,
            json!({ "error": "expired_token" }),
            "signing in failed: it took too long",
        ),
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "no code device-canary" }),
            "signing in failed: the identity provider says `no code [hidden]`",
        ),
        (
            200,
            json!({ "id_token": "device-canary" }),
            "the identity token is malformed: it does not have three parts with dots between them",
        ),
    ] {
        let url = provider(good.clone(), (status, answer)).await;
        let issuer = Issuer::discover(&http, url.as_str()).await.unwrap();
        let device = Device::begin(&http, &issuer, "sigstore").await.unwrap();
        assert_eq!(device.user_code(), "A\\u{202e}B");
        let error = device.finish().await.unwrap_err();
        assert_eq!(error.to_string(), why);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_run_is_refused() {
    let world = World::new();
    // The provider answers with a token that somebody else was given.
    world.sigstore.sign_in_as(Claims::email(PERSON));
    let stolen = world
        .sigstore
        .token(&Claims::email(PERSON).with("nonce", "theirs"));
    let answer = json!({ "id_token": stolen }).to_string();
    let issuer = issuer(&world).await;
    let browser = Browser::begin(&world.http, &issuer, "sigstore")
        .await
        .unwrap();
    let back = signed_in(&browser.url());
    world.sigstore.fault(
        Service::Issuer,
        ServiceFault::Rubbish(answer.into_bytes()),
        1,
    );
    let person = tokio::task::spawn_blocking(move || visit(&back));
    let error = browser.finish().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "signing in failed: the token has not the nonce that it was asked for with"
    );
    person.await.unwrap();
}
