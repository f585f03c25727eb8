//! Messages: a room is read by pages of [`PAGE_SIZE`], in the order of the ids.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sqlx::types::Json;
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::{
    Boost, BoostContent, ClientMessageId, Message, MessageId, PAGE_SIZE, Person, RoomId, UserId, group_boosts, hex,
};
use crate::protocol::MessagePage;
use crate::richtext::{self, Body};
use crate::store::events::EventKind;

/// What is stored of a new message.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub room_id: RoomId,
    pub creator_id: UserId,
    pub client_message_id: ClientMessageId,
    pub sent_digest: [u8; 32],
    pub body: Body,
    pub created_at: i64,
}

/// What became of an earlier message with the same client message id.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sent {
    pub message_id: MessageId,
    pub sent_digest: Vec<u8>,
    pub removed: bool,
}

/// The messages that `$which` leaves of all, and what is stored beside them: [`Found`], after `$beside`, what else the
/// statement answers.
///
/// JSON arrays in one row: SQLx copies every value of every row, and wakes who waits for each, which for a page of forty
/// takes longer than to write and to read the JSON. To find the messages three times takes less than to keep them in a
/// table meanwhile, or to ask again.
macro_rules! select_messages {
    ($which:literal $(, $beside:expr)*) => {
        concat!(
            "SELECT ",
            $($beside, ", ",)*
            "(SELECT json_group_array(json_array(id, room_id, creator_id, creator_name, client_message_id, body_html,
                                                 revision, created_at, '', boosts_seq))
                FROM (SELECT messages.id, messages.room_id, messages.creator_id, users.name AS creator_name,
                             messages.client_message_id, messages.body_html, messages.revision, messages.created_at,
                             messages.boosts_seq
                        FROM messages JOIN users ON users.id = messages.creator_id ",
            $which,
            ")),
             (SELECT json_group_array(json_array(boosts.message_id, boosts.content, users.id, users.name)
                                      ORDER BY boosts.id)
                FROM (SELECT messages.id FROM messages ",
            $which,
            ") AS found
               CROSS JOIN boosts ON boosts.message_id = found.id
                JOIN users ON users.id = boosts.booster_id),
             (SELECT json_group_array(json_array(id, name)) FROM users
               WHERE id IN (SELECT mentions.user_id
                              FROM (SELECT messages.id FROM messages ",
            $which,
            ") AS found
                             CROSS JOIN mentions ON mentions.message_id = found.id))"
        )
    };
}

pub(super) use select_messages;

/// What [`select_messages`] reads: messages in any order without what is stored beside them, their boosts in the order
/// in which they were given, and the people they mention.
pub(super) type Found = (Json<Vec<Message>>, Json<Vec<Boosted>>, Json<Vec<Person>>);

/// A boost as it is read: its message, what it says, and who gave it.
pub(super) type Boosted = (MessageId, BoostContent, UserId, String);

/// The message with this id in this room.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<Option<Message>> {
    let found = sqlx::query_as(select_messages!("WHERE messages.id = $1 AND messages.room_id = $2"))
        .bind(message_id)
        .bind(room_id)
        .fetch_one(db)
        .await?;
    Ok(complete(found).pop())
}

/// These messages, in the order of their ids.
pub async fn list(db: impl SqliteExecutor<'_>, message_ids: &[MessageId]) -> sqlx::Result<Vec<Message>> {
    let found = sqlx::query_as(select_messages!("WHERE messages.id IN (SELECT value FROM json_each($1))"))
        .bind(super::json_ids(message_ids))
        .fetch_one(db)
        .await?;
    Ok(complete(found))
}

/// The newest message of all rooms; 0 without any.
pub async fn newest(db: impl SqliteExecutor<'_>) -> sqlx::Result<MessageId> {
    sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM messages").fetch_one(db).await
}

/// Which room a message is in.
pub async fn find_room(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT room_id FROM messages WHERE id = $1").bind(message_id).fetch_optional(db).await
}

