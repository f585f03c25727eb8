//! From a value in a page to plain text.

use std::borrow::Cow;
use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

/// Maximum length of a title, in characters.
pub const MAX_TITLE_CHARS: usize = 280;

/// Maximum length of a description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 560;

/// Maximum length of a value that is looked at, in bytes: more than the longest description, with room for its tags.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// How often tags and entities are removed. Each pass decodes entities once, so that what was encoded twice needs two.
const MAX_PASSES: usize = 4;

/// The text of `value` without tags, entities and invisible characters, cut to `max_chars` with an ellipsis.
///
/// `None` if nothing is left.
pub(crate) fn plain(value: &str, max_chars: usize) -> Option<String> {
    let mut text = visible(&value[..value.floor_char_boundary(MAX_VALUE_BYTES)]);
    for _ in 0..MAX_PASSES {
        let stripped = visible(&strip(&text));
        if stripped == text {
            return shortened(text, max_chars);
        }
        text = stripped;
    }
    // Encoded again and again: no text that anybody wants to read.
    shortened(visible(&text.replace('<', "")), max_chars)
}

/// `text` without tags and comments, with entities decoded once. The content of elements stays.
fn strip(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let tokenizer = Tokenizer::new(Characters::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(text));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    Cow::Owned(tokenizer.sink.0.into_inner())
}

/// Collects the characters of a text and drops everything else.
#[derive(Default)]
struct Characters(RefCell<String>);

impl TokenSink for Characters {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::CharacterTokens(text) = token {
            self.0.borrow_mut().push_str(&text);
        }
        TokenSinkResult::Continue
    }
}

/// `text` in one line: runs of white space are one space, and characters that show nothing are removed, among them those
/// that change the direction of what follows.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let words = text.split(|c: char| c.is_whitespace() || c == '\u{2800}');
    for word in words {
        let start = visible.len();
        if start > 0 {
            visible.push(' ');
        }
        let before = visible.len();
        visible.extend(word.chars().filter(|c| is_visible(*c)));
        // Joiners alone show nothing either.
        if visible[before..].chars().all(is_joiner) {
            visible.truncate(start);
        }
    }
    visible
}

/// Whether a character shows something, or joins others that do.
fn is_visible(c: char) -> bool {
    let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{fffd}' | '\u{34f}');
    let noncharacter = matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe;
    let formatting = matches!(
        c.general_category(),
        GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse | GeneralCategory::Surrogate
    );
    is_joiner(c) || !(filler || noncharacter || formatting)
}

/// Whether a character joins others or keeps them apart: part of emoji, and of words in Persian and in Indic scripts.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// `text` if it has at most `max_chars` characters, otherwise as much of it as fits with an ellipsis.
fn shortened(mut text: String, max_chars: usize) -> Option<String> {
    if let Some((limit, _)) = text.char_indices().nth(max_chars) {
        let ellipsis = text[..limit].char_indices().next_back().map_or(0, |(at, _)| at);
        // Not within what is read as one character, unless that is longer than the text may be.
        let end = text.grapheme_indices(true).map(|(at, _)| at).take_while(|at| *at <= ellipsis).last();
        let end = end.filter(|end| *end > 0).unwrap_or(ellipsis);
        let end = text[..end].trim_end().len();
        text.truncate(end);
        text.push('…');
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn title(value: &str) -> String {
        plain(value, MAX_TITLE_CHARS).unwrap_or_default()
    }

    #[test]
    fn tags_are_removed_and_their_text_stays() {
        for (value, text) in [
            ("A post", "A post"),
            ("<b>A</b> <i class='x'>post</i>", "A post"),
            ("<script>alert(1)</script>Hello", "alert(1)Hello"),
            ("&lt;b&gt;A post&lt;/b&gt;", "A post"),
            ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;", "alert(1)"),
            ("A <!-- comment -->post", "A post"),
            ("A <b unfinished", "A"),
            ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
            ("I <3 you", "I <3 you"),
            ("AT&amp;T &quot;x&quot; &eacute; &#39;", "AT&T \"x\" é '"),
            ("AT&T R&D &unknown;", "AT&T R&D &unknown;"),
            ("a<br>b", "ab"),
        ] {
            assert_eq!(title(value), text, "{value}");
        }
    }

    #[test]
    fn what_shows_nothing_is_removed() {
        for (value, text) in [
            ("  A\n\t post\u{a0}\u{3000} ", "A post"),
            ("A\u{0}\u{7}\u{1b}[31m post", "A[31m post"),
            ("\u{202e}tsop A\u{202c}", "tsop A"),
            ("\u{2066}a\u{2069}\u{200f}b\u{61c}c\u{feff}d\u{200b}e\u{ad}f", "abcdef"),
            ("<\u{200b}b>A", "A"),
            ("&lt;&#8203;b&gt;A", "A"),
            ("\u{3164}\u{115f}\u{2800}\u{e000}\u{fffd}\u{ffff}", ""),
            ("a \u{200d} b", "a b"),
            ("👩‍💻 می‌خواهم", "👩‍💻 می‌خواهم"),
            ("", ""),
            ("<b></b>", ""),
        ] {
            assert_eq!(title(value), text, "{value:?}");
        }
    }

    #[test]
    fn long_texts_end_with_an_ellipsis() {
        assert_eq!(title(&"x".repeat(280)), "x".repeat(280));
        assert_eq!(title(&"x".repeat(281)), format!("{}…", "x".repeat(279)));
        assert_eq!(title(&"éb ".repeat(100)), format!("{}éb…", "éb ".repeat(92)), "no space before the ellipsis");
        // A family of seven code points is not divided.
        let families = title(&"👨‍👩‍👧‍👦".repeat(60));
        assert_eq!(families.trim_end_matches('…').chars().count() % 7, 0);
        assert!(families.ends_with("👦…"));
        // Marks without end on one letter are.
        assert_eq!(title(&format!("e{}", "\u{301}".repeat(500))).chars().count(), 280);
        assert_eq!(plain(&"é".repeat(50_000), MAX_DESCRIPTION_CHARS).unwrap().chars().count(), 560);
    }

    #[test]
    fn entities_encoded_again_and_again_leave_no_tag() {
        let mut value = "<b>x</b>".to_owned();
        for _ in 0..10 {
            value = value.replace('&', "&amp;").replace('<', "&lt;");
        }
        assert!(!title(&value).contains('<'));
    }

    proptest! {
        #[test]
        fn the_result_is_plain_text(
            value in r#"(<|>|/|&|&lt;|&amp;|&#x3c;|&#60|;|b|script|!--|"|'|=| |\PC|[\x00-\x20\u{200b}-\u{200f}\u{202a}-\u{202e}]){0,60}"#,
            max_chars in 2usize..40,
        ) {
            if let Some(text) = plain(&value, max_chars) {
                prop_assert!(!text.is_empty() && text.chars().count() <= max_chars);
                prop_assert_eq!(text.trim(), &text);
                let mut characters = text.chars();
                while let Some(c) = characters.next() {
                    prop_assert!(is_visible(c) && (c == ' ' || !c.is_whitespace()));
                    if c == '<' {
                        // At the very end, these are no beginning of a tag.
                        let rest: String = characters.clone().collect();
                        prop_assert!(!rest.starts_with(|c: char| c.is_ascii_alphabetic()), "{}", text);
                        prop_assert!(rest.len() < 2 || !rest.starts_with(['/', '!', '?']), "{}", text);
                    }
                }
            }
        }
    }
}
