//! What clients are told about an instance: whom to trust and where to go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use x509_cert::Certificate;

use super::certificate::{START, der};
use super::key::sha256;
use super::{LogVersion, Sigstore};

impl Sigstore {
    /// The trusted root that describes this instance.
    #[must_use]
    pub fn trusted_root(&self) -> Value {
        let ct_key = self.ct_log.public_der();
        let v1_key = self.rekor_v1.public_der();
        let v2_key = self.rekor_v2.public_der();
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                log(self.rekor_v1_url(), &v1_key, ECDSA, sha256(&v1_key)),
                log(self.rekor_v2_url(), &v2_key, "PKIX_ED25519", self.rekor_v2.log_id()),
            ],
            "certificateAuthorities": [authority(self.fulcio_url(), &self.fulcio.chain())],
            "ctlogs": [log(self.ct_log_url(), &ct_key, ECDSA, sha256(&ct_key))],
            "timestampAuthorities": [authority(&self.tsa_url(), &self.tsa.chain())],
        })
    }

    /// The signing config that leads to this instance, its timestamp authority
    /// and these logs.
    #[must_use]
    pub fn signing_config(&self, logs: &[LogVersion]) -> Value {
        let logs: Vec<Value> = logs
            .iter()
            .map(|version| match version {
                LogVersion::V1 | LogVersion::V1Intoto => service(self.rekor_v1_url(), 1),
                LogVersion::V2 | LogVersion::V2Dsse => service(self.rekor_v2_url(), 2),
            })
            .collect();
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(self.fulcio_url(), 1)],
            "oidcUrls": [service(self.issuer_url(), 1)],
            "rekorTlogUrls": logs,
            "tsaUrls": [service(&self.tsa_url(), 1)],
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaConfig": { "selector": "ANY" },
        })
    }
}

fn log(url: &str, key: &[u8], details: &str, id: [u8; 32]) -> Value {
    json!({
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": STANDARD.encode(key),
            "keyDetails": details,
            "validFor": { "start": START.to_string() },
        },
        "logId": { "keyId": STANDARD.encode(id) },
    })
}

fn authority(url: &str, chain: &[&Certificate]) -> Value {
    let certificates: Vec<Value> = chain
        .iter()
        .map(|certificate| json!({ "rawBytes": STANDARD.encode(der(certificate)) }))
        .collect();
    json!({
        "subject": { "organization": "waxseal-testkit", "commonName": "testkit" },
        "uri": url,
        "certChain": { "certificates": certificates },
        "validFor": { "start": START.to_string() },
    })
}

fn service(url: &str, version: u32) -> Value {
    json!({
        "url": url,
        "majorApiVersion": version,
        "validFor": { "start": START.to_string() },
        "operator": "waxseal-testkit",
    })
}

const ECDSA: &str = "PKIX_ECDSA_P256_SHA_256";
