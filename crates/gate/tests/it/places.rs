//! Where evidence may be, and what counts as which.

use waxseal_attestation::PredicateType;
use waxseal_gate::{FlagsSource, Options, PolicySet};
use waxseal_oci::{CosignTag, media};
use waxseal_policy::{Unmatched, Verdict};
use waxseal_testkit::{Fault, Match};

use crate::shop::{
    CYCLONEDX, Person, REPOSITORY, SLSA, Shop, as_cosign_lists, attested_by, flags, requirement,
    signed_by,
};

/// A policy that trusts the key in `ada.pub`.
pub(crate) fn policy(images: &str, more: &str) -> String {
    format!(
        "apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: {{ name: release }}
spec:
  match: {{ images: [\"{images}\"] }}
  authorities:
    ada: {{ key: {{ file: ada.pub }} }}
  require:
    - signature: {{ from: [ada] }}
{more}"
    )
}

#[tokio::test]
async fn an_attestation_is_not_a_signature() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    ada.attests(&shop, CYCLONEDX, "{}");
    ada.attests(&shop, SLSA, "{}");
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let missing = requirement(&outcome).missing.as_deref().unwrap();
    assert_eq!(
        missing,
        format!(
            "no signature by ada; attestations are not signatures (predicates seen: {CYCLONEDX}, {SLSA})"
        )
    );
}

#[tokio::test]
async fn what_cosign_2_left_is_named_where_nothing_asks_for_it() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let attested = ada.legacy_attestation(&shop, CYCLONEDX, "{}");
    shop.under_tag(CosignTag::Attestation, &[attested]);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    assert_eq!(
        requirement(&outcome).missing.as_deref(),
        Some(
            format!(
                "no signature by ada; attestations are not signatures (predicates seen: {CYCLONEDX})"
            )
            .as_str()
        )
    );
    // It is listed, and not fetched.
    assert!(!shop.asked().iter().any(|asked| asked == "GET blob"));
    let shop = Shop::new();
    shop.under_tag(CosignTag::Signature, &[ada.legacy_signature(&shop)]);
    let set = attested_by(&[&ada], &["cyclonedx"]);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let requirement = requirement(&outcome);
    assert_eq!(
        requirement.missing.as_deref(),
        Some("no attestation of type cyclonedx by ada")
    );
    assert_eq!(
        requirement.seen[0].predicate.as_deref(),
        Some(PredicateType::SIGN)
    );
    // A list that nothing needs and that cannot be read is no reason to say so.
    let list = Match::new("GET", ".sig");
    shop.registry.fault(list, Fault::status(403), u64::MAX);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
}

#[tokio::test]
async fn an_attestation_that_is_announced_as_a_signature_is_none() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let bundle = ada.attestation(&shop.image.digest, CYCLONEDX, "{}");
    shop.attach(&bundle, PredicateType::SIGN);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let rejected = &requirement(&outcome).rejected;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].code, "not-a-signature");
}

#[tokio::test]
async fn a_signature_that_is_announced_as_something_else_is_lost_and_said_to_be_there() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let bundle = ada.signature(&shop.image.digest);
    shop.attach(&bundle, CYCLONEDX);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let seen = &requirement(&outcome).seen;
    assert_eq!(seen[0].predicate.as_deref(), Some(CYCLONEDX));
}

