//! Who is connected and what they hear.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::Announcement;
use crate::event::ServerFrame;
use crate::model::{RoomId, SessionId, UserId};

/// How many frames of a room a slow reader may fall behind before it has to reload.
const ROOM_BACKLOG: usize = 256;

/// How many frames of a person may wait for one of their tabs.
const PERSON_BACKLOG: usize = 128;

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
}

#[derive(Debug, Default)]
struct Inner {
    /// One entry a person with an open socket; it goes with their last socket.
    people: HashMap<UserId, Online>,
    /// One entry a room that someone online is in; it goes with the last of them.
    rooms: HashMap<RoomId, Audience>,
}

#[derive(Debug)]
struct Online {
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
}

/// An open socket's place in the hub. Dropping it leaves.
#[derive(Debug)]
pub struct Connection {
    hub: Hub,
    user_id: UserId,
    /// What concerns this person: rooms, unread and read marks.
    pub frames: Listener,
}

impl Hub {
    /// Takes a person's socket in. Read the memberships afterwards, then hand them to [`Connection::set_rooms`].
    #[must_use]
    pub fn connect(&self, user_id: UserId) -> Connection {
        let mut inner = self.lock();
        let person = inner.people.entry(user_id).or_insert_with(|| Online {
            frames: broadcast::Sender::new(PERSON_BACKLOG),
            socket_count: 0,
            rooms: HashSet::new(),
            membership_version: 0,
        });
        person.socket_count += 1;
        let frames = person.frames.subscribe();
        Connection { hub: self.clone(), user_id, frames }
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
            Announcement::Posted { room_id, message_id, creator_id } => {
                inner.tell_room(room_id, Some(creator_id), &ServerFrame::Unread { room_id, message_id });
            }
            Announcement::Members { room_id, frame } => inner.tell_room(room_id, None, &frame),
            Announcement::Person { user_id, frame } => inner.tell(user_id, &Frame::new(&frame)),
            Announcement::Granted { room, user_ids } => {
                let room_id = room.id;
                let frame = Frame::new(&ServerFrame::RoomAdded { room });
                for user_id in user_ids {
                    inner.grant(user_id, room_id);
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
    pub fn set_rooms(&self, room_ids: &[RoomId], version: u64) -> bool {
        let mut inner = self.hub.lock();
        if inner.people.get(&self.user_id).is_none_or(|person| person.membership_version != version) {
            return false;
        }
        for room_id in room_ids {
            inner.add(self.user_id, *room_id);
        }
        true
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

    fn grant(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.membership_version += 1;
            self.add(user_id, room_id);
        }
    }

    fn revoke(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.membership_version += 1;
            person.rooms.remove(&room_id);
            self.leave(user_id, room_id);
        }
    }

    fn add(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(person) = self.people.get_mut(&user_id) {
            person.rooms.insert(room_id);
            self.rooms.entry(room_id).or_default().online.insert(user_id);
        }
    }

    fn leave(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(audience) = self.rooms.get_mut(&room_id) {
            audience.online.remove(&user_id);
            if audience.online.is_empty() {
                self.rooms.remove(&room_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MessageId, RoomKind, SidebarRoom};

    const ROOM: RoomId = RoomId(1);

    fn online(hub: &Hub, user_id: i64, rooms: &[RoomId]) -> Connection {
        let connection = hub.connect(UserId(user_id));
        assert!(connection.set_rooms(rooms, connection.membership_version()));
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
        Announcement::Posted { room_id: ROOM, message_id: MessageId(5), creator_id: UserId(1) }
    }

    #[test]
    fn members_learn_of_a_post_its_author_and_outsiders_do_not() {
        let hub = Hub::default();
        let (mut ada, mut bob, mut eve) = (online(&hub, 1, &[ROOM]), online(&hub, 2, &[ROOM]), online(&hub, 3, &[]));
        hub.publish(posted());
        assert_eq!(text(&mut bob.frames).as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
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
        let bob = hub.connect(UserId(2));
        let version = bob.membership_version();
        hub.publish(Announcement::Revoked { room_id: ROOM, user_ids: vec![UserId(2)] });
        assert!(!bob.set_rooms(&[ROOM], version));
        assert!(bob.listen(ROOM).is_none());
    }

    #[test]
    fn a_granted_room_is_heard_at_once() {
        let hub = Hub::default();
        let mut bob = online(&hub, 2, &[]);
        let room = SidebarRoom { id: ROOM, kind: RoomKind::Closed, name: "Designers".into(), unread: false };
        hub.publish(Announcement::Granted { room, user_ids: vec![UserId(2), UserId(9)] });
        assert!(text(&mut bob.frames).is_some_and(|json| json.contains("Designers")));
        assert!(bob.listen(ROOM).is_some());
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
