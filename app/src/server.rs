//! What server functions need of the server: the shared state, who asks, and an answer with the right status.

use campfire::access::{CurrentUser, Member};
use campfire::model::{RoomId, User};
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

pub use campfire::ops;

/// The shared parts of the program.
#[must_use]
pub fn state() -> AppState {
    expect_context()
}

/// Who asks.
///
/// # Errors
/// `SignedOut` without a live session.
pub fn current_user() -> AppResult<User> {
    use_context::<Option<CurrentUser>>().flatten().map(|current| current.user).ok_or(AppError::SignedOut)
}

/// Who asks, inside one of their rooms.
///
/// # Errors
/// `SignedOut` without a live session, `NotFound` for a room they are not in.
pub async fn member_of(room_id: RoomId) -> AppResult<Member> {
    let user = current_user()?;
    // The handler of a page has asked already.
    let known = use_context::<Member>().filter(|member| member.room.id == room_id && member.user.id == user.id);
    if let Some(member) = known {
        return Ok(member);
    }
    state().members.find(&user, room_id).await
}

/// The cookie with the room that was seen last.
pub const LAST_ROOM: &str = "last_room";

/// How long a browser remembers the room it saw last, in seconds: 400 days, the most that browsers keep.
const LAST_ROOM_KEPT_S: u32 = 400 * 24 * 60 * 60;

/// The cookie that makes this room the one seen last.
#[must_use]
pub fn last_room_cookie(room_id: RoomId) -> String {
    format!("{LAST_ROOM}={room_id}; Path=/; Max-Age={LAST_ROOM_KEPT_S}; SameSite=Lax; HttpOnly")
}

/// Makes this room the one seen last, when a browser asks for it. While a page is rendered its handler does that.
pub fn remember_room(room_id: RoomId) {
    if let (Some(response), Ok(cookie)) = (use_context::<ResponseOptions>(), last_room_cookie(room_id).parse()) {
        response.append_header(http::header::SET_COOKIE, cookie);
    }
}

/// Gives a failure its HTTP status.
pub async fn answer<T>(work: impl Future<Output = AppResult<T>>) -> AppResult<T> {
    let response = use_context::<ResponseOptions>();
    let result = work.await;
    if let (Err(error), Some(response)) = (&result, response)
        && let Ok(status) = error.status().try_into()
    {
        response.set_status(status);
    }
    result
}
