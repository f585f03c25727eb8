//! The objects of the API as JSON. Their fields are only ever added to.

use campfire::model::{Answer, BoostContent, MessageId, Role, RoomId, RoomKind, UserId, paths, utc_timestamp};
use campfire::ops::api::{ApiBoost, ApiMessage, ApiRoom, ApiUser};
use serde::Serialize;

/// A user.
#[derive(Debug, Serialize)]
pub struct UserObject {
    id: UserId,
    name: String,
    role: Role,
    avatar_url: String,
}

impl UserObject {
    /// The object of a user, with URLs of this origin.
    #[must_use]
    pub fn new(origin: &str, user: ApiUser) -> Self {
        let ApiUser { id, name, role, avatar_path } = user;
        Self { id, name, role, avatar_url: [origin, &avatar_path].concat() }
    }
}

/// The body of a message.
#[derive(Debug, Serialize)]
struct BodyObject {
    plain_text: String,
    html: String,
}

/// The room of a message.
#[derive(Debug, Serialize)]
struct RoomReference {
    id: RoomId,
}

/// The thread that a message is an answer in.
#[derive(Debug, Serialize)]
struct ThreadReference {
    /// The message that it began with.
    id: MessageId,
    shown_in_room: bool,
}

/// A message.
#[derive(Debug, Serialize)]
pub struct MessageObject {
    id: MessageId,
    created_at: String,
    body: BodyObject,
    creator: UserObject,
    room: RoomReference,
    /// The message of the same room that it answers, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadReference>,
    url: String,
}

impl MessageObject {
    /// The object of a message, with URLs of this origin.
    #[must_use]
    pub fn new(origin: &str, message: ApiMessage) -> Self {
        let ApiMessage { message, plain_text, creator, answer } = message;
        Self {
            id: message.id,
            created_at: timestamp(message.created_at),
            body: BodyObject { plain_text, html: message.body_html },
            creator: UserObject::new(origin, creator),
            room: RoomReference { id: message.room_id },
            reply_to: message.reply_to,
            thread: answer.map(|Answer { root_id, in_room }| ThreadReference { id: root_id, shown_in_room: in_room }),
            url: message_url(origin, message.room_id, message.id),
        }
    }
}

/// The message of a boost.
#[derive(Debug, Serialize)]
struct MessageReference {
    id: MessageId,
    url: String,
}

/// A boost.
#[derive(Debug, Serialize)]
pub struct BoostObject {
    id: i64,
    content: BoostContent,
    created_at: String,
    booster: UserObject,
    message: MessageReference,
}

impl BoostObject {
    /// The object of a boost of a message, with URLs of this origin.
    #[must_use]
    pub fn new(origin: &str, room_id: RoomId, message_id: MessageId, boost: ApiBoost) -> Self {
        let ApiBoost { id, content, created_at, booster } = boost;
        let url = message_url(origin, room_id, message_id);
        Self {
            id,
            content,
            created_at: timestamp(created_at),
            booster: UserObject::new(origin, booster),
            message: MessageReference { id: message_id, url },
        }
    }
}

/// A room.
#[derive(Debug, Serialize)]
pub struct RoomObject {
    id: RoomId,
    name: String,
    kind: RoomKind,
    involvement: &'static str,
    url: String,
    messages_url: String,
}

impl RoomObject {
    /// The object of a room, with URLs of this origin.
    #[must_use]
    pub fn new(origin: &str, room: ApiRoom) -> Self {
        let ApiRoom { id, kind, name, involvement } = room;
        Self {
            id,
            name,
            kind,
            involvement: involvement.word(),
            url: [origin, &paths::room(id)].concat(),
            messages_url: [origin, &paths::api_messages(id)].concat(),
        }
    }
}

/// The URL of a message.
#[must_use]
pub fn message_url(origin: &str, room_id: RoomId, message_id: MessageId) -> String {
    [origin, &paths::stored_message(room_id, message_id)].concat()
}

/// A time in milliseconds since the epoch as ISO 8601, like `2026-01-05T09:30:12.345Z`.
fn timestamp(at_ms: i64) -> String {
    let seconds = utc_timestamp(at_ms);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), at_ms.rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(
            timestamp(1_795_000_000_007),
            format!("{}.007Z", utc_timestamp(1_795_000_000_000).trim_end_matches('Z'))
        );
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
    }
}
