//! Request bodies, bounded one by one and all together.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::Rejection;
use crate::limits;
use crate::metrics::Rejected;

/// The bytes that all bodies which are being read may hold.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicUsize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            left: AtomicUsize::new(bytes),
        }
    }

    /// The whole of `body`.
    pub(super) async fn read(&self, mut body: Body) -> Result<Bytes, Rejection> {
        let too_slow = |_| Rejection {
            status: StatusCode::REQUEST_TIMEOUT,
            why: Rejected::TooSlow,
            message: format!(
                "the body did not come within {} s",
                limits::BODY_TIME.as_secs()
            ),
        };
        let read = timeout(limits::BODY_TIME, self.collect(&mut body))
            .await
            .map_err(too_slow)?;
        if read.is_err() {
            discard(body).await;
        }
        read
    }

    async fn collect(&self, body: &mut Body) -> Result<Bytes, Rejection> {
        let mut share = Share {
            budget: self,
            taken: 0,
        };
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Rejection {
                status: StatusCode::BAD_REQUEST,
                why: Rejected::BadRequest,
                message: format!("the body broke off: {error}"),
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > limits::BODY_BYTES {
                return Err(Rejection {
                    status: StatusCode::PAYLOAD_TOO_LARGE,
                    why: Rejected::TooLarge,
                    message: format!("the body is larger than {} bytes", limits::BODY_BYTES),
                });
            }
            share.take(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

/// Takes what is left of a body of which nothing is wanted: to a client that
/// still sends, the answer would come as an end of its stream, and some take that
/// for a broken connection.
pub(super) async fn discard(mut body: Body) {
    let mut left = limits::DISCARDED_BYTES;
    let taken = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever takes longer has had their time.
    let _ = timeout(limits::BODY_TIME, taken).await;
}

/// What one body holds of the budget; given back when it was read or given up.
struct Share<'a> {
    budget: &'a Budget,
    taken: usize,
}

impl Share<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), Rejection> {
        let taken = self
            .budget
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            });
        if taken.is_err() {
            return Err(Rejection {
                status: StatusCode::SERVICE_UNAVAILABLE,
                why: Rejected::Busy,
                message: "too many reviews are being received".to_owned(),
            });
        }
        self.taken += bytes;
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn bodies_share_one_budget_and_give_it_back() {
        let budget = Budget::new(10);
        assert_eq!(
            budget.read(Body::from("0123456789")).await.unwrap(),
            "0123456789"
        );
        assert_eq!(budget.left.load(Ordering::Relaxed), 10);
        let refused = budget.read(Body::from("0123456789a")).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(budget.left.load(Ordering::Relaxed), 10);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let budget = Budget::new(limits::BODIES_BYTES);
        let most = vec![b' '; limits::BODY_BYTES];
        assert_eq!(
            budget.read(Body::from(most.clone())).await.unwrap().len(),
            most.len()
        );
        let more = vec![b' '; limits::BODY_BYTES + 1];
        let refused = budget.read(Body::from(more)).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let budget = Budget::new(10);
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let refused = budget.read(Body::from_stream(never)).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(refused.message, "the body did not come within 5 s");
    }

    #[tokio::test]
    async fn what_is_left_of_a_refused_body_is_taken_but_not_without_end() {
        let budget = Budget::new(limits::BODIES_BYTES);
        let taken = |pieces: usize| {
            let (budget, taken) = (&budget, Arc::new(AtomicUsize::new(0)));
            async move {
                let count = Arc::clone(&taken);
                let piece = Bytes::from(vec![b' '; 1024 * 1024]);
                let all = futures_util::stream::iter(0..pieces).map(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, std::io::Error>(piece.clone())
                });
                let refused = budget.read(Body::from_stream(all)).await.unwrap_err();
                assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
                taken.load(Ordering::Relaxed)
            }
        };
        assert_eq!(taken(8).await, 8);
        // Four until it is too large, sixteen and the one that is too many.
        assert_eq!(taken(100).await, 21);
        assert_eq!(budget.left.load(Ordering::Relaxed), limits::BODIES_BYTES);
    }
}
