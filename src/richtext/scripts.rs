//! What the scripts of the world differ in: blanks between words, and direction.

/// Whether a character belongs to a script that is written without blanks around names: Han, Kana, Hangul, Thai, Lao,
/// Tibetan, Burmese and Khmer. A name may begin and end anywhere in such a text.
///
/// `browser/chat/completions/names.ts` has the same ranges; both are held to the same cases.
pub(super) const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}' | '\u{1aff0}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}'
    )
}

/// Whether a character is one of an unspaced script or of its punctuation, which is as wide.
pub(super) const fn is_wide(c: char) -> bool {
    is_unspaced(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}')
}

/// The direction of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// The direction of the first letter in `text`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let first = text.chars().find(|c| c.is_alphabetic())?;
        Some(if is_right_to_left(first) { Self::RightToLeft } else { Self::LeftToRight })
    }

    /// The value of the attribute `dir`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

/// Whether a letter is of a script that is written from right to left.
pub(super) const fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_decides_the_direction() {
        assert_eq!(Direction::of("12: שלום abc"), Some(Direction::RightToLeft));
        assert_eq!(Direction::of("«a» مرحبا"), Some(Direction::LeftToRight));
        assert_eq!(Direction::of("١٢ مرحبا"), Some(Direction::RightToLeft));
        assert_eq!(Direction::of("12 🔥"), None);
    }
}
