//! Signing without a key of one's own, against a private Sigstore in the process.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Stdio;

use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_testkit::sigstore::{
    Claims, Clock, LogVersion, Service, ServiceFault, Sigstore, SigstoreOptions,
};
use waxseal_testkit::{ImageSpec, Options, PushedImage, Registry};
use waxseal_verify::{
    Authority, Candidate, CandidateContent, KeylessAuthority, Matcher, Origin, Place as Lying,
    Trust, TrustedRoot, Verified, Wanted, verify,
};

use crate::run::{Place, Ran};

/// A folder beside a private Sigstore, with its configuration and a token.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) sigstore: Sigstore,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[LogVersion::V2])
    }

    pub(crate) fn with(logs: &[LogVersion]) -> Self {
        // The program reads the machine's clock.
        let sigstore = Sigstore::start(SigstoreOptions {
            clock: Clock::Machine,
            ..SigstoreOptions::default()
        });
        let place = Place::new();
        place.write("root.json", sigstore.trusted_root().to_string());
        place.write("config.json", sigstore.signing_config(logs).to_string());
        place.write("blob", BLOB);
        let world = Self { place, sigstore };
        world.bear(&Claims::github());
        world
    }

    /// Puts a token with these claims where `INSTANCE` takes it from.
    pub(crate) fn bear(&self, claims: &Claims) {
        self.place.write("token", self.sigstore.token(claims));
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.place.run(arguments.iter().chain(&INSTANCE))
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// What is made of a bundle by whoever trusts the instance and this identity.
    fn verify(&self, bundle: &str, subject: &Digest, issuer: &str, identity: &str) -> Verified {
        let root = self.place.read("root.json");
        let root = TrustedRoot::from_json(root.as_bytes()).unwrap();
        let exact = |text: &str| Matcher::exact(text).unwrap();
        let authority = KeylessAuthority::new(exact(issuer), exact(identity));
        let candidate = Candidate {
            origin: Origin {
                place: Lying::File,
                manifest: None,
                blob: subject.clone(),
                size: 0,
                predicate_hint: None,
            },
            content: CandidateContent::Bundle(bundle.to_owned().into()),
        };
        let wanted = Wanted {
            subject,
            keep_predicate: false,
        };
        let trust = Trust { root: Some(&root) };
        let now = jiff::Timestamp::now();
        verify(
            &candidate,
            &wanted,
            &Authority::Keyless(authority),
            &trust,
            now,
        )
        .unwrap()
    }
}

fn image(registry: &Registry) -> PushedImage {
    registry.push_image("shop/api", "1", &ImageSpec::tiny())
}

#[test]
fn a_workflow_signs_and_attests_a_file() {
    let world = World::new();
    world.place.write("predicate.json", r#"{"a":1}"#);
    let ran = world.ok(&["sign-blob", "blob", "-b", "blob.json"]);
    assert_eq!(ran.stdout, "");
    let digest = Digest::sha256(BLOB.as_bytes());
    assert_eq!(
        ran.stderr,
        format!(
            "signing as {WORKFLOW}, as {GITHUB} says\n\
             logged in {}/ as entry 0\n\
             timestamped by {}\n\
             signed {digest} with {WORKFLOW}, as {GITHUB} says\n",
            world.sigstore.rekor_v2_url(),
            world.sigstore.tsa_url(),
        )
    );
    let bundle = world.place.read("blob.json");
    let verified = world.verify(&bundle, &digest, GITHUB, WORKFLOW);
    assert!(matches!(verified, Verified::Signature(_)));

    let attest = ["attest-blob", "blob", "--type", "https://example.com/p"];
    let ran = world.ok(&[&attest[..], &["--predicate", "predicate.json"]].concat());
    let verified = world.verify(&ran.stdout, &digest, GITHUB, WORKFLOW);
    assert!(matches!(verified, Verified::Attestation(_)));
}

#[test]
fn a_workflow_signs_and_attests_an_image_once() {
    let world = World::with(&[LogVersion::V1]);
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    let sign = ["sign", &image.by_digest, "--insecure-http", "-o", "json"];
    let answer: Value = serde_json::from_str(&world.ok(&sign).stdout).unwrap();
    let signed = &answer["images"][0];
    assert_eq!(signed["signedAlready"], false);
    assert_eq!(
        signed["identity"],
        json!({ "issuer": GITHUB, "subject": WORKFLOW })
    );
    let log = format!("{}/", world.sigstore.rekor_v1_url());
    assert_eq!(signed["logged"], json!([{ "log": log, "index": 0 }]));
    assert_eq!(signed["timestamped"], json!([world.sigstore.tsa_url()]));
    assert_eq!(signed.get("notLogged"), None);

    let answer: Value = serde_json::from_str(&world.ok(&sign).stdout).unwrap();
    assert_eq!(answer["images"][0]["signedAlready"], true);
    assert_eq!(answer["images"][0]["manifest"], signed["manifest"]);
    assert_eq!(world.sigstore.asked(Service::RekorV1).len(), 1);

    world.place.write("predicate.json", "{}");
    let attest = ["attest", &image.by_digest, "--insecure-http", "-o", "json"];
    let what = [
        "--type",
        "https://example.com/p",
        "--predicate",
        "predicate.json",
    ];
    let answer = world.ok(&[&attest[..], &what].concat()).stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["logged"], json!([{ "log": log, "index": 1 }]));
}

