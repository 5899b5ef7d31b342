//! A verdict is a function of a file.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use waxseal_attestation::PredicateType;
use waxseal_gate::{EvidenceError, Extent, Options, PlatformsFlag, PolicySet, capture, replay};
use waxseal_oci::{CosignTag, Reference};
use waxseal_policy::{Decision, Unmatched, Verdict};
use waxseal_testkit::{Fault, Match};

use crate::shop::{CYCLONEDX, Person, REPOSITORY, Shop, attested_by, now, signed_by};

async fn captured(
    shop: &Shop,
    image: &Reference,
    set: &PolicySet,
    extent: Extent,
    to: &Path,
) -> Decision {
    let options = Options::for_cli();
    let captured = capture(&shop.client, image, set, &options, now(), extent, to)
        .await
        .unwrap();
    captured.decision
}

/// The replay of what was captured, with the registry gone.
async fn replayed(shop: Shop, file: &Path, other: Option<&PolicySet>) -> Decision {
    drop(shop);
    let replayed = replay(file, other).await.unwrap();
    assert_eq!(replayed.is_same(), other.is_none());
    replayed.decision
}

fn json(decision: &Decision) -> String {
    serde_json::to_string(decision).unwrap()
}

#[tokio::test]
async fn an_allow_is_replayed_to_the_letter() {
    for name in ["evidence.tar", "evidence"] {
        let ada = Person::new("ada");
        let shop = Shop::new();
        ada.signs(&shop);
        ada.attests(&shop, CYCLONEDX, "{}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        let set = signed_by(&[&ada]);
        let first = captured(&shop, &shop.by_tag(), &set, Extent::Verdict, &file).await;
        assert_eq!(first.verdict, Verdict::Allow);
        let again = replayed(shop, &file, None).await;
        assert_eq!(json(&again), json(&first));
    }
}

#[tokio::test]
async fn refusals_and_what_could_not_be_told_are_replayed_too() {
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    for fault in [None, Some(Fault::status(403))] {
        let shop = Shop::new();
        eve.signs(&shop);
        shop.under_tag(CosignTag::Signature, &[eve.legacy_signature(&shop)]);
        if let Some(fault) = fault.clone() {
            let path = Match::new("GET", "/referrers/");
            shop.registry.fault(path, fault, u64::MAX);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("evidence.tar");
        let set = signed_by(&[&ada]);
        let first = captured(&shop, &shop.by_tag(), &set, Extent::Verdict, &file).await;
        let expected = match fault {
            None => Verdict::Deny,
            Some(_) => Verdict::Unable,
        };
        assert_eq!(first.verdict, expected);
        let again = replayed(shop, &file, None).await;
        assert_eq!(json(&again), json(&first));
    }
}

#[tokio::test]
async fn policies_from_files_travel_with_their_keys() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let images = format!("{}/**", shop.registry.host());
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, crate::places::policy(&images, "")).unwrap();
    let set = PolicySet::load(&[policy]).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("evidence.tar");
    let first = captured(&shop, &shop.by_tag(), &set, Extent::Verdict, &file).await;
    drop(folder);
    let again = replayed(shop, &file, None).await;
    assert_eq!(first.verdict, Verdict::Allow);
    assert_eq!(json(&again), json(&first));
}

#[tokio::test]
async fn another_policy_is_tried_on_everything_that_was_kept() {
    let ada = Person::new("ada");
    let sbom = attested_by(&[&ada], &["cyclonedx"]);
    for (extent, verdict) in [
        (Extent::Everything, Verdict::Allow),
        (Extent::Verdict, Verdict::Unable),
    ] {
        let shop = Shop::new();
        ada.signs(&shop);
        ada.attests(&shop, CYCLONEDX, "{}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("evidence.tar");
        let set = signed_by(&[&ada]);
        captured(&shop, &shop.by_digest(), &set, extent, &file).await;
        let decision = replayed(shop, &file, Some(&sbom)).await;
        assert_eq!(decision.verdict, verdict, "{extent:?}");
        if verdict == Verdict::Unable {
            let reason = decision.reason.unwrap();
            assert!(
                reason.starts_with("the evidence file does not hold the manifest sha256:"),
                "{reason}"
            );
        }
    }
}

#[tokio::test]
async fn the_file_does_not_say_how_another_policy_is_applied() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, _) = shop
        .registry
        .push_index(REPOSITORY, "multi", &["linux/amd64", "linux/arm64"]);
    let bundle = ada.signature(&whole.digest);
    shop.attach_to(&whole.descriptor, &bundle, PredicateType::SIGN);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.tar");
    let options = Options {
        platforms: Some(PlatformsFlag::Index.into()),
        unmatched: Unmatched::Allow,
        ..Options::for_cli()
    };
    let image: Reference = whole.reference.parse().unwrap();
    let (set, everything) = (signed_by(&[&ada]), Extent::Everything);
    let first = capture(
        &shop.client,
        &image,
        &set,
        &options,
        now(),
        everything,
        &file,
    );
    assert_eq!(first.await.unwrap().decision.verdict, Verdict::Allow);

    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let policy = |name: &str, images: &str, more: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, crate::places::policy(images, more)).unwrap();
        PolicySet::load(&[path]).unwrap()
    };
    let elsewhere = policy("elsewhere.yaml", "registry.example.com/**", "");
    let here = format!("{}/**", shop.registry.host());
    let members = policy("members.yaml", &here, "  platforms: all\n");
    drop(shop);
    let decide = async |set: &PolicySet| replay(&file, Some(set)).await.unwrap().decision;
    let decision = decide(&elsewhere).await;
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(
        decision.reason.as_deref(),
        Some("no policy covers this image")
    );
    let decision = decide(&members).await;
    let verdicts: Vec<_> = decision.policies.iter().map(|p| p.verdict).collect();
    assert_eq!(verdicts.first(), Some(&Verdict::Allow));
    assert_eq!(verdicts.len(), 3);
    assert_ne!(decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn altered_content_in_the_file_is_found() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence");
    let set = signed_by(&[&ada]);
    let first = captured(&shop, &shop.by_digest(), &set, Extent::Verdict, &file).await;
    let blob = &first.policies[0].requirements[0].found[0].origin.blob;
    let path = file.join("blobs/sha256").join(blob.hex());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let replayed = replay(&file, None).await.unwrap();
    assert_eq!(replayed.decision.verdict, Verdict::Unable);
    assert!(!replayed.is_same());
}

#[tokio::test]
async fn another_layout_is_not_an_evidence_file() {
    let shop = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("saved");
    let layout = waxseal_registry::Layout::create(&root).unwrap();
    let image = shop.by_tag();
    waxseal_registry::copy(&shop.client, &image, &layout, &image)
        .await
        .unwrap();
    let error = replay(&root, None).await.unwrap_err();
    assert_eq!(
        error,
        EvidenceError::NotEvidence {
            path: root.display().to_string(),
            reason: "it is `application/vnd.oci.image.config.v1+json`".to_owned(),
        }
    );
}
