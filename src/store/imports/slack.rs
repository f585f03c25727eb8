//! What people and rooms became here of a history whose numbers are not kept.

use serde::Serialize;
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::model::{RoomId, UserId};
use crate::store::json_ids;

/// A person of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct ImportedUser {
    /// The id there.
    pub source_id: String,
    /// The user here.
    pub user_id: i64,
    /// The name here.
    pub name: String,
    /// The user was found by the e-mail address, and not made by the import.
    pub was_here: bool,
}

/// A room of a source.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ImportedRoom {
    /// The id there.
    pub source_id: String,
    /// The room here; `None` once it has been removed.
    pub room_id: Option<i64>,
    /// Its memberships are there.
    pub ready: bool,
}

/// The administrator with the lowest id; `None` before the installation is set up.
pub async fn first_administrator(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar("SELECT id FROM users WHERE role = 1 AND status = 0 ORDER BY id LIMIT 1")
        .fetch_optional(db)
        .await
}

/// How many people there are.
pub async fn count_users(db: impl SqliteExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(db).await
}

/// Reserves `count` ids of a table: those that follow the returned one. Nothing else gets them.
pub async fn reserve(db: &mut SqliteConnection, table: &str, count: i64) -> sqlx::Result<i64> {
    let last = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)";
    let last: i64 = sqlx::query_scalar(last).bind(table).fetch_one(&mut *db).await?;
    if count > 0 {
        super::reserve_ids(db, &[(table, last + count)]).await?;
    }
    Ok(last)
}

/// All people of a source, with their names here.
pub async fn list_users(db: impl SqliteExecutor<'_>, kind: &str, source: &str) -> sqlx::Result<Vec<ImportedUser>> {
    sqlx::query_as(
        "SELECT source_id, user_id, users.name, was_here
           FROM imported_users JOIN users ON users.id = imported_users.user_id
          WHERE kind = $1 AND source = $2 ORDER BY source_id",
    )
    .bind(kind)
    .bind(source)
    .fetch_all(db)
    .await
}

/// The users whom imports of a source have made, and who may join by their addresses: active members without a password.
pub async fn list_waiting(db: impl SqliteExecutor<'_>, kind: &str, source: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT user_id FROM imported_users JOIN users ON users.id = imported_users.user_id
          WHERE kind = $1 AND source = $2 AND NOT was_here AND users.status = 0 AND users.role = 0
            AND users.password_hash IS NULL AND users.email_address IS NOT NULL ORDER BY user_id",
    )
    .bind(kind)
    .bind(source)
    .fetch_all(db)
    .await
}

/// Those of these ids of people that are known already.
pub async fn list_known_users(
    db: impl SqliteExecutor<'_>,
    kind: &str,
    source: &str,
    source_ids: &[&str],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT source_id FROM json_each($3) AS wanted
           JOIN imported_users ON kind = $1 AND source = $2 AND source_id = wanted.value",
    )
    .bind(kind)
    .bind(source)
    .bind(json_ids(source_ids))
    .fetch_all(db)
    .await
}

/// Stores what people became.
pub async fn insert_users(
    db: impl SqliteExecutor<'_>,
    kind: &str,
    source: &str,
    users: &[ImportedUser],
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO imported_users (kind, source, source_id, user_id, was_here)
         SELECT $1, $2, value ->> 'source_id', value ->> 'user_id', value ->> 'was_here'
           FROM json_each($3) WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(kind)
    .bind(source)
    .bind(json_ids(users))
    .execute(db)
    .await
    .map(drop)
}

/// All rooms of a source.
pub async fn list_rooms(db: impl SqliteExecutor<'_>, kind: &str, source: &str) -> sqlx::Result<Vec<ImportedRoom>> {
    sqlx::query_as(
        "SELECT source_id, CASE WHEN rooms.removed THEN NULL ELSE room_id END AS room_id, ready
           FROM imported_rooms LEFT JOIN rooms ON rooms.id = imported_rooms.room_id
          WHERE imported_rooms.kind = $1 AND source = $2 ORDER BY source_id",
    )
    .bind(kind)
    .bind(source)
    .fetch_all(db)
    .await
}

/// Those of these keys of direct rooms that a room has.
pub async fn list_taken_keys(db: impl SqliteExecutor<'_>, keys: &[&str]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT direct_key FROM json_each($1) AS wanted JOIN rooms ON direct_key = wanted.value")
        .bind(json_ids(keys))
        .fetch_all(db)
        .await
}

/// Stores what rooms became: the id there, and the room.
pub async fn insert_rooms(
    db: impl SqliteExecutor<'_>,
    kind: &str,
    source: &str,
    rooms: &[(String, i64)],
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO imported_rooms (kind, source, source_id, room_id)
         SELECT $1, $2, value ->> 0, value ->> 1 FROM json_each($3) WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(kind)
    .bind(source)
    .bind(json_ids(rooms))
    .execute(db)
    .await
    .map(drop)
}

/// Notes that the memberships of a room are there.
pub async fn mark_ready(db: impl SqliteExecutor<'_>, kind: &str, source: &str, source_id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE imported_rooms SET ready = TRUE WHERE kind = $1 AND source = $2 AND source_id = $3")
        .bind(kind)
        .bind(source)
        .bind(source_id)
        .execute(db)
        .await
        .map(drop)
}

