//! FTS5 match expressions for a [`Query`]: <https://www.sqlite.org/fts5.html#full_text_query_syntax>.
//!
//! Every term is a quoted string, so nothing in it is an operator.

use super::Query;
use super::indexed::term_words;
use crate::folding;
use crate::model::{RoomId, UserId};

/// The shortest term that the table of parts can find, in characters: its tokens are trigrams.
const MIN_PART_CHARS: usize = 3;

/// Whether a term can be found in either table.
pub(super) fn is_searchable(term: &str) -> bool {
    term_words(term).is_some() || has_part(&folding::words(term))
}

/// Whether the table of parts can find a folded term.
fn has_part(folded: &str) -> bool {
    folded.chars().count() >= MIN_PART_CHARS
}

impl Query {
    /// The expression for the table of words, restricted to these rooms (`None` for all) and to these authors (empty for
    /// all); `None` when the index has nothing to find.
    #[must_use]
    pub fn words_match(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Option<String> {
        let terms: Vec<_> = self.terms.iter().filter_map(|term| term_words(term)).collect();
        if !self.terms.is_empty() && terms.is_empty() {
            return None;
        }
        let mut conditions = self.mark_conditions(rooms, authors);
        conditions.extend(terms.iter().map(|term| format!("words : {}", quoted(term))));
        all_of(&conditions)
    }

    /// The expression for the table of parts; `None` when a term is shorter than a trigram.
    #[must_use]
    pub fn parts_match(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Option<String> {
        let terms: Vec<_> = self.terms.iter().map(|term| folding::words(term)).collect();
        if terms.is_empty() || !terms.iter().all(|term| has_part(term)) {
            return None;
        }
        let mut conditions = self.mark_conditions(rooms, authors);
        conditions.extend(terms.iter().map(|term| format!("parts : {}", quoted(term))));
        all_of(&conditions)
    }

    /// Conditions on the `marks` column, which lists a message's room, author and kinds of content. Each mark ends in a
    /// blank: as a trigram match, `r1` would also find `r11`.
    fn mark_conditions(&self, rooms: Option<&[RoomId]>, authors: &[UserId]) -> Vec<String> {
        let any_of = |prefix: char, ids: Vec<i64>| {
            let marks: Vec<_> = ids.into_iter().map(|id| format!("\"{prefix}{id} \"")).collect();
            format!("marks : ({})", marks.join(" OR "))
        };
        let mut conditions = Vec::new();
        if let Some(rooms) = rooms {
            conditions.push(any_of('r', rooms.iter().map(|room_id| room_id.0).collect()));
        }
        if !authors.is_empty() {
            conditions.push(any_of('u', authors.iter().map(|user_id| user_id.0).collect()));
        }
        if self.has_link {
            conditions.push("marks : \"link \"".to_owned());
        }
        if self.has_code {
            conditions.push("marks : \"code \"".to_owned());
        }
        if self.has_file {
            conditions.push("marks : \"file \"".to_owned());
        }
        if self.has_image {
            conditions.push("marks : \"image \"".to_owned());
        }
        conditions
    }
}

/// An FTS5 string literal of any text: quotes are doubled, and NUL, which would end the expression, is a blank.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace('\0', " "))
}

fn all_of(conditions: &[String]) -> Option<String> {
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text, &crate::search::Zone::UTC).unwrap()
    }

    #[test]
    fn expressions_list_the_rooms_and_quote_the_terms() {
        let rooms = [RoomId(1), RoomId(12)];
        let query = parse(r#"NOT say"ing has:link"#);
        assert_eq!(
            query.words_match(Some(&rooms), &[UserId(7)]).unwrap(),
            r#"marks : ("r1 " OR "r12 ") AND marks : ("u7 ") AND marks : "link " AND words : "not" AND words : "say""ing""#
        );
        assert_eq!(parse("a b").words_match(None, &[]).unwrap(), r#"words : "a" AND words : "b""#);
        assert!(parse("before:2026-01-01").words_match(None, &[]).is_none(), "no condition for the index");
        assert!(parse("ab abc").parts_match(Some(&rooms), &[]).is_none(), "two characters are no trigram");
        assert!(parse("-->").words_match(Some(&rooms), &[]).is_none(), "no word");
    }

    proptest! {
        #[test]
        fn no_input_escapes_its_quotes(text in "(\"|NOT|AND|OR|NEAR|\\*|\\^|:|\\(|\\)|'|;|--|DROP TABLE| |[a-z]|🔥|東|\\PC){0,60}") {
            let query = Query::parse(&text, &crate::search::Zone::UTC);
            prop_assume!(query.is_ok());
            let query = query.unwrap();
            let words = query.words_match(Some(&[RoomId(1)]), &[]);
            let parts = query.parts_match(Some(&[RoomId(1)]), &[]);
            for expression in [words, parts].into_iter().flatten() {
                // Outside of quotes there are only the columns and operators of this module.
                let outside: String = expression.split('"').step_by(2).collect();
                let is_known = |word: &str| matches!(word, "marks" | "words" | "parts" | ":" | "()" | "AND" | "OR");
                prop_assert!(outside.split_whitespace().all(is_known), "{}", expression);
                prop_assert_eq!(expression.matches('"').count() % 2, 0);
            }
        }
    }
}
