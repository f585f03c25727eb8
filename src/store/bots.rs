//! Bots: what they have beside a user.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::folding;
use crate::model::{Person, Role, RoomId, User, UserId, UserName, order_key};

/// A bot as its key is checked.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyedBot {
    /// The bot.
    pub user: User,
    /// The secret part of its key.
    pub token: String,
    /// The number of the key.
    pub key_number: i64,
}

/// A bot for administrators.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Bot {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// The secret part of its key.
    pub token: String,
}

/// Creates a bot with this token. The name is still to be stored with its keys, see `names::store`.
pub async fn insert(db: &mut SqliteConnection, name: &UserName, token: &str, now_ms: i64) -> sqlx::Result<UserId> {
    let user_id: UserId = sqlx::query_scalar(
        "INSERT INTO users (name, role, created_at, updated_at, name_key, name_order)
         VALUES ($1, $2, $3, $3, $4, $5) RETURNING id",
    )
    .bind(name.as_str())
    .bind(Role::Bot)
    .bind(now_ms)
    .bind(folding::words(name.as_str()))
    .bind(order_key(name.as_str()))
    .fetch_one(&mut *db)
    .await?;
    sqlx::query("INSERT INTO bots (user_id, token) VALUES ($1, $2)").bind(user_id).bind(token).execute(db).await?;
    Ok(user_id)
}

/// The active bot with this id, with its key.
pub async fn find_keyed(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Option<KeyedBot>> {
    let row: Option<(UserId, String, Role, String, i64)> = sqlx::query_as(
        "SELECT users.id, users.name, users.role, bots.token, bots.key_number
           FROM bots JOIN users ON users.id = bots.user_id
          WHERE bots.user_id = $1 AND users.status = 0 AND users.role = 2",
    )
    .bind(bot_id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, name, role, token, key_number)| KeyedBot { user: User { id, name, role }, token, key_number }))
}

/// Whether the key of this number is the present one of an active bot.
pub async fn has_key(db: impl SqliteExecutor<'_>, bot_id: UserId, key_number: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM bots JOIN users ON users.id = bots.user_id
                         WHERE bots.user_id = $1 AND bots.key_number = $2 AND users.status = 0)",
    )
    .bind(bot_id)
    .bind(key_number)
    .fetch_one(db)
    .await
}

