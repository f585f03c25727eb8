//! The hub: online users, their sockets and their rooms; the delivery of planned events.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use websocket::Transport;

use super::plan::{Delivery, Payload, RoomEvents};
use super::typing::Typing;
use super::{Announcement, Connection, EncodedEvent, Peer};
use crate::model::{RoomId, UserId};
use crate::protocol::{PRESENCE_TTL_MS, ServerEvent};

/// How many heartbeat checks a socket may stay idle before it receives a heartbeat. At two checks a second that is
/// 3.5 s, within the [`HEARTBEAT_MS`](crate::protocol::HEARTBEAT_MS) that the protocol promises.
const MAX_IDLE_CHECKS: u64 = 7;

/// How many sockets one user may have open. A browser has one for each tab.
pub const MAX_SOCKETS_PER_USER: usize = 50;

/// How many sockets are written to before the task yields: a delivery to thousands would delay all other tasks of its
/// thread.
const FANOUT_BATCH: usize = 256;

/// All open sockets, by user and by room. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    state: Arc<Mutex<HubState>>,
    pub(super) presence_changed: Arc<Notify>,
    /// How many heartbeat checks have run.
    heartbeat_checks: Arc<AtomicU64>,
    /// How many batches of announcements were published.
    published: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct HubState {
    /// One entry per user with an open socket; removed with the user's last socket.
    pub users: HashMap<UserId, OnlineUser>,
    /// One entry per room with an online member; removed with the last of them.
    pub rooms: HashMap<RoomId, OnlineRoom>,
    /// Rooms whose presence changed since it was last published; emptied in every presence round.
    pub presence_dirty: HashSet<RoomId>,
    /// How many presence rounds have run.
    pub presence_round: u64,
}

/// A user with at least one open socket.
#[derive(Debug)]
pub(super) struct OnlineUser {
    pub name: String,
    /// How many of the user's pages are visible.
    pub present_count: usize,
    /// The user's sockets, one per tab.
    pub peers: Vec<Arc<Peer>>,
    pub rooms: HashSet<RoomId>,
    /// Incremented by every change of the user's memberships: what was read from the database before it is stale.
    pub membership_version: u64,
    /// What was last published of the user's typing.
    pub typing: Typing,
}

/// A room with at least one online member.
#[derive(Debug, Default)]
pub(super) struct OnlineRoom {
    /// The sockets that have the room in view.
    pub subscribers: Subscribers,
    /// The members with an open socket.
    pub online: HashSet<UserId>,
    /// The members with a visible page of the room, and the number of these pages.
    pub viewers: HashMap<UserId, usize>,
    pub is_direct: bool,
}

/// Sockets by address in memory, which is unique while the map owns them.
pub(super) type Subscribers = HashMap<usize, Arc<Peer>>;

/// The key of a socket in [`Subscribers`].
pub(super) fn address(peer: &Arc<Peer>) -> usize {
    Arc::as_ptr(peer) as usize
}

impl Hub {
    /// Registers a user's socket. Read the memberships afterwards and pass them to [`Connection::set_rooms`].
    ///
    /// `None` if the user has [`MAX_SOCKETS_PER_USER`] already. The new one is refused, and not the oldest closed: that
    /// one would reconnect, and the tabs would take turns for ever.
    #[must_use]
    pub fn connect(&self, user_id: UserId, name: &str, transport: Arc<dyn Transport>) -> Option<Connection> {
        let peer = Arc::new(Peer::new(transport, self.heartbeat_checks.load(Ordering::Relaxed)));
        let mut state = self.lock();
        let user = state.users.entry(user_id).or_insert_with(|| OnlineUser {
            name: name.to_owned(),
            present_count: 0,
            peers: Vec::with_capacity(1),
            rooms: HashSet::new(),
            membership_version: 0,
            typing: Typing::default(),
        });
        if user.peers.len() >= MAX_SOCKETS_PER_USER {
            return None;
        }
        user.peers.push(peer.clone());
        Some(Connection::new(self.clone(), user_id, peer))
    }

