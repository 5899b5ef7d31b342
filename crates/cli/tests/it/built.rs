//! Images by the repository that built them, as GitHub attests it.

use serde_json::Value;
use waxseal_testkit::sigstore::{Claims, LogVersion};
use waxseal_testkit::{ImageSpec, Options, Registry};

use crate::keyless::{GITHUB, WORKFLOW, World};
use crate::run::{Place, Ran};

/// An image that a workflow of `octo/app` attested.
struct Built {
    world: World,
    _registry: Registry,
    image: String,
}

impl Built {
    fn with(kind: &str, more: &[&str]) -> Self {
        Self::by(&Claims::github(), kind, more)
    }

    fn by(claims: &Claims, kind: &str, more: &[&str]) -> Self {
        let world = World::with(&[LogVersion::V1]);
        world.bear(claims);
        let registry = Registry::start(Options::default());
        let image = registry.push_image("shop/api", "1", &ImageSpec::tiny());
        let image = image.by_digest;
        world.place.write("p.json", "{}");
        let attest = ["attest", &image, "--insecure-http", "--predicate", "p.json"];
        world.ok(&[&attest[..], &["--type", kind], more].concat());
        Self {
            world,
            _registry: registry,
            image,
        }
    }

    fn run(&self, command: &str, flags: &[&str]) -> Ran {
        let arguments = [command, &self.image, "--insecure-http"];
        self.world.place.run(arguments.iter().chain(flags))
    }

    /// What is said under the trust root of the instance.
    fn verify(&self, flags: &[&str]) -> Ran {
        self.run(
            "verify",
            &[&["--trusted-root", "root.json"], flags].concat(),
        )
    }
}

#[test]
fn an_image_is_verified_by_the_repository_that_built_it() {
    let built = Built::with("slsaprovenance1", &[]);
    for source in [
        "octo/app",
        "octo",
        "OCTO/App",
        "https://github.com/octo/app",
    ] {
        let ran = built.verify(&["--github", source]);
        assert_eq!(ran.code, Some(0), "{source}: {}", ran.stdout);
        assert!(ran.stdout.contains(&format!("({WORKFLOW} by {GITHUB})")));
    }
    for (source, pattern) in [
        ("octo/ap", r"(?i:https://github\.com/octo/ap)/.+"),
        ("oct", r"(?i:https://github\.com/oct)/.+"),
        (
            "octo/app.more",
            r"(?i:https://github\.com/octo/app\.more)/.+",
        ),
    ] {
        let ran = built.verify(&["--github", source]);
        let missing = format!(
            "missing: no attestation of type slsaprovenance1 by {source}; nearest: \
             the certificate is for `{WORKFLOW}`, which `{pattern}` does not match from end to \
             end\n"
        );
        assert_eq!(ran.code, Some(3), "{source}");
        assert!(ran.stdout.contains(&missing), "{}", ran.stdout);
    }
    for (asked, missing) in [
        (["--type", "vuln"].as_slice(), "no attestation of type vuln"),
        (&["--sbom-matches-image"], "no attested SBOM"),
    ] {
        let ran = built.verify(&[&["--github", "octo/app"], asked].concat());
        assert_eq!(ran.code, Some(3));
        let missing = format!("missing: {missing} by octo/app\n");
        assert!(ran.stdout.contains(&missing), "{}", ran.stdout);
    }
}

/// A workflow of `acme/ci` that a workflow of `octo/app` called.
#[test]
fn a_reusable_workflow_of_another_repository_has_to_be_named() {
    let built = Built::by(&reusable(), "slsaprovenance1", &[]);
    let verify = |source, flags: &[&str]| {
        let ran = built.verify(&[&["--github", source], flags].concat());
        (ran.code, ran.stdout)
    };
    let (code, said) = verify("octo/app", &[]);
    assert_eq!(code, Some(3), "{said}");
    let nearest = format!("nearest: the certificate is for `{REUSABLE}`, which `");
    assert!(said.contains(&nearest), "{said}");
    for flags in [
        ["--signer-workflow", "acme/ci/.github/workflows/build.yml"],
        [
            "--signer-workflow",
            "ACME/CI/.github/workflows/build.yml@refs/tags/v2",
        ],
        [
            "--signer-workflow",
            "https://github.com/acme/ci/.github/workflows/build.yml",
        ],
        ["--signer-repo", "acme/ci"],
        ["--signer-repo", "github.com/Acme/Ci"],
    ] {
        for source in ["octo/app", "octo"] {
            let (code, said) = verify(source, &flags);
            assert_eq!(code, Some(0), "{flags:?}: {said}");
        }
        // Whoever builds, what is built is of that repository.
        let (code, said) = verify("octo/other", &flags);
        assert_eq!(code, Some(3), "{flags:?}: {said}");
        let nearest = "nearest: the certificate's sourceRepositoryURI is `https://github.com/octo/app`, which";
        assert!(said.contains(nearest), "{said}");
    }
    for flags in [
        ["--signer-workflow", "acme/ci/.github/workflows/other.yml"],
        ["--signer-workflow", "acme/ci/.github/workflows/Build.yml"],
        [
            "--signer-workflow",
            "acme/ci/.github/workflows/build.yml@refs/tags/v",
        ],
        [
            "--signer-workflow",
            "acme/ci/.github/workflows/build.yml@refs/tags/v2.1",
        ],
        ["--signer-workflow", "acme/c/.github/workflows/build.yml"],
        ["--signer-repo", "acme/c"],
        ["--signer-repo", "octo/app"],
    ] {
        let (code, said) = verify("octo/app", &flags);
        assert_eq!(code, Some(3), "{flags:?}");
        assert!(said.contains(&nearest), "{flags:?}: {said}");
    }
}

