//! Threads: reading their pages, following them, and what an answer changes beside the message that it is.
//!
//! Answers are posted by [`messages::answer`](super::messages::answer). Whoever writes follows the thread, and so does the
//! author of the root from the first answer on; nobody else does.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::access::{CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{Anchor, Answer, Answering, Message, MessageId, RoomId, RoomKind, ThreadHead, UserId};
use crate::ops::permissions::{Exempt, write_as, write_checked_exempt};
use crate::protocol::{MessagePage, RoomPage, Timeline};
use crate::state::AppState;
use crate::store::messages::MAX_PAGE_BYTES;
use crate::store::threads::Root;
use crate::store::timelines::TimelineSnapshot;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

pub use crate::store::threads::{FollowedCursor, FollowedThread};

/// The size of the messages on each side of the one that a page is opened at, in bytes.
const HALF_PAGE_BYTES: usize = MAX_PAGE_BYTES / 2;

/// How many threads a page of the list has.
pub const LIST_PAGE_SIZE: usize = 40;

/// How many characters of a message the list shows.
const LIST_TEXT_CHARS: i64 = 160;

/// A thread in which an answer is being posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    /// Where the answer stands.
    pub(super) answer: Answer,
    /// The author of the root, if this is the first answer.
    first_for: Option<UserId>,
}

/// Finds or begins the thread that an answer belongs to, inside the write that posts it.
///
/// # Errors
/// `Invalid` in a direct room; `Conflict` when there is no such message in the room any more.
pub(super) async fn begin(tx: &mut Tx, member: &Member, answering: Answering) -> AppResult<Thread> {
    if member.room.kind == RoomKind::Direct {
        return Err(AppError::invalid("thread", "Pings have no threads. Reply to the message instead."));
    }
    let room_id = member.room.id;
    let root = store::threads::find_root(tx.db(), room_id, answering.message_id).await?;
    let Root { root_id, creator_id } = root.ok_or_else(gone)?;
    let is_first = store::threads::begin(tx.db(), room_id, root_id).await?;
    let answer = Answer { root_id, in_room: answering.in_room };
    Ok(Thread { answer, first_for: creator_id.filter(|_| is_first) })
}

fn gone() -> AppError {
    AppError::Conflict("The message that you answer was deleted meanwhile.".to_owned())
}

/// Counts an answer that was just inserted: its author follows the thread and has read it, and with the first answer the
/// author of the root follows it, too.
pub(super) async fn count_answer(
    tx: &mut Tx,
    member: &Member,
    Thread { answer: Answer { root_id, .. }, first_for }: Thread,
    answer_id: MessageId,
    at_ms: i64,
) -> AppResult<()> {
    let room_id = member.room.id;
    store::threads::count_answer(tx.db(), root_id, answer_id, at_ms).await?;
    if let Some(creator_id) = first_for.filter(|creator_id| *creator_id != member.user.id) {
        store::threads::follow(tx.db(), room_id, root_id, creator_id, MessageId(0)).await?;
    }
    Ok(store::threads::follow(tx.db(), room_id, root_id, member.user.id, answer_id).await?)
}

/// The root of the thread that a message of the member's room belongs to, or could begin: itself, unless it is an answer.
///
/// # Errors
/// `NotFound` when neither the message nor a thread that it began is in the room, or in a direct room.
pub async fn find_root(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessageId> {
    let mut reader = state.db.reader().acquire().await?;
    let root = store::threads::find_root(reader.db(), member.room.id, message_id).await?;
    reader.release();
    let root = root.filter(|_| member.room.kind != RoomKind::Direct);
    root.map(|root| root.root_id).ok_or(AppError::NotFound)
}

/// The thread that shows a message of the room which the room itself does not show; `None` for other messages.
///
/// # Errors
/// When the database does not answer.
pub async fn find_only_thread(
    state: &AppState,
    member: &Member,
    message_id: MessageId,
) -> AppResult<Option<MessageId>> {
    let answer = store::threads::find_answer(state.db.reader(), message_id).await?;
    Ok(answer.filter(|(room_id, answer)| *room_id == member.room.id && !answer.in_room).map(|(_, it)| it.root_id))
}

/// The data of a thread's page: its root and its answers at `anchor`, and the position in the event log they were read at.
///
/// # Errors
/// Those of [`find_root`].
pub async fn page(state: &AppState, member: &Member, root_id: MessageId, anchor: Anchor) -> AppResult<RoomPage> {
    let root_id = find_root(state, member, root_id).await?;
    let room_id = member.room.id;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let (end, max_bytes) = match anchor {
        Anchor::Newest => (MessageId(i64::MAX), MAX_PAGE_BYTES),
        Anchor::Before(message_id) => (message_id, MAX_PAGE_BYTES),
        Anchor::Around(message_id) => (message_id, HALF_PAGE_BYTES),
    };
    let snapshot = store::timelines::thread_before(&mut *db, member.user.id, room_id, root_id, end, max_bytes).await?;
    let TimelineSnapshot { cursor, page: MessagePage { mut messages, has_more: has_older }, first_unread, .. } =
        snapshot;
    let (mut target, mut has_newer) = (None, matches!(anchor, Anchor::Before(_)));
    let root = if has_older { None } else { store::messages::find(&mut *db, room_id, root_id).await? };
    let is_whole = end > root_id;
    messages.splice(0..0, root.filter(|_| is_whole));
    if let Anchor::Around(message_id) = anchor {
        let found = store::messages::find(&mut *db, room_id, message_id).await?;
        let answers = store::threads::list_answers(&mut *db, &[message_id]).await?;
        let is_here = message_id == root_id || answers.iter().any(|(_, answer)| answer.root_id == root_id);
        let found = found.filter(|_| is_here);
        target = found.as_ref().map(|message| message.id);
        messages.extend(found);
        let after = store::threads::page_after(&mut *db, root_id, message_id, HALF_PAGE_BYTES).await?;
        messages.extend(after.messages);
        has_newer = after.has_more;
    }
    let (has_answers, is_followed) = store::threads::find_head(&mut *db, root_id, member.user.id).await?;
    reader.release();
    for foreign in messages.iter_mut().filter(|message| message.creator_id != member.user.id) {
        foreign.client_message_id = None;
    }
    let messages = Arc::new(messages);
    let (thread, removed) = (Some(root_id), BTreeSet::new());
    Ok(RoomPage {
        room: member.room.clone(),
        involvement: member.involvement,
        timeline: Timeline {
            room_id,
            thread,
            messages,
            has_older,
            has_newer,
            cursor,
            removed,
            // The pins are those of the room, whose header is not shown.
            pins_html: String::new(),
            pins_seq: 0,
        },
        target,
        first_unread,
        thread: Some(ThreadHead { is_followed, has_answers }),
    })
}

/// The page of a thread that ends just before a message. The oldest one begins with the root.
///
/// # Errors
/// Those of [`find_root`].
pub async fn page_before(
    state: &AppState,
    member: &Member,
    root_id: MessageId,
    message_id: MessageId,
) -> AppResult<MessagePage> {
    let root_id = find_root(state, member, root_id).await?;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let mut page = store::threads::page_before(&mut *db, root_id, message_id, MAX_PAGE_BYTES).await?;
    if !page.has_more && message_id > root_id {
        let root: Option<Message> = store::messages::find(&mut *db, member.room.id, root_id).await?;
        page.messages.splice(0..0, root);
    }
    reader.release();
    Ok(page)
}

/// The page of a thread that begins just after a message.
///
/// # Errors
/// Those of [`find_root`].
pub async fn page_after(
    state: &AppState,
    member: &Member,
    root_id: MessageId,
    message_id: MessageId,
) -> AppResult<MessagePage> {
    let root_id = find_root(state, member, root_id).await?;
    let mut reader = state.db.reader().acquire().await?;
    let page = store::threads::page_after(reader.db(), root_id, message_id, MAX_PAGE_BYTES).await?;
    reader.release();
    Ok(page)
}

/// The newest answer of a thread; 0 without one.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_answer(state: &AppState, root_id: MessageId) -> AppResult<MessageId> {
    Ok(store::threads::newest(state.db.reader(), root_id).await?)
}

