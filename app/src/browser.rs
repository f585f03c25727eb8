//! Small wrappers around browser APIs. None of them is called on the server.

use std::time::Duration;

use campfire::model::{ClientMessageId, MessageId, paths};
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::names;

/// The class of the row whose message is edited.
const EDITED: &str = "message--edited";

/// How many words, and how many characters, [`words_of`] a message returns at most: more than a line shows.
const MAX_WORDS: usize = 30;
const MAX_WORDS_CHARS: usize = 200;

/// Whether the page is visible.
pub fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Whether the device has an on-screen keyboard: Enter inserts a line break there, and fields do not take the focus by
/// themselves.
pub fn is_touch() -> bool {
    matches!(window().match_media("(pointer: coarse)"), Ok(Some(query)) if query.matches())
}

/// The current time, in milliseconds since the epoch.
pub fn now_ms() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number after 1970")]
    let now_ms = js_sys::Date::now() as u64;
    now_ms
}

/// A new id for a message.
pub fn new_client_message_id() -> ClientMessageId {
    let mut randomness = [0; 10];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut randomness);
    }
    ClientMessageId::v7(now_ms(), randomness)
}

/// The local storage; `None` if the browser forbids it.
pub fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// The storage of this tab; `None` if the browser forbids it.
pub fn session_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// Asks the user a question; `false` if the browser shows none.
pub fn confirm(question: &str) -> bool {
    window().confirm_with_message(question).unwrap_or(false)
}

/// Whether an input method is using the key. Safari reports the Enter that ends a composition after it has ended, with
/// the legacy code 229.
pub fn is_composing(event: &web_sys::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// Whether a click would follow a link in the same tab, and nothing else has handled it.
pub fn is_plain_click(event: &web_sys::MouseEvent) -> bool {
    let is_modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    event.button() == 0 && !is_modified && !event.default_prevented()
}

/// The innermost element around the target of an event that matches.
pub fn closest(event: &web_sys::Event, selector: &str) -> Option<web_sys::Element> {
    event.target()?.dyn_into::<web_sys::Element>().ok()?.closest(selector).ok()?
}

/// Whether the element is in the document. If not, the calling effect runs again soon: a page is rendered while its data
/// loads, and its effects run before it is put into the document. `again` is a trigger of the effect's own.
pub fn is_in_document(element: &web_sys::Node, again: Trigger) -> bool {
    if element.is_connected() {
        return true;
    }
    again.track();
    spawn_local(async move {
        sleep(Duration::ZERO).await;
        again.notify();
    });
    false
}

/// Waits for this duration.
pub async fn sleep(duration: Duration) {
    TimeoutFuture::new(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)).await;
}