#[test]
fn an_image_is_verified_with_the_public_root_unless_another_is_named() {
    let world = World::with(&[LogVersion::V1]);
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    world.ok(&["sign", &image.by_digest, "--insecure-http"]);
    let verify = |more: &[&str]| {
        let by = ["--certificate-identity", WORKFLOW];
        let issuer = ["--certificate-oidc-issuer", GITHUB];
        let arguments = ["verify", &image.by_digest, "--insecure-http"];
        world
            .place
            .run([&arguments[..], &by, &issuer, more].concat())
    };
    assert_eq!(
        verify(&["--trusted-root", "root.json"]).code,
        Some(0),
        "the world's own root"
    );
    let ran = verify(&[]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("nearest: log entry: no trusted log signed the checkpoint"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        ran.stderr,
        "trust root `sigstore`: the copy in this program; `waxseal trust update sigstore` \
         fetches the current one\n"
    );
}

/// What is asked for with an identity is asked for, not only with a key.
#[test]
fn an_image_by_an_identity_can_need_a_timestamp() {
    let world = World::with(&[LogVersion::V1]);
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    let sign = [
        "sign",
        &image.by_digest,
        "--insecure-http",
        "--no-timestamp",
    ];
    world.ok(&sign);
    let verify = |timestamp| {
        let ran = world.place.run([
            "verify",
            &image.by_digest,
            "--insecure-http",
            "--certificate-identity",
            WORKFLOW,
            "--certificate-oidc-issuer",
            GITHUB,
            "--trusted-root",
            "root.json",
            "--timestamp",
            timestamp,
        ]);
        (ran.code, ran.stdout)
    };
    let (code, said) = verify("optional");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = verify("required");
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("an RFC 3161 timestamp is required; there is none"),
        "{said}"
    );
}

#[test]
fn a_workflow_releases_an_image() {
    let world = World::new();
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    let release = ["release", &image.by_digest, "--insecure-http", "-o", "json"];
    let flags = ["--no-sbom", "--no-provenance"];
    let answer = world.ok(&[&release[..], &flags].concat()).stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.get("key"), None);
    let stored = &answer["stored"][0];
    assert_eq!(stored["identity"]["subject"], WORKFLOW);
    assert_eq!(stored["logged"][0]["index"], 0);

    // A file that is no SBOM is found out before anything is published.
    world.place.write("bom.json", "{}");
    let flags = ["--sbom", "bom.json", "--no-provenance"];
    let ran = world.run(&[&release[..], &flags].concat());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let flags = ["--type", "https://example.com/p", "--predicate", "missing"];
    let attest = ["attest", &image.by_digest, "--insecure-http"];
    let missing = image.by_digest.replace("shop/api", "shop/none");
    for arguments in [
        &["sign", &missing, "--insecure-http"][..],
        &["sign-blob", "missing"],
        &[&["attest-blob", "blob"][..], &flags].concat(),
        &[&attest[..], &flags].concat(),
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(world.sigstore.asked(Service::RekorV2).len(), 1);
    assert_eq!(world.sigstore.asked(Service::Fulcio).len(), 1);
}

