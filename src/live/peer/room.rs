//! The room a socket has in view: events are buffered while the client catches up, then delivered directly.

use std::sync::atomic::Ordering;

use super::Peer;
use super::queue::{EventBuffer, Overflow};
use crate::live::EncodedEvent;
use crate::model::RoomId;

/// The room in view.
pub(super) struct RoomInView {
    room_id: RoomId,
    /// Events buffered while the catch-up is read and sent; `None` after that.
    buffered: Option<EventBuffer>,
    /// The last event in the log that the catch-up contained: events up to it would be duplicates.
    caught_up_seq: i64,
}

impl RoomInView {
    pub(super) const fn is_caught_up(&self) -> bool {
        self.buffered.is_none()
    }
}

impl Peer {
    /// Sets the room in view. Its events are buffered until [`Peer::complete_catch_up`].
    pub(in crate::live) fn enter_room(&self, room_id: RoomId) {
        let mut state = self.lock();
        state.room = Some(RoomInView { room_id, buffered: Some(EventBuffer::default()), caught_up_seq: 0 });
        state.room_events_dropped = false;
        self.caught_up_room.store(0, Ordering::Relaxed);
        self.room_in_view.store(room_id.0, Ordering::Relaxed);
    }

    /// Leaves no room in view.
    pub(in crate::live) fn leave_room(&self) {
        let mut state = self.lock();
        state.room = None;
        if std::mem::take(&mut state.room_events_dropped) {
            // The client will not reload the room it left, so the new user snapshot has to mark it as unread.
            state.user_events_dropped = true;
            self.write(&mut state, &[], Overflow::Queued);
        }
        self.room_in_view.store(0, Ordering::Relaxed);
        self.caught_up_room.store(0, Ordering::Relaxed);
    }

    /// The room in view.
    #[must_use]
    pub fn room_in_view(&self) -> Option<RoomId> {
        let room_id = self.room_in_view.load(Ordering::Relaxed);
        (room_id != 0).then_some(RoomId(room_id))
    }

    /// Whether `room_id` is in view and its catch-up has been sent: every further event of it is delivered.
    pub(in crate::live) fn is_caught_up_in(&self, room_id: RoomId) -> bool {
        self.caught_up_room.load(Ordering::Relaxed) == room_id.0
    }

    /// Delivers a room's events, without those that the catch-up contained; `false` when the room is not in view.
    ///
    /// Drops them all when the buffer or the send queue is full; `Resync` is sent in their place later.
    pub(in crate::live) fn deliver_room_events(&self, room_id: RoomId, events: &[EncodedEvent]) -> bool {
        let mut state = self.lock();
        let are_dropped = state.room_events_dropped;
        let Some(room) = state.room.as_mut().filter(|room| room.room_id == room_id) else { return false };
        let caught_up_seq = room.caught_up_seq;
        let is_new = |event: &EncodedEvent| event.seq.is_none_or(|seq| seq > caught_up_seq);
        if are_dropped {
            // `Resync` replaces these as well.
        } else if let Some(buffered) = &mut room.buffered {
            state.room_events_dropped = !buffered.extend_within_limits(events);
        } else if events.iter().all(is_new) {
            self.write(&mut state, events, Overflow::RoomEventsDropped);
        } else {
            let new_events: Vec<_> = events.iter().filter(|event| is_new(event)).cloned().collect();
            self.write(&mut state, &new_events, Overflow::RoomEventsDropped);
        }
        true
    }

    /// Sends a piece of the catch-up of the room in view.
    ///
    /// `false`, and nothing is sent, when the rest of the catch-up is superfluous: `room_id` is no longer in view, or
    /// events were dropped meanwhile, so that `Resync` will follow.
    #[must_use]
    pub fn send_catch_up(&self, room_id: RoomId, piece: &[EncodedEvent]) -> bool {
        let mut state = self.lock();
        let is_awaited = |room: &RoomInView| room.room_id == room_id && !room.is_caught_up();
        let is_useful = !state.room_events_dropped && state.room.as_ref().is_some_and(is_awaited);
        if is_useful {
            self.write(&mut state, piece, Overflow::Queued);
        }
        is_useful
    }

