//! What stands between the network and the registry: it writes down, delays,
//! asks for credentials and spoils.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Request as HttpRequest, Response, Uri, header};
use axum::middleware::Next;
use futures_util::StreamExt as _;

use crate::fault::Fault;
use crate::log::{Entry, Request};
use crate::registry::{Auth, Shared};
use crate::token;
use crate::wire::Peer;

pub(crate) async fn around(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: HttpRequest<Body>,
    next: Next,
) -> Response<Body> {
    let seen = describe(&request);
    let entry = shared.log.add(seen.clone());
    let received = Arc::clone(&entry);
    let request = request.map(|body| counted(body, move |n| count(&received.received, n)));
    if let Some(delay) = shared.options.delay {
        tokio::time::sleep(delay).await;
    }
    let answer = respond(&shared, &seen, &peer, request, next).await;
    entry.answered(answer.status().as_u16());
    if seen.method == "HEAD" {
        return answer;
    }
    sent(&entry, answer)
}

fn sent(entry: &Arc<Entry>, answer: Response<Body>) -> Response<Body> {
    let entry = Arc::clone(entry);
    // A body of known length keeps it, and is counted before a client can look.
    if let Some(length) = answer.body().size_hint().exact() {
        entry.sent.fetch_add(length, Ordering::SeqCst);
        return answer;
    }
    answer.map(|body| counted(body, move |n| count(&entry.sent, n)))
}

fn counted(body: Body, note: impl Fn(usize) + Send + 'static) -> Body {
    Body::from_stream(body.into_data_stream().inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            note(chunk.len());
        }
    }))
}

fn count(counter: &AtomicU64, n: usize) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::SeqCst);
}

fn describe(request: &HttpRequest<Body>) -> Request {
    let headers = request.headers().clone();
    let authorization = headers.get(header::AUTHORIZATION);
    Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        authorization: authorization
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned),
        headers,
        status: 0,
        received: 0,
        sent: 0,
    }
}

async fn respond(
    shared: &Shared,
    seen: &Request,
    peer: &Peer,
    mut request: HttpRequest<Body>,
    next: Next,
) -> Response<Body> {
    let fault = take_fault(shared, seen);
    if let Some(answer) = fault.as_ref().and_then(|f| f.alone(&seen.path)) {
        // A client that is still sending reads no answer.
        let _ = to_bytes(request.into_body(), usize::MAX).await;
        return answer;
    }
    match &fault {
        Some(Fault::Broken) => {
            peer.reset();
            return Response::default();
        }
        Some(Fault::Verbatim(bytes)) => {
            peer.say(Bytes::from(bytes.clone()));
            return Response::default();
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Late(pause)) => tokio::time::sleep(Duration::from_millis(*pause)).await,
        Some(Fault::Unfiltered { .. }) => {
            *request.uri_mut() = Uri::try_from(&seen.path).unwrap();
        }
        _ => {}
    }
    if let Some(answer) = credentials(shared, seen) {
        return answer;
    }
    if let Some(Fault::Before(act)) = &fault {
        act(&shared.contents);
    }
    let answer = next.run(request).await;
    let Some(fault) = fault else { return answer };
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    fault.spoil(Response::from_parts(parts, Body::empty()), body)
}

fn take_fault(shared: &Shared, seen: &Request) -> Option<Fault> {
    let mut faults = shared.faults.lock().unwrap();
    for planned in faults.iter_mut() {
        if planned.times == 0 || !planned.matching.is(&seen.method, &seen.path) {
            continue;
        }
        if planned.matching.skip > 0 {
            planned.matching.skip -= 1;
            continue;
        }
        if planned.times != u64::MAX {
            planned.times -= 1;
        }
        return Some(planned.fault.clone());
    }
    None
}

fn credentials(shared: &Shared, seen: &Request) -> Option<Response<Body>> {
    let given = seen.authorization.as_deref().unwrap_or_default();
    if seen.path == "/token" {
        if shared.options.auth == Auth::PrivateToken && given != token::basic() {
            return Some(token::basic_challenge());
        }
        return Some(token::issue(shared.tokens.fetch_add(1, Ordering::SeqCst)));
    }
    match shared.options.auth {
        Auth::None => None,
        Auth::Basic => (given != token::basic()).then(token::basic_challenge),
        Auth::Token | Auth::PrivateToken => {
            let serial = given
                .strip_prefix("Bearer t")
                .and_then(|s| s.parse::<u64>().ok());
            let valid = serial.is_some_and(|s| {
                s >= shared.revoked.load(Ordering::SeqCst)
                    && s < shared.tokens.load(Ordering::SeqCst)
            });
            let scheme = match shared.options.tls {
                Some(_) => "https",
                None => "http",
            };
            (!valid).then(|| token::challenge(&format!("{scheme}://{}", shared.host), seen))
        }
    }
}
