//! From the bytes of a page to its text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How much of a page is searched for the encoding that it declares, in bytes. Browsers search 1,024.
const MAX_DECLARATION_BYTES: usize = 4_096;

/// The text of `page`.
///
/// Its encoding is that of a byte order mark, of `declared` (the header's `charset`), or of the page's own declaration.
/// A page that declares none is read as UTF-8 if it is valid; otherwise everything that is not ASCII is dropped.
pub(crate) fn decode<'page>(page: &'page [u8], declared: Option<&str>) -> Cow<'page, str> {
    let encoding = declared.and_then(|label| Encoding::for_label(label.as_bytes())).or_else(|| declaration(page));
    if let Some(encoding) = Encoding::for_bom(page).map(|(encoding, _)| encoding).or(encoding) {
        return encoding.decode(page).0;
    }
    match std::str::from_utf8(page) {
        Ok(text) => Cow::Borrowed(text),
        // Only the last character is incomplete: the page was cut.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&page[..error.valid_up_to()]),
        Err(_) => Cow::Owned(page.iter().filter(|byte| byte.is_ascii()).map(|byte| char::from(*byte)).collect()),
    }
}

/// The encoding that a page declares in `<meta charset>` or `<meta http-equiv>`.
fn declaration(page: &[u8]) -> Option<&'static Encoding> {
    let mut rest = &page[..page.len().min(MAX_DECLARATION_BYTES)];
    while let Some(at) = find(rest, b"<meta") {
        rest = &rest[at + b"<meta".len()..];
        let tag = &rest[..rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len())];
        if let Some(encoding) = find(tag, b"charset").and_then(|at| label(&tag[at + b"charset".len()..])) {
            // The declaration itself was readable as ASCII.
            let wide = encoding == UTF_16LE || encoding == UTF_16BE;
            return Some(if wide { UTF_8 } else { encoding });
        }
    }
    None
}

/// The encoding named after `charset`.
fn label(text: &[u8]) -> Option<&'static Encoding> {
    let value = text.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:.+".contains(byte));
    Encoding::for_label(&value[..end.unwrap_or(value.len())])
}

/// Where `word`, in lower case, is in `text` in any case.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_encoding_is_used() {
        let latin = b"<meta charset=iso-8859-1>caf\xe9";
        assert!(decode(latin, None).ends_with("café"));
        assert!(decode(b"caf\xe9", Some("ISO-8859-1")).ends_with("café"));
        assert!(decode(b"caf\xe9", Some("windows-1252")).ends_with("café"));
        let equivalent = b"<META http-equiv='Content-Type' content='text/html; charset=Shift_JIS'>\x83\x65";
        assert!(decode(equivalent, None).ends_with('テ'));
        let spaced = b"<meta charset = \"KOI8-R\" >\xc1";
        assert!(decode(spaced, None).ends_with('а'));
        assert!(decode(b"<meta charset=utf-16>caf\xc3\xa9", None).ends_with("café"));
    }

    #[test]
    fn the_header_is_stronger_and_a_byte_order_mark_strongest() {
        assert!(decode(b"<meta charset=koi8-r>caf\xe9", Some("iso-8859-1")).ends_with("café"));
        assert_eq!(decode(b"\xef\xbb\xbfcaf\xc3\xa9", Some("iso-8859-1")), "café");
        assert_eq!(decode(b"\xff\xfea\0b\0", None), "ab");
    }

    #[test]
    fn without_a_declaration_utf8_or_ascii() {
        assert_eq!(decode("café 🎉".as_bytes(), None), "café 🎉");
        assert_eq!(decode(b"caf\xe9 bar", None), "caf bar");
        assert_eq!(decode(b"caf\xe9 bar", Some("no-such-encoding")), "caf bar");
        let cut = &"café".as_bytes()[..4];
        assert_eq!(decode(cut, None), "caf", "an incomplete last character is dropped");
    }

    #[test]
    fn broken_text_in_a_declared_encoding_is_readable_all_the_same() {
        assert_eq!(decode(b"a\xffb", Some("utf-8")), "a\u{fffd}b");
    }

    #[test]
    fn what_looks_like_a_declaration_and_is_none() {
        assert_eq!(decode(b"charset=koi8-r \xc3\xa9", None), "charset=koi8-r é");
        assert_eq!(decode(b"<meta charset> \xc3\xa9", None), "<meta charset> é");
        assert_eq!(decode(b"<meta name=x> charset=koi8-r \xc3\xa9", None), "<meta name=x> charset=koi8-r é");
    }
}
