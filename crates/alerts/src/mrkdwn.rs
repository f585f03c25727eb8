//! Slack's markup (mrkdwn) as Markdown.

use crate::{cut, with_line_feeds};

/// How far the end of a span is looked for, in bytes: the time of hostile texts grows with it.
const MAX_SPAN_BYTES: usize = 3_000;

/// How deep emphasis nests.
const MAX_DEPTH: usize = 4;

/// Names for the ids that a text has in place of users, groups and rooms, where the reader knows them.
pub trait Names {
    /// The name of the user with this id.
    fn user(&self, id: &str) -> Option<String>;
}

/// No names: ids are shown, or the labels that stand beside them.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn user(&self, _: &str) -> Option<String> {
        None
    }
}

/// A text of mrkdwn as Markdown: `*b*`, `_i_`, `~s~`, code, `<url|label>`, `<@U1>`, `<#C1|name>`, `<!here>`, and the
/// entities `&amp;`, `&lt;` and `&gt;`.
#[must_use]
pub fn to_markdown(text: &str, names: &impl Names) -> String {
    let text = cut(with_line_feeds(text));
    let mut markdown = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text.as_str();
    // Blocks of code first: nothing in them is markup.
    while let Some((before, after)) = rest.split_once("```") {
        let Some((code, after)) = after.split_once("```") else { break };
        push_lines(&mut markdown, before, names);
        push_code_block(&mut markdown, &unescape(&references(code, names, Form::Plain)));
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    push_lines(&mut markdown, rest, names);
    markdown
}

/// A text without markup as Markdown: what would be markup is shown as it is.
#[must_use]
pub fn plain_to_markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() + text.len() / 8);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            markdown.push('\n');
        }
        push_escaped(&mut markdown, line, true);
    }
    markdown
}

fn push_code_block(markdown: &mut String, code: &str) {
    if !markdown.is_empty() && !markdown.ends_with('\n') {
        markdown.push('\n');
    }
    // A fence longer than any in the code.
    let fence = "`".repeat(longest_run(code, '`').max(2) + 1);
    markdown.push_str(&fence);
    markdown.push('\n');
    markdown.push_str(code.trim_matches('\n'));
    markdown.push('\n');
    markdown.push_str(&fence);
    markdown.push('\n');
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn push_lines(markdown: &mut String, text: &str, names: &impl Names) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            markdown.push('\n');
        }
        // A quote has the same sign, escaped.
        let (quote, line) = match line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>')) {
            Some(line) => ("> ", line.trim_start()),
            None => ("", line),
        };
        markdown.push_str(quote);
        push_line(markdown, line, 0, names);
    }
}

/// A line: code spans, references in angle brackets, and emphasis.
fn push_line(markdown: &mut String, line: &str, depth: usize, names: &impl Names) {
    let mut rest = line;
    let mut is_start = true;
    // Where the next address may begin, looked for once it is passed: not for each of many short spans.
    let mut address = 0;
    while !rest.is_empty() {
        let before = markdown.len();
        let position = line.len() - rest.len();
        if address <= position {
            let following = position + rest.chars().next().map_or(0, char::len_utf8);
            address = line[following..].find("http").map_or(line.len(), |at| following + at);
        }
        rest = push_span(markdown, rest, address - position, is_start && depth == 0, depth, names);
        is_start &= markdown.len() == before;
    }
}

/// Appends the next span of a line, and returns what follows it. The next address may begin at the byte `address`.
fn push_span<'t>(
    markdown: &mut String,
    rest: &'t str,
    address: usize,
    is_start: bool,
    depth: usize,
    names: &impl Names,
) -> &'t str {
    if let Some(inner) = rest.strip_prefix('`')
        && let Some((code, after)) = inner.split_once('`')
        && !code.is_empty()
    {
        markdown.push('`');
        markdown.push_str(&unescape(&references(code, names, Form::Plain)));
        markdown.push('`');
        return after;
    }
    if let Some(inner) = rest.strip_prefix('<')
        && let Some((reference, after)) = in_brackets(inner)
    {
        markdown.push_str(&self::reference(reference, names, Form::Markdown));
        return after;
    }
    if rest.starts_with("http://") || rest.starts_with("https://") {
        let end = rest.find(|c: char| c.is_whitespace() || "<>`|".contains(c)).unwrap_or(rest.len());
        markdown.push_str(&unescape(&rest[..end]));
        return &rest[end..];
    }
    for (sign, replacement) in [('*', "**"), ('_', "_"), ('~', "~~")] {
        if depth < MAX_DEPTH
            && rest.starts_with(sign)
            && !markdown.chars().next_back().is_some_and(char::is_alphanumeric)
            && let Some((inner, after)) = emphasised(&rest[1..], sign)
        {
            markdown.push_str(replacement);
            push_line(markdown, inner, depth + 1, names);
            markdown.push_str(replacement);
            return after;
        }
    }
    // Text up to the next sign that may mean something.
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let end = rest[first..address].find(['`', '<', '*', '_', '~']).map_or(address, |at| first + at);
    push_escaped(markdown, &unescape(&rest[..end]), is_start);
    &rest[end..]
}