/// The active bot with this id.
pub async fn find(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Option<Bot>> {
    sqlx::query_as(
        "SELECT users.id, users.name, bots.token FROM bots JOIN users ON users.id = bots.user_id
          WHERE bots.user_id = $1 AND users.status = 0 AND users.role = 2",
    )
    .bind(bot_id)
    .fetch_optional(db)
    .await
}

/// The active bots, by name.
pub async fn list(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<Bot>> {
    sqlx::query_as(
        "SELECT users.id, users.name, bots.token FROM bots JOIN users ON users.id = bots.user_id
          WHERE users.status = 0 AND users.role = 2 ORDER BY users.name_order, users.id",
    )
    .fetch_all(db)
    .await
}

/// Number of active bots.
pub async fn count(db: impl SqliteExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM bots JOIN users ON users.id = bots.user_id WHERE users.status = 0")
        .fetch_one(db)
        .await
}

/// Replaces a bot's token. The key before is no longer valid.
pub async fn update_token(db: impl SqliteExecutor<'_>, bot_id: UserId, token: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE bots SET token = $2, key_number = key_number + 1 WHERE user_id = $1")
        .bind(bot_id)
        .bind(token)
        .execute(db)
        .await
        .map(drop)
}

/// The open and closed rooms of a bot that this user is in, too, by name; at most `limit`.
pub async fn list_rooms_shared_with(
    db: impl SqliteExecutor<'_>,
    bot_id: UserId,
    user_id: UserId,
    limit: i64,
) -> sqlx::Result<Vec<(RoomId, String)>> {
    sqlx::query_as(
        "SELECT rooms.id, rooms.name FROM memberships
           JOIN rooms ON rooms.id = memberships.room_id
           JOIN memberships AS theirs ON theirs.room_id = rooms.id AND theirs.user_id = $2
          WHERE memberships.user_id = $1 AND rooms.kind <> 'direct'
          ORDER BY rooms.name_order, rooms.id LIMIT $3",
    )
    .bind(bot_id)
    .bind(user_id)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The active bots in a room, by name; at most `limit`.
pub async fn list_in_room(db: impl SqliteExecutor<'_>, room_id: RoomId, limit: i64) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(
        "SELECT users.id, users.name FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.room_id = $1 AND users.role = 2 AND users.status = 0
          ORDER BY users.name_order, users.id LIMIT $2",
    )
    .bind(room_id)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Number of open and closed rooms of a bot.
pub async fn count_rooms(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = memberships.room_id
          WHERE memberships.user_id = $1 AND rooms.kind <> 'direct'",
    )
    .bind(bot_id)
    .fetch_one(db)
    .await
}

/// Those of these users who are bots, by id.
pub async fn list_of(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as("SELECT id, name FROM users WHERE role = 2 AND id IN (SELECT value FROM json_each($1)) ORDER BY id")
        .bind(super::json_ids(user_ids))
        .fetch_all(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::store::Tx;
    use crate::{store, testing};

    #[tokio::test]
    async fn a_bot_is_found_while_it_is_active_and_a_key_while_it_is_the_present_one() {
        let world = testing::world().await;
        let make = async |tx: &mut Tx| Ok(insert(tx.db(), &"Deploys".parse()?, "one", 1).await?);
        let bot_id = world.state.db.write(make).await.unwrap();
        let reader = world.state.db.reader();
        let keyed = find_keyed(reader, bot_id).await.unwrap().unwrap();
        assert_eq!((keyed.user.role, keyed.token.as_str(), keyed.key_number), (Role::Bot, "one", 1));
        assert_eq!((list(reader).await.unwrap().len(), count(reader).await.unwrap()), (1, 1));
        assert!(has_key(reader, bot_id, 1).await.unwrap() && !has_key(reader, bot_id, 2).await.unwrap());
        assert!(
            !has_key(reader, world.ada.id, 1).await.unwrap() && find(reader, world.ada.id).await.unwrap().is_none()
        );
        world.state.db.write(async move |tx| Ok(update_token(tx.db(), bot_id, "two").await?)).await.unwrap();
        assert!(!has_key(reader, bot_id, 1).await.unwrap() && has_key(reader, bot_id, 2).await.unwrap());
        assert_eq!(find(reader, bot_id).await.unwrap().unwrap().token, "two");
        assert_eq!(list_of(reader, &[world.ada.id, bot_id]).await.unwrap().len(), 1);
        let end =
            async move |tx: &mut Tx| Ok(store::users::update_status(tx.db(), bot_id, Status::Deactivated, 2).await?);
        world.state.db.write(end).await.unwrap();
        assert!(find(reader, bot_id).await.unwrap().is_none() && find_keyed(reader, bot_id).await.unwrap().is_none());
        assert!(!has_key(reader, bot_id, 2).await.unwrap() && list(reader).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn rooms_are_listed_that_the_reader_is_in_too() {
        let world = testing::world().await;
        let make = async |tx: &mut Tx| {
            let bot_id = insert(tx.db(), &"Deploys".parse()?, "one", 1).await?;
            store::memberships::grant_open_rooms(tx.db(), bot_id, 1).await?;
            Ok(bot_id)
        };
        let bot_id = world.state.db.write(make).await.unwrap();
        let bot = store::users::find(world.state.db.reader(), bot_id).await.unwrap().unwrap();
        world.open_closed_room("Builds", &[&bot, &world.bob]).await;
        let reader = world.state.db.reader();
        let names = async |user_id| {
            let rooms = list_rooms_shared_with(reader, bot_id, user_id, 10).await.unwrap();
            rooms.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(world.bob.id).await, ["All Talk", "Builds"]);
        assert_eq!(names(world.cleo.id).await, ["All Talk"]);
        assert_eq!(count_rooms(reader, bot_id).await.unwrap(), 2);
    }
}
