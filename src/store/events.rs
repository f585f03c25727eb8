//! The log of what changed: numbers and subjects, never contents. Readers ask for the state now, subject by subject.

use sqlx::SqliteExecutor;
use sqlx::types::Json;

use crate::model::{MessageId, RoomId, UserId};
use crate::protocol::Cursor;

/// The kind of an event, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum EventKind {
    MessagePosted,
    MessageEdited,
    MessageRemoved,
    MessageBoosted,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
    MembershipGranted,
    MembershipRevoked,
}

/// One event to append.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent {
    pub kind: EventKind,
    pub room_id: RoomId,
    pub message_id: Option<MessageId>,
    pub user_id: Option<UserId>,
}

/// Appends an event and answers with its number.
pub async fn append(db: impl SqliteExecutor<'_>, event: NewEvent, now_ms: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO events (kind, room_id, message_id, user_id, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING seq",
    )
    .bind(event.kind)
    .bind(event.room_id)
    .bind(event.message_id)
    .bind(event.user_id)
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// The place of the last event of room `$1` as JSON, in the order of the fields of [`Cursor`].
macro_rules! select_cursor {
    () => {
        "SELECT json_array(log.epoch, COALESCE(last.seq, log.pruned_seq), COALESCE(last.created_at, log.pruned_at))
           FROM event_log AS log
           LEFT JOIN events AS last ON last.seq = (SELECT MAX(seq) FROM events WHERE room_id = $1)"
    };
}

pub(super) use select_cursor;

/// The place of the room's last event: what a page of the room made now may say it has seen.
pub async fn room_cursor(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Cursor> {
    let Json(cursor) = sqlx::query_scalar(select_cursor!()).bind(room_id).fetch_one(db).await?;
    Ok(cursor)
}

/// Whether the log can tell everything that happened since `cursor`: it is of this database, and not pruned beyond.
pub async fn knows(db: impl SqliteExecutor<'_>, cursor: &Cursor) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM event_log WHERE epoch = $1
                   AND ((pruned_seq = $2 AND pruned_at = $3)
                        OR EXISTS (SELECT 1 FROM events WHERE seq = $2 AND created_at = $3)))",
    )
    .bind(&cursor.epoch)
    .bind(cursor.seq)
    .bind(cursor.at)
    .fetch_one(db)
    .await
}

/// The messages of a room that something happened to after `seq`, each once, at most `limit` of them.
pub async fn messages_since(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    seq: i64,
    limit: i64,
) -> sqlx::Result<Vec<MessageId>> {
    sqlx::query_scalar(
        "SELECT DISTINCT message_id FROM events
          WHERE room_id = $1 AND seq > $2 AND message_id IS NOT NULL ORDER BY message_id LIMIT $3 + 0",
    )
    .bind(room_id)
    .bind(seq)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Forgets up to `limit` events made before `before_ms`, oldest first, and answers with how many.
///
/// Remembers the last one forgotten: a browser that saw that one has missed nothing.
pub async fn prune(db: &mut sqlx::SqliteConnection, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let last: Option<(i64, i64)> = sqlx::query_as(
        "SELECT seq, created_at FROM (SELECT seq, created_at FROM events WHERE created_at < $1 ORDER BY seq LIMIT $2)
          ORDER BY seq DESC LIMIT 1",
    )
    .bind(before_ms)
    .bind(limit)
    .fetch_optional(&mut *db)
    .await?;
    let Some((seq, at)) = last else { return Ok(0) };
    sqlx::query("UPDATE event_log SET pruned_seq = $1, pruned_at = $2").bind(seq).bind(at).execute(&mut *db).await?;
    let removed = sqlx::query("DELETE FROM events WHERE seq <= $1").bind(seq).execute(db).await?;
    Ok(removed.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_cursor_is_known_until_it_is_pruned_or_the_database_is_another() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let db = &world.state.db;
        let before = room_cursor(db.reader(), room_id).await.unwrap();
        let message = world.post(&world.ada, room_id, "hello").await;
        let after = room_cursor(db.reader(), room_id).await.unwrap();
        assert!(after.seq > before.seq);
        assert!(knows(db.reader(), &before).await.unwrap());
        assert!(knows(db.reader(), &after).await.unwrap());
        assert_eq!(messages_since(db.reader(), room_id, before.seq, 10).await.unwrap(), [message.id]);
        assert!(messages_since(db.reader(), room_id, after.seq, 10).await.unwrap().is_empty());

        let elsewhere = Cursor { epoch: "another".into(), ..after.clone() };
        assert!(!knows(db.reader(), &elsewhere).await.unwrap());
        let restored = Cursor { at: after.at + 1, ..after.clone() };
        assert!(!knows(db.reader(), &restored).await.unwrap(), "the same number, made at another moment");
        let ahead = Cursor { seq: after.seq + 1, ..after.clone() };
        assert!(!knows(db.reader(), &ahead).await.unwrap());

        let removed = db.write(async move |tx| Ok(prune(tx.db(), i64::MAX, 1_000).await?)).await.unwrap();
        assert!(removed > 0);
        assert!(!knows(db.reader(), &before).await.unwrap(), "too old");
        assert!(knows(db.reader(), &after).await.unwrap(), "the last one pruned has missed nothing");
        assert_eq!(room_cursor(db.reader(), room_id).await.unwrap(), after);
        assert_eq!(db.write(async |tx| Ok(prune(tx.db(), i64::MAX, 10).await?)).await, Ok(0));
    }
}
