//! The cases of the Autobahn test suite (the public conformance suite for RFC 6455) that apply to a server that takes
//! text and has no extensions, by their numbers: everything but sections 12 and 13, which are compression.
//!
//! The server here is what the crate is used for: it echoes texts, answers pings, and closes. Binary messages are
//! received and compared, but not echoed, as the crate does not send any.
//!
//! A case passes strictly, as the suite calls it: also with invalid UTF-8 found before the frame it is in has ended.
//! Where this server has a limit that the suite does not know, the case is there twice: with what is refused, and with
//! as much as fits.

use super::client::{
    BINARY, CLOSE, FIRST_BINARY, FIRST_TEXT, LAST, MORE, PING, PONG, Received, TEXT, close_payload, frame, header,
    read_frames,
};
use websocket::{CloseCode, MAX_FRAGMENTS, Message, Parser, encode};

/// The largest message taken, in bytes: as large as the largest one of sections 1 and 10.
const LIMIT: usize = 64 * 1024;

/// Enough for section 9.
const LARGE_LIMIT: usize = 16 * 1024 * 1024;

/// A server that echoes, until it has closed.
struct Echo {
    parser: Parser,
    limit: usize,
    sent: Vec<u8>,
    binary: Vec<Vec<u8>>,
    is_open: bool,
}

impl Echo {
    fn new(limit: usize) -> Self {
        Self { parser: Parser::default(), limit, sent: Vec::new(), binary: Vec::new(), is_open: true }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.parser.push(bytes);
        loop {
            match self.parser.next(self.limit) {
                Ok(None) => return,
                Ok(Some(Message::Text(text))) => self.send(&encode::text_message(&text)),
                Ok(Some(Message::Binary(bytes))) => self.binary.push(bytes),
                Ok(Some(Message::Ping(payload))) => self.send(&encode::pong(&payload)),
                Ok(Some(Message::Pong(_))) => {}
                Ok(Some(Message::Close(code))) => {
                    self.send(&encode::close_reply(code));
                    self.is_open = false;
                }
                Err(code) => {
                    self.send(&encode::close(code, ""));
                    self.is_open = false;
                }
            }
        }
    }

    fn send(&mut self, frame: &[u8]) {
        assert!(self.is_open, "nothing is sent after a close frame");
        self.sent.extend_from_slice(frame);
    }

    fn sent(&self) -> Vec<Received> {
        read_frames(&self.sent)
    }
}

/// How a stream is cut on its way. It must make no difference.
#[derive(Clone, Copy)]
enum Chops {
    /// All in one piece.
    One,
    /// One frame a piece.
    Frames,
    /// So many bytes a piece.
    Bytes(usize),
}

fn deliver(server: &mut Echo, chops: Chops, frames: &[Vec<u8>]) {
    match chops {
        Chops::One => server.receive(&frames.concat()),
        Chops::Frames => frames.iter().for_each(|frame| server.receive(frame)),
        Chops::Bytes(count) => frames.concat().chunks(count).for_each(|chunk| server.receive(chunk)),
    }
}

/// Asserts that the server sends `expected`, is still there, and answers a close with the same code.
fn clean(chops: Chops, frames: &[Vec<u8>], expected: &[Received]) {
    let mut server = Echo::new(LIMIT);
    deliver(&mut server, chops, frames);
    assert_eq!(server.sent(), expected);
    assert!(server.is_open);
    server.receive(&frame(CLOSE, &close_payload(1000, b"")));
    assert_eq!(server.sent().last(), Some(&closed(1000)));
    assert!(!server.is_open);
}

/// Asserts that the server sends `expected`, then closes with `code`, and does nothing about what follows.
fn failed(chops: Chops, frames: &[Vec<u8>], expected: &[Received], code: CloseCode) {
    let mut server = Echo::new(LIMIT);
    deliver(&mut server, chops, frames);
    assert_eq!(server.sent(), [expected, &[closed(code.get())]].concat());
    assert!(!server.is_open);
}

/// Asserts that `before` is taken, that `wrong` is refused at once although more could follow, and that what follows is
/// not answered.
fn failed_fast(before: &[u8], wrong: &[u8], after: &[u8]) {
    let mut server = Echo::new(LIMIT);
    server.receive(before);
    assert!(server.is_open && server.sent().is_empty());
    server.receive(wrong);
    assert_eq!(server.sent(), [closed(1007)]);
    server.receive(after);
    assert_eq!(server.sent(), [closed(1007)]);
}

/// Asserts that a text is echoed, or refused as it is no UTF-8.
fn valid(payload: &[u8]) {
    clean(Chops::One, &[frame(TEXT, payload)], &[echo(payload)]);
    clean(Chops::Bytes(1), &[frame(TEXT, payload)], &[echo(payload)]);
}

fn invalid(payload: &[u8]) {
    failed(Chops::One, &[frame(TEXT, payload)], &[], CloseCode::INVALID_PAYLOAD);
    failed(Chops::Bytes(1), &[frame(TEXT, payload)], &[], CloseCode::INVALID_PAYLOAD);
}

/// Asserts that a binary message of so many bytes arrives.
fn binary(length: usize, chops: Chops) {
    let mut server = Echo::new(LIMIT);
    deliver(&mut server, chops, &[frame(BINARY, &vec![0xfe; length])]);
    assert_eq!(server.binary, [vec![0xfe; length]]);
    assert!(server.is_open);
}

/// Asserts how a client's close frame is answered.
fn answered(payload: &[u8], expected: Received) {
    let mut server = Echo::new(LIMIT);
    server.receive(&frame(CLOSE, payload));
    assert_eq!(server.sent(), [expected]);
    assert!(!server.is_open);
}

fn echo(text: impl AsRef<[u8]>) -> Received {
    Received(TEXT, text.as_ref().to_vec())
}

fn pong(payload: impl AsRef<[u8]>) -> Received {
    Received(PONG, payload.as_ref().to_vec())
}

fn closed(code: u16) -> Received {
    Received(CLOSE, code.to_be_bytes().to_vec())
}

fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

fn stars(length: usize) -> String {
    "*".repeat(length)
}

/// A text in fragments of so many bytes, whatever characters they cut.
fn fragments(payload: &[u8], length: usize) -> Vec<Vec<u8>> {
    fragments_of([FIRST_TEXT, TEXT], payload, length)
}

/// A message in fragments; `first_bytes` are those of its first frame, if it has several and if it has one.
fn fragments_of(first_bytes: [u8; 2], payload: &[u8], length: usize) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(length);
    let first_byte = |index: usize| match (index, index + 1 == count) {
        (0, is_last) => first_bytes[usize::from(is_last)],
        (_, true) => LAST,
        (_, false) => MORE,
    };
    payload.chunks(length).enumerate().map(|(index, chunk)| frame(first_byte(index), chunk)).collect()
}

