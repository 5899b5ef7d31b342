//! Documents for a private instance.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use waxseal_testkit::sigstore::{LogVersion, Sigstore as Testkit, SigstoreOptions};
use waxseal_trust::{Authority, CreateError, Kind, Log, Provider, Selector, Sigstore, summary};

/// An instance as its operator knows it, and the documents that it has.
struct World {
    operator: Sigstore,
    root: Value,
    config: Value,
}

impl World {
    fn new() -> Self {
        let testkit = Testkit::start(SigstoreOptions::default());
        let root = testkit.trusted_root();
        let config = testkit.signing_config(&[LogVersion::V1, LogVersion::V2]);
        let owner = || Some("waxseal-testkit".to_owned());
        let start = || {
            Some(
                root["tlogs"][0]["publicKey"]["validFor"]["start"]
                    .as_str()?
                    .parse()
                    .unwrap(),
            )
        };
        let authority = |list: &str| Authority {
            url: root[list][0]["uri"].as_str().unwrap().to_owned(),
            chain: chain(&root[list][0]),
            start: start(),
            end: None,
            operator: owner(),
        };
        let log = |list: &str, at: usize, version| Log {
            url: root[list][at]["baseUrl"].as_str().unwrap().to_owned(),
            key: pem("PUBLIC KEY", &root[list][at]["publicKey"]["rawBytes"]),
            version,
            // The testkit's log is called by its host, as Rekor v2 is.
            origin: None,
            start: start(),
            end: None,
            operator: owner(),
        };
        let operator = Sigstore {
            authorities: vec![authority("certificateAuthorities")],
            ct_logs: vec![log("ctlogs", 0, 1)],
            logs: vec![log("tlogs", 0, 1), log("tlogs", 1, 2)],
            timestamp_authorities: vec![authority("timestampAuthorities")],
            providers: vec![Provider {
                url: testkit.issuer_url().to_owned(),
                start: start(),
                end: None,
                operator: owner(),
            }],
            ..Sigstore::default()
        };
        Self {
            operator,
            root,
            config,
        }
    }

    /// What is said to this change.
    fn refused(&self, change: impl FnOnce(&mut Sigstore)) -> String {
        let mut operator = self.operator.clone();
        change(&mut operator);
        let error = operator
            .trusted_root()
            .and_then(|_| operator.signing_config());
        error.unwrap_err().to_string()
    }
}

fn pem(tag: &str, base64: &Value) -> Vec<u8> {
    let der = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    pem::encode(&pem::Pem::new(tag, der)).into_bytes()
}

fn chain(authority: &Value) -> Vec<u8> {
    let certificates = authority["certChain"]["certificates"].as_array().unwrap();
    let blocks = certificates
        .iter()
        .map(|c| pem("CERTIFICATE", &c["rawBytes"]));
    blocks.collect::<Vec<_>>().concat()
}

#[test]
fn the_documents_are_those_of_the_instance() {
    let world = World::new();
    let mut root: Value = serde_json::from_slice(&world.operator.trusted_root().unwrap()).unwrap();
    // Who it is comes from the certificates.
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        assert!(root[list][0]["subject"]["commonName"].is_string());
        root[list][0]["subject"] = world.root[list][0]["subject"].clone();
    }
    assert_eq!(root, world.root);
    let config: Value = serde_json::from_slice(&world.operator.signing_config().unwrap()).unwrap();
    assert_eq!(config, world.config);
}

#[test]
fn they_are_trusted_from_when_on_they_can_be() {
    let world = World::new();
    let mut operator = world.operator.clone();
    let certified: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let later: Timestamp = "2021-01-01T00:00:00Z".parse().unwrap();
    operator.authorities[0].start = None;
    operator.timestamp_authorities[0].start = Some(later);
    operator.logs[1].start = None;
    operator.logs[1].end = Some(later);
    let anchors = summary(&operator.trusted_root().unwrap()).unwrap();
    let of = |kind, at: usize| anchors.iter().filter(|a| a.kind == kind).nth(at).unwrap();
    assert_eq!(of(Kind::CertificateAuthority, 0).start, Some(certified));
    assert_eq!(of(Kind::TimestampAuthority, 0).start, Some(later));
    let log = of(Kind::TransparencyLog, 1);
    assert_eq!((log.start, log.end), (Some(certified), Some(later)));
}

