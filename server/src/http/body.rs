//! Request bodies that must arrive in time.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use campfire::clock;
use http_body::{Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Sleep, sleep_until};

use super::limits::Limits;

/// The body did not arrive in time.
#[derive(Clone, Copy, Debug, Error)]
#[error("the request's body arrived too slowly")]
pub struct BodyTooSlow;

impl BodyTooSlow {
    /// Whether this is the cause of `error`.
    #[must_use]
    pub fn caused(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// A body that fails with [`BodyTooSlow`] when it arrives more slowly than the [`Limits`] allow, on average or in total.
struct TimedBody {
    body: Body,
    limits: Limits,
    started_at: Instant,
    received_bytes: u64,
    /// Set while nothing has arrived, for the deadline of what has arrived so far.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The body with a deadline.
pub fn in_time(body: Body, limits: &Limits) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let started_at = clock::monotonic();
    Body::new(TimedBody { body, limits: *limits, started_at, received_bytes: 0, sleep: None })
}

impl TimedBody {
    /// When the next part must have arrived.
    fn deadline(&self) -> Instant {
        let seconds = self.received_bytes / u64::from(self.limits.body_bytes_per_second.max(1));
        let allowed = self.limits.body_grace.saturating_add(Duration::from_secs(seconds));
        self.started_at + allowed.min(self.limits.body_timeout)
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.sleep = None;
            let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
            self.received_bytes = self.received_bytes.saturating_add(bytes as u64);
            return Poll::Ready(frame);
        }
        let deadline = self.deadline();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        sleep.as_mut().poll(context).map(|()| Some(Err(axum::Error::new(BodyTooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    /// A body of parts of `bytes` bytes, the next one after `pause`, without an end.
    fn dripping(bytes: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(vec![b'x'; bytes]), ()))
        }))
    }

    async fn is_too_slow(body: Body, limits: &Limits) -> bool {
        BodyTooSlow::caused(&in_time(body, limits).collect().await.expect_err("the body has no end"))
    }

    #[tokio::test]
    async fn silent_dripping_and_endless_bodies_fail() {
        let short = Duration::from_millis(50);
        let long = Duration::from_secs(60);
        let by_rate = Limits { body_grace: short, body_timeout: long, ..Limits::default() };
        assert!(is_too_slow(dripping(1, long), &by_rate).await);
        assert!(is_too_slow(dripping(1, Duration::from_millis(1)), &by_rate).await);
        let by_total = Limits { body_grace: long, body_timeout: short, ..Limits::default() };
        assert!(is_too_slow(dripping(64 * 1024, Duration::from_millis(5)), &by_total).await);
    }

    #[tokio::test]
    async fn a_body_at_the_least_rate_arrives() {
        let limits = Limits { body_grace: Duration::from_millis(100), ..Limits::default() };
        let parts = stream::unfold(0, |count| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            (count < 20).then(|| (Ok::<_, std::io::Error>(vec![b'x'; 4 * 1024]), count + 1))
        });
        let body = in_time(Body::from_stream(parts), &limits).collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), 80 * 1024);
    }
}
