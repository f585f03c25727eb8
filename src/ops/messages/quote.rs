//! Quoting a message at the beginning of a reply.

use super::read::find;
use crate::access::Member;
use crate::model::MessageId;
use crate::richtext;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// The Markdown that quotes a message of the member's room: its source, the names of its files, its creator's name, and a
/// link to it.
///
/// Mentions inside a quote are not mentions again.
///
/// # Errors
/// `NotFound` when it is not in the member's room.
pub async fn quote(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<String> {
    let message = find(state, member, message_id).await?;
    let mut source = store::messages::find_source(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    for file in store::files::list_of_message(state.db.reader(), message_id).await? {
        if !source.is_empty() {
            source.push('\n');
        }
        // As code: nothing in a name is Markdown, or mentions anybody.
        source.push_str(&format!("📎 `{}`", file.name.as_str().replace('`', "'")));
    }
    Ok(richtext::quote(&source, &message.creator_name, &message.path()))
}
