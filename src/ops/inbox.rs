//! The inbox: what was said to a person. Entries are made and removed by the writes that cause them; here is what follows
//! for inboxes, what their owners do with them, and what their pages read.

use std::collections::BTreeSet;

use crate::AppResult;
use crate::access::{CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{BoostContent, Cause, Delivery, InboxCount, MessageId, RoomId, User, UserId};
use crate::state::AppState;
use crate::store::inbox::Occurrence;
use crate::store::{self, Tx};

use super::permissions::{Exempt, write_as, write_checked_exempt};

pub use crate::store::inbox::{InboxEntry, ShownEntries};

/// How many entries a page has.
pub const PAGE_SIZE: i64 = 50;

/// A message that was just posted, and to whom it is said.
pub(super) struct NewlyPosted<'a> {
    /// Its room.
    pub room_id: RoomId,
    /// Whether the room is a direct one.
    pub is_direct: bool,
    /// The message.
    pub message_id: MessageId,
    /// Who posted it.
    pub creator_id: UserId,
    /// Whom it mentions.
    pub mentioned: &'a [UserId],
    /// Whose message it answers.
    pub answered: Option<UserId>,
    /// Who follows the thread that it is an answer in.
    pub followers: &'a [UserId],
}

/// Puts a message that was just posted into the inboxes of those to whom it is said. Returns who they are.
pub(super) async fn insert_posted(tx: &mut Tx, posted: &NewlyPosted<'_>) -> AppResult<Vec<UserId>> {
    let NewlyPosted { room_id, is_direct, message_id, creator_id, mentioned, answered, followers } = *posted;
    let occurrence = Occurrence { room_id, message_id, actor_id: Some(creator_id), content: "", at: tx.now_ms() };
    let mut receivers: Vec<_> = mentioned.iter().map(|user_id| (*user_id, Cause::Mention)).collect();
    receivers.extend(answered.map(|user_id| (user_id, Cause::Answer)));
    receivers.extend(followers.iter().map(|user_id| (*user_id, Cause::ThreadAnswer)));
    let mut user_ids = store::inbox::insert(tx.db(), &occurrence, &receivers).await?;
    if is_direct {
        user_ids.extend(store::inbox::insert_pings(tx.db(), &occurrence).await?);
    }
    Ok(user_ids)
}

/// Changes inboxes after a message was edited: who is no longer mentioned loses the entry, who is mentioned now gets one.
pub(super) async fn follow_edit(
    tx: &mut Tx,
    room_id: RoomId,
    message_id: MessageId,
    creator_id: UserId,
    (before, now): (&[UserId], &[UserId]),
) -> AppResult<()> {
    if before.is_empty() && now.is_empty() {
        return Ok(());
    }
    let mut changed: BTreeSet<_> = store::inbox::remove_mentions(tx.db(), message_id, now).await?.into_iter().collect();
    // Who was mentioned before has an entry, or had one.
    let added = now.iter().filter(|user_id| !before.contains(user_id)).map(|user_id| (*user_id, Cause::Mention));
    let occurrence = Occurrence { room_id, message_id, actor_id: Some(creator_id), content: "", at: tx.now_ms() };
    let mut receivers: Vec<_> = added.collect();
    if !changed.is_empty() {
        // The entry of a mention stood for the answer as well.
        let answered = store::messages::find_answered(tx.db(), message_id).await?;
        receivers.extend(answered.filter(|user_id| changed.contains(user_id)).map(|user_id| (user_id, Cause::Answer)));
    }
    changed.extend(store::inbox::insert(tx.db(), &occurrence, &receivers).await?);
    let user_ids = changed.into_iter().collect();
    Ok(tx.record(Fact::InboxChanged { user_ids, room_id: None }).await?)
}

/// Puts a boost into the inbox of the message's creator.
pub(super) async fn insert_boost(
    tx: &mut Tx,
    booster: &Member,
    message_id: MessageId,
    content: &BoostContent,
) -> AppResult<()> {
    let room_id = booster.room.id;
    let Some(creator_id) = store::messages::find_creator(tx.db(), room_id, message_id).await? else { return Ok(()) };
    let (actor_id, content) = (Some(booster.user.id), content.as_str());
    let occurrence = Occurrence { room_id, message_id, actor_id, content, at: tx.now_ms() };
    let user_ids = store::inbox::insert(tx.db(), &occurrence, &[(creator_id, Cause::Boost)]).await?;
    if !user_ids.is_empty()
        && let Some(entry_id) = store::inbox::find_pushed(tx.db(), creator_id, message_id).await?
    {
        tx.record(Fact::EntryNotifies { entry_id }).await?;
    }
    let answer = store::threads::find_answer(tx.db(), message_id).await?;
    let is_shown = answer.is_none_or(|(_, answer)| answer.in_room);
    Ok(tx.record(Fact::InboxChanged { user_ids, room_id: Some(room_id).filter(|_| is_shown) }).await?)
}

