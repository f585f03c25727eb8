//! Whom a text names with an @, and how that is shown.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::model::{Person, UserId, escape_html};

/// How many @ of one run of text are looked at; one with more is no message to people.
const MOST_LOOKUPS: usize = 500;

/// What a mention's link begins with, up to the number of the person.
const LINK: &str = "<a class=\"mention\" href=\"/users/";

/// People as a text may name them.
pub struct Names {
    /// Lower-cased names by their first character.
    by_first: HashMap<char, Vec<(String, UserId)>>,
}

/// A place where a text names people: one, or several of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The bytes of the text, the @ and a number after the name included.
    pub range: Range<usize>,
    /// The name as the text has it.
    pub name: String,
    pub user_ids: Vec<UserId>,
}

impl Names {
    /// These people by these names; somebody may stand here under several.
    #[must_use]
    pub fn new(people: Vec<Person>) -> Self {
        let mut by_first: HashMap<char, Vec<(String, UserId)>> = HashMap::new();
        for person in people {
            let name = person.name.to_lowercase();
            if let Some(first) = name.chars().next() {
                by_first.entry(first).or_default().push((name, person.id));
            }
        }
        Self { by_first }
    }

    /// Nobody can be named.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new())
    }

    /// Where `text` names people.
    ///
    /// A name counts after an `@` that begins a word, whatever its case, when no letter or digit follows it; of several
    /// that fit the longest does. `@Name#7` means the one of that name with that number, `@Name` all of that name.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut end = 0;
        for (at, _) in text.match_indices('@').take(MOST_LOOKUPS) {
            if at < end || text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
                continue;
            }
            if let Some(one) = self.named_at(text, at) {
                end = one.range.end;
                found.push(one);
            }
        }
        found
    }

    fn named_at(&self, text: &str, at: usize) -> Option<Found> {
        let rest = &text[at + 1..];
        let first = rest.chars().next()?.to_lowercase().next()?;
        let fitting = self.by_first.get(&first)?.iter().filter_map(|(name, user_id)| {
            let length = prefix_length(rest, name)?;
            let ends = !rest[length..].chars().next().is_some_and(char::is_alphanumeric);
            ends.then_some((length, *user_id))
        });
        let fitting: Vec<_> = fitting.collect();
        let length = fitting.iter().map(|(length, _)| *length).max()?;
        let mut user_ids: Vec<_> = fitting.iter().filter(|fit| fit.0 == length).map(|fit| fit.1).collect();
        let mut end = at + 1 + length;
        if let Some((number, digits)) = number_at(&rest[length..])
            && user_ids.contains(&number)
        {
            user_ids = vec![number];
            end += digits;
        }
        user_ids.sort_unstable();
        user_ids.dedup();
        Some(Found { range: at..end, name: rest[..length].to_owned(), user_ids })
    }
}

/// How many bytes of `text` spell the lower-cased `name`, if it begins with it.
pub(super) fn prefix_length(text: &str, name: &str) -> Option<usize> {
    let mut wanted = name.chars().peekable();
    for (at, character) in text.char_indices() {
        if wanted.peek().is_none() {
            return Some(at);
        }
        if !character.to_lowercase().all(|lower| wanted.next() == Some(lower)) {
            return None;
        }
    }
    wanted.next().is_none().then_some(text.len())
}

/// The number in `#7` at the start of `text`, and how many bytes it takes.
fn number_at(text: &str) -> Option<(UserId, usize)> {
    let digits = text.strip_prefix('#')?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some((digits[..length].parse().ok()?, length + 1))
}

/// A mention as it is stored and shown: a link to the person.
fn link_to(user_id: UserId, name: &str) -> String {
    link_to_escaped(user_id, &escape_html(name))
}

/// The same for a name that is HTML already.
pub(super) fn link_to_escaped(user_id: UserId, name: &str) -> String {
    format!("{LINK}{user_id}\">@{name}</a>")
}

