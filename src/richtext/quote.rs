//! The quote that a reply begins with.

/// How many lines of a message a reply quotes.
const MAX_QUOTED_LINES: usize = 12;

/// The Markdown that a reply to a message begins with: its first lines as a quote, then a paragraph that links with its
/// author's name to `path`, where it is shown.
///
/// Quotes within `source` are left out, so that a conversation of replies does not grow with each of them.
#[must_use]
pub fn quote(source: &str, author: &str, path: &str) -> String {
    let mut quoted = String::new();
    let mut fence = None;
    let mut count = 0;
    let mut is_cut = false;
    for line in source.lines() {
        // In code a `>` is a character like others.
        let is_quote = fence.is_none() && line.trim_start().starts_with('>');
        if is_quote || (count == 0 && line.trim().is_empty()) {
            continue;
        }
        if count == MAX_QUOTED_LINES {
            is_cut = true;
            break;
        }
        count += 1;
        fence = match fence {
            None => Fence::opened_by(line),
            Some(open) if open.is_closed_by(line) => None,
            open => open,
        };
        quoted.extend(["> ", line, "\n"]);
    }
    // A code block that was cut off, or never closed, is closed.
    if let Some(Fence { indent, marks }) = fence {
        quoted.extend(["> ", &" ".repeat(indent), marks, "\n"]);
    }
    if is_cut {
        quoted.push_str(">\n> …\n");
    }
    if !quoted.is_empty() {
        // Without a blank line, the author's line would continue a list, a table or a heading.
        quoted.push_str(">\n");
    }
    // A name is text: characters with a meaning in Markdown are left out.
    let author: String =
        author.chars().filter(|c| !matches!(c, '[' | ']' | '\\' | '`' | '*' | '_' | '<' | '~')).collect();
    format!("{quoted}> — [{author}]({path})\n\n")
}

/// A line that opens a code block.
#[derive(Clone, Copy)]
struct Fence<'a> {
    /// The width of what stands before it: blanks, and markers of lists.
    indent: usize,
    /// Three or more backticks or tildes.
    marks: &'a str,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let mut rest = line.trim_start();
        while let Some(item) = without_list_marker(rest) {
            rest = item.trim_start();
        }
        let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = rest.trim_start_matches(mark);
        let marks = &rest[..rest.len() - info.len()];
        // On one line with its end it is none: `~~~words~~~`.
        let end = if mark == '`' { "`" } else { "~~~" };
        let is_fence = marks.len() >= 3 && !info.contains(end);
        is_fence.then(|| Self { indent: line.len() - rest.len(), marks })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let line = line.trim();
        line.starts_with(self.marks) && line.trim_start_matches(&self.marks[..1]).is_empty()
    }
}

/// What follows the marker of a list item, as in `- item` and `1. item`.
fn without_list_marker(line: &str) -> Option<&str> {
    let bullet = line.strip_prefix(['-', '*', '+']);
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = number.strip_prefix(['.', ')']).filter(|_| number.len() < line.len());
    bullet.or(number)?.strip_prefix(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, UserId};
    use crate::richtext::{Names, html_of, render};

    /// The HTML of a reply to `source`.
    fn reply_html(source: &str) -> String {
        html_of(&format!("{}yes", quote(source, "Bob", "/rooms/4/@41")))
    }

    #[test]
    fn a_reply_quotes_and_links_to_the_message() {
        let names = Names::new(vec![Person { id: UserId(7), name: "Ada".into() }]);
        let quoted = quote("> older\n\n@Ada, hi\nthere", "Bob [x]", "/rooms/4/@41");
        assert_eq!(quoted, "> @Ada, hi\n> there\n>\n> — [Bob x](/rooms/4/@41)\n\n");
        let rendered = render(&format!("{quoted}yes").parse().unwrap(), &names);
        assert!(rendered.mentions.is_empty());
        assert!(rendered.body.html.contains(r#"<a href="/rooms/4/@41">"#), "{}", rendered.body.html);
        assert!(rendered.body.html.ends_with("<p>yes</p>"));
    }

    #[test]
    fn a_message_of_quotes_alone_is_quoted_by_its_author_alone() {
        assert_eq!(quote("> older\n> still", "Bob", "/rooms/4/@41"), "> — [Bob](/rooms/4/@41)\n\n");
    }

    #[test]
    fn the_authors_line_is_a_paragraph_of_its_own() {
        for source in [
            "- one\n- two",
            "1. one\n   - two",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "```\ncode\n```",
            "```\nnever closed",
            "    indented",
            "- ```\n  in a list",
            "1. - ~~~~\n     ~~~\n     in two lists",
            "# heading",
            "words\n---",
            &"line\n".repeat(40),
            &format!("- ```\n{}", "  line\n".repeat(40)),
        ] {
            let html = reply_html(source);
            assert!(html.contains("<p>— <a href=\"/rooms/4/@41\">Bob</a></p>"), "{source}\n{html}");
            assert!(html.ends_with("</blockquote>\n<p>yes</p>"), "{source}\n{html}");
        }
    }

    #[test]
    fn every_line_of_code_is_quoted() {
        for source in [
            "```\n> a\n  > b\n```",
            "~~~ diff\n> a\n```\n> b\n~~~",
            "- ```\n  > a\n  > b\n  ```",
            "````\n```\n> a\n```\n> b\n````",
        ] {
            let html = reply_html(source);
            assert!(html.contains("&gt; a") && html.contains("&gt; b"), "{source}\n{html}");
        }
        assert!(!reply_html("```\na\n```\n> older").contains("older"), "after the code, a quote is one again");
    }

    #[test]
    fn long_messages_are_cut_and_open_code_blocks_closed() {
        assert!(quote(&"line\n".repeat(40), "Bob", "/rooms/4/@41").contains("> …\n>\n> — "));
        let code = format!("```rust\n{}```", "line\n".repeat(40));
        assert!(quote(&code, "Bob", "/rooms/4/@41").contains("> ```\n>\n> …\n>\n> — "));
        assert_eq!(quote("~~~x~~~\ny", "Bob", "/rooms/4/@41"), "> ~~~x~~~\n> y\n>\n> — [Bob](/rooms/4/@41)\n\n");
        assert!(!quote(&"line\n".repeat(12), "Bob", "/rooms/4/@41").contains('…'));
    }
}
