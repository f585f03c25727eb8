//! One SQLite file, many readers, one writer.
//!
//! All writes queue for one connection on a thread of its own. What waits is committed together, up to [`GROUP`] writes
//! in one transaction, so that one flush to the disk serves them all: new messages first, in one call. A write that may
//! fail half-way has a savepoint, and takes only itself down when it fails or panics; one without
//! ([`Db::write_checked`], [`Db::write_message`]) takes its group down with it. Callers hear of success after the commit, never before, and what a
//! write announces is published after the commit, in the order of the commits. What it changed is counted before the
//! caller is answered, for what is kept in memory.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use sqlx::query::QueryScalar;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Sqlite, SqliteConnection};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::messages::{Inserted, NewMessage};
use super::searches::{MergeDebt, ToIndex, index_messages};
use super::{CommitCounter, MIGRATOR, Readers};
use crate::changes::{Change, Changes};
use crate::live::Announcement;
use crate::model::MessageId;
use crate::{AppError, AppResult, threads};

/// How many writes one commit carries at most.
const GROUP: usize = 64;

/// How many writes may wait before callers wait for a place.
const QUEUE: usize = 1_024;

/// How many pages are read at once. Each reader is a thread and a page cache.
const READERS: usize = 4;

/// How many rows a connection's thread hands over before it waits for somebody to take them: those of a page.
const ROWS_AT_ONCE: usize = 256;

/// How often the log is copied back into the database file, when there is something to copy.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

/// The oldest SQLite that keeps every commit: 3.51.3 mends a race between a checkpoint and a writer that lost some.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Why a database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("SQLite {0} may lose commits; at least 3.51.3 is needed")]
    Sqlite(String),
    #[error("the writer's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the index of the write-ahead log cannot be read: {0}")]
    Index(std::io::Error),
}

/// The database: clones share its connections.
#[derive(Clone, Debug)]
pub struct Db {
    readers: Readers,
    queue: mpsc::Sender<QueuedWrite>,
    changes: Changes,
    commit_count: Arc<AtomicU64>,
}

/// One write inside the transaction of its group.
#[derive(Debug)]
pub struct Tx {
    connection: SqliteConnection,
    inserted: Option<Inserted>,
    to_index: ToIndex,
    announcements: Vec<Announcement>,
    changes: Vec<Change>,
}

impl Tx {
    /// The writing connection, for the store's functions.
    pub fn db(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Has a message that was stored in another way than by [`Db::write_message`] found by its words once this write is
    /// committed. `text_bytes` is how long its plain text is.
    ///
    /// The messages of a transaction go into the full-text tables together, just before it is committed: FTS5 writes
    /// what it has to disk at every savepoint, and SQLite opens one for many a statement.
    pub fn index(&mut self, message_id: MessageId, text_bytes: usize) {
        self.to_index.push(message_id, text_bytes);
    }

    /// Publishes `announcement` once this write is committed, and never if it is not.
    pub fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// Says what this write changes, for what is kept in memory. A write that never says is taken to change everything.
    pub fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }
}

/// How a write takes its refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It may fail at any step, and all it did is undone.
    Any,
    /// Whatever it refuses, it refuses before it changes anything.
    ChecksFirst,
}

type Answer = AppResult<Box<dyn Any + Send>>;
type Step<'t> = Pin<Box<dyn Future<Output = Answer> + 't>>;
type Run = Box<dyn for<'t> FnOnce(&'t mut Tx) -> Step<'t> + Send>;

struct QueuedWrite {
    /// Stored before anything runs, with those of the other writes of the commit.
    message: Option<Arc<NewMessage>>,
    run: Run,
    kind: Kind,
    answer: oneshot::Sender<Answer>,
}

impl Db {
    /// Opens or makes the database at `path`, migrates it, and starts the writer and the checkpoints.
    ///
    /// # Errors
    /// When the file cannot be opened or migrated, or when SQLite is too old to be trusted.
    pub async fn open(path: &Path, publish: mpsc::UnboundedSender<Announcement>) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .row_buffer_size(ROWS_AT_ONCE)
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", "67108864");

