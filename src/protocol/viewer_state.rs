//! The state of a tab beside the messages in view: the viewer's rooms, their unread marks, presence and typing.
//!
//! A plain type, so that every rule about marks is tested without a browser. The room that the viewer looks at and the
//! time are arguments.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::{ServerEvent, TYPING_TTL_MS};
use crate::model::{
    Account, InboxCount, Involvement, MAX_NEWS_COUNT, Message, MessageId, Person, RoomId, RoomKind, SidebarRoom,
    ThreadNews, User, UserId, direct_name,
};

/// The viewer's rooms and the users in them, updated by events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerState {
    /// The signed-in user.
    pub viewer: User,
    /// The account.
    pub account: Account,
    /// The viewer's rooms, in the order of the sidebar.
    pub rooms: Vec<SidebarRoom>,
    /// How many rooms the viewer has hidden from the sidebar.
    pub hidden_count: u32,
    /// The counts of the viewer's inbox.
    pub inbox: InboxCount,
    /// The last change of the viewer's involvement in a room.
    pub involvement: Option<(RoomId, Involvement)>,
    /// Presence in the room in view; `None` before its first event.
    pub presence: Option<Presence>,
    /// The online members of each direct room.
    pub online: BTreeMap<RoomId, Vec<UserId>>,
    /// The other users who are typing in the room in view.
    pub typing: Vec<Typist>,
    /// The newest received message of another user, by room: reading up to an older one leaves the room unread.
    newest_unread: HashMap<RoomId, MessageId>,
    /// The room that the viewer marked as unread: it stays unread while in view, until it is entered again.
    marked_unread: Option<RoomId>,
    /// Rooms outside the list in which something was posted, to be requested.
    unlisted: Vec<RoomId>,
    /// Those that were requested on this connection: a hidden one is never sent.
    requested: Vec<RoomId>,
}

/// The users who have a room in view, the viewer included, and its members who are online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The room.
    pub room_id: RoomId,
    /// The first of the users who have the room in view.
    pub here: Vec<Person>,
    /// Number of users who have the room in view.
    pub here_count: u32,
    /// The members who are online, in whatever room.
    pub online: Vec<UserId>,
}

/// A user who is typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typist {
    /// The user.
    pub person: Person,
    /// When the state expires without another event, in milliseconds since the epoch.
    until_ms: u64,
}

/// The parts of an [`ViewerState`] that an event changed, so that only these are rendered again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The list of rooms, or a mark in it.
    pub rooms: bool,
    /// Anything else.
    pub details: bool,
}

impl Changes {
    /// Nothing changed.
    pub const NONE: Self = Self { rooms: false, details: false };
    /// The list of rooms changed.
    pub const ROOMS: Self = Self { rooms: true, details: false };
    /// Something other than the list of rooms changed.
    pub const DETAILS: Self = Self { rooms: false, details: true };

    const fn of_rooms(rooms: bool) -> Self {
        Self { rooms, details: false }
    }

    const fn of_details(details: bool) -> Self {
        Self { rooms: false, details }
    }
}

impl ViewerState {
    /// The state that the page was rendered with, before any event.
    #[must_use]
    pub fn new(viewer: User, account: Account, rooms: Vec<SidebarRoom>) -> Self {
        Self {
            viewer,
            account,
            rooms,
            hidden_count: 0,
            inbox: InboxCount::default(),
            involvement: None,
            presence: None,
            online: BTreeMap::new(),
            typing: Vec::new(),
            newest_unread: HashMap::new(),
            marked_unread: None,
            unlisted: Vec::new(),
            requested: Vec::new(),
        }
    }

    /// Takes a room in which something was posted and that is not in the list, each once: to be requested by
    /// [`ClientCommand::Describe`](super::ClientCommand::Describe).
    pub fn take_unlisted(&mut self) -> Option<RoomId> {
        self.unlisted.pop()
    }