    /// Sends `last`, the end of the catch-up of the room in view up to `caught_up_seq`, then the events buffered
    /// meanwhile.
    ///
    /// Does nothing when `room_id` is no longer in view or has already been caught up.
    pub fn complete_catch_up(&self, room_id: RoomId, last: &[EncodedEvent], caught_up_seq: i64) {
        let mut state = self.lock();
        let Some(room) = state.room.as_mut().filter(|room| room.room_id == room_id) else { return };
        let Some(buffered) = room.buffered.take() else { return };
        room.caught_up_seq = caught_up_seq;
        self.caught_up_room.store(room_id.0, Ordering::Relaxed);
        // If events were dropped meanwhile, `write` sends `Resync`, which makes the catch-up superfluous.
        if !state.room_events_dropped {
            self.write(&mut state, last, Overflow::Queued);
        }
        let is_new = |event: &EncodedEvent| event.seq.is_none_or(|seq| seq > caught_up_seq);
        let are_dropped = state.room_events_dropped;
        let new_events: Vec<_> = buffered.iter().filter(|event| is_new(event) && !are_dropped).cloned().collect();
        self.write(&mut state, &new_events, Overflow::RoomEventsDropped);
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::{MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS};
    use super::super::tests::{large_event, message_removed, peer_after_snapshot};
    use crate::live::PeerCommand;
    use crate::live::testing::{DIRECT_ROOM, FakeTransport, ROOM, seqs};

    #[test]
    fn room_events_beyond_the_queue_limit_are_replaced_by_a_resync() {
        let transport = FakeTransport::with_capacity(0);
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        peer.complete_catch_up(ROOM, &[], 0);
        for seq in 1..=10_000 {
            peer.deliver_room_events(ROOM, &[message_removed(seq)]);
        }
        assert_eq!(peer.lock().queue.len(), MAX_QUEUED_EVENTS);
        assert!(peer.lock().queue.byte_count() < MAX_QUEUED_BYTES);
        assert_eq!(peer.next_command(), None, "not while the socket is blocked");
        transport.set_capacity(i64::MAX);
        // The first write of any kind finds the socket writable and drains the queue.
        peer.deliver_room_events(DIRECT_ROOM, &[message_removed(1)]);
        peer.send(&message_removed(10_001));
        let mut received = transport.take_received();
        assert!(received.pop().unwrap().contains("resync"), "in place of the dropped events");
        let mut expected: Vec<i64> = (1..=256).collect();
        expected.push(10_001);
        assert_eq!(seqs(&received), expected);
        peer.deliver_room_events(ROOM, &[message_removed(10_002)]);
        assert_eq!(seqs(&transport.take_received()), [10_002], "later events are delivered again");
        assert_eq!(peer.next_command(), None);
    }

    #[test]
    fn room_events_beyond_the_queue_limit_in_bytes_are_replaced_by_a_resync() {
        let transport = FakeTransport::with_capacity(0);
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        peer.complete_catch_up(ROOM, &[], 0);
        // Together and one by one: what the publisher writes together must not pass the limit at once.
        peer.deliver_room_events(ROOM, &vec![large_event(1); 30]);
        for seq in 2..=60 {
            peer.deliver_room_events(ROOM, &[large_event(seq)]);
        }
        let accepted_count = peer.lock().queue.len();
        assert!(peer.lock().queue.byte_count() <= MAX_QUEUED_BYTES);
        assert!((2..30).contains(&accepted_count), "{accepted_count}");
        transport.set_capacity(i64::MAX);
        peer.flush();
        let received = transport.take_received();
        assert_eq!(received.len(), accepted_count + 1);
        assert!(received[accepted_count].contains("resync"));
    }

    #[test]
    fn events_larger_than_the_buffer_of_a_catch_up_turn_it_into_a_resync() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        for seq in 1..=30 {
            peer.deliver_room_events(ROOM, &[large_event(seq)]);
        }
        assert!(peer.lock().room.as_ref().unwrap().buffered.as_ref().unwrap().byte_count() <= MAX_QUEUED_BYTES);
        assert!(!peer.send_catch_up(ROOM, &[message_removed(1)]), "superfluous");
        peer.complete_catch_up(ROOM, &[message_removed(3)], 5);
        let received = transport.take_received();
        assert!(received.len() == 1 && received[0].contains("resync"));
    }

