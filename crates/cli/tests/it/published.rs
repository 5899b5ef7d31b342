//! `verify-blob` with an identity in place of a key, with a digest in place of
//! a file, and provenance as GitHub, npm and PyPI publish it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waxseal_oci::{Algorithm, Digest};
use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, Witnesses};

use crate::keyless::{BLOB, GITHUB, WORKFLOW, World};

const SLSA: &str = "https://slsa.dev/provenance/v1";
const PYPI: &str = "https://docs.pypi.org/attestations/publish/v1";
const REUSABLE: &str = "hint: --signer-workflow or --signer-repo names a workflow of another \
                        repository that builds for this one\n";

fn digest(algorithm: Algorithm) -> Digest {
    Digest::of(algorithm, BLOB.as_bytes())
}

/// What `verify-blob` says to `blob`, or what stands in its place.
fn verify(world: &World, subject: &str, flags: &[&str]) -> (Option<i32>, String) {
    let arguments = ["verify-blob", subject, "--bundle", "bundle.json"];
    let root = ["--trusted-root", "root.json"];
    let ran = world.place.run([&arguments, &root[..], flags].concat());
    (ran.code, format!("{}{}", ran.stdout, ran.stderr))
}

fn refused(subject: &str, why: &str) -> (Option<i32>, String) {
    (Some(3), format!("{subject}: refused\n  because {why}\n"))
}

fn statement(kind: &str, name: &str, algorithm: Algorithm) -> String {
    let digest = digest(algorithm);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": name, "digest": { algorithm.name(): digest.hex() } }],
        "predicateType": kind,
        "predicate": {},
    });
    statement.to_string()
}

/// A bundle with a statement by the workflow of `octo/app`.
fn attested(world: &World, kind: &str, name: &str, algorithm: Algorithm) -> Value {
    let statement = statement(kind, name, algorithm);
    let payload = Payload::Statement(statement.as_bytes());
    world
        .sigstore
        .bundle(&Claims::github(), payload, Witnesses::FORMER)
}

#[test]
fn a_file_is_verified_by_an_identity() {
    let world = World::with(&[LogVersion::V1]);
    world.ok(&["sign-blob", "blob", "-b", "bundle.json"]);
    let identity = ["--certificate-identity", WORKFLOW];
    let issuer = ["--certificate-oidc-issuer", GITHUB];
    let both = [identity, issuer].concat();
    let (code, said) = verify(&world, "blob", &both);
    assert_eq!(code, Some(0), "{said}");
    let sha256 = digest(Algorithm::Sha256);
    assert!(
        said.starts_with(&format!(
            "blob: verified\n  digest       {sha256}\n  signed by    {WORKFLOW}, as {GITHUB} says\n"
        )),
        "{said}"
    );
    // The digest will do in place of the file, and only that digest.
    assert_eq!(verify(&world, sha256.as_str(), &both).0, Some(0));
    let other = Digest::sha256(b"another");
    assert_eq!(
        verify(&world, other.as_str(), &both),
        refused(
            other.as_str(),
            &format!("it is about {sha256}, not {other}")
        )
    );
    let patterns = [
        "--certificate-identity-regexp",
        "https://github.com/octo/.*",
        "--certificate-oidc-issuer-regexp",
        "https://token.*",
    ];
    assert_eq!(verify(&world, "blob", &patterns).0, Some(0));
    let demanding = [&both[..], &["--timestamp", "required"]].concat();
    assert_eq!(verify(&world, "blob", &demanding).0, Some(0));
    let stranger = ["--certificate-identity", "https://github.com/octo/other"];
    assert_eq!(
        verify(&world, "blob", &[stranger, issuer].concat()),
        refused(
            "blob",
            &format!("the certificate is for `{WORKFLOW}`, not `https://github.com/octo/other`")
        )
    );
    let elsewhere = ["--certificate-oidc-issuer", "https://gitlab.com"];
    assert_eq!(
        verify(&world, "blob", &[identity, elsewhere].concat()),
        refused(
            "blob",
            &format!("the identity was issued by `{GITHUB}`, not `https://gitlab.com`")
        )
    );
    // Any of a key and an identity will do.
    world.place.key("cosign3.pub");
    let either = [&["-k", "cosign3.pub"], &both[..]].concat();
    assert_eq!(verify(&world, "blob", &either).0, Some(0));
}

