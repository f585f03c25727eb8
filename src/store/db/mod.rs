//! One SQLite file, many readers, one writer.
//!
//! All writes queue for one connection on a thread of its own. Queued writes are committed in groups, up to
//! [`MAX_GROUP`] in one transaction, so that one flush to disk serves them all; new messages come first, in one call. A
//! write that may fail after its first change runs in a savepoint, so that an error or panic rolls back only that
//! write; one without a savepoint ([`Db::write_checked`], [`Db::write_message`]) rolls back its whole group. A write
//! returns only after the commit. Announcements are published after the commit, in commit order; stale caches are
//! marked before the write returns.

mod checkpoint;
mod readers;
mod writer;

pub use readers::{Reader, Readers};

use std::any::Any;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot};

use super::messages::{Inserted, NewMessage};
use super::sqlite::CommitCounter;
use super::sqlite::search_index::{MergeDebt, PendingIndex};
use super::{MIGRATOR, jobs, keys};
use crate::cache::invalidation::{Invalidations, Stale};
use crate::clock::{self, Clock};
use crate::health::Health;
use crate::live::Announcement;
use crate::metrics::Counts;
use crate::model::{Job, MessageId, PushSubscriptionId, UserId};
use crate::{AppError, AppResult, low_priority};
use writer::Writer;

/// Maximum number of writes in one commit.
const MAX_GROUP: usize = 64;

/// Capacity of the write queue; further callers wait until it has room.
const QUEUE_CAPACITY: usize = 1_024;

/// How long a write waits from when it is queued, for room in the queue or for another program's lock on the database,
/// before it is refused.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Lets the writer wait for another program's lock, in milliseconds, before it refuses the writes that have waited too
/// long and tries again.
const LOCK_POLL_INTERVAL: &str = "PRAGMA busy_timeout = 250";

/// Maximum number of reading connections. Each is a thread and a page cache.
const MAX_READERS: usize = 4;

/// Number of rows that a connection's thread buffers before it waits for the receiver: enough for every row of a page.
const ROW_BUFFER_CAPACITY: usize = 256;

/// The oldest supported SQLite. 3.51.3 fixes a race between a checkpoint and a writer that can lose a commit.
const MIN_SQLITE_VERSION: (u32, u32, u32) = (3, 51, 3);

/// Why a database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be opened or read.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed, or the file was migrated by a newer version.
    #[error("the database cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The linked SQLite is older than 3.51.3.
    #[error("SQLite {0} may lose commits; at least 3.51.3 is needed")]
    Sqlite(String),
    /// A thread of the database, or its runtime, cannot be started.
    #[error("the writer's thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The `-shm` file, which contains SQLite's commit counter, cannot be read.
    #[error("the index of the write-ahead log cannot be read: {0}")]
    Index(std::io::Error),
    /// The store of the files cannot be used.
    #[error("the files cannot be used: {0}")]
    Files(std::io::Error),
}

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Db {
    readers: Readers,
    queue: mpsc::Sender<QueuedWrite>,
    invalidations: Invalidations,
    commit_count: Arc<AtomicU64>,
    counts: Arc<Counts>,
    job_enqueued: Arc<Notify>,
}

/// One write inside the transaction of its group.
#[derive(Debug)]
pub struct Tx {
    connection: SqliteConnection,
    now_ms: i64,
    inserted: Option<Inserted>,
    pending_index: PendingIndex,
    announcements: Vec<Announcement>,
    stale: Vec<Stale>,
    /// Set once the write has recorded a fact, or that it changes nothing visible.
    recorded: bool,
    enqueued_jobs: bool,
}

impl Tx {
    fn new(connection: SqliteConnection, now_ms: i64, inserted: Option<Inserted>, pending_index: PendingIndex) -> Self {
        Self {
            connection,
            now_ms,
            inserted,
            pending_index,
            announcements: Vec::new(),
            stale: Vec::new(),
            recorded: false,
            enqueued_jobs: false,
        }
    }

