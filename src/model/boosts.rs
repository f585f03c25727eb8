//! Boosts: reactions to a message, each an emoji or a few letters.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Person;
use super::text::{is_blank, is_printable_line};
use crate::AppError;

/// The longest boost, in characters.
pub const MAX_BOOST_CHARS: usize = 16;

/// The boosts offered first, each with its name.
pub const QUICK_BOOSTS: [(&str, &str); 8] = [
    ("👍", "thumbs up"),
    ("👏", "clapping"),
    ("👋", "waving hand"),
    ("💪", "muscle"),
    ("❤️", "red heart"),
    ("😂", "tears of joy"),
    ("🎉", "party popper"),
    ("🔥", "fire"),
];

/// The content of a boost: one line of 1 to [`MAX_BOOST_CHARS`] visible characters, without white space around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct BoostContent(String);

impl BoostContent {
    /// The content as text, not escaped.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BoostContent {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let content = text.trim();
        if is_blank(content) {
            return Err(AppError::invalid("content", "A boost needs an emoji or a few letters."));
        }
        if content.chars().count() > MAX_BOOST_CHARS {
            return Err(AppError::invalid("content", "A boost has at most 16 characters."));
        }
        if !is_printable_line(content) {
            return Err(AppError::invalid("content", "A boost is one line of plain characters or emoji."));
        }
        Ok(Self(content.to_owned()))
    }
}

/// One boost of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boost {
    /// The emoji or letters.
    pub content: BoostContent,
    /// The user who added it.
    pub booster: Person,
}

/// The boosts of a message that have the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoostGroup {
    /// The emoji or letters.
    pub content: BoostContent,
    /// The users who added it, first to last.
    pub boosters: Vec<Person>,
}

/// Groups boosts by content, the groups and their boosters in the order of `boosts`.
#[must_use]
pub fn group_boosts(boosts: Vec<Boost>) -> Vec<BoostGroup> {
    let mut groups: Vec<BoostGroup> = Vec::new();
    for Boost { content, booster } in boosts {
        match groups.iter_mut().find(|group| group.content == content) {
            Some(group) => group.boosters.push(booster),
            None => groups.push(BoostGroup { content, boosters: vec![booster] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    #[test]
    fn a_boost_is_short_and_visible() {
        assert_eq!(" 👍 ".parse::<BoostContent>().unwrap().as_str(), "👍");
        assert!("é".repeat(16).parse::<BoostContent>().is_ok());
        assert!("👩‍🚀".parse::<BoostContent>().is_ok());
        for text in ["", "   ", "\u{200b}", "a\nb", "\u{202e}abc", &"x".repeat(17), "\0", "\u{3164}", "a\u{2800}"] {
            assert!(text.parse::<BoostContent>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn boosts_are_grouped_in_the_order_they_were_added() {
        let boost = |id, content: &str| Boost {
            content: content.parse().unwrap(),
            booster: Person { id: UserId(id), name: format!("{id}") },
        };
        let groups = group_boosts(vec![boost(1, "👍"), boost(2, "🔥"), boost(3, "👍"), boost(1, "🔥")]);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.content.as_str(), group.boosters.iter().map(|person| person.id.0).collect::<Vec<_>>()))
            .collect();
        assert_eq!(shown, [("👍", vec![1, 3]), ("🔥", vec![2, 1])]);
        assert!(group_boosts(Vec::new()).is_empty());
    }
}
