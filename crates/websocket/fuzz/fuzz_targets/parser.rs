//! Any bytes, in pieces of any lengths: the parser must not panic, must not hold more than it promises, and must make the
//! same of them as in one piece.

#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket::{CloseCode, MAX_FRAME_OVERHEAD, Message, Parser};

/// Small, so that the fuzzer comes near it.
const LIMIT: usize = 300;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (stream, lengths) = input;
    let mut rest = &stream[..];
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, after) = rest.split_at(usize::from(length).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    assert_eq!(parse(&pieces), parse(&[&stream]));
});

fn parse(pieces: &[&[u8]]) -> (Vec<Message>, Option<CloseCode>) {
    let (mut parser, mut messages) = (Parser::default(), Vec::new());
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next(LIMIT) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(code) => return (messages, Some(code)),
            }
        }
        assert!(parser.capacity() <= LIMIT + MAX_FRAME_OVERHEAD);
    }
    (messages, None)
}
