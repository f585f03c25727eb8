//! The networks that users wrote from lately: an IPv4 address, or the /64 of an IPv6 address.

use sqlx::SqliteExecutor;

use crate::model::UserId;

/// Stores that the user wrote from this network now.
pub async fn note(db: impl SqliteExecutor<'_>, user_id: UserId, network: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO networks (user_id, network, written_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, network) DO UPDATE SET written_at = excluded.written_at",
    )
    .bind(user_id)
    .bind(network)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// The networks that a user wrote from since a time, sorted as text.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId, since_ms: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT network FROM networks WHERE user_id = $1 AND written_at >= $2 ORDER BY network")
        .bind(user_id)
        .bind(since_ms)
        .fetch_all(db)
        .await
}

/// Whether another active user wrote from this network since a time.
pub async fn is_used_by_another(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    network: &str,
    since_ms: i64,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM networks JOIN users ON users.id = networks.user_id
                         WHERE networks.network = $2 AND networks.user_id <> $1 AND networks.written_at >= $3
                           AND users.status = 0)",
    )
    .bind(user_id)
    .bind(network)
    .bind(since_ms)
    .fetch_one(db)
    .await
}

/// Deletes up to `limit` networks that were last written from before a time. Returns how many.
pub async fn prune(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let pruned = sqlx::query(
        "DELETE FROM networks WHERE (user_id, network) IN
            (SELECT user_id, network FROM networks WHERE written_at < $1 ORDER BY written_at, user_id, network LIMIT $2)",
    )
    .bind(before_ms)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(pruned.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_network_is_known_from_its_last_use_until_it_is_pruned() {
        let world = testing::world().await;
        let (ada, bob) = (world.ada.id, world.bob.id);
        let db = &world.state.db;
        let written = async move |tx: &mut crate::store::Tx| {
            note(tx.db(), ada, "192.0.2.1", 5).await?;
            note(tx.db(), ada, "192.0.2.1", 9).await?;
            note(tx.db(), bob, "192.0.2.2", 5).await?;
            Ok(())
        };
        db.write(written).await.unwrap();
        assert_eq!(list(db.reader(), ada, 9).await.unwrap(), ["192.0.2.1"]);
        assert!(list(db.reader(), ada, 10).await.unwrap().is_empty());
        assert!(is_used_by_another(db.reader(), bob, "192.0.2.1", 9).await.unwrap());
        assert!(!is_used_by_another(db.reader(), ada, "192.0.2.1", 9).await.unwrap(), "their own");
        assert!(!is_used_by_another(db.reader(), bob, "192.0.2.1", 10).await.unwrap(), "long ago");
        let pruned = async move |tx: &mut crate::store::Tx| Ok(prune(tx.db(), 9, 10).await?);
        assert_eq!(db.write(pruned).await, Ok(1));
        assert!(list(db.reader(), bob, 0).await.unwrap().is_empty());
    }
}
