//! Answers of services with a byte changed: whatever comes of it verifies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use waxseal_sign::{RekorVersion, Services, SignError};
use waxseal_testkit::sigstore::LogVersion;

use crate::keyless::{World, person};
use crate::odd_services::{forward, serve};

/// A number that depends on nothing but `n` (SplitMix64).
fn scattered(n: usize) -> usize {
    let mut z = u64::try_from(n)
        .unwrap()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) >> 1).unwrap()
}

#[tokio::test]
async fn no_changed_byte_gets_through_unverified() {
    let world = World::new();
    let base = world.services(&[LogVersion::V2]);
    let sigstore = &world.sigstore;
    type Put = fn(Services, &str) -> Services;
    let fulcio: Put = |services, url| services.with_fulcio(url).unwrap();
    let tsa: Put = |services, url| services.with_tsa(url).unwrap();
    let v1: Put = |services, url| services.with_rekor(url, RekorVersion::V1).unwrap();
    let v2: Put = |services, url| services.with_rekor(url, RekorVersion::V2).unwrap();
    let (json, query) = ("application/json", "application/timestamp-query");
    for (put, to, kind) in [
        (fulcio, sigstore.fulcio_url().to_owned(), json),
        (tsa, sigstore.tsa_url(), query),
        (v1, sigstore.rekor_v1_url().to_owned(), json),
        (v2, sigstore.rekor_v2_url().to_owned(), json),
    ] {
        let seed = Arc::new(AtomicUsize::new(0));
        let next = Arc::clone(&seed);
        let (url, _) = serve(move |_, uri, body| {
            let path = if kind == query { "" } else { uri.path() };
            let mut answer = forward(&format!("{to}{path}"), kind, body).to_vec();
            let n = next.fetch_add(1, Ordering::SeqCst) * 3;
            let at = scattered(n) % answer.len();
            match scattered(n + 1) % 4 {
                0 => answer[at] ^= 1 << (scattered(n + 2) % 8),
                1 => answer[at] = b"0\"},A=\n\xff"[scattered(n + 2) % 8],
                2 => drop(answer.remove(at)),
                _ => answer.truncate(at),
            }
            axum::response::IntoResponse::into_response(answer)
        })
        .await;
        let services = put(base.clone(), &url);
        let mut refused = 0;
        for _ in 0..MUTANTS {
            match world.sign(&services).await {
                Ok(made) => drop(world.verify(&made, &person(&world)).unwrap()),
                Err(
                    SignError::Service(_) | SignError::Certificate(_) | SignError::Unverified(_),
                ) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(seed.load(Ordering::SeqCst), MUTANTS);
        // What a signer does not keep may change: nearly half of Fulcio's answer is the chain
        // above the certificate. This only says that changes did arrive.
        assert!(refused > MUTANTS / 4, "{url}: {refused}");
    }
}

const MUTANTS: usize = 60;
