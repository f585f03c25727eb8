//! Pins: members pin messages to their room, for everybody in it.

use std::collections::HashMap;

use crate::access::Member;
use crate::facts::Fact;
use crate::model::{MAX_PINS, MessageId, Pin, Role};
use crate::state::AppState;
use crate::store::pins::PinRow;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::write_as;

/// Pins a message of the member's room. A pin that is there already stays as it is.
///
/// # Errors
/// `NotFound` when the message is gone or in another room, or the membership ended; `Forbidden` for bots; `Conflict` above
/// [`MAX_PINS`].
pub async fn pin(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let pin = async move |tx: &mut Tx, member: Member| {
        let (room_id, pinner_id) = (member.room.id, member.user.id);
        require_person(&member)?;
        let found = store::messages::find_room(tx.db(), message_id).await?;
        found.filter(|found| *found == room_id).ok_or(AppError::NotFound)?;
        let now_ms = tx.now_ms();
        if !store::pins::insert(tx.db(), room_id, message_id, pinner_id, now_ms).await? {
            tx.changes_nothing_visible();
            return Ok(());
        }
        if store::pins::count(tx.db(), room_id).await? > MAX_PINS {
            let reason = format!("{MAX_PINS} messages are pinned here already. Take a pin away first.");
            return Err(AppError::Conflict(reason));
        }
        Ok(tx.record(Fact::PinsChanged { room_id, message_id }).await?)
    };
    write_as(state, member, pin).await
}

/// Takes the pin of a message of the member's room away, whoever pinned it. Does nothing if there is none.
///
/// # Errors
/// `NotFound` when the membership ended; `Forbidden` for bots.
pub async fn unpin(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let unpin = async move |tx: &mut Tx, member: Member| {
        let room_id = member.room.id;
        require_person(&member)?;
        let found = store::messages::find_room(tx.db(), message_id).await?;
        if found == Some(room_id) && store::pins::remove(tx.db(), message_id).await? {
            tx.record(Fact::PinsChanged { room_id, message_id }).await?;
        } else {
            tx.changes_nothing_visible();
        }
        Ok(())
    };
    write_as(state, member, unpin).await
}

/// Whether a message of the member's room is pinned.
///
/// # Errors
/// When the database does not answer.
pub async fn is_pinned(state: &AppState, message_id: MessageId) -> AppResult<bool> {
    Ok(store::pins::exists(state.db.reader(), message_id).await?)
}

/// The pins of the member's room, the last one first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, member: &Member) -> AppResult<Vec<Pin>> {
    let mut reader = state.db.reader().acquire().await?;
    let rows = store::pins::list(reader.db(), member.room.id).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.message_id).collect();
    let messages = store::messages::list(reader.db(), &ids).await?;
    reader.release();
    let mut messages: HashMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
    let pins = rows.into_iter().filter_map(|PinRow { message_id, pinner, pinned_at }| {
        Some(Pin { message: messages.remove(&message_id)?, pinner, pinned_at })
    });
    Ok(pins.collect())
}

/// What programs do is not for everybody to keep in view.
fn require_person(member: &Member) -> AppResult<()> {
    if member.user.role == Role::Bot { Err(AppError::Forbidden) } else { Ok(()) }
}
