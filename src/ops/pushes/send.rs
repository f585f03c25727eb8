//! Sending pushes, and what the answers of push services mean.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use outbound::{Error, HeaderMap, Policy, Request, Url};
use push::{KeyPair, MAX_BODY_CHARS, Notification, Receiver, SALT_BYTES};

use super::content::{Urgency, entry_notification, entry_tag, is_quiet, notification, topic, topic_of};
use super::{is_subject, key_pair, random};
use crate::access::CurrentUser;
use crate::model::{Cause, MessageId, PushSubscriptionId, User, paths};
use crate::ops::permissions::{write_as, write_completion_as};
use crate::state::AppState;
use crate::store::Tx;
use crate::store::pushes::{self, PushReceiver, PushTarget};
use crate::{AppError, AppResult, clock};

/// How many devices have their turn in one batch: the requests to all of them are under way at the same time.
const BATCH: i64 = 50;

/// How long a push may take when a message is pushed first. Whoever is slower is handed to a job of its own, so that nobody
/// waits for a push service that hangs.
const FIRST_DEADLINE: Duration = Duration::from_secs(3);

/// How long a push may take that is tried again, one that concerns one person alone, and a test.
pub(super) const DEADLINE: Duration = Duration::from_secs(8);

/// How long the second try of a push that was too large has in any case.
const MIN_DEADLINE: Duration = Duration::from_millis(500);

/// How long a signature is valid, in seconds: 12 hours (RFC 8292, section 2, allows 24). Half of that is left for clocks that
/// are wrong.
const SIGNATURE_S: i64 = 12 * 60 * 60;

/// How much of a text is sent to a push service to which a push was too large, in characters.
const SHORT_BODY_CHARS: usize = 60;

/// The longest pause that a push service may ask for, in milliseconds: as long as the most urgent push is kept.
const MAX_RETRY_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The push service has taken it.
    Taken,
    /// The subscription has ended, in words.
    Gone(String),
    /// The push service refuses it, in words.
    Refused(String),
    /// It may be taken later.
    Later {
        /// Not before this time, in milliseconds since the epoch, if the push service said so.
        not_before_ms: Option<i64>,
        /// Why it was not taken, in words.
        words: String,
    },
    /// It was not sent: the push service wants to be left alone until this time, in milliseconds since the epoch.
    Deferred(i64),
}

/// A push that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The device.
    pub id: PushSubscriptionId,
    /// The outcome.
    pub outcome: Outcome,
    /// When it is of no use any more, in milliseconds since the epoch.
    pub expires_at: i64,
}

impl Sent {
    /// Stores the outcome.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note(&self, tx: &mut Tx) -> AppResult<()> {
        let now_ms = tx.now_ms();
        match &self.outcome {
            Outcome::Taken => pushes::note_success(tx.db(), self.id, now_ms).await?,
            Outcome::Gone(words) => pushes::note_gone(tx.db(), self.id, words, now_ms).await?,
            Outcome::Refused(words) => pushes::note_refusal(tx.db(), self.id, words, now_ms).await?,
            Outcome::Later { not_before_ms, words } => {
                pushes::note_failure(tx.db(), self.id, words, *not_before_ms, now_ms).await?;
            }
            Outcome::Deferred(_) => {}
        }
        Ok(())
    }
}

/// The result of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The pushes that were sent or deferred.
    pub sent: Vec<Sent>,
    /// The last device that had its turn, if there may be others after it.
    pub last: Option<PushSubscriptionId>,
}

