//! The files of messages.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::{Attachment, FileKey, FileName, MessageId, RoomId};
use crate::store::json_ids;

/// A file of a message, as it is served.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AttachedFile {
    /// The room of its message.
    pub room_id: RoomId,
    /// Its key.
    pub key: FileKey,
    /// Its name.
    pub name: FileName,
    /// Its size, in bytes.
    pub bytes: i64,
    /// The SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// Its media type.
    pub content_type: String,
    /// The media type of its preview; `None` without one.
    pub preview_type: Option<String>,
}

/// Gives files to a message, in this order: they do not expire any more.
pub async fn attach(
    db: &mut SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
    files: &[(FileKey, FileName)],
) -> sqlx::Result<()> {
    let rows = json_ids(files);
    sqlx::query(
        "INSERT INTO attachments (room_id, message_id, position, blob_key, name)
         SELECT $1, $2, key, value ->> 0, value ->> 1 FROM json_each($3)",
    )
    .bind(room_id)
    .bind(message_id)
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    sqlx::query("UPDATE blobs SET expires_at = NULL WHERE key IN (SELECT value ->> 0 FROM json_each($1))")
        .bind(&rows)
        .execute(db)
        .await
        .map(drop)
}

/// The columns of an [`Attachment`].
#[derive(sqlx::FromRow)]
struct AttachmentRow {
    key: FileKey,
    name: FileName,
    bytes: i64,
    content_type: String,
    width: Option<u32>,
    height: Option<u32>,
    color: Option<String>,
    has_preview: bool,
}

impl From<AttachmentRow> for Attachment {
    fn from(row: AttachmentRow) -> Self {
        let AttachmentRow { key, name, bytes, content_type, width, height, color, has_preview } = row;
        Self { key, name, bytes, content_type, size: width.zip(height), color, has_preview }
    }
}

/// The files of a message, in their order.
pub async fn list_of_message(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Vec<Attachment>> {
    let rows: Vec<AttachmentRow> = sqlx::query_as(
        "SELECT blobs.key, attachments.name, blobs.bytes, blobs.content_type, blobs.width, blobs.height, blobs.color,
                blobs.preview_type IS NOT NULL AS has_preview
           FROM attachments JOIN blobs ON blobs.key = attachments.blob_key
          WHERE attachments.message_id = $1 ORDER BY attachments.position",
    )
    .bind(message_id)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The names of the files of these messages, in their order.
pub async fn list_names(
    db: impl SqliteExecutor<'_>,
    message_ids: &[MessageId],
) -> sqlx::Result<Vec<(MessageId, FileName)>> {
    sqlx::query_as(
        "SELECT message_id, name FROM attachments WHERE message_id IN (SELECT value FROM json_each($1))
          ORDER BY message_id, position",
    )
    .bind(json_ids(message_ids))
    .fetch_all(db)
    .await
}

/// A file of a room, with the message that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFile {
    /// The message.
    pub message_id: MessageId,
    /// The name of its author.
    pub creator_name: String,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// The file.
    pub file: Attachment,
}

/// The files of a room's messages before one, newest message first: of at least `limit` files, if there are so many, and
/// all of each message.
pub async fn list_of_room(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    before: MessageId,
    limit: i64,
) -> sqlx::Result<Vec<RoomFile>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        message_id: MessageId,
        creator_name: String,
        created_at: i64,
        #[sqlx(flatten)]
        file: AttachmentRow,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT messages.id AS message_id, users.name AS creator_name, messages.created_at,
                blobs.key, attachments.name, blobs.bytes, blobs.content_type, blobs.width, blobs.height, blobs.color,
                blobs.preview_type IS NOT NULL AS has_preview
           FROM attachments
           JOIN messages ON messages.id = attachments.message_id
           JOIN users ON users.id = messages.creator_id
           JOIN blobs ON blobs.key = attachments.blob_key
          WHERE attachments.room_id = $1 AND attachments.message_id < $2
            AND attachments.message_id >= COALESCE(
                    (SELECT message_id FROM attachments WHERE room_id = $1 AND message_id < $2
                      ORDER BY message_id DESC, position DESC LIMIT 1 OFFSET $3), 0)
          ORDER BY attachments.message_id DESC, attachments.position",
    )
    .bind(room_id)
    .bind(before)
    .bind(limit - 1)
    .fetch_all(db)
    .await?;
    let file = |row: Row| {
        let Row { message_id, creator_name, created_at, file } = row;
        RoomFile { message_id, creator_name, created_at, file: file.into() }
    };
    Ok(rows.into_iter().map(file).collect())
}

/// The file with this key, if a message has it.
pub async fn find_attached(db: impl SqliteExecutor<'_>, key: &FileKey) -> sqlx::Result<Option<AttachedFile>> {
    sqlx::query_as(
        "SELECT messages.room_id, blobs.key, attached.name, blobs.bytes, blobs.sha256, blobs.content_type,
                blobs.preview_type
           FROM blobs
           JOIN (SELECT message_id, name FROM attachments WHERE blob_key = $1
                 UNION ALL
                 SELECT message_id, 'preview' FROM link_previews WHERE picture_key = $1) AS attached
           JOIN messages ON messages.id = attached.message_id
          WHERE blobs.key = $1",
    )
    .bind(key)
    .fetch_optional(db)
    .await
}

/// Stores what a message shows below its body, and the number of the event about it; `None` for one that has just been
/// posted.
pub async fn note_extras(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    html: &str,
    seq: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE messages SET extras_html = $2, extras_seq = COALESCE($3, extras_seq) WHERE id = $1")
        .bind(message_id)
        .bind(html)
        .bind(seq)
        .execute(db)
        .await
        .map(drop)
}

/// Lets the files of these messages expire at once, as the messages are about to be removed. Returns whether they had any.
pub async fn release_of_messages(db: impl SqliteExecutor<'_>, message_ids: &[MessageId]) -> sqlx::Result<bool> {
    let released = sqlx::query(
        "UPDATE blobs SET expires_at = 0
          WHERE key IN (SELECT attachments.blob_key
                          FROM json_each($1) AS removed JOIN attachments ON attachments.message_id = removed.value
                        UNION ALL
                        SELECT link_previews.picture_key
                          FROM json_each($1) AS removed JOIN link_previews ON link_previews.message_id = removed.value)",
    )
    .bind(json_ids(message_ids))
    .execute(db)
    .await?;
    Ok(released.rows_affected() > 0)
}
