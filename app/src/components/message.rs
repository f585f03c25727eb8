//! One message as HTML: a ready string, the same for the server and the browser, and for whoever reads it.
//!
//! What depends on the reader is left to the style sheet and to the page: one rule of the page's head shows the
//! controls of one's own messages.

use std::fmt::Write;

use campfire::model::{Message, QUICK_BOOSTS, escape_html, paths, utc_timestamp};

use super::avatar::push_avatar;
use super::push;
use crate::outbox::Outgoing;

/// A body with more lines than this is folded, and so is one of more bytes than follow.
const FOLDED_BEYOND: (usize, usize) = (40, 8_000);

/// Adds what stands inside a message's list item.
pub fn message_html(html: &mut String, message: &Message) {
    let (mut digits, mut boosts_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (id, name) = (digits.format(message.id.0), escape_html(&message.creator_name));
    head_html(html, message, id, &name, None);
    body_html(html, message, id);
    let boosts_seq = if message.boosts_seq > 0 { boosts_digits.format(message.boosts_seq) } else { "" };
    push(
        html,
        &["<form class=\"boosts\" id=\"boosts-", id, "\" method=\"post\" action=\"", &paths::boosts(message.id)],
    );
    push(html, &["\" data-quiet=\"\" data-boosts=\"", boosts_seq, "\">", &message.boosts_html]);
    push(html, &["</form><details class=\"menu\"><summary aria-label=\"More for this message by ", &name]);
    push(html, &["\">⋯</summary><div class=\"menu__list\"><a href=\"", &paths::message_menu(message.id)]);
    html.push_str("\" rel=\"external\">Answer, boost, change…</a></div></details>");
}

/// What can be done with a message, as links and forms: the page has it once, as a template with `{id}` and `{room}` in
/// their places, and its script puts it into a menu that is opened. Without scripts it is a page of its own.
#[must_use]
pub fn menu_template() -> String {
    let mut html = String::from(r#"<div class="menu__boosts">"#);
    for (content, called) in QUICK_BOOSTS {
        write!(html, r#"<button form="boosts-{{id}}" name="content" value="{content}" aria-label="Boost: {called}" title="{called}">{content}</button>"#)
            .expect("a string takes any text");
    }
    let [message, own, edit, reply, unread, boost] = [
        paths::template::MESSAGE,
        paths::template::STORED_MESSAGE,
        paths::template::EDIT_MESSAGE,
        paths::template::REPLY,
        paths::template::UNREAD,
        paths::template::NEW_BOOST,
    ];
    write!(
        html,
        r#"</div><a href="{boost}" data-picker="{{id}}" rel="external">Other boost…</a><a href="{reply}" data-action="reply" rel="external">Reply</a><button type="button" data-action="copy-text">Copy text</button><a href="{message}" data-action="copy" rel="external">Copy link</a><form method="post" action="{unread}" data-quiet=""><button>Mark unread from here</button></form><a class="menu__own" href="{edit}" data-action="edit" data-id="{{id}}" rel="external">Edit</a><a class="menu__own menu__danger" href="{edit}" data-action="remove" data-path="{own}" rel="external">Delete</a>"#
    )
    .expect("a string takes any text");
    html
}

/// What stands inside the list item of a message that a search found: where it was said, and nothing to do but go there.
#[must_use]
pub fn found_html(message: &Message, room: &str) -> String {
    let mut html = String::with_capacity(message.body_html.len() + 1_024);
    let (id, name) = (message.id.to_string(), escape_html(&message.creator_name));
    head_html(&mut html, message, &id, &name, Some(room));
    body_html(&mut html, message, &id);
    html
}

/// Who said it and when. Out of its room a message says where, too. `name` is escaped.
fn head_html(html: &mut String, message: &Message, id: &str, name: &str, room: Option<&str>) {
    let (author, path) = (paths::user(message.creator_id), message.path());
    let at = utc_timestamp(message.created_at);
    push(html, &["<a class=\"message__avatar\" href=\"", &author]);
    html.push_str("\" rel=\"external\" tabindex=\"-1\" aria-hidden=\"true\">");
    push_avatar(html, message.creator_id, &message.creator_name);
    push(html, &["</a><div class=\"message__head\"><a class=\"message__author\" id=\"by-", id]);
    push(html, &["\" href=\"", &author, "\" rel=\"external\"><bdi>", name, "</bdi></a> "]);
    push(html, &["<a class=\"message__time\" href=\"", &path, "\">"]);
    let (date, shown) = if room.is_some() { (" data-date", &at[..10]) } else { ("", &at[11..16]) };
    push(html, &["<local-time", date, "><time datetime=\"", &at, "\">", shown, " UTC</time></local-time></a>"]);
    if let Some(room) = room {
        push(html, &[" <a class=\"message__room\" href=\"", &path, "\">in <bdi>", &escape_html(room), "</bdi></a>"]);
    }
    html.push_str("</div>");
}

fn body_html(html: &mut String, message: &Message, id: &str) {
    let (lines, bytes) = FOLDED_BEYOND;
    let long = message.body_html.len() > bytes || message.body_html.matches('\n').count() > lines;
    let fold = if long { r#"<details class="fold"><summary>Show all</summary></details>"# } else { "" };
    push(
        html,
        &["<div class=\"message__body\" id=\"says-", id, "\" dir=\"auto\">", &message.body_html, "</div>", fold],
    );
}

/// What stands inside the list item of a message that is on its way: its text as typed, how far it is, and what can be
/// done about one that cannot arrive.
#[must_use]
pub fn outgoing_html(name: &str, item: &Outgoing) -> String {
    let id = &item.client_message_id;
    let state = match (&item.failed, item.waiting) {
        (Some(reason), _) => format!(
            r#"Not sent. {}<button type="button" class="button--quiet" data-action="retry" data-id="{id}">Try again</button><button type="button" class="button--quiet" data-action="discard" data-id="{id}">Discard</button>"#,
            escape_html(reason)
        ),
        (None, true) => "Waiting for the connection…".to_owned(),
        (None, false) => "Sending…".to_owned(),
    };
    format!(
        r#"<div class="message__head"><bdi class="message__author">{}</bdi></div><div class="message__body message__body--typed" dir="auto">{}</div><p class="message__state" role="status">{state}</p>"#,
        escape_html(name),
        escape_html(&item.body)
    )
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
        }
    }

    fn html_of(body_html: &str) -> String {
        let mut html = String::new();
        message_html(&mut html, &message(body_html));
        html
    }

    #[test]
    fn a_message_says_who_when_and_what() {
        let html = html_of("<p>hello</p>");
        assert!(html.contains("&lt;Ada&gt;") && !html.contains("<Ada>"));
        assert!(html.contains(r#"<time datetime="1970-01-01T00:00:00Z">00:00 UTC</time>"#));
        assert!(html.contains(r#"href="/rooms/4/@41""#));
        assert!(html.contains("<p>hello</p>") && !html.contains("Show all"));
        assert!(html.contains("tint-1"));
    }

    #[test]
    fn a_menu_is_about_its_message() {
        let menu = menu_template().replace("{room}", "4").replace("{id}", "41");
        for part in [r#"form="boosts-41""#, r#"action="/rooms/4/messages/41/unread""#, r#"href="/rooms/4/@41""#] {
            assert!(menu.contains(part), "{part}");
        }
        assert!(!menu.contains(['{', '}']), "{menu}");
        assert!(html_of("<p>hello</p>").contains(r#"href="/messages/41/menu""#), "the way there without scripts");
    }

    #[test]
    fn what_was_found_says_where() {
        let html = found_html(&message("<p>hello</p>"), "R&D");
        assert!(html.contains("in <bdi>R&amp;D</bdi>") && html.contains("1970-01-01 UTC"), "{html}");
        assert!(!html.contains("menu"));
    }

    #[test]
    fn long_messages_are_folded() {
        assert!(!html_of(&"<br>\n".repeat(40)).contains("Show all"));
        assert!(html_of(&"<br>\n".repeat(41)).contains("Show all"));
        assert!(html_of(&"a".repeat(8_001)).contains("Show all"));
    }

    #[test]
    fn what_is_on_its_way_is_shown_as_typed() {
        let mut item = Outgoing {
            client_message_id: ClientMessageId::v7(0, [0; 10]),
            room_id: RoomId(4),
            body: "<b>1\n2".into(),
            failed: None,
            waiting: false,
        };
        let html = outgoing_html("Ada", &item);
        assert!(html.contains("&lt;b&gt;1\n2") && html.contains("Sending") && !html.contains("retry"), "{html}");
        item.failed = Some("<why>".into());
        assert!(outgoing_html("Ada", &item).contains("&lt;why&gt;"));
    }
}
