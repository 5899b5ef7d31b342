//! `policy test`: captured images and what is expected of them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;

use serde_json::{Value, json};

use crate::registry::Shop;
use crate::run::Ran;

/// A shop with a policy, and evidence of its image before and after it is signed.
fn shop() -> Shop {
    let shop = Shop::new();
    let policy = format!(
        "apiVersion: waxseal.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {{ name: shop }}\nspec:\n  \
         match: {{ images: [\"{}/**\"] }}\n  authorities: {{ key: {{ key: {{ file: cosign3.pub }} }} }}\n  \
         require: [{{ signature: {{ from: [key] }} }}]\n",
        shop.registry.host()
    );
    shop.place.write("policy.yaml", policy);
    fs::create_dir(shop.place.path("cases")).unwrap();
    capture(&shop, "unsigned_deny");
    shop.sign();
    capture(&shop, "signed_allow");
    shop
}

fn capture(shop: &Shop, case: &str) {
    let file = format!("cases/{case}.tar");
    let image = shop.image.by_digest.as_str();
    let ran = shop.run(&[
        "capture",
        image,
        "--policy",
        "policy.yaml",
        "--everything",
        "-o",
        &file,
    ]);
    assert_ne!(ran.code, Some(1), "{}", ran.stderr);
}

fn test(shop: &Shop, more: &[&str]) -> Ran {
    shop.place.run(["policy", "test"].iter().chain(more))
}

#[test]
fn cases_are_decided_and_compared() {
    let shop = shop();
    for policy in ["policy.yaml", "./policy.yaml"] {
        let ran = test(&shop, &[policy]);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (
                Some(0),
                "signed_allow.tar: as expected: allow\n\
                 unsigned_deny.tar: as expected: deny (no-signature)\n",
                "2 of 2 cases are as expected\n"
            )
        );
    }
    // Why it is denied can be expected too.
    shop.place
        .write("cases/unsigned_deny.yaml", "missing: [no-signature]\n");
    assert_eq!(test(&shop, &["policy.yaml"]).code, Some(0));
    shop.place
        .write("cases/unsigned_deny.yaml", "missing: [no-sbom]\n");
    let ran = test(&shop, &["policy.yaml", "-o", "json"]);
    assert_eq!(ran.code, Some(3));
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let case = |at: &str| said.pointer(&format!("/cases/1/{at}")).cloned();
    assert_eq!(said.pointer("/kind"), Some(&json!("PolicyTest")));
    assert_eq!(case("asExpected"), Some(json!(false)));
    assert_eq!(case("verdict"), Some(json!("deny")));
    assert_eq!(case("missing"), Some(json!(["no-signature"])));
    assert_eq!(case("expectedMissing"), Some(json!(["no-sbom"])));
}

#[test]
fn what_is_not_as_expected_is_told_with_its_reason() {
    let shop = shop();
    let cases = shop.place.path("cases");
    fs::rename(
        cases.join("signed_allow.tar"),
        cases.join("signed_deny.tar"),
    )
    .unwrap();
    fs::rename(
        cases.join("unsigned_deny.tar"),
        cases.join("unsigned_allow.tar"),
    )
    .unwrap();
    let ran = test(&shop, &["policy.yaml"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (
            Some(3),
            "signed_deny.tar: NOT AS EXPECTED: allow, not deny\n\
             unsigned_allow.tar: NOT AS EXPECTED: deny (no-signature), not allow\n  \
             no signature by key; nothing is attached to the image\n",
            "0 of 2 cases are as expected\n"
        )
    );
}

/// An image that the policy does not cover is kept out, and tells nothing about it.
#[test]
fn a_policy_that_covers_none_of_it_passes_no_test() {
    let shop = shop();
    let policy = fs::read_to_string(shop.place.path("policy.yaml")).unwrap();
    let host = shop.registry.host().to_string();
    shop.place
        .write("policy.yaml", policy.replace(&host, "registry.example.com"));
    let ran = test(&shop, &["policy.yaml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert_eq!(ran.stderr, "0 of 2 cases are as expected\n");
    let each = |case: &str| {
        let image = &shop.image.by_digest;
        format!("{case}.tar: NOT AS EXPECTED: no policy here covers {image}\n")
    };
    assert_eq!(ran.stdout, each("signed_allow") + &each("unsigned_deny"));
}

#[test]
fn what_is_no_case_is_an_error() {
    let shop = shop();
    let refused = |why: &str, hint: &str| {
        let ran = test(&shop, &["policy.yaml"]);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (
                Some(1),
                "",
                format!("error: {why}\n{hint}").replace('\'', "`").as_str()
            )
        );
    };
    shop.place.write("cases/other_deny.yaml", "missing: []\n");
    refused(
        "'cases/other_deny.yaml' says what is expected of 'cases/other_deny.tar', which is not there",
        "",
    );
    shop.place.write("cases/other_deny.tar", "");
    refused(
        "'cases/other_deny.tar': cases/other_deny.tar is not an image layout: there is no \
         'oci-layout' in it",
        "hint: 'waxseal capture IMAGE -o FILE' writes what can be a case\n",
    );
    shop.place.write("cases/other.tar", "");
    refused(
        "'cases/other.tar' does not say what is expected of it",
        "hint: a case is called NAME_allow.tar or NAME_deny.tar\n",
    );
    fs::remove_dir_all(shop.place.path("cases")).unwrap();
    fs::create_dir(shop.place.path("cases")).unwrap();
    refused(
        "there are no cases in 'cases'",
        "hint: 'waxseal capture IMAGE --policy FILE --everything -o NAME_allow.tar' makes one; \
         --cases names another folder\n",
    );
}
