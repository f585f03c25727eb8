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

/// Puts new messages into the full-text tables: `$1` holds their ids as a JSON array. What was removed since is passed
/// over. Followed by `$rest`, for one call.
macro_rules! index_messages {
    ($rest:literal) => {
        concat!(
            "INSERT INTO message_search (rowid, marks, words)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, COALESCE(search_words, body_text)
               FROM messages WHERE id IN (SELECT value FROM json_each($1));
             INSERT INTO message_parts (rowid, marks, parts)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, body_text
               FROM messages WHERE id IN (SELECT value FROM json_each($1)); ",
            $rest
        )
    };
}

pub(super) use index_messages;

/// What a transaction puts into the full-text tables before it is committed.
#[derive(Debug, Default)]
pub(super) struct ToIndex {
    pub message_ids: Vec<MessageId>,
    /// How long the plain text of all of them is.
    pub text_bytes: usize,
}

impl ToIndex {
    pub fn push(&mut self, message_id: MessageId, text_bytes: usize) {
        self.message_ids.push(message_id);
        self.text_bytes += text_bytes;
    }

    pub fn append(&mut self, other: &Self) {
        self.message_ids.extend_from_slice(&other.message_ids);
        self.text_bytes += other.text_bytes;
    }
}

/// The most pages of a full-text table that one commit merges, at some 15 to 25 µs each; only commits with as much text
/// to store come near it.
const MOST_MERGED_PAGES: usize = 1_024;

/// How many pages are worth the call.
const FEWEST_MERGED_PAGES: usize = 32;

/// How long a page of the full-text tables is (`pgsz`).
const PAGE_BYTES: usize = 1_000;

/// What is left to merge in the full-text tables.
///
/// Each commit leaves a small segment in each table, and a search reads them all. FTS5 on its own merges them in lumps:
/// 64 pages for each of its levels, some 4 ms here, inside whichever commit is next, and everybody waits. So it is told
/// to leave that (`automerge` 0), and a commit merges as much as those before it have brought. Where this falls short
/// (after edits, say), FTS5 still merges a level that has sixteen segments (`crisismerge`), all of it at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MergeDebt {
    words_bytes: usize,
    parts_bytes: usize,
}

impl MergeDebt {
    /// Takes in a commit that puts so many bytes of text into the tables.
    ///
    /// A byte of a short text is up to 8 bytes of index for parts and 2 for words, each of which is merged five times on
    /// its way up the levels. Long texts repeat themselves and take less, and a merge that finds nothing to do costs
    /// next to nothing. A segment's own frame counts as well: many small commits must not leave many segments.
    pub fn add(&mut self, text_bytes: usize) {
        self.words_bytes += 2 * PAGE_BYTES + 10 * text_bytes;
        self.parts_bytes += 2 * PAGE_BYTES + 40 * text_bytes;
    }

    /// The statements that merge what is due, where enough is, with their numbers of pages. What one commit does not
    /// merge is left to the next, within bounds.
    pub fn take_due(&mut self) -> impl Iterator<Item = (&'static str, i64)> {
        let tables = [
            (&mut self.words_bytes, "INSERT INTO message_search (message_search, rank) VALUES ('merge', $1)"),
            (&mut self.parts_bytes, "INSERT INTO message_parts (message_parts, rank) VALUES ('merge', $1)"),
        ];
        tables.into_iter().filter_map(|(debt, merge)| {
            let pages = (*debt / PAGE_BYTES).min(MOST_MERGED_PAGES);
            if pages < FEWEST_MERGED_PAGES {
                return None;
            }
            *debt = (*debt - pages * PAGE_BYTES).min(MOST_MERGED_PAGES * PAGE_BYTES);
            i64::try_from(pages).ok().map(|pages| (merge, pages))
        })
    }
}

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

    #[test]
    fn a_commit_merges_what_was_written_since_and_no_more_than_some() {
        let mut debt = MergeDebt::default();
        let mut due = |text_bytes: &[usize]| {
            text_bytes.iter().for_each(|bytes| debt.add(*bytes));
            let table = |merge: &str| if merge.contains("message_parts") { "parts" } else { "words" };
            debt.take_due().map(|(merge, pages)| (table(merge), pages)).collect::<Vec<_>>()
        };
        assert_eq!(due(&[700]), [], "30 pages are not worth the call");
        assert_eq!(due(&[1_000]), [("parts", 72)]);
        assert_eq!(due(&[0; 6]), [("words", 33)], "21 were left");
        assert_eq!(due(&[30_000]), [("words", 302), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("parts", 190)], "the next commit does the rest");
        assert_eq!(due(&[64 * 32_000]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [], "what is too much for that is left to SQLite");
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
