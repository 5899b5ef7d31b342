//! SPDX documents, 2.x and 3.0.

use waxseal_oci::Digest;
use waxseal_sbom::{SbomError, SubjectMatch, check_subject, detect};

const HEAD: &str = r#""SPDXID":"SPDXRef-DOCUMENT","dataLicense":"CC0-1.0","name":"app",
    "documentNamespace":"https://example.com/app",
    "creationInfo":{"created":"2026-01-01T00:00:00Z","creators":["Tool: x"]}"#;

fn document(packages: &str, rest: &str) -> Vec<u8> {
    format!(r#"{{"spdxVersion":"SPDX-2.3",{HEAD},"packages":[{packages}]{rest}}}"#).into_bytes()
}

fn package(id: &str, extra: &str) -> String {
    format!(r#"{{"SPDXID":"{id}","name":"app","downloadLocation":"NOASSERTION"{extra}}}"#)
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |text: &str| detect(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        refused("SPDXVersion: SPDX-2.3\n"),
        "the SBOM is SPDX tag-value; only JSON is read"
    );
    assert_eq!(
        refused(r#"{"spdxVersion":"SPDX-2.1"}"#),
        "SPDX version `SPDX-2.1` is not among those that are read (2.2, 2.3, 3.0)"
    );
    assert_eq!(
        refused(r#"{"spdxVersion":"SPDX-2.3"}"#),
        "the SBOM is not valid SPDX: `SPDXID` is missing"
    );
    assert_eq!(
        refused(r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","dataLicense":"MIT"}"#),
        "the SBOM is not valid SPDX: `dataLicense` is `MIT`, not CC0-1.0"
    );
    assert_eq!(detect(&document("", "")), Err(SbomError::Empty("packages")));
    let sbom = detect(&document(&package("SPDXRef-a", ""), r#","files":[]"#)).unwrap();
    assert_eq!(
        (sbom.format.to_string().as_str(), sbom.components),
        ("SPDX 2.3", 1)
    );
    assert_eq!(sbom.format.predicate_type(), "https://spdx.dev/Document");
}

#[test]
fn the_described_package_is_held_against_the_image() {
    let (image, other) = (Digest::sha256(b"image"), Digest::sha256(b"other"));
    let describes = |id: &str| {
        format!(
            r#","relationships":[{{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"{id}"}}]"#
        )
    };
    let with = |extra: &str, rest: &str| {
        let packages = format!(
            "{},{}",
            package("SPDXRef-root", extra),
            package("SPDXRef-dep", "")
        );
        check_subject(&detect(&document(&packages, rest)).unwrap(), &image)
    };
    let refusal = SbomError::OtherImage {
        claimed: other.clone(),
        image: image.clone(),
    };
    let purl = |d: &Digest| {
        format!(
            r#","externalRefs":[{{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:oci/app@sha256%3A{}?arch=amd64"}}]"#,
            d.hex()
        )
    };
    let checksum = |d: &Digest| {
        format!(
            r#","primaryPackagePurpose":"CONTAINER","checksums":[{{"algorithm":"SHA256","checksumValue":"{}"}}]"#,
            d.hex()
        )
    };
    let root = describes("SPDXRef-root");
    assert_eq!(with(&purl(&image), &root), Ok(SubjectMatch::Named));
    assert_eq!(with(&purl(&other), &root), Err(refusal.clone()));
    assert_eq!(with(&checksum(&image), &root), Ok(SubjectMatch::Named));
    assert_eq!(with(&checksum(&other), &root), Err(refusal.clone()));
    let old = r#","documentDescribes":["SPDXRef-root"]"#;
    assert_eq!(with(&purl(&other), old), Err(refusal));
    // A base image that is listed and not described says nothing.
    assert_eq!(
        with(&purl(&other), &describes("SPDXRef-dep")),
        Ok(SubjectMatch::NotNamed)
    );
    assert_eq!(with("", &root), Ok(SubjectMatch::NotNamed));
}

#[test]
fn version_3_is_a_graph() {
    let image = Digest::sha256(b"image");
    let graph = |context: &str, elements: &str| {
        format!(r#"{{"@context":"{context}","@graph":[{elements}]}}"#).into_bytes()
    };
    let context = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
    let elements = format!(
        r#"{{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1"}},
        {{"type":"software_Package","spdxId":"urn:p","name":"app","software_packageUrl":"pkg:oci/app@{image}"}},
        {{"type":"software_Sbom","spdxId":"urn:s","rootElement":["urn:p"]}},
        {{"type":"SpdxDocument","spdxId":"urn:d","rootElement":["urn:s"]}}"#
    );
    let sbom = detect(&graph(context, &elements)).unwrap();
    assert_eq!(
        (sbom.format.to_string().as_str(), sbom.components),
        ("SPDX 3.0.1", 1)
    );
    assert_eq!(check_subject(&sbom, &image), Ok(SubjectMatch::Named));
    let other = Digest::sha256(b"other");
    assert_eq!(
        check_subject(&sbom, &other),
        Err(SbomError::OtherImage {
            claimed: image,
            image: other
        })
    );
    let refused = |c: &str, e: &str| detect(&graph(c, e)).unwrap_err().to_string();
    assert_eq!(
        refused("https://spdx.org/rdf/4.0/spdx-context.jsonld", ""),
        "SPDX version `https://spdx.org/rdf/4.0/spdx-context.jsonld` is not among those that are read (2.2, 2.3, 3.0)"
    );
    assert_eq!(
        refused(context, ""),
        "the SBOM is not valid SPDX: `SpdxDocument` is missing"
    );
    let empty = r#"{"type":"SpdxDocument"},{"type":"CreationInfo"}"#;
    assert_eq!(
        detect(&graph(context, empty)),
        Err(SbomError::Empty("@graph"))
    );
}
