//! `release`: SBOM, provenance and signature in one go, or nothing that counts.

#![expect(clippy::unwrap_used, reason = "a test")]

use serde_json::Value;
use waxseal_oci::{Digest, referrers_tag};
use waxseal_testkit::{Fault, ImageSpec, Match, Options, PushedImage, Registry};

use crate::run::{Place, Ran};

struct Job {
    registry: Registry,
    image: PushedImage,
    place: Place,
}

impl Job {
    fn new(referrers: bool) -> Self {
        let registry = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        let image = registry.push_image("shop/api", "1.0", &ImageSpec::tiny());
        let place = Place::new();
        place.key("cosign3.key");
        place.key("cosign3.pub");
        place.write("bom.json", sbom(&image.digest));
        registry.reset();
        Self {
            registry,
            image,
            place,
        }
    }

    /// Runs it as a GitHub job.
    fn run(&self, arguments: &[&str]) -> Ran {
        let always = ["release", "--insecure-http", "--key", "cosign3.key"];
        let mut command = self.place.command(always.iter().chain(arguments));
        command.envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
        ]);
        command.env("GITHUB_OUTPUT", self.place.path("output"));
        command.env("GITHUB_STEP_SUMMARY", self.place.path("summary.md"));
        Ran::of(command)
    }

    fn verify(&self, flags: &[&str]) -> Ran {
        let always = ["verify", "--insecure-http", "--key", "cosign3.pub"];
        let image = [self.image.by_digest.as_str()];
        self.place.run(always.iter().chain(flags).chain(&image))
    }

    /// The predicate types that are attached to the image.
    fn attached(&self) -> Vec<String> {
        let listed = self
            .registry
            .contents()
            .referrers("shop/api", &self.image.digest);
        let annotation = "dev.sigstore.bundle.predicateType";
        let mut kinds: Vec<String> = listed
            .iter()
            .map(|entry| entry.annotation(annotation).unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds
    }

    fn writes(&self) -> Vec<String> {
        let log = self.registry.log();
        let written = log.iter().filter(|request| request.method == "PUT");
        written.map(|request| request.kind().to_owned()).collect()
    }
}

fn sbom(digest: &Digest) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
        "metadata":{{"component":{{"type":"container","name":"api","version":"{digest}"}}}},
        "components":[{{"type":"library","name":"zlib","version":"1.0"}}]}}"#
    )
}

const ALL: [&str; 3] = [
    "https://cyclonedx.org/bom",
    "https://sigstore.dev/cosign/sign/v1",
    "https://slsa.dev/provenance/v1",
];

#[test]
fn everything_is_stored_with_few_writes_and_verifies() {
    for referrers in [true, false] {
        let job = Job::new(referrers);
        let ran = job.run(&["--sbom", "bom.json", &job.image.reference]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.stdout, format!("{}\n", job.image.by_digest));
        let place = if referrers {
            "referrers"
        } else {
            "fallback tag"
        };
        assert!(
            ran.stderr.ends_with(&format!(
                "stored slsaprovenance1 ({place})\nstored cyclonedx ({place})\n\
                 stored signature ({place})\n"
            )),
            "{}",
            ran.stderr
        );
        // Three bundles and the empty config, three manifests, and one list for all.
        let mut expected = vec!["upload"; 4];
        expected.extend(vec!["manifest"; if referrers { 3 } else { 4 }]);
        assert_eq!(job.writes(), expected);
        if referrers {
            assert_eq!(job.attached(), ALL);
        } else {
            let tag = referrers_tag(&job.image.digest);
            let list = job.registry.manifest("shop/api", &tag).unwrap();
            let list: Value = serde_json::from_slice(&list).unwrap();
            assert_eq!(list["manifests"].as_array().unwrap().len(), 3);
        }
        for flags in [
            &[][..],
            &["--attestation", "cyclonedx"],
            &["--attestation", "slsaprovenance1"],
        ] {
            let ran = job.verify(flags);
            assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        }
    }
}

#[test]
fn the_next_step_and_the_people_are_told() {
    let job = Job::new(true);
    let ran = job.run(&[
        "--sbom",
        "bom.json",
        "--dotenv",
        "release.env",
        &job.image.reference,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let (image, digest) = (&job.image.by_digest, &job.image.digest);
    assert_eq!(
        job.place.read("output"),
        format!("image={image}\ndigest={digest}\n")
    );
    assert_eq!(
        job.place.read("release.env"),
        format!("WAXSEAL_IMAGE={image}\nWAXSEAL_DIGEST={digest}\n")
    );
    let summary = job.place.read("summary.md");
    assert!(
        summary.starts_with(&format!(
            "### Released `{image}`\n\nsigned by `the key sha256:"
        )),
        "{summary}"
    );
    assert_eq!(summary.matches("\n| ").count(), 5, "{summary}");

    let ran = job.run(&["--no-sbom", "--no-provenance", "-o", "json", image]);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["kind"], "Release");
    assert_eq!(answer["digest"], digest.to_string());
    assert_eq!(answer["stored"][0]["predicateType"], ALL[1]);
    assert_eq!(answer["stored"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_made_leaves_nothing_behind() {
    let job = Job::new(true);
    let other = Digest::sha256(b"another image");
    job.place.write("other.json", sbom(&other));
    let ran = job.run(&[
        "--sbom",
        "bom.json",
        "--sbom",
        "other.json",
        &job.image.by_digest,
    ]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains(&format!(
            "error: `other.json`: the SBOM describes `{other}`, not the image `{}`\n",
            job.image.digest
        )),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("::error title=waxseal release::`other.json`: the SBOM describes"),
        "{}",
        ran.stderr
    );
    assert_eq!(job.writes(), Vec::<String>::new());
    assert!(!job.place.path("output").exists());
}

#[test]
fn where_the_registry_fails_the_image_is_not_signed() {
    let job = Job::new(true);
    // The third manifest is the signature's.
    job.registry.fault(
        Match::new("PUT", "/v2/shop/api/manifests/").after(2),
        Fault::status(403),
        u64::MAX,
    );
    let ran = job.run(&["--sbom", "bom.json", &job.image.by_digest]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(job.attached(), [ALL[0], ALL[2]]);
    job.registry.heal();
    assert_eq!(job.verify(&[]).code, Some(3));
}

#[test]
fn an_sbom_is_left_out_only_when_that_is_said() {
    let job = Job::new(true);
    // Without the flag one is made, and the layer of this image is none.
    let ran = job.run(&[&job.image.by_digest]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains(&format!("error: the SBOM of {}: ", job.image.by_digest)),
        "{}",
        ran.stderr
    );
    assert_eq!(job.attached(), Vec::<String>::new());
    let ran = job.run(&[
        "--no-sbom",
        "--no-provenance",
        "--builder-id",
        "https://x",
        "a/b",
    ]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn outside_of_a_checkout_provenance_is_left_out_only_when_that_is_said() {
    let job = Job::new(true);
    let ran = job.place.run([
        "release",
        "--insecure-http",
        "--key",
        "cosign3.key",
        &job.image.by_digest,
    ]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "error: there is nothing here to make provenance from\n\
             hint: run it in a CI job or in a git checkout, or leave it out with --no-provenance\n"
        )
    );
    // That was found out before any layer was fetched.
    let log = job.registry.log();
    assert!(
        log.iter().all(|request| !request.kind().contains("blob")),
        "{log:?}"
    );
    assert_eq!(job.attached(), Vec::<String>::new());
}
