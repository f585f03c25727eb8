//! Frames as a server sends them: whole and unmasked, so that the same bytes can go to any number of connections.

use bytes::{BufMut, Bytes, BytesMut};

use crate::CloseCode;
use crate::frame::{FINAL, LENGTH_16, LENGTH_64, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode};

/// A text message.
#[must_use]
pub fn text_message(text: &str) -> Bytes {
    frame(Opcode::Text, text.as_bytes())
}

/// A ping, which the peer answers with a pong of the same bytes: the first 125 of `payload`.
#[must_use]
pub fn ping(payload: &[u8]) -> Bytes {
    frame(Opcode::Ping, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)])
}

/// The answer to a ping with this payload, of which it holds the first 125 bytes.
#[must_use]
pub fn pong(payload: &[u8]) -> Bytes {
    frame(Opcode::Pong, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)])
}

/// A close frame: the last one to send. At most 123 bytes of `reason` fit, whole characters only.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(MAX_CONTROL_PAYLOAD - 2)];
    frame(Opcode::Close, &[&code.get().to_be_bytes(), reason.as_bytes()].concat())
}

/// The answer to a [`Message::Close`](crate::Message::Close): the peer's own code, or none if it gave none (RFC 6455,
/// section 5.5.1). The last frame to send.
#[must_use]
pub fn close_reply(code: Option<CloseCode>) -> Bytes {
    code.map_or_else(|| frame(Opcode::Close, &[]), |code| close(code, ""))
}

/// Header and payload, the length in as few bytes as hold it.
fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + MAX_HEADER);
    frame.put_u8(FINAL | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..LENGTH_16), _) => frame.put_u8(length),
        (_, Ok(length)) => {
            frame.put_u8(LENGTH_16);
            frame.put_u16(length);
        }
        _ => {
            frame.put_u8(LENGTH_64);
            frame.put_u64(payload.len() as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_few_bytes_as_they_need() {
        let head = |length: usize| text_message(&"a".repeat(length))[..10.min(length + 2)].to_vec();
        assert_eq!(head(0), [0x81, 0]);
        assert_eq!(head(125)[..3], [0x81, 125, b'a']);
        assert_eq!(head(126)[..5], [0x81, 126, 0, 126, b'a']);
        assert_eq!(head(65_535)[..5], [0x81, 126, 255, 255, b'a']);
        assert_eq!(head(65_536)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(text_message(&"a".repeat(70_000)).len(), 70_010);
    }

    #[test]
    fn control_frames_are_never_longer_than_allowed() {
        assert_eq!(ping(b"hi"), b"\x89\x02hi"[..]);
        assert_eq!(pong(&[7; 200]), [&[0x8a, 125][..], &[7; 125]].concat());
        assert_eq!(close(CloseCode::NORMAL, "bye"), b"\x88\x05\x03\xe8bye"[..]);
        // The 123rd byte would be the first half of a character.
        let reason = format!("{}ä", "a".repeat(122));
        assert_eq!(close(CloseCode::GOING_AWAY, &reason), [b"\x88\x7c\x03\xe9", "a".repeat(122).as_bytes()].concat());
    }

    #[test]
    fn a_close_is_answered_with_its_own_code() {
        assert_eq!(close_reply(CloseCode::new(4000)), b"\x88\x02\x0f\xa0"[..]);
        assert_eq!(close_reply(None), b"\x88\x00"[..]);
    }
}