/// Messages in the order of their ids, with their boosts, and with the names of today in their mentions.
fn complete((Json(mut messages), Json(boosts), Json(mentioned)): Found) -> Vec<Message> {
    messages.sort_unstable_by_key(|message| message.id);
    let mut boosts_of: HashMap<MessageId, Vec<Boost>> = HashMap::new();
    for (message_id, content, id, name) in boosts {
        boosts_of.entry(message_id).or_default().push(Boost { content, booster: Person { id, name } });
    }
    let names: HashMap<_, _> = mentioned.into_iter().map(|person| (person.id, person.name)).collect();
    for message in &mut messages {
        if let Some(boosts) = boosts_of.remove(&message.id) {
            message.boosts_html = richtext::boosts_html(message.id, &group_boosts(boosts));
        }
        if !names.is_empty()
            && let Cow::Owned(html) = richtext::with_current_names(&message.body_html, &names)
        {
            message.body_html = html;
        }
    }
    messages
}

/// What its author typed.
pub async fn find_source(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT body_source FROM messages WHERE id = $1").bind(message_id).fetch_optional(db).await
}

/// The message this author sent under `client_message_id`, stored or removed since.
pub async fn find_sent(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    client_message_id: &ClientMessageId,
) -> sqlx::Result<Option<Sent>> {
    sqlx::query_as(
        "SELECT id AS message_id, sent_digest, FALSE AS removed FROM messages
          WHERE creator_id = $1 AND client_message_id = $2
         UNION ALL
         SELECT message_id, sent_digest, TRUE FROM removed_messages WHERE creator_id = $1 AND client_message_id = $2
         LIMIT 1",
    )
    .bind(creator_id)
    .bind(client_message_id)
    .fetch_optional(db)
    .await
}

