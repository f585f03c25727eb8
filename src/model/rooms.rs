//! Rooms and what a member's place in one is like.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{first_name, initials, lowercase, name_line};
use super::{Person, RoomId, UserId};
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

impl Involvement {
    /// What the bell turns to next. Pings are heard of in full or not at all.
    #[must_use]
    pub const fn next(self, kind: RoomKind) -> Self {
        match (kind, self) {
            (RoomKind::Direct, Self::Everything) => Self::Nothing,
            (RoomKind::Direct, _) => Self::Everything,
            (_, Self::Mentions) => Self::Everything,
            (_, Self::Everything) => Self::Nothing,
            (_, Self::Nothing) => Self::Invisible,
            (_, Self::Invisible) => Self::Mentions,
        }
    }

    /// Whether a member of such a room may choose this.
    #[must_use]
    pub const fn fits(self, kind: RoomKind) -> bool {
        !matches!((kind, self), (RoomKind::Direct, Self::Invisible | Self::Mentions))
    }

    /// The involvement as it is stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Nothing => "nothing",
            Self::Mentions => "mentions",
            Self::Everything => "everything",
        }
    }

    /// What it is called in a list to choose from.
    #[must_use]
    pub const fn short_label(self) -> &'static str {
        match self {
            Self::Invisible => "Hidden",
            Self::Nothing => "Nothing",
            Self::Mentions => "Mentions",
            Self::Everything => "Everything",
        }
    }

    /// What it means, said to the person.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invisible => "Off, and hidden from the sidebar",
            Self::Nothing => "Notifications off",
            Self::Mentions => "Notified of mentions",
            Self::Everything => "Notified of everything",
        }
    }
}

impl FromStr for Involvement {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        [Self::Invisible, Self::Nothing, Self::Mentions, Self::Everything]
            .into_iter()
            .find(|involvement| involvement.word() == text)
            .ok_or_else(|| AppError::invalid("involvement", "Choose one of the kinds of notification."))
    }
}

/// A room in one person's sidebar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidebarRoom {
    pub id: RoomId,
    pub kind: RoomKind,
    /// What the room is called; for a direct room the people in it.
    pub name: String,
    /// Someone posted after what this person read last.
    pub unread: bool,
    /// How many of the unread messages name this person.
    pub mention_count: u32,
    /// When something was posted last, or the room was made, in milliseconds since the epoch.
    pub active_at: i64,
    /// Who is in a direct room besides this person, or this person when alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
}

impl SidebarRoom {
    /// What the rooms are sorted by: direct ones by activity, the newest first, then the others by name whatever its
    /// case.
    #[must_use]
    pub fn sort_key(&self) -> (i64, String, RoomId) {
        match self.kind {
            RoomKind::Direct => (-self.active_at, String::new(), RoomId(-self.id.0)),
            RoomKind::Open | RoomKind::Closed => (0, lowercase(&self.name), self.id),
        }
    }

    /// How much of it waits for the person: the mentions of a shared room, and a direct room as one.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        match self.kind {
            RoomKind::Direct => usize::from(self.unread),
            RoomKind::Open | RoomKind::Closed => usize::try_from(self.mention_count).unwrap_or(usize::MAX),
        }
    }

    /// What stands under the avatar of a direct room: the first name of the other, or the initials of several.
    #[must_use]
    pub fn label(&self) -> String {
        match self.people.as_slice() {
            [] => self.name.clone(),
            [other] => first_name(&other.name).to_owned(),
            [one, other] => format!("{}+{}", initials(&one.name), initials(&other.name)),
            people => sentence(people.iter().map(|person| initials(&person.name))),
        }
    }
}

/// What a direct room is called: the names of the people in it.
#[must_use]
pub fn direct_name(people: &[Person]) -> String {
    sentence(people.iter().map(|person| person.name.clone()))
}

/// `Ada`, `Ada and Bob`, `Ada, Bob and Cleo`.
fn sentence(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    let Some(last) = parts.pop() else { return String::new() };
    if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) }
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
        name_line(text, "Give the room a name.", "A room's name", Self::MAX_CHARS).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Vec<Person> {
        (1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: (*name).to_owned() }).collect()
    }

    #[test]
    fn a_direct_room_is_named_after_its_people() {
        let label = |names: &[&str]| {
            let (kind, people) = (RoomKind::Direct, people(names));
            SidebarRoom {
                id: RoomId(1),
                kind,
                name: String::new(),
                unread: false,
                mention_count: 0,
                active_at: 0,
                people,
            }
            .label()
        };
        assert_eq!(direct_name(&people(&["Ada"])), "Ada");
        assert_eq!(direct_name(&people(&["Ada L", "Bob"])), "Ada L and Bob");
        assert_eq!(direct_name(&people(&["Ada", "Bob", "Cleo"])), "Ada, Bob and Cleo");
        assert_eq!(label(&["Ada Lovelace"]), "Ada");
        assert_eq!(label(&["Ada Lovelace", "Bob"]), "AL+B");
        assert_eq!(label(&["Ada Lovelace", "Bob", "Cleo"]), "AL, B and C");
    }

    #[test]
    fn the_bell_goes_round() {
        let round = |kind, mut involvement: Involvement| {
            let mut seen = vec![involvement];
            loop {
                involvement = involvement.next(kind);
                assert!(involvement.fits(kind));
                assert_eq!(involvement.word().parse(), Ok(involvement));
                if seen.contains(&involvement) {
                    return seen.len();
                }
                seen.push(involvement);
            }
        };
        assert_eq!(round(RoomKind::Open, Involvement::Mentions), 4);
        assert_eq!(round(RoomKind::Direct, Involvement::Everything), 2);
        assert!("loud".parse::<Involvement>().is_err());
    }

    #[test]
    fn pings_stand_by_activity_and_rooms_by_name() {
        let room = |id, kind, name: &str, active_at| SidebarRoom {
            id: RoomId(id),
            kind,
            name: name.into(),
            unread: false,
            mention_count: 0,
            active_at,
            people: vec![],
        };
        let mut rooms = [
            room(1, RoomKind::Open, "beta", 9),
            room(2, RoomKind::Direct, "", 5),
            room(3, RoomKind::Closed, "Alpha", 1),
            room(4, RoomKind::Direct, "", 7),
        ];
        rooms.sort_by_key(SidebarRoom::sort_key);
        assert_eq!(rooms.iter().map(|room| room.id.0).collect::<Vec<_>>(), [4, 2, 3, 1]);
    }

    #[test]
    fn a_room_has_a_name() {
        assert_eq!(" Designers ".parse::<RoomName>().unwrap().as_str(), "Designers");
        assert!(" \t".parse::<RoomName>().is_err());
        assert!("x".repeat(101).parse::<RoomName>().is_err());
        assert!("a\u{0}b".parse::<RoomName>().is_err());
    }
}
