//! SBOMs that lie, at the door: a policy compares what is attested with the
//! layers of the image that is to run.

use serde_json::{Value, json};
use waxseal_admission::review::Door;
use waxseal_oci::Reference;
use waxseal_sbom::{Scanner, Target};
use waxseal_sign::PrivateKey;
use waxseal_testkit::{ImageSpec, PushedImage};
use waxseal_verify::KeyAlgorithm;

use crate::world::{World, ask};

const CYCLONEDX: &str = "https://cyclonedx.org/bom";
const SPDX: &str = "https://spdx.dev/Document";

/// What the lock file in the layer says of left-pad's archive, in hexadecimal and as npm
/// writes it.
const CONTENT: &str = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
const INTEGRITY: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

/// A layer with an Alpine package, and one from npm in this version.
fn layer(left_pad: &str) -> Vec<u8> {
    let node = json!({"name": "left-pad", "version": left_pad}).to_string();
    let entry = json!({"version": left_pad, "integrity": INTEGRITY});
    let packages = json!({"node_modules/left-pad": entry});
    let lock = json!({"name": "x", "lockfileVersion": 3, "packages": packages}).to_string();
    let files = [
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20\n"),
        (
            "lib/apk/db/installed",
            "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\n",
        ),
        ("app/node_modules/left-pad/package.json", &node),
        ("app/package-lock.json", &lock),
    ];
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into().unwrap());
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

/// An image of one such layer, and its own SBOM as CycloneDX and SPDX.
struct Made {
    name: String,
    image: PushedImage,
    cyclonedx: Value,
    spdx: Value,
}

/// A cluster that demands an SBOM which lists what is in the image.
fn world() -> World {
    let world = World::new();
    let demand = "sbom: { from: [release-key], matchesImage: true }";
    world.demand("release", "enforce", "", demand);
    world
}

fn make(world: &World, name: &str, left_pad: &str) -> Made {
    let (repository, tag) = name.split_once(':').unwrap();
    let mut spec = ImageSpec::tiny();
    spec.layer = layer(left_pad);
    let image = world.registry.push_image(repository, tag, &spec);
    let mut scanner = Scanner::new();
    let digest = waxseal_oci::Digest::sha256(&spec.layer);
    scanner.layer(&digest, &mut &*spec.layer).unwrap();
    let inventory = scanner.finish();
    let reference: Reference = image.by_digest.parse().unwrap();
    let target = Target::image(reference.repository(), &image.digest);
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).unwrap();
    Made {
        name: name.to_owned(),
        cyclonedx: read(inventory.to_cyclonedx(&target, None)),
        spdx: read(inventory.to_spdx(&target, None)),
        image,
    }
}

impl Made {
    fn attest(&self, world: &World, key: &PrivateKey, kind: &str, sbom: &Value) {
        let sbom = sbom.to_string();
        world.attest_by(key, &self.name, &self.image, kind, sbom.as_bytes());
    }

    /// Whether it may run, and what the cluster is told.
    async fn ask(&self, world: &World) -> (bool, u64, String) {
        let policies = world.policies(&[]);
        let images = [&*self.image.by_digest];
        let answer = ask(&policies, Door::Validate, "default", &images).await;
        (
            answer["allowed"].as_bool().unwrap(),
            answer["status"]["code"].as_u64().unwrap_or(200),
            answer["status"]["message"].as_str().unwrap().to_owned(),
        )
    }

    /// The message of a refusal for `reason`.
    fn refused(&self, reason: &str) -> (bool, u64, String) {
        let image = &self.image.by_digest;
        let message = format!(
            "refused: spec.containers[0].image `{image}`: policy `release`: no attested SBOM by \
             release-key; nearest: {reason}"
        );
        (false, 403, message)
    }
}

/// Where left-pad is: its file and the digest of its layer.
fn place() -> String {
    let layer = waxseal_oci::Digest::sha256(&layer("1.3.0"));
    format!("app/node_modules/left-pad/package.json in layer {layer}")
}

fn left_out() -> String {
    format!(
        "the SBOM leaves out a package of the image: pkg:npm/left-pad@1.3.0 ({})",
        place()
    )
}

