//! Pages of messages of a room.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::AppResult;
use crate::access::Member;
use crate::model::{Anchor, MessageId};
use crate::ops::threads;
use crate::protocol::{MessagePage, RoomPage, Timeline};
use crate::richtext::pins_html;
use crate::state::AppState;
use crate::store;
use crate::store::messages::MAX_PAGE_BYTES;
use crate::store::timelines::TimelineSnapshot;

/// The size of the messages on each side of the one that a page is opened at, in bytes.
const HALF_PAGE_BYTES: usize = MAX_PAGE_BYTES / 2;

/// The data of the member's room page: the messages at `anchor`, and the position in the event log they were read at.
///
/// If the anchor's message is not in the room (any more), the messages around its place. If the room does not show it, as an
/// answer, the page of its thread.
///
/// # Errors
/// When the database does not answer.
pub async fn room_page(state: &AppState, member: &Member, anchor: Anchor) -> AppResult<RoomPage> {
    let room_id = member.room.id;
    if let Anchor::Around(message_id) = anchor
        && let Some(root_id) = threads::find_only_thread(state, member, message_id).await?
    {
        return threads::page(state, member, root_id, anchor).await;
    }
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let (end, max_bytes) = match anchor {
        Anchor::Newest => (MessageId(i64::MAX), MAX_PAGE_BYTES),
        Anchor::Before(message_id) => (message_id, MAX_PAGE_BYTES),
        Anchor::Around(message_id) => (message_id, HALF_PAGE_BYTES),
    };
    // The position is read with these messages, and the others after it: events in between are sent again.
    let snapshot = store::timelines::before(&mut *db, member.user.id, room_id, end, max_bytes).await?;
    let mut target = None;
    let mut after = None;
    if let Anchor::Around(message_id) = anchor {
        target = store::messages::find(&mut *db, room_id, message_id).await?;
        after = Some(store::messages::page_after(&mut *db, room_id, message_id, HALF_PAGE_BYTES).await?);
    }
    let TimelineSnapshot { cursor, page: MessagePage { mut messages, has_more: has_older }, first_unread, pins } =
        snapshot;
    let mut has_newer = matches!(anchor, Anchor::Before(_));
    reader.release();
    let target_id = target.as_ref().map(|message| message.id);
    messages.extend(target);
    if let Some(after) = after {
        messages.extend(after.messages);
        has_newer = after.has_more;
    }
    for foreign in messages.iter_mut().filter(|message| message.creator_id != member.user.id) {
        // Only the creator's browser needs the id: it matches a pending message with the stored one.
        foreign.client_message_id = None;
    }
    let messages = Arc::new(messages);
    let removed = BTreeSet::new();
    let pins_html = pins_html(room_id, &pins);
    let timeline =
        Timeline { room_id, thread: None, messages, has_older, has_newer, cursor, removed, pins_html, pins_seq: 0 };
    Ok(RoomPage {
        room: member.room.clone(),
        involvement: member.involvement,
        timeline,
        target: target_id,
        first_unread,
        thread: None,
    })
}

/// The page of the member's room that ends just before `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_before(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    let mut reader = state.db.reader().acquire().await?;
    let page = store::messages::page_before(reader.db(), member.room.id, message_id).await?;
    reader.release();
    Ok(page)
}

/// The page of the member's room that begins just after `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_after(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    let mut reader = state.db.reader().acquire().await?;
    let page = store::messages::page_after(reader.db(), member.room.id, message_id, MAX_PAGE_BYTES).await?;
    reader.release();
    Ok(page)
}
