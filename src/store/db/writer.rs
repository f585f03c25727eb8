//! The writer: commits queued writes in groups, on the one connection that writes.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::FutureExt;
use sqlx::query::QueryScalar;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{MAX_GROUP, Mode, QUEUE_CAPACITY, QueuedWrite, Tx, WriteResult};
use crate::AppError;
use crate::cache::invalidation::{Invalidations, Stale};
use crate::clock::{self, Clock};
use crate::health::Pulse;
use crate::live::Announcement;
use crate::metrics::Counts;
use crate::store::messages::Inserted;
use crate::store::sqlite::search_index::{MergeDebt, PendingIndex, index_messages};

pub(super) struct Writer {
    /// Dropped before `publish`: of the parts that end with the writer, the writer is the one that is reported.
    pub _pulse: Pulse,
    /// Moved into the running write and back; `None` for good only if a write's future was dropped before it completed.
    pub connection: Option<SqliteConnection>,
    pub clock: Clock,
    pub publish: mpsc::UnboundedSender<Announcement>,
    pub invalidations: Invalidations,
    /// SQLite's count of rows changed by this connection, when the transaction began.
    pub change_count: i64,
    pub commit_count: Arc<AtomicU64>,
    pub counts: Arc<Counts>,
    /// Notified after a commit that enqueued jobs.
    pub job_enqueued: Arc<Notify>,
    pub merge_debt: MergeDebt,
}

/// A write that succeeded and waits for the commit.
struct PendingWrite {
    value: Box<dyn Any + Send>,
    reply: oneshot::Sender<WriteResult>,
    pending_index: PendingIndex,
    announcements: Vec<Announcement>,
    stale: Vec<Stale>,
    enqueued_jobs: bool,
}

/// A write that failed: the channel of its caller, and the error.
type FailedWrite = (oneshot::Sender<WriteResult>, AppError);

impl Writer {
    /// Commits queued writes until the last [`Db`](super::Db) is dropped, or the connection is lost.
    pub async fn serve(mut self, mut queue: mpsc::Receiver<QueuedWrite>) {
        // More than a group only while another program locks the database.
        let mut waiting = Vec::new();
        while !waiting.is_empty() || queue.recv_many(&mut waiting, MAX_GROUP).await > 0 {
            match self.begin().await {
                Ok(()) => {
                    let rest = waiting.split_off(waiting.len().min(MAX_GROUP));
                    self.commit_group(std::mem::replace(&mut waiting, rest)).await;
                }
                Err(error) => {
                    // The transaction may have begun all the same, if only reading the result failed.
                    let _ = self.execute("ROLLBACK").await;
                    // A lock of another program is waited for, by each write until its own deadline.
                    let now = is_locked(&error).then(clock::monotonic);
                    let is_lost = matches!(error, sqlx::Error::WorkerCrashed);
                    refuse(&mut waiting, now, error);
                    if is_lost {
                        return;
                    }
                    // Those in the queue as well, so that none waits longer because of those before it.
                    while waiting.len() < QUEUE_CAPACITY
                        && let Ok(next) = queue.try_recv()
                    {
                        waiting.push(next);
                    }
                }
            }
        }
    }

