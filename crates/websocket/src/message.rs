//! What a peer sends.

use crate::CloseCode;

/// A message or control frame, received whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
    /// To be answered with [`encode::pong`](crate::encode::pong) of the same bytes, at most 125.
    Ping(Vec<u8>),
    /// The answer to a ping, or a sign of life nobody asked for. Needs no answer.
    Pong(Vec<u8>),
    /// The peer sends nothing after this. To be answered with [`encode::close_reply`](crate::encode::close_reply) of the
    /// same code, `None` if the peer gave none; then the connection is dropped.
    Close(Option<CloseCode>),
}
