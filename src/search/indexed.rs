//! Text as the full-text tables take it.
//!
//! Their tokenizers know neither which letters are the same to readers nor, in the table of words, that marks can be part
//! of a word, that some scripts are written without spaces, and letters newer than Unicode 6.1. All of this is decided
//! here, and the tokenizers get text that they cannot split or fold in another way.

use crate::folding::{self, is_mark};

/// Grows whenever [`IndexedText::new`] returns something else for some text: the search index of older messages is then
/// renewed by a job.
pub const INDEX_VERSION: i64 = folding::VERSION * 1_000 + 1;

/// What of a text is put into the full-text tables, where it is not the text itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexedText {
    /// For the table of words; `None` for the text itself.
    pub words: Option<String>,
    /// For the table of parts; `None` for what the table of words has.
    pub parts: Option<String>,
}

impl IndexedText {
    /// Prepares a text. Text in ASCII is left to the tokenizers.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self::default();
        }
        let parts = folding::words(text);
        let words = separated(&parts);
        Self { parts: (parts != words).then_some(parts), words: Some(words) }
    }
}

/// A term of a search as the table of words has it; `None` if that has nothing to find.
pub(super) fn term_words(term: &str) -> Option<String> {
    let words = separated(&folding::words(term));
    words.chars().any(|c| c.is_alphanumeric() || is_single_word(c)).then_some(words)
}

/// `folded` with blanks around every character that is a word of its own, and with its marks and the letters of the
/// supplementary planes as private-use characters, which the tokenizer takes for letters.
fn separated(folded: &str) -> String {
    let mut words = String::with_capacity(folded.len() + folded.len() / 2);
    let mut ends_single_word = false;
    for c in folded.chars() {
        let is_mark = is_mark(c);
        if ends_single_word && !is_mark {
            words.push(' ');
            ends_single_word = false;
        }
        if is_single_word(c) && !is_mark {
            words.extend([' ', c]);
            ends_single_word = true;
        } else if is_mark || (c > '\u{ffff}' && c.is_alphanumeric()) {
            words.push(private_use(c));
        } else {
            words.push(c);
        }
    }
    words
}

/// A character of plane 15 in place of one that the tokenizer does not take for a letter.
fn private_use(c: char) -> char {
    char::from_u32(0xf_0000 + (u32::from(c) & 0xffff)).unwrap_or(c)
}

/// Whether a character, with its marks, is a word: one of a script that is written without spaces, a Korean syllable, a
/// symbol or an emoji.
fn is_single_word(c: char) -> bool {
    is_unspaced(c) || folding::is_symbol(c)
}

const fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        // Thai and Lao, Myanmar, Korean letters, Khmer, New Tai Lue, Tai Tham.
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{1980}'..='\u{19df}' | '\u{1a20}'..='\u{1aad}'
        // Chinese, Japanese, Korean; Javanese and more of Myanmar.
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a980}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' | '\u{ac00}'..='\u{d7fb}'
        | '\u{f900}'..='\u{faff}'
        // Emoji, skin tones among them; rare ideographs.
        | '\u{1f000}'..='\u{1faff}' | '\u{20000}'..='\u{3347f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = IndexedText::new(text).words.unwrap();
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn ascii_is_left_to_the_tokenizers() {
        assert_eq!(IndexedText::new("Plain words"), IndexedText::default());
    }

    #[test]
    fn characters_of_writing_without_spaces_are_words_with_their_marks() {
        assert_eq!(words("東京 a🔥"), ["東", "京", "a", "🔥"]);
        assert_eq!(words("มา"), ["ม", "า"]);
        let [first, second] = &words("ม้า")[..] else { panic!("two words") };
        assert_eq!((first.chars().count(), second.as_str()), (2, "า"));
        assert_ne!(first, "ม้", "the mark is a character that the tokenizer keeps");
        assert_eq!(words("👍🏽❤️ 30°C ☃x"), ["👍", "🏽", "❤", "30", "°", "c", "☃", "x"]);
    }

    #[test]
    fn marks_of_spaced_scripts_stay_in_their_words() {
        let [word] = &words("हिन्दी")[..] else { panic!("one word") };
        assert!(!word.chars().any(is_mark));
        assert_eq!(words("Ёлка à la carte"), ["елка", "a", "la", "carte"]);
        assert_eq!(words("𞤀𞤣𞤤𞤢𞤥").len(), 1, "letters newer than the tokenizer's tables");
    }

    #[test]
    fn parts_are_stored_only_where_they_differ_from_the_words() {
        assert_eq!(IndexedText::new("ΟΔΟΣ —>"), IndexedText { words: Some("οδοσ ->".into()), parts: None });
        assert_eq!(IndexedText::new("東京").parts.as_deref(), Some("東京"));
    }
}
