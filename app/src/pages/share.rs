//! The share target of the installed app: a text to edit, and the rooms to send it to.

use campfire::model::{RoomId, paths};
use leptos::prelude::*;

use crate::components::form::textarea_html;
use crate::components::sheet::{Section, Sheet};

/// The text, and a button for each room.
#[component]
pub fn Share(
    /// The shared text.
    text: String,
    /// The viewer's rooms.
    rooms: Vec<(RoomId, String)>,
    /// Makes the form idempotent: sent twice to a room, it is one message.
    seq: i64,
) -> impl IntoView {
    let is_empty = rooms.is_empty();
    let rows = rooms.into_iter().map(|(id, name)| {
        let label = format!("Send to {name}");
        view! {
            <li class="list__row">
                <bdi class="list__name">{name}</bdi>
                <button class="button button--plain" formaction=paths::messages(id) aria-label=label>"Send"</button>
            </li>
        }
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <Sheet title="Share" back=paths::HOME>
            <form class="sections" method="post">
                <input type="hidden" name="seq" value=seq/>
                <Section title="Message">
                    <textarea class="share__text" name="body" rows="5" dir="auto" required aria-label="Message">{textarea_html(&text)}</textarea>
                </Section>
                <Section title="Send to">
                    {is_empty.then(|| view! { <p class="empty">"You are in no room."</p> })}
                    <ul class="list">{rows}</ul>
                </Section>
            </form>
        </Sheet>
    }
}