/// Makes the member follow a thread from now on, or no longer.
///
/// # Errors
/// `NotFound` when the thread has no answers, or the membership ended.
pub async fn set_followed(state: &AppState, member: &Member, root_id: MessageId, is_followed: bool) -> AppResult<()> {
    let change = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        let found = store::threads::find_summary(tx.db(), root_id).await?;
        found.filter(|thread| thread.room_id == room_id).ok_or(AppError::NotFound)?;
        let is_changed = if is_followed {
            let newest = store::threads::newest(tx.db(), root_id).await?;
            store::threads::follow(tx.db(), room_id, root_id, user_id, newest).await?;
            true
        } else {
            store::threads::unfollow(tx.db(), root_id, user_id).await?
        };
        if is_changed {
            tx.record(Fact::ThreadRead { user_id, room_id, root_id, news_count: 0 }).await?;
        } else {
            tx.changes_nothing_visible();
        }
        Ok(())
    };
    write_as(state, member, change).await
}

/// Marks a thread as read up to an answer, and what the user's inbox has of it. Not counted as one of the user's writes:
/// pages send it by themselves.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_read(
    state: &AppState,
    current: &CurrentUser,
    room_id: RoomId,
    root_id: MessageId,
    answer_id: MessageId,
) -> AppResult<()> {
    let user_id = current.user.id;
    // Nobody has read further than there is something: what is posted in the meantime stays unread.
    let answer_id = store::threads::newest(state.db.reader(), root_id).await?.min(answer_id);
    // Most reports say nothing new, and must not wait for the writer.
    let position = store::threads::find_read_position(state.db.reader(), root_id, user_id).await?;
    if position.is_none_or(|position| position >= answer_id)
        && !store::inbox::has_unread_of_thread(state.db.reader(), user_id, room_id, root_id, answer_id).await?
    {
        return Ok(());
    }
    let mark = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        if let Some(news_count) = store::threads::mark_read(tx.db(), room_id, root_id, user_id, answer_id).await? {
            tx.record(Fact::ThreadRead { user_id, room_id, root_id, news_count }).await?;
        }
        if store::inbox::mark_thread_shown(tx.db(), user_id, room_id, root_id, answer_id).await? > 0 {
            tx.record(Fact::InboxChanged { user_ids: vec![user_id], room_id: None }).await?;
        }
        Ok(())
    };
    write_checked_exempt(state, Exempt::StatementReadsIt, mark).await
}

/// The threads that the user follows, those with news first, after a place in the list; and the place after them, if there
/// are more.
///
/// # Errors
/// When the database does not answer.
pub async fn list_followed(
    state: &AppState,
    current: &CurrentUser,
    after: Option<FollowedCursor>,
) -> AppResult<(Vec<FollowedThread>, Option<FollowedCursor>)> {
    let limit = i64::try_from(LIST_PAGE_SIZE + 1).unwrap_or(i64::MAX);
    let db = state.db.reader();
    let mut threads = store::threads::list_followed(db, current.user.id, after, LIST_TEXT_CHARS, limit).await?;
    let has_more = threads.len() > LIST_PAGE_SIZE;
    threads.truncate(LIST_PAGE_SIZE);
    let last = threads.last().filter(|_| has_more).map(|last| (last.news_count > 0, last.last_answer_id));
    Ok((threads, last))
}
