//! Syntax highlighting: code in `span`s with classes, which the style sheet gives colours for light and dark pages.
//!
//! The lexer is table-driven and reads a text once: its time grows with the length of the code alone, it keeps nothing
//! between two texts, and a language costs no memory. Grammars of regular expressions were tried and do neither: the
//! common ones take 50 to 800 ms and up to 65 MB to compile, and some lines of 200 bytes take them 40 ms.

mod languages;
mod lexer;

use std::ops::Range;

use self::languages::Language;
use crate::html::HtmlWriter;

/// How many bytes of code are highlighted in one body; longer code is shown plain, to bound the length of its HTML.
pub(super) const MAX_HIGHLIGHTED_BYTES: usize = 12 * 1_024;

/// Lines longer than this are shown plain: they are data rather than code.
const MAX_LINE_BYTES: usize = 200;

/// The HTML of `code` with highlighting classes; `None` when its language is not among those offered or the code is too
/// long.
pub(super) fn highlight(language: &str, code: &str) -> Option<String> {
    if code.len() > MAX_HIGHLIGHTED_BYTES {
        return None;
    }
    let language = find_language(language, code)?;
    let mut spans = SpanWriter::new(code);
    let mut plain_lines = code.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some(*end - line.len()..*end)
    });
    let mut line = plain_lines.next().unwrap_or_default();
    lexer::lex(language, code, &mut |range, class| {
        // A piece that spans several lines, like a comment, is written line by line.
        let mut start = range.start;
        while start < range.end {
            while line.end <= start {
                line = plain_lines.next().unwrap_or(start..code.len());
            }
            let end = range.end.min(line.end);
            spans.push(start..end, if line.len() > MAX_LINE_BYTES { "" } else { class });
            start = end;
        }
    });
    Some(spans.into_html())
}

/// The language that the info string of a fenced code block names, in lower case; `None` unless it is the name of one,
/// with or without attributes as in `rust,ignore`.
pub(super) fn language(info: &str) -> Option<String> {
    let name = info.trim().split([',', '{', ':']).next().unwrap_or_default().to_ascii_lowercase();
    is_language(&name).then_some(name)
}

/// Whether the info string of a fenced code block has words for readers: more than the name of a language, with attributes
/// for programs as in `rust,ignore` and `js{1,3-5}`.
pub(super) fn has_words(info: &str) -> bool {
    let info = info.trim();
    let (name, attributes) = info.split_at(info.find([',', '{', ':']).unwrap_or(info.len()));
    let name = name.to_ascii_lowercase();
    let is_silent = match attributes.strip_prefix('{').and_then(|lines| lines.strip_suffix('}')) {
        Some(lines) => lines.bytes().all(|byte| byte.is_ascii_digit() || b", -".contains(&byte)),
        None => attributes.is_empty() || (matches!(&*name, "rust" | "rs") && attributes.starts_with(',')),
    };
    !(info.is_empty() || is_silent && is_language(&name))
}

/// Whether `name` is the name of a language, offered or not: it becomes a part of a class in the page.
pub(super) fn is_language(name: &str) -> bool {
    languages::find(name).is_some() || languages::PLAIN_NAMES.contains(&name)
}

