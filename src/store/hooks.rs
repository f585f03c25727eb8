//! Incoming hooks: addresses at which other programs post in a room as a bot.

use sqlx::SqliteExecutor;

use crate::model::{RoomId, UserId};

/// A hook as its address is checked.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundHook {
    /// Its id.
    pub id: i64,
    /// The bot that it posts as.
    pub bot_id: UserId,
    /// The room that it posts in.
    pub room_id: RoomId,
    /// The secret of GitHub's signatures; empty if they are not checked.
    pub github_secret: String,
}

/// A hook for administrators.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Hook {
    /// Its id.
    pub id: i64,
    /// The bot that it posts as.
    pub bot_id: UserId,
    /// The name of the bot.
    pub bot_name: String,
    /// The room that it posts in.
    pub room_id: RoomId,
    /// The name of the room.
    pub room_name: String,
    /// The name of who made it.
    pub creator_name: String,
    /// Whether events of GitHub are checked by a secret.
    pub has_github_secret: bool,
    /// When it was made, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A hook to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewHook {
    /// The bot that it posts as.
    pub bot_id: UserId,
    /// The room that it posts in.
    pub room_id: RoomId,
    /// Its creator.
    pub creator_id: UserId,
    /// The SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The secret of GitHub's signatures; empty if they are not checked.
    pub github_secret: String,
}

/// Makes a hook.
pub async fn insert(db: impl SqliteExecutor<'_>, new: &NewHook, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO hooks (bot_id, room_id, creator_id, token_hash, github_secret, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.bot_id)
    .bind(new.room_id)
    .bind(new.creator_id)
    .bind(&new.token_hash[..])
    .bind(&new.github_secret)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// The hook whose token has this SHA-256.
pub async fn find(db: impl SqliteExecutor<'_>, token_hash: &[u8]) -> sqlx::Result<Option<FoundHook>> {
    sqlx::query_as("SELECT id, bot_id, room_id, github_secret FROM hooks WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(db)
        .await
}

/// Whether a hook is there, and of this bot.
pub async fn exists(db: impl SqliteExecutor<'_>, hook_id: i64, bot_id: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM hooks WHERE id = $1 AND bot_id = $2)")
        .bind(hook_id)
        .bind(bot_id)
        .fetch_one(db)
        .await
}

macro_rules! select_hooks {
    ($which:literal) => {
        concat!(
            "SELECT hooks.id, hooks.bot_id, bot.name AS bot_name, hooks.room_id, rooms.name AS room_name,
                    creator.name AS creator_name, hooks.github_secret <> '' AS has_github_secret, hooks.created_at
               FROM hooks
               JOIN rooms ON rooms.id = hooks.room_id
               JOIN users AS bot ON bot.id = hooks.bot_id
               JOIN users AS creator ON creator.id = hooks.creator_id
              WHERE ",
            $which,
            " ORDER BY hooks.id"
        )
    };
}

/// The hooks of a bot, the oldest first.
pub async fn list_of_bot(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Vec<Hook>> {
    sqlx::query_as(select_hooks!("hooks.bot_id = $1")).bind(bot_id).fetch_all(db).await
}

/// The hooks of a room, the oldest first.
pub async fn list_of_room(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<Hook>> {
    sqlx::query_as(select_hooks!("hooks.room_id = $1")).bind(room_id).fetch_all(db).await
}

/// The bot of a hook, if the hook is one of this room.
pub async fn find_bot(db: impl SqliteExecutor<'_>, hook_id: i64, room_id: RoomId) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar("SELECT bot_id FROM hooks WHERE id = $1 AND room_id = $2")
        .bind(hook_id)
        .bind(room_id)
        .fetch_optional(db)
        .await
}

/// Number of hooks of a bot.
pub async fn count_of_bot(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM hooks WHERE bot_id = $1").bind(bot_id).fetch_one(db).await
}

/// Deletes a hook of a bot. Returns whether there was one.
pub async fn remove(db: impl SqliteExecutor<'_>, hook_id: i64, bot_id: UserId) -> sqlx::Result<bool> {
    let removed =
        sqlx::query("DELETE FROM hooks WHERE id = $1 AND bot_id = $2").bind(hook_id).bind(bot_id).execute(db).await?;
    Ok(removed.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{self, Tx};
    use crate::testing;

    #[tokio::test]
    async fn a_hook_is_found_by_the_hash_of_its_token_until_it_is_removed() {
        let world = testing::world().await;
        let (room_id, ada) = (world.all_talk.id, world.ada.id);
        let make = async move |tx: &mut Tx| {
            let bot_id = store::bots::insert(tx.db(), &"Alerts".parse()?, "one", 1).await?;
            let new = NewHook { bot_id, room_id, creator_id: ada, token_hash: [7; 32], github_secret: String::new() };
            insert(tx.db(), &new, 5).await?;
            Ok(bot_id)
        };
        let bot_id = world.state.db.write(make).await.unwrap();
        let reader = world.state.db.reader();
        let found = find(reader, &[7; 32]).await.unwrap().unwrap();
        assert_eq!((found.bot_id, found.room_id), (bot_id, room_id));
        assert!(find(reader, &[8; 32]).await.unwrap().is_none());
        assert!(exists(reader, found.id, bot_id).await.unwrap() && !exists(reader, found.id, ada).await.unwrap());
        let [hook] = &list_of_bot(reader, bot_id).await.unwrap()[..] else { panic!("one hook") };
        assert_eq!((hook.creator_name.as_str(), hook.room_name.as_str()), ("Ada", "All Talk"));
        let id = found.id;
        let remove_twice = async move |tx: &mut Tx| {
            assert!(!remove(tx.db(), id, ada).await?, "of another bot");
            Ok((remove(tx.db(), id, bot_id).await?, remove(tx.db(), id, bot_id).await?))
        };
        assert_eq!(world.state.db.write(remove_twice).await.unwrap(), (true, false));
        assert_eq!(count_of_bot(world.state.db.reader(), bot_id).await.unwrap(), 0);
    }
}
