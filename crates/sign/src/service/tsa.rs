//! The timestamp authority: RFC 3161 over HTTP.

use aws_lc_rs::digest::{SHA256, digest};
use cms::signed_data::SignedData;
use der::asn1::{Int, OctetString, Uint};
use der::oid::db::rfc5912::ID_SHA_256;
use der::{Decode as _, Encode as _};
use spki::AlgorithmIdentifierOwned;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use super::call::Answer;
use super::{Call, Endpoint, Http, Service, ServiceError};
use crate::SignError;

/// The response to a request about a signature, as a bundle holds it. Who
/// signed it, and over what, is left to the verifier.
pub(crate) async fn timestamp(
    http: &Http,
    authority: &Endpoint,
    signature: &[u8],
) -> Result<Vec<u8>, SignError> {
    let nonce = nonce()?;
    let request = request(signature, &nonce).map_err(|e| SignError::Write {
        what: "timestamp request",
        cause: e.to_string(),
    })?;
    let url = authority.url.clone();
    let call = Call::post(Service::Tsa, url, "application/timestamp-query", request);
    let answer = http.send(&call).await?.success()?;
    check(&answer, &nonce)?;
    Ok(answer.body().to_vec())
}

/// RFC 3161, 2.4.1: the certificate is asked for, so that who holds the bundle
/// can find it.
fn request(signature: &[u8], nonce: &Int) -> der::Result<Vec<u8>> {
    TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: ID_SHA_256,
                parameters: None,
            },
            hashed_message: OctetString::new(digest(&SHA256, signature).as_ref())?,
        },
        req_policy: None,
        nonce: Some(nonce.clone()),
        cert_req: true,
        extensions: None,
    }
    .to_der()
}

/// RFC 3161, 2.4.2: the request was granted, and the nonce is the request's.
fn check(answer: &Answer, nonce: &Int) -> Result<(), ServiceError> {
    let unreadable = |e: der::Error| answer.malformed(format!("no timestamp response: {e}"));
    let response = TimeStampResp::from_der(answer.body()).map_err(unreadable)?;
    let Some(token) = response.time_stamp_token else {
        return Err(answer.malformed("the request was not granted"));
    };
    let content = token.content.to_der().map_err(unreadable)?;
    let signed = SignedData::from_der(&content).map_err(unreadable)?;
    let Some(info) = signed.encap_content_info.econtent else {
        return Err(answer.malformed("the timestamp is empty"));
    };
    let info = TstInfo::from_der(info.value()).map_err(unreadable)?;
    if info.nonce.as_ref() != Some(nonce) {
        return Err(answer.malformed("the timestamp answers another request"));
    }
    Ok(())
}

fn nonce() -> Result<Int, SignError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| SignError::Random)?;
    let positive = Uint::new(&bytes).map_err(|_| SignError::Random)?;
    Ok(Int::from(positive))
}
