//! What is read from documents, in every format and as other tools write them.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_oci::Digest;
use waxseal_sbom::{Claims, License, Listing, Scanner, read};

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const PURL: &str = "pkg:npm/left-pad@1.3.0";
const CREATED: &str = "2026-01-02T03:04:05Z";

/// One package with everything that is read of it.
fn cyclonedx(version: &str) -> String {
    format!(
        r#"{{"bomFormat": "CycloneDX", "specVersion": "{version}", "version": 1,
            "metadata": {{"timestamp": "{CREATED}", "authors": [{{"name": "somebody"}}]}},
            "components": [{{"type": "library", "bom-ref": "x", "name": "left-pad", "version": "1.3.0", "purl": "{PURL}",
                "supplier": {{"name": "A Team"}}, "licenses": [{{"license": {{"id": "WTFPL"}}}}],
                "hashes": [{{"alg": "MD5", "content": "d41d8cd98f00b204e9800998ecf8427e"}}, {{"alg": "SHA-256", "content": "{SHA256}"}}]}}],
            "dependencies": [{{"ref": "x", "dependsOn": ["y"]}}]}}"#
    )
}

fn spdx2() -> String {
    format!(
        r#"{{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "dataLicense": "CC0-1.0",
            "documentNamespace": "https://example.com/x",
            "creationInfo": {{"created": "{CREATED}", "creators": ["Person: somebody"]}},
            "packages": [{{"SPDXID": "SPDXRef-a", "name": "left-pad", "versionInfo": "1.3.0", "downloadLocation": "NOASSERTION",
                "supplier": "Organization: A Team", "licenseDeclared": "WTFPL", "licenseConcluded": "NOASSERTION",
                "checksums": [{{"algorithm": "MD5", "checksumValue": "d41d8cd98f00b204e9800998ecf8427e"}},
                              {{"algorithm": "SHA256", "checksumValue": "{SHA256}"}}],
                "externalRefs": [{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "{PURL}"}}]}}],
            "relationships": [{{"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-b"}}]}}"#
    )
}

fn spdx3() -> String {
    format!(
        r#"{{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
            {{"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "{CREATED}", "createdBy": ["urn:p"]}},
            {{"type": "SpdxDocument", "spdxId": "urn:d", "creationInfo": "_:c", "rootElement": ["urn:a"]}},
            {{"type": "Organization", "spdxId": "urn:t", "creationInfo": "_:c", "name": "A Team"}},
            {{"type": "software_Package", "spdxId": "urn:a", "creationInfo": "_:c", "name": "left-pad", "software_packageVersion": "1.3.0",
              "software_packageUrl": "{PURL}", "suppliedBy": "urn:t",
              "verifiedUsing": [{{"type": "Hash", "algorithm": "sha256", "hashValue": "{SHA256}"}}]}},
            {{"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l", "creationInfo": "_:c", "simplelicensing_licenseExpression": "WTFPL"}},
            {{"type": "Relationship", "spdxId": "urn:r", "creationInfo": "_:c", "from": "urn:a", "relationshipType": "hasDeclaredLicense", "to": ["urn:l"]}},
            {{"type": "Relationship", "spdxId": "urn:s", "creationInfo": "_:c", "from": "urn:a", "relationshipType": "dependsOn", "to": ["urn:b"]}}]}}"#
    )
}

fn documents() -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = ["1.4", "1.5", "1.6", "1.7"]
        .map(|version| (version, cyclonedx(version)))
        .into();
    all.extend([("SPDX 2.3", spdx2()), ("SPDX 3.0", spdx3())]);
    all
}

fn listed(document: &str) -> Listing {
    read(document.as_bytes()).unwrap()
}

