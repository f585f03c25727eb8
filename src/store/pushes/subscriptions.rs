//! The devices that take pushes.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::{PushSubscriptionId, SessionId, UserId};

/// How many refusals in a row make a device dead.
const MAX_REFUSALS: i64 = 5;

/// How old the last success of a device may be before it is noted anew, in milliseconds: a device that gets a hundred
/// messages an hour costs one write.
const SUCCESS_INTERVAL_MS: i64 = 10 * 60 * 1_000;

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

/// Registers a device for a user, who is its owner from now on. With the same keys for the same user it is the same device,
/// and the record of its failures stays; otherwise it begins anew, under another id.
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
    sqlx::query_scalar(
        "INSERT INTO push_subscriptions
                (user_id, session_id, endpoint, p256dh, auth, server_key, origin, user_agent, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         ON CONFLICT (endpoint) DO UPDATE SET session_id = $2, origin = $7, user_agent = $8, updated_at = $9
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

/// Number of a user's devices, without those that are dead.
pub async fn count_live(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM push_subscriptions WHERE user_id = $1 AND dead_at IS NULL")
        .bind(user_id)
        .fetch_one(db)
        .await
}

/// The devices of a user, the one that registered last first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<PushDevice>> {
    sqlx::query_as(
        "SELECT id, session_id, endpoint, server_key, user_agent, dead_at, last_success_at, last_failure_at, last_failure,
                updated_at
           FROM push_subscriptions WHERE user_id = $1 ORDER BY updated_at DESC, id DESC",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// The owner of a device, and whether it is dead.
pub async fn find_by_endpoint(db: impl SqliteExecutor<'_>, endpoint: &str) -> sqlx::Result<Option<(UserId, bool)>> {
    sqlx::query_as("SELECT user_id, dead_at IS NOT NULL FROM push_subscriptions WHERE endpoint = $1")
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
    sqlx::query_as("SELECT id, endpoint, p256dh, auth, origin FROM push_subscriptions WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// Removes a device of a user. Returns whether there was one.
pub async fn remove(db: impl SqliteExecutor<'_>, user_id: UserId, id: PushSubscriptionId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM push_subscriptions WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user_id)
        .execute(db)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// Removes the device of a user with this endpoint, if there is one.
pub async fn remove_endpoint(db: impl SqliteExecutor<'_>, user_id: UserId, endpoint: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM push_subscriptions WHERE endpoint = $1 AND user_id = $2")
        .bind(endpoint)
        .bind(user_id)
        .execute(db)
        .await
        .map(drop)
}

/// Removes the dead devices of a user.
pub async fn remove_dead(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM push_subscriptions WHERE user_id = $1 AND dead_at IS NOT NULL")
        .bind(user_id)
        .execute(db)
        .await
        .map(drop)
}

/// Removes a device that is gone, as its push service says.
pub async fn remove_gone(db: impl SqliteExecutor<'_>, id: PushSubscriptionId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM push_subscriptions WHERE id = $1").bind(id).execute(db).await.map(drop)
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

/// Notes that the push service of a device took a push.
pub async fn note_success(db: impl SqliteExecutor<'_>, id: PushSubscriptionId, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions SET last_success_at = $2, refusal_count = 0, dead_at = NULL
          WHERE id = $1 AND (refusal_count > 0 OR dead_at IS NOT NULL OR COALESCE(last_success_at, 0) <= $3
                             OR COALESCE(last_failure_at, 0) >= last_success_at)",
    )
    .bind(id)
    .bind(now_ms)
    .bind(now_ms - SUCCESS_INTERVAL_MS)
    .execute(db)
    .await
    .map(drop)
}

/// Notes that a push to a device failed, for a reason that says nothing about the device.
pub async fn note_failure(
    db: impl SqliteExecutor<'_>,
    id: PushSubscriptionId,
    words: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE push_subscriptions SET last_failure_at = $2, last_failure = $3 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .bind(words)
        .execute(db)
        .await
        .map(drop)
}

/// Notes that the push service refused a push to a device. After [`MAX_REFUSALS`] in a row the device is dead.
pub async fn note_refusal(
    db: &mut SqliteConnection,
    id: PushSubscriptionId,
    words: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions
            SET last_failure_at = $2, last_failure = $3, refusal_count = refusal_count + 1,
                dead_at = CASE WHEN refusal_count + 1 >= $4 THEN COALESCE(dead_at, $2) ELSE dead_at END
          WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(words)
    .bind(MAX_REFUSALS)
    .execute(db)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppResult;
    use crate::store::Tx;
    use crate::testing::{self, World};

    fn device(endpoint: &str, auth: u8) -> NewSubscription {
        NewSubscription {
            endpoint: endpoint.into(),
            p256dh: vec![4; 65],
            auth: vec![auth; 16],
            server_key: vec![4; 65],
            origin: "https://chat.example".into(),
            user_agent: "Mozilla".into(),
        }
    }

    async fn write<T: Send + 'static>(
        world: &World,
        write: impl AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
    ) -> T {
        world.state.db.write(write).await.unwrap()
    }

    async fn add(world: &World, user_id: UserId, new: NewSubscription, now_ms: i64) -> PushSubscriptionId {
        let session_id = SessionId(user_id.0);
        write(world, async move |tx| Ok(register(tx.db(), user_id, session_id, &new, now_ms).await?)).await
    }

    async fn only(world: &World, user_id: UserId) -> PushDevice {
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
        assert!(!write(&world, async move |tx| Ok(remove(tx.db(), ada, his).await?)).await, "not hers any more");
        assert!(write(&world, async move |tx| Ok(remove(tx.db(), bob, his).await?)).await);
    }

    #[tokio::test]
    async fn five_refusals_in_a_row_make_a_device_dead_and_a_success_makes_it_alive() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let id = add(&world, ada, device("https://push.example/1", 1), 10).await;
        let refuse = async |now_ms| {
            write(&world, async move |tx| Ok(note_refusal(tx.db(), id, "no (403)", now_ms).await?)).await;
        };
        for now_ms in 1..=4 {
            refuse(now_ms).await;
        }
        write(&world, async move |tx| Ok(note_success(tx.db(), id, 5).await?)).await;
        for now_ms in 6..=9 {
            refuse(now_ms).await;
            assert_eq!(only(&world, ada).await.dead_at, None);
        }
        refuse(10).await;
        refuse(11).await;
        let dead = only(&world, ada).await;
        assert_eq!((dead.dead_at, dead.last_success_at, dead.last_failure_at), (Some(10), Some(5), Some(11)));
        assert_eq!(count_live(world.state.db.reader(), ada).await.unwrap(), 0);
        write(&world, async move |tx| Ok(note_success(tx.db(), id, 12).await?)).await;
        assert_eq!((only(&world, ada).await.dead_at, only(&world, ada).await.last_success_at), (None, Some(12)));
        write(&world, async move |tx| Ok(note_success(tx.db(), id, 13).await?)).await;
        assert_eq!(only(&world, ada).await.last_success_at, Some(12), "noted once in a while");
        write(&world, async move |tx| Ok(note_success(tx.db(), id, 12 + SUCCESS_INTERVAL_MS).await?)).await;
        assert_eq!(only(&world, ada).await.last_success_at, Some(12 + SUCCESS_INTERVAL_MS));
    }

    #[tokio::test]
    async fn what_was_registered_anew_is_not_gone() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let id = add(&world, ada, device("https://push.example/1", 1), 10).await;
        let new = add(&world, ada, device("https://push.example/1", 2), 11).await;
        write(&world, async move |tx| Ok(remove_gone(tx.db(), id).await?)).await;
        assert_eq!(only(&world, ada).await.id, new);
        write(&world, async move |tx| Ok(remove_gone(tx.db(), new).await?)).await;
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