#[tokio::test]
async fn a_condition_reads_what_was_signed_whatever_it_is_announced_as() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let scan = "https://example.com/scan/v1";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let images = format!("{}/**", shop.registry.host());
    let more = format!(
        "    - attestation: {{ type: cyclonedx, from: [ada] }}
    - attestation:
        type: {scan}
        from: [ada]
        where: 'predicate != {{\"result\": \"FAILED\"}}'
"
    );
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, policy(&images, &more)).unwrap();
    let set = PolicySet::load(&[file]).unwrap();
    ada.signs(&shop);
    ada.attests(&shop, CYCLONEDX, "{}");
    let failed = ada.attestation(&shop.image.digest, scan, r#"{"result":"FAILED"}"#);
    // As something whose predicate no rule reads.
    shop.attach(&failed, CYCLONEDX);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let requirements = &outcome.decision.policies[0].requirements;
    let met: Vec<_> = requirements.iter().map(|r| r.satisfied).collect();
    assert_eq!(met, [true, true, false]);
    assert_eq!(requirements[2].rejected[0].code, "condition");
    // One that holds is found under the wrong name, too.
    let passed = ada.attestation(&shop.image.digest, scan, r#"{"result":"PASSED"}"#);
    shop.attach(&passed, CYCLONEDX);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn a_list_with_the_wrong_type_is_read_all_the_same() {
    let ada = Person::new("ada");
    let shop = Shop::without_api();
    let entry = ada.signs(&shop);
    shop.list(&[as_cosign_lists(&entry)]);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let found = &requirement(&outcome).found;
    assert_eq!(found[0].origin.place, waxseal_verify::Place::FallbackTag);
    // The API that is not there, the list, the manifest, the bundle.
    assert_eq!(shop.registry.count(), 4);
}

#[tokio::test]
async fn a_list_from_before_the_api_is_read_before_refusing() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    // Listed by tag alone: the manifest names no subject.
    let bundle = ada.signature(&shop.image.digest);
    let layer = shop
        .registry
        .push_blob(REPOSITORY, media::SIGSTORE_BUNDLE_V03, &bundle);
    let config = shop.registry.push_blob(REPOSITORY, media::OCI_EMPTY, b"{}");
    let manifest = waxseal_oci::Manifest::new(config, vec![layer]);
    let bytes = manifest.to_bytes().unwrap();
    let digest = waxseal_oci::Digest::sha256(&bytes).to_string();
    let pushed = shop
        .registry
        .push_manifest(REPOSITORY, &digest, media::OCI_MANIFEST, &bytes);
    shop.list(&[as_cosign_lists(&pushed.descriptor)]);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn two_who_sign_the_same_bytes_both_count() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let shop = Shop::new();
    let layers = [ada.legacy_signature(&shop), bob.legacy_signature(&shop)];
    let [first, second] = &layers;
    assert_eq!(first.descriptor.digest, second.descriptor.digest);
    shop.under_tag(CosignTag::Signature, &layers);
    for signer in [&ada, &bob] {
        let outcome = shop.verify(&shop.by_digest(), &signed_by(&[signer])).await;
        assert_eq!(outcome.decision.verdict, Verdict::Allow);
    }
    let both = FlagsSource {
        threshold: 2,
        ..flags(&[&ada, &bob])
    };
    let both = PolicySet::from_flags(both).unwrap();
    let outcome = shop.verify(&shop.by_digest(), &both).await;
    assert_eq!(requirement(&outcome).signers, 2);
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}

#[tokio::test]
async fn one_signature_that_is_listed_twice_is_looked_at_once() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let layer = ada.legacy_signature(&shop);
    shop.under_tag(CosignTag::Signature, &[layer.clone(), layer]);
    let stranger = Person::new("stranger");
    let outcome = shop
        .verify(&shop.by_digest(), &signed_by(&[&stranger]))
        .await;
    assert_eq!(requirement(&outcome).rejected.len(), 1);
}

#[tokio::test]
async fn cosign_2_tags_are_looked_at_when_there_is_no_bundle() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    shop.under_tag(CosignTag::Signature, &[ada.legacy_signature(&shop)]);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let found = &requirement(&outcome).found;
    assert_eq!(found[0].origin.place, waxseal_verify::Place::SignatureTag);

    let layers = [
        ada.legacy_attestation(&shop, SLSA, "{}"),
        ada.legacy_attestation(&shop, CYCLONEDX, "{}"),
    ];
    shop.under_tag(CosignTag::Attestation, &layers);
    let set = attested_by(&[&ada], &["cyclonedx"]);
    let outcome = shop.verify(&shop.by_digest(), &set).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let blobs = shop.asked().iter().filter(|a| *a == "GET blob").count();
    assert_eq!(blobs, 1, "the other attestation is not fetched");
}

#[tokio::test]
async fn another_key_is_refused_with_the_reason() {
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    let shop = Shop::new();
    eve.signs(&shop);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let rejected = &requirement(&outcome).rejected;
    assert_eq!(rejected[0].code, "signed-by-other-key");
}