#[test]
fn every_format_says_the_same_of_a_package() {
    let hash = Digest::sha256(b"");
    assert_eq!(hash.hex(), SHA256);
    for (format, document) in documents() {
        let listing = listed(&document);
        assert_eq!(listing.created, Some(CREATED.parse().unwrap()), "{format}");
        assert!(listing.has_author, "{format}");
        assert_eq!(listing.relations, 1, "{format}");
        assert_eq!(listing.packages.len(), 1, "{format}");
        let package = &listing.packages[0];
        assert_eq!(package.name, "left-pad", "{format}");
        assert_eq!(package.version, "1.3.0", "{format}");
        assert_eq!(package.purl.as_deref(), Some(PURL), "{format}");
        assert_eq!(package.supplier.as_deref(), Some("A Team"), "{format}");
        assert_eq!(package.hashes, std::slice::from_ref(&hash), "{format}");
        let licenses = package.licenses.iter().map(License::as_str);
        assert_eq!(licenses.collect::<Vec<_>>(), ["WTFPL"], "{format}");
    }
}

/// Each fact is read from the place where it stands, and from no other.
#[test]
fn what_is_changed_in_a_document_is_changed_in_what_is_read() {
    type Of = fn(&Listing) -> String;
    let facts: [(&str, &str, Of); 6] = [
        ("A Team", "B Team", |l| {
            format!("{:?}", l.packages[0].supplier)
        }),
        ("WTFPL", "MIT", |l| format!("{:?}", l.packages[0].licenses)),
        (SHA256, &"0".repeat(64), |l| {
            format!("{:?}", l.packages[0].hashes)
        }),
        (CREATED, "2026-01-02T03:04:06Z", |l| {
            format!("{:?}", l.created)
        }),
        (PURL, "pkg:npm/right-pad@1.3.0", |l| {
            format!("{:?}", l.packages[0].purl)
        }),
        (r#""1.3.0""#, r#""1.3.1""#, |l| {
            l.packages[0].version.clone()
        }),
    ];
    for (format, document) in documents() {
        let before = listed(&document);
        for (n, (from, to, _)) in facts.iter().enumerate() {
            assert!(document.contains(from), "{format}: {from}");
            let after = listed(&document.replace(from, to));
            for (k, (what, _, of)) in facts.iter().enumerate() {
                assert_eq!(
                    of(&before) != of(&after),
                    n == k,
                    "{format}: {from}, {what}"
                );
            }
        }
    }
}

