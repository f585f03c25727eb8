//! Links to the first new message and to the newest message of the room in view.

use campfire::html::HtmlWriter;
use campfire::model::{Anchor, MessageId, Place};
use campfire::protocol::Timeline;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::icon::Icon;
use super::scroller::Scroller;
use crate::browser;
use crate::live::{self, Live, Reading};
use crate::navigation;

/// The selector of the link to the newest messages.
pub const TO_NEWEST: &str = ".jump--down";

/// Links over the timeline to messages that are out of sight, as far as there are any.
#[component]
pub fn Jumps(
    /// The messages of the room in view.
    timeline: RwSignal<Timeline>,
    /// The element that the messages scroll in.
    scroller: Scroller,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let place = navigation::use_place();
    let html = move || {
        let Reading { away, news_count, new_from } = live.page.with(|page| page.reading);
        // The page's signal outlives the timeline of one room: after navigation this runs once more with a disposed one.
        let html = timeline.try_with(|timeline| {
            let first = timeline.messages.first().filter(|_| timeline.has_older);
            let above = new_from.filter(|new_from| first.is_some_and(|first| first.id > *new_from));
            jumps_html(timeline, above, (timeline.has_newer || away).then_some(news_count))
        });
        html.unwrap_or_default()
    };
    view! { <div class="jumps" on:click=move |event| jump(&event, timeline, scroller, place) inner_html=html></div> }
}

/// The link to the first new message, `above`, if it is not loaded, and the link to the newest messages, if they are out
/// of sight; `below` is the number of new ones among them.
fn jumps_html(timeline: &Timeline, above: Option<MessageId>, below: Option<u32>) -> String {
    let mut html = HtmlWriter::new();
    if let Some(message_id) = above {
        html.markup(r#"<a class="button jump jump--up" href=""#).text(&timeline.path(Anchor::Around(message_id)));
        html.markup(r#"">First new message</a>"#);
    }
    if let Some(count) = below {
        let label = match count {
            0 => "Newest messages".to_owned(),
            1 => "1 new message".to_owned(),
            count => format!("{count} new messages"),
        };
        html.markup(r#"<a class="jump jump--down" href=""#)
            .text(&timeline.path(Anchor::Newest))
            .markup(r#"" aria-label=""#);
        html.text(&label).markup(r#"" title=""#).text(&label).markup(r#"">"#);
        Icon::Down.push(&mut html);
        if count > 0 {
            html.markup(r#"<span class="jump__count">"#).number(count.min(99).into()).markup("</span>");
        }
        html.markup("</a>");
    }
    html.into_string()
}

/// Handles a click on the link to the newest message: scrolls to it if it is loaded. Otherwise the link is followed, or,
/// if it leads to the current page, the page's data is loaded again.
fn jump(event: &MouseEvent, timeline: RwSignal<Timeline>, scroller: Scroller, place: RwSignal<Place>) {
    let Some(link) = browser::closest(event, TO_NEWEST) else { return };
    scroller.to_newest();
    let is_loaded = timeline.with_untracked(|timeline| !timeline.has_newer);
    let is_current_page = link.get_attribute("href") == Some(place.get_untracked().path());
    if is_loaded || is_current_page {
        event.prevent_default();
        event.stop_propagation();
    }
    if !is_loaded && is_current_page {
        scroller.open_again();
        live::reload();
    }
}

#[cfg(test)]
mod tests {
    use campfire::model::RoomId;
    use campfire::protocol::Cursor;

    use super::*;

    fn timeline() -> Timeline {
        Timeline {
            room_id: RoomId(4),
            thread: None,
            pins_html: String::new(),
            pins_seq: 0,
            messages: std::sync::Arc::default(),
            has_older: false,
            has_newer: false,
            cursor: Cursor { epoch: "e".into(), seq: 1, at: 1 },
            removed: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn there_are_no_links_at_the_end_of_a_room() {
        assert_eq!(jumps_html(&timeline(), None, None), "");
    }

    #[test]
    fn the_links_lead_to_the_first_new_message_and_count_the_new_ones() {
        let both = jumps_html(&timeline(), Some(MessageId(7)), Some(2));
        assert!(both.contains(r#"href="/rooms/4/@7""#) && both.contains("2 new messages"), "{both}");
        let below = |count| jumps_html(&timeline(), None, Some(count));
        assert!(below(0).contains("Newest messages") && !below(0).contains("count"), "{}", below(0));
        assert!(below(1).contains(r#""1 new message""#) && below(400).contains(">99<"), "{}", below(400));
    }
}
