//! What the protocol asks for, in the words of `waxseal`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Failure;
use crate::words::Words;

/// `verify-bundle`: a key, or an identity with its issuer, has to have signed
/// the file, or what has the digest.
pub(crate) fn verify(words: &Words) -> Result<ExitCode, Failure> {
    let bundle = words.wanted("bundle")?;
    let mut waxseal = waxseal()?;
    waxseal.args(["verify-blob", "--output", "json", "--bundle", bundle]);
    match words.flag("key") {
        Some(key) => waxseal.args(["--log", "required", "--key", key]),
        None => waxseal.args([
            "--certificate-identity",
            words.wanted("certificate-identity")?,
            "--certificate-oidc-issuer",
            words.wanted("certificate-oidc-issuer")?,
        ]),
    };
    // The protocol takes whatever the bundle is; `waxseal` wants to be told.
    if let Some(kind) = fs::read(bundle).ok().and_then(|b| predicate_type(&b)) {
        waxseal.args(["--attestation", &kind]);
    }
    trust(&mut waxseal, words);
    waxseal.arg("--").arg(subject(words.last()));
    let nowhere = tempfile::tempdir()?;
    // The roots that are in the program, whatever this machine has.
    waxseal.env("WAXSEAL_TRUST_DIR", nowhere.path());
    let done = waxseal.stderr(Stdio::inherit()).output()?;
    if done.status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    if let Ok(answer) = serde_json::from_slice::<Value>(&done.stdout) {
        let said = |name: &str| answer.pointer(name).and_then(Value::as_str);
        if let (Some(code), Some(why)) = (said("/refusal/code"), said("/refusal/why")) {
            eprintln!("refused: {code}: {why}");
        }
    }
    Ok(code(done.status.code()))
}

/// `sign-bundle`: the file, or with `--in-toto` the statement in it, for whom the
/// token is about.
pub(crate) fn sign(words: &Words) -> Result<ExitCode, Failure> {
    // What is on our command line already need not be on another.
    let mut token = tempfile::NamedTempFile::new()?;
    token.write_all(words.wanted("identity-token")?.as_bytes())?;
    let mut waxseal = waxseal()?;
    if words.has("in-toto") {
        waxseal.arg("attest-blob");
    } else {
        waxseal.arg("sign-blob");
    }
    waxseal
        .args(["--keyless", "--yes", "--bundle", words.wanted("bundle")?])
        .arg("--identity-token")
        .arg(format!("@{}", token.path().display()));
    trust(&mut waxseal, words);
    if let Some(config) = words.flag("signing-config") {
        waxseal.args(["--signing-config", config]);
    }
    if words.has("in-toto") {
        waxseal.arg("--statement").arg(file(words.last()));
    } else {
        waxseal.arg("--").arg(file(words.last()));
    }
    Ok(code(waxseal.status()?.code()))
}

/// `waxseal`, which is beside this program. The protocol has no word for services
/// without TLS; a private instance on loopback has none.
fn waxseal() -> Result<Command, Failure> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("waxseal");
    if !program.exists() {
        return Err(format!("{} is not built", program.display()).into());
    }
    let mut waxseal = Command::new(program);
    waxseal.arg("--quiet").stdin(Stdio::null());
    if std::env::var_os(INSECURE).is_some() {
        waxseal.arg("--insecure-http");
    }
    Ok(waxseal)
}

fn trust(waxseal: &mut Command, words: &Words) {
    match (words.flag("trusted-root"), words.has("staging")) {
        (Some(file), _) => waxseal.args(["--trusted-root", file]),
        (None, true) => waxseal.args(["--trust-root", "sigstore-staging"]),
        (None, false) => waxseal.args(["--trust-root", "sigstore"]),
    };
}

fn code(code: Option<i32>) -> ExitCode {
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// A digest only where the protocol says that it is one; all else is a file,
/// which `waxseal` knows by a folder before it.
fn subject(word: &str) -> PathBuf {
    let digest = word.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && !Path::new(word).exists()
    });
    if digest {
        PathBuf::from(word.to_ascii_lowercase())
    } else {
        file(word)
    }
}

fn file(word: &str) -> PathBuf {
    Path::new(".").join(word)
}

/// What the attestation in a bundle is, if there is one.
fn predicate_type(bundle: &[u8]) -> Option<String> {
    let bundle: Value = serde_json::from_slice(bundle).ok()?;
    let payload = bundle.pointer("/dsseEnvelope/payload")?.as_str()?;
    let statement: Value = serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    let kind = statement.get("predicateType")?.as_str()?;
    Some(kind.to_owned())
}

/// The variable that allows services without TLS.
const INSECURE: &str = "WAXSEAL_CONFORMANCE_HTTP";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{predicate_type, subject};

    #[test]
    fn only_a_whole_sha256_digest_is_one() {
        let digest = format!("sha256:{}", "0A".repeat(32));
        assert_eq!(subject(&digest), Path::new(&digest.to_ascii_lowercase()));
        let long = format!("{digest}0");
        let sha512 = format!("sha512:{}", "0a".repeat(64));
        for file in ["a.txt", "sha256:0a", &long, &sha512, "-"] {
            assert_eq!(subject(file), Path::new(".").join(file));
        }
        assert_eq!(subject("/a.txt"), Path::new("/a.txt"));
    }

    #[test]
    fn only_a_statement_has_a_type() {
        // {"predicateType":"https://example.com/p"}
        let payload = "eyJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9wIn0=";
        let bundle = format!(r#"{{"dsseEnvelope":{{"payload":"{payload}"}}}}"#);
        let found = predicate_type(bundle.as_bytes());
        assert_eq!(found.as_deref(), Some("https://example.com/p"));
        for none in ["", "{}", r#"{"dsseEnvelope":{"payload":"e30="}}"#] {
            assert_eq!(predicate_type(none.as_bytes()), None);
        }
    }
}
