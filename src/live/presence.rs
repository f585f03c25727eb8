//! Presence: derived from open sockets, never stored.

use std::sync::Arc;

use super::hub::{HubState, OnlineRoom};
use super::plan::Delivery;
use super::{Connection, EncodedEvent, Hub, Peer};
use crate::model::{Person, RoomId, UserId};
use crate::protocol::ServerEvent;

/// How many viewers of a room a presence event names at most.
const MAX_NAMED_VIEWERS: usize = 30;

/// How many online members of a room a presence event lists at most; pages mark their avatars.
const MAX_ONLINE_MEMBERS: usize = 100;

/// A room with n times this many subscribers publishes its presence in every nth round, which bounds the writes per
/// second.
const SUBSCRIBERS_PER_ROUND: u64 = 1_000;

impl Hub {
    /// Waits until presence has changed since it was last published.
    pub async fn presence_changed(&self) {
        self.presence_changed.notified().await;
    }

    /// Whether a visible page of the user has the room in view.
    #[must_use]
    pub fn is_viewing(&self, user_id: UserId, room_id: RoomId) -> bool {
        self.lock().rooms.get(&room_id).is_some_and(|room| room.viewers.contains_key(&user_id))
    }

    /// Runs a presence round: publishes the presence of rooms where it changed, to the sockets that have the room in
    /// view and, for direct rooms, to all online members.
    pub fn publish_presence(&self) {
        let mut deliveries = Vec::new();
        {
            let mut state = self.lock();
            state.presence_round += 1;
            let round = state.presence_round;
            for room_id in std::mem::take(&mut state.presence_dirty) {
                let Some(room) = state.rooms.get(&room_id) else { continue };
                if room.is_direct {
                    let online = room.online.iter().copied();
                    let user_ids = online.filter(|user_id| state.is_present(*user_id)).collect();
                    deliveries.push(state.to_members(room_id, &ServerEvent::Online { room_id, user_ids }));
                }
                let subscriber_count = u64::try_from(room.subscribers.len()).unwrap_or(u64::MAX);
                if subscriber_count == 0 {
                    continue;
                }
                if round.is_multiple_of((subscriber_count / SUBSCRIBERS_PER_ROUND).max(1)) {
                    let event = EncodedEvent::new(&state.room_presence(room_id, room));
                    deliveries.push(Delivery::to_subscribers(subscribers(room), room_id, event));
                } else {
                    state.presence_dirty.insert(room_id);
                }
            }
            if !state.presence_dirty.is_empty() {
                self.presence_changed.notify_one();
            }
        }
        self.deliver_all(&deliveries);
    }
}

pub(super) fn subscribers(room: &OnlineRoom) -> Vec<Arc<Peer>> {
    room.subscribers.values().cloned().collect()
}

impl Connection {
    /// Sets whether the page is visible, and which room it has in view.
    ///
    /// The change is published with the next presence round.
    pub fn set_presence(&mut self, present: bool, room_in_view: Option<RoomId>) {
        if (self.present, self.viewed_room) == (present, room_in_view) {
            return;
        }
        let mut state = self.hub.lock();
        let before = self.viewed_room.filter(|_| self.present);
        let after = room_in_view.filter(|_| present);
        if before != after {
            if let Some(room_id) = before {
                state.remove_viewer(self.user_id, room_id);
            }
            if let Some(room_id) = after {
                state.add_viewer(self.user_id, room_id);
            }
        }
        if self.present != present {
            state.count_present(self.user_id, present);
        }
        self.present = present;
        self.viewed_room = room_in_view;
        if !state.presence_dirty.is_empty() {
            self.hub.presence_changed.notify_one();
        }
    }

    /// Whether the page is visible, as last set.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.present
    }

    /// A room's current presence, as a `Presence` event; `None` when no member is online.
    #[must_use]
    pub fn presence(&self, room_id: RoomId) -> Option<ServerEvent> {
        let state = self.hub.lock();
        state.rooms.get(&room_id).map(|room| state.room_presence(room_id, room))
    }

    /// One `Online` event for each of the user's direct rooms with a present member.
    #[must_use]
    pub fn online_in_direct_rooms(&self) -> Vec<ServerEvent> {
        let state = self.hub.lock();
        let Some(user) = state.users.get(&self.user_id) else { return Vec::new() };
        let mut events = Vec::new();
        for room_id in &user.rooms {
            let Some(room) = state.rooms.get(room_id).filter(|room| room.is_direct) else { continue };
            let user_ids: Vec<_> = room.online.iter().copied().filter(|id| state.is_present(*id)).collect();
            if !user_ids.is_empty() {
                events.push(ServerEvent::Online { room_id: *room_id, user_ids });
            }
        }
        events
    }
}

impl HubState {
    fn is_present(&self, user_id: UserId) -> bool {
        self.users.get(&user_id).is_some_and(|user| user.present_count > 0)
    }

