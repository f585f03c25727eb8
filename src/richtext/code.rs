//! Code as classes: which word is a keyword is found here once, and coloured by the style sheet of whoever reads.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::model::escape_html;

/// The longest code that is looked at, in bytes, and the most of one message; what goes beyond is shown plain.
pub(super) const MAX_CODE_BYTES: usize = 12 * 1_024;

/// A line longer than this is shown plain, in bytes: it is data more than code.
const MAX_LINE_BYTES: usize = 1_000;

/// The grammars, unpacked when the first code is posted.
static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Scopes as the grammars name them, and the class each wears; what comes first wins.
static CLASSES: LazyLock<Vec<(Scope, &str)>> = LazyLock::new(|| {
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

/// `code` with its words marked, or nothing when the language is not known or the code is too long to look at.
pub(super) fn highlight(language: &str, code: &str) -> Option<String> {
    if code.len() > MAX_CODE_BYTES || code.lines().any(|line| line.len() > MAX_LINE_BYTES) {
        return None;
    }
    let grammar = grammar(language, code)?;
    let (mut parser, mut scopes) = (ParseState::new(grammar), ScopeStack::new());
    let mut html = Marked::default();
    for line in code.split_inclusive('\n') {
        let mut from = 0;
        for (at, change) in parser.parse_line(line, &GRAMMARS).ok()? {
            html.push(&line[from..at], class_of(&scopes));
            from = at;
            scopes.apply(&change).ok()?;
        }
        html.push(&line[from..], class_of(&scopes));
    }
    Some(html.end())
}

fn grammar(language: &str, code: &str) -> Option<&'static SyntaxReference> {
    if language.is_empty() {
        return GRAMMARS.find_syntax_by_first_line(code);
    }
    let known_as = match language {
        "jsonc" | "json5" => "json",
        "shell" | "console" | "zsh" => "bash",
        "golang" => "go",
        other => other,
    };
    GRAMMARS.find_syntax_by_token(known_as)
}

/// The class of the innermost scope that has one.
fn class_of(scopes: &ScopeStack) -> &'static str {
    let class = |scope: &Scope| CLASSES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, class)| *class);
    scopes.as_slice().iter().rev().find_map(class).unwrap_or_default()
}

/// HTML in which neighbours of the same class share an element.
#[derive(Default)]
struct Marked {
    html: String,
    class: &'static str,
}

impl Marked {
    fn push(&mut self, text: &str, class: &'static str) {
        if text.is_empty() {
            return;
        }
        // What shows nothing needs no colour of its own.
        if class != self.class && !text.chars().all(char::is_whitespace) {
            self.close();
            if !class.is_empty() {
                self.html.push_str("<span class=\"");
                self.html.push_str(class);
                self.html.push_str("\">");
            }
            self.class = class;
        }
        self.html.push_str(&escape_html(text));
    }

    fn close(&mut self) {
        if !self.class.is_empty() {
            self.html.push_str("</span>");
        }
        self.class = "";
    }

    fn end(mut self) -> String {
        self.close();
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wear_the_class_of_what_they_are() {
        let html = highlight("rust", "// why\nlet answer = \"<b>\";\n").unwrap();
        assert!(html.contains(r#"<span class="hl-comment">// why"#), "{html}");
        assert!(html.contains(r#"<span class="hl-keyword">let"#), "{html}");
        assert!(html.contains("&quot;&lt;b&gt;&quot;") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn the_languages_people_use_are_known() {
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
            assert!(grammar(language, "").is_some(), "{language}");
        }
        assert!(highlight("klingon", "x").is_none());
        assert!(highlight("", "no language is named").is_none());
    }

    #[test]
    fn marked_code_says_what_was_typed() {
        let code = "fn f<'a>(x: &'a str) -> u8 {\n\t1 /* \"&\" */\n}\n";
        let html = highlight("rust", code).unwrap();
        let text: String = html.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect();
        assert_eq!(text, escape_html(code));
    }

    #[test]
    fn data_is_not_taken_for_code() {
        assert!(highlight("json", &"1".repeat(MAX_LINE_BYTES + 1)).is_none());
        assert!(highlight("json", &"1\n".repeat(MAX_CODE_BYTES)).is_none());
    }
}
