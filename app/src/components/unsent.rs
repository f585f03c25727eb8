//! Messages that can no longer be sent, because their rooms are gone for their author: shown on every page of the chat
//! until they are discarded, so that their text is not lost.

use campfire::html::HtmlWriter;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use crate::browser;
use crate::outbox::{Outbox, Outgoing};

/// The messages that can no longer be sent, each with buttons to copy and to discard it.
#[component]
pub fn Unsent() -> impl IntoView {
    let outbox = expect_context::<Outbox>();
    let html = Memo::new(move |_| outbox.with_unsendable(unsent_html));
    let clicked = move |event: MouseEvent| {
        let control = browser::closest(&event, "[data-id]");
        if let Some(id) = control.and_then(|control| control.get_attribute("data-id")?.parse().ok()) {
            outbox.discard(&id);
        }
    };
    view! {
        <section
            class="unsent"
            aria-label="Not sent"
            aria-live="polite"
            hidden=move || html.with(String::is_empty)
            on:click=clicked
            inner_html=html
        ></section>
    }
}

/// The HTML of these messages. The page's script copies; only the button to discard has an id of a message.
fn unsent_html(items: &[&Outgoing]) -> String {
    let mut html = HtmlWriter::new();
    for item in items {
        let id = item.client_message_id.as_str();
        html.markup(r#"<div class="unsent__message"><p>Not sent to “<bdi>"#).text(&item.room_name);
        html.markup("</bdi>”, ").text(item.gone.as_deref().unwrap_or_default());
        html.markup(r#":</p><textarea readonly rows="2" aria-label="Your message" id="unsent-"#).text(id);
        html.markup(r#"">"#).text(&item.body).markup("</textarea>");
        for file in &item.files {
            html.markup("<p>With the file “<bdi>").text(&file.name).markup("</bdi>”.</p>");
        }
        html.markup(r#"<div class="unsent__buttons">"#);
        html.markup(r#"<button type="button" class="button button--plain" data-copies="unsent-"#).text(id);
        html.markup(r#"">Copy</button><button type="button" class="button--quiet" data-id=""#).text(id);
        html.markup(r#"">Discard</button></div></div>"#);
    }
    html.into_string()
}

#[cfg(test)]
mod tests {
    use campfire::model::{ClientMessageId, RoomId};

    use super::*;

    #[test]
    fn an_unsent_message_names_its_room_and_why_it_is_not_sent() {
        let item = Outgoing {
            client_message_id: ClientMessageId::v7(0, [0; 10]),
            room_id: RoomId(4),
            room_name: "<Kitchen>".into(),
            body: "</textarea>\nsoup".into(),
            answering: None,
            files: Vec::new(),
            reply: None,
            failed: None,
            as_message: false,
            gone: Some("which was deleted".into()),
            waiting: false,
        };
        let html = unsent_html(&[&item]);
        assert!(html.contains("Not sent to “<bdi>&lt;Kitchen&gt;</bdi>”, which was deleted:"), "{html}");
        assert!(html.contains("&lt;/textarea&gt;\nsoup</textarea>"), "{html}");
        assert_eq!(unsent_html(&[]), "");
    }
}
