//! Events sent by the server.
//!
//! JSON objects tagged by `type`. Unknown types are ignored, so that old tabs and new servers work together.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Cursor;
use crate::model::{
    Account, InboxCount, Involvement, Message, MessageId, Person, RoomId, RoomKind, SidebarRoom, User, UserId,
};

/// How a room ended for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEnd {
    /// Who did it.
    pub by: Person,
    /// The room was deleted for everybody; otherwise the user's membership ended.
    pub is_deleted: bool,
}

/// An event sent by the server. In its JSON, `type` is the first key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerEvent {
    /// The current state of the user, the account and the user's rooms: the first event of every connection.
    Rooms {
        /// The user of this connection.
        viewer: User,
        /// The account.
        account: Account,
        /// The rooms in the user's sidebar.
        rooms: Vec<SidebarRoom>,
        /// The counts of the user's inbox.
        inbox: InboxCount,
    },
    /// The user's own name or role changed.
    Viewer {
        /// The user of this connection, as they are now.
        user: User,
    },
    /// The account changed.
    Account {
        /// The account as it is now.
        account: Account,
    },
    /// The user's involvement in a room changed. An invisible room leaves the sidebar.
    Involvement {
        /// The room.
        room: SidebarRoom,
        /// The involvement from now on.
        involvement: Involvement,
    },
    /// The presence in the room in view changed. Both lists are limited in length.
    Presence {
        /// The room in view.
        room_id: RoomId,
        /// The first of the people who have the room in view.
        here: Vec<Person>,
        /// How many people have the room in view.
        here_count: u32,
        /// The first of the room's members who are online, in whatever room.
        online: Vec<UserId>,
    },
    /// The presence of the people in a direct room changed.
    Online {
        /// The direct room.
        room_id: RoomId,
        /// Those of its people who are online.
        user_ids: Vec<UserId>,
    },
    /// Every change in the room up to `cursor` has been sent.
    CaughtUp {
        /// The room in view.
        room_id: RoomId,
        /// The position up to which the client is complete.
        cursor: Cursor,
    },
    /// A message was posted.
    MessagePosted {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The message.
        message: Message,
    },
    /// A message was edited. While catching up also sent for a message that was posted or boosted.
    MessageEdited {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The message as it is now.
        message: Message,
    },
    /// A message was removed.
    MessageRemoved {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The room it was in.
        room_id: RoomId,
        /// The removed message.
        message_id: MessageId,
    },
    /// The boosts of a message changed.
    MessageBoosted {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The room of the message.
        room_id: RoomId,
        /// The boosted message.
        message_id: MessageId,
        /// All its boosts now, as HTML; empty without boosts.
        boosts_html: String,
    },
    /// What a message shows below its body changed: the preview of one of its files is ready.
    MessageExtended {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The room of the message.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// All that it shows below its body now, as HTML.
        extras_html: String,
    },
    /// The pins of a room changed, or what is shown of them.
    PinsChanged {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The room.
        room_id: RoomId,
        /// All that its page shows of them now, as HTML; empty without pins.
        pins_html: String,
    },
    /// A message that others answer was edited or removed: the line above the answers changed. Not in the log; sent after
    /// the event of the message, also while catching up.
    ReplyChanged {
        /// The room of the messages.
        room_id: RoomId,
        /// The message that is answered.
        message_id: MessageId,
        /// The line above its answers now, as HTML.
        reply_html: String,
    },
    /// An answer in a thread was posted or edited. A room shows it by an event of its own, if it does.
    ThreadAnswer {
        /// The number of the event in the log.
        seq: i64,
        /// The time of the event, in milliseconds since the epoch.
        at: i64,
        /// The root of the thread.
        root_id: MessageId,
        /// Whether it was just posted.
        is_new: bool,
        /// The answer as it is now.
        message: Message,
    },
    /// What is new to the user in a thread that they follow, or no longer follow.
    ThreadNews {
        /// The room of the thread.
        room_id: RoomId,
        /// The root of the thread.
        root_id: MessageId,
        /// How many answers are new: in all, or, without `is_total`, how many more.
        count: u32,
        /// Whether `count` is all.
        is_total: bool,
    },
    /// A user started or stopped typing in the room in view. Not in the log; clients expire it after
    /// [`TYPING_TTL_MS`](super::TYPING_TTL_MS).
    Typing {
        /// The room in view.
        room_id: RoomId,
        /// The user.
        person: Person,
        /// Whether the user is typing.
        active: bool,
    },
    /// The user became a member of a room.
    RoomAdded {
        /// The room.
        room: SidebarRoom,
    },
    /// The name or kind of a room changed.
    RoomChanged {
        /// The room.
        room_id: RoomId,
        /// Its kind now.
        kind: RoomKind,
        /// Its name now.
        name: String,
    },
    /// A room was removed, or the user is no longer a member.
    RoomRemoved {
        /// The room.
        room_id: RoomId,
        /// How that came about, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        end: Option<RoomEnd>,
    },
    /// Another user posted in one of the user's rooms.
    Unread {
        /// The room.
        room_id: RoomId,
        /// The new message.
        message_id: MessageId,
    },
    /// A message that was just posted mentions the user.
    Mentioned {
        /// The room of the message.
        room_id: RoomId,
        /// The new message.
        message_id: MessageId,
    },
    /// The user marked a room as unread, in any tab.
    MarkedUnread {
        /// The room.
        room_id: RoomId,
        /// The first message that is unread again.
        message_id: MessageId,
        /// How many unread messages mention the user.
        mention_count: u32,
    },
    /// The marks of a room after a message was removed, or no longer mentions the user.
    Marks {
        /// The room.
        room_id: RoomId,
        /// The newest message of the room; 0 if it is empty.
        newest_id: MessageId,
        /// There are messages after the last one that the user has read.
        unread: bool,
        /// How many of them mention the user.
        mention_count: u32,
    },
    /// The name of a person changed.
    PersonChanged {
        /// The person, with the name from now on.
        person: Person,
    },
    /// The user read a room up to a message, in any tab.
    Read {
        /// The room.
        room_id: RoomId,
        /// The last message read.
        message_id: MessageId,
    },
    /// The user's inbox changed.
    Inbox {
        /// Its counts now.
        count: InboxCount,
        /// The room that shows something new that was said to the user; without one nothing is new, or a thread alone shows
        /// it.
        #[serde(skip_serializing_if = "Option::is_none")]
        room_id: Option<RoomId>,
    },
    /// Something is told to the user alone, where the room is in view. It is stored nowhere.
    Note {
        /// The room.
        room_id: RoomId,
        /// The note, as HTML.
        html: String,
    },
    /// The page cannot be brought up to date by events: the client must load its data again.
    Resync,
    /// A heartbeat, sent after [`HEARTBEAT_MS`](super::HEARTBEAT_MS) without another event.
    Alive,
    /// The server is closing the connection.
    Bye {
        /// Whether the client should connect again.
        reconnect: bool,
    },
    /// An event of a newer server: ignored.
    Unknown,
}

