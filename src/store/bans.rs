//! Banned addresses: nobody can sign in or join from them.

use sqlx::SqliteExecutor;

use crate::model::UserId;

/// Bans an address together with a user. Does nothing if that pair is banned already.
pub async fn insert(db: impl SqliteExecutor<'_>, user_id: UserId, ip_address: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO bans (user_id, ip_address, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(user_id)
        .bind(ip_address)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Removes all bans of a user.
pub async fn remove_all_of(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM bans WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

/// All banned addresses, without duplicates, sorted as text.
pub async fn list_addresses(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT ip_address FROM bans ORDER BY ip_address").fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn an_address_stays_banned_until_its_last_user_is_unbanned() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let bob = world.bob.id;
        let unban = async |user_id| {
            let removed = world.state.db.write(async move |tx| Ok(remove_all_of(tx.db(), user_id).await?)).await;
            removed.unwrap();
            list_addresses(world.state.db.reader()).await.unwrap()
        };
        world
            .state
            .db
            .write(async move |tx| {
                for user_id in [ada, bob, bob] {
                    insert(tx.db(), user_id, "192.0.2.1", 1).await?;
                }
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(unban(ada).await, ["192.0.2.1"]);
        assert!(unban(bob).await.is_empty());
    }
}
