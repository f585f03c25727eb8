//! Synchronising a browser: its rooms when it connects, and the changes in a room since a position in the event log.

use std::collections::HashMap;

use crate::access::CurrentUser;
use crate::model::{Answer, Involvement, Message, MessageId, RoomId, SidebarRoom};
use crate::protocol::{Cursor, ServerEvent};
use crate::richtext::pins_html;
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// Maximum number of changed messages that are sent one by one; above it, loading the page again is cheaper.
const MAX_CHANGES: i64 = 200;

/// Maximum size of the changes that are sent one by one, in bytes of their HTML.
const MAX_CHANGES_BYTES: usize = 512 * 1024;

/// The size at which a piece of changes ends, in bytes of their HTML: about what the kernel takes for a socket at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The changes in a room since a cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum CatchUp {
    /// The changes, to be read piece by piece.
    Changes(Changes),
    /// The log does not cover the cursor, or the changes are more than 200 messages or 512 KiB: the page's data must be
    /// loaded again.
    Resync,
}

/// The messages of a room that changed since a cursor. Holds only their ids: what was read waits for the socket, and must
/// be little.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// The room.
    pub room_id: RoomId,
    /// The position in the event log up to which the changes are complete.
    pub position: Cursor,
    since: Cursor,
    /// The changed messages that were not read yet, and the size of each; the next one last.
    remaining: Vec<(MessageId, usize)>,
    read_bytes: usize,
    /// Whether the pins changed, and were not read yet.
    has_pins: bool,
}

/// The first event of a socket: the user, the account, and the user's rooms.
///
/// # Errors
/// `SignedOut` when the user is no longer active, `NotFound` without an account.
pub async fn rooms(state: &AppState, current: &CurrentUser) -> AppResult<ServerEvent> {
    let db = state.db.reader();
    let user_id = current.user.id;
    let viewer = store::users::find(db, user_id).await?.ok_or(AppError::SignedOut)?;
    let layout = store::layouts::find(db, user_id, 0).await?.ok_or(AppError::NotFound)?;
    let store::layouts::Layout { account, rooms, inbox, .. } = layout;
    Ok(ServerEvent::Rooms { viewer, account, rooms, inbox })
}

/// Whether the user is a member of the room, read from the database and not from the cache.
///
/// # Errors
/// When the database does not answer.
pub async fn is_member(state: &AppState, current: &CurrentUser, room_id: RoomId) -> AppResult<bool> {
    Ok(store::memberships::find(state.db.reader(), current.user.id, room_id).await?.is_some())
}

/// A room as the user's sidebar shows it; `None` if the user is not a member, or has hidden it.
///
/// # Errors
/// When the database does not answer.
pub async fn sidebar_room(state: &AppState, current: &CurrentUser, room_id: RoomId) -> AppResult<Option<SidebarRoom>> {
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let found = store::memberships::find(&mut *db, current.user.id, room_id).await?;
    let is_shown = found.is_some_and(|(_, involvement)| involvement != Involvement::Invisible);
    let room = if is_shown { store::rooms::sidebar_entry(db, current.user.id, room_id).await? } else { None };
    reader.release();
    Ok(room)
}

/// The messages of the room that changed after `cursor`.
///
/// # Errors
/// `NotFound` when the user is not a member of the room.
pub async fn catch_up(state: &AppState, current: &CurrentUser, room_id: RoomId, cursor: &Cursor) -> AppResult<CatchUp> {
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    store::memberships::find(&mut *db, current.user.id, room_id).await?.ok_or(AppError::NotFound)?;
    // The position is read first: changes committed after it are sent again as live events.
    let position = store::events::room_cursor(&mut *db, room_id).await?;
    if !store::events::covers(&mut *db, cursor).await? {
        return Ok(CatchUp::Resync);
    }
    let mut remaining = store::events::messages_since(&mut *db, room_id, cursor.seq, MAX_CHANGES + 1).await?;
    // A change of pins names its message.
    let has_pins = !remaining.is_empty() && store::events::has_pins_since(&mut *db, room_id, cursor.seq).await?;
    reader.release();
    let is_long = i64::try_from(remaining.len()).is_ok_and(|count| count > MAX_CHANGES);
    if is_long || remaining.iter().map(|(_, bytes)| bytes).sum::<usize>() > MAX_CHANGES_BYTES {
        return Ok(CatchUp::Resync);
    }
    remaining.reverse();
    Ok(CatchUp::Changes(Changes { room_id, position, since: cursor.clone(), remaining, read_bytes: 0, has_pins }))
}