    /// Runs the group in the transaction that has begun, and replies to each of its callers.
    async fn commit_group(&mut self, mut group: Vec<QueuedWrite>) {
        let began_at = clock::monotonic();
        // A single write needs no savepoint: rolling back the transaction undoes nothing else.
        let is_single = group.len() == 1;
        let mut succeeded = Vec::with_capacity(group.len());
        let mut failed = Vec::new();
        // Messages come first, so that everything is announced in the order of the event log.
        group.sort_by_key(|write| write.message.is_none());
        let (mut inserted, mut transaction_error) = match self.insert_messages(&group).await {
            Ok(inserted) => (inserted.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(AppError::from(error))),
        };
        let posted_count = inserted.as_slice().iter().flatten().count() as u64;
        // SQLite's count of changed rows includes those of a write that was rolled back.
        let mut has_rolled_back = false;
        for write in group {
            // Once the transaction has failed, the remaining writes of the group are not run.
            if transaction_error.is_some() {
                failed.push((write.reply, None));
                continue;
            }
            let mode = write.mode;
            let inserted = inserted.next().flatten();
            match self.run(write, inserted, is_single).await {
                Ok(Ok(pending)) => succeeded.push(pending),
                Ok(Err((reply, error))) => {
                    has_rolled_back |= mode == Mode::Savepoint;
                    failed.push((reply, Some(error)));
                }
                Err((reply, error)) => {
                    transaction_error = Some(error);
                    failed.push((reply, None));
                }
            }
        }

        if transaction_error.is_none() {
            let mut pending_index = PendingIndex::default();
            succeeded.iter().for_each(|pending| pending_index.append(&pending.pending_index));
            let ended = if succeeded.is_empty() {
                self.execute("ROLLBACK").await
            } else {
                self.commit(&pending_index, has_rolled_back).await
            };
            transaction_error = ended.err().map(AppError::from);
        }
        if let Some(error) = transaction_error {
            // SQLite may have rolled back the transaction by itself; then this fails, which changes nothing.
            let _ = self.execute("ROLLBACK").await;
            for pending in succeeded {
                let _ = pending.reply.send(Err(error.clone()));
            }
            for (reply, own_error) in failed {
                let _ = reply.send(Err(own_error.unwrap_or_else(|| error.clone())));
            }
            return;
        }

        if !succeeded.is_empty() {
            self.commit_count.fetch_add(1, Ordering::Relaxed);
            self.count(&succeeded, posted_count, began_at);
        }
        for stale in succeeded.iter().flat_map(|pending| &pending.stale) {
            self.invalidations.mark(*stale);
        }
        if succeeded.iter().any(|pending| pending.enqueued_jobs) {
            self.job_enqueued.notify_one();
        }
        for pending in succeeded {
            for announcement in pending.announcements {
                let _ = self.publish.send(announcement);
            }
            let _ = pending.reply.send(Ok(pending.value));
        }
        for (reply, error) in failed {
            let _ = reply.send(Err(error.unwrap_or(AppError::Internal)));
        }
    }

    /// Counts a group that was committed.
    fn count(&self, group: &[PendingWrite], posted_count: u64, began_at: Instant) {
        self.counts.commits.observe_duration(clock::monotonic().saturating_duration_since(began_at));
        self.counts.groups.observe(group.len() as u64);
        self.counts.posts.fetch_add(posted_count, Ordering::Relaxed);
        let announcement_count = group.iter().map(|pending| pending.announcements.len() as u64).sum();
        self.counts.announcements.fetch_add(announcement_count, Ordering::Relaxed);
    }

    /// Inserts the group's new messages. Returns one entry per message, in the group's order: `None` if it was
    /// rejected.
    async fn insert_messages(&mut self, group: &[QueuedWrite]) -> sqlx::Result<Vec<Option<Inserted>>> {
        let messages: Vec<_> = group.iter().filter_map(|write| write.message.as_deref()).collect();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        crate::store::messages::insert_all(connection, &messages).await
    }

