//! A server event encoded once as a WebSocket frame, shared by all the sockets that receive it.

use bytes::Bytes;
use websocket::encode;

use crate::protocol::ServerEvent;

/// A [`ServerEvent`] encoded as a WebSocket frame. Clones share its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The whole frame, header and payload, ready to be written to any socket.
    pub bytes: Bytes,
    /// The event's position in the event log; `None` for events that are not logged.
    pub seq: Option<i64>,
}

impl EncodedEvent {
    /// Encodes `event` as JSON in one text frame.
    #[must_use]
    pub fn new(event: &ServerEvent) -> Self {
        Self { bytes: encode::text_message(&event.to_json()), seq: event.position().map(|(seq, _)| seq) }
    }
}
