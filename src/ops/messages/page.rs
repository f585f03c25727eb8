//! Pages of a room's timeline.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::AppResult;
use crate::access::Member;
use crate::model::{Anchor, MessageId};
use crate::protocol::{MessagePage, RoomPage, Timeline};
use crate::state::AppState;
use crate::store;
use crate::store::timelines::TimelineSnapshot;

/// What a page of the member's room shows: the messages asked for, and the position in the log they were read at.
///
/// A message that is not in the room, or no longer, gives the newest ones.
///
/// # Errors
/// When the database does not answer.
pub async fn room_page(state: &AppState, member: &Member, anchor: Anchor) -> AppResult<RoomPage> {
    let room_id = member.room.id;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let newest = MessageId(i64::MAX);
    let end = match anchor {
        Anchor::Newest => newest,
        Anchor::Around(message_id) | Anchor::Before(message_id) => message_id,
    };
    // The position is read with these messages, the others after it: events in between are sent again.
    let mut snapshot = store::timelines::before(&mut *db, member.user.id, room_id, end).await?;
    let mut target = None;
    if let Anchor::Around(message_id) = anchor {
        target = store::messages::find(&mut *db, room_id, message_id).await?;
        if target.is_none() {
            snapshot = store::timelines::before(&mut *db, member.user.id, room_id, newest).await?;
        }
    }
    let TimelineSnapshot { cursor, page: MessagePage { mut messages, has_more: has_older }, first_unread } = snapshot;
    let mut has_newer = matches!(anchor, Anchor::Before(_));
    let target = match target {
        Some(message) => {
            let (message_id, after) = (message.id, store::messages::page_after(&mut *db, room_id, message.id).await?);
            messages.push(message);
            messages.extend(after.messages);
            has_newer = after.has_more;
            Some(message_id)
        }
        None => None,
    };
    reader.release();
    for foreign in messages.iter_mut().filter(|message| message.creator_id != member.user.id) {
        // It tells a browser that what it sent has arrived.
        foreign.client_message_id = None;
    }
    let messages = Arc::new(messages);
    let timeline = Timeline { room_id, messages, has_older, has_newer, cursor, removed: BTreeSet::new() };
    Ok(RoomPage { room: member.room.clone(), involvement: member.involvement, timeline, target, first_unread })
}

/// The page of messages before `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_before(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    Ok(store::messages::page_before(state.db.reader(), member.room.id, message_id).await?)
}

/// The page of messages after `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_after(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    Ok(store::messages::page_after(state.db.reader(), member.room.id, message_id).await?)
}
