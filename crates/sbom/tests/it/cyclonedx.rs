//! CycloneDX documents.

use waxseal_oci::Digest;
use waxseal_sbom::{SbomError, SbomFormat, SubjectMatch, check_subject, detect};

fn document(extra: &str) -> Vec<u8> {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6",{extra}
        "components":[{{"type":"library","name":"zlib","components":[{{"type":"file","name":"f"}}]}}]}}"#
    )
    .into_bytes()
}

#[test]
fn nested_components_count() {
    let sbom = detect(&document("")).unwrap();
    assert_eq!(sbom.format.to_string(), "CycloneDX 1.6");
    assert_eq!(sbom.format.predicate_type(), "https://cyclonedx.org/bom");
    assert!(matches!(sbom.format, SbomFormat::CycloneDx { .. }));
    assert_eq!(sbom.components, 2);
    assert_eq!(sbom.subjects, []);
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |text: &str| detect(text.as_bytes()).unwrap_err();
    assert_eq!(refused("<bom/>"), SbomError::NotJson("XML"));
    assert_eq!(
        refused(r#"{"name":"app","version":"1.0.0"}"#).to_string(),
        "the document is neither CycloneDX nor SPDX: there is no `bomFormat`, no `spdxVersion` and no `@graph`"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"Cyclone"}"#),
        SbomError::UnknownFormat("`bomFormat` is `Cyclone`".into())
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX"}"#).to_string(),
        "the SBOM is not valid CycloneDX: `specVersion` is missing"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.3"}"#).to_string(),
        "CycloneDX version `1.3` is not among those that are read (1.4 to 1.7)"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[]}"#).to_string(),
        "the SBOM is not valid CycloneDX: `version` is missing"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#),
        SbomError::Empty("components")
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"7"}"#).to_string(),
        "the SBOM is not valid CycloneDX: `serialNumber` is `7`, not `urn:uuid:` and a UUID"
    );
    assert_eq!(
        refused(
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"thing","name":"x"}]}"#
        )
        .to_string(),
        "the SBOM is not valid CycloneDX: `components[].type` is `thing`, not a type of component"
    );
    assert_eq!(
        refused(r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file"}]}"#),
        SbomError::Malformed("missing field `name` at line 1 column 74".into())
    );
}

#[test]
fn the_subject_is_held_against_the_image() {
    let (image, other) = (Digest::sha256(b"image"), Digest::sha256(b"other"));
    let with = |component: String| {
        let metadata = format!(r#""metadata":{{"component":{component}}},"#);
        check_subject(&detect(&document(&metadata)).unwrap(), &image)
    };
    // As syft names an image.
    let syft = |d: &Digest| format!(r#"{{"type":"container","name":"app","version":"{d}"}}"#);
    assert_eq!(with(syft(&image)), Ok(SubjectMatch::Named));
    let refusal = SbomError::OtherImage {
        claimed: other.clone(),
        image: image.clone(),
    };
    assert_eq!(with(syft(&other)), Err(refusal.clone()));
    // As trivy does.
    let trivy = |d: &Digest| {
        let version = d.as_str().replace(':', "%3A");
        format!(r#"{{"type":"container","name":"app","purl":"pkg:oci/app@{version}?arch=amd64"}}"#)
    };
    assert_eq!(with(trivy(&image)), Ok(SubjectMatch::Named));
    assert_eq!(with(trivy(&other)), Err(refusal.clone()));
    // By its hashes; those of a file are not an image's.
    let hashed = |kind: &str, d: &Digest| {
        let hash = format!(r#"{{"alg":"SHA-256","content":"{}"}}"#, d.hex());
        format!(r#"{{"type":"{kind}","name":"app","hashes":[{hash}]}}"#)
    };
    assert_eq!(with(hashed("container", &image)), Ok(SubjectMatch::Named));
    assert_eq!(with(hashed("container", &other)), Err(refusal));
    assert_eq!(
        with(hashed("application", &other)),
        Ok(SubjectMatch::NotNamed)
    );
    assert_eq!(
        with(r#"{"type":"container","name":"app","version":"1.2"}"#.into()),
        Ok(SubjectMatch::NotNamed)
    );
}
