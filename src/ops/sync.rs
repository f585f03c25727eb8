//! Synchronising a browser: its rooms when it connects, and the changes in a room since a position in the event log.

use std::collections::HashMap;

use crate::access::CurrentUser;
use crate::model::RoomId;
use crate::protocol::{Cursor, ServerEvent};
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// Maximum number of changed messages that are sent one by one; above it, loading the page again is cheaper.
const MAX_CHANGES: i64 = 200;

/// The changes in a room since a cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum CatchUp {
    /// The current state of each changed message, and the position in the event log up to which they are complete.
    Changes(Vec<ServerEvent>, Cursor),
    /// The log does not cover the cursor, or more than 200 messages changed: the page's data must be loaded again.
    Resync,
}

/// The first event of a socket: the user, the account, and the user's rooms.
///
/// # Errors
/// `SignedOut` when the user is no longer active, `NotFound` without an account.
pub async fn rooms(state: &AppState, current: &CurrentUser) -> AppResult<ServerEvent> {
    let db = state.db.reader();
    let user_id = current.user.id;
    let viewer = store::users::find(db, user_id).await?.ok_or(AppError::SignedOut)?;
    let layout = store::layouts::find(db, user_id, 0).await?.ok_or(AppError::NotFound)?;
    Ok(ServerEvent::Rooms { viewer, account: layout.account, rooms: layout.rooms })
}

/// Whether the user is a member of the room, read from the database and not from the cache.
///
/// # Errors
/// When the database does not answer.
pub async fn is_member(state: &AppState, current: &CurrentUser, room_id: RoomId) -> AppResult<bool> {
    Ok(store::memberships::find(state.db.reader(), current.user.id, room_id).await?.is_some())
}

/// The current state of every message of the room that changed after `cursor`.
///
/// # Errors
/// `NotFound` when the user is not a member of the room.
pub async fn catch_up(state: &AppState, current: &CurrentUser, room_id: RoomId, cursor: &Cursor) -> AppResult<CatchUp> {
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    store::memberships::find(&mut *db, current.user.id, room_id).await?.ok_or(AppError::NotFound)?;
    // The position is read first: changes committed after it are sent again as live events.
    let position = store::events::room_cursor(&mut *db, room_id).await?;
    if !store::events::covers(&mut *db, cursor).await? {
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
