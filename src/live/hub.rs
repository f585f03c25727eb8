//! Who is connected and what they hear.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};

use super::Announcement;
use crate::event::ServerFrame;
use crate::model::{Person, RoomId, RoomKind, SessionId, UserId};

/// How many frames of a room a slow reader may fall behind before it has to reload.
const ROOM_BACKLOG: usize = 256;

/// How many frames of a person may wait for one of their tabs.
const PERSON_BACKLOG: usize = 128;

/// How many of those in a room are named to the others.
const MOST_HERE: usize = 30;

/// How many of a room's members online are marked at their avatars.
const MOST_ONLINE: usize = 100;

/// A room with this many listeners tells its presence every second, one with twice as many every other.
const LISTENERS_A_SECOND: u64 = 1_000;

/// One thing to hear, encoded once for all who hear it.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A frame for the wire, and its place in the event log when it has one.
    Text { json: Arc<str>, seq: Option<i64> },
    /// Not for the wire: the person left this room; whoever has it in view stops listening to it.
    Left(RoomId),
    /// Not for the wire: this browser was signed out.
    SignedOut(SessionId),
}

impl Frame {
    fn new(frame: &ServerFrame) -> Self {
        Self::Text { json: frame.to_json().into(), seq: frame.position().map(|(seq, _)| seq) }
    }
}

/// A stream of frames. Who falls behind gets `Lagged` and must reload.
pub type Listener = broadcast::Receiver<Frame>;

/// Everyone who is connected. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
    presence_changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    /// One entry a person with an open socket; it goes with their last socket.
    people: HashMap<UserId, Online>,
    /// One entry a room that someone online is in; it goes with the last of them.
    rooms: HashMap<RoomId, Audience>,
    /// Rooms whose presence changed since it was told last; emptied every second.
    stirred: HashSet<RoomId>,
    /// How often presence was told.
    tick: u64,
}

#[derive(Debug)]
struct Online {
    name: String,
    /// How many of the sockets have somebody looking at the page.
    present_count: usize,
    frames: broadcast::Sender<Frame>,
    socket_count: usize,
    rooms: HashSet<RoomId>,
    /// Grows with every change of membership: what was read from the database before one is stale.
    membership_version: u64,
}

#[derive(Debug, Default)]
struct Audience {
    /// Made when somebody first has the room in view.
    frames: Option<broadcast::Sender<Frame>>,
    online: HashSet<UserId>,
    /// Who has the room in view and looks at it, with how many pages.
    here: HashMap<UserId, usize>,
    is_direct: bool,
}

/// An open socket's place in the hub. Dropping it leaves.
#[derive(Debug)]
pub struct Connection {
    hub: Hub,
    user_id: UserId,
    /// What concerns this person: rooms, unread and read marks.
    pub frames: Listener,
    present: bool,
    in_view: Option<RoomId>,
}

impl Hub {
    /// Takes a person's socket in. Read the memberships afterwards, then hand them to [`Connection::set_rooms`].
    #[must_use]
    pub fn connect(&self, user_id: UserId, name: &str) -> Connection {
        let mut inner = self.lock();
        let person = inner.people.entry(user_id).or_insert_with(|| Online {
            name: name.to_owned(),
            present_count: 0,
            frames: broadcast::Sender::new(PERSON_BACKLOG),
            socket_count: 0,
            rooms: HashSet::new(),
            membership_version: 0,
        });
        person.socket_count += 1;
        let frames = person.frames.subscribe();
        Connection { hub: self.clone(), user_id, frames, present: false, in_view: None }
    }

    /// Comes when somebody came or went since presence was told last.
    pub async fn presence_changed(&self) {
        self.presence_changed.notified().await;
    }

    /// Tells who is present where that has changed: those with a room in view, and the people of direct rooms.
    pub fn tell_presence(&self) {
        let mut inner = self.lock();
        inner.tick += 1;
        let tick = inner.tick;
        for room_id in std::mem::take(&mut inner.stirred) {
            let Some(audience) = inner.rooms.get(&room_id) else { continue };
            if audience.is_direct {
                let online = audience.online.iter().copied();
                let user_ids = online.filter(|user_id| inner.is_present(*user_id)).collect();
                inner.tell_room(room_id, None, &ServerFrame::Online { room_id, user_ids });
            }
            let Some(frames) = &audience.frames else { continue };
            let listener_count = u64::try_from(frames.receiver_count()).unwrap_or(u64::MAX);
            if listener_count == 0 {
                continue;
            }
            if tick.is_multiple_of((listener_count / LISTENERS_A_SECOND).max(1)) {
                let _ = frames.send(Frame::new(&inner.presence(room_id, audience)));
            } else {
                inner.stirred.insert(room_id);
            }
        }
        if !inner.stirred.is_empty() {
            self.presence_changed.notify_one();
        }
    }

