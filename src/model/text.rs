//! Small rules about text that both targets share.

use super::UserId;

/// How many tints an avatar without a picture may have; the style sheet names as many.
const TINTS: i64 = 8;

/// `text` with the five characters that mean something in HTML replaced.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The first letters of a name's first two words, in capitals: what an avatar without a picture shows.
#[must_use]
pub fn initials(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Which of the eight tints a person's avatar wears.
#[must_use]
pub const fn avatar_tint(user_id: UserId) -> i64 {
    user_id.0 % TINTS
}

/// Whether `text` may stand in a name: no control characters, and none that turn the direction of the text around it.
pub(super) fn is_printable_line(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_cannot_open_a_tag_or_leave_an_attribute() {
        assert_eq!(escape_html(r#"<b title="x">&'</b>"#), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;");
    }

    #[test]
    fn initials_are_those_of_the_first_two_words() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("grace brewster hopper"), "GB");
        assert_eq!(initials("  élodie"), "É");
        assert_eq!(initials("🔥"), "");
    }

    #[test]
    fn names_may_not_turn_the_text_around_them() {
        assert!(is_printable_line("Ada Lovelace"));
        assert!(!is_printable_line("Ada\u{202e}ecalevoL"));
        assert!(!is_printable_line("Ada\nLovelace"));
    }
}
