//! Registries that lie, stall, loop, never end, or have had enough of us. Each
//! has its own reason.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use waxseal_oci::{Descriptor, Digest, Index, limits::MANIFEST_BYTES, media, referrers_tag};
use waxseal_registry::{Error, RawManifest, Source as _, limits};

use crate::fake::{Fake, answer, builder};
use crate::pace::Instantly;

const MIB: usize = 1024 * 1024;

/// A body without end.
fn endless() -> Body {
    let chunk = Bytes::from_static(&[b' '; 64 * 1024]);
    Body::from_stream(stream::repeat_with(move || {
        Ok::<_, std::io::Error>(chunk.clone())
    }))
}

/// A body that breaks off, once what it has said is on its way.
fn broken(first: &'static str) -> Body {
    let start = stream::iter([Ok(Bytes::from_static(first.as_bytes()))]);
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(std::io::Error::other("cut off"))
    });
    Body::from_stream(start.chain(end))
}

/// A body that says something and then nothing any more.
fn stalled(first: &'static str) -> Body {
    let start = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(
        first.as_bytes(),
    ))]);
    Body::from_stream(start.chain(stream::pending()))
}

#[tokio::test]
async fn another_manifest_under_a_digest() {
    let fake = Fake::start().await;
    let other = fake.put_image("v1", b"other");
    let wanted = Digest::sha256(b"wanted");
    let bytes = other.bytes.clone();
    let lying = wanted.clone();
    fake.hook(move |ask| {
        let headers = [("docker-content-digest", lying.as_str())];
        ask.path
            .contains("/manifests/sha256:")
            .then(|| answer(200, &headers, bytes.clone()))
    });
    let repository = fake.repository();
    let what = format!("the manifest {}", repository.at(&wanted));
    assert_eq!(
        fake.client().manifest(&repository, &wanted).await,
        Err(Error::DigestMismatch {
            what,
            wanted,
            found: other.digest
        })
    );
}

#[tokio::test]
async fn a_header_that_names_another_digest() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let claimed = Digest::sha256(b"claimed");
    let (bytes, header) = (image.bytes.clone(), claimed.clone());
    fake.hook(move |_| {
        let headers = [
            ("docker-content-digest", header.as_str()),
            ("content-type", media::OCI_MANIFEST),
        ];
        Some(answer(200, &headers, bytes.clone()))
    });
    let (client, repository) = (fake.client(), fake.repository());
    let mismatch = |what: String, wanted: &Digest, found: &Digest| Error::DigestMismatch {
        what: format!("the manifest {what}"),
        wanted: wanted.clone(),
        found: found.clone(),
    };
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(mismatch(
            format!("{repository}:v1"),
            &claimed,
            &image.digest
        ))
    );
    let pinned = repository.at(&image.digest);
    assert_eq!(
        client.manifest(&repository, &image.digest).await,
        Err(mismatch(pinned.to_string(), &claimed, &image.digest))
    );
    assert_eq!(
        client.describe(&pinned).await,
        Err(mismatch(pinned.to_string(), &image.digest, &claimed))
    );
}

#[tokio::test]
async fn a_tag_that_moves_is_resolved_once() {
    let fake = Fake::start().await;
    let before = fake.put_image("v1", b"before");
    let client = fake.client();
    let digest = client
        .resolve(&fake.reference("v1"))
        .await
        .unwrap()
        .present()
        .unwrap();
    let after = fake.put_image("v1", b"after");
    let manifest = client
        .manifest(&fake.repository(), &digest)
        .await
        .unwrap()
        .present()
        .unwrap();
    assert_eq!(manifest, before);
    assert_ne!(manifest.digest, after.digest);
}

#[tokio::test]
async fn a_document_that_can_be_read_two_ways() {
    let fake = Fake::start().await;
    let both = RawManifest::new(
        media::OCI_MANIFEST,
        r#"{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}"#,
    );
    fake.put_manifest(&both, Some("v1"));
    let manifest = fake
        .client()
        .manifest_by_tag(&fake.repository(), "v1")
        .await
        .unwrap();
    assert_eq!(
        manifest.present().unwrap().document(),
        Err(Error::Document {
            what: format!("the manifest {}", both.digest),
            reason: waxseal_oci::DocumentError::Ambiguous
        })
    );
}

