//! What a large attestation costs. A binary of its own, because it counts every
//! allocation of the process.

use std::alloc::System;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cap::Cap;
use waxseal_attestation::{Subject, dsse, statement_bytes};
use waxseal_oci::Digest;
use waxseal_verify::{
    Authority, Candidate, CandidateContent, KeyAuthority, Origin, Place, PublicKey, Trust,
    Verified, Wanted, verify,
};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

#[test]
fn a_large_statement_is_never_held() {
    let image = Digest::sha256(b"the image");
    let predicate = sbom(20 << 20);
    let payload = statement_bytes(
        "https://cyclonedx.org/bom",
        &[Subject::new("app", &image)],
        &predicate,
    );
    drop(predicate);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let signed = dsse::pae(dsse::PAYLOAD_TYPE_INTOTO, &payload);
    let sig = pair.sign(&SystemRandom::new(), &signed).unwrap();
    drop(signed);
    let json = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":""}}}},"dsseEnvelope":{{"payload":"{}","payloadType":"{}","signatures":[{{"sig":"{}"}}]}}}}"#,
        STANDARD.encode(payload),
        dsse::PAYLOAD_TYPE_INTOTO,
        STANDARD.encode(sig),
    );
    let bytes = Bytes::from(json);
    let prefix = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    let spki = [prefix.as_slice(), pair.public_key().as_ref()].concat();
    let authority = Authority::Key(KeyAuthority::new(PublicKey::from_spki_der(&spki).unwrap()));
    let candidate = Candidate {
        origin: Origin {
            place: Place::File,
            manifest: None,
            blob: Digest::sha256(&bytes),
            size: u64::try_from(bytes.len()).unwrap(),
            predicate_hint: None,
        },
        content: CandidateContent::Bundle(bytes),
    };
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let wanted = Wanted {
        subject: &image,
        keep_predicate: false,
    };

    let held = MEMORY.allocated();
    let most = MEMORY.max_allocated();
    assert!(most > held);
    // Fill up to the mark, so that whatever is allocated from here on is seen.
    let filler: Vec<u8> = Vec::with_capacity(most - held);
    let verified = verify(&candidate, &wanted, &authority, &Trust::default(), now).unwrap();
    let grown = MEMORY.max_allocated() - most;
    drop(filler);
    assert!(matches!(verified, Verified::Attestation(_)));
    eprintln!("{grown} bytes beside the input");
    assert!(grown < 1 << 20, "{grown} bytes");
}

/// Something like an SBOM, of at least `size` bytes.
fn sbom(size: usize) -> Vec<u8> {
    let mut text = String::from(r#"{"bomFormat":"CycloneDX","components":[{}"#);
    let mut number = 0;
    while text.len() < size {
        text.push_str(&format!(
            r#",{{"type":"library","name":"component-{number}","version":"1.{number}","purl":"pkg:npm/component-{number}@1.{number}","licenses":[{{"license":{{"id":"MIT"}}}}],"properties":[{{"name":"path","value":"/usr/lib/node_modules/component-{number}/package.json"}}]}}"#
        ));
        number += 1;
    }
    text.push_str("]}");
    text.into_bytes()
}