/// What follows in a catch-up.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The state of some changed messages.
    Piece(Vec<ServerEvent>),
    /// All changes have been read.
    Complete,
    /// The messages have grown beyond 512 KiB meanwhile: the page's data must be loaded again.
    Resync,
}

/// Reads the next piece of changes: the state of each message now. The caller sends it only while the user is still a
/// member of the room.
///
/// # Errors
/// When the database does not answer.
pub async fn next_piece(state: &AppState, changes: &mut Changes) -> AppResult<Next> {
    let Changes { room_id, since: Cursor { seq, at, .. }, .. } = *changes;
    if std::mem::take(&mut changes.has_pins) {
        let pins_html = pins_html(room_id, &store::pins::summary(state.db.reader(), room_id).await?);
        return Ok(Next::Piece(vec![ServerEvent::PinsChanged { seq, at, room_id, pins_html }]));
    }
    let mut message_ids = Vec::new();
    let mut piece_bytes = 0;
    while let Some((message_id, bytes)) =
        changes.remaining.pop_if(|(_, bytes)| message_ids.is_empty() || piece_bytes + *bytes <= PIECE_BYTES)
    {
        message_ids.push(message_id);
        piece_bytes += bytes;
    }
    if message_ids.is_empty() {
        return Ok(Next::Complete);
    }
    let found = store::messages::list(state.db.reader(), &message_ids).await?;
    // Edits, boosts and longer names may have come since the messages were measured.
    changes.read_bytes += found.iter().map(Message::html_bytes).sum::<usize>();
    if changes.read_bytes > MAX_CHANGES_BYTES {
        return Ok(Next::Resync);
    }
    let answers = store::threads::list_answers(state.db.reader(), &message_ids).await?;
    let answers: HashMap<_, _> = answers.into_iter().collect();
    let mut found: HashMap<_, _> = found.into_iter().map(|message| (message.id, message)).collect();
    // What answers these messages shows their words, and did not change by itself.
    let lines = store::messages::list_reply_lines(state.db.reader(), room_id, &message_ids).await?;
    let events = message_ids.into_iter().flat_map(|message_id| {
        let Some(message) = found.remove(&message_id) else {
            return vec![ServerEvent::MessageRemoved { seq, at, room_id, message_id }];
        };
        let in_thread = |Answer { root_id, .. }: &Answer| {
            let (root_id, message) = (*root_id, message.clone());
            ServerEvent::ThreadAnswer { seq, at, root_id, is_new: false, message }
        };
        let answer = answers.get(&message_id);
        let mut events: Vec<_> = answer.map(in_thread).into_iter().collect();
        if answer.is_none_or(|answer| answer.in_room) {
            events.push(ServerEvent::MessageEdited { seq, at, message });
        }
        events
    });
    changes.read_bytes += lines.iter().map(|(_, reply_html)| reply_html.len()).sum::<usize>();
    let reply_changed =
        |(message_id, reply_html): (MessageId, String)| ServerEvent::ReplyChanged { room_id, message_id, reply_html };
    Ok(Next::Piece(events.chain(lines.into_iter().map(reply_changed)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, World};

    async fn cursor(world: &World) -> Cursor {
        store::events::room_cursor(world.state.db.reader(), world.all_talk.id).await.unwrap()
    }

    async fn changes_since(world: &World, cursor: &Cursor) -> Option<Changes> {
        match catch_up(&world.state, &testing::current(&world.bob), world.all_talk.id, cursor).await.unwrap() {
            CatchUp::Changes(changes) => Some(changes),
            CatchUp::Resync => None,
        }
    }

    fn sizes(events: &[ServerEvent]) -> usize {
        let size = |event: &ServerEvent| match event {
            ServerEvent::MessageEdited { message, .. } => message.html_bytes(),
            _ => 0,
        };
        events.iter().map(size).sum()
    }

    #[tokio::test]
    async fn changes_are_read_in_small_pieces_in_order() {
        let world = testing::world().await;
        let before = cursor(&world).await;
        let mut posted = Vec::new();
        for number in 0..30 {
            let words = if number % 3 == 0 { "a ".repeat(14_000) } else { "hello".into() };
            posted.push(world.post(&world.ada, world.all_talk.id, &words).await.id);
        }
        let member = world.member(&world.ada, world.all_talk.id).await;
        crate::ops::messages::remove(&world.state, &member, posted[4]).await.unwrap();
        let mut changes = changes_since(&world, &before).await.unwrap();
        let (mut received, mut piece_count) = (Vec::new(), 0);
        loop {
            match next_piece(&world.state, &mut changes).await.unwrap() {
                Next::Piece(events) => {
                    assert!(sizes(&events) <= PIECE_BYTES);
                    piece_count += 1;
                    received.extend(events);
                }
                Next::Complete => break,
                Next::Resync => panic!("280 KB are no reason"),
            }
        }
        let ids: Vec<_> = received
            .iter()
            .map(|event| match event {
                ServerEvent::MessageEdited { message, .. } => message.id,
                ServerEvent::MessageRemoved { message_id, .. } => *message_id,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, posted);
        assert!(matches!(received[4], ServerEvent::MessageRemoved { .. }));
        assert!((4..10).contains(&piece_count), "{piece_count}");
        assert_eq!(changes.position, cursor(&world).await);
    }

    #[tokio::test]
    async fn changes_of_more_than_512_kib_are_not_sent_one_by_one() {
        let world = testing::world().await;
        let before = cursor(&world).await;
        let words = "a ".repeat(15_900);
        for _ in 0..16 {
            world.post(&world.ada, world.all_talk.id, &words).await;
        }
        assert!(changes_since(&world, &before).await.is_some());
        world.post(&world.ada, world.all_talk.id, &words).await;
        assert_eq!(changes_since(&world, &before).await, None);
    }

    #[tokio::test]
    async fn boosts_and_names_count_for_the_size_of_changes() {
        let world = testing::world().await;
        let before = cursor(&world).await;
        let mut posted = Vec::new();
        for _ in 0..12 {
            posted.push(world.post(&world.ada, world.all_talk.id, &"@Bob ".repeat(400)).await.id);
        }
        let mut changes = changes_since(&world, &before).await.unwrap();
        // The names in the mentions were short when the messages were measured.
        let mut other = world.other_connection().await;
        let rename = sqlx::query("UPDATE users SET name = $1 WHERE id = $2").bind("&".repeat(100)).bind(world.bob.id);
        rename.execute(&mut other).await.unwrap();
        let mut next = next_piece(&world.state, &mut changes).await.unwrap();
        while matches!(next, Next::Piece(_)) {
            next = next_piece(&world.state, &mut changes).await.unwrap();
        }
        assert_eq!(next, Next::Resync);
        let insert = "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 900)
                      INSERT INTO boosts (message_id, booster_id, content, created_at) SELECT $1, $2, 'x' || number, 0 FROM numbers";
        sqlx::query(insert).bind(posted[0]).bind(world.ada.id).execute(&mut other).await.unwrap();
        assert_eq!(changes_since(&world, &before).await, None, "900 boosts");
    }
}
