//! The menu of a message as a page, for use without scripts.

use campfire::model::{Message, QUICK_BOOSTS, paths};
use leptos::prelude::*;

use crate::components::message::found_html;
use crate::components::sheet::{Section, Sheet};

/// The message, and the actions that the viewer may take.
#[component]
pub fn MessageMenu(
    /// The message.
    message: Message,
    /// The name of its room.
    room_name: String,
    /// Whether it can have a thread: not in a direct room.
    can_have_thread: bool,
    /// Whether the room shows it, not its thread alone.
    is_in_room: bool,
    /// Whether the viewer is its author or an administrator.
    may_change: bool,
    /// Whether it is pinned to its room.
    is_pinned: bool,
) -> impl IntoView {
    let Message { id, room_id, .. } = message;
    let back = message.path();
    let boosts = QUICK_BOOSTS.into_iter().map(|(content, name)| {
        view! { <button name="content" value=content title=name aria-label=format!("Boost: {name}")>{content}</button> }
    });
    let boosts: Vec<_> = boosts.collect();
    view! {
        <Sheet title="Message" back>
            <div class="message" inner_html=found_html(&message, &room_name)></div>
            <Section title="Boost">
                <form class="picker__grid" method="post" action=paths::boosts(id) aria-label="Quick boosts">{boosts}</form>
                <a href=paths::new_boost(id)>"Other boost…"</a>
            </Section>
            <Section title="Answer or keep">
                <a class="button button--plain" href=paths::reply(room_id, id)>"Reply"</a>
                {can_have_thread.then(|| view! {
                    <a class="button button--plain" href=paths::thread(room_id, id)>"Answer in a thread"</a>
                })}
                {is_in_room.then(|| view! {
                    <form method="post" action=paths::unread(room_id, id)>
                        <button class="button button--plain">"Mark unread from here"</button>
                    </form>
                })}
                <form method="post" action=paths::save_message(id)>
                    <button class="button button--plain">"Save for later"</button>
                </form>
                <a class="button button--plain" href=paths::save_message(id)>"Remind me…"</a>
                <form method="post" action=paths::pin(room_id, id)>
                    {is_pinned.then(|| view! { <input type="hidden" name="_method" value="delete"/> })}
                    <button class="button button--plain">{if is_pinned { "Unpin" } else { "Pin to the room" }}</button>
                </form>
                {may_change.then(|| view! { <a class="button button--plain" href=paths::edit_message(room_id, id)>"Edit or delete"</a> })}
            </Section>
        </Sheet>
    }
}
