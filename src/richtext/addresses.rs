//! Addresses in text: where a URL or an e-mail address begins and ends, in every script.

use std::net::Ipv6Addr;
use std::ops::Range;

use url::Url;

use super::scripts::is_unspaced;

/// The schemes of links. None of them runs a script in the page.
pub(super) const SCHEMES: [&str; 23] = [
    "http", "https", "afs", "aim", "callto", "feed", "ftp", "ftps", "git", "gopher", "irc", "ircs", "mailto", "news",
    "nntp", "rsync", "rtsp", "sftp", "ssh", "svn", "telnet", "webcal", "xmpp",
];

/// The longest scheme with the `+` and digits that may precede it, in bytes: how far back one is looked for.
const MAX_SCHEME_BYTES: usize = 16;

/// The longest local part of an e-mail address, in bytes: RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

/// How many brackets may be open within an address. If they are not closed it ends before them, and what follows is read
/// again.
const MAX_OPEN_BRACKETS: usize = 8;

/// The longest domain, in bytes: RFC 5321, section 4.5.3.1.2.
const MAX_DOMAIN_BYTES: usize = 255;

/// An address in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub range: Range<usize>,
    /// Where a link to it leads.
    pub destination: String,
}

/// The addresses in `text`, in order, none within another. With `in_table` a `|` ends them.
pub(super) fn find_addresses(text: &str, in_table: bool) -> Vec<Address> {
    let mut found = Vec::new();
    let mut end = 0;
    for (at, sign) in text.match_indices([':', 'w', 'W', '[', '@']) {
        if at < end {
            continue;
        }
        let address = match sign {
            ":" => with_scheme(text, at, in_table),
            "[" => bare_ip(text, at, in_table),
            "@" => email(text, at, end),
            _ => bare_www(text, at, in_table),
        };
        // What a browser does not take for an address, like `http://256.1.1.1`, would be a link that leads nowhere.
        let is_whole = |address: &Address| address.range.start >= end && Url::parse(&address.destination).is_ok();
        if let Some(address) = address.filter(is_whole) {
            end = address.range.end;
            found.push(address);
        }
    }
    found
}

/// Whether an address may begin at this byte: not within a word.
fn may_start(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() && !is_unspaced(before))
}

/// `https://a.example/b` or `mailto:ada@a.example`, around the colon at this byte.
fn with_scheme(text: &str, colon: usize, in_table: bool) -> Option<Address> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let before = &text.as_bytes()[colon.saturating_sub(MAX_SCHEME_BYTES)..colon];
    let start = colon - before.iter().rev().take_while(|byte| is_part(byte)).count();
    let scheme = text[start..colon].to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) || !may_start(text, start) {
        return None;
    }
    let end = if scheme == "mailto" {
        let local_len = text.as_bytes()[colon + 1..].iter().take(MAX_LOCAL_BYTES + 1).position(|byte| *byte == b'@')?;
        let at = colon + 1 + local_len;
        let address = email(text, at, colon + 1).filter(|address| address.range.start == colon + 1)?;
        let has_query = text[address.range.end..].starts_with('?');
        if has_query { end_of_path(text, address.range.end, in_table) } else { address.range.end }
    } else {
        let host = colon + "://".len();
        if !text[colon..].starts_with("://") {
            return None;
        }
        end_of_url(text, host, in_table)?
    };
    Some(Address { range: start..end, destination: text[start..end].to_owned() })
}

