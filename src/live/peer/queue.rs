//! What waits for one socket: events that its kernel buffer had no space for, and events that must not be sent yet.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Instant;

use websocket::Transport;

use crate::clock;
use crate::live::EncodedEvent;

/// How many events one vectored write contains at most.
const MAX_EVENTS_PER_WRITE: usize = 64;

/// How many events wait in one buffer at most.
pub(super) const MAX_QUEUED_EVENTS: usize = 256;

/// How many bytes wait in one buffer at most, in events that are shared with other sockets or are the socket's own. A
/// single larger event may wait alone.
pub(super) const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// Events that wait, in order.
#[derive(Default)]
pub(super) struct EventBuffer {
    events: VecDeque<EncodedEvent>,
    byte_count: usize,
}

impl EventBuffer {
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Total size of the events.
    #[cfg(test)]
    pub const fn byte_count(&self) -> usize {
        self.byte_count
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub fn first(&self) -> Option<&EncodedEvent> {
        self.events.front()
    }

    pub fn iter(&self) -> impl Iterator<Item = &EncodedEvent> {
        self.events.iter()
    }

    /// Appends events until one would exceed [`MAX_QUEUED_EVENTS`] or [`MAX_QUEUED_BYTES`]; `false` if one did.
    #[must_use]
    pub fn extend_within_limits(&mut self, events: &[EncodedEvent]) -> bool {
        events.iter().all(|event| {
            let fits = self.len() < MAX_QUEUED_EVENTS && self.byte_count + event.bytes.len() <= MAX_QUEUED_BYTES;
            let is_accepted = fits || self.is_empty();
            if is_accepted {
                self.push(event.clone());
            }
            is_accepted
        })
    }

    /// Appends an event regardless of the limits.
    fn push(&mut self, event: EncodedEvent) {
        self.byte_count += event.bytes.len();
        self.events.push_back(event);
    }

    fn pop(&mut self) -> Option<EncodedEvent> {
        let event = self.events.pop_front()?;
        self.byte_count -= event.bytes.len();
        if self.is_empty() {
            // A queue that was long once must not hold its memory while the socket is idle.
            self.events = VecDeque::new();
        }
        Some(event)
    }
}

/// What becomes of events that a full queue does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// They are queued nevertheless: the socket's own task bounds what it sends, by not reading from a blocked socket.
    Queued,
    /// User events are dropped.
    UserEventsDropped,
    /// Room events are dropped.
    RoomEventsDropped,
}

/// Events that wait for the socket, and how far the first of them has been written.
#[derive(Default)]
pub(super) struct SendQueue {
    events: EventBuffer,
    /// How many bytes of the first event have been written.
    written_bytes: usize,
    blocked_since: Option<Instant>,
    is_closed: bool,
}

/// The result of one write.
pub(super) enum WriteOutcome {
    /// Some bytes were written; more may follow.
    Written,
    /// Nothing was left to write.
    Drained,
    /// The kernel buffer is full. What is left is in the queue.
    Blocked {
        /// Whether some of it was dropped instead.
        dropped: bool,
    },
    /// The connection is closed. The queue is empty and accepts nothing more.
    Closed,
}

impl SendQueue {
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Total size of the queued events.
    #[cfg(test)]
    pub fn byte_count(&self) -> usize {
        self.events.byte_count()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Since when the kernel buffer has accepted nothing; `None` while the queue is empty.
    pub const fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Appends events without writing. Returns whether some were dropped.
    pub fn extend(&mut self, events: &[EncodedEvent], overflow: Overflow) -> bool {
        if overflow == Overflow::Queued {
            events.iter().cloned().for_each(|event| self.events.push(event));
            return false;
        }
        !self.events.extend_within_limits(events)
    }

    /// Writes queued events, then `pending`, in one vectored write. Removes from both what was written completely.
    ///
    /// `pending` is cloned into the queue only when the socket blocks, so the usual delivery copies nothing.
    pub fn write(
        &mut self,
        transport: &dyn Transport,
        pending: &mut &[EncodedEvent],
        overflow: Overflow,
    ) -> WriteOutcome {
        let mut buffers = [IoSlice::new(&[]); MAX_EVENTS_PER_WRITE];
        let mut count = 0;
        let unsent = self.events.iter().chain(*pending).take(MAX_EVENTS_PER_WRITE);
        for (buffer, event) in buffers.iter_mut().zip(unsent) {
            let skipped_bytes = if count == 0 { self.written_bytes } else { 0 };
            *buffer = IoSlice::new(&event.bytes[skipped_bytes..]);
            count += 1;
        }
        if count == 0 {
            self.blocked_since = None;
            return WriteOutcome::Drained;
        }
        match transport.try_write(&buffers[..count]) {
            Ok(0) => {}
            Ok(byte_count) => {
                self.blocked_since = None;
                self.remove_written(byte_count, pending);
                return WriteOutcome::Written;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let dropped = self.extend(pending, overflow);
                self.blocked_since.get_or_insert_with(clock::monotonic);
                return WriteOutcome::Blocked { dropped };
            }
            Err(_) => {}
        }
        self.close();
        WriteOutcome::Closed
    }

    fn remove_written(&mut self, byte_count: usize, pending: &mut &[EncodedEvent]) {
        let mut byte_count = byte_count + self.written_bytes;
        self.written_bytes = 0;
        while let Some(event) = self.events.first().or(pending.first()) {
            let length = event.bytes.len();
            if byte_count < length {
                self.written_bytes = byte_count;
                break;
            }
            byte_count -= length;
            if self.events.pop().is_none() {
                *pending = &pending[1..];
            }
        }
    }

    /// Drops all queued events; nothing is written from here on.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.events = EventBuffer::default();
        self.written_bytes = 0;
        self.blocked_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message_removed, peer_after_snapshot};
    use crate::live::testing::{FakeTransport, ROOM, seqs};

    #[test]
    fn events_written_in_fragments_arrive_complete_and_in_order() {
        let transport = FakeTransport::with_capacity(0);
        let peer = peer_after_snapshot(&transport);
        for seq in 1..=100 {
            peer.deliver_user_event(&message_removed(seq));
        }
        assert!(peer.blocked_since().is_some() && transport.take_received().is_empty());
        let mut received = Vec::new();
        while peer.blocked_since().is_some() {
            transport.set_capacity(37);
            peer.flush();
            received.extend(transport.take_received());
        }
        assert_eq!(seqs(&received), (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_written_after_close() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        for seq in 1..=300 {
            peer.deliver_room_events(ROOM, &[message_removed(seq)]);
        }
        peer.close(b"bye");
        peer.complete_catch_up(ROOM, &[message_removed(301)], 0);
        peer.deliver_user_event(&message_removed(302));
        assert_eq!(transport.written(), *b"bye");

        let transport = FakeTransport::with_capacity(3);
        let peer = peer_after_snapshot(&transport);
        peer.deliver_user_event(&message_removed(1));
        transport.set_capacity(i64::MAX);
        peer.close(b"bye");
        peer.flush();
        assert_eq!(transport.written().len(), 3, "a close frame never follows half of another frame");
    }
}
