//! An OIDC issuer: discovery, keys, and the ways to a token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::parse;

use super::Time;
use super::claims::Claims;
use super::key::{EcKey, sha256};

pub(crate) struct Issuer {
    key: EcKey,
    url: String,
    clock: Arc<Time>,
    state: Mutex<SignIns>,
}

/// Who is signing in, and how far they are.
struct SignIns {
    claims: Claims,
    count: u64,
    /// What was asked for, by code.
    codes: BTreeMap<String, Asked>,
    /// How often a device is still told to wait.
    held: u64,
}

#[derive(Clone, Default)]
struct Asked {
    nonce: Option<String>,
    challenge: Option<String>,
    redirect: Option<String>,
}

type Form = BTreeMap<String, String>;

impl Issuer {
    pub(crate) fn new(seed: u64, url: String, clock: Arc<Time>) -> Self {
        Self {
            key: EcKey::new(seed, "issuer"),
            url,
            clock,
            state: Mutex::new(SignIns {
                claims: Claims::email("dev@example.com"),
                count: 0,
                codes: BTreeMap::new(),
                held: 0,
            }),
        }
    }

    pub(crate) fn sign_in_as(&self, claims: Claims) {
        self.state.lock().unwrap().claims = claims;
    }

    pub(crate) fn hold_device(&self, polls: u64) {
        self.state.lock().unwrap().held = polls;
    }

    /// A token with these claims and those that every token has.
    pub(crate) fn token(&self, claims: &Claims) -> String {
        let now = self.clock.now().as_second();
        let mut all = json!({
            "iss": self.url,
            "aud": "sigstore",
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(600),
        });
        if let Some(all) = all.as_object_mut() {
            all.extend(claims.0.clone());
        }
        let header = json!({ "alg": "ES256", "kid": self.key_id(), "typ": "JWT" });
        let signed = format!("{}.{}", part(&header), part(&all));
        let signature = self.key.sign_fixed(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token that this issuer signed, that is for Sigstore and
    /// that is valid now.
    pub(crate) fn read(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !self.key.verify_fixed(signed.as_bytes(), &signature) {
            return None;
        }
        let (_, claims) = signed.split_once('.')?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let now = self.clock.now().as_second();
        let in_time = claims.get("exp")?.as_i64()? > now;
        let for_us = claims.get("aud")? == "sigstore";
        let trusted =
            claims.get("email").is_none() || claims.get("email_verified") == Some(&json!(true));
        (in_time && for_us && trusted)
            .then(|| Claims(claims.as_object().cloned().unwrap_or_default()))
    }

    fn key_id(&self) -> String {
        let hash = sha256(self.key.point());
        let (id, _) = hash.split_at(8);
        URL_SAFE_NO_PAD.encode(id)
    }

    /// A code for what was asked.
    fn code(&self, asked: Asked) -> String {
        let mut state = self.state.lock().unwrap();
        state.count = state.count.saturating_add(1);
        let code = format!("code-{}", state.count);
        state.codes.insert(code.clone(), asked);
        code
    }

    /// The answer to whoever brings a code or polls for a device.
    fn redeem(&self, form: &Form) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map(String::as_str);
        let mut state = self.state.lock().unwrap();
        let device = match field("grant_type") {
            Some("authorization_code") => false,
            Some("urn:ietf:params:oauth:grant-type:device_code") => true,
            _ => return Err("unsupported_grant_type"),
        };
        let code = field(if device { "device_code" } else { "code" }).ok_or("invalid_request")?;
        let asked = state.codes.get(code).cloned().ok_or("invalid_grant")?;
        if device && state.held > 0 {
            state.held = state.held.saturating_sub(1);
            return Err("authorization_pending");
        }
        state.codes.remove(code);
        // RFC 7636, 4.6: the verifier hashes to the challenge.
        if let Some(challenge) = &asked.challenge {
            let verifier = field("code_verifier").ok_or("invalid_grant")?;
            if URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())) != *challenge {
                return Err("invalid_grant");
            }
        }
        if !device && asked.redirect.as_deref() != field("redirect_uri") {
            return Err("invalid_grant");
        }
        let mut claims = state.claims.clone();
        if let Some(nonce) = asked.nonce {
            claims = claims.with("nonce", nonce);
        }
        let token = self.token(&claims);
        Ok(json!({
            "access_token": token,
            "id_token": token,
            "token_type": "Bearer",
            "expires_in": 600,
        }))
    }
}

