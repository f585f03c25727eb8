//! Whom a text names with an @.

use crate::model::{Person, UserId};

/// The people among `people` that `text` names, each once.
///
/// A name counts after an `@` that begins a word, whatever its case, when no letter or digit follows it; of several
/// that fit the longest does, and of namesakes all.
#[must_use]
pub fn mentioned(text: &str, people: &[Person]) -> Vec<UserId> {
    if !text.contains('@') {
        return Vec::new();
    }
    let text = text.to_lowercase();
    let names: Vec<(String, UserId)> = people.iter().map(|person| (person.name.to_lowercase(), person.id)).collect();
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
            continue;
        }
        let rest = &text[at + 1..];
        let follows = |name: &str| {
            rest.strip_prefix(name).is_some_and(|after| !after.chars().next().is_some_and(char::is_alphanumeric))
        };
        let longest = names.iter().filter(|(name, _)| follows(name)).map(|(name, _)| name.len()).max();
        let named = names.iter().filter(|(name, _)| Some(name.len()) == longest && follows(name));
        found.extend(named.map(|(_, user_id)| *user_id));
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_after_an_at_sign_counts() {
        let names = ["Ada", "Ada Lovelace", "Bob", "Émile", "Bob"];
        let people: Vec<_> =
            (1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: name.to_owned() }).collect();
        let named = |text: &str| mentioned(text, &people).into_iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(named("@Ada"), [1]);
        assert_eq!(named("hello @ada lovelace!"), [2]);
        assert_eq!(named("(@Ada), @Ada Lovelace and @ÉMILE"), [1, 2, 4]);
        assert_eq!(named("@Bob's"), [3, 5]);
        for nobody in ["Ada", "ada@bob", "@Adam", "@ Ada", "@", "@@", "mail ada@Ada.example"] {
            assert!(named(nobody).is_empty(), "{nobody}");
        }
    }
}
