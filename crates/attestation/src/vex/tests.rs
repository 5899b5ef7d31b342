use super::*;

const PURL: &str = "pkg:deb/debian/libssl3@3.0.1?arch=amd64&distro=debian-12";

fn image() -> Reference {
    "registry.example.com/shop/api:1.0".parse().unwrap()
}

fn subject() -> Digest {
    Digest::sha256(b"the image")
}

fn document(statement: &str) -> Result<VexDocument, VexError> {
    VexDocument::parse(&format!(
        r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "author": "a",
            "timestamp": "2026-01-01T00:00:00Z", "statements": [{statement}]}}"#
    ))
}

fn covers(products: &str) -> bool {
    let read = document(&format!(
        r#"{{"vulnerability": {{"name": "CVE-1"}}, "status": "fixed", "products": {products}}}"#
    ))
    .unwrap();
    read.statements
        .iter()
        .all(|statement| statement.covers(&image(), &subject(), Some(PURL)))
}

#[test]
fn both_versions_are_read() {
    let read = document(
        r#"{"vulnerability": {"@id": "https://nvd/CVE-1", "name": "CVE-1", "aliases": ["GHSA-1"]},
            "products": [{"@id": "pkg:oci/api", "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}]}],
            "status": "not_affected", "justification": "component_not_present",
            "timestamp": "2026-02-01T00:00:00Z"}"#,
    )
    .unwrap();
    assert_eq!(
        read.statements,
        [VexStatement {
            vulnerability: ["CVE-1", "https://nvd/CVE-1", "GHSA-1"]
                .map(str::to_owned)
                .into(),
            products: vec![Product {
                names: vec!["pkg:oci/api".to_owned()],
                sha256: None,
                parts: vec![vec!["pkg:deb/debian/libssl3".to_owned()]],
            }],
            status: Status::NotAffected,
            why: "component_not_present".to_owned(),
            time: "2026-02-01T00:00:00Z".to_owned(),
        }]
    );
    let old =
        document(r#"{"vulnerability": "CVE-1", "products": ["pkg:oci/api"], "status": "fixed"}"#);
    let old = old.unwrap().statements;
    let [one] = old.as_slice() else {
        panic!("{old:?}");
    };
    assert_eq!(one.time, "2026-01-01T00:00:00Z");
    assert!(one.is_about(["cve-1"].into_iter()) && !one.is_about(["CVE-2"].into_iter()));
}

#[test]
fn a_product_is_the_image_or_the_package() {
    let digest = subject();
    let hex = digest.hex();
    for (products, expected) in [
        ("[]".to_owned(), true),
        (r#"["pkg:oci/api"]"#.to_owned(), true),
        (format!(r#"["pkg:oci/api@sha256%3A{hex}"]"#), true),
        (
            format!(r#"["registry.example.com/shop/api@{digest}"]"#),
            true,
        ),
        (
            r#"["pkg:oci/api?repository_url=registry.example.com/shop/api"]"#.to_owned(),
            true,
        ),
        (
            r#"["pkg:oci/api?repository_url=registry.example.com/shop"]"#.to_owned(),
            true,
        ),
        (
            r#"["pkg:oci/api?repository_url=other.example.com/shop"]"#.to_owned(),
            false,
        ),
        (
            format!(r#"["pkg:oci/api@sha256%3A{}"]"#, "0".repeat(64)),
            false,
        ),
        (r#"["pkg:oci/web"]"#.to_owned(), false),
        (r#"["pkg:oci/other/api"]"#.to_owned(), false),
        (r#"["pkg:oci/api?tag=1.0"]"#.to_owned(), true),
        (r#"["pkg:oci/api?tag=2.0"]"#.to_owned(), false),
        (r#"["pkg:oci/api?arch=arm64"]"#.to_owned(), false),
        (
            format!(r#"["pkg:oci/api@sha256%3A{hex}?tag=2.0&arch=arm64"]"#),
            true,
        ),
        (r#"["registry.example.com/shop/api"]"#.to_owned(), false),
        (r#"["pkg:deb/debian/libssl3"]"#.to_owned(), true),
        (r#"["pkg:deb/debian/libssl3@3.0.1"]"#.to_owned(), true),
        (
            r#"["pkg:deb/debian/libssl3@3.0.1?arch=amd64"]"#.to_owned(),
            true,
        ),
        (
            r#"["pkg:deb/debian/libssl3@3.0.1?arch=arm64"]"#.to_owned(),
            false,
        ),
        (r#"["pkg:deb/debian/libssl3@3.0.2"]"#.to_owned(), false),
        (r#"["pkg:deb/ubuntu/libssl3"]"#.to_owned(), false),
        (
            r#"[{"@id": "pkg:oci/api", "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}]}]"#
                .to_owned(),
            true,
        ),
        (
            r#"[{"@id": "pkg:oci/api", "subcomponents": [{"@id": "pkg:deb/debian/zlib1g"}]}]"#
                .to_owned(),
            false,
        ),
        (
            r#"[{"@id": "x", "identifiers": {"purl": "pkg:oci/api"}}]"#.to_owned(),
            true,
        ),
        (format!(r#"[{{"hashes": {{"sha-256": "{hex}"}}}}]"#), true),
        (
            format!(
                r#"[{{"@id": "pkg:oci/api", "hashes": {{"sha-256": "{}"}}}}]"#,
                "0".repeat(64)
            ),
            false,
        ),
        (r#"["api"]"#.to_owned(), false),
    ] {
        assert_eq!(covers(&products), expected, "{products}");
    }
}

#[test]
fn a_statement_that_is_not_understood_spoils_the_document() {
    let why = |statement: &str| document(statement).map_err(|e| e.to_string());
    let vulnerability = r#""vulnerability": {"name": "CVE-1"}"#;
    for (members, expected) in [
        (
            r#""status": "not_affected""#,
            "its statement 1: it says `not_affected` and not why",
        ),
        (
            r#""status": "fine""#,
            "its statement 1: its status is none of the specification",
        ),
        (
            r#""status": "fixed", "products": [7]"#,
            "its statement 1: a product has no name",
        ),
        (
            r#""status": "fixed", "products": [{}]"#,
            "its statement 1: a product has no name",
        ),
    ] {
        assert_eq!(
            why(&format!("{{{vulnerability}, {members}}}")),
            Err(expected.to_owned())
        );
    }
    assert_eq!(
        why(r#"{"vulnerability": {}, "status": "fixed"}"#),
        Err("its statement 1: it names no vulnerability".to_owned())
    );
    let without_time =
        VexDocument::parse(r#"{"statements": [{"vulnerability": "CVE-1", "status": "fixed"}]}"#);
    assert_eq!(
        without_time.map_err(|e| e.to_string()),
        Err("its statement 1: nothing says when it was said".to_owned())
    );
}

/// What takes an excuse back counts where it may be meant.
#[test]
fn a_statement_that_does_not_excuse_may_be_about_what_cannot_be_told() {
    let covers = |status: &str, products: &str, purl: Option<&str>| {
        let read = document(&format!(
            r#"{{"vulnerability": {{"name": "CVE-1"}}, "status": "{status}", "products": {products}}}"#
        ));
        let statements = read.unwrap().statements;
        statements
            .iter()
            .all(|s| s.covers(&image(), &subject(), purl))
    };
    let part =
        |id: &str| format!(r#"[{{"@id": "pkg:oci/api", "subcomponents": [{{"@id": "{id}"}}]}}]"#);
    let hashed = r#"[{"@id": "pkg:deb/debian/libssl3", "hashes": {"sha-256": "00"}}]"#;
    for (products, purl, takes_back) in [
        (part("pkg:deb/debian/libssl3"), None, true),
        (part("cpe:2.3:a:openssl:openssl"), Some(PURL), true),
        (part("pkg:deb/debian/zlib1g"), Some(PURL), false),
        (r#"["pkg:deb/debian/libssl3"]"#.to_owned(), None, true),
        (r#"["pkg:oci/web"]"#.to_owned(), None, false),
        (r#"["web"]"#.to_owned(), None, false),
        (hashed.to_owned(), Some(PURL), true),
        (r#"["pkg:oci/api?arch=arm64"]"#.to_owned(), Some(PURL), true),
        (
            r#"["registry.example.com/shop/api:2.0"]"#.to_owned(),
            Some(PURL),
            true,
        ),
        (
            r#"["registry.example.com/shop/api2"]"#.to_owned(),
            Some(PURL),
            false,
        ),
    ] {
        assert!(!covers("fixed", &products, purl), "{products}");
        assert_eq!(
            covers("affected", &products, purl),
            takes_back,
            "{products}"
        );
    }
}
