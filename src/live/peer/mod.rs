//! One socket, as the hub and the socket's own task share it.
//!
//! An event is written to the socket by the thread that publishes it, so no task is woken for a delivery. If the kernel
//! buffer is full, the event waits in a queue, which the socket's task flushes once the socket is writable. The queue,
//! and each of the buffers before it, is bounded in number and bytes. Beyond the bounds events are dropped, and once the
//! queue has drained the client receives a new state in their place.

mod heartbeat;
mod queue;
mod room;

use std::fmt;
use std::io::IoSlice;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use websocket::Transport;

use self::queue::{EventBuffer, Overflow, SendQueue, WriteOutcome};
use self::room::RoomInView;
use super::EncodedEvent;
use crate::model::{RoomId, SessionId};
use crate::protocol::ServerEvent;

/// The value of [`Peer::written_at_check`] between a write and the next heartbeat check.
const JUST_WRITTEN: u64 = u64::MAX;

/// Sent once the queue drains, before any newer event, if room events were dropped. Otherwise the client would treat
/// the next event as contiguous and never notice the gap.
static RESYNC: LazyLock<[EncodedEvent; 1]> = LazyLock::new(|| [EncodedEvent::new(&ServerEvent::Resync)]);

/// A command to a socket's own task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCommand {
    /// A session of this user ended; if it is the socket's own, close the socket.
    SessionEnded(SessionId),
    /// The user lost the membership in this room, or the room was removed.
    MembershipEnded(RoomId),
    /// The client has not refreshed its presence in time: treat the page as hidden.
    PresenceExpired,
    /// User events were dropped and the queue has drained: send a new snapshot.
    UserEventsDropped,
}

/// One open socket.
pub struct Peer {
    transport: Arc<dyn Transport>,
    state: Mutex<PeerState>,
    /// Wakes the socket's task: there are commands, or the queue needs flushing.
    wakeup: Notify,
    /// The room in view, 0 without one; readable without the lock.
    room_in_view: AtomicI64,
    /// The room in view once its catch-up has been sent, 0 before; readable without the lock.
    caught_up_room: AtomicI64,
    /// The heartbeat check that followed the last write, or [`JUST_WRITTEN`].
    written_at_check: AtomicU64,
    /// When the client last reported its page as visible, in milliseconds since the epoch; 0 while it is hidden.
    present_at_ms: AtomicI64,
}

struct PeerState {
    queue: SendQueue,
    /// User events buffered while the snapshot loads; `None` after the snapshot has been sent.
    buffered_user_events: Option<EventBuffer>,
    user_events_dropped: bool,
    room_events_dropped: bool,
    room: Option<RoomInView>,
    commands: Vec<PeerCommand>,
}

impl Peer {
    /// A socket that buffers user events until [`Peer::send_snapshot`]. `check` is the current heartbeat check.
    pub(super) fn new(transport: Arc<dyn Transport>, check: u64) -> Self {
        Self {
            transport,
            state: Mutex::new(PeerState {
                queue: SendQueue::default(),
                buffered_user_events: Some(EventBuffer::default()),
                user_events_dropped: false,
                room_events_dropped: false,
                room: None,
                commands: Vec::new(),
            }),
            wakeup: Notify::new(),
            room_in_view: AtomicI64::new(0),
            caught_up_room: AtomicI64::new(0),
            written_at_check: AtomicU64::new(check),
            present_at_ms: AtomicI64::new(0),
        }
    }

    /// Sends an event ahead of everything that is buffered, and regardless of the queue's limits.
    pub fn send(&self, event: &EncodedEvent) {
        self.write(&mut self.lock(), std::slice::from_ref(event), Overflow::Queued);
    }

    /// Delivers an event on the user's own stream.
    ///
    /// Drops it when the buffer or the send queue is full, and all later ones until the next snapshot is requested.
    pub(super) fn deliver_user_event(&self, event: &EncodedEvent) {
        let mut state = self.lock();
        if state.user_events_dropped {
            return;
        }
        let event = std::slice::from_ref(event);
        match &mut state.buffered_user_events {
            Some(buffered) => state.user_events_dropped = !buffered.extend_within_limits(event),
            None => self.write(&mut state, event, Overflow::UserEventsDropped),
        }
    }

    /// Buffers user events until [`Peer::send_snapshot`]. Call it before reading the snapshot from the database.
    pub fn buffer_user_events(&self) {
        self.lock().buffered_user_events.get_or_insert_default();
    }

    /// Sends the snapshot of the user's rooms, then the user events buffered while it was read.
    pub fn send_snapshot(&self, snapshot: &[EncodedEvent]) {
        let mut state = self.lock();
        let buffered: Vec<_> = state.buffered_user_events.take().unwrap_or_default().iter().cloned().collect();
        self.write(&mut state, snapshot, Overflow::Queued);
        self.write(&mut state, &buffered, Overflow::UserEventsDropped);
    }

    /// Queues a command and wakes the socket's task.
    pub(super) fn push_command(&self, command: PeerCommand) {
        self.lock().commands.push(command);
        self.wakeup.notify_one();
    }

    /// Removes and returns the oldest queued command.
    #[must_use]
    pub fn next_command(&self) -> Option<PeerCommand> {
        let mut state = self.lock();
        if state.commands.is_empty() { None } else { Some(state.commands.remove(0)) }
    }

    /// Waits until there may be commands, the socket is blocked, or it was closed.
    pub async fn wakeup(&self) {
        self.wakeup.notified().await;
    }

    /// Since when the socket has accepted none of its queued bytes; `None` while the queue is empty.
    #[must_use]
    pub fn blocked_since(&self) -> Option<Instant> {
        self.lock().queue.blocked_since()
    }

