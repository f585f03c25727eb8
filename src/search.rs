//! What somebody types into the search field, and what the full-text tables are asked with.
//!
//! Every word is a word: what the tables take for operators goes in quotes. `from:`, `in:`, `has:`, `before:` and
//! `after:` narrow the search; anything else with a colon is looked for as it stands, and that is said.

use crate::model::{RoomId, UserId, utc_midnight};
use crate::{AppError, AppResult};

/// The longest search, in characters.
pub const MAX_QUERY_CHARS: usize = 300;

/// How many people, and how many rooms, one search may name.
const MOST_NAMES: usize = 5;

/// The shortest part of a word that can be looked for, in characters: the index of parts knows nothing shorter.
const SHORTEST_PART: usize = 3;

/// What can stand before a colon.
pub const FILTERS: [&str; 5] = ["from:", "in:", "has:", "before:", "after:"];

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A search as it was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, and phrases that stood in quotes.
    pub terms: Vec<String>,
    /// Names, or parts of them, of people one of whom wrote it.
    pub from: Vec<String>,
    /// Names of rooms one of which it is in.
    pub rooms: Vec<String>,
    pub has_link: bool,
    pub has_code: bool,
    /// Sent before this moment, in milliseconds since the epoch.
    pub before: Option<i64>,
    /// Sent at this moment or later.
    pub after: Option<i64>,
    /// What was not understood, as sentences for the person.
    pub remarks: Vec<String>,
    /// A filter asks for what cannot be: nothing is found.
    pub impossible: bool,
}

impl Query {
    /// Reads what was typed. Days are those of UTC; `after:` a day begins with the next.
    ///
    /// # Errors
    /// `Invalid` when it is too long.
    pub fn parse(text: &str) -> AppResult<Self> {
        if text.chars().count() > MAX_QUERY_CHARS {
            let problem = format!("A search has at most {MAX_QUERY_CHARS} characters. Use fewer words.");
            return Err(AppError::invalid("q", problem));
        }
        let mut query = Self::default();
        for Piece { filter, text } in pieces(text) {
            match filter.as_deref() {
                Some("from") => query.name("from", text.trim_start_matches('@')),
                Some("in") => query.name("in", text.trim_start_matches('#')),
                Some("has") => query.has(&text),
                Some("before") => query.before = query.moment("before", &text, 0),
                Some("after") => query.after = query.moment("after", &text, DAY_MS),
                Some(other) => {
                    query.remarks.push(format!(
                        "“{other}:” is not a filter, so it was searched for as text. There are from:, in:, has:link, has:code, before: and after:."
                    ));
                    query.terms.push(format!("{other}:{text}"));
                }
                None => query.terms.push(text),
            }
        }
        Ok(query)
    }

