//! Messages in Slack's JSON (text, blocks, attachments) as Markdown.
//!
//! An attachment becomes a quote, whose bar sets it off, with a coloured disc for its colour. Buttons become links: nothing
//! here does something when it is pressed.

use serde_json::{Map, Value};

use crate::mrkdwn::{NoNames, link, plain_to_markdown, to_markdown};
use crate::{MAX_CHARS, cut, with_line_feeds};

/// How deep blocks nest.
const MAX_DEPTH: usize = 8;

/// How much of JSON without any text is shown, in characters.
const MAX_JSON_CHARS: usize = 1_000;

/// A message as Markdown, never empty: JSON without any text is shown as JSON.
#[must_use]
pub fn to_message(json: &Value) -> String {
    let mut parts = Vec::new();
    match json {
        Value::Object(message) => push_message(&mut parts, message),
        other => parts.push(plain_to_markdown(&text_of(other))),
    }
    let markdown = joined(parts);
    if markdown.trim().is_empty() {
        let text: String = json.to_string().chars().take(MAX_JSON_CHARS).collect();
        return format!("```json\n{}\n```", text.replace("```", "'''"));
    }
    cut(markdown)
}

fn push_message(parts: &mut Vec<String>, message: &Map<String, Value>) {
    let blocks = blocks(message.get("blocks"));
    // With blocks, the text is what notifications say of them.
    if blocks.is_empty() {
        push(parts, mrkdwn(message.get("text")));
    } else {
        parts.extend(blocks);
    }
    let attachments = list(message.get("attachments")).iter().map(|attachment| match attachment {
        Value::Object(attachment) => quoted(&self::attachment(attachment)),
        other => plain_to_markdown(&text_of(other)),
    });
    parts.extend(bounded(attachments));
}

/// Those of the parts that are not blank, up to what fits in a message: the others are not even made.
fn bounded(parts: impl Iterator<Item = String>) -> Vec<String> {
    let mut length = 0;
    let mut made = Vec::new();
    for part in parts.filter(|part| !part.trim().is_empty()) {
        length += part.len();
        made.push(part);
        if length > MAX_CHARS {
            break;
        }
    }
    made
}

/// An attachment: pretext, author, title, text, fields, picture, buttons, footer; or its blocks.
fn attachment(attachment: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    let get = |name: &str| attachment.get(name);
    push(&mut parts, mrkdwn(get("pretext")));
    push(&mut parts, linked(get("author_name"), get("author_link")));
    let title = linked(get("title"), get("title_link"));
    let disc = disc(&text(get("color")));
    match (disc.is_empty(), title.is_empty()) {
        (_, false) => parts.push(format!("{disc}**{title}**")),
        (false, true) => parts.push(disc.trim_end().to_owned()),
        (true, true) => {}
    }
    push(&mut parts, mrkdwn(get("text")));
    parts.extend(blocks(get("blocks")));
    push(&mut parts, fields(list(get("fields"))));
    for picture in ["image_url", "thumb_url"] {
        push(
            &mut parts,
            Some(text(get(picture))).filter(|url| !url.is_empty()).map(|url| link("picture", &url)).unwrap_or_default(),
        );
    }
    push(&mut parts, buttons(list(get("actions"))));
    push(&mut parts, plain_to_markdown(&text(get("footer"))));
    let has_text = parts.iter().any(|part| part.trim() != disc.trim());
    if !has_text {
        push(&mut parts, mrkdwn(get("fallback")));
    }
    joined(parts)
}

/// A disc of a colour: a bar of any colour is beyond Markdown.
fn disc(color: &str) -> &'static str {
    match color.to_ascii_lowercase().as_str() {
        "" => "",
        "good" => "🟢 ",
        "warning" => "🟡 ",
        "danger" => "🔴 ",
        hex => nearest_disc(hex),
    }
}

