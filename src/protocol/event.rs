//! The live protocol: JSON text frames over one WebSocket a tab, one object each, tagged by `type`.
//!
//! A page knows the place in the event log it was made at, its [`Cursor`]. When its socket opens it says `focus` with
//! the room in view and that cursor, and gets what changed since, as the state now, then what changes from there on.
//! Everything in a frame may arrive twice or late: ids and revisions decide, never the order of arrival alone.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Account, Involvement, Message, MessageId, Person, RoomId, RoomKind, SidebarRoom, User, UserId};

/// How often the server says something when nothing happens, in milliseconds. A browser that hears nothing for
/// [`SILENCE_MS`] takes the connection for dead.
pub const HEARTBEAT_MS: u64 = 4_000;

/// The longest silence of a live connection, in milliseconds.
pub const SILENCE_MS: u64 = 10_000;

/// The largest frame a browser may send, in bytes.
pub const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// How long somebody counts as present after their page said so last, in milliseconds.
pub const PRESENCE_TTL_MS: i64 = 60_000;

/// How often a page that is seen says so, in milliseconds.
pub const PRESENCE_REFRESH_MS: u64 = 50_000;

/// How long a page must be hidden, or seen again, before it says so, in milliseconds: a glance elsewhere is not told.
pub const VISIBILITY_DELAY_MS: u64 = 5_000;

/// How often a page says that somebody writes, at most, in milliseconds.
pub const TYPING_EVERY_MS: u64 = 1_000;

/// How long somebody counts as writing after their page said so last, in milliseconds.
pub const TYPING_TTL_MS: u64 = 5_000;

/// A place in the event log of one database.
///
/// The moment stands beside the number because a database restored from a backup counts on from where the backup
/// was taken: the same number then names another event, made at another moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which database counts.
    pub epoch: String,
    /// The last event seen; 0 before the first.
    pub seq: i64,
    /// When that event happened, in milliseconds since the epoch.
    pub at: i64,
}

/// What a browser says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientCommand {
    /// This room is in view; tell me what changed in it after `cursor`, and what changes.
    Focus { room_id: RoomId, cursor: Cursor },
    /// No room is in view.
    Blur,
    /// Everything up to this message has been read.
    Read { room_id: RoomId, message_id: MessageId },
    /// The person writes in the room in view, or stopped.
    Typing { active: bool },
    /// Somebody sees this page, or still does.
    Present,
    /// Nobody sees this page any more.
    Absent,
    /// From a newer page: ignored.
    #[serde(other)]
    Unknown,
}

/// What the server says. Its `type` is the first thing in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerEvent {
    /// The person, the account and the person's rooms as they are now: the first frame of every connection.
    Rooms {
        viewer: User,
        account: Account,
        rooms: Vec<SidebarRoom>,
    },
    /// What this person is called and may do has changed.
    Viewer {
        user: User,
    },
    /// The account has changed.
    Account {
        account: Account,
    },
    /// This person wants to hear more or less of a room: an invisible one leaves the sidebar.
    Involvement {
        room: SidebarRoom,
        involvement: Involvement,
    },
    /// Who is in the room in view, and who of its members is online at all: the first of each, and how many are here.
    Presence {
        room_id: RoomId,
        here: Vec<Person>,
        here_count: u32,
        online: Vec<UserId>,
    },
    /// Of the people in a direct room these are online.
    Online {
        room_id: RoomId,
        user_ids: Vec<UserId>,
    },
    /// All that happened in the room up to this place has been said.
    CaughtUp {
        room_id: RoomId,
        cursor: Cursor,
    },
    MessagePosted {
        seq: i64,
        at: i64,
        message: Message,
    },
    MessageEdited {
        seq: i64,
        at: i64,
        message: Message,
    },
    MessageRemoved {
        seq: i64,
        at: i64,
        room_id: RoomId,
        message_id: MessageId,
    },
    /// What is under a message now.
    MessageBoosted {
        seq: i64,
        at: i64,
        room_id: RoomId,
        message_id: MessageId,
        boosts_html: String,
    },
    /// Somebody in the room in view writes, or stopped. Never stored; a browser forgets it after [`TYPING_TTL_MS`].
    Typing {
        room_id: RoomId,
        person: Person,
        active: bool,
    },
    RoomAdded {
        room: SidebarRoom,
    },
    RoomChanged {
        room_id: RoomId,
        kind: RoomKind,
        name: String,
    },
    RoomRemoved {
        room_id: RoomId,
    },
    /// Someone else posted in a room of this person.
    Unread {
        room_id: RoomId,
        message_id: MessageId,
    },
    /// A message of a room, just posted, names this person.
    Mentioned {
        room_id: RoomId,
        message_id: MessageId,
    },
    /// This person, in whatever tab, wants to have a room unread again from a message on.
    MarkedUnread {
        room_id: RoomId,
        message_id: MessageId,
    },
    /// This person has read a room up to a message, in whatever tab.
    Read {
        room_id: RoomId,
        message_id: MessageId,
    },
    /// The page cannot be brought up to date from the log: load the data again.
    Resync,
    /// Nothing happened.
    Alive,
    /// The server closes the connection; come back, or do not.
    Bye {
        reconnect: bool,
    },
    /// From a newer server: an old tab ignores what it does not know.
    Unknown,
}

