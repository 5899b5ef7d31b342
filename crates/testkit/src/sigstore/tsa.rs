//! A timestamp authority (RFC 3161).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Extension, Router};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use der::asn1::{Any, GeneralizedTime, Int, OctetString, SetOfVec, Uint};
use der::oid::ObjectIdentifier;
use der::oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA};
use der::oid::db::rfc5912::{ID_KP_TIME_STAMPING, ID_SHA_256};
use der::{Decode as _, Encode as _, Sequence};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_tsp::{MessageImprint, TimeStampReq, TspVersion, TstInfo};

use super::Time;
use super::around::Spoil;
use super::certificate::{Authority, START, between, leaf_extensions, pem};
use super::key::sha256;
use super::signer::SignerKey;
use crate::KeyKind;

pub(crate) struct Tsa {
    signer: Signer,
    other: Signer,
    clock: Arc<Time>,
    count: AtomicU64,
}

struct Signer {
    key: SignerKey,
    certificate: Certificate,
    root: Certificate,
}

impl Signer {
    fn new(kind: KeyKind, seed: u64) -> Self {
        let root = Authority::root(kind, seed, "tsa-root");
        let key = SignerKey::new(kind, seed, "tsa");
        let extensions = leaf_extensions(ID_KP_TIME_STAMPING, true, &key.spki(), &root);
        let subject: Name = "CN=tsa,O=waxseal-testkit".parse().expect("a name");
        let validity = between(
            START,
            START + jiff::SignedDuration::from_hours(24 * 365 * 20),
        );
        let unsigned = root.unsigned(subject, validity, key.spki(), extensions);
        Self {
            certificate: root.sign(unsigned),
            root: root.certificate().clone(),
            key,
        }
    }
}

impl Tsa {
    pub(crate) fn new(kind: KeyKind, seed: u64, clock: Arc<Time>) -> Self {
        Self {
            signer: Signer::new(kind, seed),
            other: Signer::new(kind, !seed),
            clock,
            count: AtomicU64::new(0),
        }
    }

    /// The signer's certificate and the root.
    pub(crate) fn chain(&self) -> [&Certificate; 2] {
        [&self.signer.certificate, &self.signer.root]
    }

    /// A response over a message, as a client asks for it.
    pub(crate) fn timestamp(&self, message: &[u8], spoil: Spoil) -> Vec<u8> {
        let request = TimeStampReq {
            version: TspVersion::V1,
            message_imprint: MessageImprint {
                hash_algorithm: AlgorithmIdentifierOwned {
                    oid: ID_SHA_256,
                    parameters: None,
                },
                hashed_message: OctetString::new(sha256(message)).expect("a hash"),
            },
            req_policy: None,
            nonce: None,
            cert_req: true,
            extensions: None,
        };
        self.stamp(&request, spoil).expect("a timestamp")
    }

    /// The response to a request.
    fn stamp(&self, request: &TimeStampReq, spoil: Spoil) -> der::Result<Vec<u8>> {
        let signer = match spoil {
            Spoil::Chain => &self.other,
            _ => &self.signer,
        };
        let mut imprint = request.message_imprint.clone();
        if spoil == Spoil::Content {
            imprint.hashed_message = OctetString::new(sha256(b"somebody else's"))?;
        }
        let count = self.count.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let seconds = u64::try_from(self.clock.now().as_second()).expect("after 1970");
        let info = TstInfo {
            version: TspVersion::V1,
            policy: POLICY,
            message_imprint: imprint,
            serial_number: Int::from(Uint::new(&count.to_be_bytes())?),
            gen_time: GeneralizedTime::from_unix_duration(Duration::from_secs(seconds))?,
            accuracy: None,
            ordering: false,
            nonce: request.nonce.clone(),
            tsa: None,
            extensions: None,
        };
        let token = signer.token(&info.to_der()?, request.cert_req)?;
        let status = Status { status: 0 };
        Granted { status, token }.to_der()
    }
}

impl Signer {
    /// RFC 5652, 5.4: the signature is over the attributes, which have the
    /// hash of the content.
    fn token(&self, info: &[u8], with_certificates: bool) -> der::Result<ContentInfo> {
        let certificate_hash = sha256(&self.certificate.to_der()?);
        let named = SigningCertificate {
            certificates: vec![CertificateId {
                hash: OctetString::new(certificate_hash)?,
            }],
        };
        let hash = OctetString::new(self.key.hash(info))?;
        let attributes = SignedAttributes::try_from(vec![
            attribute(ID_CONTENT_TYPE, Any::encode_from(&TST_INFO)?)?,
            attribute(ID_MESSAGE_DIGEST, Any::encode_from(&hash)?)?,
            attribute(SIGNING_CERTIFICATE, Any::encode_from(&named)?)?,
        ])?;
        let signature = self.key.sign(&attributes.to_der()?, false);
        let hash_algorithm = self.key.hash_algorithm();
        let certificate = &self.certificate.tbs_certificate;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: certificate.issuer.clone(),
                serial_number: certificate.serial_number.clone(),
            }),
            digest_alg: hash_algorithm.clone(),
            signed_attrs: Some(attributes),
            signature_algorithm: self.key.signature_algorithm(),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        };
        let certificates =
            [&self.certificate, &self.root].map(|c| CertificateChoices::Certificate(c.clone()));
        let certificates = CertificateSet::try_from(certificates.to_vec())?;
        let signed = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from(vec![hash_algorithm])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: TST_INFO,
                econtent: Some(Any::encode_from(&OctetString::new(info)?)?),
            },
            certificates: with_certificates.then_some(certificates),
            crls: None,
            signer_infos: SignerInfos::try_from(vec![signer])?,
        };
        Ok(ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&signed)?,
        })
    }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    let values = SetOfVec::try_from(vec![value])?;
    Ok(Attribute { oid, values })
}

/// RFC 3161, 2.4.2: a response with a token.
#[derive(Sequence)]
struct Granted {
    status: Status,
    token: ContentInfo,
}

#[derive(Sequence)]
struct Status {
    status: u8,
}

/// RFC 5816: which certificate signed, by its SHA-256.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
}

#[derive(Sequence)]
struct CertificateId {
    hash: OctetString,
}

pub(crate) fn router(tsa: Arc<Tsa>) -> Router {
    Router::new()
        .route(PATH, post(timestamp))
        .route("/api/v1/timestamp/certchain", get(chain))
        .with_state(tsa)
}

async fn chain(State(tsa): State<Arc<Tsa>>) -> String {
    tsa.chain().map(pem).concat()
}

async fn timestamp(
    State(tsa): State<Arc<Tsa>>,
    Extension(spoil): Extension<Spoil>,
    body: Bytes,
) -> Response<Body> {
    let Ok(request) = TimeStampReq::from_der(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = tsa.stamp(&request, spoil).expect("a timestamp");
    let kind = [("content-type", "application/timestamp-reply")];
    (StatusCode::CREATED, kind, answer).into_response()
}

/// Where requests are sent.
pub(crate) const PATH: &str = "/api/v1/timestamp";
/// The policy that Sigstore's own authority names.
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2");
/// id-aa-signingCertificateV2.
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// id-ct-TSTInfo.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
