//! Pushes of what concerns one person alone: a reminder that they asked for, and what became of a message that was to be sent
//! later.

use futures::future::join_all;
use push::Notification;

use super::content::{Urgency, is_quiet, topic};
use super::key_pair;
use super::send::{DEADLINE, Draft, Outcome, Sent, Writer, send};
use crate::AppResult;
use crate::model::{Notice, PushSubscriptionId, RoomKind, UserId, is_blank, paths};
use crate::state::AppState;
use crate::store::scheduled::RowState;
use crate::store::{self, pushes};

/// How long a push service keeps a notice, in milliseconds: a day.
const TTL_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a notice says.
struct Words {
    title: String,
    body: String,
    /// The path that it leads to.
    path: String,
    /// Tells it from others on the same screen.
    tag: String,
}

/// Pushes a notice to the devices of a person; with `among`, to these alone. A pause and quiet hours do not hold a reminder
/// up: its time was chosen by the person.
///
/// # Errors
/// When the database does not answer.
pub async fn send_notice(
    state: &AppState,
    user_id: UserId,
    notice: Notice,
    among: Option<&[PushSubscriptionId]>,
) -> AppResult<Vec<Sent>> {
    let key = key_pair(state).await?;
    let now_ms = state.clock.now_ms();
    let found = pushes::list_of_user(state.db.reader(), user_id, among, &key.public_key(), now_ms).await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let settings = pushes::find_settings(state.db.reader(), user_id).await?;
    if matches!(notice, Notice::Scheduled(_)) && is_quiet(&settings, now_ms) {
        return Ok(Vec::new());
    }
    let Some(words) = words(state, user_id, notice, settings.names_only).await? else { return Ok(Vec::new()) };
    let expires_at = now_ms + TTL_MS;
    let logo_version = state.picture_versions().logo;
    let mut sent = Vec::new();
    let mut drafts = Vec::new();
    for receiver in found {
        let target = receiver.target;
        if receiver.not_before_at > now_ms {
            let outcome = Outcome::Deferred(receiver.not_before_at);
            sent.push(Sent { id: target.id, outcome, expires_at });
            continue;
        }
        let notification = Notification {
            title: words.title.clone(),
            body: words.body.clone(),
            navigate: [&target.origin, words.path.as_str()].concat(),
            tag: words.tag.clone(),
            icon: [&target.origin, paths::small_logo(logo_version).as_str()].concat(),
            badge: None,
            at_ms: now_ms,
        };
        let topic = topic(&target, &words.tag);
        drafts.push(Draft { target, notification, urgency: Urgency::High, topic, expires_at });
    }
    let encrypt = move || Writer::new(key, now_ms).compose_all(drafts);
    let pushes = state.encryptions.turn().await?.run(encrypt).await?;
    sent.extend(join_all(pushes.into_iter().map(|push| send(state, push, DEADLINE))).await);
    Ok(sent)
}

/// What a notice says now; `None` if it concerns the person no longer.
async fn words(state: &AppState, user_id: UserId, notice: Notice, names_only: bool) -> AppResult<Option<Words>> {
    match notice {
        Notice::Reminder(id) => reminder(state, user_id, id, names_only).await,
        Notice::Scheduled(id) => scheduled(state, user_id, id).await,
    }
}

/// That a message was sent late, or was not sent. What it says is on the page.
async fn scheduled(state: &AppState, user_id: UserId, id: i64) -> AppResult<Option<Words>> {
    let row = store::scheduled::find(state.db.reader(), id).await?;
    let Some(row) = row.filter(|row| row.user_id == user_id) else { return Ok(None) };
    let (title, body) = match row.state {
        RowState::Sent => ("Sent late", "Campfire was not running when your message was to be sent.".to_owned()),
        RowState::Failed => ("Not sent", row.reason),
        RowState::Waiting | RowState::Sending => return Ok(None),
    };
    let (path, tag) = (paths::SCHEDULED.to_owned(), format!("scheduled-{id}"));
    Ok(Some(Words { title: title.to_owned(), body, path, tag }))
}

/// A reminder: the note, or else who wrote what, unless the message is gone or its room lost.
async fn reminder(state: &AppState, user_id: UserId, id: i64, names_only: bool) -> AppResult<Option<Words>> {
    let row = store::saved::find(state.db.reader(), id).await?;
    let Some(row) = row.filter(|row| row.user_id == user_id && row.done_at.is_none()) else { return Ok(None) };
    let message = match row.is_member {
        true => pushes::find_message(state.db.reader(), row.message_id).await?,
        false => None,
    };
    let tag = format!("reminder-{id}");
    let title = "Reminder".to_owned();
    let Some(message) = message else {
        let why =
            if row.is_deleted { "The message was deleted." } else { "You are no longer in the room of the message." };
        let note = Some(row.note).filter(|note| !note.is_empty() && !names_only);
        let body = note.map_or_else(|| why.to_owned(), |note| format!("{note} ({why})"));
        return Ok(Some(Words { title, body, path: paths::SAVED.to_owned(), tag }));
    };
    let title = if message.room_kind == RoomKind::Direct { title } else { format!("Reminder: {}", message.room_name) };
    let text = if is_blank(&message.body_text) { message.file_names.unwrap_or_default() } else { message.body_text };
    let body = if names_only {
        format!("A message from {}", message.creator_name)
    } else if row.note.is_empty() {
        format!("{}: {text}", message.creator_name)
    } else {
        row.note
    };
    Ok(Some(Words { title, body, path: paths::message(message.room_id, row.message_id), tag }))
}
