//! From bytes to messages.

use std::mem;

use crate::frame::{Header, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode};
use crate::incoming::Incoming;
use crate::{CloseCode, Message};

/// What a [`Parser`] may hold beyond the largest message, in bytes: a control frame that arrives between two fragments,
/// and a header of which some is missing.
pub const MAX_FRAME_OVERHEAD: usize = MAX_CONTROL_PAYLOAD + MAX_HEADER;

/// Turns the bytes that a client sends into messages. Does no I/O.
///
/// [`push`](Self::push) what has arrived, then call [`next`](Self::next) until there is no more. Between two messages it
/// holds no memory of its own.
#[derive(Debug, Default)]
pub struct Parser {
    /// What was pushed. After `next` returned `None`, at most a part of a header.
    input: Vec<u8>,
    /// How many bytes at the start of `input` have been used.
    used: usize,
    /// The message or control frame of which a part has arrived. Boxed, since most sockets have none.
    current: Option<Box<Incoming>>,
    /// A message that waits for its next fragment; control frames may come before that.
    fragmented: Option<Box<Incoming>>,
    /// After a close frame or an error.
    is_closed: bool,
}

impl Parser {
    /// Takes bytes that have arrived, in any portions. After a close frame or an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.is_closed {
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next message, if all of it has arrived.
    ///
    /// After [`Message::Close`] or an error there is never another one.
    ///
    /// # Errors
    /// The code to close the connection with: what arrived breaks RFC 6455, or is a message of more than `limit` bytes or
    /// [`MAX_FRAGMENTS`](crate::MAX_FRAGMENTS). Found as early as the bytes show it: a message that is too large is
    /// refused by its header, a text by the first byte that cannot belong to UTF-8.
    pub fn next(&mut self, limit: usize) -> Result<Option<Message>, CloseCode> {
        let next = self.advance(limit);
        if matches!(next, Ok(Some(Message::Close(_))) | Err(_)) {
            *self = Self { is_closed: true, ..Self::default() };
        }
        next
    }

    /// Memory held, in bytes. After [`next`](Self::next) returned `None`, at most its limit and [`MAX_FRAME_OVERHEAD`].
    #[must_use]
    pub fn capacity(&self) -> usize {
        let incoming = self.current.iter().chain(&self.fragmented).map(|incoming| incoming.capacity());
        self.input.capacity() + incoming.sum::<usize>()
    }

    fn advance(&mut self, limit: usize) -> Result<Option<Message>, CloseCode> {
        loop {
            let mut incoming = match self.current.take() {
                Some(incoming) => *incoming,
                None => match self.begin_frame(limit)? {
                    Some(incoming) => incoming,
                    None => {
                        self.input.drain(..mem::take(&mut self.used));
                        self.input.shrink_to_fit();
                        return Ok(None);
                    }
                },
            };
            self.used += incoming.receive(&self.input[self.used..])?;
            if !incoming.is_frame_complete() {
                (self.input, self.used) = (Vec::new(), 0);
                self.current = Some(Box::new(incoming));
                return Ok(None);
            }
            if incoming.is_final() {
                return incoming.finish().map(Some);
            }
            self.fragmented = Some(Box::new(incoming));
        }
    }

    /// Reads the next frame's header, if all of it has arrived, and finds what its payload belongs to.
    fn begin_frame(&mut self, limit: usize) -> Result<Option<Incoming>, CloseCode> {
        let Some((header, length)) = Header::parse(&self.input[self.used..])? else { return Ok(None) };
        self.used += length;
        match (header.opcode, self.fragmented.take()) {
            (Opcode::Continuation, Some(mut incoming)) => {
                incoming.resume(header, limit)?;
                Ok(Some(*incoming))
            }
            (opcode, fragmented) if opcode.is_control() => {
                self.fragmented = fragmented;
                Incoming::begin(header, limit).map(Some)
            }
            (Opcode::Text | Opcode::Binary, None) => Incoming::begin(header, limit).map(Some),
            _ => Err(CloseCode::PROTOCOL_ERROR),
        }
    }
}
