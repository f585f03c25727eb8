//! Pushes a message to the devices of those who are to hear of it, a batch of devices at a time.
//!
//! Who they are is read anew for each batch: whoever has read the message, left the room or muted it since it was posted
//! gets nothing. Each batch ends with one write: the outcomes, and the job of the next one. A crash in between sends
//! one batch twice, and the second push of a message replaces the first one on the screen.

use std::collections::BTreeMap;

use super::Next;
use crate::AppResult;
use crate::model::{Job, MessageId, Notice, PushSubscriptionId, UserId};
use crate::ops::pushes::{Batch, Outcome, Sent, send_entry, send_message, send_notice};
use crate::state::AppState;
use crate::store::Tx;

/// The pauses after tries that failed, in milliseconds, unless the push service asks for a longer one. After the last one a
/// push is given up.
const PAUSES_MS: [i64; 4] = [30_000, 2 * 60 * 1_000, 10 * 60 * 1_000, 30 * 60 * 1_000];

/// Pushes to the next devices after `after`.
pub(super) async fn step(state: &AppState, message_id: MessageId, after: PushSubscriptionId) -> AppResult<Next> {
    let Batch { sent, last } = send_message(state, message_id, after, None).await?;
    let next = last.map(|after| Job::Push { message_id, after });
    Ok(finish(Subject::Message(message_id), sent, 0, next))
}

/// Pushes an entry of an inbox. It is tried once: what it says stays in the inbox.
pub(super) async fn step_entry(state: &AppState, entry_id: i64) -> AppResult<Next> {
    let Some((message_id, sent)) = send_entry(state, entry_id).await? else { return Ok(Next::Done) };
    Ok(finish(Subject::Message(message_id), sent, u32::MAX, None))
}

/// Pushes to devices to which it failed `attempts` times.
pub(super) async fn step_again(
    state: &AppState,
    message_id: MessageId,
    subscription_ids: &[PushSubscriptionId],
    attempts: u32,
) -> AppResult<Next> {
    let Batch { sent, .. } = send_message(state, message_id, PushSubscriptionId(0), Some(subscription_ids)).await?;
    Ok(finish(Subject::Message(message_id), sent, attempts, None))
}

/// Pushes what concerns one person to their devices, or to those to which it failed `attempts` times.
pub(super) async fn step_notice(
    state: &AppState,
    user_id: UserId,
    notice: Notice,
    among: Option<&[PushSubscriptionId]>,
    attempts: u32,
) -> AppResult<Next> {
    let sent = send_notice(state, user_id, notice, among).await?;
    Ok(finish(Subject::Notice(user_id, notice), sent, attempts, None))
}

/// What is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A message, to those who are to hear of it.
    Message(MessageId),
    /// What concerns one person.
    Notice(UserId, Notice),
}

impl Subject {
    /// The job that tries again.
    fn again(self, subscription_ids: Vec<PushSubscriptionId>, attempts: u32) -> Job {
        match self {
            Self::Message(message_id) => Job::PushAgain { message_id, subscription_ids, attempts },
            Self::Notice(user_id, notice) => {
                Job::PushNotice { user_id, notice, subscription_ids: Some(subscription_ids), attempts }
            }
        }
    }
}

fn finish(subject: Subject, sent: Vec<Sent>, attempts: u32, next: Option<Job>) -> Next {
    if sent.is_empty() && next.is_none() {
        return Next::Done;
    }
    Next::Pushed(Finish { subject, sent, attempts, next })
}

/// What a batch ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finish {
    subject: Subject,
    sent: Vec<Sent>,
    attempts: u32,
    next: Option<Job>,
}

impl Finish {
    /// Stores the outcomes, and enqueues what follows: in the write that ends the job.
    pub(super) async fn write(&self, tx: &mut Tx) -> AppResult<()> {
        for sent in &self.sent {
            sent.note(tx).await?;
        }
        let jitter = uuid::Uuid::new_v4().as_bytes()[0];
        for ((run_at, attempts), subscription_ids) in again(&self.sent, self.attempts, tx.now_ms(), jitter) {
            tx.enqueue_at(&self.subject.again(subscription_ids, attempts), run_at).await?;
        }
        if let Some(next) = &self.next {
            tx.enqueue(next).await?;
        }
        Ok(())
    }
}

/// Which devices are tried again, by the time, in milliseconds since the epoch, and the number of tries that have failed by
/// then. Those of one push service ask for the same pause, so that there are few times.
fn again(sent: &[Sent], attempts: u32, now_ms: i64, jitter: u8) -> BTreeMap<(i64, u32), Vec<PushSubscriptionId>> {
    let mut again: BTreeMap<(i64, u32), Vec<PushSubscriptionId>> = BTreeMap::new();
    let pause = usize::try_from(attempts).ok().and_then(|attempts| PAUSES_MS.get(attempts));
    let own_at = pause.map(|pause| now_ms + pause + pause * i64::from(jitter) / 2_560);
    for Sent { id, outcome, expires_at } in sent {
        let next = match outcome {
            Outcome::Later { not_before_ms, .. } => {
                own_at.map(|own_at| (not_before_ms.map_or(own_at, |at_ms| own_at.max(at_ms)), attempts + 1))
            }
            // Nothing was sent, so that nothing has failed.
            Outcome::Deferred(not_before_ms) => Some((*not_before_ms, attempts)),
            _ => None,
        };
        if let Some((run_at, attempts)) = next.filter(|(run_at, _)| run_at < expires_at) {
            again.entry((run_at, attempts)).or_default().push(*id);
        }
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(id: i64, not_before_ms: Option<i64>, expires_at: i64) -> Sent {
        let outcome = Outcome::Later { not_before_ms, words: "busy".into() };
        Sent { id: PushSubscriptionId(id), outcome, expires_at }
    }

    #[test]
    fn devices_are_tried_again_after_the_longer_pause_and_only_while_it_is_of_use() {
        let sent = [
            later(1, None, 10_000_000),
            later(2, Some(5_000), 10_000_000),
            later(3, Some(90_000), 10_000_000),
            later(4, Some(90_000), 90_000),
            Sent { id: PushSubscriptionId(5), outcome: Outcome::Taken, expires_at: 10_000_000 },
        ];
        let ids = |ids: &[i64]| ids.iter().copied().map(PushSubscriptionId).collect::<Vec<_>>();
        let first = again(&sent, 0, 1_000, 0);
        assert_eq!(first.into_iter().collect::<Vec<_>>(), [((31_000, 1), ids(&[1, 2])), ((90_000, 1), ids(&[3]))]);
        let last = again(&sent, 3, 1_000, 0);
        assert_eq!(last.into_iter().collect::<Vec<_>>(), [((1_801_000, 4), ids(&[1, 2, 3]))]);
        assert!(again(&sent, 4, 1_000, 0).is_empty(), "given up");
        let deferred = Sent { id: PushSubscriptionId(6), outcome: Outcome::Deferred(70_000), expires_at: 70_001 };
        let at = again(&[deferred], 4, 1_000, 0);
        assert_eq!(at.into_iter().collect::<Vec<_>>(), [((70_000, 4), ids(&[6]))], "it has not failed");
        let (jittered, _) = *again(&sent[..1], 0, 0, 255).keys().next().unwrap();
        assert!((30_000..33_000).contains(&jittered), "{jittered}");
    }
}
