//! Messages that people keep for later.

use sqlx::SqliteExecutor;

use crate::model::{MessageId, RoomId, RoomKind, SavedNote, UserId};

/// A kept message, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SavedRow {
    /// The id of the row.
    pub id: i64,
    /// Who keeps it.
    pub user_id: UserId,
    /// The message.
    pub message_id: MessageId,
    /// The note.
    pub note: String,
    /// When its reminder is due, in milliseconds since the epoch.
    pub remind_at: Option<i64>,
    /// When its reminder was sent last, in milliseconds since the epoch.
    pub reminded_at: Option<i64>,
    /// When it was done, in milliseconds since the epoch.
    pub done_at: Option<i64>,
    /// Whether the message was deleted.
    pub is_deleted: bool,
    /// Whether the person is in its room.
    pub is_member: bool,
    /// The name of its room.
    pub room_name: String,
    /// The kind of its room.
    pub room_kind: Option<RoomKind>,
}

/// Selects [`SavedRow`]s; `$which` begins with `WHERE`.
macro_rules! select_saved {
    ($which:literal) => {
        concat!(
            "SELECT saved.id, saved.user_id, saved.message_id, saved.note, saved.remind_at, saved.reminded_at, saved.done_at,
                    messages.id IS NULL AS is_deleted, memberships.room_id IS NOT NULL AS is_member,
                    COALESCE(rooms.name, '') AS room_name, rooms.kind AS room_kind
               FROM saved_messages AS saved
               LEFT JOIN messages ON messages.id = saved.message_id
               LEFT JOIN rooms ON rooms.id = messages.room_id AND NOT rooms.removed
               LEFT JOIN memberships ON memberships.room_id = rooms.id AND memberships.user_id = saved.user_id ",
            $which
        )
    };
}

