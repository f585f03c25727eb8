//! The job queue: rows inserted by the write that causes the job, and leased while the job runs.

use sqlx::SqliteExecutor;

use crate::model::{Job, JobKind, MessageId, UserId};

/// A claimed job: no other worker claims it until `leased_until`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Lease {
    /// Id of the job's row.
    pub job_id: i64,
    /// The job as JSON, see [`Job`].
    pub payload: String,
    /// Number of times it was claimed, including this one.
    pub attempts: i64,
    /// When the lease ends, in milliseconds since the epoch. Also identifies the lease: a later claim has a later end.
    pub leased_until: i64,
}

/// Enqueues a job that is due at `run_at`. Of the jobs for webhooks there is one for each bot: it is due earlier instead. Of
/// those that wait for a time that somebody chose there is one for each subject: it is due at the new time. If it runs just
/// now, its lease is lost, so that its end does not remove it.
pub async fn insert(db: impl SqliteExecutor<'_>, job: &Job, run_at: i64, now_ms: i64) -> sqlx::Result<()> {
    let payload = serde_json::to_string(job).expect("ids are JSON");
    sqlx::query(
        "INSERT INTO jobs (kind, payload, run_at, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (payload) WHERE kind = 'deliver_webhooks' AND dead_at IS NULL
         DO UPDATE SET run_at = MIN(run_at, excluded.run_at)
         ON CONFLICT (payload) WHERE kind IN ('remind', 'send_scheduled') AND dead_at IS NULL
         DO UPDATE SET run_at = excluded.run_at, leased_until = 0, attempts = 0",
    )
    .bind(job.kind())
    .bind(payload)
    .bind(run_at)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes a job that waits for a time that somebody chose.
pub async fn remove_timed(db: impl SqliteExecutor<'_>, job: &Job) -> sqlx::Result<()> {
    let payload = serde_json::to_string(job).expect("ids are JSON");
    sqlx::query("DELETE FROM jobs WHERE payload = $1 AND kind IN ('remind', 'send_scheduled') AND dead_at IS NULL")
        .bind(payload)
        .execute(db)
        .await
        .map(drop)
}

/// Enqueues the job that pushes a message of `creator_id`, if another member of its room has a device that takes pushes, and
/// wants to hear of it. Returns whether somebody has.
pub async fn insert_push(
    db: impl SqliteExecutor<'_>,
    job: &Job,
    message_id: MessageId,
    creator_id: UserId,
    now_ms: i64,
) -> sqlx::Result<bool> {
    let payload = serde_json::to_string(job).expect("ids are JSON");
    let inserted = sqlx::query(
        "INSERT INTO jobs (kind, payload, run_at, created_at)
         SELECT $1, $2, $3, $3
          WHERE EXISTS (SELECT 1 FROM messages
                          CROSS JOIN memberships INDEXED BY memberships_everything
                          CROSS JOIN push_subscriptions AS devices
                         WHERE messages.id = $5 AND memberships.room_id = messages.room_id
                           AND memberships.involvement = 'everything' AND memberships.user_id <> $4
                           AND devices.user_id = memberships.user_id
                           AND devices.dead_at IS NULL AND devices.removed_at IS NULL)
             OR EXISTS (SELECT 1 FROM inbox
                          JOIN memberships ON memberships.room_id = inbox.room_id
                                          AND memberships.user_id = inbox.user_id
                                          AND memberships.involvement = 'mentions'
                          JOIN push_subscriptions AS devices
                            ON devices.user_id = inbox.user_id
                           AND devices.dead_at IS NULL AND devices.removed_at IS NULL
                         WHERE inbox.message_id = $5 AND inbox.notifies)",
    )
    .bind(job.kind())
    .bind(payload)
    .bind(now_ms)
    .bind(creator_id)
    .bind(message_id)
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Whether there is a queued or running job of this kind.
pub async fn exists(db: impl SqliteExecutor<'_>, kind: JobKind) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND dead_at IS NULL)")
        .bind(kind)
        .fetch_one(db)
        .await
}

/// The number of jobs that are queued or run, by kind.
pub async fn count_by_kind(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT kind, count(*) FROM jobs WHERE dead_at IS NULL GROUP BY kind ORDER BY kind")
        .fetch_all(db)
        .await
}

/// When the next job of this kind without a current lease is due, in milliseconds since the epoch.
pub async fn next_due(db: impl SqliteExecutor<'_>, kind: JobKind, now_ms: i64) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT run_at FROM jobs WHERE kind = $1 AND dead_at IS NULL AND leased_until <= $2 ORDER BY run_at LIMIT 1",
    )
    .bind(kind)
    .bind(now_ms)
    .fetch_optional(db)
    .await
}

/// Claims up to `limit` due jobs of this kind until `leased_until`; those that were due first are claimed first.
pub async fn claim(
    db: impl SqliteExecutor<'_>,
    kind: JobKind,
    limit: i64,
    now_ms: i64,
    leased_until: i64,
) -> sqlx::Result<Vec<Lease>> {
    sqlx::query_as(
        "UPDATE jobs SET leased_until = $4, attempts = attempts + 1
          WHERE id IN (SELECT id FROM jobs
                        WHERE kind = $1 AND dead_at IS NULL AND run_at <= $3 AND leased_until <= $3
                        ORDER BY run_at, id LIMIT $2)
         RETURNING id AS job_id, payload, attempts, leased_until",
    )
    .bind(kind)
    .bind(limit)
    .bind(now_ms)
    .bind(leased_until)
    .fetch_all(db)
    .await
}

/// Ends all leases, at start: they belong to a process that has ended, as only one process at a time uses a data
/// folder.
pub async fn release_all(db: impl SqliteExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query("UPDATE jobs SET leased_until = 0 WHERE leased_until > 0").execute(db).await.map(drop)
}

/// Extends a lease. Returns `false` if it was lost: it expired, and the job was claimed again.
pub async fn extend(db: impl SqliteExecutor<'_>, lease: &Lease, leased_until: i64) -> sqlx::Result<bool> {
    let extended = sqlx::query("UPDATE jobs SET leased_until = $3 WHERE id = $1 AND leased_until = $2")
        .bind(lease.job_id)
        .bind(lease.leased_until)
        .bind(leased_until)
        .execute(db)
        .await?;
    Ok(extended.rows_affected() > 0)
}

/// Deletes a completed job, unless its lease was lost.
pub async fn remove(db: impl SqliteExecutor<'_>, lease: &Lease) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM jobs WHERE id = $1 AND leased_until = $2")
        .bind(lease.job_id)
        .bind(lease.leased_until)
        .execute(db)
        .await
        .map(drop)
}

/// Schedules the next run of a job that succeeded at `run_at`, unless its lease was lost. Resets its attempts.
pub async fn reschedule(db: impl SqliteExecutor<'_>, lease: &Lease, run_at: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE jobs SET run_at = $3, leased_until = 0, attempts = 0, last_error = NULL
          WHERE id = $1 AND leased_until = $2",
    )
    .bind(lease.job_id)
    .bind(lease.leased_until)
    .bind(run_at)
    .execute(db)
    .await
    .map(drop)
}

