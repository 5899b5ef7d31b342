//! The real services, started on free ports of loopback and stopped when
//! dropped.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::process::{Process, free_ports};
use waxseal_testkit::sigstore::{Claims, Clock, LogVersion, Sigstore, SigstoreOptions};

/// Fulcio, Rekor v2 and the timestamp authority, with the test kit's issuer,
/// CT log and Rekor v1.
pub(crate) struct Services {
    double: Sigstore,
    root: Value,
    addresses: Value,
    parts: String,
    _servers: [Process; 3],
}

/// Who signs.
pub(crate) const PERSON: &str = "dev@example.com";

impl Services {
    /// Starts everything and waits until it answers. Logs and what a client
    /// needs are in `folder`.
    pub(crate) fn start(bin: &Path, folder: &Path) -> Self {
        let double = Sigstore::start(SigstoreOptions {
            clock: Clock::Machine,
            ..SigstoreOptions::default()
        });
        let [
            fulcio,
            fulcio_grpc,
            fulcio_metrics,
            rekor,
            rekor_grpc,
            rekor_metrics,
            tsa,
        ] = free_ports();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let words = |text: String| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };

        let issuer = double.issuer_url();
        let config = folder.join("fulcio.json");
        let issuers = json!({ "OIDCIssuers": { issuer: {
            "IssuerURL": issuer,
            "ClientID": "sigstore",
            "Type": "email",
        } } });
        fs::write(&config, issuers.to_string()).expect("a file");
        let fulcio_server = Process::start(
            &bin.join("fulcio"),
            words(format!(
                "serve --ca ephemeralca --config-path {} --ct-log-url {} --host 127.0.0.1 --port {fulcio} \
                 --grpc-host 127.0.0.1 --grpc-port {fulcio_grpc} --metrics-port {fulcio_metrics} \
                 --legacy-unix-domain-socket {}",
                text(&config),
                double.ct_log_url(),
                text(&folder.join("fulcio.sock")),
            )),
            &folder.join("fulcio.log"),
        );

        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let key_file = folder.join("rekor.pem");
        fs::write(&key_file, key.serialize_pem()).expect("a file");
        // Clients derive the log's name from the host of its address, without
        // the port.
        let rekor_server = Process::start(
            &bin.join("rekor-server-posix"),
            words(format!(
                "serve --storage-dir {} --signer-filepath {} --hostname {HOST} \
                 --http-address 127.0.0.1 --http-port {rekor} --grpc-address 127.0.0.1 \
                 --grpc-port {rekor_grpc} --http-metrics-port {rekor_metrics} --checkpoint-interval 200ms",
                text(&folder.join("rekor")),
                text(&key_file),
            )),
            &folder.join("rekor.log"),
        );

        // Its metrics bind port 2112 whatever it is told.
        let tsa_server = Process::start(
            &bin.join("timestamp-server"),
            words(format!(
                "serve --host 127.0.0.1 --port {tsa} --timestamp-signer memory --disable-ntp-monitoring"
            )),
            &folder.join("tsa.log"),
        );
        let mut servers = [fulcio_server, rekor_server, tsa_server];
        for (server, port) in servers.iter_mut().zip([fulcio, rekor, tsa]) {
            server.answers(port);
        }

        let at = |port: u16| format!("http://127.0.0.1:{port}");
        let tsa_url = format!("{}/api/v1/timestamp", at(tsa));
        let chain = fetch(&format!("{}/api/v2/trustBundle", at(fulcio)));
        let chain: Value = serde_json::from_str(&chain).expect("JSON");
        let chain: Vec<&str> = chain
            .pointer("/chains/0/certificates")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let stampers = fetch(&format!("{tsa_url}/certchain"));