/// One test a line.
macro_rules! cases {
    ($($name:ident: $check:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $check;
            }
        )*
    };
}

// 1 Framing

cases! {
    case_1_1_1_text_of_0_bytes: clean(Chops::One, &[text(&stars(0))], &[echo(stars(0))]);
    case_1_1_2_text_of_125_bytes: clean(Chops::One, &[text(&stars(125))], &[echo(stars(125))]);
    case_1_1_3_text_of_126_bytes: clean(Chops::One, &[text(&stars(126))], &[echo(stars(126))]);
    case_1_1_4_text_of_127_bytes: clean(Chops::One, &[text(&stars(127))], &[echo(stars(127))]);
    case_1_1_5_text_of_128_bytes: clean(Chops::One, &[text(&stars(128))], &[echo(stars(128))]);
    case_1_1_6_text_of_65535_bytes: clean(Chops::One, &[text(&stars(65_535))], &[echo(stars(65_535))]);
    case_1_1_7_text_of_65536_bytes: clean(Chops::One, &[text(&stars(65_536))], &[echo(stars(65_536))]);
    case_1_1_8_text_of_65536_bytes_in_pieces_of_997:
        clean(Chops::Bytes(997), &[text(&stars(65_536))], &[echo(stars(65_536))]);
    case_1_2_1_binary_of_0_bytes: binary(0, Chops::One);
    case_1_2_2_binary_of_125_bytes: binary(125, Chops::One);
    case_1_2_3_binary_of_126_bytes: binary(126, Chops::One);
    case_1_2_4_binary_of_127_bytes: binary(127, Chops::One);
    case_1_2_5_binary_of_128_bytes: binary(128, Chops::One);
    case_1_2_6_binary_of_65535_bytes: binary(65_535, Chops::One);
    case_1_2_7_binary_of_65536_bytes: binary(65_536, Chops::One);
    case_1_2_8_binary_of_65536_bytes_in_pieces_of_997: binary(65_536, Chops::Bytes(997));
}

// 2 Pings and pongs

fn ten_pings() -> Vec<Vec<u8>> {
    (0..10).map(|number| frame(PING, format!("payload-{number}").as_bytes())).collect()
}

fn ten_pongs() -> Vec<Received> {
    (0..10).map(|number| pong(format!("payload-{number}"))).collect()
}

cases! {
    case_2_1_ping_without_payload: clean(Chops::One, &[frame(PING, b"")], &[pong("")]);
    case_2_2_ping_with_text: clean(Chops::One, &[frame(PING, b"Hello, world!")], &[pong("Hello, world!")]);
    case_2_3_ping_with_bytes_that_are_no_text: {
        let payload = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
        clean(Chops::One, &[frame(PING, payload)], &[pong(payload)])
    };
    case_2_4_ping_of_125_bytes: clean(Chops::One, &[frame(PING, &[0xfe; 125])], &[pong([0xfe; 125])]);
    case_2_5_ping_of_126_bytes: failed(Chops::One, &[frame(PING, &[0xfe; 126])], &[], CloseCode::PROTOCOL_ERROR);
    case_2_6_ping_of_125_bytes_byte_by_byte:
        clean(Chops::Bytes(1), &[frame(PING, &[0xfe; 125])], &[pong([0xfe; 125])]);
    case_2_7_pong_without_payload_that_nobody_asked_for: clean(Chops::One, &[frame(PONG, b"")], &[]);
    case_2_8_pong_with_payload_that_nobody_asked_for: clean(Chops::One, &[frame(PONG, b"unsolicited")], &[]);
    case_2_9_pong_that_nobody_asked_for_then_ping:
        clean(Chops::One, &[frame(PONG, b"unsolicited"), frame(PING, b"ping payload")], &[pong("ping payload")]);
    case_2_10_ten_pings: clean(Chops::One, &ten_pings(), &ten_pongs());
    case_2_11_ten_pings_byte_by_byte: clean(Chops::Bytes(1), &ten_pings(), &ten_pongs());
}

// 3 Reserved bits

/// A text; a text with reserved bits set; a ping.
fn reserved_bits(bits: u8) -> [Vec<u8>; 3] {
    [text("Hello, world!"), frame(TEXT | bits << 4, b"Hello, world!"), frame(PING, b"")]
}

cases! {
    case_3_1_reserved_bits_1_in_a_text:
        failed(Chops::One, &[frame(TEXT | 1 << 4, b"Hello, world!")], &[], CloseCode::PROTOCOL_ERROR);
    case_3_2_reserved_bits_2_after_a_text:
        failed(Chops::One, &reserved_bits(2), &[echo("Hello, world!")], CloseCode::PROTOCOL_ERROR);
    case_3_3_reserved_bits_3_after_a_text_frame_by_frame:
        failed(Chops::Frames, &reserved_bits(3), &[echo("Hello, world!")], CloseCode::PROTOCOL_ERROR);
    case_3_4_reserved_bits_4_after_a_text_byte_by_byte:
        failed(Chops::Bytes(1), &reserved_bits(4), &[echo("Hello, world!")], CloseCode::PROTOCOL_ERROR);
    case_3_5_reserved_bits_5_in_binary:
        failed(Chops::One, &[frame(BINARY | 5 << 4, b"\x00\xff\xfe\xfd")], &[], CloseCode::PROTOCOL_ERROR);
    case_3_6_reserved_bits_6_in_a_ping:
        failed(Chops::One, &[frame(PING | 6 << 4, b"Hello, world!")], &[], CloseCode::PROTOCOL_ERROR);
    case_3_7_reserved_bits_7_in_a_close:
        failed(Chops::One, &[frame(CLOSE | 7 << 4, b"")], &[], CloseCode::PROTOCOL_ERROR);
}

// 4 Opcodes

/// Asserts that a frame with a reserved opcode is refused.
fn reserved_opcode(opcode: u8, payload: &[u8]) {
    failed(Chops::One, &[frame(0x80 | opcode, payload)], &[], CloseCode::PROTOCOL_ERROR);
}

/// Asserts the same after a text, which is echoed, and before a ping, which is not answered.
fn reserved_opcode_after_text(chops: Chops, opcode: u8, payload: &[u8]) {
    let frames = [text("Hello, world!"), frame(0x80 | opcode, payload), frame(PING, b"")];
    failed(chops, &frames, &[echo("Hello, world!")], CloseCode::PROTOCOL_ERROR);
}

