//! What holds for any stream.

use std::collections::BTreeSet;

use super::client::{
    BINARY, CLOSE, FIRST_BINARY, FIRST_TEXT, LAST, MORE, PING, PONG, Received, TEXT, close_payload, frame, header,
    read_frames,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use websocket::{CloseCode, MAX_FRAGMENTS, MAX_FRAME_OVERHEAD, Message, Parser, encode};

/// Small, so that streams often come near it.
const LIMIT: usize = 300;

/// What a parser makes of a stream: its messages, and how it ended.
type Parsed = (Vec<Message>, Option<CloseCode>);

/// Parses a stream that arrives in these pieces. Between them, no more may be held than is promised.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let (mut parser, mut messages) = (Parser::default(), Vec::new());
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next(LIMIT) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(code) => {
                    assert_eq!(parser.capacity(), 0, "nothing is held after an error");
                    assert_eq!(parser.next(LIMIT), Ok(None), "and nothing comes");
                    return (messages, Some(code));
                }
            }
        }
        assert!(parser.capacity() <= LIMIT + MAX_FRAME_OVERHEAD, "{} bytes are held", parser.capacity());
    }
    (messages, None)
}

/// Cuts a stream at these places.
fn pieces<'a>(stream: &'a [u8], cuts: &BTreeSet<usize>) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().filter(|cut| *cut < stream.len()).chain([stream.len()]) {
        pieces.push(&stream[start..end]);
        start = end;
    }
    pieces
}

/// A message, and a way to send it.
#[derive(Clone, Debug)]
struct Sent {
    message: Message,
    /// How long its fragments are; the last one ends with the message.
    fragment_lengths: Vec<usize>,
    /// What is sent between them.
    ping: Option<Vec<u8>>,
}

impl Sent {
    fn stream(&self) -> Vec<u8> {
        let (first_bytes, mut payload) = match &self.message {
            Message::Text(text) => ([FIRST_TEXT, TEXT], text.as_bytes()),
            Message::Binary(bytes) => ([FIRST_BINARY, BINARY], &bytes[..]),
            Message::Ping(payload) => return frame(PING, payload),
            Message::Pong(payload) => return frame(PONG, payload),
            Message::Close(code) => {
                return frame(CLOSE, &code.map_or(Vec::new(), |code| close_payload(code.get(), "ä".as_bytes())));
            }
        };
        let Some((first, middle)) = self.fragment_lengths.split_first() else { return frame(first_bytes[1], payload) };
        let mut take = |length: usize| payload.split_off(..length.min(payload.len())).unwrap_or_default();
        let mut stream = frame(first_bytes[0], take(*first));
        for length in middle {
            stream.extend(frame(MORE, take(*length)));
        }
        stream.extend(self.ping.iter().flat_map(|ping| frame(PING, ping)));
        stream.extend(frame(LAST, payload));
        stream
    }

    fn messages(&self) -> Vec<Message> {
        let is_data = matches!(self.message, Message::Text(_) | Message::Binary(_));
        let ping = self.ping.clone().filter(|_| is_data && !self.fragment_lengths.is_empty());
        ping.map(Message::Ping).into_iter().chain([self.message.clone()]).collect()
    }
}

fn control_payload() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=125)
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        4 => vec(any::<char>(), 0..=LIMIT / 4).prop_map(|text| Message::Text(String::from_iter(text))),
        2 => vec(any::<u8>(), 0..=LIMIT).prop_map(Message::Binary),
        1 => control_payload().prop_map(Message::Ping),
        1 => control_payload().prop_map(Message::Pong),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let fragment_lengths = prop_oneof![Just(Vec::new()), vec(0..LIMIT / 4, 1..MAX_FRAGMENTS)];
    (message(), fragment_lengths, proptest::option::of(control_payload()))
        .prop_map(|(message, fragment_lengths, ping)| Sent { message, fragment_lengths, ping })
}

/// Messages, and a close frame at the end of some.
fn conversation() -> impl Strategy<Value = Vec<Sent>> {
    let close = proptest::option::of(proptest::option::of(3000_u16..5000));
    (vec(sent(), 0..8), close).prop_map(|(mut messages, close)| {
        let close = close.map(|code| Message::Close(code.and_then(CloseCode::new)));
        messages.extend(close.map(|message| Sent { message, fragment_lengths: Vec::new(), ping: None }));
        messages
    })
}

/// A frame that may break any rule: random bytes alone would mostly end at the first.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first_byte = prop_oneof![
        6 => prop::sample::select(vec![TEXT, BINARY, FIRST_TEXT, FIRST_BINARY, MORE, LAST, PING, PONG]),
        1 => Just(CLOSE),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        3 => vec(any::<char>(), 0..40).prop_map(|text| String::from_iter(text).into_bytes()),
        2 => vec(any::<u8>(), 0..=LIMIT + 1),
    ];
    let announced = prop_oneof![9 => Just(None), 1 => any::<usize>().prop_map(Some)];
    (first_byte, payload, announced).prop_map(|(first_byte, payload, announced)| match announced {
        None => frame(first_byte, &payload),
        Some(length) => [header(first_byte, length), payload].concat(),
    })
}

proptest! {
    #[test]
    fn a_stream_gives_the_same_messages_however_it_is_cut(
        conversation in conversation(),
        cuts in btree_set(0..4_000_usize, 0..60),
    ) {
        let stream: Vec<u8> = conversation.iter().flat_map(Sent::stream).collect();
        let messages: Vec<_> = conversation.iter().flat_map(Sent::messages).collect();
        prop_assert_eq!(parse([&stream[..]]), (messages.clone(), None));
        prop_assert_eq!(parse(stream.chunks(1)), (messages.clone(), None));
        prop_assert_eq!(parse(pieces(&stream, &cuts)), (messages, None));
    }

    #[test]
    fn any_frames_at_all_end_alike_however_they_are_cut(
        frames in vec(any_frame(), 0..12),
        cuts in btree_set(0..2_000_usize, 0..60),
    ) {
        let stream = frames.concat();
        let whole = parse([&stream[..]]);
        prop_assert_eq!(&parse(stream.chunks(1)), &whole);
        prop_assert_eq!(&parse(pieces(&stream, &cuts)), &whole);
    }

    #[test]
    fn any_bytes_at_all_are_survived(bytes in vec(any::<u8>(), 0..200), cuts in btree_set(0..200_usize, 0..10)) {
        prop_assert_eq!(parse(pieces(&bytes, &cuts)), parse([&bytes[..]]));
    }

    #[test]
    fn a_client_reads_what_is_encoded(text in ".{0,200}", payload in control_payload(), code in 3000_u16..5000) {
        let close_code = CloseCode::new(code).unwrap();
        let stream = [
            encode::text_message(&text),
            encode::ping(&payload),
            encode::pong(&payload),
            encode::close(close_code, &text),
        ];
        let frames = read_frames(&stream.concat());
        prop_assert_eq!(&frames[0], &Received(TEXT, text.clone().into_bytes()));
        prop_assert_eq!(&frames[1], &Received(PING, payload.clone()));
        prop_assert_eq!(&frames[2], &Received(PONG, payload));
        prop_assert_eq!(frames[3].0, CLOSE);
        let (sent_code, reason) = frames[3].1.split_at(2);
        prop_assert_eq!(sent_code, code.to_be_bytes());
        let reason = str::from_utf8(reason).unwrap();
        prop_assert!(text.starts_with(reason) && reason.len() <= 123);
        prop_assert!(reason == text || reason.len() > 123 - 4, "as much as fits");
    }
}
