//! Reading single messages.

use crate::access::{CurrentUser, Member};
use crate::model::{Message, MessageId};
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// A message of the member's room.
///
/// # Errors
/// `NotFound` when it is not there.
pub async fn find(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<Message> {
    store::messages::find(state.db.reader(), member.room.id, message_id).await?.ok_or(AppError::NotFound)
}

/// The current user as a member of a message's room.
///
/// # Errors
/// `NotFound` when there is no such message, or the user is not a member of its room.
pub async fn member_of_room_of(state: &AppState, current: &CurrentUser, message_id: MessageId) -> AppResult<Member> {
    let room_id = store::messages::find_room(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    state.members.find(current, room_id).await
}

/// A message and its source, for editing it.
///
/// # Errors
/// `NotFound` when it is not in the member's room, `Forbidden` unless the member is its creator or an administrator.
pub async fn source(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<(Message, String)> {
    let message = find(state, member, message_id).await?;
    if !member.user.may_administer(message.creator_id) {
        return Err(AppError::Forbidden);
    }
    let source = store::messages::find_source(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    Ok((message, source))
}
