//! A message while it is being received.

use crate::frame::{Header, Opcode};
use crate::{CloseCode, Message};

/// How many fragments a message may come in.
///
/// Browsers send a message in one frame until it has tens of kilobytes. A caller that limits messages a second limits
/// frames as well by this: without it, a single message could be made of any number of empty ones.
pub const MAX_FRAGMENTS: usize = 16;

/// A message or control frame of which some has arrived.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// That of the first frame; never [`Opcode::Continuation`].
    opcode: Opcode,
    /// Unmasked.
    payload: Vec<u8>,
    /// How much of the start of the payload is known to be whole characters; text only.
    utf8_length: usize,
    fragment_count: usize,
    /// Whether the frame that is being received is the last one.
    is_final: bool,
    /// How many bytes of that frame's payload are still to come.
    remaining: usize,
    /// That frame's masking key, turned so that its first byte is the next one to use.
    key: [u8; 4],
}

impl Incoming {
    /// Begins with a message's first frame, or a control frame.
    ///
    /// # Errors
    /// `MESSAGE_TOO_BIG` for a message of more than `limit` bytes. Control frames are always small enough.
    pub(crate) fn begin(header: Header, limit: usize) -> Result<Self, CloseCode> {
        if !header.opcode.is_control() && header.payload_length > limit {
            return Err(CloseCode::MESSAGE_TOO_BIG);
        }
        Ok(Self {
            opcode: header.opcode,
            payload: Vec::new(),
            utf8_length: 0,
            fragment_count: 1,
            is_final: header.is_final,
            remaining: header.payload_length,
            key: header.key,
        })
    }

    /// Goes on with a message's next frame.
    ///
    /// # Errors
    /// `MESSAGE_TOO_BIG` when the message has more than `limit` bytes with it, or too many fragments.
    pub(crate) fn resume(&mut self, header: Header, limit: usize) -> Result<(), CloseCode> {
        self.fragment_count += 1;
        if self.fragment_count > MAX_FRAGMENTS || header.payload_length > limit.saturating_sub(self.payload.len()) {
            return Err(CloseCode::MESSAGE_TOO_BIG);
        }
        (self.is_final, self.remaining, self.key) = (header.is_final, header.payload_length, header.key);
        Ok(())
    }

    /// Takes what `bytes` has of the frame's payload, and returns how many bytes those are.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD` as soon as a text cannot become UTF-8 any more, however much of it is still to come.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<usize, CloseCode> {
        let count = self.remaining.min(bytes.len());
        let start = self.payload.len();
        self.reserve(count);
        self.payload.extend_from_slice(&bytes[..count]);
        for masked in self.payload[start..].chunks_mut(4) {
            masked.iter_mut().zip(self.key).for_each(|(byte, key)| *byte ^= key);
        }
        self.key.rotate_left(count % 4);
        self.remaining -= count;
        // A text that is complete is checked on becoming a `String`.
        if self.opcode == Opcode::Text && !(self.is_final && self.is_frame_complete()) {
            self.check_utf8()?;
        }
        Ok(count)
    }

    /// Whether all of the frame has arrived.
    pub(crate) fn is_frame_complete(&self) -> bool {
        self.remaining == 0
    }

    /// Whether the frame is the last one of its message.
    pub(crate) fn is_final(&self) -> bool {
        self.is_final
    }

    /// The message, all of it having arrived.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD` for text, or a close reason, that is not UTF-8; `PROTOCOL_ERROR` for a close code that must not
    /// be sent, or half of one.
    pub(crate) fn finish(self) -> Result<Message, CloseCode> {
        Ok(match self.opcode {
            Opcode::Text => Message::Text(String::from_utf8(self.payload).map_err(|_| CloseCode::INVALID_PAYLOAD)?),
            Opcode::Binary | Opcode::Continuation => Message::Binary(self.payload),
            Opcode::Close => Message::Close(close_code(&self.payload)?),
            Opcode::Ping => Message::Ping(self.payload),
            Opcode::Pong => Message::Pong(self.payload),
        })
    }

    /// Memory held, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.payload.capacity()
    }

    /// Makes room for `count` bytes: grows by doubling, as `Vec` does, but never past the end of the frame. A peer that
    /// only announces a large frame costs nothing, and one that sends it costs no more than it sent.
    fn reserve(&mut self, count: usize) {
        let needed = self.payload.len() + count;
        if needed > self.payload.capacity() {
            let end = self.payload.len() + self.remaining;
            let target = end.min(self.payload.capacity() * 2).max(needed);
            self.payload.reserve_exact(target - self.payload.len());
        }
    }

    fn check_utf8(&mut self) -> Result<(), CloseCode> {
        match str::from_utf8(&self.payload[self.utf8_length..]) {
            Ok(text) => self.utf8_length += text.len(),
            // The last character is cut off: the rest of it may follow.
            Err(error) if error.error_len().is_none() => self.utf8_length += error.valid_up_to(),
            Err(_) => return Err(CloseCode::INVALID_PAYLOAD),
        }
        Ok(())
    }
}

/// The code in a close frame's payload, `None` if that is empty.
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, CloseCode> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low])).ok_or(CloseCode::PROTOCOL_ERROR)?;
            str::from_utf8(reason).map_err(|_| CloseCode::INVALID_PAYLOAD)?;
            Ok(Some(code))
        }
        [_] => Err(CloseCode::PROTOCOL_ERROR),
    }
}
