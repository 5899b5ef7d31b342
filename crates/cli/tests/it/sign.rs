//! `sign` and `attest`, on registries with and without the referrers API.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Stdio;

use serde_json::Value;
use waxseal_attestation::PredicateType;
use waxseal_oci::{CosignTag, Descriptor, Digest, media, referrers_tag};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};

use crate::run::{Place, Ran};

fn registry(referrers: bool) -> Registry {
    Registry::start(Options {
        referrers,
        ..Options::default()
    })
}

fn image(registry: &Registry) -> PushedImage {
    registry.push_image("shop/api", "1.0", &ImageSpec::tiny())
}

/// A place with the key pair `cosign3.key`, and how to sign with it there.
struct Signer {
    place: Place,
}

impl Signer {
    fn new() -> Self {
        let place = Place::new();
        place.key("cosign3.key");
        Self { place }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let flags = ["--insecure-http", "--key", "cosign3.key"];
        self.place.run(arguments.iter().copied().chain(flags))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let ran = self.run(&all);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }
}

/// What the registry lists as referrers of an image.
fn referrers(registry: &Registry, image: &Digest) -> Vec<Value> {
    let api = format!("/v2/shop/api/referrers/{image}");
    let (status, _, body) = registry.inside("GET", &api, &[], Vec::new());
    let list = if status == 200 {
        body
    } else {
        registry
            .manifest("shop/api", &referrers_tag(image))
            .unwrap_or(b"{}".to_vec())
    };
    let list: Value = serde_json::from_slice(&list).unwrap();
    list.get("manifests")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn manifest(registry: &Registry, digest: &Value) -> Value {
    let bytes = registry
        .manifest("shop/api", digest.as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn what_is_broken_beside_an_image_is_no_reason_not_to_sign_it() {
    let signer = Signer::new();
    for api in [true, false] {
        let registry = registry(api);
        let image = image(&registry);
        // A registry that collects garbage keeps the manifest of a bundle that is gone.
        let gone = Descriptor::of(media::SIGSTORE_BUNDLE_V03, b"gone");
        let subject = &image.descriptor;
        let now = jiff::Timestamp::UNIX_EPOCH;
        let manifest =
            waxseal_sign::bundle_manifest(&gone, PredicateType::SIGN, subject, now).unwrap();
        let digest = Digest::sha256(&manifest).to_string();
        let kind = media::OCI_MANIFEST;
        let broken = registry.push_manifest("shop/api", &digest, kind, &manifest);
        if !api {
            let list = waxseal_oci::Index::new(vec![broken.descriptor]);
            let tag = referrers_tag(&image.digest);
            let bytes = list.to_bytes().unwrap();
            registry.push_manifest("shop/api", &tag, media::OCI_INDEX, &bytes);
        }
        let answer = signer.json(&["sign", &image.by_digest]);
        assert_eq!(answer["images"][0]["signedAlready"], false);
        assert_eq!(referrers(&registry, &image.digest).len(), 2);
        let answer = signer.json(&["sign", &image.by_digest]);
        assert_eq!(answer["images"][0]["signedAlready"], true);
    }
}

#[test]
fn a_tag_is_looked_up_once_and_its_digest_is_signed() {
    let (registry, signer) = (registry(true), Signer::new());
    let image = image(&registry);
    // `-y` as scripts for cosign have it: with a key nothing is asked.
    let ran = signer.run(&["sign", "-y", &image.reference, "-a", "env=prod"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, format!("{}\n", image.by_digest));
    assert_eq!(
        ran.stderr,
        format!(
            "warning: `{}` is a tag, which may name another image by now; signing {}\n\
             {}: signed (referrers)\n",
            image.reference, image.digest, image.by_digest
        )
    );

    let listed = referrers(&registry, &image.digest);
    assert_eq!(listed.len(), 1);
    let manifest = manifest(&registry, &listed[0]["digest"]);
    let bundle_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    assert_eq!(manifest["artifactType"], bundle_type);
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.oci.empty.v1+json"
    );
    assert_eq!(manifest["subject"]["digest"], image.digest.as_str());
    assert_eq!(manifest["subject"]["size"], image.descriptor.size);
    assert_eq!(
        manifest["annotations"]["dev.sigstore.bundle.content"],
        "dsse-envelope"
    );
    assert_eq!(
        manifest["annotations"]["dev.sigstore.bundle.predicateType"],
        "https://sigstore.dev/cosign/sign/v1"
    );
    let created = manifest["annotations"]["org.opencontainers.image.created"]
        .as_str()
        .unwrap();
    assert_eq!(
        (created.len(), created.ends_with('Z')),
        (20, true),
        "{created}"
    );
    assert_eq!(manifest["layers"][0]["mediaType"], bundle_type);
    let layer = manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let bundle: Value =
        serde_json::from_slice(&registry.blob("shop/api", &layer).unwrap()).unwrap();
    assert_eq!(bundle["mediaType"], bundle_type);
    // cosign refuses a signature that has a `keyid`.
    assert!(
        bundle["dsseEnvelope"]["signatures"][0]
            .get("keyid")
            .is_none()
    );
}

#[test]
fn signing_costs_few_requests() {
    let (registry, signer) = (registry(true), Signer::new());
    let first = image(&registry);
    signer.json(&["sign", &first.by_digest]);
    let second = registry.push_image("shop/api", "2.0", &ImageSpec::tiny().with_marker("2"));
    registry.reset();
    signer.json(&["sign", &second.reference]);
    let asked: Vec<_> = registry
        .log()
        .iter()
        .map(|r| format!("{} {}", r.method, r.kind()))
        .collect();
    assert!(asked.len() <= 6, "{asked:?}");
    registry.reset();
    signer.json(&["sign", &second.reference, "--force"]);
    assert!(registry.count() <= 5, "{:?}", registry.stats());
}

#[test]
fn signing_again_neither_loses_nor_duplicates() {
    for referrers_api in [true, false] {
        for legacy in [false, true] {
            let (registry, signer) = (registry(referrers_api), Signer::new());
            let image = image(&registry);
            let count = || {
                if legacy {
                    let tag = CosignTag::Signature.tag(&image.digest);
                    let bytes = registry.manifest("shop/api", &tag).unwrap();
                    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
                    manifest["layers"].as_array().unwrap().len()
                } else {
                    referrers(&registry, &image.digest).len()
                }
            };
            let sign = |more: &[&str]| {
                let mut all = vec!["sign", &image.by_digest];
                all.extend(more);
                if legacy {
                    all.push("--legacy");
                }
                signer.json(&all)["images"][0].clone()
            };
            let first = sign(&[]);
            assert_eq!(first["signedAlready"], false);
            let place = match (legacy, referrers_api) {
                (true, _) => ".sig tag",
                (false, true) => "referrers",
                (false, false) => "fallback tag",
            };
            assert_eq!(first["place"], place);
            let again = sign(&[]);
            assert_eq!(again["signedAlready"], true, "{place}");
            assert_eq!(again["manifest"], first["manifest"]);
            assert_eq!(count(), 1, "{place}");
            // Other words are another signature, and leave the first one be.
            assert_eq!(sign(&["-a", "env=prod"])["signedAlready"], false);
            assert_eq!(sign(&["-a", "env=prod"])["signedAlready"], true);
            assert_eq!(count(), 2, "{place}");
            assert_eq!(sign(&["--force"])["signedAlready"], false);
            assert_eq!(count(), 3, "{place}");
            // So is another key.
            signer.place.ok(["keygen"]);
            let mut other = vec![
                "sign",
                &image.by_digest,
                "--insecure-http",
                "-k",
                "waxseal.key",
            ];
            other.extend(legacy.then_some("--legacy"));
            signer.place.ok(other);
            assert_eq!(count(), 4, "{place}");
        }
    }
}

#[test]
fn an_index_is_signed_with_its_platforms() {
    let (registry, signer) = (registry(true), Signer::new());
    let platforms = [
        "linux/amd64",
        "linux/arm64",
        "linux/arm/v7",
        "linux/s390x",
        "linux/ppc64le",
        "linux/riscv64",
    ];
    let (index, members) = registry.push_index("shop/api", "1.0", &platforms);
    registry.reset();
    let ran = signer.run(&["sign", "--recursive", &index.reference]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let wanted: Vec<&str> = std::iter::once(&index)
        .chain(&members)
        .map(|i| i.by_digest.as_str())
        .collect();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), wanted);
    for image in std::iter::once(&index).chain(&members) {
        assert_eq!(referrers(&registry, &image.digest).len(), 1);
    }
    // Without --recursive the platforms are left alone.
    let (index, members) = registry.push_index("shop/api", "2.0", &platforms);
    signer.json(&["sign", &index.by_digest]);
    assert_eq!(referrers(&registry, &index.digest).len(), 1);
    assert_eq!(referrers(&registry, &members[0].digest).len(), 0);
}

#[test]
fn many_images_are_signed_in_one_run() {
    let (registry, signer) = (registry(true), Signer::new());
    let images: Vec<PushedImage> = (0..20)
        .map(|n| {
            let spec = ImageSpec::tiny().with_marker(&n.to_string());
            registry.push_image("shop/api", &n.to_string(), &spec)
        })
        .collect();
    let mut arguments = vec!["sign"];
    arguments.extend(images.iter().map(|i| i.by_digest.as_str()));
    // One that stands there twice is signed once.
    arguments.push(&images[0].reference);
    let ran = signer.run(&arguments);
    let wanted: Vec<&str> = images.iter().map(|i| i.by_digest.as_str()).collect();
    assert_eq!(
        ran.stdout.lines().collect::<Vec<_>>(),
        wanted,
        "{}",
        ran.stderr
    );
    for image in &images {
        assert_eq!(referrers(&registry, &image.digest).len(), 1);
    }
}

#[test]
fn what_cannot_be_signed_says_why() {
    let (registry, signer) = (registry(true), Signer::new());
    let image = image(&registry);
    let missing = format!("{}/shop/api:2.0", registry.host());
    let ran = signer.run(&["sign", &missing]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains(&missing), "{}", ran.stderr);
    let usage = |arguments: &[&str]| {
        let ran = signer.run(arguments);
        (ran.code, ran.stderr)
    };
    assert_eq!(
        usage(&["sign", &image.reference, "-a", "prod"]),
        (
            Some(2),
            "error: the annotation `prod` is not KEY=VALUE\n".to_owned()
        )
    );
    assert_eq!(
        usage(&["sign", &image.reference, "-a", "env=a", "-a", "env=b"]),
        (
            Some(2),
            "error: the annotation `env` is given twice\n".to_owned()
        )
    );
    let (code, stderr) = usage(&["sign", "shop/Api"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: the image `shop/Api`: "),
        "{stderr}"
    );
    registry.reset();
    let mut command = signer
        .place
        .command(["sign", "--insecure-http", "-k", "cosign3.key"]);
    command
        .arg(&image.reference)
        .env("WAXSEAL_PASSWORD", "wrong");
    let ran = Ran::of(command);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("wrong password for the encrypted key"),
        "{}",
        ran.stderr
    );
    assert_eq!(referrers(&registry, &image.digest).len(), 0);
}

#[test]
fn an_sbom_is_checked_and_attested() {
    for referrers_api in [true, false] {
        let (registry, signer) = (registry(referrers_api), Signer::new());
        let image = image(&registry);
        let sbom = |digest: &Digest| {
            format!(
                r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
                "metadata":{{"component":{{"type":"container","name":"api","version":"{digest}"}}}},
                "components":[{{"type":"library","name":"zlib","version":"1.0"}}]}}"#
            )
        };
        signer.place.write("bom.json", sbom(&image.digest));
        let answer = signer.json(&["attest", &image.by_digest, "--sbom", "bom.json"]);
        assert_eq!(answer["predicateType"], "https://cyclonedx.org/bom");
        let listed = referrers(&registry, &image.digest);
        assert_eq!(listed.len(), 1);
        let manifest = manifest(&registry, &listed[0]["digest"]);
        assert_eq!(
            manifest["annotations"]["dev.sigstore.bundle.predicateType"],
            "https://cyclonedx.org/bom"
        );

        let other = Digest::sha256(b"another image");
        signer.place.write("other.json", sbom(&other));
        let ran = signer.run(&["attest", &image.by_digest, "--sbom", "other.json"]);
        assert_eq!(ran.code, Some(1));
        assert_eq!(
            ran.stderr,
            format!(
                "error: `other.json`: the SBOM describes `{other}`, not the image `{}`\n\
                 hint: attest the image that it describes; `--type … --predicate FILE` makes no \
                 such check\n",
                image.digest
            )
        );
        signer.place.write(
            "empty.json",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#,
        );
        let ran = signer.run(&["attest", &image.by_digest, "--sbom", "empty.json"]);
        assert_eq!(
            ran.stderr,
            "error: `empty.json`: the SBOM lists nothing: `components` is empty or missing\n"
        );
        assert_eq!(referrers(&registry, &image.digest).len(), 1);
    }
}

