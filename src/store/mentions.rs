//! Mentions: links from messages to users.

use sqlx::SqliteExecutor;

use crate::model::{MessageId, Person, RoomId, UserId};
use crate::richtext::Mention;

/// Replaces the mentions of a message. Only active members of its room are stored, and returned.
pub async fn replace(
    db: &mut sqlx::SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
    mentions: &[Mention],
) -> sqlx::Result<Vec<UserId>> {
    remove_all_of(&mut *db, message_id).await?;
    let rows: Vec<_> = mentions.iter().map(|mention| (mention.user_id.0, &mention.name)).collect();
    sqlx::query_scalar(
        "INSERT INTO mentions (user_id, room_id, message_id, name, in_thread_only)
         SELECT users.id, $1, $2, named.value ->> 1,
                COALESCE((SELECT in_thread_only FROM messages WHERE id = $2), FALSE)
           FROM json_each($3) AS named
           JOIN users ON users.id = named.value ->> 0 AND users.status = 0
           JOIN memberships ON memberships.user_id = users.id AND memberships.room_id = $1
         RETURNING user_id",
    )
    .bind(room_id)
    .bind(message_id)
    .bind(serde_json::to_string(&rows).expect("numbers and names are JSON"))
    .fetch_all(db)
    .await
}

/// Removes all mentions of a message.
pub async fn remove_all_of(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM mentions WHERE message_id = $1").bind(message_id).execute(db).await.map(drop)
}

/// The users a message mentions, with the names that its source calls them by, in the order of their ids.
pub async fn list(db: impl SqliteExecutor<'_>, message_id: MessageId) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as("SELECT user_id AS id, name FROM mentions WHERE message_id = $1 ORDER BY user_id")
        .bind(message_id)
        .fetch_all(db)
        .await
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[tokio::test]
    async fn the_sidebar_counts_unread_mentions() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let ada = &world.ada;
        let bob = &world.bob;
        let mention_count = async || world.sidebar(bob.id).await[0].mention_count;
        world.post(ada, room_id, "for all").await;
        assert_eq!(mention_count().await, 0);
        let first = world.post(ada, room_id, "@Bob, look").await;
        let second = world.post(ada, room_id, "@bob again, @Bob").await;
        assert_eq!(mention_count().await, 2);
        let member = world.member(ada, room_id).await;
        crate::ops::messages::edit(&world.state, &member, second.id, "never mind".parse().unwrap()).await.unwrap();
        assert_eq!(mention_count().await, 1);
        crate::ops::memberships::mark_read(&world.state, &testing::current(bob), room_id, first.id).await.unwrap();
        assert_eq!(mention_count().await, 0);
        world.post(ada, room_id, "@Bob").await;
        let last = world.post(ada, room_id, "@Bob").await;
        crate::ops::messages::remove(&world.state, &member, last.id).await.unwrap();
        assert_eq!(mention_count().await, 1, "a removed message is not counted");
        assert_eq!(world.sidebar(ada.id).await[0].mention_count, 0);
    }
}
