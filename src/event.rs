//! The live protocol: JSON text frames over one WebSocket a tab, one object each, tagged by `type`.
//!
//! A page knows the place in the event log it was made at, its [`Cursor`]. When its socket opens it says `focus` with
//! the room in view and that cursor, and gets what changed since, as the state now, then what changes from there on.
//! Everything in a frame may arrive twice or late: ids and revisions decide, never the order of arrival alone.

use serde::{Deserialize, Serialize};

use crate::model::{Message, MessageId, RoomId, RoomKind, SidebarRoom};

/// How often the server says something when nothing happens, in milliseconds. A browser that hears nothing for
/// [`SILENCE_MS`] takes the connection for dead.
pub const HEARTBEAT_MS: u64 = 4_000;

/// The longest silence of a live connection, in milliseconds.
pub const SILENCE_MS: u64 = 10_000;

/// The largest frame a browser may send, in bytes.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

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
pub enum ClientFrame {
    /// This room is in view; tell me what changed in it after `cursor`, and what changes.
    Focus { room_id: RoomId, cursor: Cursor },
    /// No room is in view.
    Blur,
    /// Everything up to this message has been read.
    Read { room_id: RoomId, message_id: MessageId },
    /// From a newer page: ignored.
    #[serde(other)]
    Unknown,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The person's rooms as they are now: the first frame of every connection.
    Rooms {
        rooms: Vec<SidebarRoom>,
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
    #[serde(other)]
    Unknown,
}

impl ServerFrame {
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
            | Self::MessageRemoved { seq, at, .. } => Some((*seq, *at)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_objects_tagged_by_type() {
        let frame = ServerFrame::Unread { room_id: RoomId(4), message_id: MessageId(41) };
        assert_eq!(frame.to_json(), r#"{"type":"unread","room_id":4,"message_id":41}"#);
        assert_eq!(ServerFrame::Alive.to_json(), r#"{"type":"alive"}"#);
    }

    #[test]
    fn an_unknown_frame_is_no_error() {
        let frame: ServerFrame = serde_json::from_str(r#"{"type":"fireworks","colour":"red"}"#).unwrap();
        assert_eq!(frame, ServerFrame::Unknown);
        let frame: ClientFrame = serde_json::from_str(r#"{"type":"wink"}"#).unwrap();
        assert_eq!(frame, ClientFrame::Unknown);
    }
}
