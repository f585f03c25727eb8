//! The pinned messages of a room.

use campfire::html::HtmlWriter;
use campfire::model::{MAX_PINS, Pin, RoomId, paths, utc_timestamp};
use leptos::prelude::*;

use super::search::found_html;
use crate::components::sheet::Sheet;

/// The pinned messages of a room, the last one first.
#[component]
pub fn RoomPins(
    /// The room.
    room_id: RoomId,
    /// Its name.
    room_name: String,
    /// Its pins.
    pins: Vec<Pin>,
    /// Why the last pin was not set, if it was not.
    problem: Option<String>,
) -> impl IntoView {
    let is_empty = pins.is_empty();
    let rows = pins.into_iter().map(|pin| {
        let message_id = pin.message.id;
        view! {
            <li class="kept-item">
                <div inner_html=found_html(&pin.message, &room_name)></div>
                <div class="kept__row">
                    <p class="kept__about" inner_html=about_html(&pin)></p>
                    <form method="post" action=paths::pin(room_id, message_id)>
                        <input type="hidden" name="_method" value="delete"/>
                        <input type="hidden" name="back" value="pins"/>
                        <button class="button--quiet">"Unpin"</button>
                    </form>
                </div>
            </li>
        }
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <Sheet title=format!("Pinned in {room_name}") back=paths::room(room_id)>
            {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
            {is_empty.then(|| view! {
                <p class="empty">{format!("Nothing is pinned here. Pin a message by its menu, and everybody in the room finds it here: up to {MAX_PINS}.")}</p>
            })}
            <ul class="kept-list">{rows}</ul>
        </Sheet>
    }
}

/// Who pinned a message, and when.
fn about_html(pin: &Pin) -> String {
    let timestamp = utc_timestamp(pin.pinned_at);
    let mut html = HtmlWriter::new();
    html.markup("Pinned by <bdi>").text(&pin.pinner.name);
    html.markup(r#"</bdi>, <local-time data-date><time datetime=""#).raw(&timestamp).markup(r#"">"#);
    html.raw(&timestamp[..10]).markup("</time></local-time>");
    html.into_string()
}
