//! What stands before each service: it writes down what was asked and spoils
//! the answer.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use futures_util::stream;
use tokio::sync::Notify;

/// A wrong answer of one of the services.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServiceFault {
    /// A body without an end.
    Endless,
    /// No answer, ever.
    Hang,
    /// The right answer, once this is notified.
    Held(Arc<Notify>),
    /// Everything is in order, but for another authority: Fulcio's and the
    /// timestamp authority's certificates chain to a root that is not in the
    /// trusted root, a log signs with a key that is not.
    OtherChain,
    /// The status of success and this body.
    Rubbish(Vec<u8>),
    /// This status, with the error body that Fulcio and Rekor write.
    Status(u16),
    /// The right answer without its last byte.
    Truncated,
    /// A checkpoint whose signature is over another tree (Rekor).
    WrongCheckpoint,
    /// Somebody else's entry, timestamp or key: the answer is well formed and
    /// for something that was not asked.
    WrongContent,
    /// A certificate that does not say what it is for (Fulcio).
    NoPurpose,
    /// A promise whose signature is over another entry (Rekor v1).
    WrongPromise,
    /// An inclusion proof of another leaf (Rekor).
    WrongProof,
    /// A certificate timestamp whose signature is over another certificate
    /// (Fulcio).
    WrongSct,
}

/// One request as a service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
}

/// What the handler has to spoil, if anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spoil {
    Checkpoint,
    Chain,
    Content,
    #[default]
    Nothing,
    Promise,
    Proof,
    Purpose,
    Sct,
}

impl ServiceFault {
    /// What the fault does to the content of an answer.
    fn spoil(&self) -> Spoil {
        match self {
            Self::OtherChain => Spoil::Chain,
            Self::NoPurpose => Spoil::Purpose,
            Self::WrongCheckpoint => Spoil::Checkpoint,
            Self::WrongContent => Spoil::Content,
            Self::WrongPromise => Spoil::Promise,
            Self::WrongProof => Spoil::Proof,
            Self::WrongSct => Spoil::Sct,
            _ => Spoil::Nothing,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Around {
    planned: Mutex<Vec<(ServiceFault, u64)>>,
    asked: Mutex<Vec<Asked>>,
}

impl Around {
    pub(crate) fn plan(&self, fault: ServiceFault, times: u64) {
        self.planned.lock().unwrap().push((fault, times));
    }

    pub(crate) fn heal(&self) {
        self.planned.lock().unwrap().clear();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What is to be spoilt next, for callers in the process.
    pub(crate) fn spoil(&self) -> Spoil {
        self.next().map_or(Spoil::Nothing, |fault| fault.spoil())
    }

    fn next(&self) -> Option<ServiceFault> {
        let mut planned = self.planned.lock().unwrap();
        planned.retain(|(_, times)| *times > 0);
        let (fault, times) = planned.first_mut()?;
        if *times != u64::MAX {
            *times = times.saturating_sub(1);
        }
        Some(fault.clone())
    }
}

pub(crate) async fn around(
    State(around): State<Arc<Around>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    around.asked.lock().unwrap().push(Asked {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
    });
    let spoil = match around.next() {
        None => Spoil::Nothing,
        Some(ServiceFault::Endless) => {
            let spaces = || {
                Some((
                    Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 8192])),
                    (),
                ))
            };
            let body = Body::from_stream(stream::unfold((), move |()| async move { spaces() }));
            return Response::new(body);
        }
        Some(ServiceFault::Hang) => return std::future::pending().await,
        Some(ServiceFault::Held(notify)) => {
            notify.notified().await;
            Spoil::Nothing
        }
        Some(ServiceFault::Rubbish(body)) => return answer(StatusCode::CREATED, body),
        Some(ServiceFault::Status(status)) => {
            let body = format!(r#"{{"code":{status},"message":"on purpose"}}"#);
            let status = StatusCode::from_u16(status).expect("a status");
            return answer(status, body.into_bytes());
        }
        Some(ServiceFault::Truncated) => {
            request.extensions_mut().insert(Spoil::Nothing);
            let whole = next.run(request).await;
            let (mut parts, body) = whole.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX)
                .await
                .expect("a body");
            parts.headers.remove("content-length");
            return Response::from_parts(parts, Body::from(shortened(&body)));
        }
        Some(fault) => fault.spoil(),
    };
    request.extensions_mut().insert(spoil);
    next.run(request).await
}

fn shortened(body: &Bytes) -> Bytes {
    body.slice(..body.len().saturating_sub(1))
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

/// An error as Fulcio and Rekor write it.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let body = serde_json::json!({ "code": status.as_u16(), "message": message });
    answer(status, body.to_string().into_bytes())
}