/// `www.a.example`.
fn bare_www(text: &str, at: usize, in_table: bool) -> Option<Address> {
    let is_www = text.get(at..at + 4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let is_apart = !text[..at].ends_with(['.', '-', '/', '@']);
    if !is_www || !is_apart || !may_start(text, at) || !text[at + 4..].starts_with(char::is_alphanumeric) {
        return None;
    }
    let end = end_of_url(text, at, in_table)?;
    (end > at + 4).then(|| Address { range: at..end, destination: format!("https://{}", &text[at..end]) })
}

/// `[::1]:3000` or `[::1]/path`.
fn bare_ip(text: &str, at: usize, in_table: bool) -> Option<Address> {
    let host_end = end_of_ip(text, at)?;
    let goes_on = text[host_end..].starts_with('/') || port_end(text, host_end) > host_end;
    if !goes_on || !may_start(text, at) {
        return None;
    }
    let end = end_of_url(text, at, in_table)?;
    Some(Address { range: at..end, destination: format!("http://{}", &text[at..end]) })
}

/// Where the `[::1]` ends that begins at this byte.
fn end_of_ip(text: &str, at: usize) -> Option<usize> {
    let inside = text[at..].strip_prefix('[')?;
    let length = inside.bytes().take(64).position(|byte| byte == b']')?;
    let address = inside[..length].split('%').next().unwrap_or_default();
    address.parse::<Ipv6Addr>().ok()?;
    Some(at + length + 2)
}

/// Where the port after a host ends; where the host does, without one.
fn port_end(text: &str, host_end: usize) -> usize {
    let digits =
        text[host_end..].strip_prefix(':').map_or(0, |port| port.bytes().take_while(u8::is_ascii_digit).count());
    if digits == 0 { host_end } else { host_end + 1 + digits }
}

/// Where the URL ends whose host begins at this byte; `None` if there is no host. What is read is a part of the URL, so
/// that a text is not read again and again.
fn end_of_url(text: &str, host: usize, in_table: bool) -> Option<usize> {
    if let Some(ip_end) = end_of_ip(text, host) {
        let host_end = port_end(text, ip_end);
        let has_path = text[host_end..].starts_with(['/', '?', '#']);
        return Some(if has_path { end_of_path(text, host_end, in_table) } else { host_end });
    }
    if !text[host..].starts_with(|c: char| c.is_alphanumeric() || is_symbol(c)) {
        return None;
    }
    let end = end_of_path(text, host, in_table);
    // A name and a password may stand before the host.
    let authority_end = text[host..end].find(['/', '?', '#']).map_or(end, |length| host + length);
    let name = text[host..authority_end].rfind('@').map_or(host, |at| host + at + 1);
    if name > host && !text[name..authority_end].starts_with(char::is_alphanumeric) {
        return Some(name - 1);
    }
    // No top-level domain mixes scripts, and no port has letters: in `a.exampleを見て` both end before the words.
    let host_name = text[name..authority_end].split(NOT_IN_HOSTS).next().unwrap_or_default();
    if text[name + host_name.len()..authority_end].starts_with(|c: char| c != ':') {
        return Some(name + host_name.trim_end_matches(['.', '-']).len());
    }
    let host_end = name + host_name.len();
    let top_level = host_name.rfind('.').map_or(0, |dot| dot + 1);
    let is_ascii = host_name[top_level..].starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_foreign = |c: char| !c.is_ascii() && !is_latin(c);
    let words = host_name[top_level..].find(is_foreign).filter(|_| is_ascii);
    let port = port_end(text, host_end);
    let is_port_in_words = port > host_end && text[port..authority_end].starts_with(|c: char| !c.is_ascii());
    Some(match words {
        Some(length) => name + top_level + length,
        None if is_port_in_words => port,
        None => end,
    })
}

/// Whether a character outside of ASCII is a Latin letter or a mark on one, as in `münchen` and `vermögensberatung`.
const fn is_latin(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}')
}

/// What ends the name of a host, in `www.a.example,www.b.example`. Only the colon goes on, with a port.
const NOT_IN_HOSTS: [char; 14] = [':', ',', ';', '!', '\'', '*', '~', '$', '&', '+', '=', '(', '[', '{'];

/// Where an address ends of which everything up to this byte is a part.
///
/// White space, quotes and the punctuation of sentences in any script end it, and so does a bracket that was not opened in
/// it. Other punctuation may be inside, but not at its end.
fn end_of_path(text: &str, from: usize, in_table: bool) -> usize {
    let mut end = from;
    // The brackets that are open: what closes each, and where it was opened.
    let mut open: Vec<(char, usize)> = Vec::new();
    for (offset, c) in text[from..].char_indices() {
        let at = from + offset;
        match c {
            // `**https://a.example/**を`
            '*' | '~' | ',' | ';' | '!' if text[at + 1..].starts_with(is_unspaced) => break,
            ',' | ';' if ["http://", "https://"].iter().any(|next| text[at + 1..].starts_with(next)) => break,
            '(' | '[' | '{' if open.len() == MAX_OPEN_BRACKETS => break,
            '(' => open.push((')', at)),
            '[' => open.push((']', at)),
            '{' => open.push(('}', at)),
            ')' | ']' | '}' => {
                if open.last().is_none_or(|(close, _)| *close != c) {
                    break;
                }
                open.pop();
                end = at + 1;
            }
            '|' if in_table => break,
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '~' | '|' => {}
            '<' | '>' | '"' | '`' | '\\' | '^' => break,
            _ if c.is_ascii() => {
                if c.is_ascii_control() || c == ' ' {
                    break;
                }
                end = at + 1;
            }
            _ if is_end(c) => break,
            _ if c.is_alphanumeric() => end = at + c.len_utf8(),
            // An accent belongs to its letter.
            _ if is_mark(c) && end == at => end = at + c.len_utf8(),
            // A picture is a word of a path, not what follows one: `/🔥` and `/foo🔥`.
            _ if is_symbol(c) && end == at && !text[..at].ends_with(char::is_alphanumeric) => end = at + c.len_utf8(),
            _ => {}
        }
    }
    // A bracket that is still open belongs to the text around the address.
    open.first().map_or(end, |(_, at)| end.min(*at))
}

