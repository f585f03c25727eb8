//! Emoji by group and by name, for the page to choose a boost from.

use emojis::{Emoji, Group};

/// The longest name that is searched for, in characters: no emoji has a longer one.
const MAX_NAME_CHARS: usize = 100;

/// How many emoji a search returns at most.
const MAX_RESULTS: usize = 120;

/// The groups of emoji, each as an emoji that stands for it and its name. [`list_group`] takes their index.
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

/// An emoji with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedEmoji {
    /// The emoji itself, as the content of a boost.
    pub content: &'static str,
    /// The name in Unicode CLDR, in English.
    pub name: &'static str,
}

/// The emoji of the group at this index of [`GROUPS`], or of the first group when there is none.
#[must_use]
pub fn list_group(index: usize) -> Vec<NamedEmoji> {
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

/// The emoji that have a name or shortcode with every word of `text`, at most 120. Those whose name begins with the first
/// word come first. For an emoji as `text`, that emoji.
#[must_use]
pub fn find(text: &str) -> Vec<NamedEmoji> {
    if text.chars().count() > MAX_NAME_CHARS {
        return Vec::new();
    }
    let query = text.to_lowercase().replace([':', '_'], " ");
    let words: Vec<_> = query.split_whitespace().collect();
    if let Some(emoji) = emojis::get(text.trim()) {
        return vec![named(emoji)];
    }
    if words.is_empty() {
        return Vec::new();
    }
    let matches = |name: &str| words.iter().all(|word| name.contains(word));
    let mut found: Vec<(bool, &Emoji)> = emojis::iter()
        .filter_map(|emoji| {
            let names = || std::iter::once(emoji.name()).chain(emoji.shortcodes());
            let is_match = names().any(|name| matches(&name.to_lowercase().replace('_', " ")));
            let is_prefix = names().any(|name| name.to_lowercase().starts_with(words[0]));
            is_match.then_some((!is_prefix, emoji))
        })
        .collect();
    found.sort_by_key(|(is_inner_match, _)| *is_inner_match);
    found.into_iter().take(MAX_RESULTS).map(|(_, emoji)| named(emoji)).collect()
}

fn named(emoji: &'static Emoji) -> NamedEmoji {
    NamedEmoji { content: emoji.as_str(), name: emoji.name() }
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
    fn every_listed_emoji_is_a_valid_boost() {
        for group in 0..GROUPS.len() {
            let listed = list_group(group);
            assert!(!listed.is_empty());
            for emoji in listed {
                assert!(emoji.content.parse::<crate::model::BoostContent>().is_ok(), "{}", emoji.name);
            }
        }
        assert_eq!(list_group(99), list_group(0));
    }
}
