//! The documents of a private Sigstore, from its certificates and keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use waxseal_verify::{KeyAlgorithm, KeyError, PublicKey};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::name::Name as X509Name;
use x509_cert::spki::ObjectIdentifier;

use crate::error::StoreError;
use crate::{document, limits};

/// A private instance of Sigstore.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Sigstore {
    /// Who issues certificates.
    pub authorities: Vec<Authority>,
    /// Where certificates are logged.
    pub ct_logs: Vec<Log>,
    /// Where signatures are logged.
    pub logs: Vec<Log>,
    /// Who says what time it is.
    pub timestamp_authorities: Vec<Authority>,
    /// With whom people sign in.
    pub providers: Vec<Provider>,
    /// How many of the logs are written to.
    pub log_selector: Selector,
    /// How many of the timestamp authorities are asked.
    pub timestamp_selector: Selector,
}

/// Somebody with certificates: Fulcio, or a timestamp authority.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Authority {
    /// Where it is.
    pub url: String,
    /// Its certificate, and those above it up to the root, in PEM.
    pub chain: Vec<u8>,
    /// From when on it is trusted; by default, from when on the first
    /// certificate is valid.
    pub start: Option<Timestamp>,
    /// Until when it is trusted.
    pub end: Option<Timestamp>,
    /// Whose it is.
    pub operator: Option<String>,
}

/// Somebody with a key: Rekor, or a certificate transparency log.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Log {
    /// Where it is.
    pub url: String,
    /// Its public key in PEM.
    pub key: Vec<u8>,
    /// Its interface: 1, or 2 for a Rekor of tiles.
    pub version: u32,
    /// What its checkpoints call it; by default, a Rekor v2 is called by its host.
    pub origin: Option<String>,
    /// From when on it is trusted; by default, as the first of the authorities.
    pub start: Option<Timestamp>,
    /// Until when it is trusted.
    pub end: Option<Timestamp>,
    /// Whose it is.
    pub operator: Option<String>,
}

/// Somebody who knows people.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Provider {
    /// Where it is.
    pub url: String,
    /// From when on it is used; by default, as the first of the authorities.
    pub start: Option<Timestamp>,
    /// Until when it is used.
    pub end: Option<Timestamp>,
    /// Whose it is.
    pub operator: Option<String>,
}

/// How many services of one kind are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format has these")]
pub enum Selector {
    /// All of them.
    All,
    /// One.
    #[default]
    Any,
    /// That many.
    Exact(u32),
}

/// Why no documents can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The certificates are not what they have to be.
    #[error("the certificates of {url}: {reason}")]
    Chain {
        /// Whose.
        url: String,
        /// What is wrong with them.
        reason: String,
    },
    /// More services are wanted than there are.
    #[error("{wanted} of {there} {what} are to be used")]
    Count {
        /// Which services.
        what: &'static str,
        /// How many are wanted.
        wanted: u32,
        /// How many there are.
        there: usize,
    },
    /// It would trust nobody.
    #[error("a trusted root without any authority or log trusts nobody")]
    Empty,
    /// A key cannot be used.
    #[error("the key of {url}: {reason}")]
    Key {
        /// Whose.
        url: String,
        /// What is wrong with it.
        reason: KeyError,
    },
    /// A kind of key for which the format has no name.
    #[error("the key of {url}: a trusted root cannot name a key of the kind {algorithm}")]
    KeyKind {
        /// Whose.
        url: String,
        /// What kind.
        algorithm: KeyAlgorithm,
    },
    /// It ends before it begins.
    #[error("{url} is trusted from {start} until {end}, which is never")]
    Never {
        /// Whose time.
        url: String,
        /// When it begins.
        start: Timestamp,
        /// When it ends.
        end: Timestamp,
    },
    /// Nobody said from when on.
    #[error("from when on is {url} trusted? It has no certificate that says so")]
    Start {
        /// Who.
        url: String,
    },
    /// The documents were made and cannot be used.
    #[error(transparent)]
    Unusable(#[from] StoreError),
    /// It is no address.
    #[error("`{url}` is no address of a service: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such interface.
    #[error("{url} cannot have the interface {version}: known are 1 and 2")]
    Version {
        /// Whose.
        url: String,
        /// Which.
        version: u32,
    },
}

