//! The event log: which subject changed, in which order, never its contents. A reader then queries the current state of
//! each subject.

use sqlx::SqliteExecutor;
use sqlx::types::Json;

use crate::model::{MessageId, RoomId, UserId};
use crate::protocol::Cursor;

/// The kind of an event, stored in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum EventKind {
    /// A message was posted.
    MessagePosted,
    /// A message's body was replaced.
    MessageEdited,
    /// A message was removed.
    MessageRemoved,
    /// The boosts of a message changed.
    MessageBoosted,
    /// What a message shows below its body changed.
    MessageExtended,
    /// The pins of a room changed, or what is shown of them.
    PinsChanged,
    /// A room was created.
    RoomAdded,
    /// A room's name or kind changed.
    RoomChanged,
    /// A room was removed.
    RoomRemoved,
    /// A user became a member of a room.
    MembershipGranted,
    /// A user's membership in a room ended.
    MembershipRevoked,
}

/// An event to append to the log.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent {
    /// Its kind.
    pub kind: EventKind,
    /// The room it happened in.
    pub room_id: RoomId,
    /// The message, for kinds that concern one.
    pub message_id: Option<MessageId>,
    /// The user, for kinds that concern a membership.
    pub user_id: Option<UserId>,
}

/// The size of a boost's HTML, in bytes: two buttons, each with content and booster twice.
const BOOST_BYTES: i64 = 600;

/// Appends an event and returns its number (`seq`).
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

/// Selects the position of the last event of room `$1`, as a JSON array in the order of the fields of [`Cursor`]. For a
/// room without events it is the position up to which the log was pruned.
macro_rules! select_cursor {
    () => {
        "SELECT json_array(log.epoch, COALESCE(last.seq, log.pruned_seq), COALESCE(last.created_at, log.pruned_at))
           FROM event_log AS log
           LEFT JOIN events AS last ON last.seq = (SELECT MAX(seq) FROM events WHERE room_id = $1)"
    };
}

pub(super) use select_cursor;

/// The position of the room's last event: a page of the room that is read afterwards includes everything up to it.
pub async fn room_cursor(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Cursor> {
    let Json(cursor) = sqlx::query_scalar(select_cursor!()).bind(room_id).fetch_one(db).await?;
    Ok(cursor)
}

/// Whether the log contains every event after `cursor`: the cursor is of this database, and the log is not pruned
/// beyond it.
pub async fn covers(db: impl SqliteExecutor<'_>, cursor: &Cursor) -> sqlx::Result<bool> {
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

/// The messages of a room with events after `seq`, each once, sorted by id, at most `limit`; with each the size of its
/// HTML in bytes, about: a boost counts as [`BOOST_BYTES`]. A removed message has none.
pub async fn messages_since(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    seq: i64,
    limit: i64,
) -> sqlx::Result<Vec<(MessageId, usize)>> {
    let changed: Vec<(MessageId, i64)> = sqlx::query_as(
        "SELECT changed.id, COALESCE(octet_length(messages.body_html) + octet_length(messages.extras_html), 0)
                          + $4 * (SELECT COUNT(*) FROM boosts WHERE boosts.message_id = changed.id)
           FROM (SELECT DISTINCT message_id AS id FROM events
                  WHERE room_id = $1 AND seq > $2 AND message_id IS NOT NULL ORDER BY message_id LIMIT $3 + 0) AS changed
           LEFT JOIN messages ON messages.id = changed.id
          ORDER BY changed.id",
    )
    .bind(room_id)
    .bind(seq)
    .bind(limit)
    .bind(BOOST_BYTES)
    .fetch_all(db)
    .await?;
    Ok(changed.into_iter().map(|(id, bytes)| (id, usize::try_from(bytes).unwrap_or(usize::MAX))).collect())
}

/// Whether the pins of a room have changed after `seq`.
pub async fn has_pins_since(db: impl SqliteExecutor<'_>, room_id: RoomId, seq: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM events WHERE room_id = $1 AND seq > $2 AND kind = $3)")
        .bind(room_id)
        .bind(seq)
        .bind(EventKind::PinsChanged)
        .fetch_one(db)
        .await
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LoggedEvent {
    /// Its number.
    pub seq: i64,
    /// Its kind.
    pub kind: EventKind,
    /// The room it happened in.
    pub room_id: RoomId,
    /// The message, for kinds that concern one.
    pub message_id: Option<MessageId>,
}

/// The number up to which the log is pruned, and that of the last event.
pub async fn range(db: impl SqliteExecutor<'_>) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as("SELECT pruned_seq, COALESCE((SELECT MAX(seq) FROM events), pruned_seq) FROM event_log")
        .fetch_one(db)
        .await
}

/// Up to `limit` events with numbers above `after` and up to `end`, in their order: of the user's rooms, and of the user's
/// own memberships.
pub async fn list_for(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    after: i64,
    end: i64,
    limit: i64,
) -> sqlx::Result<Vec<LoggedEvent>> {
    sqlx::query_as(
        "SELECT seq, kind, room_id, message_id FROM events
          WHERE seq > $2 AND seq <= $3
            AND (user_id = $1
                 OR (user_id IS NULL AND room_id IN (SELECT room_id FROM memberships WHERE memberships.user_id = $1)))
          ORDER BY seq LIMIT $4 + 0",
    )
    .bind(user_id)
    .bind(after)
    .bind(end)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Deletes up to `limit` events created before `before_ms`, oldest first, and returns how many were deleted.
///
/// Stores the position of the last deleted event: a cursor at that position is still covered by the log.
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
    async fn the_log_covers_a_cursor_of_this_database_until_events_after_it_are_pruned() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let db = &world.state.db;
        let before = room_cursor(db.reader(), room_id).await.unwrap();
        let message = world.post(&world.ada, room_id, "hello").await;
        let after = room_cursor(db.reader(), room_id).await.unwrap();
        assert!(after.seq > before.seq);
        assert!(covers(db.reader(), &before).await.unwrap());
        assert!(covers(db.reader(), &after).await.unwrap());
        let changed = messages_since(db.reader(), room_id, before.seq, 10).await.unwrap();
        assert_eq!(changed, [(message.id, message.body_html.len())]);
        assert!(messages_since(db.reader(), room_id, after.seq, 10).await.unwrap().is_empty());

        let of_another_database = Cursor { epoch: "another".into(), ..after.clone() };
        assert!(!covers(db.reader(), &of_another_database).await.unwrap());
        let restored = Cursor { at: after.at + 1, ..after.clone() };
        assert!(!covers(db.reader(), &restored).await.unwrap(), "the same number with another time");
        let ahead = Cursor { seq: after.seq + 1, ..after.clone() };
        assert!(!covers(db.reader(), &ahead).await.unwrap());

        let removed = db.write(async move |tx| Ok(prune(tx.db(), i64::MAX, 1_000).await?)).await.unwrap();
        assert!(removed > 0);
        assert!(!covers(db.reader(), &before).await.unwrap(), "events after it were pruned");
        assert!(covers(db.reader(), &after).await.unwrap(), "nothing after it was pruned");
        assert_eq!(room_cursor(db.reader(), room_id).await.unwrap(), after);
        assert_eq!(db.write(async |tx| Ok(prune(tx.db(), i64::MAX, 10).await?)).await, Ok(0));
    }
}
