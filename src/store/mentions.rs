//! Whom messages name.

use sqlx::SqliteExecutor;

use crate::model::{MessageId, RoomId, UserId};

/// Notes whom a message names, in place of what was noted before.
pub async fn replace(
    db: &mut sqlx::SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
    user_ids: &[UserId],
) -> sqlx::Result<()> {
    remove_all_of(&mut *db, message_id).await?;
    sqlx::query("INSERT INTO mentions (user_id, room_id, message_id) SELECT value, $1, $2 FROM json_each($3)")
        .bind(room_id)
        .bind(message_id)
        .bind(super::json_ids(user_ids))
        .execute(db)
        .await
        .map(drop)
}

/// Forgets whom a message named.
pub async fn remove_all_of(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM mentions WHERE message_id = $1").bind(message_id).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[tokio::test]
    async fn the_sidebar_counts_what_names_one_until_it_is_read() {
        let world = testing::world().await;
        let (room_id, ada, bob) = (world.all_talk.id, &world.ada, &world.bob);
        let mention_count = async || world.sidebar(bob.id).await[0].mention_count;
        world.post(ada, room_id, "for all").await;
        assert_eq!(mention_count().await, 0);
        let first = world.post(ada, room_id, "@Bob, look").await;
        let second = world.post(ada, room_id, "@bob again, @Bob").await;
        assert_eq!(mention_count().await, 2);
        let member = world.member(ada, room_id).await;
        crate::ops::messages::edit(&world.state, &member, second.id, "never mind".parse().unwrap()).await.unwrap();
        assert_eq!(mention_count().await, 1);
        crate::ops::messages::mark_read(&world.state, bob, room_id, first.id).await.unwrap();
        assert_eq!(mention_count().await, 0);
        world.post(ada, room_id, "@Bob").await;
        let last = world.post(ada, room_id, "@Bob").await;
        crate::ops::messages::remove(&world.state, &member, last.id).await.unwrap();
        assert_eq!(mention_count().await, 1, "a removed message names nobody");
        assert_eq!(world.sidebar(ada.id).await[0].mention_count, 0);
    }
}
