//! Posts a scheduled message at the time that its writer chose.

use super::Next;
use crate::AppResult;
use crate::ops::scheduled;
use crate::state::AppState;

/// Posts the message if its time has come. It may have been put off or cancelled.
pub(super) async fn step(state: &AppState, scheduled_id: i64) -> AppResult<Next> {
    Ok(scheduled::send(state, scheduled_id).await?.map_or(Next::Done, Next::At))
}
