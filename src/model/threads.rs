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

/// What the line of a thread begins with in [`Message::extras_html`](super::Message::extras_html), where it comes last.
pub const THREAD_LINE: &str = r#"<a class="thread-line"#;

/// How a message is sent into a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answering {
    /// The message that is answered: the root of the thread, or an answer in it.
    pub message_id: MessageId,
    /// Whether the room is to show the answer, too.
    pub in_room: bool,
}

/// What a message that is being sent answers, in the same room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The message that the line above it is to show.
    pub reply_to: Option<MessageId>,
    /// How it is sent into a thread, if it is.
    pub thread: Option<Answering>,
}

impl From<Answering> for Answers {
    fn from(answering: Answering) -> Self {
        Self { thread: Some(answering), ..Self::default() }
    }
}

impl From<MessageId> for Answers {
    fn from(reply_to: MessageId) -> Self {
        Self { reply_to: Some(reply_to), ..Self::default() }
    }
}

/// A followed thread with new answers, as the sidebar marks it. As JSON an array, which is the smallest code in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "(MessageId, u32)", into = "(MessageId, u32)")]
pub struct ThreadNews {
    /// The root of the thread.
    pub root_id: MessageId,
    /// How many answers of others are new, at most [`MAX_NEWS_COUNT`].
    pub count: u32,
}

impl From<(MessageId, u32)> for ThreadNews {
    fn from((root_id, count): (MessageId, u32)) -> Self {
        Self { root_id, count }
    }
}

impl From<ThreadNews> for (MessageId, u32) {
    fn from(ThreadNews { root_id, count }: ThreadNews) -> Self {
        (root_id, count)
    }
}

/// What the page of a thread shows beside its messages. As JSON a number with a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct ThreadHead {
    /// Whether the viewer follows it.
    pub is_followed: bool,
    /// Whether it has answers.
    pub has_answers: bool,
}

impl From<u32> for ThreadHead {
    fn from(bits: u32) -> Self {
        Self { is_followed: bits & 1 != 0, has_answers: bits & 2 != 0 }
    }
}

impl From<ThreadHead> for u32 {
    fn from(ThreadHead { is_followed, has_answers }: ThreadHead) -> Self {
        Self::from(is_followed) | Self::from(has_answers) << 1
    }
}
