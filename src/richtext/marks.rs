//! `<mark>` elements around search terms in the HTML of a message.

use std::borrow::Cow;
use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};

use crate::folding::{self, FoldedWords, is_mark};
use crate::html::HtmlWriter;

/// `html` with every occurrence of a term in its text marked, and every word that has the same stem as a word of the
/// terms. Text is compared as the full-text index does, by [`folding::words`].
#[must_use]
pub fn mark_terms(html: &str, terms: &[String]) -> String {
    let terms: HashSet<String> =
        terms.iter().map(|term| folding::words(term)).filter(|term| !term.is_empty()).collect();
    if terms.is_empty() {
        return html.to_owned();
    }
    let stemmer = Stemmer::create(Algorithm::English);
    let stems: HashSet<String> =
        terms.iter().flat_map(|term| words(term)).map(|word| stemmer.stem(word).into_owned()).collect();
    let terms: Vec<String> = terms.into_iter().collect();
    let has_stem = |word: &str| stems.contains(stemmer.stem(word).as_ref());
    let mut marked = HtmlWriter::with_capacity(html.len() + 256);
    let mut rest = html;
    while let Some(tag_start) = rest.find('<') {
        push_marked(&mut marked, &rest[..tag_start], &terms, has_stem);
        let tag_end = rest[tag_start..].find('>').map_or(rest.len(), |length| tag_start + length + 1);
        marked.raw(&rest[tag_start..tag_end]);
        rest = &rest[tag_end..];
    }
    push_marked(&mut marked, rest, &terms, has_stem);
    marked.into_string()
}

/// Writes the text between two tags, which is escaped, with its matches marked.
fn push_marked(html: &mut HtmlWriter, escaped: &str, terms: &[String], has_stem: impl Fn(&str) -> bool) {
    let text = unescape(escaped);
    let folded = FoldedWords::new(&text);
    let key = folded.key.as_str();
    let mut written = 0;
    let mut at = 0;
    while at < key.len() {
        let rest = &key[at..];
        let ends_with_letter = |end: usize| folded.text_offset(end).is_some();
        let found_terms = terms.iter().filter(|term| rest.starts_with(term.as_str()));
        let term_end = found_terms.map(|term| at + term.len()).filter(|end| ends_with_letter(*end)).max();
        let is_inside_word = key[..at].chars().next_back().is_some_and(is_word_char);
        let word_len = if is_inside_word { 0 } else { word_len(rest) };
        let word_end = (word_len > 0 && has_stem(&rest[..word_len])).then_some(at + word_len);
        let found =
            term_end.max(word_end).and_then(|end| Some((end, folded.text_offset(at)?, folded.text_offset(end)?)));
        at = match found {
            Some((end, start, found_end)) => {
                html.text(&text[written..start]).markup("<mark>").text(&text[start..found_end]).markup("</mark>");
                written = found_end;
                end
            }
            None => folded.next_offset(at),
        };
    }
    html.text(&text[written..]);
}

/// The text of HTML without elements, as our own writers and the sanitiser escape it.
fn unescape(html: &str) -> Cow<'_, str> {
    const ENTITIES: [(&str, char); 6] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\''), ("&nbsp;", '\u{a0}')];
    let Some(first) = html.find('&') else { return Cow::Borrowed(html) };
    let mut text = html[..first].to_owned();
    let mut rest = &html[first..];
    while let Some(character) = rest.chars().next() {
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (plain, length) =
            entity.map_or((character, character.len_utf8()), |(entity, plain)| (*plain, entity.len()));
        text.push(plain);
        rest = &rest[length..];
    }
    Cow::Owned(text)
}

/// How many bytes the word at the start of `text` has; 0 if there is none.
fn word_len(text: &str) -> usize {
    text.find(|c| !is_word_char(c)).unwrap_or(text.len())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_char(c)).filter(|word| !word.is_empty())
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::escape_html;

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
        assert_eq!(marked("<p>nothing</p>", &["\u{200b}"]), "<p>nothing</p>");
    }

    #[test]
    fn spellings_that_the_index_does_not_tell_apart_are_marked() {
        assert_eq!(
            marked("<p>die Straße, STRASSE</p>", &["strasse"]),
            "<p>die <mark>Straße</mark>, <mark>STRASSE</mark></p>"
        );
        assert_eq!(marked("Ёлка у Алёны", &["елка", "АЛЕНЫ"]), "<mark>Ёлка</mark> у <mark>Алёны</mark>");
        assert_eq!(marked("cafe\u{301}s", &["café"]), "<mark>cafe\u{301}s</mark>");
        assert_eq!(marked("مُحَمَّد", &["محمد"]), "<mark>مُحَمَّد</mark>");
        assert_eq!(marked("ΟΔΟΣ", &["οδος"]), "<mark>ΟΔΟΣ</mark>");
        assert_eq!(marked("say “a &amp; b”", &["\"a & b\""]), "say <mark>“a &amp; b”</mark>");
        assert_eq!(marked("ม้า มา", &["มา"]), "ม้า <mark>มา</mark>");
        assert_eq!(marked("don’t", &["don't"]), "<mark>don’t</mark>");
        assert_eq!(marked("soft\u{ad}ware", &["softw"]), "<mark>soft\u{ad}w</mark>are");
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
