//! Messages that somebody keeps for later, for themselves alone.

use std::str::FromStr;

use super::Message;
use crate::AppError;

/// How many messages a person keeps at most, those that are done included.
pub const MAX_SAVED: i64 = 500;

/// How many reminders of a person are to come at most.
pub const MAX_REMINDERS: i64 = 100;

/// What a person notes on a message that they keep: up to 500 characters, possibly none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedNote(String);

impl SavedNote {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 500;

    /// The note, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SavedNote {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let text = text.trim().replace("\r\n", "\n");
        if text.chars().count() > Self::MAX_CHARS {
            return Err(AppError::invalid("note", format!("A note has at most {} characters.", Self::MAX_CHARS)));
        }
        if text.chars().any(|character| character.is_control() && character != '\n' && character != '\t') {
            return Err(AppError::invalid("note", "That note has characters that are no text."));
        }
        Ok(Self(text))
    }
}

/// A message that somebody keeps, as they may see it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The id of the row.
    pub id: i64,
    /// The message and the name of its room.
    pub kept: Kept,
    /// What the person noted.
    pub note: String,
    /// When they are to be reminded, in milliseconds since the epoch.
    pub remind_at: Option<i64>,
    /// When they were reminded last, in milliseconds since the epoch.
    pub reminded_at: Option<i64>,
    /// Whether they are done with it.
    pub is_done: bool,
}

/// What a person who keeps a message may see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The message, and the name of its room.
    Message(Box<Message>, String),
    /// It was deleted.
    Deleted,
    /// The person is not in its room any more.
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_a_short_text() {
        let note = |text: &str| text.parse::<SavedNote>().map(|note| note.as_str().to_owned());
        assert_eq!(note("  ask Ada\r\nabout it "), Ok("ask Ada\nabout it".into()));
        assert_eq!(note(""), Ok(String::new()));
        assert!(note(&"字".repeat(500)).is_ok() && note(&"字".repeat(501)).is_err());
        assert!(note("a\0b").is_err() && note("a\u{1b}[0m").is_err());
    }
}
