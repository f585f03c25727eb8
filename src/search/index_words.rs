//! Splitting text into words where the tokenizer of the full-text index does not.

/// `text` with blanks around every character that is a word of its own: those of writing systems without spaces, and
/// emoji. `None` when there is no such character and the index takes the text as it is.
#[must_use]
pub fn indexed_words(text: &str) -> Option<String> {
    if !text.chars().any(is_single_char_word) {
        return None;
    }
    let mut words = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if is_single_char_word(character) {
            words.extend([' ', character, ' ']);
        } else {
            words.push(character);
        }
    }
    Some(words)
}

/// Whether the index of words has anything to find for this text.
pub(super) fn has_words(text: &str) -> bool {
    text.chars().any(|c| c.is_alphanumeric() || is_single_char_word(c))
}

/// Whether a character is a Chinese, Japanese or Korean one, a symbol or an emoji.
const fn is_single_char_word(c: char) -> bool {
    matches!(
        c,
        '\u{231a}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b05}'..='\u{2b07}' | '\u{2b1b}'..='\u{2b1c}'
        | '\u{2b50}' | '\u{2b55}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{1f000}'..='\u{1faff}'
        | '\u{20000}'..='\u{3134f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_writing_without_spaces_are_words() {
        assert_eq!(indexed_words("plain words"), None);
        assert_eq!(indexed_words("東京 a🔥").unwrap().split_whitespace().collect::<Vec<_>>(), ["東", "京", "a", "🔥"]);
    }
}
