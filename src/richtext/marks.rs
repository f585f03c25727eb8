//! `<mark>` elements around search terms in the HTML of a message.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};

use super::mentions::lowercase_prefix_len;
use crate::html::HtmlWriter;
use crate::model::escape_html;

/// `html` with every occurrence of a term in its text marked, and every word that has the same stem as a word of the
/// terms.
#[must_use]
pub fn mark_terms(html: &str, terms: &[String]) -> String {
    let stemmer = Stemmer::create(Algorithm::English);
    let stem = |word: &str| stemmer.stem(&fold(word)).into_owned();
    // Escaped, as the text of the HTML is.
    let spellings: HashSet<String> = terms.iter().map(|term| escape_html(&term.to_lowercase()).into_owned()).collect();
    let spellings: Vec<String> = spellings.into_iter().collect();
    let stems: HashSet<String> = terms.iter().flat_map(|term| words(term)).map(stem).collect();
    if spellings.is_empty() {
        return html.to_owned();
    }
    let has_stem = |word: &str| stems.contains(&stem(word));
    let mut marked = HtmlWriter::with_capacity(html.len() + 256);
    let mut rest = html;
    while let Some(tag_start) = rest.find('<') {
        push_marked(&mut marked, &rest[..tag_start], &spellings, has_stem);
        let tag_end = rest[tag_start..].find('>').map_or(rest.len(), |length| tag_start + length + 1);
        marked.raw(&rest[tag_start..tag_end]);
        rest = &rest[tag_end..];
    }
    push_marked(&mut marked, rest, &spellings, has_stem);
    marked.into_string()
}

/// Writes the text between two tags, which is escaped, with its matches marked.
fn push_marked(html: &mut HtmlWriter, text: &str, spellings: &[String], has_stem: impl Fn(&str) -> bool) {
    let mut rest = text;
    let mut is_inside_word = false;
    while let Some(character) = rest.chars().next() {
        let term_len = spellings.iter().filter_map(|term| lowercase_prefix_len(rest, term)).max().unwrap_or(0);
        let word_len = if is_inside_word { 0 } else { word_len(rest) };
        let match_len = if word_len > 0 && has_stem(&rest[..word_len]) { term_len.max(word_len) } else { term_len };
        let piece;
        if match_len > 0 {
            (piece, rest) = rest.split_at(match_len);
            html.markup("<mark>").raw(piece).markup("</mark>");
        } else {
            // An entity is one character of the page: its name is not searched.
            let entity_len = if character == '&' { rest.find(';').map_or(1, |end| end + 1) } else { 0 };
            (piece, rest) = rest.split_at(entity_len.max(character.len_utf8()));
            html.raw(piece);
        }
        is_inside_word = piece.chars().next_back().is_some_and(char::is_alphanumeric);
    }
}

/// How many bytes the word at the start of `text` has; 0 if there is none.
fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A word in lower case and with its Latin letters stripped of accents, as the full-text index stores it.
fn fold(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .map(|c| match c {
            'à'..='å' => 'a',
            'ç' => 'c',
            'è'..='ë' => 'e',
            'ì'..='ï' => 'i',
            'ñ' => 'n',
            'ò'..='ö' | 'ø' => 'o',
            'ù'..='ü' => 'u',
            'ý' | 'ÿ' => 'y',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(html: &str, terms: &[&str]) -> String {
        mark_terms(html, &terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_stems_and_parts_are_marked() {
        assert_eq!(marked("<p>Two eels</p>", &["eel"]), "<p>Two <mark>eels</mark></p>");
        assert_eq!(marked("<p>the Café</p>", &["cafe"]), "<p>the <mark>Café</mark></p>");
        assert_eq!(marked("handle_request", &["dle_re"]), "han<mark>dle_re</mark>quest");
        assert_eq!(marked("明日は東京", &["東京"]), "明日は<mark>東京</mark>");
        assert_eq!(marked("R&amp;D &lt;b&gt;", &["r&d", "<b>"]), "<mark>R&amp;D</mark> <mark>&lt;b&gt;</mark>");
        assert_eq!(marked("a &amp; b", &["amp"]), "a &amp; b");
        assert_eq!(marked(r#"<a href="/eel">x</a>"#, &["eel"]), r#"<a href="/eel">x</a>"#);
        assert_eq!(marked("<p>nothing</p>", &[]), "<p>nothing</p>");
    }

    proptest! {
        #[test]
        fn marking_changes_nothing_but_the_marks(text in "[a-z &<>\"é東]{0,40}", term in "[a-z&<é東]{1,4}") {
            let html = format!("<p>{}</p>", escape_html(&text));
            let with_marks = marked(&html, &[&term]);
            prop_assert_eq!(with_marks.replace("<mark>", "").replace("</mark>", ""), html);
            prop_assert_eq!(with_marks.matches("<mark>").count(), with_marks.matches("</mark>").count());
        }
    }
}
