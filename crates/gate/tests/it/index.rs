//! Images of an index: the index was signed, its members inherit by digest.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_attestation::PredicateType;
use waxseal_gate::{FlagsSource, Options, PlatformsFlag, PolicySet};
use waxseal_oci::{Descriptor, Index, Manifest, Platform, Reference, media};
use waxseal_policy::Verdict;
use waxseal_testkit::{ImageSpec, PushedImage};

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

/// An index with an image for `linux/amd64` and an index of one image in it.
fn nested(shop: &Shop) -> [PushedImage; 4] {
    let (inner, inside) = shop
        .registry
        .push_index(REPOSITORY, "inner", &["linux/arm64"]);
    let spec = ImageSpec::tiny().with_marker("outer");
    let beside = shop.registry.push_image(REPOSITORY, "beside", &spec);
    let members = vec![beside.descriptor.clone(), inner.descriptor.clone()];
    let bytes = Index::new(members).to_bytes().unwrap();
    let kind = media::OCI_INDEX;
    let whole = shop
        .registry
        .push_manifest(REPOSITORY, "nested", kind, &bytes);
    let inside = inside.into_iter().next().unwrap();
    [whole, beside, inner, inside]
}

#[tokio::test]
async fn an_index_in_an_index_is_gone_down_into() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let [whole, beside, inner, inside] = nested(&shop);
    let sign = |subject: &Descriptor| {
        let bundle = ada.signature(&subject.digest);
        shop.attach_to(subject, &bundle, PredicateType::SIGN);
    };
    let set = signed_by(&[&ada]);
    let tag: Reference = whole.reference.parse().unwrap();
    for image in [&whole, &beside, &inner] {
        sign(&image.descriptor);
    }
    let all = options(PlatformsFlag::All);
    let outcome = shop.verify_with(&tag, &set, &all).await;
    let verdicts: Vec<_> = outcome
        .decision
        .policies
        .iter()
        .map(|p| p.verdict)
        .collect();
    assert_eq!(
        verdicts,
        [
            Verdict::Allow,
            Verdict::Allow,
            Verdict::Allow,
            Verdict::Deny
        ]
    );
    assert_eq!(outcome.decision.policies[3].subject, inside.digest);
    // For its platform it is the one that is meant, and inherits.
    let outcome = shop.verify_with(&tag, &set, &options(arm())).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let policy = &outcome.decision.policies[0];
    assert_eq!(policy.subject, inside.digest);
    assert_eq!(policy.via.as_ref().unwrap().index, whole.digest);
    sign(&inside.descriptor);
    let outcome = shop.verify_with(&tag, &set, &all).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn a_member_that_names_no_platform_is_looked_at_for_what_it_is() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let (_, members) =
        shop.registry
            .push_index(REPOSITORY, "parts", &["linux/arm64", "linux/amd64"]);
    let spec = ImageSpec::tiny().with_marker("hidden");
    let hidden = shop
        .registry
        .push_image(REPOSITORY, "hidden", &spec.for_platform("linux/arm64"));
    // A runtime looks into the configuration of an entry without a platform.
    let entry = Descriptor::new(
        media::OCI_MANIFEST,
        hidden.digest.clone(),
        hidden.descriptor.size,
    );
    let put = |entries: &[Descriptor]| {
        let bytes = Index::new(entries.to_vec()).to_bytes().unwrap();
        let kind = media::OCI_INDEX;
        let whole = shop
            .registry
            .push_manifest(REPOSITORY, "whole", kind, &bytes);
        whole.reference.parse::<Reference>().unwrap()
    };
    let [arm64, amd64] = [&members[0], &members[1]].map(|m| m.descriptor.clone());
    let bundle = ada.signature(&arm64.digest);
    shop.attach_to(&arm64, &bundle, PredicateType::SIGN);
    let set = signed_by(&[&ada]);
    let options = options(arm());
    let tag = put(&[entry.clone(), arm64.clone()]);
    let outcome = shop.verify_with(&tag, &set, &options).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(outcome.decision.policies[0].subject, hidden.digest);
    // One that says that it is for another platform is left alone.
    let bare = Descriptor::new(media::OCI_MANIFEST, amd64.digest, amd64.size);
    let tag = put(&[bare, arm64]);
    let outcome = shop.verify_with(&tag, &set, &options).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(outcome.decision.policies.len(), 1);
}

#[tokio::test]
async fn an_image_for_another_platform_is_refused() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    let set = signed_by(&[&ada]);
    let outcome = shop
        .verify_with(&shop.by_tag(), &set, &options(arm()))
        .await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let digest = &shop.image.digest;
    assert_eq!(
        outcome.decision.reason,
        Some(format!(
            "the image {digest} is for linux/amd64, not for linux/arm64"
        ))
    );
    let both = ["linux/arm64", "linux/amd64"].map(|p| Platform::parse(p).unwrap());
    let either = options(PlatformsFlag::Only(both.to_vec()));
    let outcome = shop.verify_with(&shop.by_tag(), &set, &either).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    // One that does not say for what it is is taken for what was asked for.
    let config = br#"{"architecture":"","os":""}"#;
    let config = shop
        .registry
        .push_blob(REPOSITORY, media::OCI_CONFIG, config);
    let bytes = Manifest::new(config, Vec::new()).to_bytes().unwrap();
    let kind = media::OCI_MANIFEST;
    let plain = shop
        .registry
        .push_manifest(REPOSITORY, "plain", kind, &bytes);
    let bundle = ada.signature(&plain.digest);
    shop.attach_to(&plain.descriptor, &bundle, PredicateType::SIGN);
    let tag: Reference = plain.reference.parse().unwrap();
    let outcome = shop.verify_with(&tag, &set, &options(arm())).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}