/// The language of this name, or without a name the one that the first line of the code (`#!/bin/sh`) implies.
fn find_language(name: &str, code: &str) -> Option<&'static Language> {
    if !name.is_empty() {
        return languages::find(name);
    }
    let program = code.strip_prefix("#!")?.lines().next()?.rsplit(['/', ' ']).find(|word| !word.starts_with('-'))?;
    languages::find(match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "node" | "deno" | "bun" => "javascript",
        "dash" | "ksh" => "sh",
        other => other,
    })
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

    /// The text of highlighted code.
    fn text_of(html: &str) -> String {
        html.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect()
    }

    #[test]
    fn code_has_classes_by_its_parts() {
        for (language, code, parts) in [
            (
                "rust",
                "// why\nlet answer = \"<b>\";\n",
                &["comment|// why", "keyword|let", "string|&quot;&lt;b&gt;&quot;"][..],
            ),
            ("rust", "fn f(x: &'a str) -> char { 'x' }", &["name|f", "type|str", "string|&#39;x&#39;"]),
            (
                "js",
                "const f = async (x) => `a ${x}` + /[/]b/g.test(12.5e3)",
                &["keyword|const", "string|`a", "constant|12.5e3", "string|/[/]b/g"],
            ),
            ("ts", "let x: number = null // y", &["keyword|let", "type|number", "constant|null", "comment|// y"]),
            (
                "python",
                "@cached\ndef f(self):\n    \"\"\"a\nb\"\"\"\n    return None  # c",
                &[
                    "name|@cached",
                    "keyword|def",
                    "name|f",
                    "string|&quot;&quot;&quot;a",
                    "constant|None",
                    "comment|# c",
                ],
            ),
            (
                "bash",
                "if [ $# -gt 0 ]; then echo \"a\" # b\nfi",
                &["keyword|if", "string|&quot;a&quot;", "comment|# b"],
            ),
            (
                "sql",
                "select * from Users where name = 'x' -- y",
                &["keyword|select", "keyword|where", "string|&#39;x&#39;", "comment|-- y"],
            ),
            (
                "json",
                "{\"key\": [\"value\", 1, true]}",
                &["name|&quot;key&quot;", "string|&quot;value&quot;", "constant|true"],
            ),
            (
                "yaml",
                "key: value # c\n- other: \"x\"",
                &["name|key", "comment|# c", "name|other", "string|&quot;x&quot;"],
            ),
            ("toml", "[part]\nkey = 'x'", &["tag|[part]", "name|key", "string|&#39;x&#39;"]),
            (
                "html",
                "<!-- c --><a href=\"x\">&amp; b</a>",
                &["comment|&lt;!-- c --&gt;", "tag|a", "name|href", "string|&quot;x&quot;", "constant|&amp;amp;"],
            ),
            (
                "css",
                "a.b { color: #fff; width: 1px } /* c */",
                &["tag|a", "name|color", "constant|#fff", "constant|1px", "comment|/* c */"],
            ),
            ("diff", "@@ -1 +1 @@\n-old\n+new\n same", &["comment|@@", "deleted|-old", "inserted|+new"]),
            (
                "c",
                "#include <stdio.h>\nint main(void) { return 0x1F; }",
                &["keyword|#include", "type|int", "name|main", "keyword|return", "constant|0x1F"],
            ),
            ("dockerfile", "FROM debian\nRUN echo 1 # x", &["keyword|FROM", "keyword|RUN"]),
        ] {
            let html = highlight(language, code).unwrap();
            for part in parts {
                let (class, text) = part.split_once('|').unwrap();
                assert!(html.contains(&format!(r#"<span class="hl-{class}">{text}"#)), "{part} in {html}");
            }
            assert_eq!(text_of(&html), escape_html(code), "{language}");
        }
    }

    #[test]
    fn common_languages_are_offered() {
        for language in [
            "bash",
            "sh",
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
            "c#",
            "kotlin",
            "swift",
            "php",
            "lua",
            "scala",
            "perl",
            "r",
            "powershell",
            "makefile",
            "jsonc",
            "golang",
            "zsh",
            "tsx",
        ] {
            assert!(find_language(language, "").is_some(), "{language}");
        }
        assert!(highlight("klingon", "x").is_none());
        assert!(highlight("", "no language is named").is_none());
        assert!(highlight("", "#!/usr/bin/env python3\nimport x").unwrap().contains("hl-keyword"));
        assert!(highlight("", "#!/bin/sh -e\nexit 1").is_some());
    }

    #[test]
    fn a_name_on_the_line_of_the_fence_is_a_language_and_other_words_are_not() {
        for (info, name) in [
            ("rust", "rust"),
            (" JS ", "js"),
            ("rust,ignore", "rust"),
            ("c++", "c++"),
            ("text", "text"),
            ("ts:a.ts", "ts"),
        ] {
            assert_eq!(language(info).as_deref(), Some(name), "{info}");
        }
        for (info, is_shown) in [
            ("", false),
            ("rust", false),
            ("rust,ignore", false),
            ("js{1,3-5}", false),
            ("ts:a.ts", true),
            ("C:\\new", true),
            ("awk{print $1}", true),
            ("c,d", true),
            ("for(;;)", true),
        ] {
            assert_eq!(has_words(info), is_shown, "{info}");
        }
        for info in ["", "for(;;)", "klingon", "SELECT 1", "rust code", "\" onclick=\"x", "hello"] {
            assert_eq!(language(info), None, "{info}");
        }
    }

    #[test]
    fn lines_of_data_and_long_code_are_not_highlighted() {
        let line = format!("[{}]\n", "1,".repeat(MAX_LINE_BYTES / 2));
        let html = highlight("json", &format!("1\n{line}2\n")).unwrap();
        assert_eq!(html.matches("hl-constant").count(), 2, "{html}");
        let html = highlight("c", &format!("/* a\n{line}b */")).unwrap();
        assert_eq!(html.matches("hl-comment").count(), 2, "{html}");
        assert!(highlight("json", &"1\n".repeat(MAX_HIGHLIGHTED_BYTES)).is_none());
    }

    /// What is known to be hard for lexers: everything that opens something, alone and in combinations.
    const PATTERNS: [&str; 60] = [
        "@a(",
        "(",
        "{",
        "[",
        "<",
        "<a ",
        "</",
        "a",
        "\"",
        "'",
        "`",
        "\\",
        "\\\"",
        "$",
        "${",
        "$(",
        "#{",
        "/",
        "//",
        "/*",
        "*/",
        "*",
        "-",
        "--",
        "--[[",
        "=",
        "a=",
        "a:",
        "a.",
        "a(",
        "if ",
        " ",
        "\t",
        "\n",
        "<<A\n",
        "<<<A\n",
        "=/",
        "%q(",
        "@",
        "@@",
        "#",
        "#!",
        "!",
        "|",
        "&",
        "&a",
        "~",
        "0",
        "1e",
        "0x",
        "_",
        "é",
        "日",
        "function ",
        "r#\"",
        "\"\"\"",
        "'''",
        "<!--",
        "<?",
        "a b: ",
    ];

    #[test]
    fn every_offered_language_reads_every_pattern_in_steps_that_grow_with_its_length() {
        for language in languages::ALL {
            for first in PATTERNS {
                for second in PATTERNS {
                    let code: String = [first, second].concat().repeat(12);
                    let mut end = 0;
                    let steps = lexer::lex(language, &code, &mut |range, _| {
                        assert_eq!(range.start, end, "every byte once: {:?} {first:?} {second:?}", language.names);
                        end = range.end;
                    });
                    assert_eq!(end, code.len());
                    // Looking ahead is bounded, so that the factor is, too.
                    assert!(steps <= 260 * code.len(), "{:?} {first:?} {second:?}: {steps}", language.names);
                }
            }
        }
    }

    #[test]
    fn highlighting_keeps_the_text_of_every_pattern() {
        for language in languages::ALL {
            for pattern in PATTERNS {
                let code = pattern.repeat(1_500 / pattern.len());
                let html = highlight(language.names[0], &code).unwrap();
                assert_eq!(text_of(&html), escape_html(&code), "{:?} {pattern:?}", language.names);
            }
        }
    }
}
