//! The quote that a reply begins with.

/// How many lines of a message a reply quotes.
const MAX_QUOTED_LINES: usize = 12;

/// The Markdown that a reply to a message begins with: its first lines as a quote, then a link with its author's name
/// to `path`, where it is shown.
///
/// Quotes within `source` are left out, so that a conversation of replies does not grow with each of them.
#[must_use]
pub fn quote(source: &str, author: &str, path: &str) -> String {
    let mut lines = source.lines().filter(|line| !line.trim_start().starts_with('>'));
    let mut quoted = String::new();
    for line in lines.by_ref().skip_while(|line| line.trim().is_empty()).take(MAX_QUOTED_LINES) {
        quoted.extend(["> ", line, "\n"]);
    }
    // A code block that was cut off is closed.
    for fence in ["```", "~~~"] {
        if quoted.lines().filter(|line| line.trim_start_matches("> ").starts_with(fence)).count() % 2 == 1 {
            quoted.extend(["> ", fence, "\n"]);
        }
    }
    if lines.next().is_some() {
        quoted.push_str("> …\n");
    }
    // A name is text: characters with a meaning in Markdown are left out.
    let author: String =
        author.chars().filter(|c| !matches!(c, '[' | ']' | '\\' | '`' | '*' | '_' | '<' | '~')).collect();
    format!("{quoted}> — [{author}]({path})\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, UserId};
    use crate::richtext::{Names, render};

    #[test]
    fn a_reply_quotes_and_links_to_the_message() {
        let names = Names::new(vec![Person { id: UserId(7), name: "Ada".into() }]);
        let quoted = quote("> older\n\n@Ada, hi\nthere", "Bob [x]", "/rooms/4/@41");
        assert_eq!(quoted, "> @Ada, hi\n> there\n> — [Bob x](/rooms/4/@41)\n\n");
        let rendered = render(&format!("{quoted}yes").parse().unwrap(), &names);
        assert!(rendered.mentions.is_empty());
        assert!(rendered.body.html.contains(r#"<a href="/rooms/4/@41">"#), "{}", rendered.body.html);
        assert!(rendered.body.html.ends_with("<p>yes</p>"));
    }

    #[test]
    fn long_messages_are_cut_and_open_code_blocks_closed() {
        assert!(quote(&"line\n".repeat(40), "Bob", "/rooms/4/@41").contains("> …\n> — "));
        let code = format!("```rust\n{}```", "line\n".repeat(40));
        assert!(quote(&code, "Bob", "/rooms/4/@41").contains("> ```\n> …\n> — "));
    }
}