#[tokio::test]
async fn blobs_that_are_not_what_they_should_be() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let blob = Descriptor::of("text/plain", b"right");
    let what = format!("the blob {}", repository.at(&blob.digest));
    let size = |found| Error::SizeMismatch {
        what: what.clone(),
        wanted: 5,
        found,
    };
    fake.hook(|_| Some(answer(200, &[], "wrong")));
    let found = Digest::sha256(b"wrong");
    assert_eq!(
        client.blob(&repository, &blob, 5).await,
        Err(Error::DigestMismatch {
            what: what.clone(),
            wanted: blob.digest.clone(),
            found
        })
    );
    fake.hook(|_| Some(answer(200, &[], "longer")));
    assert_eq!(client.blob(&repository, &blob, 5).await, Err(size(6)));
    fake.hook(|_| Some(answer(200, &[], endless())));
    assert_eq!(client.blob(&repository, &blob, 5).await, Err(size(6)));
    fake.hook(|_| {
        Some(answer(
            200,
            &[],
            Body::from_stream(stream::iter([Ok::<_, std::io::Error>("shor")])),
        ))
    });
    assert_eq!(client.blob(&repository, &blob, 5).await, Err(size(4)));
    fake.hook(|_| Some(answer(200, &[], broken("rig"))));
    assert_eq!(
        client.blob(&repository, &blob, 5).await,
        Err(Error::Truncated {
            what: what.clone(),
            found: 3
        })
    );
    let stream = client.blob_stream(&repository, &blob).await.unwrap();
    assert_eq!(
        stream.collect(5).await,
        Err(Error::Truncated {
            what: what.clone(),
            found: 3
        })
    );
    fake.hook(|_| Some(answer(200, &[], "wrong")));
    let stream = client.blob_stream(&repository, &blob).await.unwrap();
    let (wanted, found) = (blob.digest.clone(), Digest::sha256(b"wrong"));
    assert_eq!(
        stream.collect(5).await,
        Err(Error::DigestMismatch {
            what,
            wanted,
            found
        })
    );
}

#[tokio::test]
async fn a_size_beyond_every_limit_is_not_even_asked_for() {
    let fake = Fake::start().await;
    let repository = fake.repository();
    let mut blob = Descriptor::of("text/plain", b"x");
    blob.size = 1 << 40;
    let what = format!("the blob {}", repository.at(&blob.digest));
    assert_eq!(
        fake.client()
            .blob(&repository, &blob, limits::BLOB_BYTES)
            .await,
        Err(Error::TooLarge {
            what,
            limit: limits::BLOB_BYTES
        })
    );
    assert_eq!(fake.requests(), [""; 0]);
}

#[tokio::test]
async fn a_manifest_of_ten_gigabytes() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let what = format!("the manifest {repository}:v1");
    let too_large = Err(Error::TooLarge {
        what,
        limit: MANIFEST_BYTES,
    });
    // Announced as such.
    fake.hook(|_| Some(answer(200, &[("content-length", "10737418240")], endless())));
    assert_eq!(client.manifest_by_tag(&repository, "v1").await, too_large);
    // Not announced.
    fake.hook(|_| Some(answer(200, &[], endless())));
    assert_eq!(client.manifest_by_tag(&repository, "v1").await, too_large);
    // One byte too many.
    let body = Bytes::from(vec![b' '; 4 * MIB + 1]);
    fake.hook(move |_| Some(answer(200, &[], body.clone())));
    assert_eq!(client.manifest_by_tag(&repository, "v1").await, too_large);
}

#[tokio::test]
async fn a_truncated_manifest() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let what = format!("the manifest {repository}:v1");
    fake.hook(|_| {
        Some(answer(
            200,
            &[("content-length", "100")],
            broken("{\"schema"),
        ))
    });
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(Error::Truncated { what, found: 8 })
    );
}

