//! HTML of other programs as Markdown: what programs that post HTML mean by it, without anything that is active.
//!
//! Elements that are not known go, and their text stays; scripts and styles go with their text.

use crate::mrkdwn::{link, push_escaped};
use crate::{cut, with_line_feeds};

/// The elements by which a text is taken for HTML.
const KNOWN: [&str; 27] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "del",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "table",
    "ul",
];

/// How deep elements nest.
const MAX_DEPTH: usize = 32;

/// How far the end of a tag is looked for, in characters.
const MAX_TAG_CHARS: usize = 4_000;

/// How many tags without an end are tried. What follows has no tags: looking for the end of each takes up to
/// [`MAX_TAG_CHARS`].
const MAX_UNENDED_TAGS: usize = 20;

/// The longest name of an entity, in bytes: `#x10FFFF`.
const MAX_ENTITY_BYTES: usize = 8;

/// Whether a text has an element of HTML, and is not only a text with a sign in it, like `a <b and c> d`.
#[must_use]
pub fn is_html(text: &str) -> bool {
    text.match_indices('<').take(1_000).any(|(at, _)| {
        parse_tag(&text[at..]).is_ok_and(|(tag, _)| {
            let is_plausible = tag.attributes.trim().is_empty() || tag.attributes.contains('=');
            is_plausible
                && KNOWN.contains(&tag.name.as_str())
                && (tag.name != "a" || !tag.attributes.is_empty() || tag.is_end)
        })
    })
}

/// HTML as Markdown, at most [`MAX_CHARS`](crate::MAX_CHARS) characters and a sign that it is cut.
#[must_use]
pub fn to_markdown(html: &str) -> String {
    convert(&cut(with_line_feeds(html)))
}

fn convert(html: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = html;
    let mut unended_count = 0;
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if unended_count < MAX_UNENDED_TAGS {
            match parse_tag(rest) {
                Ok((tag, after)) => {
                    rest = after;
                    if matches!(tag.name.as_str(), "script" | "style" | "head" | "title") && !tag.is_end {
                        rest = after_end(rest, &tag.name);
                    } else {
                        writer.tag(&tag);
                    }
                    continue;
                }
                Err(NoTag::Unended) => unended_count += 1,
                Err(NoTag::Other) => {}
            }
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find('<').map_or(rest.len(), |at| at + first);
        writer.text(&decode(&rest[..end]));
        rest = &rest[end..];
    }
    writer.finish()
}

/// The rest of the input after the end tag of an element whose text is dropped.
fn after_end<'t>(rest: &'t str, name: &str) -> &'t str {
    let is_end = |at: &usize| rest[at + 2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    let at = rest.match_indices("</").map(|(at, _)| at).find(is_end);
    at.and_then(|at| rest[at..].split_once('>')).map_or("", |(_, after)| after)
}

/// A tag: its name in lower case, and its attributes as they are written.
struct Tag<'t> {
    name: String,
    attributes: &'t str,
    is_end: bool,
}

impl Tag<'_> {
    /// The value of an attribute, decoded.
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let name = &rest[..end];
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                let after = after.trim_start();
                let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''));
                (value, rest) = match quote {
                    Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                    None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
                };
            }
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decode(value));
            }
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        }
        None
    }
}

/// Why there is no tag at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoTag {
    /// It begins like one, and has no end nearby.
    Unended,
    /// It does not begin like one.
    Other,
}

