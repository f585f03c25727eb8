//! Mentions: finding the names after an `@`, and the links they become.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::html::HtmlWriter;
use crate::model::{Person, UserId, escape_html};

/// How many `@` of one run of text are looked up, to bound the time that a body takes.
const MAX_LOOKUPS: usize = 500;

/// The start of a mention's link, up to the user's id. [`with_current_names`] finds mentions in stored HTML by it.
const LINK_START: &str = "<a class=\"mention\" href=\"/users/";

/// A user mentioned in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The mentioned user.
    pub user_id: UserId,
    /// The name in the message, without the `@`. Kept because an edit must still find a user who was renamed since.
    pub name: String,
}

/// An index of the names that can be mentioned.
pub struct Names {
    /// Lower-cased names by their first character.
    by_first: HashMap<char, Vec<(String, UserId)>>,
}

/// A place in a text that mentions one user, or several of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MentionMatch {
    /// The bytes of the mention in the text, from the `@` to the end of the name or of the `#7` after it.
    pub range: Range<usize>,
    /// The name as spelled in the text.
    pub name: String,
    /// The mentioned users, ordered by id; never empty.
    pub user_ids: Vec<UserId>,
}

impl Names {
    /// An index of these names. The same person may be listed under several.
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

    /// An empty index: no text contains a mention.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new())
    }

    /// The mentions in `text`, in order.
    ///
    /// A name matches after an `@` that begins a word, in any case, if no letter or digit follows it; of several
    /// matching names the longest is taken. `@Name#7` is the user of that name with the id 7, `@Name` every user of
    /// that name.
    pub(super) fn find_mentions(&self, text: &str) -> Vec<MentionMatch> {
        let mut matches = Vec::new();
        let mut end = 0;
        for (at, _) in text.match_indices('@').take(MAX_LOOKUPS) {
            if at < end || text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
                continue;
            }
            if let Some(found) = self.match_at(text, at) {
                end = found.range.end;
                matches.push(found);
            }
        }
        matches
    }

    /// The mention that begins with the `@` at this byte.
    fn match_at(&self, text: &str, at: usize) -> Option<MentionMatch> {
        let rest = &text[at + 1..];
        let first = rest.chars().next()?.to_lowercase().next()?;
        let candidates = self.by_first.get(&first)?.iter().filter_map(|(name, user_id)| {
            let name_len = lowercase_prefix_len(rest, name)?;
            let ends_word = !rest[name_len..].chars().next().is_some_and(char::is_alphanumeric);
            ends_word.then_some((name_len, *user_id))
        });
        let candidates: Vec<_> = candidates.collect();
        let name_len = candidates.iter().map(|(name_len, _)| *name_len).max()?;
        let mut user_ids: Vec<_> =
            candidates.iter().filter(|candidate| candidate.0 == name_len).map(|candidate| candidate.1).collect();
        let mut end = at + 1 + name_len;
        if let Some((user_id, suffix_len)) = parse_id_suffix(&rest[name_len..])
            && user_ids.contains(&user_id)
        {
            user_ids = vec![user_id];
            end += suffix_len;
        }
        user_ids.sort_unstable();
        user_ids.dedup();
        Some(MentionMatch { range: at..end, name: rest[..name_len].to_owned(), user_ids })
    }
}

/// The length in bytes of the prefix of `text` that is `prefix` in lower case; `None` if `text` does not begin with it.
/// `prefix` must be in lower case.
pub(super) fn lowercase_prefix_len(text: &str, prefix: &str) -> Option<usize> {
    let mut expected = prefix.chars().peekable();
    for (at, character) in text.char_indices() {
        if expected.peek().is_none() {
            return Some(at);
        }
        if !character.to_lowercase().all(|lower| expected.next() == Some(lower)) {
            return None;
        }
    }
    expected.next().is_none().then_some(text.len())
}

/// The id in a suffix like `#7` at the start of `text`, and the length of the suffix in bytes.
fn parse_id_suffix(text: &str) -> Option<(UserId, usize)> {
    let digits = text.strip_prefix('#')?;
    let digit_count = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some((digits[..digit_count].parse().ok()?, digit_count + 1))
}

/// Writes a mention as it is stored: a link to the user. `name_html` is escaped.
pub(super) fn push_link(html: &mut HtmlWriter, user_id: UserId, name_html: &str) {
    html.markup(LINK_START).number(user_id.0).markup("\">@").raw(name_html).markup("</a>");
}

/// Stored `html` with its mentions under the users' current names; mentions of users not in `names` stay as they are.
#[must_use]
pub fn with_current_names<'a>(html: &'a str, names: &HashMap<UserId, String>) -> Cow<'a, str> {
    let Some((before, links)) = html.split_once(LINK_START) else { return Cow::Borrowed(html) };
    let mut updated = HtmlWriter::with_capacity(html.len() + 64);
    updated.raw(before);
    for link in links.split(LINK_START) {
        match current_name(link, names) {
            Some((user_id, name, after)) => {
                push_link(&mut updated, user_id, &escape_html(name));
                updated.raw(after);
            }
            None => {
                updated.markup(LINK_START).raw(link);
            }
        }
    }
    Cow::Owned(updated.into_string())
}

