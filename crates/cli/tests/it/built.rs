//! Images by the repository that built them, as GitHub attests it.

use serde_json::Value;
use waxseal_testkit::sigstore::LogVersion;
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
        let world = World::with(&[LogVersion::V1]);
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
    ] {
        let verify = ["verify", "registry.example.com/a", "--github"];
        let ran = place.run(verify.iter().chain(more));
        assert_eq!(ran.code, Some(2), "{more:?}: {}", ran.stderr);
    }
}