/// Makes all active users members of a room, if it is open. Those who come from the source, and are none yet, do not see it
/// in the sidebar; of a room that was archived, nobody does.
pub async fn insert_everyone(
    db: impl SqliteExecutor<'_>,
    kind: &str,
    source: &str,
    room_id: RoomId,
    is_archived: bool,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO memberships (room_id, user_id, involvement, created_at)
         SELECT rooms.id, users.id,
                CASE WHEN $4 OR EXISTS (SELECT 1 FROM imported_users AS imported
                                         WHERE imported.user_id = users.id AND imported.kind = $1 AND source = $2)
                     THEN 'invisible' ELSE 'mentions' END, $5
           FROM rooms, users WHERE rooms.id = $3 AND rooms.kind = 'open' AND users.status = 0
             ON CONFLICT DO NOTHING",
    )
    .bind(kind)
    .bind(source)
    .bind(room_id)
    .bind(is_archived)
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Marks rooms as read up to `last_id` whose first message has an id above `base_id`: to those that were there before, new
/// messages were added, which are unread.
pub async fn mark_read(db: impl SqliteExecutor<'_>, room_ids: &[i64], base_id: i64, last_id: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE memberships
            SET read_message_id = MAX(read_message_id, MIN((SELECT last_message_id FROM rooms WHERE rooms.id = room_id), $3))
          WHERE room_id IN (SELECT value FROM json_each($1))
            AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.room_id = memberships.room_id AND messages.id <= $2)",
    )
    .bind(json_ids(room_ids))
    .bind(base_id)
    .bind(last_id)
    .execute(db)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tx;
    use crate::testing;

    #[tokio::test]
    async fn reserved_ids_are_given_to_nobody_else() {
        let world = testing::world().await;
        let last = world.post(&world.ada, world.all_talk.id, "before").await.id.0;
        let take = async move |tx: &mut Tx| {
            let none = reserve(tx.db(), "messages", 0).await?;
            Ok((none, reserve(tx.db(), "messages", 10).await?, reserve(tx.db(), "nothing yet", 3).await?))
        };
        assert_eq!(world.state.db.write(take).await.unwrap(), (last, last, 0));
        assert_eq!(world.post(&world.ada, world.all_talk.id, "after").await.id.0, last + 11);
    }

    #[tokio::test]
    async fn new_rooms_are_read_up_to_the_last_imported_message_and_others_stay() {
        let world = testing::world().await;
        let (all_talk, bob) = (world.all_talk.id, world.bob.id);
        let old = world.post(&world.ada, all_talk, "before the import").await.id.0;
        let room = world.open_closed_room("New", &[&world.bob]).await.id;
        let imported = world.post(&world.ada, room, "imported").await.id.0;
        world.post(&world.ada, room, "meanwhile").await;
        let mark = async move |tx: &mut Tx| Ok(mark_read(tx.db(), &[all_talk.0, room.0], old, imported).await?);
        world.state.db.write(mark).await.unwrap();
        for (room_id, expected) in [(all_talk, 0), (room, imported)] {
            let read = "SELECT read_message_id FROM memberships WHERE room_id = $1 AND user_id = $2";
            let read = sqlx::query_scalar(read).bind(room_id).bind(bob).fetch_one(world.state.db.reader()).await;
            assert_eq!(read.unwrap_or(-1_i64), expected, "{room_id}");
        }
    }

    #[tokio::test]
    async fn a_removed_room_stays_known_and_only_people_without_a_password_wait() {
        let world = testing::world().await;
        let (bob, cleo, all_talk) = (world.bob.id, world.cleo.id, world.all_talk.id);
        let user = |source_id: &str, user_id: UserId, was_here| ImportedUser {
            source_id: source_id.into(),
            user_id: user_id.0,
            name: String::new(),
            was_here,
        };
        let users = [user("U1", bob, false), user("U2", cleo, true), user("U3", world.ada.id, false)];
        let store = async move |tx: &mut Tx| {
            insert_users(tx.db(), "slack", "T1", &users).await?;
            insert_rooms(tx.db(), "slack", "T1", &[("C1".into(), all_talk.0)]).await?;
            sqlx::query("UPDATE users SET password_hash = NULL WHERE id <> 1").execute(tx.db()).await?;
            Ok(mark_ready(tx.db(), "slack", "T1", "C1").await?)
        };
        world.state.db.write(store).await.unwrap();
        let reader = world.state.db.reader();
        assert_eq!(list_waiting(reader, "slack", "T1").await.unwrap(), [bob.0], "Ada has a password, Cleo was here");
        assert_eq!(list_known_users(reader, "slack", "T1", &["U2", "U9"]).await.unwrap(), ["U2"]);
        assert!(list_users(reader, "slack", "T2").await.unwrap().is_empty());
        let room = |room_id| ImportedRoom { source_id: "C1".into(), room_id, ready: true };
        assert_eq!(list_rooms(reader, "slack", "T1").await.unwrap(), [room(Some(all_talk.0))]);
        let remove = async move |tx: &mut Tx| Ok(crate::store::rooms::mark_removed(tx.db(), all_talk).await?);
        world.state.db.write(remove).await.unwrap();
        assert_eq!(list_rooms(reader, "slack", "T1").await.unwrap(), [room(None)]);
    }
}
