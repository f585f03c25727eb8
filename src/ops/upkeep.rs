//! What the program does by itself: forget old events, and finish what an end in the middle left undone.

use std::time::Duration;

use crate::AppResult;
use crate::changes::Change;
use crate::state::AppState;
use crate::store::{self, Tx};

/// How long a browser may be away and still be told what changed, in milliseconds: 7 days.
const EVENTS_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How many events one write forgets, so that nobody waits for it.
const PRUNED_AT_ONCE: i64 = 1_000;

/// How often it is looked after.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Looks after the database for as long as the program runs.
pub async fn run(state: AppState) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = once(&state).await {
            tracing::warn!(%error, "upkeep did not finish and will be tried again");
        }
    }
}

/// One round.
///
/// # Errors
/// When the database does not answer; the next round takes up where this one ended.
pub async fn once(state: &AppState) -> AppResult<()> {
    let before_ms = state.clock.now_ms() - EVENTS_KEPT_MS;
    loop {
        let prune = async move |tx: &mut Tx| {
            let pruned = store::events::prune(tx.db(), before_ms, PRUNED_AT_ONCE).await?;
            // Pages say how far in the log they are.
            tx.changed(if pruned == 0 { Change::Nothing } else { Change::Everything });
            Ok(pruned)
        };
        let pruned = state.db.write(prune).await?;
        if pruned == 0 {
            break;
        }
    }
    for room_id in store::rooms::list_removed(state.db.reader()).await? {
        super::rooms::empty(state, room_id).await?;
    }
    super::bans::remove_contents(state).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn events_are_forgotten_after_a_week_and_removed_rooms_are_cleared() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        world.post(&world.ada, room.id, "hello").await;
        let room_id = room.id;
        let write = async move |tx: &mut store::Tx| {
            store::memberships::revoke_all_but(tx.db(), room_id, &[]).await?;
            Ok(())
        };
        world.state.db.write(write).await.unwrap();
        let counts = async || -> (i64, i64) {
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM rooms)")
                .fetch_one(world.state.db.reader())
                .await
                .unwrap()
        };
        let (events, rooms) = counts().await;
        assert!(events > 0);
        once(&world.state).await.unwrap();
        assert_eq!(counts().await, (events, rooms), "nobody is in it, but nobody removed it either");
        let write = async move |tx: &mut store::Tx| Ok(store::rooms::mark_removed(tx.db(), room_id).await?);
        world.state.db.write(write).await.unwrap();
        once(&world.state).await.unwrap();
        assert_eq!(counts().await, (events, rooms - 1));
        world.state.clock.advance(EVENTS_KEPT_MS + 1);
        once(&world.state).await.unwrap();
        assert_eq!(counts().await.0, 0);
    }
}