    /// Whether a write has failed or [`Peer::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().queue.is_closed()
    }

    /// Writes queued events until the queue is empty or the socket blocks. Call it when the socket is writable.
    pub fn flush(&self) {
        self.write(&mut self.lock(), &[], Overflow::Queued);
    }

    /// Writes a close frame and discards everything queued or sent later.
    ///
    /// If events are queued, the close frame is not written: the first of them may be half written, and the client
    /// would read the close frame as the rest of it.
    pub fn close(&self, close_frame: &[u8]) {
        let mut state = self.lock();
        if !state.queue.is_closed() && state.queue.is_empty() {
            // A client that does not receive the close frame still notices the end of the connection.
            let _ = self.transport.try_write(&[IoSlice::new(close_frame)]);
        }
        state.queue.close();
    }

    /// Writes `events` after those already queued; queues what the socket does not accept, or drops it.
    fn write(&self, state: &mut PeerState, events: &[EncodedEvent], overflow: Overflow) {
        if state.queue.is_closed() {
            return;
        }
        let mut pending = events;
        let had_queued = !state.queue.is_empty();
        if had_queued {
            let dropped = state.queue.extend(events, overflow);
            state.note_dropped(overflow, dropped);
            pending = &[];
        }
        loop {
            match state.queue.write(&*self.transport, &mut pending, overflow) {
                WriteOutcome::Written => self.written_at_check.store(JUST_WRITTEN, Ordering::Relaxed),
                WriteOutcome::Drained => {
                    if state.user_events_dropped && state.buffered_user_events.is_none() {
                        state.user_events_dropped = false;
                        state.commands.push(PeerCommand::UserEventsDropped);
                        self.wakeup.notify_one();
                    }
                    if !state.room_events_dropped || !state.room.as_ref().is_some_and(RoomInView::is_caught_up) {
                        return;
                    }
                    state.room_events_dropped = false;
                    pending = &*RESYNC;
                }
                WriteOutcome::Blocked { dropped } => {
                    state.note_dropped(overflow, dropped);
                    // Otherwise the task is already waiting for the socket to become writable.
                    if !had_queued {
                        self.wakeup.notify_one();
                    }
                    return;
                }
                WriteOutcome::Closed => {
                    self.wakeup.notify_one();
                    return;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, PeerState> {
        // No code panics while it holds this lock, so a poisoned state is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PeerState {
    /// Notes that events were dropped, if they were.
    fn note_dropped(&mut self, overflow: Overflow, dropped: bool) {
        match overflow {
            Overflow::Queued => {}
            Overflow::UserEventsDropped => self.user_events_dropped |= dropped,
            Overflow::RoomEventsDropped => self.room_events_dropped |= dropped,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::testing::{FakeTransport, ROOM, seqs};
    use crate::model::MessageId;

    pub(super) fn message_removed(seq: i64) -> EncodedEvent {
        EncodedEvent::new(&ServerEvent::MessageRemoved { seq, at: seq, room_id: ROOM, message_id: MessageId(seq) })
    }

    /// An event of 20 KB.
    pub(super) fn large_event(seq: i64) -> EncodedEvent {
        let boosts_html = "x".repeat(20_000);
        let message_id = MessageId(seq);
        EncodedEvent::new(&ServerEvent::MessageBoosted { seq, at: seq, room_id: ROOM, message_id, boosts_html })
    }

    /// A peer whose snapshot has been sent.
    pub(super) fn peer_after_snapshot(transport: &Arc<FakeTransport>) -> Peer {
        let peer = Peer::new(transport.clone(), 0);
        peer.send_snapshot(&[]);
        peer
    }

    #[test]
    fn user_events_beyond_the_queue_limit_are_replaced_by_a_new_snapshot() {
        let transport = FakeTransport::with_capacity(0);
        let peer = peer_after_snapshot(&transport);
        for seq in 1..=300 {
            peer.deliver_user_event(&message_removed(seq));
        }
        assert_eq!(peer.next_command(), None, "not while the socket is blocked");
        transport.set_capacity(i64::MAX);
        peer.send(&message_removed(301));
        assert_eq!(seqs(&transport.take_received()).len(), queue::MAX_QUEUED_EVENTS + 1);
        assert_eq!(peer.next_command(), Some(PeerCommand::UserEventsDropped));
        peer.buffer_user_events();
        peer.deliver_user_event(&message_removed(303));
        assert!(transport.take_received().is_empty(), "newer than the snapshot that is being read");
        peer.send_snapshot(&[message_removed(302)]);
        assert_eq!(seqs(&transport.take_received()), [302, 303]);
    }
    #[test]
    fn user_events_are_bounded_in_bytes_before_and_after_the_snapshot() {
        let transport = FakeTransport::with_capacity(0);
        let peer = Peer::new(transport.clone(), 0);
        for seq in 1..=30 {
            peer.deliver_user_event(&large_event(seq));
        }
        assert!(peer.lock().buffered_user_events.as_ref().unwrap().byte_count() <= queue::MAX_QUEUED_BYTES);
        peer.send_snapshot(&[message_removed(1)]);
        assert!(peer.lock().queue.byte_count() <= queue::MAX_QUEUED_BYTES + 100);
        for seq in 1..=30 {
            peer.deliver_user_event(&large_event(seq));
        }
        assert!(peer.lock().queue.byte_count() <= queue::MAX_QUEUED_BYTES + 100);
        transport.set_capacity(i64::MAX);
        peer.flush();
        assert_eq!(peer.next_command(), Some(PeerCommand::UserEventsDropped));
        assert_eq!(peer.lock().queue.byte_count(), 0);
    }
}