impl Sigstore {
    /// The `trusted_root.json`.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn trusted_root(&self) -> Result<Vec<u8>, CreateError> {
        let nobody = self.authorities.is_empty()
            && self.ct_logs.is_empty()
            && self.logs.is_empty()
            && self.timestamp_authorities.is_empty();
        if nobody {
            return Err(CreateError::Empty);
        }
        let from = self.first_start()?;
        let logs = |logs: &[Log]| -> Result<Vec<Value>, CreateError> {
            logs.iter().map(|log| log.trusted(from)).collect()
        };
        let authorities = |all: &[Authority]| -> Result<Vec<Value>, CreateError> {
            all.iter().map(Authority::trusted).collect()
        };
        let root = written(&json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": logs(&self.logs)?,
            "certificateAuthorities": authorities(&self.authorities)?,
            "ctlogs": logs(&self.ct_logs)?,
            "timestampAuthorities": authorities(&self.timestamp_authorities)?,
        }));
        document::check(&root, None)?;
        Ok(root)
    }

    /// The `signing_config.json`, v0.2.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn signing_config(&self) -> Result<Vec<u8>, CreateError> {
        let from = self.first_start()?;
        let authorities = |all: &[Authority]| -> Result<Vec<Value>, CreateError> {
            let one = |a: &Authority| {
                let start = a.start(&a.certificates()?)?;
                service(&a.url, 1, Some(start), a.end, a.operator.as_deref())
            };
            all.iter().map(one).collect()
        };
        let log = |l: &Log| {
            let start = l.start.or(from);
            service(&l.url, l.version, start, l.end, l.operator.as_deref())
        };
        let logs: Vec<Value> = self.logs.iter().map(log).collect::<Result<_, _>>()?;
        let provider =
            |p: &Provider| service(&p.url, 1, p.start.or(from), p.end, p.operator.as_deref());
        let providers: Vec<Value> = self
            .providers
            .iter()
            .map(provider)
            .collect::<Result<_, _>>()?;
        let timestamps = self.timestamp_authorities.len();
        let config = written(&json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": authorities(&self.authorities)?,
            "oidcUrls": providers,
            "rekorTlogUrls": logs,
            "rekorTlogConfig": self.log_selector.written("logs", self.logs.len())?,
            "tsaUrls": authorities(&self.timestamp_authorities)?,
            "tsaConfig": self.timestamp_selector.written("timestamp authorities", timestamps)?,
        }));
        Ok(config)
    }

    fn first_start(&self) -> Result<Option<Timestamp>, CreateError> {
        let mut first: Option<Timestamp> = None;
        for authority in self.authorities.iter().chain(&self.timestamp_authorities) {
            let start = authority.start(&authority.certificates()?)?;
            first = Some(first.map_or(start, |first| first.min(start)));
        }
        Ok(first)
    }
}

impl Authority {
    /// The certificates, the first one the authority's own, each issued by the
    /// next, the last by itself.
    fn certificates(&self) -> Result<Vec<Certificate>, CreateError> {
        let refused = |reason: String| CreateError::Chain {
            url: self.url.clone(),
            reason,
        };
        let blocks = pem::parse_many(&self.chain).map_err(|e| refused(e.to_string()))?;
        if blocks.len() > limits::CHAIN {
            return Err(refused(format!("there are more than {}", limits::CHAIN)));
        }
        let mut chain: Vec<Certificate> = Vec::new();
        for block in &blocks {
            if block.tag() != "CERTIFICATE" {
                let tag = block.tag().escape_debug();
                return Err(refused(format!("among them is a `{tag}`")));
            }
            let certificate =
                Certificate::from_der(block.contents()).map_err(|e| refused(e.to_string()))?;
            if let Some(below) = chain.last()
                && below.tbs_certificate.issuer != certificate.tbs_certificate.subject
            {
                return Err(refused(format!(
                    "`{}` was not issued by `{}`, which comes after it; the authority's own \
                     comes first, then the one above it, up to the root",
                    below.tbs_certificate.subject, certificate.tbs_certificate.subject
                )));
            }
            chain.push(certificate);
        }
        let Some(last) = chain.last() else {
            return Err(refused("there are none".to_owned()));
        };
        if last.tbs_certificate.issuer != last.tbs_certificate.subject {
            return Err(refused(format!(
                "they end with `{}`, which is no root",
                last.tbs_certificate.subject
            )));
        }
        Ok(chain)
    }

    fn start(&self, chain: &[Certificate]) -> Result<Timestamp, CreateError> {
        if let Some(start) = self.start {
            return Ok(start);
        }
        let first = chain.first().map(|c| c.tbs_certificate.validity.not_before);
        let seconds = first.map(|time| time.to_unix_duration().as_secs());
        seconds
            .and_then(|seconds| i64::try_from(seconds).ok())
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or_else(|| CreateError::Start {
                url: self.url.clone(),
            })
    }

    fn trusted(&self) -> Result<Value, CreateError> {
        check_url(&self.url)?;
        let chain = self.certificates()?;
        let mut certificates = Vec::new();
        for certificate in &chain {
            let der = certificate.to_der().map_err(|e| CreateError::Chain {
                url: self.url.clone(),
                reason: e.to_string(),
            })?;
            certificates.push(json!({ "rawBytes": STANDARD.encode(der) }));
        }
        // The words of the root: what is above the others is whose they are.
        let mut subject = Map::new();
        if let Some(root) = chain.last() {
            let name = &root.tbs_certificate.subject;
            for (key, oid) in [("organization", ORGANIZATION), ("commonName", COMMON_NAME)] {
                if let Some(word) = word(name, oid) {
                    subject.insert(key.to_owned(), word.into());
                }
            }
        }
        Ok(json!({
            "subject": subject,
            "uri": self.url,
            "certChain": { "certificates": certificates },
            "validFor": span(&self.url, self.start(&chain)?, self.end)?,
        }))
    }
}

