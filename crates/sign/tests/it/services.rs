//! Services that are slow, busy, down or talk nonsense; and which of them are
//! asked.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use waxseal_sign::{Http, HttpOptions, Notary, RekorVersion, ServiceError, Services, SignError};
use waxseal_testkit::NOW;
use waxseal_testkit::sigstore::{LogVersion, Service, ServiceFault};

use crate::keyless::World;

#[tokio::test]
async fn a_busy_service_is_asked_again_and_not_for_ever() {
    let world = World::new();
    for (service, log) in [
        (Service::Fulcio, LogVersion::V2),
        (Service::Tsa, LogVersion::V2),
        (Service::RekorV1, LogVersion::V1),
        (Service::RekorV2, LogVersion::V2),
    ] {
        let services = world.services(&[log]);
        world.sigstore.fault(service, ServiceFault::Status(503), 1);
        let before = world.sigstore.asked(service).len();
        world.sign(&services).await.unwrap();
        assert_eq!(
            world.sigstore.asked(service).len(),
            before + 2,
            "{service:?}"
        );
    }
    world
        .sigstore
        .fault(Service::Fulcio, ServiceFault::Status(429), u64::MAX);
    let before = world.sigstore.asked(Service::Fulcio).len();
    let error = world.sign(&world.services(&[LogVersion::V2])).await;
    assert!(
        matches!(
            error,
            Err(SignError::Service(ServiceError::Status { status: 429, ref said, .. }))
                if said == "on purpose"
        ),
        "{error:?}"
    );
    assert_eq!(world.sigstore.asked(Service::Fulcio).len(), before + 4);
}

