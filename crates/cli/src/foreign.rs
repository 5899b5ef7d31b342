//! Flags of other programs that are not taken, and what there is in their place.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What to do in place of a flag that cosign or `gh` has and this program has not.
pub(crate) fn hint(error: &clap::Error) -> Option<&'static str> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = flag.split_once('=').map_or(flag.as_str(), |(flag, _)| flag);
    let known = HINTS.iter().find(|(flags, _)| flags.contains(&flag));
    known.map(|(_, hint)| *hint)
}

const HINTS: [(&[&str], &str); 14] = [
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
