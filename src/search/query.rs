//! Parsing a search: terms, phrases in quotes, and the filters `from:`, `in:`, `has:`, `is:`, `before:` and `after:`.
//!
//! Any other word before a colon is searched for as text, with a remark that says so.

use super::match_expression::is_searchable;
use super::zone::Zone;
use crate::{AppError, AppResult};

/// The longest search, in characters.
pub const MAX_QUERY_CHARS: usize = 300;

/// How many names `from:` and `in:` may list each, to bound the expression sent to the index.
const MAX_NAMES: usize = 5;

/// The words before the colon of a filter.
const FILTERS: [&str; 6] = ["from", "in", "has", "is", "before", "after"];

/// A parsed search. Its conditions all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, and phrases in quotes. A message contains all of them.
    pub terms: Vec<String>,
    /// Names, or parts of names, of the authors; empty for any author. The author has one of them.
    pub from: Vec<String>,
    /// Names of rooms; empty for any room. The message is in one of them.
    pub rooms: Vec<String>,
    /// The message contains a link.
    pub has_link: bool,
    /// The message contains code.
    pub has_code: bool,
    /// The message has a file.
    pub has_file: bool,
    /// The message has a picture.
    pub has_image: bool,
    /// The message is one that the person keeps for later.
    pub is_saved: bool,
    /// The message is pinned to its room.
    pub is_pinned: bool,
    /// The message was sent before this time, in milliseconds since the epoch.
    pub before: Option<i64>,
    /// The message was sent at this time or later, in milliseconds since the epoch.
    pub after: Option<i64>,
    /// Sentences for the person about filters that were not understood or cannot match.
    pub remarks: Vec<String>,
    /// A filter is invalid or can match no message, so the search has no results.
    pub impossible: bool,
}

impl Query {
    /// Parses a search whose dates are days of this time zone; `after:` begins with the day that follows.
    ///
    /// # Errors
    /// `Invalid` when it is longer than [`MAX_QUERY_CHARS`].
    pub fn parse(text: &str, zone: &Zone) -> AppResult<Self> {
        if text.chars().count() > MAX_QUERY_CHARS {
            let problem = format!("A search has at most {MAX_QUERY_CHARS} characters. Use fewer words.");
            return Err(AppError::invalid("q", problem));
        }
        let mut query = Self::default();
        for Token { filter, text } in tokens(text) {
            match filter.as_deref() {
                Some("from") => query.add_name("from", text.trim_start_matches('@')),
                Some("in") => query.add_name("in", text.trim_start_matches('#')),
                Some("has") => query.add_kind(&text),
                Some("is") => query.add_state(&text),
                Some("before") => query.before = query.parse_day("before", &text, zone).map(|(begins_at, _)| begins_at),
                Some("after") => query.after = query.parse_day("after", &text, zone).map(|(_, ends_at)| ends_at),
                Some(other) => {
                    query.remarks.push(format!(
                        "“{other}:” is not a filter, so it was searched for as text. There are from:, in:, has:link, has:code, has:file, has:image, is:saved, is:pinned, before: and after:."
                    ));
                    query.terms.push(format!("{other}:{text}"));
                }
                None => query.terms.push(text),
            }
        }
        Ok(query)
    }

    /// Whether there is no condition and no term that an index could find: such a search is not run.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let has_kind = self.has_link || self.has_code || self.has_file || self.has_image;
        let is_filtered = has_kind || self.is_among() || self.before.is_some() || self.after.is_some();
        let has_names = !self.from.is_empty() || !self.rooms.is_empty();
        !is_filtered && !has_names && !self.impossible && !self.terms.iter().any(|term| is_searchable(term))
    }

    /// Adds a name after `from:` or `in:`; repetitions count once.
    fn add_name(&mut self, filter: &str, name: &str) {
        let names = if filter == "from" { &mut self.from } else { &mut self.rooms };
        if name.is_empty() {
            self.refuse(format!("“{filter}:” needs a name, like {filter}:ada."));
        } else if names.len() == MAX_NAMES && !names.iter().any(|known| known == name) {
            self.refuse(format!("A search takes at most {MAX_NAMES} names after “{filter}:”."));
        } else if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// Adds a kind of content after `has:`.
    fn add_kind(&mut self, kind: &str) {
        match kind.to_lowercase().as_str() {
            "link" => self.has_link = true,
            "code" => self.has_code = true,
            "file" => self.has_file = true,
            "image" => self.has_image = true,
            other => {
                let kinds = "There are has:link, has:code, has:file and has:image.";
                self.refuse(format!("“has:{other}” is not known. {kinds}"));
            }
        }
    }

    /// Adds a state after `is:`.
    fn add_state(&mut self, state: &str) {
        match state.to_lowercase().as_str() {
            "saved" => self.is_saved = true,
            "pinned" => self.is_pinned = true,
            other => self.refuse(format!("“is:{other}” is not known. There are is:saved and is:pinned.")),
        }
    }

    /// Whether the results are among messages that people have chosen.
    #[must_use]
    pub const fn is_among(&self) -> bool {
        self.is_saved || self.is_pinned
    }

    /// Start and end of the day given to `before:` or `after:`; `None`, with a remark, if it is no day.
    fn parse_day(&mut self, filter: &str, text: &str, zone: &Zone) -> Option<(i64, i64)> {
        let day = parse_date(text, zone);
        if day.is_none() {
            self.refuse(format!("“{filter}:{text}” is not a day. Write it like {filter}:2026-11-24."));
        }
        day
    }

    /// Marks the search as impossible, with a remark that gives the reason.
    pub fn refuse(&mut self, remark: String) {
        self.remarks.push(remark);
        self.impossible = true;
    }
}

