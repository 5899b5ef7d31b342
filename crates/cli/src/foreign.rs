//! Flags and commands of other programs that are not taken, and what there is in their
//! place.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What to do in place of a flag or a command that cosign, `gh`, notation, crane or syft
/// has and this program has not.
pub(crate) fn hint(error: &clap::Error) -> Option<&'static str> {
    let (what, hints) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, &FLAGS[..]),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, &COMMANDS[..]),
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(what) else {
        return None;
    };
    let word = word.split_once('=').map_or(word.as_str(), |(word, _)| word);
    let known = hints.iter().find(|(words, _)| words.contains(&word));
    known.map(|(_, hint)| *hint)
}

/// Words of other programs, and what there is in their place.
type Hints<'a> = (&'a [&'a str], &'a str);

const COMMANDS: [Hints<'_>; 12] = [
    (
        &["verify-attestation"],
        "`waxseal verify IMAGE --attestation TYPE`; --write-predicate FILE writes what it says",
    ),
    (
        &["verify-blob-attestation"],
        "`waxseal verify-blob FILE --attestation TYPE`",
    ),
    (
        &["generate-key-pair", "generate-key"],
        "`waxseal keygen` makes a key pair to sign with",
    ),
    (&["import-key-pair"], "`waxseal import-key`"),
    (
        &["download"],
        "`waxseal tree` shows what is attached; `waxseal verify IMAGE --attestation TYPE \
         --write-predicate FILE` writes an SBOM or another attestation once it is verified",
    ),
    (
        &["triangulate", "list", "ls", "discover", "inspect"],
        "`waxseal tree` shows everything that is attached to an image, and where",
    ),
    (
        &["attach"],
        "`waxseal attest --sbom FILE` signs an SBOM and attaches it: one that nobody signed \
         counts for nothing",
    ),
    (
        &["initialize", "signing-config", "trusted-root"],
        "`waxseal trust` shows, renews, pins and makes trust roots and signing configurations",
    ),
    (
        &["manifest", "dockerfile"],
        "`waxseal verify -f FILE` verifies every image in Kubernetes files",
    ),
    (
        &["attestation"],
        "`waxseal verify-blob FILE --github OWNER/REPOSITORY`, and `waxseal verify` for images",
    ),
    (
        &["scan", "packages"],
        "`waxseal sbom IMAGE` lists what is in an image",
    ),
    (&["version"], "`waxseal --version`"),
];

const FLAGS: [Hints<'_>; 14] = [
    (
        &["--allow-insecure-registry", "--allow-http-registry"],
        "--insecure-http asks registries over plain HTTP, --ca-cert takes a registry's own \
         certificate authority",
    ),
    (
        &["--ca-roots", "--ca-intermediates", "--sct"],
        "`waxseal trust create` makes a trusted root of certificates and keys, and --trusted-root \
         takes it",
    ),
    (
        &["--timestamp-certificate-chain"],
        "`waxseal trust create --tsa` makes a trusted root of it, and --trusted-root takes that",
    ),
    (
        &[
            "--certificate",
            "--certificate-chain",
            "--signature",
            "--rfc3161-timestamp",
            "--rekor-url",
        ],
        "everything that goes with a signature is read from the registry, or from the bundle that \
         --bundle names",
    ),
    (
        &["--check-claims"],
        "that the signature is about this digest is always checked",
    ),
    (
        &["--payload", "--attachment", "--local-image"],
        "`waxseal capture` keeps an image's evidence in a file, and `waxseal replay` verifies it",
    ),
    (
        &["--sk", "--slot", "--k8s-keychain"],
        "keys are files in PEM: --key FILE",
    ),
    (
        &["--tlog-upload", "--upload"],
        "--no-log-upload publishes no log entry; with --key none is published unless \
         --signing-config or --rekor-url asks for one",
    ),
    (
        &["--use-signing-config"],
        "--signing-config FILE takes one; without it --keyless uses that of the trust root",
    ),
    (
        &["--owner", "--repo", "-R"],
        "--github OWNER or OWNER/REPOSITORY",
    ),
    (
        &[
            "--cert-identity",
            "--cert-identity-regex",
            "--cert-email",
            "--certificate-email",
        ],
        "--certificate-identity, or --certificate-identity-regexp, with --certificate-oidc-issuer",
    ),
    (
        &["--cert-oidc-issuer"],
        "--certificate-oidc-issuer, or --certificate-oidc-issuer-regexp",
    ),
    (&["--custom-trusted-root"], "--trusted-root FILE"),
    (
        &["--predicate-type"],
        "--attestation TYPE, by cosign's name or by URI",
    ),
];
