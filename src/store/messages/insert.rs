//! Inserting new messages, all those of a commit in one call.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use crate::model::{Answer, ClientMessageId, Credential, MessageId, RoomId, UserId, hex};
use crate::richtext::Body;
use crate::store::events::EventKind;

/// A message to insert.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The room it is posted in.
    pub room_id: RoomId,
    /// The user who posts it.
    pub creator_id: UserId,
    /// The credential of its request.
    pub credential: Credential,
    /// The id that the browser assigned to it, unique per creator.
    pub client_message_id: ClientMessageId,
    /// SHA-256 of the room and text as they were sent: tells a retry from another message with the same id.
    pub sent_digest: [u8; 32],
    /// The text in all its forms.
    pub body: Body,
    /// Where it stands if it is an answer in a thread.
    pub answer: Option<Answer>,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// The message of the same room that it answers. The caller has checked that it is, or was, there.
    pub reply_to: Option<MessageId>,
    /// Whether its creator is in the room as they post, which marks the room as read. Otherwise it stays as it is: read only
    /// if nothing was unread before.
    pub is_reading: bool,
}

/// A message that was just inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// Its id.
    pub id: MessageId,
    /// The creator's current name.
    pub creator_name: String,
    /// The number of its row in the event log.
    pub seq: i64,
    /// Whether its creator had unread messages in the room: posting has marked them as read.
    pub caught_up: bool,
}

/// A `FROM` clause for the messages of the JSON array `$1` that this call inserted: those above their room's
/// `last_message_id`, which the last statement updates. An answer that the room does not show leaves that as it is: whoever
/// inserts one has made sure that its id is new.
macro_rules! from_new_messages {
    () => {
        "json_each($1) AS new
         CROSS JOIN messages
            ON messages.creator_id = new.value ->> 1 AND messages.client_message_id = new.value ->> 2
           AND messages.room_id = new.value ->> 0 AND messages.in_thread_only = new.value ->> 19
         JOIN rooms ON rooms.id = messages.room_id AND messages.id > rooms.last_message_id"
    };
}

