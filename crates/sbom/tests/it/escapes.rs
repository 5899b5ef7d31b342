//! What must not escape those who ask what an SBOM lists, wherever it stands and
//! however it is called.

#![expect(clippy::unwrap_used, reason = "a test")]

use waxseal_sbom::{License, Listing, detect, read};

fn listed(document: &str) -> Listing {
    read(document.as_bytes()).unwrap()
}

/// Name, version, package URL and licences of what is listed.
fn packages(document: &str) -> Vec<String> {
    let each = listed(document).packages.into_iter().map(|package| {
        let licenses: Vec<&str> = package.licenses.iter().map(License::as_str).collect();
        let purl = package.purl.as_deref().unwrap_or("-");
        let [name, version] = [package.name, package.version];
        format!("{name} {version} {purl} {}", licenses.join("; "))
    });
    each.map(|text| text.trim_end().to_owned()).collect()
}

fn cyclonedx(members: &str) -> String {
    format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, {members}}}"#)
}

fn spdx2(members: &str) -> String {
    format!(
        r#"{{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x",
            "dataLicense": "CC0-1.0", "documentNamespace": "https://example.com/x",
            "creationInfo": {{"created": "2026-01-02T03:04:05Z", "creators": ["Tool: x"]}},
            {members}}}"#
    )
}

fn spdx3(elements: &str) -> String {
    format!(
        r#"{{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
            {{"type": "CreationInfo", "@id": "_:c", "createdBy": ["urn:p"]}},
            {{"type": "SpdxDocument", "spdxId": "urn:d"}}, {elements}]}}"#
    )
}

/// One package of SPDX 2, with more members.
fn package(id: &str, more: &str) -> String {
    format!(
        r#"{{"SPDXID": "SPDXRef-{id}", "name": "{id}", "versionInfo": "1",
            "downloadLocation": "NOASSERTION"{more}}}"#
    )
}

