//! The part of a long message that a search result shows.

use super::marks::mark_terms;
use crate::html::HtmlWriter;
use crate::model::escape_html;

/// The length of an excerpt, in characters.
const EXCERPT_CHARS: usize = 300;

/// How many characters precede the part that contains the hit.
const CONTEXT_CHARS: usize = 40;

/// The length of the parts that are searched for a hit, in characters.
const PART_CHARS: usize = 200;

/// How much of a term must be in one part, in characters: parts overlap by it.
const OVERLAP_CHARS: usize = 60;

/// How far an excerpt is shortened to begin and end at white space, in characters.
const MAX_SNAP_CHARS: usize = 30;

/// A paragraph of at most [`EXCERPT_CHARS`] of `text` around the first place where one of the terms is, or else from the
/// start. Not marked: pass it to [`mark_terms`].
///
/// A search finds messages that contain all of its terms, so the longest one decides, the rarest as a rule.
#[must_use]
pub fn excerpt(text: &str, terms: &[String]) -> String {
    let offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect();
    let char_count = offsets.len() - 1;
    let slice = |start: usize, end: usize| &text[offsets[start]..offsets[end.min(char_count)]];
    let wanted = terms.iter().max_by_key(|term| term.chars().count());
    let hit = wanted.and_then(|term| {
        let term: String = term.chars().take(OVERLAP_CHARS).collect();
        let term = std::slice::from_ref(&term);
        let mut starts = (0..char_count).step_by(PART_CHARS - OVERLAP_CHARS);
        starts.find(|start| {
            let part = escape_html(slice(*start, start + PART_CHARS)).into_owned();
            mark_terms(&part, term).len() > part.len()
        })
    });
    let mut start = hit.unwrap_or(0).saturating_sub(CONTEXT_CHARS);
    let mut end = (start + EXCERPT_CHARS).min(char_count);
    let is_space = |index: &usize| slice(*index, index + 1).starts_with(char::is_whitespace);
    if start > 0 {
        start = (start..start + MAX_SNAP_CHARS).find(is_space).map_or(start, |space| space + 1);
    }
    if end < char_count {
        end = (end - MAX_SNAP_CHARS..end).rev().find(is_space).unwrap_or(end);
    }
    let mut html = HtmlWriter::new();
    html.markup(if start > 0 { "<p>… " } else { "<p>" });
    for (index, word) in slice(start, end).split_whitespace().enumerate() {
        html.markup(if index > 0 { " " } else { "" }).text(word);
    }
    html.markup(if end < char_count { " …</p>" } else { "</p>" });
    html.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, terms: &[&str]) -> String {
        excerpt(text, &terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_excerpt_surrounds_the_hit_wherever_it_is() {
        let words = |count| "some words ".repeat(count);
        for before in 0..120 {
            let text = format!("{}the <walrus> & friends {}", words(before), words(300));
            let html = of(&text, &["a", "walrus"]);
            assert!(html.contains("&lt;walrus&gt; &amp; friends"), "{before}: {html}");
            assert!(html.chars().count() < EXCERPT_CHARS + 40, "{html}");
            assert_eq!(html.starts_with("<p>… "), before > 17, "{before}: {html}");
            assert!(html.ends_with(" …</p>") && mark_terms(&html, &["walrus".into()]).contains("<mark>"));
        }
    }

    #[test]
    fn a_hit_by_its_stem_and_one_in_an_unspaced_script_are_found() {
        assert!(of(&format!("{}Café eels", "x ".repeat(9_000)), &["eel"]).ends_with("Café eels</p>"));
        assert!(of(&format!("{}東京に行く", "明日は".repeat(3_000)), &["東京"]).contains("東京に行く</p>"));
        let long = "x".repeat(31_000);
        assert!(of(&format!("{long}needle{long}"), &["needle"]).contains("needle"), "in a single word");
    }

    #[test]
    fn without_a_hit_an_excerpt_is_the_start() {
        assert_eq!(of("one\n\n two", &[]), "<p>one two</p>");
        assert_eq!(of("", &["x"]), "<p></p>");
        assert!(of(&"ab ".repeat(500), &["zebra"]).starts_with("<p>ab ab"));
        assert_eq!(of(&"é".repeat(400), &[]).matches('é').count(), EXCERPT_CHARS);
    }
}
