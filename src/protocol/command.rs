//! Commands sent by the browser.

use serde::{Deserialize, Serialize};

use super::Cursor;
use crate::model::{MessageId, RoomId};

/// A command sent by the browser, in at most [`MAX_COMMAND_BYTES`](super::MAX_COMMAND_BYTES).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientCommand {
    /// A room is in view: requests what changed in it since `cursor`, and subscribes to its events.
    Focus {
        /// The room in view.
        room_id: RoomId,
        /// The position in the log up to which the page is complete.
        cursor: Cursor,
    },
    /// No room is in view: ends the subscription.
    Blur,
    /// Requests a room of the user's that the page does not know: a direct room beyond those in the sidebar, in which
    /// something was posted.
    Describe {
        /// The room.
        room_id: RoomId,
    },
    /// The user has read a room up to a message.
    Read {
        /// The room.
        room_id: RoomId,
        /// The last message read.
        message_id: MessageId,
    },
    /// The page shows messages of a room, while the user's inbox has unread entries. Answered with the counts of the inbox.
    Shown {
        /// The room.
        room_id: RoomId,
        /// The first message that the page shows.
        first: MessageId,
        /// The last one.
        last: MessageId,
    },
    /// The user has read a thread up to an answer.
    ReadThread {
        /// The room of the thread.
        room_id: RoomId,
        /// The root of the thread.
        root_id: MessageId,
        /// The last answer read.
        message_id: MessageId,
    },
    /// The user started or stopped typing in the room in view.
    Typing {
        /// Whether the user is typing.
        active: bool,
    },
    /// The page is visible. Repeated every [`PRESENCE_REFRESH_MS`](super::PRESENCE_REFRESH_MS).
    Present,
    /// The page is hidden.
    Absent,
    /// A command of a newer client: ignored.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_objects_tagged_by_type() {
        let read = ClientCommand::Read { room_id: RoomId(4), message_id: MessageId(41) };
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"type":"read","room_id":4,"message_id":41}"#);
        assert_eq!(serde_json::to_string(&ClientCommand::Present).unwrap(), r#"{"type":"present"}"#);
    }

    #[test]
    fn every_command_is_read_as_it_was_sent() {
        let (room_id, message_id) = (RoomId(4), MessageId(41));
        for command in [
            ClientCommand::Focus { room_id, cursor: Cursor { epoch: "e".into(), seq: 3, at: 9 } },
            ClientCommand::Blur,
            ClientCommand::Describe { room_id },
            ClientCommand::Read { room_id, message_id },
            ClientCommand::Shown { room_id, first: message_id, last: MessageId(42) },
            ClientCommand::ReadThread { room_id, root_id: message_id, message_id },
            ClientCommand::Typing { active: true },
            ClientCommand::Present,
            ClientCommand::Absent,
        ] {
            let json = serde_json::to_string(&command).unwrap();
            assert_eq!(serde_json::from_str::<ClientCommand>(&json).unwrap(), command, "{json}");
        }
    }

    #[test]
    fn an_unknown_command_is_ignored_and_a_malformed_one_is_an_error() {
        for text in [r#"{"type":"wink"}"#, r#"{"at":[1,{"who":null}],"type":"wink"}"#] {
            assert_eq!(serde_json::from_str::<ClientCommand>(text).unwrap(), ClientCommand::Unknown, "{text}");
        }
        for text in ["{}", "[]", "nonsense", r#"{"type":"read","room_id":4}"#, r#"{"type":"typing"}"#] {
            assert!(serde_json::from_str::<ClientCommand>(text).is_err(), "{text}");
        }
    }
}
