//! Who is connected and what they hear.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use websocket::Transport;

use super::peer::{Peer, PeerCommand};
use super::{Announcement, EncodedEvent};
use crate::model::{RoomId, RoomKind, UserId};
use crate::protocol::{PRESENCE_TTL_MS, ServerEvent};

/// How many beats a socket may be silent before it hears that the server is there: with two beats a second, that is
/// well within the [`HEARTBEAT_MS`](crate::protocol::HEARTBEAT_MS) that browsers are promised.
const SILENT_BEATS: u64 = 7;

/// How many sockets are written to before somebody else's work gets its turn.
const AT_ONCE: usize = 256;

/// Everyone who is connected. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
    pub(super) presence_changed: Arc<Notify>,
    beats: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// One entry a person with an open socket; it goes with their last socket.
    pub(super) people: HashMap<UserId, Online>,
    /// One entry a room that someone online is in; it goes with the last of them.
    pub(super) rooms: HashMap<RoomId, Audience>,
    /// Rooms whose presence changed since it was told last; emptied every second.
    pub(super) stirred: HashSet<RoomId>,
    /// How often presence was told.
    pub(super) tick: u64,
}

#[derive(Debug)]
pub(super) struct Online {
    pub(super) name: String,
    /// How many of the sockets have somebody looking at the page.
    pub(super) present_count: usize,
    /// The person's sockets, one a tab.
    peers: Vec<Arc<Peer>>,
    pub(super) rooms: HashSet<RoomId>,
    /// Grows with every change of membership: what was read from the database before one is stale.
    membership_version: u64,
}

#[derive(Debug, Default)]
pub(super) struct Audience {
    /// The sockets that have the room in view.
    pub(super) listeners: Listeners,
    pub(super) online: HashSet<UserId>,
    /// Who has the room in view and looks at it, with how many pages.
    pub(super) here: HashMap<UserId, usize>,
    pub(super) is_direct: bool,
}

/// Sockets by their address in memory, which is theirs as long as they are held here.
pub(super) type Listeners = HashMap<usize, Arc<Peer>>;

/// Something to say, and the sockets to say it to.
pub(super) struct Delivery {
    peers: Vec<Arc<Peer>>,
    payload: Payload,
}

enum Payload {
    /// What happened in a room, to those who have it in view.
    Room(RoomEvents),
    /// What concerns the person.
    Person(EncodedEvent),
    /// What the socket's task must see to.
    Command(PeerCommand),
}

struct RoomEvents {
    room_id: RoomId,
    frames: Vec<EncodedEvent>,
    /// The last message among them: who posted it, and what is said of it to those who do not have the room in view.
    unread: Option<(UserId, EncodedEvent)>,
}

impl Delivery {
    pub(super) fn to_room(peers: Vec<Arc<Peer>>, room_id: RoomId, frame: EncodedEvent) -> Self {
        Self { peers, payload: Payload::Room(RoomEvents { room_id, frames: vec![frame], unread: None }) }
    }
}

/// An open socket's place in the hub. Dropping it leaves.
#[derive(Debug)]
pub struct Connection {
    pub(super) hub: Hub,
    pub(super) user_id: UserId,
    /// The socket: what concerns the person is written to it from everywhere.
    pub peer: Arc<Peer>,
    pub(super) present: bool,
    /// The room in view, as far as the others know.
    pub(super) shown: Option<RoomId>,
}

impl Hub {
    /// Takes a person's socket in. Read the memberships afterwards, then hand them to [`Connection::set_rooms`].
    #[must_use]
    pub fn connect(&self, user_id: UserId, name: &str, transport: Arc<dyn Transport>) -> Connection {
        let peer = Arc::new(Peer::new(transport, self.beats.load(Ordering::Relaxed)));
        let mut inner = self.lock();
        let person = inner.people.entry(user_id).or_insert_with(|| Online {
            name: name.to_owned(),
            present_count: 0,
            peers: Vec::with_capacity(1),
            rooms: HashSet::new(),
            membership_version: 0,
        });
        person.peers.push(peer.clone());
        Connection { hub: self.clone(), user_id, peer, present: false, shown: None }
    }