/// The newest messages of a room.
pub async fn page_last(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<MessagePage> {
    page_before(db, room_id, MessageId(i64::MAX)).await
}

/// The messages of a room just before `message_id`, which need not exist.
pub async fn page_before(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MessagePage> {
    let found = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.id < $2 ORDER BY messages.id DESC LIMIT $3 + 0"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .fetch_one(db)
    .await?;
    Ok(page(found, Beyond::First))
}

/// The messages of a room just after `message_id`, which need not exist.
pub async fn page_after(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MessagePage> {
    let found = sqlx::query_as(select_messages!(
        "WHERE messages.room_id = $1 AND messages.id > $2 ORDER BY messages.id LIMIT $3 + 0"
    ))
    .bind(room_id)
    .bind(message_id)
    .bind(PAGE_SIZE + 1)
    .fetch_one(db)
    .await?;
    Ok(page(found, Beyond::Last))
}

/// A message that was just stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    pub id: MessageId,
    /// What its author is called, as of the same moment.
    pub creator_name: String,
    /// Its event's number.
    pub seq: i64,
    /// Its author had messages of the room to read, and by writing has read them.
    pub caught_up: bool,
}

/// The messages of `$1` that have just been stored: newer than the newest that their room knows of.
macro_rules! from_new_messages {
    () => {
        "json_each($1) AS new
         CROSS JOIN messages
            ON messages.creator_id = new.value ->> 1 AND messages.client_message_id = new.value ->> 2
           AND messages.room_id = new.value ->> 0
         JOIN rooms ON rooms.id = messages.room_id AND messages.id > rooms.last_message_id"
    };
}

/// Stores messages with their events, and makes them the newest of their rooms, read by their authors. Answers what
/// became of each.
///
/// Nothing is stored, and nothing else changes, for one whose author is not in the room, or used its client message id
/// before. One call for all of them, and one row back: the way to SQLite and back, and each row on it, takes longer than
/// most statements. Their ids are in the order in which they were given: the joins leave SQLite no other. They are not
/// searchable yet: the commit sees to that.
pub async fn insert_all(db: &mut SqliteConnection, messages: &[&NewMessage]) -> sqlx::Result<Vec<Option<Inserted>>> {
    let mut taken = HashSet::new();
    let mut rows = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let NewMessage { room_id, creator_id, client_message_id, sent_digest, body, created_at } = message;
        if !taken.insert((*room_id, *creator_id, client_message_id)) {
            continue;
        }
        let Body { source, html, text, search_words, search_marks, render_version } = body;
        rows.push(serde_json::json!([
            room_id,
            creator_id,
            client_message_id,
            hex(sent_digest),
            source,
            html,
            text,
            search_words,
            search_marks,
            render_version,
            created_at,
            index
        ]));
    }
    // The statement in the middle is the one that answers.
    let answers: Vec<(i64, String)> = sqlx::query_as(concat!(
        "INSERT INTO messages (room_id, creator_id, client_message_id, sent_digest, body_source, body_html, body_text,
                               search_words, search_marks, render_version, created_at, updated_at)
         SELECT new.value ->> 0, new.value ->> 1, new.value ->> 2, unhex(new.value ->> 3), new.value ->> 4,
                new.value ->> 5, new.value ->> 6, new.value ->> 7, new.value ->> 8, new.value ->> 9, new.value ->> 10,
                new.value ->> 10
           FROM json_each($1) AS new
          CROSS JOIN memberships
             ON memberships.room_id = new.value ->> 0 AND memberships.user_id = new.value ->> 1
          CROSS JOIN users ON users.id = memberships.user_id AND users.status = 0
          WHERE NOT EXISTS (SELECT 1 FROM messages
                             WHERE creator_id = new.value ->> 1 AND client_message_id = new.value ->> 2)
            AND NOT EXISTS (SELECT 1 FROM removed_messages
                             WHERE creator_id = new.value ->> 1 AND client_message_id = new.value ->> 2)
         ON CONFLICT (creator_id, client_message_id) DO NOTHING;

         INSERT INTO events (kind, room_id, message_id, created_at)
         SELECT $2, messages.room_id, messages.id, messages.created_at FROM ",
        from_new_messages!(),
        "
          ORDER BY messages.id;

         SELECT last_insert_rowid(),
                json_group_array(json_array(new.value ->> 11, messages.id,
                                            rooms.last_message_id > memberships.read_message_id, users.name)) FROM ",
        from_new_messages!(),
        "
           JOIN memberships ON memberships.room_id = rooms.id AND memberships.user_id = messages.creator_id
           JOIN users ON users.id = messages.creator_id;

         UPDATE memberships SET read_message_id = written.id
           FROM (SELECT messages.room_id, messages.creator_id, MAX(messages.id) AS id FROM ",
        from_new_messages!(),
        "
                  GROUP BY messages.room_id, messages.creator_id) AS written
          WHERE memberships.room_id = written.room_id AND memberships.user_id = written.creator_id;

         UPDATE rooms SET last_message_id = written.id, updated_at = written.created_at
           FROM (SELECT messages.room_id, MAX(messages.id) AS id, messages.created_at FROM ",
        from_new_messages!(),
        "
                  GROUP BY messages.room_id) AS written
          WHERE rooms.id = written.room_id"
    ))
    .bind(serde_json::Value::Array(rows).to_string())
    .bind(EventKind::MessagePosted)
    .fetch_all(db)
    .await?;

    let (last_seq, stored) = answers.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    let mut stored: Vec<(usize, MessageId, i64, String)> =
        serde_json::from_str(&stored).map_err(|error| sqlx::Error::Decode(error.into()))?;
    // The events' numbers follow each other, in the order of the messages.
    stored.sort_unstable_by_key(|(_, id, ..)| *id);
    let mut inserted = vec![None; messages.len()];
    for ((index, id, unread, creator_name), seq) in stored.into_iter().rev().zip((0..=last_seq).rev()) {
        if let Some(place) = inserted.get_mut(index) {
            *place = Some(Inserted { id, creator_name, seq, caught_up: unread != 0 });
        }
    }
    Ok(inserted)
}