/// Each filter of a search as it is written, with the search without it.
#[must_use]
pub fn without_each_filter(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (filter, after) = filter_at(rest);
        let (_, after) =
            phrase_at(after).unwrap_or_else(|| after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())));
        if filter.is_some_and(|filter| FILTERS.contains(&filter.as_str())) {
            let start = text.len() - rest.len();
            let written = &text[start..text.len() - after.len()];
            let others = [text[..start].trim(), after.trim()].into_iter().filter(|part| !part.is_empty());
            found.push((written, others.collect::<Vec<_>>().join(" ")));
        }
        rest = after.trim_start();
    }
    found
}

/// A word or phrase, with the filter before it.
struct Token {
    /// The word before the colon, in lower case.
    filter: Option<String>,
    /// Without quotes; never empty.
    text: String,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (filter, after) = filter_at(rest);
        let (text, after) =
            phrase_at(after).unwrap_or_else(|| after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())));
        // A quote that is not closed is ignored.
        let text = text.trim_matches(|c: char| is_quote(c) || c.is_whitespace());
        if !text.is_empty() {
            tokens.push(Token { filter, text: text.to_owned() });
        }
        rest = after.trim_start();
    }
    tokens
}

/// The phrase in quotes at the start of `text`, and the rest: between two quotes of whatever language, “…”, „…“, «…».
fn phrase_at(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(is_quote)?.split_once(is_quote)
}

/// Whether a character is a double quote, as keyboards and word processors of any language write it.
const fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '«' | '»' | '\u{201c}'..='\u{201f}' | '\u{300c}'..='\u{300f}' | '\u{301d}'..='\u{301f}' | '\u{ff02}'
    )
}

/// The filter at the start of `text`, and the rest. `https://…`, `10:30` and `std::fmt` are not filters.
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

/// Start and end of a day like `2026-11-24`, in milliseconds since the epoch; `None` for a day that does not exist.
fn parse_date(text: &str, zone: &Zone) -> Option<(i64, i64)> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?;
    let month = parts.next()?;
    let day = parts.next()?;
    if year.len() != 4 || ![year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    zone.day(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text, &Zone::UTC).unwrap()
    }

    #[test]
    fn each_filter_can_be_left_out() {
        assert_eq!(
            without_each_filter("eel from:ada  in:\"All Talk\" to:sea"),
            [
                ("from:ada", "eel in:\"All Talk\" to:sea".to_owned()),
                ("in:\"All Talk\"", "eel from:ada to:sea".to_owned())
            ]
        );
        assert_eq!(without_each_filter("has:link"), [("has:link", String::new())]);
        assert!(without_each_filter("eel").is_empty());
    }

    #[test]
    fn filters_and_terms_are_parsed() {
        let query =
            parse(r#"Hello from:@ada in:"All Talk" has:link has:CODE before:2026-11-24 after:1970-01-01 "two words""#);
        assert_eq!(query.terms, ["Hello", "two words"]);
        assert_eq!(query.from, ["ada"]);
        assert_eq!(query.rooms, ["All Talk"]);
        assert!(query.has_link && query.has_code && query.remarks.is_empty() && !query.impossible);
        assert_eq!(query.before, Some(1_795_478_400_000));
        assert_eq!(query.after, Some(24 * 60 * 60 * 1_000));
        let chosen = parse("is:saved is:PINNED eel");
        assert!(chosen.is_saved && chosen.is_pinned && chosen.terms == ["eel"] && !query.is_among());
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let parse =
            |zone: &str| Query::parse("after:2026-01-30 before:2026-02-01", &Zone::named(zone).unwrap()).unwrap();
        let utc = parse("UTC");
        let berlin = parse("Europe/Berlin");
        assert_eq!(berlin.after.unwrap(), utc.after.unwrap() - 3_600_000);
        assert_eq!(berlin.before.unwrap(), utc.before.unwrap() - 3_600_000);
    }

    #[test]
    fn invalid_filters_produce_remarks() {
        let query = parse("to:ada hello");
        assert_eq!(query.terms, ["to:ada", "hello"]);
        assert!(query.remarks[0].contains("to:") && !query.impossible);
        for text in [
            "has:cheese",
            "is:late",
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
    fn a_repeated_name_counts_once() {
        assert_eq!(parse("from:ada from:@ada in:x in:#x").from, ["ada"]);
        assert_eq!(parse(&"from:ada ".repeat(30)).from, ["ada"]);
    }

    #[test]
    fn a_query_without_terms_or_filters_is_blank() {
        for text in ["", "  ", "\"", "*", "\"\"", "- -"] {
            assert!(parse(text).is_blank(), "{text:?}");
        }
        for text in ["NOT", "a", "🔥", "日", "-->", "from:ada", "has:link", "is:saved", "before:2026-02-30"] {
            assert!(!parse(text).is_blank(), "{text:?}");
        }
        assert!(Query::parse(&"x".repeat(10_000), &Zone::UTC).is_err());
    }
}
