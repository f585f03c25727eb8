//! Removes what a banned person had posted when they were banned: in batches, so that nobody's write waits for it.

use super::Next;
use crate::AppResult;
use crate::facts::Fact;
use crate::model::{MessageId, UserId};
use crate::state::AppState;
use crate::store::{self, Tx};

/// Messages removed by one write.
const BATCH: i64 = 50;

/// Removes one batch; everybody who has one of the messages in view is notified.
pub(super) async fn step(state: &AppState, user_id: UserId, up_to: MessageId) -> AppResult<Next> {
    let remove = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let batch = store::messages::list_of_creator(tx.db(), user_id, up_to, BATCH).await?;
        for (message_id, room_id) in &batch {
            let (message_id, room_id) = (*message_id, *room_id);
            store::messages::remove(tx.db(), room_id, message_id).await?;
            tx.record(Fact::MessageRemoved { room_id, message_id }).await?;
        }
        Ok(if batch.is_empty() { Next::Done } else { Next::Continue })
    };
    state.db.write(remove).await
}