#[test]
fn an_identity_needs_an_issuer_and_is_of_the_public_sigstore_unless_said() {
    let world = World::with(&[LogVersion::V1]);
    world.ok(&["sign-blob", "blob", "-b", "bundle.json"]);
    assert_eq!(
        verify(&world, "blob", &["--certificate-identity", WORKFLOW]),
        (
            Some(2),
            "error: an identity says nothing without who vouches for it\n\
             hint: give --certificate-oidc-issuer\n"
                .to_owned()
        )
    );
    let identity = [
        "--certificate-identity",
        WORKFLOW,
        "--certificate-oidc-issuer",
        GITHUB,
    ];
    assert_eq!(verify(&world, "blob", &identity).0, Some(0));
    // Another instance's logs are not the public one's.
    let arguments = ["verify-blob", "blob", "--bundle", "bundle.json"];
    let ran = world.place.run([&arguments[..], &identity].concat());
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (
            Some(3),
            "blob: refused\n  because log entry: no trusted log signed the checkpoint\n",
            "trust root `sigstore`: the copy in this program; `waxseal trust update sigstore` \
             fetches the current one\n"
        )
    );
    for flags in [
        &[][..],
        &["--certificate-oidc-issuer", GITHUB],
        &["--github", "octo/app", "-k", "blob"],
        &["--github", "octo/app", "--npm", "octo/app"],
        &["--github", "octo/app", "--certificate-identity", WORKFLOW],
        &["--npm", "octo"],
        &["--github", "gitlab.com/octo/app"],
        &["--pypi", "octo/app/more"],
        &["--pypi", "octo/*"],
    ] {
        let (code, said) = verify(&world, "blob", flags);
        assert_eq!(code, Some(2), "{flags:?}: {said}");
    }
}

#[test]
fn provenance_from_github() {
    let world = World::with(&[LogVersion::V1]);
    let bundle = attested(&world, SLSA, "blob", Algorithm::Sha256);
    let other = attested(&world, "https://example.com/p", "blob", Algorithm::Sha256);
    let listed = json!({ "attestations": [
        { "bundle": other, "repository_id": 1 },
        { "bundle": bundle, "repository_id": 1 },
    ] });
    for document in [
        bundle.to_string(),
        listed.to_string(),
        format!("{other}\n{bundle}\n"),
    ] {
        world.place.write("bundle.json", document);
        for source in [
            "octo/app",
            "octo",
            "OCTO/App",
            "https://github.com/octo/app",
        ] {
            let (code, said) = verify(&world, "blob", &["--github", source]);
            assert_eq!(code, Some(0), "{source}: {said}");
        }
        let sha256 = digest(Algorithm::Sha256);
        let (code, said) = verify(&world, sha256.as_str(), &["--github", "octo/app"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("attestation  {SLSA}\n  of           blob\n")));
    }
    let pattern = r"(?i:https://github\.com/octo/ap)/.+";
    let (code, said) = refused(
        "blob",
        &format!(
            "the certificate is for `{WORKFLOW}`, which `{pattern}` does not match from end to end"
        ),
    );
    assert_eq!(
        verify(&world, "blob", &["--github", "octo/ap"]),
        (code, format!("{said}{REUSABLE}"))
    );
    // A signature says nothing about where something comes from.
    world.ok(&["sign-blob", "blob", "-b", "bundle.json"]);
    assert_eq!(
        verify(&world, "blob", &["--github", "octo/app"]),
        refused(
            "blob",
            "the bundle is a signature, not an attestation of slsaprovenance1"
        )
    );
    world.place.write("bundle.json", other.to_string());
    assert_eq!(
        verify(&world, "blob", &["--github", "octo/app"]),
        refused(
            "blob",
            "the bundle is an attestation of https://example.com/p, not of slsaprovenance1"
        )
    );
    let (code, said) = verify(
        &world,
        "blob",
        &["--github", "octo/app", "--type", "https://example.com/p"],
    );
    assert_eq!(code, Some(0), "{said}");
}

/// A workflow of another repository builds for this one, where that is asked for.
#[test]
fn provenance_by_a_reusable_workflow() {
    let world = World::with(&[LogVersion::V1]);
    let reusable = "acme/ci/.github/workflows/build.yml@refs/tags/v2";
    let claims = Claims::github().with("job_workflow_ref", reusable);
    let name = "pkg:npm/%40octo/app@1.2.3";
    let statement = statement(SLSA, name, Algorithm::Sha512);
    let payload = Payload::Statement(statement.as_bytes());
    let bundle = world.sigstore.bundle(&claims, payload, Witnesses::FORMER);
    world.place.write("bundle.json", bundle.to_string());
    for place in ["--github", "--npm"] {
        let ran = verify(&world, "blob", &[place, "octo/app"]);
        let pattern = r"(?i:https://github\.com/octo/app)/.+";
        let (code, said) = refused(
            "blob",
            &format!(
                "the certificate is for `https://github.com/{reusable}`, which `{pattern}` does not match from end to end"
            ),
        );
        assert_eq!(ran, (code, format!("{said}{REUSABLE}")));
        for flags in [
            ["--signer-workflow", reusable],
            ["--signer-repo", "acme/ci"],
        ] {
            let (code, said) = verify(&world, "blob", &[&[place, "octo/app"], &flags[..]].concat());
            assert_eq!(code, Some(0), "{said}");
            let (code, said) = verify(&world, "blob", &[&[place, "octo/ap"], &flags[..]].concat());
            assert_eq!(code, Some(3), "{said}");
        }
    }
    for flags in [
        &["--signer-repo", "acme/ci"][..],
        &["--certificate-claim", "buildTrigger=push"],
    ] {
        let release = ["--github-release", "octo/app"];
        let (code, said) = verify(&world, "blob", &[&release, flags].concat());
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("what GitHub's attestations of releases do not say"),
            "{said}"
        );
    }
    let gitlab = ["--npm", "gitlab.com/octo/app", "--signer-repo", "acme/ci"];
    let (code, said) = verify(&world, "blob", &gitlab);
    assert_eq!(code, Some(2), "{said}");
}