/// Written by hand because what serde derives for a tagged enum first keeps every frame in a tree of its own, and the
/// code for that is a good part of what the browser would download. With the tag in front there is nothing to keep.
impl<'de> Deserialize<'de> for ServerEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

/// The rest of a frame as the fields of this variant.
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
        f.write_str("a frame, its type first")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ServerEvent, M::Error> {
        let tag: Option<(String, String)> = map.next_entry()?;
        let Some((_, kind)) = tag.filter(|(key, _)| key == "type") else {
            return Err(M::Error::missing_field("type"));
        };
        Ok(match kind.as_str() {
            "rooms" => rest!(map, Rooms { viewer: User, account: Account, rooms: Vec<SidebarRoom> }),
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
            "typing" => rest!(map, Typing { room_id: RoomId, person: Person, active: bool }),
            "room_added" => rest!(map, RoomAdded { room: SidebarRoom }),
            "room_changed" => rest!(map, RoomChanged { room_id: RoomId, kind: RoomKind, name: String }),
            "room_removed" => rest!(map, RoomRemoved { room_id: RoomId }),
            "unread" => rest!(map, Unread { room_id: RoomId, message_id: MessageId }),
            "mentioned" => rest!(map, Mentioned { room_id: RoomId, message_id: MessageId }),
            "marked_unread" => rest!(map, MarkedUnread { room_id: RoomId, message_id: MessageId }),
            "read" => rest!(map, Read { room_id: RoomId, message_id: MessageId }),
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
    /// The frame as it goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("frames hold nothing that JSON cannot")
    }

    /// The place in the log that a change in a room stands at.
    #[must_use]
    pub const fn position(&self) -> Option<(i64, i64)> {
        match self {
            Self::MessagePosted { seq, at, .. }
            | Self::MessageEdited { seq, at, .. }
            | Self::MessageRemoved { seq, at, .. }
            | Self::MessageBoosted { seq, at, .. } => Some((*seq, *at)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_objects_tagged_by_type() {
        let frame = ServerEvent::Unread { room_id: RoomId(4), message_id: MessageId(41) };
        assert_eq!(frame.to_json(), r#"{"type":"unread","room_id":4,"message_id":41}"#);
        assert_eq!(ServerEvent::Alive.to_json(), r#"{"type":"alive"}"#);
    }

    #[test]
    fn every_frame_is_understood_as_it_was_said() {
        use crate::model::{ClientMessageId, Role};
        let (room_id, message_id, user_id) = (RoomId(4), MessageId(41), UserId(7));
        let user = User { id: user_id, name: "Ada".into(), role: Role::Administrator };
        let account = Account {
            name: "Campfire".into(),
            join_code: "aaaa-bbbb-cccc".into(),
            room_creation_restricted: true,
            custom_styles_digest: String::new(),
        };
        let people = vec![Person { id: user_id, name: "Ada".into() }];
        let (kind, name) = (RoomKind::Direct, "Ada".to_owned());
        let room = SidebarRoom {
            id: room_id,
            kind,
            name,
            unread: true,
            mention_count: 2,
            active_at: 5,
            people: people.clone(),
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
        };
        let (seq, at) = (3, 9);
        let cursor = Cursor { epoch: "e".into(), seq, at };
        let involvement = Involvement::Nothing;
        for frame in [
            ServerEvent::Rooms { viewer: user.clone(), account: account.clone(), rooms: vec![room.clone()] },
            ServerEvent::Viewer { user },
            ServerEvent::Account { account },
            ServerEvent::Involvement { room: room.clone(), involvement },
            ServerEvent::Presence { room_id, here: people, here_count: 1, online: vec![user_id] },
            ServerEvent::Online { room_id, user_ids: vec![user_id] },
            ServerEvent::CaughtUp { room_id, cursor },
            ServerEvent::MessagePosted { seq, at, message: message.clone() },
            ServerEvent::MessageEdited { seq, at, message },
            ServerEvent::MessageRemoved { seq, at, room_id, message_id },
            ServerEvent::MessageBoosted { seq, at, room_id, message_id, boosts_html: "<b>".into() },
            ServerEvent::Typing { room_id, person: Person { id: user_id, name: "Ada".into() }, active: true },
            ServerEvent::RoomAdded { room },
            ServerEvent::RoomChanged { room_id, kind: RoomKind::Open, name: "Room".into() },
            ServerEvent::RoomRemoved { room_id },
            ServerEvent::Unread { room_id, message_id },
            ServerEvent::Mentioned { room_id, message_id },
            ServerEvent::MarkedUnread { room_id, message_id },
            ServerEvent::Read { room_id, message_id },
            ServerEvent::Resync,
            ServerEvent::Alive,
            ServerEvent::Bye { reconnect: true },
            ServerEvent::Unknown,
        ] {
            assert_eq!(serde_json::from_str::<ServerEvent>(&frame.to_json()).unwrap(), frame, "{frame:?}");
        }
        for text in ["{}", "[]", r#"{"room_id":4,"type":"room_removed"}"#, r#"{"type":"room_removed"}"#] {
            assert!(serde_json::from_str::<ServerEvent>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_frame_is_no_error() {
        let frame: ServerEvent = serde_json::from_str(r#"{"type":"fireworks","colour":"red"}"#).unwrap();
        assert_eq!(frame, ServerEvent::Unknown);
        let frame: ClientCommand = serde_json::from_str(r#"{"type":"wink"}"#).unwrap();
        assert_eq!(frame, ClientCommand::Unknown);
    }
}
