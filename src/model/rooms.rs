//! Rooms, and a member's involvement in them.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{first_name, name_line};
use super::{Person, RoomId, ThreadNews, UserId, compare_names};
use crate::AppError;

/// A room as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Room {
    /// The id of the room.
    pub id: RoomId,
    /// The kind of the room.
    pub kind: RoomKind,
    /// The name of an open or closed room; of a direct room the names of the other members.
    pub name: String,
    /// The user who created it and may administer it.
    pub creator_id: UserId,
}

/// The kind of a room, which decides its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Every active user is a member.
    Open,
    /// The members are chosen.
    Closed,
    /// A ping: the members are one exact set of people, which never changes.
    Direct,
}

/// Which messages of a room notify a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Involvement {
    /// None, and the room is hidden from the sidebar.
    Invisible,
    /// None.
    Nothing,
    /// Those that mention the member.
    Mentions,
    /// All.
    Everything,
}

impl Involvement {
    /// What a member of a room of this kind may choose, from the most to the least.
    pub fn choices(kind: RoomKind) -> impl Iterator<Item = Self> {
        let all = [Self::Everything, Self::Mentions, Self::Nothing, Self::Invisible];
        all.into_iter().filter(move |involvement| involvement.fits(kind))
    }

    /// Whether a member of a room of this kind may choose this involvement.
    #[must_use]
    pub const fn fits(self, kind: RoomKind) -> bool {
        !matches!((kind, self), (RoomKind::Direct, Self::Invisible | Self::Mentions))
    }

    /// The involvement as it is stored and transmitted.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Nothing => "nothing",
            Self::Mentions => "mentions",
            Self::Everything => "everything",
        }
    }

    /// The label in a list of choices.
    #[must_use]
    pub const fn short_label(self) -> &'static str {
        match self {
            Self::Invisible => "Hidden",
            Self::Nothing => "Nothing",
            Self::Mentions => "Mentions",
            Self::Everything => "Everything",
        }
    }

    /// What a choice means, in a few words.
    #[must_use]
    pub const fn note(self) -> &'static str {
        match self {
            Self::Invisible => "and not in the sidebar",
            Self::Nothing => "the room stays in the sidebar",
            Self::Mentions => "when somebody names you",
            Self::Everything => "every message",
        }
    }

    /// A description for the member.
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

/// A room in one user's sidebar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidebarRoom {
    /// The id of the room.
    pub id: RoomId,
    /// The kind of the room.
    pub kind: RoomKind,
    /// The name of the room; of a direct room the names of the people in it.
    pub name: String,
    /// There are messages of others after the last one that the user has read.
    pub unread: bool,
    /// How many of the unread messages mention the user.
    pub mention_count: u32,
    /// When the last message was posted, or else the room created, in milliseconds since the epoch.
    pub active_at: i64,
    /// The other members of a direct room, or the user if there are none. Empty for other rooms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    /// The threads of the room that the user follows and that have new answers, the newest thread first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<ThreadNews>,
}

impl SidebarRoom {
    /// The order of the sidebar: direct rooms by activity, the newest first, then the others by name.
    #[must_use]
    pub fn sidebar_cmp(&self, other: &Self) -> Ordering {
        match (self.kind, other.kind) {
            (RoomKind::Direct, RoomKind::Direct) => (other.active_at, other.id).cmp(&(self.active_at, self.id)),
            (RoomKind::Direct, _) => Ordering::Less,
            (_, RoomKind::Direct) => Ordering::Greater,
            _ => compare_names(&self.name, &other.name).then(self.id.cmp(&other.id)),
        }
    }

    /// The label under the avatar of a direct room: the first name of the other member, and the number of further ones.
    #[must_use]
    pub fn label(&self) -> String {
        match self.people.as_slice() {
            [] => self.name.clone(),
            [other] => first_name(&other.name).to_owned(),
            [one, others @ ..] => format!("{} +{}", first_name(&one.name), others.len()),
        }
    }
}

/// The name of a direct room: the names of these people.
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

    /// The name, without white space around it.
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
            SidebarRoom {
                id: RoomId(1),
                kind: RoomKind::Direct,
                name: String::new(),
                unread: false,
                mention_count: 0,
                active_at: 0,
                people: people(names),
                threads: vec![],
            }
            .label()
        };
        assert_eq!(direct_name(&people(&["Ada"])), "Ada");
        assert_eq!(direct_name(&people(&["Ada L", "Bob"])), "Ada L and Bob");
        assert_eq!(direct_name(&people(&["Ada", "Bob", "Cleo"])), "Ada, Bob and Cleo");
        assert_eq!(label(&["Ada Lovelace"]), "Ada");
        assert_eq!(label(&["Ada Lovelace", "Bob"]), "Ada +1");
        assert_eq!(label(&["Ada Lovelace", "Bob", "Cleo"]), "Ada +2");
    }

    #[test]
    fn every_involvement_that_a_kind_offers_is_read_from_its_word() {
        for (kind, count) in [(RoomKind::Open, 4), (RoomKind::Closed, 4), (RoomKind::Direct, 2)] {
            assert_eq!(Involvement::choices(kind).count(), count);
            for involvement in Involvement::choices(kind) {
                assert_eq!(involvement.word().parse(), Ok(involvement));
            }
        }
        assert!("loud".parse::<Involvement>().is_err());
    }

    #[test]
    fn direct_rooms_are_sorted_by_activity_and_others_by_name() {
        let room = |id, kind, name: &str, active_at| SidebarRoom {
            id: RoomId(id),
            kind,
            name: name.into(),
            unread: false,
            mention_count: 0,
            active_at,
            people: vec![],
            threads: vec![],
        };
        let mut rooms = [
            room(1, RoomKind::Open, "beta 10", 9),
            room(2, RoomKind::Direct, "", 5),
            room(3, RoomKind::Closed, "Älpha", 1),
            room(4, RoomKind::Direct, "", 7),
            room(5, RoomKind::Open, "Beta 9", 9),
            room(6, RoomKind::Open, "beta 10", 9),
        ];
        rooms.sort_by(SidebarRoom::sidebar_cmp);
        assert_eq!(rooms.iter().map(|room| room.id.0).collect::<Vec<_>>(), [4, 2, 3, 5, 1, 6]);
    }

    #[test]
    fn a_room_name_is_one_line_of_limited_length() {
        assert_eq!(" Designers ".parse::<RoomName>().unwrap().as_str(), "Designers");
        assert!(" \t".parse::<RoomName>().is_err());
        assert!("x".repeat(101).parse::<RoomName>().is_err());
        assert!("a\u{0}b".parse::<RoomName>().is_err());
    }
}