/// The disc that is nearest to a colour like `#d63232`.
fn nearest_disc(hex: &str) -> &'static str {
    let hex = hex.trim_start_matches('#');
    if !hex.is_ascii() || hex.len() != 6 {
        return "";
    }
    let part = |at: usize| i64::from_str_radix(&hex[at..at + 2], 16).ok();
    let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) else { return "" };
    let discs = [
        ("🔴 ", (221, 46, 68)),
        ("🟠 ", (244, 144, 12)),
        ("🟡 ", (253, 203, 88)),
        ("🟢 ", (46, 170, 80)),
        ("🔵 ", (40, 110, 220)),
        ("🟣 ", (140, 90, 210)),
        ("⚫ ", (40, 45, 50)),
        ("⚪ ", (210, 215, 220)),
    ];
    let distance = |(r, g, b): (i64, i64, i64)| (r - red).pow(2) + (g - green).pow(2) + (b - blue).pow(2);
    discs.into_iter().min_by_key(|(_, color)| distance(*color)).map_or("", |(disc, _)| disc)
}

/// Fields, each on a line: short ones of a row beside each other.
fn fields(fields: &[Value]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_open = false;
    let mut length = 0;
    for field in fields {
        if length > MAX_CHARS {
            break;
        }
        let Value::Object(field) = field else {
            let shown = plain_to_markdown(&text_of(field));
            length += shown.len();
            push(&mut lines, shown);
            continue;
        };
        let title = plain_to_markdown(&text(field.get("title")));
        let value = mrkdwn(field.get("value"));
        let shown = match (title.is_empty(), value.is_empty()) {
            (true, _) => value,
            (false, true) => format!("**{title}**"),
            (false, false) => format!("**{title}** {value}"),
        };
        // An empty line is one, too.
        length += shown.len() + 1;
        let is_short = field.get("short").is_some_and(|short| short == &Value::Bool(true)) && !shown.contains('\n');
        match lines.last_mut() {
            Some(last) if is_short && is_open => {
                last.push_str(" · ");
                last.push_str(&shown);
                is_open = false;
            }
            _ => {
                lines.push(shown);
                is_open = is_short;
            }
        }
    }
    lines.join("\n")
}

/// Buttons that lead somewhere, as links beside each other.
fn buttons(buttons: &[Value]) -> String {
    let links = buttons.iter().filter_map(|button| {
        let url = text(button.get("url"));
        let label = text(button.get("text"));
        (!url.is_empty()).then(|| link(if label.is_empty() { "Open" } else { &label }, &url))
    });
    bounded(links).join(" · ")
}

fn blocks(blocks: Option<&Value>) -> Vec<String> {
    bounded(list(blocks).iter().map(|block| self::block(block, 0)))
}

fn block(block: &Value, depth: usize) -> String {
    let Value::Object(fields) = block else { return plain_to_markdown(&text_of(block)) };
    if depth > MAX_DEPTH {
        return String::new();
    }
    let get = |name: &str| fields.get(name);
    let mut parts = Vec::new();
    match text(get("type")).as_str() {
        "divider" => parts.push("---".to_owned()),
        "header" => push(&mut parts, bold(&plain_to_markdown(&text(get("text"))))),
        "image" => {
            let label = [text(get("title")), text(get("alt_text"))].into_iter().find(|label| !label.is_empty());
            parts.push(link(&label.unwrap_or_else(|| "picture".to_owned()), &text(get("image_url"))));
        }
        "actions" => push(&mut parts, buttons(list(get("elements")))),
        "context" => {
            let shown = list(get("elements")).iter().map(|element| mrkdwn(element.get("text").or(Some(element))));
            parts.push(bounded(shown).join(" "));
        }
        "rich_text" | "rich_text_section" | "rich_text_quote" | "rich_text_list" | "rich_text_preformatted" => {
            parts.push(rich_text(block, depth));
        }
        _ => {
            push(&mut parts, mrkdwn(get("text")));
            parts.extend(bounded(list(get("fields")).iter().map(|field| mrkdwn(Some(field)))));
            push(&mut parts, buttons(get("accessory").map(std::slice::from_ref).unwrap_or_default()));
        }
    }
    parts.join("\n")
}

