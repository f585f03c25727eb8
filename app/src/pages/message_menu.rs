//! What can be done with a message, where no script opens its menu.

use campfire::model::{Message, QUICK_BOOSTS};
use leptos::prelude::*;

use crate::components::message::found_html;
use crate::components::sheet::{Section, Sheet};

/// The message, and everything its reader may do with it.
#[component]
pub fn MessageMenu(
    message: Message,
    room_name: String,
    /// The reader wrote it, or administers.
    may_change: bool,
) -> impl IntoView {
    let Message { id, room_id, .. } = message;
    let (back, own) = (message.path(), format!("/rooms/{room_id}/messages/{id}"));
    let boosts = QUICK_BOOSTS.into_iter().map(|(content, called)| {
        view! { <button name="content" value=content title=called aria-label=format!("Boost: {called}")>{content}</button> }
    });
    let boosts: Vec<_> = boosts.collect();
    view! {
        <Sheet title="Message" back>
            <div class="message" inner_html=found_html(&message, &room_name)></div>
            <Section title="Boost">
                <form class="picker__grid" method="post" action=format!("/messages/{id}/boosts") aria-label="Quick boosts">{boosts}</form>
                <a href=format!("/messages/{id}/boosts/new")>"Other boost…"</a>
            </Section>
            <Section title="Answer or keep">
                <a class="button button--plain" href=format!("{own}/reply")>"Reply"</a>
                <form method="post" action=format!("{own}/unread")>
                    <button class="button button--plain">"Mark unread from here"</button>
                </form>
                {may_change.then(|| view! { <a class="button button--plain" href=format!("{own}/edit")>"Edit or delete"</a> })}
            </Section>
        </Sheet>
    }
}
