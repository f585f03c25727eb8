//! The devices that take pushes.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::{PushSubscriptionId, SessionId, UserId};

/// How many devices of a user are kept that are dead or removed.
const MAX_KEPT: i64 = 32;

/// A device that registers.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// Where its push service takes pushes.
    pub endpoint: String,
    /// Its public key.
    pub p256dh: Vec<u8>,
    /// Its authentication secret.
    pub auth: Vec<u8>,
    /// The public key of the sender that it was made for.
    pub server_key: Vec<u8>,
    /// Where it had the site from, like `https://chat.example`.
    pub origin: String,
    /// Its user agent.
    pub user_agent: String,
}

/// A device in the list of its owner.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PushDevice {
    /// The id of its subscription.
    pub id: PushSubscriptionId,
    /// The session in which it was registered.
    pub session_id: SessionId,
    /// Where its push service takes pushes.
    pub endpoint: String,
    /// The public key of the sender that it was made for.
    pub server_key: Vec<u8>,
    /// Its user agent.
    pub user_agent: String,
    /// When it was given up, in milliseconds since the epoch.
    pub dead_at: Option<i64>,
    /// When its push service took a push last, in milliseconds since the epoch.
    pub last_success_at: Option<i64>,
    /// When one failed last, in milliseconds since the epoch.
    pub last_failure_at: Option<i64>,
    /// Why, in words.
    pub last_failure: Option<String>,
    /// When it was registered last, in milliseconds since the epoch.
    pub updated_at: i64,
}

/// What is needed to send to a device.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PushTarget {
    /// The id of its subscription.
    pub id: PushSubscriptionId,
    /// Where its push service takes pushes.
    pub endpoint: String,
    /// Its public key.
    pub p256dh: Vec<u8>,
    /// Its authentication secret.
    pub auth: Vec<u8>,
    /// Where it had the site from.
    pub origin: String,
}

/// The device with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownDevice {
    /// Its owner.
    pub user_id: UserId,
    /// Whether it was given up.
    pub is_dead: bool,
    /// Whether its owner has removed it.
    pub is_removed: bool,
}

/// Registers a device for a user, who is its owner from now on. With the same keys for the same user it is the same device,
/// and the record of its failures stays; otherwise it begins anew, under another id. It takes the place of those of the same
/// session that do not work.
pub async fn register(
    db: &mut SqliteConnection,
    user_id: UserId,
    session_id: SessionId,
    new: &NewSubscription,
    now_ms: i64,
) -> sqlx::Result<PushSubscriptionId> {
    sqlx::query(
        "DELETE FROM push_subscriptions
          WHERE endpoint = $1 AND NOT (user_id = $2 AND p256dh = $3 AND auth = $4 AND server_key = $5)",
    )
    .bind(&new.endpoint)
    .bind(user_id)
    .bind(&new.p256dh)
    .bind(&new.auth)
    .bind(&new.server_key)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM push_subscriptions
          WHERE user_id = $1 AND session_id = $2 AND endpoint <> $3 AND removed_at IS NULL
            AND (dead_at IS NOT NULL OR server_key <> $4)",
    )
    .bind(user_id)
    .bind(session_id)
    .bind(&new.endpoint)
    .bind(&new.server_key)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM push_subscriptions
          WHERE id IN (SELECT id FROM push_subscriptions
                        WHERE user_id = $1 AND endpoint <> $2 AND (dead_at IS NOT NULL OR removed_at IS NOT NULL)
                        ORDER BY COALESCE(removed_at, dead_at) DESC, id DESC LIMIT -1 OFFSET $3)",
    )
    .bind(user_id)
    .bind(&new.endpoint)
    .bind(MAX_KEPT)
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar(
        "INSERT INTO push_subscriptions
                (user_id, session_id, endpoint, p256dh, auth, server_key, origin, user_agent, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         ON CONFLICT (endpoint) DO UPDATE SET session_id = $2, origin = $7, user_agent = $8, updated_at = $9,
                                               removed_at = NULL
         RETURNING id",
    )
    .bind(user_id)
    .bind(session_id)
    .bind(&new.endpoint)
    .bind(&new.p256dh)
    .bind(&new.auth)
    .bind(&new.server_key)
    .bind(&new.origin)
    .bind(&new.user_agent)
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// Number of a user's devices that get pushes which are sent with this key.
pub async fn count_live(db: impl SqliteExecutor<'_>, user_id: UserId, server_key: &[u8]) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM push_subscriptions
          WHERE user_id = $1 AND server_key = $2 AND dead_at IS NULL AND removed_at IS NULL",
    )
    .bind(user_id)
    .bind(server_key)
    .fetch_one(db)
    .await
}

