//! Threads: answers to a message of a room, its root.

use serde::{Deserialize, Serialize};

use super::MessageId;

/// The largest number of new answers that is counted; more are shown as this many and a plus sign.
pub const MAX_NEWS_COUNT: u32 = 99;

/// Where a message that is an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The root of its thread. It may have been removed.
    pub root_id: MessageId,
    /// Whether the room shows it, too: it is one message, shown twice.
    pub in_room: bool,
}

/// How a message is sent into a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answering {
    /// The message that is answered: the root of the thread, or an answer in it.
    pub message_id: MessageId,
    /// Whether the room is to show the answer, too.
    pub in_room: bool,
}

/// A followed thread with new answers, as the sidebar marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ThreadNews {
    /// The root of the thread.
    pub root_id: MessageId,
    /// How many answers of others are new, at most [`MAX_NEWS_COUNT`].
    pub count: u32,
}

/// What the page of a thread shows beside its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadHead {
    /// Whether the viewer follows it.
    pub is_followed: bool,
    /// Whether it has answers.
    pub has_answers: bool,
}