pub(crate) fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/auth", get(authorize))
        .route("/token", post(token))
        .route("/device/code", post(device))
        .route("/actions/token", get(actions))
        .route(
            "/computeMetadata/v1/instance/service-accounts/default/identity",
            get(metadata),
        )
        .with_state(issuer)
}

async fn discovery(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "device_authorization_endpoint": format!("{url}/device/code"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email"],
    }))
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let (_, coordinates) = issuer.key.point().split_at(1);
    let (x, y) = coordinates.split_at(32);
    Json(json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": issuer.key_id(),
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    }] }))
}

/// Whoever comes is signed in at once.
async fn authorize(State(issuer): State<Arc<Issuer>>, Query(query): Query<Form>) -> Response<Body> {
    let field = |name: &str| query.get(name).cloned();
    let redirect = field("redirect_uri").and_then(|text| Url::parse(&text).ok());
    let Some(mut redirect) = redirect.filter(|_| field("response_type").as_deref() == Some("code"))
    else {
        return oauth_error("invalid_request");
    };
    let method = field("code_challenge_method");
    if field("code_challenge").is_some() && method.as_deref() != Some("S256") {
        return oauth_error("invalid_request");
    }
    let code = issuer.code(Asked {
        nonce: field("nonce"),
        challenge: field("code_challenge"),
        redirect: field("redirect_uri"),
    });
    redirect.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = field("state") {
        redirect.query_pairs_mut().append_pair("state", &state);
    }
    (StatusCode::SEE_OTHER, [("location", redirect.to_string())]).into_response()
}

async fn token(State(issuer): State<Arc<Issuer>>, body: String) -> Response<Body> {
    match issuer.redeem(&form(&body)) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => oauth_error(error),
    }
}

async fn device(State(issuer): State<Arc<Issuer>>, body: String) -> Json<Value> {
    let code = issuer.code(Asked {
        challenge: form(&body).remove("code_challenge"),
        ..Asked::default()
    });
    let page = format!("{}/device", issuer.url);
    Json(json!({
        "device_code": code,
        "user_code": "WAXS-EALS",
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code=WAXS-EALS"),
        "expires_in": 300,
        "interval": 1,
    }))
}

/// What a job of GitHub Actions asks: the request token is `request-token`.
async fn actions(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Query(query): Query<Form>,
) -> Response<Body> {
    let allowed = headers.get("authorization").is_some_and(|value| {
        value
            .as_bytes()
            .eq_ignore_ascii_case(b"bearer request-token")
    });
    if !allowed {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({ "value": issuer.workload_token(&query) })).into_response()
}

/// What a machine of Google Cloud asks.
async fn metadata(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Query(query): Query<Form>,
) -> Response<Body> {
    if headers
        .get("metadata-flavor")
        .is_none_or(|value| value != "Google")
    {
        return StatusCode::FORBIDDEN.into_response();
    }
    issuer.workload_token(&query).into_response()
}

impl Issuer {
    /// A token for the audience of a query.
    fn workload_token(&self, query: &Form) -> String {
        let claims = self.state.lock().unwrap().claims.clone();
        let audience = query.get("audience").cloned().unwrap_or_default();
        self.token(&claims.with("aud", audience))
    }
}

fn form(body: &str) -> Form {
    parse(body.as_bytes()).into_owned().collect()
}

fn oauth_error(error: &str) -> Response<Body> {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
