//! Mentions: finding the names after an `@`, and the links they become.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::scripts::is_unspaced;
use crate::folding::{self, is_mark};
use crate::html::HtmlWriter;
use crate::model::{Person, UserId, escape_html, is_invisible};

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
    /// The users of each [folded](fold_name) name.
    by_name: HashMap<String, Vec<UserId>>,
    /// The length of the longest folded name, in bytes.
    max_bytes: usize,
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
        let mut by_name: HashMap<String, Vec<UserId>> = HashMap::new();
        for person in people {
            let name = fold_name(&person.name);
            if !name.is_empty() {
                by_name.entry(name).or_default().push(person.id);
            }
        }
        let max_bytes = by_name.keys().map(String::len).max().unwrap_or(0);
        Self { by_name, max_bytes }
    }

    /// An empty index: no text contains a mention.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new())
    }

    /// The mention that begins with the `@` at this byte.
    ///
    /// A name matches after an `@` that begins a word, if it also ends where a word does; of several matching names the
    /// longest is taken. `@Name#7` is the user of that name with the id 7, `@Name` every user of that name.
    pub(super) fn match_at(&self, text: &str, at: usize) -> Option<MentionMatch> {
        if self.by_name.is_empty() || !begins_word(&text[..at]) {
            return None;
        }
        let rest = &text[at + 1..];
        let line = rest.split('\n').next().unwrap_or_default();
        let mut folded = String::new();
        let mut longest = None;
        for (start, grapheme) in line.grapheme_indices(true) {
            push_folded(&mut folded, grapheme);
            if folded.len() > self.max_bytes {
                break;
            }
            let end = start + grapheme.len();
            if let Some(user_ids) = self.by_name.get(&folded)
                && !grapheme.chars().all(char::is_whitespace)
                && ends_word(&line[..end], &line[end..])
            {
                longest = Some((end, user_ids));
            }
        }
        let (name_len, user_ids) = longest?;
        let mut user_ids = user_ids.clone();
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

/// How each of these people is mentioned: by name, and with the id where the name alone would mention others, too.
///
/// This is what completions insert: whoever is chosen there is mentioned.
#[must_use]
pub fn mention_texts(people: &[Person]) -> Vec<String> {
    let names = Names::new(people.to_vec());
    let text_of = |person: &Person| {
        let text = format!("@{}", person.name);
        let is_theirs = names
            .match_at(&text, 0)
            .is_some_and(|found| found.range.end == text.len() && found.user_ids == [person.id]);
        if is_theirs { text } else { format!("{text}#{}", person.id) }
    };
    people.iter().map(text_of).collect()
}

/// A name in the form in which names are compared: by the sameness of [`folding::name`], and with single blanks.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let name = name.trim();
    let mut folded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        // Most letters stand alone: in a large room there are ten thousands of them.
        let stands_alone = after.chars().next().is_none_or(is_plain);
        let length = if is_plain(c) && stands_alone {
            c.len_utf8()
        } else {
            rest.graphemes(true).next().map_or(rest.len(), str::len)
        };
        push_folded(&mut folded, &rest[..length]);
        rest = &rest[length..];
    }
    folded
}

/// Whether a character is a letter, digit or sign of ASCII, Latin or Cyrillic, or one of Han or Kana: it is no part of the
/// character before it, and takes none after it but marks.
const fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{c0}'..='\u{24f}' | '\u{400}'..='\u{481}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}')
}

/// Appends a letter with its accents, folded.
fn push_folded(folded: &mut String, grapheme: &str) {
    if let [byte] = grapheme.as_bytes() {
        match byte {
            b' ' | b'\t' if folded.ends_with(' ') => {}
            b'\t' => folded.push(' '),
            byte if byte.is_ascii_control() => {}
            byte => folded.push(char::from(byte.to_ascii_lowercase())),
        }
        return;
    }
    let mut characters = grapheme.chars();
    if let (Some(c), None) = (characters.next(), characters.next())
        && is_plain(c)
        && (c.to_lowercase().len(), c.to_uppercase().len()) == (1, 1)
    {
        // Composed already.
        folded.extend(c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase));
        return;
    }
    for c in folding::name(grapheme).chars() {
        match c {
            c if c.is_whitespace() && folded.ends_with(' ') => {}
            c if c.is_whitespace() => folded.push(' '),
            c => folded.push(c),
        }
    }
}

/// Whether a name may begin after this text and the `@`: not within a word, as in an e-mail address.
///
/// In scripts that are written without blanks, words begin anywhere.
fn begins_word(before: &str) -> bool {
    let last = before.chars().rev().find(|c| !is_mark(*c));
    !last.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c))
}

