//! The dispatcher: claims due jobs and runs them, a limited number of each kind concurrently.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::{self, JoinError, JoinSet};

use super::{LEASE_MS, MAX_ATTEMPTS, Next, backoff_ms, step};
use crate::metrics::JobResult;
use crate::model::{Job, JobKind};
use crate::richtext::RENDER_VERSION;
use crate::state::AppState;
use crate::store::jobs::Lease;
use crate::store::{self, Tx};
use crate::{AppError, AppResult, names, ops};

/// Pause after a failure to read or write the queue.
const QUEUE_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often the queue is looked at although nothing in this process has woken the dispatcher: another program may have
/// enqueued a job.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Timeout of a single step: half a lease, so that the lease does not expire during a step.
const STEP_TIMEOUT: Duration = Duration::from_millis(LEASE_MS.unsigned_abs() / 2);

/// Runs jobs until the future is dropped.
pub async fn run(state: AppState) {
    let _pulse = state.health.pulse("No jobs are run any more.");
    let mut dispatcher = Dispatcher::new(state.clone());
    let mut is_resumed = false;
    loop {
        if !is_resumed {
            is_resumed = succeeded_or_paused(resume(&state).await).await;
            continue;
        }
        let pause = match dispatcher.start_due().await {
            Ok(pause) => pause.map_or(POLL_INTERVAL, |pause| pause.min(POLL_INTERVAL)),
            Err(error) => {
                tracing::warn!(%error, "the job queue could not be read and will be tried again");
                QUEUE_RETRY_INTERVAL
            }
        };
        tokio::select! {
            () = state.db.job_enqueued() => {}
            Some(ended) = dispatcher.running.join_next_with_id() => dispatcher.release(&ended),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Runs all due jobs, including those that they enqueue, and returns once no job is due.
///
/// # Errors
/// When the database does not answer. A failure of a job is stored in its row.
pub async fn run_due(state: &AppState) -> AppResult<()> {
    let mut dispatcher = Dispatcher::new(state.clone());
    loop {
        dispatcher.start_due().await?;
        let Some(ended) = dispatcher.running.join_next_with_id().await else { return Ok(()) };
        dispatcher.release(&ended);
    }
}

/// Takes over the queue from the previous process: releases its leases, and enqueues the jobs that no write causes if they
/// are missing: the recurring one, those that follow from an update of the renderer or of the search index, those of bots
/// that deliveries wait for, and the one that a crash in the middle of an upload may need. Names of an older version are
/// marked, too.
async fn resume(state: &AppState) -> AppResult<()> {
    let resume = async |tx: &mut Tx| {
        store::jobs::release_all(tx.db()).await?;
        if !store::jobs::exists(tx.db(), JobKind::Prune).await? {
            tx.enqueue(&Job::Prune).await?;
        }
        store::renderings::begin(tx.db(), RENDER_VERSION).await?;
        if store::renderings::position(tx.db(), RENDER_VERSION).await?.is_some()
            && !store::jobs::exists(tx.db(), JobKind::Render).await?
        {
            tx.enqueue(&Job::Render).await?;
        }
        super::renew_search::enqueue_if_due(tx).await?;
        for bot_id in store::webhooks::list_bots_waiting(tx.db()).await? {
            tx.enqueue(&Job::DeliverWebhooks { bot_id }).await?;
        }
        if !store::jobs::exists(tx.db(), JobKind::SweepFiles).await? {
            tx.enqueue(&Job::SweepFiles).await?;
        }
        tx.changes_nothing_visible();
        Ok(())
    };
    state.db.write(resume).await?;
    names::mark_stored(&state.db).await
}

/// Whether `result` is a success; logs an error and pauses before it returns `false`.
async fn succeeded_or_paused(result: AppResult<()>) -> bool {
    let Err(error) = result else { return true };
    tracing::warn!(%error, "the job queue could not be taken over and will be tried again");
    tokio::time::sleep(QUEUE_RETRY_INTERVAL).await;
    false
}

struct Dispatcher {
    state: AppState,
    /// The workers.
    running: JoinSet<()>,
    /// The kind of each worker's job. Kept here, because a worker that panics returns nothing.
    kinds: HashMap<task::Id, JobKind>,
}

impl Dispatcher {
    fn new(state: AppState) -> Self {
        Self { state, running: JoinSet::new(), kinds: HashMap::new() }
    }

    /// Starts due jobs up to the concurrency of their kinds. Returns the time until the next job that could be started
    /// is due; `None` if none is queued.
    async fn start_due(&mut self) -> AppResult<Option<Duration>> {
        let mut next_due: Option<i64> = None;
        for kind in JobKind::ALL {
            let free_count = kind.concurrency() - self.running_count(kind);
            if free_count == 0 {
                continue;
            }
            let now_ms = self.state.clock.now_ms();
            let due = store::jobs::next_due(self.state.db.reader(), kind, now_ms).await?;
            if due.is_some_and(|due| due <= now_ms) {
                self.claim(kind, free_count).await?;
            }
            if let Some(due) = store::jobs::next_due(self.state.db.reader(), kind, now_ms).await? {
                next_due = Some(next_due.map_or(due, |next| next.min(due)));
            }
        }
        let now_ms = self.state.clock.now_ms();
        Ok(next_due.map(|due| Duration::from_millis((due - now_ms).max(0).unsigned_abs())))
    }

    async fn claim(&mut self, kind: JobKind, free_count: usize) -> AppResult<()> {
        let limit = i64::try_from(free_count).unwrap_or(i64::MAX);
        let now_ms = self.state.clock.now_ms();
        let claim = async move |tx: &mut Tx| {
            tx.changes_nothing_visible();
            Ok(store::jobs::claim(tx.db(), kind, limit, now_ms, now_ms + LEASE_MS).await?)
        };
        for lease in self.state.db.write(claim).await? {
            let state = self.state.clone();
            self.spawn(kind, async move {
                if let Err(error) = work(&state, lease).await {
                    // The lease expires, and the job is claimed again.
                    tracing::warn!(%error, ?kind, "the result of a job could not be stored");
                }
            });
        }
        Ok(())
    }

    /// Starts a worker with a job of this kind.
    fn spawn(&mut self, kind: JobKind, worker: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(worker).id();
        self.kinds.insert(id, kind);
    }

    /// Gives the place of a worker that has ended to the next job of its kind. After a panic outside the handler the
    /// job's lease expires, and it is claimed again.
    fn release(&mut self, ended: &Result<(task::Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "the worker of a job ended early");
                error.id()
            }
        };
        self.kinds.remove(&id);
    }

    /// Number of running jobs of this kind.
    fn running_count(&self, kind: JobKind) -> usize {
        self.kinds.values().filter(|running| **running == kind).count()
    }
}

/// Runs a claimed job until it is done or fails, and stores the result.
async fn work(state: &AppState, mut lease: Lease) -> AppResult<()> {
    let job: Job = match serde_json::from_str(&lease.payload) {
        Ok(job) => job,
        // Enqueued by a newer version of the program.
        Err(error) => return mark_dead(state, lease, error.to_string()).await,
    };
    loop {
        let outcome = AssertUnwindSafe(tokio::time::timeout(STEP_TIMEOUT, step(state, &job))).catch_unwind().await;
        let next = match outcome {
            Ok(Ok(Ok(next))) => next,
            Ok(Ok(Err(error))) => return fail(state, lease, &job, error.to_string()).await,
            Ok(Err(_)) => return fail(state, lease, &job, "A step took too long.".to_owned()).await,
            Err(_) => return fail(state, lease, &job, "A step panicked.".to_owned()).await,
        };
        if next != Next::Continue {
            state.db.counts().note_job(job.kind(), JobResult::Done);
        }
        match next {
            Next::Done => {
                let remove = async move |tx: &mut Tx| {
                    tx.changes_nothing_visible();
                    Ok(store::jobs::remove(tx.db(), &lease).await?)
                };
                return state.db.write(remove).await;
            }
            Next::Drained(bot_id) => {
                let finish = async move |tx: &mut Tx| {
                    tx.changes_nothing_visible();
                    match super::deliver_webhooks::next_due(tx, bot_id).await? {
                        Some(due_at) => {
                            // Not in the past: bots whose targets hang would always come before the others.
                            let run_at = due_at.max(tx.now_ms());
                            Ok(store::jobs::reschedule(tx.db(), &lease, run_at).await?)
                        }
                        None => Ok(store::jobs::remove(tx.db(), &lease).await?),
                    }
                };
                return state.db.write(finish).await;
            }
            Next::Pushed(end) => {
                let finish = async move |tx: &mut Tx| {
                    tx.changes_nothing_visible();
                    end.write(tx).await?;
                    Ok(store::jobs::remove(tx.db(), &lease).await?)
                };
                return state.db.write(finish).await;
            }
            Next::At(run_at) => {
                let reschedule = async move |tx: &mut Tx| {
                    tx.changes_nothing_visible();
                    Ok(store::jobs::reschedule(tx.db(), &lease, run_at).await?)
                };
                return state.db.write(reschedule).await;
            }
            Next::Continue => {
                if lease.leased_until - state.clock.now_ms() < LEASE_MS / 2 {
                    lease = extend(state, lease).await?;
                }
            }
        }
    }
}

/// Extends a lease.
///
/// # Errors
/// `Conflict` when the lease was lost.
async fn extend(state: &AppState, lease: Lease) -> AppResult<Lease> {
    let until = state.clock.now_ms() + LEASE_MS;
    let extend = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let extended = store::jobs::extend(tx.db(), &lease, until).await?;
        let lost = || AppError::Conflict("The lease of this job was lost.".into());
        if extended { Ok(Lease { leased_until: until, ..lease }) } else { Err(lost()) }
    };
    state.db.write(extend).await
}

