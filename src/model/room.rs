//! Rooms and what a member's place in one is like.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::is_printable_line;
use super::{RoomId, UserId};
use crate::AppError;

/// A room as its members know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Room {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: String,
    pub creator_id: UserId,
}

/// Who is in a room: everybody, the chosen, or one exact set of people for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    Open,
    Closed,
    Direct,
}

/// How much a member wants to hear of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Involvement {
    Invisible,
    Nothing,
    Mentions,
    Everything,
}

/// A room in one person's sidebar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct SidebarRoom {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: String,
    /// Someone posted after what this person read last.
    pub unread: bool,
}

impl SidebarRoom {
    /// What the sidebar is sorted by: the name whatever its case, then the id.
    #[must_use]
    pub fn sort_key(&self) -> (String, RoomId) {
        (self.name.to_lowercase(), self.id)
    }
}

/// The name of an open or closed room: one line, 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(AppError::invalid("name", "Give the room a name."));
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(AppError::invalid("name", "A room's name has at most 100 characters."));
        }
        if !is_printable_line(name) {
            return Err(AppError::invalid("name", "A room's name is one line of plain characters."));
        }
        Ok(Self(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_a_name() {
        assert_eq!(" Designers ".parse::<RoomName>().unwrap().as_str(), "Designers");
        assert!(" \t".parse::<RoomName>().is_err());
        assert!("x".repeat(101).parse::<RoomName>().is_err());
        assert!("a\u{0}b".parse::<RoomName>().is_err());
    }
}
