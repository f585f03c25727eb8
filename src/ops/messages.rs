//! Posting, editing, removing and reading messages.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::auth::Member;
use crate::event::ServerFrame;
use crate::live::Announcement;
use crate::model::{ClientMessageId, Draft, Message, MessageId, RoomId, User, UserId};
use crate::richtext;
use crate::state::AppState;
use crate::store::events::{Event, Kind};
use crate::store::messages::{Body, NewMessage};
use crate::store::{self, Tx};
use crate::timeline::{MessagePage, RoomPage, Timeline};
use crate::{AppError, AppResult};

/// Bodies up to this size are rendered where they arrive, longer ones on a thread that may take its time.
const QUICK_BYTES: usize = 4 * 1_024;

/// Which stretch of a room is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those around a message, which is marked.
    Around(MessageId),
    /// Those just before a message.
    Before(MessageId),
}

/// What a page of the member's room shows: the asked stretch, and the place in the log it was read at.
///
/// A message that is not in the room, or no longer, gives the newest ones.
///
/// # Errors
/// When the database does not answer.
pub async fn room_page(state: &AppState, member: &Member, anchor: Anchor) -> AppResult<RoomPage> {
    let room_id = member.room.id;
    let mut reader = state.db.reader().acquire().await?;
    // The place first, the messages second: what happens in between is told again, never missed.
    let cursor = store::events::room_cursor(&mut *reader, room_id).await?;
    let mut target = None;
    let (page, has_newer) = match anchor {
        Anchor::Before(message_id) => (store::messages::page_before(&mut *reader, room_id, message_id).await?, true),
        Anchor::Newest => (store::messages::page_last(&mut *reader, room_id).await?, false),
        Anchor::Around(message_id) => match store::messages::find(&mut *reader, room_id, message_id).await? {
            Some(message) => {
                target = Some(message_id);
                let mut page = store::messages::page_before(&mut *reader, room_id, message_id).await?;
                let after = store::messages::page_after(&mut *reader, room_id, message_id).await?;
                page.messages.push(message);
                page.messages.extend(after.messages);
                (page, after.has_more)
            }
            None => (store::messages::page_last(&mut *reader, room_id).await?, false),
        },
    };
    let timeline = Timeline {
        room_id,
        messages: page.messages,
        has_older: page.has_more,
        has_newer,
        cursor,
        removed: BTreeSet::new(),
    };
    Ok(RoomPage { room: member.room.clone(), involvement: member.involvement, timeline, target })
}

/// The page of messages before `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_before(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    Ok(store::messages::page_before(state.db.reader(), member.room.id, message_id).await?)
}

/// The page of messages after `message_id`.
///
/// # Errors
/// When the database does not answer.
pub async fn page_after(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<MessagePage> {
    Ok(store::messages::page_after(state.db.reader(), member.room.id, message_id).await?)
}

/// What became of a message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is in the room, perhaps since an earlier try, perhaps edited since.
    Stored(Message),
    /// An earlier try stored it, and it was removed since. It is not stored again.
    Removed(MessageId),
}

/// Posts `draft` in the member's room and tells everyone listening.
///
/// Sending the same `client_message_id` with the same words again answers with what the first try made.
///
/// # Errors
/// `Conflict` when that id was used for other words or another room, `NotFound` when the membership ended meanwhile.
pub async fn post(
    state: &AppState,
    member: &Member,
    client_message_id: ClientMessageId,
    draft: Draft,
) -> AppResult<Posted> {
    let sent_digest = digest(member.room.id, &draft);
    let message = NewMessage {
        room_id: member.room.id,
        creator_id: member.user.id,
        client_message_id,
        sent_digest,
        body: render(draft).await?,
        created_at: state.clock.now_ms(),
    };
    let creator_name = member.user.name.clone();
    state.db.write(async move |tx| store_once(tx, message, creator_name).await).await
}