        let mut connection = SqliteConnection::connect_with(&options).await?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
        if !is_trusted(&version) {
            return Err(OpenError::Sqlite(version));
        }
        MIGRATOR.run(&mut connection).await?;

        let readers = Readers::new(options.clone().create_if_missing(false).pragma("query_only", "ON"), READERS);
        let (queue, jobs) = mpsc::channel(QUEUE);
        let commit_count = Arc::new(AtomicU64::new(0));
        let changes = Changes::new(CommitCounter::open(path).map_err(OpenError::Index)?);
        let db = Self { readers, queue, changes: changes.clone(), commit_count: Arc::clone(&commit_count) };
        let checkpoint = checkpoint(options, db.queue.downgrade(), Arc::clone(&commit_count));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(OpenError::Thread)?;
        threads::spawn_patient("checkpoint", move || runtime.block_on(checkpoint)).map_err(OpenError::Thread)?;

        let writer = Writer {
            connection: Some(connection),
            publish,
            changes,
            change_count: 0,
            commit_count,
            merge_debt: MergeDebt::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(OpenError::Thread)?;
        let thread = std::thread::Builder::new().name("writer".into());
        thread.spawn(move || runtime.block_on(writer.serve(jobs))).map_err(OpenError::Thread)?;
        Ok(db)
    }

    /// Connections that see every commit so far and cannot write.
    #[must_use]
    pub const fn reader(&self) -> &Readers {
        &self.readers
    }

    /// Runs `write` alone in the database and answers once it is on the disk.
    ///
    /// An error from `write` undoes all it did. The write goes on when the caller stops waiting.
    ///
    /// # Errors
    /// What `write` answered, `Unavailable` when the database cannot save, `Internal` when `write` panicked.
    pub async fn write<T, F>(&self, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        self.queue(Kind::Any, None, write).await
    }

    /// Runs a write that refuses what it refuses before it changes anything: it needs no savepoint of its own, which
    /// would be most of the work of a small one. A failure of the database in it, or a panic, takes its group's
    /// transaction down.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_checked<T, F>(&self, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        self.queue(Kind::ChecksFirst, None, write).await
    }

    /// Stores a new message, in one call with those that other writes of its commit bring, and runs `write` with what
    /// became of it: nothing, when it may not be stored. Once it is, any failure of `write` takes the whole transaction
    /// down.
    ///
    /// # Errors
    /// As [`Db::write_checked`].
    pub async fn write_message<T, F>(&self, message: Arc<NewMessage>, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx, Option<Inserted>) -> AppResult<T> + Send + 'static,
    {
        let write = async move |tx: &mut Tx| {
            let inserted = tx.inserted.take();
            write(tx, inserted).await
        };
        self.queue(Kind::ChecksFirst, Some(message), write).await
    }

    async fn queue<T, F>(&self, kind: Kind, message: Option<Arc<NewMessage>>, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        let run: Run = Box::new(move |tx| {
            Box::pin(async move { write(tx).await.map(|value| Box::new(value) as Box<dyn Any + Send>) })
        });
        let (answer, answered) = oneshot::channel();
        self.queue.send(QueuedWrite { message, run, kind, answer }).await.map_err(|_| AppError::Internal)?;
        let value = answered.await.map_err(|_| AppError::Internal)??;
        Ok(*value.downcast::<T>().expect("a write answers with the type its caller asked for"))
    }

    /// What has changed, for what is kept in memory.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// How many transactions have been committed since the start.
    #[must_use]
    pub fn commit_count(&self) -> u64 {
        self.commit_count.load(Ordering::Relaxed)
    }
}

/// Whether `version`, like `3.51.3`, is new enough.
fn is_trusted(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= OLDEST_SQLITE
}

