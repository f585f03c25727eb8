//! Durable background jobs, one kind a file.
//!
//! A job is a row written in the transaction that causes it, so it exists exactly if its cause does. The dispatcher is
//! woken by commits that enqueue, claims what is due under a lease and runs it in its kind's pool. Handlers are
//! idempotent: a job whose process dies runs again. A failed job backs off, and is dead after [`MAX_ATTEMPTS`].

mod dispatcher;
mod empty_room;
mod prune;
mod remove_content;

pub use dispatcher::{run, run_due};

use crate::AppResult;
use crate::model::Job;
use crate::state::AppState;

/// How long a claimed job belongs to its worker, in milliseconds: 60 s.
const LEASE_MS: i64 = 60_000;

/// After this many failed attempts a job is dead. With [`backoff_ms`] that is some 7 hours after the first.
const MAX_ATTEMPTS: i64 = 12;

/// The pause after the first failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: i64 = 5_000;

/// The longest pause between two attempts, in milliseconds: 1 hour.
const MAX_BACKOFF_MS: i64 = 60 * 60 * 1_000;

/// What a handler wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The job is done.
    Done,
    /// There is more: call the handler again at once. Each call is one short write.
    Continue,
    /// The job recurs: run it again at this time, in milliseconds since the epoch.
    At(i64),
}

/// Runs one step of a job.
async fn step(state: &AppState, job: &Job) -> AppResult<Next> {
    match job {
        Job::RemoveContent { user_id, up_to } => remove_content::step(state, *user_id, *up_to).await,
        Job::EmptyRoom { room_id } => empty_room::step(state, *room_id).await,
        Job::Prune => prune::step(state).await,
    }
}

/// The pause before the next attempt after `attempts` failed ones, in milliseconds: exponential, plus up to a quarter
/// of it by `jitter` (0 to 255), so that jobs that failed together do not come back together.
fn backoff_ms(attempts: i64, jitter: u8) -> i64 {
    let doublings = (attempts - 1).clamp(0, 16);
    let pause = (BACKOFF_MS << doublings).min(MAX_BACKOFF_MS);
    pause + pause * i64::from(jitter) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!(backoff_ms(1, 0), 5_000);
        assert_eq!(backoff_ms(2, 0), 10_000);
        assert_eq!(backoff_ms(4, 0), 40_000);
        assert_eq!(backoff_ms(11, 0), MAX_BACKOFF_MS);
        assert_eq!(backoff_ms(i64::MAX, 0), MAX_BACKOFF_MS, "no overflow");
        assert!((5_000..=6_250).contains(&backoff_ms(1, 255)));
        let total: i64 = (1..MAX_ATTEMPTS).map(|attempts| backoff_ms(attempts, 0)).sum();
        assert!((2 * MAX_BACKOFF_MS..8 * MAX_BACKOFF_MS).contains(&total), "{total}");
    }
}
