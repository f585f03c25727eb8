//! Checkpoints: copies the write-ahead log back into the database file, away from the writer's path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::mpsc;

use super::QueuedWrite;

/// How often the log is copied back, when there is something to copy.
const INTERVAL: Duration = Duration::from_secs(2);

/// Checkpoints regularly until the writer is gone. Uses a connection of its own, so that writers never wait for it. Run it
/// on a low-priority thread: SQLx starts the connection's thread from there, and it inherits the niceness.
pub(super) async fn run(
    options: SqliteConnectOptions,
    queue: mpsc::WeakSender<QueuedWrite>,
    commit_count: Arc<AtomicU64>,
) {
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut copied = 0;
    let mut connection = None;
    loop {
        ticks.tick().await;
        // The writer ends when its last caller is gone.
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