/// A rich text: its runs with their styles, its lists, quotes and code.
fn rich_text(element: &Value, depth: usize) -> String {
    if depth > MAX_DEPTH {
        return String::new();
    }
    let kind = text(element.get("type"));
    let elements = list(element.get("elements"));
    let inner = |separator: &str| pieces(elements.iter().map(|element| rich_text(element, depth + 1)), separator);
    match kind.as_str() {
        "rich_text" => inner("\n"),
        "rich_text_list" => pieces(elements.iter().map(|item| format!("- {}", rich_text(item, depth + 1))), "\n"),
        "rich_text_quote" => quoted(&inner("")),
        "rich_text_preformatted" => {
            let code = pieces(elements.iter().map(raw), "");
            format!("```\n{}\n```", code.replace("```", "'''"))
        }
        "link" => {
            let url = text(element.get("url"));
            let label = text(element.get("text"));
            if label.is_empty() { url } else { link(&label, &url) }
        }
        "emoji" => format!(":{}:", text(element.get("name"))),
        "user" => format!("@{}", text(element.get("user_id"))),
        "broadcast" => format!("@{}", text(element.get("range"))),
        "text" => styled(element),
        _ if !elements.is_empty() => inner(""),
        _ => plain_to_markdown(&text(element.get("text"))),
    }
}

/// Pieces of a rich text, which may be blank, up to what fits in a message.
fn pieces(pieces: impl Iterator<Item = String>, separator: &str) -> String {
    let mut joined = String::new();
    for (index, piece) in pieces.enumerate() {
        if joined.len() > MAX_CHARS {
            break;
        }
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&piece);
    }
    joined
}

/// A run of text with its style.
fn styled(run: &Value) -> String {
    let plain = raw(run);
    let style = |name: &str| run.get("style").and_then(|style| style.get(name)) == Some(&Value::Bool(true));
    if plain.trim().is_empty() || plain.contains('\n') {
        return plain_to_markdown(&plain);
    }
    if style("code") {
        return format!("`{}`", plain.replace('`', "'"));
    }
    let mut shown = plain_to_markdown(plain.trim());
    for (name, sign) in [("bold", "**"), ("italic", "_"), ("strike", "~~")] {
        if style(name) {
            shown = format!("{sign}{shown}{sign}");
        }
    }
    let start = &plain[..plain.len() - plain.trim_start().len()];
    let end = &plain[plain.trim_end().len()..];
    format!("{start}{shown}{end}")
}

/// The text of a run with the white space around it.
fn raw(run: &Value) -> String {
    with_line_feeds(run.get("text").and_then(Value::as_str).unwrap_or_default())
}

fn bold(markdown: &str) -> String {
    if markdown.is_empty() { String::new() } else { format!("**{}**", markdown.replace('\n', " ")) }
}

/// A text that leads somewhere.
fn linked(label: Option<&Value>, url: Option<&Value>) -> String {
    let (label, url) = (text(label), text(url));
    match (label.is_empty(), url.is_empty()) {
        (true, true) => String::new(),
        (true, false) => link(&url, &url),
        (false, true) => to_markdown(&label, &NoNames).replace('\n', " "),
        (false, false) => link(&crate::mrkdwn::unescape(&label), &url),
    }
}

