//! Timeline snapshots: the messages of a room's page, or of a thread's, and their position in the event log.

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::events::select_cursor;
use super::messages::{End, MAX_BODY_BYTES_AT_ONCE, page_from_rows, select_messages};
use super::pins::{pins_from_row, select_pins};
use crate::model::{MessageId, PAGE_SIZE, Pins, RoomId, UserId};
use crate::protocol::Cursor;
use crate::protocol::MessagePage;

/// A page of a room's timeline for one user, and the position in the event log it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineSnapshot {
    /// The position in the event log. The page may include later changes; their events are sent again.
    pub cursor: Cursor,
    /// The messages.
    pub page: MessagePage,
    /// The first message of another user after the user's read position.
    pub first_unread: Option<MessageId>,
    /// What is shown of the room's pins.
    pub pins: Pins,
}

/// The page of a room that ends just before `message_id`, which need not exist, in one call unless it has long messages;
/// of at most `max_bytes` of HTML unless it is a single message.
pub async fn before(
    db: &mut SqliteConnection,
    user_id: UserId,
    room_id: RoomId,
    message_id: MessageId,
    max_bytes: usize,
) -> sqlx::Result<TimelineSnapshot> {
    let (Json(cursor), pins, first_unread, messages, boosts, mentioned) = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.in_thread_only = FALSE AND messages.id < $3 ORDER BY messages.id DESC LIMIT $4 + 0",
        "$5",
        concat!("(", select_cursor!(), ")"),
        concat!("(", select_pins!(), ")"),
        "(SELECT messages.id
            FROM memberships
            JOIN messages ON messages.room_id = memberships.room_id AND messages.in_thread_only = FALSE
                         AND messages.id > memberships.read_message_id
                         AND messages.creator_id <> memberships.user_id
           WHERE memberships.room_id = $1 AND memberships.user_id = $2
           ORDER BY messages.id LIMIT 1)"
    ))
    .bind(room_id)
    .bind(user_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .fetch_one(&mut *db)
    .await?;
    let page = page_from_rows(db, (messages, boosts, mentioned), End::Newest, max_bytes).await?;
    Ok(TimelineSnapshot { cursor, page, first_unread, pins: pins_from_row(pins) })
}

/// The page of a thread's answers that ends just before `message_id`, which need not exist, like [`before`].
pub async fn thread_before(
    db: &mut SqliteConnection,
    user_id: UserId,
    room_id: RoomId,
    root_id: MessageId,
    message_id: MessageId,
    max_bytes: usize,
) -> sqlx::Result<TimelineSnapshot> {
    let (Json(cursor), first_unread, messages, boosts, mentioned) = sqlx::query_as(select_messages!(
        "WHERE messages.thread_root_id = $6 AND messages.id < $3 ORDER BY messages.id DESC LIMIT $4 + 0",
        "$5",
        concat!("(", select_cursor!(), ")"),
        "(SELECT messages.id
            FROM thread_follows AS followed
            JOIN messages ON messages.thread_root_id = followed.root_id AND messages.id > followed.read_answer_id
                         AND messages.creator_id <> followed.user_id
           WHERE followed.root_id = $6 AND followed.user_id = $2
           ORDER BY messages.id LIMIT 1)"
    ))
    .bind(room_id)
    .bind(user_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .bind(MAX_BODY_BYTES_AT_ONCE)
    .bind(root_id)
    .fetch_one(&mut *db)
    .await?;
    let page = page_from_rows(db, (messages, boosts, mentioned), End::Newest, max_bytes).await?;
    Ok(TimelineSnapshot { cursor, page, first_unread, pins: Pins::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;
    use crate::testing;

    #[tokio::test]
    async fn a_snapshot_has_its_position_and_its_first_unread_message() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let first = world.post(&world.ada, room_id, "one").await;
        let second = world.post(&world.ada, room_id, "two, @Bob").await;
        let mut reader = world.state.db.reader().acquire().await.unwrap();
        let db = reader.db();
        let max_bytes = store::messages::MAX_PAGE_BYTES;
        let newest = before(db, world.bob.id, room_id, MessageId(i64::MAX), max_bytes).await.unwrap();
        assert_eq!(newest.page, world.newest_page(room_id).await);
        assert_eq!(newest.cursor, store::events::room_cursor(&mut *db, room_id).await.unwrap());
        assert_eq!(newest.first_unread, Some(first.id));
        let older = before(db, world.ada.id, room_id, second.id, max_bytes).await.unwrap();
        assert_eq!(older.page.messages.iter().map(|message| message.id).collect::<Vec<_>>(), [first.id]);
        assert_eq!(older.first_unread, None, "a user's own messages are never unread");
    }
}