    /// Applies an event. `seen` is the room whose newest messages the viewer looks at: the one in view, while the page is
    /// visible.
    pub fn apply(&mut self, event: &ServerEvent, seen: Option<RoomId>, now_ms: u64) -> Changes {
        let is_seen = |room_id: &RoomId| seen == Some(*room_id);
        match event {
            ServerEvent::Rooms { viewer, account, rooms, inbox } => {
                self.inbox = *inbox;
                self.replace(viewer, account, rooms, seen)
            }
            ServerEvent::Viewer { user } => {
                self.viewer.clone_from(user);
                Changes::DETAILS
            }
            ServerEvent::Account { account } => {
                self.account.clone_from(account);
                Changes::DETAILS
            }
            ServerEvent::Involvement { room, involvement } => {
                // A room that is shown again is read, whatever was received meanwhile.
                self.newest_unread.remove(&room.id);
                self.involvement = Some((room.id, *involvement));
                if *involvement == Involvement::Invisible {
                    self.hidden_count += u32::from(self.remove_room(room.id));
                } else {
                    let was_hidden = room.kind != RoomKind::Direct && self.take_room(room.id).is_none();
                    self.hidden_count -= u32::from(was_hidden && self.hidden_count > 0);
                    self.put_room(room);
                }
                Changes { rooms: true, details: true }
            }
            ServerEvent::Presence { room_id, here, here_count, online } => {
                let (here, online) = (here.clone(), online.clone());
                self.presence = Some(Presence { room_id: *room_id, here, here_count: *here_count, online });
                Changes::DETAILS
            }
            ServerEvent::Online { room_id, user_ids } => {
                self.online.insert(*room_id, user_ids.clone());
                Changes::DETAILS
            }
            ServerEvent::Typing { room_id, person, active } if is_seen(room_id) => {
                let until_ms = active.then_some(now_ms + TYPING_TTL_MS);
                Changes::of_details(self.set_typing(person, until_ms))
            }
            ServerEvent::MessagePosted { message, .. } => self.take_message(message, seen),
            ServerEvent::Unread { room_id, message_id } => {
                Changes::of_rooms(self.take_unread(*room_id, *message_id, is_seen(room_id)))
            }
            ServerEvent::Mentioned { room_id, .. } if !is_seen(room_id) => {
                Changes::of_rooms(self.change_room(*room_id, |room| room.mention_count += 1))
            }
            // What is said in the room that is looked at is reported as shown at once, which is answered with the counts.
            ServerEvent::Inbox { count, room_id } if room_id.is_none() || *room_id != seen => {
                let has_changed = self.inbox != *count;
                self.inbox = *count;
                Changes::of_details(has_changed)
            }
            ServerEvent::MarkedUnread { room_id, mention_count, .. } => {
                self.marked_unread = Some(*room_id);
                let mark = |room: &mut SidebarRoom| (room.unread, room.mention_count) = (true, *mention_count);
                Changes::of_rooms(self.change_room(*room_id, mark))
            }
            ServerEvent::Marks { room_id, newest_id, unread, mention_count } => {
                Changes::of_rooms(self.take_marks(*room_id, *newest_id, (*unread, *mention_count), is_seen(room_id)))
            }
            ServerEvent::ThreadNews { room_id, root_id, count, is_total } => {
                Changes::of_rooms(self.take_news(*room_id, *root_id, *count, *is_total))
            }
            ServerEvent::PersonChanged { person } => Changes::of_rooms(self.rename(person)),
            ServerEvent::Read { room_id, message_id } => {
                let is_newest = self.newest_unread.get(room_id).is_none_or(|newest| message_id >= newest);
                Changes::of_rooms(is_newest && self.mark(*room_id, false))
            }
            ServerEvent::RoomAdded { room } => {
                self.put_room(room);
                Changes::ROOMS
            }
            ServerEvent::RoomChanged { room_id, kind, name } => {
                let Some(room) = self.take_room(*room_id) else { return Changes::NONE };
                self.insert_room(SidebarRoom { kind: *kind, name: name.clone(), ..room });
                Changes::ROOMS
            }
            ServerEvent::RoomRemoved { room_id, .. } => Changes::of_rooms(self.remove_room(*room_id)),
            _ => Changes::NONE,
        }
    }

    /// A room comes into view, or the same one is entered again: clears its typing state, and the mark that keeps it
    /// unread.
    pub fn enter(&mut self) -> Changes {
        self.marked_unread = None;
        let changes = Changes::of_details(!self.typing.is_empty());
        self.typing.clear();
        changes
    }

    /// Whether a room stays unread although the viewer looks at it.
    #[must_use]
    pub fn is_kept_unread(&self, room_id: RoomId) -> bool {
        self.marked_unread == Some(room_id)
    }

    /// The viewer has read a room in this tab.
    pub fn read(&mut self, room_id: RoomId) -> Changes {
        Changes::of_rooms(self.mark(room_id, false))
    }

    /// Removes users without a typing event in the last [`TYPING_TTL_MS`].
    pub fn expire_typing(&mut self, now_ms: u64) -> Changes {
        let count = self.typing.len();
        self.typing.retain(|typist| typist.until_ms >= now_ms);
        Changes::of_details(self.typing.len() != count)
    }

