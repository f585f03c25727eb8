//! What the Markdown parser gets to read: the source with its addresses and mentions replaced by tokens, and with what
//! CommonMark would swallow or misread protected.
//!
//! Addresses are found first, then names, then Markdown: `https://a.example/_/x` holds no emphasis, `@Bob_` may be a name.
//! Tokens consist of noncharacters (U+FDD5 to U+FDE0), which are removed from the source before. The parser takes them for
//! letters. Everything that it returns, code and addresses included, is [restored](Prepared::restore).

use std::borrow::Cow;

use super::addresses::{Address, find_addresses};
use super::code;
use super::mentions::{MentionMatch, Names};
use super::scripts::is_wide;

/// Followed by the index of a span.
const SPAN_START: char = '\u{fdd5}';
const SPAN_END: char = '\u{fdd6}';
/// Stands for nothing, as a letter: next to it punctuation is none for the parser, and a line does not begin with what
/// follows.
const JOINER: char = '\u{fdd7}';
/// Characters that are no markup where they stand, each with the token in its place.
const LITERALS: [(char, char); 9] = [
    ('\\', '\u{fdd8}'),
    ('<', '\u{fdd9}'),
    ('~', '\u{fdda}'),
    ('*', '\u{fddb}'),
    ('_', '\u{fddc}'),
    ('[', '\u{fddd}'),
    (']', '\u{fdde}'),
    ('|', '\u{fddf}'),
    ('`', '\u{fde0}'),
];

/// How many `@` of a body are looked up, to bound the time that it takes.
const MAX_LOOKUPS: usize = 500;

/// For how many code blocks the line that ends them is looked for, to bound the time that a body takes.
const MAX_FENCES: usize = 100;

/// A source, ready to be parsed.
pub(super) struct Prepared {
    /// The source with tokens.
    pub markdown: String,
    spans: Vec<Span>,
}

/// What a token stands for.
pub(super) struct Span {
    /// What was typed.
    pub typed: String,
    pub kind: SpanKind,
}

pub(super) enum SpanKind {
    /// An address, with where it leads.
    Address(String),
    Mention(MentionMatch),
}

/// A piece of prepared text.
pub(super) enum Piece<'p> {
    Text(String),
    Span(&'p Span),
}

/// Prepares a source in which `names` can be mentioned.
pub(super) fn prepare(source: &str, names: &Names) -> Prepared {
    let source = without_tokens(source);
    let lines = protect_lines(&source);
    tokenize(&lines, names, true)
}

/// Finds the addresses and names in a source that is shown as typed.
pub(super) fn prepare_typed(source: &str, names: &Names) -> Prepared {
    tokenize(&without_tokens(source), names, false)
}

/// The source without the characters that tokens and placeholders consist of.
fn without_tokens(source: &str) -> Cow<'_, str> {
    let is_reserved = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}');
    if source.contains(is_reserved) { source.replace(is_reserved, "").into() } else { source.into() }
}

impl Prepared {
    /// Prepared text as it was typed.
    pub(super) fn restore<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains(|c: char| matches!(c, SPAN_START..='\u{fde0}')) {
            return Cow::Borrowed(text);
        }
        let mut typed = String::with_capacity(text.len());
        for piece in self.pieces(text) {
            match piece {
                Piece::Text(text) => typed.push_str(&text),
                Piece::Span(span) => typed.push_str(&span.typed),
            }
        }
        Cow::Owned(typed)
    }

    /// Prepared text in pieces: text as it was typed, and spans.
    pub(super) fn pieces(&self, text: &str) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut typed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                SPAN_START => {
                    let Some((index, after)) = rest.split_once(SPAN_END) else { continue };
                    rest = after;
                    let index: Option<usize> = index.parse().ok();
                    let Some(span) = index.and_then(|index| self.spans.get(index)) else { continue };
                    if !typed.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut typed)));
                    }
                    pieces.push(Piece::Span(span));
                }
                JOINER | SPAN_END => {}
                c => typed.push(LITERALS.iter().find(|(_, token)| *token == c).map_or(c, |(literal, _)| *literal)),
            }
        }
        if !typed.is_empty() {
            pieces.push(Piece::Text(typed));
        }
        pieces
    }
}

