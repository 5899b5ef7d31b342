//! A certificate authority for identities.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::oid::AssociatedOid as _;
use der::oid::db::rfc5280::ID_KP_CODE_SIGNING;
use der::{Decode as _, DecodePem as _, Encode as _};
use serde::Deserialize;
use serde_json::json;
use x509_cert::Certificate;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::name::Name;
use x509_cert::request::CertReq;
use x509_cert::spki::{Document, SubjectPublicKeyInfoOwned};

use super::Time;
use super::around::{Spoil, refusal};
use super::certificate::{Authority, leaf_extensions, minutes, pem};
use super::claims::Claims;
use super::ct_log::{self, CtLog};
use super::issuer::Issuer;
use super::key::verify;
use crate::KeyKind;

pub(crate) struct Fulcio {
    root: Authority,
    intermediate: Authority,
    other: Authority,
    clock: Arc<Time>,
    issuer: Arc<Issuer>,
    ct_log: Arc<CtLog>,
}

impl Fulcio {
    pub(crate) fn new(
        kind: KeyKind,
        seed: u64,
        clock: Arc<Time>,
        issuer: Arc<Issuer>,
        ct_log: Arc<CtLog>,
    ) -> Self {
        let root = Authority::root(kind, seed, "fulcio-root");
        let intermediate = root.intermediate("fulcio-intermediate", ID_KP_CODE_SIGNING);
        // The same names, other keys.
        let other = Authority::root(kind, !seed, "fulcio-root")
            .intermediate("fulcio-intermediate", ID_KP_CODE_SIGNING);
        Self {
            root,
            intermediate,
            other,
            clock,
            issuer,
            ct_log,
        }
    }

    /// The intermediate and the root.
    pub(crate) fn chain(&self) -> [&Certificate; 2] {
        [self.intermediate.certificate(), self.root.certificate()]
    }

    /// A certificate for the bearer of a token, over a key that is theirs.
    pub(crate) fn issue(
        &self,
        claims: &Claims,
        key: SubjectPublicKeyInfoOwned,
        spoil: Spoil,
    ) -> Option<Certificate> {
        let authority = match spoil {
            Spoil::Chain => &self.other,
            _ => &self.intermediate,
        };
        let mut extensions = leaf_extensions(ID_KP_CODE_SIGNING, false, &key, authority);
        if spoil == Spoil::Purpose {
            extensions.retain(|extension| extension.extn_id != ExtendedKeyUsage::OID);
        }
        extensions.extend(claims.extensions()?);
        let validity = minutes(self.clock.now(), 10);
        let mut leaf = authority.unsigned(Name::default(), validity, key, extensions);
        let logged = match spoil {
            Spoil::Sct => self.root.certificate().tbs_certificate.clone(),
            _ => leaf.clone(),
        };
        let promise = self.ct_log.promise(&logged, authority.key_hash());
        leaf.extensions
            .get_or_insert_with(Extensions::new)
            .push(ct_log::list(promise));
        Some(authority.sign(leaf))
    }
}

pub(crate) fn router(fulcio: Arc<Fulcio>) -> Router {
    Router::new()
        .route("/api/v2/signingCert", post(signing_cert))
        .route("/api/v2/trustBundle", get(trust_bundle))
        .with_state(fulcio)
}

async fn trust_bundle(State(fulcio): State<Arc<Fulcio>>) -> Json<serde_json::Value> {
    Json(json!({ "chains": [{ "certificates": fulcio.chain().map(pem) }] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SigningRequest {
    credentials: Option<Credentials>,
    public_key_request: Option<KeyRequest>,
    certificate_signing_request: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    oidc_identity_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyRequest {
    public_key: PublicKey,
    proof_of_possession: String,
}

#[derive(Deserialize)]
struct PublicKey {
    content: String,
}

async fn signing_cert(
    State(fulcio): State<Arc<Fulcio>>,
    Extension(spoil): Extension<Spoil>,
    headers: HeaderMap,
    Json(request): Json<SigningRequest>,
) -> Response<Body> {
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = request
        .credentials
        .as_ref()
        .map(|c| c.oidc_identity_token.as_str());
    let Some(claims) = given.or(bearer).and_then(|token| fulcio.issuer.read(token)) else {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "There was an error processing the identity token",
        );
    };
    let key = match (
        &request.public_key_request,
        &request.certificate_signing_request,
    ) {
        (Some(request), None) => possessed(request, &claims),
        (None, Some(request)) => requested(request),
        _ => None,
    };
    let Some(key) = key else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "The signature supplied in the request could not be verified",
        );
    };
    // Somebody else's key: a certificate that its receiver cannot sign for.
    let key = match spoil {
        Spoil::Content => fulcio
            .other
            .certificate()
            .tbs_certificate
            .subject_public_key_info
            .clone(),
        _ => key,
    };
    let Some(leaf) = fulcio.issue(&claims, key, spoil) else {
        return refusal(StatusCode::BAD_REQUEST, "the token names nobody");
    };
    let [intermediate, root] = fulcio.chain();
    let certificates = [&leaf, intermediate, root].map(pem);
    let body = json!({
        "signedCertificateEmbeddedSct": { "chain": { "certificates": certificates } },
    });
    Json(body).into_response()
}

/// The key of a request, if whoever has it signed the token's subject.
fn possessed(request: &KeyRequest, claims: &Claims) -> Option<SubjectPublicKeyInfoOwned> {
    let (_, document) = Document::from_pem(&request.public_key.content).ok()?;
    let proof = STANDARD.decode(&request.proof_of_possession).ok()?;
    let challenge = claims.challenge()?;
    if !verify(document.as_bytes(), challenge.as_bytes(), &proof) {
        return None;
    }
    SubjectPublicKeyInfoOwned::from_der(document.as_bytes()).ok()
}

/// The key of a PKCS#10 request that its holder signed.
fn requested(request: &str) -> Option<SubjectPublicKeyInfoOwned> {
    let request = CertReq::from_pem(STANDARD.decode(request).ok()?).ok()?;
    let key = request.info.public_key.to_der().ok()?;
    let message = request.info.to_der().ok()?;
    let signature = request.signature.as_bytes()?;
    verify(&key, &message, signature).then(|| request.info.public_key.clone())
}