#[tokio::test]
async fn silence() {
    let fake = Fake::start().await;
    let stall = Duration::from_millis(30);
    let repository = fake.repository();
    let client = builder()
        .anonymous(true)
        .stall_timeout(stall)
        .build()
        .unwrap();
    let what = format!("the manifest {repository}:v1");
    fake.hook(|_| Some(answer(200, &[], stalled("{"))));
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(Error::Timeout {
            what: what.clone(),
            after: stall
        })
    );
    // Nobody answers at all: a listener that does not accept.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = builder().anonymous(true).timeout(stall).build().unwrap();
    let reference: waxseal_oci::Reference = format!("{address}/app:v1").parse().unwrap();
    assert_eq!(
        client.resolve(&reference).await,
        Err(Error::Timeout {
            what: format!("the manifest {reference}"),
            after: stall
        })
    );
}

#[tokio::test]
async fn redirects_in_a_circle_and_without_end() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let what = format!("the manifest {repository}:v1");
    fake.hook(|ask| {
        let to = if ask.path.ends_with("v1") { "v2" } else { "v1" };
        Some(answer(307, &[("location", to)], ""))
    });
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(Error::RedirectLoop { what: what.clone() })
    );
    fake.forget_requests();
    fake.hook(|ask| Some(answer(302, &[("location", &format!("{}0", ask.path))], "")));
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(Error::TooManyRedirects {
            what: what.clone(),
            limit: 5
        })
    );
    assert_eq!(fake.requests().len(), 6);
    for (to, reason) in [
        ("ftp://example.com/x", "only HTTP is spoken"),
        ("http://example.com/x", "it is plain HTTP to another host"),
        ("https://169.254.169.254/x", "it is a link-local address"),
    ] {
        fake.hook(move |_| Some(answer(307, &[("location", to)], "")));
        let (what, to, reason) = (what.clone(), to.to_owned(), reason.to_owned());
        assert_eq!(
            client.manifest_by_tag(&repository, "v1").await,
            Err(Error::Redirect { what, to, reason })
        );
    }
    fake.hook(|_| Some(answer(307, &[], "")));
    let reason = "it has no `Location`".to_owned();
    assert_eq!(
        client.manifest_by_tag(&repository, "v1").await,
        Err(Error::Redirect {
            what,
            to: "nowhere".into(),
            reason
        })
    );
}

#[tokio::test]
async fn a_redirect_to_where_the_content_is() {
    let (fake, cdn) = (Fake::start().await, Fake::start().await);
    let blob = cdn.put_blob(b"content");
    let to = format!(
        "http://{}/v2/x/blobs/{}?signature=secret",
        cdn.address, blob.digest
    );
    fake.hook(move |_| Some(answer(307, &[("location", &to)], "")));
    let bytes = fake
        .client()
        .blob(&fake.repository(), &blob, 7)
        .await
        .unwrap();
    assert_eq!(bytes, "content");
}