    /// Applies the state that every connection begins with.
    fn replace(&mut self, viewer: &User, account: &Account, rooms: &[SidebarRoom], seen: Option<RoomId>) -> Changes {
        self.viewer.clone_from(viewer);
        self.account.clone_from(account);
        // The users online follow in events of their own.
        self.online.clear();
        self.requested.clear();
        let mut rooms = rooms.to_vec();
        let is_read = |room: &&mut SidebarRoom| seen == Some(room.id) && self.marked_unread != seen;
        for room in rooms.iter_mut().filter(is_read) {
            (room.unread, room.mention_count) = (false, 0);
        }
        let changed = self.rooms != rooms;
        self.rooms = rooms;
        Changes { rooms: changed, details: true }
    }

    /// Applies a posted message: its creator is no longer typing, and for other users it is unread.
    fn take_message(&mut self, message: &Message, seen: Option<RoomId>) -> Changes {
        let (room_id, creator_id) = (message.room_id, message.creator_id);
        self.note_unlisted(room_id);
        if creator_id == self.viewer.id {
            return Changes::of_rooms(self.bump(room_id));
        }
        let rooms = self.take_unread(room_id, message.id, seen == Some(room_id));
        let count = self.typing.len();
        self.typing.retain(|typist| typist.person.id != creator_id);
        Changes { rooms, details: self.typing.len() != count }
    }

    /// Applies a message of another user: its room is unread unless the viewer looks at it.
    fn take_unread(&mut self, room_id: RoomId, message_id: MessageId, is_seen: bool) -> bool {
        self.note_unlisted(room_id);
        self.newest_unread.insert(room_id, message_id);
        let bumped = self.bump(room_id);
        let marked = !is_seen && self.mark(room_id, true);
        bumped || marked
    }

    /// Applies the marks that remain after a message was removed or edited.
    fn take_marks(&mut self, room_id: RoomId, newest_id: MessageId, marks: (bool, u32), is_seen: bool) -> bool {
        if marks.0 {
            // Reading up to the message before a removed one leaves nothing unread.
            self.newest_unread.entry(room_id).and_modify(|newest| *newest = newest_id.min(*newest));
            if is_seen && !self.is_kept_unread(room_id) {
                return false;
            }
        } else {
            self.newest_unread.remove(&room_id);
            self.marked_unread.take_if(|marked| *marked == room_id);
        }
        let has_other_marks =
            |room: &&mut SidebarRoom| room.id == room_id && (room.unread, room.mention_count) != marks;
        let Some(room) = self.rooms.iter_mut().find(has_other_marks) else { return false };
        (room.unread, room.mention_count) = marks;
        true
    }

    /// Applies how many answers are new in a thread: all of them, or how many more.
    fn take_news(&mut self, room_id: RoomId, root_id: MessageId, count: u32, is_total: bool) -> bool {
        let Some(room) = self.rooms.iter_mut().find(|room| room.id == room_id) else { return false };
        // The newest thread first.
        let at = room.threads.partition_point(|thread| thread.root_id > root_id);
        let known = room.threads.get_mut(at).filter(|thread| thread.root_id == root_id);
        let before = known.as_ref().map_or(0, |thread| thread.count);
        let now = if is_total { count } else { before + count }.min(MAX_NEWS_COUNT);
        match known {
            Some(known) if now > 0 => known.count = now,
            Some(_) => drop(room.threads.remove(at)),
            None if now > 0 => room.threads.insert(at, ThreadNews { root_id, count: now }),
            None => {}
        }
        before != now
    }

    /// Applies the new name of a person to the direct rooms that they are in.
    fn rename(&mut self, person: &Person) -> bool {
        let mut has_changed = false;
        for room in &mut self.rooms {
            let known = room.people.iter_mut().find(|known| known.id == person.id && known.name != person.name);
            let Some(known) = known else { continue };
            known.name.clone_from(&person.name);
            room.name = direct_name(&room.people);
            has_changed = true;
        }
        has_changed
    }

    /// Notes a room that is not in the list, to be requested once.
    fn note_unlisted(&mut self, room_id: RoomId) {
        let is_known = self.rooms.iter().any(|room| room.id == room_id) || self.requested.contains(&room_id);
        if !is_known {
            self.requested.push(room_id);
            self.unlisted.push(room_id);
        }
    }

    /// Stores when a user's typing state expires, or removes it.
    fn set_typing(&mut self, person: &Person, until_ms: Option<u64>) -> bool {
        let count = self.typing.len();
        self.typing.retain(|typist| typist.person.id != person.id);
        let was_typing = self.typing.len() != count;
        let Some(until_ms) = until_ms.filter(|_| person.id != self.viewer.id) else { return was_typing };
        self.typing.push(Typist { person: person.clone(), until_ms });
        true
    }

