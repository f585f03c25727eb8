//! Marks what a search found in the HTML of a message.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};

use crate::model::escape_html;

/// `html` with every place marked that spells one of the terms, and every word with the stem of one of their words.
#[must_use]
pub fn with_marks(html: &str, terms: &[String]) -> String {
    let stemmer = Stemmer::create(Algorithm::English);
    let stem = |word: &str| stemmer.stem(&folded(word)).into_owned();
    // As the text of the page spells them.
    let spelled: HashSet<String> = terms.iter().map(|term| escape_html(&term.to_lowercase()).into_owned()).collect();
    let spelled: Vec<String> = spelled.into_iter().collect();
    let stems: HashSet<String> = terms.iter().flat_map(|term| words(term)).map(stem).collect();
    if spelled.is_empty() {
        return html.to_owned();
    }
    let mut marked = String::with_capacity(html.len() + 256);
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        mark_text(&mut marked, &rest[..open], &spelled, |word| stems.contains(&stem(word)));
        let close = rest[open..].find('>').map_or(rest.len(), |close| open + close + 1);
        marked.push_str(&rest[open..close]);
        rest = &rest[close..];
    }
    mark_text(&mut marked, rest, &spelled, |word| stems.contains(&stem(word)));
    marked
}

fn mark_text(marked: &mut String, text: &str, spelled: &[String], is_meant: impl Fn(&str) -> bool) {
    let mut at = 0;
    let mut inside_word = false;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let term = spelled.iter().filter_map(|term| super::mentions::prefix_length(rest, term)).max().unwrap_or(0);
        let word = if inside_word || !character.is_alphanumeric() { 0 } else { word_length(rest) };
        let length = if word > 0 && is_meant(&rest[..word]) { term.max(word) } else { term };
        let entity = if character == '&' { rest.find(';').map_or(1, |end| end + 1) } else { character.len_utf8() };
        let step = if length == 0 { entity } else { length };
        let piece = &rest[..step];
        if length == 0 {
            marked.push_str(piece);
        } else {
            marked.extend(["<mark>", piece, "</mark>"]);
        }
        inside_word = piece.chars().next_back().is_some_and(char::is_alphanumeric);
        at += step;
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Lower case, and Latin letters without their accents, as the index has them.
fn folded(word: &str) -> String {
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
        with_marks(html, &terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>())
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
        fn marks_add_nothing_else(text in "[a-z &<>\"é東]{0,40}", term in "[a-z&<é東]{1,4}") {
            let html = format!("<p>{}</p>", escape_html(&text));
            let with = marked(&html, &[&term]);
            prop_assert_eq!(with.replace("<mark>", "").replace("</mark>", ""), html);
            prop_assert_eq!(with.matches("<mark>").count(), with.matches("</mark>").count());
        }
    }
}
