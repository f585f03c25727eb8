//! Layouts: the data of every chat page beside its messages.

use crate::access::CurrentUser;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

pub use crate::store::layouts::Layout;
pub use crate::store::rooms::SHOWN_DIRECT_ROOMS;

/// The layout of the user's pages, with at most `unpinged` users to ping.
///
/// # Errors
/// `NotFound` before the account is set up.
pub async fn find(state: &AppState, current: &CurrentUser, unpinged: i64) -> AppResult<Layout> {
    store::layouts::find(state.db.reader(), current.user.id, unpinged).await?.ok_or(AppError::NotFound)
}
