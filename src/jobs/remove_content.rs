//! Removes the messages of a banned user up to the time of the ban: in batches, so that other writes are not delayed.

use std::collections::BTreeMap;

use super::Next;
use crate::AppResult;
use crate::facts::Fact;
use crate::model::{MessageId, UserId};
use crate::state::AppState;
use crate::store::messages::{Removed, ShortenedThread};
use crate::store::{self, Tx};

/// Maximum number of messages that one write removes.
const BATCH_SIZE: i64 = 50;

/// Removes one batch. An event for each message is sent to the sockets that have its room in view.
pub(super) async fn step(state: &AppState, user_id: UserId, up_to: MessageId) -> AppResult<Next> {
    let remove = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let batch = store::messages::list_of_creator(tx.db(), user_id, up_to, BATCH_SIZE).await?;
        // What follows for a thread does so once, however many of its answers go.
        let mut threads = BTreeMap::new();
        for (message_id, room_id) in &batch {
            let message_id = *message_id;
            let room_id = *room_id;
            let Removed { mentioned, had_files, was_pinned, thread, inbox } =
                store::messages::remove(tx.db(), room_id, message_id).await?;
            tx.record(Fact::MessageRemoved { room_id, message_id, mentioned, had_files, was_pinned, inbox }).await?;
            if let Some(ShortenedThread { root_id, followers: last }) = thread {
                let (_, newest_removed, followers) =
                    threads.entry(root_id).or_insert((room_id, message_id, Vec::new()));
                *newest_removed = message_id.max(*newest_removed);
                followers.extend(last);
            }
        }
        for (root_id, (room_id, newest_removed, followers)) in threads {
            tx.record(Fact::ThreadShortened { room_id, root_id, newest_removed, followers }).await?;
        }
        Ok(if batch.is_empty() { Next::Done } else { Next::Continue })
    };
    state.db.write(remove).await
}