    /// How many sockets are open.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.lock().people.values().map(|person| person.socket_count).sum()
    }

    /// Says what was announced to those it concerns.
    pub fn publish(&self, announcement: Announcement) {
        let mut inner = self.lock();
        match announcement {
            Announcement::Room { room_id, frame } => {
                if let Some(frames) = inner.rooms.get(&room_id).and_then(|audience| audience.frames.as_ref()) {
                    let _ = frames.send(Frame::new(&frame));
                }
            }
            Announcement::Posted { room_id, message_id, creator_id, mentioned } => {
                inner.tell_room(room_id, Some(creator_id), &ServerFrame::Unread { room_id, message_id });
                let frame = Frame::new(&ServerFrame::Mentioned { room_id, message_id });
                let online =
                    |user_id: &UserId| inner.rooms.get(&room_id).is_some_and(|room| room.online.contains(user_id));
                for user_id in mentioned.iter().filter(|user_id| **user_id != creator_id && online(user_id)) {
                    inner.tell(*user_id, &frame);
                }
            }
            Announcement::Members { room_id, frame } => inner.tell_room(room_id, None, &frame),
            Announcement::Everyone { frame } => {
                let frame = Frame::new(&frame);
                for person in inner.people.values() {
                    let _ = person.frames.send(frame.clone());
                }
            }
            Announcement::Person { user_id, frame } => {
                if let (ServerFrame::Viewer { user }, Some(person)) = (&frame, inner.people.get_mut(&user_id)) {
                    person.name.clone_from(&user.name);
                }
                inner.tell(user_id, &Frame::new(&frame));
            }
            Announcement::Granted { room, user_ids } => {
                let (room_id, is_direct) = (room.id, room.kind == RoomKind::Direct);
                let frame = Frame::new(&ServerFrame::RoomAdded { room });
                for user_id in user_ids {
                    inner.grant(user_id, room_id, is_direct);
                    inner.stir(room_id);
                    inner.tell(user_id, &frame);
                }
            }
            Announcement::Revoked { room_id, user_ids } => {
                let frame = Frame::new(&ServerFrame::RoomRemoved { room_id });
                for user_id in user_ids {
                    inner.revoke(user_id, room_id);
                    inner.tell(user_id, &Frame::Left(room_id));
                    inner.tell(user_id, &frame);
                }
            }
            Announcement::RoomRemoved { room_id } => {
                let frame = Frame::new(&ServerFrame::RoomRemoved { room_id });
                let online = inner.rooms.remove(&room_id).map(|audience| audience.online).unwrap_or_default();
                for user_id in online {
                    inner.revoke(user_id, room_id);
                    inner.tell(user_id, &Frame::Left(room_id));
                    inner.tell(user_id, &frame);
                }
            }
            Announcement::SessionEnded { user_id, session_id } => inner.tell(user_id, &Frame::SignedOut(session_id)),
        }
        if !inner.stirred.is_empty() {
            self.presence_changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
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

    /// Says whether somebody looks at this page, and which room it shows.
    ///
    /// The others hear of it within seconds.
    pub fn set_presence(&mut self, present: bool, in_view: Option<RoomId>) {
        if (self.present, self.in_view) == (present, in_view) {
            return;
        }
        let mut inner = self.hub.lock();
        let (before, after) = (self.in_view.filter(|_| self.present), in_view.filter(|_| present));
        if before != after {
            if let Some(room_id) = before {
                inner.leave_view(self.user_id, room_id);
            }
            if let Some(room_id) = after {
                inner.enter_view(self.user_id, room_id);
            }
        }
        if self.present != present {
            inner.count_present(self.user_id, present);
        }
        (self.present, self.in_view) = (present, in_view);
        if !inner.stirred.is_empty() {
            self.hub.presence_changed.notify_one();
        }
    }

    /// Whether somebody looks at this page, as far as it said.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.present
    }

    /// Who is present in a room now; nothing where nobody online is in it.
    #[must_use]
    pub fn presence(&self, room_id: RoomId) -> Option<ServerFrame> {
        let inner = self.hub.lock();
        inner.rooms.get(&room_id).map(|audience| inner.presence(room_id, audience))
    }

    /// Who of the people in this person's direct rooms is online now, room by room; rooms with nobody are left out.
    #[must_use]
    pub fn online_in_direct_rooms(&self) -> Vec<ServerFrame> {
        let inner = self.hub.lock();
        let Some(person) = inner.people.get(&self.user_id) else { return Vec::new() };
        let mut frames = Vec::new();
        for room_id in &person.rooms {
            let Some(audience) = inner.rooms.get(room_id).filter(|audience| audience.is_direct) else { continue };
            let user_ids: Vec<_> = audience.online.iter().copied().filter(|id| inner.is_present(*id)).collect();
            if !user_ids.is_empty() {
                frames.push(ServerFrame::Online { room_id: *room_id, user_ids });
            }
        }
        frames
    }

    /// Says to those with the room in view that this person writes there, or stopped.
    pub fn tell_typing(&self, room_id: RoomId, active: bool) {
        let inner = self.hub.lock();
        let Some(audience) = inner.rooms.get(&room_id).filter(|room| room.online.contains(&self.user_id)) else {
            return;
        };
        let (Some(frames), Some(person)) = (&audience.frames, inner.people.get(&self.user_id)) else { return };
        let person = Person { id: self.user_id, name: person.name.clone() };
        let _ = frames.send(Frame::new(&ServerFrame::Typing { room_id, person, active }));
    }

    /// Listens to a room the person is in; `None` for any other.
    ///
    /// Ask the database about the membership afterwards: what it says then is newer than this.
    #[must_use]
    pub fn listen(&self, room_id: RoomId) -> Option<Listener> {
        let mut inner = self.hub.lock();
        let audience = inner.rooms.get_mut(&room_id).filter(|audience| audience.online.contains(&self.user_id))?;
        Some(audience.frames.get_or_insert_with(|| broadcast::Sender::new(ROOM_BACKLOG)).subscribe())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_presence(false, None);
        let mut inner = self.hub.lock();
        let Some(person) = inner.people.get_mut(&self.user_id) else { return };
        person.socket_count -= 1;
        if person.socket_count > 0 {
            return;
        }
        let rooms = inner.people.remove(&self.user_id).map(|person| person.rooms).unwrap_or_default();
        for room_id in rooms {
            inner.leave(self.user_id, room_id);
        }
    }
}

