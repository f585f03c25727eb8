//! Posting, editing, removing and reading messages.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::auth::Member;
use crate::changes::Change;
use crate::event::ServerFrame;
use crate::live::Announcement;
pub use crate::model::Posted;
use crate::model::{Anchor, ClientMessageId, Draft, Message, MessageId, Person, RoomId, User};
use crate::richtext::{self, Mention, Names, Rendered};
use crate::state::AppState;
use crate::store::events::{Event, Kind};
use crate::store::messages::{Inserted, NewMessage};
use crate::store::timelines::Stretch;
use crate::store::{self, Tx};
use crate::timeline::{MessagePage, RoomPage, Timeline};
use crate::{AppError, AppResult};

/// Bodies up to this size are rendered where they arrive, longer ones on a thread that may take its time.
const QUICK_BYTES: usize = 4 * 1_024;

/// What a page of the member's room shows: the asked stretch, and the place in the log it was read at.
///
/// A message that is not in the room, or no longer, gives the newest ones.
///
/// # Errors
/// When the database does not answer.
pub async fn room_page(state: &AppState, member: &Member, anchor: Anchor) -> AppResult<RoomPage> {
    let room_id = member.room.id;
    let mut reader = state.db.reader().acquire().await?;
    let db = reader.db();
    let newest = MessageId(i64::MAX);
    let end = match anchor {
        Anchor::Newest => newest,
        Anchor::Around(message_id) | Anchor::Before(message_id) => message_id,
    };
    // The place in the log comes with these messages, and the others later: what happens in between is told again.
    let mut stretch = store::timelines::before(&mut *db, member.user.id, room_id, end).await?;
    let mut target = None;
    if let Anchor::Around(message_id) = anchor {
        target = store::messages::find(&mut *db, room_id, message_id).await?;
        if target.is_none() {
            stretch = store::timelines::before(&mut *db, member.user.id, room_id, newest).await?;
        }
    }
    let Stretch { cursor, page: MessagePage { mut messages, has_more: has_older }, first_unread } = stretch;
    let mut has_newer = matches!(anchor, Anchor::Before(_));
    let target = match target {
        Some(message) => {
            let (message_id, after) = (message.id, store::messages::page_after(&mut *db, room_id, message.id).await?);
            messages.push(message);
            messages.extend(after.messages);
            has_newer = after.has_more;
            Some(message_id)
        }
        None => None,
    };
    reader.release();
    for foreign in messages.iter_mut().filter(|message| message.creator_id != member.user.id) {
        // It tells a browser that what it sent has arrived.
        foreign.client_message_id = None;
    }
    let messages = Arc::new(messages);
    let timeline = Timeline { room_id, messages, has_older, has_newer, cursor, removed: BTreeSet::new() };
    Ok(RoomPage { room: member.room.clone(), involvement: member.involvement, timeline, target, first_unread })
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
    let Rendered { body, mentions } = render(state, member.room.id, draft, Vec::new()).await?;
    let message = Arc::new(NewMessage {
        room_id: member.room.id,
        creator_id: member.user.id,
        client_message_id,
        sent_digest,
        body,
        created_at: state.clock.now_ms(),
    });
    let new = message.clone();
    let written = async move |tx: &mut Tx, inserted| follow_up(tx, inserted, &new, mentions).await;
    state.db.write_message(message, written).await
}

/// What is left to do once a new message is stored, or was not.
async fn follow_up(
    tx: &mut Tx,
    inserted: Option<Inserted>,
    new: &NewMessage,
    mentions: Vec<Mention>,
) -> AppResult<Posted> {
    let Some(Inserted { id, creator_name, seq, caught_up }) = inserted else {
        tx.changed(Change::Nothing);
        return sent_before(tx, new).await;
    };
    let (message, mentioned) = if mentions.is_empty() {
        (as_posted(id, new, creator_name), Vec::new())
    } else {
        let mentioned = store::mentions::replace(tx.db(), new.room_id, id, &mentions).await?;
        let stored = store::messages::find(tx.db(), new.room_id, id).await?;
        (stored.ok_or(AppError::Internal)?, mentioned)
    };
    let (at, room_id) = (new.created_at, new.room_id);
    tx.changed(Change::Posted(room_id));
    for user_id in mentioned.iter().copied().chain(caught_up.then_some(new.creator_id)) {
        tx.changed(Change::Person(user_id));
    }
    let frame = ServerFrame::MessagePosted { seq, at, message: message.clone() };
    tx.announce(Announcement::Room { room_id, frame });
    tx.announce(Announcement::Posted { room_id, message_id: id, creator_id: new.creator_id, mentioned });
    Ok(Posted::Stored(message))
}