/// Schedules a retry of a failed job, or marks it as dead after [`MAX_ATTEMPTS`]. The job of a webhook is never dead:
/// deliveries wait for it, and these have an end of their own.
async fn fail(state: &AppState, lease: Lease, job: &Job, error: String) -> AppResult<()> {
    let kind = job.kind();
    if lease.attempts >= MAX_ATTEMPTS && kind != JobKind::DeliverWebhooks {
        tracing::error!(error, ?kind, job.id = lease.job_id, "a job failed too often and is dead");
        state.db.counts().note_job(kind, JobResult::Dead);
        if let Job::SendScheduled { scheduled_id } = job {
            ops::scheduled::give_up(state, *scheduled_id).await?;
        }
        return mark_dead(state, lease, error).await;
    }
    tracing::warn!(error, ?kind, job.id = lease.job_id, attempts = lease.attempts, "a job failed and will be retried");
    state.db.counts().note_job(kind, JobResult::Failed);
    let run_at = state.clock.now_ms() + backoff_ms(lease.attempts, uuid::Uuid::new_v4().as_bytes()[0]);
    let retry = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        Ok(store::jobs::retry(tx.db(), &lease, run_at, &error).await?)
    };
    state.db.write(retry).await
}

async fn mark_dead(state: &AppState, lease: Lease, error: String) -> AppResult<()> {
    let mark_dead = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(store::jobs::mark_dead(tx.db(), &lease, &error, now_ms).await?)
    };
    state.db.write(mark_dead).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RoomId, UserId};
    use crate::ops::bots::{self, BotForm};
    use crate::testing;

    async fn jobs(state: &AppState) -> Vec<(String, i64, i64, bool)> {
        sqlx::query_as("SELECT payload, run_at, attempts, dead_at IS NOT NULL FROM jobs ORDER BY id")
            .fetch_all(state.db.reader())
            .await
            .unwrap()
    }

    async fn enqueue_raw(state: &AppState, kind: &'static str, payload: &'static str) {
        let insert = async move |tx: &mut Tx| {
            sqlx::query("INSERT INTO jobs (kind, payload, run_at, created_at) VALUES ($1, $2, 0, 0)")
                .bind(kind)
                .bind(payload)
                .execute(tx.db())
                .await?;
            Ok(())
        };
        state.db.write(insert).await.unwrap();
    }

    #[tokio::test]
    async fn a_commit_that_enqueues_a_job_wakes_the_dispatcher() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        let dispatcher = tokio::spawn(run(world.state.clone()));
        let member = world.member(&world.ada, room.id).await;
        crate::ops::rooms::remove(&world.state, &member).await.unwrap();
        let removed = async {
            while jobs(&world.state).await.iter().any(|(payload, ..)| payload.contains("empty_room")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), removed).await.expect("the job was run");
        dispatcher.abort();
    }

    #[tokio::test]
    async fn a_worker_that_panics_outside_its_job_gives_its_place_back() {
        let world = testing::world().await;
        let mut dispatcher = Dispatcher::new(world.state.clone());
        for kind in JobKind::ALL {
            for _ in 0..kind.concurrency() {
                dispatcher.spawn(kind, async { panic!("on purpose") });
            }
            assert_eq!(dispatcher.running_count(kind), kind.concurrency());
        }
        while let Some(ended) = dispatcher.running.join_next_with_id().await {
            assert!(ended.is_err());
            dispatcher.release(&ended);
        }
        assert!(JobKind::ALL.into_iter().all(|kind| dispatcher.running_count(kind) == 0));
    }

    #[tokio::test]
    async fn the_program_is_unhealthy_once_the_dispatcher_ends() {
        let world = testing::world().await;
        let dispatcher = tokio::spawn(run(world.state.clone()));
        tokio::task::yield_now().await;
        assert_eq!(world.state.health.failure(), None);
        dispatcher.abort();
        assert_eq!(world.state.health.failed().await, "No jobs are run any more.");
    }

    #[tokio::test]
    async fn a_job_of_an_unknown_kind_is_marked_dead_and_kept() {
        let world = testing::world().await;
        enqueue_raw(&world.state, "prune", r#"{"kind":"fireworks"}"#).await;
        run_due(&world.state).await.unwrap();
        let [(payload, _, attempts, is_dead)] = &jobs(&world.state).await[..] else { panic!("one job") };
        assert_eq!((payload.as_str(), *attempts, *is_dead), (r#"{"kind":"fireworks"}"#, 1, true));
    }

    #[tokio::test]
    async fn a_failing_job_is_retried_with_backoff_and_then_dead() {
        let world = testing::world().await;
        let state = &world.state;
        enqueue_raw(state, "empty_room", r#"{"kind":"empty_room","room_id":4}"#).await;
        let mut other = world.other_connection().await;
        sqlx::query("ALTER TABLE rooms RENAME TO mislaid").execute(&mut other).await.unwrap();
        let mut pauses = Vec::new();
        for attempt in 1..=MAX_ATTEMPTS {
            run_due(state).await.unwrap();
            let [(_, run_at, attempts, is_dead)] = jobs(state).await[..] else { panic!("one job") };
            assert_eq!((attempts, is_dead), (attempt, attempt == MAX_ATTEMPTS));
            pauses.push(run_at - state.clock.now_ms());
            state.clock.advance((run_at - state.clock.now_ms()).max(0));
        }
        assert!(pauses[..MAX_ATTEMPTS as usize - 1].windows(2).all(|pair| pair[0] < pair[1] || pair[1] >= 3_600_000));
    }

    /// A bot in All Talk whose target accepts no connection.
    async fn add_bot(world: &testing::World, name: &str) -> UserId {
        let form = BotForm {
            name: name.parse().unwrap(),
            webhook_url: Some("http://127.0.0.1:1/".to_owned()),
            commands: Vec::new(),
        };
        bots::create(&world.state, &testing::as_administrator(&world.ada), form).await.unwrap()
    }

    async fn attempts_of_deliveries(state: &AppState) -> Vec<i64> {
        sqlx::query_scalar("SELECT attempts FROM deliveries ORDER BY id").fetch_all(state.db.reader()).await.unwrap()
    }

    #[tokio::test]
    async fn the_job_of_a_webhook_is_never_dead() {
        let world = testing::world().await;
        let state = &world.state;
        add_bot(&world, "CI").await;
        world.post(&world.ada, world.all_talk.id, "@CI status?").await;
        let mut other = world.other_connection().await;
        sqlx::query("ALTER TABLE webhooks RENAME TO mislaid").execute(&mut other).await.unwrap();
        for attempt in 1..MAX_ATTEMPTS + 5 {
            run_due(state).await.unwrap();
            let [(_, run_at, attempts, is_dead)] = jobs(state).await[..] else { panic!("one job") };
            assert_eq!((attempts, is_dead), (attempt, false));
            state.clock.advance((run_at - state.clock.now_ms()).max(0));
        }
        sqlx::query("ALTER TABLE mislaid RENAME TO webhooks").execute(&mut other).await.unwrap();
        run_due(state).await.unwrap();
        assert_eq!(attempts_of_deliveries(state).await, [1]);
    }

    #[tokio::test]
    async fn a_start_enqueues_the_missing_jobs_of_webhooks() {
        let world = testing::world().await;
        let state = &world.state;
        add_bot(&world, "CI").await;
        world.post(&world.ada, world.all_talk.id, "@CI status?").await;
        let mut other = world.other_connection().await;
        sqlx::query("UPDATE jobs SET dead_at = 1").execute(&mut other).await.unwrap();
        run_due(state).await.unwrap();
        assert_eq!(attempts_of_deliveries(state).await, [0]);
        resume(state).await.unwrap();
        run_due(state).await.unwrap();
        assert_eq!(attempts_of_deliveries(state).await, [1]);
    }

    #[tokio::test]
    async fn a_failed_delivery_lets_those_of_other_bots_go_first() {
        let world = testing::world().await;
        let state = &world.state;
        add_bot(&world, "CI").await;
        world.post(&world.ada, world.all_talk.id, "@CI one").await;
        world.post(&world.ada, world.all_talk.id, "@CI two").await;
        state.clock.advance(60_000);
        let mut dispatcher = Dispatcher::new(state.clone());
        dispatcher.start_due().await.unwrap();
        dispatcher.running.join_next().await.unwrap().unwrap();
        assert_eq!(attempts_of_deliveries(state).await, [1, 0]);
        let [(_, run_at, ..)] = jobs(state).await[..] else { panic!("one job") };
        assert_eq!(run_at, state.clock.now_ms(), "after those that were due in the meantime");
    }

    #[tokio::test]
    async fn a_job_of_a_crashed_process_runs_again() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        world.post(&world.ada, room.id, "hello").await;
        let member = world.member(&world.ada, room.id).await;
        crate::ops::rooms::remove(&world.state, &member).await.unwrap();
        let now_ms = world.state.clock.now_ms();
        let claim = async move |tx: &mut Tx| {
            Ok(store::jobs::claim(tx.db(), JobKind::EmptyRoom, 1, now_ms, now_ms + LEASE_MS).await?)
        };
        assert_eq!(world.state.db.write(claim).await.unwrap().len(), 1, "claimed by a worker that crashes");
        run_due(&world.state).await.unwrap();
        let room_count = async |room_id: RoomId| -> i64 {
            sqlx::query_scalar("SELECT COUNT(*) FROM rooms WHERE id = $1")
                .bind(room_id)
                .fetch_one(world.state.db.reader())
                .await
                .unwrap()
        };
        assert_eq!(room_count(room.id).await, 1, "still leased");
        resume(&world.state).await.unwrap();
        run_due(&world.state).await.unwrap();
        assert_eq!(room_count(room.id).await, 0);
    }
}
