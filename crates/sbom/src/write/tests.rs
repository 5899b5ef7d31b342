use serde_json::Value;
use waxseal_oci::Reference;

use super::*;
use crate::inventory::{Component, Distro, Ecosystem, Location, Note};
use crate::{Scanner, check_subject, detect};

fn digest() -> Digest {
    Digest::sha256(b"the image")
}

fn target() -> Target {
    let reference: Reference = "registry.example.com/shop/api:1".parse().unwrap();
    Target::image(reference.repository(), &digest()).for_platform("linux/amd64")
}

fn inventory() -> Inventory {
    let layer = Digest::sha256(b"layer");
    let component = |name: &str, licenses: &[&str]| Component {
        ecosystem: Ecosystem::Npm,
        name: name.to_owned(),
        version: "1.0".to_owned(),
        purl: format!("pkg:npm/{name}@1.0"),
        supplier: Some("A".to_owned()),
        licenses: licenses.iter().filter_map(|l| License::of(l)).collect(),
        hashes: vec![Digest::sha256(name.as_bytes())],
        found: vec![Location::new(
            Some(layer.clone()),
            format!("node_modules/{name}/package.json"),
        )],
    };
    let distro = Distro {
        id: "debian".to_owned(),
        version: "12".to_owned(),
        name: "Debian GNU/Linux 12".to_owned(),
    };
    let note = Note {
        at: Location::new(Some(layer.clone()), "a.jar"),
        reason: "a Java archive is not read".to_owned(),
    };
    Inventory::new(
        Some(distro),
        [
            component("b", &["MIT OR Apache-2.0"]),
            component("a", &["MIT", "My own licence"]),
        ],
        vec![note],
    )
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn cyclonedx_names_the_image_the_layers_and_what_was_not_read() {
    let bytes = inventory().to_cyclonedx(&target(), Timestamp::from_second(86_400).ok());
    let layer = Digest::sha256(b"layer").to_string();
    let document = read(&bytes);
    assert_eq!(
        document["metadata"],
        json_of(&format!(
            r#"{{"component": {{"type": "container", "bom-ref": "image",
                "name": "registry.example.com/shop/api", "version": "{digest}",
                "purl": "pkg:oci/api@sha256%3A{hex}?repository_url=registry.example.com/shop/api",
                "properties": [{{"name": "waxseal:platform", "value": "linux/amd64"}}]}},
            "properties": [{{"name": "waxseal:notRead", "value": "a.jar: a Java archive is not read"}}],
            "timestamp": "1970-01-02T00:00:00Z",
            "tools": {{"components": [{{"type": "application", "name": "waxseal",
                "version": "{version}"}}]}}}}"#,
            digest = digest(),
            hex = digest().hex(),
            version = env!("CARGO_PKG_VERSION"),
        ))
    );
    assert_eq!(
        document["components"],
        json_of(&format!(
            r#"[{{"type": "operating-system", "bom-ref": "os:debian", "name": "debian",
                "version": "12", "description": "Debian GNU/Linux 12"}},
            {{"type": "library", "bom-ref": "pkg:npm/a@1.0", "purl": "pkg:npm/a@1.0", "name": "a",
                "hashes": [{{"alg": "SHA-256", "content": "{a}"}}],
                "version": "1.0", "supplier": {{"name": "A"}},
                "licenses": [{{"license": {{"id": "MIT"}}}}, {{"license": {{"name": "My own licence"}}}}],
                "properties": [{{"name": "waxseal:layer", "value": "{layer}"}}],
                "evidence": {{"occurrences": [{{"location": "node_modules/a/package.json"}}]}}}},
            {{"type": "library", "bom-ref": "pkg:npm/b@1.0", "purl": "pkg:npm/b@1.0", "name": "b",
                "hashes": [{{"alg": "SHA-256", "content": "{b}"}}],
                "version": "1.0", "supplier": {{"name": "A"}},
                "licenses": [{{"expression": "MIT OR Apache-2.0"}}],
                "properties": [{{"name": "waxseal:layer", "value": "{layer}"}}],
                "evidence": {{"occurrences": [{{"location": "node_modules/b/package.json"}}]}}}}]"#,
            a = Digest::sha256(b"a").hex(),
            b = Digest::sha256(b"b").hex(),
        ))
    );
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn spdx_contains_the_packages_and_the_texts_of_their_licences() {
    let document = read(&inventory().to_spdx(&target(), None));
    assert_eq!(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
    let licences: Vec<_> = document["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["licenseDeclared"].as_str().unwrap())
        .collect();
    assert_eq!(
        licences,
        ["NOASSERTION", "MIT AND LicenseRef-0", "MIT OR Apache-2.0"]
    );
    assert_eq!(
        document["hasExtractedLicensingInfos"],
        json_of(
            r#"[{"licenseId": "LicenseRef-0", "extractedText": "My own licence",
                "name": "My own licence"}]"#
        )
    );
    assert_eq!(
        document["packages"][1]["checksums"],
        json_of(&format!(
            r#"[{{"algorithm": "SHA256", "checksumValue": "{}"}}]"#,
            Digest::sha256(b"a").hex()
        ))
    );
    assert_eq!(
        document["comment"],
        "not read: a.jar: a Java archive is not read"
    );
    assert_eq!(
        document["packages"][1]["sourceInfo"],
        format!(
            "found at node_modules/a/package.json in layer {}",
            Digest::sha256(b"layer")
        )
    );
}

