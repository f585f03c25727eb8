//! Messages that a person keeps for later, with a note and a reminder. Nobody else sees any of it.

use std::collections::HashMap;

use crate::access::{CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{Cause, Delivery, Job, Kept, MAX_REMINDERS, MAX_SAVED, MessageId, RoomKind, Saved, SavedNote, User};
use crate::state::AppState;
use crate::store::inbox::Occurrence;
use crate::store::saved::SavedRow;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_exempt};

/// How many are on a page.
const PAGE_SIZE: i64 = 40;

/// A change of a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remind {
    /// It stays as it is.
    Keep,
    /// None is to come.
    Never,
    /// It comes at this time, in milliseconds since the epoch.
    At(i64),
}

/// Keeps a message of the member's room for them, and returns its id. Kept already, it is not done any more.
///
/// # Errors
/// `NotFound` when the message is gone or in another room, or the membership ended; `Conflict` above [`MAX_SAVED`].
pub async fn save(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<i64> {
    let save = async move |tx: &mut Tx, member: Member| {
        tx.changes_nothing_visible();
        let found = store::messages::find_room(tx.db(), message_id).await?;
        found.filter(|found| *found == member.room.id).ok_or(AppError::NotFound)?;
        let (user_id, now_ms) = (member.user.id, tx.now_ms());
        let (id, is_new) = store::saved::insert(tx.db(), user_id, message_id, now_ms).await?;
        if is_new && store::saved::counts(tx.db(), user_id).await?.0 > MAX_SAVED {
            let reason = format!("You keep {MAX_SAVED} messages already. Remove some of them first.");
            return Err(AppError::Conflict(reason));
        }
        if !is_new {
            store::saved::set_done(tx.db(), id, None).await?;
        }
        Ok(id)
    };
    write_as(state, member, save).await
}

/// Changes the note and the reminder of a kept message.
///
/// # Errors
/// `NotFound` for one that is not the user's; `Invalid` above [`MAX_REMINDERS`].
pub async fn change(
    state: &AppState,
    current: &CurrentUser,
    id: i64,
    note: SavedNote,
    remind: Remind,
) -> AppResult<()> {
    let change = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        store::saved::set_note(tx.db(), id, &note).await?;
        match remind {
            Remind::Keep => {}
            Remind::Never => {
                store::saved::set_reminder(tx.db(), id, None).await?;
                store::jobs::remove_timed(tx.db(), &Job::Remind { saved_id: id }).await?;
            }
            Remind::At(remind_at) => {
                store::saved::set_done(tx.db(), id, None).await?;
                store::saved::set_reminder(tx.db(), id, Some(remind_at)).await?;
                if store::saved::counts(tx.db(), user.id).await?.1 > MAX_REMINDERS {
                    let reason = format!("{MAX_REMINDERS} reminders are to come already. Let some of them be first.");
                    return Err(AppError::invalid("at", reason));
                }
                tx.record(Fact::ReminderSet { saved_id: id, remind_at }).await?;
            }
        }
        Ok(())
    };
    write_as(state, current, change).await
}

/// Marks a kept message as done, which ends its reminder, or as not done.
///
/// # Errors
/// `NotFound` for one that is not the user's.
pub async fn set_done(state: &AppState, current: &CurrentUser, id: i64, is_done: bool) -> AppResult<()> {
    let set = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        let done_at = is_done.then(|| tx.now_ms());
        store::saved::set_done(tx.db(), id, done_at).await?;
        if is_done {
            store::jobs::remove_timed(tx.db(), &Job::Remind { saved_id: id }).await?;
        }
        Ok(())
    };
    write_as(state, current, set).await
}

/// Keeps a message no longer. Does nothing if it is not kept.
///
/// # Errors
/// `NotFound` for one that is somebody else's.
pub async fn remove(state: &AppState, current: &CurrentUser, id: i64) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        require_own(tx, &user, id).await?;
        store::jobs::remove_timed(tx.db(), &Job::Remind { saved_id: id }).await?;
        Ok(store::saved::remove(tx.db(), id).await?)
    };
    write_as(state, current, remove).await
}

async fn require_own(tx: &mut Tx, user: &User, id: i64) -> AppResult<()> {
    let found = store::saved::find(tx.db(), id).await?;
    found.filter(|row| row.user_id == user.id).map(drop).ok_or(AppError::NotFound)
}

