//! The rows.

use std::fs::File;
use std::io::Write as _;

use crate::keyless;
use crate::sbom;
use crate::stage::{Site, Stage, entry};

/// Measures one row with so many runs, and prints it.
type Row = fn(&Stage, usize);

/// Every row, by its name.
pub(crate) const ALL: [(&str, Row); 14] = [
    ("B1", b1),
    ("B2", b2),
    ("B3", b3),
    ("B4", b4),
    ("B5", b5),
    ("B6", b6),
    ("B7", b7),
    ("B8", b8),
    ("B9", b9),
    ("B10", keyless::b10),
    ("B11", keyless::b11),
    ("B12", keyless::b12),
    ("B16", sbom::b16),
    ("B17", sbom::b17),
];

const SIGN3: &str = "--signing-config sc.json --trusted-root tr.json -y";
const VERIFY3: &str = "--trusted-root tr.json --insecure-ignore-tlog=true";
const LEGACY2: &str = "--tlog-upload=false -y";
const VERIFY2: &str = "--insecure-ignore-tlog=true";

fn b1(stage: &Stage, runs: usize) {
    let title = format!("B1 cold start (our binary: {} bytes)", stage.size_of_ours());
    let entries = [
        entry("waxseal", "--version", None),
        entry("cosign3", "version", None),
        entry("cosign2", "version", None),
        entry("notation", "version", None),
        entry("true (does nothing: the floor)", "", None),
    ];
    stage.row(
        &title,
        "cpu ≥ 30 × cosign 3, ≥ 6 × notation; ≤ 6 MB, ≤ 5 MiB",
        runs,
        None,
        &entries,
    );
}

/// `sign` with our key file, which cosign reads.
fn signed(stage: &Stage, site: &Site, name: &str, signatures: usize) -> String {
    let image = stage.image(site, name);
    for _ in 0..signatures {
        stage.must("waxseal", &format!("sign --force --key plain.key {image}"));
    }
    image
}

fn b2(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    let image = signed(stage, &site, "b2", 1);
    let legacy = stage.image(&site, "b2-legacy");
    stage.must("cosign2", &format!("sign --key k.key {LEGACY2} {legacy}"));
    let noted = stage.image(&site, "b2-notation");
    stage.must("notation", &format!("sign --insecure-registry {noted}"));
    let unsigned = stage.image(&site, "b2-unsigned");
    let ours = |key: &str| format!("verify --key {key}.pub {image}");
    let theirs = |key: &str| format!("verify --key {key}.pub {VERIFY3} {image}");
    let second = |key: &str| format!("verify --key {key}.pub {VERIFY2} {legacy}");
    let entries = [
        entry("waxseal", ours("plain"), Some(ours("other"))),
        entry("cosign3", theirs("plain"), Some(theirs("other"))),
        entry("cosign2 (legacy)", second("k"), Some(second("other"))),
        entry(
            "notation",
            format!("verify --insecure-registry {noted}"),
            Some(format!("verify --insecure-registry {unsigned}")),
        ),
    ];
    let target = "cpu ≥ 20 × cosign 3, ≥ 5 × notation; 3 requests; ≤ 8 MiB";
    stage.row(
        "B2 verify one signature by key, from a digest",
        target,
        runs,
        Some(&site),
        &entries,
    );
}

fn b3(stage: &Stage, runs: usize) {
    let site = stage.registry(25);
    for signatures in [1, 10, 50] {
        let image = signed(stage, &site, &format!("b3-{signatures}"), signatures);
        let ours = |key: &str| format!("verify --key {key}.pub {image}");
        let theirs = |key: &str| format!("verify --key {key}.pub {VERIFY3} {image}");
        let entries = [
            entry("waxseal", ours("plain"), None),
            entry("cosign3", theirs("plain"), Some(theirs("other"))),
        ];
        let title = format!("B3 the same, {signatures} signature(s), each answer 25 ms late");
        let some = if signatures == 50 { 1 } else { runs.min(3) };
        stage.row(
            &title,
            "wall ≤ 90 ms, 3 requests",
            some,
            Some(&site),
            &entries,
        );
    }
}

fn b4(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    stage.sbom("20mb.json", 20 << 20);
    let image = signed(stage, &site, "b4", 1);
    stage.must(
        "waxseal",
        &format!("attest --key plain.key --sbom 20mb.json {image}"),
    );
    let ours = |key: &str| format!("verify --key {key}.pub {image}");
    let entries = [
        entry("waxseal", ours("plain"), Some(ours("other"))),
        entry(
            "cosign3",
            format!("verify --key plain.pub {VERIFY3} {image}"),
            None,
        ),
    ];
    let target = "cpu ≥ 1000 ×, bytes ≥ 10 000 ×, memory ≥ 60 × cosign 3";
    let title = "B4 verify a signature beside a 20 MB SBOM";
    stage.row(title, target, runs.min(3), Some(&site), &entries);
}

