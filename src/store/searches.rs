//! Queries of the full-text tables, and each user's recent searches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{SqliteConnection, SqliteExecutor};

use super::{Tx, json_ids, sqlite};
use crate::clock;
use crate::model::{MessageId, RoomId, UserId};
use crate::search::IndexedText;

/// Maximum number of messages that a search returns: the newest matches.
pub const MAX_RESULTS: i64 = 100;

/// Number of recent searches kept for each user.
const MAX_RECENT_SEARCHES: i64 = 10;

/// How long one query of a full-text table may run before it is interrupted.
const QUERY_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Number of instructions of SQLite's virtual machine between two checks of the deadline.
const INSTRUCTIONS_PER_CHECK: i32 = 10_000;

/// The full-text tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `message_search`: whole words, stemmed.
    Words,
    /// `message_parts`: trigrams, for parts of words and for punctuation.
    Parts,
}

/// Range and number of the messages that a query may return.
#[derive(Clone, Copy, Debug)]
pub struct SearchRange {
    /// The first id of the range.
    pub from: MessageId,
    /// The first id after the range.
    pub to: MessageId,
    /// Maximum number of messages.
    pub limit: i64,
}

/// The newest messages in `range` that match an FTS5 expression of [`Query`](crate::search::Query), newest first, with
/// their rooms; with `among`, only these messages. `None` if the query was interrupted after 1.5 s.
pub async fn find(
    db: &mut SqliteConnection,
    table: Table,
    expression: &str,
    range: SearchRange,
    among: Option<&[MessageId]>,
) -> sqlx::Result<Option<Vec<(MessageId, RoomId)>>> {
    let sql = match table {
        Table::Words => {
            "SELECT messages.id, messages.room_id
               FROM (SELECT rowid AS id FROM message_search
                      WHERE message_search MATCH $1 AND rowid >= $2 AND rowid < $3
                        AND ($5 IS NULL OR rowid IN (SELECT value FROM json_each($5))) ORDER BY rowid DESC LIMIT $4) AS found
               JOIN messages ON messages.id = found.id ORDER BY messages.id DESC"
        }
        Table::Parts => {
            "SELECT messages.id, messages.room_id
               FROM (SELECT rowid AS id FROM message_parts
                      WHERE message_parts MATCH $1 AND rowid >= $2 AND rowid < $3
                        AND ($5 IS NULL OR rowid IN (SELECT value FROM json_each($5))) ORDER BY rowid DESC LIMIT $4) AS found
               JOIN messages ON messages.id = found.id ORDER BY messages.id DESC"
        }
    };
    let deadline = clock::monotonic() + QUERY_TIMEOUT;
    let armed = ArmedDeadline::default();
    let is_armed = armed.0.clone();
    let continues = move || !is_armed.load(Ordering::Relaxed) || clock::monotonic() < deadline;
    db.lock_handle().await?.set_progress_handler(INSTRUCTIONS_PER_CHECK, continues);
    let found = sqlx::query_as(sql)
        .bind(expression)
        .bind(range.from)
        .bind(range.to)
        .bind(range.limit)
        .bind(among.map(json_ids))
        .fetch_all(&mut *db)
        .await;
    drop(armed);
    match found {
        Ok(found) => Ok(Some(found)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(SQLITE_INTERRUPT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Disarms the deadline when dropped. The progress handler stays on the connection after the query, even if the query's
/// future was cancelled, and must not interrupt later queries.
struct ArmedDeadline(Arc<AtomicBool>);

impl Default for ArmedDeadline {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for ArmedDeadline {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// SQLite's result code of an interrupted query, <https://sqlite.org/rescode.html#interrupt>.
const SQLITE_INTERRUPT: &str = "9";

/// The first message id of all rooms that was posted at `at_ms` or later; an id above all others if there is none.
///
/// Ids grow with time, so that a binary search finds it, without an index of times.
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

/// The plain text of a message, and what of it is in the full-text tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// The message.
    pub message_id: MessageId,
    /// Its plain text.
    pub text: String,
    /// The text for the index where it is not the plain text.
    pub indexed: IndexedText,
}

/// The version of the search index, and the id before which messages still have the index of an earlier version; 0 if
/// none has.
pub async fn find_index_state(db: impl SqliteExecutor<'_>) -> sqlx::Result<(i64, MessageId)> {
    sqlx::query_as("SELECT version, renewed_before FROM search_index").fetch_one(db).await
}

/// Stores that all present messages are to be indexed anew, by this version.
pub async fn begin_renewal(db: impl SqliteExecutor<'_>, version: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE search_index
            SET version = $1, renewed_before = (SELECT COALESCE(MAX(id) + 1, 0) FROM messages)",
    )
    .bind(version)
    .execute(db)
    .await
    .map(drop)
}

/// Stores that only messages before this id are still to be indexed anew; 0 for none.
pub async fn set_renewed_before(db: impl SqliteExecutor<'_>, before: MessageId) -> sqlx::Result<()> {
    sqlx::query("UPDATE search_index SET renewed_before = $1").bind(before).execute(db).await.map(drop)
}

/// The texts with characters outside ASCII among the messages from id `from` to before `before`, newest first, at most
/// `limit`.
pub async fn list_unicode_texts(
    db: impl SqliteExecutor<'_>,
    from: MessageId,
    before: MessageId,
    limit: i64,
) -> sqlx::Result<Vec<StoredText>> {
    let rows: Vec<(MessageId, String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT id, body_text, search_words, search_parts FROM messages
          WHERE id >= $1 AND id < $2 AND octet_length(body_text) > length(body_text)
          ORDER BY id DESC LIMIT $3",
    )
    .bind(from)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await?;
    let stored = rows.into_iter().map(|(message_id, text, words, parts)| {
        let indexed = IndexedText { words, parts };
        StoredText { message_id, text, indexed }
    });
    Ok(stored.collect())
}

/// Stores what is in the full-text tables of these messages, and indexes them anew at the commit. A message whose plain
/// text has changed is skipped: that change has indexed it.
pub async fn reindex(tx: &mut Tx, texts: &[StoredText]) -> sqlx::Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = texts
        .iter()
        .map(|stored| (stored.message_id, &stored.text, &stored.indexed.words, &stored.indexed.parts))
        .collect();
    let changed: Vec<(MessageId, i64)> = sqlx::query_as(
        "UPDATE messages SET search_words = new.value ->> 2, search_parts = new.value ->> 3
           FROM json_each($1) AS new
          WHERE messages.id = new.value ->> 0 AND messages.body_text = new.value ->> 1
         RETURNING messages.id, octet_length(messages.body_text)",
    )
    .bind(super::json_ids(&rows))
    .fetch_all(tx.db())
    .await?;
    let ids: Vec<_> = changed.iter().map(|(message_id, _)| *message_id).collect();
    sqlite::search_index::remove(tx.db(), &ids).await?;
    for (message_id, text_bytes) in changed {
        tx.index(message_id, usize::try_from(text_bytes).unwrap_or_default());
    }
    Ok(())
}

/// Stores a search as the user's most recent one, and deletes all but the last ten.
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
    .bind(MAX_RECENT_SEARCHES)
    .execute(db)
    .await
    .map(drop)
}

/// The user's recent searches, newest first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT query FROM searches WHERE user_id = $1 ORDER BY searched_at DESC, query")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Deletes all recent searches of a user.
pub async fn remove_all(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM searches WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn commits_merge_the_segments_of_earlier_commits() {
        let world = testing::world().await;
        // Fewer commits than the sixteen after which FTS5 merges a level by itself.
        for number in 0..15 {
            let text = format!("newt{number} {}", "some more words ".repeat(60));
            world.post(&world.ada, world.all_talk.id, &text).await;
        }
        for (table, max_segments) in [("message_search", 8), ("message_parts", 8)] {
            let reader = world.state.db.reader();
            let count = format!("SELECT COUNT(DISTINCT segid) FROM {table}_idx");
            let segment_count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(reader).await.unwrap();
            assert!((1..=max_segments).contains(&segment_count), "{table}: {segment_count}");
            let automerge = format!("SELECT v FROM {table}_config WHERE k = 'automerge'");
            let automerge: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(automerge)).fetch_one(reader).await.unwrap();
            assert_eq!(automerge, 0, "{table}: the writer merges instead");
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
    async fn the_last_ten_searches_are_kept_without_duplicates() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let bob = world.bob.id;
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
    async fn the_first_message_since_a_time_is_found_despite_gaps_in_the_ids() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let start = world.state.clock.now_ms();
        let mut posted = Vec::new();
        for _ in 0..20 {
            world.state.clock.advance(1_000);
            posted.push(world.post(&world.ada, room_id, "words").await);
        }
        for removed in [0, 7, 8, 19] {
            let id = posted[removed].id;
            let remove =
                async move |tx: &mut crate::store::Tx| Ok(crate::store::messages::remove(tx.db(), room_id, id).await?);
            world.state.db.write(remove).await.unwrap();
        }
        let reader = world.state.db.reader();
        for at_ms in (start..start + 22_000).step_by(500) {
            let first = first_since(reader, at_ms).await.unwrap();
            let remaining = posted.iter().enumerate().filter(|(index, _)| ![0, 7, 8, 19].contains(index));
            for (_, message) in remaining {
                assert_eq!(message.id >= first, message.created_at >= at_ms, "{at_ms} {first}");
            }
        }
    }
}