    /// Runs one write. The inner error is the write's own; the outer error means that the whole transaction must be
    /// rolled back.
    async fn run(
        &mut self,
        write: QueuedWrite,
        inserted: Option<Inserted>,
        is_single: bool,
    ) -> Result<Result<PendingWrite, FailedWrite>, FailedWrite> {
        let QueuedWrite { message, run, mode, reply, .. } = write;
        let has_savepoint = !is_single && mode == Mode::Savepoint;
        let has_inserted = inserted.is_some();
        let mut pending_index = PendingIndex::default();
        if let (Some(inserted), Some(message)) = (&inserted, message) {
            pending_index.push(inserted.id, message.body.text.len());
        }
        if has_savepoint && let Err(error) = self.execute("SAVEPOINT one_write").await {
            return Err((reply, error.into()));
        }
        let Some(connection) = self.connection.take() else {
            return Err((reply, AppError::Internal));
        };
        let mut tx = Tx::new(connection, self.clock.now_ms(), inserted, pending_index);
        let outcome = AssertUnwindSafe(async { run(&mut tx).await }).catch_unwind().await;
        let Tx { connection, pending_index, announcements, mut stale, recorded, enqueued_jobs, .. } = tx;
        self.connection = Some(connection);

        let error = match outcome {
            Ok(Ok(value)) => {
                if has_savepoint && let Err(error) = self.execute("RELEASE one_write").await {
                    return Err((reply, error.into()));
                }
                if !recorded {
                    stale.push(Stale::Everything);
                }
                return Ok(Ok(PendingWrite { value, reply, pending_index, announcements, stale, enqueued_jobs }));
            }
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::error!("a write panicked and was rolled back");
                AppError::Internal
            }
        };
        // After some failures, a full disk among them, SQLite rolls back the whole transaction by itself. The savepoint
        // no longer exists then, rolling back to it fails, and every other write of the group fails as well.
        let transaction_error = match mode {
            Mode::Savepoint if has_savepoint => self.rollback_to_savepoint().await.err().map(|error| error.to_string()),
            Mode::Checked
                if !is_single && (has_inserted || matches!(error, AppError::Internal | AppError::Unavailable(_))) =>
            {
                Some(error.to_string())
            }
            Mode::Savepoint | Mode::Checked => None,
        };
        if let Some(transaction_error) = transaction_error {
            tracing::error!(error = transaction_error, "a failed write rolls back its whole group");
            return Err((reply, error));
        }
        Ok(Err((reply, error)))
    }

    async fn begin(&mut self) -> sqlx::Result<()> {
        self.change_count = self.count_changes(sqlx::query_scalar("BEGIN IMMEDIATE; SELECT total_changes()")).await?;
        Ok(())
    }

    /// Indexes new messages, runs the merges of the full-text tables that are due, and commits. The commit is counted
    /// as one of this process only if it changed rows: SQLite's own counter skips empty ones.
    async fn commit(&mut self, pending_index: &PendingIndex, has_rolled_back: bool) -> sqlx::Result<()> {
        let mut merge_debt = self.merge_debt;
        let commit = if pending_index.message_ids.is_empty() {
            sqlx::query_scalar("SELECT total_changes(); COMMIT")
        } else {
            let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
            for (merge, pages) in merge_debt.take_due() {
                sqlx::query(merge).bind(pages).execute(&mut *connection).await?;
            }
            merge_debt.add(pending_index.text_bytes);
            let ids = crate::store::json_ids(&pending_index.message_ids);
            sqlx::query_scalar(index_messages!("SELECT total_changes(); COMMIT")).bind(ids)
        };
        self.invalidations.note_committing(true);
        let change_count = self.count_changes(commit).await;
        if change_count.as_ref().is_ok_and(|count| *count != self.change_count) {
            self.invalidations.note_own_commit();
        }
        self.invalidations.note_committing(false);
        change_count?;
        self.merge_debt = merge_debt;
        if has_rolled_back {
            self.invalidations.mark(Stale::Everything);
        }
        Ok(())
    }

    /// Runs several statements in one call, one of which selects `total_changes()`. Returns that number: the rows that
    /// this connection has changed since it was opened.
    async fn count_changes(&mut self, sql: QueryScalar<'_, Sqlite, i64, SqliteArguments>) -> sqlx::Result<i64> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let counts = sql.fetch_all(connection).await?;
        Ok(counts.first().copied().unwrap_or_default())
    }

    async fn rollback_to_savepoint(&mut self) -> sqlx::Result<()> {
        self.execute("ROLLBACK TO one_write").await?;
        self.execute("RELEASE one_write").await
    }

    async fn execute(&mut self, sql: &'static str) -> sqlx::Result<()> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

/// Whether another program has locked the database (`SQLITE_BUSY`).
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Refuses those writes whose deadline is not after `now`; without `now`, all of them.
fn refuse(waiting: &mut Vec<QueuedWrite>, now: Option<Instant>, error: sqlx::Error) {
    let refused: Vec<_> = waiting.extract_if(.., |write| now.is_none_or(|now| write.deadline <= now)).collect();
    if refused.is_empty() {
        return;
    }
    let error = AppError::from(error);
    for write in refused {
        let _ = write.reply.send(Err(error.clone()));
    }
}
