//! Messages that are posted at a time that their writer chose: once, by the same way as all others.
//!
//! The `client_message_id` is stored with the text, so that a crash between the post and the end of its job posts nothing
//! twice. From the moment a message is being posted, its text changes no more: the id stands for one text.

use crate::access::{CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{
    Call, ClientMessageId, Draft, Job, LATE_MS, MAX_SCHEDULED, MessageId, Posted, Role, RoomKind, Scheduled,
    ScheduledState, User,
};
use crate::state::AppState;
use crate::store::scheduled::{NewScheduled, RowState, ScheduledRow};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::messages;
use super::permissions::{Exempt, write_as, write_exempt};

/// Why a message was not posted whose writer has left.
const DEACTIVATED: &str = "You were not part of this Campfire at that time.";

/// Why a message was not posted whose room is lost.
const ROOM_LOST: &str = "The room was gone by then, or you were not in it any more.";

/// Why a message was not posted whose job failed too often.
const GAVE_UP: &str = "It failed again and again for some hours.";

/// Stores a text that is to be posted in the member's room at `send_at`, in milliseconds since the epoch. Returns its id.
///
/// Idempotent by `client_message_id`, which becomes that of the message: the same text once more has the new time.
///
/// # Errors
/// `Invalid` for a text that would call a bot; `Conflict` when that id was used with another text or in another room, or its
/// message does not wait any more, and above [`MAX_SCHEDULED`]; `NotFound` when the membership ended.
pub async fn schedule(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    text: &str,
    send_at: i64,
) -> AppResult<i64> {
    let draft = draft_of(text)?;
    let schedule = async move |tx: &mut Tx, member: Member| {
        tx.changes_nothing_visible();
        if member.user.role == Role::Bot {
            return Err(AppError::Forbidden);
        }
        let (user_id, room_id, now_ms) = (member.user.id, member.room.id, tx.now_ms());
        let body = draft.as_str().to_owned();
        let new = NewScheduled { user_id, room_id, client_message_id, body, send_at };
        let Some(id) = store::scheduled::insert(tx.db(), &new, now_ms).await? else {
            let known = store::scheduled::find_sent(tx.db(), user_id, &new.client_message_id).await?;
            let known = known.ok_or(AppError::Internal)?;
            let is_same = known.room_id == room_id && known.body == new.body;
            if !is_same || !store::scheduled::set_time(tx.db(), known.id, send_at).await? {
                let reason = "This form was sent before, and its message has changed or does not wait any more. Send it \
                              again to add another message.";
                return Err(AppError::Conflict(reason.into()));
            }
            tx.record(Fact::MessageScheduled { scheduled_id: known.id, send_at }).await?;
            return Ok(known.id);
        };
        if store::scheduled::count_waiting(tx.db(), user_id).await? > MAX_SCHEDULED {
            let reason = format!("{MAX_SCHEDULED} of your messages wait already. Send or cancel some of them first.");
            return Err(AppError::Conflict(reason));
        }
        tx.record(Fact::MessageScheduled { scheduled_id: id, send_at }).await?;
        Ok(id)
    };
    write_as(state, member, schedule).await
}

/// A text that can be posted later: a command would call a bot when nobody sees its answer.
fn draft_of(text: &str) -> AppResult<Draft> {
    let draft: Draft = text.parse()?;
    match Call::read(draft.as_str()) {
        Some(call) => {
            let reason = format!("The command /{} cannot be sent later. Begin with other words.", call.word);
            Err(AppError::invalid("body", reason))
        }
        None => Ok(draft),
    }
}

/// Changes the text and the time of a message that waits.
///
/// # Errors
/// `NotFound` for one that is not the user's; `Conflict` if it does not wait any more; those of [`schedule`].
pub async fn change(state: &AppState, current: &CurrentUser, id: i64, text: &str, send_at: i64) -> AppResult<()> {
    let draft = draft_of(text)?;
    let change = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        if !store::scheduled::update(tx.db(), id, draft.as_str(), send_at).await? {
            return Err(no_longer_waiting());
        }
        Ok(tx.record(Fact::MessageScheduled { scheduled_id: id, send_at }).await?)
    };
    write_as(state, current, change).await
}

/// Cancels a message that waits, or takes one that ended from the list.
///
/// # Errors
/// `NotFound` for one that is not the user's; `Conflict` while it is being posted.
pub async fn remove(state: &AppState, current: &CurrentUser, id: i64) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        if !store::scheduled::remove(tx.db(), id).await? {
            return Err(no_longer_waiting());
        }
        Ok(store::jobs::remove_timed(tx.db(), &Job::SendScheduled { scheduled_id: id }).await?)
    };
    write_as(state, current, remove).await
}

/// Posts a message that waits right now, and returns what became of it.
///
/// # Errors
/// `NotFound` for one that is not the user's; `Conflict` if it does not wait any more.
pub async fn send_now(state: &AppState, current: &CurrentUser, id: i64) -> AppResult<Scheduled> {
    let hurry = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        let send_at = tx.now_ms();
        if !store::scheduled::set_time(tx.db(), id, send_at).await? {
            return Err(no_longer_waiting());
        }
        // Should the program end before the post.
        Ok(tx.record(Fact::MessageScheduled { scheduled_id: id, send_at }).await?)
    };
    write_as(state, current, hurry).await?;
    send(state, id).await?;
    find(state, current, id).await
}

async fn require_own(tx: &mut Tx, user: &User, id: i64) -> AppResult<()> {
    let found = store::scheduled::find(tx.db(), id).await?;
    found.filter(|row| row.user_id == user.id).map(drop).ok_or(AppError::NotFound)
}

fn no_longer_waiting() -> AppError {
    AppError::Conflict("That message does not wait any more.".into())
}