/// Markdown as a quote.
fn quoted(markdown: &str) -> String {
    let markdown = markdown.trim();
    if markdown.is_empty() {
        return String::new();
    }
    markdown.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A text object or a value, as Markdown: a `plain_text` has no markup.
fn mrkdwn(value: Option<&Value>) -> String {
    let is_plain = value.and_then(|value| value.get("type")).is_some_and(|kind| kind == "plain_text");
    let text = text(value);
    if is_plain { plain_to_markdown(&cut(text)) } else { to_markdown(&text, &NoNames) }
}

/// The text of a value: of a text object its text, of another value the value.
fn text(value: Option<&Value>) -> String {
    value.map(text_of).unwrap_or_default()
}

/// The text of a value, with line feeds.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => with_line_feeds(text.trim()),
        Value::Object(object) => match object.get("text") {
            Some(Value::String(text)) => with_line_feeds(text.trim()),
            Some(other) if !other.is_object() => other.to_string(),
            _ => String::new(),
        },
        Value::Array(values) => values
            .iter()
            .filter(|value| !value.is_array())
            .map(text_of)
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn push(parts: &mut Vec<String>, part: String) {
    if !part.trim().is_empty() {
        parts.push(part);
    }
}

/// Parts one below the other. A quote is set off by an empty line, so that what follows is not taken for a part of it.
fn joined(parts: Vec<String>) -> String {
    let mut markdown = String::new();
    let mut was_quote = false;
    for part in parts {
        let is_quote = part.starts_with("> ");
        if !markdown.is_empty() {
            markdown.push_str(if is_quote || was_quote || part == "---" { "\n\n" } else { "\n" });
        }
        was_quote = is_quote || part == "---";
        markdown.push_str(&part);
    }
    markdown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_of_alertmanager_is_a_quote_with_title_and_fields() {
        let alert = json!({
            "channel": "#ops", "username": "alertmanager",
            "attachments": [{
                "title": "[FIRING:1] HighLoad (db1)", "title_link": "http://am.example/#/alerts?receiver=x",
                "pretext": "", "text": "", "fallback": "[FIRING:1] HighLoad | http://am.example",
                "color": "danger", "footer": "", "mrkdwn_in": ["fallback", "pretext", "text"],
                "fields": [
                    {"title": "Severity", "value": "critical", "short": true},
                    {"title": "Instance", "value": "db1", "short": true},
                    {"title": "Summary", "value": "Load is *12*"},
                ],
                "actions": [{"type": "button", "text": "Runbook", "url": "http://wiki.example"}],
            }],
        });
        let expected = "> 🔴 **[\\[FIRING:1\\] HighLoad (db1)](http://am.example/#/alerts?receiver=x)**\n\
                        > **Severity** critical · **Instance** db1\n> **Summary** Load is **12**\n\
                        > [Runbook](http://wiki.example)";
        assert_eq!(to_message(&alert), expected);
    }

    #[test]
    fn blocks_of_uptime_kuma_are_shown_and_buttons_are_links() {
        let message = json!({
            "text": "Uptime Kuma Alert <!channel>",
            "attachments": [{
                "color": "#e01e5a",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Uptime Kuma Alert"}},
                    {"type": "section", "fields": [
                        {"type": "mrkdwn", "text": "*Message*\nDown"},
                        {"type": "mrkdwn", "text": "*Time (UTC)*\nnow"},
                    ]},
                    {"type": "actions", "elements": [
                        {"type": "button", "text": {"type": "plain_text", "text": "Visit"}, "value": "x", "url": "https://k.example"},
                        {"type": "button", "text": {"type": "plain_text", "text": "Press"}},
                    ]},
                ],
            }],
        });
        let expected = "Uptime Kuma Alert @channel\n\n> 🔴\n> **Uptime Kuma Alert**\n> **Message**\n> Down\n\
                        > **Time (UTC)**\n> now\n> [Visit](https://k.example)";
        assert_eq!(to_message(&message), expected);
    }

    #[test]
    fn texts_blocks_and_rich_texts_are_shown() {
        for (message, expected) in [
            (json!({"text": "*hi* <https://a.example|there>"}), "**hi** [there](https://a.example)"),
            (json!({"text": 12}), "12"),
            (json!({"text": null, "attachments": [{"fallback": "plain"}]}), "> plain"),
            (
                json!({"text": "fallback", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "_x_"}}]}),
                "_x_",
            ),
            (json!({"blocks": [{"type": "divider"}, {"type": "new", "text": "y"}]}), "---\n\ny"),
            (json!({"attachments": [{"text": "a"}, {"text": "b"}]}), "> a\n\n> b"),
            (json!({"attachments": ["loose", {"fields": [{"title": "T"}, 3]}]}), "loose\n\n> **T**\n> 3"),
            (
                json!({"blocks": [{"type": "rich_text", "elements": [
                    {"type": "rich_text_section", "elements": [
                        {"type": "text", "text": "a "}, {"type": "text", "text": "b", "style": {"bold": true}},
                        {"type": "link", "url": "https://a.example", "text": "c"}]},
                    {"type": "rich_text_list", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "d"}]}]},
                ]}]}),
                "a **b**[c](https://a.example)\n- d",
            ),
            (json!("a text"), "a text"),
            (json!(5), "5"),
        ] {
            assert_eq!(to_message(&message), expected, "{message}");
        }
    }

    #[test]
    fn a_message_is_never_empty_and_never_too_long() {
        for message in [json!({}), json!({"text": ""}), json!({"other": [1, {"a": "b"}]}), json!([]), json!(null)] {
            let markdown = to_message(&message);
            assert!(markdown.starts_with("```json\n"), "{message}: {markdown}");
        }
        let long =
            json!({"text": "*x* ".repeat(100_000), "attachments": vec![json!({"text": "y".repeat(10_000)}); 100]});
        assert!(to_message(&long).chars().count() <= MAX_CHARS + 1);
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!({"type": "rich_text_section", "elements": [deep]});
        }
        let _ = to_message(&json!({"blocks": [deep]}));
    }

    #[test]
    fn what_does_not_fit_is_not_made() {
        let text = json!({"type": "mrkdwn", "text": "*x* ".repeat(500)});
        let many = |element: Value| Value::Array(vec![element; 1_000]);
        let section =
            json!({"type": "rich_text_section", "elements": many(json!({"type": "text", "text": "y".repeat(2_000)}))});
        let button = json!({"url": format!("https://a.example/{}", "z".repeat(2_000))});
        let length = |block: Value| self::block(&block, 0).len();
        for block in [
            json!({"type": "section", "fields": many(text.clone())}),
            json!({"type": "context", "elements": many(text.clone())}),
            json!({"type": "actions", "elements": many(button)}),
            json!({"type": "rich_text", "elements": [section.clone()]}),
            json!({"type": "rich_text_list", "elements": [section.clone(), section.clone()]}),
            json!({"type": "rich_text_preformatted", "elements": section["elements"]}),
        ] {
            let kind = block["type"].clone();
            assert!((1..2 * MAX_CHARS).contains(&length(block)), "{kind}");
        }
        let field = json!({"title": "T", "value": text["text"]});
        assert!(fields(list(Some(&many(field)))).len() < 2 * MAX_CHARS);
        assert!(fields(list(Some(&many(text["text"].clone())))).len() < 2 * MAX_CHARS);
    }

    #[test]
    fn no_line_break_ends_a_quote() {
        let text = "fix\r\r@Deploy ship\r\nprod";
        let run = json!({"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]});
        for message in [
            json!({"attachments": [{"text": text}]}),
            json!({"attachments": [{"fallback": text}]}),
            json!({"attachments": [{"fields": [{"value": text}]}]}),
            json!({"attachments": [{"blocks": [{"type": "section", "text": {"type": "plain_text", "text": text}}]}]}),
            json!({"blocks": [{"type": "rich_text", "elements": [run]}]}),
        ] {
            assert_eq!(to_message(&message), "> fix\n>\n> @Deploy ship\n> prod", "{message}");
        }
    }

    #[test]
    fn colours_have_the_nearest_disc() {
        for (color, expected) in [
            ("good", "🟢 "),
            ("#36a64f", "🟢 "),
            ("#D63232", "🔴 "),
            ("#439FE0", "🔵 "),
            ("warning", "🟡 "),
            ("#000000", "⚫ "),
            ("é1234", ""),
            ("red", ""),
            ("", ""),
        ] {
            assert_eq!(disc(color), expected, "{color}");
        }
    }
}