/// Written by hand for the size of the WASM: an internally tagged enum as serde derives it first copies every event into
/// a tree, to look for the tag. With the tag in front there is nothing to copy. (An externally tagged enum needs no copy
/// either, but reads each variant with code of its own: SIZES.)
impl<'de> Deserialize<'de> for ServerEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

/// Deserialises the keys after the tag as the fields of a variant.
macro_rules! rest {
    ($map:ident, $variant:ident { $($field:ident: $kind:ty),* }) => {{
        #[derive(Deserialize)]
        struct Fields {
            $($field: $kind),*
        }
        let Fields { $($field),* } = Fields::deserialize(MapAccessDeserializer::new($map))?;
        ServerEvent::$variant { $($field),* }
    }};
}

impl<'de> Visitor<'de> for EventVisitor {
    type Value = ServerEvent;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an event whose first key is its type")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ServerEvent, M::Error> {
        let tag: Option<(String, String)> = map.next_entry()?;
        let Some((_, kind)) = tag.filter(|(key, _)| key == "type") else {
            return Err(M::Error::missing_field("type"));
        };
        Ok(match kind.as_str() {
            "rooms" => {
                rest!(map, Rooms { viewer: User, account: Account, rooms: Vec<SidebarRoom>, inbox: InboxCount })
            }
            "viewer" => rest!(map, Viewer { user: User }),
            "account" => rest!(map, Account { account: Account }),
            "involvement" => rest!(map, Involvement { room: SidebarRoom, involvement: Involvement }),
            "presence" => {
                rest!(map, Presence { room_id: RoomId, here: Vec<Person>, here_count: u32, online: Vec<UserId> })
            }
            "online" => rest!(map, Online { room_id: RoomId, user_ids: Vec<UserId> }),
            "caught_up" => rest!(map, CaughtUp { room_id: RoomId, cursor: Cursor }),
            "message_posted" => rest!(map, MessagePosted { seq: i64, at: i64, message: Message }),
            "message_edited" => rest!(map, MessageEdited { seq: i64, at: i64, message: Message }),
            "message_removed" => {
                rest!(map, MessageRemoved { seq: i64, at: i64, room_id: RoomId, message_id: MessageId })
            }
            "message_boosted" => rest!(
                map,
                MessageBoosted { seq: i64, at: i64, room_id: RoomId, message_id: MessageId, boosts_html: String }
            ),
            "message_extended" => rest!(
                map,
                MessageExtended { seq: i64, at: i64, room_id: RoomId, message_id: MessageId, extras_html: String }
            ),
            "pins_changed" => rest!(map, PinsChanged { seq: i64, at: i64, room_id: RoomId, pins_html: String }),
            "reply_changed" => rest!(map, ReplyChanged { room_id: RoomId, message_id: MessageId, reply_html: String }),
            "thread_answer" => {
                rest!(map, ThreadAnswer { seq: i64, at: i64, root_id: MessageId, is_new: bool, message: Message })
            }
            "thread_news" => {
                rest!(map, ThreadNews { room_id: RoomId, root_id: MessageId, count: u32, is_total: bool })
            }
            "typing" => rest!(map, Typing { room_id: RoomId, person: Person, active: bool }),
            "room_added" => rest!(map, RoomAdded { room: SidebarRoom }),
            "room_changed" => rest!(map, RoomChanged { room_id: RoomId, kind: RoomKind, name: String }),
            "room_removed" => rest!(map, RoomRemoved { room_id: RoomId, end: Option<RoomEnd> }),
            "unread" => rest!(map, Unread { room_id: RoomId, message_id: MessageId }),
            "mentioned" => rest!(map, Mentioned { room_id: RoomId, message_id: MessageId }),
            "marked_unread" => {
                rest!(map, MarkedUnread { room_id: RoomId, message_id: MessageId, mention_count: u32 })
            }
            "marks" => {
                rest!(map, Marks { room_id: RoomId, newest_id: MessageId, unread: bool, mention_count: u32 })
            }
            "person_changed" => rest!(map, PersonChanged { person: Person }),
            "read" => rest!(map, Read { room_id: RoomId, message_id: MessageId }),
            "inbox" => rest!(map, Inbox { count: InboxCount, room_id: Option<RoomId> }),
            "note" => rest!(map, Note { room_id: RoomId, html: String }),
            "bye" => rest!(map, Bye { reconnect: bool }),
            other => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                match other {
                    "resync" => ServerEvent::Resync,
                    "alive" => ServerEvent::Alive,
                    _ => ServerEvent::Unknown,
                }
            }
        })
    }
}

