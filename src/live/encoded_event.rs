//! What browsers hear, encoded once in the form it has on the wire.

use bytes::Bytes;
use websocket::encode;

use crate::protocol::ServerEvent;

/// One thing to hear. Clones share its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// Header and text, ready to be written to any socket.
    pub wire: Bytes,
    /// Its place in the event log, when it has one.
    pub seq: Option<i64>,
}

impl EncodedEvent {
    /// Encodes what is to be said.
    #[must_use]
    pub fn new(event: &ServerEvent) -> Self {
        Self { wire: encode::text_message(&event.to_json()), seq: event.position().map(|(seq, _)| seq) }
    }
}
