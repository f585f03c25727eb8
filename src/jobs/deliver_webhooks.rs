//! Delivers to the webhook of a bot what waits for it, one request after the other.
//!
//! There is one such job for each bot, however much waits: a target that does not answer holds up its own deliveries
//! alone, and after a failure the job makes room for those of other bots.

use outbound::Error;

use super::Next;
use crate::model::{CommandWord, UserId};
use crate::ops::commands::{self, answer_caller, tell_caller};
use crate::ops::webhooks::{
    Notice, Reply, is_for_caller, kept_answer, payload, post_notice, post_reply, reply, request, test_message,
};
use crate::state::AppState;
use crate::store::webhooks::{After, Attempt, DeliveredMessage, DueDelivery};
use crate::store::{Tx, webhooks};
use crate::{AppResult, clock};

/// The pauses after failed tries, in milliseconds. After the last one a delivery has failed.
const PAUSES_MS: [i64; 5] = [5_000, 5 * 60 * 1_000, 30 * 60 * 1_000, 2 * 60 * 60 * 1_000, 8 * 60 * 60 * 1_000];

/// Delivers what was due first.
pub(super) async fn step(state: &AppState, bot_id: UserId) -> AppResult<Next> {
    let now_ms = state.clock.now_ms();
    let Some(due) = webhooks::find_due(state.db.reader(), bot_id, now_ms).await? else {
        return Ok(Next::Drained(bot_id));
    };
    let Some((message, command)) = find_subject(state, bot_id, &due).await? else {
        let error = Some("The message is gone, or the bot is not in its room any more.".to_owned());
        finish(state, bot_id, &due, Attempt { error, ..Attempt::default() }, After::Failed).await?;
        return Ok(Next::Continue);
    };
    let (body, kept_request) = payload(bot_id, &due, &message, command.as_ref());
    let (outcome, mut attempt) = send(state, &due, body, kept_request).await;
    match outcome {
        Outcome::Delivered { reply, is_for_caller } => {
            attempt.error = match due.caller_id {
                Some(caller_id) => reply_to_call(state, bot_id, &due, caller_id, reply, is_for_caller).await?,
                None if due.message_id.is_some() => post_reply(state, bot_id, &due, reply).await?,
                None => None,
            }
            .or(attempt.error);
            if is_for_caller && due.caller_id.is_some() {
                // It is nobody else's, not even an administrator's.
                attempt.answer.clear();
            }
            finish(state, bot_id, &due, attempt, After::Done).await?;
            Ok(Next::Continue)
        }
        Outcome::Gone => {
            tell_of_failure(state, &due, &attempt).await?;
            let webhook = webhooks::find(state.db.reader(), bot_id).await?;
            if due.message_id.is_some() && webhook.is_some_and(|webhook| webhook.url == due.url) {
                post_notice(state, bot_id, &due, Notice::Gone).await?;
            }
            switch_off(state, bot_id, &due, attempt).await?;
            Ok(Next::Drained(bot_id))
        }
        Outcome::Refused => {
            tell_of_failure(state, &due, &attempt).await?;
            finish(state, bot_id, &due, attempt, After::Failed).await?;
            Ok(Next::Drained(bot_id))
        }
        Outcome::Again { is_silence } => {
            if is_silence && due.message_id.is_some() && is_first_silence(state, bot_id).await? {
                post_notice(state, bot_id, &due, Notice::Silence).await?;
            }
            let jitter = uuid::Uuid::new_v4().as_bytes()[0];
            // Not the time before the request, which may have taken longer than the pause.
            let now_ms = state.clock.now_ms();
            // Who called waits for the answer, and expects nothing hours later: one more try, unless it may have come through.
            let is_last = due.caller_id.is_some() && (is_silence || due.attempts > 0);
            let pause = again(due.attempts, jitter).filter(|_| !is_last);
            let after = pause.map_or(After::Failed, |pause| After::Again(now_ms + pause));
            if after == After::Failed {
                tell_of_failure(state, &due, &attempt).await?;
            }
            finish(state, bot_id, &due, attempt, after).await?;
            Ok(Next::Drained(bot_id))
        }
    }
}