#[test]
fn what_was_built_from_and_where_can_be_asked_for() {
    let hosted = Built::with("slsaprovenance1", &[]);
    let own = Claims::github().with("runner_environment", "self-hosted");
    let own = Built::by(&own, "slsaprovenance1", &[]);
    for (flags, claim) in [
        (["--source-ref", "refs/tags/v1.2.3"].as_slice(), None),
        (&["--source-ref", "v1.2.3"], Some("sourceRepositoryRef")),
        (&["--source-digest", COMMIT], None),
        (&["--source-digest", "7d0f"], Some("sourceRepositoryDigest")),
        (&["--signer-digest", COMMIT], None),
        (&["--signer-digest", "7d0f"], Some("buildSignerDigest")),
        (&["--certificate-claim", "buildTrigger=push"], None),
        (
            &["--certificate-claim", "buildTrigger=pull_request"],
            Some("buildTrigger"),
        ),
        (
            &[
                "--certificate-claim-regexp",
                "sourceRepositoryRef=refs/tags/v1[.].*",
            ],
            None,
        ),
        (
            &[
                "--certificate-claim-regexp",
                "sourceRepositoryRef=refs/tags",
            ],
            Some("sourceRepositoryRef"),
        ),
        (&["--certificate-github-workflow-name", "release"], None),
        (
            &["--certificate-github-workflow-name", "Release"],
            Some("githubWorkflowName"),
        ),
        (&["--deny-self-hosted-runners"], None),
    ] {
        let ran = hosted.verify(&[&["--github", "octo/app"], flags].concat());
        let Some(claim) = claim else {
            assert_eq!(ran.code, Some(0), "{flags:?}: {}{}", ran.stdout, ran.stderr);
            continue;
        };
        let nearest = format!("nearest: the certificate's {claim} is `");
        assert_eq!(ran.code, Some(3), "{flags:?}: {}", ran.stdout);
        assert!(ran.stdout.contains(&nearest), "{}", ran.stdout);
    }
    let ran = own.verify(&["--github", "octo/app"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = own.verify(&["--github", "octo/app", "--deny-self-hosted-runners"]);
    assert_eq!(ran.code, Some(3));
    let nearest =
        "nearest: the certificate's runnerEnvironment is `self-hosted`, not `github-hosted`\n";
    assert!(ran.stdout.contains(nearest), "{}", ran.stdout);
}

#[test]
fn a_signature_is_no_provenance() {
    let built = Built::with("https://example.com/p", &[]);
    let ran = built.verify(&["--github", "octo/app"]);
    assert_eq!(ran.code, Some(3));
    let seen = "seen, not looked at: https://example.com/p (no requirement asks for this type)";
    assert!(ran.stdout.contains(seen), "{}", ran.stdout);
    let asked = ["--github", "octo/app", "--type", "https://example.com/p"];
    assert_eq!(built.verify(&asked).code, Some(0));
}

#[test]
fn builds_are_looked_for_in_githubs_instance_and_the_public_one() {
    let built = Built::with("slsaprovenance1", &[]);
    let ran = built.run("verify", &["--github", "octo/app", "-o", "json"]);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let at = |place: &str| answer.pointer(place).and_then(Value::as_str).unwrap();
    assert_eq!(ran.code, Some(3));
    for (n, root) in ["github", "sigstore"].into_iter().enumerate() {
        assert_eq!(at(&format!("/trustRoots/{n}/name")), root);
        let rejected = format!("/policies/0/requirements/0/rejected/{n}");
        assert_eq!(
            at(&format!("{rejected}/authority")),
            format!("octo/app ({root})")
        );
        assert_eq!(
            at(&format!("{rejected}/reason")),
            "log entry: no trusted log signed the checkpoint"
        );
    }
}

/// GitHub's instance for private repositories has no logs, only timestamps.
#[test]
fn an_instance_without_logs_says_when_by_timestamp() {
    let built = Built::with("slsaprovenance1", &["--no-log-upload"]);
    let place = &built.world.place;
    let ran = built.verify(&["--github", "octo/app"]);
    assert_eq!(ran.code, Some(3));
    let nearest = "nearest: a transparency log entry is required; there is none\n";
    assert!(ran.stdout.contains(nearest), "{}", ran.stdout);
    let mut root: Value = serde_json::from_str(&place.read("root.json")).unwrap();
    for part in ["tlogs", "ctlogs"] {
        root.as_object_mut().unwrap().remove(part);
    }
    place.write("root.json", root.to_string());
    let ran = built.verify(&["--github", "octo/app"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    root.as_object_mut().unwrap().remove("timestampAuthorities");
    place.write("root.json", root.to_string());
    let ran = built.verify(&["--github", "octo/app"]);
    assert_eq!(ran.code, Some(3));
    let nearest = "nearest: timestamp: the trust root names no timestamp authority\n";
    assert!(ran.stdout.contains(nearest), "{}", ran.stdout);
}

#[test]
fn evidence_keeps_who_was_asked_for() {
    let built = Built::with("slsaprovenance1", &[]);
    let root = ["--trusted-root", "root.json", "--github", "octo/app"];
    for (flags, code) in [(&root[..], 0), (&["--github", "octo/app"], 3)] {
        let capture = [flags, &["-o", "e.tar", "--format", "json"]].concat();
        let ran = built.run("capture", &capture);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let again = built.world.place.run(["replay", "e.tar", "-o", "json"]);
        assert_eq!((again.code, again.stdout), (ran.code, ran.stdout));
    }
}

#[test]
fn what_does_not_go_with_a_repository_is_a_usage_error() {
    let place = Place::new();
    for more in [
        &["gitlab.com/octo/app"][..],
        &["octo/app/more"],
        &["octo/app", "-k", "a.pub"],
        &["octo/app", "-p", "p.yaml"],
        &["octo/app", "--threshold", "2"],
        &["octo/app", "-a", "k=v"],
        &["octo/app", "--log", "required"],
        &["octo/app", "--certificate-identity", "a@example.com"],
        &["octo/app", "--insecure-ignore-sct"],
        &["octo/app", "--signer-workflow", "acme/ci"],
        &["octo/app", "--signer-repo", "acme"],
        &["octo/app", "--signer-repo", "gitlab.com/acme/ci"],
        &[
            "octo/app",
            "--signer-repo",
            "acme/ci",
            "--signer-workflow",
            "acme/ci/b.yml",
        ],
        &["octo/app", "--certificate-claim", "nothing=x"],
        &["octo/app", "--certificate-claim", "sourceRepositoryURI=x"],
    ] {
        let verify = ["verify", "registry.example.com/a", "--github"];
        let ran = place.run(verify.iter().chain(more));
        assert_eq!(ran.code, Some(2), "{more:?}: {}", ran.stderr);
    }
    place.key("cosign3.pub");
    for (flags, said) in [
        (
            ["--source-ref", "refs/heads/main"],
            "error: --source-ref says nothing without whose provenance is asked for\n\
             hint: give --github OWNER/REPOSITORY; --certificate-claim asks it of an identity\n",
        ),
        (
            ["--certificate-claim", "buildTrigger=push"],
            "error: a claim says nothing without whose certificate has to make it\n\
             hint: give --certificate-identity with its issuer, or --github\n",
        ),
    ] {
        let verify = ["verify", "registry.example.com/a", "--key", "cosign3.pub"];
        let ran = place.run(verify.iter().chain(&flags));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
    }
}

/// A job of `octo/app` that runs a workflow of `acme/ci`.
fn reusable() -> Claims {
    Claims::github().with(
        "job_workflow_ref",
        "acme/ci/.github/workflows/build.yml@refs/tags/v2",
    )
}

const REUSABLE: &str = "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v2";
const COMMIT: &str = "7d0f0a9e0f3b2c54d4b3c9a1e2f4a5b6c7d8e9f0";