/// The user's messages that wait, in the order of their times, then those that ended, the last one first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, current: &CurrentUser) -> AppResult<Vec<Scheduled>> {
    let rows = store::scheduled::list(state.db.reader(), current.user.id).await?;
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        list.push(described(state, current, row).await);
    }
    Ok(list)
}

/// A scheduled message of the user.
///
/// # Errors
/// `NotFound` for one that is not the user's.
pub async fn find(state: &AppState, current: &CurrentUser, id: i64) -> AppResult<Scheduled> {
    let row = store::scheduled::find(state.db.reader(), id).await?;
    let row = row.filter(|row| row.user_id == current.user.id).ok_or(AppError::NotFound)?;
    Ok(described(state, current, row).await)
}

async fn described(state: &AppState, current: &CurrentUser, row: ScheduledRow) -> Scheduled {
    let ScheduledRow { id, room_id, body, send_at, state: row_state, ended_at, message_id, reason, .. } = row;
    let room_name = match (row.room_kind, row.room_name) {
        // The names of its people.
        (Some(RoomKind::Direct), _) => {
            state.members.find(current, room_id).await.map(|member| member.room.name).unwrap_or_default()
        }
        (_, name) => name.unwrap_or_default(),
    };
    let state = match row_state {
        RowState::Waiting => ScheduledState::Waiting,
        RowState::Sending => ScheduledState::Sending,
        RowState::Sent => {
            let message_id = message_id.unwrap_or(MessageId(0));
            ScheduledState::Sent { message_id, at_ms: ended_at.unwrap_or(send_at) }
        }
        RowState::Failed => ScheduledState::Failed { reason },
    };
    Scheduled { id, room_id, room_name, body, send_at, state }
}

/// Posts a scheduled message if its time has come. Returns its time if that is still to come, in milliseconds since the
/// epoch; `None` if nothing is left to do.
///
/// May be repeated at any point: the client message id is the same each time.
///
/// # Errors
/// When the database does not answer, or too much is being rendered: it is tried again.
pub async fn send(state: &AppState, id: i64) -> AppResult<Option<i64>> {
    let begin = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        store::scheduled::begin(tx.db(), id, now_ms).await?;
        let Some(row) = store::scheduled::find(tx.db(), id).await? else { return Ok(None) };
        let writer = store::users::find(tx.db(), row.user_id).await?;
        let posted = find_posted(tx, &row).await?;
        Ok(Some((row, writer, posted)))
    };
    let Some((row, writer, posted)) = write_exempt(state, Exempt::Operator, begin).await? else { return Ok(None) };
    match row.state {
        RowState::Waiting => return Ok(Some(row.send_at)),
        RowState::Sent | RowState::Failed => return Ok(None),
        RowState::Sending => {}
    }
    let outcome = match (posted, writer) {
        // The program ended before this was noted.
        (Some(message_id), _) => Ok(message_id),
        (None, Some(writer)) => post(state, &writer, &row).await?,
        (None, None) => Err(DEACTIVATED.to_owned()),
    };
    let finish = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        finish(tx, &row, outcome).await
    };
    write_exempt(state, Exempt::Operator, finish).await?;
    Ok(None)
}

/// Notes that a message is not posted any more: its job failed too often.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(state: &AppState, id: i64) -> AppResult<()> {
    let give_up = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        store::scheduled::begin(tx.db(), id, now_ms).await?;
        let Some(row) = store::scheduled::find(tx.db(), id).await? else { return Ok(()) };
        let outcome = find_posted(tx, &row).await?.ok_or_else(|| GAVE_UP.to_owned());
        finish(tx, &row, outcome).await
    };
    write_exempt(state, Exempt::Operator, give_up).await
}

/// The message that a scheduled one has become, if it was posted and that was not noted.
async fn find_posted(tx: &mut Tx, row: &ScheduledRow) -> AppResult<Option<MessageId>> {
    if row.state != RowState::Sending {
        return Ok(None);
    }
    messages::find_posted(tx, (row.user_id, row.room_id), &row.client_message_id, &row.body.parse()?).await
}

/// Notes what became of a message that was being sent: its id, or why it was not posted.
async fn finish(tx: &mut Tx, row: &ScheduledRow, outcome: Result<MessageId, String>) -> AppResult<()> {
    let now_ms = tx.now_ms();
    let is_new = match &outcome {
        Ok(message_id) => store::scheduled::note_sent(tx.db(), row.id, *message_id, now_ms).await?,
        Err(reason) => store::scheduled::note_failed(tx.db(), row.id, reason, now_ms).await?,
    };
    // The writer is told of what is not as they left it.
    if is_new && (outcome.is_err() || now_ms > row.send_at + LATE_MS) {
        tx.record(Fact::ScheduledEnded { user_id: row.user_id, scheduled_id: row.id }).await?;
    }
    Ok(())
}

/// Posts the message. The inner error is why it cannot be posted, for its writer.
async fn post(state: &AppState, writer: &User, row: &ScheduledRow) -> AppResult<Result<MessageId, String>> {
    let posted = async {
        let member = state.members.find(writer, row.room_id).await?;
        messages::post_absent(state, &member, row.client_message_id.clone(), row.body.parse()?).await
    };
    match posted.await {
        Ok(Posted::Stored(message)) => Ok(Ok(message.id)),
        // It was posted, and deleted since.
        Ok(Posted::Removed(message_id)) => Ok(Ok(message_id)),
        Err(AppError::NotFound | AppError::Forbidden) => Ok(Err(ROOM_LOST.to_owned())),
        Err(AppError::SignedOut) => Ok(Err(DEACTIVATED.to_owned())),
        Err(error @ (AppError::Invalid(_) | AppError::Conflict(_) | AppError::TooLarge(_))) => {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error),
    }
}
