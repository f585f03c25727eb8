//! Deletes the files that nothing has any more, and the uploads that rested for too long.

use super::Next;
use crate::files::PREVIEW_SUFFIX;
use crate::model::FileKey;
use crate::ops::files::GRACE_MS;
use crate::state::AppState;
use crate::store::{self, Tx, files};
use crate::{AppError, AppResult};

/// Maximum number of files that one step deletes.
const BATCH_SIZE: i64 = 50;

/// When it is tried again while a backup is made, in milliseconds: that one still needs the files.
const HELD_PAUSE_MS: i64 = 30_000;

/// Deletes one batch: first the bytes, then the rows, so that a crash in between leaves rows that are found again.
pub(super) async fn step(state: &AppState) -> AppResult<Next> {
    let now_ms = state.clock.now_ms();
    let Some(_hold) = state.files.try_removing().map_err(failed)? else {
        return Ok(Next::At(now_ms + HELD_PAUSE_MS));
    };
    let remove = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        Ok(store::files::remove_expired_uploads(tx.db(), now_ms, BATCH_SIZE).await?)
    };
    let uploads: Vec<(FileKey, bool)> = state.db.write(remove).await?;
    for (key, complete) in &uploads {
        if !complete {
            state.files.incoming.delete(key).await.map_err(failed)?;
        }
    }
    let before_ms = now_ms - GRACE_MS;
    let expired = files::list_expired(state.db.reader(), before_ms, BATCH_SIZE).await?;
    for (key, has_preview) in &expired {
        state.files.blobs.delete(key.as_str()).await.map_err(failed)?;
        if *has_preview {
            state.files.blobs.delete(&format!("{key}{PREVIEW_SUFFIX}")).await.map_err(failed)?;
        }
    }
    if uploads.is_empty() && expired.is_empty() {
        return Ok(Next::Done);
    }
    let keys: Vec<_> = expired.into_iter().map(|(key, _)| key).collect();
    let remove = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        files::remove_expired(tx.db(), &keys, before_ms).await?;
        Ok(Next::Continue)
    };
    state.db.write(remove).await
}

/// A failure of the store of files: the job is tried again.
pub(super) fn failed(error: std::io::Error) -> AppError {
    tracing::warn!(%error, "the store of files did not answer");
    AppError::Internal
}