    /// The writing connection, for the store's functions.
    pub fn db(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// When this write began to run, in milliseconds since the epoch.
    #[must_use]
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Adds a message to the full-text index at the commit. [`Db::write_message`] does so by itself; this is for
    /// messages that are inserted in another way. `text_bytes` is the length of their plain text.
    ///
    /// All messages of a transaction are indexed together, just before the commit: FTS5 flushes its pending data at
    /// every savepoint, and SQLite opens one implicitly for many statements.
    pub fn index(&mut self, message_id: MessageId, text_bytes: usize) {
        self.pending_index.push(message_id, text_bytes);
    }

    /// Records that this write changes nothing that a page displays or a permission check reads. A write that records
    /// neither this nor a fact invalidates every cache.
    pub fn changes_nothing_visible(&mut self) {
        self.recorded = true;
    }

    /// Publishes `announcement` after the commit; never if the write is rolled back.
    pub(crate) fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// Marks `stale` at the commit.
    pub(crate) fn mark_stale(&mut self, stale: Stale) {
        self.recorded = true;
        self.stale.push(stale);
    }

    /// Enqueues a job that is due at once, as part of this write.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn enqueue(&mut self, job: &Job) -> sqlx::Result<()> {
        self.enqueued_jobs = true;
        jobs::insert(&mut self.connection, job, self.now_ms, self.now_ms).await
    }

    /// Enqueues a job that is due at `run_at`, in milliseconds since the epoch, as part of this write.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn enqueue_at(&mut self, job: &Job, run_at: i64) -> sqlx::Result<()> {
        self.enqueued_jobs = true;
        jobs::insert(&mut self.connection, job, run_at, self.now_ms).await
    }

    /// Enqueues the job that pushes a message, unless nobody is to get one: in one call, as
    /// every message is posted by it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn enqueue_push(&mut self, message_id: MessageId, creator_id: UserId) -> sqlx::Result<()> {
        let job = Job::Push { message_id, after: PushSubscriptionId(0) };
        self.enqueued_jobs |=
            jobs::insert_push(&mut self.connection, &job, message_id, creator_id, self.now_ms).await?;
        Ok(())
    }
}

/// How a failed write is rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The write may fail at any step: it runs in a savepoint and is rolled back alone.
    Savepoint,
    /// The write returns errors only before it changes anything: it needs no savepoint. If it fails later, its whole
    /// group is rolled back.
    Checked,
}

/// Result of a write, with its value type-erased: writes of different types share the queue.
type WriteResult = AppResult<Box<dyn Any + Send>>;
type WriteFuture<'t> = Pin<Box<dyn Future<Output = WriteResult> + 't>>;
type Run = Box<dyn for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t> + Send>;

struct QueuedWrite {
    /// Inserted before any write of the group runs, in one call with the other messages of the commit.
    message: Option<Arc<NewMessage>>,
    run: Run,
    mode: Mode,
    /// When it is refused, if it still waits for another program's lock.
    deadline: Instant,
    reply: oneshot::Sender<WriteResult>,
}

impl Db {
    /// Opens or creates the database at `path`, migrates it, and starts the writer and the checkpoints. `health` learns
    /// of the end of either.
    ///
    /// # Errors
    /// When the file cannot be opened or migrated, or when SQLite is too old, see [`OpenError`].
    pub async fn open(
        path: &Path,
        clock: Clock,
        publish: mpsc::UnboundedSender<Announcement>,
        health: &Health,
    ) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .row_buffer_size(ROW_BUFFER_CAPACITY)
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", "67108864");

        let mut connection = SqliteConnection::connect_with(&options).await?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
        if !is_supported(&version) {
            return Err(OpenError::Sqlite(version));
        }
        MIGRATOR.run(&mut connection).await?;
        sqlx::query(LOCK_POLL_INTERVAL).execute(&mut connection).await?;
        keys::renew(&mut connection).await?;

