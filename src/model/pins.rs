//! Pins: messages that members have pinned to their room.

use super::{Message, MessageId, Person};

/// How many messages of a room can be pinned at a time.
pub const MAX_PINS: i64 = 50;

/// A pinned message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The message.
    pub message: Message,
    /// Who pinned it.
    pub pinner: Person,
    /// When, in milliseconds since the epoch.
    pub pinned_at: i64,
}

/// What a room's page shows of its pins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The pinned messages, the one that was pinned last first.
    pub message_ids: Vec<MessageId>,
    /// The beginning of the text of the first of them, or the names of its files.
    pub text: String,
}
