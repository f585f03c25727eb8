//! The server's end of a WebSocket (RFC 6455).
//!
//! - [`Handshake`] turns an HTTP/1.1 request into a [`WebSocket`].
//! - [`Parser`] turns received bytes into [`Message`]s. It does no I/O and knows nothing of HTTP.
//! - [`encode`] makes the frames that are sent.
//! - [`Transport`] writes encoded frames to a connection; [`Tcp`] is the real one, with TLS or
//!   without.
//!
//! Written for many connections that are idle most of the time, and for messages that go to many of them:
//!
//! - A message is encoded once. Its frame can be written to any number of connections, because a server does not mask.
//! - Any task may write to a connection without waking the task that reads from it ([`Transport::try_write`]).
//! - A connection between two messages holds no buffer. While a message arrives, [`Parser`] holds at most the caller's
//!   limit plus [`MAX_FRAME_OVERHEAD`].
//!
//! # What is left out
//!
//! - The client's end.
//! - Extensions, `permessage-deflate` among them, and subprotocols: none is negotiated, so a set reserved bit is an error.
//! - Sending binary or fragmented messages. Both are received.
//! - Policy: keep-alive pings, time limits (that of [`WebSocket::linger`] included), rate limits, queues and `Origin` checks belong to the caller, as does the
//!   answer to a [`Message::Ping`] or [`Message::Close`], which must not overtake a frame that is half written.
//!
//! # Tests
//!
//! `tests/suite/conformance.rs` has the cases of the Autobahn test suite that apply, by their numbers. `fuzz/` is a cargo-fuzz
//! package outside this workspace; it needs a nightly toolchain and `cargo install cargo-fuzz`:
//!
//! ```sh
//! cd crates/websocket && cargo +nightly fuzz run parser
//! ```

mod close_code;
pub mod encode;
mod frame;
mod handshake;
mod incoming;
mod message;
mod parser;
mod socket;
mod tls;
mod transport;

pub use close_code::CloseCode;
pub use handshake::{Handshake, Refusal};
pub use incoming::MAX_FRAGMENTS;
pub use message::Message;
pub use parser::{MAX_FRAME_OVERHEAD, Parser};
pub use socket::WebSocket;
pub use transport::{Tcp, Transport};