/// Inserts messages and their events, makes each the newest message of its room, and marks the room as read for a creator
/// who is reading there. Returns one entry per message, in the order given.
///
/// An entry is `None`, and nothing was changed for it, if the creator is not an active member of the room, the session
/// has ended, the bot's key is an old one, or the client message id was used before. All messages take one call and return
/// one row: a round trip to SQLite's thread, and each row on it, takes longer than most statements. Ids are assigned in the order of `messages`: `CROSS JOIN` makes
/// SQLite iterate the JSON array in the outer loop. The messages are not indexed for search; the writer does that at
/// the commit.
pub async fn insert_all(db: &mut SqliteConnection, messages: &[&NewMessage]) -> sqlx::Result<Vec<Option<Inserted>>> {
    let mut seen_ids = HashSet::new();
    let mut rows = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let NewMessage { room_id, creator_id, client_message_id, body, created_at, .. } = message;
        let NewMessage { credential, sent_digest, answer, reply_to, is_reading, .. } = message;
        if !seen_ids.insert((*room_id, *creator_id, client_message_id)) {
            continue;
        }
        let Body { source, html, text, search_words, search_parts, search_marks, render_version } = body;
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
            index,
            search_parts,
            credential.session_id(),
            credential.key_number(),
            credential.hook_id(),
            reply_to,
            is_reading,
            answer.map(|answer| answer.root_id),
            i64::from(answer.is_some_and(|answer| !answer.in_room))
        ]));
    }
    // Of the five statements only the `SELECT` returns a row.
    let rows_returned: Vec<(i64, String)> = sqlx::query_as(concat!(
        "INSERT INTO messages (room_id, creator_id, client_message_id, sent_digest, body_source, body_html, body_text,
                               search_words, search_marks, render_version, created_at, updated_at, search_parts,
                               reply_to, thread_root_id, in_thread_only)
         SELECT new.value ->> 0, new.value ->> 1, new.value ->> 2, unhex(new.value ->> 3), new.value ->> 4,
                new.value ->> 5, new.value ->> 6, new.value ->> 7, new.value ->> 8, new.value ->> 9, new.value ->> 10,
                new.value ->> 10, new.value ->> 12, new.value ->> 16, new.value ->> 18, new.value ->> 19
           FROM json_each($1) AS new
          CROSS JOIN memberships
             ON memberships.room_id = new.value ->> 0 AND memberships.user_id = new.value ->> 1
          CROSS JOIN users ON users.id = memberships.user_id AND users.status = 0
          WHERE (new.value ->> 13 IS NULL
                 OR EXISTS (SELECT 1 FROM sessions
                             WHERE sessions.id = new.value ->> 13 AND sessions.user_id = users.id
                               AND sessions.expires_at > new.value ->> 10))
            AND (new.value ->> 14 IS NULL
                 OR EXISTS (SELECT 1 FROM bots WHERE bots.user_id = users.id AND bots.key_number = new.value ->> 14))
            AND (new.value ->> 15 IS NULL
                 OR EXISTS (SELECT 1 FROM hooks WHERE hooks.id = new.value ->> 15 AND hooks.bot_id = users.id))
            AND NOT EXISTS (SELECT 1 FROM messages
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
                                            rooms.last_message_id > memberships.read_message_id
                                            AND new.value ->> 17 AND NOT messages.in_thread_only, users.name)) FROM ",
        from_new_messages!(),
        "
           JOIN memberships ON memberships.room_id = rooms.id AND memberships.user_id = messages.creator_id
           JOIN users ON users.id = messages.creator_id;

         UPDATE memberships SET read_message_id = written.id
           FROM (SELECT messages.room_id, messages.creator_id, rooms.last_message_id, MAX(messages.id) AS id,
                        MAX(new.value ->> 17) AS is_reading FROM ",
        from_new_messages!(),
        "
                  WHERE NOT messages.in_thread_only
                  GROUP BY messages.room_id, messages.creator_id) AS written
          WHERE memberships.room_id = written.room_id AND memberships.user_id = written.creator_id
            AND (written.is_reading OR memberships.read_message_id >= written.last_message_id);

         UPDATE rooms SET last_message_id = written.id, updated_at = written.created_at
           FROM (SELECT messages.room_id, MAX(messages.id) AS id, messages.created_at FROM ",
        from_new_messages!(),
        "
                  WHERE NOT messages.in_thread_only
                  GROUP BY messages.room_id) AS written
          WHERE rooms.id = written.room_id"
    ))
    .bind(serde_json::Value::Array(rows).to_string())
    .bind(EventKind::MessagePosted)
    .fetch_all(db)
    .await?;

    let (last_seq, stored) = rows_returned.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    let mut stored: Vec<(usize, MessageId, i64, String)> =
        serde_json::from_str(&stored).map_err(|error| sqlx::Error::Decode(error.into()))?;
    // Events were inserted in the order of the message ids: their numbers are consecutive and end with `last_seq`.
    stored.sort_unstable_by_key(|(_, id, ..)| *id);
    let mut inserted = vec![None; messages.len()];
    for ((index, id, unread, creator_name), seq) in stored.into_iter().rev().zip((0..=last_seq).rev()) {
        if let Some(entry) = inserted.get_mut(index) {
            *entry = Some(Inserted { id, creator_name, seq, caught_up: unread != 0 });
        }
    }
    Ok(inserted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn each_message_of_a_commit_is_inserted_once_or_rejected() {
        let world = testing::world().await;
        let talk = world.all_talk.id;
        let ada = world.ada.id;
        let bob = world.bob.id;
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
        assert_eq!(
            (bobs.caught_up, adas.caught_up, other.caught_up),
            (true, false, false),
            "Bob had an unread message"
        );

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
        let read_positions: Vec<(RoomId, MessageId, UserId, MessageId)> = sqlx::query_as(
            "SELECT rooms.id, last_message_id, user_id, read_message_id
               FROM rooms JOIN memberships ON memberships.room_id = rooms.id ORDER BY rooms.id, user_id",
        )
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        for position in [
            (talk, adas_last.id, ada, adas_last.id),
            (talk, adas_last.id, bob, bobs_last.id),
            (adas_room, other.id, ada, other.id),
        ] {
            assert!(read_positions.contains(&position), "{position:?} in {read_positions:?}");
        }

        assert_eq!(insert(messages).await, [const { None }; 9], "sent again");
    }
}
