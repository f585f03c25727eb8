//! What became of pushes to a device.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::PushSubscriptionId;

/// How many refusals in a row make a device dead.
const MAX_REFUSALS: i64 = 5;

/// The pause after a failure, in milliseconds. It is four times as long after each further one in a row.
const FAILURE_PAUSE_MS: i64 = 30_000;

/// The longest of these pauses, in milliseconds.
const MAX_FAILURE_PAUSE_MS: i64 = 30 * 60 * 1_000;

/// How many failures in a row make a device dead, once they last for [`FAILING_MS`].
const MAX_FAILURES: i64 = 12;

/// How long a device has to fail before it is dead, in milliseconds: a day.
const FAILING_MS: i64 = 24 * 60 * 60 * 1_000;

/// How old the last success of a device may be before it is noted anew, in milliseconds: a device that gets a hundred
/// messages an hour costs one write.
const SUCCESS_INTERVAL_MS: i64 = 10 * 60 * 1_000;

/// Notes that a device is gone, as its push service says. It is dead: when its browser registers it again, that is told to
/// subscribe anew.
pub async fn note_gone(
    db: impl SqliteExecutor<'_>,
    id: PushSubscriptionId,
    words: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions
            SET dead_at = COALESCE(dead_at, $2), last_failure_at = $2, last_failure = $3 WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(words)
    .execute(db)
    .await
    .map(drop)
}

/// Notes that the push service of a device took a push.
pub async fn note_success(db: impl SqliteExecutor<'_>, id: PushSubscriptionId, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions SET last_success_at = $2, refusal_count = 0, failure_count = 0, failing_since = NULL,
                                      not_before_at = 0, dead_at = NULL
          WHERE id = $1 AND (refusal_count > 0 OR failure_count > 0 OR dead_at IS NOT NULL OR COALESCE(last_success_at, 0) <= $3
                             OR COALESCE(last_failure_at, 0) >= last_success_at)",
    )
    .bind(id)
    .bind(now_ms)
    .bind(now_ms - SUCCESS_INTERVAL_MS)
    .execute(db)
    .await
    .map(drop)
}

/// Notes that a push to a device failed, for a reason that may pass. The device is left alone until `not_before_ms` or, if its
/// push service names no time, the longer the more often that has happened in a row. One that fails for a day is dead.
pub async fn note_failure(
    db: impl SqliteExecutor<'_>,
    id: PushSubscriptionId,
    words: &str,
    not_before_ms: Option<i64>,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE push_subscriptions
            SET last_failure_at = $2, last_failure = $3, failure_count = failure_count + 1,
                failing_since = COALESCE(failing_since, $2),
                not_before_at = COALESCE($4, $2 + MIN($5 << 2 * MIN(failure_count, 10), $6)),
                dead_at = CASE WHEN failure_count + 1 >= $7 AND failing_since <= $2 - $8
                               THEN COALESCE(dead_at, $2) ELSE dead_at END
          WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(words)
    .bind(not_before_ms)
    .bind(FAILURE_PAUSE_MS)
    .bind(MAX_FAILURE_PAUSE_MS)
    .bind(MAX_FAILURES)
    .bind(FAILING_MS)
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
    use super::super::subscriptions::tests::{add, device, only, write};
    use super::super::{count_live, list, prune_dead};
    use super::*;
    use crate::testing;

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
        assert_eq!(count_live(world.state.db.reader(), ada, &[4; 65]).await.unwrap(), 0);
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
        write(&world, async move |tx| Ok(note_gone(tx.db(), id, "ended (410)", 12).await?)).await;
        assert_eq!((only(&world, ada).await.id, only(&world, ada).await.dead_at), (new, None));
        write(&world, async move |tx| Ok(note_gone(tx.db(), new, "ended (410)", 13).await?)).await;
        let gone = only(&world, ada).await;
        assert_eq!((gone.dead_at, gone.last_failure.as_deref()), (Some(13), Some("ended (410)")), "its owner sees why");
        let prune = async |before_ms| write(&world, async move |tx| Ok(prune_dead(tx.db(), before_ms, 9).await?)).await;
        assert_eq!(prune(13).await, 0);
        assert_eq!(prune(14).await, 1);
        assert!(list(world.state.db.reader(), ada).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn pauses_grow_and_a_device_that_fails_for_a_day_is_dead() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let id = add(&world, ada, device("https://push.example/1", 1), 10).await;
        let fail = async |not_before_ms, now_ms| {
            write(&world, async move |tx| Ok(note_failure(tx.db(), id, "slow", not_before_ms, now_ms).await?)).await;
            let pause: i64 = sqlx::query_scalar("SELECT not_before_at - last_failure_at FROM push_subscriptions")
                .fetch_one(world.state.db.reader())
                .await
                .unwrap();
            pause
        };
        for pause_s in [30, 120, 480, 1_800, 1_800] {
            assert_eq!(fail(None, 1_000).await, pause_s * 1_000);
        }
        assert_eq!(fail(Some(91_000), 1_000).await, 90_000, "as it asks");
        for _ in 0..20 {
            fail(None, 1_000 + FAILING_MS - 1).await;
        }
        assert_eq!(only(&world, ada).await.dead_at, None, "not yet a day");
        write(&world, async move |tx| Ok(note_success(tx.db(), id, 2_000 + FAILING_MS).await?)).await;
        for number in 1..MAX_FAILURES {
            fail(None, 3_000 + FAILING_MS * (number + 1)).await;
            assert_eq!(only(&world, ada).await.dead_at, None, "a success in between, and not often enough");
        }
        let now_ms = 3_000 + FAILING_MS * 20;
        fail(None, now_ms).await;
        assert_eq!(only(&world, ada).await.dead_at, Some(now_ms));
    }
}