/// Whether a name may end between these texts. No letter or digit may follow, nor one after a sign that joins words: in
/// `@john.citizen` there is no John. In scripts that are written without blanks, words end anywhere.
fn ends_word(name: &str, after: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric();
    let visible = |c: &char| !is_mark(*c) && !is_invisible(*c);
    let Some(last) = name.chars().rev().find(visible).filter(|c| is_letter(*c)) else { return true };
    let mut following = after.chars().filter(|c| !is_invisible(*c));
    let continues =
        |next: Option<char>| next.is_some_and(|next| is_letter(next) && !is_unspaced(next)) && !is_unspaced(last);
    match following.next() {
        Some('.' | '-' | '_' | '@' | '+' | '\u{b7}' | '\u{2010}' | '\u{2011}') => !continues(following.next()),
        next => !continues(next),
    }
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
    use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
    use proptest::prelude::*;

    use super::*;
    use crate::richtext::render;

    fn names() -> Names {
        let names = ["Ada", "Ada Lovelace", "Bob", "Émile", "Bob", "İpek", "R&D"];
        Names::new((1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: name.to_owned() }).collect())
    }

    fn mentioned_ids(text: &str) -> Vec<i64> {
        ids_in(text, &names())
    }

    fn ids_in(text: &str, names: &Names) -> Vec<i64> {
        render(&text.parse().unwrap(), names).mentions.into_iter().map(|mention| mention.user_id.0).collect()
    }

    fn named(names: &[&str]) -> Names {
        Names::new((1..).zip(names).map(|(id, name)| Person { id: UserId(id), name: (*name).to_owned() }).collect())
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
        assert_eq!(names().match_at("@Bob#5!", 0).unwrap().range, 0..6);
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

    #[derive(serde::Deserialize)]
    struct Cases {
        begins: Vec<String>,
        does_not_begin: Vec<String>,
        same: Vec<(String, String)>,
        different: Vec<(String, String)>,
    }

    /// The cases that the completions of the browser are held to as well.
    fn shared_cases() -> Cases {
        serde_json::from_str(include_str!("../../browser/chat/completions/names.json")).unwrap()
    }

    #[test]
    fn names_begin_and_are_the_same_as_in_the_browser() {
        let cases = shared_cases();
        for before in cases.begins {
            assert_eq!(ids_in(&format!("{before}@Ada"), &named(&["Ada"])), [1], "{before:?}");
        }
        for before in cases.does_not_begin {
            assert_eq!(ids_in(&format!("{before}@Ada"), &named(&["Ada"])), [0; 0], "{before:?}");
        }
        for (name, typed) in cases.same {
            assert_eq!(fold_name(&name), fold_name(&typed), "{name:?} {typed:?}");
            assert_eq!(ids_in(&format!("@{typed}"), &named(&[&name])), [1], "{name:?} {typed:?}");
        }
        for (name, typed) in cases.different {
            assert_eq!(ids_in(&format!("@{typed}"), &named(&[&name])), [0; 0], "{name:?} {typed:?}");
        }
    }

    #[test]
    fn a_longer_word_mentions_no_one() {
        for text in [
            "@john.citizen",
            "@johnny",
            "@john-paul",
            "@john_citizen",
            "@john@social.example",
            "@john+x",
            "@john2",
            "@john\u{301}",
            "@john\u{200d}ny",
            "@john‐paul",
            "mail@john",
            "7@john",
            "é@john",
            "e\u{301}@john",
            "https://a.example/@john",
            "https://a.example/ x@john",
            "\\@john",
        ] {
            assert_eq!(ids_in(text, &named(&["John"])), [0; 0], "{text}");
        }
        for text in [
            "@john",
            "@John.",
            "@john. Citizen",
            "@john...",
            "@john-",
            "@john_",
            "_@john_",
            "**@john**",
            "@john's",
            "@john’s",
            "@john:please",
            "@john,x",
            "@john/@x",
            "@john👋",
            "(@john)",
            "“@john”",
            "@john\u{a0}x",
            "@john—x",
            "@john\n.x",
            "@@john",
            "~~@john~~",
            "@john!x",
            "[@john]",
            "<@john>",
            "|@john|",
            "@john\u{200b}",
            "¡@john!",
            "- @john",
            "# @john",
        ] {
            assert_eq!(ids_in(text, &named(&["John"])), [1], "{text}");
        }
    }

    #[test]
    fn names_stand_anywhere_in_scripts_without_blanks() {
        for (name, text) in [
            ("鈴木", "明日は@鈴木さん"),
            ("鈴木", "@鈴木。"),
            ("鈴木", "@鈴木様へ"),
            ("Bob", "明日は@Bobさん"),
            ("김철수", "안녕@김철수님"),
            ("สมชาย", "สวัสดี@สมชายครับ"),
            ("鈴木 一郎", "は@鈴木 一郎が"),
            ("ｽｽﾞｷ", "は@ｽｽﾞｷが"),
        ] {
            assert_eq!(ids_in(text, &named(&[name])), [1], "{text}");
        }
        assert_eq!(ids_in("@鈴木一郎さん", &named(&["鈴木", "鈴木一郎"])), [2]);
    }

    #[test]
    fn who_is_chosen_from_the_list_is_mentioned() {
        let people: Vec<_> = [
            "Ada",
            "ada",
            "Ada Lovelace",
            "*Star*",
            "_x_",
            "A_B_C",
            "`code`",
            "[x](https://a.example)",
            "<b>",
            "R&D",
            "&amp;",
            "C:\\x",
            "\\",
            "a@b.example",
            "https://a.example/x",
            "www.a.example",
            "Bob @ Work",
            "Bob#1",
            "Bob.",
            "1. Bob",
            "~~Bob~~",
            "|Bob|",
            "Bob  Double",
            "O’Brien",
            "Straße",
            "Νίκος",
            "İpek",
            "Jose\u{301}",
            "José",
            "鈴木",
            "👩‍🚀 Ada",
            "🔥",
            "می‌رود",
            "(Bob)",
            "#Bob",
            "> Bob",
            "- Bob",
            "```",
            "]:",
            "Bob:",
            "!",
            "Zoe",
            "zoë",
            "x\u{a0}y",
            "*",
            "**",
            "Bob*",
            "'Bob'",
        ]
        .into_iter()
        .zip(1..)
        .map(|(name, id)| Person {
            id: UserId(id),
            name: name.parse::<crate::model::UserName>().unwrap().as_str().to_owned(),
        })
        .collect();
        let names = Names::new(people.clone());
        for (person, text) in people.iter().zip(mention_texts(&people)) {
            for (before, after) in [
                ("", ""),
                ("hi ", " and more"),
                ("**", " x**"),
                ("明日は", " さん"),
                ("- ", " x\n- y"),
                ("(", ", x)"),
                ("a\n", " \nb"),
            ] {
                assert_eq!(ids_in(&format!("{before}{text}{after}"), &names), [person.id.0], "{before}{text}{after}");
            }
        }
        assert_eq!(mention_texts(&people)[..3], ["@Ada#1", "@ada#2", "@Ada Lovelace"]);
    }

    proptest! {
        #[test]
        fn every_match_is_an_at_sign_and_a_name_at_the_start_of_a_word(text in "(@|Ada|ada|Bob| Lovelace|#5|#|İ|é|x| |\\PC){0,40}") {
            let names = names();
            for (at, _) in text.match_indices('@') {
                let Some(found) = names.match_at(&text, at) else { continue };
                let matched = &text[found.range.clone()];
                prop_assert!(matched[1..].starts_with(&found.name));
                prop_assert!(names.by_name.contains_key(&fold_name(&found.name)));
                prop_assert!(!found.user_ids.is_empty());
                prop_assert!(begins_word(&text[..at]));
            }
        }

        #[test]
        fn names_fold_alike_as_a_whole_and_letter_by_letter(name in "([A-Za-zÀ-ɏ]|[а-яА-ЯЁё]|[ぁ-ん]|[\u{300}-\u{30f}]|ß|ς|İ|ŉ|ǆ|ﬁ|[一-三]|\u{200d}|\u{fe0f}|🔥|가|\u{1100}|\u{1161}| |’|\\PC){0,12}") {
            let mut folded = String::new();
            name.trim().graphemes(true).for_each(|grapheme| push_folded(&mut folded, grapheme));
            prop_assert_eq!(fold_name(&name), folded);
            let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&name);
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&name);
            prop_assert_eq!(fold_name(&composed), fold_name(&decomposed));
        }

        #[test]
        fn any_name_can_be_mentioned(name in "[A-Za-zÀ-ÿ*_~`<>&|.#\\\\日ß’]{1,12}( [A-Za-zÀ-ÿ]{1,12})?", before in "[ (,]?", after in "[ ),!?]?") {
            prop_assume!(name.chars().any(char::is_alphanumeric));
            let people = [Person { id: UserId(9), name: name.clone() }];
            let text = format!("{before}{}{after}", mention_texts(&people)[0]);
            let rendered = render(&text.parse().unwrap(), &Names::new(people.to_vec()));
            prop_assert_eq!(rendered.mentions.len(), 1, "{}", text);
        }
    }
}