/// The tag at the start of a text, and what follows it.
fn parse_tag(text: &str) -> Result<(Tag<'_>, &str), NoTag> {
    let (name, attributes, is_end) = tag_start(text).ok_or(NoTag::Other)?;
    let mut quote = None;
    for (at, character) in attributes.char_indices().take(MAX_TAG_CHARS) {
        match (quote, character) {
            (None, '>') => {
                let tag =
                    Tag { name: name.to_ascii_lowercase(), attributes: attributes[..at].trim_end_matches('/'), is_end };
                return Ok((tag, &attributes[at + 1..]));
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    Err(NoTag::Unended)
}

/// The name of the tag that a text begins with, what follows the name, and whether it is an end tag.
fn tag_start(text: &str) -> Option<(&str, &str, bool)> {
    let inner = text.strip_prefix('<')?;
    let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
    let name_end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-')?;
    let name = &inner[..name_end];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let attributes = &inner[name_end..];
    let is_tag = attributes.starts_with(|c: char| c.is_whitespace() || c == '/' || c == '>');
    is_tag.then_some((name, attributes, is_end))
}

/// An element that is open.
struct Open {
    name: String,
    /// Where its text begins in the output.
    start: usize,
    /// Where a link leads.
    target: Option<String>,
    /// The number of the next item of an ordered list.
    next_number: Option<usize>,
}

#[derive(Default)]
struct Writer {
    output: String,
    open: Vec<Open>,
}

impl Writer {
    fn is_in(&self, name: &str) -> bool {
        self.open.iter().any(|open| open.name == name)
    }

    fn text(&mut self, text: &str) {
        if self.is_in("pre") {
            self.output.push_str(text);
            return;
        }
        let mut words = text.split_whitespace().peekable();
        let starts_with_space = text.starts_with(char::is_whitespace);
        if words.peek().is_none() {
            if !text.is_empty() {
                self.space();
            }
            return;
        }
        if starts_with_space {
            self.space();
        }
        let joined = words.collect::<Vec<_>>().join(" ");
        let is_start = self.output.is_empty() || self.output.ends_with('\n');
        if self.is_in("code") {
            self.output.push_str(&joined.replace('`', "'"));
        } else {
            push_escaped(&mut self.output, &joined, is_start);
        }
        if text.ends_with(char::is_whitespace) {
            self.space();
        }
    }

    fn space(&mut self) {
        if !self.output.is_empty() && !self.output.ends_with([' ', '\n']) {
            self.output.push(' ');
        }
    }

    /// Ends the line, so that `count` line breaks stand at the end.
    fn lines(&mut self, count: usize) {
        let end = self.output.trim_end_matches(' ').len();
        self.output.truncate(end);
        // In `pre`, the spaces that go may be the text of an element that is open.
        for open in &mut self.open {
            open.start = open.start.min(end);
        }
        if self.output.is_empty() {
            return;
        }
        let breaks = self.output.len() - self.output.trim_end_matches('\n').len();
        for _ in breaks..count {
            self.output.push('\n');
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.output.push('\n'),
            "hr" => {
                self.lines(2);
                self.output.push_str("---\n\n");
            }
            "img" => {
                let label = tag.attribute("alt").filter(|alt| !alt.trim().is_empty());
                let source = tag.attribute("src").unwrap_or_default();
                if is_web_address(&source) {
                    self.output.push_str(&link(&label.unwrap_or_else(|| "picture".to_owned()), &source));
                } else if let Some(label) = label {
                    self.text(&label);
                }
            }
            _ if tag.is_end => self.end(&tag.name),
            _ => self.begin(tag),
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) {
        if self.open.len() >= MAX_DEPTH {
            return;
        }
        match tag.name.as_str() {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" => self.lines(2),
            "ul" | "ol" => self.lines(if self.is_in("li") { 1 } else { 2 }),
            "div" | "tr" | "section" | "table" => self.lines(1),
            "li" => self.item(),
            "td" | "th" => self.space(),
            _ => {}
        }
        let target = (tag.name == "a").then(|| tag.attribute("href").unwrap_or_default());
        let next_number = (tag.name == "ol").then_some(1);
        self.open.push(Open { name: tag.name.clone(), start: self.output.len(), target, next_number });
    }

    fn item(&mut self) {
        self.lines(1);
        let depth = self.open.iter().filter(|open| matches!(open.name.as_str(), "ul" | "ol")).count();
        self.output.push_str(&"  ".repeat(depth.saturating_sub(1)));
        let list = self.open.iter_mut().rev().find(|open| matches!(open.name.as_str(), "ul" | "ol"));
        match list.and_then(|list| list.next_number.as_mut()) {
            Some(number) => {
                self.output.push_str(&format!("{number}. "));
                *number += 1;
            }
            None => self.output.push_str("- "),
        }
    }

    /// Ends an element, and those in it that were left open.
    fn end(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else { return };
        while self.open.len() > at {
            if let Some(open) = self.open.pop() {
                self.close(open);
            }
        }
    }

    fn close(&mut self, open: Open) {
        let start = open.start.min(self.output.len());
        let inner = self.output[start..].to_owned();
        let replaced = match open.name.as_str() {
            "b" | "strong" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "th" => around(&inner, "**"),
            "i" | "em" => around(&inner, "_"),
            "s" | "del" | "strike" => around(&inner, "~~"),
            "code" if !self.is_in("pre") => around(&inner, "`"),
            "a" => Some(self::anchor(&inner, open.target.as_deref().unwrap_or_default())),
            "pre" => Some(format!("```\n{}\n```", inner.trim_matches('\n').replace("```", "'''"))),
            "blockquote" => {
                let lines = inner.trim().lines().map(|line| format!("> {line}").trim_end().to_owned());
                Some(lines.collect::<Vec<_>>().join("\n"))
            }
            _ => None,
        };
        if let Some(replaced) = replaced {
            self.output.truncate(start);
            self.output.push_str(&replaced);
        }
        match open.name.as_str() {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" => self.lines(2),
            "ul" | "ol" => self.lines(if self.is_in("li") { 1 } else { 2 }),
            "div" | "tr" | "li" | "section" | "table" => self.lines(1),
            _ => {}
        }
    }

    fn finish(mut self) -> String {
        while let Some(open) = self.open.pop() {
            self.close(open);
        }
        cut(self.output.trim().to_owned())
    }
}

/// A text between two signs, with the white space at its ends outside of them; `None` to leave it as it is.
fn around(inner: &str, sign: &str) -> Option<String> {
    let trimmed = inner.trim();
    if trimmed.is_empty() || trimmed.contains('\n') {
        return None;
    }
    let start = inner.len() - inner.trim_start().len();
    let end = inner.trim_end().len();
    Some(format!("{}{sign}{trimmed}{sign}{}", &inner[..start], &inner[end..]))
}

/// A link whose label is Markdown already.
fn anchor(label: &str, target: &str) -> String {
    let trimmed = label.trim();
    let is_plain = is_web_address(target) || target.starts_with("mailto:");
    if !is_plain || target.contains(char::is_whitespace) || trimmed.contains('\n') {
        return label.to_owned();
    }
    let target = target.replace('(', "%28").replace(')', "%29").replace(['<', '>', '\\'], "");
    if trimmed.is_empty() { target } else { format!("[{trimmed}]({target})") }
}

fn is_web_address(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// Replaces entities: those of numbers, and the common ones of names.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let end = after.bytes().take(MAX_ENTITY_BYTES + 1).position(|byte| byte == b';');
        let name = end.map(|end| &after[..end]);
        match name.and_then(character) {
            Some(character) => {
                decoded.push(character);
                rest = &after[name.map_or(0, str::len) + 1..];
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded + rest
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        let character = char::from_u32(code).filter(|character| *character != '\0');
        return character.map(|character| if character == '\r' { '\n' } else { character });
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "bull" => '•',
        "copy" => '©',
        "euro" => '€',
        "laquo" => '«',
        "raquo" => '»',
        "rarr" => '→',
        "check" => '✓',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_CHARS;

    #[test]
    fn elements_become_markdown() {
        for (html, expected) in [
            (
                "<b>Build</b> <a href=\"https://ci.example/41\">41</a> passed",
                "**Build** [41](https://ci.example/41) passed",
            ),
            ("<p>one</p><p>two</p>", "one\n\ntwo"),
            ("<div>one<br>two</div>three", "one\ntwo\nthree"),
            ("<ul><li>a</li><li>b <em>c</em></li></ul>", "- a\n- b _c_"),
            ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
            ("<pre><code>x *y*\nz</code></pre>", "```\nx *y*\nz\n```"),
            ("use <code>a*b*</code>", "use `a*b*`"),
            ("<blockquote>said<br>so</blockquote>then", "> said\n> so\n\nthen"),
            ("<h1>Title</h1>text", "**Title**\n\ntext"),
            ("a &amp; b &lt;c&gt; &#39;d&#x27; &unknown; &", "a & b <c> 'd' &unknown; &"),
            ("2 * 3 <i></i>", "2 \\* 3"),
            ("<b> spaced </b>out", "**spaced** out"),
            ("<a href='javascript:alert(1)'>x</a>", "x"),
            ("<script>alert(1)</script>text<style>b{}</style>", "text"),
            ("<img src=https://a.example/x.png alt='A chart'>", "[A chart](https://a.example/x.png)"),
            ("<!-- no -->yes", "yes"),
            ("<custom-thing>kept</custom-thing>", "kept"),
            ("</b>", ""),
            ("<pre>a     <b><div>xééé</b>", "```\na\n**xééé**\n```"),
            ("<blockquote><pre>a&#13;b\rc</pre></blockquote>", "> ```\n> a\n> b\n> c\n> ```"),
            ("<SCRIPT>a</b></Script >text", "text"),
            ("a <y it's <b>bold</b>", "a <y it's **bold**"),
            ("&#x10FFFF;&#128512;&123456789;", "\u{10FFFF}😀&123456789;"),
        ] {
            assert_eq!(to_markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn texts_with_signs_are_not_html() {
        for text in [
            "a < b",
            "a <b and c> d",
            "Vec<i32>",
            "<ada@example.com>",
            "x <- y",
            "Hello!",
            "a<b",
            "<3",
            "{\"a\":\"<\"}",
        ] {
            assert!(!is_html(text), "{text}");
        }
        for text in ["<b>x</b>", "a<br/>b", "<a href='x'>", "<P>x", "<div class=\"x\">", "x</strong>"] {
            assert!(is_html(text), "{text}");
        }
    }

    #[test]
    fn hostile_html_takes_linear_time_and_space() {
        for unit in
            ["<b>", "<ul><li>", "<a href='", "<", "<a ", "&", "<!--", "<pre>", "<blockquote>x", "<script>", "<i>x</i>"]
        {
            let html = unit.repeat(60_000 / unit.len());
            let made = to_markdown(&html);
            assert!(made.len() <= 8 * html.len(), "{unit}: {}", made.len());
            let _ = is_html(&html);
        }
    }

    #[test]
    fn random_html_never_panics_and_is_never_too_long() {
        let pieces = [
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<pre>",
            "</pre>",
            "<code>",
            "</code>",
            "<div>",
            "</div>",
            "<p>",
            "<br>",
            "<ul>",
            "<ol>",
            "<li>",
            "</ul>",
            "<blockquote>",
            "</blockquote>",
            "<a href='https://a.example/é'>",
            "</a>",
            "<hr>",
            "<td>",
            "<h1>",
            "</h1>",
            "<script>",
            "</script>",
            "<a '",
            "<!--",
            "-->",
            "&amp;",
            "&#",
            ";",
            " ",
            "     ",
            "\n",
            "é",
            "🙂",
            "x",
            "\u{a0}",
            "\r",
            "`",
            "*",
        ];
        // An xorshift generator: the same texts in every run.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |count: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % count as u64).unwrap()
        };
        for _ in 0..5_000 {
            let count = next(40);
            let html: String = (0..count).map(|_| pieces[next(pieces.len())]).collect();
            assert!(to_markdown(&html).chars().count() <= MAX_CHARS, "{html}");
        }
        let grows = "<ul><li><ul><li><ul><li>".to_owned() + &"<li>x".repeat(20_000);
        assert!(to_markdown(&grows).chars().count() <= MAX_CHARS + 1);
    }

    #[test]
    fn tags_and_entities_without_an_end_take_linear_time() {
        // In quadratic time, each of these would take minutes.
        for unit in ["<a ", "<a '", "&", "&amp", "<script></script>", "<script></x>"] {
            let made = convert(&unit.repeat(300_000 / unit.len()));
            assert!(made.chars().count() <= MAX_CHARS + 1, "{unit}");
        }
    }
}
