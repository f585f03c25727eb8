//! Jobs that failed: what administrators see of them, and do with them.

use crate::access::Administrator;
use crate::model::User;
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::write_as;

pub use crate::store::jobs::FailedJob;

/// How many jobs are listed.
const MAX_LISTED: i64 = 50;

/// The latest jobs that failed, dead or to be tried again.
///
/// # Errors
/// When the database does not answer.
pub async fn list_failed(state: &AppState, _: &Administrator) -> AppResult<Vec<FailedJob>> {
    Ok(store::jobs::list_failed(state.db.reader(), MAX_LISTED).await?)
}

/// The number of jobs that are queued or run, by the name of their kind: for the operator.
///
/// # Errors
/// When the database does not answer.
pub async fn count_by_kind(state: &AppState) -> AppResult<Vec<(String, i64)>> {
    Ok(store::jobs::count_by_kind(state.db.reader()).await?)
}

/// Runs a job that failed again, within seconds.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` when it is not there any more.
pub async fn run_again(state: &AppState, administrator: &Administrator, job_id: i64) -> AppResult<()> {
    let again = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        if store::jobs::revive(tx.db(), job_id, now_ms).await? { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, administrator, again).await
}

/// Forgets a job that is dead.
///
/// # Errors
/// `Forbidden` unless an administrator asks, `NotFound` when it is not there, or not dead.
pub async fn forget(state: &AppState, administrator: &Administrator, job_id: i64) -> AppResult<()> {
    let forget = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        if store::jobs::forget(tx.db(), job_id).await? { Ok(()) } else { Err(AppError::NotFound) }
    };
    write_as(state, administrator, forget).await
}
