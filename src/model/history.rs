//! What an edited message said before.

use super::{Message, Person};

/// The history of a message, as somebody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The message as it is.
    pub message: Message,
    /// When its present text was written, in milliseconds since the epoch.
    pub written_at: i64,
    /// The earlier texts that are kept, the last one first.
    pub earlier: Vec<EarlierText>,
    /// Whether the reader may see them.
    pub may_see: bool,
}

/// An earlier text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierText {
    /// The text as HTML; empty for a message with files and no text. `None` if the reader may not see it.
    pub html: Option<String>,
    /// When it was written, in milliseconds since the epoch.
    pub written_at: i64,
    /// Who replaced it.
    pub editor: Person,
}
