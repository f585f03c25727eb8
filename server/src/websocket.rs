//! The server's end of a WebSocket (RFC 6455), as much as the live protocol needs of it.
//!
//! Our own because of what it leaves out: frames go out in the form in which the hub encoded them, written by whoever
//! has them straight to the socket, and a socket that waits, as ten thousand do most of the time, holds no buffer.

use std::io::{self, IoSlice};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use campfire::live::Transport;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use sha1::{Digest, Sha1};
use socket2::SockRef;
use tokio::net::TcpStream;

/// What a browser's key is answered with (RFC 6455, section 1.3).
const ACCEPTED: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How much the kernel may hold of what one browser has not read, in bytes. Beyond that it waits with us, where it is
/// bounded and shared; left to itself the kernel keeps megabytes for each of them.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How many pieces a message may come in. Browsers send one as small as ours whole; how often a page may say something is
/// counted in whole messages.
const MOST_PIECES: usize = 16;

/// How much is read at once, in bytes: far more than a page says.
const READ_BYTES: usize = 4 * 1024;

/// Why a socket is closed, in numbers (RFC 6455, section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    Normal = 1000,
    Away = 1001,
    Protocol = 1002,
    Unsupported = 1007,
    Policy = 1008,
    TooLarge = 1009,
}

/// A request that asks for a WebSocket.
pub struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// Reads it.
    ///
    /// # Errors
    /// Why there is none: it asks for something else, or in a way we do not know.
    pub fn of(request: &mut Request) -> Result<Self, Refusal> {
        let headers = request.headers();
        let says = |name, wanted: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
        };
        let asks = request.method() == Method::GET
            && says(header::CONNECTION, "upgrade")
            && says(header::UPGRADE, "websocket");
        if !asks || !says(header::SEC_WEBSOCKET_VERSION, "13") {
            return Err(Refusal::NotAsked);
        }
        let accept = headers.get(header::SEC_WEBSOCKET_KEY).and_then(accept_of).ok_or(Refusal::NoKey)?;
        let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(Refusal::NotAsked)?;
        Ok(Self { accept, upgrade })
    }

    /// The answer, after which `serve` has the socket.
    pub fn answer<F>(self, serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { accept, upgrade } = self;
        tokio::spawn(async move {
            match upgrade.await {
                Ok(upgraded) => {
                    if let Some(socket) = WebSocket::of(upgraded) {
                        // Boxed: what is moved in is small, and only what runs should be held.
                        Box::pin(serve(socket)).await;
                    }
                }
                Err(error) => tracing::debug!(%error, "a connection did not become a socket"),
            }
        });
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
    }
}

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotAsked,
    NoKey,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotAsked => {
                let hints = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, hints, "This is a WebSocket: open it as one.\n").into_response()
            }
            Self::NoKey => (StatusCode::BAD_REQUEST, "The WebSocket's key is missing.\n").into_response(),
        }
    }
}

fn accept_of(key: &HeaderValue) -> Option<HeaderValue> {
    let mut hasher = Sha1::new();
    hasher.update(key.as_bytes());
    hasher.update(ACCEPTED);
    HeaderValue::from_str(&base64::engine::general_purpose::STANDARD.encode(hasher.finalize())).ok()
}

/// What a browser said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Text(String),
    /// A sign of life that wants to be answered with the same bytes.
    Ping(Vec<u8>),
    /// Bytes, or the answer to a sign of life: nothing of ours.
    Other,
    Close,
}

/// An open socket: what is written to it from anywhere, and what has been read of it.
pub struct WebSocket {
    wire: Arc<Tcp>,
    parser: Parser,
}

/// The connection, which can be written to from anywhere.
#[derive(Debug)]
pub struct Tcp(TcpStream);

impl Tcp {
    /// Waits until it can be written to; `false` when the browser is gone.
    pub async fn writable(&self) -> bool {
        self.0.writable().await.is_ok()
    }
}

impl Transport for Tcp {
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        // Past tokio: its note of what is ready is elsewhere in memory, and a thousand of them take half a millisecond.
        let socket = SockRef::from(&self.0);
        let written = match pieces {
            [piece] => socket.send(piece),
            _ => socket.send_vectored(pieces),
        };
        match written {
            // Now it must know, to say when there is room again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.0.try_write_vectored(pieces),
            written => written,
        }
    }
}

