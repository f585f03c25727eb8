//! The messages of the room in view, updated by live events, and the outgoing ones.

use campfire::html::HtmlWriter;
use campfire::model::{Anchor, MessageId, RoomId};
use campfire::protocol::Timeline;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;

use super::drafts::Drafts;
use super::editing::Editing;
use super::jumps::Jumps;
use super::message::outgoing_html;
use super::opened_at::OpenedAt;
use super::paging::use_paging;
use super::rows;
use super::scroller::{Scroller, use_scroller};
use crate::live::Live;
use crate::outbox::{Outbox, Outgoing};
use crate::{browser, names, navigation, use_layout};

/// The room's messages and the outgoing ones.
#[component]
pub fn Messages(
    /// The messages of the room in view.
    timeline: RwSignal<Timeline>,
    /// The message that the page was opened at.
    target: Option<MessageId>,
    /// Where messages are edited.
    editing: Editing,
) -> impl IntoView {
    let outbox = expect_context::<Outbox>();
    let viewer = use_layout().with_value(|layout| layout.viewer.clone());
    let (room_id, thread) = timeline.with_untracked(|timeline| (timeline.room_id, timeline.thread));
    let drafts = Drafts::new(viewer.id, room_id, thread);
    let place = navigation::use_place().get_untracked();
    let opened_at = OpenedAt::new(place, target, timeline);
    let outgoing = move || outgoing(outbox, (room_id, thread), timeline);
    let scroller = use_scroller(timeline, place, opened_at, move || outgoing().len());
    let (list, first_rows) = use_rows(timeline, scroller, opened_at);
    let paging = use_paging(timeline, scroller);
    Effect::new(move |_| {
        // A row that is inserted again is marked again, once it is in the page.
        timeline.track();
        let edited = editing.message_id.get();
        request_animation_frame(move || browser::mark_edited(edited));
    });
    let older = move || timeline.try_with(older_html).unwrap_or_default();
    let is_empty = move || timeline.try_with(|timeline| timeline.messages.is_empty()).unwrap_or_default();

    view! {
        <div
            class="timeline"
            data-room=room_id.to_string()
            data-thread=thread.map(|root_id| root_id.to_string())
            data-place=place.path()
            node_ref=scroller.element
            on:scroll=move |_| paging.scrolled()
            on:click=move |event| clicked(&event, drafts, editing, outbox)
        >
            // `#announcer` announces new messages to screen readers: a live log would also announce loaded older ones.
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
                            inner_html={
                                let name = viewer.name.clone();
                                move || outgoing_html(&name, &item, &outbox.files_of(&item.client_message_id))
                            }
                        ></li>
                    </For>
                </ol>
                <p class="empty timeline__empty" hidden=move || !is_empty()>"Nothing here yet. Say hello!"</p>
            </div>
        </div>
        <Jumps timeline scroller/>
        <HoldHint timeline/>
        <p class="visually-hidden" id="announcer" aria-live="polite"></p>
        {opened_at.is_gap().then(|| view! { <p class="notice" role="alert">"The message of this link was deleted. It was here."</p> })}
    }
}

/// Where the browser keeps that the hint was shown.
const HINT_KEY: &str = "campfire:hold-hint";

/// The hint to the long press, and its button.
const HINT: &str = "Press and hold a message to reply, boost or change it. \
                    <button class=\"button--quiet\" type=\"button\">Got it</button>";

/// Says once, on a touch screen, how the menu of a message is opened: rows have no buttons there.
#[component]
fn HoldHint(timeline: RwSignal<Timeline>) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    Effect::new(move |_| {
        let has_messages = timeline.with(|timeline| !timeline.messages.is_empty());
        let Some(storage) = browser::storage().filter(|_| has_messages && browser::is_touch()) else { return };
        if storage.get_item(HINT_KEY).ok().flatten().is_none() {
            let _ = storage.set_item(HINT_KEY, "shown");
            is_shown.set(true);
        }
    });
    view! {
        <p
            class="hold-hint"
            role="status"
            hidden=move || is_shown.try_get() != Some(true)
            on:click=move |event| is_shown.set(browser::closest(&event, "button").is_none())
            inner_html=HINT
        ></p>
    }
}