struct Writer {
    /// Lent to the write that runs; gone for good only if a write was torn out of it.
    connection: Option<SqliteConnection>,
    publish: mpsc::UnboundedSender<Announcement>,
    changes: Changes,
    /// How many rows this connection had changed when the transaction began, as SQLite counts.
    change_count: i64,
    commit_count: Arc<AtomicU64>,
    merge_debt: MergeDebt,
}

/// A write that did its work and waits for the commit.
struct Done {
    value: Box<dyn Any + Send>,
    answer: oneshot::Sender<Answer>,
    to_index: ToIndex,
    announcements: Vec<Announcement>,
    changes: Vec<Change>,
}

/// A write that changed nothing: whose it was, and why.
type Refused = (oneshot::Sender<Answer>, AppError);

impl Writer {
    async fn serve(mut self, mut jobs: mpsc::Receiver<QueuedWrite>) {
        while let Some(first) = jobs.recv().await {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = jobs.try_recv()
            {
                group.push(next);
            }
            self.commit(group).await;
        }
    }

    /// Runs the group in one transaction and answers everyone in it.
    async fn commit(&mut self, mut group: Vec<QueuedWrite>) {
        if let Err(error) = self.begin().await {
            // Perhaps it has begun, and only the answer failed.
            let _ = self.execute("ROLLBACK").await;
            let refusal = AppError::from(error);
            for job in group {
                let _ = job.answer.send(Err(refusal.clone()));
            }
            return;
        }

        // A lone write needs no savepoint: the transaction is its own.
        let alone = group.len() == 1;
        let mut done = Vec::with_capacity(group.len());
        let mut failed = Vec::new();
        // Messages come first, so that everything is announced in the order of its place in the log.
        group.sort_by_key(|job| job.message.is_none());
        let (mut inserted, mut broken) = match self.insert_messages(&group).await {
            Ok(inserted) => (inserted.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(AppError::from(error))),
        };
        // A write that was undone has changed rows, as SQLite counts, and left nothing.
        let mut undone = false;
        for job in group {
            // Once the transaction is lost, the rest is told so without being tried.
            if broken.is_some() {
                failed.push((job.answer, None));
                continue;
            }
            let kind = job.kind;
            let inserted = inserted.next().flatten();
            match self.run(job, inserted, alone).await {
                Ok(Ok(finished)) => done.push(finished),
                Ok(Err((answer, error))) => {
                    undone |= kind == Kind::Any;
                    failed.push((answer, Some(error)));
                }
                Err((answer, error)) => {
                    broken = Some(error);
                    failed.push((answer, None));
                }
            }
        }

        if broken.is_none() {
            let mut to_index = ToIndex::default();
            done.iter().for_each(|finished| to_index.append(&finished.to_index));
            let end = if done.is_empty() { self.execute("ROLLBACK").await } else { self.end(&to_index, undone).await };
            broken = end.err().map(AppError::from);
        }
        if let Some(error) = broken {
            // The transaction may be gone already; then there is nothing left to roll back.
            let _ = self.execute("ROLLBACK").await;
            for finished in done {
                let _ = finished.answer.send(Err(error.clone()));
            }
            for (answer, own) in failed {
                let _ = answer.send(Err(own.unwrap_or_else(|| error.clone())));
            }
            return;
        }

        if !done.is_empty() {
            self.commit_count.fetch_add(1, Ordering::Relaxed);
        }
        for change in done.iter().flat_map(|finished| &finished.changes) {
            self.changes.note(*change);
        }
        for finished in done {
            for announcement in finished.announcements {
                let _ = self.publish.send(announcement);
            }
            let _ = finished.answer.send(Ok(finished.value));
        }
        for (answer, error) in failed {
            let _ = answer.send(Err(error.unwrap_or(AppError::Internal)));
        }
    }

    /// Stores the messages that the group's writes bring: what became of each.
    async fn insert_messages(&mut self, group: &[QueuedWrite]) -> sqlx::Result<Vec<Option<Inserted>>> {
        let messages: Vec<_> = group.iter().filter_map(|job| job.message.as_deref()).collect();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        super::messages::insert_all(connection, &messages).await
    }