/// Pushes a message to the next devices after `after` whose owners are to hear of it now; with `among`, to these alone.
///
/// # Errors
/// When the database does not answer.
pub async fn send_message(
    state: &AppState,
    message_id: MessageId,
    after: PushSubscriptionId,
    among: Option<&[PushSubscriptionId]>,
) -> AppResult<Batch> {
    let key = key_pair(state).await?;
    let Some(message) = pushes::find_message(state.db.reader(), message_id).await? else { return Ok(Batch::default()) };
    let now_ms = state.clock.now_ms();
    let server_key = key.public_key();
    let found = pushes::list_receivers(state.db.reader(), message_id, after, among, &server_key, now_ms, BATCH).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= BATCH);
    let last = found.last().map(|receiver| receiver.target.id).filter(|_| is_full);
    let mut sent = Vec::new();
    let drafts = found.into_iter().filter_map(|receiver| {
        let urgency = Urgency::of(&message, &receiver);
        let expires_at = message.created_at + urgency.ttl_s() * 1_000;
        let is_unwanted = expires_at <= now_ms
            || is_quiet(&receiver.settings, now_ms)
            // Whoever has the room in view does not see what its thread alone shows.
            || (message.thread_root_id.is_none() && state.live.is_viewing(receiver.user_id, message.room_id));
        if is_unwanted {
            return None;
        }
        if receiver.not_before_at > now_ms {
            let outcome = Outcome::Deferred(receiver.not_before_at);
            sent.push(Sent { id: receiver.target.id, outcome, expires_at });
            return None;
        }
        let topic = topic_of(&receiver.target, &message, urgency);
        let notification = notification(&message, &receiver);
        Some(Draft { target: receiver.target, notification, urgency, topic, expires_at })
    });
    let drafts: Vec<_> = drafts.collect();
    if drafts.is_empty() {
        return Ok(Batch { sent, last });
    }
    // Some hundred microseconds of arithmetic each: not on the threads that answer requests.
    let encrypt = move || Writer::new(key, now_ms).compose_all(drafts);
    let pushes = state.encryptions.turn().await?.run(encrypt).await?;
    let deadline = if among.is_some() { DEADLINE } else { FIRST_DEADLINE };
    sent.extend(join_all(pushes.into_iter().map(|push| send(state, push, deadline))).await);
    Ok(Batch { sent, last })
}

/// Pushes an entry of an inbox to the devices of its owner, once. Returns its message, and what was sent; `None` if the
/// entry is gone or read.
///
/// # Errors
/// When the database does not answer.
pub async fn send_entry(state: &AppState, entry_id: i64) -> AppResult<Option<(MessageId, Vec<Sent>)>> {
    let key = key_pair(state).await?;
    let Some(entry) = pushes::find_entry(state.db.reader(), entry_id).await? else { return Ok(None) };
    let now_ms = state.clock.now_ms();
    let found = pushes::list_receivers_of_entry(state.db.reader(), entry_id, &key.public_key(), now_ms, BATCH).await?;
    let urgency = if entry.cause == Cause::Reminder { Urgency::High } else { Urgency::Normal };
    let expires_at = entry.created_at + urgency.ttl_s() * 1_000;
    let is_wanted = |receiver: &PushReceiver| {
        expires_at > now_ms && !is_quiet(&receiver.settings, now_ms) && receiver.not_before_at <= now_ms
    };
    let drafts = found.into_iter().filter(is_wanted).map(|receiver| {
        let topic = topic(&receiver.target, &entry_tag(entry.message_id));
        let notification = entry_notification(&entry, &receiver);
        Draft { target: receiver.target, notification, urgency, topic, expires_at }
    });
    let drafts: Vec<_> = drafts.collect();
    if drafts.is_empty() {
        return Ok(None);
    }
    let encrypt = move || Writer::new(key, now_ms).compose_all(drafts);
    let composed = state.encryptions.turn().await?.run(encrypt).await?;
    let sent = join_all(composed.into_iter().map(|push| send(state, push, DEADLINE))).await;
    Ok(Some((entry.message_id, sent)))
}

/// Sends a test to one of the user's devices, and waits for the answer of its push service.
///
/// # Errors
/// `NotFound` for a device that is not the user's.
pub async fn test(state: &AppState, current: &CurrentUser, id: PushSubscriptionId) -> AppResult<Outcome> {
    let find = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        pushes::find_target(tx.db(), user.id, id).await?.ok_or(AppError::NotFound)
    };
    let target = write_as(state, current, find).await?;
    let key = key_pair(state).await?;
    let now_ms = state.clock.now_ms();
    let notification = Notification {
        title: "Campfire test".to_owned(),
        body: "Notifications arrive on this device.".to_owned(),
        navigate: [&target.origin, paths::PUSH_SUBSCRIPTIONS].concat(),
        tag: "test".to_owned(),
        icon: [&target.origin, paths::small_logo(state.picture_versions().logo).as_str()].concat(),
        badge: None,
        at_ms: now_ms,
    };
    let topic = topic(&target, "test");
    let draft = Draft { target, notification, urgency: Urgency::High, topic, expires_at: now_ms + 60_000 };
    let encrypt = move || Writer::new(key, now_ms).compose(draft);
    let push = state.encryptions.turn().await?.run(encrypt).await?;
    let sent = send(state, push, DEADLINE).await;
    let outcome = sent.outcome.clone();
    let note = async move |tx: &mut Tx, _: User| {
        tx.changes_nothing_visible();
        sent.note(tx).await
    };
    write_completion_as(state, current, note).await?;
    Ok(outcome)
}