/// Whether a character outside of ASCII ends an address: white space, quotes, brackets, marks between sentences, and what
/// nobody can see. The dashes and the dots between words that stand in titles do not.
fn is_end(c: char) -> bool {
    use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};
    match c.general_category() {
        Category::OtherPunctuation => {
            !matches!(c, '\u{b7}' | '\u{30fb}' | '\u{ff65}' | '\u{f0b}' | '\u{5f3}' | '\u{5f4}')
        }
        Category::DashPunctuation => matches!(c, '\u{2014}' | '\u{2e3a}' | '\u{2e3b}' | '\u{301c}' | '\u{3030}'),
        Category::OpenPunctuation
        | Category::ClosePunctuation
        | Category::InitialPunctuation
        | Category::FinalPunctuation
        | Category::SpaceSeparator
        | Category::LineSeparator
        | Category::ParagraphSeparator
        | Category::Control
        | Category::Unassigned => true,
        Category::Format => !matches!(c, '\u{200c}' | '\u{200d}'),
        // Full-width signs stand between words of wide scripts, like their brackets; arrows stand between addresses.
        Category::MathSymbol | Category::ModifierSymbol | Category::OtherSymbol => {
            matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2794}'..='\u{27be}' | '\u{27f0}'..='\u{27ff}' | '\u{2900}'..='\u{297f}' | '\u{ff00}'..='\u{ffef}')
        }
        _ => false,
    }
}

/// Whether a character belongs to the one before it: an accent, or what makes one picture of two.
fn is_mark(c: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup as Group, UnicodeGeneralCategory};
    !c.is_ascii() && (matches!(c, '\u{200c}' | '\u{200d}') || c.general_category_group() == Group::Mark)
}

/// Whether a character outside of ASCII is a sign or a picture.
fn is_symbol(c: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup as Group, UnicodeGeneralCategory};
    !c.is_ascii() && !is_end(c) && c.general_category_group() == Group::Symbol
}

