//! What browsers hear, encoded once in the form it has on the wire.

use bytes::Bytes;
use websocket::encode;

use crate::event::ServerFrame;

/// One thing to hear. Clones share its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Header and text, ready to be written to any socket.
    pub wire: Bytes,
    /// Its place in the event log, when it has one.
    pub seq: Option<i64>,
}

impl Frame {
    /// Encodes what is to be said.
    #[must_use]
    pub fn new(frame: &ServerFrame) -> Self {
        Self { wire: encode::text_message(&frame.to_json()), seq: frame.position().map(|(seq, _)| seq) }
    }
}
