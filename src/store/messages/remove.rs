//! Removing messages. Their client message ids stay in `removed_messages`, so that a late retry does not post them
//! again.

use sqlx::SqliteConnection;

use crate::model::{Answer, MessageId, RoomId, UserId};
use crate::store::files::release_of_messages;
use crate::store::{inbox, pins, threads};

/// What a removed message had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The users it mentioned.
    pub mentioned: Vec<UserId>,
    /// Whether it had files. They have expired now.
    pub had_files: bool,
    /// Whether it was pinned.
    pub was_pinned: bool,
    /// The thread that it was an answer in.
    pub thread: Option<ShortenedThread>,
    /// The users in whose inboxes it was.
    pub inbox: Vec<UserId>,
}

/// A thread of which an answer was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortenedThread {
    /// Its root.
    pub root_id: MessageId,
    /// If no answer is left: those who followed it. It is gone.
    pub followers: Vec<UserId>,
}

/// Removes a message. If it was its room's newest, the one before it becomes the newest.
pub async fn remove(db: &mut SqliteConnection, room_id: RoomId, message_id: MessageId) -> sqlx::Result<Removed> {
    let answer = threads::find_answer(&mut *db, message_id).await?.map(|(_, answer)| answer);
    let had_files = release_of_messages(&mut *db, &[message_id]).await?;
    let was_pinned = pins::remove(&mut *db, message_id).await?;
    let inbox = inbox::remove_of_message(&mut *db, message_id).await?;
    let mentioned = sqlx::query_scalar("DELETE FROM mentions WHERE message_id = $1 RETURNING user_id")
        .bind(message_id)
        .fetch_all(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO removed_messages (creator_id, client_message_id, message_id, sent_digest)
         SELECT creator_id, client_message_id, id, sent_digest FROM messages WHERE id = $1",
    )
    .bind(message_id)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM messages WHERE id = $1").bind(message_id).execute(&mut *db).await?;
    sqlx::query(
        "UPDATE rooms SET last_message_id = (SELECT COALESCE(MAX(id), 0) FROM messages
                                      WHERE room_id = $1 AND in_thread_only = FALSE)
          WHERE id = $1 AND last_message_id = $2",
    )
    .bind(room_id)
    .bind(message_id)
    .execute(&mut *db)
    .await?;
    let thread = match answer {
        Some(Answer { root_id, .. }) => {
            Some(ShortenedThread { root_id, followers: threads::uncount_answer(db, root_id).await? })
        }
        None => None,
    };
    Ok(Removed { mentioned, had_files, was_pinned, thread, inbox })
}

/// Removes up to `limit` of a room's messages, oldest first and answers in threads last, and returns how many were removed. Their files have expired
/// then.
///
/// Call it in several writes: removing a large room in one would block all other writes meanwhile.
pub async fn remove_some_of_room(db: &mut SqliteConnection, room_id: RoomId, limit: i64) -> sqlx::Result<u64> {
    sqlx::query(
        "INSERT INTO removed_messages (creator_id, client_message_id, message_id, sent_digest)
         SELECT creator_id, client_message_id, id, sent_digest FROM messages WHERE room_id = $1 ORDER BY in_thread_only, id LIMIT $2",
    )
    .bind(room_id)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE blobs SET expires_at = 0
          WHERE key IN (SELECT attachments.blob_key
                          FROM (SELECT id FROM messages WHERE room_id = $1 ORDER BY in_thread_only, id LIMIT $2) AS removed
                          JOIN attachments ON attachments.message_id = removed.id
                        UNION ALL
                        SELECT link_previews.picture_key
                          FROM (SELECT id FROM messages WHERE room_id = $1 ORDER BY in_thread_only, id LIMIT $2) AS removed
                          JOIN link_previews ON link_previews.message_id = removed.id)",
    )
    .bind(room_id)
    .bind(limit)
    .execute(&mut *db)
    .await?;
    let removed = sqlx::query(
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE room_id = $1 ORDER BY in_thread_only, id LIMIT $2)",
    )
    .bind(room_id)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::messages::find_sent;
    use crate::testing;

    #[tokio::test]
    async fn removing_a_rooms_newest_message_makes_the_previous_one_the_newest() {
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
