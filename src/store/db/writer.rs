//! The writer: commits queued writes in groups, on the one connection that writes.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use sqlx::query::QueryScalar;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Answer, MAX_GROUP, Mode, QueuedWrite, Tx};
use crate::AppError;
use crate::cache::invalidation::{Invalidations, Stale};
use crate::clock::Clock;
use crate::live::Announcement;
use crate::store::messages::Inserted;
use crate::store::sqlite::search_index::{MergeDebt, ToIndex, index_messages};

pub(super) struct Writer {
    /// Moved into the running write and back; `None` for good only if a write was dropped in the middle.
    pub connection: Option<SqliteConnection>,
    pub clock: Clock,
    pub publish: mpsc::UnboundedSender<Announcement>,
    pub invalidations: Invalidations,
    /// SQLite's count of rows changed by this connection, when the transaction began.
    pub change_count: i64,
    pub commit_count: Arc<AtomicU64>,
    /// Notified after a commit that enqueued jobs.
    pub job_enqueued: Arc<Notify>,
    pub merge_debt: MergeDebt,
}

/// A write that ran and waits for the commit.
struct Done {
    value: Box<dyn Any + Send>,
    answer: oneshot::Sender<Answer>,
    to_index: ToIndex,
    announcements: Vec<Announcement>,
    stale: Vec<Stale>,
    enqueued_jobs: bool,
}

/// A write that changed nothing: where to send the answer, and the error.
type Refused = (oneshot::Sender<Answer>, AppError);

impl Writer {
    pub async fn serve(mut self, mut jobs: mpsc::Receiver<QueuedWrite>) {
        while let Some(first) = jobs.recv().await {
            let mut group = vec![first];
            while group.len() < MAX_GROUP
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
            let mode = job.mode;
            let inserted = inserted.next().flatten();
            match self.run(job, inserted, alone).await {
                Ok(Ok(finished)) => done.push(finished),
                Ok(Err((answer, error))) => {
                    undone |= mode == Mode::Any;
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
        for stale in done.iter().flat_map(|finished| &finished.stale) {
            self.invalidations.mark(*stale);
        }
        if done.iter().any(|finished| finished.enqueued_jobs) {
            self.job_enqueued.notify_one();
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
        crate::store::messages::insert_all(connection, &messages).await
    }

    /// Runs one write. The inner result is the write's own; the outer error means the transaction is lost.
    async fn run(
        &mut self,
        job: QueuedWrite,
        inserted: Option<Inserted>,
        alone: bool,
    ) -> Result<Result<Done, Refused>, Refused> {
        let QueuedWrite { message, run, mode, answer } = job;
        let guarded = !alone && mode == Mode::Any;
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
        let mut tx = Tx::new(connection, self.clock.now_ms(), inserted, to_index);
        let outcome = AssertUnwindSafe(async { run(&mut tx).await }).catch_unwind().await;
        let Tx { connection, to_index, announcements, mut stale, recorded, enqueued_jobs, .. } = tx;
        self.connection = Some(connection);

        let error = match outcome {
            Ok(Ok(value)) => {
                if guarded && let Err(error) = self.execute("RELEASE one_write").await {
                    return Err((answer, error.into()));
                }
                if !recorded {
                    stale.push(Stale::Everything);
                }
                return Ok(Ok(Done { value, answer, to_index, announcements, stale, enqueued_jobs }));
            }
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::error!("a write panicked and was undone");
                AppError::Internal
            }
        };
        // SQLite undoes the whole transaction by itself after some failures, a full disk among them. The savepoint is
        // gone then, this fails, and the others in the group are told the same: nothing of theirs was saved.
        let lost = match mode {
            Mode::Any if guarded => self.undo().await.err().map(|lost| lost.to_string()),
            Mode::ChecksFirst
                if !alone && (stored || matches!(error, AppError::Internal | AppError::Unavailable(_))) =>
            {
                Some(error.to_string())
            }
            Mode::Any | Mode::ChecksFirst => None,
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
            let ids = crate::store::json_ids(&to_index.message_ids);
            sqlx::query_scalar(index_messages!("SELECT total_changes(); COMMIT")).bind(ids)
        };
        self.invalidations.note_committing(true);
        let change_count = self.count_changes(end).await;
        if change_count.as_ref().is_ok_and(|count| *count != self.change_count) {
            self.invalidations.note_own_commit();
        }
        self.invalidations.note_committing(false);
        change_count?;
        self.merge_debt = merge_debt;
        if undone {
            self.invalidations.mark(Stale::Everything);
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
