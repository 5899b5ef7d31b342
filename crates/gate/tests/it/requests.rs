//! How much is asked of a registry: counts and bytes do not depend on how many
//! signatures there are, nor on what else hangs beside them.

use waxseal_gate::{FlagsSource, PolicySet};
use waxseal_policy::Verdict;

use crate::shop::{CYCLONEDX, Person, SLSA, Shop, attested_by, flags, signed_by};

#[tokio::test]
async fn three_requests_by_digest_and_four_by_tag_whatever_the_number_of_signatures() {
    let ada = Person::new("ada");
    let set = signed_by(&[&ada]);
    let mut signatures = 0;
    let shop = Shop::new();
    for wanted in [1, 10, 50] {
        while signatures < wanted {
            ada.signs(&shop);
            // Another one each time: an equal manifest would be the same referrer.
            let marker = format!("{{\"n\":{signatures}}}");
            let bundle = ada.signature_with(&shop.image.digest, &[("n", &marker)]);
            shop.attach(&bundle, waxseal_attestation::PredicateType::SIGN);
            signatures += 1;
        }
        let outcome = shop.verify(&shop.by_digest(), &set).await;
        assert_eq!(outcome.decision.verdict, Verdict::Allow);
        let three = ["GET blob", "GET manifest", "GET referrers"];
        assert_eq!(shop.asked(), three, "{wanted} signatures");
        assert_eq!(outcome.questions, 3);

        let outcome = shop.verify(&shop.by_tag(), &set).await;
        assert_eq!(outcome.decision.verdict, Verdict::Allow);
        let four = ["GET blob", "GET manifest", "GET referrers", "HEAD manifest"];
        assert_eq!(shop.asked(), four, "{wanted} signatures");
        assert_eq!(outcome.decision.digest, Some(shop.image.digest.clone()));
    }
}

#[tokio::test]
async fn an_sbom_is_not_fetched_to_check_a_signature() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let sbom = format!("{{\"filler\":\"{}\"}}", "x".repeat(20_000_000));
    ada.attests(&shop, CYCLONEDX, &sbom);
    ada.signs(&shop);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(shop.registry.count(), 3);
    let received = shop.registry.stats().bytes_out;
    assert!(received < 5_000, "{received} bytes");
    // It is said that it was there.
    let seen = &crate::shop::requirement(&outcome).seen;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].predicate.as_deref(), Some(CYCLONEDX));
    assert_eq!(seen[0].note, "no requirement asks for this type");
}

#[tokio::test]
async fn without_the_api_the_manifest_says_what_is_not_needed() {
    let ada = Person::new("ada");
    let shop = Shop::without_api();
    let sbom = format!("{{\"filler\":\"{}\"}}", "x".repeat(2_000_000));
    let entries = [ada.attests(&shop, CYCLONEDX, &sbom), ada.signs(&shop)];
    shop.list(&entries.each_ref().map(crate::shop::as_cosign_lists));
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert!(shop.registry.stats().bytes_out < 10_000);
    // The API that is not there, the list, two manifests, one bundle.
    let asked = [
        "GET blob",
        "GET manifest",
        "GET manifest",
        "GET manifest",
        "GET referrers",
    ];
    assert_eq!(shop.asked(), asked);
}

#[tokio::test]
async fn only_the_wanted_attestation_is_fetched() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.signs(&shop);
    ada.attests(&shop, CYCLONEDX, "{\"bomFormat\":\"CycloneDX\"}");
    ada.attests(&shop, SLSA, "{}");
    let set = attested_by(&[&ada], &["slsaprovenance1"]);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(shop.registry.count(), 3);
}

#[tokio::test]
async fn a_threshold_takes_one_wave_more_than_its_signers() {
    let people = ["a", "b", "c", "d", "e"].map(Person::new);
    let shop = Shop::new();
    for person in &people {
        person.signs(&shop);
    }
    let people: Vec<&Person> = people.iter().collect();
    let set = PolicySet::from_flags(FlagsSource {
        threshold: 5,
        ..flags(&people)
    })
    .unwrap();
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(crate::shop::requirement(&outcome).signers, 5);
    assert_eq!(shop.registry.count(), 1 + 2 * 5);
}

#[tokio::test]
async fn one_key_is_one_signer_however_often_it_signs() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let shop = Shop::new();
    ada.signs(&shop);
    let again = ada.signature_with(&shop.image.digest, &[("again", "yes")]);
    shop.attach(&again, waxseal_attestation::PredicateType::SIGN);
    let set = PolicySet::from_flags(FlagsSource {
        threshold: 2,
        ..flags(&[&ada, &bob])
    })
    .unwrap();
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(crate::shop::requirement(&outcome).signers, 1);
}

#[tokio::test]
async fn nothing_is_asked_about_an_image_that_nothing_covers() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, crate::places::policy("elsewhere.example/**", "")).unwrap();
    let set = PolicySet::load(&[policy]).unwrap();
    let outcome = shop.verify(&shop.by_tag(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(
        outcome.decision.reason.as_deref(),
        Some("no policy covers this image")
    );
    assert_eq!(shop.registry.count(), 0);
}

#[tokio::test]
async fn a_hundred_pieces_of_evidence_are_looked_at_and_no_more() {
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    let shop = Shop::new();
    for n in 0..120 {
        let bundle = eve.signature_with(&shop.image.digest, &[("n", &n.to_string())]);
        shop.attach(&bundle, waxseal_attestation::PredicateType::SIGN);
    }
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(
        outcome.decision.reason.as_deref(),
        Some("100 pieces of evidence were looked at, which is the limit; 20 were not")
    );
    let blobs = shop.asked().iter().filter(|a| *a == "GET blob").count();
    assert_eq!(blobs, 100);
}
