//! The lexer: code in, ranges with classes out.

use std::ops::Range;

use super::languages::{Kind, Language, Quote};

/// How far the end of a literal on one line (a character, a regular expression) is looked for, in bytes.
const MAX_LOOKAHEAD_BYTES: usize = 200;

/// Splits `code` into consecutive ranges, each with the class it is shown with; empty without one. Returns how many bytes
/// were looked at in total.
pub(super) fn lex(language: &Language, code: &str, push: &mut dyn FnMut(Range<usize>, &'static str)) -> usize {
    let mut lexer = Lexer { language, code, at: 0, steps: 0, before: '\n', in_tag: false, in_block: false };
    while lexer.at < code.len() {
        let start = lexer.at;
        let (length, class) = match language.kind {
            Kind::Code => lexer.code_token(),
            Kind::Css => lexer.css_token(),
            Kind::Markup => lexer.markup_token(),
            Kind::Diff => lexer.diff_line(),
        };
        lexer.at += length;
        lexer.steps += length;
        if let Some(last) = code[start..lexer.at].chars().rev().find(|c| !matches!(c, ' ' | '\t')) {
            lexer.before = last;
        }
        push(start..lexer.at, class);
    }
    lexer.steps
}

struct Lexer<'a> {
    language: &'a Language,
    code: &'a str,
    at: usize,
    steps: usize,
    /// The last character before `at` that is not a blank; a line break at the start.
    before: char,
    /// Inside of `<…>`.
    in_tag: bool,
    /// Inside of `{…}`, in CSS.
    in_block: bool,
}

