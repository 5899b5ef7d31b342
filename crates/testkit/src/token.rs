//! A token service in front of the registry (distribution `spec/auth/token`).

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::log::Request;

/// The one user.
pub(crate) const USER: &str = "user";
/// Their password.
pub(crate) const PASSWORD: &str = "secret";

/// The value of a right `Authorization: Basic` header.
pub(crate) fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

/// The challenge that sends a client to the token service.
pub(crate) fn challenge(server: &str, seen: &Request) -> Response<Body> {
    let mut value = format!("Bearer realm=\"{server}/token\",service=\"testkit\"");
    if let Some(name) = repository(&seen.path) {
        let actions = match seen.method.as_str() {
            "GET" | "HEAD" => "pull",
            _ => "pull,push",
        };
        value.push_str(&format!(",scope=\"repository:{name}:{actions}\""));
    }
    refused(&value)
}

fn repository(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v2/")?;
    ["/blobs/", "/manifests/", "/referrers/", "/tags/list"]
        .iter()
        .find_map(|part| rest.rsplit_once(part))
        .map(|(name, _)| name)
}

/// The challenge that asks for a password.
pub(crate) fn basic_challenge() -> Response<Body> {
    refused("Basic realm=\"testkit\"")
}

/// The token service's answer.
pub(crate) fn issue(serial: u64) -> Response<Body> {
    let body = format!("{{\"token\":\"t{serial}\",\"expires_in\":300}}");
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap()
}

fn refused(challenge: &str) -> Response<Body> {
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header(header::WWW_AUTHENTICATE, challenge)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#,
        ))
        .unwrap()
}