        let mut root = double.trusted_root();
        let id = [HOST.as_bytes(), b"\n\x01", key.der_bytes()].concat();
        // The test kit's Rekor v1 stays beside it: the real one wants databases.
        let former = root.pointer("/tlogs/0").cloned().unwrap_or_default();
        let log = json!({
            "baseUrl": at(rekor),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(key.subject_public_key_info()),
                "keyDetails": "PKIX_ED25519",
                "validFor": { "start": START },
            },
            "logId": { "keyId": STANDARD.encode(Digest::sha256(&id).to_bytes()) },
        });
        set(&mut root, "tlogs", json!([former, log]));
        set(
            &mut root,
            "certificateAuthorities",
            authority(&at(fulcio), &chain.concat()),
        );
        set(
            &mut root,
            "timestampAuthorities",
            authority(&tsa_url, &stampers),
        );
        write(folder, "trusted_root.json", &root);
        for (suffix, version) in [("", LogVersion::V2), ("_v1", LogVersion::V1)] {
            let mut config = double.signing_config(&[version]);
            set(&mut config, "caUrls", service(&at(fulcio), 1));
            set(&mut config, "tsaUrls", service(&tsa_url, 1));
            if version == LogVersion::V2 {
                set(&mut config, "rekorTlogUrls", service(&at(rekor), 2));
            }
            let both = json!({
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": root,
                "signingConfig": config,
            });
            write(folder, &format!("signing_config{suffix}.json"), &config);
            write(folder, &format!("trust_config{suffix}.json"), &both);
        }
        let ct_key = root.pointer("/ctlogs/0/publicKey/rawBytes");
        let ct_key = ct_key.and_then(Value::as_str).unwrap_or_default();
        let log_key = STANDARD.encode(key.subject_public_key_info());
        for (name, content) in [
            ("fulcio.pem", chain.concat()),
            ("tsa.pem", stampers),
            ("ct.pub", public_key(ct_key)),
            ("rekor.pub", public_key(&log_key)),
        ] {
            fs::write(folder.join(name), content).expect("a file");
        }
        let parts = format!(
            "--fulcio url={},certificate-chain=fulcio.pem \
             --ctfe url={},public-key=ct.pub \
             --rekor url={},public-key=rekor.pub,api-version=2,origin={HOST} \
             --tsa url={tsa_url},certificate-chain=tsa.pem \
             --oidc-provider url={issuer}",
            at(fulcio),
            double.ct_log_url(),
            at(rekor),
        );
        let addresses = json!({
            "issuer": issuer,
            "fulcio": at(fulcio),
            "ctLog": double.ct_log_url(),
            "rekor": at(rekor),
            "rekorV1": double.rekor_v1_url(),
            "timestampAuthority": tsa_url,
        });
        Self {
            parts,
            double,
            root,
            addresses,
            _servers: servers,
        }
    }

    /// The address of the issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.double.issuer_url()
    }

    /// A token for the person who signs.
    pub(crate) fn token(&self) -> String {
        self.token_with(&Claims::email(PERSON))
    }

    /// A token with any claims.
    pub(crate) fn token_with(&self, claims: &Claims) -> String {
        self.double.token(claims)
    }

    /// The trusted root of the real services.
    pub(crate) fn trusted_root(&self) -> &Value {
        &self.root
    }

    /// The flags with which `waxseal trust create` makes documents for them, of
    /// the certificates and keys in the folder.
    pub(crate) fn parts(&self) -> &str {
        &self.parts
    }

    /// Where everything is, for programs.
    pub(crate) fn addresses(&self) -> &Value {
        &self.addresses
    }
}

fn fetch(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let answer = client.get(url).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.text().await.expect("a body")
    })
}

fn write(folder: &Path, name: &str, content: &Value) {
    fs::write(folder.join(name), content.to_string()).expect("a file");
}

fn set(document: &mut Value, name: &str, value: Value) {
    let document = document.as_object_mut().expect("an object");
    document.insert(name.to_owned(), value);
}

/// An authority by its chain in PEM, leaf or intermediate first.
fn authority(url: &str, chain: &str) -> Value {
    let chain = pem::parse_many(chain).expect("certificates");
    let chain: Vec<Value> = chain
        .iter()
        .map(|certificate| json!({ "rawBytes": STANDARD.encode(certificate.contents()) }))
        .collect();
    json!([{
        "subject": { "organization": "interop", "commonName": "interop" },
        "uri": url,
        "certChain": { "certificates": chain },
        "validFor": { "start": START },
    }])
}

fn public_key(base64: &str) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
}

fn service(url: &str, version: u32) -> Value {
    json!([{
        "url": url,
        "majorApiVersion": version,
        "validFor": { "start": START },
        "operator": "interop",
    }])
}

/// The host of every address.
const HOST: &str = "127.0.0.1";
/// From when on everything is trusted.
const START: &str = "2020-01-01T00:00:00Z";
