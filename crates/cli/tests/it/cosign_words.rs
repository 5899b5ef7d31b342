//! Flags as they stand in scripts that were written for cosign and `gh`.

use waxseal_testkit::sigstore::{Claims, LogVersion, Payload, Witnesses};

use crate::keyless::{BLOB, GITHUB, WORKFLOW, World};
use crate::run::{Place, Ran};

fn signed(witnesses: Witnesses<'_>) -> World {
    let world = World::with(&[LogVersion::V1]);
    let payload = Payload::Blob(BLOB.as_bytes());
    let bundle = world.sigstore.bundle(&Claims::github(), payload, witnesses);
    world.place.write("bundle.json", bundle.to_string());
    world
}

fn verify(world: &World, flags: &[&str]) -> Ran {
    let verify = ["verify-blob", "blob", "--bundle", "bundle.json"];
    let root = ["--trusted-root", "root.json"];
    world.place.run([&verify[..], &root, flags].concat())
}

/// The identity of the workflow, and this.
fn by_workflow<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let identity = ["--certificate-identity", WORKFLOW];
    let issuer = ["--certificate-oidc-issuer", GITHUB];
    [&identity[..], &issuer, more].concat()
}

#[test]
fn what_a_workflow_says_of_itself() {
    let world = signed(Witnesses::FORMER);
    for (flag, right, claim) in [
        ("trigger", "push", "githubWorkflowTrigger"),
        (
            "sha",
            "7d0f0a9e0f3b2c54d4b3c9a1e2f4a5b6c7d8e9f0",
            "githubWorkflowSHA",
        ),
        ("name", "release", "githubWorkflowName"),
        ("repository", "octo/app", "githubWorkflowRepository"),
        ("ref", "refs/tags/v1.2.3", "githubWorkflowRef"),
    ] {
        let flag = format!("--certificate-github-workflow-{flag}");
        let ran = verify(&world, &by_workflow(&[&flag, right]));
        assert_eq!(ran.code, Some(0), "{flag}: {}{}", ran.stdout, ran.stderr);
        let ran = verify(&world, &by_workflow(&[&flag, "x"]));
        let said =
            format!("blob: refused\n  because the certificate's {claim} is `{right}`, not `x`\n");
        assert_eq!((ran.code, ran.stdout), (Some(3), said));
    }
    let claim = ["--certificate-claim", "runnerEnvironment=github-hosted"];
    let again = ["--certificate-claim-regexp", "runnerEnvironment=.*-hosted"];
    assert_eq!(verify(&world, &by_workflow(&claim)).code, Some(0));
    assert_eq!(verify(&world, &by_workflow(&again)).code, Some(0));
    let ran = verify(&world, &by_workflow(&[claim, again].concat()));
    let said = "error: the claim `runnerEnvironment` is asked for twice\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
}

