//! Emoji by name, for those who look for one to boost with.

use emojis::{Emoji, Group};

/// The longest name that is looked for, in characters: no emoji has a longer one.
const MAX_NAME_CHARS: usize = 100;

/// The most that one search offers.
const MOST_FOUND: usize = 120;

/// The groups one can browse, by an emoji of theirs and a name.
pub const GROUPS: [(&str, &str); 9] = [
    ("😀", "Smileys and feelings"),
    ("👋", "People and gestures"),
    ("🐻", "Animals and nature"),
    ("🍔", "Food and drink"),
    ("🚀", "Travel and places"),
    ("⚽", "Activities"),
    ("💡", "Objects"),
    ("❤️", "Symbols"),
    ("🏁", "Flags"),
];

/// An emoji and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub content: &'static str,
    pub name: &'static str,
}

/// The emoji of one of [`GROUPS`]; of the first where there is no such group.
#[must_use]
pub fn list_group(index: usize) -> Vec<Named> {
    let group = match index {
        1 => Group::PeopleAndBody,
        2 => Group::AnimalsAndNature,
        3 => Group::FoodAndDrink,
        4 => Group::TravelAndPlaces,
        5 => Group::Activities,
        6 => Group::Objects,
        7 => Group::Symbols,
        8 => Group::Flags,
        _ => Group::SmileysAndEmotion,
    };
    group.emojis().map(named).collect()
}

/// The emoji with a name or a shortcode that holds every word of `text`, those that begin with it first.
#[must_use]
pub fn find(text: &str) -> Vec<Named> {
    if text.chars().count() > MAX_NAME_CHARS {
        return Vec::new();
    }
    let wanted = text.to_lowercase().replace([':', '_'], " ");
    let words: Vec<_> = wanted.split_whitespace().collect();
    if let Some(emoji) = emojis::get(text.trim()) {
        return vec![named(emoji)];
    }
    if words.is_empty() {
        return Vec::new();
    }
    let matches = |name: &str| words.iter().all(|word| name.contains(word));
    let mut found: Vec<(bool, &Emoji)> = emojis::iter()
        .filter_map(|emoji| {
            let called = || std::iter::once(emoji.name()).chain(emoji.shortcodes());
            let fits = called().any(|name| matches(&name.to_lowercase().replace('_', " ")));
            let begins = called().any(|name| name.to_lowercase().starts_with(words[0]));
            fits.then_some((!begins, emoji))
        })
        .collect();
    found.sort_by_key(|(later, _)| *later);
    found.into_iter().take(MOST_FOUND).map(|(_, emoji)| named(emoji)).collect()
}

fn named(emoji: &'static Emoji) -> Named {
    Named { content: emoji.as_str(), name: emoji.name() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<&'static str> {
        find(text).into_iter().map(|emoji| emoji.content).collect()
    }

    #[test]
    fn emoji_are_found_by_name_and_shortcode() {
        assert!(contents("rocket").contains(&"🚀"));
        assert!(contents(":tada:").contains(&"🎉"));
        assert!(contents("FACE joy").contains(&"😂"));
        assert_eq!(contents("🔥"), ["🔥"]);
        assert!(contents("fire")[0] == "🔥" || contents("fire").contains(&"🔥"));
        for text in ["", "  ", "::", "no such thing", &"x".repeat(1_000)] {
            assert!(contents(text).is_empty(), "{text:.20}");
        }
    }

    #[test]
    fn everything_offered_is_a_good_boost() {
        for group in 0..GROUPS.len() {
            let offered = list_group(group);
            assert!(!offered.is_empty());
            for emoji in offered {
                assert!(emoji.content.parse::<crate::model::BoostContent>().is_ok(), "{}", emoji.name);
            }
        }
        assert_eq!(list_group(99), list_group(0));
    }
}