    #[test]
    fn a_catch_up_is_sent_in_pieces_while_its_room_stays_in_view() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        assert!(peer.send_catch_up(ROOM, &[message_removed(1)]));
        peer.deliver_room_events(ROOM, &[message_removed(4)]);
        assert!(!peer.send_catch_up(DIRECT_ROOM, &[message_removed(9)]), "of another room");
        assert!(peer.send_catch_up(ROOM, &[message_removed(2)]));
        peer.complete_catch_up(ROOM, &[message_removed(3)], 3);
        assert_eq!(seqs(&transport.take_received()), [1, 2, 3, 4]);
        assert!(!peer.send_catch_up(ROOM, &[message_removed(9)]), "the room is caught up");
        peer.enter_room(ROOM);
        peer.leave_room();
        assert!(!peer.send_catch_up(ROOM, &[message_removed(9)]), "a former member receives no more of it");
        assert!(transport.take_received().is_empty());
    }

    #[test]
    fn a_room_left_during_its_catch_up_is_not_caught_up() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        peer.leave_room();
        peer.complete_catch_up(ROOM, &[message_removed(3)], 5);
        assert!(transport.take_received().is_empty());
        assert!(!peer.is_caught_up_in(ROOM));
    }

    #[test]
    fn a_catch_up_during_which_events_were_dropped_becomes_a_resync() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        assert!(!peer.is_caught_up_in(ROOM), "events of now may be part of the catch-up");
        for seq in 1..=300 {
            peer.deliver_room_events(ROOM, &[message_removed(seq)]);
        }
        peer.complete_catch_up(ROOM, &[message_removed(3)], 5);
        let received = transport.take_received();
        assert!(received.len() == 1 && received[0].contains("resync"), "too many events were buffered: {received:?}");
        assert!(peer.is_caught_up_in(ROOM));
    }

    #[test]
    fn leaving_a_room_with_dropped_events_requests_a_new_snapshot() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.enter_room(ROOM);
        peer.leave_room();
        assert_eq!(peer.next_command(), None, "no events were dropped");
        peer.enter_room(ROOM);
        for seq in 1..=300 {
            assert!(peer.deliver_room_events(ROOM, &[message_removed(seq)]));
        }
        peer.leave_room();
        assert_eq!(peer.next_command(), Some(PeerCommand::UserEventsDropped));
        assert!(transport.take_received().is_empty());
    }

    #[test]
    fn events_during_the_catch_up_are_sent_after_it_and_once() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        peer.deliver_room_events(ROOM, &[message_removed(1)]);
        peer.enter_room(ROOM);
        peer.deliver_room_events(ROOM, &[message_removed(4), message_removed(5)]);
        peer.deliver_room_events(DIRECT_ROOM, &[message_removed(6)]);
        peer.deliver_room_events(ROOM, &[message_removed(7)]);
        assert!(transport.take_received().is_empty());
        peer.complete_catch_up(ROOM, &[message_removed(3)], 5);
        assert_eq!(seqs(&transport.take_received()), [3, 7]);
        peer.deliver_room_events(ROOM, &[message_removed(5), message_removed(8)]);
        assert_eq!(seqs(&transport.take_received()), [8], "event 5 was part of the catch-up");
        peer.leave_room();
        peer.deliver_room_events(ROOM, &[message_removed(9)]);
        assert!(transport.take_received().is_empty());
    }
}
