//! The HTML of one message, identical on the server and in the browser, and for every viewer.
//!
//! Style rules show the parts that depend on the viewer: one in the page's head shows the controls of the viewer's own
//! messages. Everything here writes into an [`HtmlWriter`]: pages have rows by the hundred, and components would cost
//! the browser code and time for each.

use campfire::html::HtmlWriter;
use campfire::model::{Message, QUICK_BOOSTS, escape_html, paths, utc_timestamp};

use super::avatar::push_avatar;
use crate::outbox::Outgoing;
use crate::uploads::Upload;

/// Bodies with more lines than this are folded. `style/message-body.css` has the same number.
const MAX_UNFOLDED_LINES: usize = 15;

/// How many narrow characters a line has in the column of a desk, which is 42rem wide.
const LINE_CHARS: usize = 90;

/// How many narrow characters a line has on a phone.
const PHONE_LINE_CHARS: usize = 42;

/// Appends the content of a message's list item.
pub fn push_message(html: &mut HtmlWriter, message: &Message) {
    let mut digits = itoa::Buffer::new();
    let id = digits.format(message.id.0);
    let name_html = escape_html(&message.creator_name);
    push_head(html, message, id, &name_html, None);
    push_reply(html, message);
    push_body(html, message, id);
    push_extras(html, message);
    html.markup(r#"<form class="boosts" id="boosts-"#).raw(id);
    html.markup(r#"" method="post" action=""#).raw(&paths::boosts(message.id));
    html.markup(r#"" data-quiet="" data-boosts=""#);
    if message.boosts_seq > 0 {
        html.number(message.boosts_seq);
    }
    html.markup(r#"">"#).raw(&message.boosts_html);
    html.markup("</form>");
    push_tools(html, message, &name_html);
}

/// Appends the buttons that a pointer over the row shows: boost, reply, and the menu. On touch screens a long press opens
/// the menu.
fn push_tools(html: &mut HtmlWriter, message: &Message, name_html: &str) {
    html.markup(r#"<div class="tools"><a class="tool tool--boost" href=""#).raw(&paths::new_boost(message.id));
    html.markup(r#"" data-picker="" rel="external" title="Boost" aria-label="Boost the message by "#).raw(name_html);
    html.markup(r#""></a><a class="tool tool--reply" href=""#).raw(&paths::reply(message.room_id, message.id));
    html.markup(r#"" data-action="reply" rel="external" title="Reply" aria-label="Reply to "#).raw(name_html);
    html.markup(r#""></a><details class="menu"><summary class="tool tool--more" title="More""#);
    html.markup(r#" aria-label="More for this message by "#).raw(name_html);
    html.markup(r#""></summary><div class="menu__list"><a href=""#).raw(&paths::message_menu(message.id));
    html.markup(r#"" rel="external">Answer, boost, change…</a></div></details></div>"#);
}

/// The menu of a message, with `{id}` and `{room}` in place of the ids.
///
/// Each page has it once, as a template; the page's script inserts it into a message's menu when that is opened. Without
/// scripts the menu is a page of its own.
#[must_use]
pub fn menu_template() -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<div class="menu__boosts">"#);
    for (content, name) in QUICK_BOOSTS {
        html.markup(r#"<button form="boosts-{id}" name="content" value=""#).text(content);
        html.markup(r#"" aria-label="Boost: "#).text(name);
        html.markup(r#"" title=""#).text(name);
        html.markup(r#"">"#).text(content).markup("</button>");
    }
    html.markup(r#"</div><a href=""#).markup(paths::template::NEW_BOOST);
    html.markup(r#"" data-picker="{id}" rel="external">Other boost…</a><a href=""#).markup(paths::template::REPLY);
    html.markup(r#"" data-action="reply" rel="external">Reply</a><a class="menu__thread" href=""#)
        .markup(paths::template::THREAD);
    html.markup(r#"" data-action="thread">Answer in a thread</a>"#);
    html.markup(r#"<button type="button" data-action="copy-text">Copy text</button>"#);
    html.markup(r#"<a href=""#).markup(paths::template::MESSAGE);
    html.markup(r#"" data-action="copy" rel="external">Copy link</a>"#);
    html.markup(r#"<form method="post" action=""#).markup(paths::template::SAVE);
    html.markup(
        r#"" data-quiet="" data-saves-message=""><button data-says="Saved for later.">Save for later</button></form>"#,
    );
    html.markup(r#"<a href=""#).markup(paths::template::SAVE).markup(r#"">Remind me…</a>"#);
    html.markup(r#"<form method="post" action=""#).markup(paths::template::PIN);
    html.markup(r#"" data-quiet="" data-pins=""><button data-says="Pinned.">Pin to the room</button>"#);
    html.markup(r#"<button name="_method" value="delete" data-says="Unpinned." hidden>Unpin</button></form>"#);
    html.markup(r#"<form method="post" action=""#).markup(paths::template::UNREAD);
    html.markup(r#"" data-quiet=""><button>Mark unread from here</button></form>"#);
    html.markup(r#"<a class="menu__own" href=""#).markup(paths::template::EDIT_MESSAGE);
    html.markup(r#"" data-action="edit" data-id="{id}" rel="external">Edit</a>"#);
    html.markup(r#"<a class="menu__own menu__danger" href=""#).markup(paths::template::EDIT_MESSAGE);
    html.markup(r#"" data-action="remove" data-path=""#).markup(paths::template::STORED_MESSAGE);
    html.markup(r#"" rel="external">Delete</a>"#);
    html.into_string()
}

/// The content of the list item of a search result: the message with its date and the name of its room, without controls.
#[must_use]
pub fn found_html(message: &Message, room_name: &str) -> String {
    let mut html = HtmlWriter::with_capacity(message.body_html.len() + 1_024);
    let id = message.id.to_string();
    push_head(&mut html, message, &id, &escape_html(&message.creator_name), Some(room_name));
    push_reply(&mut html, message);
    push_body(&mut html, message, &id);
    push_extras(&mut html, message);
    html.into_string()
}

/// Appends the avatar, the author and the time. With `room_name`, outside of the room, also the room, and scripts show the
/// date too.
///
/// `id` and `name_html` are computed once per message, as rows are rendered by the thousand: the digits of the
/// message's id, and the escaped name of its author.
fn push_head(html: &mut HtmlWriter, message: &Message, id: &str, name_html: &str, room_name: Option<&str>) {
    let author_path = paths::user(message.creator_id);
    let path = message.path();
    let timestamp = utc_timestamp(message.created_at);
    html.markup(r#"<a class="message__avatar" href=""#).raw(&author_path);
    html.markup(r#"" tabindex="-1" aria-hidden="true">"#);
    push_avatar(html, message.creator_id, &message.creator_name);
    html.markup(r#"</a><div class="message__head"><a class="message__author" id="by-"#).raw(id);
    html.markup(r#"" href=""#).raw(&author_path);
    html.markup(r#""><bdi>"#).raw(name_html).markup("</bdi></a> ");
    html.markup(r#"<a class="message__time" href=""#).raw(&path).markup(r#""><local-time"#);
    html.markup(if room_name.is_some() { " data-date" } else { "" });
    html.markup(r#"><time datetime=""#).raw(&timestamp).markup(r#"">"#);
    // Shown without scripts; with them, boot.js writes the reader's time.
    html.raw(&timestamp[..10]).markup(" ").raw(&timestamp[11..16]);
    html.markup(" UTC</time></local-time></a>");
    if let Some(room_name) = room_name {
        html.markup(r#" <a class="message__room" href=""#).raw(&path);
        html.markup(r#"">in <bdi>"#).text(room_name).markup("</bdi></a>");
    }
    html.markup("</div>");
}

/// Appends the line that shows what the message answers: nothing if it is no answer.
fn push_reply(html: &mut HtmlWriter, message: &Message) {
    if let Some(answered) = message.reply_to {
        html.markup(r#"<p class="reply" data-answers=""#).number(answered.0);
        html.markup(r#"">"#).raw(&message.reply_html).markup("</p>");
    }
}

/// Appends the body; a long one is folded, and can be folded back. The fold is a disclosure, which needs no script. Of an
/// edited message a link to its history follows.
pub fn push_body(html: &mut HtmlWriter, message: &Message, id: &str) {
    let body_html = &message.body_html;
    html.markup(r#"<div class="message__body" id="says-"#).raw(id);
    html.markup(r#"" dir="auto">"#).raw(body_html).markup("</div>");
    let class = match fold(body_html) {
        Fold::None => "",
        Fold::OnPhones => "fold fold--phone",
        Fold::Everywhere => "fold",
    };
    if !class.is_empty() {
        html.markup(r#"<details class=""#).markup(class);
        html.markup(r#""><summary><span class="fold__more">Show all</span>"#);
        html.markup(r#"<span class="fold__less">Show less</span></summary></details>"#);
    }
    if message.revision > 1 {
        html.markup(r#"<a class="message__edited" href=""#).raw(&paths::history(message.room_id, message.id));
        html.markup(r#"">edited</a>"#);
    }
}

/// Where a body is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    /// Nowhere: it is short.
    None,
    /// On narrow screens alone, where it has more than [`MAX_UNFOLDED_LINES`].
    OnPhones,
    /// On every screen.
    Everywhere,
}

fn fold(body_html: &str) -> Fold {
    // Nearly all messages: too short to have that many lines.
    let is_short = body_html.len() <= MAX_UNFOLDED_LINES * PHONE_LINE_CHARS;
    if is_short && body_html.bytes().filter(|byte| *byte == b'\n').count() < MAX_UNFOLDED_LINES {
        Fold::None
    } else if line_count(body_html, LINE_CHARS) > MAX_UNFOLDED_LINES {
        Fold::Everywhere
    } else if line_count(body_html, PHONE_LINE_CHARS) > MAX_UNFOLDED_LINES {
        Fold::OnPhones
    } else {
        Fold::None
    }
}

/// About how many lines a body has where a line has `line_chars` narrow characters. Lines of code do not wrap.
fn line_count(body_html: &str, line_chars: usize) -> usize {
    let (mut lines, mut width, mut is_code) = (0_usize, 0_usize, false);
    let mut rest = body_html;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        let is_end = match character {
            '<' => {
                let tag = rest.split_once('>').map_or(rest, |(tag, _)| tag);
                rest = rest.get(tag.len() + 1..).unwrap_or_default();
                if is_code && tag == "/pre" {
                    lines += usize::from(width > 0);
                    (width, is_code) = (0, false);
                }
                is_code |= tag.split(' ').next() == Some("pre");
                tag.starts_with("br")
            }
            '\n' => is_code || width > 0,
            _ => {
                // An entity is one character.
                if character == '&' {
                    rest = rest.split_once(';').map_or(rest, |(_, after)| after);
                }
                // Ideographs, syllables and emoji are twice as wide as letters.
                width += if u32::from(character) < 0x1100 { 1 } else { 2 };
                false
            }
        };
        if is_end {
            lines += if is_code { 1 } else { width.div_ceil(line_chars).max(1) };
            width = 0;
        }
    }
    lines + width.div_ceil(line_chars)
}

/// Appends what the message shows below its body: nothing if that is empty.
pub fn push_extras(html: &mut HtmlWriter, message: &Message) {
    if !message.extras_html.is_empty() {
        html.markup(r#"<div class="message__extras" data-extras=""#).number(message.extras_seq);
        html.markup(r#"">"#).raw(&message.extras_html).markup("</div>");
    }
}

/// The content of the list item of an outgoing message: its text as typed, its state, and the buttons to retry or
/// discard one that failed.
#[must_use]
pub fn outgoing_html(author_name: &str, item: &Outgoing, files: &[Upload]) -> String {
    let id = item.client_message_id.as_str();
    let mut html = HtmlWriter::with_capacity(item.body.len() + 512);
    html.markup(r#"<div class="message__head"><bdi class="message__author">"#).text(author_name);
    html.markup("</bdi></div>");
    if let Some(reply) = &item.reply {
        html.markup(r#"<p class="reply"><bdi class="reply__author">"#).text(&reply.author);
        html.markup(r#"</bdi> <bdi class="reply__words">"#).text(&reply.words).markup("</bdi></p>");
    }
    html.markup(r#"<div class="message__body message__body--typed" dir="auto">"#).text(&item.body);
    html.markup(r#"</div>"#);
    if !files.is_empty() {
        html.markup(r#"<ul class="message__files">"#);
        for file in files {
            html.markup("<li><bdi>").text(&file.name).markup("</bdi> <span>").text(&file.state_text());
            html.markup(r#"</span><progress max="100" value=""#).number(i64::try_from(file.percent()).unwrap_or(0));
            html.markup(r#"" aria-label="How much of the file has arrived"></progress></li>"#);
        }
        html.markup("</ul>");
    }
    let is_uploading = files.iter().any(|file| file.key.is_none());
    html.markup(r#"<p class="message__state" role="status">"#);
    match (&item.failed, item.waiting) {
        (Some(reason), _) => {
            html.markup("Not sent. ").text(reason);
            if files.iter().any(|file| file.failed.is_some()) {
                html.markup(r#"<button type="button" class="button--quiet" data-action="send-without" data-id=""#);
                html.text(id).markup(r#"">Send without it</button>"#);
            }
            if item.body.starts_with('/') && !item.as_message {
                html.markup(r#"<button type="button" class="button--quiet" data-action="send-as-message" data-id=""#);
                html.text(id).markup(r#"">Send as a message</button>"#);
            }
            html.markup(r#"<button type="button" class="button--quiet" data-action="retry" data-id=""#).text(id);
            html.markup(r#"">Try again</button>"#);
            html.markup(r#"<button type="button" class="button--quiet" data-action="discard" data-id=""#).text(id);
            html.markup(r#"">Discard</button>"#);
        }
        (None, true) => {
            html.markup("Waiting for the connection…");
        }
        (None, false) if is_uploading => {
            html.markup("Sending the files…");
        }
        (None, false) => {
            html.markup("Sending…");
        }
    }
    html.markup("</p>");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use campfire::model::{ClientMessageId, MessageId, RoomId, UserId};

    use super::*;

    fn message(body_html: &str) -> Message {
        Message {
            id: MessageId(41),
            room_id: RoomId(4),
            creator_id: UserId(9),
            creator_name: "<Ada>".into(),
            client_message_id: None,
            body_html: body_html.into(),
            revision: 1,
            created_at: 0,
            boosts_html: String::new(),
            boosts_seq: 0,
            extras_html: String::new(),
            extras_seq: 0,
            reply_to: None,
            reply_html: String::new(),
        }
    }

    fn html_of(body_html: &str) -> String {
        let mut html = HtmlWriter::new();
        push_message(&mut html, &message(body_html));
        html.into_string()
    }

    #[test]
    fn a_message_shows_its_author_time_and_body() {
        let html = html_of("<p>hello</p>");
        assert!(html.contains("&lt;Ada&gt;") && !html.contains("<Ada>"));
        assert!(html.contains(r#"<time datetime="1970-01-01T00:00:00Z">1970-01-01 00:00 UTC</time>"#));
        assert!(html.contains(r#"href="/rooms/4/@41""#));
        assert!(html.contains("<p>hello</p>") && !html.contains("Show all"));
        assert!(html.contains(r#"aria-label="Reply to &lt;Ada&gt;""#), "{html}");
        assert!(html.contains("tint-1"));
    }

    #[test]
    fn the_menu_template_yields_the_paths_of_a_message() {
        let menu = menu_template().replace("{room}", "4").replace("{id}", "41");
        for part in [r#"form="boosts-41""#, r#"action="/rooms/4/messages/41/unread""#, r#"href="/rooms/4/@41""#] {
            assert!(menu.contains(part), "{part}");
        }
        assert!(!menu.contains(['{', '}']), "{menu}");
        assert!(
            html_of("<p>hello</p>").contains(r#"href="/messages/41/menu""#),
            "the link to the menu's page, for use without scripts"
        );
    }

    #[test]
    fn a_search_result_shows_its_room_and_date() {
        let html = found_html(&message("<p>hello</p>"), "R&D");
        assert!(html.contains("in <bdi>R&amp;D</bdi>") && html.contains("1970-01-01 00:00 UTC"), "{html}");
        assert!(!html.contains("menu") && !html.contains("tool"));
    }

    #[test]
    fn messages_of_more_than_fifteen_lines_are_folded() {
        for (html, is_folded) in [
            ("<br>\n".repeat(15), Fold::None),
            ("<br>\n".repeat(16), Fold::Everywhere),
            (format!("<p>{}last</p>\n", "line<br>\n".repeat(14)), Fold::None),
            (format!("<p>{}last</p>\n", "line<br>\n".repeat(15)), Fold::Everywhere),
            ("<p>a</p>\n".repeat(15), Fold::None),
            ("<p>a</p>\n".repeat(16), Fold::Everywhere),
            (format!("<ul>\n{}</ul>\n", "<li>a</li>\n".repeat(15)), Fold::None),
            (format!("<pre><code>{}</code></pre>", "\n".repeat(16)), Fold::Everywhere),
            (format!("<pre><code>{}</code></pre>", "<i>code</i> ".repeat(900)), Fold::None),
            (format!("<p>{}</p>", "a".repeat(15 * 42)), Fold::None),
            (format!("<p>{}</p>", "a".repeat(15 * 42 + 1)), Fold::OnPhones),
            (format!("<p>{}</p>", "&amp;".repeat(15 * 42)), Fold::None),
            (format!("<p>{}</p>", "字".repeat(15 * 21)), Fold::None),
            (format!("<p>{}</p>", "a".repeat(15 * 90 + 1)), Fold::Everywhere),
            (format!("<p>{}</p>", "字".repeat(15 * 45 + 1)), Fold::Everywhere),
        ] {
            assert_eq!(fold(&html), is_folded, "{html}");
        }
        assert!(html_of(&"<br>\n".repeat(16)).contains("Show all"));
        for broken in ["<", "<p", "&", "a&b", "<pre"] {
            line_count(broken, 42);
        }
    }

    #[test]
    fn an_outgoing_message_shows_its_text_escaped_and_its_state() {
        let mut item = Outgoing {
            client_message_id: ClientMessageId::v7(0, [0; 10]),
            room_id: RoomId(4),
            room_name: String::new(),
            body: "<b>1\n2".into(),
            answering: None,
            files: Vec::new(),
            reply: None,
            failed: None,
            as_message: false,
            gone: None,
            waiting: false,
        };
        let html = outgoing_html("Ada", &item, &[]);
        assert!(html.contains("&lt;b&gt;1\n2") && html.contains("Sending") && !html.contains("retry"), "{html}");
        item.failed = Some("<why>".into());
        let html = outgoing_html("Ada", &item, &[]);
        assert!(html.contains("&lt;why&gt;") && !html.contains("send-as-message"), "{html}");
        item.body = "/etc".into();
        assert!(outgoing_html("Ada", &item, &[]).contains("send-as-message"));
        item.as_message = true;
        assert!(!outgoing_html("Ada", &item, &[]).contains("send-as-message"));
    }
}
