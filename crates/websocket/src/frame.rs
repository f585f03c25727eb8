//! A frame's header (RFC 6455, section 5.2), as a client sends it.

use crate::CloseCode;

/// The most bytes that a control frame's payload may have (RFC 6455, section 5.5).
pub(crate) const MAX_CONTROL_PAYLOAD: usize = 125;

/// The longest header: two bytes, a length of eight, a masking key of four.
pub(crate) const MAX_HEADER: usize = 14;

/// The bit of the first byte that marks the last, or only, frame of a message.
pub(crate) const FINAL: u8 = 0x80;

/// The bits of the first byte that belong to extensions.
const RESERVED: u8 = 0x70;

/// The bit of the second byte that says that a masking key follows.
const MASKED: u8 = 0x80;

/// Says in place of a length that it follows in two bytes.
pub(crate) const LENGTH_16: u8 = 126;

/// Says in place of a length that it follows in eight bytes.
pub(crate) const LENGTH_64: u8 = 127;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    /// `None` for the reserved ones.
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    pub(crate) fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// What precedes a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether the frame is the last, or only, one of its message.
    pub is_final: bool,
    pub opcode: Opcode,
    /// The length of the payload in bytes; the largest `usize` if it does not fit one.
    pub payload_length: usize,
    /// Masking key: the payload is XORed with these bytes, over and over.
    pub key: [u8; 4],
}

impl Header {
    /// Reads the header at the start of `bytes`, and returns it with its own length; `None` if more must arrive.
    ///
    /// # Errors
    /// `PROTOCOL_ERROR` for whatever is wrong with a frame on its own: no mask, a reserved bit or opcode, a length that
    /// fits into fewer bytes, a control frame that is fragmented or longer than 125 bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, CloseCode> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let is_final = first & FINAL != 0;
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(CloseCode::PROTOCOL_ERROR)?;
        let short = second & !MASKED;
        let is_oversized_control = opcode.is_control() && (!is_final || usize::from(short) > MAX_CONTROL_PAYLOAD);
        if first & RESERVED != 0 || second & MASKED == 0 || is_oversized_control {
            return Err(CloseCode::PROTOCOL_ERROR);
        }
        let (length, shortest, rest) = match (short, rest) {
            (LENGTH_16, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 126, rest),
            (LENGTH_64, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 0x1_0000, rest)
            }
            (LENGTH_16 | LENGTH_64, _) => return Ok(None),
            (short, rest) => (u64::from(short), 0, rest),
        };
        // The highest bit of eight bytes must be zero.
        if length < shortest || length > i64::MAX as u64 {
            return Err(CloseCode::PROTOCOL_ERROR);
        }
        let [k0, k1, k2, k3, rest @ ..] = rest else { return Ok(None) };
        let payload_length = usize::try_from(length).unwrap_or(usize::MAX);
        let header = Self { is_final, opcode, payload_length, key: [*k0, *k1, *k2, *k3] };
        Ok(Some((header, bytes.len() - rest.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [1, 2, 3, 250];

    fn parse(start: &[u8]) -> Result<Option<(Header, usize)>, CloseCode> {
        Header::parse(&[start, &KEY, b"payload"].concat())
    }

    fn length(start: &[u8]) -> Result<usize, CloseCode> {
        Ok(parse(start)?.unwrap().0.payload_length)
    }

    #[test]
    fn a_header_is_read_once_all_of_it_is_there() {
        let long = [0x01, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 250];
        assert_eq!(long.len(), MAX_HEADER);
        for end in 0..long.len() {
            assert_eq!(Header::parse(&long[..end]), Ok(None));
        }
        let header = Header { is_final: false, opcode: Opcode::Text, payload_length: 65_536, key: KEY };
        assert_eq!(Header::parse(&long), Ok(Some((header, MAX_HEADER))));
        let header = Header { is_final: true, opcode: Opcode::Pong, payload_length: 0, key: KEY };
        assert_eq!(parse(&[0x8a, 0x80]), Ok(Some((header, 6))));
    }

    #[test]
    fn a_length_takes_as_few_bytes_as_hold_it() {
        assert_eq!(length(&[0x81, 0xfd]), Ok(125));
        assert_eq!(length(&[0x81, 0xfe, 0, 126]), Ok(126));
        assert_eq!(length(&[0x81, 0xfe, 0xff, 0xff]), Ok(65_535));
        assert_eq!(length(&[0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]), Ok(i64::MAX as usize));
        for padded in [
            &[0x81, 0xfe, 0, 0][..],
            &[0x81, 0xfe, 0, 125],
            &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 126],
            &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 255, 255],
            &[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(length(padded), Err(CloseCode::PROTOCOL_ERROR), "{padded:?}");
        }
    }

    #[test]
    fn an_unmasked_frame_is_refused() {
        assert_eq!(Header::parse(&[0x81, 0x01]), Err(CloseCode::PROTOCOL_ERROR));
        assert_eq!(Header::parse(&[0x81, 0x7e]), Err(CloseCode::PROTOCOL_ERROR));
    }
}
