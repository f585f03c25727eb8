//! Previews of links: whether they are made, and taking one away.

use super::permissions::{require_message_administration, write_as};
use crate::AppResult;
use crate::access::Member;
use crate::facts::Fact;
use crate::model::MessageId;
use crate::state::AppState;
use crate::store::{self, Tx};

/// Takes the preview of a link away from a message for good. Does nothing if it shows none.
///
/// # Errors
/// `NotFound` when the message was removed or the membership ended, `Forbidden` unless the member is its creator or an
/// administrator.
pub async fn remove(state: &AppState, member: &Member, message_id: MessageId, link: String) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, member: Member| {
        let message = require_message_administration(tx, &member, message_id).await?;
        let (was_shown, has_released) = store::previews::remove(tx.db(), message_id, &link).await?;
        if !was_shown {
            tx.changes_nothing_visible();
            return Ok(());
        }
        let extras_html = store::previews::extras_html(tx.db(), message_id).await?;
        tx.record(Fact::MessageExtended { room_id: message.room_id, message_id, extras_html }).await?;
        if has_released {
            tx.record(Fact::FilesReleased).await?;
        }
        Ok(())
    };
    write_as(state, member, remove).await
}

/// Whether previews of links are made.
///
/// # Errors
/// When the database does not answer.
pub async fn are_wanted(state: &AppState) -> AppResult<bool> {
    Ok(store::previews::are_wanted(state.db.reader()).await?)
}
