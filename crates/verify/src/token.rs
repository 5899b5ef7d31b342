//! RFC 3161 timestamps as they come: a response with a token in it, or the
//! token alone.
//!
//! Nothing is believed here. What is found out is what a token says, over
//! what, and whether it agrees with itself; whose it is stands in
//! [`timestamp`](crate::timestamp).

use aws_lc_rs::digest::{self, digest};
use cms::content_info::CmsVersion;
use cms::revocation::RevocationInfoChoices;
use cms::signed_data::{
    DigestAlgorithmIdentifiers, SignedAttributes, SignerIdentifier, SignerInfos,
};
use jiff::Timestamp;
use sigstore_verify::tsa::Error;
use x509_cert::der::asn1::{
    Any, AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, SetOfVec, Utf8StringRef,
};
use x509_cert::der::oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA};
use x509_cert::der::oid::db::rfc5912::{ID_SHA_256, ID_SHA_384, ID_SHA_512};
use x509_cert::der::{Decode as _, Encode as _, Sequence};
use x509_tsp::TstInfo;

/// What a token says, to somebody who has yet to find out who says it.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// When it was made.
    pub(crate) time: Timestamp,
    /// Who is said to have signed it.
    pub(crate) signer: SignerIdentifier,
    /// The hash that is signed by.
    pub(crate) hash: ObjectIdentifier,
    /// What is signed.
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// The certificates that came along.
    pub(crate) certificates: Option<SetOfVec<AnyRef<'a>>>,
}

impl<'a> Token<'a> {
    /// Reads a token, which has to be over `stamped`. `bytes` are untrusted.
    pub(crate) fn read(bytes: &'a [u8], stamped: &[u8]) -> Result<Self, Error> {
        let data = signed_data(bytes)?;
        let content = data.encap_content_info.econtent.ok_or(Error::NoTstInfo)?;
        let content = content.as_bytes();
        let info = TstInfo::from_der(content).map_err(|e| unread("TSTInfo", &e))?;
        let imprint = &info.message_imprint;
        let algorithm = &imprint.hash_algorithm.oid;
        let found = hash(algorithm, stamped)
            .ok_or_else(|| Error::Parse(format!("unsupported hash algorithm: {algorithm}")))?;
        same_hash(imprint.hashed_message.as_bytes(), found.as_ref())?;
        let seconds = info.gen_time.to_unix_duration().as_secs();
        let time = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or_else(|| Error::Parse("invalid timestamp in TSTInfo".to_owned()))?;

        // > MUST NOT contain any signatures other than the signature of the TSA.
        // > — RFC 3161, 2.4.2
        let mut signers = data.signer_infos.0.into_vec();
        let signer = signers.pop().ok_or_else(|| wrong("no signer info found"))?;
        if !signers.is_empty() {
            return Err(wrong("more than one signer info"));
        }
        let attributes = signer
            .signed_attrs
            .ok_or_else(|| wrong("no signed attributes found"))?;
        check_attributes(&attributes, content, &signer.digest_alg.oid)?;
        Ok(Self {
            time,
            signer: signer.sid,
            hash: signer.digest_alg.oid,
            // RFC 5652, 5.4: what is signed is the set, not its implicit tag.
            signed: attributes
                .to_der()
                .map_err(|e| wrong(format!("failed to re-encode attributes: {e}")))?,
            signature: signer.signature.into_bytes(),
            certificates: data.certificates,
        })
    }
}

fn signed_data(bytes: &[u8]) -> Result<SignedData<'_>, Error> {
    let content = match Response::from_der(bytes) {
        Ok(response) => {
            let status = response.status.status;
            if status != GRANTED && status != GRANTED_WITH_MODS {
                return Err(Error::Parse(format!(
                    "Timestamp request not granted: {status}"
                )));
            }
            let token = response
                .time_stamp_token
                .ok_or_else(|| Error::Parse("TimeStampResp missing timeStampToken".to_owned()))?;
            token
                .decode_as::<ContentInfo<'_>>()
                .map_err(|e| unread("ContentInfo from token", &e))?
        }
        Err(_) => ContentInfo::from_der(bytes).map_err(|e| unread("TimeStampToken", &e))?,
    };
    if content.content_type != ID_SIGNED_DATA {
        let why = "ContentInfo content type is not SignedData";
        return Err(Error::Parse(why.to_owned()));
    }
    let data: SignedData<'_> = content
        .content
        .decode_as()
        .map_err(|e| unread("SignedData", &e))?;
    if data.encap_content_info.econtent_type != TST_INFO {
        return Err(Error::Parse("encap content type is not TSTInfo".to_owned()));
    }
    Ok(data)
}