#[tokio::test]
async fn an_answer_that_is_none_is_not_asked_for_again() {
    let world = World::new();
    for (service, log) in [
        (Service::Fulcio, LogVersion::V2),
        (Service::Tsa, LogVersion::V2),
        (Service::RekorV1, LogVersion::V1),
        (Service::RekorV2, LogVersion::V2),
    ] {
        let services = world.services(&[log]);
        for (fault, words) in [
            (ServiceFault::Status(400), "answered 400: `on purpose`"),
            (
                ServiceFault::Rubbish(b"<html>".to_vec()),
                "that cannot be used",
            ),
            (ServiceFault::Rubbish(b"{}".to_vec()), "that cannot be used"),
            (ServiceFault::Truncated, "that cannot be used"),
            (ServiceFault::Endless, "with more than 1048576 bytes"),
        ] {
            world.sigstore.fault(service, fault.clone(), 1);
            let before = world.sigstore.asked(service).len();
            let Err(error) = world.sign(&services).await else {
                panic!("{service:?} {fault:?}");
            };
            assert!(matches!(error, SignError::Service(_)), "{error:?}");
            let said = error.to_string();
            assert!(said.contains(words), "{service:?} {fault:?}: {said}");
            assert_eq!(world.sigstore.asked(service).len(), before + 1, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_service_that_hangs_is_asked_once_more_and_left() {
    let mut world = World::new();
    world.http = Http::new(HttpOptions {
        attempt: Duration::from_millis(100),
        ..HttpOptions::default()
    });
    world
        .sigstore
        .fault(Service::Fulcio, ServiceFault::Hang, u64::MAX);
    let error = world.sign(&world.services(&[LogVersion::V2])).await;
    assert!(
        matches!(error, Err(SignError::Service(ServiceError::Timeout { .. }))),
        "{error:?}"
    );
    assert_eq!(world.sigstore.asked(Service::Fulcio).len(), 2);
    world.http = Http::new(HttpOptions {
        attempt: Duration::from_secs(2),
        ..HttpOptions::default()
    });
    world.sigstore.heal();
    world.sigstore.fault(Service::Tsa, ServiceFault::Hang, 1);
    world
        .sign(&world.services(&[LogVersion::V2]))
        .await
        .unwrap();
}

/// A connection that breaks before there is an answer, as one does when a service
/// is started again.
#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let world = World::new();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = tokio::spawn(async move {
        for _ in 0..4 {
            drop(listener.accept().await.unwrap());
        }
        // Nobody listens any more: a fifth would be refused.
    });
    let services = world.services(&[LogVersion::V2]).with_fulcio(&url).unwrap();
    let error = world.sign(&services).await;
    assert!(
        matches!(error, Err(SignError::Service(ServiceError::Connect { .. }))),
        "{error:?}"
    );
    accepted.await.unwrap();
}

#[tokio::test]
async fn another_service_stands_in_for_one_that_fails() {
    let world = World::new();
    let mut config = world
        .sigstore
        .signing_config(&[LogVersion::V2, LogVersion::V1]);
    let dead = "http://127.0.0.1:1";
    for kind in ["caUrls", "tsaUrls"] {
        let mut broken = config[kind][0].clone();
        broken["url"] = json!(dead);
        broken["operator"] = json!("somebody");
        broken["validFor"]["start"] = json!("2025-06-01T00:00:00Z");
        config[kind].as_array_mut().unwrap().push(broken);
    }
    let read =
        |config: &Value| Services::from_signing_config(config.to_string().as_bytes(), NOW, None);
    let services = read(&config).unwrap();
    // The newest is asked first.
    assert_eq!(
        services.authorities().next().unwrap().to_string(),
        format!("{dead}/")
    );
    let made = world.sign(&services).await.unwrap();
    assert_eq!(made.timestamped, [world.sigstore.tsa_url()]);
    assert_eq!(
        made.logged[0].0,
        format!("{}/", world.sigstore.rekor_v2_url())
    );
    world
        .sigstore
        .fault(Service::RekorV2, ServiceFault::Status(400), 1);
    let made = world.sign(&services).await.unwrap();
    assert_eq!(
        made.logged[0].0,
        format!("{}/", world.sigstore.rekor_v1_url())
    );

    // All of them, and one is down.
    config["tsaConfig"] = json!({ "selector": "ALL" });
    let error = world.sign(&read(&config).unwrap()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the timestamp authority at 127.0.0.1:1 cannot be reached: "),
        "{error}"
    );
}

#[tokio::test]
async fn as_many_logs_as_are_asked_for_have_the_entry() {
    let world = World::new();
    let mut config = world
        .sigstore
        .signing_config(&[LogVersion::V2, LogVersion::V1]);
    config["rekorTlogUrls"][0]["operator"] = json!("another");
    for selector in [
        json!({ "selector": "ALL" }),
        json!({ "selector": "EXACT", "count": 2 }),
    ] {
        config["rekorTlogConfig"] = selector;
        let services =
            Services::from_signing_config(config.to_string().as_bytes(), NOW, None).unwrap();
        let made = world.sign(&services).await.unwrap();
        assert_eq!(made.logged.len(), 2);
    }
}

#[test]
fn a_configuration_is_read_strictly() {
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let service = |url: &str, version: u32, operator: &str, start: &str, end: Option<&str>| {
        let mut valid = json!({ "start": start });
        if let Some(end) = end {
            valid["end"] = json!(end);
        }
        json!({ "url": url, "majorApiVersion": version, "operator": operator, "validFor": valid })
    };
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [
            service("https://old.example", 1, "a", "2025-01-01T00:00:00Z", Some("2026-01-01T00:00:00Z")),
            service("https://later.example", 1, "a", "2027-01-01T00:00:00Z", None),
            service("https://now.example", 1, "a", "2026-01-01T00:00:00Z", None),
            service("https://unknown.example", 7, "a", "2026-01-01T00:00:00Z", None),
        ],
        "rekorTlogUrls": [
            service("https://v1.example", 1, "a", "2026-03-01T00:00:00Z", None),
            service("https://v2.example", 2, "a", "2026-01-01T00:00:00Z", None),
            service("https://b.example", 1, "b", "2026-01-01T00:00:00Z", None),
        ],
        "rekorTlogConfig": { "selector": "ANY" },
        "tsaConfig": { "selector": "ANY" },
    });
    let read = |config: &Value, version| {
        Services::from_signing_config(config.to_string().as_bytes(), now, version)
    };
    let urls =
        |services: &Services| -> Vec<String> { services.logs().map(ToString::to_string).collect() };
    let services = read(&config, None).unwrap();
    let authorities: Vec<String> = services.authorities().map(ToString::to_string).collect();
    assert_eq!(authorities, ["https://now.example/"]);
    assert_eq!(
        urls(&services),
        [
            "https://v2.example/",
            "https://v1.example/",
            "https://b.example/"
        ]
    );
    let services = read(&config, Some(RekorVersion::V1)).unwrap();
    assert_eq!(
        urls(&services),
        ["https://v1.example/", "https://b.example/"]
    );
    assert_eq!(services.timestamps().count(), 0);

    // Logs of which none can be used are not the same as no logs.
    let services = read(&config, Some(RekorVersion::V2)).unwrap();
    assert_eq!(urls(&services), ["https://v2.example/"]);
    let mut outdated = config.clone();
    outdated["rekorTlogUrls"] = config["caUrls"].as_array().unwrap()[..2].into();
    for selector in ["ANY", "ALL"] {
        outdated["rekorTlogConfig"]["selector"] = json!(selector);
        let services = read(&outdated, None).unwrap();
        assert_eq!(
            Notary::check_keyless(&services).unwrap_err().to_string(),
            "no address of the transparency log is known that is valid now and of use"
        );
        // Unless that is what was asked for.
        let services = services
            .without_log()
            .with_tsa("https://tsa.example")
            .unwrap();
        Notary::check_keyless(&services).unwrap();
    }

    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = config.clone();
        change(&mut changed);
        read(&changed, None).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|c| c["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 3 })),
        "the signing configuration: it asks for exactly 3 operators of the transparency log, of 2 \
         that are valid now"
    );
    assert_eq!(
        refused(&|c| c["rekorTlogConfig"] = json!({ "selector": "EXACT" })),
        "the signing configuration: it asks for exactly 0 operators of the transparency log, of 2 \
         that are valid now"
    );
    assert_eq!(
        refused(&|c| c["tsaConfig"] = json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" })),
        "the signing configuration: it does not say how many of the timestamp authority are to be \
         used"
    );
    assert_eq!(
        refused(&|c| c["caUrls"][2]["url"] = json!("ftp://now.example")),
        "the address `ftp://now.example` of the certificate authority cannot be used: it is \
         neither https nor http"
    );
    assert!(refused(&|c| c["mediaType"] = json!("x")).starts_with("the signing configuration: "));
    let twice = config.to_string().replacen('{', r#"{"caUrls":[],"#, 1);
    assert!(Services::from_signing_config(twice.as_bytes(), now, None).is_err());
    let many = refused(&|c| c["tsaUrls"] = vec![c["caUrls"][2].clone(); 33].into());
    assert_eq!(
        many,
        "the signing configuration: it names more than 32 addresses of the timestamp authority"
    );
    Services::public_good(NOW, None).unwrap();
}

#[tokio::test]
async fn a_token_does_not_travel_in_the_open() {
    let world = World::new();
    let services = world
        .services(&[LogVersion::V2])
        .with_fulcio("http://fulcio.example")
        .unwrap();
    assert_eq!(
        world.sign(&services).await.unwrap_err().to_string(),
        "the certificate authority at fulcio.example would be asked over plain HTTP, which is not \
         loopback"
    );
    let services = services
        .with_fulcio("https://me:secret@fulcio.example")
        .unwrap();
    assert_eq!(
        world.sign(&services).await.unwrap_err().to_string(),
        "the address `https://fulcio.example/api/v2/signingCert` of the certificate authority \
         cannot be used: it holds a name or a password"
    );
}
