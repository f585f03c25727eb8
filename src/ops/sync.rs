//! Bringing a browser up to date: its rooms when it connects, and what changed in a room since a position in the log.

use std::collections::HashMap;

use crate::access::CurrentUser;
use crate::model::RoomId;
use crate::protocol::{Cursor, ServerEvent};
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// Maximum number of changed messages that are sent one by one; above it, loading the page again is less.
const MAX_CHANGES: i64 = 200;

/// What changed in a room since a cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum CatchUp {
    /// The present state of each message that changed, and the position in the log up to which this is complete.
    Changes(Vec<ServerEvent>, Cursor),
    /// The log does not reach back to the cursor, or too much changed: the page's data must be loaded again.
    Resync,
}

/// The first event of a socket: who the person is, the account, and their rooms as they are.
///
/// # Errors
/// `SignedOut` when the person is no longer active, `NotFound` without an account.
pub async fn rooms(state: &AppState, current: &CurrentUser) -> AppResult<ServerEvent> {
    let (db, user_id) = (state.db.reader(), current.user.id);
    let viewer = store::users::find(db, user_id).await?.ok_or(AppError::SignedOut)?;
    let layout = store::layouts::find(db, user_id, 0).await?.ok_or(AppError::NotFound)?;
    Ok(ServerEvent::Rooms { viewer, account: layout.account, rooms: layout.rooms })
}

/// Whether the person still is in the room, read from the database.
///
/// # Errors
/// When the database does not answer.
pub async fn is_member(state: &AppState, current: &CurrentUser, room_id: RoomId) -> AppResult<bool> {
    Ok(store::memberships::find(state.db.reader(), current.user.id, room_id).await?.is_some())
}

/// The state now of every message of the room that changed after `cursor`.
///
/// # Errors
/// `NotFound` when the person is not in the room.
pub async fn catch_up(state: &AppState, current: &CurrentUser, room_id: RoomId, cursor: &Cursor) -> AppResult<CatchUp> {
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    store::memberships::find(&mut *db, current.user.id, room_id).await?.ok_or(AppError::NotFound)?;
    // The position first: what is committed while the rest is read is sent again by the live stream.
    let position = store::events::room_cursor(&mut *db, room_id).await?;
    if !store::events::knows(&mut *db, cursor).await? {
        return Ok(CatchUp::Resync);
    }
    let changed = store::events::messages_since(&mut *db, room_id, cursor.seq, MAX_CHANGES + 1).await?;
    if i64::try_from(changed.len()).is_ok_and(|count| count > MAX_CHANGES) {
        return Ok(CatchUp::Resync);
    }
    let found = store::messages::list(&mut *db, &changed).await?;
    reader.release();
    let mut found: HashMap<_, _> = found.into_iter().map(|message| (message.id, message)).collect();
    let events = changed.into_iter().map(|message_id| match found.remove(&message_id) {
        Some(message) => ServerEvent::MessageEdited { seq: cursor.seq, at: cursor.at, message },
        None => ServerEvent::MessageRemoved { seq: cursor.seq, at: cursor.at, room_id, message_id },
    });
    Ok(CatchUp::Changes(events.collect(), position))
}