impl Inner {
    fn tell(&self, user_id: UserId, frame: &Frame) {
        if let Some(person) = self.people.get(&user_id) {
            let _ = person.frames.send(frame.clone());
        }
    }

    fn tell_room(&self, room_id: RoomId, but: Option<UserId>, frame: &ServerFrame) {
        let Some(audience) = self.rooms.get(&room_id) else { return };
        let frame = Frame::new(frame);
        for user_id in audience.online.iter().filter(|user_id| Some(**user_id) != but) {
            self.tell(*user_id, &frame);
        }
    }

    fn is_present(&self, user_id: UserId) -> bool {
        self.people.get(&user_id).is_some_and(|person| person.present_count > 0)
    }

    fn presence(&self, room_id: RoomId, audience: &Audience) -> ServerFrame {
        let mut here: Vec<UserId> = audience.here.keys().copied().collect();
        here.sort_unstable();
        let here_count = u32::try_from(here.len()).unwrap_or(u32::MAX);
        here.truncate(MOST_HERE);
        let named = |id| self.people.get(&id).map(|person| Person { id, name: person.name.clone() });
        let here = here.into_iter().filter_map(named).collect();
        let online = audience.online.iter().copied().filter(|id| self.is_present(*id)).take(MOST_ONLINE);
        let mut online: Vec<_> = online.collect();
        online.sort_unstable();
        ServerFrame::Presence { room_id, here, here_count, online }
    }

    /// Notes that who is present in a room has changed, if anybody might want to know.
    fn stir(&mut self, room_id: RoomId) {
        let concerns = |audience: &Audience| audience.is_direct || audience.frames.is_some();
        if self.rooms.get(&room_id).is_some_and(concerns) {
            self.stirred.insert(room_id);
        }
    }

    fn enter_view(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(audience) = self.rooms.get_mut(&room_id).filter(|audience| audience.online.contains(&user_id)) {
            *audience.here.entry(user_id).or_default() += 1;
            self.stir(room_id);
        }
    }

    fn leave_view(&mut self, user_id: UserId, room_id: RoomId) {
        let Some(audience) = self.rooms.get_mut(&room_id) else { return };
        if let Some(page_count) = audience.here.get_mut(&user_id) {
            *page_count -= 1;
            if *page_count == 0 {
                audience.here.remove(&user_id);
            }
            self.stir(room_id);
        }
    }