/// What an earlier try made of a message that cannot be stored now, or why none can.
async fn sent_before(tx: &mut Tx, new: &NewMessage) -> AppResult<Posted> {
    store::memberships::find(tx.db(), new.creator_id, new.room_id).await?.ok_or(AppError::NotFound)?;
    let sent = store::messages::find_sent(tx.db(), new.creator_id, &new.client_message_id).await?;
    let sent = sent.ok_or(AppError::Internal)?;
    if sent.sent_digest != new.sent_digest {
        return Err(AppError::Conflict("That message's id was used for another message.".into()));
    }
    if sent.removed {
        return Ok(Posted::Removed(sent.message_id));
    }
    let stored = store::messages::find(tx.db(), new.room_id, sent.message_id).await?;
    stored.map(Posted::Stored).ok_or(AppError::Internal)
}

/// What a new message is before anything is stored beside it.
fn as_posted(id: MessageId, new: &NewMessage, creator_name: String) -> Message {
    Message {
        id,
        room_id: new.room_id,
        creator_id: new.creator_id,
        creator_name,
        client_message_id: Some(new.client_message_id.clone()),
        body_html: new.body.html.clone(),
        revision: 1,
        created_at: new.created_at,
        boosts_html: String::new(),
        boosts_seq: 0,
    }
}

