//! Images of an index: the index was signed, its members inherit by digest.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_attestation::PredicateType;
use waxseal_gate::{FlagsSource, Options, PlatformsFlag, PolicySet};
use waxseal_oci::{Platform, Reference};
use waxseal_policy::Verdict;
use waxseal_testkit::PushedImage;

use crate::shop::{CYCLONEDX, Person, REPOSITORY, Shop, flags, requirement, signed_by};

fn index(shop: &Shop) -> (PushedImage, Vec<PushedImage>) {
    let platforms = ["linux/amd64", "linux/arm64"];
    shop.registry.push_index(REPOSITORY, "multi", &platforms)
}

fn options(flag: PlatformsFlag) -> Options {
    Options {
        platforms: Some(flag.into()),
        ..Options::for_cli()
    }
}

fn arm() -> PlatformsFlag {
    PlatformsFlag::Only(vec![Platform::parse("linux/arm64").unwrap()])
}

#[tokio::test]
async fn a_member_verifies_through_the_signed_index() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, members) = index(&shop);
    let bundle = ada.signature(&whole.digest);
    shop.attach_to(&whole.descriptor, &bundle, PredicateType::SIGN);
    let set = signed_by(&[&ada]);
    let tag: Reference = whole.reference.parse().unwrap();

    let outcome = shop.verify_with(&tag, &set, &options(arm())).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let policy = &outcome.decision.policies[0];
    assert_eq!(policy.subject, members[1].digest);
    assert_eq!(policy.platform.as_deref(), Some("linux/arm64"));
    assert_eq!(policy.via.as_ref().unwrap().index, whole.digest);
    assert_eq!(
        requirement(&outcome).found[0].through,
        Some(whole.digest.clone())
    );

    // The same member by its digest, beside the tag that leads to it.
    let child = tag.pinned(&members[1].digest);
    let outcome = shop.verify(&child, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let policy = &outcome.decision.policies[0];
    assert_eq!(policy.via.as_ref().unwrap().index, whole.digest);

    // By its digest alone nothing leads to the index.
    let alone = tag.repository().at(&members[1].digest);
    let outcome = shop.verify(&alone, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);

    // Nor does a tag that leads elsewhere.
    let elsewhere = shop.by_tag().pinned(&members[1].digest);
    let outcome = shop.verify(&elsewhere, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
}

#[tokio::test]
async fn a_signed_member_needs_no_index() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, members) = index(&shop);
    let bundle = ada.signature(&members[1].digest);
    shop.attach_to(&members[1].descriptor, &bundle, PredicateType::SIGN);
    let set = signed_by(&[&ada]);
    let tag: Reference = whole.reference.parse().unwrap();
    let outcome = shop.verify_with(&tag, &set, &options(arm())).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(outcome.decision.policies[0].via, None);
    // The index itself is not signed.
    let outcome = shop.verify(&tag, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
}

#[tokio::test]
async fn the_index_may_be_signed_and_the_member_attested() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, members) = index(&shop);
    let bundle = ada.signature(&whole.digest);
    shop.attach_to(&whole.descriptor, &bundle, PredicateType::SIGN);
    let bundle = ada.attestation(&members[1].digest, CYCLONEDX, "{}");
    shop.attach_to(&members[1].descriptor, &bundle, CYCLONEDX);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let images = format!("{}/**", shop.registry.host());
    let more = "    - attestation: { type: cyclonedx, from: [ada] }\n  platforms: [linux/arm64]\n";
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, crate::places::policy(&images, more)).unwrap();
    let set = PolicySet::load(&[file]).unwrap();
    let tag: Reference = whole.reference.parse().unwrap();
    let outcome = shop.verify(&tag, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn all_means_each_on_its_own() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, members) = index(&shop);
    let sign = |image: &PushedImage| {
        let bundle = ada.signature(&image.digest);
        shop.attach_to(&image.descriptor, &bundle, PredicateType::SIGN);
    };
    sign(&whole);
    sign(&members[0]);
    let set = PolicySet::from_flags(FlagsSource {
        platforms: PlatformsFlag::All,
        ..flags(&[&ada])
    })
    .unwrap();
    let tag: Reference = whole.reference.parse().unwrap();
    let outcome = shop.verify(&tag, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let verdicts: Vec<_> = outcome
        .decision
        .policies
        .iter()
        .map(|p| p.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Allow, Verdict::Deny]);
    sign(&members[1]);
    let outcome = shop.verify(&tag, &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn every_spelling_of_a_platform_is_looked_at() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    // A runtime takes the first of these two, and the second is signed.
    let platforms = ["linux/aarch64", "linux/arm64"];
    let (whole, members) = shop.registry.push_index(REPOSITORY, "twice", &platforms);
    let sign = |image: &PushedImage| {
        let bundle = ada.signature(&image.digest);
        shop.attach_to(&image.descriptor, &bundle, PredicateType::SIGN);
    };
    sign(&members[1]);
    let tag: Reference = whole.reference.parse().unwrap();
    let verify = || async {
        let set = signed_by(&[&ada]);
        let outcome = shop.verify_with(&tag, &set, &options(arm())).await;
        outcome.decision
    };
    let decision = verify().await;
    let verdicts: Vec<_> = decision.policies.iter().map(|p| p.verdict).collect();
    assert_eq!(verdicts, [Verdict::Deny, Verdict::Allow]);
    assert_eq!(decision.verdict, Verdict::Deny);
    sign(&members[0]);
    assert_eq!(verify().await.verdict, Verdict::Allow);
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_refused() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (whole, _) = index(&shop);
    let wanted = PlatformsFlag::Only(vec![Platform::parse("linux/riscv64").unwrap()]);
    let tag: Reference = whole.reference.parse().unwrap();
    let outcome = shop
        .verify_with(&tag, &signed_by(&[&ada]), &options(wanted))
        .await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(
        outcome.decision.reason,
        Some(format!(
            "the index {} has no image for linux/riscv64",
            whole.digest
        ))
    );
}
