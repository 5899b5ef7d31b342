//! `sbom verify` and `sbom diff`: SBOMs beside images.

use serde_json::Value;
use waxseal_oci::Digest;
use waxseal_testkit::{Options, Registry};

use crate::run::{Place, Ran};
use crate::sbom::{APK, NODE, layer, push};

/// An image of two layers, and a place with the keys.
struct Shop {
    registry: Registry,
    place: Place,
    image: String,
    layers: Vec<Digest>,
}

impl Shop {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&str, &str)]) -> Self {
        let registry = Registry::start(Options::default());
        let place = Place::new();
        place.key("cosign3.key");
        place.key("cosign3.pub");
        let lower = layer(&[
            ("etc/os-release", "ID=alpine\nVERSION_ID=3.20\n"),
            ("lib/apk/db/installed", APK),
        ]);
        let upper = [("app/node_modules/left-pad/package.json", NODE)];
        let upper = layer(&[&upper[..], more].concat());
        let (image, layers) = push(&registry, "1.0", &[lower, upper]);
        Self {
            registry,
            place,
            image,
            layers,
        }
    }

    /// Our own SBOM of the image.
    fn sbom(&self) -> String {
        let list = ["sbom", "--insecure-http", "-o", "cyclonedx-json"];
        self.place.ok([&list[..], &[&self.image]].concat())
    }

    fn attest(&self, sbom: &str, key: &str) {
        self.place.write("bom.json", sbom);
        let attest = ["attest", "--insecure-http", "--sbom", "bom.json", "-k", key];
        self.place.ok([&attest[..], &[&self.image]].concat());
    }

    fn verify(&self, more: &[&str]) -> Ran {
        let verify = ["sbom", "verify", "--insecure-http", &self.image];
        self.place.run([&verify[..], more].concat())
    }
}

const KEY: [&str; 2] = ["--key", "cosign3.pub"];

#[test]
fn an_sbom_that_says_what_is_there_is_accepted() {
    let shop = Shop::new();
    shop.attest(&shop.sbom(), "cosign3.key");
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .ends_with("  2 the same, 0 left out, 0 in another version, 0 of another content, 0 more in the SBOM\n"),
        "{}",
        ran.stdout
    );
    // The same as a flag of `verify`.
    let verify = [
        "verify",
        "--insecure-http",
        &shop.image,
        "--sbom-matches-image",
    ];
    let ran = shop.place.run([&verify[..], &KEY].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

#[test]
fn an_sbom_that_leaves_something_out_is_refused_by_layer() {
    let shop = Shop::new();
    let mut lying: Value = serde_json::from_str(&shop.sbom()).unwrap();
    let components = lying.pointer_mut("/components").unwrap();
    let components = components.as_array_mut().unwrap();
    components.retain(|c| c.get("name").and_then(Value::as_str) != Some("left-pad"));
    for component in components.iter_mut() {
        if let Some(purl) = component.get_mut("purl") {
            *purl = purl
                .as_str()
                .unwrap()
                .replace("1.2.5-r0", "1.2.6-r0")
                .into();
        }
    }
    shop.attest(&lying.to_string(), "cosign3.key");
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    let detail = ran.stdout.split_once("\nthe SBOM sha256:").unwrap().1;
    let detail = detail.split_once('\n').unwrap().1;
    assert_eq!(
        detail,
        format!(
            "  left out, and in the image:\n    pkg:npm/left-pad 1.3.0\n      \
             app/node_modules/left-pad/package.json in layer {}\n  in another version:\n    \
             pkg:apk/alpine/musl 1.2.5-r0, and 1.2.6-r0 in the SBOM\n      \
             lib/apk/db/installed in layer {}\n  \
             of type npm the SBOM lists nothing, and the image has 1; --allow npm leaves them to others\n  \
             0 the same, 1 left out, 1 in another version, 0 of another content, 0 more in the SBOM\n",
            shop.layers.last().unwrap(),
            shop.layers.first().unwrap()
        )
    );
    // What may be left out may be left out, and no more.
    let npm = shop.verify(&[&KEY[..], &["--allow", "pkg:npm/left-pad"]].concat());
    assert_eq!(npm.code, Some(3));
    let both = shop.verify(&[&KEY[..], &["--allow", "npm", "--allow", "apk"]].concat());
    assert_eq!(both.code, Some(0), "{}", both.stdout);
    let json = shop.verify(&[&KEY[..], &["-o", "json"]].concat());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json.pointer("/verdict"), Some(&"deny".into()));
    assert_eq!(
        json.pointer("/comparisons/0/missing/0/name"),
        Some(&"left-pad".into())
    );
    let not_covered = json.pointer("/comparisons/0/notCovered/npm");
    assert_eq!(not_covered, Some(&1.into()));
}

