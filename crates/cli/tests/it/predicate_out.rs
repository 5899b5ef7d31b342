//! `verify --write-predicate`: what an attestation says, once it is verified.

use crate::registry::Shop;

const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1"}]}"#;

fn verify(shop: &Shop, more: &[&str]) -> (Option<i32>, String, String) {
    let verify = ["verify", &shop.image.by_digest, "--key", "cosign3.pub"];
    let ran = shop.run(&[&verify[..], more].concat());
    (ran.code, ran.stdout, ran.stderr)
}

fn attest(shop: &Shop, sbom: &str, key: &str) {
    shop.place.write("another.json", sbom);
    let image = &shop.image.by_digest;
    shop.ok(&["attest", image, "--sbom", "another.json", "--key", key]);
}

#[test]
fn what_is_verified_is_written_and_nothing_else() {
    let shop = Shop::new();
    shop.place.key("cosign2.key");
    let written = || std::fs::read_to_string(shop.place.path("out.json")).ok();
    let write = ["--attestation", "cyclonedx", "--write-predicate"];
    let to_file = [&write[..], &["out.json"]].concat();
    // A stranger's comes first, and is not what is asked for.
    attest(&shop, &SBOM.replace("\"a\"", "\"b\""), "cosign2.key");
    let (code, answer, _) = verify(&shop, &to_file);
    assert_eq!((code, written()), (Some(3), None), "{answer}");

    shop.attest();
    let (code, answer, said) = verify(&shop, &to_file);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{answer}");
    assert!(answer.starts_with("verified "), "{answer}");
    assert_eq!(written().as_deref(), Some(&*format!("{SBOM}\n")));

    let (code, predicate, answer) = verify(&shop, &[&write[..], &["-"]].concat());
    assert_eq!((code, predicate), (Some(0), format!("{SBOM}\n")));
    assert!(answer.starts_with("verified "), "{answer}");

    // What is no longer to be had leaves what was there.
    let (code, _, _) = verify(&shop, &[&to_file[..], &["--log", "required"]].concat());
    assert_eq!((code, written()), (Some(3), Some(format!("{SBOM}\n"))));
    let other = ["--attestation", "vuln", "--write-predicate", "-"];
    let (code, answer, _) = verify(&shop, &other);
    assert_eq!(code, Some(3));
    assert!(answer.contains("refused"), "{answer}");
}

#[test]
fn several_that_say_different_things_are_none() {
    let shop = Shop::new();
    let write = [
        "--attestation",
        "cyclonedx",
        "--write-predicate",
        "out.json",
    ];
    attest(&shop, SBOM, "cosign3.key");
    attest(&shop, SBOM, "cosign3.key");
    assert_eq!(verify(&shop, &write).0, Some(0), "the same twice is one");
    std::fs::remove_file(shop.place.path("out.json")).unwrap();
    attest(&shop, &SBOM.replace("\"1\"", "\"2\""), "cosign3.key");
    let (code, _, said) = verify(&shop, &write);
    assert_eq!(code, Some(1), "{said}");
    let start = "error: 2 attestations of type https://cyclonedx.org/bom are verified and do not \
                 say the same: sha256:";
    assert!(said.starts_with(start), "{said}");
    let hint = "hint: nothing is written; name one signer, or one platform with --platforms\n";
    assert!(said.ends_with(hint), "{said}");
    assert!(!shop.place.path("out.json").exists());
}

#[test]
fn there_is_one_place_for_one_thing() {
    let shop = Shop::new();
    let image = shop.image.by_digest.as_str();
    let said = |more: &[&str]| {
        let (code, _, said) = verify(&shop, &[more, &["--write-predicate", "-"]].concat());
        assert_eq!(code, Some(2), "{said}");
        said
    };
    let sbom = ["--attestation", "cyclonedx"];
    let one = "error: --write-predicate goes with one --attestation\n";
    assert_eq!(said(&[&sbom[..], &["--attestation", "vuln"]].concat()), one);
    let one = "error: --write-predicate goes with one image\n";
    assert_eq!(said(&[&sbom[..], &[image]].concat()), one);
    let both = "error: standard output cannot be both the predicate and the answer\n\
                hint: give --write-predicate a file\n";
    assert_eq!(said(&[&sbom[..], &["-o", "json"]].concat()), both);
    assert!(said(&[]).contains("--attestation"));
    let (code, _, said) = verify(
        &shop,
        &[&sbom[..], &["--write-predicate", "no/such/folder/x"]].concat(),
    );
    assert_eq!(code, Some(1));
    let why = "No such file or directory (os error 2)";
    assert_eq!(
        said,
        format!("error: cannot write `no/such/folder/x`: {why}\n")
    );
}