#[test]
fn a_bundle_with_no_place_to_go_is_not_made() {
    let world = World::new();
    let ran = world.run(&["sign-blob", "blob", "-b", "nowhere/blob.json"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("error: cannot write `nowhere/blob.json`: "),
        "{}",
        ran.stderr
    );
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
    // What is there is replaced; what cannot be replaced is written to.
    world.place.write("blob.json", "earlier");
    world.ok(&["sign-blob", "blob", "-b", "blob.json"]);
    assert!(world.place.read("blob.json").starts_with('{'));
    let ran = world.ok(&["sign-blob", "blob", "-b", "/dev/stdout"]);
    assert!(ran.stdout.starts_with('{'), "{}", ran.stdout);
}

#[test]
fn what_is_left_out_is_said() {
    let world = World::new();
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    let sign = ["sign", &image.by_digest, "--insecure-http", "-o", "json"];
    let ran = world.ok(&[&sign[..], &["--no-log-upload"]].concat());
    assert!(
        ran.stderr
            .contains("not logged: --no-log-upload was given\n"),
        "{}",
        ran.stderr
    );
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["images"][0]["logged"], json!([]));
    assert_eq!(
        answer["images"][0]["notLogged"],
        "--no-log-upload was given"
    );
    assert!(world.sigstore.asked(Service::RekorV2).is_empty());

    for (flags, words) in [
        (
            &["--no-log-upload", "--no-timestamp"][..],
            "error: a certificate lives some ten minutes: without a log entry and without a \
             timestamp nobody could verify the signature after that\n",
        ),
        (
            &["--no-timestamp"],
            "error: Rekor v2 says nothing about the time: a timestamp authority is needed with it\n",
        ),
    ] {
        let ran = world.run(&[&["sign-blob", "blob"], flags].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), words));
    }
}

#[test]
fn a_persons_address_is_not_published_unasked() {
    let world = World::new();
    world.bear(&Claims::email("dev@example.com"));
    let ran = world.run(&["sign-blob", "blob", "-b", "blob.json"]);
    assert_eq!(
        (ran.code, ran.stderr),
        (
            Some(2),
            format!(
                "error: the e-mail address dev@example.com will be published with the signature, \
                 for everybody to see and without a way to take it back, in the certificate \
                 transparency log, {}/; there is no terminal to ask whether that is wanted\n\
                 hint: --yes agrees to it\n",
                world.sigstore.rekor_v2_url()
            )
        )
    );
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
    assert!(!world.place.path("blob.json").exists());
    let ran = world.ok(&["sign-blob", "blob", "-b", "blob.json", "--yes"]);
    assert!(
        ran.stderr
            .starts_with("the e-mail address dev@example.com will be published "),
        "{}",
        ran.stderr
    );
    let (digest, issuer) = (Digest::sha256(BLOB.as_bytes()), world.sigstore.issuer_url());
    let bundle = world.place.read("blob.json");
    world.verify(&bundle, &digest, issuer, "dev@example.com");
}

