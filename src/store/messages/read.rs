//! Reading single messages, and facts about messages.

use sqlx::SqliteExecutor;

use super::rows::{messages_from_rows, select_messages};
use crate::model::{ClientMessageId, Message, MessageId, RoomId, UserId};
use crate::store::json_ids;

/// An earlier message of the same creator with the same client message id.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SentMessage {
    /// Its id.
    pub message_id: MessageId,
    /// SHA-256 of the room and text as they were sent.
    pub sent_digest: Vec<u8>,
    /// Whether it was removed since.
    pub removed: bool,
}

/// The message with this id in this room.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<Option<Message>> {
    let rows = sqlx::query_as(select_messages!("WHERE messages.id = $1 AND messages.room_id = $2", "$3"))
        .bind(message_id)
        .bind(room_id)
        .bind(i64::MAX)
        .fetch_one(db)
        .await?;
    Ok(messages_from_rows(rows).pop().map(|(message, _)| message))
}

/// The messages with these ids, in the order of their ids. Ids without a message are skipped.
pub async fn list(db: impl SqliteExecutor<'_>, message_ids: &[MessageId]) -> sqlx::Result<Vec<Message>> {
    Ok(list_short(db, message_ids, i64::MAX).await?.into_iter().map(|(message, _)| message).collect())
}

/// Like [`list`], but without the bodies of more than `max_body_bytes` of HTML: with each message the size of its body if
/// that is left out, and else 0.
pub async fn list_short(
    db: impl SqliteExecutor<'_>,
    message_ids: &[MessageId],
    max_body_bytes: i64,
) -> sqlx::Result<Vec<(Message, usize)>> {
    let rows = sqlx::query_as(select_messages!("WHERE messages.id IN (SELECT value FROM json_each($1))", "$2"))
        .bind(json_ids(message_ids))
        .bind(max_body_bytes)
        .fetch_one(db)
        .await?;
    Ok(messages_from_rows(rows))
}

/// The plain texts of the messages with these ids, in any order. Ids without a message are skipped.
pub async fn list_texts(
    db: impl SqliteExecutor<'_>,
    message_ids: &[MessageId],
) -> sqlx::Result<Vec<(MessageId, String)>> {
    sqlx::query_as("SELECT id, body_text FROM messages WHERE id IN (SELECT value FROM json_each($1))")
        .bind(json_ids(message_ids))
        .fetch_all(db)
        .await
}

/// The newest message of all rooms; 0 if there is none.
pub async fn newest(db: impl SqliteExecutor<'_>) -> sqlx::Result<MessageId> {
    sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM messages").fetch_one(db).await
}

/// The room of a message.
pub async fn find_room(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT room_id FROM messages WHERE id = $1").bind(message_id).fetch_optional(db).await
}

/// The creator of a message of this room.
pub async fn find_creator(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar("SELECT creator_id FROM messages WHERE id = $1 AND room_id = $2")
        .bind(message_id)
        .bind(room_id)
        .fetch_optional(db)
        .await
}

/// The creator of the message that a message answers, if that is still there.
pub async fn find_answered(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar(
        "SELECT original.creator_id FROM messages
           JOIN messages AS original ON original.id = messages.reply_to AND original.room_id = messages.room_id
          WHERE messages.id = $1",
    )
    .bind(message_id)
    .fetch_optional(db)
    .await
}

/// The source of a message: the Markdown that its creator entered.
pub async fn find_source(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT body_source FROM messages WHERE id = $1").bind(message_id).fetch_optional(db).await
}

/// The message that a user sent with this client message id, even if it was removed since.
pub async fn find_sent(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    client_message_id: &ClientMessageId,
) -> sqlx::Result<Option<SentMessage>> {
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

/// Number of messages in a room.
pub async fn count(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM messages WHERE room_id = $1").bind(room_id).fetch_one(db).await
}

/// Up to `limit` of the messages that a user posted up to the message `up_to`, in any order: ids and rooms.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_message_is_found_in_its_own_room_only() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "*hello*").await;
        let other = world.open_closed_room("Other", &[]).await;
        let reader = world.state.db.reader();
        assert_eq!(find(reader, message.room_id, message.id).await.unwrap(), Some(message.clone()));
        assert_eq!(find(reader, other.id, message.id).await.unwrap(), None);
        assert_eq!(list_texts(reader, &[message.id, MessageId(99)]).await.unwrap(), [(message.id, "hello".into())]);
        let short = list_short(reader, &[message.id], 3).await.unwrap();
        assert_eq!((short[0].0.body_html.as_str(), short[0].1), ("", message.body_html.len()));
        assert_eq!(find_source(reader, message.id).await.unwrap().as_deref(), Some("*hello*"));
    }
}
