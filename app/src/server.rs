//! Helpers for server functions: the shared state, the caller, and responses with the right status.

use campfire::access::{CurrentUser, Member};
use campfire::model::{RoomId, UserId};
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

pub use campfire::ops;

/// The application state.
#[must_use]
pub fn state() -> AppState {
    expect_context()
}

/// The user whose session makes the call.
///
/// # Errors
/// `SignedOut` without a live session.
pub fn current_user() -> AppResult<CurrentUser> {
    use_context::<Option<CurrentUser>>().flatten().ok_or(AppError::SignedOut)
}

/// Checks that the call is made by this user, if it names one.
///
/// # Errors
/// `SignedOut` if it is not, or without a live session.
pub fn is_caller(person: Option<UserId>) -> AppResult<()> {
    let current = current_user()?;
    if person.is_some_and(|person| person != current.user.id) { Err(AppError::SignedOut) } else { Ok(()) }
}

/// The user whose session makes the call, as a member of a room.
///
/// # Errors
/// `SignedOut` without a live session, `NotFound` for a room that the user is not in.
pub async fn member_of(room_id: RoomId) -> AppResult<Member> {
    let current = current_user()?;
    // While a page is rendered, its handler has checked the membership.
    let known = use_context::<Member>().filter(|member| member.room.id == room_id && member.user.id == current.user.id);
    if let Some(member) = known {
        return Ok(member);
    }
    state().members.find(&current, room_id).await
}

/// The cookie with the id of the last room.
pub const LAST_ROOM: &str = "last_room";

/// `Max-Age` of [`LAST_ROOM`], in seconds: 400 days, the maximum in browsers (RFC 6265bis, section 5.5).
const LAST_ROOM_MAX_AGE_S: u32 = 400 * 24 * 60 * 60;

/// The full name of [`LAST_ROOM`] at the origin of the request, as the server provides it to its functions.
#[derive(Clone, Debug)]
pub struct LastRoomName(pub String);

/// The `Set-Cookie` header that makes this room the last one.
#[must_use]
pub fn last_room_cookie(name: &LastRoomName, room_id: RoomId) -> String {
    let LastRoomName(name) = name;
    format!("{name}={room_id}; Path=/; Max-Age={LAST_ROOM_MAX_AGE_S}; SameSite=Lax; HttpOnly")
}

/// Makes this room the last one in the response to a server function. The handler of a page sets the cookie itself.
pub fn remember_room(room_id: RoomId) {
    let (Some(response), Some(name)) = (use_context::<ResponseOptions>(), use_context::<LastRoomName>()) else {
        return;
    };
    if let Ok(cookie) = last_room_cookie(&name, room_id).parse() {
        response.append_header(http::header::SET_COOKIE, cookie);
    }
}

/// Runs a server function, and sets the HTTP status of its error and the time to wait, if it fails.
pub async fn answer<T>(work: impl Future<Output = AppResult<T>>) -> AppResult<T> {
    let response = use_context::<ResponseOptions>();
    let result = work.await;
    if let (Err(error), Some(response)) = (&result, response)
        && let Ok(status) = error.status().try_into()
    {
        response.set_status(status);
        if let Some(seconds) = error.retry_after_s() {
            response.insert_header(http::header::RETRY_AFTER, seconds.into());
        }
    }
    result
}
