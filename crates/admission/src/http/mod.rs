//! The endpoints.
//!
//! What can be answered as a review is, with status 200 and a verdict inside: an
//! HTTP error is for what has no uid to answer to. That matters to a webhook
//! whose failure policy is `Ignore`, which lets an HTTP error through.

mod body;
mod duration;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::tls::TlsInfo;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use tracing::{debug, error, info, warn};

use crate::check::{Checker, Deadline, Question, fault};
use crate::decider::Readiness;
use crate::limits;
use crate::metrics::{Metrics, Rejected};
use crate::review::{Answer, Door, Outcome, Reason};

pub use duration::{DurationError, parse_duration, parse_positive_duration};

/// What the endpoints share.
#[derive(Clone)]
pub struct App {
    checker: Checker,
    metrics: Arc<Metrics>,
    deadline: Duration,
    clients_only: bool,
    in_flight: Arc<Semaphore>,
    bodies: Arc<body::Budget>,
}

impl App {
    /// Endpoints that ask `checker` and answer within `deadline`, or sooner
    /// where the API server says that it waits less long.
    #[must_use]
    pub fn new(checker: Checker, metrics: Arc<Metrics>, deadline: Duration) -> Self {
        Self {
            checker,
            metrics,
            deadline,
            clients_only: false,
            in_flight: Arc::new(Semaphore::new(limits::REVIEWS_IN_FLIGHT)),
            bodies: Arc::new(body::Budget::new(limits::BODIES_BYTES)),
        }
    }

    /// Reviews are answered only to clients that showed a certificate.
    #[must_use]
    pub fn clients_only(mut self, yes: bool) -> Self {
        self.clients_only = yes;
        self
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/validate", post(validate))
            .route("/mutate", post(mutate))
            .route("/image-review", post(image_review))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    async fn review(self, door: Door, request: Request) -> Response {
        let started = tokio::time::Instant::now();
        let deadline = Deadline::within(self.time_for(request.uri().query()));
        let question = match self.question(door, request).await {
            Ok(question) => Arc::new(question),
            Err(rejection) => {
                self.metrics.rejected(rejection.why);
                debug!(endpoint = ?door, message = %rejection.message, "not a review");
                return (rejection.status, format!("{}\n", rejection.message)).into_response();
            }
        };
        let task = {
            let (app, question) = (self.clone(), Arc::clone(&question));
            tokio::spawn(async move { app.answer(&question, door, deadline).await })
        };
        let answer = task.await.unwrap_or_else(|error| {
            error!(%error, "a review ended in a panic");
            let fault = fault();
            Answer::new(fault.outcome, fault.reason, fault.message)
        });
        let took = started.elapsed();
        self.metrics.review(door, &answer, took);
        log(&question, door, &answer, took);
        let body = question.response(&answer);
        ([(header::CONTENT_TYPE, JSON)], body).into_response()
    }

    async fn answer(&self, question: &Question, door: Door, deadline: Deadline) -> Answer {
        let Ok(Ok(_permit)) = timeout_at(deadline.end(), self.in_flight.acquire()).await else {
            let message = "could not check: too many reviews at one time; try again";
            return Answer::new(Outcome::Unable, Reason::Deadline, message.to_owned());
        };
        self.metrics.in_flight.inc();
        let counted = InFlight(&self.metrics);
        let answer = self.checker.answer(question, door, deadline).await;
        drop(counted);
        answer
    }

    async fn question(&self, door: Door, request: Request) -> Result<Question, Rejection> {
        if let Err(rejection) = self.may_ask(&request) {
            body::discard(request.into_body()).await;
            return Err(rejection);
        }
        let body: Bytes = self.bodies.read(request.into_body()).await?;
        let bad_request = |message: String| Rejection {
            status: StatusCode::BAD_REQUEST,
            why: Rejected::BadRequest,
            message,
        };
        catch_unwind(AssertUnwindSafe(|| Question::parse(&body, door)))
            .map_err(|_| bad_request("the body cannot be read".to_owned()))?
            .map_err(|error| bad_request(error.to_string()))
    }

    /// Whether this client is answered, and sends what is read here.
    fn may_ask(&self, request: &Request) -> Result<(), Rejection> {
        if self.clients_only && !has_certificate(request) {
            return Err(Rejection {
                status: StatusCode::FORBIDDEN,
                why: Rejected::NoCertificate,
                message: "only clients with a certificate are answered".to_owned(),
            });
        }
        if !is_json(request.headers()) {
            return Err(Rejection {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                why: Rejected::WrongType,
                message: "the content type is not application/json".to_owned(),
            });
        }
        Ok(())
    }

    /// The API server says how long it waits: `?timeout=10s`.
    fn time_for(&self, query: Option<&str>) -> Duration {
        let asked = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| pair.strip_prefix("timeout="))
            .and_then(|text| parse_duration(text).ok());
        match asked {
            Some(asked) => {
                let margin = limits::DEADLINE_MARGIN.min(asked / 4);
                asked.saturating_sub(margin).min(self.deadline)
            }
            None => self.deadline,
        }
    }
}

/// Why a request is not answered as a review.
#[derive(Debug)]
struct Rejection {
    status: StatusCode,
    why: Rejected,
    message: String,
}

/// A review that is counted as being worked on, also if that ends in a panic.
struct InFlight<'a>(&'a Metrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

async fn validate(State(app): State<App>, request: Request) -> Response {
    app.review(Door::Validate, request).await
}

async fn mutate(State(app): State<App>, request: Request) -> Response {
    app.review(Door::Mutate, request).await
}

async fn image_review(State(app): State<App>, request: Request) -> Response {
    app.review(Door::ImageReview, request).await
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    match app.checker.decider().readiness() {
        Readiness::Ready(detail) => (StatusCode::OK, format!("ok: {detail}\n")),
        Readiness::NotReady(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        ),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let counts = app.checker.decider().counts();
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        app.metrics.encode(counts),
    )
        .into_response()
}

/// What was asked and what was answered; never the object, which can hold secrets.
fn log(question: &Question, door: Door, answer: &Answer, took: Duration) {
    let seconds = took.as_secs_f64();
    let (verdict, reason) = (answer.outcome.label(), answer.reason.label());
    let (uid, about) = match question {
        Question::Images(review) => ("", format!("images in {:?}", review.namespace)),
        Question::Admission(review) => (
            review.uid.as_str(),
            match &review.request {
                Ok(r) => format!("{} {:?} in {:?}", r.kind, r.name, r.namespace),
                Err(_) => String::new(),
            },
        ),
    };
    let message = &answer.message;
    if !answer.recorded.is_empty() {
        info!(endpoint = ?door, ?uid, about, recorded = ?answer.recorded, "not enforced");
    }
    match answer.outcome {
        Outcome::Allow => debug!(endpoint = ?door, ?uid, about, verdict, reason, seconds, ?message),
        Outcome::Deny => info!(endpoint = ?door, ?uid, about, verdict, reason, seconds, ?message),
        Outcome::Unable => warn!(endpoint = ?door, ?uid, about, verdict, reason, seconds, ?message),
    }
}

/// Whether the connection's client showed a certificate, which the handshake
/// then has verified.
fn has_certificate(request: &Request) -> bool {
    let info = request.extensions().get::<Arc<TlsInfo>>();
    info.is_some_and(|info| !info.peer_certificates.is_empty())
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON))
}

const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