/// What makes a `>` before it a face or a sign instead of a quote.
const FACES: [&str; 9] = [":", ";", "=", "<", "_<", "_>", "__", ".<", ".>"];

/// A code block that is open.
struct Fence {
    mark: u8,
    length: usize,
    quote_depth: usize,
    /// The line on which words stand before its end.
    sloppy_end: Option<usize>,
}

/// The start of a line: the quotes and list items that it opens or continues, and what follows them.
struct LineStart<'l> {
    quote_depth: usize,
    /// The marker of a list that the line begins with, if it would also end a paragraph.
    starts_list: bool,
    has_marker: bool,
    /// Where a marker begins that is none.
    no_marker: Option<usize>,
    is_indented: bool,
    /// Outside of quotes and lists, and indented as code is.
    is_code: bool,
    content: &'l str,
}

/// The source with line breaks where a quote or a code block ends, and with lines protected that CommonMark would swallow:
/// underlines of headings, definitions of links, and marks after headings.
fn protect_lines(source: &str) -> String {
    let lines: Vec<&str> = source.split('\n').collect();
    let mut text = String::with_capacity(source.len() + 64);
    let mut fence: Option<Fence> = None;
    let mut fence_count = 0;
    let mut quote_depth = 0;
    let mut after_paragraph = false;
    let mut after_marker = false;
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let start = LineStart::of(line);
        if let Some(open) = fence.take()
            && start.quote_depth >= open.quote_depth
        {
            (after_paragraph, after_marker, quote_depth) = (false, false, 0);
            let content = if open.quote_depth == 0 { *line } else { start.content };
            if open.is_end(content) {
                text.push_str(line);
            } else if open.sloppy_end == Some(index) {
                let code = line.trim_end().trim_end_matches(char::from(open.mark));
                text.extend([code, "\n", &line[code.len()..]]);
            } else {
                text.push_str(line);
                fence = Some(open);
            }
            continue;
        }
        let content = start.content.trim_end();
        let ends_quote = quote_depth > start.quote_depth && !line.trim().is_empty() && !start.starts_list;
        if ends_quote {
            // Without an empty line, a paragraph of a quote would go on.
            text.push_str(&">".repeat(start.quote_depth));
            text.push('\n');
            after_paragraph = false;
        }
        let bare = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let is_underline = !bare.is_empty() && ["-", "="].iter().any(|mark| bare.trim_start_matches(mark).is_empty());
        let is_heading = is_heading(content);
        if let Some(length) = fence_len(content) {
            let mark = content.as_bytes()[0];
            let mut open = Fence { mark, length, quote_depth: start.quote_depth, sloppy_end: None };
            fence_count += 1;
            let is_at_margin = !start.has_marker && !start.is_indented && start.quote_depth == 0;
            if is_at_margin && fence_count <= MAX_FENCES {
                open.sloppy_end = open.find_sloppy_end(&lines, index, &content[length..]);
            }
            fence = Some(open);
            text.push_str(line);
            (after_paragraph, after_marker, quote_depth) = (false, false, 0);
            continue;
        }
        let joined_at = if after_paragraph && is_underline && (start.is_indented || !after_marker) {
            Some(line.len() - line.trim_start_matches([' ', '\t', '>']).len())
        } else if is_heading && content.ends_with('#') && content.contains(|c: char| c != '#') {
            Some(line.len() - start.content.len() + content.len())
        } else if is_tilde_span(content) {
            Some(line.len() - start.content.len())
        } else if ends_quote && start.is_code {
            // After the line that was inserted, blanks before it would make it code.
            Some(0)
        } else {
            start.no_marker
        };
        let (before, after) = line.split_at(joined_at.unwrap_or(line.len()));
        text.push_str(before);
        if joined_at.is_some() {
            text.push(JOINER);
        }
        text.push_str(after);
        quote_depth = start.quote_depth;
        after_paragraph = !content.is_empty() && !is_heading;
        after_marker = start.has_marker;
    }
    text
}

impl Fence {
    /// Whether a line, without the quotes around it, ends the block.
    fn is_end(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.bytes().all(|byte| byte == self.mark)
    }

