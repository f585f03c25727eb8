//! HTTP/2: a connection with many requests under way, which ends when it is idle or when its client accepts nothing.
//!
//! A client of HTTP/1.1 that accepts nothing stops the connection, which [`Timed`](super::timed::Timed) ends. A client of
//! HTTP/2 can keep the connection going and accept nothing of the responses (RFC 9113, section 5.2), so what of them is
//! not sent yet is counted here.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderValue, Request, header};
use bytes::Bytes;
use campfire::clock;
use http_body::{Frame, SizeHint};
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::limits::Limits;

/// How ALPN calls the protocol (RFC 9113, section 3.2).
pub const ALPN: &[u8] = b"h2";

/// How many requests of a connection may be under way, as of a person.
const MAX_STREAMS: u32 = 64;

/// How much of a request's body may be sent ahead of its reader, and of all bodies of a connection, in bytes.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// How much of a response is taken ahead of its client, in bytes.
const SEND_BYTES: usize = 64 * 1024;

/// What is noted as sent at once, in bytes: a frame.
const PIECE_BYTES: usize = 16 * 1024;

/// The shortest time between two looks at whether a connection is to end.
const MIN_LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Serves connections of HTTP/2, whose heads have at most `max_head_bytes`.
#[must_use]
pub fn builder(max_head_bytes: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BYTES)
        .max_header_list_size(max_head_bytes);
    builder
}

/// Gives a request the form that those of HTTP/1.1 have: the host in `Host`, and a target without it.
///
/// If both name a host and they differ, there are two, which is refused like two headers (RFC 9113, section 8.3.1).
pub fn normalise<B>(request: &mut Request<B>) {
    let uri = std::mem::take(request.uri_mut());
    let parts = uri.into_parts();
    let host = parts.authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host
        && request.headers().get_all(header::HOST).iter().ne([&host])
    {
        request.headers_mut().append(header::HOST, host);
    }
    let target = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
}

/// What a connection has under way. Clones share it.
#[derive(Clone, Debug)]
pub struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Requests whose responses are not sent completely.
    open_count: usize,
    /// Pieces of responses that are not sent.
    unsent_count: usize,
    /// When the state of rest or of waiting began, or the client last accepted something.
    since: Instant,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No request was under way for too long.
    Idle,
    /// The client has accepted nothing for too long.
    Stalled,
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { open_count: 0, unsent_count: 0, since: clock::monotonic() })))
    }
}

impl Streams {
    /// Notes a request.
    #[must_use]
    pub fn begin(&self) -> Open {
        let mut state = self.lock();
        state.open_count += 1;
        state.since = clock::monotonic();
        Open(self.clone())
    }

    /// Waits until the connection is to end: it stalls, or nothing is under way for `idle_timeout`.
    pub async fn ended(&self, limits: &Limits, idle_timeout: Duration) -> End {
        // A timer that looks now and then instead of one that every frame sets anew.
        let mut looks = tokio::time::interval((idle_timeout.min(limits.write_timeout) / 4).max(MIN_LOOK_INTERVAL));
        loop {
            looks.tick().await;
            let state = self.lock();
            let duration = clock::monotonic().saturating_duration_since(state.since);
            if state.unsent_count > 0 && duration >= limits.write_timeout {
                return End::Stalled;
            }
            if state.open_count == 0 && duration >= idle_timeout {
                return End::Idle;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way, until its response is sent.
#[derive(Debug)]
pub struct Open(Streams);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open_count -= 1;
        state.since = clock::monotonic();
    }
}

impl Open {
    /// A body whose bytes count as unsent from when they are produced until they are sent.
    pub fn hold(self, body: Body) -> Body {
        Body::new(Sent { body, rest: Bytes::new(), open: Arc::new(self) })
    }
}

struct Sent {
    body: Body,
    /// What was produced and not handed on.
    rest: Bytes,
    open: Arc<Open>,
}

/// Bytes of a response. They are dropped when they are written to the connection, or the stream ends.
struct Piece {
    bytes: Bytes,
    open: Arc<Open>,
}

impl Piece {
    fn new(bytes: Bytes, open: Arc<Open>) -> Self {
        let mut state = open.0.lock();
        if state.unsent_count == 0 {
            state.since = clock::monotonic();
        }
        state.unsent_count += 1;
        drop(state);
        Self { bytes, open }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut state = self.open.0.lock();
        state.unsent_count -= 1;
        state.since = clock::monotonic();
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = Piece::new(self.rest.split_to(length), self.open.clone());
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn normalised(uri: &str, hosts: &[&'static str]) -> (String, Vec<String>) {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let mut request = request.body(()).unwrap();
        normalise(&mut request);
        let hosts = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap().to_owned());
        (request.uri().to_string(), hosts.collect())
    }

    #[test]
    fn a_request_has_the_form_of_the_older_protocol() {
        let host = |text: &str| vec![text.to_owned()];
        assert_eq!(normalised("https://chat.example/a?b=c", &[]), ("/a?b=c".into(), host("chat.example")));
        assert_eq!(normalised("https://chat.example:8443", &[]), ("/".into(), host("chat.example:8443")));
        assert_eq!(normalised("https://chat.example/", &["chat.example"]), ("/".into(), host("chat.example")));
        assert_eq!(normalised("/a", &["chat.example"]), ("/a".into(), host("chat.example")));
        let (_, hosts) = normalised("https://chat.example/", &["other.example"]);
        assert_eq!(hosts, ["other.example", "chat.example"], "two hosts are refused later");
    }

    #[tokio::test]
    async fn a_response_is_under_way_until_its_last_byte_is_sent() {
        let limits = Limits { write_timeout: Duration::from_millis(20), ..Limits::default() };
        let streams = Streams::default();
        let page = vec![7; 2 * PIECE_BYTES + 1];
        let mut body = streams.begin().hold(Body::from(page.clone()));
        assert_eq!(body.size_hint().exact(), Some(page.len() as u64));
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        drop(body);
        assert_eq!(pieces.concat(), page);
        assert_eq!(pieces.len(), 3);
        assert_eq!(streams.ended(&limits, Duration::from_secs(3_600)).await, End::Stalled);
        drop(pieces);
        assert_eq!(streams.ended(&limits, Duration::from_millis(20)).await, End::Idle);
    }
}
