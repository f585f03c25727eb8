//! Deletes the messages of a removed room, then the room: in batches, so that a room of a quarter of a million messages
//! delays nobody else's write.

use super::Next;
use crate::AppResult;
use crate::model::RoomId;
use crate::state::AppState;
use crate::store::{self, Tx};

/// Messages deleted by one write.
const BATCH: i64 = 500;

/// Deletes one batch.
pub(super) async fn step(state: &AppState, room_id: RoomId) -> AppResult<Next> {
    let delete = async move |tx: &mut Tx| {
        // Nobody is in the room any more.
        tx.changes_nothing_visible();
        if store::messages::remove_some_of_room(tx.db(), room_id, BATCH).await? > 0 {
            return Ok(Next::Continue);
        }
        store::rooms::remove(tx.db(), room_id).await?;
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