    /// The line with which a block ends whose end does not stand on a line of its own. `info` is what follows the fence.
    fn find_sloppy_end(&self, lines: &[&str], start: usize, info: &str) -> Option<usize> {
        let has_words = code::has_words(info);
        let mut sloppy = None;
        for (index, line) in lines.iter().enumerate().skip(start + 1) {
            if self.is_end(line) {
                return sloppy.filter(|_| has_words);
            }
            let line = line.trim_end();
            let mark_count = line.bytes().rev().take_while(|byte| *byte == self.mark).count();
            if mark_count >= self.length
                && mark_count < line.len()
                && sloppy.is_none()
                && fence_len(line.trim_start()).is_none()
            {
                sloppy = Some(index);
                if has_words {
                    return sloppy;
                }
            }
        }
        sloppy
    }
}

impl<'l> LineStart<'l> {
    fn of(line: &'l str) -> Self {
        let mut start = Self {
            quote_depth: 0,
            starts_list: false,
            has_marker: false,
            no_marker: None,
            is_indented: line.starts_with([' ', '\t']),
            is_code: false,
            content: line,
        };
        let mut is_first = true;
        loop {
            let rest = start.content.trim_start_matches([' ', '\t']);
            let indent = start.content.len() - rest.len();
            if indent >= 4 && !start.has_marker {
                start.is_code = is_first;
                start.content = rest;
                return start;
            }
            start.is_code = is_first && line.starts_with('\t');
            start.content = rest;
            let at = line.len() - rest.len();
            if let Some(after) = rest.strip_prefix('>') {
                // `>_<` and `>:(` are faces.
                let is_face = FACES.iter().any(|face| after.starts_with(face));
                if start.quote_depth == 0 && is_face {
                    start.no_marker = Some(at);
                    return start;
                }
                start.quote_depth += 1;
                start.content = after;
            } else if let Some((length, ends_paragraph)) = list_marker(rest) {
                if length == 0 {
                    start.no_marker = Some(at);
                    return start;
                }
                start.starts_list |= is_first && ends_paragraph;
                start.has_marker = true;
                start.content = &rest[length..];
            } else {
                return start;
            }
            is_first = false;
        }
    }
}

/// The length of the marker of a list item at the start of `text`, and whether it ends a paragraph before it. The length
/// is 0 for a number that would not be shown as it was typed.
fn list_marker(text: &str) -> Option<(usize, bool)> {
    let is_blank = |after: &str| after.is_empty() || after.starts_with([' ', '\t']);
    if text.starts_with(['-', '*', '+']) {
        return is_blank(&text[1..]).then_some((1, text.len() > 1));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_marker =
        (1..=9).contains(&digits) && text[digits..].starts_with(['.', ')']) && is_blank(&text[digits + 1..]);
    is_marker.then(|| (if digits > 1 && text.starts_with('0') { 0 } else { digits + 1 }, &text[..digits] == "1"))
}

fn is_heading(content: &str) -> bool {
    let marks = content.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&marks) && (content.len() == marks || content[marks..].starts_with([' ', '\t']))
}

/// How many characters the fence has that `content` begins with.
fn fence_len(content: &str) -> Option<usize> {
    let mark = *content.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = content.bytes().take_while(|byte| *byte == mark).count();
    let is_open = if mark == b'`' { !content[length..].contains('`') } else { !is_tilde_span(content) };
    (length >= 3 && is_open).then_some(length)
}

/// Whether words stand between tildes on one line, as in `~~~words~~~`: what follows is no code.
fn is_tilde_span(content: &str) -> bool {
    content.starts_with("~~~") && content.trim_start_matches('~').contains("~~~")
}

/// Replaces addresses and mentions by tokens, and with `has_markup` what is no markup.
fn tokenize(source: &str, names: &Names, has_markup: bool) -> Prepared {
    let mut tokenizer = Tokenizer {
        source,
        names,
        at: 0,
        lookup_count: 0,
        literal_until: 0,
        escapes_until: 0,
        is_drive_path: false,
        prepared: Prepared { markdown: String::with_capacity(source.len() + source.len() / 8), spans: Vec::new() },
    };
    let mut addresses = find_addresses(source, has_markup && has_table(source)).into_iter().peekable();
    while let Some(c) = source[tokenizer.at..].chars().next() {
        while addresses.next_if(|address| address.range.start < tokenizer.at).is_some() {}
        if let Some(Address { range, destination }) = addresses.next_if(|address| address.range.start == tokenizer.at) {
            tokenizer.push_span(range.end, SpanKind::Address(destination));
        } else if c == '@' && tokenizer.push_mention() {
        } else if has_markup {
            tokenizer.push_markup(c);
        } else {
            tokenizer.push(c);
        }
    }
    tokenizer.prepared
}

