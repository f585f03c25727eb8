//! Small ways into the browser. On the server each of them does nothing, or answers with nothing.

use std::time::Duration;

use campfire::model::{ClientMessageId, MessageId, RoomId, paths};
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// Whether somebody can see the page now.
pub fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Whether fingers write here, so that Enter makes a line and the keyboard does not pop up by itself.
pub fn is_touch() -> bool {
    matches!(window().match_media("(pointer: coarse)"), Ok(Some(query)) if query.matches())
}

/// Milliseconds since the epoch.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// A fresh id for a message.
pub fn new_client_message_id() -> ClientMessageId {
    let mut randomness = [0; 10];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut randomness);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date of this age of the world")]
    ClientMessageId::v7(now_ms() as u64, randomness)
}

/// The storage that survives a reload, unless the browser forbids it.
pub fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// Waits.
pub async fn sleep(time: Duration) {
    TimeoutFuture::new(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)).await;
}

/// The answer, or nothing when it takes longer than `limit`.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (work, limit) = (Box::pin(work), Box::pin(sleep(limit)));
    match select(work, limit).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}

/// Calls `handler` for every event of this name on `target` for as long as the page lives.
pub fn listen_forever<E>(target: &web_sys::EventTarget, name: &str, handler: impl FnMut(E) + 'static)
where
    E: FromWasmAbi + 'static,
{
    let closure = Closure::<dyn FnMut(E)>::new(handler);
    let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Gives the page these custom styles in place of those it wears. A page that was asked to be plain stays so.
pub fn wear(path: &str) {
    if window().location().search().is_ok_and(|query| query.contains("plain=1")) {
        return;
    }
    let worn = document().get_element_by_id("custom-styles");
    let Some(head) = document().head() else { return };
    if let Some(worn) = worn {
        worn.remove();
    }
    if path.is_empty() {
        return;
    }
    if let Ok(link) = document().create_element("link") {
        let attributes = [("id", "custom-styles"), ("rel", "stylesheet"), ("href", path)];
        if attributes.into_iter().all(|(name, value)| link.set_attribute(name, value).is_ok()) {
            let _ = head.append_child(&link);
        }
    }
}

/// Marks, among the links that match: the one to the page in view, the one whose page is on its way, and those to what
/// is online.
pub fn mark_links(links: &str, current: Option<&str>, loading: Option<&str>, online: &[String]) {
    let Ok(links) = document().query_selector_all(links) else { return };
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

/// Shows what is under a message now. What has the focus keeps it: a button of the same boost takes its place.
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
            // One of the two is hidden and takes no focus.
            let _ = button.focus();
        }
    }
}

/// The row of a message, if it is in the page.
pub fn row(message_id: MessageId) -> Option<web_sys::Element> {
    document().get_element_by_id(&format!("message-{message_id}"))
}

/// Draws the line before what is new at this message, and nowhere else.
pub fn mark_new(message_id: Option<MessageId>) {
    if let Ok(Some(marked)) = document().query_selector("[data-new]") {
        let _ = marked.remove_attribute("data-new");
    }
    if let Some(row) = message_id.and_then(row) {
        let _ = row.set_attribute("data-new", "");
    }
}

/// Presses the first control that matches.
pub fn click(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(control) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        control.click();
    }
}

/// Tells the page's scripts of something, in words.
pub fn tell(name: &str, words: &[&str]) {
    let detail: js_sys::Array = words.iter().map(|word| JsValue::from_str(word)).collect();
    let with_detail = web_sys::CustomEventInit::new();
    with_detail.set_detail(&detail);
    if let Ok(event) = web_sys::CustomEvent::new_with_event_init_dict(name, &with_detail) {
        let _ = document().dispatch_event(&event);
    }
}

/// Shows the number of things that wait in the tab's icon.
pub fn show_in_icon(count: usize) {
    if let Ok(Some(icon)) = document().query_selector("link[rel=icon]") {
        let _ = icon.set_attribute("href", &paths::icon(u8::try_from(count).unwrap_or(10).min(10)));
    }
}

/// Which room an element shows: the page's elements stay when one goes from room to room, and so does what they hold.
const SHOWN: &str = "data-shown";

/// Notes that an element shows this room. Answers whether it showed another one before.
pub fn moved_in(element: &web_sys::Element, room_id: RoomId) -> bool {
    let room_id = room_id.to_string();
    let before = element.get_attribute(SHOWN);
    let _ = element.set_attribute(SHOWN, &room_id);
    before.is_some_and(|before| before != room_id)
}

/// Whether an element shows this room.
pub fn is_shown(element: &web_sys::Element, room_id: RoomId) -> bool {
    element.get_attribute(SHOWN) == Some(room_id.to_string())
}
