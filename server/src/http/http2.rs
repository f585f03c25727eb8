//! HTTP/2: a connection with many requests under way, which ends when it is idle or when its client accepts nothing.
//!
//! A client of HTTP/1.1 that accepts nothing stops the connection, which [`Timed`](super::timed::Timed) ends. A client of
//! HTTP/2 can keep the connection going and accept nothing of a response (RFC 9113, section 5.2), so what of each is not
//! sent yet is counted here. Nothing else than a piece of a response that is taken renews its time. Requests that go on
//! beside one that stalls are answered, and then the connection ends: new ones get another connection.

use std::collections::BTreeMap;
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
    /// Requests whose responses are not sent completely, by number.
    open: BTreeMap<u64, Response>,
    next_number: u64,
    /// Since when no request is under way, if none is.
    idle_since: Instant,
    /// Whether the connection is to take no more requests.
    is_refused: bool,
    /// Since when it takes no more.
    draining_since: Option<Instant>,
}

#[derive(Debug)]
struct Response {
    began_at: Instant,
    /// Pieces that are not sent.
    unsent_count: usize,
    /// When the client last accepted one of its pieces, or the first that waits was produced.
    since: Instant,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No request was under way for too long.
    Idle,
    /// The client has accepted nothing for too long of any response that is under way.
    Stalled,
    /// It has accepted nothing of a response for too long, beside requests that go on: they are answered, and no others.
    Hindered,
    /// The connection is one too many.
    Refused,
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            open: BTreeMap::new(),
            next_number: 0,
            idle_since: clock::monotonic(),
            is_refused: false,
            draining_since: None,
        })))
    }
}

impl Streams {
    /// Notes a request.
    #[must_use]
    pub fn begin(&self) -> Open {
        let now = clock::monotonic();
        let mut state = self.lock();
        let number = state.next_number;
        state.next_number += 1;
        state.open.insert(number, Response { began_at: now, unsent_count: 0, since: now });
        drop(state);
        Open { streams: self.clone(), number }
    }

    /// Lets the connection end once what is under way is answered.
    pub fn refuse(&self) {
        self.lock().is_refused = true;
    }

    /// Notes that the client was told to send no more requests on this connection.
    pub fn drain(&self) {
        self.lock().draining_since.get_or_insert_with(clock::monotonic);
    }

    /// Waits until the connection is to end.
    pub async fn ended(&self, limits: &Limits, idle_timeout: Duration) -> End {
        // A timer that looks now and then instead of one that every frame sets anew.
        let mut looks = tokio::time::interval((idle_timeout.min(limits.write_timeout) / 4).max(MIN_LOOK_INTERVAL));
        loop {
            looks.tick().await;
            if let Some(end) = self.lock().end(clock::monotonic(), limits.write_timeout, idle_timeout) {
                return end;
            }
        }
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Response)) {
        if let Some(response) = self.lock().open.get_mut(&number) {
            change(response);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&self, now: Instant, write_timeout: Duration, idle_timeout: Duration) -> Option<End> {
        let lasts = |since: Instant, time: Duration| now.saturating_duration_since(since) >= time;
        if self.open.is_empty() && lasts(self.idle_since, idle_timeout) {
            return Some(End::Idle);
        }
        let is_stalled = |response: &Response| response.unsent_count > 0 && lasts(response.since, write_timeout);
        // A client that goes on with requests after it was told not to gains no time by them.
        let is_late =
            |response: &Response| self.draining_since.is_some_and(|since| response.began_at >= since + write_timeout);
        if self.open.values().any(is_stalled) {
            if self.open.values().all(|response| is_stalled(response) || is_late(response)) {
                return Some(End::Stalled);
            }
            if self.draining_since.is_none() {
                return Some(End::Hindered);
            }
        }
        (self.is_refused && self.draining_since.is_none()).then_some(End::Refused)
    }
}

/// A request under way, until its response is sent.
#[derive(Debug)]
pub struct Open {
    streams: Streams,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.streams.lock();
        state.open.remove(&self.number);
        if state.open.is_empty() {
            state.idle_since = clock::monotonic();
        }
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
        open.streams.change(open.number, |response| {
            if response.unsent_count == 0 {
                response.since = clock::monotonic();
            }
            response.unsent_count += 1;
        });
        Self { bytes, open }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.open.streams.change(self.open.number, |response| {
            response.unsent_count -= 1;
            response.since = clock::monotonic();
        });
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

    /// A response of which nothing is accepted.
    async fn stalled(streams: &Streams) -> (Body, Frame<Bytes>) {
        let mut body = streams.begin().hold(Body::from(vec![7; 2 * PIECE_BYTES]));
        let piece = body.frame().await.unwrap().unwrap();
        (body, piece)
    }

    #[tokio::test]
    async fn a_stalled_response_ends_the_connection_after_requests_that_go_on() {
        let write_timeout = Duration::from_millis(20);
        let limits = Limits { write_timeout, ..Limits::default() };
        let streams = Streams::default();
        let _stalled = stalled(&streams).await;
        let uploading = streams.begin();
        let idle_timeout = Duration::from_secs(3_600);
        assert_eq!(streams.ended(&limits, idle_timeout).await, End::Hindered);
        streams.drain();
        let ended = tokio::time::timeout(write_timeout * 10, streams.ended(&limits, idle_timeout)).await;
        assert!(ended.is_err(), "the upload goes on: {ended:?}");
        let _late = streams.begin();
        drop(uploading);
        assert_eq!(streams.ended(&limits, idle_timeout).await, End::Stalled);
    }

    #[tokio::test]
    async fn other_requests_give_a_stalled_response_no_more_time() {
        let limits = Limits { write_timeout: Duration::from_millis(100), ..Limits::default() };
        let streams = Streams::default();
        let _stalled = stalled(&streams).await;
        let requests = async {
            loop {
                drop(streams.begin());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let end = tokio::select! {
            end = streams.ended(&limits, Duration::from_secs(3_600)) => Some(end),
            () = requests => None,
            () = tokio::time::sleep(Duration::from_secs(20)) => None,
        };
        assert_eq!(end, Some(End::Stalled));
    }
}
