//! Uploads, from when they begin until a day after the last change.

use sqlx::SqliteExecutor;

use crate::model::{ClientUploadId, FileKey, FileName, UserId};
use crate::store::json_ids;

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredUpload {
    /// Its id, and the key of the blob that it becomes.
    pub key: FileKey,
    /// Who uploads.
    pub creator_id: UserId,
    /// The name of the file.
    pub name: FileName,
    /// The announced size, in bytes.
    pub bytes: i64,
    /// Whether it has become a blob.
    pub complete: bool,
}

/// Inserts an upload.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    upload: &StoredUpload,
    client_upload_id: &ClientUploadId,
    expires_at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO uploads (key, creator_id, client_upload_id, name, bytes, complete, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&upload.key)
    .bind(upload.creator_id)
    .bind(client_upload_id)
    .bind(&upload.name)
    .bind(upload.bytes)
    .bind(upload.complete)
    .bind(expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// An upload of this user.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    key: &FileKey,
) -> sqlx::Result<Option<StoredUpload>> {
    sqlx::query_as("SELECT key, creator_id, name, bytes, complete FROM uploads WHERE key = $1 AND creator_id = $2")
        .bind(key)
        .bind(creator_id)
        .fetch_optional(db)
        .await
}

/// The upload that this user's browser began with this id.
pub async fn find_by_client_id(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    client_upload_id: &ClientUploadId,
) -> sqlx::Result<Option<StoredUpload>> {
    sqlx::query_as(
        "SELECT key, creator_id, name, bytes, complete FROM uploads WHERE creator_id = $1 AND client_upload_id = $2",
    )
    .bind(creator_id)
    .bind(client_upload_id)
    .fetch_optional(db)
    .await
}

/// How many uploads of this user are not complete.
pub async fn count_incomplete(db: impl SqliteExecutor<'_>, creator_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM uploads WHERE creator_id = $1 AND NOT complete")
        .bind(creator_id)
        .fetch_one(db)
        .await
}

/// How many bytes the files of this user take that nothing has: uploads that are not complete, as long as announced, and
/// blobs that are in no message yet or are to be deleted.
pub async fn sum_unused_bytes(db: impl SqliteExecutor<'_>, creator_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM uploads WHERE creator_id = $1 AND NOT complete)
              + (SELECT COALESCE(SUM(bytes), 0) FROM blobs WHERE creator_id = $1 AND expires_at IS NOT NULL)",
    )
    .bind(creator_id)
    .fetch_one(db)
    .await
}

/// Those of these uploads that a new message of this user can have: complete, in no message yet, and not expired at
/// `now_ms`. In any order.
pub async fn list_usable(
    db: impl SqliteExecutor<'_>,
    creator_id: UserId,
    keys: &[FileKey],
    now_ms: i64,
) -> sqlx::Result<Vec<StoredUpload>> {
    sqlx::query_as(
        "SELECT uploads.key, uploads.creator_id, uploads.name, blobs.bytes, uploads.complete
           FROM uploads JOIN blobs ON blobs.key = uploads.key
          WHERE uploads.key IN (SELECT value FROM json_each($1)) AND uploads.creator_id = $2 AND uploads.complete
            AND blobs.expires_at > $3",
    )
    .bind(json_ids(keys))
    .bind(creator_id)
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Marks an upload as complete.
pub async fn complete(db: impl SqliteExecutor<'_>, key: &FileKey, expires_at: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE uploads SET complete = TRUE, expires_at = $2 WHERE key = $1")
        .bind(key)
        .bind(expires_at)
        .execute(db)
        .await
        .map(drop)
}

/// Removes an upload of this user. Returns whether it was complete; `None` if there was none. The blob that it became
/// expires at `expired_at`, unless a message has it.
pub async fn remove(
    db: &mut sqlx::SqliteConnection,
    creator_id: UserId,
    key: &FileKey,
    expired_at: i64,
) -> sqlx::Result<Option<bool>> {
    let removed: Option<bool> =
        sqlx::query_scalar("DELETE FROM uploads WHERE key = $1 AND creator_id = $2 RETURNING complete")
            .bind(key)
            .bind(creator_id)
            .fetch_optional(&mut *db)
            .await?;
    if removed == Some(true) {
        sqlx::query("UPDATE blobs SET expires_at = $2 WHERE key = $1 AND expires_at IS NOT NULL")
            .bind(key)
            .bind(expired_at)
            .execute(db)
            .await?;
    }
    Ok(removed)
}

/// The uploads that are not complete.
pub async fn list_incomplete(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<FileKey>> {
    sqlx::query_scalar("SELECT key FROM uploads WHERE NOT complete ORDER BY key").fetch_all(db).await
}

/// Removes up to `limit` uploads that have expired at `now_ms`, and returns those that were not complete.
pub async fn remove_expired_uploads(
    db: impl SqliteExecutor<'_>,
    now_ms: i64,
    limit: i64,
) -> sqlx::Result<Vec<(FileKey, bool)>> {
    sqlx::query_as(
        "DELETE FROM uploads WHERE key IN (SELECT key FROM uploads WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
         RETURNING key, complete",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}
