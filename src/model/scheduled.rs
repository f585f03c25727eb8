//! Messages that are to be posted at a time that their writer chose.

use super::{MessageId, RoomId};

/// How many messages of a person wait at most.
pub const MAX_SCHEDULED: i64 = 50;

/// How much later than at its time a message is posted late, in milliseconds: 2 minutes.
pub const LATE_MS: i64 = 2 * 60 * 1_000;

/// A message that waits for its time, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The id of the row.
    pub id: i64,
    /// The room.
    pub room_id: RoomId,
    /// The name of the room; empty if the writer is not in it any more.
    pub room_name: String,
    /// The Markdown source; empty once it is posted.
    pub body: String,
    /// When it is to be posted, in milliseconds since the epoch.
    pub send_at: i64,
    /// What became of it.
    pub state: ScheduledState,
}

/// What became of a scheduled message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduledState {
    /// It waits for its time.
    Waiting,
    /// It is being posted.
    Sending,
    /// It was posted.
    Sent {
        /// The message.
        message_id: MessageId,
        /// When, in milliseconds since the epoch.
        at_ms: i64,
    },
    /// It was not posted.
    Failed {
        /// Why not, for its writer.
        reason: String,
    },
}

impl Scheduled {
    /// Whether it was posted, and late.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self.state, ScheduledState::Sent { at_ms, .. } if at_ms > self.send_at + LATE_MS)
    }
}