    /// Moves a direct room to the front after a message was posted in it.
    fn bump(&mut self, room_id: RoomId) -> bool {
        let newest = self.rooms.iter().map(|room| room.active_at).max().unwrap_or_default();
        let is_direct = |room: &SidebarRoom| room.id == room_id && room.kind == RoomKind::Direct;
        let Some(at) = self.rooms.iter().position(is_direct) else { return false };
        self.rooms[at].active_at = newest + 1;
        self.rooms[..=at].rotate_right(1);
        true
    }

    fn mark(&mut self, room_id: RoomId, unread: bool) -> bool {
        let Some(room) = self.rooms.iter_mut().find(|room| room.id == room_id && room.unread != unread) else {
            return false;
        };
        room.unread = unread;
        if !unread {
            room.mention_count = 0;
        }
        true
    }

    /// Inserts a room into the list, or replaces it.
    fn put_room(&mut self, room: &SidebarRoom) {
        self.take_room(room.id);
        self.insert_room(room.clone());
    }

    /// Inserts a room in sorted order.
    fn insert_room(&mut self, room: SidebarRoom) {
        let at = self.rooms.partition_point(|other| other.sidebar_cmp(&room) == Ordering::Less);
        self.rooms.insert(at, room);
    }

    fn take_room(&mut self, room_id: RoomId) -> Option<SidebarRoom> {
        let at = self.rooms.iter().position(|room| room.id == room_id)?;
        Some(self.rooms.remove(at))
    }

    fn remove_room(&mut self, room_id: RoomId) -> bool {
        self.take_room(room_id).is_some()
    }