cases! {
    case_4_1_1_reserved_opcode_3: reserved_opcode(3, b"");
    case_4_1_2_reserved_opcode_4_with_payload: reserved_opcode(4, b"reserved opcode payload");
    case_4_1_3_reserved_opcode_5_after_a_text: reserved_opcode_after_text(Chops::One, 5, b"");
    case_4_1_4_reserved_opcode_6_with_payload_after_a_text: reserved_opcode_after_text(Chops::One, 6, b"payload");
    case_4_1_5_reserved_opcode_7_after_a_text_byte_by_byte: reserved_opcode_after_text(Chops::Bytes(1), 7, b"payload");
    case_4_2_1_reserved_control_opcode_11: reserved_opcode(11, b"");
    case_4_2_2_reserved_control_opcode_12_with_payload: reserved_opcode(12, b"reserved opcode payload");
    case_4_2_3_reserved_control_opcode_13_after_a_text: reserved_opcode_after_text(Chops::One, 13, b"");
    case_4_2_4_reserved_control_opcode_14_with_payload_after_a_text:
        reserved_opcode_after_text(Chops::One, 14, b"payload");
    case_4_2_5_reserved_control_opcode_15_after_a_text_byte_by_byte:
        reserved_opcode_after_text(Chops::Bytes(1), 15, b"payload");
}

// 5 Fragmentation

/// Two fragments that make a whole text.
fn two_fragments(chops: Chops) {
    clean(chops, &[frame(FIRST_TEXT, b"fragment1"), frame(LAST, b"fragment2")], &[echo("fragment1fragment2")]);
}

/// The same with a ping in between, which is answered first.
fn two_fragments_and_a_ping(chops: Chops) {
    let frames = [frame(FIRST_TEXT, b"fragment1"), frame(PING, b"ping payload"), frame(LAST, b"fragment2")];
    clean(chops, &frames, &[pong("ping payload"), echo("fragment1fragment2")]);
}

/// A continuation where nothing is to be continued, then a text.
fn nothing_to_continue(chops: Chops, first_byte: u8) {
    let frames = [frame(first_byte, b"non-continuation payload"), text("Hello, world!")];
    failed(chops, &frames, &[], CloseCode::PROTOCOL_ERROR);
}

/// A continuation where nothing is to be continued, then a text in two fragments, and all that again.
fn nothing_to_continue_twice(first_byte: u8) {
    let frames = [frame(first_byte, b"fragment1"), frame(FIRST_TEXT, b"fragment2"), frame(LAST, b"fragment3")];
    failed(Chops::One, &[frames.clone(), frames].concat(), &[], CloseCode::PROTOCOL_ERROR);
}

/// Five fragments with two pings between them, each answered before the text is whole.
fn five_fragments_and_two_pings(chops: Chops) {
    let first = [frame(FIRST_TEXT, b"fragment1"), frame(MORE, b"fragment2"), frame(PING, b"pongme 1!")];
    let second =
        [frame(MORE, b"fragment3"), frame(MORE, b"fragment4"), frame(PING, b"pongme 2!"), frame(LAST, b"fragment5")];
    let mut server = Echo::new(LIMIT);
    deliver(&mut server, chops, &first);
    assert_eq!(server.sent(), [pong("pongme 1!")]);
    deliver(&mut server, chops, &second);
    let whole = echo("fragment1fragment2fragment3fragment4fragment5");
    assert_eq!(server.sent(), [pong("pongme 1!"), pong("pongme 2!"), whole]);
}

cases! {
    case_5_1_fragmented_ping:
        failed(Chops::One, &[frame(0x09, b"fragment1"), frame(LAST, b"fragment2")], &[], CloseCode::PROTOCOL_ERROR);
    case_5_2_fragmented_pong:
        failed(Chops::One, &[frame(0x0a, b"fragment1"), frame(LAST, b"fragment2")], &[], CloseCode::PROTOCOL_ERROR);
    case_5_3_text_in_two_fragments: two_fragments(Chops::One);
    case_5_4_text_in_two_fragments_frame_by_frame: two_fragments(Chops::Frames);
    case_5_5_text_in_two_fragments_byte_by_byte: two_fragments(Chops::Bytes(1));
    case_5_6_ping_between_two_fragments: two_fragments_and_a_ping(Chops::One);
    case_5_7_ping_between_two_fragments_frame_by_frame: two_fragments_and_a_ping(Chops::Frames);
    case_5_8_ping_between_two_fragments_byte_by_byte: two_fragments_and_a_ping(Chops::Bytes(1));
    case_5_9_last_continuation_of_nothing: nothing_to_continue(Chops::One, LAST);
    case_5_10_last_continuation_of_nothing_frame_by_frame: nothing_to_continue(Chops::Frames, LAST);
    case_5_11_last_continuation_of_nothing_byte_by_byte: nothing_to_continue(Chops::Bytes(1), LAST);
    case_5_12_continuation_of_nothing: nothing_to_continue(Chops::One, MORE);
    case_5_13_continuation_of_nothing_frame_by_frame: nothing_to_continue(Chops::Frames, MORE);
    case_5_14_continuation_of_nothing_byte_by_byte: nothing_to_continue(Chops::Bytes(1), MORE);
    case_5_15_continuation_after_the_last_fragment: {
        let whole = [frame(FIRST_TEXT, b"fragment1"), frame(LAST, b"fragment2")];
        let more = [frame(MORE, b"fragment3"), text("fragment4")];
        failed(Chops::One, &[whole, more].concat(), &[echo("fragment1fragment2")], CloseCode::PROTOCOL_ERROR)
    };
    case_5_16_continuation_of_nothing_twice: nothing_to_continue_twice(MORE);
    case_5_17_last_continuation_of_nothing_twice: nothing_to_continue_twice(LAST);
    case_5_18_second_fragment_with_the_opcode_of_a_text:
        failed(Chops::One, &[frame(FIRST_TEXT, b"fragment1"), text("fragment2")], &[], CloseCode::PROTOCOL_ERROR);
    case_5_19_five_fragments_and_two_pings: five_fragments_and_two_pings(Chops::One);
    case_5_20_five_fragments_and_two_pings_frame_by_frame: five_fragments_and_two_pings(Chops::Frames);
}

// 6 UTF-8

/// Greek letters of two and three bytes each: 11 bytes.
const GREEK: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

/// Invalid by its second byte: half of a surrogate pair.
const SURROGATE: &[u8] = b"\xed\xa0\x80";

/// Invalid by its second byte: beyond the last code point.
const BEYOND: &[u8] = b"\xf4\x90\x80\x80";

/// Letters and symbols of one and two bytes: 29 bytes.
const GREETING: &str = "Hello-µ@ßöäüàá-UTF-8!!";

