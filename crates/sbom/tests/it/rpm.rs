#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use waxseal_sbom::{Inventory, Scanner};

use crate::fixture::{self, bdb, ndb, sqlite};

const FEDORA: &str = "ID=fedora\nVERSION_ID=40\n";

fn scan(path: &str, bytes: &[u8]) -> Inventory {
    let mut scanner = Scanner::new();
    for (path, bytes) in [("etc/os-release", FEDORA.as_bytes()), (path, bytes)] {
        let size = u64::try_from(bytes.len()).unwrap();
        scanner.file(path, size, false, &mut &bytes[..]).unwrap();
    }
    scanner.finish()
}

fn notes(path: &str, bytes: &[u8]) -> Vec<String> {
    let notes = scan(path, bytes).notes.into_iter();
    notes.map(|note| note.reason).collect()
}

#[test]
fn every_container_gives_the_same_packages() {
    for (path, bytes) in fixture::rpm_databases() {
        let inventory = scan(path, &bytes);
        assert_eq!(inventory.notes, [], "{path}");
        let found: Vec<_> = inventory
            .components
            .iter()
            .map(|c| (c.purl.as_str(), c.licenses.first().unwrap().as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "pkg:rpm/fedora/bash@5.2.26-3.fc40?arch=x86_64&distro=fedora-40",
                    "GPL-3.0-or-later"
                ),
                (
                    "pkg:rpm/fedora/openssl-libs@3.2.1-2.fc40?arch=x86_64&distro=fedora-40&epoch=1",
                    "Apache-2.0"
                ),
                (
                    "pkg:rpm/fedora/tzdata@2024a-5.fc40?arch=noarch&distro=fedora-40",
                    "Public Domain and BSD"
                ),
            ],
            "{path}"
        );
        let supplier = inventory.components.first().unwrap().supplier.as_deref();
        assert_eq!(supplier, Some("Example Makers"), "{path}");
    }
}

#[test]
fn a_header_that_is_broken_is_noted_and_the_others_are_read() {
    let mut headers = fixture::rpm_headers();
    headers[0] = vec![0xff; 40];
    // No tag of it is its name.
    headers[2] = vec![0, 0, 0, 0, 0, 0, 0, 0];
    for bytes in [
        sqlite::database(&headers, 512),
        ndb::database(&headers),
        bdb::database(&headers, false),
    ] {
        let inventory = scan("var/lib/rpm/Packages", &bytes);
        let purls: Vec<_> = inventory.components.iter().map(|c| &c.name).collect();
        assert_eq!(purls, ["openssl-libs"]);
        let notes: Vec<_> = inventory.notes.iter().map(|n| n.reason.as_str()).collect();
        assert_eq!(
            notes,
            [
                "package 1 of the rpm database: its header is cut short",
                "package 3 of the rpm database: its header has no name"
            ]
        );
    }
}

#[test]
fn pages_that_lead_in_a_circle_end() {
    let mut bytes = sqlite::database(&fixture::rpm_headers(), 512);
    // The root is the last page; its right child is itself.
    let pages = bytes.len() / 512;
    let root = bytes.len() - 512;
    let own = u32::try_from(pages).unwrap().to_be_bytes();
    bytes[root + 8..root + 12].copy_from_slice(&own);
    assert_eq!(
        notes("var/lib/rpm/rpmdb.sqlite", &bytes),
        [format!("it names page {} twice", pages - 1)]
    );

    let mut bytes = bdb::database(&fixture::rpm_headers(), false);
    // The first page of the long value is followed by itself.
    bytes[2 * 4096 + 16..2 * 4096 + 20].copy_from_slice(&2_u32.to_le_bytes());
    assert_eq!(
        notes("var/lib/rpm/Packages", &bytes),
        ["it names page 2 twice"]
    );
}

#[test]
fn slots_that_name_one_header_again_and_again_end() {
    let mut bytes = ndb::database(&fixture::rpm_headers());
    let slot = bytes[32 + 16..32 + 32].to_vec();
    for at in (32..4096).step_by(16) {
        bytes[at..at + 16].copy_from_slice(&slot);
    }
    assert_eq!(
        notes("var/lib/rpm/Packages.db", &bytes),
        ["its slots name one header again and again"]
    );
}

#[test]
fn what_is_no_database_of_rpm_is_noted_with_its_reason() {
    let cut = |bytes: Vec<u8>, length: usize| bytes[..length].to_vec();
    let headers = fixture::rpm_headers();
    for (bytes, reason) in [
        (
            b"nothing".to_vec(),
            "not an rpm database of a kind that is known",
        ),
        (
            b"SQLite format 3\0\x02\x01".to_vec(),
            "its size of page is none",
        ),
        (
            cut(sqlite::database(&headers, 512), 512),
            "it names page 23, which it does not have",
        ),
        (
            cut(ndb::database(&headers), 4000),
            "its slots are cut short",
        ),
        (
            cut(ndb::database(&headers), 5000),
            "package 2 is not where its slot says",
        ),
        (
            cut(bdb::database(&headers, false), 3 * 4096),
            "it names page 3, which it does not have",
        ),
        (
            {
                let mut bytes = bdb::database(&headers, true);
                bytes[24] = 1;
                bytes
            },
            "it is encrypted, or has checksums, which is not read",
        ),
    ] {
        assert_eq!(notes("var/lib/rpm/Packages", &bytes), [reason]);
    }
}

#[test]
fn what_is_only_in_the_write_ahead_log_is_not_claimed_to_be_read() {
    let log = "var/lib/rpm/rpmdb.sqlite-wal";
    assert_eq!(notes(log, b""), Vec::<String>::new());
    assert_eq!(
        notes(log, b"7"),
        ["what was not yet written to the rpm database is not read"]
    );
}
