//! Messages that wait for their time.

use sqlx::SqliteExecutor;

use crate::model::{ClientMessageId, MessageId, RoomId, RoomKind, UserId};

/// How many messages that were posted or failed are kept of one user.
const MAX_ENDED: i64 = 50;

/// The state of a row, stored in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum RowState {
    /// It waits for its time.
    Waiting,
    /// It is being posted: its text changes no more.
    Sending,
    /// It was posted.
    Sent,
    /// It was not posted.
    Failed,
}

/// A scheduled message.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ScheduledRow {
    /// Its id.
    pub id: i64,
    /// Its writer.
    pub user_id: UserId,
    /// Its room.
    pub room_id: RoomId,
    /// The id of the message that it becomes.
    pub client_message_id: ClientMessageId,
    /// The Markdown source; empty once it is posted.
    pub body: String,
    /// When it is to be posted, in milliseconds since the epoch.
    pub send_at: i64,
    /// Its state.
    pub state: RowState,
    /// When it was posted or failed, in milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// The message, once it is posted.
    pub message_id: Option<MessageId>,
    /// Why it was not posted.
    pub reason: String,
    /// The name of its room, if the writer is in it.
    pub room_name: Option<String>,
    /// The kind of its room, if the writer is in it.
    pub room_kind: Option<RoomKind>,
}

/// A new scheduled message.
#[derive(Clone, Debug)]
pub struct NewScheduled {
    /// Its writer.
    pub user_id: UserId,
    /// Its room.
    pub room_id: RoomId,
    /// The id of the message that it becomes.
    pub client_message_id: ClientMessageId,
    /// The Markdown source.
    pub body: String,
    /// When it is to be posted, in milliseconds since the epoch.
    pub send_at: i64,
}

/// Selects [`ScheduledRow`]s; `$which` begins with `WHERE`.
macro_rules! select_scheduled {
    ($which:literal) => {
        concat!(
            "SELECT scheduled.id, scheduled.user_id, scheduled.room_id, scheduled.client_message_id, scheduled.body,
                    scheduled.send_at, scheduled.state, scheduled.ended_at, scheduled.message_id, scheduled.reason,
                    rooms.name AS room_name, rooms.kind AS room_kind
               FROM scheduled_messages AS scheduled
               LEFT JOIN memberships ON memberships.room_id = scheduled.room_id AND memberships.user_id = scheduled.user_id
               LEFT JOIN rooms ON rooms.id = memberships.room_id AND NOT rooms.removed ",
            $which
        )
    };
}

