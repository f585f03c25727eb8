//! Renews the search index of messages that were indexed by an earlier version, from the newest to the oldest: in
//! batches, so that other writes are not delayed.

use super::Next;
use crate::model::{Job, JobKind, MessageId};
use crate::search::{INDEX_VERSION, IndexedText};
use crate::state::AppState;
use crate::store::searches::StoredText;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// Number of message ids that one step goes through.
const SCAN_SIZE: i64 = 4_000;

/// Maximum number of messages that one write indexes anew.
const BATCH_SIZE: i64 = 64;

/// Maximum amount of text that one write indexes anew, in bytes; at least one message.
const BATCH_BYTES: usize = 16 * 1_024;

/// Enqueues the job if messages are indexed by another version than the present one, or a renewal was left unfinished.
pub(super) async fn enqueue_if_due(tx: &mut Tx) -> AppResult<()> {
    let (version, _) = store::searches::find_index_state(tx.db()).await?;
    if version != INDEX_VERSION {
        store::searches::begin_renewal(tx.db(), INDEX_VERSION).await?;
    }
    let (_, renewed_before) = store::searches::find_index_state(tx.db()).await?;
    if renewed_before.0 > 0 && !store::jobs::exists(tx.db(), JobKind::RenewSearch).await? {
        tx.enqueue(&Job::RenewSearch).await?;
    }
    Ok(())
}

/// Renews one batch. Text in ASCII is indexed alike by every version: such messages are passed over.
pub(super) async fn step(state: &AppState) -> AppResult<Next> {
    let (_, before) = store::searches::find_index_state(state.db.reader()).await?;
    let from = MessageId((before.0 - SCAN_SIZE).max(0));
    let texts = store::searches::list_unicode_texts(state.db.reader(), from, before, BATCH_SIZE).await?;
    let choosing = move || choose_batch(texts, from, before);
    let (outdated, renewed_before) = tokio::task::spawn_blocking(choosing).await.map_err(|_| AppError::Internal)?;
    let renew = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        store::searches::reindex(tx, &outdated).await?;
        store::searches::set_renewed_before(tx.db(), renewed_before).await?;
        Ok(if renewed_before.0 > 0 { Next::Continue } else { Next::Done })
    };
    state.db.write(renew).await
}

/// Those of `texts` that have to be indexed anew, as much as one write takes, and the id before which messages remain.
///
/// `texts` are the newest of the messages between `from` and `before`, newest first, at most [`BATCH_SIZE`].
fn choose_batch(texts: Vec<StoredText>, from: MessageId, before: MessageId) -> (Vec<StoredText>, MessageId) {
    let is_rest_of_range = i64::try_from(texts.len()).is_ok_and(|count| count < BATCH_SIZE);
    let mut outdated = Vec::new();
    let mut bytes = 0;
    let mut passed = before;
    for stored in texts {
        let indexed = IndexedText::new(&stored.text);
        if indexed != stored.indexed {
            bytes += stored.text.len();
            if bytes > BATCH_BYTES && !outdated.is_empty() {
                return (outdated, passed);
            }
            outdated.push(StoredText { indexed, ..stored });
        }
        passed = stored.message_id;
    }
    (outdated, if is_rest_of_range { from } else { passed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jobs, testing};

    fn stored(id: i64, text: &str) -> StoredText {
        StoredText { message_id: MessageId(id), text: text.to_owned(), indexed: IndexedText::default() }
    }

    #[test]
    fn a_batch_is_limited_in_bytes_and_continues_where_it_ended() {
        let long = "я".repeat(BATCH_BYTES / 2);
        let texts = vec![stored(9, &long), stored(8, "ё"), stored(7, &long)];
        let ids = |batch: &[StoredText]| batch.iter().map(|text| text.message_id.0).collect::<Vec<_>>();
        let (batch, passed) = choose_batch(texts.clone(), MessageId(0), MessageId(10));
        assert_eq!((ids(&batch), passed.0), (vec![9], 9), "a single message may be longer");
        let (batch, passed) = choose_batch(texts[1..].to_vec(), MessageId(0), passed);
        assert_eq!((ids(&batch), passed.0), (vec![8], 8));
        let (batch, passed) = choose_batch(texts[2..].to_vec(), MessageId(5), passed);
        assert_eq!((ids(&batch), passed.0), (vec![7], 5), "nothing else is in the range");
        let current = StoredText { indexed: IndexedText::new("ё"), ..stored(8, "ё") };
        assert_eq!(choose_batch(vec![current], MessageId(5), MessageId(9)), (vec![], MessageId(5)));
        let full = vec![stored(8, "ё"); usize::try_from(BATCH_SIZE).unwrap()];
        assert_eq!(choose_batch(full, MessageId(0), MessageId(9)).1, MessageId(8), "the range may have more");
    }

    #[tokio::test]
    async fn the_index_of_an_older_version_is_renewed_and_a_process_that_ended_meanwhile_does_not_matter() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let mut ids = Vec::new();
        for number in 0..BATCH_SIZE + 5 {
            ids.push(world.post(&world.ada, room_id, &format!("Ёлка {number}, Straße")).await.id);
        }
        let plain = world.post(&world.ada, room_id, "plain words").await.id;
        let hits = async |word: &'static str| -> usize {
            let find = "SELECT rowid FROM message_search WHERE message_search MATCH $1";
            sqlx::query(find).bind(word).fetch_all(world.state.db.reader()).await.unwrap().len()
        };
        // As the version before this index left it.
        let make_old = async |tx: &mut Tx| {
            sqlx::raw_sql(
                "UPDATE messages SET search_words = NULL, search_parts = NULL, body_text = body_text;
                 UPDATE search_index SET version = 0, renewed_before = 0;",
            )
            .execute(tx.db())
            .await?;
            Ok(())
        };
        world.state.db.write(make_old).await.unwrap();
        assert_eq!((hits("елка").await, hits("strasse").await), (0, 0));

        world.state.db.write(async |tx| enqueue_if_due(tx).await).await.unwrap();
        assert_eq!(step(&world.state).await, Ok(Next::Continue));
        assert_eq!(hits("елка").await, usize::try_from(BATCH_SIZE).unwrap(), "the newest");
        // The next process finds the queue and the state as they are.
        world.state.db.write(async |tx| enqueue_if_due(tx).await).await.unwrap();
        jobs::run_due(&world.state).await.unwrap();
        assert_eq!((hits("елка").await, hits("strasse").await), (ids.len(), ids.len()));
        assert_eq!((hits("ёлка").await, hits("plain").await), (0, 1), "each message is indexed once");
        let (version, renewed_before) = store::searches::find_index_state(world.state.db.reader()).await.unwrap();
        assert_eq!((version, renewed_before), (INDEX_VERSION, MessageId(0)));
        assert!(!store::jobs::exists(world.state.db.reader(), JobKind::RenewSearch).await.unwrap());
        world.state.db.write(async |tx| enqueue_if_due(tx).await).await.unwrap();
        assert!(!store::jobs::exists(world.state.db.reader(), JobKind::RenewSearch).await.unwrap(), "nothing is due");
        assert!(plain > ids[0]);
    }
}
