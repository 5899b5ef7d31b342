//! Signatures and attestations on images, both ways.

use crate::stage::{Done, Site, Stage};
use crate::table::{Outcome, Table};

/// cosign 3 writing bundles without a log.
pub(crate) const BUNDLE3: &str = "--signing-config sc.json --trusted-root tr.json -y";
/// cosign 3 writing what cosign 2 wrote.
pub(crate) const LEGACY3: &str =
    "--use-signing-config=false --tlog-upload=false --new-bundle-format=false -y";
/// cosign 2 writing its own form.
pub(crate) const LEGACY2: &str = "--tlog-upload=false -y";
/// cosign 3 verifying without a log.
pub(crate) const VERIFY3: &str = "--trusted-root tr.json --insecure-ignore-tlog=true";
/// cosign 2 verifying its own form without a log.
pub(crate) const VERIFY2: &str = "--insecure-ignore-tlog=true";
/// cosign 2 verifying a bundle without a log.
const BUNDLE2: &str = "--new-bundle-format --trusted-root tr.json --insecure-ignore-tlog=true";

/// How an image is signed or attested.
struct Writer {
    name: &'static str,
    key: &'static str,
    write: fn(&Stage, &str) -> Done,
}

/// How it is verified: by name, with a key, whether it can read bundles and legacy forms.
struct Reader {
    name: &'static str,
    bundles: bool,
    read: fn(&Stage, &str, &str, bool) -> Done,
}

pub(crate) fn lines(stage: &Stage, table: &mut Table) {
    for site in &stage.sites {
        for (bundle, writer) in signers() {
            let readers = signature_readers();
            lines_of(stage, table, site, "signature", bundle, &writer, &readers);
        }
        for (bundle, writer) in attesters() {
            let readers = attestation_readers();
            lines_of(stage, table, site, "attestation", bundle, &writer, &readers);
        }
    }
}

fn lines_of(
    stage: &Stage,
    table: &mut Table,
    site: &Site,
    what: &str,
    bundle: bool,
    writer: &Writer,
    readers: &[Reader],
) {
    let form = if bundle { "bundle" } else { "legacy" };
    for reader in readers {
        let ours = [writer.name, reader.name].contains(&"waxseal");
        if !ours {
            continue;
        }
        let name = format!(
            "{what}, {form}, registry {} referrers: {} → {}",
            site.name, writer.name, reader.name
        );
        table.line(&name, || pair(stage, site, what, bundle, writer, reader));
    }
}

fn pair(
    stage: &Stage,
    site: &Site,
    what: &str,
    bundle: bool,
    writer: &Writer,
    reader: &Reader,
) -> Outcome {
    let repository = format!("{what}-{bundle}-{}-{}", writer.name, reader.name);
    let image = stage.image(site, &repository)?;
    (writer.write)(stage, &image).ok()?;
    let right = (reader.read)(stage, &image, writer.key, bundle);
    if bundle && !reader.bundles {
        // What a peer cannot do is part of the table: if it learns to, this line says so.
        return right.fails().map(|_| ());
    }
    right.ok()?;
    (reader.read)(stage, &image, "other", bundle).fails()?;
    Ok(())
}

fn signers() -> Vec<(bool, Writer)> {
    vec![
        (
            true,
            Writer {
                name: "waxseal",
                key: "ours",
                write: |s, i| s.waxseal(&format!("sign --key ours.key -a env=prod {i}")),
            },
        ),
        (
            false,
            Writer {
                name: "waxseal",
                key: "ours",
                write: |s, i| s.waxseal(&format!("sign --legacy --key ours.key -a env=prod {i}")),
            },
        ),
        (
            true,
            Writer {
                name: "cosign3",
                key: "theirs3",
                write: |s, i| {
                    s.cosign3(&format!("sign --key theirs3.key {BUNDLE3} -a env=prod {i}"))
                },
            },
        ),
        (
            false,
            Writer {
                name: "cosign3",
                key: "theirs3",
                write: |s, i| {
                    s.cosign3(&format!("sign --key theirs3.key {LEGACY3} -a env=prod {i}"))
                },
            },
        ),
        (
            false,
            Writer {
                name: "cosign2",
                key: "theirs2",
                write: |s, i| {
                    s.cosign2(&format!("sign --key theirs2.key {LEGACY2} -a env=prod {i}"))
                },
            },
        ),
    ]
}

fn attesters() -> Vec<(bool, Writer)> {
    vec![
        (
            true,
            Writer {
                name: "waxseal",
                key: "ours",
                write: |s, i| s.waxseal(&format!("attest --key ours.key --sbom bom.json {i}")),
            },
        ),
        (
            false,
            Writer {
                name: "waxseal",
                key: "ours",
                write: |s, i| {
                    s.waxseal(&format!(
                        "attest --legacy --key ours.key --sbom bom.json {i}"
                    ))
                },
            },
        ),
        (
            true,
            Writer {
                name: "cosign3",
                key: "theirs3",
                write: |s, i| {
                    s.cosign3(&format!(
                "attest --key theirs3.key {BUNDLE3} --type cyclonedx --predicate bom.json {i}"
            ))
                },
            },
        ),
        (
            false,
            Writer {
                name: "cosign3",
                key: "theirs3",
                write: |s, i| {
                    s.cosign3(&format!(
                "attest --key theirs3.key {LEGACY3} --type cyclonedx --predicate bom.json {i}"
            ))
                },
            },
        ),
        (
            true,
            Writer {
                name: "cosign2",
                key: "theirs2",
                write: |s, i| {
                    s.cosign2(&format!(
                "attest --key theirs2.key {LEGACY2} --new-bundle-format --type cyclonedx --predicate bom.json {i}"
            ))
                },
            },
        ),
        (
            false,
            Writer {
                name: "cosign2",
                key: "theirs2",
                write: |s, i| {
                    s.cosign2(&format!(
                "attest --key theirs2.key {LEGACY2} --type cyclonedx --predicate bom.json {i}"
            ))
                },
            },
        ),
    ]
}

fn signature_readers() -> Vec<Reader> {
    vec![
        Reader {
            name: "waxseal",
            bundles: true,
            read: |s, i, k, _| s.waxseal(&format!("verify --key {k}.pub -a env=prod {i}")),
        },
        Reader {
            name: "cosign3",
            bundles: true,
            read: |s, i, k, _| {
                s.cosign3(&format!("verify --key {k}.pub {VERIFY3} -a env=prod {i}"))
            },
        },
        Reader {
            name: "cosign2",
            bundles: false,
            read: |s, i, k, _| {
                s.cosign2(&format!("verify --key {k}.pub {VERIFY2} -a env=prod {i}"))
            },
        },
    ]
}

fn attestation_readers() -> Vec<Reader> {
    vec![
        Reader {
            name: "waxseal",
            bundles: true,
            read: |s, i, k, _| {
                s.waxseal(&format!("verify --key {k}.pub --attestation cyclonedx {i}"))
            },
        },
        Reader {
            name: "cosign3",
            bundles: true,
            read: |s, i, k, _| {
                s.cosign3(&format!(
                    "verify-attestation --key {k}.pub {VERIFY3} --type cyclonedx {i}"
                ))
            },
        },
        Reader {
            name: "cosign2",
            bundles: true,
            read: |s, i, k, bundle| {
                let flags = if bundle { BUNDLE2 } else { VERIFY2 };
                s.cosign2(&format!(
                    "verify-attestation --key {k}.pub {flags} --type cyclonedx {i}"
                ))
            },
        },
    ]
}
