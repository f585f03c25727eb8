//! An open socket's registration in the hub: its user's memberships and the room it subscribes to.

use std::sync::Arc;

use super::hub::address;
use super::{Hub, Peer};
use crate::model::{RoomId, RoomKind, UserId};

/// An open socket's registration in the hub, removed on drop.
#[derive(Debug)]
pub struct Connection {
    pub(super) hub: Hub,
    pub(super) user_id: UserId,
    /// The socket, which the hub writes events to.
    pub peer: Arc<Peer>,
    /// Whether the page is visible.
    pub(super) present: bool,
    /// The room in view as it counts for presence.
    pub(super) viewed_room: Option<RoomId>,
}

impl Connection {
    pub(super) const fn new(hub: Hub, user_id: UserId, peer: Arc<Peer>) -> Self {
        Self { hub, user_id, peer, present: false, viewed_room: None }
    }

    /// The version of the user's memberships in the hub; pass it to [`Connection::set_rooms`] with what was read from
    /// the database after this call.
    #[must_use]
    pub fn membership_version(&self) -> u64 {
        self.hub.lock().users.get(&self.user_id).map_or(0, |user| user.membership_version)
    }

    /// Adds the rooms the user is a member of, read from the database after `version` was taken.
    ///
    /// Returns `false` and changes nothing when a membership changed meanwhile: read again.
    #[must_use]
    pub fn set_rooms(&self, rooms: &[(RoomId, RoomKind)], version: u64) -> bool {
        let mut state = self.hub.lock();
        if state.users.get(&self.user_id).is_none_or(|user| user.membership_version != version) {
            return false;
        }
        for (room_id, kind) in rooms {
            state.add_member(self.user_id, *room_id, *kind == RoomKind::Direct);
        }
        true
    }

    /// Subscribes to the events of the room in view, instead of any other room; `false` when the user is no member.
    ///
    /// Events are buffered until [`Peer::complete_catch_up`]. Read the membership and the catch-up from the database
    /// after this call, so that no change in between is missed.
    #[must_use]
    pub fn subscribe(&self, room_id: RoomId) -> bool {
        self.unsubscribe();
        let mut state = self.hub.lock();
        let room = state.rooms.get_mut(&room_id).filter(|room| room.online.contains(&self.user_id));
        let Some(room) = room else { return false };
        self.peer.enter_room(room_id);
        room.subscribers.insert(address(&self.peer), self.peer.clone());
        true
    }

    /// Unsubscribes from the room in view, if any.
    pub fn unsubscribe(&self) {
        let Some(room_id) = self.peer.room_in_view() else { return };
        // Both changes under one lock: the plan for a post finds this socket either among the subscribers, or not
        // caught up and thus among the receivers of `Unread`.
        let mut state = self.hub.lock();
        if let Some(room) = state.rooms.get_mut(&room_id) {
            room.subscribers.remove(&address(&self.peer));
        }
        self.peer.leave_room();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop_typing();
        self.set_presence(false, None);
        self.unsubscribe();
        let mut state = self.hub.lock();
        let Some(user) = state.users.get_mut(&self.user_id) else { return };
        user.peers.retain(|peer| !Arc::ptr_eq(peer, &self.peer));
        if !user.peers.is_empty() {
            return;
        }
        let rooms = state.users.remove(&self.user_id).map(|user| user.rooms).unwrap_or_default();
        for room_id in rooms {
            state.remove_online_member(self.user_id, room_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeTransport, ROOM, TestClient, publish};
    use super::*;
    use crate::live::Announcement;

    #[test]
    fn an_outsider_cannot_subscribe_to_a_room() {
        let hub = Hub::default();
        let ada = TestClient::connect(&hub, 1, &[ROOM]);
        let eve = TestClient::connect(&hub, 3, &[]);
        assert!(ada.focus(ROOM));
        assert!(!eve.focus(ROOM));
    }

    #[test]
    fn memberships_read_before_a_change_are_rejected() {
        let hub = Hub::default();
        let bob = hub.connect(UserId(2), "Bob", FakeTransport::unlimited()).unwrap();
        let version = bob.membership_version();
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)], by: None });
        assert!(!bob.set_rooms(&[(ROOM, RoomKind::Closed)], version));
        assert!(!bob.subscribe(ROOM));
    }

    #[test]
    fn the_last_connection_of_a_user_removes_all_their_state() {
        let hub = Hub::default();
        let first = TestClient::connect(&hub, 1, &[ROOM]);
        let second = TestClient::connect(&hub, 1, &[ROOM]);
        drop(first);
        assert_eq!(hub.socket_count(), 1);
        drop(second);
        let state = hub.lock();
        assert!(state.users.is_empty() && state.rooms.is_empty());
    }
}
