//! The client's end, written on its own: what it shares with the crate under test is the standard alone.

/// First bytes of a frame: the bit that marks the last frame of a message, and an opcode.
pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

/// First bytes of frames of which more follow, and of the frames that follow them.
pub const FIRST_TEXT: u8 = 0x01;
pub const FIRST_BINARY: u8 = 0x02;
pub const MORE: u8 = 0x00;
pub const LAST: u8 = 0x80;

/// A frame with a masking key.
pub fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first_byte, payload.len());
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// What precedes a payload of `length` bytes.
pub fn header(first_byte: u8, length: usize) -> Vec<u8> {
    let mut header = vec![first_byte];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => header.push(0x80 | length),
        (_, Ok(length)) => {
            header.push(0x80 | 126);
            header.extend(length.to_be_bytes());
        }
        _ => {
            header.push(0x80 | 127);
            header.extend((length as u64).to_be_bytes());
        }
    }
    header.extend(KEY);
    header
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The payload of a close frame.
pub fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A frame of the server's: its first byte and its payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Received(pub u8, pub Vec<u8>);

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.1[..self.1.len().min(40)];
        write!(f, "{:#04x} {:?} of {} bytes", self.0, String::from_utf8_lossy(start), self.1.len())
    }
}

/// Reads the frames that the server wrote.
pub fn read_frames(mut bytes: &[u8]) -> Vec<Received> {
    let mut frames = Vec::new();
    while let [first_byte, short, rest @ ..] = bytes {
        let (length, rest) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [0, 0, 0, 0, a, b, c, d, rest @ ..]) => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest),
            (length @ ..126, rest) => (usize::from(*length), rest),
            _ => panic!("no server sends this: {bytes:?}"),
        };
        let (payload, rest) = rest.split_at(length);
        frames.push(Received(*first_byte, payload.to_vec()));
        bytes = rest;
    }
    assert_eq!(bytes, b"", "a whole frame");
    frames
}