/// Schedules a retry of a failed job at `run_at`, unless its lease was lost.
pub async fn retry(db: impl SqliteExecutor<'_>, lease: &Lease, run_at: i64, error: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE jobs SET run_at = $3, leased_until = 0, last_error = $4 WHERE id = $1 AND leased_until = $2")
        .bind(lease.job_id)
        .bind(lease.leased_until)
        .bind(run_at)
        .bind(error)
        .execute(db)
        .await
        .map(drop)
}

/// Marks a job as dead, so that it is not retried, unless its lease was lost.
pub async fn mark_dead(db: impl SqliteExecutor<'_>, lease: &Lease, error: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE jobs SET dead_at = $3, leased_until = 0, last_error = $4 WHERE id = $1 AND leased_until = $2")
        .bind(lease.job_id)
        .bind(lease.leased_until)
        .bind(now_ms)
        .bind(error)
        .execute(db)
        .await
        .map(drop)
}

/// A job that failed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FailedJob {
    /// Its id.
    pub id: i64,
    /// Its kind: of a newer version of the program perhaps.
    pub kind: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: String,
    /// Whether it is not tried any more.
    pub is_dead: bool,
    /// When it was enqueued, in milliseconds since the epoch.
    pub created_at: i64,
}

/// Up to `limit` jobs that failed, dead or to be tried again, the latest first.
pub async fn list_failed(db: impl SqliteExecutor<'_>, limit: i64) -> sqlx::Result<Vec<FailedJob>> {
    sqlx::query_as(
        "SELECT id, kind, attempts, last_error, dead_at IS NOT NULL AS is_dead, created_at
           FROM jobs WHERE last_error IS NOT NULL ORDER BY id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Makes a job that failed due at once, as if it had not been tried. Returns `false` if there is no such job, or if it runs
/// now. A dead one of a kind of which there is one at most goes if another has taken its place.
pub async fn revive(db: &mut sqlx::SqliteConnection, job_id: i64, now_ms: i64) -> sqlx::Result<bool> {
    sqlx::query(
        "DELETE FROM jobs WHERE id = $1 AND dead_at IS NOT NULL AND kind IN ('deliver_webhooks', 'remind', 'send_scheduled')
            AND EXISTS (SELECT 1 FROM jobs AS other WHERE other.kind = jobs.kind AND other.payload = jobs.payload
                                                     AND other.dead_at IS NULL)",
    )
    .bind(job_id)
    .execute(&mut *db)
    .await?;
    let revived = sqlx::query(
        "UPDATE jobs SET run_at = $2, attempts = 0, dead_at = NULL, leased_until = 0
          WHERE id = $1 AND last_error IS NOT NULL AND leased_until <= $2",
    )
    .bind(job_id)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(revived.rows_affected() > 0)
}

/// Deletes a dead job. Returns whether there was one.
pub async fn forget(db: impl SqliteExecutor<'_>, job_id: i64) -> sqlx::Result<bool> {
    let forgotten =
        sqlx::query("DELETE FROM jobs WHERE id = $1 AND dead_at IS NOT NULL").bind(job_id).execute(db).await?;
    Ok(forgotten.rows_affected() > 0)
}

/// Deletes up to `limit` jobs that were marked as dead before `before_ms`, and returns how many were deleted.
pub async fn remove_dead(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let removed =
        sqlx::query("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE dead_at < $1 ORDER BY id LIMIT $2)")
            .bind(before_ms)
            .bind(limit)
            .execute(db)
            .await?;
    Ok(removed.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppResult;
    use crate::model::RoomId;
    use crate::store::Tx;
    use crate::testing;

    const JOB: Job = Job::EmptyRoom { room_id: RoomId(4) };

    async fn write<T: Send + 'static>(
        world: &testing::World,
        write: impl AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    ) -> T {
        world.state.db.write(write).await.unwrap()
    }

    async fn claim_one(world: &testing::World, now_ms: i64, leased_until: i64) -> Option<Lease> {
        let claimed =
            write(world, async move |tx| Ok(claim(tx.db(), JOB.kind(), 1, now_ms, leased_until).await?)).await;
        claimed.into_iter().next()
    }

    #[tokio::test]
    async fn a_due_job_is_claimed_once_until_its_lease_expires() {
        let world = testing::world().await;
        write(&world, async |tx| Ok(insert(tx.db(), &JOB, 10, 5).await?)).await;
        let due = async |now_ms| next_due(world.state.db.reader(), JOB.kind(), now_ms).await.unwrap();
        assert_eq!(due(0).await, Some(10));
        assert_eq!(claim_one(&world, 9, 100).await, None, "not due");
        let lease = claim_one(&world, 10, 100).await.unwrap();
        assert_eq!((serde_json::from_str::<Job>(&lease.payload).unwrap(), lease.attempts), (JOB, 1));
        assert_eq!(due(50).await, None);
        assert_eq!(count_by_kind(world.state.db.reader()).await.unwrap(), [("empty_room".into(), 1)], "it runs");
        assert_eq!(claim_one(&world, 99, 200).await, None, "leased");

        let second = claim_one(&world, 100, 200).await.unwrap();
        assert_eq!(second.attempts, 2);
        let lost = lease.clone();
        let extended = write(&world, async move |tx| Ok(extend(tx.db(), &lost, 300).await?)).await;
        assert!(!extended);
        write(&world, async move |tx| Ok(remove(tx.db(), &lease).await?)).await;
        assert!(exists(world.state.db.reader(), JOB.kind()).await.unwrap(), "a lost lease removes nothing");
        write(&world, async move |tx| Ok(remove(tx.db(), &second).await?)).await;
        assert!(!exists(world.state.db.reader(), JOB.kind()).await.unwrap());
    }

    #[tokio::test]
    async fn a_failed_job_is_retried_then_marked_dead_then_deleted() {
        let world = testing::world().await;
        write(&world, async |tx| Ok(insert(tx.db(), &JOB, 10, 5).await?)).await;
        let lease = claim_one(&world, 10, 100).await.unwrap();
        write(&world, async move |tx| Ok(retry(tx.db(), &lease, 50, "no answer").await?)).await;
        assert_eq!(claim_one(&world, 49, 100).await, None);
        let lease = claim_one(&world, 50, 100).await.unwrap();
        write(&world, async move |tx| Ok(mark_dead(tx.db(), &lease, "no answer", 60).await?)).await;
        assert_eq!(claim_one(&world, 1_000, 2_000).await, None);
        assert_eq!(write(&world, async |tx| Ok(remove_dead(tx.db(), 60, 10).await?)).await, 0);
        assert_eq!(write(&world, async |tx| Ok(remove_dead(tx.db(), 61, 10).await?)).await, 1);
    }

    #[tokio::test]
    async fn a_dead_job_of_which_there_is_one_at_most_is_not_revived_beside_another() {
        let world = testing::world().await;
        for job in [Job::Remind { saved_id: 3 }, Job::SendScheduled { scheduled_id: 3 }] {
            let insert_one = job.clone();
            write(&world, async move |tx| Ok(insert(tx.db(), &insert_one, 0, 0).await?)).await;
            let kind = job.kind();
            let claimed = write(&world, async move |tx| Ok(claim(tx.db(), kind, 1, 0, 9).await?)).await.remove(0);
            let job_id = claimed.job_id;
            write(&world, async move |tx| Ok(mark_dead(tx.db(), &claimed, "broken", 1).await?)).await;
            write(&world, async move |tx| Ok(insert(tx.db(), &job, 50, 2).await?)).await;
            assert!(!write(&world, async move |tx| Ok(revive(tx.db(), job_id, 3).await?)).await);
            assert_eq!(next_due(world.state.db.reader(), kind, 3).await.unwrap(), Some(50), "the other is left");
            assert!(!write(&world, async move |tx| Ok(forget(tx.db(), job_id).await?)).await, "the dead one is gone");
        }
    }

    #[tokio::test]
    async fn a_restart_releases_all_leases() {
        let world = testing::world().await;
        write(&world, async |tx| Ok(insert(tx.db(), &JOB, 10, 5).await?)).await;
        claim_one(&world, 10, 100).await.unwrap();
        write(&world, async |tx| Ok(release_all(tx.db()).await?)).await;
        let lease = claim_one(&world, 11, 100).await.unwrap();
        write(&world, async move |tx| Ok(reschedule(tx.db(), &lease, 70).await?)).await;
        let again = claim_one(&world, 70, 200).await.unwrap();
        assert_eq!(again.attempts, 1, "a success resets the attempts");
    }
}