/// What is delivered: a message, a call with its word, or a test. `None` if it is gone, or not for the bot any more.
async fn find_subject(
    state: &AppState,
    bot_id: UserId,
    due: &DueDelivery,
) -> AppResult<Option<(DeliveredMessage, Option<CommandWord>)>> {
    if due.caller_id.is_some() {
        let call = commands::find_call(state, due.id).await?;
        return Ok(call.map(|(word, message)| (message, Some(word))));
    }
    let message = match due.message_id {
        Some(message_id) => webhooks::find_message(state.db.reader(), bot_id, message_id).await?,
        None => Some(test_message(due, bot_id)),
    };
    Ok(message.map(|message| (message, None)))
}

/// Gives the answer to a call to the room or to the caller alone. Returns why not, if trying again cannot help.
async fn reply_to_call(
    state: &AppState,
    bot_id: UserId,
    due: &DueDelivery,
    caller_id: UserId,
    reply: Reply,
    is_for_caller: bool,
) -> AppResult<Option<String>> {
    let refusal = match reply {
        Reply::Text(text) if is_for_caller => {
            answer_caller(state, due, caller_id, &text).await?;
            None
        }
        Reply::File(..) if is_for_caller => {
            Some("The answer was not shown: a file cannot be for one person.".to_owned())
        }
        reply => post_reply(state, bot_id, due, reply).await?,
    };
    if let Some(refusal) = &refusal {
        tell_caller(state, due, caller_id, refusal).await?;
    }
    Ok(refusal)
}

/// Tells the caller, if it is a call, why it failed.
async fn tell_of_failure(state: &AppState, due: &DueDelivery, attempt: &Attempt) -> AppResult<()> {
    let Some(caller_id) = due.caller_id else { return Ok(()) };
    let words = attempt.error.as_deref().unwrap_or("It failed.");
    tell_caller(state, due, caller_id, &format!("The command did not work. {words}")).await
}

/// When something is due for this bot next, in milliseconds since the epoch. Read in the write that ends the job, so that
/// nothing is queued unnoticed in between.
pub(super) async fn next_due(tx: &mut Tx, bot_id: UserId) -> AppResult<Option<i64>> {
    Ok(webhooks::next_due(tx.db(), bot_id).await?)
}

/// The pause after so many failed tries before this one, with up to a tenth more by `jitter`; `None` after the last.
fn again(attempts: i64, jitter: u8) -> Option<i64> {
    let pause = *PAUSES_MS.get(usize::try_from(attempts).ok()?)?;
    Some(pause + pause * i64::from(jitter) / 2_560)
}

/// The outcome of a delivery attempt.
enum Outcome {
    Delivered {
        reply: Reply,
        /// Whether the answer to a call is for the caller alone.
        is_for_caller: bool,
    },
    /// The target is gone for good.
    Gone,
    /// Trying again cannot help.
    Refused,
    Again {
        /// No response came in time.
        is_silence: bool,
    },
}