    fn room_presence(&self, room_id: RoomId, room: &OnlineRoom) -> ServerEvent {
        let mut viewers: Vec<UserId> = room.viewers.keys().copied().collect();
        viewers.sort_unstable();
        let here_count = u32::try_from(viewers.len()).unwrap_or(u32::MAX);
        viewers.truncate(MAX_NAMED_VIEWERS);
        let person = |id| self.users.get(&id).map(|user| Person { id, name: user.name.clone() });
        let here = viewers.into_iter().filter_map(person).collect();
        let online = room.online.iter().copied().filter(|id| self.is_present(*id)).take(MAX_ONLINE_MEMBERS);
        let mut online: Vec<_> = online.collect();
        online.sort_unstable();
        ServerEvent::Presence { room_id, here, here_count, online }
    }

    /// Has a room's presence published in the next round, unless nothing would receive it.
    pub fn mark_presence_dirty(&mut self, room_id: RoomId) {
        let has_receivers = |room: &OnlineRoom| room.is_direct || !room.subscribers.is_empty();
        if self.rooms.get(&room_id).is_some_and(has_receivers) {
            self.presence_dirty.insert(room_id);
        }
    }

    fn add_viewer(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&room_id).filter(|room| room.online.contains(&user_id)) {
            *room.viewers.entry(user_id).or_default() += 1;
            self.mark_presence_dirty(room_id);
        }
    }

    fn remove_viewer(&mut self, user_id: UserId, room_id: RoomId) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        if let Some(page_count) = room.viewers.get_mut(&user_id) {
            *page_count -= 1;
            if *page_count == 0 {
                room.viewers.remove(&user_id);
            }
            self.mark_presence_dirty(room_id);
        }
    }

    /// Counts one visible page of the user more, or one less.
    fn count_present(&mut self, user_id: UserId, present: bool) {
        let Some(user) = self.users.get_mut(&user_id) else { return };
        if present {
            user.present_count += 1;
        } else {
            user.present_count -= 1;
        }
        let has_changed = user.present_count == usize::from(present);
        if has_changed {
            let room_ids: Vec<_> = user.rooms.iter().copied().collect();
            for room_id in room_ids {
                self.mark_presence_dirty(room_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DIRECT_ROOM, ROOM, TestClient, publish};
    use super::*;
    use crate::live::Announcement;

    fn viewers(hub: &Hub) -> Vec<i64> {
        let state = hub.lock();
        let room = state.rooms.get(&ROOM);
        let mut viewers: Vec<_> = room.into_iter().flat_map(|room| room.viewers.keys()).map(|id| id.0).collect();
        viewers.sort_unstable();
        viewers
    }

    #[test]
    fn a_user_views_a_room_while_any_of_their_visible_pages_has_it_in_view() {
        let hub = Hub::default();
        let mut one = TestClient::connect(&hub, 1, &[ROOM]);
        let mut other = TestClient::connect(&hub, 1, &[ROOM]);
        one.set_presence(true, Some(ROOM));
        other.set_presence(true, Some(ROOM));
        other.set_presence(true, Some(ROOM));
        assert_eq!(viewers(&hub), [1]);
        one.set_presence(false, Some(ROOM));
        assert_eq!(viewers(&hub), [1], "the other page is still visible");
        other.set_presence(true, None);
        assert!(viewers(&hub).is_empty());
        assert!(hub.lock().is_present(UserId(1)), "present outside the room");
        assert!(!hub.is_viewing(UserId(1), ROOM));
        other.set_presence(true, Some(ROOM));
        assert!(hub.is_viewing(UserId(1), ROOM) && !hub.is_viewing(UserId(2), ROOM));
        drop(other);
        assert!(!hub.lock().is_present(UserId(1)));
        let mut eve = TestClient::connect(&hub, 3, &[]);
        eve.set_presence(true, Some(ROOM));
        assert!(viewers(&hub).is_empty(), "an outsider is no viewer of the room");
    }

    #[test]
    fn subscribers_receive_changes_of_presence() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[ROOM]);
        assert!(ada.focus(ROOM));
        ada.set_presence(true, Some(ROOM));
        bob.set_presence(true, None);
        hub.publish_presence();
        let expected =
            r#"{"type":"presence","room_id":1,"here":[{"id":1,"name":"user 1"}],"here_count":1,"online":[1,2]}"#;
        assert_eq!(ada.receive().as_deref(), Some(expected));
        hub.publish_presence();
        assert_eq!(ada.receive(), None, "nothing changed");
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)], by: None });
        hub.publish_presence();
        assert!(ada.receive().is_some_and(|event| event.contains(r#""online":[1]"#)));
    }

    #[test]
    fn members_of_a_direct_room_receive_each_others_presence_and_outsiders_do_not() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[DIRECT_ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[DIRECT_ROOM]);
        let mut eve = TestClient::connect(&hub, 3, &[ROOM]);
        bob.set_presence(true, None);
        hub.publish_presence();
        let expected = r#"{"type":"online","room_id":2,"user_ids":[2]}"#;
        assert_eq!(ada.receive().as_deref(), Some(expected));
        assert_eq!(eve.receive(), None);
        assert_eq!(ada.online_in_direct_rooms().len(), 1);
        assert!(eve.online_in_direct_rooms().is_empty());
        drop(bob);
        hub.publish_presence();
        assert_eq!(ada.receive().as_deref(), Some(r#"{"type":"online","room_id":2,"user_ids":[]}"#));
        ada.set_presence(true, None);
    }
}