/// A push before it is encrypted.
pub(super) struct Draft {
    pub(super) target: PushTarget,
    pub(super) notification: Notification,
    pub(super) urgency: Urgency,
    pub(super) topic: String,
    pub(super) expires_at: i64,
}

/// A push as it is sent.
pub(super) struct Push {
    draft: Draft,
    /// The request, or why there is none.
    request: Result<Request, String>,
    writer: Writer,
}

/// What encrypts and signs pushes.
#[derive(Clone)]
pub(super) struct Writer {
    key: KeyPair,
    now_ms: i64,
    /// The signatures by origin of the push service and subject: most devices have one of three push services.
    signatures: HashMap<(String, bool), String>,
}

impl Writer {
    pub(super) fn new(key: KeyPair, now_ms: i64) -> Self {
        Self { key, now_ms, signatures: HashMap::new() }
    }

    pub(super) fn compose_all(mut self, drafts: Vec<Draft>) -> Vec<Push> {
        drafts.into_iter().map(|draft| self.compose(draft)).collect()
    }

    fn compose(&mut self, draft: Draft) -> Push {
        let request = self.request(&draft, MAX_BODY_CHARS);
        let signatures = HashMap::new();
        Push { draft, request, writer: Self { key: self.key.clone(), now_ms: self.now_ms, signatures } }
    }

    /// The request of a push, with a text of at most `max_body_chars`.
    fn request(&mut self, draft: &Draft, max_body_chars: usize) -> Result<Request, String> {
        let unusable =
            |what: &str| format!("The {what} of this device cannot be used. Turn its notifications off and on.");
        let Draft { target, notification, urgency, topic, expires_at } = draft;
        let url = Url::parse(&target.endpoint).map_err(|_| unusable("address"))?;
        let receiver = Receiver::new(&target.p256dh, &target.auth).map_err(|_| unusable("key"))?;
        let [salt, secret] = [random(), random()];
        let mut secret = Some(secret);
        let one_time = KeyPair::generate(|| secret.take().unwrap_or_else(random));
        let salt = std::array::from_fn::<u8, SALT_BYTES, _>(|at| salt[at]);
        let body = receiver.encrypt(&notification.to_json(max_body_chars), salt, &one_time);
        let body = body.map_err(|error| error.to_string())?;
        let mut request = Request::post(url.clone(), "application/octet-stream", Bytes::from(body));
        let ttl_s = ((expires_at - self.now_ms) / 1_000).max(0);
        let authorization = self.signature(&url.origin().ascii_serialization(), &target.origin);
        for (name, value) in [
            ("authorization", authorization),
            ("content-encoding", "aes128gcm".to_owned()),
            ("ttl", ttl_s.to_string()),
            ("urgency", urgency.header().to_owned()),
            ("topic", topic.clone()),
        ] {
            request.headers.insert(name, value.parse().map_err(|_| unusable("address"))?);
        }
        Ok(request)
    }

    fn signature(&mut self, audience: &str, origin: &str) -> String {
        let subject = Some(origin).filter(|origin| is_subject(origin));
        let (key, expires_at_s) = (&self.key, self.now_ms / 1_000 + SIGNATURE_S);
        let signatures = &mut self.signatures;
        let signature = signatures.entry((audience.to_owned(), subject.is_some()));
        signature.or_insert_with(|| key.authorization(audience, expires_at_s, subject)).clone()
    }
}