/// `html` with everybody it mentions under the name they have now.
#[must_use]
pub fn with_names<'a>(html: &'a str, names: &HashMap<UserId, String>) -> Cow<'a, str> {
    let mut parts = html.split(LINK);
    let first = parts.next().unwrap_or_default();
    let mut renamed = String::new();
    for part in parts {
        if renamed.is_empty() {
            renamed.reserve(html.len() + 64);
            renamed.push_str(first);
        }
        let now = part.split_once("\">").and_then(|(number, rest)| {
            let user_id: UserId = number.parse().ok()?;
            let (_, after) = rest.split_once("</a>")?;
            Some((link_to(user_id, names.get(&user_id)?), after))
        });
        match now {
            Some((link, after)) => renamed.extend([link.as_str(), after]),
            None => renamed.extend([LINK, part]),
        }
    }
    if renamed.is_empty() { Cow::Borrowed(html) } else { Cow::Owned(renamed) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let names = ["Ada", "Ada Lovelace", "Bob", "Émile", "Bob", "İpek"];
        Names::new((1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: name.to_owned() }).collect())
    }

    fn named(text: &str) -> Vec<i64> {
        let mut ids: Vec<_> = names().find(text).into_iter().flat_map(|one| one.user_ids).map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    #[test]
    fn the_longest_name_after_an_at_sign_counts() {
        assert_eq!(named("@Ada"), [1]);
        assert_eq!(named("hello @ada lovelace!"), [2]);
        assert_eq!(named("(@Ada), @Ada Lovelace and @ÉMILE"), [1, 2, 4]);
        assert_eq!(named("@Bob's"), [3, 5]);
        assert_eq!(named("@İpek"), [6]);
        for nobody in ["Ada", "ada@bob", "@Adam", "@ Ada", "@", "@@", "mail ada@Ada.example"] {
            assert!(named(nobody).is_empty(), "{nobody}");
        }
    }

    #[test]
    fn a_number_tells_namesakes_apart() {
        assert_eq!(named("@Bob#5"), [5]);
        assert_eq!(names().find("@Bob#5!")[0].range, 0..6);
        assert_eq!(named("@Bob#1"), [3, 5], "that number is Ada's");
        assert_eq!(named("@Ada Lovelace#2 "), [2]);
        assert_eq!(named("@Bob#99999999999999999999"), [3, 5]);
    }

    #[test]
    fn a_mention_wears_the_name_of_today() {
        let html = format!("<p>hi {} and {}</p>", link_to(UserId(1), "Ada"), link_to(UserId(3), "Bob"));
        let today = HashMap::from([(UserId(1), "Adele <x>".to_owned())]);
        assert_eq!(
            with_names(&html, &today),
            r#"<p>hi <a class="mention" href="/users/1">@Adele &lt;x&gt;</a> and <a class="mention" href="/users/3">@Bob</a></p>"#
        );
        assert_eq!(with_names("<p>nobody</p>", &today), "<p>nobody</p>");
    }

    proptest! {
        #[test]
        fn whoever_is_found_is_named_there(text in "(@|Ada|ada|Bob| Lovelace|#5|#|İ|é|x| |\\PC){0,40}") {
            for one in names().find(&text) {
                let shown = &text[one.range.clone()];
                prop_assert!(shown.starts_with('@'));
                prop_assert!(shown[1..].starts_with(&one.name));
                prop_assert!(!one.user_ids.is_empty());
                prop_assert!(!text[..one.range.start].chars().next_back().is_some_and(char::is_alphanumeric));
            }
        }

        #[test]
        fn any_name_finds_its_bearer(name in "[A-Za-zÀ-ÿ]{1,12}( [A-Za-zÀ-ÿ]{1,12})?", before in "[ (,]?", after in "[ ).,!?]?") {
            let names = Names::new(vec![Person { id: UserId(9), name: name.clone() }]);
            let found = names.find(&format!("{before}@{name}{after}"));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].name, &name);
        }
    }
}
