//! Quoting a message as the beginning of a reply.

use super::read::find;
use crate::access::Member;
use crate::model::MessageId;
use crate::richtext;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// A message of the member's room as the beginning of a reply: its source quoted, its author, and a link to it.
///
/// A quoted mention notifies nobody again.
///
/// # Errors
/// `NotFound` when it is not in the member's room.
pub async fn quote(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<String> {
    let message = find(state, member, message_id).await?;
    let source = store::messages::find_source(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    Ok(richtext::quote(&source, &message.creator_name, &message.path()))
}
