//! The certificate authority for identities: Fulcio, interface v2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use waxseal_verify::PublicKey;
use zeroize::Zeroize as _;

use super::{Call, Endpoint, Http, Service, ServiceError, under};
use crate::{IdentityToken, limits};

/// Asks for a certificate over a key for the bearer of a token. `proof` is the
/// key's signature over the bearer's name.
///
/// Returns the certificate for the signature, in DER. The chain to the root is
/// the trust root's business.
pub(crate) async fn certificate(
    http: &Http,
    authority: &Endpoint,
    token: &IdentityToken,
    key: &PublicKey,
    proof: &[u8],
) -> Result<Vec<u8>, ServiceError> {
    let mut body = json!({
        "credentials": { "oidcIdentityToken": token.secret() },
        "publicKeyRequest": {
            "publicKey": { "algorithm": "ECDSA", "content": key.to_pem() },
            "proofOfPossession": STANDARD.encode(proof),
        },
    });
    let text = body.to_string();
    if let Some(serde_json::Value::String(copy)) =
        body.pointer_mut("/credentials/oidcIdentityToken")
    {
        copy.zeroize();
    }
    let url = under(&authority.url, "/api/v2/signingCert");
    let call = Call::post(Service::Fulcio, url, "application/json", text.into_bytes())
        .secret(token.secret());
    let answer = http.send(&call).await?.success()?;
    let issued: Issued = answer.json()?;
    let chain = match (
        issued.signed_certificate_embedded_sct,
        issued.signed_certificate_detached_sct,
    ) {
        (Some(issued), None) => issued.chain.certificates,
        (None, Some(_)) => {
            return Err(answer.malformed(
                "the certificate comes without its place in the transparency log, \
                 which a bundle cannot carry beside it",
            ));
        }
        _ => return Err(answer.malformed("it holds no certificate, or two")),
    };
    if chain.len() > limits::CERTIFICATES {
        return Err(answer.malformed(format!(
            "it holds more than {} certificates",
            limits::CERTIFICATES
        )));
    }
    let leaf = chain.first().map(pem::parse);
    match leaf {
        Some(Ok(leaf)) if leaf.tag() == "CERTIFICATE" => Ok(leaf.into_contents()),
        _ => Err(answer.malformed("the certificate is not in PEM")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    #[serde(default)]
    signed_certificate_embedded_sct: Option<WithChain>,
    #[serde(default)]
    signed_certificate_detached_sct: Option<WithChain>,
}

#[derive(Deserialize)]
struct WithChain {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}
