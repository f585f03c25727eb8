//! The history of an edited message.

use campfire::model::{EarlierText, History, paths};
use leptos::prelude::*;

use crate::components::local_time::LocalTime;
use crate::components::message::found_html;
use crate::components::sheet::{Section, Sheet};

/// What a message said before, or when it was edited, the last text first.
#[component]
pub fn HistoryPage(
    /// The history.
    history: History,
    /// The name of the room.
    room_name: String,
) -> impl IntoView {
    let History { message, written_at, earlier, may_see } = history;
    let back = paths::message(message.room_id, message.id);
    let html = found_html(&message, &room_name);
    let is_edited = message.revision > 1;
    // More edits than kept texts: the oldest ones went, or were never kept.
    let kept_count = i64::try_from(earlier.len()).unwrap_or(i64::MAX);
    let is_cut = message.revision - 1 > kept_count;
    let mut until = written_at;
    let rows: Vec<_> = earlier
        .into_iter()
        .map(|text| {
            let ended_at = std::mem::replace(&mut until, text.written_at);
            view! { <Earlier text ended_at/> }
        })
        .collect();
    view! {
        <Sheet title="History of a message" back>
            <Section title="Now">
                <div class="message" inner_html=html></div>
                <p class="field__note">
                    {if is_edited { view! { "Since "<LocalTime at_ms=written_at/> }.into_any() } else { view! { "It was not edited." }.into_any() }}
                </p>
            </Section>
            {(is_edited && !may_see).then(|| view! {
                <p class="empty">"Earlier texts are shown to its author and to administrators."</p>
            })}
            {(!rows.is_empty()).then(|| view! { <ol class="kept-list" aria-label="Earlier">{rows}</ol> })}
            {(may_see && is_cut).then(|| view! {
                <p class="empty">"Older texts are not kept: only the last 20, of 64 KB together."</p>
            })}
        </Sheet>
    }
}

/// An earlier text, if the reader may see it, and until when it was there.
#[component]
fn Earlier(text: EarlierText, ended_at: i64) -> impl IntoView {
    let EarlierText { html, written_at, editor } = text;
    let body = html.map(|html| {
        if html.is_empty() {
            view! { <p class="kept__gone">"Without a text"</p> }.into_any()
        } else {
            view! { <div class="kept__body"><div class="message__body" dir="auto" inner_html=html></div></div> }
                .into_any()
        }
    });
    view! {
        <li class="kept-item">
            {body}
            <div class="kept__row">
                <p class="kept__about">
                    "From "<LocalTime at_ms=written_at/>" until "<LocalTime at_ms=ended_at/>", then edited by "<bdi>{editor.name}</bdi>
                </p>
            </div>
        </li>
    }
}