#[test]
fn a_log_may_have_another_name() {
    let world = World::new();
    let id = |origin: Option<&str>, version| {
        let mut operator = world.operator.clone();
        operator.logs[1].origin = origin.map(str::to_owned);
        operator.logs[1].version = version;
        let anchors = summary(&operator.trusted_root().unwrap()).unwrap();
        anchors
            .into_iter()
            .filter(|a| a.kind == Kind::TransparencyLog)
            .nth(1)
            .unwrap()
            .id
    };
    let by_host = id(None, 2);
    assert_eq!(id(Some("127.0.0.1"), 1), by_host);
    assert_ne!(id(Some("elsewhere"), 2), by_host);
    assert_ne!(id(None, 1), by_host);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let world = World::new();
    let fulcio = world.operator.authorities[0].url.clone();
    let rekor = world.operator.logs[0].url.clone();
    let count = |wanted| world.refused(|operator| operator.log_selector = Selector::Exact(wanted));
    assert_eq!(count(3), "3 of 2 logs are to be used");
    assert_eq!(count(0), "0 of 2 logs are to be used");
    assert_eq!(
        Sigstore::default().trusted_root().unwrap_err(),
        CreateError::Empty
    );
    let never = world.refused(|operator| {
        operator.authorities[0].end = Some("2019-01-01T00:00:00Z".parse().unwrap());
    });
    assert_eq!(
        never,
        format!(
            "{fulcio} is trusted from 2020-01-01T00:00:00Z until 2019-01-01T00:00:00Z, which is \
             never"
        )
    );
    let start = world.refused(|operator| {
        operator.authorities.clear();
        operator.timestamp_authorities.clear();
        operator.logs[0].start = None;
    });
    assert_eq!(
        start,
        format!("from when on is {rekor} trusted? It has no certificate that says so")
    );
    let url = world.refused(|operator| operator.logs[0].url = "rekor".to_owned());
    assert_eq!(
        url,
        "`rekor` is no address of a service: relative URL without a base"
    );
    let version = world.refused(|operator| operator.logs[0].version = 3);
    assert_eq!(
        version,
        format!("{rekor} cannot have the interface 3: known are 1 and 2")
    );
    let key = world.refused(|operator| operator.logs[0].key = b"nothing".to_vec());
    assert!(key.starts_with(&format!("the key of {rekor}: ")), "{key}");
}

#[test]
fn chains_that_are_none_are_refused() {
    let world = World::new();
    let fulcio = world.operator.authorities[0].url.clone();
    let said = |chain: Vec<u8>| {
        let said = world.refused(|operator| operator.authorities[0].chain = chain);
        let head = format!("the certificates of {fulcio}: ");
        said.strip_prefix(&head).unwrap().to_owned()
    };
    let whole = world.operator.authorities[0].chain.clone();
    let mut blocks = pem::parse_many(&whole).unwrap();
    assert_eq!(said(Vec::new()), "there are none");
    assert_eq!(
        said(world.operator.logs[0].key.clone()),
        "among them is a `PUBLIC KEY`"
    );
    assert_eq!(said(whole.repeat(16)), "there are more than 16");
    blocks.reverse();
    let reversed = pem::encode_many(&blocks).into_bytes();
    assert!(said(reversed).contains("` was not issued by `"));
    blocks.reverse();
    blocks.pop();
    let open = said(pem::encode_many(&blocks).into_bytes());
    assert!(open.ends_with("which is no root"), "{open}");
}