#[test]
fn an_honest_sbom_by_a_stranger_is_not_looked_at() {
    let shop = Shop::new();
    let new = ["keygen", "--output-prefix", "stranger"];
    shop.place.ok(new);
    shop.attest(&shop.sbom(), "stranger.key");
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(ran.stdout.contains("no attested SBOM"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("beside the layers"), "{}", ran.stdout);
}

/// Layers are read while the SBOM is verified, and not again for who asks for them then.
#[test]
fn layers_are_read_once_and_broken_ones_are_no_match() {
    let shop = Shop::new();
    shop.attest(&shop.sbom(), "cosign3.key");
    shop.registry.reset();
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let asked = |what: &str| {
        let log = shop.registry.log();
        log.iter().filter(|asked| asked.path.contains(what)).count()
    };
    for layer in &shop.layers {
        assert_eq!(asked(&format!("blobs/{layer}")), 1, "{layer}");
    }
    // The list, the attestation's manifest and the attestation, the image's manifest.
    assert_eq!(shop.registry.count(), 1 + 2 + 1 + shop.layers.len());

    // The same image, of which a layer is none.
    let (broken, layers) = push(&shop.registry, "2.0", &[b"not an archive".to_vec()]);
    // One that does not say of which image it is.
    let mut sbom: Value = serde_json::from_str(&shop.sbom()).unwrap();
    sbom.as_object_mut().unwrap().remove("metadata");
    shop.place.write("bom.json", sbom.to_string());
    let attest = ["attest", "--insecure-http", "-k", "cosign3.key", "-t"];
    let attest = [
        &attest[..],
        &["cyclonedx", "--predicate", "bom.json", &broken],
    ];
    shop.place.ok(attest.concat());
    let verify = ["sbom", "verify", "--insecure-http", &broken];
    let ran = shop.place.run([&verify[..], &KEY].concat());
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains(&format!("the layer {}: ", layers[0])),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_policy_that_compares_nothing_is_no_answer() {
    let shop = Shop::new();
    shop.attest(&shop.sbom(), "cosign3.key");
    let policy = |rule: &str| {
        let host = shop.image.split_once('/').unwrap().0;
        let text = format!(
            "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: release }}\n\
             spec:\n  match: {{ images: ['{host}/shop/*'] }}\n  authorities:\n    \
             release: {{ key: {{ file: cosign3.pub }} }}\n  require:\n    - {rule}\n"
        );
        shop.place.write("policy.yaml", text);
        shop.verify(&["--policy", "policy.yaml"])
    };
    let ran = policy("sbom: { from: [release] }");
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: the policies compare no SBOM with the image\nhint: add `sbom: { from: [...], \
         matchesImage: true }` to one of them\n"
    );
    let ran = policy("sbom: { from: [release], matchesImage: true }");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_captured_comparison_is_made_again_from_the_layers() {
    let shop = Shop::new();
    shop.attest(&shop.sbom(), "cosign3.key");
    let flags = ["--key", "cosign3.pub", "--sbom-matches-image"];
    let capture = ["capture", "--insecure-http", &shop.image, "-o", "kept.tar"];
    shop.place.ok([&capture[..], &flags].concat());
    let replayed = shop.place.run(["replay", "kept.tar"]);
    assert_eq!(
        replayed.code,
        Some(0),
        "{}{}",
        replayed.stdout,
        replayed.stderr
    );
    assert!(
        replayed.stdout.contains("lists what is in the image"),
        "{}",
        replayed.stdout
    );
}

#[test]
fn what_changed_is_listed() {
    let shop = Shop::new();
    shop.place
        .write("before.json", shop.sbom().replace("1.3.0", "1.2.0"));
    let diff = [
        "sbom",
        "diff",
        "--insecure-http",
        "before.json",
        &shop.image,
    ];
    assert_eq!(
        shop.place.ok(diff),
        "~ npm left-pad 1.2.0 -> 1.3.0\n0 added, 0 removed, 1 changed, 1 the same\n"
    );
    let json = shop.place.ok([&diff[..], &["-o", "json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json.pointer("/changed/0/before/0"),
        Some(&"1.2.0".into()),
        "{json}"
    );
    shop.place.write("broken.json", "{}");
    let ran = shop
        .place
        .run(["sbom", "diff", "broken.json", "before.json"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: `broken.json`: the document is neither CycloneDX nor SPDX: there is no \
         `bomFormat`, no `spdxVersion` and no `@graph`\n"
    );
}

#[test]
fn an_sbom_that_means_another_content_is_refused_by_layer() {
    const CONTENT: &str = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
    const LOCK: &str = r#"{"name": "x", "lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0",
        "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}}}"#;
    let shop = Shop::with(&[("app/package-lock.json", LOCK)]);
    let honest = shop.sbom();
    let other = CONTENT.replace('c', "d");
    let lying = honest.replace(CONTENT, &other);
    shop.attest(&lying, "cosign3.key");
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    let layer = shop.layers.last().unwrap();
    let detail = format!(
        "  of another content:\n    \
         pkg:npm/left-pad@1.3.0 sha512:{CONTENT}, and sha512:{other} in the SBOM\n      \
         app/node_modules/left-pad/package.json in layer {layer}\n      \
         app/package-lock.json in layer {layer}\n  \
         1 the same, 0 left out, 0 in another version, 1 of another content, 0 more in the SBOM\n"
    );
    assert!(ran.stdout.ends_with(&detail), "{}", ran.stdout);
    let allowed = [&KEY[..], &["--may-omit", "pkg:npm/left-pad"]].concat();
    assert_eq!(shop.verify(&allowed).code, Some(0));
    // Beside each other.
    shop.place.write("honest.json", &honest);
    let ran = shop.place.run(["sbom", "diff", "honest.json", "bom.json"]);
    assert_eq!(
        (ran.code, ran.stdout),
        (
            Some(0),
            format!(
                "! npm left-pad 1.3.0 sha512:{CONTENT} -> sha512:{other}\n\
                 0 added, 0 removed, 0 changed, 1 with another content, 1 the same\n"
            )
        )
    );
}

/// An SBOM without the packages is not compared with all of the image.
#[test]
fn an_image_whose_database_is_behind_a_link_is_not_matched() {
    let attest = |shop: &Shop| {
        let sbom = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "components": [{"type": "library", "name": "musl", "version": "1.2.5-r0",
                "purl": "pkg:apk/alpine/musl@1.2.5-r0"},
                {"type": "library", "name": "left-pad", "version": "1.3.0",
                 "purl": "pkg:npm/left-pad@1.3.0"}]}"#;
        shop.attest(sbom, "cosign3.key");
    };
    let hidden = ("opt/x/status", "Package: hidden\nVersion: 1\n");
    let shop = Shop::with(&[hidden, ("var/lib/dpkg", "->/opt/x")]);
    attest(&shop);
    let ran = shop.verify(&KEY);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    let layer = shop.layers.last().unwrap();
    let reason = format!(
        "the SBOM cannot be compared with all of the image, of which a file is not read: \
         var/lib/dpkg in layer {layer}: a link, which is not followed"
    );
    assert!(ran.stdout.contains(&reason), "{}", ran.stdout);
    let allowed = shop.verify(&[&KEY[..], &["--allow", "/var/lib/dpkg"]].concat());
    assert_eq!(allowed.code, Some(0), "{}", allowed.stdout);
    // Without the link nobody finds it.
    let shop = Shop::with(&[hidden]);
    attest(&shop);
    assert_eq!(shop.verify(&KEY).code, Some(0));
}
