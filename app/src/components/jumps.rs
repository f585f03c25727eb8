//! The ways to where the new messages begin, and to the newest of all.

use campfire::model::{MessageId, Place, RoomId, paths};
use campfire::protocol::Timeline;
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::icon::Icon;
use super::scroller::Scroller;
use crate::live::{self, Live, Reading};
use crate::navigation;

/// What the link to the newest messages is found by.
pub const TO_NEWEST: &str = ".jump--down";

/// Links over the timeline, as far as they are needed.
#[component]
pub fn Jumps(timeline: RwSignal<Timeline>, scroller: Scroller) -> impl IntoView {
    let live = expect_context::<Live>();
    let place = navigation::use_place();
    let html = move || {
        let Reading { away, news_count, new_from } = live.page.with(|page| page.reading);
        // The state of the page outlives the room, and runs this once more when another room takes its place.
        let html = timeline.try_with(|timeline| {
            let first = timeline.messages.first().filter(|_| timeline.has_older);
            let above = new_from.filter(|new_from| first.is_some_and(|first| first.id > *new_from));
            jumps_html(timeline.room_id, above, (timeline.has_newer || away).then_some(news_count))
        });
        html.unwrap_or_default()
    };
    view! { <div on:click=move |event| jump(&event, timeline, scroller, place) inner_html=html></div> }
}

/// Links to the first new message, if it is not loaded, and to the newest ones, so many of which are out of sight.
fn jumps_html(room_id: RoomId, above: Option<MessageId>, below: Option<u32>) -> String {
    let mut html = String::new();
    if let Some(message_id) = above {
        let path = paths::message(room_id, message_id);
        html = format!(r#"<a class="button jump jump--up" href="{path}">First new message</a>"#);
    }
    let label = match below {
        None => return html,
        Some(0) => "Newest messages".to_owned(),
        Some(1) => "1 new message".to_owned(),
        Some(count) => format!("{count} new messages"),
    };
    let path = paths::room(room_id);
    html + &format!(r#"<a class="button jump jump--down" href="{path}">{} {label}</a>"#, Icon::Down.markup())
}

/// Scrolls to the newest message where it is loaded; else the link leads to it, or the data is loaded again.
fn jump(event: &MouseEvent, timeline: RwSignal<Timeline>, scroller: Scroller, place: RwSignal<Place>) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(Some(link)) = target.and_then(|target| target.closest(TO_NEWEST).ok()) else { return };
    scroller.to_newest();
    let is_loaded = timeline.with_untracked(|timeline| !timeline.has_newer);
    // A link to the current page leads nowhere.
    let leads_nowhere = link.get_attribute("href") == Some(place.get_untracked().path());
    if is_loaded || leads_nowhere {
        event.prevent_default();
        event.stop_propagation();
    }
    if !is_loaded && leads_nowhere {
        live::reload();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_read_to_its_end_needs_no_ways() {
        assert_eq!(jumps_html(RoomId(4), None, None), "");
    }

    #[test]
    fn the_ways_say_where_they_lead_and_how_much_is_there() {
        let both = jumps_html(RoomId(4), Some(MessageId(7)), Some(2));
        assert!(both.contains(r#"href="/rooms/4/@7""#) && both.contains("2 new messages"), "{both}");
        let below = |count| jumps_html(RoomId(4), None, Some(count));
        assert!(below(0).contains("Newest messages") && below(1).contains("1 new message<"), "{}", below(1));
    }
}