impl Log {
    fn trusted(&self, from: Option<Timestamp>) -> Result<Value, CreateError> {
        check_url(&self.url)?;
        let key = PublicKey::from_pem(&self.key).map_err(|reason| CreateError::Key {
            url: self.url.clone(),
            reason,
        })?;
        let start = self.start.or(from).ok_or_else(|| CreateError::Start {
            url: self.url.clone(),
        })?;
        Ok(json!({
            "baseUrl": self.url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(key.spki_der()),
                "keyDetails": self.details(key.algorithm())?,
                "validFor": span(&self.url, start, self.end)?,
            },
            "logId": { "keyId": STANDARD.encode(self.id(&key)) },
        }))
    }

    /// The names of protobuf-specs' `PublicKeyDetails`.
    fn details(&self, algorithm: KeyAlgorithm) -> Result<&'static str, CreateError> {
        Ok(match algorithm {
            KeyAlgorithm::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
            KeyAlgorithm::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
            KeyAlgorithm::EcdsaP521 => "PKIX_ECDSA_P521_SHA_512",
            KeyAlgorithm::Ed25519 => "PKIX_ED25519",
            KeyAlgorithm::Rsa { bits: 2048 } => "PKIX_RSA_PKCS1V15_2048_SHA256",
            KeyAlgorithm::Rsa { bits: 3072 } => "PKIX_RSA_PKCS1V15_3072_SHA256",
            KeyAlgorithm::Rsa { bits: 4096 } => "PKIX_RSA_PKCS1V15_4096_SHA256",
            algorithm => {
                return Err(CreateError::KeyKind {
                    url: self.url.clone(),
                    algorithm,
                });
            }
        })
    }

    /// RFC 6962: the digest of the key. C2SP signed-note, for an Ed25519 key that
    /// signs checkpoints by name: the digest of both.
    fn id(&self, key: &PublicKey) -> Vec<u8> {
        let spki = key.spki_der();
        let named = self.version == 2 || self.origin.is_some();
        let (Some((_, raw)), true) = (spki.split_last_chunk::<32>(), named) else {
            return Sha256::digest(spki).to_vec();
        };
        if key.algorithm() != KeyAlgorithm::Ed25519 {
            return Sha256::digest(spki).to_vec();
        }
        let host = Url::parse(&self.url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let origin = self.origin.as_deref().unwrap_or(host);
        Sha256::digest([origin.as_bytes(), b"\n\x01", raw].concat()).to_vec()
    }
}

impl Selector {
    fn written(self, what: &'static str, there: usize) -> Result<Value, CreateError> {
        Ok(match self {
            Self::All => json!({ "selector": "ALL" }),
            Self::Any => json!({ "selector": "ANY" }),
            Self::Exact(wanted) => {
                let enough = usize::try_from(wanted).is_ok_and(|n| n > 0 && n <= there);
                if !enough {
                    return Err(CreateError::Count {
                        what,
                        wanted,
                        there,
                    });
                }
                json!({ "selector": "EXACT", "count": wanted })
            }
        })
    }
}

fn service(
    url: &str,
    version: u32,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    operator: Option<&str>,
) -> Result<Value, CreateError> {
    check_url(url)?;
    let url = url.to_owned();
    if !matches!(version, 1 | 2) {
        return Err(CreateError::Version { url, version });
    }
    let Some(start) = start else {
        return Err(CreateError::Start { url });
    };
    Ok(json!({
        "url": url,
        "majorApiVersion": version,
        "validFor": span(&url, start, end)?,
        "operator": operator.unwrap_or_default(),
    }))
}

fn span(url: &str, start: Timestamp, end: Option<Timestamp>) -> Result<Value, CreateError> {
    let Some(end) = end else {
        return Ok(json!({ "start": start.to_string() }));
    };
    if end <= start {
        let url = url.to_owned();
        return Err(CreateError::Never { url, start, end });
    }
    Ok(json!({ "start": start.to_string(), "end": end.to_string() }))
}

fn check_url(text: &str) -> Result<(), CreateError> {
    let refused = |reason: String| CreateError::Url {
        url: text.escape_debug().to_string(),
        reason,
    };
    let url = Url::parse(text).map_err(|e| refused(e.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(refused("it is neither https nor http".to_owned()));
    }
    Ok(())
}

fn word(name: &X509Name, oid: ObjectIdentifier) -> Option<String> {
    let mut all = name.0.iter().flat_map(|set| set.0.iter());
    let found = all.find(|one| one.oid == oid)?;
    String::from_utf8(found.value.value().to_vec()).ok()
}

fn written(document: &Value) -> Vec<u8> {
    let mut bytes = format!("{document:#}").into_bytes();
    bytes.push(b'\n');
    bytes
}

/// RFC 4519.
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
