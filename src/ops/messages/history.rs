//! What edited messages said before, for those who may see it.

use super::render::preview;
use crate::access::{Administrator, Member};
use crate::model::{Draft, EarlierText, History, MessageId};
use crate::ops::permissions::write_as;
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// The history of a message of the member's room. Its author, administrators and, if the account says so, everybody in the
/// room see the earlier texts; all others see when it was edited.
///
/// # Errors
/// `NotFound` when the message is not in the room.
pub async fn history(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<History> {
    let message = super::find(state, member, message_id).await?;
    let db = state.db.reader();
    let written_at = store::versions::written_at(db, message_id).await?.ok_or(AppError::NotFound)?;
    let may_see = member.user.may_administer(message.creator_id) || store::accounts::are_edits_shown(db).await?;
    let mut earlier = Vec::new();
    for version in store::versions::list(db, message_id).await? {
        let html = match version.body.parse::<Draft>() {
            Ok(draft) if may_see => Some(preview(state, member, draft).await?),
            // A message with files and no text.
            Err(_) if may_see => Some(String::new()),
            _ => None,
        };
        earlier.push(EarlierText { html, written_at: version.written_at, editor: version.editor });
    }
    Ok(History { message, written_at, earlier, may_see })
}

/// Whether everybody in a room sees the earlier texts of its messages.
///
/// # Errors
/// When the database does not answer.
pub async fn are_edits_shown(state: &AppState) -> AppResult<bool> {
    Ok(store::accounts::are_edits_shown(state.db.reader()).await?)
}

/// Stores whether everybody in a room sees the earlier texts of its messages.
///
/// # Errors
/// `Forbidden` when the user is no administrator any more.
pub async fn show_edits(state: &AppState, administrator: &Administrator, shown: bool) -> AppResult<()> {
    let show = async move |tx: &mut Tx, _| {
        // No page of the chat depends on it.
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(store::accounts::update_edits_shown(tx.db(), shown, now_ms).await?)
    };
    write_as(state, administrator, show).await
}
