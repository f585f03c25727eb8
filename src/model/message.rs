//! Messages, and the draft that becomes one.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ClientMessageId, MessageId, RoomId, UserId};
use crate::AppError;

/// How many messages a page holds.
pub const PAGE_SIZE: i64 = 40;

/// The longest body, in characters.
pub const MAX_BODY_CHARS: usize = 32_000;

/// Messages of one author that follow each other within this time stand together, in milliseconds.
const GROUP_GAP_MS: i64 = 5 * 60 * 1_000;

/// A stored message, the same for whoever reads it but for the id from its author's browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub room_id: RoomId,
    pub creator_id: UserId,
    /// Empty, like `body_html`, in the browser, as long as the page's HTML says it.
    pub creator_name: String,
    /// Missing in the data of a page that somebody else reads: it tells its author's browser that the message arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// Sanitised when it was written; goes into pages as it stands.
    pub body_html: String,
    /// 1 as posted, one more with every edit.
    pub revision: i64,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// The boosts under it, ready to be shown; empty without any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boosts_html: String,
    /// The number of the last event about its boosts: of two states the one with the greater number is the newer.
    #[serde(default)]
    pub boosts_seq: i64,
}

impl Message {
    /// Takes over what is newer in another state of the same message; answers whether anything was.
    pub fn take_in(&mut self, other: &Self) -> bool {
        let (edited, boosted) = (other.revision > self.revision, other.boosts_seq > self.boosts_seq);
        if edited {
            self.body_html.clone_from(&other.body_html);
            self.creator_name.clone_from(&other.creator_name);
            self.revision = other.revision;
        }
        if boosted {
            self.boosts_html.clone_from(&other.boosts_html);
            self.boosts_seq = other.boosts_seq;
        }
        edited || boosted
    }

    /// Where the message is shown in its room.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/rooms/{}/@{}", self.room_id, self.id)
    }
}

/// Whether a message stands under the one before it without repeating its author.
#[must_use]
pub fn is_grouped(previous: Option<&Message>, message: &Message) -> bool {
    previous.is_some_and(|previous| {
        previous.creator_id == message.creator_id && (message.created_at - previous.created_at).abs() <= GROUP_GAP_MS
    })
}

/// What a person wrote and may be posted: Markdown, not blank, at most [`MAX_BODY_CHARS`], lines ending in `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft(String);

impl Draft {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Draft {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        // Forms send CRLF where the composer sends LF; the same words are the same message.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let body = text.trim_end().trim_start_matches('\n');
        if body.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
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

/// Characters that show nothing by themselves: a message of them alone is blank.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{00ad}')
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
        for text in ["", " ", "\r\n\t\r\n", "\u{200b}\u{feff}", "\u{202e} \u{202c}"] {
            assert!(text.parse::<Draft>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_form_and_the_composer_write_the_same_message() {
        assert_eq!("one\r\ntwo\r\n".parse::<Draft>(), "one\ntwo".parse::<Draft>());
        assert_eq!("    code".parse::<Draft>().unwrap().as_str(), "    code");
    }

    #[test]
    fn the_limit_counts_characters() {
        assert!("é".repeat(MAX_BODY_CHARS).parse::<Draft>().is_ok());
        assert!("é".repeat(MAX_BODY_CHARS + 1).parse::<Draft>().is_err());
        assert!("a\0b".parse::<Draft>().is_err());
    }
}