    /// Whether there is anything to look for.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let narrowed = self.has_link || self.has_code || self.before.is_some() || self.after.is_some();
        let named = !self.from.is_empty() || !self.rooms.is_empty();
        !narrowed && !named && !self.impossible && !self.terms.iter().any(|term| is_searchable(term))
    }

    /// The question to the table of words, about these rooms (all there are, without a list) and these authors
    /// (anybody, if there are none); nothing when there is nothing to ask.
    #[must_use]
    pub fn words_match(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Option<String> {
        if !self.terms.is_empty() && !self.terms.iter().any(|term| has_words(term)) {
            return None;
        }
        let mut parts = self.marks_match(rooms, authors);
        for term in self.terms.iter().filter(|term| has_words(term)) {
            let words = indexed_words(term);
            parts.push(format!("words : {}", quoted(words.as_deref().unwrap_or(term))));
        }
        joined(&parts)
    }

    /// The question to the table of parts, if every term is long enough for it.
    #[must_use]
    pub fn parts_match(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Option<String> {
        let long_enough = |term: &String| term.chars().count() >= SHORTEST_PART;
        if self.terms.is_empty() || !self.terms.iter().all(long_enough) {
            return None;
        }
        let mut parts = self.marks_match(rooms, authors);
        parts.extend(self.terms.iter().map(|term| format!("parts : {}", quoted(term))));
        joined(&parts)
    }

    /// Marks end in a blank, so that the part `r1 ` is no part of `r11 `.
    fn marks_match(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Vec<String> {
        let any_of = |prefix: char, ids: Vec<i64>| {
            let marks: Vec<_> = ids.into_iter().map(|id| format!("\"{prefix}{id} \"")).collect();
            format!("marks : ({})", marks.join(" OR "))
        };
        let mut parts = Vec::new();
        if let Some(rooms) = rooms {
            parts.push(any_of('r', rooms.iter().map(|room_id| room_id.0).collect()));
        }
        if !authors.is_empty() {
            parts.push(any_of('u', authors.iter().map(|user_id| user_id.0).collect()));
        }
        for (wanted, mark) in [(self.has_link, "link"), (self.has_code, "code")] {
            if wanted {
                parts.push(format!("marks : \"{mark} \""));
            }
        }
        parts
    }

    /// A name to narrow by: of a person after `from:`, of a room after `in:`.
    fn name(&mut self, filter: &str, name: &str) {
        let names = if filter == "from" { &mut self.from } else { &mut self.rooms };
        if name.is_empty() {
            self.refuse(format!("“{filter}:” needs a name, like {filter}:ada."));
        } else if names.len() == MOST_NAMES && !names.iter().any(|known| known == name) {
            self.refuse(format!("A search takes at most {MOST_NAMES} names after “{filter}:”."));
        } else if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    fn has(&mut self, what: &str) {
        match what.to_lowercase().as_str() {
            "link" => self.has_link = true,
            "code" => self.has_code = true,
            other => self.refuse(format!("“has:{other}” is not known. There are has:link and has:code.")),
        }
    }

    fn moment(&mut self, filter: &str, text: &str, add_ms: i64) -> Option<i64> {
        let moment = date(text).map(|day_ms| day_ms + add_ms);
        if moment.is_none() {
            self.refuse(format!("“{filter}:{text}” is not a day. Write it like {filter}:2026-11-24."));
        }
        moment
    }

    /// Says why nothing can be found.
    pub fn refuse(&mut self, remark: String) {
        self.remarks.push(remark);
        self.impossible = true;
    }
}

/// The text as the table of words takes it, where that is not the text itself: characters of writing without spaces
/// and emoji are words of their own.
#[must_use]
pub fn indexed_words(text: &str) -> Option<String> {
    if !text.chars().any(stands_alone) {
        return None;
    }
    let mut words = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if stands_alone(character) {
            words.extend([' ', character, ' ']);
        } else {
            words.push(character);
        }
    }
    Some(words)
}

/// Chinese, Japanese and Korean characters, symbols and emoji.
const fn stands_alone(c: char) -> bool {
    matches!(
        c,
        '\u{231a}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b05}'..='\u{2b07}' | '\u{2b1b}'..='\u{2b1c}'
        | '\u{2b50}' | '\u{2b55}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{1f000}'..='\u{1faff}'
        | '\u{20000}'..='\u{3134f}'
    )
}

fn has_words(term: &str) -> bool {
    term.chars().any(|c| c.is_alphanumeric() || stands_alone(c))
}

fn is_searchable(term: &str) -> bool {
    has_words(term) || term.chars().count() >= SHORTEST_PART
}

/// A string of the tables' query language that holds this text, whatever is in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace('\0', " "))
}

fn joined(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

struct Piece {
    /// What stood before the colon.
    filter: Option<String>,
    text: String,
}

/// Words and phrases, with their filters.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (filter, after) = filter_at(rest);
        let (text, after) = match after.strip_prefix('"').and_then(|after| after.split_once('"')) {
            Some((phrase, after)) => (phrase, after),
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        // A quote that nothing closes is a quote nobody means.
        let text = text.trim_matches(|c: char| c == '"' || c.is_whitespace());
        if !text.is_empty() {
            found.push(Piece { filter, text: text.to_owned() });
        }
        rest = after.trim_start();
    }
    found
}

/// The filter that `text` begins with. `https://…`, `10:30` and `std::fmt` begin with none.
fn filter_at(text: &str) -> (Option<String>, &str) {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    match text[length..].strip_prefix(':') {
        Some(after)
            if length > 0
                && !after.starts_with(['/', ':', ')', '('])
                && !after.starts_with(char::is_whitespace)
                && !after.is_empty() =>
        {
            (Some(text[..length].to_ascii_lowercase()), after)
        }
        _ => (None, text),
    }
}

/// The start of a day like `2026-11-24`, in milliseconds since the epoch; nothing for a day that does not exist.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || ![year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    utc_midnight(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn filters_narrow_and_words_are_words() {
        let query =
            parse(r#"Hello from:@ada in:"All Talk" has:link has:CODE before:2026-11-24 after:1970-01-01 "two words""#);
        assert_eq!(query.terms, ["Hello", "two words"]);
        assert_eq!((query.from, query.rooms), (vec!["ada".to_owned()], vec!["All Talk".to_owned()]));
        assert!(query.has_link && query.has_code && query.remarks.is_empty() && !query.impossible);
        assert_eq!((query.before, query.after), (Some(1_795_478_400_000), Some(DAY_MS)));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let query = parse("to:ada hello");
        assert_eq!(query.terms, ["to:ada", "hello"]);
        assert!(query.remarks[0].contains("to:") && !query.impossible);
        for text in [
            "has:cheese",
            "before:2026-02-30",
            "after:yesterday",
            "before:2026-13-01",
            "before:2026-1",
            "after:²026-01-01",
        ] {
            let query = parse(text);
            assert!(query.impossible && query.remarks.len() == 1, "{text}");
        }
        for text in ["https://a.example", "10:30", "std::fmt", "note: this", ":)", "a:"] {
            assert!(parse(text).remarks.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_name_said_twice_counts_once() {
        assert_eq!(parse("from:ada from:@ada in:x in:#x").from, ["ada"]);
        assert_eq!(parse(&"from:ada ".repeat(30)).from, ["ada"]);
    }

    #[test]
    fn nothing_to_look_for_is_blank() {
        for text in ["", "  ", "\"", "*", "\"\"", "- -"] {
            assert!(parse(text).is_blank(), "{text:?}");
        }
        for text in ["NOT", "a", "🔥", "日", "-->", "from:ada", "has:link", "before:2026-02-30"] {
            assert!(!parse(text).is_blank(), "{text:?}");
        }
        assert!(Query::parse(&"x".repeat(10_000)).is_err());
    }

    #[test]
    fn questions_name_the_rooms_and_quote_the_words() {
        let rooms = [RoomId(1), RoomId(12)];
        let query = parse(r#"NOT say"ing has:link"#);
        assert_eq!(
            query.words_match(Some(&rooms), &[UserId(7)]).unwrap(),
            r#"marks : ("r1 " OR "r12 ") AND marks : ("u7 ") AND marks : "link " AND words : "NOT" AND words : "say""ing""#
        );
        assert_eq!(parse("a b").words_match(None, &[]).unwrap(), r#"words : "a" AND words : "b""#);
        assert!(parse("before:2026-01-01").words_match(None, &[]).is_none(), "nothing to ask the index");
        assert!(parse("ab abc").parts_match(Some(&rooms), &[]).is_none(), "two characters are no part");
        assert!(parse("-->").words_match(Some(&rooms), &[]).is_none(), "no word at all");
    }

    #[test]
    fn characters_of_unspaced_writing_are_words() {
        assert_eq!(indexed_words("plain words"), None);
        assert_eq!(indexed_words("東京 a🔥").unwrap().split_whitespace().collect::<Vec<_>>(), ["東", "京", "a", "🔥"]);
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_quotes(text in "(\"|NOT|AND|OR|NEAR|\\*|\\^|:|\\(|\\)|'|;|--|DROP TABLE| |[a-z]|🔥|東|\\PC){0,60}") {
            let query = Query::parse(&text);
            prop_assume!(query.is_ok());
            let query = query.unwrap();
            for question in [query.words_match(Some(&[RoomId(1)]), &[]), query.parts_match(Some(&[RoomId(1)]), &[])].into_iter().flatten() {
                // Outside of the quotes there is nothing but what is written here.
                let outside: String = question.split('"').step_by(2).collect();
                let known = |word: &str| matches!(word, "marks" | "words" | "parts" | ":" | "()" | "AND" | "OR");
                prop_assert!(outside.split_whitespace().all(known), "{}", question);
                prop_assert_eq!(question.matches('"').count() % 2, 0);
            }
        }
    }
}