/// GitHub's instance for private repositories has no logs, only timestamps.
#[test]
fn provenance_from_an_instance_without_logs() {
    let world = World::new();
    let mut root: Value = serde_json::from_str(&world.place.read("root.json")).unwrap();
    for logs in ["tlogs", "ctlogs"] {
        root.as_object_mut().unwrap().remove(logs);
    }
    world.place.write("root.json", root.to_string());
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "blob", "digest": { "sha256": digest(Algorithm::Sha256).hex() } }],
        "predicateType": SLSA,
        "predicate": {},
    });
    let statement = statement.to_string();
    let make = |timestamps| {
        let witnesses = Witnesses {
            logs: &[],
            timestamps,
        };
        let payload = Payload::Statement(statement.as_bytes());
        let bundle = world.sigstore.bundle(&Claims::github(), payload, witnesses);
        world.place.write("bundle.json", bundle.to_string());
    };
    make(1);
    let (code, said) = verify(&world, "blob", &["--github", "octo/app"]);
    assert_eq!(code, Some(0), "{said}");
    make(0);
    assert_eq!(
        verify(&world, "blob", &["--github", "octo/app"]),
        refused(
            "blob",
            "no trusted log or timestamp authority says when it was signed"
        )
    );
}

/// Releases are attested by GitHub itself, with a certificate that names no
/// issuer, without logs.
#[test]
fn releases_of_github() {
    let world = World::new();
    let mut root: Value = serde_json::from_str(&world.place.read("root.json")).unwrap();
    for logs in ["tlogs", "ctlogs"] {
        root.as_object_mut().unwrap().remove(logs);
    }
    world.place.write("root.json", root.to_string());
    let make = |claims: &Claims, predicate: Value| {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                { "uri": "pkg:github/octo/app@v1", "digest": { "sha1": "43d0bd191f16d1fe3484a4b58aa69118f7692442" } },
                { "name": "blob", "digest": { "sha256": digest(Algorithm::Sha256).hex() } },
            ],
            "predicateType": "https://in-toto.io/attestation/release/v0.2",
            "predicate": predicate,
        });
        let statement = statement.to_string();
        let payload = Payload::Statement(statement.as_bytes());
        let witnesses = Witnesses {
            logs: &[],
            timestamps: 1,
        };
        let bundle = world.sigstore.bundle(claims, payload, witnesses);
        world.place.write("bundle.json", bundle.to_string());
    };
    let github = Claims::uri("https://dotcom.releases.github.com").with("iss", "");
    let verify = |release| verify(&world, "blob", &["--github-release", release]);
    make(&github, json!({ "purl": "pkg:github/octo/app@v1" }));
    for release in ["octo/app", "Octo/App", "octo/app@v1"] {
        let (code, said) = verify(release);
        assert_eq!(code, Some(0), "{said}");
        let by = "  signed by    https://dotcom.releases.github.com\n";
        assert!(said.contains(by), "{said}");
    }
    for release in ["octo/app@v2", "octo/ap", "octo/app@V1"] {
        let wanted = format!("pkg:github/{release}");
        let why = format!(
            "the attestation is of the release `pkg:github/octo/app@v1`, not of `{wanted}`"
        );
        assert_eq!(verify(release), refused("blob", &why));
    }
    assert_eq!(verify("octo").0, Some(2));
    assert_eq!(verify("octo/app@").0, Some(2));
    make(&github, json!({}));
    assert_eq!(
        verify("octo/app"),
        refused(
            "blob",
            "the attestation does not say of which release it is"
        )
    );
    // Whoever an issuer vouches for is not GitHub, whatever they are called.
    let called_so = github.with("iss", "https://issuer.example.com");
    make(&called_so, json!({ "purl": "pkg:github/octo/app@v1" }));
    assert_eq!(
        verify("octo/app"),
        refused(
            "blob",
            "the identity was issued by `https://issuer.example.com`, not `nobody`"
        )
    );
    make(
        &Claims::uri("https://github.com/octo/app").with("iss", ""),
        json!({ "purl": "pkg:github/octo/app@v1" }),
    );
    assert_eq!(
        verify("octo/app"),
        refused(
            "blob",
            "the certificate is for `https://github.com/octo/app`, not `https://dotcom.releases.github.com`"
        )
    );
}

