//! Durable background jobs, one kind per file.
//!
//! A job is a row inserted in the transaction that causes it, so that it exists exactly if its cause does. The
//! dispatcher is woken by commits that enqueue jobs, claims due jobs with a lease and runs a limited number of each
//! kind concurrently. Handlers are idempotent: after a crash of the process, its jobs run again. A failed job is
//! retried with exponential back-off, and dead after `MAX_ATTEMPTS`.

mod deliver_webhooks;
mod dispatcher;
mod empty_room;
mod end_sessions;
mod make_preview;
mod preview_links;
mod prune;
mod push;
mod remind;
mod remove_content;
mod remove_files;
mod render;
mod renew_search;
mod send_mail;
mod send_scheduled;
mod sweep_files;

pub use dispatcher::{run, run_due};

use crate::AppResult;
use crate::model::{Job, UserId};
use crate::state::AppState;
use crate::store::Tx;

/// Duration of a lease, in milliseconds: 60 s. Until it ends, no other worker claims the job.
const LEASE_MS: i64 = 60_000;

/// Number of failed attempts after which a job is dead: with [`backoff_ms`], 2½ to 3 hours after the first one.
const MAX_ATTEMPTS: i64 = 12;

/// Pause after the first failure, in milliseconds. It doubles with each further failure.
const BACKOFF_MS: i64 = 5_000;

/// Maximum pause between two attempts, in milliseconds: 1 hour.
const MAX_BACKOFF_MS: i64 = 60 * 60 * 1_000;

/// How a job continues after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// The job is done.
    Done,
    /// The job is not done: call the handler again at once. Each call is one short write.
    Continue,
    /// Nothing is due for the webhook of this bot now. The job is done, unless something is due later.
    Drained(UserId),
    /// The job is done, and what it ends with is stored in the same write.
    Pushed(push::Finish),
    /// The job recurs: run it again at this time, in milliseconds since the epoch.
    At(i64),
}

/// Enqueues a job as the program itself does, for tools and tests that do not wait until it is due.
///
/// # Errors
/// When the database does not answer.
pub async fn enqueue(state: &AppState, job: Job) -> AppResult<()> {
    let enqueue = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        Ok(tx.enqueue(&job).await?)
    };
    state.db.write(enqueue).await
}

/// Runs one step of a job.
async fn step(state: &AppState, job: &Job) -> AppResult<Next> {
    match job {
        Job::RemoveContent { user_id, up_to } => remove_content::step(state, *user_id, *up_to).await,
        Job::EmptyRoom { room_id } => empty_room::step(state, *room_id).await,
        Job::Prune => prune::step(state).await,
        Job::Render => render::step(state).await,
        Job::EndSessions { user_id, session_ids } => end_sessions::step(state, *user_id, session_ids).await,
        Job::RenewSearch => renew_search::step(state).await,
        Job::MakePreview { key } => make_preview::step(state, key).await,
        Job::PreviewLinks { message_id } => preview_links::step(state, *message_id).await,
        Job::RemoveFiles => remove_files::step(state).await,
        Job::SweepFiles => sweep_files::step(state).await,
        Job::DeliverWebhooks { bot_id } => deliver_webhooks::step(state, *bot_id).await,
        Job::Push { message_id, after } => push::step(state, *message_id, *after).await,
        Job::PushEntry { entry_id } => push::step_entry(state, *entry_id).await,
        Job::PushAgain { message_id, subscription_ids, attempts } => {
            push::step_again(state, *message_id, subscription_ids, *attempts).await
        }
        Job::SendMail(mail) => send_mail::step(state, mail).await,
        Job::Remind { saved_id } => remind::step(state, *saved_id).await,
        Job::SendScheduled { scheduled_id } => send_scheduled::step(state, *scheduled_id).await,
        Job::PushNotice { user_id, notice, subscription_ids, attempts } => {
            push::step_notice(state, *user_id, *notice, subscription_ids.as_deref(), *attempts).await
        }
    }
}

/// The pause before the next attempt after `attempts` failed ones, in milliseconds: exponential, plus up to a quarter
/// of it by `jitter` (0 to 255), so that jobs that failed together are not retried together.
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
