//! `keygen`, `public-key`, `import-key`, and where passwords come from.

use std::os::unix::fs::PermissionsExt;

use crate::run::{Place, Ran};

#[test]
fn keygen_writes_a_pair_and_never_over_one() {
    let place = Place::new();
    assert_eq!(place.ok(["keygen"]), "waxseal.key\nwaxseal.pub\n");
    let mode = |name| place.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("waxseal.key"), mode("waxseal.pub")), (0o600, 0o644));
    assert_eq!(
        place.ok(["public-key", "--key", "waxseal.key"]),
        place.read("waxseal.pub")
    );

    let before = place.read("waxseal.key");
    let again = place.run(["keygen"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(
        again.stderr,
        "error: `waxseal.key` is already there and is not overwritten\n\
         hint: choose another --output-prefix\n"
    );
    assert_eq!(place.read("waxseal.key"), before);
}

#[test]
fn every_kind_of_key_is_made() {
    let place = Place::new();
    for kind in ["p256", "p384", "ed25519", "rsa-3072"] {
        let prefix = format!("release-1.2.{kind}");
        place.ok(["keygen", "--algorithm", kind, "--output-prefix", &prefix]);
        let (private, public) = (format!("{prefix}.key"), format!("{prefix}.pub"));
        assert_eq!(
            place.ok(["public-key", "-k", &private]),
            place.read(&public),
            "{kind}"
        );
    }
    let unknown = place.run(["keygen", "--algorithm", "dsa"]);
    assert_eq!(unknown.code, Some(2));
}

#[test]
fn the_password_comes_from_file_or_environment() {
    let place = Place::new();
    place.key("cosign3.key");
    place.write("right", "correct horse\r\nsecond line\n");
    place.write("wrong", "battery staple\n");
    let public_key = ["public-key", "--key", "cosign3.key"];
    let with = |file: Option<&str>, variables: &[(&str, &str)]| {
        let mut command = place.command(public_key);
        command
            .env_remove("WAXSEAL_PASSWORD")
            .envs(variables.iter().copied());
        if let Some(file) = file {
            command.args(["--password-file", file]);
        }
        let ran = Ran::of(command);
        (ran.code, ran.stderr)
    };
    let (right, wrong) = ("correct horse", "battery staple");
    let refused = "error: the key `cosign3.key`: wrong password for the encrypted key\n";
    assert_eq!(with(Some("right"), &[]), (Some(0), String::new()));
    assert_eq!(
        with(Some("right"), &[("WAXSEAL_PASSWORD", wrong)]),
        (Some(0), String::new())
    );
    assert_eq!(
        with(None, &[("COSIGN_PASSWORD", right)]),
        (Some(0), String::new())
    );
    assert_eq!(
        with(
            None,
            &[("COSIGN_PASSWORD", wrong), ("WAXSEAL_PASSWORD", right)]
        ),
        (Some(0), String::new())
    );
    assert_eq!(with(Some("wrong"), &[]), (Some(1), refused.to_owned()));
    assert_eq!(
        with(None, &[]),
        (
            Some(1),
            "error: the private key needs a password, and there is no terminal to ask for it\n\
             hint: set WAXSEAL_PASSWORD, or give --password-file FILE\n"
                .to_owned()
        )
    );
}

#[test]
fn a_key_that_cannot_be_used_says_why() {
    let place = Place::new();
    let key = place.key("cosign2.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let ran = place.run(["public-key", "--key", "cosign2.key"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "error: the private key `cosign2.key` can be read by others than its owner (mode 0644)\n\
         hint: `chmod 600 cosign2.key`, if nobody else has read it\n"
    );

    place.key("secp256k1.sec1.pem");
    let ran = place.run(["public-key", "--key", "secp256k1.sec1.pem"]);
    assert_eq!(
        ran.stderr,
        "error: the key `secp256k1.sec1.pem`: unknown kind of key: elliptic curve 1.3.132.0.10 \
         (known: ECDSA P-256, P-384 and P-521, Ed25519, RSA from 2048 to 8192 bits)\n"
    );
    place.key("cosign2.pub");
    let ran = place.run(["public-key", "--key", "cosign2.pub"]);
    assert_eq!(
        ran.stderr,
        "error: the key `cosign2.pub`: the file holds a public key; signing needs the private one\n"
    );
}

#[test]
fn a_key_from_elsewhere_is_imported() {
    let place = Place::new();
    // As cosign has it.
    place.key("p256.pkcs8.pem");
    place.ok([
        "import-key",
        "--key",
        "p256.pkcs8.pem",
        "--output-prefix",
        "flag",
    ]);
    for name in [
        "p256.sec1",
        "p256.encrypted",
        "ed25519.pkcs8",
        "rsa2048.pkcs1",
    ] {
        place.key(&format!("{name}.pem"));
        place.ok([
            "import-key",
            &format!("{name}.pem"),
            "--output-prefix",
            name,
        ]);
        let public = format!("{}.pub", name.split('.').next().unwrap());
        place.key(&public);
        assert_eq!(place.read(&format!("{name}.pub")), place.read(&public));
        let key = format!("{name}.key");
        assert!(
            place
                .read(&key)
                .starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
        );
        assert_eq!(place.ok(["public-key", "-k", &key]), place.read(&public));
    }
}