        let readers = Readers::new(options.clone().create_if_missing(false).pragma("query_only", "ON"), MAX_READERS);
        let (queue, queued) = mpsc::channel(QUEUE_CAPACITY);
        let commit_count = Arc::new(AtomicU64::new(0));
        let commit_counter = CommitCounter::open(path).map_err(OpenError::Index)?;
        let invalidations = Invalidations::new(Box::new(move || commit_counter.read()));
        let job_enqueued = Arc::new(Notify::new());
        let counts = Arc::new(Counts::default());
        let db = Self {
            readers,
            queue,
            invalidations: invalidations.clone(),
            commit_count: Arc::clone(&commit_count),
            counts: Arc::clone(&counts),
            job_enqueued: Arc::clone(&job_enqueued),
        };
        let checkpoint = checkpoint::run(options, db.queue.downgrade(), Arc::clone(&commit_count));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(OpenError::Thread)?;
        let pulse = health.pulse("The write-ahead log is not copied into the database any more.");
        let checkpoints = move || {
            let _pulse = pulse;
            runtime.block_on(checkpoint);
        };
        low_priority::spawn("checkpoint", checkpoints).map_err(OpenError::Thread)?;

        let pulse = health.pulse("Nothing is saved any more: the writer of the database has ended.");
        let writer = Writer {
            _pulse: pulse,
            connection: Some(connection),
            clock,
            publish,
            invalidations,
            change_count: 0,
            commit_count,
            counts,
            job_enqueued,
            merge_debt: MergeDebt::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(OpenError::Thread)?;
        let thread = std::thread::Builder::new().name("writer".into());
        let writes = move || runtime.block_on(writer.serve(queued));
        thread.spawn(writes).map_err(OpenError::Thread)?;
        Ok(db)
    }

    /// The read-only connections. They see every commit so far.
    #[must_use]
    pub const fn reader(&self) -> &Readers {
        &self.readers
    }

    /// Runs `write` with exclusive access to the database, and returns once it is on disk.
    ///
    /// If `write` fails, everything it did is rolled back. It runs to its end even if the returned future is dropped.
    ///
    /// # Errors
    /// The error of `write`; `Unavailable` when the database cannot store it, or another program locks it for 5 s;
    /// `Internal` when `write` panicked.
    pub async fn write<T, F>(&self, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        self.queue(Mode::Savepoint, None, write).await
    }

    /// Runs a write that validates before it changes anything, without a savepoint, which would be most of the cost of
    /// a small write. If the database fails in it, or it panics, its whole group is rolled back.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_checked<T, F>(&self, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        self.queue(Mode::Checked, None, write).await
    }

    /// Inserts a new message, in one call with the other messages of its commit, and runs `write` with the result:
    /// `None` if it was rejected, see [`insert_all`](super::messages::insert_all). If the message was inserted and
    /// `write` fails, the whole group is rolled back.
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
        self.queue(Mode::Checked, Some(message), write).await
    }

    async fn queue<T, F>(&self, mode: Mode, message: Option<Arc<NewMessage>>, write: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    {
        let run: Run = Box::new(move |tx| {
            Box::pin(async move { write(tx).await.map(|value| Box::new(value) as Box<dyn Any + Send>) })
        });
        let (reply, result) = oneshot::channel();
        let deadline = clock::monotonic() + WRITE_TIMEOUT;
        let room = tokio::time::timeout_at(deadline.into(), self.queue.reserve()).await;
        let room = room.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| AppError::Internal)?;
        room.send(QueuedWrite { message, run, mode, deadline, reply });
        let value = result.await.map_err(|_| AppError::Internal)??;
        Ok(*value.downcast::<T>().expect("`run` boxed a value of this type"))
    }

    /// The counters that decide whether a cached value is stale.
    #[must_use]
    pub const fn invalidations(&self) -> &Invalidations {
        &self.invalidations
    }

    /// Completes after a commit that enqueued jobs, including one since the last call. For a single caller.
    pub async fn job_enqueued(&self) {
        self.job_enqueued.notified().await;
    }

    /// What was counted since the database was opened.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Number of writes that wait for the writer.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Number of transactions committed since the database was opened.
    #[must_use]
    pub fn commit_count(&self) -> u64 {
        self.commit_count.load(Ordering::Relaxed)
    }
}