/// The output of a future; `None` if it takes longer than `limit`.
pub async fn timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(work), Box::pin(sleep(limit))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Calls `handler` for every event of this name on `target` until the page is unloaded.
pub fn listen_forever<E>(target: &web_sys::EventTarget, name: &str, handler: impl FnMut(E) + 'static)
where
    E: FromWasmAbi + 'static,
{
    let closure = Closure::<dyn FnMut(E)>::new(handler);
    let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Replaces the page's custom styles by the style sheet at this path; an empty path removes them. A page that was
/// requested with `plain=1` stays without.
pub fn set_custom_styles(path: &str) {
    if !window().location().search().is_ok_and(|query| query.contains("plain=1")) {
        set_sheet("custom-styles", path);
    }
}

/// Replaces the style sheet that shows people's pictures by the one at this path.
pub fn set_avatars(path: &str) {
    set_sheet("avatars", path);
}

/// Replaces the link to a style sheet that has this id; an empty path removes it.
fn set_sheet(id: &str, path: &str) {
    let Some(head) = document().head() else { return };
    if let Some(current) = document().get_element_by_id(id) {
        current.remove();
    }
    if path.is_empty() {
        return;
    }
    if let Ok(link) = document().create_element("link") {
        let attributes = [("id", id), ("rel", "stylesheet"), ("href", path)];
        if attributes.into_iter().all(|(name, value)| link.set_attribute(name, value).is_ok()) {
            let _ = head.append_child(&link);
        }
    }
}

/// Marks, among the links that match the selector, the link to the page in view, the one whose page is loading, and those
/// to rooms with people online.
pub fn mark_links(selector: &str, current: Option<&str>, loading: Option<&str>, online: &[String]) {
    let Ok(links) = document().query_selector_all(selector) else { return };
    for link in (0..links.length()).filter_map(|index| links.get(index)?.dyn_into::<web_sys::Element>().ok()) {
        let href = link.get_attribute("href").unwrap_or_default();
        set_or_remove(&link, "aria-current", (Some(&*href) == current).then_some("page"));
        set_or_remove(&link, "aria-busy", (Some(&*href) == loading).then_some("true"));
        set_or_remove(&link, "aria-description", online.contains(&href).then_some("online"));
    }
}

fn set_or_remove(element: &web_sys::Element, name: &str, value: Option<&str>) {
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

/// Replaces the boosts of a message. The focus moves from a replaced button to the new one of the same boost.
pub fn show_boosts(message_id: MessageId, html: &str) {
    let Some(boosts) = document().get_element_by_id(&format!("boosts-{message_id}")) else { return };
    let focused = document().active_element().filter(|element| boosts.contains(Some(element)));
    let value = focused.and_then(|element| element.get_attribute("value"));
    boosts.set_inner_html(html);
    let Some(value) = value else { return };
    let buttons = boosts.children();
    for button in (0..buttons.length()).filter_map(|index| buttons.item(index)?.dyn_into::<web_sys::HtmlElement>().ok())
    {
        if button.get_attribute("value").as_ref() == Some(&value) {
            // Each boost has two buttons; the hidden one cannot take the focus.
            let _ = button.focus();
        }
    }
}

/// Replaces the body of a message's row, and its fold. A text that was unfolded stays so.
pub fn show_body(row: &web_sys::Element, html: &str) {
    let Ok(Some(body)) = row.query_selector(".message__body") else { return };
    let fold = body.next_element_sibling().filter(|next| next.class_list().contains("fold"));
    let is_unfolded = fold.as_ref().is_some_and(|fold| fold.has_attribute("open"));
    if let Some(fold) = fold {
        fold.remove();
    }
    if let Ok(Some(mark)) = row.query_selector(".message__edited") {
        mark.remove();
    }
    body.set_outer_html(html);
    if is_unfolded && let Ok(Some(fold)) = row.query_selector(".fold") {
        let _ = fold.set_attribute("open", "");
    }
}

/// Replaces what a row shows below the body of its message: the element with its content, or nothing.
pub fn show_extras(row: &web_sys::Element, html: &str) {
    if let Ok(Some(before)) = row.query_selector(".message__extras") {
        before.set_outer_html(html);
    } else if let Ok(Some(boosts)) = row.query_selector(".boosts") {
        let _ = boosts.insert_adjacent_html("beforebegin", html);
    }
}

/// Replaces the line above the answers to a message.
pub fn show_reply(message_id: MessageId, html: &str) {
    let selector = format!("[data-answers=\"{message_id}\"]");
    let Ok(lines) = document().query_selector_all(&selector) else { return };
    for line in (0..lines.length()).filter_map(|index| lines.get(index)?.dyn_into::<web_sys::Element>().ok()) {
        line.set_inner_html(html);
    }
}

/// The row of a message, if it is in the page.
pub fn row(message_id: MessageId) -> Option<web_sys::Element> {
    document().get_element_by_id(&format!("{}{message_id}", names::id::MESSAGE_PREFIX))
}

/// Whether a message's row is in the page and hidden: it is being deleted.
pub fn is_row_hidden(message_id: MessageId) -> bool {
    row(message_id).is_some_and(|row| row.has_attribute("hidden"))
}

/// The author of a message in the page, and its first words. Those of a reply are its own, not those that it quotes.
pub fn words_of(message_id: MessageId) -> (String, String) {
    let text_of = |selector: &str| {
        let found = row(message_id).and_then(|row| row.query_selector(selector).ok().flatten());
        found.and_then(|found| found.text_content()).unwrap_or_default()
    };
    let own = text_of(".message__body > :not(blockquote)");
    let words = if own.trim().is_empty() { text_of(".message__body") } else { own };
    let words: Vec<_> = words.split_whitespace().take(MAX_WORDS).collect();
    (text_of(".message__author"), words.join(" ").chars().take(MAX_WORDS_CHARS).collect())
}

/// Marks the row of the message that is edited, and no other.
pub fn mark_edited(message_id: Option<MessageId>) {
    let row = message_id.and_then(row);
    if let Ok(Some(marked)) = document().query_selector(&[".", EDITED].concat())
        && Some(&marked) != row.as_ref()
    {
        let _ = marked.class_list().remove_1(EDITED);
    }
    if let Some(row) = row {
        let _ = row.class_list().add_1(EDITED);
    }
}

/// Shows a note to the viewer below the messages of the room in view, with which it goes. The list is laid out from its
/// end, so that the first element is the lowest.
pub fn show_note(html: &str) {
    if let Ok(Some(timeline)) = document().query_selector(".timeline") {
        let _ = timeline.insert_adjacent_html("afterbegin", html);
    }
}

/// Moves the line before the new messages to this message, or removes it.
pub fn mark_new(message_id: Option<MessageId>) {
    if let Ok(Some(marked)) = document().query_selector("[data-new]") {
        let _ = marked.remove_attribute("data-new");
    }
    if let Some(row) = message_id.and_then(row) {
        let _ = row.set_attribute("data-new", "");
    }
}

/// Marks this message as the one that a link leads to, and no other.
pub fn mark_target(message_id: Option<MessageId>) {
    if let Ok(Some(marked)) = document().query_selector(".message[aria-current]") {
        let _ = marked.remove_attribute("aria-current");
        // A style that is computed in between starts the animation of the mark anew.
        let _ = marked.get_bounding_client_rect();
    }
    if let Some(row) = message_id.and_then(row) {
        let _ = row.set_attribute("aria-current", "true");
    }
}

/// The scroll offset of an element, with its fraction: `web_sys` rounds it, and a position that is rounded at every
/// change moves.
pub fn scroll_top(element: &web_sys::Element) -> f64 {
    js_sys::Reflect::get(element, &"scrollTop".into()).ok().and_then(|top| top.as_f64()).unwrap_or_default()
}

/// Scrolls an element to an offset.
pub fn set_scroll_top(element: &web_sys::Element, top: f64) {
    let _ = js_sys::Reflect::set(element, &"scrollTop".into(), &top.into());
}

/// Calls `resized` whenever the height or width of an element changes, before the change is painted. Returns the function
/// that ends it.
pub fn observe_size(element: &web_sys::Element, resized: impl FnMut() + 'static) -> impl FnOnce() + 'static {
    let closure = Closure::<dyn FnMut()>::new(resized);
    let observer = web_sys::ResizeObserver::new(closure.as_ref().unchecked_ref()).ok();
    if let Some(observer) = &observer {
        observer.observe(element);
    }
    move || {
        if let Some(observer) = observer {
            observer.disconnect();
        }
        drop(closure);
    }
}

/// Makes a cleanup `Send`, as Leptos requires; the browser has one thread only.
pub fn on_this_thread(cleanup: impl FnOnce() + 'static) -> impl FnOnce() + Send + Sync + 'static {
    let cleanup = send_wrapper::SendWrapper::new(cleanup);
    move || cleanup.take()()
}

/// Clicks the first element that matches.
pub fn click(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(control) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        control.click();
    }
}

/// Dispatches a custom event on `document`, for the page's scripts, with these strings as its detail.
pub fn dispatch(name: &str, detail: &[&str]) {
    let detail: js_sys::Array = detail.iter().map(|text| JsValue::from_str(text)).collect();
    let options = web_sys::CustomEventInit::new();
    options.set_detail(&detail);
    if let Ok(event) = web_sys::CustomEvent::new_with_event_init_dict(name, &options) {
        let _ = document().dispatch_event(&event);
    }
}

/// Shows a short text at the edge of the window.
pub fn toast(text: &str) {
    dispatch(names::page_event::TOAST, &[text]);
}

/// Shows a count in the tab's icon, which is the logo of this version if there is one; more than nine as "9+".
pub fn show_in_icon(count: u32, logo_version: i64) {
    if let Ok(Some(icon)) = document().query_selector("link[rel=icon]") {
        let _ = icon.set_attribute("href", &paths::icon(u8::try_from(count).unwrap_or(10).min(10), logo_version));
    }
}

/// The room or thread that an element belongs to: navigation between rooms reuses the elements of the page.
const ELEMENT_OWNER: &str = "data-shown";

/// Assigns an element to a room or thread. Returns whether it belonged to another one before: the state of a reused
/// element, like the text of a field, is that of the old one.
pub fn assign(element: &web_sys::Element, owner: &str) -> bool {
    let before = element.get_attribute(ELEMENT_OWNER);
    let _ = element.set_attribute(ELEMENT_OWNER, owner);
    before.is_some_and(|before| before != owner)
}

/// Whether an element belongs to this room or thread.
pub fn belongs_to(element: &web_sys::Element, owner: &str) -> bool {
    element.get_attribute(ELEMENT_OWNER).as_deref() == Some(owner)
}
