//! Reading whole rooms, in pages: for an export.

use sqlx::SqliteExecutor;

use crate::model::{MessageId, RoomId, RoomKind, UserId};

/// A room, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ExportedRoom {
    /// Its id.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name; of a direct room, those of its members.
    pub name: String,
}

/// All rooms, or the one with this id.
pub async fn list_rooms(db: impl SqliteExecutor<'_>, only: Option<RoomId>) -> sqlx::Result<Vec<ExportedRoom>> {
    sqlx::query_as(
        "SELECT rooms.id, rooms.kind,
                CASE rooms.kind WHEN 'direct'
                THEN COALESCE((SELECT group_concat(users.name, ', ' ORDER BY users.name_order, users.id)
                                 FROM memberships JOIN users ON users.id = memberships.user_id
                                WHERE memberships.room_id = rooms.id), '')
                ELSE rooms.name END AS name
           FROM rooms WHERE NOT rooms.removed AND ($1 IS NULL OR rooms.id = $1) ORDER BY rooms.id",
    )
    .bind(only)
    .fetch_all(db)
    .await
}

/// A message, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ExportedMessage {
    /// Its id.
    pub id: MessageId,
    /// Its author.
    pub creator_id: UserId,
    /// The root of the thread that it is an answer in.
    pub thread_root_id: Option<MessageId>,
    /// The author's name.
    pub creator_name: String,
    /// Markdown.
    pub body_source: String,
    /// Sanitised HTML.
    pub body_html: String,
    /// Plain text.
    pub body_text: String,
    /// The message that it answers, which may be removed.
    pub reply_to: Option<MessageId>,
    /// 1, and more after edits.
    pub revision: i64,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
}

/// Up to `limit` messages of a room after one, oldest first.
pub async fn list_messages(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    after: MessageId,
    limit: i64,
) -> sqlx::Result<Vec<ExportedMessage>> {
    sqlx::query_as(
        // What the room shows, and what only its threads do: each is read in the order of its ids.
        "SELECT messages.id, messages.creator_id, messages.thread_root_id, users.name AS creator_name,
                messages.body_source, messages.body_html, messages.body_text, messages.reply_to, messages.revision,
                messages.created_at
           FROM (SELECT id FROM (SELECT id FROM messages WHERE room_id = $1 AND in_thread_only = FALSE AND id > $2
                                  ORDER BY id LIMIT $3)
                 UNION ALL
                 SELECT id FROM (SELECT id FROM messages WHERE room_id = $1 AND in_thread_only = TRUE AND id > $2
                                  ORDER BY id LIMIT $3)) AS found
           JOIN messages ON messages.id = found.id
           JOIN users ON users.id = messages.creator_id
          ORDER BY messages.id LIMIT $3",
    )
    .bind(room_id)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The boosts of a room's messages from one to another: message, content and name of the booster.
pub async fn list_boosts(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    first: MessageId,
    last: MessageId,
) -> sqlx::Result<Vec<(MessageId, String, String)>> {
    sqlx::query_as(
        "SELECT boosts.message_id, boosts.content, users.name
           FROM messages
           JOIN boosts ON boosts.message_id = messages.id
           JOIN users ON users.id = boosts.booster_id
          WHERE messages.room_id = $1 AND messages.in_thread_only IN (FALSE, TRUE) AND messages.id BETWEEN $2 AND $3
          ORDER BY boosts.message_id, boosts.id",
    )
    .bind(room_id)
    .bind(first)
    .bind(last)
    .fetch_all(db)
    .await
}

/// A file of a message, as it is exported.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ExportedFile {
    /// The message that has it.
    pub message_id: MessageId,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its size, in bytes.
    pub bytes: i64,
}

/// The files of a room's messages from one to another.
pub async fn list_files(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    first: MessageId,
    last: MessageId,
) -> sqlx::Result<Vec<ExportedFile>> {
    sqlx::query_as(
        "SELECT attachments.message_id, blobs.key, attachments.name, blobs.content_type, blobs.bytes
           FROM attachments JOIN blobs ON blobs.key = attachments.blob_key
          WHERE attachments.room_id = $1 AND attachments.message_id BETWEEN $2 AND $3
          ORDER BY attachments.message_id, attachments.position",
    )
    .bind(room_id)
    .bind(first)
    .bind(last)
    .fetch_all(db)
    .await
}

/// The names of all users.
pub async fn list_names(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<(UserId, String)>> {
    sqlx::query_as("SELECT id, name FROM users ORDER BY id").fetch_all(db).await
}