/// The text up to the sign that ends an emphasis, and what follows the sign: it neither begins nor ends with white space,
/// and no letter follows it. `rest` begins after the first sign.
fn emphasised(rest: &str, sign: char) -> Option<(&str, &str)> {
    if rest.starts_with([' ', sign]) {
        return None;
    }
    let (end, _) = window(rest).match_indices(sign).find(|(at, _)| {
        let before = rest[..*at].chars().next_back();
        let after = rest[at + 1..].chars().next();
        before.is_some_and(|before| !before.is_whitespace()) && !after.is_some_and(char::is_alphanumeric)
    })?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Whether a reference is written as Markdown or as the text that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Markdown,
    Plain,
}

/// A text with its references resolved, for code.
fn references(text: &str, names: &impl Names, form: Form) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once('<') {
        resolved.push_str(before);
        let Some((found, after)) = in_brackets(inner) else {
            resolved.push('<');
            rest = inner;
            continue;
        };
        resolved.push_str(&reference(found, names, form));
        rest = after;
    }
    resolved + rest
}

/// Splits at the next closing bracket; `None` if there is none nearby.
fn in_brackets(inner: &str) -> Option<(&str, &str)> {
    let end = window(inner).find(['<', '>', '\n'])?;
    inner[end..].starts_with('>').then(|| (&inner[..end], &inner[end + 1..]))
}

/// The beginning of a text, in which the end of a span is looked for.
fn window(text: &str) -> &str {
    let mut end = text.len().min(MAX_SPAN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The content of angle brackets.
fn reference(reference: &str, names: &impl Names, form: Form) -> String {
    let (target, label) = match reference.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.trim().is_empty())),
        None => (reference, None),
    };
    let shown = |text: &str| match form {
        Form::Markdown => {
            let mut escaped = String::new();
            push_escaped(&mut escaped, &unescape(text), false);
            escaped
        }
        Form::Plain => unescape(text),
    };
    if let Some(id) = target.strip_prefix('@') {
        let name = names.user(id).or_else(|| label.map(str::to_owned)).unwrap_or_else(|| id.to_owned());
        return format!("@{}", shown(name.trim_start_matches('@')));
    }
    if let Some(id) = target.strip_prefix('#') {
        return format!("{}{}", if form == Form::Markdown { "\\#" } else { "#" }, shown(label.unwrap_or(id)));
    }
    if let Some(command) = target.strip_prefix('!') {
        let word = command.split('^').next().unwrap_or_default();
        return match label {
            // A date, or a group of users: its label is what it shows.
            Some(label) => shown(label),
            None => format!("@{}", shown(word)),
        };
    }
    let url = unescape(target);
    let is_link = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| url.starts_with(scheme));
    if !is_link {
        return shown(&format!("<{reference}>"));
    }
    match (label, form) {
        (Some(label), Form::Markdown) if label != target => link(&unescape(label), &url),
        (None, Form::Markdown) if url.starts_with("mailto:") => link(&url["mailto:".len()..], &url),
        (Some(label), Form::Plain) => unescape(label),
        _ => url,
    }
}

/// A link in Markdown. A URL that cannot be the target of one stands beside its label.
#[must_use]
pub fn link(label: &str, url: &str) -> String {
    let mut escaped = String::new();
    push_escaped(&mut escaped, &label.replace(['\n', '\r'], " "), false);
    let is_plain = !url.is_empty() && url.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\\".contains(c));
    if !is_plain {
        return escaped;
    }
    // Brackets in the URL could end it early.
    let url = url.replace('(', "%28").replace(')', "%29");
    format!("[{escaped}]({url})")
}

/// Replaces the three entities of mrkdwn.
#[must_use]
pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Appends a piece of a line, with backslashes before what would be Markdown. `is_start`: it stands at the start of a line.
pub(crate) fn push_escaped(markdown: &mut String, text: &str, is_start: bool) {
    if is_start && is_block_start(text) {
        markdown.push('\\');
    }
    // Addresses are found before Markdown is read, so that nothing in them is markup.
    let mut is_address = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() {
            is_address = false;
        } else if text[at..].starts_with("https://") || text[at..].starts_with("http://") {
            is_address = true;
        }
        if !is_address && matches!(character, '*' | '_' | '~' | '`' | '[' | ']' | '\\') {
            markdown.push('\\');
        }
        markdown.push(character);
    }
}