async fn send(state: &AppState, due: &DueDelivery, body: bytes::Bytes, kept_request: String) -> (Outcome, Attempt) {
    let mut attempt = Attempt { request: kept_request, ..Attempt::default() };
    let request = match request(due, body, state.clock.now_ms()) {
        Ok(request) => request,
        Err(error) => {
            attempt.error = Some(error.to_string());
            return (Outcome::Refused, attempt);
        }
    };
    let started_at = clock::monotonic();
    let opened = state.outgoing.client().open(state.outgoing.chosen(), request).await;
    let (status, read) = match opened {
        Ok(response) => (Some(response.status().as_u16()), response.read().await),
        Err(error) => (None, Err(error)),
    };
    attempt.took_ms = i64::try_from(started_at.elapsed().as_millis()).unwrap_or(i64::MAX);
    attempt.status = status;
    attempt.is_answered = matches!(read, Ok(_) | Err(Error::TooLarge | Error::Encoded));
    if let Ok(response) = &read {
        attempt.answer = kept_answer(&response.body, &due.token);
    }
    let outcome = match (status, read) {
        (Some(200..=299), Ok(response)) => {
            Outcome::Delivered { reply: reply(&response), is_for_caller: is_for_caller(&response) }
        }
        // It was received; only the answer cannot be used.
        (Some(200..=299), Err(error @ (Error::TooLarge | Error::Encoded))) => {
            attempt.error = Some(error.to_string());
            Outcome::Delivered { reply: Reply::Nothing, is_for_caller: false }
        }
        (Some(410), _) => {
            attempt.error = Some("The target is gone (410).".to_owned());
            Outcome::Gone
        }
        (Some(status @ (429 | 500..=599)), _) => {
            attempt.error = Some(format!("The target answered {status}."));
            Outcome::Again { is_silence: false }
        }
        (_, Err(error)) if error.is_transient() => {
            attempt.error = Some(words(error));
            Outcome::Again { is_silence: error == Error::Timeout }
        }
        (Some(status), _) => {
            attempt.error = Some(format!("The target answered {status}."));
            Outcome::Refused
        }
        (None, result) => {
            attempt.error = Some(result.err().map_or_else(String::new, words));
            Outcome::Refused
        }
    };
    (outcome, attempt)
}

/// A failure as a sentence.
fn words(error: Error) -> String {
    match error {
        Error::Timeout => Notice::Silence.text().to_owned(),
        Error::Connect => "The target accepts no connection.".to_owned(),
        Error::Unresolved => "The host of the URL was not found.".to_owned(),
        Error::Tls => "The TLS connection failed: the certificate may not be valid.".to_owned(),
        other => format!("It failed: {other}."),
    }
}

async fn is_first_silence(state: &AppState, bot_id: UserId) -> AppResult<bool> {
    let note = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(webhooks::note_silence(tx.db(), bot_id, now_ms).await?)
    };
    state.db.write(note).await
}

async fn finish(state: &AppState, bot_id: UserId, due: &DueDelivery, attempt: Attempt, after: After) -> AppResult<()> {
    let delivery_id = due.id;
    let finish = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        if attempt.is_answered {
            webhooks::note_response(tx.db(), bot_id).await?;
        }
        Ok(webhooks::finish(tx.db(), delivery_id, &attempt, after, now_ms).await?)
    };
    state.db.write(finish).await
}

/// Switches the webhook off, unless it has another URL by now: the delivery is for that one then.
async fn switch_off(state: &AppState, bot_id: UserId, due: &DueDelivery, attempt: Attempt) -> AppResult<()> {
    let (delivery_id, url) = (due.id, due.url.clone());
    let switch_off = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        let webhook = webhooks::find(tx.db(), bot_id).await?;
        let is_moved = webhook.is_some_and(|webhook| webhook.url != url);
        let after = if is_moved { After::Again(now_ms) } else { After::Failed };
        webhooks::finish(tx.db(), delivery_id, &attempt, after, now_ms).await?;
        webhooks::switch_off(tx.db(), bot_id, &url, now_ms).await?;
        Ok(())
    };
    state.db.write(switch_off).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_five_pauses_with_a_little_jitter() {
        for (attempts, pause) in PAUSES_MS.into_iter().enumerate() {
            let attempts = i64::try_from(attempts).unwrap();
            assert_eq!(again(attempts, 0), Some(pause));
            assert!((pause..=pause + pause / 10).contains(&again(attempts, 255).unwrap()));
        }
        assert_eq!(again(5, 0), None);
        assert_eq!(again(-1, 0), None);
    }
}
