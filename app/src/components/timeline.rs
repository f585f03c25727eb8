//! The messages of the room in view, kept live.
//!
//! The scroller is reversed: it is anchored at its end, so that a page opens at the newest message before any script
//! has run, stays there while messages come, and does not jump when older ones are put before.

use std::collections::HashSet;

use campfire::model::{Message, MessageId, RoomId, is_threaded};
use campfire::timeline::Timeline;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::composer::Editing;
use super::icon::Icon;
use super::message::{message_html, outgoing_html};
use crate::outbox::{Outbox, Outgoing};
use crate::{api, browser, live, use_frame};

/// How near the end of what is loaded more is asked for, in pixels.
const MORE_WITHIN_PX: i32 = 800;

/// How far from the newest message one counts as having left it, in pixels.
const AWAY_PX: i32 = 200;

/// How near the newest message one counts as being at it, in pixels.
const NEAR_PX: i32 = 100;

/// A message with what its place in the list adds.
#[derive(Clone, PartialEq)]
struct Row {
    message: Message,
    threaded: bool,
}

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
    let outbox = expect_context::<Outbox>();
    let scroller = NodeRef::<html::Div>::new();
    let (loading, set_loading) = signal(false);
    let (away, set_away) = signal(false);

    let rows = move || timeline.with(|timeline| rows(&timeline.messages));
    let has_newer = Memo::new(move |_| timeline.with(|timeline| timeline.has_newer));
    let older_path = move || {
        timeline.with(|timeline| {
            let first = timeline.has_older.then(|| timeline.messages.first()).flatten();
            first.map(|first| format!("/rooms/{room_id}?before={}", first.id))
        })
    };
    // What has arrived is no longer on its way, even when the answer to the send got lost.
    let outgoing = move || {
        let mut outgoing = outbox.of_room(room_id);
        if !outgoing.is_empty() {
            timeline.with(|timeline| {
                let arrived: HashSet<_> = timeline.messages.iter().map(|message| &message.client_message_id).collect();
                outgoing.retain(|item| !arrived.contains(&item.client_message_id));
            });
        }
        outgoing
    };

    let load_more = move || {
        let Some(element) = scroller.get_untracked() else { return };
        // The offset counts from the newest message backwards: zero there, negative above.
        let below = -element.scroll_top();
        set_away.set(below > AWAY_PX);
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
            let _ = set_loading.try_set(false);
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
    let extent = StoredValue::new(Extent::default());
    Effect::new(move |_| {
        let (first, last) = timeline.with(|timeline| {
            (timeline.messages.first().map(|first| first.id), timeline.messages.last().map(|last| last.id))
        });
        let now = Extent { first, last, outgoing_count: outgoing().len(), height: 0 };
        // The rows are there by then, and not painted yet.
        request_animation_frame(move || keep_place(scroller, extent, now));
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
    // Whatever changed what is seen, it is read if somebody looks.
    Effect::new(move |_| {
        timeline.with(Timeline::newest);
        live::read_what_is_seen();
    });

    view! {
        <div class="timeline" node_ref=scroller on:scroll=move |_| load_more() on:click=move |event| act(&event, timeline, editing)>
            <div class="timeline__messages" role="log" aria-label="Messages" tabindex="0">
                {move || older_path().map(|path| view! {
                    <p class="timeline__more"><a href=path rel="external">"Older messages"</a></p>
                })}
                <ol class="messages">
                    <For each=rows key=|row| (row.message.id, row.message.revision, row.threaded) let(row)>
                        <li
                            class="message"
                            class:message--threaded=row.threaded
                            id=format!("message-{}", row.message.id)
                            data-author=row.message.creator_id.to_string()
                            aria-current=(target == Some(row.message.id)).then_some("true")
                            inner_html=message_html(&row.message)
                        ></li>
                    </For>
                    <For
                        each=outgoing
                        key=|item| (item.client_message_id.clone(), item.waiting, item.failed.clone())
                        let(item)
                    >
                        <OutgoingRow item/>
                    </For>
                </ol>
                {move || rows().is_empty().then(|| view! {
                    <p class="empty timeline__empty">"Nothing here yet. Say hello!"</p>
                })}
            </div>
        </div>
        {move || (has_newer.get() || away.get()).then(|| view! {
            <a
                class="button jump"
                href=format!("/rooms/{room_id}")
                on:click=move |event| jump(&event, has_newer.get_untracked(), scroller)
            >
                {Icon::Down.view()} "Newest messages"
            </a>
        })}
    }
}

/// A message on its way, and what can be done about one that cannot arrive.
#[component]
fn OutgoingRow(item: Outgoing) -> impl IntoView {
    let outbox = expect_context::<Outbox>();
    let name = use_frame().with_value(|frame| frame.viewer.name.clone());
    let id = StoredValue::new(item.client_message_id.clone());
    let failed = item.failed.is_some();
    let state = match (&item.failed, item.waiting) {
        (Some(reason), _) => format!("Not sent. {reason}"),
        (None, true) => "Waiting for the connection…".to_owned(),
        (None, false) => "Sending…".to_owned(),
    };
    view! {
        <li class="message message--outgoing" class:message--failed=failed>
            <div inner_html=outgoing_html(&name, &item.body)></div>
            <p class="message__state" role="status">
                {state}
                {failed.then(|| view! {
                    <button type="button" class="button--quiet" on:click=move |_| outbox.retry(&id.get_value())>"Try again"</button>
                    <button type="button" class="button--quiet" on:click=move |_| outbox.discard(&id.get_value())>"Discard"</button>
                })}
            </p>
        </li>
    }
}

fn rows(messages: &[Message]) -> Vec<Row> {
    let previous = std::iter::once(None).chain(messages.iter().map(Some));
    messages
        .iter()
        .zip(previous)
        .map(|(message, previous)| Row { message: message.clone(), threaded: is_threaded(previous, message) })
        .collect()
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

/// Does what the control under a click in the list is for. Without it the control is a link that works as well.
fn act(event: &MouseEvent, timeline: RwSignal<Timeline>, editing: Editing) {
    let Some(control) = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("[data-action]").ok().flatten())
    else {
        return;
    };
    let message =
        control.closest(".message").ok().flatten().and_then(|row| row.id().strip_prefix("message-")?.parse().ok());
    let Some(message_id): Option<MessageId> = message else { return };
    event.prevent_default();
    if let Some(menu) = control.closest("details").ok().flatten() {
        let _ = menu.remove_attribute("open");
    }
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    match control.get_attribute("data-action").as_deref() {
        Some("copy") => copy_link(&control),
        Some("edit") => editing.begin(room_id, message_id),
        Some("remove") => remove(room_id, message_id),
        _ => {}
    }
}

fn copy_link(control: &web_sys::Element) {
    if let (Ok(origin), Some(path)) = (window().location().origin(), control.get_attribute("href")) {
        let _ = window().navigator().clipboard().write_text(&format!("{origin}{path}"));
    }
}

fn remove(room_id: RoomId, message_id: MessageId) {
    let sure = window().confirm_with_message("Delete this message for everyone?");
    if !sure.unwrap_or(false) {
        return;
    }
    spawn_local(async move {
        if let Err(error) = api::remove_message(room_id, message_id).await {
            let _ = window().alert_with_message(&format!("The message was not deleted. {error}"));
        }
    });
}

fn jump(event: &MouseEvent, has_newer: bool, scroller: NodeRef<html::Div>) {
    // With newer messages on the server the link loads them; otherwise they are all here.
    if let Some(element) = scroller.get_untracked().filter(|_| !has_newer) {
        event.prevent_default();
        event.stop_propagation();
        element.set_scroll_top(0);
    }
}