/// A page of the messages that the user keeps, those that are done or the others, the last one first; and the id before
/// which the next page begins.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    state: &AppState,
    current: &CurrentUser,
    is_done: bool,
    before: Option<i64>,
) -> AppResult<(Vec<Saved>, Option<i64>)> {
    let before = before.unwrap_or(i64::MAX);
    let rows = store::saved::list(state.db.reader(), current.user.id, is_done, before, PAGE_SIZE + 1).await?;
    let is_last = i64::try_from(rows.len()).is_ok_and(|count| count <= PAGE_SIZE);
    let rows: Vec<_> = rows.into_iter().take(usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX)).collect();
    let next = rows.last().map(|row| row.id).filter(|_| !is_last);
    Ok((with_messages(state, current, rows).await?, next))
}

/// A message that the user keeps.
///
/// # Errors
/// `NotFound` for one that is not the user's.
pub async fn find(state: &AppState, current: &CurrentUser, id: i64) -> AppResult<Saved> {
    let row = store::saved::find(state.db.reader(), id).await?;
    let row = row.filter(|row| row.user_id == current.user.id).ok_or(AppError::NotFound)?;
    with_messages(state, current, vec![row]).await?.pop().ok_or(AppError::Internal)
}

/// The id under which the user keeps a message.
///
/// # Errors
/// When the database does not answer.
pub async fn find_id(state: &AppState, current: &CurrentUser, message_id: MessageId) -> AppResult<Option<i64>> {
    Ok(store::saved::find_id(state.db.reader(), current.user.id, message_id).await?)
}

/// The rows with what the user may see of their messages.
async fn with_messages(state: &AppState, current: &CurrentUser, rows: Vec<SavedRow>) -> AppResult<Vec<Saved>> {
    let seen: Vec<_> = rows.iter().filter(|row| row.is_member).map(|row| row.message_id).collect();
    let messages = store::messages::list(state.db.reader(), &seen).await?;
    let mut messages: HashMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        let kept = match messages.remove(&row.message_id) {
            Some(message) => {
                let room_name = if row.room_kind == Some(RoomKind::Direct) {
                    // The names of its people; whoever leaves meanwhile sees none.
                    state
                        .members
                        .find(current, message.room_id)
                        .await
                        .map(|member| member.room.name)
                        .unwrap_or_default()
                } else {
                    row.room_name
                };
                Kept::Message(Box::new(message), room_name)
            }
            None if row.is_deleted || row.is_member => Kept::Deleted,
            None => Kept::Lost,
        };
        let SavedRow { id, note, remind_at, reminded_at, done_at, .. } = row;
        list.push(Saved { id, kept, note, remind_at, reminded_at, is_done: done_at.is_some() });
    }
    Ok(list)
}

/// Sends a reminder if it is due: to the inbox, and to the devices if the person wants that. Returns when it is due otherwise, in milliseconds since the epoch; `None` if no reminder is
/// to come.
///
/// # Errors
/// When the database does not answer.
pub async fn remind(state: &AppState, id: i64) -> AppResult<Option<i64>> {
    let remind = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let Some(row) = store::saved::find(tx.db(), id).await? else { return Ok(None) };
        let now_ms = tx.now_ms();
        if !store::saved::note_reminded(tx.db(), id, now_ms).await? {
            return Ok(row.remind_at);
        }
        insert_reminder(tx, &row, now_ms).await?;
        if store::inbox::find_delivery(tx.db(), row.user_id, Cause::Reminder).await? == Delivery::Notify {
            tx.record(Fact::Reminded { user_id: row.user_id, saved_id: id }).await?;
        }
        Ok(None)
    };
    write_exempt(state, Exempt::Operator, remind).await
}

/// Puts a reminder into the inbox of who asked for it. Of a message that is gone, or whose room is lost, there is no entry.
async fn insert_reminder(tx: &mut Tx, row: &SavedRow, now_ms: i64) -> AppResult<()> {
    let Some(room_id) = store::messages::find_room(tx.db(), row.message_id).await? else { return Ok(()) };
    let (message_id, content) = (row.message_id, row.note.as_str());
    let occurrence = Occurrence { room_id, message_id, actor_id: None, content, at: now_ms };
    let user_ids = store::inbox::insert(tx.db(), &occurrence, &[(row.user_id, Cause::Reminder)]).await?;
    Ok(tx.record(Fact::InboxChanged { user_ids, room_id: Some(room_id) }).await?)
}
