//! What the server sends.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Cursor;
use crate::model::{Account, Involvement, Message, MessageId, Person, RoomId, RoomKind, SidebarRoom, User, UserId};

/// What the server sends. Its `type` is the first thing in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerEvent {
    /// The person, the account and the person's rooms as they are now: the first event of every connection.
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
    /// All that happened in the room up to this place has been sent.
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

/// Written by hand for the size of the WASM: an internally tagged enum as serde derives it first copies every event into
/// a tree, to look for the tag. With the tag in front there is nothing to copy. (An externally tagged enum needs no copy
/// either, but reads each variant with code of its own: SIZES.)
impl<'de> Deserialize<'de> for ServerEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

/// The rest of an event as the fields of this variant.
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
        f.write_str("an event, its type first")
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
    /// The event as it goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("events hold nothing that JSON cannot")
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
    fn events_are_objects_tagged_by_type() {
        let event = ServerEvent::Unread { room_id: RoomId(4), message_id: MessageId(41) };
        assert_eq!(event.to_json(), r#"{"type":"unread","room_id":4,"message_id":41}"#);
        assert_eq!(ServerEvent::Alive.to_json(), r#"{"type":"alive"}"#);
    }

    #[test]
    fn every_event_is_read_as_it_was_sent() {
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
        for event in [
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