/// Keeps a message for a user. Returns its id, and whether it is new.
pub async fn insert(
    db: &mut sqlx::SqliteConnection,
    user_id: UserId,
    message_id: MessageId,
    now_ms: i64,
) -> sqlx::Result<(i64, bool)> {
    let inserted = sqlx::query_scalar(
        "INSERT INTO saved_messages (user_id, message_id, created_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(user_id)
    .bind(message_id)
    .bind(now_ms)
    .fetch_optional(&mut *db)
    .await?;
    if let Some(id) = inserted {
        return Ok((id, true));
    }
    let id = sqlx::query_scalar("SELECT id FROM saved_messages WHERE user_id = $1 AND message_id = $2")
        .bind(user_id)
        .bind(message_id)
        .fetch_one(db)
        .await?;
    Ok((id, false))
}

/// The id under which a user keeps a message.
pub async fn find_id(db: impl SqliteExecutor<'_>, user_id: UserId, message_id: MessageId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("SELECT id FROM saved_messages WHERE user_id = $1 AND message_id = $2")
        .bind(user_id)
        .bind(message_id)
        .fetch_optional(db)
        .await
}

/// A kept message of any user.
pub async fn find(db: impl SqliteExecutor<'_>, id: i64) -> sqlx::Result<Option<SavedRow>> {
    sqlx::query_as(select_saved!("WHERE saved.id = $1")).bind(id).fetch_optional(db).await
}

/// Up to `limit` of the messages that a user keeps, those that are done or the others, with ids below `before`, the last
/// one first.
pub async fn list(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    is_done: bool,
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<SavedRow>> {
    sqlx::query_as(select_saved!(
        "WHERE saved.user_id = $1 AND (saved.done_at IS NOT NULL) = $2 AND saved.id < $3
         ORDER BY saved.id DESC LIMIT $4 + 0"
    ))
    .bind(user_id)
    .bind(is_done)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The messages that a user keeps and that are still there, with their rooms.
pub async fn list_messages(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<(MessageId, RoomId)>> {
    sqlx::query_as(
        "SELECT messages.id, messages.room_id
           FROM saved_messages JOIN messages ON messages.id = saved_messages.message_id
          WHERE saved_messages.user_id = $1 ORDER BY messages.id",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// Deletes all that a user keeps, and the jobs of their reminders.
pub async fn remove_all(db: &mut sqlx::SqliteConnection, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM jobs WHERE kind = 'remind'
            AND payload ->> 'saved_id' IN (SELECT id FROM saved_messages WHERE user_id = $1)",
    )
    .bind(user_id)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM saved_messages WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

/// How many messages a user keeps, and how many reminders are to come.
pub async fn counts(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as("SELECT COUNT(*), COUNT(remind_at) FROM saved_messages WHERE user_id = $1")
        .bind(user_id)
        .fetch_one(db)
        .await
}

/// Replaces the note of a kept message.
pub async fn set_note(db: impl SqliteExecutor<'_>, id: i64, note: &SavedNote) -> sqlx::Result<()> {
    sqlx::query("UPDATE saved_messages SET note = $2 WHERE id = $1")
        .bind(id)
        .bind(note.as_str())
        .execute(db)
        .await
        .map(drop)
}

/// Stores when the reminder of a kept message is due, in milliseconds since the epoch; `None` for no reminder.
pub async fn set_reminder(db: impl SqliteExecutor<'_>, id: i64, remind_at: Option<i64>) -> sqlx::Result<()> {
    sqlx::query("UPDATE saved_messages SET remind_at = $2 WHERE id = $1")
        .bind(id)
        .bind(remind_at)
        .execute(db)
        .await
        .map(drop)
}

/// Stores that a kept message is done, or is not; who is done needs no reminder.
pub async fn set_done(db: impl SqliteExecutor<'_>, id: i64, done_at: Option<i64>) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE saved_messages
            SET done_at = $2, remind_at = CASE WHEN $2 IS NULL THEN remind_at END WHERE id = $1",
    )
    .bind(id)
    .bind(done_at)
    .execute(db)
    .await
    .map(drop)
}

/// Stores that the reminder of a kept message, which was due by `now_ms`, was sent. Returns whether it was due.
pub async fn note_reminded(db: impl SqliteExecutor<'_>, id: i64, now_ms: i64) -> sqlx::Result<bool> {
    let noted =
        sqlx::query("UPDATE saved_messages SET reminded_at = $2, remind_at = NULL WHERE id = $1 AND remind_at <= $2")
            .bind(id)
            .bind(now_ms)
            .execute(db)
            .await?;
    Ok(noted.rows_affected() > 0)
}

/// Keeps a message no longer.
pub async fn remove(db: impl SqliteExecutor<'_>, id: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM saved_messages WHERE id = $1").bind(id).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Tx, messages};
    use crate::testing;

    #[tokio::test]
    async fn a_message_is_kept_once_with_its_note_until_it_is_done() {
        let world = testing::world().await;
        let db = &world.state.db;
        let (bob, room_id) = (world.bob.id, world.all_talk.id);
        let message_id = world.post(&world.ada, room_id, "hello").await.id;
        let keep = async move |tx: &mut Tx| Ok(insert(tx.db(), bob, message_id, 5).await?);
        let (id, is_new) = db.write(keep).await.unwrap();
        assert!(is_new);
        assert_eq!(db.write(keep).await.unwrap(), (id, false));
        assert_eq!(find_id(db.reader(), bob, message_id).await.unwrap(), Some(id));
        assert_eq!(find_id(db.reader(), world.cleo.id, message_id).await.unwrap(), None);
        let remind = async move |tx: &mut Tx| {
            set_note(tx.db(), id, &"soon".parse().unwrap()).await?;
            set_reminder(tx.db(), id, Some(100)).await?;
            Ok([note_reminded(tx.db(), id, 99).await?, note_reminded(tx.db(), id, 100).await?])
        };
        assert_eq!(counts(db.reader(), bob).await.unwrap(), (1, 0));
        assert_eq!(db.write(remind).await.unwrap(), [false, true]);
        let row = find(db.reader(), id).await.unwrap().unwrap();
        assert_eq!((row.remind_at, row.reminded_at, row.note.as_str()), (None, Some(100), "soon"));
        assert!(row.is_member && !row.is_deleted && row.room_name == "All Talk");

        let finish = async move |tx: &mut Tx| {
            set_reminder(tx.db(), id, Some(200)).await?;
            set_done(tx.db(), id, Some(150)).await?;
            messages::remove(tx.db(), room_id, message_id).await?;
            Ok(())
        };
        db.write(finish).await.unwrap();
        assert!(list(db.reader(), bob, false, i64::MAX, 10).await.unwrap().is_empty());
        let [done] = &list(db.reader(), bob, true, i64::MAX, 10).await.unwrap()[..] else { panic!("one is done") };
        assert!(done.is_deleted && !done.is_member && done.remind_at.is_none() && done.note == "soon");
        assert!(list(db.reader(), bob, true, id, 10).await.unwrap().is_empty());
        db.write(async move |tx| Ok(remove(tx.db(), id).await?)).await.unwrap();
        assert_eq!(counts(db.reader(), bob).await.unwrap(), (0, 0));
    }
}