/// Gives a message another body, and its next revision.
pub async fn update(db: impl SqliteExecutor<'_>, message_id: MessageId, body: &Body, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET body_source = $2, body_html = $3, body_text = $4, search_words = $5, search_marks = $6,
                             render_version = $7, revision = revision + 1, updated_at = $8
          WHERE id = $1",
    )
    .bind(message_id)
    .bind(&body.source)
    .bind(&body.html)
    .bind(&body.text)
    .bind(&body.search_words)
    .bind(&body.search_marks)
    .bind(body.render_version)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Notes the last event about a message's boosts.
pub async fn update_boosts_seq(db: impl SqliteExecutor<'_>, message_id: MessageId, seq: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE messages SET boosts_seq = $2 WHERE id = $1")
        .bind(message_id)
        .bind(seq)
        .execute(db)
        .await
        .map(drop)
}

/// Removes a message; its client message id stays taken.
pub async fn remove(db: &mut sqlx::SqliteConnection, room_id: RoomId, message_id: MessageId) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO removed_messages (creator_id, client_message_id, message_id, sent_digest)
         SELECT creator_id, client_message_id, id, sent_digest FROM messages WHERE id = $1",
    )
    .bind(message_id)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM messages WHERE id = $1").bind(message_id).execute(&mut *db).await?;
    sqlx::query(
        "UPDATE rooms SET last_message_id = (SELECT COALESCE(MAX(id), 0) FROM messages WHERE room_id = $1)
          WHERE id = $1 AND last_message_id = $2",
    )
    .bind(room_id)
    .bind(message_id)
    .execute(db)
    .await
    .map(drop)
}

/// Removes up to `limit` of a room's messages, and answers with how many there were.
///
/// Ids stay taken. In steps, so that a room of a quarter of a million holds nobody else's write up.
pub async fn remove_some_of_room(db: &mut sqlx::SqliteConnection, room_id: RoomId, limit: i64) -> sqlx::Result<u64> {
    sqlx::query(
        "INSERT INTO removed_messages (creator_id, client_message_id, message_id, sent_digest)
         SELECT creator_id, client_message_id, id, sent_digest FROM messages WHERE room_id = $1 ORDER BY id LIMIT $2",
    )
    .bind(room_id)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    let removed = sqlx::query(
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_id = $1 ORDER BY id LIMIT $2)",
    )
    .bind(room_id)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}

/// How many messages a room holds.
pub async fn count(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM messages WHERE room_id = $1").bind(room_id).fetch_one(db).await
}

/// Some of what a person posted up to a message: up to `limit` ids and their rooms.
pub async fn list_of_creator(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    up_to: MessageId,
    limit: i64,
) -> sqlx::Result<Vec<(MessageId, RoomId)>> {
    sqlx::query_as("SELECT id, room_id FROM messages WHERE creator_id = $1 AND id <= $2 LIMIT $3")
        .bind(creator_id)
        .bind(up_to)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Which of the messages that were read for a page is the one beyond it, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    First,
    Last,
}

