//! The steps, in order.

use waxseal_testkit::{Fault, Match, Options, PushedImage, Registry};

use crate::stage::{Stage, say};
use crate::{forgery, image, webhook};

/// Everything that the steps share.
struct Tour {
    stage: Stage,
    registry: Registry,
    api: PushedImage,
    web: PushedImage,
}

pub(crate) fn run(stage: Stage) -> Result<(), String> {
    let registry = Registry::start(Options::default());
    say("An embedded registry on loopback, and two small images in it");
    let api = image::push(&registry, "shop/api", "1.0", "the real one\n")?;
    let web = image::push(&registry, "shop/web", "1.0", "nobody signed this\n")?;
    for image in [&api, &web] {
        println!("    {}\n      {}", image.reference, image.digest);
    }
    let tour = Tour {
        stage,
        registry,
        api,
        web,
    };
    tour.sign()?;
    tour.verify()?;
    tour.refuse()?;
    tour.admit()?;
    tour.replay()
}

impl Tour {
    fn sign(&self) -> Result<(), String> {
        let Self {
            stage, api, web, ..
        } = self;
        say("A key: encrypted, in cosign's own format");
        stage.waxseal("keygen --output-prefix release", 0)?;

        say("Attest the image's SBOM, which names the image by its digest");
        stage.write("bom.cdx.json", &image::sbom(&api.descriptor, "api"))?;
        let attest = "--insecure-http attest --key release.key --sbom bom.cdx.json";
        stage.waxseal(&format!("{attest} {}", api.by_digest), 0)?;

        say("The same SBOM is not attested to another image");
        let refused = stage.waxseal(&format!("{attest} {}", web.by_digest), 1)?;
        refused.says("describes")?;

        say("Attestations alone are not a signature: the image is not verified yet");
        let verify = format!("--insecure-http verify --key release.pub {}", api.reference);
        let refused = stage.waxseal(&verify, 3)?;
        refused.says("attestations are not signatures")?;

        say("Sign the image. The tag is resolved once; what is signed is the digest");
        let sign = format!("--insecure-http sign --key release.key {}", api.reference);
        stage.waxseal(&sign, 0)?.says(api.digest.as_str())
    }

    fn verify(&self) -> Result<(), String> {
        let Self {
            stage,
            registry,
            api,
            ..
        } = self;
        say("Verify the signature: four requests from a tag");
        registry.reset();
        let verify = "--insecure-http verify --key release.pub";
        stage.waxseal(&format!("{verify} {}", api.reference), 0)?;
        for request in registry.log() {
            println!("    {} {}", request.method, short(&request.path));
        }
        if registry.count() != 4 {
            return Err("the registry should have been asked 4 times".to_owned());
        }

        say("Verify the SBOM's attestation");
        let verify_sbom = format!("{verify} --attestation cyclonedx {}", api.reference);
        stage.waxseal(&verify_sbom, 0)?;

        say("What is attached to the image");
        let tree = format!("--insecure-http tree --key release.pub {}", api.reference);
        stage.waxseal(&tree, 0)?;

        say("A verdict is a file: keep every byte that it rests on");
        let capture = "--insecure-http capture --key release.pub -o evidence.tar";
        stage.waxseal(&format!("{capture} {}", api.reference), 0)?;
        Ok(())
    }

    fn refuse(&self) -> Result<(), String> {
        let Self {
            stage,
            registry,
            api,
            web,
        } = self;
        let verify = "--insecure-http verify --key release.pub";
        say("Refused: an image that nobody signed");
        let refused = stage.waxseal(&format!("{verify} {}", web.reference), 3)?;
        refused.says("nothing is attached")?;

        say("Refused: the signature of another image, copied onto this one");
        forgery::transplant(registry, api, web)?;
        let refused = stage.waxseal(&format!("{verify} {}", web.reference), 3)?;
        refused.says(&format!("it is about {}", api.digest))?;

        say("Refused: a signed statement, edited to name this image");
        let edited = image::push(registry, "shop/edited", "1.0", "signed, they say\n")?;
        forgery::edit(registry, api, &edited)?;
        let refused = stage.waxseal(&format!("{verify} {}", edited.reference), 3)?;
        refused.says("signature")?;

        say("Refused: somebody changed a file in the image and moved the tag to it");
        let tampered = image::push(registry, "shop/api", "1.0", "with a backdoor\n")?;
        let refused = stage.waxseal(&format!("{verify} {}", api.reference), 3)?;
        refused.says(tampered.digest.as_str())?;
        registry.contents().tag("shop/api", "1.0", &api.digest);

        say("No verdict: the registry sends other bytes than the digest's");
        let other = Fault::Body(br#"{"schemaVersion":2}"#.to_vec());
        registry.fault(Match::new("GET", "/manifests/sha256:"), other, u64::MAX);
        let failed = stage.waxseal(&format!("{verify} {}", api.by_digest), 1)?;
        registry.heal();
        failed.says("sha256:")
    }

    fn admit(&self) -> Result<(), String> {
        let Self {
            stage,
            registry,
            api,
            web,
        } = self;
        say("The same engine in the cluster: a policy for the webhook");
        let policy = POLICY.replace("REGISTRY", registry.host());
        std::fs::create_dir(stage.path("policies")).map_err(|e| e.to_string())?;
        stage.write("policies/release.yaml", &policy)?;
        let key = stage.path("release.pub");
        std::fs::copy(key, stage.path("policies/release.pub")).map_err(|e| e.to_string())?;
        for line in policy.lines() {
            println!("    {line}");
        }
        stage.waxseal("policy check policies/release.yaml", 0)?;
        webhook::play(stage, api, web)
    }

    /// Ends the registry, so it comes last.
    fn replay(self) -> Result<(), String> {
        let Self {
            stage,
            registry,
            api,
            ..
        } = self;
        say("The registry stops. Asked again, nobody can tell; the evidence file still can");
        drop(registry);
        let verify = format!("--insecure-http verify --key release.pub {}", api.by_digest);
        stage.waxseal(&verify, 1)?;
        stage.waxseal("replay evidence.tar", 0)?.says("verified")
    }
}

/// A path with its digests cut short.
fn short(path: &str) -> String {
    match path.split_once("sha256:") {
        Some((head, hex)) => format!("{head}sha256:{}…", hex.get(..12).unwrap_or(hex)),
        None => path.to_owned(),
    }
}

const POLICY: &str = r#"apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: { name: release }
spec:
  match: { images: ["REGISTRY/shop/**"] }
  authorities:
    release-key: { key: { file: release.pub } }
  require:
    - signature: { from: [release-key] }
    - attestation:
        type: cyclonedx
        from: [release-key]
        where: "predicate.components.exists(c, c.name == 'busybox-static')"
"#;