fn in_another_version() -> String {
    format!(
        "the SBOM lists a package in another version: pkg:npm/left-pad@1.3.0 ({}), where it says 1.3.1",
        place()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sbom_that_tells_the_truth_is_let_in() {
    for kind in [CYCLONEDX, SPDX] {
        let world = world();
        let made = make(&world, "shop/api:1", "1.3.0");
        let sbom = if kind == SPDX {
            &made.spdx
        } else {
            &made.cyclonedx
        };
        made.attest(&world, &world.key, kind, sbom);
        let told = made.ask(&world).await;
        assert!(told.0, "{kind}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_left_out_is_refused() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let mut lying = made.cyclonedx.clone();
    let components = lying["components"].as_array_mut().unwrap();
    let before = components.len();
    components.retain(|c| c["name"] != "left-pad");
    assert_eq!(components.len(), before - 1);
    made.attest(&world, &world.key, CYCLONEDX, &lying);
    assert_eq!(made.ask(&world).await, made.refused(&left_out()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_left_out_of_spdx_is_refused() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let mut lying = made.spdx.clone();
    let packages = lying["packages"].as_array_mut().unwrap();
    let before = packages.len();
    packages.retain(|c| c["name"] != "left-pad");
    assert_eq!(packages.len(), before - 1);
    made.attest(&world, &world.key, SPDX, &lying);
    assert_eq!(made.ask(&world).await, made.refused(&left_out()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_refused() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let lying = made.cyclonedx.to_string().replace("1.3.0", "1.3.1");
    let lying = serde_json::from_str(&lying).unwrap();
    made.attest(&world, &world.key, CYCLONEDX, &lying);
    assert_eq!(made.ask(&world).await, made.refused(&in_another_version()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_is_refused() {
    let other = CONTENT.replace('c', "d");
    for kind in [CYCLONEDX, SPDX] {
        let world = world();
        let made = make(&world, "shop/api:1", "1.3.0");
        let sbom = if kind == SPDX {
            &made.spdx
        } else {
            &made.cyclonedx
        };
        let honest = sbom.to_string();
        assert!(honest.contains(CONTENT), "{kind}");
        let lying = serde_json::from_str(&honest.replace(CONTENT, &other)).unwrap();
        made.attest(&world, &world.key, kind, &lying);
        let reason = format!(
            "the SBOM means another content: pkg:npm/left-pad@1.3.0 ({}) is sha512:{CONTENT}, \
             where it says sha512:{other}",
            place()
        );
        assert_eq!(made.ask(&world).await, made.refused(&reason), "{kind}");
    }
}

fn describes(other: &Made, image: &Made) -> String {
    let (other, image) = (&other.image.digest, &image.image.digest);
    format!("the SBOM describes `{other}`, not the image `{image}`")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sbom_of_another_image_is_refused() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let other = make(&world, "shop/api:2", "1.2.0");
    made.attest(&world, &world.key, CYCLONEDX, &other.cyclonedx);
    assert_eq!(
        made.ask(&world).await,
        made.refused(&describes(&other, &made))
    );

    // Nor is it one when it hangs, as it was signed, on this image.
    let world = self::world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let other = make(&world, "shop/api:2", "1.2.0");
    let honest = other.cyclonedx.to_string();
    world.hang(
        &made.name,
        &made.image,
        &other.image,
        CYCLONEDX,
        honest.as_bytes(),
    );
    assert_eq!(made.ask(&world).await, made.refused(&about(&other, &made)));
}

fn about(other: &Made, image: &Made) -> String {
    let (other, image) = (&other.image.digest, &image.image.digest);
    format!("it is about {other}, not {image}")
}

fn by(stranger: &PrivateKey) -> String {
    let hint = stranger.public_key().hint();
    format!("signed with another key (its hint is `{hint}`)")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_sbom_by_a_stranger_is_refused() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    let stranger = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    made.attest(&world, &stranger, CYCLONEDX, &made.cyclonedx);
    assert_eq!(made.ask(&world).await, made.refused(&by(&stranger)));

    // The lie of the one who may sign is no better beside the stranger's truth.
    let lying = made.cyclonedx.to_string().replace("1.3.0", "1.3.1");
    let lying = serde_json::from_str(&lying).unwrap();
    made.attest(&world, &world.key, CYCLONEDX, &lying);
    assert_eq!(made.ask(&world).await, made.refused(&in_another_version()));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_cannot_be_fetched_are_no_refusal() {
    let world = world();
    let made = make(&world, "shop/api:1", "1.3.0");
    made.attest(&world, &world.key, CYCLONEDX, &made.cyclonedx);
    let layer = waxseal_oci::Digest::sha256(&layer("1.3.0"));
    let blob = waxseal_testkit::Match::any(format!("/blobs/{layer}"));
    world
        .registry
        .fault(blob, waxseal_testkit::Fault::status(403), u64::MAX);
    let (allowed, code, message) = made.ask(&world).await;
    assert!(!allowed);
    let start = format!(
        "could not check: spec.containers[0].image `{}`: ",
        made.image.by_digest
    );
    assert_eq!(code, 503);
    assert!(message.starts_with(&start), "{message}");
    assert!(
        message.contains(&format!("@{layer}: the registry forbids it")),
        "{message}"
    );
}