/// A message of the member's room.
///
/// # Errors
/// `NotFound` when it is not there.
pub async fn find(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<Message> {
    store::messages::find(state.db.reader(), member.room.id, message_id).await?.ok_or(AppError::NotFound)
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

/// A message of the member's room as the beginning of an answer: its source quoted, who said it, and a link to it.
///
/// A quoted mention calls nobody again.
///
/// # Errors
/// `NotFound` when it is not in the member's room.
pub async fn quote(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<String> {
    let message =
        store::messages::find(state.db.reader(), member.room.id, message_id).await?.ok_or(AppError::NotFound)?;
    let source = store::messages::find_source(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
    Ok(richtext::quote(&source, &message.creator_name, &message.path()))
}

/// Gives a message another body. The same body again changes nothing.
///
/// # Errors
/// `NotFound` when it is gone or the membership ended, `Forbidden` unless it is the member's or they are an
/// administrator.
pub async fn edit(state: &AppState, member: &Member, message_id: MessageId, draft: Draft) -> AppResult<Message> {
    // Whoever the message names is known by that name still, also after taking another one.
    let known_as = store::mentions::list(state.db.reader(), message_id).await?;
    let Rendered { body, mentions } = render(state, member.room.id, draft, known_as).await?;
    let (member, now_ms) = (member.clone(), state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            let message = require_administration(tx, &member.user, member.room.id, message_id).await?;
            if store::messages::find_source(tx.db(), message_id).await?.as_ref() == Some(&body.source) {
                tx.changed(Change::Nothing);
                return Ok(message);
            }
            let room_id = message.room_id;
            store::messages::update(tx.db(), message_id, &body, now_ms).await?;
            // Whoever is no longer named hears of it with the next list of rooms; editing calls nobody.
            let named_before = store::mentions::list(tx.db(), message_id).await?;
            let named = store::mentions::replace(tx.db(), room_id, message_id, &mentions).await?;
            tx.changed(Change::Redrawn(room_id));
            for user_id in named_before.into_iter().map(|person| person.id).chain(named) {
                tx.changed(Change::Person(user_id));
            }
            let message = store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
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
        .write_checked(async move |tx| {
            match store::memberships::mark_read(tx.db(), user_id, room_id, message_id).await? {
                Some(message_id) => {
                    tx.changed(Change::Person(user_id));
                    tx.announce(Announcement::Person { user_id, frame: ServerFrame::Read { room_id, message_id } });
                }
                None => tx.changed(Change::Nothing),
            }
            Ok(())
        })
        .await
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

/// Makes a message, and what came after it, unread again for the person.
///
/// # Errors
/// `NotFound` when the message is not in the member's room.
pub async fn mark_unread(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let (user_id, room_id) = (member.user.id, member.room.id);
    state
        .db
        .write(async move |tx| {
            store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
            tx.changed(Change::Person(user_id));
            if store::memberships::mark_unread(tx.db(), user_id, room_id, message_id).await? {
                tx.announce(Announcement::Person { user_id, frame: ServerFrame::MarkedUnread { room_id, message_id } });
            }
            Ok(())
        })
        .await
}

/// What a draft would look like as a message of the member's room.
///
/// # Errors
/// When the database does not answer.
pub async fn preview(state: &AppState, member: &Member, draft: Draft) -> AppResult<String> {
    Ok(render(state, member.room.id, draft, Vec::new()).await?.body.html)
}

/// A draft in all its forms. It may name the people of the room, and those who are `known_as` something else there.
async fn render(state: &AppState, room_id: RoomId, draft: Draft, known_as: Vec<Person>) -> AppResult<Rendered> {
    let names = if draft.as_str().contains('@') {
        let mut people = store::memberships::list_people(state.db.reader(), room_id).await?;
        let members: HashSet<_> = people.iter().map(|person| person.id).collect();
        people.extend(known_as.into_iter().filter(|person| members.contains(&person.id)));
        Names::new(people)
    } else {
        Names::none()
    };
    let has_code = draft.as_str().contains("```") || draft.as_str().contains("~~~");
    if draft.as_str().len() <= QUICK_BYTES && !has_code {
        return Ok(richtext::render(&draft, &names));
    }
    tokio::task::spawn_blocking(move || richtext::render(&draft, &names)).await.map_err(|_| AppError::Internal)
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
    async fn a_mention_follows_the_name_of_the_person() {
        let world = testing::world().await;
        let (state, room_id) = (&world.state, world.all_talk.id);
        let message = world.post(&world.ada, room_id, "hi @bob").await;
        assert!(message.body_html.contains(">@Bob</a>"), "{}", message.body_html);
        let bob_id = world.bob.id;
        let rename = async move |tx: &mut Tx| {
            sqlx::query("UPDATE users SET name = 'Robert' WHERE id = $1").bind(bob_id).execute(tx.db()).await?;
            Ok(())
        };
        state.db.write(rename).await.unwrap();
        let ada = world.member(&world.ada, room_id).await;
        let shown = || async { room_page(state, &ada, Anchor::Newest).await.unwrap().timeline.messages[0].clone() };
        assert!(shown().await.body_html.contains(">@Robert</a>"));
        let edited = edit(state, &ada, message.id, "hi @bob, again".parse().unwrap()).await.unwrap();
        assert!(edited.body_html.contains(">@Robert</a>, again"), "the old name is known in this message");
        assert!(!world.post(&world.ada, room_id, "hi @bob").await.body_html.contains("mention"), "and in no other");
    }

    #[tokio::test]
    async fn only_those_in_the_room_are_mentioned() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let ada = world.member(&world.ada, room.id).await;
        let message = world.post(&world.ada, room.id, "@Bob and @Cleo").await;
        assert!(message.body_html.contains(">@Bob</a> and @Cleo"), "{}", message.body_html);
        let bob = world.member(&world.bob, room.id).await;
        crate::ops::rooms::leave(&world.state, &bob).await.unwrap();
        assert!(!world.post(&world.ada, room.id, "@Bob").await.body_html.contains("mention"));
        let edited = edit(&world.state, &ada, message.id, "@Bob, @Cleo".parse().unwrap()).await.unwrap();
        assert!(!edited.body_html.contains("mention"), "who left is named no more");
    }

    #[tokio::test]
    async fn what_was_read_can_be_unread() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(world.post(&world.ada, room_id, &format!("{number}")).await.id);
        }
        mark_read(&world.state, &world.bob, room_id, ids[2]).await.unwrap();
        let bob = world.member(&world.bob, room_id).await;
        mark_unread(&world.state, &bob, ids[1]).await.unwrap();
        let page = room_page(&world.state, &bob, Anchor::Newest).await.unwrap();
        assert_eq!(page.first_unread, Some(ids[1]));
        assert!(world.sidebar(world.bob.id).await[0].unread);
        assert_eq!(mark_unread(&world.state, &bob, MessageId(99)).await, Err(AppError::NotFound));
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

    #[tokio::test]
    async fn a_page_tells_which_of_ones_own_messages_arrived_and_nobody_elses() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let own = world.post(&world.ada, room_id, "mine").await;
        world.post(&world.bob, room_id, "yours").await;
        let member = world.member(&world.ada, room_id).await;
        let page = room_page(&world.state, &member, Anchor::Newest).await.unwrap();
        let shown: Vec<_> = page.timeline.messages.iter().map(|message| &message.client_message_id).collect();
        assert!(own.client_message_id.is_some());
        assert_eq!(shown, [&own.client_message_id, &None]);
    }
}
