//! `verify`: what it says, and with which exit code.

use serde_json::json;

use crate::registry::Shop;

#[test]
fn a_signature_by_the_key_verifies() {
    let shop = Shop::signed();
    let ran = shop.run(&["verify", &shop.image.reference, "--key", "cosign3.pub"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stderr, "");
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn another_key_is_refused_with_exit_code_3() {
    let shop = Shop::signed();
    let ran = shop.run(&["verify", &shop.image.by_digest, "--key", "cosign2.pub"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn attestations_alone_are_refused_and_named() {
    let shop = Shop::new();
    shop.attest();
    let ran = shop.run(&["verify", &shop.image.by_digest, "--key", "cosign3.pub"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn the_answer_is_json_whether_yes_or_no() {
    let shop = Shop::signed();
    let image = shop.image.by_digest.as_str();
    let (code, yes) = shop.json(&["verify", image, "--key", "cosign3.pub"]);
    assert_eq!((code, &yes["kind"]), (Some(0), &json!("Decision")));
    assert_eq!(yes["verdict"], "allow");
    let (code, no) = shop.json(&["verify", image, "--key", "cosign2.pub"]);
    assert_eq!((code, &no["verdict"]), (Some(3), &json!("deny")));
    let elsewhere = image.replace("shop/api", "shop/none");
    let (code, unable) = shop.json(&["verify", &elsewhere, "--key", "cosign3.pub"]);
    assert_eq!((code, &unable["verdict"]), (Some(1), &json!("unable")));
    let (code, all) = shop.json(&["verify", image, &elsewhere, "--key", "cosign3.pub"]);
    assert_eq!((code, &all["kind"]), (Some(1), &json!("DecisionList")));
    assert_eq!(all["items"][0], {
        let mut same = yes.clone();
        same["time"] = all["items"][0]["time"].clone();
        same
    });
}

#[test]
fn keys_annotations_and_types_come_to_what_they_say() {
    let shop = Shop::new();
    let image = shop.image.by_digest.as_str();
    let sign = ["sign", image, "--key", "cosign3.key", "-a", "env=prod"];
    shop.ok(&sign);
    shop.attest();
    let code = |more: &[&str]| {
        let mut all = vec!["verify", image];
        all.extend(more);
        shop.run(&all).code
    };
    let any = ["--key", "cosign2.pub", "--key", "cosign3.pub"];
    assert_eq!(code(&any), Some(0));
    assert_eq!(code(&[&any[..], &["--threshold", "2"]].concat()), Some(3));
    let key = ["--key", "cosign3.pub"];
    let with = |more: &[&str]| code(&[&key[..], more].concat());
    assert_eq!(with(&["-a", "env=prod"]), Some(0));
    assert_eq!(with(&["-a", "env=test"]), Some(3));
    assert_eq!(with(&["--attestation", "cyclonedx"]), Some(0));
    assert_eq!(with(&["--type", "https://cyclonedx.org/bom"]), Some(0));
    assert_eq!(with(&["--attestation", "slsaprovenance1"]), Some(3));
    assert_eq!(with(&["--log", "required"]), Some(3));
    assert_eq!(with(&["--require-log"]), Some(3));
    assert_eq!(with(&["--require-timestamp"]), Some(3));
    assert_eq!(with(&["--insecure-ignore-tlog"]), Some(0));
    assert_eq!(with(&["--insecure-ignore-tlog=true", "--quiet"]), Some(0));
}

#[test]
fn what_contradicts_itself_is_a_usage_error() {
    let shop = Shop::new();
    let image = shop.image.by_digest.as_str();
    for wrong in [
        &["verify"][..],
        &["verify", image],
        &["verify", "registry.example/UPPER", "--key", "cosign3.pub"],
        &[
            "verify",
            image,
            "--key",
            "cosign3.pub",
            "--policy",
            "p.yaml",
        ],
        &["verify", image, "--key", "cosign3.pub", "--threshold", "2"],
        &["verify", image, "--key", "cosign3.pub", "--threshold", "0"],
        &[
            "verify",
            image,
            "--key",
            "cosign3.pub",
            "--platforms",
            "amd64",
        ],
        &["verify", image, "--key", "cosign3.pub", "-a", "novalue"],
        &[
            "verify",
            image,
            "--key",
            "cosign3.pub",
            "-a",
            "k=v",
            "--attestation",
            "vuln",
        ],
        &["verify", image, "--certificate-identity", "a@b.example"],
        &[
            "verify",
            image,
            "--certificate-oidc-issuer",
            "https://b.example",
        ],
        &["nothing"],
    ] {
        let ran = shop.run(wrong);
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{wrong:?}");
    }
    assert_eq!(shop.registry.count(), 0);
}

#[test]
fn what_cannot_be_run_has_exit_code_1() {
    let shop = Shop::new();
    let image = shop.image.by_digest.as_str();
    let ran = shop.run(&["verify", image, "--key", "none.pub"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: cannot read `none.pub`: No such file or directory (os error 2)\n"
    );
    let closed = image.replace(shop.registry.host(), "127.0.0.1:1");
    let ran = shop.run(&["verify", &closed, "--key", "cosign3.pub"]);
    assert_eq!(ran.code, Some(1));
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn policies_from_files_are_the_same_policies() {
    let shop = Shop::signed();
    let policy = format!(
        "apiVersion: waxseal.dev/v1alpha1
kind: ImagePolicy
metadata: {{ name: release }}
spec:
  match: {{ images: [\"{}/shop/**\"] }}
  authorities:
    release-key: {{ key: {{ file: cosign3.pub }} }}
  require:
    - signature: {{ from: [release-key] }}
    - attestation:
        type: cyclonedx
        from: [release-key]
        where: predicate.components.all(c, c.name != 'log4j')
",
        shop.registry.host()
    );
    shop.place.write("release.yaml", policy);
    let verify = ["verify", &shop.image.by_digest, "--policy", "release.yaml"];
    let ran = shop.run(&verify);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    shop.attest();
    let ran = shop.run(&verify);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let other = shop
        .registry
        .push_image("other/api", "1", &waxseal_testkit::ImageSpec::tiny());
    let ran = shop.run(&["verify", &other.by_digest, "--policy", "release.yaml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    insta::assert_snapshot!(shop.scrubbed(&ran.stdout));
}

#[test]
fn a_list_with_the_wrong_type_is_read_all_the_same() {
    let shop = Shop::without_api();
    shop.sign();
    shop.registry.reset();
    shop.ok(&["verify", &shop.image.by_digest, "--key", "cosign3.pub"]);
    assert_eq!(shop.registry.count(), 4);
}

#[test]
fn the_number_of_requests_is_what_it_has_to_be() {
    let shop = Shop::signed();
    for (image, requests) in [(&shop.image.by_digest, 3), (&shop.image.reference, 4)] {
        shop.registry.reset();
        shop.ok(&["verify", image, "--key", "cosign3.pub"]);
        assert_eq!(shop.registry.count(), requests);
    }
}

#[test]
fn one_image_twice_is_one_image() {
    let shop = Shop::signed();
    shop.registry.reset();
    let image = shop.image.by_digest.as_str();
    let (code, all) = shop.json(&["verify", image, image, "--key", "cosign3.pub"]);
    assert_eq!(code, Some(0));
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.registry.count(), 3);
}

#[test]
fn keys_that_cannot_be_several_signers_are_a_wrong_command_line() {
    let shop = Shop::new();
    shop.place.write("same.pub", shop.place.read("cosign3.pub"));
    let image = shop.image.by_digest.clone();
    let verify = |second: &str| {
        let keys = ["--key", "cosign3.pub", "--key", second, "--threshold", "2"];
        let ran = shop.run(&[&["verify", &image][..], &keys].concat());
        (ran.code, ran.stderr)
    };
    assert_eq!(
        verify("same.pub"),
        (
            Some(2),
            "error: --threshold 2 asks for more signers than are named: 1, one key in two files \
             counted once\n"
                .to_owned()
        )
    );
    assert_eq!(
        verify("cosign3.pub"),
        (
            Some(2),
            "error: --key cosign3.pub is given twice\n".to_owned()
        )
    );
}
