//! Editing and removing messages.

use super::render::render;
use crate::access::Member;
use crate::facts::Fact;
use crate::model::{Draft, Message, MessageId};
use crate::ops::inbox;
use crate::ops::permissions::{require_message_administration, write_as};
use crate::richtext::Rendered;
use crate::state::AppState;
use crate::store::messages::{Removed, ShortenedThread};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// Replaces the body of a message. The same source again changes nothing.
///
/// # Errors
/// `NotFound` when the message was removed or the membership ended, `Forbidden` unless the member is its creator or an
/// administrator.
pub async fn edit(state: &AppState, member: &Member, message_id: MessageId, draft: Draft) -> AppResult<Message> {
    // Users whom the message mentions can also be mentioned by the names they had then.
    let known_as = store::mentions::list(state.db.reader(), message_id).await?;
    let Rendered { body, mentions, links } = render(state, member.room.id, draft, known_as).await?;
    let edit = async move |tx: &mut Tx, member: Member| {
        let message = require_message_administration(tx, &member, message_id).await?;
        let files = store::files::list_of_message(tx.db(), message_id).await?;
        if body.source.is_empty() && files.is_empty() {
            return Err(AppError::invalid("body", "Write something first."));
        }
        let body = body.beside_files(files.iter().map(|file| (file.name.as_str(), file.form())));
        if store::messages::find_source(tx.db(), message_id).await?.as_ref() == Some(&body.source) {
            tx.changes_nothing_visible();
            return Ok(message);
        }
        let room_id = message.room_id;
        let now_ms = tx.now_ms();
        store::versions::keep(tx.db(), message_id, member.user.id).await?;
        store::messages::update(tx.db(), message_id, &body, now_ms).await?;
        // An edit sends no notifications; the marks of those whom the message mentioned or mentions now may change.
        let mentioned_before = store::mentions::list(tx.db(), message_id).await?;
        let mut mentioned = store::mentions::replace(tx.db(), room_id, message_id, &mentions).await?;
        let mentioned_before: Vec<_> = mentioned_before.into_iter().map(|person| person.id).collect();
        let mentions = (mentioned_before.as_slice(), mentioned.as_slice());
        inbox::follow_edit(tx, room_id, message_id, message.creator_id, mentions).await?;
        mentioned.extend(mentioned_before);
        let message = store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
        tx.record(Fact::MessageEdited { message: message.clone(), mentioned }).await?;
        replace_links(tx, &message, &links).await?;
        Ok(message)
    };
    write_as(state, member, edit).await
}

/// Replaces the links of a message: previews of those that are gone go, and those that are new get some.
async fn replace_links(tx: &mut Tx, message: &Message, links: &[String]) -> AppResult<()> {
    let Message { id: message_id, room_id, .. } = *message;
    let replaced = store::previews::replace(tx.db(), message_id, links).await?;
    if replaced.any_gone {
        let extras_html = store::previews::extras_html(tx.db(), message_id).await?;
        tx.record(Fact::MessageExtended { room_id, message_id, extras_html }).await?;
    }
    if replaced.any_released {
        tx.record(Fact::FilesReleased).await?;
    }
    if replaced.any_waiting {
        tx.record(Fact::LinksPosted { message_id }).await?;
    }
    Ok(())
}

/// Removes a message for all members.
///
/// # Errors
/// `NotFound` when the message was removed or the membership ended, `Forbidden` unless the member is its creator or an
/// administrator.
pub async fn remove(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, member: Member| {
        let room_id = member.room.id;
        require_message_administration(tx, &member, message_id).await?;
        let Removed { mentioned, had_files, was_pinned, thread, inbox } =
            store::messages::remove(tx.db(), room_id, message_id).await?;
        tx.record(Fact::MessageRemoved { room_id, message_id, mentioned, had_files, was_pinned, inbox }).await?;
        if let Some(ShortenedThread { root_id, followers }) = thread {
            let newest_removed = message_id;
            tx.record(Fact::ThreadShortened { room_id, root_id, newest_removed, followers }).await?;
        }
        Ok(())
    };
    write_as(state, member, remove).await
}
