//! Findings of a scan that somebody excuses, and takes the excuse back.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_gate::PolicySet;
use waxseal_oci::CosignTag;
use waxseal_policy::Verdict;

use crate::shop::{Person, Shop, now, requirement};

const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
const VEX: &str = "https://openvex.dev/ns";

/// Ada scans, and what she finds Bob may excuse.
struct Scanned {
    shop: Shop,
    bob: Person,
    set: PolicySet,
}

impl Scanned {
    fn new() -> Self {
        let (ada, bob, shop) = (Person::new("ada"), Person::new("bob"), Shop::new());
        let folder = tempfile::tempdir().unwrap();
        for person in [&ada, &bob] {
            let file = folder.path().join(format!("{}.pub", person.name));
            std::fs::write(file, person.named().pem).unwrap();
        }
        let policy = format!(
            "apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: {{ name: scanned }}
spec:
  match: {{ images: [\"{}/**\"] }}
  authorities:
    ada: {{ key: {{ file: ada.pub }} }}
    bob: {{ key: {{ file: bob.pub }} }}
  require:
    - vulnerabilities: {{ from: [ada], maxAge: 7d, deny: severity >= high, unless: {{ vex: [bob] }} }}
",
            shop.registry.host()
        );
        let file = folder.path().join("policy.yaml");
        std::fs::write(&file, policy).unwrap();
        let set = PolicySet::load(&[file]).unwrap();
        let scan = format!(
            r#"{{"scanner": {{"uri": "pkg:x", "result": {{"SchemaVersion": 2, "Results": [{{"Target": "os",
               "Vulnerabilities": [{{"VulnerabilityID": "CVE-1", "PkgName": "zlib", "Severity": "HIGH"}}]
               }}]}}}}, "metadata": {{"scanFinishedOn": "{}"}}}}"#,
            now()
        );
        ada.attests(&shop, VULN, &scan);
        Self { shop, bob, set }
    }

    async fn verdict(&self) -> (Verdict, String) {
        let outcome = self.shop.verify(&self.shop.by_digest(), &self.set).await;
        let missing = requirement(&outcome).missing.clone();
        (outcome.decision.verdict, missing.unwrap_or_default())
    }
}

fn says(status: &str, day: u8) -> String {
    format!(
        r#"{{"timestamp": "2026-11-{day:02}T00:00:00Z", "statements": [{{
           "vulnerability": {{"name": "CVE-1"}}, "status": "{status}", "justification": "not called"}}]}}"#
    )
}

const TAKEN_BACK: &str = "no acceptable vulnerability scan by ada; nearest: a \
                          finding is of severity high or above: CVE-1 (high) in zlib";
const NOT_ALL: &str = "no acceptable vulnerability scan by ada; nearest: it is \
                       excused by statements of which not all are there yet";

#[tokio::test]
async fn an_excuse_is_taken_back_wherever_that_is_kept() {
    let excused = || {
        let all = Scanned::new();
        all.bob.attests(&all.shop, VEX, &says("not_affected", 1));
        all
    };
    let all = excused();
    assert_eq!(all.verdict().await, (Verdict::Allow, String::new()));

    let all = excused();
    all.bob.attests(&all.shop, VEX, &says("affected", 2));
    assert_eq!(all.verdict().await, (Verdict::Deny, TAKEN_BACK.to_owned()));

    let all = excused();
    let layer = all
        .bob
        .legacy_attestation(&all.shop, VEX, &says("affected", 2));
    all.shop.under_tag(CosignTag::Attestation, &[layer]);
    assert_eq!(all.verdict().await, (Verdict::Deny, TAKEN_BACK.to_owned()));
}

#[tokio::test]
async fn nothing_is_excused_where_not_all_was_looked_at() {
    let all = Scanned::new();
    all.bob.attests(&all.shop, VEX, &says("not_affected", 1));
    // Somebody else hangs so much on the image that what takes it back is not reached.
    let eve = Person::new("eve");
    for day in 0..120_u8 {
        eve.attests(&all.shop, VEX, &says("not_affected", day));
    }
    all.bob.attests(&all.shop, VEX, &says("affected", 2));
    assert_eq!(all.verdict().await, (Verdict::Deny, NOT_ALL.to_owned()));
}