#[test]
fn what_is_declared_only_is_marked() {
    let mut scanner = Scanner::new();
    let lock = "example==1.0\n";
    scanner
        .file("app/requirements.txt", 13, false, &mut lock.as_bytes())
        .unwrap();
    let inventory = scanner.finish();
    let document = read(&inventory.to_cyclonedx(&target(), None));
    assert_eq!(
        document["components"],
        json_of(
            r#"[{"type": "library", "bom-ref": "pkg:pypi/example@1.0", "purl": "pkg:pypi/example@1.0",
                "name": "example", "version": "1.0",
                "properties": [{"name": "waxseal:evidence", "value": "declared by lock file"}],
                "evidence": {"occurrences": [{"location": "app/requirements.txt",
                    "additionalContext": "declared by lock file"}]}}]"#
        )
    );
    let document = read(&inventory.to_spdx(&target(), None));
    assert_eq!(
        document["packages"][1]["sourceInfo"],
        "declared by lock file at app/requirements.txt"
    );
}

#[test]
fn the_same_inventory_gives_the_same_bytes_and_another_one_another_serial() {
    let (one, two) = (inventory(), inventory());
    assert_eq!(
        one.to_cyclonedx(&target(), None),
        two.to_cyclonedx(&target(), None)
    );
    let serial = |inventory: &Inventory| {
        let document = read(&inventory.to_cyclonedx(&target(), None));
        document["serialNumber"].as_str().unwrap().to_owned()
    };
    assert_eq!(serial(&one), serial(&two));
    assert_ne!(serial(&one), serial(&Inventory::default()));
    let uuid = serial(&one).strip_prefix("urn:uuid:").unwrap().to_owned();
    let parts: Vec<_> = uuid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
}

#[test]
fn our_own_reader_takes_both_and_finds_the_image_in_them() {
    for bytes in [
        inventory().to_cyclonedx(&target(), None),
        inventory().to_spdx(&target(), None),
    ] {
        let sbom = detect(&bytes).unwrap();
        assert_eq!(
            check_subject(&sbom, &digest()).unwrap(),
            crate::SubjectMatch::Named
        );
        let other = Digest::sha256(b"another image");
        assert!(check_subject(&sbom, &other).is_err());
    }
}

#[test]
fn the_table_has_one_line_a_package_and_no_control_characters() {
    let mut scanner = Scanner::new();
    let manifest = "{\"name\": \"a\\u001b[31m\", \"version\": \"1\", \"license\": \"MIT\"}";
    scanner
        .file(
            "node_modules/a/package.json",
            100,
            false,
            &mut manifest.as_bytes(),
        )
        .unwrap();
    assert_eq!(
        scanner.finish().to_table(),
        "NAME    VERSION  TYPE  LICENCE  LAYER\na [31m  1        npm   MIT\n"
    );
}

#[test]
fn the_document_of_an_index_refers_to_those_of_its_images() {
    let member = inventory().to_cyclonedx(&target(), None);
    let reference: Reference = "registry.example.com/shop/api:1".parse().unwrap();
    let index = Digest::sha256(b"the index");
    let whole = Target::image(reference.repository(), &index);
    let members = [Member {
        target: &target(),
        document: &member,
    }];
    let bytes = aggregate(&whole, &members, None);
    assert_eq!(bytes, aggregate(&whole, &members, None));
    let document = read(&bytes);
    let serial = read(&member)["serialNumber"].as_str().unwrap().to_owned();
    let serial = serial.strip_prefix("urn:uuid:").unwrap();
    assert_eq!(
        document["components"],
        serde_json::json!([{
            "type": "container",
            "bom-ref": format!("image:{}", digest()),
            "name": "registry.example.com/shop/api",
            "version": digest().to_string(),
            "purl": target().purl,
            "properties": [{"name": "waxseal:platform", "value": "linux/amd64"}],
            "externalReferences": [{"type": "bom", "url": format!("urn:cdx:{serial}/1")}],
        }])
    );
    assert_eq!(
        document["dependencies"],
        serde_json::json!([{"ref": "image", "dependsOn": [format!("image:{}", digest())]}])
    );
    let found = detect(&bytes).unwrap();
    assert!(check_subject(&found, &index).is_ok());
    assert!(check_subject(&found, &digest()).is_err());
}