#[test]
fn components_of_the_subject_are_listed() {
    let inside = |components: &str| {
        cyclonedx(&format!(
            r#""metadata": {{"component": {{"type": "container", "name": "shop", "components": [{components}]}}}},
               "components": [{{"type": "library", "name": "a", "version": "1"}}]"#
        ))
    };
    let document = inside(r#"{"type": "library", "name": "b", "version": "2"}"#);
    assert_eq!(packages(&document), ["a 1 -", "b 2 -"]);
    assert_eq!(detect(document.as_bytes()).unwrap().components, 2);
    let refused = detect(inside(r#"{"type": "thing", "name": "b"}"#).as_bytes());
    assert_eq!(
        refused.map_err(|e| e.to_string()),
        Err(
            "the SBOM is not valid CycloneDX: `components[].type` is `thing`, not a type of \
             component"
                .to_owned()
        )
    );
}

#[test]
fn a_file_or_a_container_with_a_package_url_is_a_package() {
    let components = cyclonedx(
        r#""components": [
            {"type": "file", "name": "etc/passwd"},
            {"type": "operating-system", "name": "debian", "version": "12"},
            {"type": "file", "name": "a", "version": "1", "purl": "pkg:maven/g/a@1"}]"#,
    );
    assert_eq!(packages(&components), ["a 1 pkg:maven/g/a@1"]);
    let purl = |purl: &str| {
        format!(
            r#", "primaryPackagePurpose": "CONTAINER", "externalRefs": [{{"referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl", "referenceLocator": "{purl}"}}]"#
        )
    };
    let all = [
        package("a", &purl("pkg:maven/g/a@1")),
        package("image", &purl("pkg:oci/image")),
        package("other", r#", "primaryPackagePurpose": "CONTAINER""#),
    ];
    let document = spdx2(&format!(r#""packages": [{}]"#, all.join(",")));
    assert_eq!(packages(&document), ["a 1 pkg:maven/g/a@1"]);
    let document = spdx3(
        r#"{"type": "software_Package", "spdxId": "urn:a", "name": "a", "software_packageVersion": "1",
            "software_primaryPurpose": "container", "software_packageUrl": "pkg:maven/g/a@1"},
           {"type": "software_Package", "spdxId": "urn:b", "name": "b", "software_primaryPurpose": "container"},
           {"type": "ai_AIPackage", "spdxId": "urn:m", "name": "model", "software_packageVersion": "2"},
           {"type": "dataset_DatasetPackage", "spdxId": "urn:s", "name": "data", "software_packageVersion": "3"}"#,
    );
    assert_eq!(
        packages(&document),
        ["a 1 pkg:maven/g/a@1", "model 2 -", "data 3 -"]
    );
}

/// A document that says that it describes every package is not one of nothing.
#[test]
fn only_one_thing_that_is_described_is_the_subject() {
    let of = |described: &[&str]| {
        let ids: Vec<String> = described
            .iter()
            .map(|id| format!(r#""SPDXRef-{id}""#))
            .collect();
        let all = ["a", "b"].map(|id| package(id, ""));
        spdx2(&format!(
            r#""packages": [{}], "documentDescribes": [{}]"#,
            all.join(","),
            ids.join(",")
        ))
    };
    assert_eq!(packages(&of(&["a"])), ["b 1 -"]);
    assert_eq!(packages(&of(&["a", "b"])), ["a 1 -", "b 1 -"]);
    // In the other direction.
    let by = of(&[]).replace(
        r#""documentDescribes": []"#,
        r#""relationships": [{"spdxElementId": "SPDXRef-a", "relationshipType": "DESCRIBED_BY",
            "relatedSpdxElement": "SPDXRef-DOCUMENT"}]"#,
    );
    assert_eq!(packages(&by), ["b 1 -"]);
}

#[test]
fn licences_that_were_concluded_count_beside_those_that_are_declared() {
    let license = |declared: &str, concluded: &str| {
        let more =
            format!(r#", "licenseDeclared": "{declared}", "licenseConcluded": "{concluded}""#);
        packages(&spdx2(&format!(r#""packages": [{}]"#, package("a", &more))))
    };
    assert_eq!(
        license("MIT", "AGPL-3.0-only"),
        ["a 1 - MIT; AGPL-3.0-only"]
    );
    assert_eq!(license("MIT", "MIT"), ["a 1 - MIT"]);
    assert_eq!(license("NOASSERTION", "NONE"), ["a 1 -"]);
}

#[test]
fn licences_of_spdx_3_are_named_in_each_of_its_ways() {
    let with = |license: &str, elements: &str| {
        packages(&spdx3(&format!(
            r#"{{"type": "software_Package", "spdxId": "urn:a", "name": "a", "software_packageVersion": "1"}},
               {{"type": "Relationship", "spdxId": "urn:r", "from": "urn:a", "relationshipType": "hasDeclaredLicense",
                 "to": ["{license}"]}}{elements}"#
        )))
    };
    assert_eq!(
        with("https://spdx.org/licenses/AGPL-3.0-only", ""),
        ["a 1 - AGPL-3.0-only"]
    );
    let set = r#", {"type": "expandedlicensing_ConjunctiveLicenseSet", "spdxId": "urn:s",
        "expandedlicensing_member": ["https://spdx.org/licenses/MIT", "urn:o", "urn:c", "urn:s"]},
        {"type": "expandedlicensing_WithAdditionOperator", "spdxId": "urn:o",
         "expandedlicensing_subjectExtendableLicense": "http://spdx.org/licenses/AGPL-3.0-only"},
        {"type": "expandedlicensing_CustomLicense", "spdxId": "urn:c", "name": "House rules"}"#;
    assert_eq!(
        with("urn:s", set),
        ["a 1 - AGPL-3.0-only; MIT; House rules"]
    );
}

#[test]
fn licences_are_named_whatever_stands_beside_them() {
    let names = |text: &str| License::of(text).unwrap().names();
    assert_eq!(names("MIT OR AGPL-3.0-only"), ["MIT", "AGPL-3.0-only"]);
    assert_eq!(names("GPL-2.0-only WITH Classpath-exception-2.0").len(), 1);
    for (text, found) in [
        ("agpl-3.0-only", vec!["AGPL-3.0-only"]),
        ("AGPL-3.0", vec!["AGPL-3.0-only"]),
        ("AGPL-3.0+", vec!["AGPL-3.0-or-later"]),
        ("MIT AND AGPL-3.0", vec!["MIT", "AGPL-3.0-only"]),
        ("(mit or Nobody-1.0)", vec!["MIT"]),
        ("MIT/Apache-2.0", vec!["MIT", "Apache-2.0"]),
        ("House rules", vec![]),
    ] {
        let mut expected = vec![text];
        expected.extend(found);
        expected.dedup();
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn what_is_empty_says_nothing() {
    let components = r#""components": [{"type": "library", "name": "a", "version": "1", "purl": "", "cpe": "",
            "supplier": {"name": ""}, "publisher": "A Team"}, {"type": "library", "name": "b",
            "supplier": {"name": "NOASSERTION"}}]"#;
    for (metadata, has_author) in [
        ("{}", false),
        (r#"{"tools": [], "authors": []}"#, false),
        (
            r#"{"tools": {"components": []}, "supplier": {"name": " "}}"#,
            false,
        ),
        (r#"{"tools": [{"name": "x"}]}"#, true),
    ] {
        let document = cyclonedx(&format!(r#""metadata": {metadata}, {components}"#));
        let listing = listed(&document);
        assert_eq!(listing.has_author, has_author, "{metadata}");
        let [a, b] = listing.packages.as_slice() else {
            panic!("{listing:?}");
        };
        assert_eq!(a.supplier.as_deref(), Some("A Team"));
        assert_eq!(b.supplier, None);
        assert_eq!((&a.purl, a.otherwise_identified), (&None, false));
    }
}