/// Whether a line begins with the sign of a heading, a quote or a list.
fn is_block_start(line: &str) -> bool {
    let first = line.chars().next();
    let rest = line.trim_start_matches('#');
    let is_heading = first == Some('#') && (rest.is_empty() || rest.starts_with(' '));
    is_heading || (matches!(first, Some('+' | '-' | '=')) && !line.starts_with("- ")) || first == Some('>')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_CHARS;

    fn markdown(text: &str) -> String {
        to_markdown(text, &NoNames)
    }

    #[test]
    fn markup_becomes_markdown() {
        for (mrkdwn, expected) in [
            ("plain", "plain"),
            ("*bold* _italic_ ~gone~", "**bold** _italic_ ~~gone~~"),
            ("*bold _both_*", "**bold _both_**"),
            ("2 * 3 * 4", "2 \\* 3 \\* 4"),
            ("snake_case_name", "snake\\_case\\_name"),
            ("a*b*c", "a\\*b\\*c"),
            ("* list", "\\* list"),
            ("`*code* &lt;x&gt;`", "`*code* <x>`"),
            ("```a *b*\nc```after", "```\na *b*\nc\n```\nafter"),
            ("a```x```", "a\n```\nx\n```\n"),
            ("&gt; said\nnot", "> said\nnot"),
            ("&gt; a\r&gt; b\r\nc", "> a\n> b\nc"),
            ("http https http://a_b *c* http", "http https http://a_b **c** http"),
            ("a &amp;&amp; b &lt;c&gt;", "a && b <c>"),
            ("&amp;lt;", "&lt;"),
            ("# no heading", "\\# no heading"),
            ("[x](y)", "\\[x\\](y)"),
            ("• one\n• two", "• one\n• two"),
            ("`", "\\`"),
            ("<", "<"),
            ("", ""),
        ] {
            assert_eq!(markdown(mrkdwn), expected, "{mrkdwn}");
        }
    }

    #[test]
    fn references_become_links_and_names() {
        for (mrkdwn, expected) in [
            ("<https://a.example/x?y=1&amp;z=2>", "https://a.example/x?y=1&z=2"),
            ("<https://a.example|the *page*>", "[the \\*page\\*](https://a.example)"),
            ("<https://a.example/a_(b)|x>", "[x](https://a.example/a_%28b%29)"),
            ("<https://a.example|https://a.example>", "https://a.example"),
            ("see https://a.example/a_b_c now", "see https://a.example/a_b_c now"),
            ("<mailto:a@b.example|mail>", "[mail](mailto:a@b.example)"),
            ("<@U12> and <@U34|ada>", "@U12 and @ada"),
            ("<#C1|general> <#C2>", "\\#general \\#C2"),
            ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
            ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
            ("<!subteam^S1|@ops>", "@ops"),
            ("<javascript:alert(1)|x>", "<javascript:alert(1)|x>"),
            ("`<https://a.example|x>`", "`x`"),
            ("a < b > c", "a < b > c"),
            ("<b>", "<b>"),
        ] {
            assert_eq!(markdown(mrkdwn), expected, "{mrkdwn}");
        }
        struct Ada;
        impl Names for Ada {
            fn user(&self, id: &str) -> Option<String> {
                (id == "U1").then(|| "Ada Lovelace".to_owned())
            }
        }
        assert_eq!(to_markdown("<@U1|x>, <@U2|bob>", &Ada), "@Ada Lovelace, @bob");
    }

    #[test]
    fn a_plain_text_shows_what_it_has() {
        assert_eq!(plain_to_markdown("*a* <b> &amp;\n# c"), "\\*a\\* <b> &amp;\n\\# c");
        assert_eq!(link("a]b", "https://a.example/ x"), "a\\]b");
        assert_eq!(link("a\rb\nc", "https://a.example"), "[a b c](https://a.example)");
    }

    #[test]
    fn hostile_texts_take_linear_time_and_space() {
        for unit in ["*a ", "_", "~x", "<", "<@", "`", "```", "&amp;", "*_~", "<a|b", "\n>", "*a*_b_"] {
            let text = unit.repeat(100_000 / unit.len());
            let made = markdown(&text);
            assert!(made.chars().count() <= 3 * MAX_CHARS);
            assert!(made.len() <= 4 * text.len() + 16, "{unit}: {}", made.len());
        }
    }
}
