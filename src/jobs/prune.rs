//! Deletes expired rows: old events of the log, dead jobs, deliveries that ended, networks that nobody wrote from for
//! long, and old entries of inboxes. Has expired files deleted.

use super::Next;
use crate::AppResult;
use crate::facts::Fact;
use crate::model::{Job, JobKind};
use crate::ops::bans::NETWORK_RETENTION_MS;
use crate::state::AppState;
use crate::store::{self, Tx};

/// Retention of the event log, in milliseconds: 7 days. A browser that was disconnected for longer loads its page
/// again.
const EVENT_RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Retention of dead jobs and of deliveries, for inspection, in milliseconds: 7 days.
const DEAD_JOB_RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Retention of devices that get no pushes any more, in milliseconds: 30 days. Their owners see until then why.
const DEAD_DEVICE_RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Retention of what is in inboxes, in milliseconds: 90 days.
const INBOX_RETENTION_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// Maximum number of rows that one write deletes.
const BATCH_SIZE: i64 = 1_000;

/// Interval between two runs, in milliseconds: 1 hour.
const INTERVAL_MS: i64 = 60 * 60 * 1_000;

/// Deletes one batch of each.
pub(super) async fn step(state: &AppState) -> AppResult<Next> {
    let prune = async |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        let event_count = store::events::prune(tx.db(), now_ms - EVENT_RETENTION_MS, BATCH_SIZE).await?;
        if event_count > 0 {
            tx.record(Fact::EventsPruned).await?;
        }
        let job_count = store::jobs::remove_dead(tx.db(), now_ms - DEAD_JOB_RETENTION_MS, BATCH_SIZE).await?;
        let delivery_count = store::webhooks::prune(tx.db(), now_ms - DEAD_JOB_RETENTION_MS, BATCH_SIZE).await?;
        if store::files::has_expired(tx.db(), now_ms).await?
            && !store::jobs::exists(tx.db(), JobKind::RemoveFiles).await?
        {
            tx.enqueue(&Job::RemoveFiles).await?;
        }
        let network_count = store::networks::prune(tx.db(), now_ms - NETWORK_RETENTION_MS, BATCH_SIZE).await?;
        let device_count = store::pushes::prune_dead(tx.db(), now_ms - DEAD_DEVICE_RETENTION_MS, BATCH_SIZE).await?;
        let user_ids = store::inbox::prune(tx.db(), now_ms - INBOX_RETENTION_MS, BATCH_SIZE).await?;
        let entry_count = user_ids.len() as u64;
        tx.record(Fact::InboxChanged { user_ids, room_id: None }).await?;
        Ok(if event_count + job_count + delivery_count + network_count + device_count + entry_count > 0 {
            Next::Continue
        } else {
            Next::At(now_ms + INTERVAL_MS)
        })
    };
    state.db.write(prune).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jobs, testing};

    #[tokio::test]
    async fn events_are_pruned_after_a_week_and_the_job_recurs() {
        let world = testing::world().await;
        world.post(&world.ada, world.all_talk.id, "hello").await;
        let enqueue = async |tx: &mut Tx| Ok(tx.enqueue(&Job::Prune).await?);
        world.state.db.write(enqueue).await.unwrap();
        let event_count = async || -> i64 {
            sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(world.state.db.reader()).await.unwrap()
        };
        let before = event_count().await;
        assert!(before > 0);
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!(event_count().await, before);
        world.state.clock.advance(EVENT_RETENTION_MS + 1);
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!(event_count().await, 0);
        let now_ms = world.state.clock.now_ms();
        let due = store::jobs::next_due(world.state.db.reader(), JobKind::Prune, now_ms).await.unwrap();
        assert_eq!(due, Some(now_ms + INTERVAL_MS));
    }
}