    /// The number of open sockets.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.lock().users.values().map(|user| user.peers.len()).sum()
    }

    /// Changes whenever something was announced, after its commit.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Delivers announcements in order; consecutive events of one room are written together.
    ///
    /// Yields to other tasks after each batch of sockets.
    pub async fn publish(&self, announcements: Vec<Announcement>) {
        self.published.send_modify(|count| *count += 1);
        for delivery in self.plan(announcements) {
            for peers in delivery.peers.chunks(FANOUT_BATCH) {
                self.deliver(&delivery.payload, peers);
                if peers.len() == FANOUT_BATCH {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Delivers without yielding, for events with few receivers.
    pub(super) fn deliver_all(&self, deliveries: &[Delivery]) {
        for Delivery { peers, payload } in deliveries {
            self.deliver(payload, peers);
        }
    }

    fn deliver(&self, payload: &Payload, peers: &[Arc<Peer>]) {
        match payload {
            Payload::Room(RoomEvents { room_id, events, unread }) => {
                let results = peers.iter().map(|peer| (peer, peer.deliver_room_events(*room_id, events)));
                let departed: HashSet<_> =
                    results.filter(|(_, is_in_view)| !is_in_view).map(|(peer, _)| address(peer)).collect();
                if let Some((creator_id, event)) = unread
                    && !departed.is_empty()
                {
                    self.deliver_unread(*room_id, *creator_id, event, &departed);
                }
            }
            Payload::User(event) => peers.iter().for_each(|peer| peer.deliver_user_event(event)),
            Payload::Command(command) => peers.iter().for_each(|peer| peer.push_command(*command)),
        }
    }

    /// Delivers `unread` to the `departed` sockets, which left the room's view between planning and delivery, except
    /// to those of the creator and of users who are no longer members.
    fn deliver_unread(&self, room_id: RoomId, creator_id: UserId, unread: &EncodedEvent, departed: &HashSet<usize>) {
        let state = self.lock();
        let peers = state.peers_of_members(room_id, |user_id| *user_id != creator_id);
        let peers: Vec<_> = peers.filter(|peer| departed.contains(&address(peer))).cloned().collect();
        drop(state);
        peers.iter().for_each(|peer| peer.deliver_user_event(unread));
    }

    /// Applies announcements to the hub's state, and returns the deliveries they result in.
    pub(super) fn plan(&self, announcements: Vec<Announcement>) -> Vec<Delivery> {
        let mut state = self.lock();
        let mut deliveries = Vec::new();
        for announcement in announcements {
            state.plan(announcement, &mut deliveries);
        }
        if !state.presence_dirty.is_empty() {
            self.presence_changed.notify_one();
        }
        deliveries
    }

    /// Runs a heartbeat check of all sockets, to be called every half second: sends heartbeats to idle sockets and
    /// expires presence that was not refreshed.
    pub async fn send_heartbeats(&self, now_ms: i64) {
        let check = self.heartbeat_checks.fetch_add(1, Ordering::Relaxed) + 1;
        let peers: Vec<_> = self.lock().users.values().flat_map(|user| &user.peers).cloned().collect();
        let alive = EncodedEvent::new(&ServerEvent::Alive);
        for peers in peers.chunks(FANOUT_BATCH) {
            for peer in peers {
                peer.heartbeat(check, MAX_IDLE_CHECKS, &alive, now_ms - PRESENCE_TTL_MS);
            }
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HubState> {
        // No code panics while it holds this lock, so a poisoned state is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HubState {
    /// The sockets of a room's online members that pass `filter`, whatever they have in view.
    pub fn peers_of_members(
        &self,
        room_id: RoomId,
        filter: impl Fn(&UserId) -> bool,
    ) -> impl Iterator<Item = &Arc<Peer>> {
        let online = self.rooms.get(&room_id).into_iter().flat_map(|room| &room.online);
        let selected = online.filter(move |user_id| filter(user_id));
        selected.filter_map(|user_id| self.users.get(user_id)).flat_map(|user| &user.peers)
    }

    /// Applies a new membership. Does nothing for a user without sockets.
    pub fn grant_membership(&mut self, user_id: UserId, room_id: RoomId, is_direct: bool) {
        if let Some(user) = self.users.get_mut(&user_id) {
            user.membership_version += 1;
            self.add_member(user_id, room_id, is_direct);
        }
    }

    /// Applies the end of a membership, and unsubscribes the user's sockets from the room.
    pub fn revoke_membership(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(user) = self.users.get_mut(&user_id) {
            user.membership_version += 1;
            user.rooms.remove(&room_id);
            for peer in user.peers.iter().filter(|peer| peer.room_in_view() == Some(room_id)) {
                peer.leave_room();
                if let Some(room) = self.rooms.get_mut(&room_id) {
                    room.subscribers.remove(&address(peer));
                }
            }
            self.remove_online_member(user_id, room_id);
        }
    }

    /// Adds an online user to a room, without a new membership version.
    pub fn add_member(&mut self, user_id: UserId, room_id: RoomId, is_direct: bool) {
        if let Some(user) = self.users.get_mut(&user_id) {
            user.rooms.insert(room_id);
            let room = self.rooms.entry(room_id).or_default();
            room.online.insert(user_id);
            room.is_direct = is_direct;
        }
    }

    /// Removes a user from a room's online members, and the room with the last of them.
    pub fn remove_online_member(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&room_id) {
            room.online.remove(&user_id);
            room.viewers.remove(&user_id);
            if room.online.is_empty() {
                self.rooms.remove(&room_id);
            } else {
                self.mark_presence_dirty(room_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DIRECT_ROOM, FakeTransport, ROOM, TestClient, posted, publish};
    use super::*;
    use crate::live::PeerCommand;
    use crate::model::MessageId;

    #[test]
    fn a_socket_that_leaves_the_room_before_delivery_receives_an_unread_event() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM, DIRECT_ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[ROOM, DIRECT_ROOM]);
        assert!(ada.focus(ROOM) && bob.focus(ROOM));
        let event = ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) };
        let deliveries = hub.plan(vec![Announcement::Room { room_id: ROOM, event }, posted()]);
        assert!(ada.focus(DIRECT_ROOM) && bob.focus(DIRECT_ROOM));
        hub.deliver_all(&deliveries);
        assert_eq!(bob.receive().as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
        assert!(bob.receive().is_some_and(|event| event.contains("mentioned")) && bob.receive().is_none());
        assert_eq!(ada.receive(), None, "a user's own message is not unread");
    }

    #[test]
    fn a_socket_that_left_the_room_does_not_prevent_delivery_to_the_others() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM, DIRECT_ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[ROOM, DIRECT_ROOM]);
        assert!(ada.focus(DIRECT_ROOM) && bob.focus(ROOM));
        let removed = ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) };
        let peers = vec![ada.peer.clone(), bob.peer.clone()];
        hub.deliver_all(&[Delivery::to_subscribers(peers, ROOM, EncodedEvent::new(&removed))]);
        assert!(bob.receive().is_some_and(|event| event.contains("message_removed")));
        assert_eq!(ada.receive(), None);
    }

    #[test]
    fn a_user_has_a_limited_number_of_sockets() {
        let hub = Hub::default();
        let mut of_ada: Vec<_> = (0..MAX_SOCKETS_PER_USER).map(|_| TestClient::connect(&hub, 1, &[ROOM])).collect();
        assert!(hub.connect(UserId(1), "Ada", FakeTransport::unlimited()).is_none());
        assert_eq!(hub.socket_count(), MAX_SOCKETS_PER_USER);
        let _bob = TestClient::connect(&hub, 2, &[ROOM]);
        of_ada.pop();
        assert!(hub.connect(UserId(1), "Ada", FakeTransport::unlimited()).is_some(), "another one was closed");
    }

    #[test]
    fn a_removed_member_receives_no_further_events() {
        let hub = Hub::default();
        let mut bob = TestClient::connect(&hub, 2, &[ROOM]);
        let _ada = TestClient::connect(&hub, 1, &[ROOM]);
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)], by: None });
        assert_eq!(bob.peer.next_command(), Some(PeerCommand::MembershipEnded(ROOM)));
        assert_eq!(bob.receive().as_deref(), Some(r#"{"type":"room_removed","room_id":1}"#));
        publish(&hub, posted());
        assert_eq!(bob.receive(), None);
        assert!(!bob.focus(ROOM));
    }
}