/// Sends a push; a second time with less text if it was too large. Both together take no longer than `deadline`.
pub(super) async fn send(state: &AppState, push: Push, deadline: Duration) -> Sent {
    let Push { draft, request, mut writer } = push;
    let begun_at = clock::monotonic();
    let now_ms = state.clock.now_ms();
    let mut answer = match request {
        Ok(request) => answer(state, request, deadline, now_ms).await,
        Err(words) => Answer::Final(Outcome::Refused(words)),
    };
    if answer == Answer::TooLarge
        && let Ok(request) = writer.request(&draft, SHORT_BODY_CHARS)
    {
        let left = deadline.saturating_sub(begun_at.elapsed()).max(MIN_DEADLINE);
        answer = self::answer(state, request, left, now_ms).await;
    }
    let outcome = match answer {
        Answer::Final(outcome) => outcome,
        Answer::TooLarge => {
            Outcome::Refused("The push service finds it too large (413), even with less text.".to_owned())
        }
    };
    Sent { id: draft.target.id, outcome, expires_at: draft.expires_at }
}

/// The answer of a push service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Final(Outcome),
    /// It would take a shorter one.
    TooLarge,
}

async fn answer(state: &AppState, request: Request, deadline: Duration, now_ms: i64) -> Answer {
    let policy: Policy = state.outgoing.push().clone().with_deadline(deadline);
    let later = |not_before_ms, words: String| Outcome::Later { not_before_ms, words };
    Answer::Final(match state.outgoing.client().open(&policy, request).await {
        // The body says nothing that is needed, and is not read.
        Ok(response) => match response.status().as_u16() {
            200..=299 => Outcome::Taken,
            status @ (404 | 410) => {
                Outcome::Gone(format!("The push service says that this subscription has ended ({status})."))
            }
            413 => return Answer::TooLarge,
            status @ (429 | 500..=599) => {
                let not_before_ms = retry_after(response.headers(), now_ms);
                later(not_before_ms, format!("The push service was busy ({status})."))
            }
            status @ (401 | 403) => Outcome::Refused(format!(
                "The push service refused the key of this Campfire ({status}). Turn notifications off and on on that device."
            )),
            status => Outcome::Refused(format!("The push service refused it ({status}).")),
        },
        Err(Error::Timeout) => {
            later(None, format!("The push service did not answer within {} seconds.", deadline.as_secs().max(1)))
        }
        Err(Error::Unresolved) => later(None, "The host of the push service was not found.".to_owned()),
        Err(error) if error.is_transient() => later(None, format!("The push service could not be reached: {error}.")),
        Err(error) => Outcome::Refused(format!("The push service cannot be used: {error}.")),
    })
}

/// The time until which a push service wants to be left alone, in milliseconds since the epoch, a day ahead at most: seconds,
/// or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<i64> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    let at_ms = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a pause, too.
        let seconds = value.parse::<i64>().unwrap_or(i64::MAX);
        now_ms.saturating_add(seconds.saturating_mul(1_000))
    } else {
        jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_millisecond()
    };
    Some(at_ms.clamp(now_ms, now_ms + MAX_RETRY_AFTER_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let now_ms = 1_700_000_000_000;
        let pause = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            retry_after(&headers, now_ms).map(|at_ms| at_ms - now_ms)
        };
        assert_eq!(pause("120"), Some(120_000));
        assert_eq!(pause(" 0 "), Some(0));
        assert_eq!(pause("Tue, 14 Nov 2023 22:14:20 GMT"), Some(60_000));
        assert_eq!(pause("Mon, 13 Nov 2023 22:14:20 GMT"), Some(0), "over");
        assert_eq!(pause("99999999999999999999"), Some(MAX_RETRY_AFTER_MS));
        for value in ["", "soon", "-5", "1.5", "Tue, 14 Nov"] {
            assert_eq!(pause(value), None, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now_ms), None);
    }

    #[test]
    fn the_subject_is_an_origin_that_others_can_reach() {
        for (origin, is) in [
            ("https://chat.example", true),
            ("https://chat.example:8443", true),
            ("https://203.0.113.7", true),
            ("http://chat.example", false),
            ("https://localhost", false),
            ("https://localhost:3000", false),
            ("https://chat.localhost", false),
            ("https://127.0.0.1", false),
            ("https://[::1]:3000", false),
            ("", false),
            ("null", false),
        ] {
            assert_eq!(is_subject(origin), is, "{origin}");
        }
    }
}