async fn store_once(tx: &mut Tx, new: NewMessage, creator_name: String) -> AppResult<Posted> {
    require_membership(tx, &new).await?;
    if let Some(sent) = store::messages::find_sent(tx.db(), new.creator_id, &new.client_message_id).await? {
        if sent.sent_digest != new.sent_digest {
            return Err(AppError::Conflict("That message's id was used for another message.".into()));
        }
        if sent.removed {
            return Ok(Posted::Removed(sent.message_id));
        }
        let stored = store::messages::find(tx.db(), new.room_id, sent.message_id).await?;
        return stored.map(Posted::Stored).ok_or(AppError::Internal);
    }

    let id = store::messages::insert(tx.db(), &new).await?;
    let message = Message {
        id,
        room_id: new.room_id,
        creator_id: new.creator_id,
        creator_name,
        client_message_id: new.client_message_id,
        body_html: new.body.html,
        revision: 1,
        created_at: new.created_at,
    };
    let mentioned = note_mentions(tx, new.room_id, id, &new.body.text).await?;
    let event = Event { kind: Kind::MessagePosted, room_id: new.room_id, message_id: Some(id), user_id: None };
    let (at, room_id) = (new.created_at, new.room_id);
    let seq = store::events::append(tx.db(), event, at).await?;
    let frame = ServerFrame::MessagePosted { seq, at, message: message.clone() };
    tx.announce(Announcement::Room { room_id, frame });
    tx.announce(Announcement::Posted { room_id, message_id: id, creator_id: new.creator_id, mentioned });
    Ok(Posted::Stored(message))
}

/// Notes which members of the room a message names, and answers with them.
async fn note_mentions(tx: &mut Tx, room_id: RoomId, message_id: MessageId, text: &str) -> AppResult<Vec<UserId>> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let people = store::memberships::list_people(tx.db(), room_id).await?;
    let mentioned = richtext::mentioned(text, &people);
    store::mentions::replace(tx.db(), room_id, message_id, &mentioned).await?;
    Ok(mentioned)
}

/// What the author of a message typed, for editing it.
///
/// # Errors
/// `NotFound` when it is not in the member's room, `Forbidden` unless it is theirs or they are an administrator.
pub async fn source(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<(Message, String)> {
    let message =
        store::messages::find(state.db.reader(), member.room.id, message_id).await?.ok_or(AppError::NotFound)?;
    if !member.user.may_administer(message.creator_id) {
        return Err(AppError::Forbidden);
    }
    let source = store::messages::find_source(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    Ok((message, source))
}

/// Gives a message another body. The same body again changes nothing.
///
/// # Errors
/// `NotFound` when it is gone or the membership ended, `Forbidden` unless it is the member's or they are an
/// administrator.
pub async fn edit(state: &AppState, member: &Member, message_id: MessageId, draft: Draft) -> AppResult<Message> {
    let (body, member, now_ms) = (render(draft).await?, member.clone(), state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            let message = require_administration(tx, &member.user, member.room.id, message_id).await?;
            if store::messages::find_source(tx.db(), message_id).await?.as_ref() == Some(&body.source) {
                return Ok(message);
            }
            store::messages::update(tx.db(), message_id, &body, now_ms).await?;
            // Whoever is no longer named hears of it with the next list of rooms; editing calls nobody.
            store::mentions::remove_all_of(tx.db(), message_id).await?;
            note_mentions(tx, message.room_id, message_id, &body.text).await?;
            let message = Message { body_html: body.html, revision: message.revision + 1, ..message };
            let room_id = message.room_id;
            let event = Event { kind: Kind::MessageEdited, room_id, message_id: Some(message_id), user_id: None };
            let seq = store::events::append(tx.db(), event, now_ms).await?;
            let frame = ServerFrame::MessageEdited { seq, at: now_ms, message: message.clone() };
            tx.announce(Announcement::Room { room_id, frame });
            Ok(message)
        })
        .await
}

/// Removes a message for everyone.
///
/// # Errors
/// `NotFound` when it is gone or the membership ended, `Forbidden` unless it is the member's or they are an
/// administrator.
pub async fn remove(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let (member, now_ms) = (member.clone(), state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            let room_id = member.room.id;
            require_administration(tx, &member.user, room_id, message_id).await?;
            store::messages::remove(tx.db(), room_id, message_id).await?;
            let event = Event { kind: Kind::MessageRemoved, room_id, message_id: Some(message_id), user_id: None };
            let seq = store::events::append(tx.db(), event, now_ms).await?;
            let frame = ServerFrame::MessageRemoved { seq, at: now_ms, room_id, message_id };
            tx.announce(Announcement::Room { room_id, frame });
            Ok(())
        })
        .await
}

/// Notes that the person has read a room up to a message; their other tabs hear of it.
///
/// # Errors
/// When the database does not answer. Rooms the person is not in are passed over.
pub async fn mark_read(state: &AppState, user: &User, room_id: RoomId, message_id: MessageId) -> AppResult<()> {
    let user_id = user.id;
    state
        .db
        .write(async move |tx| {
            if let Some(message_id) = store::memberships::mark_read(tx.db(), user_id, room_id, message_id).await? {
                tx.announce(Announcement::Person { user_id, frame: ServerFrame::Read { room_id, message_id } });
            }
            Ok(())
        })
        .await
}