#[test]
fn a_failure_leaves_nothing_half_written_and_no_token_anywhere() {
    let world = World::new();
    let registry = Registry::start(Options::default());
    let image = image(&registry);
    let token = world.place.read("token");
    let echo = format!(r#"{{"code":3,"message":"what is {token}?"}}"#);
    for service in [Service::Fulcio, Service::Tsa, Service::RekorV2] {
        for fault in [
            ServiceFault::Rubbish(echo.clone().into_bytes()),
            ServiceFault::Status(400),
            ServiceFault::OtherChain,
            ServiceFault::WrongContent,
        ] {
            world.sigstore.fault(service, fault.clone(), 1);
            let ran = world.run(&["sign-blob", "blob", "-b", "blob.json", "-vv"]);
            assert_eq!(ran.code, Some(1), "{service:?} {fault:?} {}", ran.stderr);
            assert!(
                !world.place.path("blob.json").exists(),
                "{service:?} {fault:?}"
            );
            for part in token.split('.') {
                assert!(
                    !ran.stderr.contains(part),
                    "{service:?} {fault:?}: {}",
                    ran.stderr
                );
            }
            world.sigstore.fault(service, fault.clone(), 1);
            let ran = world.run(&["sign", &image.by_digest, "--insecure-http"]);
            assert_eq!(ran.code, Some(1), "{service:?} {fault:?} {}", ran.stderr);
        }
    }
    let tree = world
        .place
        .ok(["tree", "--insecure-http", &image.by_digest]);
    assert!(!tree.contains("signature"), "{tree}");
    // Neither does a token get out when all is well.
    let ran = world.ok(&["sign-blob", "blob", "-vv"]);
    for part in token.split('.') {
        assert!(!ran.stderr.contains(part) && !ran.stdout.contains(part));
    }
}

#[test]
fn a_token_on_the_command_line_is_not_repeated() {
    let world = World::new();
    let token = world.sigstore.token(&Claims::github());
    let run = |arguments: &[&str]| world.place.run(arguments);
    let base = ["sign-blob", "blob", "--keyless", "--identity-token", &token];
    // A value that is wrong elsewhere, a flag that does not exist, and one that contradicts.
    for more in [
        &["--rekor-version", "3"][..],
        &["--no-such-flag"],
        &["--identity-provider", "github"],
        &["--identity-token", &token],
    ] {
        let ran = run(&[&base[..], more].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(!ran.stderr.contains(&token), "{}", ran.stderr);
    }
}

#[test]
fn expired_and_foreign_tokens_are_refused_before_anybody_sees_them() {
    let world = World::new();
    world.bear(&Claims::github().with("aud", "somebody-else"));
    let ran = world.run(&["sign-blob", "blob"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: the identity token is for `somebody-else`, not for `sigstore`\n\
             hint: ask the provider for a token with the audience `sigstore`\n"
        )
    );
    world.bear(&Claims::github().with("exp", 1));
    let ran = world.run(&["sign-blob", "blob"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: the identity token expired at 1970-01-01T00:00:01Z\n\
             hint: get a new one; they live some minutes\n"
        )
    );
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
}

#[test]
fn jobs_bring_their_own_token() {
    let world = World::new();
    world.sigstore.sign_in_as(Claims::gitlab());
    let sign = [
        "sign-blob",
        "blob",
        "--keyless",
        "--signing-config",
        "config.json",
    ];
    let arguments = [&sign[..], &["--trusted-root", "root.json"]].concat();
    let job = |variables: &[(&str, &str)]| {
        let mut command = world.place.command(&arguments);
        command.arg("-vvv");
        command.envs(variables.iter().copied());
        Ran::of(command)
    };
    let url = format!("{}/actions/token?x=1", world.sigstore.issuer_url());
    let ran = job(&[
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token"),
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("identity token from github\n"),
        "{}",
        ran.stderr
    );

    let token = world.sigstore.token(&Claims::gitlab());
    let shows = |ran: &Ran| {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        token.split('.').any(|part| said.contains(part))
    };
    let ran = job(&[("SIGSTORE_ID_TOKEN", &token)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!shows(&ran), "{}", ran.stderr);
    let svid = world
        .sigstore
        .token(&Claims::uri("spiffe://example.org/builder"));
    let path = world.place.write("svid", svid.clone());
    let ran = job(&[("SPIFFE_JWT_SVID_FILE", path.to_str().unwrap())]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!svid.split('.').any(|part| ran.stderr.contains(part)));

    // Agents are programs.
    for (name, variable) in [("buildkite-agent", "BUILDKITE"), ("circleci", "CIRCLECI")] {
        let script = format!("#!/bin/sh\ncase \"$*\" in *sigstore*) echo '{token}';; esac\n");
        let path = world.place.write(name, script);
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let folder = path.parent().unwrap().to_str().unwrap().to_owned();
        let search = format!("{folder}:/usr/bin:/bin");
        let here = [(variable, "true"), ("PATH", search.as_str())];
        let ran = job(&here);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(!shows(&ran), "{}", ran.stderr);
        // One that fails, and says the token on the way.
        let script = format!("#!/bin/sh\necho '{token}'\necho 'no {token} for you' >&2\nexit 3\n");
        std::fs::write(&path, script).unwrap();
        let ran = job(&here);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.stderr);
        assert!(!shows(&ran), "{}", ran.stderr);
        let said = format!("`{name}` failed (exit status: 3): no [hidden] for you\n");
        assert!(ran.stderr.ends_with(&said), "{}", ran.stderr);
        let ran = job(&[(variable, "true"), ("PATH", "/nowhere")]);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("cannot run `{name}`: ")),
            "{}",
            ran.stderr
        );
    }

    let ran = job(&[("GITHUB_ACTIONS", "true")]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: GitHub Actions gives no identity token: the job lacks the permission \
             `id-token: write`\n"
        )
    );
    let ran = job(&[]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(2),
            "error: there is no identity token here, and no terminal at which somebody could sign \
             in\nhint: --identity-token @FILE gives one, --sign-in device waits for somebody \
             elsewhere\n"
        )
    );
}