/// The same Debian package and the same one from npm, as three tools describe an
/// image that has both (the shapes are those of their documented output).
#[test]
fn documents_of_other_tools_compare_with_the_image() {
    let syft = r#"{"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "author": "anchore", "name": "syft", "version": "1.30.0"}]},
            "component": {"bom-ref": "a", "type": "container", "name": "shop"}},
        "components": [
            {"bom-ref": "pkg:deb/debian/tar@1.34%2Bdfsg-1.2?arch=amd64&distro=debian-12&package-id=1", "type": "library", "publisher": "Janos Lenart <ocsi@debian.org>",
             "name": "tar", "version": "1.34+dfsg-1.2", "licenses": [{"license": {"id": "GPL-2.0-only"}}], "cpe": "cpe:2.3:a:tar:tar:1.34\\+dfsg-1.2:*:*:*:*:*:*:*",
             "purl": "pkg:deb/debian/tar@1.34%2Bdfsg-1.2?arch=amd64&distro=debian-12", "properties": [{"name": "syft:package:foundBy", "value": "dpkg-db-cataloger"}]},
            {"bom-ref": "pkg:npm/left-pad@1.3.0?package-id=2", "type": "library", "author": "azer", "name": "left-pad", "version": "1.3.0",
             "licenses": [{"license": {"id": "WTFPL"}}], "purl": "pkg:npm/left-pad@1.3.0"},
            {"bom-ref": "os:debian@12", "type": "operating-system", "name": "debian", "version": "12", "swid": {"tagId": "debian", "name": "debian", "version": "12"}}]}"#;
    let trivy = r#"{"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "group": "aquasecurity", "name": "trivy", "version": "0.66.0"}]},
            "component": {"bom-ref": "a", "type": "container", "name": "shop"}},
        "components": [
            {"bom-ref": "b", "type": "operating-system", "name": "debian", "version": "12.9", "properties": [{"name": "aquasecurity:trivy:Class", "value": "os-pkgs"}]},
            {"bom-ref": "c", "type": "application", "name": "Node.js", "properties": [{"name": "aquasecurity:trivy:Class", "value": "lang-pkgs"}]},
            {"bom-ref": "pkg:deb/debian/tar@1.34%2Bdfsg-1.2?arch=amd64&distro=debian-12.9", "type": "library", "supplier": {"name": "Janos Lenart <ocsi@debian.org>"},
             "name": "tar", "version": "1.34+dfsg-1.2", "licenses": [{"license": {"name": "GPL-3.0-or-later"}}],
             "purl": "pkg:deb/debian/tar@1.34%2Bdfsg-1.2?arch=amd64&distro=debian-12.9"},
            {"bom-ref": "pkg:npm/left-pad@1.3.0", "type": "library", "name": "left-pad", "version": "1.3.0", "licenses": [{"license": {"name": "WTFPL"}}],
             "purl": "pkg:npm/left-pad@1.3.0", "properties": [{"name": "aquasecurity:trivy:FilePath", "value": "app/node_modules/left-pad/package.json"}]}]}"#;
    let cdxgen = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"tools": {"components": [{"group": "@cyclonedx", "name": "cdxgen", "version": "11.8.0", "type": "application"}]},
            "component": {"name": "shop", "type": "container", "bom-ref": "a", "purl": "pkg:oci/shop@sha256:00"}},
        "components": [
            {"group": "debian", "name": "tar", "version": "1.34+dfsg-1.2", "purl": "pkg:deb/debian/tar@1.34%2Bdfsg-1.2?arch=amd64&distro=bookworm&distro_name=debian-12",
             "bom-ref": "pkg:deb/debian/tar@1.34+dfsg-1.2?arch=amd64&distro=bookworm&distro_name=debian-12", "type": "library"},
            {"group": "", "name": "left-pad", "version": "1.3.0", "scope": "required", "purl": "pkg:npm/left-pad@1.3.0", "type": "library", "bom-ref": "pkg:npm/left-pad@1.3.0",
             "hashes": [{"alg": "SHA-512", "content": "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"}],
             "licenses": [{"license": {"id": "WTFPL", "url": "https://opensource.org/licenses/WTFPL"}}]},
            {"group": "actions", "name": "checkout", "version": "v4", "purl": "pkg:github/actions/checkout@v4", "type": "application", "bom-ref": "g"}]}"#;
    let mut scanner = Scanner::new();
    let files = [
        ("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
        (
            "var/lib/dpkg/status",
            "Package: tar\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.34+dfsg-1.2\n",
        ),
        (
            "app/node_modules/left-pad/package.json",
            r#"{"name": "left-pad", "version": "1.3.0"}"#,
        ),
    ];
    for (path, text) in files {
        let size = text.len().try_into().unwrap();
        scanner
            .file(path, size, false, &mut text.as_bytes())
            .unwrap();
    }
    let image = scanner.finish();
    for (tool, document) in [("syft", syft), ("trivy", trivy), ("cdxgen", cdxgen)] {
        let packages = listed(document).packages;
        let found = Claims::of(&packages).compare(&image);
        assert_eq!(found.same, 2, "{tool}: {found:?}");
        assert!(
            !found.is_lacking() && found.extra.is_empty(),
            "{tool}: {found:?}"
        );
        // Without one of them the document lies, whoever wrote it.
        for purl in ["pkg:deb/debian/tar@", "pkg:npm/left-pad@"] {
            let mut lying = packages.clone();
            lying.retain(|p| !p.purl.as_deref().unwrap_or_default().starts_with(purl));
            assert_eq!(lying.len(), packages.len() - 1, "{tool}: {purl}");
            let found = Claims::of(&lying).compare(&image);
            assert_eq!((found.same, found.missing.len()), (1, 1), "{tool}: {purl}");
        }
    }
    let found = Claims::of(&listed(cdxgen).packages).compare(&image);
    assert_eq!(found.not_looked_for.get("github"), Some(&1));
}
