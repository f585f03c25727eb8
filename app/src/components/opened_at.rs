//! Where a page of messages was opened by the link to one of them.

use campfire::model::{Anchor, MessageId, Place};
use campfire::protocol::Timeline;
use leptos::prelude::*;

/// Where a page was opened by the link to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedAt {
    /// At the newest messages, or at the end of older ones.
    End,
    /// At the message.
    Message(MessageId),
    /// At the place of a message that does not exist any more: this one comes after it, or before it if it was the last.
    Gap(Option<MessageId>),
}

impl OpenedAt {
    /// Where this page of messages was opened; `target` is the message of the link, if it exists.
    pub fn new(place: Place, target: Option<MessageId>, timeline: RwSignal<Timeline>) -> Self {
        match (place.anchor(), target) {
            (_, Some(message_id)) => Self::Message(message_id),
            (Some(Anchor::Around(gone)), None) => timeline.with_untracked(|timeline| {
                let Some((first, last)) = timeline.messages.first().zip(timeline.messages.last()) else {
                    return Self::Gap(None);
                };
                // Where the data of the page was loaded again, it may be of another part of the room.
                if (timeline.has_older && gone < first.id) || (timeline.has_newer && gone > last.id) {
                    return Self::End;
                }
                let mut ids = timeline.messages.iter().map(|message| message.id);
                Self::Gap(ids.find(|id| *id > gone).or(Some(last.id)))
            }),
            _ => Self::End,
        }
    }

    /// Whether the link leads to a message that does not exist any more.
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Gap(_))
    }

    /// The message that the link leads to, which is marked.
    pub const fn target(self) -> Option<MessageId> {
        if let Self::Message(message_id) = self { Some(message_id) } else { None }
    }

    /// The message that is brought into view.
    pub const fn in_view(self) -> Option<MessageId> {
        match self {
            Self::End => None,
            Self::Message(message_id) => Some(message_id),
            Self::Gap(beside) => beside,
        }
    }
}