#[tokio::test]
async fn referrers_without_end() {
    let fake = Fake::start().await;
    let (client, repository) = (fake.client(), fake.repository());
    let subject = Digest::sha256(b"x");
    let what = format!("the referrers of {}", repository.at(&subject));
    let empty = Index::new(Vec::new()).to_bytes().unwrap();
    let page = empty.clone();
    fake.hook(move |ask| {
        let next = format!(r#"<{}?n={}0>; rel="next""#, ask.path, ask.query);
        Some(answer(200, &[("link", &next)], page.clone()))
    });
    assert_eq!(
        client.referrers(&repository, &subject, None).await,
        Err(Error::TooManyPages {
            what: what.clone(),
            limit: 20
        })
    );
    assert_eq!(fake.requests().len(), 20);

    let pages = std::sync::atomic::AtomicUsize::new(0);
    fake.hook(move |ask| {
        let page = pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let entries = (0..6_000)
            .map(|i| Descriptor::of(media::OCI_MANIFEST, format!("{page} {i}").as_bytes()));
        let body = Index::new(entries.collect()).to_bytes().unwrap();
        Some(answer(
            200,
            &[("link", &format!("<{}?n=1>; rel=next", ask.path))],
            body,
        ))
    });
    assert_eq!(
        client.referrers(&repository, &subject, None).await,
        Err(Error::TooManyEntries {
            what: what.clone(),
            limit: 10_000
        })
    );

    fake.hook(move |_| {
        let next = r#"<http://127.0.0.1:1/v2/x>; rel="next""#;
        Some(answer(200, &[("link", next)], empty.clone()))
    });
    let reason = "the next page is on another host: http://127.0.0.1:1/v2/x".to_owned();
    assert_eq!(
        client.referrers(&repository, &subject, None).await,
        Err(Error::Answer {
            what: what.clone(),
            reason
        })
    );

    fake.hook(|_| Some(answer(200, &[], endless())));
    assert_eq!(
        client.referrers(&repository, &subject, None).await,
        Err(Error::TooLarge {
            what,
            limit: MANIFEST_BYTES
        })
    );
}

/// What `oci-client` reads as "no signatures" is an error here, wherever it happens.
#[tokio::test]
async fn could_not_tell_is_not_absent() {
    for on_the_tag in [false, true] {
        let fake = Fake::without_referrers().await;
        let pace = Instantly::new();
        let client = builder().anonymous(true).pace(pace).build().unwrap();
        let repository = fake.repository();
        let subject = Digest::sha256(b"x");
        let what = match on_the_tag {
            false => format!("the referrers of {}", repository.at(&subject)),
            true => format!("the manifest {repository}:{}", referrers_tag(&subject)),
        };
        let place = if on_the_tag {
            "/manifests/"
        } else {
            "/referrers/"
        };
        let body = r#"{"errors":[{"code":"DENIED","message":"no"}]}"#;
        let detail = "DENIED: no".to_owned();
        for (status, wanted) in [
            (
                429,
                Error::RateLimited {
                    what: what.clone(),
                    retry_after: None,
                },
            ),
            (
                403,
                Error::Forbidden {
                    what: what.clone(),
                    detail: detail.clone(),
                },
            ),
            (
                500,
                Error::Server {
                    what: what.clone(),
                    status: 500,
                    detail: detail.clone(),
                },
            ),
            (
                418,
                Error::Status {
                    what: what.clone(),
                    status: 418,
                    detail,
                },
            ),
        ] {
            fake.hook(move |ask| ask.path.contains(place).then(|| answer(status, &[], body)));
            assert_eq!(
                client.referrers(&repository, &subject, None).await,
                Err(wanted)
            );
        }
        fake.hook(move |ask| ask.path.contains(place).then(|| answer(200, &[], "<html>")));
        let refused = client.referrers(&repository, &subject, None).await;
        assert!(
            matches!(refused, Err(Error::Document { .. })),
            "{refused:?}"
        );
    }
}

/// The path of the referrers API is unknown to many registries, and not all of
/// them say so with 404.
#[tokio::test]
async fn not_having_the_api_is_said_in_many_ways() {
    let fake = Fake::without_referrers().await;
    let (client, repository) = (fake.client(), fake.repository());
    let subject = Digest::sha256(b"x");
    for (status, kind) in [
        (404, "text/plain"),
        (400, "application/json"),
        (405, ""),
        (406, ""),
        (200, "text/html; charset=utf-8"),
    ] {
        fake.hook(move |ask| {
            let headers = [("content-type", kind)];
            ask.path
                .contains("/referrers/")
                .then(|| answer(status, &headers, "<html>"))
        });
        let found = client.referrers(&repository, &subject, None).await.unwrap();
        assert_eq!(
            found.via,
            waxseal_registry::ReferrersVia::Nothing,
            "{status}"
        );
    }
    // In the middle of a list it is something else.
    let empty = Index::new(Vec::new()).to_bytes().unwrap();
    fake.hook(move |ask| {
        let next = format!("<{}?n=1>; rel=next", ask.path);
        Some(match ask.query.as_str() {
            "" => answer(200, &[("link", &next)], empty.clone()),
            _ => answer(404, &[], ""),
        })
    });
    let what = format!("the referrers of {}", repository.at(&subject));
    let refused = client.referrers(&repository, &subject, None).await;
    assert_eq!(refused, Err(Error::NotFound { what }));
}

#[tokio::test]
async fn a_fallback_tag_that_holds_an_image() {
    let fake = Fake::without_referrers().await;
    let image = fake.put_image("v1", b"layer");
    let tag = referrers_tag(&image.digest);
    fake.put_manifest(&image, Some(&tag));
    let repository = fake.repository();
    assert_eq!(
        fake.client()
            .referrers(&repository, &image.digest, None)
            .await,
        Err(Error::NotReferrers {
            what: format!("{repository}:{tag}")
        })
    );
}

#[tokio::test]
async fn waits_as_long_as_it_is_asked_to() {
    let fake = Fake::start().await;
    let image = fake.put_image("v1", b"layer");
    let pace = Instantly::new();
    let client = builder()
        .anonymous(true)
        .pace(pace.clone())
        .build()
        .unwrap();
    let left = std::sync::atomic::AtomicUsize::new(2);
    fake.hook(move |_| {
        let once_more = left
            .fetch_update(
                std::sync::atomic::Ordering::Relaxed,
                std::sync::atomic::Ordering::Relaxed,
                |n| n.checked_sub(1),
            )
            .is_ok();
        once_more.then(|| answer(429, &[("retry-after", "7")], ""))
    });
    let found = client
        .resolve(&fake.reference("v1"))
        .await
        .unwrap()
        .present();
    assert_eq!(found, Some(image.digest));
    assert_eq!(pace.slept(), [Duration::from_secs(7); 2]);
}

#[tokio::test]
async fn does_not_wait_for_hours() {
    let fake = Fake::start().await;
    let pace = Instantly::new();
    let client = builder()
        .anonymous(true)
        .pace(pace.clone())
        .build()
        .unwrap();
    fake.hook(|_| Some(answer(429, &[("retry-after", "21600")], "")));
    let reference = fake.reference("v1");
    let retry_after = Some(Duration::from_secs(21600));
    assert_eq!(
        client.resolve(&reference).await,
        Err(Error::RateLimited {
            what: format!("the manifest {reference}"),
            retry_after
        })
    );
    assert_eq!((pace.slept().len(), fake.requests().len()), (0, 1));
}

#[tokio::test]
async fn repeats_what_may_get_better_and_nothing_else() {
    let fake = Fake::start().await;
    let reference = fake.reference("v1");
    let what = format!("the manifest {reference}");
    for (status, requests) in [
        (500, 4),
        (502, 4),
        (503, 4),
        (504, 4),
        (429, 4),
        (403, 1),
        (418, 1),
        (501, 1),
    ] {
        let pace = Instantly::new();
        let client = builder()
            .anonymous(true)
            .pace(pace.clone())
            .build()
            .unwrap();
        fake.forget_requests();
        fake.hook(move |_| Some(answer(status, &[], "")));
        let detail = String::new();
        let wanted = match status {
            429 => Error::RateLimited {
                what: what.clone(),
                retry_after: None,
            },
            403 => Error::Forbidden {
                what: what.clone(),
                detail,
            },
            418 => Error::Status {
                what: what.clone(),
                status,
                detail,
            },
            _ => Error::Server {
                what: what.clone(),
                status,
                detail,
            },
        };
        assert_eq!(client.resolve(&reference).await, Err(wanted), "{status}");
        assert_eq!(fake.requests().len(), requests, "{status}");
        let waits = [50, 100, 200].map(Duration::from_millis);
        assert_eq!(pace.slept(), waits[..requests - 1], "{status}");
    }
}

#[tokio::test]
async fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let pace = Instantly::new();
    let client = builder()
        .anonymous(true)
        .pace(pace.clone())
        .build()
        .unwrap();
    let reference: waxseal_oci::Reference = format!("{address}/app:v1").parse().unwrap();
    let refused = client.resolve(&reference).await;
    assert_eq!(
        refused,
        Err(Error::Connect {
            host: address.to_string(),
            reason: "Connection refused (os error 111)".into()
        })
    );
    assert_eq!(pace.slept().len(), 0);
}

#[tokio::test]
async fn speaks_tls_unless_told_otherwise() {
    let fake = Fake::start().await;
    let client = waxseal_registry::Client::builder()
        .anonymous(true)
        .build()
        .unwrap();
    assert_eq!(
        client.resolve(&fake.reference("v1")).await,
        Err(Error::Tls {
            host: fake.address.to_string(),
            reason: "the other side does not speak TLS".into()
        })
    );
    assert_eq!(fake.requests(), [""; 0]);
}