impl ServerEvent {
    /// The event as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an event has string keys and finite numbers")
    }

    /// The `seq` and `at` of an event about a message; `None` for events that are not in the log of a room.
    #[must_use]
    pub const fn position(&self) -> Option<(i64, i64)> {
        match self {
            Self::MessagePosted { seq, at, .. }
            | Self::MessageEdited { seq, at, .. }
            | Self::MessageRemoved { seq, at, .. }
            | Self::MessageBoosted { seq, at, .. }
            | Self::MessageExtended { seq, at, .. }
            | Self::PinsChanged { seq, at, .. }
            | Self::ThreadAnswer { seq, at, .. } => Some((*seq, *at)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_objects_tagged_by_type() {
        let event = ServerEvent::Unread { room_id: RoomId(4), message_id: MessageId(41) };
        assert_eq!(event.to_json(), r#"{"type":"unread","room_id":4,"message_id":41}"#);
        assert_eq!(ServerEvent::Alive.to_json(), r#"{"type":"alive"}"#);
    }

    #[test]
    fn every_event_survives_serialisation() {
        use crate::model::{ClientMessageId, Role};
        let room_id = RoomId(4);
        let message_id = MessageId(41);
        let user_id = UserId(7);
        let user = User { id: user_id, name: "Ada".into(), role: Role::Administrator };
        let account = Account {
            name: "Campfire".into(),
            join_code: "aaaa-bbbb-cccc".into(),
            room_creation_restricted: true,
            custom_styles_digest: String::new(),
            avatars_version: 3,
            logo_version: 2,
        };
        let person = Person { id: user_id, name: "Ada".into() };
        let people = vec![person.clone()];
        let room = SidebarRoom {
            id: room_id,
            kind: RoomKind::Direct,
            name: "Ada".into(),
            unread: true,
            mention_count: 2,
            active_at: 5,
            people: people.clone(),
            threads: vec![crate::model::ThreadNews { root_id: message_id, count: 3 }],
        };
        let message = Message {
            id: message_id,
            room_id,
            creator_id: user_id,
            creator_name: "Ada".into(),
            client_message_id: Some(ClientMessageId::v7(1, [1; 10])),
            body_html: "<p>\"hello\"</p>".into(),
            revision: 2,
            created_at: 9,
            boosts_html: "<button>".into(),
            boosts_seq: 3,
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: Some(MessageId(40)),
            reply_html: "<a>".into(),
        };
        let seq = 3;
        let at = 9;
        let cursor = Cursor { epoch: "e".into(), seq, at };
        let involvement = Involvement::Nothing;
        let inbox = InboxCount { unread: 3, badge: 2 };
        for event in [
            ServerEvent::Rooms { viewer: user.clone(), account: account.clone(), rooms: vec![room.clone()], inbox },
            ServerEvent::Viewer { user },
            ServerEvent::Account { account },
            ServerEvent::Involvement { room: room.clone(), involvement },
            ServerEvent::Presence { room_id, here: people, here_count: 1, online: vec![user_id] },
            ServerEvent::Online { room_id, user_ids: vec![user_id] },
            ServerEvent::CaughtUp { room_id, cursor },
            ServerEvent::MessagePosted { seq, at, message: message.clone() },
            ServerEvent::MessageEdited { seq, at, message: message.clone() },
            ServerEvent::MessageRemoved { seq, at, room_id, message_id },
            ServerEvent::MessageBoosted { seq, at, room_id, message_id, boosts_html: "<b>".into() },
            ServerEvent::MessageExtended { seq, at, room_id, message_id, extras_html: "<img>".into() },
            ServerEvent::PinsChanged { seq, at, room_id, pins_html: "<a>".into() },
            ServerEvent::ReplyChanged { room_id, message_id, reply_html: "<a>".into() },
            ServerEvent::ThreadAnswer { seq: 3, at: 9, root_id: message_id, is_new: true, message },
            ServerEvent::ThreadNews { room_id, root_id: message_id, count: 2, is_total: false },
            ServerEvent::Typing { room_id, person: Person { id: user_id, name: "Ada".into() }, active: true },
            ServerEvent::RoomAdded { room },
            ServerEvent::RoomChanged { room_id, kind: RoomKind::Open, name: "Room".into() },
            ServerEvent::RoomRemoved { room_id, end: None },
            ServerEvent::RoomRemoved { room_id, end: Some(RoomEnd { by: person.clone(), is_deleted: true }) },
            ServerEvent::Unread { room_id, message_id },
            ServerEvent::Mentioned { room_id, message_id },
            ServerEvent::MarkedUnread { room_id, message_id, mention_count: 1 },
            ServerEvent::Marks { room_id, newest_id: message_id, unread: true, mention_count: 2 },
            ServerEvent::PersonChanged { person: Person { id: user_id, name: "Ada".into() } },
            ServerEvent::Read { room_id, message_id },
            ServerEvent::Inbox { count: inbox, room_id: None },
            ServerEvent::Inbox { count: inbox, room_id: Some(room_id) },
            ServerEvent::Note { room_id, html: "<p>x</p>".into() },
            ServerEvent::Resync,
            ServerEvent::Alive,
            ServerEvent::Bye { reconnect: true },
        ] {
            assert_eq!(serde_json::from_str::<ServerEvent>(&event.to_json()).unwrap(), event, "{event:?}");
        }
    }

    #[test]
    fn an_unknown_event_is_ignored_and_a_malformed_one_is_an_error() {
        for text in [r#"{"type":"fireworks"}"#, r#"{"type":"fireworks","at":[1,{"colour":"red"}],"room_id":4}"#] {
            assert_eq!(serde_json::from_str::<ServerEvent>(text).unwrap(), ServerEvent::Unknown, "{text}");
        }
        let late_tag = r#"{"room_id":4,"type":"room_removed"}"#;
        for text in ["{}", "[]", late_tag, r#"{"type":"room_removed"}"#, r#"{"type":"fireworks""#] {
            assert!(serde_json::from_str::<ServerEvent>(text).is_err(), "{text}");
        }
    }
}
