//! Pages of [`PAGE_SIZE`] messages of a room, in the order of their ids.

use sqlx::SqliteExecutor;

use super::rows::{MessageRows, messages_from_rows, select_messages};
use crate::model::{MessageId, PAGE_SIZE, RoomId};
use crate::protocol::MessagePage;

/// The newest page of a room.
pub async fn page_last(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<MessagePage> {
    page_before(db, room_id, MessageId(i64::MAX)).await
}

/// The page of a room that ends just before `message_id`, which need not exist.
pub async fn page_before(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3 + 0"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .fetch_one(db)
    .await?;
    Ok(page_from_rows(rows, ExtraRow::Oldest))
}

/// The page of a room that begins just after `message_id`, which need not exist.
pub async fn page_after(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MessagePage> {
    let rows = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.id > $2 ORDER BY messages.id LIMIT $3 + 0"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .fetch_one(db)
    .await?;
    Ok(page_from_rows(rows, ExtraRow::Newest))
}

/// A page is read with one row more than it has, which tells whether there are further messages. This is where that row
/// is, in the order of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum ExtraRow {
    Oldest,
    Newest,
}

/// The page in `rows`, without the extra row if there is one.
pub(in crate::store) fn page_from_rows(rows: MessageRows, extra_row: ExtraRow) -> MessagePage {
    let mut messages = messages_from_rows(rows);
    let size = usize::try_from(PAGE_SIZE).expect("a page fits in memory");
    let has_more = messages.len() > size;
    match extra_row {
        ExtraRow::Oldest => drop(messages.drain(..messages.len().saturating_sub(size))),
        ExtraRow::Newest => messages.truncate(size),
    }
    MessagePage { messages, has_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn ids(page: &MessagePage) -> Vec<i64> {
        page.messages.iter().map(|message| message.id.0).collect()
    }

    #[tokio::test]
    async fn a_page_has_forty_messages_and_excludes_its_anchor() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut posted = Vec::new();
        for number in 0..81 {
            posted.push(world.post(&world.ada, room_id, &format!("message {number}")).await.id);
        }
        let reader = world.state.db.reader();
        let last = page_last(reader, room_id).await.unwrap();
        assert_eq!(ids(&last), posted[41..].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(last.has_more);

        let before = page_before(reader, room_id, posted[41]).await.unwrap();
        assert_eq!(ids(&before), posted[1..41].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(before.has_more);
        let first = page_before(reader, room_id, posted[1]).await.unwrap();
        assert_eq!((ids(&first), first.has_more), (vec![posted[0].0], false));

        let after = page_after(reader, room_id, posted[39]).await.unwrap();
        assert_eq!(after.messages.len(), 40);
        assert!(after.has_more);
        let rest = page_after(reader, room_id, posted[40]).await.unwrap();
        assert_eq!((rest.messages.len(), rest.has_more), (40, false));
        assert!(page_after(reader, room_id, posted[80]).await.unwrap().messages.is_empty());
    }
}