/// Whether `version`, like `3.51.3`, is at least [`MIN_SQLITE_VERSION`].
fn is_supported(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= MIN_SQLITE_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::{self, EventKind, NewEvent};
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
    fn sqlite_before_3_51_3_is_rejected() {
        assert!(is_supported("3.51.3"));
        assert!(is_supported("3.53.0"));
        assert!(!is_supported("3.51.2"));
        assert!(!is_supported("3.46.0"));
    }

    #[tokio::test]
    async fn the_writer_uses_wal_full_sync_and_foreign_keys() {
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
    async fn a_failing_or_panicking_write_rolls_back_only_itself() {
        let world = testing::world().await;
        let db = &world.state.db;
        let writes = futures::future::join_all((0..10).map(|index| {
            db.write(async move |tx| {
                insert_room(tx, &format!("w{index}")).await?;
                assert!(index != 3, "panics on purpose");
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

    /// A write that blocks the writer until the sender is used.
    async fn block_writer(db: &Db) -> oneshot::Sender<()> {
        let (begin, begun) = oneshot::channel();
        let (release, held) = oneshot::channel::<()>();
        let db = db.clone();
        tokio::spawn(async move {
            let block = async move |_: &mut Tx| {
                begin.send(()).map_err(|()| AppError::Internal)?;
                Ok(held.await.is_ok())
            };
            db.write(block).await
        });
        begun.await.unwrap();
        release
    }

    /// Queues `writes` while another write, in a group of its own, blocks the writer. Returns their result and the
    /// number of commits that they took.
    async fn queued<T>(db: &Db, writes: impl Future<Output = T>) -> (T, u64) {
        let before = db.commit_count();
        let release = block_writer(db).await;
        let (result, ()) = tokio::join!(biased; writes, async { release.send(()).unwrap() });
        (result, (db.commit_count() - before).saturating_sub(1))
    }

    /// Runs `writes` in one group.
    async fn in_one_group<T>(db: &Db, writes: impl Future<Output = T>) -> T {
        let (result, commit_count) = queued(db, writes).await;
        assert!(commit_count <= 1, "the writes shared a commit");
        result
    }

    #[tokio::test]
    async fn a_commit_has_at_most_the_maximum_number_of_writes() {
        let world = testing::world().await;
        let db = &world.state.db;
        for (write_count, expected) in [(MAX_GROUP, 1), (MAX_GROUP + 1, 2)] {
            let writes = (0..write_count)
                .map(|index| db.write(async move |tx| Ok(insert_room(tx, &format!("w{write_count}-{index}")).await?)));
            let (results, commit_count) = queued(db, futures::future::join_all(writes)).await;
            assert!(results.iter().all(Result::is_ok));
            assert_eq!(commit_count, expected, "{write_count} writes");
        }
        assert_eq!(room_names(db).await.len(), 2 * MAX_GROUP + 1);
    }

    #[tokio::test]
    async fn callers_wait_for_room_in_the_queue_and_are_refused_in_time() {
        const WAITING: usize = 10;
        let world = testing::world().await;
        let db = &world.state.db;
        let release = block_writer(db).await;
        let mut writes: Vec<_> = (0..QUEUE_CAPACITY + WAITING)
            .map(|index| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.write(async move |tx| Ok(insert_room(tx, &format!("w{index:04}")).await?)).await
                })
            })
            .collect();
        while db.queue.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(db.queue.max_capacity(), QUEUE_CAPACITY);
        // Tasks are started in their order, so the last ones are those that wait.
        for waiting in writes.split_off(QUEUE_CAPACITY) {
            assert!(matches!(waiting.await.unwrap(), Err(AppError::Unavailable(reason)) if reason.contains("busy")));
        }
        assert!(!writes.iter().any(tokio::task::JoinHandle::is_finished), "those in the queue are still to be written");
        release.send(()).unwrap();
        for write in writes {
            assert_eq!(write.await.unwrap(), Ok(()));
        }
        assert_eq!(room_names(db).await.len(), QUEUE_CAPACITY);
    }

    #[tokio::test]
    async fn another_programs_lock_is_waited_for_and_refuses_each_write_in_time() {
        let world = testing::world().await;
        let db = &world.state.db;
        let mut other = world.other_connection().await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        let mut patient = Box::pin(db.write(async |tx| Ok(insert_room(tx, "w-patient").await?)));
        assert!(futures::poll!(&mut patient).is_pending());
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        assert_eq!(patient.await, Ok(()), "a short lock is waited for");

        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        let began = clock::monotonic();
        // Four groups: one after the other, they would wait four times.
        let writes = (0..4 * MAX_GROUP).map(|_| db.write(async |tx| Ok(insert_room(tx, "w-refused").await?)));
        for result in futures::future::join_all(writes).await {
            assert!(matches!(result, Err(AppError::Unavailable(reason)) if reason.contains("nothing was saved")));
        }
        assert!(began.elapsed() < 3 * WRITE_TIMEOUT, "{:?}", began.elapsed());
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        db.write(async |tx| Ok(insert_room(tx, "w-then").await?)).await.unwrap();
        assert_eq!(room_names(db).await, ["w-patient", "w-then"], "a refused write is not written later");
    }

    #[tokio::test]
    async fn the_program_is_unhealthy_once_the_writer_ends() {
        /// Panics where nothing catches it: in the writer's own loop.
        struct Explosive;
        impl Drop for Explosive {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        let world = testing::world().await;
        let db = &world.state.db;
        let release = block_writer(db).await;
        let mut abandoned = Box::pin(db.write(async |_| Ok(Explosive)));
        assert!(futures::poll!(&mut abandoned).is_pending());
        drop(abandoned);
        assert_eq!(world.state.health.failure(), None);
        release.send(()).unwrap();
        assert!(world.state.health.failed().await.contains("the writer of the database has ended"));
        assert_eq!(db.write(async |_| Ok(())).await, Err(AppError::Internal), "no caller waits for ever");
    }

    #[tokio::test]
    async fn messages_of_a_group_come_first_in_the_event_log_and_are_indexed_once() {
        let world = testing::world().await;
        let db = &world.state.db;
        let room_id = world.all_talk.id;
        let ada = world.ada.id;
        let new = |number| Arc::new(testing::new_message(room_id, ada, number, "12"));
        let edited = NewEvent { kind: EventKind::MessageEdited, room_id, message_id: None, user_id: None };
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
        assert!(posted.seq < edited.unwrap(), "messages come first, even if queued last");
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
    async fn a_failed_message_write_rolls_back_its_group() {
        let world = testing::world().await;
        let db = &world.state.db;
        let room_id = world.all_talk.id;
        let ada = world.ada.id;
        let new = |number| Arc::new(testing::new_message(room_id, ada, number, "12"));
        for refusal in [None, Some(AppError::Forbidden)] {
            let writes = async {
                tokio::join!(
                    db.write_message(new(1), async |_, inserted| Ok(inserted.is_some())),
                    db.write_message::<(), _>(new(2), async move |_, _| Err(refusal.expect("panics on purpose"))),
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
        assert_eq!(db.write_message(new(1), async |_, inserted| Ok(inserted.is_some())).await, Ok(true), "id is free");
    }

    #[tokio::test]
    async fn writes_fail_on_a_full_disk_and_succeed_once_there_is_room() {
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
    async fn reading_connections_are_read_only() {
        let world = testing::world().await;
        assert!(sqlx::query("DELETE FROM rooms").execute(world.state.db.reader()).await.is_err());
    }
}
