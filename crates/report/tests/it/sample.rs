//! What the tests make pages from.

use jiff::Timestamp;
use serde_json::{Value, json};
use waxseal_oci::Digest;
use waxseal_policy::Decision;
use waxseal_report::{Attachment, Contents, Page};
use waxseal_sbom::{Changes, Inventory, Listed, Scanner, changes};

/// What whoever can write to a registry may write there.
pub(crate) const HOSTILE: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u{202e}gnp\u{7}\u{200b}";

/// [`HOSTILE`] as the page has it.
pub(crate) const TAMED: &str = "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&gt;\
    &lt;img src=x onerror=alert(2)&gt;&amp;amp;\\u{202e}gnp\\u{7}\\u{200b}";

pub(crate) fn time() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn digest(what: &str) -> Digest {
    Digest::sha256(what.as_bytes())
}

/// A decision in which `text` stands wherever others choose the text.
pub(crate) fn decision(verdict: &str, mode: &str, text: &str) -> Decision {
    let allowed = match (verdict, mode) {
        ("allow", "enforce") => "allow",
        _ => "deny",
    };
    let origin = |name: &str| {
        json!({
            "place": "referrer", "manifest": digest(name), "blob": digest("blob"), "size": 10,
        })
    };
    let requirements = json!([{
        "requirement": format!("signature by {text}"),
        "satisfied": allowed == "allow",
        "threshold": 1,
        "signers": 1,
        "found": [{
            "authority": text,
            "signer": { "identity": { "issuer": text, "subject": text, "claims": { text: text } } },
            "format": "bundle-v03",
            "predicateType": text,
            "annotations": { text: text },
            "origin": origin("found"),
            "checks": { "done": ["signature"], "notDone": [["timestamp", text]] },
            "times": ["2026-02-28T09:30:00Z"],
            "notes": [format!("{text} is excused")],
        }],
        "rejected": [{
            "authority": text, "code": "vulnerable", "reason": text, "origin": origin("rejected"),
        }],
        "seen": [{ "predicate": text, "note": text, "origin": origin("seen") }],
        "missing": text,
    }]);
    let value = json!({
        "apiVersion": "waxseal.dev/v1alpha1",
        "kind": "Decision",
        "verdict": verdict,
        "image": format!("registry.example/{text}"),
        "digest": digest("image"),
        "reason": text,
        "hint": text,
        "time": time().to_string(),
        "policies": [{
            "policy": text, "mode": mode, "verdict": allowed, "subject": digest("image"),
            "via": { "index": digest("index") }, "platform": text,
            "requirements": requirements,
        }],
    });
    serde_json::from_value::<Decision>(value).unwrap()
}

/// A decision without a policy.
pub(crate) fn unmatched() -> Decision {
    let value: Value = json!({
        "apiVersion": "waxseal.dev/v1alpha1", "kind": "Decision", "verdict": "allow",
        "image": "registry.example/shop/api:1", "time": time().to_string(), "policies": [],
    });
    serde_json::from_value(value).unwrap()
}

/// What two layers hold, the lowest first: Alpine's packages, and one of Node.
pub(crate) fn inventory(apk: &str, node: &str) -> Inventory {
    let mut scanner = Scanner::new();
    let upper = archive("app/node_modules/a/package.json", node);
    let lower = archive("lib/apk/db/installed", apk);
    scanner
        .layer(&digest("upper"), &mut upper.as_slice())
        .unwrap();
    scanner
        .layer(&digest("lower"), &mut lower.as_slice())
        .unwrap();
    scanner.finish()
}

pub(crate) const APK: &str = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\nP:zlib\nV:1.3-r2\nL:Zlib\n\n";
pub(crate) const NODE: &str = r#"{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}"#;

pub(crate) fn contents(inventory: &Inventory) -> Contents<'_> {
    Contents {
        name: "registry.example/shop/api".to_owned(),
        layers: vec![
            (digest("lower"), "3.4 MB".to_owned()),
            (digest("middle"), "32 B".to_owned()),
            (digest("upper"), "1.2 kB".to_owned()),
        ],
        inventory,
        since: None,
    }
}

/// What changed between two inventories, in that order.
pub(crate) fn changed(before: &Inventory, after: &Inventory) -> Changes {
    let listed = |inventory: &Inventory| -> Vec<Listed> {
        inventory.components.iter().map(Listed::from).collect()
    };
    changes(&listed(before), &listed(after))
}

pub(crate) fn attachment(text: &str) -> Attachment {
    let one = |name: &str, children| Attachment {
        what: format!("attestation of {text}"),
        facts: vec![text.to_owned(), "1.0 kB".to_owned()],
        digest: digest(name),
        says: vec![format!("says it is signed with {text}")],
        children,
    };
    one(
        "found",
        vec![one("rejected", Vec::new()), one("other", Vec::new())],
    )
}

/// A page with everything in it.
pub(crate) fn whole<'a>(decision: &'a Decision, inventory: &'a Inventory, text: &str) -> Page<'a> {
    let mut page = Page::new(decision, time());
    page.attached = Some(vec![attachment(text)]);
    page.contents = vec![contents(inventory)];
    page.faults = vec![text.to_owned()];
    page
}

fn archive(path: &str, content: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len().try_into().unwrap());
    header.set_mode(0o644);
    archive
        .append_data(&mut header, path, content.as_bytes())
        .unwrap();
    archive.into_inner().unwrap()
}
