//! Small ways into the browser. On the server each of them does nothing, or answers with nothing.

use std::time::Duration;

use campfire::model::{ClientMessageId, RoomId};
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::convert::FromWasmAbi;
use wasm_bindgen::prelude::Closure;

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

/// Marks the link to the current page, and those to what is online, among the links that match.
pub fn mark_links(links: &str, current: &str, online: &[String]) {
    let Ok(links) = document().query_selector_all(links) else { return };
    for link in (0..links.length()).filter_map(|index| links.get(index)?.dyn_into::<web_sys::Element>().ok()) {
        let href = link.get_attribute("href").unwrap_or_default();
        set_or_remove(&link, "aria-current", (href == current).then_some("page"));
        set_or_remove(&link, "aria-description", online.contains(&href).then_some("online"));
    }
}

fn set_or_remove(element: &web_sys::Element, name: &str, value: Option<&str>) {
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

/// Shows the number of things that wait in the tab's icon.
pub fn show_in_icon(count: usize) {
    if let Ok(Some(icon)) = document().query_selector("link[rel=icon]") {
        let _ = icon.set_attribute("href", &format!("/icon/{}.svg", count.min(10)));
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