/// Stores a message that waits for its time, and deletes the oldest ended ones of its writer above a number. Returns its id;
/// `None` if the client message id was used before.
pub async fn insert(db: &mut sqlx::SqliteConnection, new: &NewScheduled, now_ms: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query(
        "DELETE FROM scheduled_messages
          WHERE user_id = $1 AND ended_at IS NOT NULL
            AND id NOT IN (SELECT id FROM scheduled_messages WHERE user_id = $1 AND ended_at IS NOT NULL
                            ORDER BY ended_at DESC, id DESC LIMIT $2)",
    )
    .bind(new.user_id)
    .bind(MAX_ENDED)
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar(
        "INSERT INTO scheduled_messages (user_id, room_id, client_message_id, body, send_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(new.user_id)
    .bind(new.room_id)
    .bind(&new.client_message_id)
    .bind(&new.body)
    .bind(new.send_at)
    .bind(now_ms)
    .fetch_optional(db)
    .await
}

/// The scheduled message of a user with this client message id.
pub async fn find_sent(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    client_message_id: &ClientMessageId,
) -> sqlx::Result<Option<ScheduledRow>> {
    sqlx::query_as(select_scheduled!("WHERE scheduled.user_id = $1 AND scheduled.client_message_id = $2"))
        .bind(user_id)
        .bind(client_message_id)
        .fetch_optional(db)
        .await
}

/// A scheduled message of any user.
pub async fn find(db: impl SqliteExecutor<'_>, id: i64) -> sqlx::Result<Option<ScheduledRow>> {
    sqlx::query_as(select_scheduled!("WHERE scheduled.id = $1")).bind(id).fetch_optional(db).await
}

/// The scheduled messages of a user: those that wait in the order of their times, then those that ended, the last first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<ScheduledRow>> {
    sqlx::query_as(select_scheduled!(
        "WHERE scheduled.user_id = $1
         ORDER BY scheduled.ended_at DESC NULLS FIRST, scheduled.send_at, scheduled.id"
    ))
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// How many messages of a user wait.
pub async fn count_waiting(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM scheduled_messages WHERE user_id = $1 AND ended_at IS NULL")
        .bind(user_id)
        .fetch_one(db)
        .await
}

/// Changes a message that waits. Returns `false` if it does not wait any more.
pub async fn update(db: impl SqliteExecutor<'_>, id: i64, body: &str, send_at: i64) -> sqlx::Result<bool> {
    let updated =
        sqlx::query("UPDATE scheduled_messages SET body = $2, send_at = $3 WHERE id = $1 AND state = 'waiting'")
            .bind(id)
            .bind(body)
            .bind(send_at)
            .execute(db)
            .await?;
    Ok(updated.rows_affected() > 0)
}

/// Changes when a message that waits is posted. Returns `false` if it does not wait any more.
pub async fn set_time(db: impl SqliteExecutor<'_>, id: i64, send_at: i64) -> sqlx::Result<bool> {
    let updated = sqlx::query("UPDATE scheduled_messages SET send_at = $2 WHERE id = $1 AND state = 'waiting'")
        .bind(id)
        .bind(send_at)
        .execute(db)
        .await?;
    Ok(updated.rows_affected() > 0)
}

/// Marks a message that waits, and whose time has come by `now_ms`, as being posted.
pub async fn begin(db: impl SqliteExecutor<'_>, id: i64, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE scheduled_messages SET state = 'sending' WHERE id = $1 AND state = 'waiting' AND send_at <= $2")
        .bind(id)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Marks a message as posted, and forgets its text. Returns `false` if it was marked before.
pub async fn note_sent(db: impl SqliteExecutor<'_>, id: i64, message_id: MessageId, now_ms: i64) -> sqlx::Result<bool> {
    let noted = sqlx::query(
        "UPDATE scheduled_messages SET state = 'sent', message_id = $2, ended_at = $3, body = ''
          WHERE id = $1 AND state = 'sending'",
    )
    .bind(id)
    .bind(message_id)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Marks a message as not posted, with the reason. Returns `false` if it was marked before.
pub async fn note_failed(db: impl SqliteExecutor<'_>, id: i64, reason: &str, now_ms: i64) -> sqlx::Result<bool> {
    let noted = sqlx::query(
        "UPDATE scheduled_messages SET state = 'failed', reason = $2, ended_at = $3 WHERE id = $1 AND state = 'sending'",
    )
    .bind(id)
    .bind(reason)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Deletes a scheduled message that is not being posted. Returns whether there was one.
pub async fn remove(db: impl SqliteExecutor<'_>, id: i64) -> sqlx::Result<bool> {
    let removed =
        sqlx::query("DELETE FROM scheduled_messages WHERE id = $1 AND state <> 'sending'").bind(id).execute(db).await?;
    Ok(removed.rows_affected() > 0)
}

/// Deletes all scheduled messages of a user, and their jobs.
pub async fn remove_all(db: &mut sqlx::SqliteConnection, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM jobs WHERE kind = 'send_scheduled'
            AND payload ->> 'scheduled_id' IN (SELECT id FROM scheduled_messages WHERE user_id = $1)",
    )
    .bind(user_id)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM scheduled_messages WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

/// Deletes up to `limit` messages that ended before `before_ms`, and returns how many were deleted.
pub async fn prune(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query(
        "DELETE FROM scheduled_messages
          WHERE id IN (SELECT id FROM scheduled_messages WHERE ended_at < $1 ORDER BY ended_at, id LIMIT $2)",
    )
    .bind(before_ms)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tx;
    use crate::testing;

    #[tokio::test]
    async fn a_message_waits_is_posted_once_and_forgets_its_text() {
        let world = testing::world().await;
        let db = &world.state.db;
        let (user_id, room_id) = (world.ada.id, world.all_talk.id);
        let new = |number: u64, body: &str| NewScheduled {
            user_id,
            room_id,
            client_message_id: ClientMessageId::v7(number, [1; 10]),
            body: body.to_owned(),
            send_at: 100,
        };
        let (first, second) = (new(1, "one"), new(2, "two"));
        let insert_all = async move |tx: &mut Tx| {
            let id = insert(tx.db(), &first, 5).await?;
            Ok((id, insert(tx.db(), &first, 5).await?, insert(tx.db(), &second, 5).await?))
        };
        let (Some(id), None, Some(other)) = db.write(insert_all).await.unwrap() else { panic!("each once") };
        let known = find_sent(db.reader(), user_id, &ClientMessageId::v7(1, [1; 10])).await.unwrap();
        assert_eq!(known.map(|row| row.id), Some(id));
        assert_eq!(count_waiting(db.reader(), user_id).await.unwrap(), 2);
        let post = async move |tx: &mut Tx| {
            begin(tx.db(), id, 99).await?;
            let is_early = !note_sent(tx.db(), id, MessageId(7), 99).await?;
            let is_changed = update(tx.db(), id, "one, changed", 120).await? && set_time(tx.db(), id, 110).await?;
            begin(tx.db(), id, 110).await?;
            let is_fixed = !update(tx.db(), id, "late", 1).await? && !set_time(tx.db(), id, 1).await?;
            let stays = !remove(tx.db(), id).await?;
            let sent =
                [note_sent(tx.db(), id, MessageId(7), 130).await?, note_sent(tx.db(), id, MessageId(7), 140).await?];
            Ok(is_early && is_changed && is_fixed && stays && sent == [true, false])
        };
        assert!(db.write(post).await.unwrap());
        let row = find(db.reader(), id).await.unwrap().unwrap();
        assert_eq!((row.state, row.body.as_str(), row.ended_at), (RowState::Sent, "", Some(130)));
        assert_eq!((row.message_id, row.room_name.as_deref()), (Some(MessageId(7)), Some("All Talk")));

        let fail = async move |tx: &mut Tx| {
            begin(tx.db(), other, 100).await?;
            Ok(note_failed(tx.db(), other, "gone", 150).await? && !note_failed(tx.db(), other, "again", 160).await?)
        };
        assert!(db.write(fail).await.unwrap());
        let listed: Vec<_> = list(db.reader(), user_id).await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(listed, [other, id], "the last that ended first");
        assert_eq!(db.write(async |tx| Ok(prune(tx.db(), 150, 10).await?)).await, Ok(1));
        assert_eq!(db.write(async move |tx| Ok(remove(tx.db(), other).await?)).await, Ok(true));
        assert!(list(db.reader(), user_id).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_oldest_ended_ones_make_room() {
        let world = testing::world().await;
        let (user_id, room_id) = (world.ada.id, world.all_talk.id);
        let fill = async move |tx: &mut Tx| {
            for number in 0..60_u64 {
                let client_message_id = ClientMessageId::v7(number, [1; 10]);
                let new = NewScheduled { user_id, room_id, client_message_id, body: "x".into(), send_at: 1 };
                let id = insert(tx.db(), &new, 1).await?.expect("a new id");
                begin(tx.db(), id, 1).await?;
                note_failed(tx.db(), id, "gone", i64::try_from(number).unwrap()).await?;
            }
            Ok(())
        };
        world.state.db.write(fill).await.unwrap();
        let ended = list(world.state.db.reader(), user_id).await.unwrap();
        assert_eq!((ended.len(), ended[0].ended_at), (51, Some(59)));
    }
}
