//! Functions on text that both targets need.

use std::borrow::Cow;

use crate::AppError;

/// `bytes` as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `text` with `&`, `<`, `>`, `"` and `'` replaced by entities, for an element's content or a quoted attribute value.
#[must_use]
pub fn escape_html(text: &str) -> Cow<'_, str> {
    let special = |text: &str| text.bytes().position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\''));
    let Some(first) = special(text) else { return Cow::Borrowed(text) };
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + 8);
    escaped.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = special(rest) {
        escaped.push_str(&rest[..at]);
        escaped.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    escaped.push_str(rest);
    Cow::Owned(escaped)
}

/// The first word of a name.
#[must_use]
pub fn first_name(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or(name)
}

/// The first letters of a name's first two words in upper case, shown in an avatar without a picture.
#[must_use]
pub fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    uppercase(&words.filter_map(|word| word.chars().next()).take(2).collect::<String>())
}

/// `text` as filters of names compare it, by the sameness of [`folding::words`](crate::folding::words).
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn fold_for_filter(text: &str) -> String {
    crate::folding::words(text)
}

/// `text` as filters of names compare it: `fold` of `browser/folding.ts`, in the browser's main module.
///
/// The browser has its own tables of Unicode: those of the standard library would be 10 KB of the download.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn fold_for_filter(text: &str) -> String {
    let folded = js_sys::JsString::from(text).normalize("NFKD").to_upper_case().to_lower_case();
    let mut plain = String::with_capacity(text.len());
    for c in String::from(folded).chars() {
        match c {
            '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5bd}'
            | '\u{5bf}'..='\u{5c7}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{fe0f}' => {}
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'đ' | 'ð' => plain.push('d'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            'ß' => plain.push_str("ss"),
            'ς' => plain.push('σ'),
            'ٱ' => plain.push('ا'),
            'ة' | 'ھ' | 'ہ' => plain.push('ه'),
            'ى' | 'ی' => plain.push('ي'),
            'ک' => plain.push('ك'),
            '\u{30a1}'..='\u{30f6}' => plain.extend(char::from_u32(u32::from(c) - 0x60)),
            '‘' | '’' => plain.push('\''),
            '‐' | '–' | '—' => plain.push('-'),
            other => plain.push(other),
        }
    }
    plain
}

/// `text` in upper case, by the browser's own tables as in [`fold_for_filter`].
fn uppercase(text: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return js_sys::JsString::from(text).to_upper_case().into();
    #[cfg(not(target_arch = "wasm32"))]
    text.to_uppercase()
}

/// A time, in milliseconds since the epoch, as an RFC 3339 timestamp in UTC like `2026-11-23T14:05:09Z`.
#[must_use]
pub fn utc_timestamp(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000);
    let days = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    // `civil_from_days` of <https://howardhinnant.github.io/date_algorithms.html>: years begin in March and are counted
    // in eras of 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let hour = second / 3_600;
    let minute = second / 60 % 60;
    // Every row of a page has a timestamp. Through `format!` it took a quarter of the time of a row.
    let mut text = String::with_capacity(20);
    if !(0..10_000).contains(&year) {
        text.push_str(&year.to_string());
    } else {
        push_two_digits(&mut text, year / 100);
        push_two_digits(&mut text, year % 100);
    }
    for (before, number) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second % 60)] {
        text.push(before);
        push_two_digits(&mut text, number);
    }
    text.push('Z');
    text
}

/// Appends a number below 100 as two digits.
fn push_two_digits(text: &mut String, number: i64) {
    for digit in [number / 10, number % 10] {
        text.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
    }
}

/// The start of a day of UTC, in milliseconds since the epoch; `None` for a day that does not exist.
#[must_use]
pub fn utc_midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    // `days_from_civil` of the same source as in `utc_timestamp`.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let at_ms = (era * 146_097 + day_of_era - 719_468) * 86_400_000;
    utc_timestamp(at_ms).starts_with(&format!("{year:04}-{month:02}-{day:02}T")).then_some(at_ms)
}

/// Parses a name: one line of 1 to `max_chars` visible characters, returned without the white space around it.
///
/// `missing` is the error message for a name with nothing to see; in the others the name is called `what`.
///
/// # Errors
/// `Invalid` for any other text.
pub(super) fn name_line(text: &str, missing: &str, what: &str, max_chars: usize) -> Result<String, AppError> {
    let name = text.trim();
    // An accent without a letter would stand on what happens to be before the name.
    if name.chars().all(|c| is_blank_char(c) || is_accent(c)) {
        return Err(AppError::invalid("name", missing));
    }
    if name.chars().count() > max_chars {
        return Err(AppError::invalid("name", format!("{what} has at most {max_chars} characters.")));
    }
    if !is_printable_line(name) {
        return Err(AppError::invalid("name", format!("{what} is one line of plain, visible characters.")));
    }
    Ok(name.to_owned())
}

/// Whether there is nothing to see in `text`: only white space and [invisible](is_invisible) characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_char)
}

