//! The full-text tables of SQLite, and what each person searched for last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::clock;
use crate::model::{MessageId, RoomId, UserId};

/// The most that one search finds: the newest.
pub const MOST_FOUND: i64 = 100;

/// How many searches are kept for each person.
const MOST_KEPT: i64 = 10;

/// How long one question may take before it counts as unanswered.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How many steps of SQLite's machine pass between two looks at the time.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// Which table is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Words,
    Parts,
}

/// Which messages a question is about.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// `from ≤ id < to`.
    pub from: MessageId,
    pub to: MessageId,
    /// How many are asked for.
    pub limit: i64,
}

/// The newest messages that match a question of `search::Query`, newest first, with their rooms; nothing when that took
/// too long.
pub async fn find(
    db: &mut SqliteConnection,
    table: Table,
    question: &str,
    within: Within,
) -> sqlx::Result<Option<Vec<(MessageId, RoomId)>>> {
    let sql = match table {
        Table::Words => {
            "SELECT messages.id, messages.room_id
               FROM (SELECT rowid AS id FROM message_search
                      WHERE message_search MATCH $1 AND rowid >= $2 AND rowid < $3 ORDER BY rowid DESC LIMIT $4) AS found
               JOIN messages ON messages.id = found.id ORDER BY messages.id DESC"
        }
        Table::Parts => {
            "SELECT messages.id, messages.room_id
               FROM (SELECT rowid AS id FROM message_parts
                      WHERE message_parts MATCH $1 AND rowid >= $2 AND rowid < $3 ORDER BY rowid DESC LIMIT $4) AS found
               JOIN messages ON messages.id = found.id ORDER BY messages.id DESC"
        }
    };
    let deadline = clock::monotonic() + PATIENCE;
    let asking = Asking::default();
    let asked = asking.0.clone();
    let goes_on = move || !asked.load(Ordering::Relaxed) || clock::monotonic() < deadline;
    db.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, goes_on);
    let found = sqlx::query_as(sql)
        .bind(question)
        .bind(within.from)
        .bind(within.to)
        .bind(within.limit)
        .fetch_all(&mut *db)
        .await;
    drop(asking);
    match found {
        Ok(found) => Ok(Some(found)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INTERRUPTED) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whoever asks may go away in the middle: the connection then goes back with the look at the time still in it, which
/// from then on interrupts nothing.
struct Asking(Arc<AtomicBool>);

impl Default for Asking {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// SQLite's code for a question that was cut short.
const INTERRUPTED: &str = "9";

/// The first message sent at `at_ms` or later, or one that is still to come.
///
/// Ids grow with time, so this takes as many steps as halving takes, and needs no index of times.
pub async fn first_since(db: impl SqliteExecutor<'_>, at_ms: i64) -> sqlx::Result<MessageId> {
    sqlx::query_scalar(
        "WITH RECURSIVE halved (low, high) AS (
             SELECT 1, (SELECT COALESCE(MAX(id), 0) + 1 FROM messages)
             UNION ALL
             SELECT CASE WHEN (SELECT created_at FROM messages WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) < $1
                         THEN (low + high) / 2 + 1 ELSE low END,
                    CASE WHEN (SELECT created_at FROM messages WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) < $1
                         THEN high ELSE (low + high) / 2 END
               FROM halved WHERE low < high
         )
         SELECT low FROM halved WHERE low >= high LIMIT 1",
    )
    .bind(at_ms)
    .fetch_one(db)
    .await
}

/// Keeps a search as the person's last one, and forgets all but the last ten.
pub async fn remember(db: &mut sqlx::SqliteConnection, user_id: UserId, query: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO searches (user_id, query, searched_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, query) DO UPDATE SET searched_at = $3",
    )
    .bind(user_id)
    .bind(query)
    .bind(now_ms)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM searches WHERE user_id = $1 AND query NOT IN
                (SELECT query FROM searches WHERE user_id = $1 ORDER BY searched_at DESC, query LIMIT $2)",
    )
    .bind(user_id)
    .bind(MOST_KEPT)
    .execute(db)
    .await
    .map(drop)
}

/// What the person searched for last, newest first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT query FROM searches WHERE user_id = $1 ORDER BY searched_at DESC, query")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Forgets what the person searched for.
pub async fn remove_all(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM searches WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn what_commits_leave_in_the_tables_is_merged_as_it_comes() {
        let world = testing::world().await;
        // Fewer commits than SQLite would merge the segments of by itself.
        for number in 0..15 {
            let text = format!("newt{number} {}", "some more words ".repeat(60));
            world.post(&world.ada, world.all_talk.id, &text).await;
        }
        for (table, most) in [("message_search", 8), ("message_parts", 8)] {
            let reader = world.state.db.reader();
            let count = format!("SELECT COUNT(DISTINCT segid) FROM {table}_idx");
            let segment_count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(reader).await.unwrap();
            assert!((1..=most).contains(&segment_count), "{table}: {segment_count}");
            let own = format!("SELECT v FROM {table}_config WHERE k = 'automerge'");
            let own: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(own)).fetch_one(reader).await.unwrap();
            assert_eq!(own, 0, "{table}: SQLite leaves it to the writer");
            for number in 0..15 {
                let find = format!("SELECT COUNT(*) FROM {table} WHERE {table} MATCH 'newt{number}'");
                let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(find)).fetch_one(reader).await.unwrap();
                // newt1 is a part of newt10 as well.
                let expected = if table == "message_parts" && number == 1 { 6 } else { 1 };
                assert_eq!(found, expected, "{table}: newt{number}");
            }
        }
    }

    #[tokio::test]
    async fn the_last_ten_searches_are_kept_each_once() {
        let world = testing::world().await;
        let (ada, bob) = (world.ada.id, world.bob.id);
        for (number, query) in ["x", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "x"].into_iter().enumerate() {
            let now_ms = i64::try_from(number).unwrap();
            world.state.db.write(async move |tx| Ok(remember(tx.db(), ada, query, now_ms).await?)).await.unwrap();
        }
        world.state.db.write(async move |tx| Ok(remember(tx.db(), bob, "mine", 1).await?)).await.unwrap();
        let reader = world.state.db.reader();
        assert_eq!(list(reader, ada).await.unwrap(), ["x", "10", "9", "8", "7", "6", "5", "4", "3", "2"]);
        world.state.db.write(async move |tx| Ok(remove_all(tx.db(), ada).await?)).await.unwrap();
        assert!(list(reader, ada).await.unwrap().is_empty());
        assert_eq!(list(reader, bob).await.unwrap(), ["mine"]);
    }

    #[tokio::test]
    async fn the_first_message_of_a_time_is_found_among_gaps() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let start = world.state.clock.now_ms();
        let mut posted = Vec::new();
        for _ in 0..20 {
            world.state.clock.advance(1_000);
            posted.push(world.post(&world.ada, room_id, "words").await);
        }
        for gone in [0, 7, 8, 19] {
            let id = posted[gone].id;
            let remove =
                async move |tx: &mut crate::store::Tx| Ok(crate::store::messages::remove(tx.db(), room_id, id).await?);
            world.state.db.write(remove).await.unwrap();
        }
        let reader = world.state.db.reader();
        for at_ms in (start..start + 22_000).step_by(500) {
            let first = first_since(reader, at_ms).await.unwrap();
            let wanted = posted.iter().enumerate().filter(|(index, _)| ![0, 7, 8, 19].contains(index));
            for (_, message) in wanted {
                assert_eq!(message.id >= first, message.created_at >= at_ms, "{at_ms} {first}");
            }
        }
    }
}
