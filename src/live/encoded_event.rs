//! What browsers hear, encoded once in the form it has on the wire.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::ServerEvent;

/// The first byte of a WebSocket's text message in one piece (RFC 6455, section 5.2).
const WHOLE_TEXT: u8 = 0x81;

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
    pub fn new(frame: &ServerEvent) -> Self {
        Self { wire: text_message(frame.to_json().as_bytes()), seq: frame.position().map(|(seq, _)| seq) }
    }
}

/// A whole text message as a server sends it: unmasked, its length in as few bytes as hold it.
fn text_message(text: &[u8]) -> Bytes {
    let mut wire = BytesMut::with_capacity(text.len() + 10);
    wire.put_u8(WHOLE_TEXT);
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ ..126), _) => wire.put_u8(length),
        (_, Ok(length)) => {
            wire.put_u8(126);
            wire.put_u16(length);
        }
        _ => {
            wire.put_u8(127);
            wire.put_u64(text.len() as u64);
        }
    }
    wire.put_slice(text);
    wire.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_few_bytes_as_they_need() {
        let head = |length: usize| text_message(&vec![b'a'; length])[..10.min(length + 2)].to_vec();
        assert_eq!(head(0), [0x81, 0]);
        assert_eq!(head(125)[..3], [0x81, 125, b'a']);
        assert_eq!(head(126)[..5], [0x81, 126, 0, 126, b'a']);
        assert_eq!(head(65_535)[..5], [0x81, 126, 255, 255, b'a']);
        assert_eq!(head(65_536)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(text_message(&[b'a'; 70_000]).len(), 70_010);
    }
}