fn is_blank_char(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Whether a character is a combining mark of no script in particular, which is seen on the letter before it.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a character is a control character or has no visible form of its own.
///
/// These are the controls, Unicode's `Default_Ignorable_Code_Point`s (among them directional controls, joiners,
/// variation selectors, fillers and tags), annotations, noncharacters, and blanks that are no white space, like U+2800.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{13430}'..='\u{13455}' | '\u{16fe4}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    ) || c as u32 & 0xfffe == 0xfffe
}

/// Whether `text` is one line without [invisible](is_invisible) characters, except where they change what is seen: the
/// joiners, variation selectors and tags of emoji, joiners between letters of scripts that join them, and variants of
/// ideographs. Anywhere else they would let a text pass for another one.
pub(super) fn is_printable_line(text: &str) -> bool {
    let mut before = ' ';
    let mut is_flag = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        is_flag = c == BLACK_FLAG || (is_flag && matches!(c, '\u{e0020}'..='\u{e007f}'));
        let is_meant = match c {
            '\u{200c}' | '\u{200d}' => {
                joins(before) && characters.peek().is_some_and(|next| !next.is_ascii() && !is_invisible(*next))
            }
            '\u{fe00}'..='\u{fe0f}' => {
                matches!(before, '#' | '*' | '0'..='9') || is_pictorial(before) || is_han(before)
            }
            '\u{e0100}'..='\u{e01ef}' => is_han(before),
            '\u{e0020}'..='\u{e007f}' => is_flag,
            other => !is_invisible(other),
        };
        if !is_meant {
            return false;
        }
        before = c;
    }
    true
}

/// The emoji that tags after it turn into the flag of a region.
const BLACK_FLAG: char = '\u{1f3f4}';

/// Whether a joiner after this character can change its form: letters of Arabic, Syriac, Indic and related scripts, and
/// emoji, also after a variation selector.
const fn joins(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{a800}'..='\u{a8ff}' | '\u{fe0f}')
        || is_pictorial(c)
}

/// Whether a character is a symbol or an emoji, roughly: variation selectors choose between the two forms.
const fn is_pictorial(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2100}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_can_neither_open_a_tag_nor_end_an_attribute() {
        assert_eq!(escape_html(r#"<b title="x">&'</b>"#), "&lt;b title=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;");
    }

    #[test]
    fn initials_are_of_the_first_two_words() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("grace brewster hopper"), "GB");
        assert_eq!(initials("  élodie"), "É");
        assert_eq!(initials("🔥"), "");
    }

    #[test]
    fn timestamps_are_correct_around_leap_days_and_the_epoch() {
        assert_eq!(utc_timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc_timestamp(-1), "1969-12-31T23:59:59Z");
        assert_eq!(utc_timestamp(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc_timestamp(1_795_442_709_999), "2026-11-23T14:05:09Z");
        assert_eq!(utc_timestamp(4_107_542_400_000), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn only_days_that_exist_have_a_midnight() {
        for (year, month, day) in [(1970, 1, 1), (2000, 2, 29), (2026, 11, 24), (1999, 12, 31), (2400, 2, 29)] {
            let at_ms = utc_midnight(year, month, day).unwrap();
            assert_eq!(utc_timestamp(at_ms), format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
        }
        for (year, month, day) in
            [(2026, 2, 29), (2026, 2, 30), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31), (2026, 1, 0)]
        {
            assert_eq!(utc_midnight(year, month, day), None);
        }
    }

    #[test]
    fn text_of_invisible_characters_is_blank() {
        for text in [
            "",
            " ",
            "\u{3000}",
            "\u{200b}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f}\u{1160}",
            "\u{2800}",
            "\u{e0041}\u{e007f}",
            "\u{fe0f}",
            "\u{ad}",
            "\u{34f}",
            "\u{180e}",
            "\u{2028}",
            "\u{feff}",
            "\u{fffe}",
            "\u{10ffff}",
            "\u{1d173}",
            "\u{7f}",
            "\u{202e} \u{2066}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", ".", "🔥", "\u{200b}a", "ㅤㅏ", "\u{301}", "\u{fffd}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn a_line_has_no_character_that_makes_it_look_like_another() {
        for text in [
            "Ada\u{202e}ecalevoL",
            "Ada\nLovelace",
            "Ada\u{200b}",
            "\u{200d}Ada",
            "A\u{200c}da",
            "Ada\u{200d}",
            "Ada\u{fe0f}",
            "Ada\u{3164}",
            "Ada\u{e0041}",
            "\u{2066}Ada",
            "Ada\u{2028}Bob",
            "Ad\u{ad}a",
            "🔥\u{200d}",
            "🔥\u{200d}a",
            "🏴a\u{e0067}",
            "می\u{200c}",
            "鈴\u{200d}木",
            "\u{fdd0}Ada",
            "Ada\u{ffff}",
        ] {
            assert!(!is_printable_line(text), "{text:?}");
        }
        for text in [
            "Ada Lovelace",
            "👩‍🚀",
            "❤️",
            "1️⃣",
            "🏳️‍🌈",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "👩🏽‍💻",
            "می‌رود",
            "葛\u{e0100}城",
            "क्‍ष",
            "José",
            "Jose\u{301}",
            "Ὀδυσσεύς",
        ] {
            assert!(is_printable_line(text), "{text:?}");
        }
    }
}
