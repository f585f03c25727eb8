//! Deletes the messages of a removed room, then the room: in batches, so that other writes are not delayed by a large
//! room.

use super::Next;
use crate::AppResult;
use crate::model::{Job, RoomId};
use crate::state::AppState;
use crate::store::{self, Tx};

/// Maximum number of messages that one write deletes.
const BATCH_SIZE: i64 = 500;

/// Deletes one batch.
pub(super) async fn step(state: &AppState, room_id: RoomId) -> AppResult<Next> {
    let delete = async move |tx: &mut Tx| {
        // The room has no members any more, so no page or permission depends on its messages.
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        if store::messages::remove_some_of_room(tx.db(), room_id, BATCH_SIZE).await? > 0 {
            return Ok(Next::Continue);
        }
        store::rooms::remove(tx.db(), room_id).await?;
        if store::files::has_expired(tx.db(), now_ms).await? {
            tx.enqueue(&Job::RemoveFiles).await?;
        }
        Ok(Next::Done)
    };
    state.db.write(delete).await
}

#[cfg(test)]
mod tests {
    use crate::{jobs, ops, testing};

    #[tokio::test]
    async fn a_removed_room_and_its_messages_are_deleted() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        for number in 0..3 {
            world.post(&world.bob, room.id, &format!("number {number}")).await;
        }
        let counts = async || -> (i64, i64) {
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM rooms)")
                .fetch_one(world.state.db.reader())
                .await
                .unwrap()
        };
        assert_eq!(counts().await, (3, 2));
        ops::rooms::remove(&world.state, &world.member(&world.ada, room.id).await).await.unwrap();
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!(counts().await, (0, 1));
    }
}