#[tokio::test]
async fn a_signature_of_another_image_is_refused() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let other = waxseal_oci::Digest::sha256(b"another image");
    shop.attach(&ada.signature(&other), PredicateType::SIGN);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let rejected = &requirement(&outcome).rejected;
    assert_eq!(rejected[0].code, "subject-mismatch");
}

#[tokio::test]
async fn other_artifacts_are_listed_and_not_fetched() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let config = shop.registry.push_blob(REPOSITORY, media::OCI_EMPTY, b"{}");
    let mut manifest = waxseal_oci::Manifest::new(config.clone(), vec![config]);
    manifest.artifact_type = Some(media::NOTATION_SIGNATURE.to_owned());
    manifest.subject = Some(shop.image.descriptor.clone());
    let bytes = manifest.to_bytes().unwrap();
    let digest = waxseal_oci::Digest::sha256(&bytes).to_string();
    shop.registry
        .push_manifest(REPOSITORY, &digest, media::OCI_MANIFEST, &bytes);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let seen = &requirement(&outcome).seen;
    assert_eq!(
        seen[0].note,
        "`application/vnd.cncf.notary.signature` is not evidence that is read"
    );
    assert!(shop.asked().iter().all(|a| a != "GET blob"));
}

#[tokio::test]
async fn an_entry_that_is_not_there_is_passed_over() {
    let ada = Person::new("ada");
    let shop = Shop::without_api();
    let entry = ada.signs(&shop);
    let gone = ada.attests(&shop, SLSA, "{}");
    shop.list(&[as_cosign_lists(&gone), as_cosign_lists(&entry)]);
    let path = format!("/manifests/{}", gone.digest);
    shop.registry
        .fault(Match::new("GET", path), Fault::status(404), u64::MAX);
    let outcome = shop.verify(&shop.by_digest(), &signed_by(&[&ada])).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    let seen = &requirement(&outcome).seen;
    assert_eq!(seen[0].note, "it is listed, and it is not there");
}

#[tokio::test]
async fn evidence_over_the_limit_is_not_fetched() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let predicate = format!("{{\"filler\":\"{}\"}}", "x".repeat(5000));
    ada.attests(&shop, CYCLONEDX, &predicate);
    let options = Options {
        evidence_bytes: 4096,
        ..Options::for_cli()
    };
    let set = attested_by(&[&ada], &["cyclonedx"]);
    let outcome = shop.verify_with(&shop.by_digest(), &set, &options).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let note = &requirement(&outcome).seen[0].note;
    assert!(note.ends_with("more than the 4096 that are read"), "{note}");
}

#[tokio::test]
async fn every_covering_policy_has_to_allow() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let shop = Shop::new();
    ada.signs(&shop);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let registry = shop.registry.host();
    write("ada.pub", ada.named().pem);
    write("bob.pub", bob.named().pem);
    let one = policy(&format!("{registry}/**"), "");
    write("one.yaml", one.clone());
    let load = || PolicySet::load(&[folder.path().to_owned()]).unwrap();
    let outcome = shop.verify(&shop.by_digest(), &load()).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);

    let two = one
        .replace(" ada", " bob")
        .replace("[ada]", "[bob]")
        .replace("release", "second");
    write("two.yaml", two.clone());
    let outcome = shop.verify(&shop.by_digest(), &load()).await;
    assert_eq!(outcome.decision.verdict, Verdict::Deny);
    let verdicts: Vec<_> = outcome
        .decision
        .policies
        .iter()
        .map(|p| p.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Deny]);

    write("two.yaml", format!("{two}  mode: warn\n"));
    let outcome = shop.verify(&shop.by_digest(), &load()).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
    assert_eq!(outcome.decision.warnings().count(), 1);
}

#[tokio::test]
async fn an_image_that_nothing_covers_is_let_in_only_where_that_is_said() {
    let ada = Person::new("ada");
    let shop = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada.pub"), ada.named().pem).unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, policy("elsewhere.example/**", "")).unwrap();
    let set = PolicySet::load(&[file]).unwrap();
    let options = Options {
        unmatched: Unmatched::Allow,
        ..Options::for_cli()
    };
    let outcome = shop.verify_with(&shop.by_digest(), &set, &options).await;
    assert_eq!(outcome.decision.verdict, Verdict::Allow);
}