    /// Runs one write. The inner result is the write's own; the outer error means the transaction is lost.
    async fn run(
        &mut self,
        job: QueuedWrite,
        inserted: Option<Inserted>,
        alone: bool,
    ) -> Result<Result<Done, Refused>, Refused> {
        let QueuedWrite { message, run, kind, answer } = job;
        let guarded = !alone && kind == Kind::Any;
        let stored = inserted.is_some();
        let mut to_index = ToIndex::default();
        if let (Some(inserted), Some(message)) = (&inserted, message) {
            to_index.push(inserted.id, message.body.text.len());
        }
        if guarded && let Err(error) = self.execute("SAVEPOINT one_write").await {
            return Err((answer, error.into()));
        }
        let Some(connection) = self.connection.take() else {
            return Err((answer, AppError::Internal));
        };
        let mut tx = Tx { connection, inserted, to_index, announcements: Vec::new(), changes: Vec::new() };
        let outcome = AssertUnwindSafe(async { run(&mut tx).await }).catch_unwind().await;
        let Tx { connection, to_index, announcements, mut changes, .. } = tx;
        self.connection = Some(connection);

        let error = match outcome {
            Ok(Ok(value)) => {
                if guarded && let Err(error) = self.execute("RELEASE one_write").await {
                    return Err((answer, error.into()));
                }
                if changes.is_empty() {
                    changes.push(Change::Everything);
                }
                return Ok(Ok(Done { value, answer, to_index, announcements, changes }));
            }
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::error!("a write panicked and was undone");
                AppError::Internal
            }
        };
        // SQLite undoes the whole transaction by itself after some failures, a full disk among them. The savepoint is
        // gone then, this fails, and the others in the group are told the same: nothing of theirs was saved.
        let lost = match kind {
            Kind::Any if guarded => self.undo().await.err().map(|lost| lost.to_string()),
            Kind::ChecksFirst
                if !alone && (stored || matches!(error, AppError::Internal | AppError::Unavailable(_))) =>
            {
                Some(error.to_string())
            }
            Kind::Any | Kind::ChecksFirst => None,
        };
        if let Some(lost) = lost {
            tracing::error!(error = lost, "a failed write took its group's transaction with it");
            return Err((answer, error));
        }
        Ok(Err((answer, error)))
    }

    async fn begin(&mut self) -> sqlx::Result<()> {
        self.change_count = self.count_changes(sqlx::query_scalar("BEGIN IMMEDIATE; SELECT total_changes()")).await?;
        Ok(())
    }

    /// Makes new messages searchable, merges what is due in their tables, and commits; counts the commit as ours if SQLite
    /// does: one that changed no row is none.
    async fn end(&mut self, to_index: &ToIndex, undone: bool) -> sqlx::Result<()> {
        let mut merge_debt = self.merge_debt;
        let end = if to_index.message_ids.is_empty() {
            sqlx::query_scalar("SELECT total_changes(); COMMIT")
        } else {
            let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
            for (merge, pages) in merge_debt.take_due() {
                sqlx::query(merge).bind(pages).execute(&mut *connection).await?;
            }
            merge_debt.add(to_index.text_bytes);
            let ids = super::json_ids(&to_index.message_ids);
            sqlx::query_scalar(index_messages!("SELECT total_changes(); COMMIT")).bind(ids)
        };
        self.changes.note_committing(true);
        let change_count = self.count_changes(end).await;
        if change_count.as_ref().is_ok_and(|count| *count != self.change_count) {
            self.changes.note_own_commit();
        }
        self.changes.note_committing(false);
        change_count?;
        self.merge_debt = merge_debt;
        if undone {
            self.changes.note(Change::Everything);
        }
        Ok(())
    }

    /// Runs several statements in one call; one of them tells how many rows this connection has ever changed.
    async fn count_changes(&mut self, sql: QueryScalar<'_, Sqlite, i64, SqliteArguments>) -> sqlx::Result<i64> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let counts = sql.fetch_all(connection).await?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    async fn undo(&mut self) -> sqlx::Result<()> {
        self.execute("ROLLBACK TO one_write").await?;
        self.execute("RELEASE one_write").await
    }

    async fn execute(&mut self, sql: &'static str) -> sqlx::Result<()> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

/// Copies the log back into the database file now and then: on a connection of its own, so that writers never wait for
/// it, and from a patient thread, for SQLx starts the connection's thread from there, with its niceness.
async fn checkpoint(options: SqliteConnectOptions, queue: mpsc::WeakSender<QueuedWrite>, commit_count: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(CHECKPOINT_EVERY);
    let mut copied = 0;
    let mut connection = None;
    loop {
        ticks.tick().await;
        // The writer ends with its last caller, and so does this.
        if queue.upgrade().is_none() {
            return;
        }
        let committed = commit_count.load(Ordering::Relaxed);
        if committed == copied {
            continue;
        }
        if connection.is_none() {
            connection = SqliteConnection::connect_with(&options).await.ok();
        }
        if let Some(connection) = connection.as_mut() {
            match sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await {
                Ok(_) => copied = committed,
                Err(error) => tracing::warn!(%error, "the write-ahead log could not be copied back"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::{self, Event};
    use crate::testing;

    async fn insert_room(tx: &mut Tx, name: &str) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO rooms (kind, name, creator_id, created_at, updated_at) VALUES ('open', $1, 1, 0, 0)")
            .bind(name.to_owned())
            .execute(tx.db())
            .await
            .map(drop)
    }

    async fn room_names(db: &Db) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM rooms WHERE name LIKE 'w%' ORDER BY id")
            .fetch_all(db.reader())
            .await
            .unwrap()
    }

    #[test]
    fn an_old_sqlite_is_not_trusted() {
        assert!(is_trusted("3.51.3"));
        assert!(is_trusted("3.53.0"));
        assert!(!is_trusted("3.51.2"));
        assert!(!is_trusted("3.46.0"));
    }

    #[tokio::test]
    async fn the_promises_about_durability_are_switched_on() {
        let world = testing::world().await;
        let (journal, synchronous, foreign_keys) = world
            .state
            .db
            .write(async |tx| {
                let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(tx.db()).await?;
                let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(tx.db()).await?;
                let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(tx.db()).await?;
                Ok((journal, synchronous, foreign_keys))
            })
            .await
            .unwrap();
        assert_eq!((journal.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    }

    #[tokio::test]
    async fn one_failing_or_panicking_write_takes_only_itself_down() {
        let world = testing::world().await;
        let db = &world.state.db;
        let writes = futures::future::join_all((0..10).map(|index| {
            db.write(async move |tx| {
                insert_room(tx, &format!("w{index}")).await?;
                assert!(index != 3, "as asked");
                if index == 5 { Err(AppError::Forbidden) } else { Ok(index) }
            })
        }));
        let results = in_one_group(db, writes).await;
        let expected: Vec<_> = (0..10)
            .map(|index| match index {
                3 => Err(AppError::Internal),
                5 => Err(AppError::Forbidden),
                index => Ok(index),
            })
            .collect();
        assert_eq!(results, expected);
        assert_eq!(room_names(db).await, ["w0", "w1", "w2", "w4", "w6", "w7", "w8", "w9"]);
    }

    /// Runs `writes` in one group: they are queued while another write, alone in its own group, holds the writer.
    async fn in_one_group<T>(db: &Db, writes: impl Future<Output = T>) -> T {
        let (begin, begun) = oneshot::channel();
        let (release, held) = oneshot::channel::<()>();
        let holder = db.write(async move |_| {
            begin.send(()).map_err(|()| AppError::Internal)?;
            Ok(held.await.is_ok())
        });
        let before = db.commit_count();
        let (_, result) = tokio::join!(holder, async {
            begun.await.unwrap();
            let (result, ()) = tokio::join!(biased; writes, async { release.send(()).unwrap() });
            result
        });
        assert!(db.commit_count() - before <= 2, "the writes shared a commit");
        result
    }

    #[tokio::test]
    async fn messages_of_a_group_come_first_in_the_log_and_are_found_once() {
        let world = testing::world().await;
        let (db, room_id, ada) = (&world.state.db, world.all_talk.id, world.ada.id);
        let new = |number| Arc::new(testing::new_message(room_id, ada, number, "12"));
        let edited = Event { kind: events::Kind::MessageEdited, room_id, message_id: None, user_id: None };
        let writes = async {
            tokio::join!(
                db.write(async move |tx| Ok(events::append(tx.db(), edited, 1).await?)),
                db.write::<(), _>(async |tx| {
                    insert_room(tx, "w0").await?;
                    Err(AppError::Forbidden)
                }),
                db.write_message(new(1), async |_, inserted| Ok(inserted.expect("a member's new message"))),
            )
        };
        let (edited, refused, posted) = in_one_group(db, writes).await;
        let posted = posted.unwrap();
        assert!(posted.seq < edited.unwrap(), "though it was queued last");
        assert_eq!(refused, Err(AppError::Forbidden));
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT rowid FROM message_search WHERE message_search MATCH '12'
             UNION ALL SELECT id FROM message_parts_docsize",
        )
        .fetch_all(db.reader())
        .await
        .unwrap();
        assert_eq!(found, [posted.id.0; 2]);
        assert!(room_names(db).await.is_empty());
    }

    #[tokio::test]
    async fn a_message_whose_write_fails_leaves_nothing() {
        let world = testing::world().await;
        let (db, room_id, ada) = (&world.state.db, world.all_talk.id, world.ada.id);
        let new = |number| Arc::new(testing::new_message(room_id, ada, number, "12"));
        for refusal in [None, Some(AppError::Forbidden)] {
            let writes = async {
                tokio::join!(
                    db.write_message(new(1), async |_, inserted| Ok(inserted.is_some())),
                    db.write_message::<(), _>(new(2), async move |_, _| Err(refusal.expect("as asked"))),
                )
            };
            let (first, second) = in_one_group(db, writes).await;
            assert!(first.is_err() && second.is_err(), "{first:?} {second:?}");
            let left: (i64, i64, i64) = sqlx::query_as(
                "SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM events WHERE message_id IS NOT NULL),
                        (SELECT last_message_id FROM rooms WHERE id = $1)",
            )
            .bind(room_id)
            .fetch_one(db.reader())
            .await
            .unwrap();
            assert_eq!(left, (0, 0, 0));
        }
        assert_eq!(db.write_message(new(1), async |_, inserted| Ok(inserted.is_some())).await, Ok(true), "once more");
    }

    #[tokio::test]
    async fn a_full_disk_refuses_the_write_and_passes() {
        let world = testing::world().await;
        let db = &world.state.db;
        let limit = async |pages: &'static str| {
            db.write(async move |tx| Ok(sqlx::query(pages).execute(tx.db()).await.map(drop)?)).await.unwrap();
        };
        limit("PRAGMA max_page_count = 1").await;
        let long = "w".repeat(100_000);
        let results = futures::future::join_all((0..3).map(|_| {
            let long = long.clone();
            db.write(async move |tx| Ok(insert_room(tx, &long).await?))
        }))
        .await;
        for result in results {
            assert!(matches!(result, Err(AppError::Unavailable(reason)) if reason.contains("full")));
        }
        assert!(room_names(db).await.is_empty());

        limit("PRAGMA max_page_count = 1000000").await;
        db.write(async |tx| Ok(insert_room(tx, "works again").await?)).await.unwrap();
        assert_eq!(room_names(db).await, ["works again"]);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let world = testing::world().await;
        assert!(sqlx::query("DELETE FROM rooms").execute(world.state.db.reader()).await.is_err());
    }
}