/// The list that shows the messages, and its initial rows: none if the server's HTML contains them already. On the
/// server the list is not updated.
fn use_rows(timeline: RwSignal<Timeline>, scroller: Scroller, opened_at: OpenedAt) -> (NodeRef<html::Ol>, String) {
    let live = expect_context::<Live>();
    let list = NodeRef::<html::Ol>::new();
    let new_from = move || live.page.with_untracked(|page| page.reading.new_from);
    let rows = StoredValue::new(None);
    Effect::new(move |_| {
        let Some(list) = list.get() else { return };
        let before = rows.try_update_value(Option::take).flatten();
        let now = timeline.with(|timeline| rows::update(&list, before, &timeline.messages, new_from()));
        let _ = rows.try_set_value(Some(now));
        scroller.rows_changed();
    });
    // The line before the new messages may move while the page is open.
    Effect::new(move |before: Option<Option<MessageId>>| {
        let new_from = live.page.with(|page| page.reading.new_from);
        if before.is_some_and(|before| before != new_from) {
            request_animation_frame(move || browser::mark_new(new_from));
        }
        new_from
    });
    let first_rows = timeline.with_untracked(|timeline| {
        if rows::are_in_page(timeline) { String::new() } else { rows::rows_html(timeline, opened_at, new_from()) }
    });
    (list, first_rows)
}

/// The outgoing messages of the room, without those in the timeline already: an event may deliver a message whose
/// response was lost.
fn outgoing(
    outbox: Outbox,
    (room_id, thread): (RoomId, Option<MessageId>),
    timeline: RwSignal<Timeline>,
) -> Vec<Outgoing> {
    let mut outgoing = outbox.of_room(room_id, thread);
    if !outgoing.is_empty() {
        // The outbox outlives the timeline of one room: after navigation this runs once more with a disposed one.
        timeline.try_with(|timeline| {
            let arrived = timeline.messages.iter().filter_map(|message| message.client_message_id.as_ref());
            outgoing.retain(|item| !arrived.clone().any(|arrived| *arrived == item.client_message_id));
        });
    }
    outgoing
}

/// The link to the page of older messages, for use without scripts; empty if there are none. At the beginning of a thread,
/// that its root was deleted, if it was.
fn older_html(timeline: &Timeline) -> String {
    let mut html = HtmlWriter::new();
    let first = timeline.messages.first().map(|first| first.id);
    if let Some(first) = first.filter(|_| timeline.has_older) {
        html.markup(r#"<p class="timeline__more"><a href=""#).text(&timeline.path(Anchor::Before(first)));
        html.markup(r#"" rel="external">Older messages</a></p>"#);
    } else if timeline.thread.is_some() && timeline.thread != first {
        html.markup(r#"<p class="timeline__gone">The message that began this thread was deleted.</p>"#);
    }
    html.into_string()
}

/// Handles clicks on the controls of a message that need the WASM: reply, edit, and retry, send otherwise or discard one
/// that failed. The page's script handles all other controls.
fn clicked(event: &MouseEvent, drafts: Drafts, editing: Editing, outbox: Outbox) {
    let Some(control) = browser::closest(event, "[data-action]") else { return };
    let action = control.get_attribute(names::attribute::ACTION).unwrap_or_default();
    // Opens the link in a tab of its own.
    if event.ctrl_key() || event.meta_key() {
        return;
    }
    match (action.as_str(), control.get_attribute("data-id")) {
        ("edit", Some(message_id)) => {
            let Ok(message_id) = message_id.parse() else { return };
            event.prevent_default();
            if let Some(menu) = control.closest("details").ok().flatten() {
                let _ = menu.remove_attribute("open");
            }
            editing.begin(drafts, message_id);
        }
        ("reply", _) => {
            let row = control.closest(".message").ok().flatten();
            let message_id = row.and_then(|row| row.id().strip_prefix(names::id::MESSAGE_PREFIX)?.parse().ok());
            let Some(message_id) = message_id else { return };
            event.prevent_default();
            editing.begin_reply(drafts, message_id);
        }
        ("dismiss", _) => {
            if let Some(note) = control.parent_element() {
                note.remove();
            }
        }
        (action, Some(id)) => {
            if let Ok(id) = id.parse() {
                outbox.handle(action, &id);
            }
        }
        _ => {}
    }
}
