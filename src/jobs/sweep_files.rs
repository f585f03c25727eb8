//! Deletes stored bytes without a row: what a crash has left between the two.

use super::Next;
use super::remove_files::failed;
use crate::AppResult;
use crate::files::PREVIEW_SUFFIX;
use crate::model::FileKey;
use crate::state::AppState;
use crate::store::files;

/// How old bytes must be to be swept, in milliseconds: those of the last hour may be about to get their row.
const MIN_AGE_MS: i64 = 60 * 60 * 1_000;

/// How many keys are looked up at a time.
const BATCH_SIZE: usize = 500;

/// Deletes all strays.
pub(super) async fn step(state: &AppState) -> AppResult<Next> {
    let before_ms = state.clock.now_ms() - MIN_AGE_MS;
    let uploads = files::list_incomplete(state.db.reader()).await?;
    for name in state.files.incoming.list_before(before_ms).await.map_err(failed)? {
        if uploads.binary_search_by_key(&name.as_str(), FileKey::as_str).is_err() {
            state.files.incoming.delete_stray(&name).await.map_err(failed)?;
        }
    }
    let names = state.files.blobs.list_before(before_ms).await.map_err(failed)?;
    for batch in names.chunks(BATCH_SIZE) {
        let key = |name: &str| name.strip_suffix(PREVIEW_SUFFIX).unwrap_or(name).parse::<FileKey>().ok();
        let keys: Vec<_> = batch.iter().filter_map(|name| key(name)).collect();
        let known = files::list_known(state.db.reader(), &keys).await?;
        for name in batch {
            if key(name).is_none_or(|key| !known.contains(&key)) {
                tracing::info!(name, "deleting a stored file that no row has");
                state.files.blobs.delete(name).await.map_err(failed)?;
            }
        }
    }
    Ok(Next::Done)
}
