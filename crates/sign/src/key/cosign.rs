//! cosign's encrypted keys: a JSON document in PEM, scrypt and NaCl secretbox
//! around PKCS#8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{KeyError, Password};

/// Encrypts a PKCS#8 key and writes it as cosign does.
pub(super) fn seal(pkcs8: &[u8], password: &Password) -> Result<String, KeyError> {
    seal_at_cost(pkcs8, password, N_WRITTEN)
}

fn seal_at_cost(pkcs8: &[u8], password: &Password, n: u64) -> Result<String, KeyError> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    let random = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|_| KeyError::Generate("no random numbers"))
    };
    random(&mut salt)?;
    random(&mut nonce)?;
    let params = Params { n, r: 8, p: 1 };
    let key = derive(password, &salt, &params)?;
    let ciphertext = XSalsa20Poly1305::new(Key::from_slice(&*key))
        .encrypt(Nonce::from_slice(&nonce), pkcs8)
        .map_err(|_| KeyError::Generate("encryption"))?;
    let document = Document {
        kdf: Kdf {
            name: SCRYPT.to_owned(),
            params,
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: SECRETBOX.to_owned(),
            nonce: STANDARD.encode(nonce),
        },
        ciphertext: STANDARD.encode(ciphertext),
    };
    let json = serde_json::to_vec(&document).map_err(|e| KeyError::Malformed(e.to_string()))?;
    let block = pem::Pem::new(super::read::SIGSTORE_LABEL, json);
    Ok(pem::encode_config(
        &block,
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    ))
}

/// Opens an encrypted key: the bytes inside its PEM block, to its PKCS#8.
pub(super) fn open(json: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let document: Document =
        serde_json::from_slice(json).map_err(|e| KeyError::Malformed(e.to_string()))?;
    if document.kdf.name != SCRYPT {
        let name = format!("key derivation `{}`, not `{SCRYPT}`", document.kdf.name);
        return Err(KeyError::UnknownEncryption(name));
    }
    if document.cipher.name != SECRETBOX {
        let name = format!("cipher `{}`, not `{SECRETBOX}`", document.cipher.name);
        return Err(KeyError::UnknownEncryption(name));
    }
    let salt = decode("salt", &document.kdf.salt)?;
    let nonce = decode("nonce", &document.cipher.nonce)?;
    let nonce: &[u8; 24] = nonce
        .as_slice()
        .try_into()
        .map_err(|_| KeyError::Malformed("the nonce has not 24 bytes".to_owned()))?;
    let ciphertext = decode("ciphertext", &document.ciphertext)?;
    let key = derive(password, &salt, &document.kdf.params)?;
    let opened = XSalsa20Poly1305::new(Key::from_slice(&*key))
        .decrypt(Nonce::from_slice(nonce), ciphertext.as_slice());
    opened
        .map(Zeroizing::new)
        .map_err(|_| KeyError::WrongPassword)
}

fn derive(
    password: &Password,
    salt: &[u8],
    params: &Params,
) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    check_cost(params.n, params.r, params.p)?;
    let unusual = || KeyError::Malformed("scrypt parameters that cannot be used".to_owned());
    let log_n = u8::try_from(params.n.trailing_zeros()).map_err(|_| unusual())?;
    let (r, p) = (u32::try_from(params.r), u32::try_from(params.p));
    let (Ok(r), Ok(p)) = (r, p) else {
        return Err(unusual());
    };
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| unusual())?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password.bytes(), salt, &params, &mut *key).map_err(|_| unusual())?;
    Ok(key)
}

/// Refuses parameters that would take memory or time out of all proportion: a
/// key file may come from anywhere.
pub(super) fn check_cost(n: u64, r: u64, p: u64) -> Result<(), KeyError> {
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        let found = format!("scrypt with N={n}, r={r}, p={p}");
        return Err(KeyError::Malformed(found));
    }
    within("scrypt N", n, N_LIMIT)?;
    within("scrypt r", r, R_LIMIT)?;
    within("scrypt p", p, P_LIMIT)?;
    within(
        "bytes of memory for scrypt",
        n.saturating_mul(r).saturating_mul(128),
        MEMORY_LIMIT,
    )
}

pub(super) fn within(what: &'static str, found: u64, limit: u64) -> Result<(), KeyError> {
    if found > limit {
        Err(KeyError::Cost { what, found, limit })
    } else {
        Ok(())
    }
}

fn decode(what: &str, text: &str) -> Result<Vec<u8>, KeyError> {
    STANDARD
        .decode(text)
        .map_err(|e| KeyError::Malformed(format!("the {what} is not base64: {e}")))
}

#[derive(Serialize, Deserialize)]
struct Document {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u64,
    p: u64,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

const SCRYPT: &str = "scrypt";
const SECRETBOX: &str = "nacl/secretbox";
/// What cosign writes today; its older keys have 32,768.
const N_WRITTEN: u64 = 65_536;

const N_LIMIT: u64 = 1 << 20;
const R_LIMIT: u64 = 32;
const P_LIMIT: u64 = 16;
/// Four times what cosign's own parameters take.
const MEMORY_LIMIT: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_keys_were_cheaper() {
        let password = Password::new(b"password".to_vec());
        let sealed = seal_at_cost(b"content", &password, 32_768).unwrap();
        let block = pem::parse(sealed).unwrap();
        assert_eq!(
            open(block.contents(), &password).unwrap().as_slice(),
            b"content"
        );
        let wrong = Password::new(b"Password".to_vec());
        assert_eq!(open(block.contents(), &wrong), Err(KeyError::WrongPassword));
    }

    #[test]
    fn a_hostile_cost_is_refused_before_it_is_paid() {
        let cost = |n, r, p| check_cost(n, r, p).map_err(|e| e.to_string());
        assert_eq!(cost(32_768, 8, 1), Ok(()));
        assert_eq!(cost(65_536, 8, 1), Ok(()));
        assert_eq!(
            cost(1 << 40, 8, 1),
            Err("the encrypted key asks for scrypt N 1099511627776, more than the 1048576 that are allowed".into())
        );
        assert_eq!(
            check_cost(1 << 20, 8, 1),
            Err(KeyError::Cost {
                what: "bytes of memory for scrypt",
                found: 1 << 30,
                limit: MEMORY_LIMIT
            })
        );
        assert_eq!(
            check_cost(16, 1, 1 << 30),
            Err(KeyError::Cost {
                what: "scrypt p",
                found: 1 << 30,
                limit: P_LIMIT
            })
        );
        assert_eq!(
            cost(0, 8, 1),
            Err("the key is malformed: scrypt with N=0, r=8, p=1".into())
        );
    }
}