/// The devices of a user, the one that registered last first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<PushDevice>> {
    sqlx::query_as(
        "SELECT id, session_id, endpoint, server_key, user_agent, dead_at, last_success_at, last_failure_at, last_failure,
                updated_at
           FROM push_subscriptions WHERE user_id = $1 AND removed_at IS NULL ORDER BY updated_at DESC, id DESC",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// The device with an endpoint, whosever it is.
pub async fn find_by_endpoint(db: impl SqliteExecutor<'_>, endpoint: &str) -> sqlx::Result<Option<KnownDevice>> {
    sqlx::query_as(
        "SELECT user_id, dead_at IS NOT NULL AS is_dead, removed_at IS NOT NULL AS is_removed
           FROM push_subscriptions WHERE endpoint = $1",
    )
    .bind(endpoint)
    .fetch_optional(db)
    .await
}

/// A device of a user, to send to it.
pub async fn find_target(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    id: PushSubscriptionId,
) -> sqlx::Result<Option<PushTarget>> {
    sqlx::query_as(
        "SELECT id, endpoint, p256dh, auth, origin
           FROM push_subscriptions WHERE id = $1 AND user_id = $2 AND removed_at IS NULL",
    )
    .bind(id)
    .bind(user_id)
    .fetch_optional(db)
    .await
}

/// Removes a device of a user; its tombstone stays. Returns whether there was one.
pub async fn remove(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    id: PushSubscriptionId,
    now_ms: i64,
) -> sqlx::Result<bool> {
    let removed = sqlx::query(
        "UPDATE push_subscriptions SET removed_at = $3 WHERE id = $1 AND user_id = $2 AND removed_at IS NULL",
    )
    .bind(id)
    .bind(user_id)
    .bind(now_ms)
    .execute(db)
    .await?;
    Ok(removed.rows_affected() > 0)
}

/// Removes the device of a user with this endpoint, if there is one; its tombstone stays.
pub async fn remove_endpoint(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    endpoint: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions SET removed_at = $3 WHERE endpoint = $1 AND user_id = $2 AND removed_at IS NULL",
    )
    .bind(endpoint)
    .bind(user_id)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Deletes the device of a user with this endpoint, if it is of another key.
pub async fn delete_of_other_key(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    endpoint: &str,
    server_key: &[u8],
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM push_subscriptions WHERE endpoint = $1 AND user_id = $2 AND server_key <> $3")
        .bind(endpoint)
        .bind(user_id)
        .bind(server_key)
        .execute(db)
        .await
        .map(drop)
}

/// Deletes up to `limit` devices that are dead since before a time. Returns their number.
pub async fn prune_dead(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<u64> {
    let pruned = sqlx::query(
        "DELETE FROM push_subscriptions
          WHERE id IN (SELECT id FROM push_subscriptions WHERE dead_at < $1 AND removed_at IS NULL LIMIT $2)",
    )
    .bind(before_ms)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(pruned.rows_affected())
}

/// Moves the devices of a session to the one that takes its place in the same browser, if both are the same user's.
pub async fn move_to_session(
    db: impl SqliteExecutor<'_>,
    from_token_hash: &[u8],
    session_id: SessionId,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions SET session_id = $2
          WHERE session_id = (SELECT id FROM sessions WHERE token_hash = $1)
            AND user_id = (SELECT user_id FROM sessions WHERE id = $2)",
    )
    .bind(from_token_hash)
    .bind(session_id)
    .execute(db)
    .await
    .map(drop)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::AppResult;
    use crate::store::Tx;
    use crate::store::pushes::note_refusal;
    use crate::testing::{self, World};

    pub(in crate::store::pushes) fn device(endpoint: &str, auth: u8) -> NewSubscription {
        NewSubscription {
            endpoint: endpoint.into(),
            p256dh: vec![4; 65],
            auth: vec![auth; 16],
            server_key: vec![4; 65],
            origin: "https://chat.example".into(),
            user_agent: "Mozilla".into(),
        }
    }

    pub(in crate::store::pushes) async fn write<T: Send + 'static>(
        world: &World,
        write: impl AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    ) -> T {
        world.state.db.write(write).await.unwrap()
    }

    pub(in crate::store::pushes) async fn add(
        world: &World,
        user_id: UserId,
        new: NewSubscription,
        now_ms: i64,
    ) -> PushSubscriptionId {
        let session_id = SessionId(user_id.0);
        write(world, async move |tx| Ok(register(tx.db(), user_id, session_id, &new, now_ms).await?)).await
    }

    pub(in crate::store::pushes) async fn only(world: &World, user_id: UserId) -> PushDevice {
        let devices = list(world.state.db.reader(), user_id).await.unwrap();
        let [device] = &devices[..] else { panic!("{} devices", devices.len()) };
        device.clone()
    }

    #[tokio::test]
    async fn a_device_belongs_to_who_registered_it_last() {
        let world = testing::world().await;
        let (ada, bob) = (world.ada.id, world.bob.id);
        let id = add(&world, ada, device("https://push.example/1", 1), 10).await;
        write(&world, async move |tx| Ok(note_refusal(tx.db(), id, "no", 11).await?)).await;
        assert_eq!(add(&world, ada, device("https://push.example/1", 1), 12).await, id);
        let again = only(&world, ada).await;
        assert_eq!((again.updated_at, again.last_failure.as_deref()), (12, Some("no")), "its record stays");
        let his = add(&world, bob, device("https://push.example/1", 1), 13).await;
        assert_ne!(his, id, "what was meant for her device is not sent to his");
        assert!(list(world.state.db.reader(), ada).await.unwrap().is_empty());
        let of_bob = only(&world, bob).await;
        assert_eq!((of_bob.session_id.0, of_bob.last_failure), (bob.0, None), "his record is his own");
        assert!(!write(&world, async move |tx| Ok(remove(tx.db(), ada, his, 20).await?)).await, "not hers any more");
        assert!(write(&world, async move |tx| Ok(remove(tx.db(), bob, his, 20).await?)).await);
    }

    #[tokio::test]
    async fn tombstones_are_kept_but_not_without_end() {
        let world = testing::world().await;
        let ada = world.ada.id;
        for number in 0..40_u8 {
            let id = add(&world, ada, device(&format!("https://push.example/{number}"), number), 10).await;
            let now_ms = i64::from(number);
            assert!(write(&world, async move |tx| Ok(remove(tx.db(), ada, id, now_ms).await?)).await);
            assert!(!write(&world, async move |tx| Ok(remove(tx.db(), ada, id, now_ms).await?)).await, "removed");
        }
        let find = async |number: u8| {
            let endpoint = format!("https://push.example/{number}");
            find_by_endpoint(world.state.db.reader(), &endpoint).await.unwrap()
        };
        let removed = KnownDevice { user_id: ada, is_dead: false, is_removed: true };
        assert_eq!((find(6).await, find(7).await, find(39).await), (None, Some(removed), Some(removed)));
        assert!(list(world.state.db.reader(), ada).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_device_ends_with_its_session() {
        let world = testing::world().await;
        let ada = world.ada.id;
        add(&world, ada, device("https://push.example/1", 1), 10).await;
        let sign_out =
            async move |tx: &mut Tx| Ok(crate::store::sessions::remove(tx.db(), &ada.0.to_be_bytes()).await?);
        assert!(write(&world, sign_out).await.is_some());
        assert!(list(world.state.db.reader(), ada).await.unwrap().is_empty());
    }
}
