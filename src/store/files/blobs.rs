//! The rows of stored files.

use std::collections::HashMap;

use sqlx::SqliteExecutor;

use crate::model::{FileKey, MessageId, RoomId, UserId};
use crate::store::json_ids;

/// A stored file, as its upload has become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlob {
    /// Its key.
    pub key: FileKey,
    /// Who uploaded it.
    pub creator_id: UserId,
    /// Its size, in bytes.
    pub bytes: i64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its media type, found from its bytes.
    pub content_type: String,
    /// Width and height of a picture, upright.
    pub size: Option<(u32, u32)>,
}

/// Inserts a blob that expires at `expires_at` unless something uses it until then. The same blob again changes nothing.
pub async fn insert_blob(
    db: impl SqliteExecutor<'_>,
    blob: &NewBlob,
    now_ms: i64,
    expires_at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO blobs (key, creator_id, bytes, sha256, content_type, width, height, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING",
    )
    .bind(&blob.key)
    .bind(blob.creator_id)
    .bind(blob.bytes)
    .bind(&blob.sha256[..])
    .bind(&blob.content_type)
    .bind(blob.size.map(|(width, _)| i64::from(width)))
    .bind(blob.size.map(|(_, height)| i64::from(height)))
    .bind(expires_at)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// The media types of these files.
pub async fn list_types(db: impl SqliteExecutor<'_>, keys: &[FileKey]) -> sqlx::Result<HashMap<FileKey, String>> {
    let rows: Vec<(FileKey, String)> =
        sqlx::query_as("SELECT key, content_type FROM blobs WHERE key IN (SELECT value FROM json_each($1))")
            .bind(json_ids(keys))
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// The message that has a file, and its room. `None` when the file is gone, or in no message.
pub async fn find_message(db: impl SqliteExecutor<'_>, key: &FileKey) -> sqlx::Result<Option<(RoomId, MessageId)>> {
    sqlx::query_as(
        "SELECT messages.room_id, messages.id
           FROM attachments JOIN messages ON messages.id = attachments.message_id
          WHERE attachments.blob_key = $1",
    )
    .bind(key)
    .fetch_optional(db)
    .await
}

/// Stores that a file has a preview: its media type and its main colour.
pub async fn set_preview(
    db: impl SqliteExecutor<'_>,
    key: &FileKey,
    preview_type: &str,
    color: Option<String>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE blobs SET preview_type = $2, color = $3 WHERE key = $1")
        .bind(key)
        .bind(preview_type)
        .bind(color)
        .execute(db)
        .await
        .map(drop)
}

/// Whether blobs or uploads have expired at `now_ms`.
pub async fn has_expired(db: impl SqliteExecutor<'_>, now_ms: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM blobs WHERE expires_at <= $1) OR EXISTS (SELECT 1 FROM uploads WHERE expires_at <= $1)",
    )
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// Up to `limit` blobs that have expired at `now_ms`, oldest first: with each whether it has a preview.
pub async fn list_expired(db: impl SqliteExecutor<'_>, now_ms: i64, limit: i64) -> sqlx::Result<Vec<(FileKey, bool)>> {
    sqlx::query_as(
        "SELECT key, preview_type IS NOT NULL FROM blobs WHERE expires_at <= $1 ORDER BY expires_at, key LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Removes those of these blobs that are still expired at `now_ms`.
pub async fn remove_expired(db: impl SqliteExecutor<'_>, keys: &[FileKey], now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM blobs WHERE key IN (SELECT value FROM json_each($1)) AND expires_at <= $2")
        .bind(json_ids(keys))
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Those of these keys that belong to a blob, in any order.
pub async fn list_known(db: impl SqliteExecutor<'_>, keys: &[FileKey]) -> sqlx::Result<Vec<FileKey>> {
    sqlx::query_scalar("SELECT key FROM blobs WHERE key IN (SELECT value FROM json_each($1))")
        .bind(json_ids(keys))
        .fetch_all(db)
        .await
}