/// RFC 5652, 11: what is signed has to name the type of `content` and its
/// hash, each once.
fn check_attributes(
    attributes: &SignedAttributes,
    content: &[u8],
    algorithm: &ObjectIdentifier,
) -> Result<(), Error> {
    let kind: ObjectIdentifier = attribute(attributes, ID_CONTENT_TYPE, "content-type")?
        .decode_as()
        .map_err(|e| wrong(format!("failed to decode content-type: {e}")))?;
    if kind != TST_INFO {
        return Err(wrong("content-type attribute is not TSTInfo"));
    }
    let said: OctetStringRef<'_> = attribute(attributes, ID_MESSAGE_DIGEST, "message-digest")?
        .decode_as()
        .map_err(|e| {
            wrong(format!(
                "failed to decode message-digest as OCTET STRING: {e}"
            ))
        })?;
    let found = hash(algorithm, content)
        .ok_or_else(|| Error::Parse(format!("unsupported signer digest algorithm: {algorithm}")))?;
    same_hash(said.as_bytes(), found.as_ref())
}

/// The one value of the one attribute of a type.
fn attribute<'a>(
    attributes: &'a SignedAttributes,
    oid: ObjectIdentifier,
    name: &str,
) -> Result<&'a Any, Error> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let Some(attribute) = found.next() else {
        return Err(wrong(format!("{name} attribute not found in signed_attrs")));
    };
    match (attribute.values.as_slice(), found.next()) {
        ([value], None) => Ok(value),
        _ => Err(wrong(format!(
            "{name} attribute should have exactly one value"
        ))),
    }
}

fn hash(algorithm: &ObjectIdentifier, bytes: &[u8]) -> Option<digest::Digest> {
    let algorithm = match *algorithm {
        ID_SHA_256 => &digest::SHA256,
        ID_SHA_384 => &digest::SHA384,
        ID_SHA_512 => &digest::SHA512,
        _ => return None,
    };
    Some(digest(algorithm, bytes))
}

fn same_hash(said: &[u8], found: &[u8]) -> Result<(), Error> {
    if said == found {
        return Ok(());
    }
    Err(Error::HashMismatch {
        expected: hex::encode(said),
        actual: hex::encode(found),
    })
}

fn unread(what: &str, error: &x509_cert::der::Error) -> Error {
    Error::Parse(format!("failed to decode {what}: {error}"))
}

pub(crate) fn wrong(why: impl Into<String>) -> Error {
    Error::SignatureVerificationError(why.into())
}

/// RFC 3161, 2.4.2.
#[derive(Sequence)]
struct Response<'a> {
    status: PkiStatusInfo<'a>,
    #[asn1(optional = "true")]
    time_stamp_token: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct PkiStatusInfo<'a> {
    status: u8,
    #[asn1(optional = "true")]
    status_string: Option<Vec<Utf8StringRef<'a>>>,
    #[asn1(optional = "true")]
    fail_info: Option<BitStringRef<'a>>,
}

/// RFC 5652, 3, the content where it stands.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

/// RFC 5652, 5.1. `cms` reads certificates whole, twice each, to put them in
/// order; here they are compared with those of the trust root as they stand.
#[derive(Sequence)]
struct SignedData<'a> {
    version: CmsVersion,
    digest_algorithms: DigestAlgorithmIdentifiers,
    encap_content_info: EncapsulatedContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    certificates: Option<SetOfVec<AnyRef<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    crls: Option<RevocationInfoChoices>,
    signer_infos: SignerInfos,
}

/// RFC 5652, 5.2.
#[derive(Sequence)]
struct EncapsulatedContentInfo<'a> {
    econtent_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    econtent: Option<OctetStringRef<'a>>,
}

const GRANTED: u8 = 0;
const GRANTED_WITH_MODS: u8 = 1;
/// id-ct-TSTInfo.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
