//! A certificate transparency log: it promises to log a precertificate.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Decode as _, Encode as _};
use serde::Deserialize;
use serde_json::json;
use tls_codec::{SerializeBytes as _, TlsByteVecU16, TlsByteVecU24, TlsSerializeBytes, TlsSize};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::sct::LogId;
use x509_cert::ext::pkix::sct::{
    DigitallySigned, HashAlgorithm, SerializedSct, SignatureAlgorithm, SignatureAndHashAlgorithm,
    SignedCertificateTimestamp, SignedCertificateTimestampList, Version,
};
use x509_cert::spki::ObjectIdentifier;
use x509_cert::{Certificate, TbsCertificate};

use super::Time;
use super::around::refusal;
use super::certificate::extension;
use super::key::{EcKey, sha256};

pub(crate) struct CtLog {
    key: EcKey,
    clock: Arc<Time>,
}

impl CtLog {
    pub(crate) fn new(seed: u64, clock: Arc<Time>) -> Self {
        Self {
            key: EcKey::new(seed, "ct-log"),
            clock,
        }
    }

    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.key.spki_der()
    }

    /// RFC 6962, 3.2: the timestamp of a precertificate.
    pub(crate) fn promise(
        &self,
        precertificate: &TbsCertificate,
        issuer: [u8; 32],
    ) -> SignedCertificateTimestamp {
        let milliseconds = self.clock.now().as_millisecond();
        let timestamp = u64::try_from(milliseconds).expect("after 1970");
        let signed = SignedEntry {
            version: 0,
            signature_type: 0,
            timestamp,
            entry_type: 1,
            issuer,
            certificate: TlsByteVecU24::new(precertificate.to_der().expect("a certificate")),
            extensions: TlsByteVecU16::new(Vec::new()),
        };
        let signature = self.key.sign(&signed.tls_serialize().expect("an entry"));
        SignedCertificateTimestamp {
            version: Version::V1,
            log_id: LogId {
                key_id: sha256(&self.public_der()),
            },
            timestamp,
            extensions: TlsByteVecU16::new(Vec::new()),
            signature: DigitallySigned {
                algorithm: SignatureAndHashAlgorithm {
                    hash: HashAlgorithm::Sha256,
                    signature: SignatureAlgorithm::Ecdsa,
                },
                signature: TlsByteVecU16::new(signature),
            },
        }
    }
}

/// The extension that holds a certificate's timestamps.
pub(crate) fn list(timestamp: SignedCertificateTimestamp) -> Extension {
    let timestamp = SerializedSct::new(timestamp).expect("a timestamp");
    let list = SignedCertificateTimestampList::new(&[timestamp]).expect("a list");
    extension(&list, false)
}

/// RFC 6962, 3.2: what a certificate timestamp's signature is over.
#[derive(TlsSerializeBytes, TlsSize)]
struct SignedEntry {
    version: u8,
    signature_type: u8,
    timestamp: u64,
    entry_type: u16,
    issuer: [u8; 32],
    certificate: TlsByteVecU24,
    extensions: TlsByteVecU16,
}

pub(crate) fn router(log: Arc<CtLog>) -> Router {
    Router::new()
        .route("/ct/v1/add-pre-chain", post(add_pre_chain))
        .route(
            "/ct/v1/get-roots",
            get(|| async { Json(json!({ "certificates": [] })) }),
        )
        .with_state(log)
}

#[derive(Deserialize)]
struct Chain {
    chain: Vec<String>,
}

async fn add_pre_chain(State(log): State<Arc<CtLog>>, Json(chain): Json<Chain>) -> Response<Body> {
    let certificates: Vec<Certificate> = chain
        .chain
        .iter()
        .filter_map(|text| Certificate::from_der(&STANDARD.decode(text).ok()?).ok())
        .collect();
    let [precertificate, issuer, ..] = certificates.as_slice() else {
        return refusal(StatusCode::BAD_REQUEST, "no certificate and issuer");
    };
    let mut unsigned = precertificate.tbs_certificate.clone();
    let mut poisoned = false;
    if let Some(extensions) = &mut unsigned.extensions {
        poisoned = extensions
            .iter()
            .any(|extension| extension.extn_id == POISON);
        extensions.retain(|extension| extension.extn_id != POISON);
    }
    if !poisoned {
        return refusal(StatusCode::BAD_REQUEST, "not a precertificate");
    }
    let issuer = &issuer.tbs_certificate.subject_public_key_info;
    let issuer = sha256(&issuer.to_der().expect("a public key"));
    let promise = log.promise(&unsigned, issuer);
    let signature = promise.signature.tls_serialize().expect("a signature");
    Json(json!({
        "sct_version": 0,
        "id": STANDARD.encode(promise.log_id.key_id),
        "timestamp": promise.timestamp,
        "extensions": "",
        "signature": STANDARD.encode(signature),
    }))
    .into_response()
}

/// RFC 6962, 3.1: the extension that spoils a precertificate.
const POISON: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.3");