#[test]
fn people_sign_in_with_a_browser_or_elsewhere() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};

    let world = World::new();
    world.sigstore.sign_in_as(Claims::email("dev@example.com"));
    let flags = [
        "sign-blob",
        "blob",
        "--keyless",
        "--signing-config",
        "config.json",
        "--trusted-root",
        "root.json",
        "--yes",
        "--sign-in",
    ];
    let without_yes = flags.iter().filter(|flag| **flag != "--yes");
    let ran = world.place.run(without_yes.chain(&["device"]));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(2),
            "error: whoever signs in has their e-mail address published, and there is no terminal \
             to ask whether that is wanted\nhint: --yes agrees to it\n"
        )
    );
    let ran = world.place.run(flags.iter().chain(&["device"]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("/device\n  code: WAXS-EALS\n"),
        "{}",
        ran.stderr
    );

    let mut child = world
        .place
        .command(flags.iter().chain(&["browser"]))
        .env("BROWSER", "/nowhere")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let visit = |url: &str| {
        let (host, target) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let host = host.replace("localhost", "127.0.0.1");
        let mut stream = std::net::TcpStream::connect(&host).unwrap();
        write!(
            stream,
            "GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let page = lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.starts_with("  http"));
    let answer = visit(page.unwrap().trim());
    let back = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    assert!(visit(back.unwrap()).contains("You are signed in."));
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{rest:?}");
    let bundle = String::from_utf8(output.stdout).unwrap();
    let digest = Digest::sha256(BLOB.as_bytes());
    world.verify(
        &bundle,
        &digest,
        world.sigstore.issuer_url(),
        "dev@example.com",
    );
}

#[test]
fn a_key_is_logged_and_timestamped_where_that_is_asked_for() {
    let world = World::with(&[LogVersion::V1]);
    world.place.key("cosign3.key");
    world.place.key("cosign3.pub");
    let sign = ["sign-blob", "blob", "-k", "cosign3.key", "-b", "blob.json"];
    let verify = [
        "verify-blob",
        "blob",
        "-k",
        "cosign3.pub",
        "-b",
        "blob.json",
        "--trusted-root",
        "root.json",
        "--log",
        "required",
        "--timestamp",
        "required",
    ];
    let config = [
        "--signing-config",
        "config.json",
        "--trusted-root",
        "root.json",
    ];
    world.place.ok([&sign[..], &config].concat());
    world.place.ok(verify);
    let (rekor, tsa) = (world.sigstore.rekor_v2_url(), world.sigstore.tsa_url());
    let urls = [
        "--rekor-url",
        rekor,
        "--rekor-version",
        "2",
        "--timestamp-server-url",
        &tsa,
    ];
    world.place.ok([&sign[..], &urls, &config[2..]].concat());
    world.place.ok(verify);
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());

    for (flags, words) in [
        (
            &["--no-timestamp"][..],
            "--no-timestamp goes with --keyless, --signing-config, --rekor-url or --tsa-url: a \
             key alone asks no service\n",
        ),
        (
            &["--rekor-url", rekor],
            "what the services answer has to be held against somebody's keys\n\
             hint: --trusted-root FILE or --trust-root NAME names them\n",
        ),
    ] {
        let ran = world.place.run([&sign[..], flags].concat());
        assert_eq!((ran.code, ran.stderr), (Some(2), format!("error: {words}")));
    }
}

#[test]
fn keys_and_identities_do_not_mix() {
    let place = Place::new();
    place.write("blob", BLOB);
    for arguments in [
        &["sign-blob", "blob"][..],
        &[
            "sign-blob",
            "blob",
            "--keyless",
            "--trusted-root",
            "root.json",
        ],
        &["sign-blob", "blob", "--keyless", "-k", "cosign3.key"],
        &[
            "sign-blob",
            "blob",
            "-k",
            "cosign3.key",
            "--fulcio-url",
            "https://f.example",
        ],
        &[
            "sign-blob",
            "blob",
            "-k",
            "cosign3.key",
            "--identity-token",
            "x",
        ],
        &["sign", "example.com/a", "--keyless", "--legacy"],
        &[
            "attest",
            "example.com/a",
            "--keyless",
            "--legacy",
            "--sbom",
            "x",
        ],
        &[
            "sign-blob",
            "blob",
            "--keyless",
            "--identity-provider",
            "jenkins",
        ],
    ] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments:?}");
    }
}

/// How the program is told of the instance and the token.
const INSTANCE: [&str; 7] = [
    "--keyless",
    "--signing-config",
    "config.json",
    "--trusted-root",
    "root.json",
    "--identity-token",
    "@token",
];
pub(crate) const BLOB: &str = "a release\n";
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(crate) const WORKFLOW: &str =
    "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3";
