//! Boosts: short reactions to messages.

use sqlx::SqliteExecutor;

use crate::model::{BoostContent, MessageId, UserId};

/// Adds a boost to a message. Returns `false` if the user has boosted it with the same content before.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    booster_id: UserId,
    content: &BoostContent,
    now_ms: i64,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO boosts (message_id, booster_id, content, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(message_id)
    .bind(booster_id)
    .bind(content)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Removes a user's boost. Returns whether there was one.
pub async fn remove(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    booster_id: UserId,
    content: &BoostContent,
) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM boosts WHERE message_id = $1 AND booster_id = $2 AND content = $3")
        .bind(message_id)
        .bind(booster_id)
        .bind(content)
        .execute(db)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// The content of the boost with this id, if it belongs to this message and this user.
pub async fn find_own(
    db: impl SqliteExecutor<'_>,
    boost_id: i64,
    message_id: MessageId,
    booster_id: UserId,
) -> sqlx::Result<Option<BoostContent>> {
    sqlx::query_scalar("SELECT content FROM boosts WHERE id = $1 AND message_id = $2 AND booster_id = $3")
        .bind(boost_id)
        .bind(message_id)
        .bind(booster_id)
        .fetch_optional(db)
        .await
}

/// Id and time of a user's boost with this content, in milliseconds since the epoch.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    booster_id: UserId,
    content: &BoostContent,
) -> sqlx::Result<Option<(i64, i64)>> {
    sqlx::query_as("SELECT id, created_at FROM boosts WHERE message_id = $1 AND booster_id = $2 AND content = $3")
        .bind(message_id)
        .bind(booster_id)
        .bind(content)
        .fetch_optional(db)
        .await
}

/// Number of boosts of a message by this user.
pub async fn count_of(db: impl SqliteExecutor<'_>, message_id: MessageId, booster_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM boosts WHERE message_id = $1 AND booster_id = $2")
        .bind(message_id)
        .bind(booster_id)
        .fetch_one(db)
        .await
}
