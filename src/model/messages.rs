//! Messages and drafts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::is_blank;
use super::{ClientMessageId, MessageId, RoomId, UserId, paths};
use crate::AppError;

/// How many messages a page has.
pub const PAGE_SIZE: i64 = 40;

/// The longest body, in characters.
pub const MAX_BODY_CHARS: usize = 32_000;

/// Messages of one author are grouped when at most this many milliseconds lie between them.
const MAX_GROUP_GAP_MS: i64 = 5 * 60 * 1_000;

/// A stored message. Identical for every viewer except for `client_message_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id of the message.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// Its author.
    pub creator_id: UserId,
    /// The current name of its author. Empty, like `body_html`, in the data embedded in a page, whose HTML contains it.
    pub creator_name: String,
    /// The id from its author's browser, which recognises by it a message that it has sent. Left out of the page data of
    /// other viewers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// The body as HTML, sanitised when it was written and inserted into pages without escaping.
    pub body_html: String,
    /// 1 when posted, incremented by every edit.
    pub revision: i64,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// Its boosts as HTML; empty without boosts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boosts_html: String,
    /// The `seq` of the last event about its boosts; 0 without one. Of two states, the one with the greater number is
    /// newer.
    #[serde(default)]
    pub boosts_seq: i64,
    /// What is shown below its body, as HTML: its files. Empty without any, and in the data embedded in a page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extras_html: String,
    /// The `seq` of the last event that changed it after it was posted; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub extras_seq: i64,
    /// The message of the same room that it answers, which may be removed. Left out of the data embedded in a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The line above its body that shows whom and what it answers, as HTML.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reply_html: String,
}

const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Message {
    /// Merges another state of the same message: takes its body if its revision is newer, and its boosts and extras if
    /// their events are. Returns whether anything changed.
    pub fn take_in(&mut self, other: &Self) -> bool {
        let edited = other.revision > self.revision;
        let boosted = other.boosts_seq > self.boosts_seq;
        if edited {
            self.body_html.clone_from(&other.body_html);
            self.creator_name.clone_from(&other.creator_name);
            self.revision = other.revision;
        }
        if boosted {
            self.boosts_html.clone_from(&other.boosts_html);
            self.boosts_seq = other.boosts_seq;
        }
        let extended = other.extras_seq > self.extras_seq;
        if extended {
            self.extras_html.clone_from(&other.extras_html);
            self.extras_seq = other.extras_seq;
        }
        edited || boosted || extended
    }

    /// The size of its HTML, in bytes: nearly all of what it takes in a page or an event.
    #[must_use]
    pub fn html_bytes(&self) -> usize {
        self.body_html.len() + self.boosts_html.len() + self.extras_html.len() + self.reply_html.len()
    }

    /// The path of the page that shows the message in its room.
    #[must_use]
    pub fn path(&self) -> String {
        paths::message(self.room_id, self.id)
    }
}

/// What became of a message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "nearly all are stored: a box would be an allocation for each")]
pub enum Posted {
    /// It is in the room, perhaps since an earlier try, perhaps edited since.
    Stored(Message),
    /// An earlier try stored it, and it was removed since. It is not stored again.
    Removed(MessageId),
}

/// Whether a message is grouped with the one before it: same author, at most five minutes apart. It is then shown
/// without repeating the author.
#[must_use]
pub fn is_grouped(previous: Option<&Message>, message: &Message) -> bool {
    previous.is_some_and(|previous| {
        previous.creator_id == message.creator_id
            && (message.created_at - previous.created_at).abs() <= MAX_GROUP_GAP_MS
    })
}

/// A body that may be posted: Markdown, not blank unless the message has files, at most [`MAX_BODY_CHARS`], with lines
/// ending in `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft(String);

impl Draft {
    /// The Markdown source.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The body of a message with files, which may be blank.
    ///
    /// # Errors
    /// `Invalid` when it is too long.
    pub fn beside_files(text: &str) -> Result<Self, AppError> {
        if is_blank(text) { Ok(Self(String::new())) } else { text.parse() }
    }
}

impl FromStr for Draft {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        // Forms send CRLF, the composer LF. Normalised, so that a repeated send is recognised as the same message.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let body = text.trim_end().trim_start_matches('\n');
        if is_blank(body) {
            return Err(AppError::invalid("body", "Write something first."));
        }
        if body.chars().count() > MAX_BODY_CHARS {
            return Err(AppError::invalid(
                "body",
                "A message has at most 32,000 characters. Shorten it or send it in parts.",
            ));
        }
        if body.contains('\0') {
            return Err(AppError::invalid(
                "body",
                "A message cannot hold the character NUL. Remove it and send again.",
            ));
        }
        Ok(Self(body.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(creator_id: i64, created_at: i64) -> Message {
        Message {
            id: MessageId(1),
            room_id: RoomId(1),
            creator_id: UserId(creator_id),
            creator_name: "Ada".into(),
            client_message_id: None,
            body_html: String::new(),
            revision: 1,
            created_at,
            boosts_html: String::new(),
            boosts_seq: 0,
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        }
    }

    #[test]
    fn messages_of_one_author_within_five_minutes_are_grouped() {
        let first = message(1, 0);
        assert!(is_grouped(Some(&first), &message(1, 299_000)));
        assert!(is_grouped(Some(&first), &message(1, 300_000)));
        assert!(!is_grouped(Some(&first), &message(1, 301_000)));
        assert!(!is_grouped(Some(&first), &message(2, 1_000)));
        assert!(!is_grouped(None, &first));
    }

    #[test]
    fn blank_bodies_are_refused() {
        for text in ["", " ", "\r\n\t\r\n", "\u{200b}\u{feff}", "\u{202e} \u{202c}", "\u{3164}", "\u{2800}\n\u{e0041}"]
        {
            assert!(text.parse::<Draft>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn line_endings_are_normalised() {
        assert_eq!("one\r\ntwo\r\n".parse::<Draft>(), "one\ntwo".parse::<Draft>());
        assert_eq!("    code".parse::<Draft>().unwrap().as_str(), "    code");
    }

    #[test]
    fn the_length_limit_counts_characters() {
        assert!("é".repeat(MAX_BODY_CHARS).parse::<Draft>().is_ok());
        assert!("é".repeat(MAX_BODY_CHARS + 1).parse::<Draft>().is_err());
        assert!("a\0b".parse::<Draft>().is_err());
    }
}
