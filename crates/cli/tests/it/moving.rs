//! `copy`, `save` and `load`: the evidence goes along.

use waxseal_testkit::{Options, Registry};

use crate::registry::Shop;

fn full() -> Shop {
    let shop = Shop::signed();
    shop.attest();
    let image = shop.image.by_digest.as_str();
    shop.ok(&["sign", image, "--key", "cosign3.key", "--legacy"]);
    shop
}

fn verifies(shop: &Shop, image: &str) {
    shop.ok(&["verify", image, "--key", "cosign3.pub"]);
    shop.ok(&[
        "verify",
        image,
        "--key",
        "cosign3.pub",
        "--attestation",
        "cyclonedx",
    ]);
}

#[test]
fn a_copy_verifies_in_a_registry_with_and_without_the_api() {
    let shop = full();
    for referrers in [true, false] {
        let target = Registry::start(Options {
            referrers,
            ..Options::default()
        });
        let to = format!("{}/mirror/api:1", target.host());
        let said = shop.ok(&["copy", &shop.image.reference, &to]);
        assert!(
            said.lines()
                .all(|l| l.starts_with("copied ") || l.starts_with("merged ")),
            "{said}"
        );
        verifies(&shop, &to);
        // The ledger of a second copy has nothing to report.
        let (code, ledger) = shop.json(&["copy", &shop.image.reference, &to]);
        assert_eq!(
            (code, ledger["kind"].as_str()),
            (Some(0), Some("CopyLedger"))
        );
        let entries = ledger["entries"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        assert!(!entries.is_empty());
        assert!(
            entries.iter().all(|e| e["action"] == "already-there"),
            "{entries:?}"
        );
    }
}

#[test]
fn what_was_saved_loads_and_verifies() {
    let shop = full();
    for path in ["saved", "saved.tar"] {
        let ran = shop.run(&["save", &shop.image.reference, "-o", path]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let target = Registry::start(Options::default());
        let to = format!("{}/loaded/api:2", target.host());
        shop.ok(&["load", path, &to]);
        verifies(&shop, &to);
    }
}

#[test]
fn which_of_several_images_is_asked() {
    let shop = Shop::signed();
    let other = waxseal_testkit::ImageSpec::tiny().with_marker("other");
    let other = shop.registry.push_image("shop/api", "other", &other);
    for image in [&shop.image.reference, &other.reference] {
        shop.ok(&["save", image, "-o", "both"]);
    }
    let to = format!("{}/loaded/api:1", shop.registry.host());
    let ran = shop.run(&["load", "both", &to]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.stderr,
        "error: `both` holds several images: 1, other\nhint: say which with --image\n"
    );
    shop.ok(&["load", "both", &to, "--image", "1"]);
    shop.ok(&["verify", &to, "--key", "cosign3.pub"]);
}