cases! {
    case_6_1_1_empty_text: clean(Chops::One, &[text("")], &[echo("")]);
    case_6_1_2_three_empty_fragments:
        clean(Chops::One, &[frame(FIRST_TEXT, b""), frame(MORE, b""), frame(LAST, b"")], &[echo("")]);
    case_6_1_3_empty_fragments_around_a_full_one:
        clean(Chops::One, &[frame(FIRST_TEXT, b""), frame(MORE, b"middle"), frame(LAST, b"")], &[echo("middle")]);
    case_6_2_1_text_of_several_byte_characters: valid(GREETING.as_bytes());
    case_6_2_2_fragments_that_end_with_a_character: {
        let frames = [frame(FIRST_TEXT, "Hello-µ@ßöä".as_bytes()), frame(LAST, "üàá-UTF-8!!".as_bytes())];
        clean(Chops::One, &frames, &[echo(GREETING)])
    };
    // As the suite sends it, one byte a fragment, it has more fragments than are taken.
    case_6_2_3_fragments_of_1_byte_are_too_many: {
        let frames = fragments(GREETING.as_bytes(), 1);
        assert!(frames.len() > MAX_FRAGMENTS);
        failed(Chops::Frames, &frames, &[], CloseCode::MESSAGE_TOO_BIG)
    };
    case_6_2_3_fragments_that_end_within_a_character:
        clean(Chops::Frames, &fragments(GREETING.as_bytes(), 2), &[echo(GREETING)]);
    case_6_2_4_fragments_of_1_byte: clean(Chops::Frames, &fragments(GREEK, 1), &[echo(GREEK)]);
    case_6_3_1_invalid_text: invalid(&[GREEK, SURROGATE, b"edited"].concat());
    case_6_3_2_invalid_text_in_fragments_of_1_byte: {
        let frames = fragments(&[GREEK, SURROGATE, b"edited"].concat(), 1);
        failed(Chops::Frames, &frames, &[], CloseCode::INVALID_PAYLOAD)
    };
    case_6_4_1_second_fragment_invalid:
        failed_fast(&frame(FIRST_TEXT, GREEK), &frame(MORE, BEYOND), &frame(LAST, b"edited"));
    case_6_4_2_second_fragment_invalid_with_the_end_of_the_first: {
        let before = frame(FIRST_TEXT, &[GREEK, &BEYOND[..1]].concat());
        failed_fast(&before, &frame(MORE, &BEYOND[1..2]), &frame(LAST, &[&BEYOND[2..], b"edited"].concat()))
    };
    case_6_4_3_second_piece_of_a_frame_invalid: {
        let whole = frame(TEXT, &[GREEK, BEYOND, b"edited"].concat());
        let (before, rest) = whole.split_at(6 + GREEK.len());
        failed_fast(before, &rest[..BEYOND.len()], &rest[BEYOND.len()..])
    };
    case_6_4_4_second_piece_of_a_frame_invalid_by_its_first_byte: {
        let whole = frame(TEXT, &[GREEK, BEYOND, b"edited"].concat());
        let (before, rest) = whole.split_at(6 + GREEK.len() + 1);
        failed_fast(before, &rest[..1], &rest[1..])
    };
}

// 6.5 to 6.23: one text in one frame, once in one piece and once byte by byte.

