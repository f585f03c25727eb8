//! Sends the reminder of a kept message at the time that its keeper chose.

use super::Next;
use crate::AppResult;
use crate::ops::saved;
use crate::state::AppState;

/// Sends the reminder if it is due. It may have been put off, or be wanted no longer.
pub(super) async fn step(state: &AppState, saved_id: i64) -> AppResult<Next> {
    Ok(saved::remind(state, saved_id).await?.map_or(Next::Done, Next::At))
}