/// The length of a token in bytes, and its class.
type Token = (usize, &'static str);

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    fn first(&self) -> char {
        self.rest().chars().next().unwrap_or_default()
    }

    fn code_token(&mut self) -> Token {
        if let Some(token) = self.comment().or_else(|| self.string()) {
            return token;
        }
        let first = self.first();
        if first == '/' && self.language.has_regexes && self.may_start_value() {
            return self.until_close(1, '/', true).map_or((1, ""), |length| (length, "hl-string"));
        }
        if first.is_ascii_digit() {
            return (self.number_len(), "hl-constant");
        }
        if matches!(first, '@' | '#') {
            let class = match (first, self.before) {
                ('@', _) if self.language.has_decorators => "hl-name",
                ('#', '\n') if self.language.has_directives => "hl-keyword",
                _ => "",
            };
            if !class.is_empty() {
                return (1 + self.word_len(1), class);
            }
        }
        if first == '[' && self.before == '\n' && self.language.has_sections {
            let line = self.rest().lines().next().unwrap_or_default();
            return (line.rfind(']').map_or(line.len(), |end| end + 1), "hl-tag");
        }
        let length = self.word_len(0);
        if length == 0 {
            return (first.len_utf8(), "");
        }
        (length, self.class_of_word(length))
    }

    fn class_of_word(&self, length: usize) -> &'static str {
        let word = &self.rest()[..length];
        let after = &self.rest()[length..];
        let language = self.language;
        if let Some(sign) = language.key_sign
            && matches!(self.before, '\n' | '-' | '{' | ',')
            && after.trim_start_matches(' ').starts_with(sign)
        {
            return "hl-name";
        }
        let lower_case = word.to_ascii_lowercase();
        let wanted = if language.ignores_case { &*lower_case } else { word };
        let is_in = |words: &str| words.contains(wanted) && words.split(' ').any(|listed| listed == wanted);
        // A field may be called like a keyword.
        if self.before == '.' {
            return if after.starts_with('(') { "hl-name" } else { "" };
        }
        if is_in(language.keywords) {
            "hl-keyword"
        } else if is_in(language.constants) {
            "hl-constant"
        } else if is_in(language.types) {
            "hl-type"
        } else if after.starts_with('(') {
            "hl-name"
        } else if language.capitals_are_types && word.starts_with(|c: char| c.is_ascii_uppercase()) {
            "hl-type"
        } else {
            ""
        }
    }

    /// A comment that begins here.
    fn comment(&self) -> Option<Token> {
        let rest = self.rest();
        for (open, close) in self.language.block_comments {
            if let Some(content) = rest.strip_prefix(open) {
                let length = content.find(close).map_or(rest.len(), |end| open.len() + end + close.len());
                return Some((length, "hl-comment"));
            }
        }
        let opens = |mark: &&&str| {
            // `$#`, `a#b` and, in CSS, `http://` have no comment in them.
            let is_apart = (**mark != "#" && self.language.kind != Kind::Css)
                || self.at == 0
                || self.code[..self.at].ends_with([' ', '\t', '\n', ';', '(', ')', '{', '}', ',']);
            rest.starts_with(**mark) && is_apart
        };
        self.language.line_comments.iter().find(opens)?;
        Some((rest.find('\n').unwrap_or(rest.len()), "hl-comment"))
    }

    /// A string that begins here.
    fn string(&mut self) -> Option<Token> {
        let Quote { open, close, escapes, lines } =
            self.language.quotes.iter().find(|quote| self.rest().starts_with(quote.open))?;
        let end = if *lines {
            self.end_of_string(open.len(), close, *escapes, self.rest().len())
        } else if *close == "'" && self.language.quotes_characters {
            return Some(self.character_len().map_or((1, ""), |length| (length, "hl-string")));
        } else {
            let line_len = self.rest().find('\n').unwrap_or(self.rest().len());
            self.end_of_string(open.len(), close, *escapes, line_len.max(open.len()))
        };
        let is_key = self.language.kind == Kind::Code
            && self.language.key_sign.is_some_and(|sign| self.rest()[end..].trim_start_matches(' ').starts_with(sign));
        Some((end, if is_key { "hl-name" } else { "hl-string" }))
    }

    /// The length of a character in quotes; `None` for a lifetime, a label or a mark between digits.
    fn character_len(&mut self) -> Option<usize> {
        let mut characters = self.rest().chars().skip(1);
        match characters.next()? {
            '\\' => self.until_close(1, '\'', false).filter(|length| *length <= "'\\u{10ffff}'".len()),
            '\n' => None,
            c => (characters.next() == Some('\'')).then_some(c.len_utf8() + 2),
        }
    }

    /// Where a string ends whose content begins at `from`, at most at `limit`.
    fn end_of_string(&self, from: usize, close: &str, escapes: bool, limit: usize) -> usize {
        let text = &self.rest()[..limit];
        let mut at = from;
        while at < text.len() {
            if text[at..].starts_with(close) {
                return at + close.len();
            }
            let length = text[at..].chars().next().map_or(1, char::len_utf8);
            at += length;
            if escapes && text.as_bytes()[at - length] == b'\\' {
                at += text[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
        text.len()
    }

    /// The length of a literal that ends with `close` on this line and within [`MAX_LOOKAHEAD_BYTES`]; `from` is the length
    /// of its opening. With `is_regex` a class like `[/]` does not end it, and letters after it belong to it.
    fn until_close(&mut self, from: usize, close: char, is_regex: bool) -> Option<usize> {
        let mut in_class = false;
        let mut is_escaped = false;
        let mut found = None;
        for (at, c) in self.code[self.at..].char_indices().skip(from) {
            self.steps += 1;
            if c == '\n' || at > MAX_LOOKAHEAD_BYTES {
                break;
            }
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '[' if is_regex => in_class = true,
                ']' => in_class = false,
                _ if c == close && !in_class && at > from => {
                    found = Some(at + c.len_utf8());
                    break;
                }
                _ => {}
            }
        }
        let end = found?;
        let flags =
            if is_regex { self.rest()[end..].bytes().take_while(u8::is_ascii_lowercase).take(8).count() } else { 0 };
        Some(end + flags)
    }

    /// Whether a value can begin here rather than an operator continue one: then `/` begins a regular expression.
    const fn may_start_value(&self) -> bool {
        matches!(
            self.before,
            '\n' | '(' | '=' | ',' | ':' | '[' | '!' | '&' | '|' | '?' | '{' | '}' | ';' | '~' | '+' | '>'
        )
    }

    fn number_len(&self) -> usize {
        let bytes = self.rest().as_bytes();
        let mut length = 1;
        while let Some(byte) = bytes.get(length) {
            let is_fraction = *byte == b'.' && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
            if !(byte.is_ascii_alphanumeric()
                || *byte == b'_'
                || *byte == b'%' && self.language.kind == Kind::Css
                || is_fraction)
            {
                break;
            }
            length += 1;
        }
        length
    }

    /// The length of the word that begins `from` bytes from here.
    fn word_len(&self, from: usize) -> usize {
        let text = &self.rest()[from..];
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || self.language.word_characters.contains(c);
        text.find(|c| !is_part(c)).unwrap_or(text.len())
    }

    fn css_token(&mut self) -> Token {
        if let Some(token) = self.comment().or_else(|| self.string()) {
            return token;
        }
        let first = self.first();
        match first {
            '{' => self.in_block = true,
            '}' => self.in_block = false,
            '@' => return (1 + self.word_len(1), "hl-keyword"),
            '#' if self.in_block => return (1 + self.word_len(1), "hl-constant"),
            '.' | '#' | ':' if !self.in_block => return (1 + self.word_len(1), ""),
            '0'..='9' => return (self.number_len(), "hl-constant"),
            _ => {}
        }
        let length = self.word_len(0);
        if length == 0 {
            return (first.len_utf8(), "");
        }
        let is_property = self.rest()[length..].starts_with(':') && matches!(self.before, '{' | ';' | '\n' | '/');
        let class = match (self.in_block, is_property) {
            (true, true) => "hl-name",
            (true, false) if self.rest()[length..].starts_with('(') => "hl-name",
            (true, false) => "",
            (false, _) => "hl-tag",
        };
        (length, class)
    }

    fn markup_token(&mut self) -> Token {
        if let Some(token) = self.comment() {
            return token;
        }
        let first = self.first();
        if !self.in_tag {
            return match first {
                '<' => {
                    self.in_tag = true;
                    (1, "")
                }
                '&' => {
                    let name_len = self.rest()[1..]
                        .bytes()
                        .take(32)
                        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
                        .count();
                    let is_entity = self.rest()[1 + name_len..].starts_with(';');
                    if is_entity { (name_len + 2, "hl-constant") } else { (1, "") }
                }
                _ => (self.rest().find(['<', '&']).unwrap_or(self.rest().len()), ""),
            };
        }
        if first == '>' {
            self.in_tag = false;
            return (1, "");
        }
        if let Some(token) = self.string() {
            return token;
        }
        match self.word_len(0) {
            0 => (first.len_utf8(), ""),
            length => (length, if matches!(self.before, '<' | '/' | '?' | '!') { "hl-tag" } else { "hl-name" }),
        }
    }

    fn diff_line(&mut self) -> Token {
        let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
        let class = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@', b'@', ..] => "hl-comment",
            [b'+' | b'>', ..] => "hl-inserted",
            [b'-' | b'<', ..] => "hl-deleted",
            _ if line.starts_with("diff ") || line.starts_with("index ") => "hl-comment",
            _ => "",
        };
        (line.len(), class)
    }
}