    /// One page more, or one less, of this person is looked at.
    fn count_present(&mut self, user_id: UserId, present: bool) {
        let Some(person) = self.people.get_mut(&user_id) else { return };
        if present {
            person.present_count += 1;
        } else {
            person.present_count -= 1;
        }
        let turned = person.present_count == usize::from(present);
        if turned {
            let room_ids: Vec<_> = person.rooms.iter().copied().collect();
            for room_id in room_ids {
                self.stir(room_id);
            }
        }
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
            self.leave(user_id, room_id);
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

    fn leave(&mut self, user_id: UserId, room_id: RoomId) {
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
    use super::*;
    use crate::model::{MessageId, RoomKind, SidebarRoom};

    const ROOM: RoomId = RoomId(1);
    const PING: RoomId = RoomId(2);

    fn online(hub: &Hub, user_id: i64, rooms: &[RoomId]) -> Connection {
        let connection = hub.connect(UserId(user_id), &format!("user {user_id}"));
        let rooms: Vec<_> =
            rooms.iter().map(|id| (*id, if *id == PING { RoomKind::Direct } else { RoomKind::Open })).collect();
        assert!(connection.set_rooms(&rooms, connection.membership_version()));
        connection
    }

    fn text(listener: &mut Listener) -> Option<String> {
        loop {
            match listener.try_recv().ok()? {
                Frame::Text { json, .. } => return Some(json.to_string()),
                Frame::Left(_) | Frame::SignedOut(_) => {}
            }
        }
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
        hub.publish(posted());
        assert_eq!(text(&mut bob.frames).as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
        assert_eq!(text(&mut bob.frames).as_deref(), Some(r#"{"type":"mentioned","room_id":1,"message_id":5}"#));
        assert_eq!(text(&mut ada.frames), None);
        assert_eq!(text(&mut eve.frames), None);
    }

    #[test]
    fn an_outsider_cannot_listen_to_a_room() {
        let hub = Hub::default();
        let (ada, eve) = (online(&hub, 1, &[ROOM]), online(&hub, 3, &[]));
        assert!(ada.listen(ROOM).is_some());
        assert!(eve.listen(ROOM).is_none());
    }

    #[test]
    fn losing_a_room_ends_everything_heard_of_it() {
        let hub = Hub::default();
        let (mut bob, _ada) = (online(&hub, 2, &[ROOM]), online(&hub, 1, &[ROOM]));
        hub.publish(Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        assert!(matches!(bob.frames.try_recv(), Ok(Frame::Left(ROOM))));
        assert_eq!(text(&mut bob.frames).as_deref(), Some(r#"{"type":"room_removed","room_id":1}"#));
        hub.publish(posted());
        assert_eq!(text(&mut bob.frames), None);
        assert!(bob.listen(ROOM).is_none());
    }

    #[test]
    fn memberships_read_before_a_change_are_not_taken() {
        let hub = Hub::default();
        let bob = hub.connect(UserId(2), "Bob");
        let version = bob.membership_version();
        hub.publish(Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        assert!(!bob.set_rooms(&[(ROOM, RoomKind::Closed)], version));
        assert!(bob.listen(ROOM).is_none());
    }

    #[test]
    fn a_granted_room_is_heard_at_once() {
        let hub = Hub::default();
        let mut bob = online(&hub, 2, &[]);
        let (kind, name) = (RoomKind::Closed, "Designers".into());
        let room = SidebarRoom { id: ROOM, kind, name, unread: false, mention_count: 0, active_at: 0, people: vec![] };
        hub.publish(Announcement::Granted { room, user_ids: vec![UserId(2), UserId(9)] });
        assert!(text(&mut bob.frames).is_some_and(|json| json.contains("Designers")));
        assert!(bob.listen(ROOM).is_some());
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
        let mut listener = ada.listen(ROOM).unwrap();
        ada.set_presence(true, Some(ROOM));
        bob.set_presence(true, None);
        hub.tell_presence();
        let expected =
            r#"{"type":"presence","room_id":1,"here":[{"id":1,"name":"user 1"}],"here_count":1,"online":[1,2]}"#;
        assert_eq!(text(&mut listener).as_deref(), Some(expected));
        hub.tell_presence();
        assert_eq!(text(&mut listener), None, "nothing changed");
        hub.publish(Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        hub.tell_presence();
        assert!(text(&mut listener).is_some_and(|json| json.contains(r#""online":[1]"#)));
    }

    #[test]
    fn the_people_of_a_ping_hear_of_each_other_and_no_outsider_does() {
        let hub = Hub::default();
        let (mut ada, mut bob, mut eve) =
            (online(&hub, 1, &[PING]), online(&hub, 2, &[PING]), online(&hub, 3, &[ROOM]));
        bob.set_presence(true, None);
        hub.tell_presence();
        let expected = r#"{"type":"online","room_id":2,"user_ids":[2]}"#;
        assert_eq!(text(&mut ada.frames).as_deref(), Some(expected));
        assert_eq!(text(&mut eve.frames), None);
        assert_eq!(ada.online_in_direct_rooms().len(), 1);
        assert!(eve.online_in_direct_rooms().is_empty());
        drop(bob);
        hub.tell_presence();
        assert_eq!(text(&mut ada.frames).as_deref(), Some(r#"{"type":"online","room_id":2,"user_ids":[]}"#));
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
