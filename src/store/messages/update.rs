//! Changing stored messages.

use sqlx::SqliteExecutor;

use crate::model::MessageId;
use crate::richtext::Body;

/// Replaces the body of a message and increments its revision.
pub async fn update(db: impl SqliteExecutor<'_>, message_id: MessageId, body: &Body, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET body_source = $2, body_html = $3, body_text = $4, search_words = $5, search_marks = $6,
                             render_version = $7, revision = revision + 1, updated_at = $8, search_parts = $9
          WHERE id = $1",
    )
    .bind(message_id)
    .bind(&body.source)
    .bind(&body.html)
    .bind(&body.text)
    .bind(&body.search_words)
    .bind(&body.search_marks)
    .bind(body.render_version)
    .bind(now_ms)
    .bind(&body.search_parts)
    .execute(db)
    .await
    .map(drop)
}

/// Stores the number of the last event about a message's boosts.
pub async fn update_boosts_seq(db: impl SqliteExecutor<'_>, message_id: MessageId, seq: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE messages SET boosts_seq = $2 WHERE id = $1")
        .bind(message_id)
        .bind(seq)
        .execute(db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::messages::{NewMessage, insert_all, remove};
    use crate::{richtext, testing};

    #[tokio::test]
    async fn updates_and_removals_change_the_search_index() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "talking about *salamanders*").await;
        let hits = async |word: &'static str| -> Vec<i64> {
            sqlx::query_scalar("SELECT rowid FROM message_search WHERE message_search MATCH $1")
                .bind(word)
                .fetch_all(world.state.db.reader())
                .await
                .unwrap()
        };
        assert_eq!(hits("salamander").await, [message.id.0]);
        let body = richtext::render(&"newts".parse().unwrap(), &richtext::Names::none()).body;
        world.state.db.write(async move |tx| Ok(update(tx.db(), message.id, &body, 9).await?)).await.unwrap();
        assert!(hits("salamander").await.is_empty());
        assert_eq!(hits("newt").await, [message.id.0]);
        world.state.db.write(async move |tx| Ok(remove(tx.db(), room_id, message.id).await?)).await.unwrap();
        assert!(hits("newt").await.is_empty());
    }

    #[tokio::test]
    async fn a_message_updated_in_its_own_transaction_is_indexed_with_its_last_body() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let creator_id = world.ada.id;
        let body = |text: &str| richtext::render(&text.parse().unwrap(), &richtext::Names::none()).body;
        let first = body("salamanders");
        let last = body("newts");
        let inserted = world.state.db.write(async move |tx| {
            let new = NewMessage { body: first, ..testing::new_message(room_id, creator_id, 10, "") };
            let inserted = insert_all(tx.db(), &[&new]).await?.pop().flatten().expect("a member's message");
            tx.index(inserted.id, new.body.text.len());
            update(tx.db(), inserted.id, &last, 2).await?;
            Ok(inserted)
        });
        let id = inserted.await.unwrap().id;
        let found: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM message_search WHERE message_search MATCH 'salamander'),
                    (SELECT rowid FROM message_parts WHERE message_parts MATCH 'ewt')",
        )
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
        assert_eq!(found, [(0, id.0)]);
    }
}
