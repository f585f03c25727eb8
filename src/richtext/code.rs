//! Syntax highlighting: code in `span`s with classes, which the style sheet gives colours for light and dark pages.

use std::ops::Range;
use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::html::HtmlWriter;

/// How many bytes of code are highlighted in one body; longer code is shown plain, to bound the time that a body takes.
pub(super) const MAX_HIGHLIGHTED_BYTES: usize = 12 * 1_024;

/// Code with a line longer than this is shown plain: it is data rather than code.
const MAX_LINE_BYTES: usize = 1_000;

/// The longest name of a language, in bytes.
const MAX_LANGUAGE_BYTES: usize = 20;

/// The grammars, decompressed when the first code block is rendered.
static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Scopes of the grammars and the class each is shown with; the first matching prefix counts.
static SCOPE_CLASSES: LazyLock<Vec<(Scope, &str)>> = LazyLock::new(|| {
    [
        ("comment", "hl-comment"),
        ("string", "hl-string"),
        ("constant.character", "hl-string"),
        ("constant", "hl-constant"),
        ("entity.name.function", "hl-name"),
        ("support.function", "hl-name"),
        ("variable.function", "hl-name"),
        ("entity.name.tag", "hl-tag"),
        ("entity.other.attribute-name", "hl-name"),
        ("entity.name", "hl-type"),
        ("entity.other.inherited-class", "hl-type"),
        ("support.type", "hl-type"),
        ("support.class", "hl-type"),
        ("keyword.operator", ""),
        ("keyword", "hl-keyword"),
        ("storage", "hl-keyword"),
        ("variable.language", "hl-keyword"),
        ("markup.inserted", "hl-inserted"),
        ("markup.deleted", "hl-deleted"),
        ("meta.diff.header", "hl-comment"),
    ]
    .into_iter()
    .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, class)))
    .collect()
});

/// The HTML of `code` with highlighting classes; `None` when its language has no grammar or the code is too long.
pub(super) fn highlight(language: &str, code: &str) -> Option<String> {
    if code.len() > MAX_HIGHLIGHTED_BYTES || code.lines().any(|line| line.len() > MAX_LINE_BYTES) {
        return None;
    }
    let mut parser = ParseState::new(find_grammar(language, code)?);
    let mut scopes = ScopeStack::new();
    let mut spans = SpanWriter::new(code);
    let mut line_start = 0;
    for line in code.split_inclusive('\n') {
        let mut start = line_start;
        for (offset, change) in parser.parse_line(line, &GRAMMARS).ok()? {
            let end = line_start + offset;
            spans.push(start..end, class_of(&scopes));
            start = end;
            scopes.apply(&change).ok()?;
        }
        line_start += line.len();
        spans.push(start..line_start, class_of(&scopes));
    }
    Some(spans.into_html())
}

/// The language in the info string of a fenced code block: its first word in lower case, or empty if that is no name
/// of a language.
pub(super) fn language(info: &str) -> String {
    let word = info.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default().to_ascii_lowercase();
    if is_language(&word) { word } else { String::new() }
}

/// Whether `word` can be the name of a language, known or not: it becomes a part of a class in the page.
pub(super) fn is_language(word: &str) -> bool {
    (1..=MAX_LANGUAGE_BYTES).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'#'))
}

/// The grammar of a language, or without one the grammar that the first line of the code (`#!/bin/sh`) implies.
fn find_grammar(language: &str, code: &str) -> Option<&'static SyntaxReference> {
    if language.is_empty() {
        return GRAMMARS.find_syntax_by_first_line(code);
    }
    let token = match language {
        "jsonc" | "json5" => "json",
        "shell" | "console" | "zsh" => "bash",
        "golang" => "go",
        other => other,
    };
    GRAMMARS.find_syntax_by_token(token)
}

/// The class of the innermost scope that has one; empty without.
fn class_of(scopes: &ScopeStack) -> &'static str {
    let class =
        |scope: &Scope| SCOPE_CLASSES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, class)| *class);
    scopes.as_slice().iter().rev().find_map(class).unwrap_or_default()
}

/// Writes code as HTML, with one `span` around neighbouring ranges of the same class.
struct SpanWriter<'a> {
    code: &'a str,
    html: HtmlWriter,
    /// Where the current span begins.
    start: usize,
    /// The class of the current span; empty for code without a span.
    class: &'static str,
}

impl<'a> SpanWriter<'a> {
    fn new(code: &'a str) -> Self {
        Self { code, html: HtmlWriter::with_capacity(code.len() * 2), start: 0, class: "" }
    }

    /// Adds the range that follows the last one. White space continues the current span, as a colour would not show.
    fn push(&mut self, range: Range<usize>, class: &'static str) {
        if class != self.class && !self.code[range.clone()].chars().all(char::is_whitespace) {
            self.end_span(range.start);
            self.class = class;
        }
    }

    fn end_span(&mut self, end: usize) {
        let text = &self.code[self.start..end];
        if self.class.is_empty() {
            self.html.text(text);
        } else {
            self.html.markup(r#"<span class=""#).markup(self.class).markup(r#"">"#).text(text).markup("</span>");
        }
        self.start = end;
    }

    fn into_html(mut self) -> String {
        self.end_span(self.code.len());
        self.html.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::escape_html;

    #[test]
    fn code_has_classes_by_scope() {
        let html = highlight("rust", "// why\nlet answer = \"<b>\";\n").unwrap();
        assert!(html.contains(r#"<span class="hl-comment">// why"#), "{html}");
        assert!(html.contains(r#"<span class="hl-keyword">let"#), "{html}");
        assert!(html.contains("&quot;&lt;b&gt;&quot;") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn common_languages_have_grammars() {
        for language in [
            "bash",
            "css",
            "diff",
            "go",
            "java",
            "javascript",
            "js",
            "json",
            "python",
            "ruby",
            "rust",
            "sql",
            "xml",
            "html",
            "typescript",
            "toml",
            "yaml",
            "dockerfile",
            "c",
            "c++",
            "kotlin",
            "swift",
        ] {
            assert!(find_grammar(language, "").is_some(), "{language}");
        }
        assert!(highlight("klingon", "x").is_none());
        assert!(highlight("", "no language is named").is_none());
    }

    #[test]
    fn highlighting_keeps_the_text() {
        let code = "fn f<'a>(x: &'a str) -> u8 {\n\t1 /* \"&\" */\n}\n";
        let html = highlight("rust", code).unwrap();
        let text: String = html.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect();
        assert_eq!(text, escape_html(code));
    }

    #[test]
    fn long_lines_and_long_code_are_not_highlighted() {
        assert!(highlight("json", &"1".repeat(MAX_LINE_BYTES + 1)).is_none());
        assert!(highlight("json", &"1\n".repeat(MAX_HIGHLIGHTED_BYTES)).is_none());
    }
}