    /// How many sockets are open.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.lock().people.values().map(|person| person.peers.len()).sum()
    }

    /// Says what was announced to those it concerns, in that order; what happened in one room is written together.
    ///
    /// Between some hundred sockets others get their turn.
    pub async fn publish(&self, announcements: Vec<Announcement>) {
        for delivery in self.deliveries(announcements) {
            for peers in delivery.peers.chunks(AT_ONCE) {
                self.hand(&delivery.payload, peers);
                if peers.len() == AT_ONCE {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Says something at once, where it concerns few.
    pub(super) fn hand_over(&self, deliveries: &[Delivery]) {
        for Delivery { peers, payload } in deliveries {
            self.hand(payload, peers);
        }
    }

    fn hand(&self, payload: &Payload, peers: &[Arc<Peer>]) {
        match payload {
            Payload::Room(RoomEvents { room_id, frames, unread }) => {
                let told = peers.iter().map(|peer| (peer, peer.tell_room(*room_id, frames)));
                let gone: HashSet<_> = told.filter(|(_, told)| !told).map(|(peer, _)| address(peer)).collect();
                if let Some((creator_id, frame)) = unread
                    && !gone.is_empty()
                {
                    self.tell_gone(*room_id, *creator_id, frame, &gone);
                }
            }
            Payload::Person(frame) => peers.iter().for_each(|peer| peer.tell(frame)),
            Payload::Command(order) => peers.iter().for_each(|peer| peer.command(*order)),
        }
    }

    /// Has those who went to another room while something was about to be said to them hear that there is something to
    /// read in this one. Those who are no longer in it at all hear nothing.
    fn tell_gone(&self, room_id: RoomId, creator_id: UserId, unread: &EncodedEvent, gone: &HashSet<usize>) {
        let inner = self.lock();
        let peers = inner.peers_in(room_id, |user_id| *user_id != creator_id);
        let peers: Vec<_> = peers.filter(|peer| gone.contains(&address(peer))).cloned().collect();
        drop(inner);
        peers.iter().for_each(|peer| peer.tell(unread));
    }

    /// What is to be said to whom.
    fn deliveries(&self, announcements: Vec<Announcement>) -> Vec<Delivery> {
        let mut inner = self.lock();
        let mut deliveries = Vec::new();
        for announcement in announcements {
            inner.plan(announcement, &mut deliveries);
        }
        if !inner.stirred.is_empty() {
            self.presence_changed.notify_one();
        }
        deliveries
    }

    /// Half a second has passed: who has heard nothing for a while hears that the server is there.
    pub async fn beat(&self, now_ms: i64) {
        let beat = self.beats.fetch_add(1, Ordering::Relaxed) + 1;
        let peers: Vec<_> = self.lock().people.values().flat_map(|person| &person.peers).cloned().collect();
        let alive = EncodedEvent::new(&ServerEvent::Alive);
        for peers in peers.chunks(AT_ONCE) {
            for peer in peers {
                peer.beat(beat, SILENT_BEATS, &alive, now_ms - PRESENCE_TTL_MS);
            }
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// What the hub knows of this person's memberships; hand it back with what was read from the database.
    #[must_use]
    pub fn membership_version(&self) -> u64 {
        self.hub.lock().people.get(&self.user_id).map_or(0, |person| person.membership_version)
    }

    /// Says which rooms the person is in, as read after `version` was asked.
    ///
    /// Answers `false`, and changes nothing, when a membership changed meanwhile: read again.
    #[must_use]
    pub fn set_rooms(&self, rooms: &[(RoomId, RoomKind)], version: u64) -> bool {
        let mut inner = self.hub.lock();
        if inner.people.get(&self.user_id).is_none_or(|person| person.membership_version != version) {
            return false;
        }
        for (room_id, kind) in rooms {
            inner.add(self.user_id, *room_id, *kind == RoomKind::Direct);
        }
        true
    }

    /// Has a room in view that the person is in; `false` for any other. What happens in it is held until
    /// [`Peer::catch_up`].
    ///
    /// Ask the database about the membership afterwards: what it says then is newer than this.
    #[must_use]
    pub fn enter(&self, room_id: RoomId) -> bool {
        self.leave();
        let mut inner = self.hub.lock();
        let audience = inner.rooms.get_mut(&room_id).filter(|audience| audience.online.contains(&self.user_id));
        let Some(audience) = audience else { return false };
        self.peer.enter(room_id);
        audience.listeners.insert(address(&self.peer), self.peer.clone());
        true
    }

    /// Has no room in view.
    pub fn leave(&self) {
        let Some(room_id) = self.peer.in_view() else { return };
        // Both at once: whoever plans what to say finds it here, or hears that it is not.
        let mut inner = self.hub.lock();
        if let Some(audience) = inner.rooms.get_mut(&room_id) {
            audience.listeners.remove(&address(&self.peer));
        }
        self.peer.leave();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_presence(false, None);
        self.leave();
        let mut inner = self.hub.lock();
        let Some(person) = inner.people.get_mut(&self.user_id) else { return };
        person.peers.retain(|peer| !Arc::ptr_eq(peer, &self.peer));
        if !person.peers.is_empty() {
            return;
        }
        let rooms = inner.people.remove(&self.user_id).map(|person| person.rooms).unwrap_or_default();
        for room_id in rooms {
            inner.forget(self.user_id, room_id);
        }
    }
}

fn address(peer: &Arc<Peer>) -> usize {
    Arc::as_ptr(peer) as usize
}

impl Inner {
    /// Adds what one announcement means.
    fn plan(&mut self, announcement: Announcement, deliveries: &mut Vec<Delivery>) {
        match announcement {
            Announcement::Room { room_id, frame } => self.plan_room(room_id, EncodedEvent::new(&frame), deliveries),
            Announcement::Posted { room_id, message_id, creator_id, mentioned } => {
                // Whoever has the room in view hears of the message itself, and of this if they leave the room before.
                let unread = EncodedEvent::new(&ServerEvent::Unread { room_id, message_id });
                let events = deliveries.iter_mut().rev().find_map(|delivery| match &mut delivery.payload {
                    Payload::Room(events) if events.room_id == room_id => Some(events),
                    _ => None,
                });
                if let Some(events) = events {
                    events.unread = Some((creator_id, unread.clone()));
                }
                let is_told = |user_id: &UserId| *user_id != creator_id;
                let peers = self.peers_in(room_id, is_told).filter(|peer| !peer.is_told_of(room_id));
                let peers: Vec<_> = peers.cloned().collect();
                deliveries.push(Delivery { peers, payload: Payload::Person(unread) });
                let mentioned: HashSet<_> = mentioned.into_iter().collect();
                if !mentioned.is_empty() {
                    let frame = EncodedEvent::new(&ServerEvent::Mentioned { room_id, message_id });
                    let is_told = |user_id: &UserId| *user_id != creator_id && mentioned.contains(user_id);
                    let peers = self.peers_in(room_id, is_told).cloned().collect();
                    deliveries.push(Delivery { peers, payload: Payload::Person(frame) });
                }
            }
            Announcement::Members { room_id, frame } => deliveries.push(self.to_members(room_id, &frame)),
            Announcement::Everyone { frame } => {
                let peers = self.people.values().flat_map(|person| &person.peers).cloned().collect();
                deliveries.push(Delivery { peers, payload: Payload::Person(EncodedEvent::new(&frame)) });
            }
            Announcement::Person { user_id, frame } => {
                if let (ServerEvent::Viewer { user }, Some(person)) = (&frame, self.people.get_mut(&user_id)) {
                    person.name.clone_from(&user.name);
                }
                deliveries.extend(self.to_person(user_id, Payload::Person(EncodedEvent::new(&frame))));
            }
            Announcement::Granted { room, user_ids } => {
                let (room_id, is_direct) = (room.id, room.kind == RoomKind::Direct);
                let frame = EncodedEvent::new(&ServerEvent::RoomAdded { room });
                for user_id in user_ids {
                    self.grant(user_id, room_id, is_direct);
                    self.stir(room_id);
                    deliveries.extend(self.to_person(user_id, Payload::Person(frame.clone())));
                }
            }
            Announcement::Revoked { room_id, user_ids } => {
                for user_id in user_ids {
                    self.revoke(user_id, room_id);
                    self.plan_loss(user_id, room_id, deliveries);
                }
            }
            Announcement::RoomRemoved { room_id } => {
                let online = self.rooms.remove(&room_id).map(|audience| audience.online).unwrap_or_default();
                for user_id in online {
                    self.revoke(user_id, room_id);
                    self.plan_loss(user_id, room_id, deliveries);
                }
            }
            Announcement::SessionEnded { user_id, session_id } => {
                deliveries.extend(self.to_person(user_id, Payload::Command(PeerCommand::SignedOut(session_id))));
            }
        }
    }

    /// What happened in a room, written together with what happened in it just before.
    fn plan_room(&self, room_id: RoomId, frame: EncodedEvent, deliveries: &mut Vec<Delivery>) {
        let Some(audience) = self.rooms.get(&room_id).filter(|audience| !audience.listeners.is_empty()) else { return };
        // Only what concerns others may lie in between: whoever has the room in view is told of nothing else by a post.
        for delivery in deliveries.iter_mut().rev() {
            match &mut delivery.payload {
                Payload::Room(events) if events.room_id == room_id => return events.frames.push(frame),
                Payload::Room(_) => {}
                Payload::Person(_) if delivery.peers.is_empty() => {}
                Payload::Person(_) | Payload::Command(_) => break,
            }
        }
        let peers = audience.listeners.values().cloned().collect();
        deliveries.push(Delivery::to_room(peers, room_id, frame));
    }

    /// Somebody is no longer in a room: what comes of it later does not reach them.
    fn plan_loss(&self, user_id: UserId, room_id: RoomId, deliveries: &mut Vec<Delivery>) {
        deliveries.extend(self.to_person(user_id, Payload::Command(PeerCommand::Left(room_id))));
        let frame = EncodedEvent::new(&ServerEvent::RoomRemoved { room_id });
        deliveries.extend(self.to_person(user_id, Payload::Person(frame)));
    }

    fn to_person(&self, user_id: UserId, payload: Payload) -> Option<Delivery> {
        let peers = self.people.get(&user_id)?.peers.clone();
        Some(Delivery { peers, payload })
    }

    pub(super) fn to_members(&self, room_id: RoomId, frame: &ServerEvent) -> Delivery {
        let peers = self.peers_in(room_id, |_| true).cloned().collect();
        Delivery { peers, payload: Payload::Person(EncodedEvent::new(frame)) }
    }

    /// The sockets of those online in a room who are meant.
    fn peers_in(&self, room_id: RoomId, is_meant: impl Fn(&UserId) -> bool) -> impl Iterator<Item = &Arc<Peer>> {
        let online = self.rooms.get(&room_id).into_iter().flat_map(|audience| &audience.online);
        let meant = online.filter(move |user_id| is_meant(user_id));
        meant.filter_map(|user_id| self.people.get(user_id)).flat_map(|person| &person.peers)
    }

    fn grant(&mut self, user_id: UserId, room_id: RoomId, is_direct: bool) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.membership_version += 1;
            self.add(user_id, room_id, is_direct);
        }
    }

    fn revoke(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.membership_version += 1;
            person.rooms.remove(&room_id);
            for peer in person.peers.iter().filter(|peer| peer.in_view() == Some(room_id)) {
                peer.leave();
                if let Some(audience) = self.rooms.get_mut(&room_id) {
                    audience.listeners.remove(&address(peer));
                }
            }
            self.forget(user_id, room_id);
        }
    }

    fn add(&mut self, user_id: UserId, room_id: RoomId, is_direct: bool) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.rooms.insert(room_id);
            let audience = self.rooms.entry(room_id).or_default();
            audience.online.insert(user_id);
            audience.is_direct = is_direct;
        }
    }

    fn forget(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(audience) = self.rooms.get_mut(&room_id) {
            audience.online.remove(&user_id);
            audience.here.remove(&user_id);
            if audience.online.is_empty() {
                self.rooms.remove(&room_id);
            } else {
                self.stir(room_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::peer::tests::Pipe;
    use super::*;
    use crate::model::{MessageId, RoomKind, SidebarRoom};

    const ROOM: RoomId = RoomId(1);
    const PING: RoomId = RoomId(2);

    /// Somebody's socket: its place in the hub, and what came out of it.
    struct Someone {
        connection: Connection,
        pipe: Arc<Pipe>,
        heard: VecDeque<String>,
    }

    impl std::ops::Deref for Someone {
        type Target = Connection;

        fn deref(&self) -> &Connection {
            &self.connection
        }
    }

    impl std::ops::DerefMut for Someone {
        fn deref_mut(&mut self) -> &mut Connection {
            &mut self.connection
        }
    }

    impl Someone {
        fn hear(&mut self) -> Option<String> {
            self.heard.extend(self.pipe.heard());
            self.heard.pop_front()
        }

        fn look_at(&self, room_id: RoomId) -> bool {
            let entered = self.enter(room_id);
            self.peer.catch_up(room_id, &[], 0);
            entered
        }
    }

    fn publish(hub: &Hub, announcement: Announcement) {
        hub.hand_over(&hub.deliveries(vec![announcement]));
    }

    fn online(hub: &Hub, user_id: i64, rooms: &[RoomId]) -> Someone {
        let pipe = Pipe::wide();
        let connection = hub.connect(UserId(user_id), &format!("user {user_id}"), pipe.clone());
        connection.peer.begin(&[]);
        let rooms: Vec<_> =
            rooms.iter().map(|id| (*id, if *id == PING { RoomKind::Direct } else { RoomKind::Open })).collect();
        assert!(connection.set_rooms(&rooms, connection.membership_version()));
        Someone { connection, pipe, heard: VecDeque::new() }
    }

    fn posted() -> Announcement {
        Announcement::Posted {
            room_id: ROOM,
            message_id: MessageId(5),
            creator_id: UserId(1),
            mentioned: vec![UserId(1), UserId(2)],
        }
    }

    #[test]
    fn members_learn_of_a_post_its_author_and_outsiders_do_not() {
        let hub = Hub::default();
        let (mut ada, mut bob, mut eve) = (online(&hub, 1, &[ROOM]), online(&hub, 2, &[ROOM]), online(&hub, 3, &[]));
        publish(&hub, posted());
        assert_eq!(bob.hear().as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
        assert_eq!(bob.hear().as_deref(), Some(r#"{"type":"mentioned","room_id":1,"message_id":5}"#));
        assert_eq!(ada.hear(), None);
        assert_eq!(eve.hear(), None);
    }

    #[test]
    fn who_has_the_room_in_view_hears_of_a_message_once_and_the_other_tab_that_there_is_one() {
        let hub = Hub::default();
        let (_ada, mut bob, mut tab) = (online(&hub, 1, &[ROOM]), online(&hub, 2, &[ROOM]), online(&hub, 2, &[ROOM]));
        assert!(bob.look_at(ROOM));
        let removed = ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) };
        let room = || Announcement::Room { room_id: ROOM, frame: removed.clone() };
        let deliveries = hub.deliveries(vec![room(), room()]);
        assert_eq!(deliveries.len(), 1, "written together");
        hub.hand_over(&deliveries);
        assert_eq!([bob.hear(), bob.hear(), bob.hear()].iter().flatten().count(), 2);
        publish(&hub, posted());
        assert!(tab.hear().is_some_and(|heard| heard.contains("unread")));
        assert!(bob.hear().is_some_and(|heard| heard.contains("mentioned")) && bob.hear().is_none());
    }

    #[test]
    fn who_leaves_a_room_while_a_message_is_on_its_way_hears_that_there_is_one() {
        let hub = Hub::default();
        let (mut ada, mut bob) = (online(&hub, 1, &[ROOM, PING]), online(&hub, 2, &[ROOM, PING]));
        assert!(ada.look_at(ROOM) && bob.look_at(ROOM));
        let frame = ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) };
        let deliveries = hub.deliveries(vec![Announcement::Room { room_id: ROOM, frame }, posted()]);
        assert!(ada.look_at(PING) && bob.look_at(PING));
        hub.hand_over(&deliveries);
        assert_eq!(bob.hear().as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
        assert!(bob.hear().is_some_and(|heard| heard.contains("mentioned")) && bob.hear().is_none());
        assert_eq!(ada.hear(), None, "what one wrote oneself is no news");
    }

    #[test]
    fn who_leaves_a_room_takes_nothing_from_those_who_stay() {
        let hub = Hub::default();
        let (mut ada, mut bob) = (online(&hub, 1, &[ROOM, PING]), online(&hub, 2, &[ROOM, PING]));
        assert!(ada.look_at(PING) && bob.look_at(ROOM));
        let frame =
            EncodedEvent::new(&ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) });
        hub.hand_over(&[Delivery::to_room(vec![ada.peer.clone(), bob.peer.clone()], ROOM, frame)]);
        assert!(bob.hear().is_some_and(|heard| heard.contains("message_removed")));
        assert_eq!(ada.hear(), None);
    }

    #[test]
    fn an_outsider_cannot_listen_to_a_room() {
        let hub = Hub::default();
        let (ada, eve) = (online(&hub, 1, &[ROOM]), online(&hub, 3, &[]));
        assert!(ada.look_at(ROOM));
        assert!(!eve.look_at(ROOM));
    }

    #[test]
    fn losing_a_room_ends_everything_heard_of_it() {
        let hub = Hub::default();
        let (mut bob, _ada) = (online(&hub, 2, &[ROOM]), online(&hub, 1, &[ROOM]));
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        assert_eq!(bob.peer.take_command(), Some(PeerCommand::Left(ROOM)));
        assert_eq!(bob.hear().as_deref(), Some(r#"{"type":"room_removed","room_id":1}"#));
        publish(&hub, posted());
        assert_eq!(bob.hear(), None);
        assert!(!bob.look_at(ROOM));
    }

    #[test]
    fn memberships_read_before_a_change_are_not_taken() {
        let hub = Hub::default();
        let bob = hub.connect(UserId(2), "Bob", Pipe::wide());
        let version = bob.membership_version();
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        assert!(!bob.set_rooms(&[(ROOM, RoomKind::Closed)], version));
        assert!(!bob.enter(ROOM));
    }

    #[test]
    fn a_granted_room_is_heard_at_once() {
        let hub = Hub::default();
        let mut bob = online(&hub, 2, &[]);
        let (kind, name) = (RoomKind::Closed, "Designers".into());
        let room = SidebarRoom { id: ROOM, kind, name, unread: false, mention_count: 0, active_at: 0, people: vec![] };
        publish(&hub, Announcement::Granted { room, user_ids: vec![UserId(2), UserId(9)] });
        assert!(bob.hear().is_some_and(|json| json.contains("Designers")));
        assert!(bob.look_at(ROOM));
    }

    fn here(hub: &Hub) -> Vec<i64> {
        let inner = hub.lock();
        let mut here: Vec<_> =
            inner.rooms.get(&ROOM).into_iter().flat_map(|room| room.here.keys()).map(|id| id.0).collect();
        here.sort_unstable();
        here
    }

    #[test]
    fn somebody_is_in_the_room_while_any_page_of_theirs_is_looked_at_there() {
        let hub = Hub::default();
        let (mut one, mut other) = (online(&hub, 1, &[ROOM]), online(&hub, 1, &[ROOM]));
        one.set_presence(true, Some(ROOM));
        other.set_presence(true, Some(ROOM));
        other.set_presence(true, Some(ROOM));
        assert_eq!(here(&hub), [1]);
        one.set_presence(false, Some(ROOM));
        assert_eq!(here(&hub), [1], "the other page is still looked at");
        other.set_presence(true, None);
        assert!(here(&hub).is_empty());
        assert!(hub.lock().is_present(UserId(1)), "online, elsewhere");
        drop(other);
        assert!(!hub.lock().is_present(UserId(1)));
        let mut eve = online(&hub, 3, &[]);
        eve.set_presence(true, Some(ROOM));
        assert!(here(&hub).is_empty(), "an outsider is not in the room");
    }

    #[test]
    fn those_with_the_room_in_view_are_told_who_came_and_went() {
        let hub = Hub::default();
        let (mut ada, mut bob) = (online(&hub, 1, &[ROOM]), online(&hub, 2, &[ROOM]));
        assert!(ada.look_at(ROOM));
        ada.set_presence(true, Some(ROOM));
        bob.set_presence(true, None);
        hub.tell_presence();
        let expected =
            r#"{"type":"presence","room_id":1,"here":[{"id":1,"name":"user 1"}],"here_count":1,"online":[1,2]}"#;
        assert_eq!(ada.hear().as_deref(), Some(expected));
        hub.tell_presence();
        assert_eq!(ada.hear(), None, "nothing changed");
        publish(&hub, Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        hub.tell_presence();
        assert!(ada.hear().is_some_and(|json| json.contains(r#""online":[1]"#)));
    }

    #[test]
    fn the_people_of_a_ping_hear_of_each_other_and_no_outsider_does() {
        let hub = Hub::default();
        let (mut ada, mut bob, mut eve) =
            (online(&hub, 1, &[PING]), online(&hub, 2, &[PING]), online(&hub, 3, &[ROOM]));
        bob.set_presence(true, None);
        hub.tell_presence();
        let expected = r#"{"type":"online","room_id":2,"user_ids":[2]}"#;
        assert_eq!(ada.hear().as_deref(), Some(expected));
        assert_eq!(eve.hear(), None);
        assert_eq!(ada.online_in_direct_rooms().len(), 1);
        assert!(eve.online_in_direct_rooms().is_empty());
        drop(bob);
        hub.tell_presence();
        assert_eq!(ada.hear().as_deref(), Some(r#"{"type":"online","room_id":2,"user_ids":[]}"#));
        ada.set_presence(true, None);
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let hub = Hub::default();
        let (first, second) = (online(&hub, 1, &[ROOM]), online(&hub, 1, &[ROOM]));
        drop(first);
        assert_eq!(hub.socket_count(), 1);
        drop(second);
        let inner = hub.lock();
        assert!(inner.people.is_empty() && inner.rooms.is_empty());
    }
}
