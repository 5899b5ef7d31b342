//! What a service may do that is neither right nor rubbish: entries that are
//! there already, waits that are asked for, redirects, answers of yesterday.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use waxseal_sign::{RekorVersion, SignError};
use waxseal_testkit::sigstore::{LogVersion, Service};

use crate::keyless::World;

/// Answers every request by what a test says, and counts them.
pub(crate) async fn serve(
    answer: impl Fn(usize, Uri, Bytes) -> Response + Clone + Send + Sync + 'static,
) -> (String, Arc<Mutex<usize>>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let app = Router::new().fallback(move |uri: Uri, body: Bytes| {
        let number = {
            let mut count = counted.lock().unwrap();
            *count += 1;
            *count
        };
        let answer = answer.clone();
        // The answer may come from another service, asked on a thread of its own.
        async move {
            tokio::task::spawn_blocking(move || answer(number, uri, body))
                .await
                .unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, count)
}

/// Asks the real service of the test kit what was asked.
pub(crate) fn forward(url: &str, kind: &'static str, body: Bytes) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Loading the machine's certificates takes longer than all the rest.
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let client = client.build().unwrap();
        let request = client.post(url).header("content-type", kind).body(body);
        request.send().await.unwrap().bytes().await.unwrap()
    })
}

#[tokio::test]
async fn an_entry_that_is_there_already_is_fetched() {
    let world = World::new();
    for (location, found) in [
        (format!("/api/v1/log/entries/{}", "0a".repeat(40)), true),
        (
            format!(
                "https://evil.example/api/v1/log/entries/{}",
                "0a".repeat(40)
            ),
            true,
        ),
        ("/api/v1/log/entries/../../secrets".to_owned(), false),
        ("https://evil.example/".to_owned(), false),
    ] {
        let entries = format!("{}/api/v1/log/entries", world.sigstore.rekor_v1_url());
        let stored = Arc::new(Mutex::new(Bytes::new()));
        let (url, count) = serve(move |number, uri, body| {
            if number == 1 {
                *stored.lock().unwrap() = forward(&entries, "application/json", body);
                let head = [("location", location.clone())];
                return (StatusCode::CONFLICT, head, r#"{"message":"there already"}"#)
                    .into_response();
            }
            // Wherever it points, the log itself is asked.
            assert!(uri.path().ends_with(&"0a".repeat(40)), "{uri}");
            stored.lock().unwrap().clone().into_response()
        })
        .await;
        let services = world.services(&[LogVersion::V2]);
        let services = services.with_rekor(&url, RekorVersion::V1).unwrap();
        let made = world.sign(&services).await;
        if found {
            assert_eq!(made.unwrap().logged[0].0, format!("{url}/"));
            assert_eq!(*count.lock().unwrap(), 2);
        } else {
            let error = made.unwrap_err().to_string();
            assert!(error.ends_with("answered 409: `there already`"), "{error}");
            assert_eq!(*count.lock().unwrap(), 1);
        }
    }
}

#[tokio::test]
async fn a_wait_is_honoured_within_bounds() {
    let world = World::new();
    for (asked, requests) in [("0", 4), ("3600", 1)] {
        let (url, count) = serve(move |_, _, _| {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [("retry-after", asked)],
                "busy",
            )
                .into_response()
        })
        .await;
        let services = world.services(&[LogVersion::V2]).with_fulcio(&url).unwrap();
        let error = world.sign(&services).await.unwrap_err().to_string();
        assert!(error.ends_with("answered 503: `busy`"), "{error}");
        assert_eq!(*count.lock().unwrap(), requests);
    }
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_with_a_token() {
    let world = World::new();
    let fulcio = world.sigstore.fulcio_url().to_owned();
    let (url, count) = serve(move |_, uri, _| {
        let location = format!("{fulcio}{uri}");
        (StatusCode::TEMPORARY_REDIRECT, [("location", location)]).into_response()
    })
    .await;
    let services = world.services(&[LogVersion::V2]).with_fulcio(&url).unwrap();
    let error = world.sign(&services).await.unwrap_err().to_string();
    assert!(error.ends_with(" answered 307"), "{error}");
    assert_eq!(*count.lock().unwrap(), 1);
    assert!(world.sigstore.asked(Service::Fulcio).is_empty());
}

#[tokio::test]
async fn a_timestamp_of_yesterday_is_refused() {
    let world = World::new();
    let tsa = world.sigstore.tsa_url();
    let first = Arc::new(Mutex::new(None));
    let (url, _) = serve(move |_, _, body| {
        let mut first = first.lock().unwrap();
        let answer =
            first.get_or_insert_with(|| forward(&tsa, "application/timestamp-query", body));
        answer.clone().into_response()
    })
    .await;
    let services = world.services(&[LogVersion::V2]).with_tsa(&url).unwrap();
    world.sign(&services).await.unwrap();
    let error = world.sign(&services).await.unwrap_err();
    assert!(matches!(error, SignError::Service(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("that cannot be used: the timestamp answers another request"),
        "{error}"
    );
    assert_eq!(world.sigstore.asked(Service::RekorV2).len(), 1);
}