#[test]
fn any_predicate_is_attested_by_name_or_uri() {
    let (registry, signer) = (registry(true), Signer::new());
    let image = image(&registry);
    signer
        .place
        .write("p.json", "{\"builder\": {\"id\": \"https://ci\"}}\n");
    signer.place.write("p.txt", "not JSON at all\n");
    let attest = |kind: &str, file: &str| {
        let ran = signer.run(&[
            "attest",
            &image.by_digest,
            "--type",
            kind,
            "--predicate",
            file,
        ]);
        (ran.code, ran.stderr)
    };
    for (kind, file) in [
        ("slsaprovenance1", "p.json"),
        ("vuln", "p.json"),
        ("https://example.com/release/v1", "p.json"),
        ("custom", "p.txt"),
    ] {
        assert_eq!(attest(kind, file).0, Some(0), "{kind}");
    }
    assert_eq!(referrers(&registry, &image.digest).len(), 4);
    signer.place.write("twice.json", r#"{"a":1,"a":2}"#);
    assert_eq!(
        attest("vuln", "twice.json"),
        (
            Some(1),
            "error: `twice.json`: the key `a` stands twice in one object\n".to_owned()
        )
    );
    signer.place.write("list.json", "[]");
    assert_eq!(
        attest("vuln", "list.json"),
        (
            Some(1),
            "error: `list.json`: a predicate is a JSON object\n".to_owned()
        )
    );
    let (code, stderr) = attest("spdxjso", "p.json");
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: unknown predicate type `spdxjso`"),
        "{stderr}"
    );
    let ran = signer.run(&["attest", &image.by_digest, "--type", "vuln"]);
    assert_eq!(ran.code, Some(2));
    let ran = signer.run(&["attest", &image.by_digest]);
    assert_eq!(ran.code, Some(2));

    let legacy = signer.json(&[
        "attest",
        &image.by_digest,
        "--type",
        "vuln",
        "--predicate",
        "p.json",
        "--legacy",
    ]);
    assert_eq!(legacy["place"], ".att tag");
    let tag = CosignTag::Attestation.tag(&image.digest);
    let manifest: Value =
        serde_json::from_slice(&registry.manifest("shop/api", &tag).unwrap()).unwrap();
    assert_eq!(
        manifest["layers"][0]["annotations"],
        serde_json::json!({
            "dev.cosignproject.cosign/signature": "",
            "predicateType": "https://cosign.sigstore.dev/attestation/vuln/v1"
        })
    );
}

#[test]
fn many_signers_at_once_lose_nothing() {
    for legacy in [false, true] {
        let registry = registry(false);
        let image = image(&registry);
        let place = Place::new();
        place.key("p256.pkcs8.pem");
        let signers: Vec<_> = (0..12)
            .map(|n| {
                let mut command =
                    place.command(["sign", "--insecure-http", "-k", "p256.pkcs8.pem"]);
                command
                    .arg(&image.by_digest)
                    .args(["-a", &format!("signer={n}")]);
                if legacy {
                    command.arg("--legacy");
                }
                command
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut signer in signers {
            assert!(signer.wait().unwrap().success());
        }
        let count = if legacy {
            let tag = CosignTag::Signature.tag(&image.digest);
            let bytes = registry.manifest("shop/api", &tag).unwrap();
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            manifest["layers"].as_array().unwrap().len()
        } else {
            referrers(&registry, &image.digest).len()
        };
        assert_eq!(count, 12, "legacy: {legacy}");
    }
}
