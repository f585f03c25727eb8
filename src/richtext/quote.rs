//! What an answer begins with.

/// How many lines of a message an answer quotes.
const MOST_QUOTED_LINES: usize = 12;

/// What somebody said as the beginning of an answer: quoted, with a line that says who said it and where.
///
/// Of a long message the first lines are quoted. Quotes within it are left out: an answer quotes what it answers.
#[must_use]
pub fn quote(source: &str, author: &str, path: &str) -> String {
    let mut lines = source.lines().filter(|line| !line.trim_start().starts_with('>'));
    let mut quoted = String::new();
    for line in lines.by_ref().skip_while(|line| line.trim().is_empty()).take(MOST_QUOTED_LINES) {
        quoted.extend(["> ", line, "\n"]);
    }
    // A block of code that is cut ends where it is cut.
    for fence in ["```", "~~~"] {
        if quoted.lines().filter(|line| line.trim_start_matches("> ").starts_with(fence)).count() % 2 == 1 {
            quoted.extend(["> ", fence, "\n"]);
        }
    }
    if lines.next().is_some() {
        quoted.push_str("> …\n");
    }
    // What would be Markdown in a name is not.
    let author: String =
        author.chars().filter(|c| !matches!(c, '[' | ']' | '\\' | '`' | '*' | '_' | '<' | '~')).collect();
    format!("{quoted}> — [{author}]({path})\n\n")
}
