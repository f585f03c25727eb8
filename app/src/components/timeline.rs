//! The messages of the room in view, kept live.
//!
//! The scroller is reversed: it is anchored at its end, so that a page opens at the newest message before any script
//! has run, stays there while messages come, and does not jump when older ones are put before.

use campfire::model::{Anchor, MessageId, Place, RoomId, paths};
use campfire::timeline::Timeline;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::composer::Editing;
use super::icon::Icon;
use super::message::outgoing_html;
use super::rows;
use crate::live::{Live, Reading};
use crate::outbox::Outbox;
use crate::{api, browser, live, navigation, use_frame};

/// How near the end of what is loaded more is asked for, in pixels.
const MORE_WITHIN_PX: i32 = 800;

/// How far from the newest message one counts as having left it, in pixels.
const AWAY_PX: i32 = 200;

/// How near the newest message one counts as being at it, in pixels.
const NEAR_PX: i32 = 100;

/// What was in the list when its height was measured last.
#[derive(Clone, Copy, Default, PartialEq)]
struct Extent {
    first: Option<MessageId>,
    last: Option<MessageId>,
    outgoing_count: usize,
    height: i32,
}

/// The room's messages and those on their way to it.
#[component]
pub fn Messages(
    timeline: RwSignal<Timeline>,
    /// The message that the page was opened at.
    target: Option<MessageId>,
    editing: Editing,
) -> impl IntoView {
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let opened_at = Place::Room { room_id, anchor: target.map_or(Anchor::Newest, Anchor::Around) };
    let place = navigation::use_place();
    let outbox = expect_context::<Outbox>();
    let scroller = NodeRef::<html::Div>::new();
    let (loading, set_loading) = signal(false);
    let live = expect_context::<Live>();
    let viewer_name = use_frame().with_value(|frame| frame.viewer.name.clone());
    let new_from = live.scene.with_untracked(|scene| scene.reading.new_from);

    let list = NodeRef::<html::Ol>::new();
    let shown = StoredValue::new(None);
    // The page that the server made has its rows already.
    let first_rows = timeline.with_untracked(|timeline| {
        if rows::are_in_the_page(timeline) { String::new() } else { rows::rows_html(timeline, target, new_from) }
    });
    Effect::new(move |_| {
        let Some(list) = list.get() else { return };
        let new_from = live.scene.with_untracked(|scene| scene.reading.new_from);
        let before = shown.try_update_value(Option::take).flatten();
        let now = timeline.with(|timeline| rows::show(&list, before, &timeline.messages, new_from));
        let _ = shown.try_set_value(Some(now));
    });
    // The ways to what is new above and to what is newest below, as far as they are needed.
    let jumps = move || {
        let Reading { away, news_count, new_from } = live.scene.with(|scene| scene.reading);
        // The scene outlives the room, and tells this closure once more when another room takes its place.
        let shown = timeline.try_with(|timeline| {
            let first = timeline.messages.first().filter(|_| timeline.has_older);
            let above = new_from.filter(|new_from| first.is_some_and(|first| first.id > *new_from));
            jumps_html(room_id, above, (timeline.has_newer || away).then_some(news_count))
        });
        shown.unwrap_or_default()
    };
    // Without scripts, older messages are a page of their own.
    let older = move || {
        timeline.with(|timeline| {
            let first = timeline.messages.first().filter(|_| timeline.has_older).map(|first| first.id);
            first.map_or_else(String::new, |first| older_html(room_id, first))
        })
    };
    let is_empty = move || timeline.with(|timeline| timeline.messages.is_empty());
    // What has arrived is no longer on its way, even when the answer to the send got lost.
    let outgoing = move || {
        let mut outgoing = outbox.of_room(room_id);
        if !outgoing.is_empty() {
            timeline.with(|timeline| {
                let arrived = timeline.messages.iter().filter_map(|message| message.client_message_id.as_ref());
                outgoing.retain(|item| !arrived.clone().any(|arrived| *arrived == item.client_message_id));
            });
        }
        outgoing
    };

    let extent = StoredValue::new(Extent::default());
    let load_more = move || {
        let Some(element) = scroller.get_untracked() else { return };
        // The offset counts from the newest message backwards: zero there, negative above.
        let below = -element.scroll_top();
        let away = below > AWAY_PX;
        live.set_reading(|reading| {
            reading.away = away || timeline.with_untracked(|timeline| timeline.has_newer);
            if !reading.away {
                reading.news_count = 0;
            }
        });
        let above = element.scroll_height() - element.client_height() - below;
        let next = timeline.with_untracked(|timeline| {
            if timeline.has_older && above < MORE_WITHIN_PX {
                timeline.messages.first().map(|first| (first.id, false))
            } else if timeline.has_newer && below < MORE_WITHIN_PX {
                timeline.messages.last().map(|last| (last.id, true))
            } else {
                None
            }
        });
        let Some((message_id, newer)) = next.filter(|_| !loading.get_untracked()) else { return };
        set_loading.set(true);
        live::hold();
        spawn_local(async move {
            let page = if newer {
                api::messages_after(room_id, message_id).await
            } else {
                api::messages_before(room_id, message_id).await
            };
            if let Ok(page) = page {
                let _ =
                    timeline.try_update(|timeline| if newer { timeline.append(page) } else { timeline.prepend(page) });
            }
            live::release();
            // Once the new rows have their place, the far end may go.
            request_animation_frame(move || {
                request_animation_frame(move || {
                    if newer {
                        timeline.try_update(Timeline::trim_older);
                    } else {
                        let_go_of_newer(scroller, timeline, extent);
                    }
                    let _ = set_loading.try_set(false);
                });
            });
        });
    };

    Effect::new(move |_| {
        if let Some(element) = scroller.get()
            && browser::moved_in(&element, room_id)
        {
            element.set_scroll_top(0);
        }
        if target.is_some()
            && let Some(marked) = document().query_selector(".message[aria-current]").ok().flatten()
        {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Center);
            marked.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
    Effect::new(move |_| {
        let (first, last) = timeline.with(|timeline| {
            (timeline.messages.first().map(|first| first.id), timeline.messages.last().map(|last| last.id))
        });
        let now = Extent { first, last, outgoing_count: outgoing().len(), height: 0 };
        // The rows are there by then, and not painted yet.
        request_animation_frame(move || keep_place(scroller, extent, now));
    });
    // The line before what is new may move while the page stands.
    Effect::new(move |before: Option<Option<MessageId>>| {
        let new_from = live.scene.with(|scene| scene.reading.new_from);
        if before.is_some_and(|before| before != new_from) {
            request_animation_frame(move || browser::mark_new(new_from));
        }
        new_from
    });
    // Whoever writes wants to see it.
    Effect::new(move |previous: Option<usize>| {
        let count = outgoing().len();
        if previous.is_some_and(|previous| count > previous)
            && let Some(element) = scroller.get_untracked()
        {
            element.set_scroll_top(0);
        }
        count
    });
    // Whatever changed what is seen, it is read if somebody looks. What lies far behind may go.
    Effect::new(move |_| {
        let many = timeline.with(Timeline::is_long);
        live::read_what_is_seen();
        if many && !loading.get_untracked() {
            if live.scene.with_untracked(|scene| scene.reading.away) {
                let_go_of_newer(scroller, timeline, extent);
            } else {
                timeline.update(Timeline::trim_older);
            }
        }
    });

    view! {
        <div class="timeline" data-room=room_id.to_string() data-place=opened_at.path() node_ref=scroller on:scroll=move |_| load_more() on:click=move |event| act(&event, timeline, editing, outbox)>
            // What is said aloud is said elsewhere: a log would also read out what older pages bring.
            <div class="timeline__messages" role="log" aria-live="off" aria-label="Messages" tabindex="0">
                <div inner_html=older></div>
                <ol class="messages" node_ref=list inner_html=first_rows></ol>
                <ol class="messages messages--outgoing" aria-label="On their way">
                    <For
                        each=outgoing
                        key=|item| (item.client_message_id.clone(), item.waiting, item.failed.clone())
                        let(item)
                    >
                        <li
                            class="message message--outgoing"
                            class:message--failed=item.failed.is_some()
                            inner_html=outgoing_html(&viewer_name, &item)
                        ></li>
                    </For>
                </ol>
                <p class="empty timeline__empty" hidden=move || !is_empty()>"Nothing here yet. Say hello!"</p>
            </div>
        </div>
        <div on:click=move |event| jump(&event, timeline, scroller, place) inner_html=jumps></div>
        <p class="visually-hidden" id="announcer" aria-live="polite"></p>
    }
}

/// Links to where the new messages begin, and to the newest ones, so many of which are out of sight.
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
    let (path, icon) = (paths::room(room_id), Icon::Down.markup());
    html + &format!(r#"<a class="button jump jump--down" href="{path}">{icon} {label}</a>"#)
}

fn older_html(room_id: RoomId, first: MessageId) -> String {
    let path = paths::room_before(room_id, first);
    format!(r#"<p class="timeline__more"><a href="{path}" rel="external">Older messages</a></p>"#)
}

/// Keeps what is read in its place. The scroller counts from its end: what comes before moves nothing, what comes after
/// moves everything by its height, unless one is at the end and wants to see it.
fn keep_place(scroller: NodeRef<html::Div>, extent: StoredValue<Extent>, mut now: Extent) {
    let (Some(element), Some(before)) = (scroller.try_get_untracked().flatten(), extent.try_get_value()) else {
        return;
    };
    now.height = element.scroll_height();
    let appended = before.height > 0
        && before.first == now.first
        && (before.last, before.outgoing_count) != (now.last, now.outgoing_count);
    if appended && element.scroll_top() < 0 {
        let near_the_end = -element.scroll_top() < NEAR_PX;
        let grown = now.height - before.height;
        element.set_scroll_top(if near_the_end { 0 } else { element.scroll_top() - grown });
    }
    let _ = extent.try_set_value(now);
}

/// Lets go of the newest messages when there are too many, and holds on to the first row: the scroller counts from its
/// end, and cannot even say where it stood once what is gone was part of the way.
fn let_go_of_newer(scroller: NodeRef<html::Div>, timeline: RwSignal<Timeline>, extent: StoredValue<Extent>) {
    let Some(element) = scroller.try_get_untracked().flatten() else { return };
    let Some(row) = element.query_selector(".message").ok().flatten() else { return };
    let top = row.get_bounding_client_rect().top();
    if !timeline.with_untracked(Timeline::is_long) {
        return;
    }
    timeline.update(Timeline::trim_newer);
    let last = timeline.with_untracked(|timeline| timeline.messages.last().map(|last| last.id));
    // Its turn comes right after that of the effect which lets the rows go, and before anything is painted.
    spawn_local(async move {
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
        let moved = (row.get_bounding_client_rect().top() - top).round() as i32;
        element.set_scroll_top(element.scroll_top() + moved);
        let height = element.scroll_height();
        extent.try_update_value(|extent| (extent.last, extent.height) = (last, height));
    });
}

/// Does what the control under a click in the list is for: edits a message, or settles what became of one that was not
/// sent. Without this the way to edit is a link that works as well; all other controls are the page's script's.
fn act(event: &MouseEvent, timeline: RwSignal<Timeline>, editing: Editing, outbox: Outbox) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(control) = target.and_then(|element| element.closest("[data-action]").ok().flatten()) else { return };
    let action = control.get_attribute("data-action").unwrap_or_default();
    match (action.as_str(), control.get_attribute("data-id")) {
        ("edit", Some(message_id)) => {
            let Ok(message_id) = message_id.parse() else { return };
            event.prevent_default();
            if let Some(menu) = control.closest("details").ok().flatten() {
                let _ = menu.remove_attribute("open");
            }
            editing.begin(timeline.with_untracked(|timeline| timeline.room_id), message_id);
        }
        ("retry", Some(id)) => {
            if let Ok(id) = id.parse() {
                outbox.retry(&id);
            }
        }
        ("discard", Some(id)) => {
            if let Ok(id) = id.parse() {
                outbox.discard(&id);
            }
        }
        _ => {}
    }
}

/// Goes to the newest message: it is here, or the data is loaded again, or the link leads to it.
fn jump(event: &MouseEvent, timeline: RwSignal<Timeline>, scroller: NodeRef<html::Div>, place: RwSignal<Place>) {
    let Some(element) = scroller.get_untracked() else { return };
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(Some(link)) = target.and_then(|target| target.closest(".jump--down").ok()) else { return };
    element.set_scroll_top(0);
    let here = timeline.with_untracked(|timeline| !timeline.has_newer);
    // A link to where one is leads nowhere.
    let leads_nowhere = link.get_attribute("href") == Some(place.get_untracked().path());
    if here || leads_nowhere {
        event.prevent_default();
        event.stop_propagation();
    }
    if !here && leads_nowhere {
        live::reload();
    }
}
