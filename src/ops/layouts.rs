//! What surrounds every page of the chat: the account, the person's rooms, and people to ping.

use crate::access::CurrentUser;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

pub use crate::store::layouts::Layout;
pub use crate::store::rooms::SHOWN_DIRECT_ROOMS;

/// The layout of the person's pages, with at most `unpinged` people to ping.
///
/// # Errors
/// `NotFound` before the first run is over.
pub async fn find(state: &AppState, current: &CurrentUser, unpinged: i64) -> AppResult<Layout> {
    store::layouts::find(state.db.reader(), current.user.id, unpinged).await?.ok_or(AppError::NotFound)
}