impl WebSocket {
    fn of(upgraded: Upgraded) -> Option<Self> {
        let parts = downcast::<TokioIo<TcpStream>>(upgraded).ok()?;
        let stream = parts.io.into_inner();
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "a socket keeps its buffer");
        }
        let parser = Parser { unread: parts.read_buf.to_vec(), ..Parser::default() };
        Some(Self { wire: Arc::new(Tcp(stream)), parser })
    }

    /// The connection, to write to.
    #[must_use]
    pub fn transport(&self) -> Arc<Tcp> {
        self.wire.clone()
    }

    /// What the browser says next, if that has arrived.
    ///
    /// # Errors
    /// Why the socket must be closed: what arrived is no message a browser sends, or larger than `limit` bytes.
    pub fn next(&mut self, limit: usize) -> Result<Option<Message>, CloseCode> {
        self.parser.next(limit)
    }

    /// Waits until more has arrived, and takes it in; `false` when the browser is gone.
    pub async fn hear(&mut self) -> bool {
        loop {
            if self.wire.0.readable().await.is_err() {
                return false;
            }
            match self.take_in() {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
    }

    fn take_in(&mut self) -> io::Result<usize> {
        // On the stack, and for this moment: a buffer in each socket would be most of what it takes.
        let mut piece = [0; READ_BYTES];
        let count = self.wire.0.try_read(&mut piece)?;
        self.parser.unread.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

/// The frame that ends a socket's stream, and says why.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> Vec<u8> {
    control(0x8, &[&(code as u16).to_be_bytes(), reason.as_bytes()].concat())
}

/// A control frame, which holds at most 125 bytes.
#[must_use]
pub fn control(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(125)];
    let mut frame = vec![0x80 | opcode, u8::try_from(payload.len()).unwrap_or(125)];
    frame.extend_from_slice(payload);
    frame
}

/// From bytes to messages. Empty, and without memory of its own, between messages.
#[derive(Debug, Default)]
struct Parser {
    unread: Vec<u8>,
    /// A message that has come in pieces so far.
    pieces: Option<Pieces>,
}

#[derive(Debug)]
struct Pieces {
    is_text: bool,
    payload: Vec<u8>,
    count: usize,
}

impl Parser {
    fn next(&mut self, limit: usize) -> Result<Option<Message>, CloseCode> {
        loop {
            let Some((head, payload)) = self.frame(limit)? else { return Ok(None) };
            let message = match (head.opcode, self.pieces.take()) {
                (0x8, _) => Message::Close,
                (0x9, pieces) => {
                    self.pieces = pieces;
                    Message::Ping(payload)
                }
                (0xA, pieces) => {
                    self.pieces = pieces;
                    Message::Other
                }
                (0x1 | 0x2, None) if head.whole => message(head.opcode == 0x1, payload)?,
                (0x1 | 0x2, None) => {
                    self.pieces = Some(Pieces { is_text: head.opcode == 0x1, payload, count: 1 });
                    continue;
                }
                (0x0, Some(mut pieces)) => {
                    pieces.count += 1;
                    if pieces.payload.len() + payload.len() > limit || pieces.count > MOST_PIECES {
                        return Err(CloseCode::TooLarge);
                    }
                    pieces.payload.extend_from_slice(&payload);
                    if !head.whole {
                        self.pieces = Some(pieces);
                        continue;
                    }
                    message(pieces.is_text, pieces.payload)?
                }
                _ => return Err(CloseCode::Protocol),
            };
            return Ok(Some(message));
        }
    }

    /// The next frame, unmasked, if all of it has arrived.
    fn frame(&mut self, limit: usize) -> Result<Option<(Head, Vec<u8>)>, CloseCode> {
        let [first, second, rest @ ..] = &self.unread[..] else { return Ok(None) };
        let head = Head { whole: first & 0x80 != 0, opcode: first & 0x0f };
        let (masked, short) = (second & 0x80 != 0, second & 0x7f);
        let is_control = head.opcode >= 0x8;
        // A browser masks everything, and nobody agreed on an extension.
        if !masked || first & 0x70 != 0 || (is_control && (short > 125 || !head.whole)) {
            return Err(CloseCode::Protocol);
        }
        let (length, rest) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest),
            (126 | 127, _) => return Ok(None),
            (short, rest) => (u64::from(short), rest),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= limit).ok_or(CloseCode::TooLarge)?;
        let [k0, k1, k2, k3, rest @ ..] = rest else { return Ok(None) };
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let key = [*k0, *k1, *k2, *k3];
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let end = self.unread.len() - rest.len() + length;
        self.unread.drain(..end);
        if self.unread.is_empty() {
            self.unread = Vec::new();
        }
        Ok(Some((head, payload)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Head {
    /// The last, or only, frame of its message.
    whole: bool,
    opcode: u8,
}

fn message(is_text: bool, payload: Vec<u8>) -> Result<Message, CloseCode> {
    if !is_text {
        return Ok(Message::Other);
    }
    String::from_utf8(payload).map(Message::Text).map_err(|_| CloseCode::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1_000;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        let key = [1, 2, 3, 250];
        frame.extend_from_slice(&key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn parse(bytes: &[u8]) -> Result<Vec<Message>, CloseCode> {
        let mut parser = Parser::default();
        let mut messages = Vec::new();
        for byte in bytes {
            parser.unread.push(*byte);
            messages.extend(parser.next(LIMIT)?);
        }
        Ok(messages)
    }

    fn text(text: &str) -> Message {
        Message::Text(text.to_owned())
    }

    #[test]
    fn the_handshake_is_that_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_of(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn messages_come_whole_however_they_arrive() {
        let long = "ä".repeat(200);
        let bytes = [masked(0x81, b"hello"), masked(0x81, long.as_bytes()), masked(0x81, b"")].concat();
        let wanted = [text("hello"), text(&long), text("")];
        assert_eq!(parse(&bytes).unwrap(), wanted, "byte by byte");
        let mut parser = Parser { unread: bytes, ..Parser::default() };
        let all: Vec<_> = std::iter::from_fn(|| parser.next(LIMIT).unwrap()).collect();
        assert_eq!(all, wanted, "all at once");
        assert_eq!(parser.unread.capacity(), 0, "nothing is kept");
    }

    #[test]
    fn a_message_in_pieces_lets_signs_of_life_through() {
        let bytes = [masked(0x01, b"he"), masked(0x89, b"there?"), masked(0x00, b"l"), masked(0x80, b"lo")].concat();
        assert_eq!(parse(&bytes).unwrap(), [Message::Ping(b"there?".to_vec()), text("hello")]);
        let pieces = [masked(0x01, b"a"), masked(0x00, b"a").repeat(MOST_PIECES - 2), masked(0x80, b"a")].concat();
        assert_eq!(parse(&pieces).unwrap(), [text(&"a".repeat(MOST_PIECES))]);
        assert_eq!(parse(&masked(0x82, &[255])).unwrap(), [Message::Other]);
        assert_eq!(parse(&masked(0x8a, b"")).unwrap(), [Message::Other]);
        assert_eq!(parse(&masked(0x88, &[3, 232])).unwrap(), [Message::Close]);
    }

    #[test]
    fn what_no_browser_sends_ends_the_socket() {
        for (bytes, code) in [
            (vec![0x81, 0x01, b'a'], CloseCode::Protocol),
            (masked(0xc1, b"a"), CloseCode::Protocol),
            (masked(0x83, b"a"), CloseCode::Protocol),
            (masked(0x80, b"a"), CloseCode::Protocol),
            (masked(0x09, b"a"), CloseCode::Protocol),
            (masked(0x89, &[0; 126]), CloseCode::Protocol),
            ([masked(0x01, b"a"), masked(0x01, b"a")].concat(), CloseCode::Protocol),
            (masked(0x81, &[0xff]), CloseCode::Unsupported),
            (masked(0x81, &[b'a'; LIMIT + 1]), CloseCode::TooLarge),
            ([masked(0x01, &[b'a'; LIMIT]), masked(0x80, b"a")].concat(), CloseCode::TooLarge),
            ([masked(0x01, b""), masked(0x00, b"").repeat(MOST_PIECES)].concat(), CloseCode::TooLarge),
            (vec![0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255], CloseCode::TooLarge),
        ] {
            assert_eq!(parse(&bytes), Err(code), "{:?}", &bytes[..bytes.len().min(12)]);
        }
    }

    #[test]
    fn nonsense_never_panics() {
        let mut seed = 7_u64;
        for _ in 0..2_000 {
            let mut bytes = vec![0; 64];
            for byte in &mut bytes {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (seed >> 33) as u8;
            }
            let _ = parse(&bytes);
        }
    }
}