#[test]
fn whoever_there_is_is_nobody_that_can_be_asked_for() {
    let world = signed(Witnesses::FORMER);
    world.place.key("cosign3.pub");
    let any = "error: the identity pattern `.+` matches everything\n";
    for (subject, issuer, said) in [
        (".+", GITHUB, any),
        ("https://github.com/octo/.*", ".+", any),
        (
            "https://.*",
            GITHUB,
            "error: the subject `https://.*` is whoever there is\n",
        ),
        (
            "https://github.com/.*",
            GITHUB,
            "error: `https://github.com/.*` by `https://token.actions.githubusercontent.com` lets \
             in whoever has an account there: name the owner in the subject, or claim \
             `sourceRepositoryOwnerURI`\n",
        ),
    ] {
        let identity = ["--certificate-identity-regexp", subject];
        let issuer = ["--certificate-oidc-issuer-regexp", issuer];
        let flags = [identity, issuer].concat();
        let ran = verify(&world, &flags);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
        // Beside a key, too, and of images.
        let ran = verify(&world, &[&flags[..], &["--key", "cosign3.pub"]].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
        let image = ["verify", "registry.example.com/a"];
        let ran = world.place.run([&image[..], &flags].concat());
        let why = said.trim_start_matches("error: ");
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.ends_with(why), "{}", ran.stderr);
    }
    let owner = [
        "--certificate-claim",
        "sourceRepositoryOwnerURI=https://github.com/octo",
    ];
    let anybody = ["--certificate-identity-regexp", "https://github.com/.*"];
    let issuer = ["--certificate-oidc-issuer", GITHUB];
    let ran = verify(&world, &[anybody, issuer, owner].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn logs_and_timestamps() {
    let logged = signed(Witnesses {
        logs: &[LogVersion::V1],
        timestamps: 0,
    });
    let stamped = signed(Witnesses {
        logs: &[],
        timestamps: 1,
    });
    let no_log = "a transparency log entry is required; there is none";
    let no_stamp = "an RFC 3161 timestamp is required; there is none";
    for (world, flags, why) in [
        (&stamped, &[][..], Some(no_log)),
        (&stamped, &["--insecure-ignore-tlog"], None),
        (
            &stamped,
            &["--insecure-ignore-tlog=true", "--use-signed-timestamps"],
            None,
        ),
        (&stamped, &["--private-infrastructure"], None),
        (&stamped, &["--insecure-ignore-tlog=false"], Some(no_log)),
        (
            &stamped,
            &["--insecure-ignore-tlog", "--log", "required"],
            Some(no_log),
        ),
        (&logged, &["--offline", "--new-bundle-format"], None),
        (
            &logged,
            &["--offline=true", "--new-bundle-format=true"],
            None,
        ),
        (&logged, &["--use-signed-timestamps"], Some(no_stamp)),
        (&logged, &["--use-signed-timestamps=false"], None),
    ] {
        let ran = verify(world, &by_workflow(flags));
        match why {
            None => assert_eq!(ran.code, Some(0), "{flags:?}: {}{}", ran.stdout, ran.stderr),
            Some(why) => assert_eq!(
                (ran.code, ran.stdout),
                (Some(3), format!("blob: refused\n  because {why}\n"))
            ),
        }
    }
}

#[test]
fn flags_that_there_are_not_have_a_hint() {
    let place = Place::new();
    for (flag, hint) in [
        (
            "--rekor-url=https://r.example",
            "hint: everything that goes with a signature is read from",
        ),
        (
            "--ca-roots",
            "hint: `waxseal trust create` makes a trusted root",
        ),
        ("--predicate-type", "hint: --attestation TYPE"),
        ("--cert-identity=a", "hint: --certificate-identity"),
    ] {
        let ran = place.run(["verify-blob", "blob", "--bundle", "b.json", flag]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    }
    let ran = place.run(["sign-blob", "blob", "--tlog-upload=false"]);
    assert!(
        ran.stderr
            .contains("hint: --no-log-upload publishes no log entry"),
        "{}",
        ran.stderr
    );
    let ran = place.run(["verify-blob", "blob", "--no-such-thing"]);
    assert!(!ran.stderr.contains("hint:"), "{}", ran.stderr);
}

#[test]
fn commands_that_there_are_not_have_a_hint() {
    let place = Place::new();
    for (words, hint) in [
        (
            &["verify-attestation", "--key", "k.pub", "registry.example/a"][..],
            "hint: `waxseal verify IMAGE --attestation TYPE`; --write-predicate FILE writes what it says\n",
        ),
        (
            &["generate-key-pair"],
            "hint: `waxseal keygen` makes a key pair to sign with\n",
        ),
        (
            &["triangulate", "registry.example/a"],
            "hint: `waxseal tree` shows everything that is attached to an image, and where\n",
        ),
    ] {
        let ran = place.run(words.iter().copied());
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
    }
    let ran = place.run(["no-such-thing"]);
    assert_eq!(ran.code, Some(2));
    assert!(!ran.stderr.contains("hint:"), "{}", ran.stderr);
}
