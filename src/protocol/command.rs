//! What a browser sends.

use serde::{Deserialize, Serialize};

use super::Cursor;
use crate::model::{MessageId, RoomId};

/// What a browser sends, in at most [`MAX_COMMAND_BYTES`](super::MAX_COMMAND_BYTES).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientCommand {
    /// This room is in view: send what changed in it after `cursor`, and what changes from now on.
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
            ClientCommand::Read { room_id, message_id },
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