cases! {
    // 6.5 Valid text.
    case_6_5_1_ascii: valid(b"hello$world");
    case_6_5_2_two_byte_character: valid(b"hello\xc2\xa2world");
    case_6_5_3_three_byte_character: valid(b"hello\xe2\x82\xacworld");
    case_6_5_4_four_byte_character: valid(b"hello\xf0\xa4\xad\xa2world");
    case_6_5_5_greek: valid(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5");
    // 6.6 Prefixes of a valid text.
    case_6_6_1_prefix_of_1_bytes: invalid(b"\xce");
    case_6_6_2_prefix_of_2_bytes: valid(b"\xce\xba");
    case_6_6_3_prefix_of_3_bytes: invalid(b"\xce\xba\xe1");
    case_6_6_4_prefix_of_4_bytes: invalid(b"\xce\xba\xe1\xbd");
    case_6_6_5_prefix_of_5_bytes: valid(b"\xce\xba\xe1\xbd\xb9");
    case_6_6_6_prefix_of_6_bytes: invalid(b"\xce\xba\xe1\xbd\xb9\xcf");
    case_6_6_7_prefix_of_7_bytes: valid(b"\xce\xba\xe1\xbd\xb9\xcf\x83");
    case_6_6_8_prefix_of_8_bytes: invalid(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce");
    case_6_6_9_prefix_of_9_bytes: valid(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc");
    case_6_6_10_prefix_of_10_bytes: invalid(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce");
    case_6_6_11_prefix_of_11_bytes: valid(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5");
    // 6.7 The first character of each length.
    case_6_7_1_first_of_its_length_1: valid(b"\x00");
    case_6_7_2_first_of_its_length_2: valid(b"\xc2\x80");
    case_6_7_3_first_of_its_length_3: valid(b"\xe0\xa0\x80");
    case_6_7_4_first_of_its_length_4: valid(b"\xf0\x90\x80\x80");
    // 6.8 The first sequences of five and six bytes.
    case_6_8_1_first_of_its_length_5: invalid(b"\xf8\x88\x80\x80\x80");
    case_6_8_2_first_of_its_length_6: invalid(b"\xfc\x84\x80\x80\x80\x80");
    // 6.9 The last character of each length.
    case_6_9_1_last_of_its_length_1: valid(b"\x7f");
    case_6_9_2_last_of_its_length_2: valid(b"\xdf\xbf");
    case_6_9_3_last_of_its_length_3: valid(b"\xef\xbf\xbf");
    case_6_9_4_last_of_its_length_4: valid(b"\xf4\x8f\xbf\xbf");
    // 6.10 The last sequences of four, five and six bytes.
    case_6_10_1_last_of_its_length_4: invalid(b"\xf7\xbf\xbf\xbf");
    case_6_10_2_last_of_its_length_5: invalid(b"\xfb\xbf\xbf\xbf\xbf");
    case_6_10_3_last_of_its_length_6: invalid(b"\xfd\xbf\xbf\xbf\xbf\xbf");
    // 6.11 Other boundaries.
    case_6_11_1_boundary_ed9fbf: valid(b"\xed\x9f\xbf");
    case_6_11_2_boundary_ee8080: valid(b"\xee\x80\x80");
    case_6_11_3_boundary_efbfbd: valid(b"\xef\xbf\xbd");
    case_6_11_4_boundary_f48fbfbf: valid(b"\xf4\x8f\xbf\xbf");
    case_6_11_5_boundary_f4908080: invalid(b"\xf4\x90\x80\x80");
    // 6.12 Continuation bytes without a start.
    case_6_12_1_continuation_byte_alone_80: invalid(b"\x80");
    case_6_12_2_continuation_byte_alone_bf: invalid(b"\xbf");
    case_6_12_3_continuation_bytes_alone_2: invalid(b"\x80\xbf");
    case_6_12_4_continuation_bytes_alone_3: invalid(b"\x80\xbf\x80");
    case_6_12_5_continuation_bytes_alone_4: invalid(b"\x80\xbf\x80\xbf");
    case_6_12_6_continuation_bytes_alone_5: invalid(b"\x80\xbf\x80\xbf\x80");
    case_6_12_7_continuation_bytes_alone_6: invalid(b"\x80\xbf\x80\xbf\x80\xbf");
    case_6_12_8_many_continuation_bytes_alone: invalid(&(0x80..0xbf).collect::<Vec<u8>>());
    // 6.13 Starts without continuation bytes, a space after each.
    case_6_13_1_starts_alone_from_c0: invalid(&(0xc0..0xdf).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>());
    case_6_13_2_starts_alone_from_e0: invalid(&(0xe0..0xef).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>());
    case_6_13_3_starts_alone_from_f0: invalid(&(0xf0..0xf7).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>());
    case_6_13_4_starts_alone_from_f8: invalid(&(0xf8..0xfb).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>());
    case_6_13_5_starts_alone_from_fc: invalid(&(0xfc..0xfd).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>());
    // 6.14 Sequences without their last byte.
    case_6_14_1_last_byte_missing_of_2: invalid(b"\xc0");
    case_6_14_2_last_byte_missing_of_3: invalid(b"\xe0\x80");
    case_6_14_3_last_byte_missing_of_4: invalid(b"\xf0\x80\x80");
    case_6_14_4_last_byte_missing_of_5: invalid(b"\xf8\x80\x80\x80");
    case_6_14_5_last_byte_missing_of_6: invalid(b"\xfc\x80\x80\x80\x80");
    case_6_14_6_last_byte_missing_of_2: invalid(b"\xdf");
    case_6_14_7_last_byte_missing_of_3: invalid(b"\xef\xbf");
    case_6_14_8_last_byte_missing_of_4: invalid(b"\xf7\xbf\xbf");
    case_6_14_9_last_byte_missing_of_5: invalid(b"\xfb\xbf\xbf\xbf");
    case_6_14_10_last_byte_missing_of_6: invalid(b"\xfd\xbf\xbf\xbf\xbf");
    // 6.15 All of those in a row.
    case_6_15_1_last_bytes_missing: {
        let start = b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80";
        let end = b"\xdf\xef\xbf\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf";
        invalid(&[&start[..], end].concat())
    };
    // 6.16 Bytes that are in no text.
    case_6_16_1_impossible_bytes_fe: invalid(b"\xfe");
    case_6_16_2_impossible_bytes_ff: invalid(b"\xff");
    case_6_16_3_impossible_bytes_fefeffff: invalid(b"\xfe\xfe\xff\xff");
    // 6.17 A slash in more bytes than it needs.
    case_6_17_1_overlong_slash_in_2_bytes: invalid(b"\xc0\xaf");
    case_6_17_2_overlong_slash_in_3_bytes: invalid(b"\xe0\x80\xaf");
    case_6_17_3_overlong_slash_in_4_bytes: invalid(b"\xf0\x80\x80\xaf");
    case_6_17_4_overlong_slash_in_5_bytes: invalid(b"\xf8\x80\x80\x80\xaf");
    case_6_17_5_overlong_slash_in_6_bytes: invalid(b"\xfc\x80\x80\x80\x80\xaf");
    // 6.18 The last characters that need fewer bytes.
    case_6_18_1_last_overlong_in_2_bytes: invalid(b"\xc1\xbf");
    case_6_18_2_last_overlong_in_3_bytes: invalid(b"\xe0\x9f\xbf");
    case_6_18_3_last_overlong_in_4_bytes: invalid(b"\xf0\x8f\xbf\xbf");
    case_6_18_4_last_overlong_in_5_bytes: invalid(b"\xf8\x87\xbf\xbf\xbf");
    case_6_18_5_last_overlong_in_6_bytes: invalid(b"\xfc\x83\xbf\xbf\xbf\xbf");
    // 6.19 NUL in more bytes than it needs.
    case_6_19_1_overlong_nul_in_2_bytes: invalid(b"\xc0\x80");
    case_6_19_2_overlong_nul_in_3_bytes: invalid(b"\xe0\x80\x80");
    case_6_19_3_overlong_nul_in_4_bytes: invalid(b"\xf0\x80\x80\x80");
    case_6_19_4_overlong_nul_in_5_bytes: invalid(b"\xf8\x80\x80\x80\x80");
    case_6_19_5_overlong_nul_in_6_bytes: invalid(b"\xfc\x80\x80\x80\x80\x80");
    // 6.20 Surrogates.
    case_6_20_1_surrogate_eda080: invalid(b"\xed\xa0\x80");
    case_6_20_2_surrogate_edadbf: invalid(b"\xed\xad\xbf");
    case_6_20_3_surrogate_edae80: invalid(b"\xed\xae\x80");
    case_6_20_4_surrogate_edafbf: invalid(b"\xed\xaf\xbf");
    case_6_20_5_surrogate_edb080: invalid(b"\xed\xb0\x80");
    case_6_20_6_surrogate_edbe80: invalid(b"\xed\xbe\x80");
    case_6_20_7_surrogate_edbfbf: invalid(b"\xed\xbf\xbf");
    // 6.21 Pairs of surrogates.
    case_6_21_1_surrogate_pair_eda080edb080: invalid(b"\xed\xa0\x80\xed\xb0\x80");
    case_6_21_2_surrogate_pair_eda080edbfbf: invalid(b"\xed\xa0\x80\xed\xbf\xbf");
    case_6_21_3_surrogate_pair_edadbfedb080: invalid(b"\xed\xad\xbf\xed\xb0\x80");
    case_6_21_4_surrogate_pair_edadbfedbfbf: invalid(b"\xed\xad\xbf\xed\xbf\xbf");
    case_6_21_5_surrogate_pair_edae80edb080: invalid(b"\xed\xae\x80\xed\xb0\x80");
    case_6_21_6_surrogate_pair_edae80edbfbf: invalid(b"\xed\xae\x80\xed\xbf\xbf");
    case_6_21_7_surrogate_pair_edafbfedb080: invalid(b"\xed\xaf\xbf\xed\xb0\x80");
    case_6_21_8_surrogate_pair_edafbfedbfbf: invalid(b"\xed\xaf\xbf\xed\xbf\xbf");
    // 6.22 Code points that are no characters.
    case_6_22_1_non_character_efbfbe: valid(b"\xef\xbf\xbe");
    case_6_22_2_non_character_efbfbf: valid(b"\xef\xbf\xbf");
    case_6_22_3_non_character_f09fbfbe: valid(b"\xf0\x9f\xbf\xbe");
    case_6_22_4_non_character_f09fbfbf: valid(b"\xf0\x9f\xbf\xbf");
    case_6_22_5_non_character_f0afbfbe: valid(b"\xf0\xaf\xbf\xbe");
    case_6_22_6_non_character_f0afbfbf: valid(b"\xf0\xaf\xbf\xbf");
    case_6_22_7_non_character_f0bfbfbe: valid(b"\xf0\xbf\xbf\xbe");
    case_6_22_8_non_character_f0bfbfbf: valid(b"\xf0\xbf\xbf\xbf");
    case_6_22_9_non_character_f18fbfbe: valid(b"\xf1\x8f\xbf\xbe");
    case_6_22_10_non_character_f18fbfbf: valid(b"\xf1\x8f\xbf\xbf");
    case_6_22_11_non_character_f19fbfbe: valid(b"\xf1\x9f\xbf\xbe");
    case_6_22_12_non_character_f19fbfbf: valid(b"\xf1\x9f\xbf\xbf");
    case_6_22_13_non_character_f1afbfbe: valid(b"\xf1\xaf\xbf\xbe");
    case_6_22_14_non_character_f1afbfbf: valid(b"\xf1\xaf\xbf\xbf");
    case_6_22_15_non_character_f1bfbfbe: valid(b"\xf1\xbf\xbf\xbe");
    case_6_22_16_non_character_f1bfbfbf: valid(b"\xf1\xbf\xbf\xbf");
    case_6_22_17_non_character_f28fbfbe: valid(b"\xf2\x8f\xbf\xbe");
    case_6_22_18_non_character_f28fbfbf: valid(b"\xf2\x8f\xbf\xbf");
    case_6_22_19_non_character_f29fbfbe: valid(b"\xf2\x9f\xbf\xbe");
    case_6_22_20_non_character_f29fbfbf: valid(b"\xf2\x9f\xbf\xbf");
    case_6_22_21_non_character_f2afbfbe: valid(b"\xf2\xaf\xbf\xbe");
    case_6_22_22_non_character_f2afbfbf: valid(b"\xf2\xaf\xbf\xbf");
    case_6_22_23_non_character_f2bfbfbe: valid(b"\xf2\xbf\xbf\xbe");
    case_6_22_24_non_character_f2bfbfbf: valid(b"\xf2\xbf\xbf\xbf");
    case_6_22_25_non_character_f38fbfbe: valid(b"\xf3\x8f\xbf\xbe");
    case_6_22_26_non_character_f38fbfbf: valid(b"\xf3\x8f\xbf\xbf");
    case_6_22_27_non_character_f39fbfbe: valid(b"\xf3\x9f\xbf\xbe");
    case_6_22_28_non_character_f39fbfbf: valid(b"\xf3\x9f\xbf\xbf");
    case_6_22_29_non_character_f3afbfbe: valid(b"\xf3\xaf\xbf\xbe");
    case_6_22_30_non_character_f3afbfbf: valid(b"\xf3\xaf\xbf\xbf");
    case_6_22_31_non_character_f3bfbfbe: valid(b"\xf3\xbf\xbf\xbe");
    case_6_22_32_non_character_f3bfbfbf: valid(b"\xf3\xbf\xbf\xbf");
    case_6_22_33_non_character_f48fbfbe: valid(b"\xf4\x8f\xbf\xbe");
    case_6_22_34_non_character_f48fbfbf: valid(b"\xf4\x8f\xbf\xbf");
    // 6.23 Specials, the replacement character among them.
    case_6_23_1_special_efbfb9: valid(b"\xef\xbf\xb9");
    case_6_23_2_special_efbfba: valid(b"\xef\xbf\xba");
    case_6_23_3_special_efbfbb: valid(b"\xef\xbf\xbb");
    case_6_23_4_special_efbfbc: valid(b"\xef\xbf\xbc");
    case_6_23_5_special_efbfbd: valid(b"\xef\xbf\xbd");
    case_6_23_6_special_efbfbe: valid(b"\xef\xbf\xbe");
    case_6_23_7_special_efbfbf: valid(b"\xef\xbf\xbf");
}

// 7 Closing

/// Asserts that a close is answered, and what the client sends after it is not.
fn nothing_after_close(before: &[Vec<u8>], after: &[Vec<u8>]) {
    let frames = [before, &[frame(CLOSE, &close_payload(1000, b""))], after].concat();
    for chops in [Chops::One, Chops::Frames, Chops::Bytes(1)] {
        failed(chops, &frames, &[], CloseCode::NORMAL);
    }
}

/// Asserts that a close with this code is answered with the same one.
fn code_echoed(code: u16) {
    answered(&close_payload(code, b""), closed(code));
}

/// Asserts that a close with this code is a protocol error.
fn code_refused(code: u16) {
    answered(&close_payload(code, b""), closed(1002));
}

cases! {
    case_7_1_1_text_then_close: clean(Chops::One, &[text("Hello World!")], &[echo("Hello World!")]);
    case_7_1_2_close_after_close: nothing_after_close(&[], &[frame(CLOSE, b"")]);
    case_7_1_3_ping_after_close: nothing_after_close(&[], &[frame(PING, b"")]);
    case_7_1_4_text_after_close: nothing_after_close(&[], &[text("Hello World!")]);
    case_7_1_5_close_between_two_fragments:
        nothing_after_close(&[frame(FIRST_TEXT, b"fragment1")], &[frame(LAST, b"fragment2")]);
    // Larger than what is taken here; with a higher limit both texts are echoed before the close.
    case_7_1_6_large_text_then_text_close_and_ping: {
        let large = "BAsd7&jh23".repeat(26_215)[..256 * 1024].to_owned();
        let close = frame(CLOSE, &close_payload(1000, b""));
        let frames = [text(&large), text("Hello World!"), close, frame(PING, b"")];
        failed(Chops::One, &frames, &[], CloseCode::MESSAGE_TOO_BIG);
        let mut server = Echo::new(LARGE_LIMIT);
        server.receive(&frames.concat());
        assert_eq!(server.sent(), [echo(&large), echo("Hello World!"), closed(1000)])
    };
    case_7_3_1_close_without_a_code: answered(b"", Received(CLOSE, Vec::new()));
    case_7_3_2_close_with_half_a_code: answered(b"a", closed(1002));
    case_7_3_3_close_with_a_code: answered(&close_payload(1000, b""), closed(1000));
    case_7_3_4_close_with_a_reason: answered(&close_payload(1000, b"Hello World!"), closed(1000));
    case_7_3_5_close_with_the_longest_reason: answered(&close_payload(1000, &[b'*'; 123]), closed(1000));
    case_7_3_6_close_with_too_long_a_reason: answered(&close_payload(1000, &[b'*'; 124]), closed(1002));
    case_7_5_1_close_with_a_reason_that_is_not_utf8:
        answered(&close_payload(1000, &[GREEK, SURROGATE, b"edited"].concat()), closed(1007));
    case_7_7_1_close_code_1000: code_echoed(1000);
    case_7_7_2_close_code_1001: code_echoed(1001);
    case_7_7_3_close_code_1002: code_echoed(1002);
    case_7_7_4_close_code_1003: code_echoed(1003);
    case_7_7_5_close_code_1007: code_echoed(1007);
    case_7_7_6_close_code_1008: code_echoed(1008);
    case_7_7_7_close_code_1009: code_echoed(1009);
    case_7_7_8_close_code_1010: code_echoed(1010);
    case_7_7_9_close_code_1011: code_echoed(1011);
    case_7_7_10_close_code_3000: code_echoed(3000);
    case_7_7_11_close_code_3999: code_echoed(3999);
    case_7_7_12_close_code_4000: code_echoed(4000);
    case_7_7_13_close_code_4999: code_echoed(4999);
    case_7_9_1_invalid_close_code_0: code_refused(0);
    case_7_9_2_invalid_close_code_999: code_refused(999);
    case_7_9_3_invalid_close_code_1004: code_refused(1004);
    case_7_9_4_invalid_close_code_1005: code_refused(1005);
    case_7_9_5_invalid_close_code_1006: code_refused(1006);
    case_7_9_6_invalid_close_code_1016: code_refused(1016);
    case_7_9_7_invalid_close_code_1100: code_refused(1100);
    case_7_9_8_invalid_close_code_2000: code_refused(2000);
    case_7_9_9_invalid_close_code_2999: code_refused(2999);
    // The standard says nothing of these.
    case_7_13_1_undefined_close_code_5000: code_refused(5000);
    case_7_13_2_undefined_close_code_65535: code_refused(65_535);
}

// 9 Limits

/// A text or a binary message of so many bytes, in fragments of so many.
fn large(opcode: u8, length: usize, fragment_length: usize) -> Vec<Vec<u8>> {
    match opcode {
        TEXT => fragments_of([FIRST_TEXT, TEXT], &vec![b'*'; length], fragment_length),
        _ => fragments_of([FIRST_BINARY, BINARY], &vec![0xfe; length], fragment_length),
    }
}

/// Asserts that a server whose limits allow for it receives a message, and that one whose limits do not says so.
fn large_message(opcode: u8, length: usize, fragment_length: usize, chops: Chops) {
    let frames = large(opcode, length, fragment_length);
    let has_few_fragments = frames.len() <= MAX_FRAGMENTS;
    for limit in [LIMIT, LARGE_LIMIT] {
        let mut server = Echo::new(limit);
        deliver(&mut server, chops, &frames);
        if length > limit || !has_few_fragments {
            assert_eq!(server.sent(), [closed(1009)]);
        } else if opcode == TEXT {
            assert!(server.sent() == [echo(stars(length))], "the text is echoed");
        } else {
            assert!(server.binary == [vec![0xfe; length]], "the bytes arrive");
        }
    }
}

/// Asserts that a thousand messages of so many bytes, one after the other, arrive, and that nothing is held in between.
fn thousand_messages(opcode: u8, length: usize) {
    let mut server = Echo::new(LIMIT);
    for _ in 0..1_000 {
        server.receive(&frame(opcode, &vec![b'*'; length]));
        assert_eq!(server.parser.capacity(), 0);
    }
    let texts = server.sent().into_iter().map(|frame| frame.1);
    let received: Vec<_> = texts.chain(server.binary).collect();
    assert!(received == vec![vec![b'*'; length]; 1_000]);
}

const KB: usize = 1024;
const MB: usize = 1024 * 1024;

cases! {
    case_9_1_1_text_of_64k: large_message(TEXT, 64 * KB, 64 * KB, Chops::One);
    case_9_1_2_text_of_256k: large_message(TEXT, 256 * KB, 256 * KB, Chops::One);
    case_9_1_3_text_of_1m: large_message(TEXT, MB, MB, Chops::One);
    case_9_1_4_text_of_4m: large_message(TEXT, 4 * MB, 4 * MB, Chops::One);
    case_9_1_5_text_of_8m: large_message(TEXT, 8 * MB, 8 * MB, Chops::One);
    case_9_1_6_text_of_16m: large_message(TEXT, 16 * MB, 16 * MB, Chops::One);
    case_9_2_1_binary_of_64k: large_message(BINARY, 64 * KB, 64 * KB, Chops::One);
    case_9_2_2_binary_of_256k: large_message(BINARY, 256 * KB, 256 * KB, Chops::One);
    case_9_2_3_binary_of_1m: large_message(BINARY, MB, MB, Chops::One);
    case_9_2_4_binary_of_4m: large_message(BINARY, 4 * MB, 4 * MB, Chops::One);
    case_9_2_5_binary_of_8m: large_message(BINARY, 8 * MB, 8 * MB, Chops::One);
    case_9_2_6_binary_of_16m: large_message(BINARY, 16 * MB, 16 * MB, Chops::One);
    case_9_3_1_text_of_4m_in_fragments_of_64: large_message(TEXT, 4 * MB, 64, Chops::One);
    case_9_3_2_text_of_4m_in_fragments_of_256: large_message(TEXT, 4 * MB, 256, Chops::One);
    case_9_3_3_text_of_4m_in_fragments_of_1k: large_message(TEXT, 4 * MB, KB, Chops::One);
    case_9_3_4_text_of_4m_in_fragments_of_4k: large_message(TEXT, 4 * MB, 4 * KB, Chops::One);
    case_9_3_5_text_of_4m_in_fragments_of_16k: large_message(TEXT, 4 * MB, 16 * KB, Chops::One);
    case_9_3_6_text_of_4m_in_fragments_of_64k: large_message(TEXT, 4 * MB, 64 * KB, Chops::One);
    case_9_3_7_text_of_4m_in_fragments_of_256k: large_message(TEXT, 4 * MB, 256 * KB, Chops::One);
    case_9_3_8_text_of_4m_in_fragments_of_1m: large_message(TEXT, 4 * MB, MB, Chops::One);
    case_9_3_9_text_of_4m_in_fragments_of_4m: large_message(TEXT, 4 * MB, 4 * MB, Chops::One);
    case_9_4_1_binary_of_4m_in_fragments_of_64: large_message(BINARY, 4 * MB, 64, Chops::One);
    case_9_4_2_binary_of_4m_in_fragments_of_256: large_message(BINARY, 4 * MB, 256, Chops::One);
    case_9_4_3_binary_of_4m_in_fragments_of_1k: large_message(BINARY, 4 * MB, KB, Chops::One);
    case_9_4_4_binary_of_4m_in_fragments_of_4k: large_message(BINARY, 4 * MB, 4 * KB, Chops::One);
    case_9_4_5_binary_of_4m_in_fragments_of_16k: large_message(BINARY, 4 * MB, 16 * KB, Chops::One);
    case_9_4_6_binary_of_4m_in_fragments_of_64k: large_message(BINARY, 4 * MB, 64 * KB, Chops::One);
    case_9_4_7_binary_of_4m_in_fragments_of_256k: large_message(BINARY, 4 * MB, 256 * KB, Chops::One);
    case_9_4_8_binary_of_4m_in_fragments_of_1m: large_message(BINARY, 4 * MB, MB, Chops::One);
    case_9_4_9_binary_of_4m_in_fragments_of_4m: large_message(BINARY, 4 * MB, 4 * MB, Chops::One);
    case_9_5_1_text_of_1m_in_pieces_of_64: large_message(TEXT, MB, MB, Chops::Bytes(64));
    case_9_5_2_text_of_1m_in_pieces_of_128: large_message(TEXT, MB, MB, Chops::Bytes(128));
    case_9_5_3_text_of_1m_in_pieces_of_256: large_message(TEXT, MB, MB, Chops::Bytes(256));
    case_9_5_4_text_of_1m_in_pieces_of_512: large_message(TEXT, MB, MB, Chops::Bytes(512));
    case_9_5_5_text_of_1m_in_pieces_of_1024: large_message(TEXT, MB, MB, Chops::Bytes(1024));
    case_9_5_6_text_of_1m_in_pieces_of_2048: large_message(TEXT, MB, MB, Chops::Bytes(2048));
    case_9_6_1_binary_of_1m_in_pieces_of_64: large_message(BINARY, MB, MB, Chops::Bytes(64));
    case_9_6_2_binary_of_1m_in_pieces_of_128: large_message(BINARY, MB, MB, Chops::Bytes(128));
    case_9_6_3_binary_of_1m_in_pieces_of_256: large_message(BINARY, MB, MB, Chops::Bytes(256));
    case_9_6_4_binary_of_1m_in_pieces_of_512: large_message(BINARY, MB, MB, Chops::Bytes(512));
    case_9_6_5_binary_of_1m_in_pieces_of_1024: large_message(BINARY, MB, MB, Chops::Bytes(1024));
    case_9_6_6_binary_of_1m_in_pieces_of_2048: large_message(BINARY, MB, MB, Chops::Bytes(2048));
    case_9_7_1_thousand_texts_of_0: thousand_messages(TEXT, 0);
    case_9_7_2_thousand_texts_of_16: thousand_messages(TEXT, 16);
    case_9_7_3_thousand_texts_of_64: thousand_messages(TEXT, 64);
    case_9_7_4_thousand_texts_of_256: thousand_messages(TEXT, 256);
    case_9_7_5_thousand_texts_of_1024: thousand_messages(TEXT, 1024);
    case_9_7_6_thousand_texts_of_4096: thousand_messages(TEXT, 4096);
    case_9_8_1_thousand_binaries_of_0: thousand_messages(BINARY, 0);
    case_9_8_2_thousand_binaries_of_16: thousand_messages(BINARY, 16);
    case_9_8_3_thousand_binaries_of_64: thousand_messages(BINARY, 64);
    case_9_8_4_thousand_binaries_of_256: thousand_messages(BINARY, 256);
    case_9_8_5_thousand_binaries_of_1024: thousand_messages(BINARY, 1024);
    case_9_8_6_thousand_binaries_of_4096: thousand_messages(BINARY, 4096);
    case_9_9_1_text_without_an_end: {
        let frames: Vec<_> = std::iter::once(FIRST_TEXT).chain([MORE; 1_000]).collect();
        let frames: Vec<_> = frames.into_iter().map(|first_byte| frame(first_byte, &[b'*'; 4 * KB])).collect();
        failed(Chops::Frames, &frames, &[], CloseCode::MESSAGE_TOO_BIG)
    };
}

// 10 Fragmentation by the client's library

cases! {
    // As the suite sends it, it has more fragments than are taken.
    case_10_1_1_text_of_65536_bytes_in_fragments_of_1300_are_too_many:
        failed(Chops::One, &fragments(stars(65_536).as_bytes(), 1_300), &[], CloseCode::MESSAGE_TOO_BIG);
    case_10_1_1_text_of_65536_bytes_in_as_many_fragments_as_are_taken: {
        let frames = fragments(stars(65_536).as_bytes(), 65_536 / MAX_FRAGMENTS);
        assert_eq!(frames.len(), MAX_FRAGMENTS);
        clean(Chops::One, &frames, &[echo(stars(65_536))])
    };
}

// What the suite does not send.

/// Asserts that a message is refused when its header has arrived, without its payload.
fn refused_by_its_header(opcode: u8, length: usize) {
    let mut server = Echo::new(LIMIT);
    server.receive(&header(opcode, length));
    assert_eq!(server.sent(), [closed(1009)]);
}

cases! {
    unmasked_frame: failed(Chops::One, &[b"\x81\x05Hello".to_vec()], &[], CloseCode::PROTOCOL_ERROR);
    unmasked_close: failed(Chops::One, &[b"\x88\x00".to_vec()], &[], CloseCode::PROTOCOL_ERROR);
    length_of_1_in_two_bytes:
        failed(Chops::One, &[b"\x81\xfe\x00\x01\0\0\0\0a".to_vec()], &[], CloseCode::PROTOCOL_ERROR);
    length_of_126_in_eight_bytes: {
        let start = b"\x81\xff\0\0\0\0\0\0\0\x7e\0\0\0\0";
        failed(Chops::One, &[[&start[..], &[b'a'; 126]].concat()], &[], CloseCode::PROTOCOL_ERROR)
    };
    length_beyond_63_bits: {
        let start = b"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0";
        failed(Chops::One, &[start.to_vec()], &[], CloseCode::PROTOCOL_ERROR)
    };
    message_that_its_header_says_is_too_large: {
        refused_by_its_header(TEXT, LIMIT + 1);
        refused_by_its_header(BINARY, LIMIT + 1);
        refused_by_its_header(TEXT, i64::MAX as usize);
        // With fragments it is their sum.
        let frames = [frame(FIRST_TEXT, &[b'*'; 4 * KB]), header(LAST, LIMIT - 4 * KB + 1)];
        failed(Chops::One, &frames, &[], CloseCode::MESSAGE_TOO_BIG)
    };
}