fn b5(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    for (name, bytes, target) in [
        ("1 KB", 1 << 10, "cpu ≥ 20 × cosign 3"),
        ("1 MB", 1 << 20, "cpu ≥ 40 × cosign 3"),
        ("20 MB", 20 << 20, "cpu ≥ 60 × cosign 3; ≤ 32 MiB"),
    ] {
        stage.sbom("bom.json", bytes);
        let image = stage.image(&site, &format!("b5-{bytes}"));
        // cosign takes the blanks out: 20 MB become a bundle of 26.
        stage.must(
            "cosign3",
            &format!("attest --key k.key {SIGN3} --type cyclonedx --predicate bom.json {image}"),
        );
        let ours = |key: &str| format!("verify --key {key}.pub --attestation cyclonedx {image}");
        let theirs = |key: &str| {
            format!("verify-attestation --key {key}.pub {VERIFY3} --type cyclonedx {image}")
        };
        let entries = [
            entry("waxseal", ours("k"), Some(ours("other"))),
            entry("cosign3", theirs("k"), None),
        ];
        let title = format!("B5 verify an attestation of {name}");
        stage.row(&title, target, runs.min(3), Some(&site), &entries);
    }
}

fn b6(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    stage.sbom("20mb.json", 20 << 20);
    let [a, b, c] = ["b6-ours", "b6-cosign3", "b6-cosign2"].map(|n| stage.image(&site, n));
    let kind = "--type cyclonedx --predicate 20mb.json";
    let entries = [
        entry(
            "waxseal",
            format!("attest --key k.key --sbom 20mb.json {a}"),
            None,
        ),
        entry(
            "cosign3",
            format!("attest --key k.key {SIGN3} {kind} {b}"),
            None,
        ),
        entry(
            "cosign2",
            format!("attest --key k.key {LEGACY2} {kind} {c}"),
            None,
        ),
    ];
    let target = "cpu ≥ 16 × cosign 3, ≥ 5 × cosign 2; ≤ 100 MiB";
    let title = "B6 attest a 20 MB SBOM, encrypted key";
    stage.row(title, target, runs.min(3), Some(&site), &entries);
}

fn b7(stage: &Stage, runs: usize) {
    let site = stage.registry(0);
    let [a, b, c, d, e] =
        ["b7-ours", "b7-plain", "b7-c3", "b7-c2", "b7-n"].map(|n| stage.image(&site, n));
    let entries = [
        entry("waxseal", format!("sign --force --key k.key {a}"), None),
        entry(
            "waxseal (unencrypted key)",
            format!("sign --force --key plain.key {b}"),
            None,
        ),
        entry("cosign3", format!("sign --key k.key {SIGN3} {c}"), None),
        entry("cosign2", format!("sign --key k.key {LEGACY2} {d}"), None),
        entry(
            "notation (unencrypted key)",
            format!("sign --insecure-registry {e}"),
            None,
        ),
    ];
    let target = "cpu ≥ 1.5 × cosign 3 (the key derivation is the rest), ≤ 6 requests";
    stage.row("B7 sign one image", target, runs, Some(&site), &entries);
}

fn b8(stage: &Stage, _runs: usize) {
    let site = stage.registry(0);
    let images: Vec<String> = (0..100)
        .map(|n| stage.image(&site, &format!("b8-{n}")))
        .collect();
    let all = images.join(" ");
    let entries = [
        entry("waxseal", format!("sign --force --key k.key {all}"), None),
        entry("cosign3", format!("sign --key k.key {SIGN3} {all}"), None),
    ];
    stage.row(
        "B8 sign 100 images in one run",
        "cpu ≥ 40 ×",
        1,
        Some(&site),
        &entries,
    );
}

fn b9(stage: &Stage, runs: usize) {
    let mut file = File::create(stage.folder().join("big")).expect("a file");
    let block: Vec<u8> = (0..1_u32 << 20)
        .map(|n| n.to_le_bytes()[usize::from(n % 7 == 0)])
        .collect();
    for _ in 0..2048 {
        file.write_all(&block).expect("room for 2 GiB");
    }
    drop(file);
    let sign3 = "sign-blob --key plain3.key --signing-config sc.json --trusted-root tr.json -y";
    stage.must(
        "cosign3",
        "import-key-pair --key plain.key --output-key-prefix plain3",
    );
    let runs = runs.min(3);
    let entries = [
        entry(
            "waxseal",
            "sign-blob --key plain.key --bundle w.json big",
            None,
        ),
        entry("cosign3", format!("{sign3} --bundle c.json big"), None),
        entry("openssl (the hash alone)", "dgst -sha256 big", None),
    ];
    stage.row(
        "B9 sign a blob of 2 GiB",
        "cpu ≥ 8 × cosign 3; ≤ 8 MiB",
        runs,
        None,
        &entries,
    );
    let ours = |key: &str| format!("verify-blob --key {key}.pub --bundle w.json big");
    let theirs = |key: &str| format!("verify-blob --key {key}.pub --bundle w.json {VERIFY3} big");
    let entries = [
        entry("waxseal", ours("plain"), Some(ours("other"))),
        entry("cosign3", theirs("plain"), Some(theirs("other"))),
    ];
    stage.row(
        "B9 verify it",
        "cpu ≥ 3.3 × cosign 3; ≤ 8 MiB",
        runs,
        None,
        &entries,
    );
}