/// An e-mail address around the `@` at this byte; it begins at `from` or later.
fn email(text: &str, at: usize, from: usize) -> Option<Address> {
    let is_letter = |c: char| (c.is_alphanumeric() || is_mark(c)) && !is_unspaced(c);
    let is_local = |c: char| is_letter(c) || (c.is_ascii_graphic() && ".!#$%&'*+-/=?^_{|}~".contains(c));
    let mut start = at;
    for (index, c) in text[from..at].char_indices().rev() {
        if !is_local(c) || at - (from + index) > MAX_LOCAL_BYTES {
            break;
        }
        start = from + index;
    }
    // Marks before it are those of the text: `(ada@…`, `*ada@…`, `mailto:`.
    start += text[start..at].find(char::is_alphanumeric)?;
    let local = &text[start..at];
    if local.ends_with('.') || local.contains("..") || !may_start(text, start) {
        return None;
    }
    let domain = &text[at + 1..text.floor_char_boundary(at + 1 + MAX_DOMAIN_BYTES)];
    let mut end = 0;
    let mut labels = 0;
    let mut rest = domain.split('.').peekable();
    while let Some(label) = rest.next() {
        // In a script without blanks, the words after an address would be taken for its last label.
        let is_wide = label.starts_with(is_unspaced) && rest.peek().is_some_and(|next| next.starts_with(is_letter));
        let is_part = |c: char| is_letter(c) || c == '-' || (is_wide && is_unspaced(c));
        let length = label.find(|c: char| !is_part(c)).unwrap_or(label.len());
        let name = label[..length].trim_end_matches('-');
        if name.is_empty() || name.starts_with('-') {
            break;
        }
        end += name.len() + usize::from(labels > 0);
        labels += 1;
        if name.len() < label.len() {
            break;
        }
    }
    let last = domain[..end].rsplit('.').next().unwrap_or_default();
    let is_domain = labels >= 2 && last.chars().count() >= 2 && !last.chars().all(|c| c.is_ascii_digit());
    is_domain
        .then(|| Address { range: start..at + 1 + end, destination: format!("mailto:{}", &text[start..at + 1 + end]) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find_addresses(text, false).into_iter().map(|address| &text[address.range]).collect()
    }

    #[test]
    fn an_address_ends_before_the_punctuation_of_the_sentence_in_every_script() {
        for text in [
            "見て https://a.example/foo。次",
            "見てhttps://a.example/foo、次",
            "“https://a.example/foo”",
            "‘https://a.example/foo’s",
            "«https://a.example/foo»",
            "„https://a.example/foo“",
            "「https://a.example/foo」を",
            "（https://a.example/foo）",
            "【https://a.example/foo】",
            "https://a.example/foo！",
            "https://a.example/foo？と",
            "https://a.example/foo，次",
            "https://a.example/foo：",
            "https://a.example/foo；",
            "https://a.example/foo…",
            "https://a.example/foo—next",
            "https://a.example/foo، ثم",
            "https://a.example/foo؟",
            "https://a.example/foo؛",
            "https://a.example/foo।",
            "https://a.example/foo።",
            "https://a.example/foo։",
            "https://a.example/foo។",
            "https://a.example/foo・",
            "https://a.example/foo\u{3000}次",
            "https://a.example/foo\u{200b}x",
            "https://a.example/foo\u{a0}x",
            "(https://a.example/foo)",
            "[https://a.example/foo]",
            "{https://a.example/foo}",
            "<https://a.example/foo>",
            "\"https://a.example/foo\"",
            "'https://a.example/foo'",
            "`https://a.example/foo`",
            "https://a.example/foo.",
            "https://a.example/foo?!",
            "https://a.example/foo,",
            "https://a.example/foo:",
            "https://a.example/foo;",
            "**https://a.example/foo**",
            "_https://a.example/foo_",
            "~~https://a.example/foo~~",
            "*(https://a.example/foo).*",
            "https://a.example/foo(see below)",
            "https://a.example/foo\\",
            "https://a.example/foo'",
            "**https://a.example/foo**を見て",
            "https://a.example/foo,次",
            "https://a.example/foo!次",
            "https://a.example/foo).x",
            "https://a.example/foo\n",
            "＜https://a.example/foo＞",
            "https://a.example/foo～次",
            "https://a.example/foo｜次",
            "https://a.example/foo＋次",
            "https://a.example/foo＝次",
            "https://a.example/foo→次",
            "https://a.example/foo ➜ next",
            "https://a.example/foo➜",
            "https://a.example/foo⇒x",
            "🔥https://a.example/foo🔥",
            "https://a.example/foo❤️",
            "https://a.example/foo👍🏽!",
            "https://a.example/foo👩‍🚀",
            "https://a.example/foo🇩🇪 x",
            "https://a.example/foo™",
            "https://a.example/foo´",
            "https://a.example/foo€",
        ] {
            assert_eq!(found(text), ["https://a.example/foo"], "{text:?}");
        }
    }

    #[test]
    fn an_address_is_whole() {
        for text in [
            "https://a.example/_/x",
            "https://a.example/*a*/~~b~~/x",
            "https://a.example/@Bob",
            "https://a.example/x?a=1&b=2#c",
            "https://a.example/a_(b)",
            "https://a.example/a[0]={1}",
            "https://a.example/見て/東京",
            "https://例え.テスト/x",
            "https://a.example/o'brien",
            "https://a.example/a,b;c:d!e",
            "https://a.example/–x",
            "https://a.example/x・y",
            "HTTPS://A.example/X",
            "http://localhost:3000",
            "http://[::1]:3000/x",
            "http://[2001:db8::1]",
            "https://ada:secret@a.example/x",
            "ftp://a.example/x",
            "www.a.example",
            "Www.a.example/x",
            "WWW.A.EXAMPLE",
            "[::1]:3000",
            "[2001:db8::1]/x",
            "ada@a.example",
            "ada.b+c@a-b.example.org",
            "mailto:ada@a.example",
            "mailto:ada@a.example?subject=x",
            "müller@a.example",
            "https://a.example/x|y",
            "irc://a.example/room",
            "https://münchen.example",
            "https://a.example/e\u{301}/x",
            "https://a.example/🔥",
            "https://a.example/👩‍🚀/x",
            "https://a.example/I❤️NY",
            "https://a.example/?q=👍🏽",
            "https://i❤.example/x",
            "https://🍕.example/x",
            "https://a.vermögensberatung/x",
            "http://bücher:8080/x",
            "https://a.example:8443/x",
            "https://xn--bcher-kva.example",
            "https://मेरा.उदाहरण/पथ",
            "http://مثال.إختبار/صفحة",
            "http://пример.рф:80/путь",
            "https://ตัวอย่าง.ทดสอบ/หน้า",
            "telnet://a.example",
            "feed://a.example/x",
            "ada@mu\u{308}nchen.example",
            "अदा@उदाहरण.परीक्षा",
            "иван@почта.рф",
        ] {
            assert_eq!(found(text), [text]);
            assert_eq!(found(&format!("見て{text} x")), [text]);
        }
        assert_eq!(
            found("https://a.example/_/x https://b.example/_/y"),
            ["https://a.example/_/x", "https://b.example/_/y"]
        );
        assert_eq!(found("[x](https://a.example/x_(y)) z"), ["https://a.example/x_(y)"]);
        assert_eq!(found("[https://a.example](https://b.example)"), ["https://a.example", "https://b.example"]);
        assert_eq!(found("Ada <ada@a.example>, bob@b.example."), ["ada@a.example", "bob@b.example"]);
        assert_eq!(found("連絡はada@a.example。"), ["ada@a.example"]);
        assert_eq!(found("https://a.exampleを見て"), ["https://a.example"]);
        assert_eq!(found("https://a.exampleです。"), ["https://a.example"]);
        assert_eq!(found("https://a.example🔥"), ["https://a.example"]);
        assert_eq!(found("www.a.example👍 x"), ["www.a.example"]);
        assert_eq!(found("https://a.example:3000を見て"), ["https://a.example:3000"]);
        assert_eq!(found("http://localhost:3000を"), ["http://localhost:3000"]);
        assert_eq!(found("https://a.example/a→https://b.example/b"), ["https://a.example/a", "https://b.example/b"]);
        for separator in [",", ";", ", ", "、", "\n", "|", "→"] {
            let both = ["https://a.example/x", "https://b.example/y"];
            assert_eq!(find_addresses(&both.join(separator), true).len(), 2, "{separator}");
            assert_eq!(
                find_addresses(&["www.a.example", "www.b.example"].join(separator), true).len(),
                2,
                "{separator}"
            );
        }
        assert_eq!(found("https://a.example(x)"), ["https://a.example"]);
        assert_eq!(found("ada@例え.example"), ["ada@例え.example"]);
        assert_eq!(found("_www.a.example_"), ["www.a.example"]);
        assert_eq!(found("@bob@social.example"), ["bob@social.example"]);
        assert_eq!(find_addresses("|https://a.example/x|y|", true)[0].range, 1..20);
    }

    #[test]
    fn what_only_resembles_an_address_is_none() {
        for text in [
            "main.rs",
            "a@b",
            "@Bob",
            "@Bob: hi",
            "https://",
            "https:// x",
            "http://.",
            "x:y",
            "std::string",
            "10:42",
            "[10:42]: deployed",
            "[::1]",
            "[x]:3000",
            "javascript:alert(1)",
            "data:text/html,x",
            "xhttps://a.example",
            "www.",
            "www..a",
            "awww.a.example",
            "a@1.2.3.4",
            "ada@a..example",
            "@@",
            "a@-b.example",
            "javascript://a.example",
            "file://a/b",
            "[fe80::1%eth0]:80",
            "http://[fe80::1%eth0]/",
            "http://256.1.1.1/",
            "https://a.example:99999/",
            "http://[x]/y",
            "wwww",
            "://a.example",
        ] {
            assert_eq!(found(text), [""; 0], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn addresses_lie_apart_and_on_the_boundaries_of_characters(text in "(https?://|www\\.|@|\\[::1\\]|mailto:|a\\.example|[()\\[\\]{}|.,:/_*~<>\"'`\\\\ ]|日|。|“|é|\\PC){0,40}") {
            let mut end = 0;
            for address in find_addresses(&text, false) {
                prop_assert!(address.range.start >= end && address.range.start < address.range.end);
                prop_assert!(address.destination.ends_with(&text[address.range.clone()]));
                end = address.range.end;
            }
        }
    }
}