async fn require_membership(tx: &mut Tx, message: &NewMessage) -> AppResult<()> {
    let found = store::memberships::find(tx.db(), message.creator_id, message.room_id).await?;
    found.map(drop).ok_or(AppError::NotFound)
}

/// The message, if the person is still in its room and may change it.
async fn require_administration(
    tx: &mut Tx,
    user: &User,
    room_id: RoomId,
    message_id: MessageId,
) -> AppResult<Message> {
    store::memberships::find(tx.db(), user.id, room_id).await?.ok_or(AppError::NotFound)?;
    let message = store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
    if !user.may_administer(message.creator_id) {
        return Err(AppError::Forbidden);
    }
    Ok(message)
}

async fn render(draft: Draft) -> AppResult<Body> {
    if draft.as_str().len() <= QUICK_BYTES {
        return Ok(richtext::render(&draft));
    }
    tokio::task::spawn_blocking(move || richtext::render(&draft)).await.map_err(|_| AppError::Internal)
}

/// What a retry must repeat to be one.
fn digest(room_id: RoomId, draft: &Draft) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(room_id.0.to_be_bytes());
    hasher.update(draft.as_str());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn id(number: u64) -> ClientMessageId {
        ClientMessageId::v7(number, [0; 10])
    }

    /// Who posts and who is let in or out race a thousand times; the log says in which order they came.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_posts_where_they_are_not() {
        use crate::ops::rooms::{self, Audience};
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let (ada, bob) = (world.member(&world.ada, room.id).await, world.member(&world.bob, room.id).await);
        let (mut refused_count, mut stored_count) = (0, 0);
        for round in 0..1_000_u64 {
            let chosen = if round % 2 == 0 { vec![ada.user.id] } else { vec![ada.user.id, bob.user.id] };
            let change = async {
                for _ in 0..round % 3 {
                    tokio::task::yield_now().await;
                }
                rooms::change(&world.state, &ada, "Room".parse().unwrap(), Audience::Chosen(chosen)).await.unwrap();
            };
            let id = ClientMessageId::v7(round, [1; 10]);
            let post = async {
                for _ in 0..round / 3 % 3 {
                    tokio::task::yield_now().await;
                }
                post(&world.state, &bob, id, "hello".parse().unwrap()).await
            };
            match tokio::join!(change, post).1 {
                Ok(Posted::Stored(_)) => stored_count += 1,
                Err(AppError::NotFound) => refused_count += 1,
                other => panic!("{other:?}"),
            }
        }
        let log: Vec<(String, Option<i64>)> = sqlx::query_as(
            "SELECT kind, user_id FROM events WHERE room_id = $1 AND kind <> 'room_changed' ORDER BY seq",
        )
        .bind(room.id)
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        let (mut inside, mut posted_count) = (false, 0);
        for (kind, user_id) in log {
            match (kind.as_str(), user_id) {
                ("membership_granted", Some(id)) if id == bob.user.id.0 => inside = true,
                ("membership_revoked", Some(id)) if id == bob.user.id.0 => inside = false,
                ("message_posted", _) => {
                    assert!(inside, "a message of somebody who was not in the room");
                    posted_count += 1;
                }
                _ => {}
            }
        }
        assert_eq!(posted_count, stored_count);
        assert!(stored_count > 100 && refused_count > 100, "{stored_count} stored, {refused_count} refused");
    }

    #[tokio::test]
    async fn sending_again_answers_the_same_and_stores_once() {
        let world = testing::world().await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let send = async |words: &str| post(&world.state, &member, id(1), words.parse().unwrap()).await;
        let first = send("hello").await.unwrap();
        assert_eq!(send("hello").await.unwrap(), first);
        assert!(matches!(send("other words").await, Err(AppError::Conflict(_))));

        let many = futures::future::join_all((0..10).map(|_| send("hello"))).await;
        assert!(many.into_iter().all(|again| again.as_ref() == Ok(&first)));
        let page = store::messages::page_last(world.state.db.reader(), world.all_talk.id).await.unwrap();
        assert_eq!(page.messages.len(), 1);
    }

    #[tokio::test]
    async fn an_id_is_its_authors_own_and_belongs_to_one_room() {
        let world = testing::world().await;
        let (ada, bob) =
            (world.member(&world.ada, world.all_talk.id).await, world.member(&world.bob, world.all_talk.id).await);
        let draft = || "hello".parse::<Draft>().unwrap();
        post(&world.state, &ada, id(1), draft()).await.unwrap();
        assert!(matches!(post(&world.state, &bob, id(1), draft()).await, Ok(Posted::Stored(_))));
        let other = world.open_closed_room("Other", &[]).await;
        let elsewhere = world.member(&world.ada, other.id).await;
        assert!(matches!(post(&world.state, &elsewhere, id(1), draft()).await, Err(AppError::Conflict(_))));
    }

    #[tokio::test]
    async fn a_late_retry_neither_undoes_an_edit_nor_brings_back_what_was_removed() {
        let world = testing::world().await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let send = async || post(&world.state, &member, id(1), "hello".parse().unwrap()).await.unwrap();
        let Posted::Stored(message) = send().await else { panic!("stored") };
        let edited = edit(&world.state, &member, message.id, "goodbye".parse().unwrap()).await.unwrap();
        assert_eq!(edited.revision, 2);
        assert_eq!(send().await, Posted::Stored(edited));
        remove(&world.state, &member, message.id).await.unwrap();
        assert_eq!(send().await, Posted::Removed(message.id));
        assert!(matches!(post(&world.state, &member, id(1), "x".parse().unwrap()).await, Err(AppError::Conflict(_))));
    }

    #[tokio::test]
    async fn only_the_author_or_an_administrator_edits_and_removes() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let of_bob = world.post(&world.bob, room_id, "bob's").await;
        let (ada, cleo) = (world.member(&world.ada, room_id).await, world.member(&world.cleo, room_id).await);
        let draft = || "changed".parse::<Draft>().unwrap();
        assert_eq!(edit(&world.state, &cleo, of_bob.id, draft()).await, Err(AppError::Forbidden));
        assert_eq!(remove(&world.state, &cleo, of_bob.id).await, Err(AppError::Forbidden));
        assert_eq!(source(&world.state, &cleo, of_bob.id).await, Err(AppError::Forbidden));
        assert_eq!(edit(&world.state, &ada, of_bob.id, draft()).await.unwrap().body_html, "<p>changed</p>");
        remove(&world.state, &ada, of_bob.id).await.unwrap();
        assert_eq!(remove(&world.state, &ada, of_bob.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn a_message_is_out_of_reach_through_another_room() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "hello").await;
        let other = world.open_closed_room("Other", &[]).await;
        let elsewhere = world.member(&world.ada, other.id).await;
        assert_eq!(remove(&world.state, &elsewhere, message.id).await, Err(AppError::NotFound));
        assert_eq!(source(&world.state, &elsewhere, message.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn who_lost_the_room_cannot_post_with_an_old_membership() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let bob = world.member(&world.bob, room.id).await;
        let ada = world.member(&world.ada, room.id).await;
        super::super::rooms::change(
            &world.state,
            &ada,
            "Room".parse().unwrap(),
            super::super::rooms::Audience::Chosen(vec![world.ada.id]),
        )
        .await
        .unwrap();
        assert_eq!(post(&world.state, &bob, id(1), "hello".parse().unwrap()).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn an_edit_to_the_same_words_is_no_event() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "hello").await;
        let member = world.member(&world.ada, world.all_talk.id).await;
        let before = store::events::room_cursor(world.state.db.reader(), message.room_id).await.unwrap();
        assert_eq!(edit(&world.state, &member, message.id, "hello".parse().unwrap()).await, Ok(message.clone()));
        assert_eq!(store::events::room_cursor(world.state.db.reader(), message.room_id).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_page_around_a_message_has_forty_on_each_side() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for number in 0..100 {
            ids.push(world.post(&world.ada, room_id, &format!("{number}")).await.id);
        }
        let member = world.member(&world.ada, room_id).await;
        let around = room_page(&world.state, &member, Anchor::Around(ids[50])).await.unwrap();
        assert_eq!(around.target, Some(ids[50]));
        let shown: Vec<_> = around.timeline.messages.iter().map(|message| message.id).collect();
        assert_eq!(shown, ids[10..=90]);
        assert!(around.timeline.has_older && around.timeline.has_newer);

        let first = room_page(&world.state, &member, Anchor::Around(ids[0])).await.unwrap();
        assert_eq!(first.timeline.messages.len(), 41);
        assert!(!first.timeline.has_older);
        let gone = room_page(&world.state, &member, Anchor::Around(MessageId(9_999))).await.unwrap();
        assert_eq!((gone.target, gone.timeline.messages.len(), gone.timeline.has_newer), (None, 40, false));
    }
}
