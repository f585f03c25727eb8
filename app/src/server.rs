//! What server functions need of the server: the shared state, who asks, and an answer with the right status.

use campfire::auth::{CurrentUser, Member};
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
    Member::find(&state().db, &user, room_id).await
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
