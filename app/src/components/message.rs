//! One message as HTML: a ready string, the same for the server and the browser, and for whoever reads it.
//!
//! What depends on the reader is left to the style sheet and to the page: one rule of the page's head shows the
//! controls of one's own messages.

use std::fmt::Write;

use campfire::model::{Message, escape_html, utc_timestamp};

use super::avatar::avatar_html;
use super::icon::Icon;

/// What stands inside a message's list item.
#[must_use]
pub fn message_html(message: &Message) -> String {
    let mut html = String::with_capacity(message.body_html.len() + 1_024);
    let name = escape_html(&message.creator_name);
    let path = message.path();
    let edit = format!("/rooms/{}/messages/{}/edit", message.room_id, message.id);
    let author = format!("/users/{}", message.creator_id);
    write!(
        html,
        r#"<a class="message__avatar" href="{author}" rel="external" tabindex="-1" aria-hidden="true">{}</a>"#,
        avatar_html(message.creator_id, &message.creator_name)
    )
    .expect("a string takes any text");
    let at = utc_timestamp(message.created_at);
    write!(
        html,
        r#"<div class="message__head"><a class="message__author" href="{author}" rel="external"><bdi>{name}</bdi></a> <a class="message__time" href="{path}"><local-time><time datetime="{at}">{} UTC</time></local-time></a></div>"#,
        &at[11..16]
    )
    .expect("a string takes any text");
    write!(
        html,
        r#"<div class="message__body" dir="auto">{}</div><details class="menu"><summary aria-label="More for this message by {name}">{}</summary><div class="menu__list"><a href="{path}" data-action="copy" rel="external">Copy link</a><a class="menu__own" href="{edit}" data-action="edit" rel="external">Edit</a><a class="menu__own menu__danger" href="{edit}" data-action="remove" rel="external">Delete…</a></div></details>"#,
        message.body_html,
        Icon::Settings.markup()
    )
    .expect("a string takes any text");
    html
}

/// What stands inside the list item of a message that is on its way: its text as typed.
#[must_use]
pub fn outgoing_html(name: &str, body: &str) -> String {
    format!(
        r#"<div class="message__head"><bdi class="message__author">{}</bdi></div><div class="message__body message__body--typed" dir="auto">{}</div>"#,
        escape_html(name),
        escape_html(body)
    )
}

#[cfg(test)]
mod tests {
    use campfire::model::{ClientMessageId, MessageId, RoomId, UserId};

    use super::*;

    #[test]
    fn a_message_says_who_when_and_what() {
        let html = message_html(&Message {
            id: MessageId(41),
            room_id: RoomId(4),
            creator_id: UserId(9),
            creator_name: "<Ada>".into(),
            client_message_id: ClientMessageId::v7(0, [0; 10]),
            body_html: "<p>hello</p>".into(),
            revision: 1,
            created_at: 0,
        });
        assert!(html.contains("&lt;Ada&gt;") && !html.contains("<Ada>"));
        assert!(html.contains(r#"<time datetime="1970-01-01T00:00:00Z">00:00 UTC</time>"#));
        assert!(html.contains(r#"href="/rooms/4/@41""#));
        assert!(html.contains("<p>hello</p>"));
        assert!(html.contains("tint-1"));
    }

    #[test]
    fn what_is_on_its_way_is_shown_as_typed() {
        assert!(outgoing_html("Ada", "<b>1\n2").contains("&lt;b&gt;1\n2"));
    }
}
