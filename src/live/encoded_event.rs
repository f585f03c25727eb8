//! A server event encoded once as a WebSocket frame, shared by all the sockets that receive it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::ServerEvent;

/// The first byte of an unfragmented text frame: FIN set, opcode 1 (RFC 6455, section 5.2).
const FINAL_TEXT_FRAME: u8 = 0x81;

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
        Self { bytes: text_frame(event.to_json().as_bytes()), seq: event.position().map(|(seq, _)| seq) }
    }
}

/// An unfragmented text frame as servers send it: unmasked, with the shortest encoding of the payload length.
fn text_frame(text: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(text.len() + 10);
    bytes.put_u8(FINAL_TEXT_FRAME);
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ ..126), _) => bytes.put_u8(length),
        (_, Ok(length)) => {
            bytes.put_u8(126);
            bytes.put_u16(length);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(text.len() as u64);
        }
    }
    bytes.put_slice(text);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_lengths_use_the_shortest_encoding() {
        let head = |length: usize| text_frame(&vec![b'a'; length])[..10.min(length + 2)].to_vec();
        assert_eq!(head(0), [0x81, 0]);
        assert_eq!(head(125)[..3], [0x81, 125, b'a']);
        assert_eq!(head(126)[..5], [0x81, 126, 0, 126, b'a']);
        assert_eq!(head(65_535)[..5], [0x81, 126, 255, 255, b'a']);
        assert_eq!(head(65_536)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(text_frame(&[b'a'; 70_000]).len(), 70_010);
    }
}