/// The user that a link mentions, their current name, and the HTML after the link. `link` follows [`LINK_START`].
fn current_name<'a>(link: &'a str, names: &'a HashMap<UserId, String>) -> Option<(UserId, &'a str, &'a str)> {
    let (user_id, rest) = link.split_once("\">")?;
    let user_id = user_id.parse().ok()?;
    let (_, after) = rest.split_once("</a>")?;
    Some((user_id, names.get(&user_id)?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::richtext::render;

    fn names() -> Names {
        let names = ["Ada", "Ada Lovelace", "Bob", "Émile", "Bob", "İpek", "R&D"];
        Names::new((1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: name.to_owned() }).collect())
    }

    fn mentioned_ids(text: &str) -> Vec<i64> {
        let matches = names().find_mentions(text);
        let mut ids: Vec<_> = matches.into_iter().flat_map(|found| found.user_ids).map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    #[test]
    fn the_longest_name_after_an_at_sign_matches() {
        assert_eq!(mentioned_ids("@Ada"), [1]);
        assert_eq!(mentioned_ids("hello @ada lovelace!"), [2]);
        assert_eq!(mentioned_ids("(@Ada), @Ada Lovelace and @ÉMILE"), [1, 2, 4]);
        assert_eq!(mentioned_ids("@Bob's"), [3, 5]);
        assert_eq!(mentioned_ids("@İpek"), [6]);
        for text in ["Ada", "ada@bob", "@Adam", "@ Ada", "@", "@@", "mail ada@Ada.example"] {
            assert!(mentioned_ids(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn an_id_selects_one_of_several_users_of_a_name() {
        assert_eq!(mentioned_ids("@Bob#5"), [5]);
        assert_eq!(names().find_mentions("@Bob#5!")[0].range, 0..6);
        assert_eq!(mentioned_ids("@Bob#1"), [3, 5], "1 is the id of Ada");
        assert_eq!(mentioned_ids("@Ada Lovelace#2 "), [2]);
        assert_eq!(mentioned_ids("@Bob#99999999999999999999"), [3, 5]);
    }

    #[test]
    fn a_mention_renders_as_a_link_to_the_user() {
        let rendered = render(&"hi **@ada**, @R&D and @nobody".parse().unwrap(), &names());
        let link = |id, name| format!(r#"<a class="mention" href="/users/{id}">@{name}</a>"#);
        assert_eq!(
            rendered.body.html,
            format!("<p>hi <strong>{}</strong>, {} and @nobody</p>", link(1, "ada"), link(7, "R&amp;D"))
        );
        assert_eq!(rendered.body.text, "hi @ada, @R&D and @nobody");
        let ids: Vec<_> = rendered.mentions.iter().map(|mention| mention.user_id.0).collect();
        assert_eq!(ids, [1, 7]);
    }

    #[test]
    fn code_links_and_quotes_mention_no_one() {
        for text in ["`@Ada`", "```\n@Ada\n```", "[@Ada](https://a.example)", "> @Ada said"] {
            let rendered = render(&text.parse().unwrap(), &names());
            assert!(rendered.mentions.is_empty() && !rendered.body.html.contains("mention"), "{text}");
        }
    }

    #[test]
    fn a_mention_shows_the_current_name() {
        let html =
            r#"<p>hi <a class="mention" href="/users/1">@Ada</a> and <a class="mention" href="/users/3">@Bob</a></p>"#;
        let current = HashMap::from([(UserId(1), "Adele <x>".to_owned())]);
        assert_eq!(
            with_current_names(html, &current),
            r#"<p>hi <a class="mention" href="/users/1">@Adele &lt;x&gt;</a> and <a class="mention" href="/users/3">@Bob</a></p>"#
        );
        assert_eq!(with_current_names("<p>nobody</p>", &current), "<p>nobody</p>");
    }

    proptest! {
        #[test]
        fn every_match_is_an_at_sign_and_a_name_at_the_start_of_a_word(text in "(@|Ada|ada|Bob| Lovelace|#5|#|İ|é|x| |\\PC){0,40}") {
            for found in names().find_mentions(&text) {
                let matched = &text[found.range.clone()];
                prop_assert!(matched.starts_with('@'));
                prop_assert!(matched[1..].starts_with(&found.name));
                prop_assert!(!found.user_ids.is_empty());
                prop_assert!(!text[..found.range.start].chars().next_back().is_some_and(char::is_alphanumeric));
            }
        }

        #[test]
        fn any_name_can_be_mentioned(name in "[A-Za-zÀ-ÿ]{1,12}( [A-Za-zÀ-ÿ]{1,12})?", before in "[ (,]?", after in "[ ).,!?]?") {
            let names = Names::new(vec![Person { id: UserId(9), name: name.clone() }]);
            let matches = names.find_mentions(&format!("{before}@{name}{after}"));
            prop_assert_eq!(matches.len(), 1);
            prop_assert_eq!(&matches[0].name, &name);
        }
    }
}