/// Whether a line can be the second one of a table.
fn has_table(source: &str) -> bool {
    source
        .lines()
        .any(|line| line.contains('-') && line.contains('|') && line.bytes().all(|byte| b" \t|:->".contains(&byte)))
}

struct Tokenizer<'a> {
    source: &'a str,
    names: &'a Names,
    at: usize,
    lookup_count: usize,
    /// Up to here backslashes are a part of a path or a pattern.
    literal_until: usize,
    /// Up to here they are not.
    escapes_until: usize,
    /// The last path is one of Windows, which may have blanks in it.
    is_drive_path: bool,
    prepared: Prepared,
}

impl Tokenizer<'_> {
    fn push(&mut self, c: char) {
        self.prepared.markdown.push(c);
        self.at += c.len_utf8();
    }

    fn push_literal(&mut self, c: char) {
        let token = LITERALS.iter().find(|(literal, _)| *literal == c).map_or(c, |(_, token)| *token);
        self.prepared.markdown.push(token);
        self.at += c.len_utf8();
    }

    fn push_span(&mut self, end: usize, kind: SpanKind) {
        let markdown = &mut self.prepared.markdown;
        markdown.push(SPAN_START);
        markdown.push_str(&self.prepared.spans.len().to_string());
        markdown.push(SPAN_END);
        let typed = self.source[self.at..end].replace(JOINER, "");
        self.prepared.spans.push(Span { typed, kind });
        self.at = end;
    }

    /// Pushes the mention that begins here, if one does.
    fn push_mention(&mut self) -> bool {
        self.lookup_count += 1;
        if self.lookup_count > MAX_LOOKUPS {
            return false;
        }
        let Some(found) = self.names.match_at(self.source, self.at) else { return false };
        self.push_span(found.range.end, SpanKind::Mention(found));
        true
    }

    fn push_markup(&mut self, c: char) {
        let after = &self.source[self.at + c.len_utf8()..];
        match c {
            // HTML is text. `[words](<address with blanks>)` is not HTML.
            '<' if !self.source[..self.at].ends_with("](") => self.push_literal(c),
            // So are entities: what was typed is shown. And a definition of a link would be swallowed.
            '&' => {
                self.push(c);
                self.prepared.markdown.push(JOINER);
            }
            ']' if after.starts_with(':') => {
                self.push(c);
                self.prepared.markdown.push(JOINER);
            }
            '\\' => self.push_backslash(after.chars().next()),
            '*' | '~' => self.push_emphasis(c),
            _ => self.push(c),
        }
    }

    /// A backslash is shown unless it takes the meaning from what follows it.
    fn push_backslash(&mut self, next: Option<char>) {
        let is_literal = self.is_in_path();
        match next {
            Some('\\') => {
                self.push_literal('\\');
                self.push_literal('\\');
            }
            Some(next) if !is_literal && self.is_escape(next) => {
                self.push('\\');
                self.push(next);
            }
            Some(next) => {
                self.push_literal('\\');
                if is_literal && LITERALS.iter().any(|(literal, _)| *literal == next) && next != '`' {
                    self.push_literal(next);
                }
            }
            None => self.push_literal('\\'),
        }
    }

    /// Whether the word around this backslash is a path or a pattern, like `C:\new\*.txt`, `src\*.rs` and `\d+\.\d+`: a
    /// backslash stands before a letter in it, or it begins like one, or goes on with one after a blank, as in
    /// `C:\Program Files\_old`.
    fn is_in_path(&mut self) -> bool {
        if self.at >= self.literal_until.max(self.escapes_until) {
            let start = self.source[..self.at].rfind(char::is_whitespace).map_or(0, |at| at + 1);
            let start =
                self.source.ceil_char_boundary(start).max(self.literal_until).max(self.escapes_until).min(self.at);
            let end =
                self.source[self.at..].find(char::is_whitespace).map_or(self.source.len(), |length| self.at + length);
            let word = &self.source[start..end];
            let before_letter = |(at, _): (usize, &str)| word[at + 1..].starts_with(char::is_alphanumeric);
            let begins_like_path = word.as_bytes().get(1..3) == Some(br":\")
                || [r"\\", r".\", r"..\", r"~\", "%"].iter().any(|start| word.starts_with(start));
            // The blank before the word is in the path that stands before it.
            let goes_on = self.literal_until > 0
                && self.source[self.literal_until..self.at].trim_start_matches(' ').find(char::is_whitespace).is_none()
                && self.is_drive_path
                && !word.starts_with('\\');
            let is_glob =
                word.split(r"\*.").skip(1).any(|kind| kind.starts_with(|c: char| c == '*' || c.is_alphanumeric()));
            if begins_like_path || goes_on || is_glob || word.match_indices('\\').any(before_letter) {
                self.is_drive_path = goes_on || word.as_bytes().get(1..3) == Some(br":\") || word.starts_with(r"\\");
                self.literal_until = end;
            } else {
                self.escapes_until = end;
            }
        }
        self.at < self.literal_until
    }

    /// Whether a backslash before this character is needed to have it shown.
    fn is_escape(&self, next: char) -> bool {
        let before = &self.source[..self.at];
        let after = &self.source[self.at + 1 + next.len_utf8()..];
        let at_line_start =
            || before.rsplit('\n').next().is_some_and(|line| line.bytes().all(|byte| b" \t>".contains(&byte)));
        match next {
            '_' => !before.ends_with('¯'),
            '*' | '~' | '`' | '[' | ']' | '|' | '<' | '@' => true,
            '!' => after.starts_with('['),
            '(' => before.ends_with(']'),
            '.' | ')' => before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with([' ', '\t', '\n']),
            '#' | '+' | '-' | '>' | '=' => at_line_start(),
            _ => false,
        }
    }

    /// Pushes a run of `*` or `~`. Beside a wide character the punctuation on its other side does not keep it from being
    /// markup: no blank stands between `です` and `**「`.
    fn push_emphasis(&mut self, mark: char) {
        let length = self.source[self.at..].bytes().take_while(|byte| *byte == mark as u8).count();
        let before = self.source[..self.at].chars().next_back();
        let after = self.source[self.at + length..].chars().next();
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        // `~5`, `PROGRA~1` and `2*3*4` are no markup.
        if length == 1 && (mark == '~' || (is_digit(before) && is_digit(after))) {
            return self.push_literal(mark);
        }
        let is_punctuation = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && c != JOINER;
        let is_beside_wide = before.is_some_and(is_wide) || after.is_some_and(is_wide);
        if is_beside_wide && before.is_some_and(|c| is_punctuation(c) && c != '\\') {
            self.prepared.markdown.push(JOINER);
        }
        for _ in 0..length {
            self.push(mark);
        }
        if is_beside_wide && after.is_some_and(is_punctuation) {
            self.prepared.markdown.push(JOINER);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Person, UserId};

    fn names() -> Names {
        Names::new(vec![
            Person { id: UserId(1), name: "Bob".to_owned() },
            Person { id: UserId(2), name: "A_B*".to_owned() },
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_character_can_be_restored(source in "(https?://a\\.example/|@Bob|@A_B\\*|\\[x\\]:|```|~~~|[-*+>#|=~_`\\[\\]()<&\\\\!.@ \n]|\n\n|1\\. |007\\. |a|日|「|。|\\PC){0,60}") {
            let prepared = prepare(&source, &names());
            let restored = prepared.restore(&prepared.markdown).into_owned();
            // Only line breaks and marks of quotes are added.
            let visible = |text: &str| text.chars().filter(|c| !matches!(c, '\n' | '>' | '\u{fdd0}'..='\u{fdef}')).collect::<String>();
            prop_assert_eq!(visible(&restored), visible(&source));
            let typed = prepare_typed(&source, &names());
            prop_assert_eq!(typed.restore(&typed.markdown), without_tokens(&source));
        }
    }
}
