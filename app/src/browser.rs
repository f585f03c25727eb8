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