#[test]
fn provenance_from_npm() {
    let world = World::with(&[LogVersion::V1]);
    let name = "pkg:npm/%40octo/app@1.2.3";
    let provenance = attested(&world, SLSA, name, Algorithm::Sha512);
    // The registry's own attestation, which is by a key, comes first.
    let mut published = provenance.clone();
    let material = published.pointer_mut("/verificationMaterial").unwrap();
    *material = json!({ "publicKey": { "hint": "SHA256:npm" } });
    let answer = json!({ "attestations": [
        { "predicateType": "https://github.com/npm/attestation/publish/v0.1", "bundle": published },
        { "predicateType": SLSA, "bundle": provenance },
    ] });
    world.place.write("bundle.json", answer.to_string());
    let sha512 = digest(Algorithm::Sha512);
    let integrity = format!("sha512-{}", STANDARD.encode(sha512.to_bytes()));
    for subject in ["blob", sha512.as_str(), &integrity] {
        let (code, said) = verify(&world, subject, &["--npm", "octo/app"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("  of           {name}\n")), "{said}");
    }
    let other = Digest::of(Algorithm::Sha512, b"another");
    assert_eq!(
        verify(&world, other.as_str(), &["--npm", "octo/app"]),
        refused(
            other.as_str(),
            &format!("it is about {sha512}, not {other}")
        )
    );
    let file = attested(&world, SLSA, "blob", Algorithm::Sha512);
    world.place.write("bundle.json", file.to_string());
    assert_eq!(
        verify(&world, "blob", &["--npm", "octo/app"]),
        refused(
            "blob",
            "the attestation is of `blob`, not of an npm package"
        )
    );
}

#[test]
fn attestations_from_pypi() {
    let world = World::with(&[LogVersion::V1]);
    let bundle = attested(&world, PYPI, "blob", Algorithm::Sha256);
    let at = |place: &str| bundle.pointer(place).unwrap().clone();
    let attestation = json!({
        "version": 1,
        "verification_material": {
            "certificate": at("/verificationMaterial/certificate/rawBytes"),
            "transparency_entries": at("/verificationMaterial/tlogEntries"),
        },
        "envelope": {
            "statement": at("/dsseEnvelope/payload"),
            "signature": at("/dsseEnvelope/signatures/0/sig"),
        },
    });
    let provenance = json!({ "version": 1, "attestation_bundles": [{
        "publisher": { "kind": "GitHub", "repository": "octo/app", "workflow": "release.yml" },
        "attestations": [attestation],
    }] });
    for document in [&attestation, &provenance] {
        world.place.write("bundle.json", document.to_string());
        let (code, said) = verify(&world, "blob", &["--pypi", "octo/app"]);
        assert_eq!(code, Some(0), "{said}");
    }
    let sha256 = digest(Algorithm::Sha256);
    assert_eq!(
        verify(&world, sha256.as_str(), &["--pypi", "octo/app"]).0,
        Some(0)
    );
    // Who the registry says published it is not who signed.
    let pattern = r"(?i:https://github\.com/octo/other)/.+";
    assert_eq!(
        verify(&world, "blob", &["--pypi", "octo/other"]),
        refused(
            "blob",
            &format!(
                "the certificate is for `{WORKFLOW}`, which `{pattern}` does not match from end to end"
            )
        )
    );
    // The name is part of what is attested.
    world.place.write("renamed", BLOB);
    assert_eq!(
        verify(&world, "renamed", &["--pypi", "octo/app"]),
        refused(
            "renamed",
            "the attestation is of a file called `blob`, not `renamed`"
        )
    );
    for (place, value, why) in [
        (
            "/version",
            json!(2),
            "an attestation of version 2; version 1 is read",
        ),
        (
            "/verification_material",
            Value::Null,
            "neither a bundle nor a list of attestations",
        ),
    ] {
        let mut changed = attestation.clone();
        *changed.pointer_mut(place).unwrap() = value;
        world.place.write("bundle.json", changed.to_string());
        let said = format!("error: `bundle.json`: {why}\n");
        assert_eq!(
            verify(&world, "blob", &["--pypi", "octo/app"]),
            (Some(1), said)
        );
    }
    let mut changed = attestation.clone();
    *changed.pointer_mut("/envelope/signature").unwrap() = json!("AAAA");
    world.place.write("bundle.json", changed.to_string());
    assert_eq!(
        verify(&world, "blob", &["--pypi", "octo/app"]),
        refused("blob", "the signature does not verify with this key")
    );
}
