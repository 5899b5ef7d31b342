//! What hangs on an image.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_gate::{Node, TreeOptions, tree};
use waxseal_oci::CosignTag;
use waxseal_verify::{Authority, KeyAuthority, Place, PublicKey, Trust};

use crate::shop::{CYCLONEDX, Person, SLSA, Shop, now};

fn options(people: &[&Person]) -> TreeOptions<'static> {
    let authority = |p: &&Person| {
        let key = PublicKey::from_pem(p.named().pem.as_bytes()).unwrap();
        (p.name.to_owned(), Authority::Key(KeyAuthority::new(key)))
    };
    TreeOptions {
        authorities: people.iter().map(authority).collect(),
        trust: Trust { root: None },
        content_bytes: 4096,
        now: now(),
    }
}

fn predicate(node: &Node) -> Option<&str> {
    node.claims.as_ref()?.predicate_type.as_deref()
}

#[tokio::test]
async fn everything_is_listed_with_what_it_says_and_who_verified_it() {
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    let shop = Shop::new();
    let signature = ada.signs(&shop);
    eve.attests(&shop, SLSA, "{}");
    ada.attests(
        &shop,
        CYCLONEDX,
        &format!("{{\"filler\":\"{}\"}}", "x".repeat(9000)),
    );
    shop.under_tag(CosignTag::Signature, &[ada.legacy_signature(&shop)]);
    // A signature of the signature.
    let above = eve.signature(&signature.digest);
    shop.attach_to(&signature, &above, waxseal_attestation::PredicateType::SIGN);

    let listed = tree(&shop.client, &shop.by_tag(), &options(&[&ada]))
        .await
        .unwrap();
    assert!(listed.faults.is_empty() && !listed.cut);
    assert_eq!(listed.root.digest, shop.image.digest);
    let children = &listed.root.children;
    assert_eq!(children.len(), 4);
    let of = |kind: &str| {
        children
            .iter()
            .find(|c| predicate(c) == Some(kind))
            .unwrap()
    };
    assert_eq!(of(SLSA).verified_by, [""; 0]);
    let sbom = of(CYCLONEDX);
    assert!(sbom.note.as_ref().unwrap().starts_with("not read: "));
    assert!(sbom.size > 9000);
    let signed = children
        .iter()
        .find(|c| c.digest == signature.digest)
        .unwrap();
    assert_eq!(signed.verified_by, ["ada"]);
    assert_eq!(signed.children.len(), 1);
    let last = children.last().unwrap();
    assert_eq!(last.place, Some(Place::SignatureTag));
    assert_eq!(last.verified_by, ["ada"]);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_an_error() {
    let shop = Shop::new();
    let image = format!("{}/shop/api:2", shop.registry.host())
        .parse()
        .unwrap();
    let fault = tree(&shop.client, &image, &options(&[])).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        format!("{image}: the registry has no such image")
    );
}
