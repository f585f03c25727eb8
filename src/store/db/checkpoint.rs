//! Checkpoints: copy the write-ahead log back into the database file, on a connection other than the writer's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::mpsc;

use super::QueuedWrite;

/// Interval between checkpoints. Skipped when nothing was committed since the last one.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// Checkpoints at an interval until the writer ends. Uses its own connection, so that writes never wait for a
/// checkpoint. Run it on a low-priority thread: SQLx starts the connection's thread from there, which inherits the
/// niceness.
pub(super) async fn run(
    options: SqliteConnectOptions,
    queue: mpsc::WeakSender<QueuedWrite>,
    commit_count: Arc<AtomicU64>,
) {
    let mut interval = tokio::time::interval(CHECKPOINT_INTERVAL);
    let mut checkpointed_count = 0;
    let mut connection = None;
    loop {
        interval.tick().await;
        // The writer ends when the last `Db` is dropped.
        if queue.upgrade().is_none() {
            return;
        }
        let committed_count = commit_count.load(Ordering::Relaxed);
        if committed_count == checkpointed_count {
            continue;
        }
        if connection.is_none() {
            connection = SqliteConnection::connect_with(&options).await.ok();
        }
        if let Some(connection) = connection.as_mut() {
            match sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await {
                Ok(_) => checkpointed_count = committed_count,
                Err(error) => tracing::warn!(%error, "a checkpoint of the write-ahead log failed"),
            }
        }
    }
}
