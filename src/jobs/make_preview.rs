//! Makes the preview of a picture, in a process of its own, and shows it in the message.

use pictures::{Bounds, Outcome};

use super::Next;
use super::remove_files::failed;
use crate::AppResult;
use crate::facts::Fact;
use crate::files::PREVIEW_SUFFIX;
use crate::model::FileKey;
use crate::state::AppState;
use crate::store::{Tx, files, previews};

/// Makes it. A file that no preview can be made of is tried once.
pub(super) async fn step(state: &AppState, key: &FileKey) -> AppResult<Next> {
    let Some(thumbnailer) = state.files.thumbnailer().cloned() else { return Ok(Next::Done) };
    if files::find_message(state.db.reader(), key).await?.is_none() {
        return Ok(Next::Done);
    }
    let incoming = &state.files.incoming;
    let copy = incoming.scratch(key, "original").await.map_err(failed)?;
    let source = state.files.blobs.local_path(key.as_str(), &copy).await.map_err(failed)?;
    let target = incoming.scratch(key, "preview").await.map_err(failed)?;
    let output = target.clone();
    let make = move || {
        let outcome = thumbnailer.thumbnail(&source, &output, Bounds::MESSAGE, None);
        let _ = std::fs::remove_file(copy);
        outcome
    };
    let thumbnail = match state.files.threads.turn().await?.run(make).await? {
        Outcome::Done(thumbnail) => thumbnail,
        Outcome::Refused(refusal) => {
            tracing::info!(%key, %refusal, "no preview can be made");
            return Ok(Next::Done);
        }
        Outcome::Failed(error) => {
            tracing::warn!(%key, error, "making a preview failed");
            return Ok(Next::Done);
        }
    };
    state.files.blobs.put(&format!("{key}{PREVIEW_SUFFIX}"), &target).await.map_err(failed)?;
    let _ = tokio::fs::remove_file(&target).await;
    let key = key.clone();
    let show = async move |tx: &mut Tx| {
        // Removed meanwhile: its bytes go with the file's own.
        let Some((room_id, message_id)) = files::find_message(tx.db(), &key).await? else {
            tx.changes_nothing_visible();
            return Ok(Next::Done);
        };
        files::set_preview(
            tx.db(),
            &key,
            thumbnail.format.content_type(),
            thumbnail.color.map(|color| color.to_string()),
        )
        .await?;
        let extras_html = previews::extras_html(tx.db(), message_id).await?;
        tx.record(Fact::MessageExtended { room_id, message_id, extras_html }).await?;
        Ok(Next::Done)
    };
    state.db.write(show).await
}
