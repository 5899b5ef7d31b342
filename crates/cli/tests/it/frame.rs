//! What all commands have in common.

use std::io::Read as _;
use std::process::Stdio;

use crate::registry::Shop;
use crate::run::Place;

#[test]
fn help_and_version_say_what_there_is() {
    let place = Place::new();
    let help = place.ok(["--help"]);
    for words in ["Exit codes:", "  3  refused", "verify", "capture"] {
        assert!(help.contains(words), "{words}");
    }
    let version = place.ok(["--version"]);
    assert_eq!(version, format!("waxseal {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_has_a_manual_page_and_completions() {
    let place = Place::new();
    place.ok(["man", "--all", "pages"]);
    let page = place.read("pages/waxseal-verify.1");
    assert!(page.contains(".TH waxseal-verify 1"), "{page}");
    assert!(place.path("pages/waxseal-policy-check.1").exists());
    assert_eq!(place.ok(["man", "verify"]), page);
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            place.ok(["completions", shell]).contains("verify"),
            "{shell}"
        );
    }
}

#[test]
fn colour_is_asked_for_and_carries_no_meaning() {
    let shop = Shop::signed();
    let verify = ["verify", &shop.image.by_digest, "--key", "cosign3.pub"];
    let plain = shop.ok(&verify);
    let colored = shop.ok(&[&verify[..], &["--color", "always"]].concat());
    assert!(!plain.contains('\u{1b}'));
    assert_eq!(colored.matches('\u{1b}').count() % 2, 0);
    assert_ne!(colored, plain);
    let stripped = colored.replace("\u{1b}[32m", "").replace("\u{1b}[0m", "");
    assert_eq!(stripped, plain);
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let shop = Shop::signed();
    let arguments = [
        "verify",
        &shop.image.by_digest,
        "--key",
        "cosign2.pub",
        "--insecure-http",
    ];
    let mut command = shop.place.command(arguments);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(3), ""));
}

#[test]
fn the_registry_is_not_spoken_to_in_the_clear_unless_asked() {
    let shop = Shop::signed();
    let ran = shop
        .place
        .run(["verify", &shop.image.by_digest, "--key", "cosign3.pub"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("--insecure-http"), "{}", ran.stdout);
}