/// At most a page, of messages that hold one more when there is more.
pub(super) fn page(found: Found, beyond: Beyond) -> MessagePage {
    let mut messages = complete(found);
    let size = usize::try_from(PAGE_SIZE).expect("a page fits in memory");
    let has_more = messages.len() > size;
    match beyond {
        Beyond::First => drop(messages.drain(..messages.len().saturating_sub(size))),
        Beyond::Last => messages.truncate(size),
    }
    MessagePage { messages, has_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn ids(page: &MessagePage) -> Vec<i64> {
        page.messages.iter().map(|message| message.id.0).collect()
    }

    #[tokio::test]
    async fn pages_hold_forty_and_leave_the_anchor_out() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut posted = Vec::new();
        for number in 0..81 {
            posted.push(world.post(&world.ada, room_id, &format!("message {number}")).await.id);
        }
        let reader = world.state.db.reader();
        let last = page_last(reader, room_id).await.unwrap();
        assert_eq!(ids(&last), posted[41..].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(last.has_more);

        let before = page_before(reader, room_id, posted[41]).await.unwrap();
        assert_eq!(ids(&before), posted[1..41].iter().map(|id| id.0).collect::<Vec<_>>());
        assert!(before.has_more);
        let first = page_before(reader, room_id, posted[1]).await.unwrap();
        assert_eq!((ids(&first), first.has_more), (vec![posted[0].0], false));

        let after = page_after(reader, room_id, posted[39]).await.unwrap();
        assert_eq!(after.messages.len(), 40);
        assert!(after.has_more);
        let rest = page_after(reader, room_id, posted[40]).await.unwrap();
        assert_eq!((rest.messages.len(), rest.has_more), (40, false));
        assert!(page_after(reader, room_id, posted[80]).await.unwrap().messages.is_empty());
    }

    #[tokio::test]
    async fn a_message_is_found_in_its_own_room_only() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "*hello*").await;
        let other = world.open_closed_room("Other", &[]).await;
        let reader = world.state.db.reader();
        assert_eq!(find(reader, message.room_id, message.id).await.unwrap(), Some(message.clone()));
        assert_eq!(find(reader, other.id, message.id).await.unwrap(), None);
        assert_eq!(find_source(reader, message.id).await.unwrap().as_deref(), Some("*hello*"));
    }

    #[tokio::test]
    async fn the_search_table_follows_every_change() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "talking about *salamanders*").await;
        let hits = async |word: &'static str| -> Vec<i64> {
            sqlx::query_scalar("SELECT rowid FROM message_search WHERE message_search MATCH $1")
                .bind(word)
                .fetch_all(world.state.db.reader())
                .await
                .unwrap()
        };
        assert_eq!(hits("salamander").await, [message.id.0]);
        let body = richtext::render(&"newts".parse().unwrap(), &richtext::Names::none()).body;
        world.state.db.write(async move |tx| Ok(update(tx.db(), message.id, &body, 9).await?)).await.unwrap();
        assert!(hits("salamander").await.is_empty());
        assert_eq!(hits("newt").await, [message.id.0]);
        world.state.db.write(async move |tx| Ok(remove(tx.db(), room_id, message.id).await?)).await.unwrap();
        assert!(hits("newt").await.is_empty());
    }

    #[tokio::test]
    async fn messages_of_one_commit_are_each_stored_once_or_not_at_all() {
        let world = testing::world().await;
        let (talk, ada, bob) = (world.all_talk.id, world.ada.id, world.bob.id);
        let adas_room = world.open_closed_room("Ada's", &[]).await.id;
        let before = world.post(&world.ada, talk, "before").await.id;
        let odd = "\u{1}\u{2028}\"\\ '] 😀 {\n}";
        let new = testing::new_message;
        let messages = [
            new(talk, bob, 1, odd),
            new(talk, ada, 2, "12"),
            new(talk, bob, 1, odd),
            new(adas_room, bob, 3, "not his room"),
            new(adas_room, ada, 4, "her room"),
            new(adas_room, bob, 5, "not his room"),
            new(talk, bob, 5, "his room"),
            new(talk, ada, 6, "one id"),
            new(adas_room, ada, 6, "for two rooms"),
        ];
        let insert = async |messages: [NewMessage; 9]| {
            let write = world.state.db.write(async move |tx| Ok(insert_all(tx.db(), &messages.each_ref()).await?));
            write.await.unwrap()
        };
        let inserted = insert(messages.clone()).await;
        let [Some(bobs), Some(adas), None, None, Some(other), None, Some(bobs_last), Some(adas_last), None] =
            &inserted[..]
        else {
            panic!("{inserted:?}")
        };
        assert_eq!((bobs.creator_name.as_str(), &adas.creator_name), ("Bob", &world.ada.name));
        assert!(before < bobs.id && bobs.id < adas.id && adas.id < other.id);
        assert_eq!((adas.seq, other.seq), (bobs.seq + 1, bobs.seq + 2));
        assert_eq!((bobs.caught_up, adas.caught_up, other.caught_up), (true, false, false), "Bob had one to read");

        type Stored = (i64, i64, String, Vec<u8>, i64);
        let stored: Vec<Stored> = sqlx::query_as(
            "SELECT messages.id, events.seq, body_source, sent_digest, messages.created_at
               FROM messages JOIN events ON events.message_id = messages.id WHERE messages.id > $1 ORDER BY messages.id",
        )
        .bind(before)
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        let expected = [
            (bobs, odd, 1),
            (adas, "12", 2),
            (other, "her room", 4),
            (bobs_last, "his room", 5),
            (adas_last, "one id", 6),
        ]
        .map(|(new, text, id): (_, _, u8)| (new.id.0, new.seq, text.into(), vec![id; 32], 1_000 + i64::from(id)));
        assert_eq!(stored, expected);
        let places: Vec<(RoomId, MessageId, UserId, MessageId)> = sqlx::query_as(
            "SELECT rooms.id, last_message_id, user_id, read_message_id
               FROM rooms JOIN memberships ON memberships.room_id = rooms.id ORDER BY rooms.id, user_id",
        )
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        for place in [
            (talk, adas_last.id, ada, adas_last.id),
            (talk, adas_last.id, bob, bobs_last.id),
            (adas_room, other.id, ada, other.id),
        ] {
            assert!(places.contains(&place), "{place:?} in {places:?}");
        }

        assert_eq!(insert(messages).await, [const { None }; 9], "once more");
    }

    #[tokio::test]
    async fn a_message_changed_before_it_was_committed_is_found_by_its_last_words() {
        let world = testing::world().await;
        let (room_id, creator_id) = (world.all_talk.id, world.ada.id);
        let body = |text: &str| richtext::render(&text.parse().unwrap(), &richtext::Names::none()).body;
        let (first, last) = (body("salamanders"), body("newts"));
        let inserted = world.state.db.write(async move |tx| {
            let new = NewMessage { body: first, ..testing::new_message(room_id, creator_id, 10, "") };
            let inserted = insert_all(tx.db(), &[&new]).await?.pop().flatten().expect("a member's message");
            tx.index(inserted.id, new.body.text.len());
            update(tx.db(), inserted.id, &last, 2).await?;
            Ok(inserted)
        });
        let id = inserted.await.unwrap().id;
        let found: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM message_search WHERE message_search MATCH 'salamander'),
                    (SELECT rowid FROM message_parts WHERE message_parts MATCH 'ewt')",
        )
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        assert_eq!(found, [(0, id.0)]);
    }

    #[tokio::test]
    async fn removing_the_newest_message_makes_the_one_before_the_newest() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let first = world.post(&world.ada, room_id, "one").await;
        let second = world.post(&world.ada, room_id, "two").await;
        let last = async || -> i64 {
            sqlx::query_scalar("SELECT last_message_id FROM rooms WHERE id = $1")
                .bind(room_id)
                .fetch_one(world.state.db.reader())
                .await
                .unwrap()
        };
        world.state.db.write(async move |tx| Ok(remove(tx.db(), room_id, second.id).await?)).await.unwrap();
        assert_eq!(last().await, first.id.0);
        let removed = world.state.db.write(async move |tx| Ok(remove_some_of_room(tx.db(), room_id, 10).await?)).await;
        assert_eq!(removed, Ok(1));
        let sent = find_sent(world.state.db.reader(), world.ada.id, first.client_message_id.as_ref().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert!(sent.removed);
    }
}