    fn change_room(&mut self, room_id: RoomId, change: impl FnOnce(&mut SidebarRoom)) -> bool {
        self.rooms.iter_mut().find(|room| room.id == room_id).map(change).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    const ALL_TALK: RoomId = RoomId(1);
    const DESIGNERS: RoomId = RoomId(2);
    const BOB_PING: RoomId = RoomId(3);
    const CLEO_PING: RoomId = RoomId(4);
    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn room(id: RoomId, kind: RoomKind, name: &str, active_at: i64) -> SidebarRoom {
        let people = vec![];
        let threads = Vec::new();
        SidebarRoom { id, kind, name: name.into(), unread: false, mention_count: 0, active_at, people, threads }
    }

    fn rooms() -> Vec<SidebarRoom> {
        vec![
            room(CLEO_PING, RoomKind::Direct, "Cleo", 20),
            room(BOB_PING, RoomKind::Direct, "Bob", 10),
            room(ALL_TALK, RoomKind::Open, "All Talk", 30),
            room(DESIGNERS, RoomKind::Closed, "Designers", 0),
        ]
    }

    fn viewer() -> User {
        User { id: ADA, name: "Ada".into(), role: Role::Member }
    }

    fn account(name: &str) -> Account {
        Account {
            name: name.into(),
            join_code: "aaaa-bbbb-cccc".into(),
            room_creation_restricted: false,
            custom_styles_digest: String::new(),
            avatars_version: 0,
            logo_version: 0,
        }
    }

    fn state() -> ViewerState {
        ViewerState::new(viewer(), account("Campfire"), rooms())
    }

    fn ids(state: &ViewerState) -> Vec<RoomId> {
        state.rooms.iter().map(|room| room.id).collect()
    }

    /// Whether a room is unread, and how many of its messages name the viewer.
    fn marks(state: &ViewerState, room_id: RoomId) -> (bool, u32) {
        let room = state.rooms.iter().find(|room| room.id == room_id).unwrap();
        (room.unread, room.mention_count)
    }

    fn unread(room_id: RoomId, id: i64) -> ServerEvent {
        ServerEvent::Unread { room_id, message_id: MessageId(id) }
    }

    fn mentioned(room_id: RoomId, id: i64) -> ServerEvent {
        ServerEvent::Mentioned { room_id, message_id: MessageId(id) }
    }

    fn read(room_id: RoomId, id: i64) -> ServerEvent {
        ServerEvent::Read { room_id, message_id: MessageId(id) }
    }

    fn posted(room_id: RoomId, id: i64, creator_id: UserId) -> ServerEvent {
        let message = Message {
            id: MessageId(id),
            room_id,
            creator_id,
            creator_name: String::new(),
            client_message_id: None,
            body_html: String::new(),
            revision: 1,
            created_at: id,
            boosts_html: String::new(),
            boosts_seq: 0,
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        };
        ServerEvent::MessagePosted { seq: id, at: id, message }
    }

    fn person(id: UserId) -> Person {
        Person { id, name: format!("person {id}") }
    }

    fn typing(room_id: RoomId, user_id: UserId, active: bool) -> ServerEvent {
        ServerEvent::Typing { room_id, person: person(user_id), active }
    }

    fn typists(state: &ViewerState) -> Vec<UserId> {
        state.typing.iter().map(|typist| typist.person.id).collect()
    }

    impl ViewerState {
        /// Takes in an event while the page is hidden.
        fn apply_unseen(&mut self, event: &ServerEvent) -> Changes {
            self.apply(event, None, 0)
        }
    }

    #[test]
    fn what_is_said_in_the_room_in_view_is_not_counted_before_it_is_reported_as_shown() {
        let mut state = state();
        let count = InboxCount { unread: 2, badge: 1 };
        let said = ServerEvent::Inbox { count, room_id: Some(ALL_TALK) };
        assert_eq!(state.apply(&said, Some(ALL_TALK), 0), Changes::NONE);
        assert_eq!(state.inbox, InboxCount::default());
        assert_eq!(state.apply(&said, Some(DESIGNERS), 0), Changes::DETAILS);
        assert_eq!(state.inbox, count);
        assert_eq!(state.apply(&said, None, 0), Changes::NONE, "it is known already");
        let read = ServerEvent::Inbox { count: InboxCount::default(), room_id: None };
        assert_eq!(state.apply(&read, Some(ALL_TALK), 0), Changes::DETAILS);
        assert_eq!(state.inbox, InboxCount::default());
    }

    #[test]
    fn a_message_of_somebody_else_marks_its_room_once() {
        let mut state = state();
        assert_eq!(state.apply_unseen(&unread(ALL_TALK, 5)), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (true, 0));
        assert_eq!(state.apply_unseen(&unread(ALL_TALK, 6)), Changes::NONE, "it is unread already");
        assert_eq!(state.apply_unseen(&unread(RoomId(99), 7)), Changes::NONE, "no room of theirs");
    }

    #[test]
    fn the_room_in_view_is_marked_only_while_nobody_looks() {
        let mut state = state();
        assert_eq!(state.apply(&posted(ALL_TALK, 5, BOB), Some(ALL_TALK), 0), Changes::NONE);
        assert_eq!(state.apply(&unread(DESIGNERS, 6), Some(ALL_TALK), 0), Changes::ROOMS);
        assert_eq!((marks(&state, ALL_TALK), marks(&state, DESIGNERS)), ((false, 0), (true, 0)));
        assert_eq!(state.apply_unseen(&posted(ALL_TALK, 7, BOB)), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (true, 0));
    }

    #[test]
    fn own_messages_mark_nothing() {
        let mut state = state();
        assert_eq!(state.apply_unseen(&posted(ALL_TALK, 5, ADA)), Changes::NONE);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
    }

    #[test]
    fn reading_up_to_an_older_message_leaves_a_room_unread() {
        let mut state = state();
        state.apply_unseen(&unread(ALL_TALK, 5));
        state.apply_unseen(&posted(ALL_TALK, 6, BOB));
        assert_eq!(state.apply_unseen(&read(ALL_TALK, 5)), Changes::NONE);
        assert_eq!(marks(&state, ALL_TALK), (true, 0));
        assert_eq!(state.apply_unseen(&read(ALL_TALK, 6)), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
        assert_eq!(state.apply_unseen(&read(ALL_TALK, 6)), Changes::NONE, "it is read already");
    }

    #[test]
    fn a_room_that_came_unread_with_the_page_is_read_up_to_any_message() {
        let mut rooms = rooms();
        rooms[2].unread = true;
        let mut state = ViewerState::new(viewer(), account("Campfire"), rooms);
        assert_eq!(state.apply_unseen(&read(ALL_TALK, 1)), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
    }

    #[test]
    fn mentions_are_counted_until_the_room_is_read() {
        let mut state = state();
        for id in [5, 6] {
            state.apply_unseen(&unread(ALL_TALK, id));
            assert_eq!(state.apply_unseen(&mentioned(ALL_TALK, id)), Changes::ROOMS);
        }
        assert_eq!(marks(&state, ALL_TALK), (true, 2));
        assert_eq!(state.apply_unseen(&mentioned(RoomId(99), 7)), Changes::NONE);
        state.apply_unseen(&read(ALL_TALK, 6));
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
    }

    fn marked(room_id: RoomId, newest_id: i64, unread: bool, mention_count: u32) -> ServerEvent {
        ServerEvent::Marks { room_id, newest_id: MessageId(newest_id), unread, mention_count }
    }

    #[test]
    fn removing_the_only_unread_message_takes_the_marks_back() {
        let mut state = state();
        state.apply_unseen(&unread(ALL_TALK, 5));
        state.apply_unseen(&mentioned(ALL_TALK, 5));
        state.apply_unseen(&unread(ALL_TALK, 6));
        assert_eq!(state.apply_unseen(&marked(ALL_TALK, 5, true, 1)), Changes::NONE, "one is left");
        assert_eq!(state.clone().apply_unseen(&read(ALL_TALK, 5)), Changes::ROOMS, "and it is the newest");
        assert_eq!(state.apply_unseen(&marked(ALL_TALK, 4, false, 0)), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
        state.apply_unseen(&unread(ALL_TALK, 7));
        assert_eq!(marks(&state, ALL_TALK), (true, 0));
        assert_eq!(state.apply_unseen(&marked(RoomId(99), 7, true, 1)), Changes::NONE);
    }

    #[test]
    fn marks_of_the_room_that_is_seen_are_ignored_unless_it_is_kept_unread() {
        let mut state = state();
        let seen = Some(ALL_TALK);
        assert_eq!(state.apply(&marked(ALL_TALK, 4, true, 1), seen, 0), Changes::NONE);
        let kept = ServerEvent::MarkedUnread { room_id: ALL_TALK, message_id: MessageId(3), mention_count: 2 };
        state.apply(&kept, seen, 0);
        assert_eq!(state.apply(&marked(ALL_TALK, 4, true, 1), seen, 0), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (true, 1));
        assert_eq!(state.apply(&marked(ALL_TALK, 2, false, 0), seen, 0), Changes::ROOMS);
        assert!(!state.is_kept_unread(ALL_TALK), "nothing is left that could be unread");
    }

    #[test]
    fn a_reconnect_keeps_the_mark_of_a_room_marked_unread() {
        let mut state = state();
        let kept = ServerEvent::MarkedUnread { room_id: ALL_TALK, message_id: MessageId(3), mention_count: 1 };
        state.apply(&kept, Some(ALL_TALK), 0);
        let snapshot = ServerEvent::Rooms {
            viewer: viewer(),
            account: account("Campfire"),
            rooms: state.rooms.clone(),
            inbox: InboxCount::default(),
        };
        state.apply(&snapshot, Some(ALL_TALK), 0);
        assert_eq!(marks(&state, ALL_TALK), (true, 1));
        state.enter();
        state.apply(&snapshot, Some(ALL_TALK), 0);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
    }

    #[test]
    fn a_room_outside_the_list_is_requested_once_when_something_is_posted() {
        let mut state = state();
        let (old_ping, other_ping) = (RoomId(70), RoomId(71));
        state.apply_unseen(&unread(ALL_TALK, 5));
        assert_eq!(state.take_unlisted(), None);
        state.apply_unseen(&unread(old_ping, 6));
        state.apply_unseen(&mentioned(old_ping, 6));
        state.apply_unseen(&unread(old_ping, 7));
        state.apply_unseen(&posted(other_ping, 8, ADA));
        assert_eq!(
            [state.take_unlisted(), state.take_unlisted(), state.take_unlisted()],
            [Some(other_ping), Some(old_ping), None]
        );
        let mut ping = room(old_ping, RoomKind::Direct, "Dora", 90);
        ping.unread = true;
        state.apply_unseen(&ServerEvent::RoomAdded { room: ping });
        assert_eq!((ids(&state)[0], marks(&state, old_ping)), (old_ping, (true, 0)));
        state.apply_unseen(&unread(old_ping, 9));
        assert_eq!(state.take_unlisted(), None);
        // The list of a new connection is without it again.
        let snapshot = ServerEvent::Rooms {
            viewer: viewer(),
            account: account("Campfire"),
            rooms: rooms(),
            inbox: InboxCount::default(),
        };
        state.apply_unseen(&snapshot);
        state.apply_unseen(&unread(old_ping, 10));
        assert_eq!(state.take_unlisted(), Some(old_ping));
    }

    #[test]
    fn a_new_name_reaches_the_direct_rooms_of_the_person() {
        let mut state = state();
        state.rooms[0].people = vec![person(UserId(3)), person(BOB)];
        let renamed = ServerEvent::PersonChanged { person: Person { id: BOB, name: "Robert".into() } };
        assert_eq!(state.apply_unseen(&renamed), Changes::ROOMS);
        assert_eq!(state.rooms[0].name, "person 3 and Robert");
        assert_eq!(state.apply_unseen(&renamed), Changes::NONE);
    }

    #[test]
    fn a_mention_that_is_seen_does_not_count() {
        let mut state = state();
        assert_eq!(state.apply(&mentioned(ALL_TALK, 5), Some(ALL_TALK), 0), Changes::NONE);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
    }

    #[test]
    fn a_room_read_in_this_tab_loses_its_marks() {
        let mut state = state();
        state.apply_unseen(&unread(ALL_TALK, 5));
        state.apply_unseen(&mentioned(ALL_TALK, 5));
        assert_eq!(state.read(ALL_TALK), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (false, 0));
        assert_eq!(state.read(ALL_TALK), Changes::NONE);
    }

    #[test]
    fn a_room_marked_unread_stays_so_until_a_room_is_entered() {
        let mut state = state();
        let marked = ServerEvent::MarkedUnread { room_id: ALL_TALK, message_id: MessageId(3), mention_count: 2 };
        assert_eq!(state.apply(&marked, Some(ALL_TALK), 0), Changes::ROOMS);
        assert_eq!(marks(&state, ALL_TALK), (true, 2));
        assert!(state.is_kept_unread(ALL_TALK) && !state.is_kept_unread(DESIGNERS));
        assert_eq!(state.enter(), Changes::NONE);
        assert!(!state.is_kept_unread(ALL_TALK));
    }

    #[test]
    fn a_direct_room_goes_to_the_front_with_every_message() {
        let mut state = state();
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, ALL_TALK, DESIGNERS]);
        assert_eq!(state.apply(&posted(BOB_PING, 5, BOB), Some(BOB_PING), 0), Changes::ROOMS);
        assert_eq!(ids(&state), [BOB_PING, CLEO_PING, ALL_TALK, DESIGNERS]);
        assert_eq!(state.apply_unseen(&posted(CLEO_PING, 6, ADA)), Changes::ROOMS);
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, ALL_TALK, DESIGNERS]);
        state.apply_unseen(&unread(DESIGNERS, 7));
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, ALL_TALK, DESIGNERS], "shared rooms stay where they are");
    }

    #[test]
    fn rooms_come_change_and_go() {
        let mut state = state();
        let cooks = room(RoomId(9), RoomKind::Open, "cooks", 0);
        assert_eq!(state.apply_unseen(&ServerEvent::RoomAdded { room: cooks.clone() }), Changes::ROOMS);
        state.apply_unseen(&ServerEvent::RoomAdded { room: cooks });
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, ALL_TALK, RoomId(9), DESIGNERS], "once, and sorted by name");

        let changed = |room_id| ServerEvent::RoomChanged { room_id, kind: RoomKind::Closed, name: "Zoo".into() };
        assert_eq!(state.apply_unseen(&changed(ALL_TALK)), Changes::ROOMS);
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, RoomId(9), DESIGNERS, ALL_TALK]);
        assert_eq!((state.rooms[4].kind, state.rooms[4].name.as_str()), (RoomKind::Closed, "Zoo"));
        assert_eq!(state.apply_unseen(&changed(RoomId(99))), Changes::NONE);

        let removed = ServerEvent::RoomRemoved { room_id: DESIGNERS, end: None };
        assert_eq!(state.apply_unseen(&removed), Changes::ROOMS);
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, RoomId(9), ALL_TALK]);
        assert_eq!(state.apply_unseen(&removed), Changes::NONE);
    }

    #[test]
    fn a_snapshot_replaces_the_rooms_but_the_one_that_is_seen_is_read() {
        let mut state = state();
        state.online.insert(BOB_PING, vec![BOB]);
        let mut rooms = rooms();
        for room in &mut rooms[2..] {
            (room.unread, room.mention_count) = (true, 1);
        }
        let user = User { name: "Ada Lovelace".into(), ..viewer() };
        let snapshot = ServerEvent::Rooms {
            viewer: user.clone(),
            account: account("Fire"),
            rooms: rooms.clone(),
            inbox: InboxCount::default(),
        };
        assert_eq!(state.apply(&snapshot, Some(ALL_TALK), 0), Changes { rooms: true, details: true });
        assert_eq!((marks(&state, ALL_TALK), marks(&state, DESIGNERS)), ((false, 0), (true, 1)));
        assert_eq!((&state.viewer, &state.account), (&user, &account("Fire")));
        assert!(state.online.is_empty(), "who is online is told anew");
        assert_eq!(state.apply(&snapshot, Some(ALL_TALK), 0), Changes::DETAILS, "the same rooms again");
        state.apply_unseen(&snapshot);
        assert_eq!(state.rooms, rooms);
    }

    #[test]
    fn an_invisible_room_leaves_the_list_and_comes_back() {
        let mut state = state();
        let set = |involvement| ServerEvent::Involvement { room: rooms()[2].clone(), involvement };
        assert_eq!(state.apply_unseen(&set(Involvement::Invisible)), Changes { rooms: true, details: true });
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, DESIGNERS]);
        assert_eq!(state.involvement, Some((ALL_TALK, Involvement::Invisible)));
        assert_eq!(state.hidden_count, 1);
        state.apply_unseen(&set(Involvement::Nothing));
        state.apply_unseen(&set(Involvement::Mentions));
        assert_eq!(state.hidden_count, 0);
        assert_eq!(ids(&state), [CLEO_PING, BOB_PING, ALL_TALK, DESIGNERS]);
        assert_eq!(state.involvement, Some((ALL_TALK, Involvement::Mentions)));
    }

    #[test]
    fn the_viewer_and_the_account_change() {
        let mut state = state();
        let user = User { role: Role::Administrator, ..viewer() };
        assert_eq!(state.apply_unseen(&ServerEvent::Viewer { user: user.clone() }), Changes::DETAILS);
        assert_eq!(state.apply_unseen(&ServerEvent::Account { account: account("Fire") }), Changes::DETAILS);
        assert_eq!((state.viewer, state.account), (user, account("Fire")));
    }

    #[test]
    fn presence_is_of_one_room_and_online_of_each_direct_one() {
        let mut state = state();
        let here = |room_id, here_count| ServerEvent::Presence {
            room_id,
            here: vec![person(BOB)],
            here_count,
            online: vec![ADA, BOB],
        };
        assert_eq!(state.apply_unseen(&here(ALL_TALK, 1)), Changes::DETAILS);
        state.apply_unseen(&here(DESIGNERS, 7));
        let presence = state.presence.as_ref().unwrap();
        assert_eq!((presence.room_id, presence.here_count, presence.online.len()), (DESIGNERS, 7, 2));

        let online = |room_id, user_ids| ServerEvent::Online { room_id, user_ids };
        assert_eq!(state.apply_unseen(&online(BOB_PING, vec![BOB])), Changes::DETAILS);
        state.apply_unseen(&online(CLEO_PING, vec![UserId(3)]));
        state.apply_unseen(&online(BOB_PING, vec![]));
        assert_eq!(state.online, BTreeMap::from([(BOB_PING, vec![]), (CLEO_PING, vec![UserId(3)])]));
    }

    #[test]
    fn somebody_writes_until_they_stop_or_post() {
        let mut state = state();
        let seen = Some(ALL_TALK);
        assert_eq!(state.apply(&typing(ALL_TALK, BOB, true), seen, 0), Changes::DETAILS);
        state.apply(&typing(ALL_TALK, UserId(3), true), seen, 0);
        assert_eq!(typists(&state), [BOB, UserId(3)]);
        assert_eq!(state.apply(&typing(ALL_TALK, BOB, false), seen, 0), Changes::DETAILS);
        assert_eq!(state.apply(&typing(ALL_TALK, BOB, false), seen, 0), Changes::NONE, "they stopped already");
        assert_eq!(state.apply(&posted(ALL_TALK, 5, UserId(3)), seen, 0), Changes::DETAILS);
        assert!(state.typing.is_empty());
    }

    #[test]
    fn only_others_write_and_only_in_the_room_that_is_seen() {
        let mut state = state();
        assert_eq!(state.apply(&typing(ALL_TALK, ADA, true), Some(ALL_TALK), 0), Changes::NONE);
        assert_eq!(state.apply(&typing(ALL_TALK, BOB, true), Some(DESIGNERS), 0), Changes::NONE);
        assert_eq!(state.apply_unseen(&typing(ALL_TALK, BOB, true)), Changes::NONE);
        assert!(state.typing.is_empty());
        state.apply(&typing(ALL_TALK, BOB, true), Some(ALL_TALK), 0);
        assert_eq!(state.enter(), Changes::DETAILS, "another room comes into view");
        assert!(state.typing.is_empty());
    }

    #[test]
    fn who_stopped_without_a_word_is_forgotten() {
        let mut state = state();
        let seen = Some(ALL_TALK);
        state.apply(&typing(ALL_TALK, BOB, true), seen, 1_000);
        state.apply(&typing(ALL_TALK, BOB, true), seen, 2_000);
        assert_eq!(state.expire_typing(2_000 + TYPING_TTL_MS), Changes::NONE, "they said so again meanwhile");
        assert_eq!(typists(&state), [BOB]);
        assert_eq!(state.expire_typing(2_001 + TYPING_TTL_MS), Changes::DETAILS);
        assert!(state.typing.is_empty());
    }

    #[test]
    fn what_concerns_the_messages_alone_changes_nothing_here() {
        let mut state = state();
        let before = state.clone();
        let removed = ServerEvent::MessageRemoved { seq: 1, at: 1, room_id: ALL_TALK, message_id: MessageId(1) };
        for event in [removed, ServerEvent::Bye { reconnect: true }, ServerEvent::Unknown] {
            assert_eq!(state.apply_unseen(&event), Changes::NONE);
        }
        assert_eq!(state, before);
    }
}