/// Takes a boost that was taken back out of the inbox of the message's creator.
pub(super) async fn remove_boost(
    tx: &mut Tx,
    booster_id: UserId,
    message_id: MessageId,
    content: &BoostContent,
) -> AppResult<()> {
    let user_ids = store::inbox::remove_boost(tx.db(), message_id, booster_id, content.as_str()).await?;
    Ok(tx.record(Fact::InboxChanged { user_ids, room_id: None }).await?)
}

/// A page of the user's inbox: the entries before `before`, or the newest ones, newest first, at most [`PAGE_SIZE`]; and
/// whether there are more.
///
/// # Errors
/// When the database does not answer.
pub async fn page(state: &AppState, current: &CurrentUser, before: Option<i64>) -> AppResult<(Vec<InboxEntry>, bool)> {
    let mut entries = store::inbox::page_before(state.db.reader(), current.user.id, before, PAGE_SIZE + 1).await?;
    let page_size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    let has_more = entries.len() > page_size;
    entries.truncate(page_size);
    Ok((entries, has_more))
}

/// Marks the user's entries up to the entry `up_to` as read: what came after the page was shown stays unread.
///
/// # Errors
/// Those of [`write_as`].
pub async fn mark_all_read(state: &AppState, current: &CurrentUser, up_to: i64) -> AppResult<()> {
    let mark = async move |tx: &mut Tx, user: User| {
        if store::inbox::mark_all_read(tx.db(), user.id, up_to).await? > 0 {
            tx.record(Fact::InboxChanged { user_ids: vec![user.id], room_id: None }).await?;
        } else {
            tx.changes_nothing_visible();
        }
        Ok(())
    };
    write_as(state, current, mark).await
}

/// The unread entries that displaying the newest page of the member's room reads, or the page at the message `at`; `None`
/// without any.
///
/// # Errors
/// When the database does not answer.
pub async fn find_shown(state: &AppState, member: &Member, at: Option<MessageId>) -> AppResult<Option<ShownEntries>> {
    Ok(store::inbox::find_shown(state.db.reader(), member.user.id, member.room.id, at).await?)
}

/// Marks the user's entries about the messages of a room from `first` to `last` as read: a page shows them. If there are
/// none, returns the counts; otherwise the user's tabs receive them. Not counted as one of the user's writes: pages send it
/// by themselves.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_shown(
    state: &AppState,
    current: &CurrentUser,
    room_id: RoomId,
    (first, last): (MessageId, MessageId),
) -> AppResult<Option<InboxCount>> {
    let user_id = current.user.id;
    // Most pages show none, and a read is cheaper than a write.
    if !store::inbox::has_shown(state.db.reader(), user_id, room_id, (first, last)).await? {
        return Ok(Some(store::inbox::count(state.db.reader(), user_id).await?));
    }
    let mark = async move |tx: &mut Tx| {
        store::inbox::mark_shown(tx.db(), user_id, room_id, (first, last)).await?;
        Ok(tx.record(Fact::InboxChanged { user_ids: vec![user_id], room_id: None }).await?)
    };
    write_checked_exempt(state, Exempt::StatementReadsIt, mark).await?;
    Ok(None)
}

/// How the user wants to hear of each cause.
///
/// # Errors
/// When the database does not answer.
pub async fn settings(state: &AppState, current: &CurrentUser) -> AppResult<Vec<(Cause, Delivery)>> {
    let chosen = store::inbox::list_settings(state.db.reader(), current.user.id).await?;
    let delivery = |cause: Cause| {
        let chosen = chosen.iter().find(|(of, _)| *of == cause).map(|(_, delivery)| *delivery);
        (cause, chosen.unwrap_or_else(|| cause.default_delivery()))
    };
    Ok(Cause::ALL.into_iter().map(delivery).collect())
}

/// Stores how the user wants to hear of causes.
///
/// # Errors
/// Those of [`write_as`].
pub async fn set_deliveries(
    state: &AppState,
    current: &CurrentUser,
    deliveries: Vec<(Cause, Delivery)>,
) -> AppResult<()> {
    let set = async move |tx: &mut Tx, user: User| {
        for (cause, delivery) in deliveries {
            store::inbox::set_delivery(tx.db(), user.id, cause, delivery).await?;
        }
        Ok(tx.record(Fact::InboxChanged { user_ids: vec![user.id], room_id: None }).await?)
    };
    write_as(state, current, set).await
}
