//! Rooms.

use sqlx::SqliteExecutor;
use sqlx::types::Json;

use crate::model::{MessageId, Room, RoomId, RoomKind, RoomName, SidebarRoom, UserId, direct_name};

/// Makes an open or closed room without members.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    kind: RoomKind,
    name: &RoomName,
    creator_id: UserId,
    now_ms: i64,
) -> sqlx::Result<Room> {
    sqlx::query_as(
        "INSERT INTO rooms (kind, name, creator_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
         RETURNING id, kind, name, creator_id",
    )
    .bind(kind)
    .bind(name.as_str())
    .bind(creator_id)
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// Gives an open or closed room another name and kind.
pub async fn update(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    kind: RoomKind,
    name: &RoomName,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE rooms SET kind = $2, name = $3, updated_at = $4 WHERE id = $1 AND kind <> 'direct'")
        .bind(room_id)
        .bind(kind)
        .bind(name.as_str())
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Removes a room whose messages are gone; its memberships go with it.
pub async fn remove(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM rooms WHERE id = $1").bind(room_id).execute(db).await.map(drop)
}

/// How many direct rooms the sidebar shows: those with the newest messages. Older ones are found through their people.
pub const SHOWN_DIRECT_ROOMS: i64 = 100;

/// Rooms of person `$1` as one JSON array, each an array in the order of the fields of [`SidebarRoom`]; direct ones have
/// no name yet.
macro_rules! select_sidebar {
    ($rest:literal) => {
        concat!(
            "SELECT json_group_array(json_array(
                        rooms.id, rooms.kind, rooms.name,
                        json(CASE WHEN rooms.last_message_id > memberships.read_message_id THEN 'true' ELSE 'false' END),
                        (SELECT COUNT(*) FROM mentions
                          WHERE mentions.user_id = $1 AND mentions.room_id = rooms.id
                            AND mentions.message_id > memberships.read_message_id),
                        rooms.updated_at,
                        json(CASE rooms.kind WHEN 'direct'
                             THEN (SELECT json_group_array(json_array(users.id, users.name))
                                     FROM memberships AS theirs JOIN users ON users.id = theirs.user_id
                                    WHERE theirs.room_id = rooms.id
                                      AND (theirs.user_id <> $1 OR rooms.direct_key = CAST($1 AS TEXT)))
                             ELSE '[]' END)))
               FROM memberships JOIN rooms ON rooms.id = memberships.room_id
              WHERE memberships.user_id = $1 ",
            $rest
        )
    };
}

pub(super) use select_sidebar;

/// One of the person's rooms as the sidebar shows it, also an invisible one.
pub async fn sidebar_entry(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
) -> sqlx::Result<Option<SidebarRoom>> {
    let Json(found) = sqlx::query_scalar(select_sidebar!("AND memberships.room_id = $2"))
        .bind(user_id)
        .bind(room_id)
        .fetch_one(db)
        .await?;
    Ok(as_shown(found).pop())
}

/// Rooms in the order of the sidebar, direct ones called by their people.
pub(super) fn as_shown(mut rooms: Vec<SidebarRoom>) -> Vec<SidebarRoom> {
    for room in rooms.iter_mut().filter(|room| room.kind == RoomKind::Direct) {
        room.name = direct_name(&room.people);
    }
    rooms.sort_by_cached_key(SidebarRoom::sort_key);
    rooms
}

/// The direct room of exactly these people, found by its key.
pub async fn find_direct(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT id FROM rooms WHERE direct_key = $1").bind(direct_key(user_ids)).fetch_optional(db).await
}

/// Makes the direct room of exactly these people, without memberships. Fails with a unique violation when there is one.
pub async fn insert_direct(
    db: impl SqliteExecutor<'_>,
    user_ids: &[UserId],
    creator_id: UserId,
    now_ms: i64,
) -> sqlx::Result<RoomId> {
    sqlx::query_scalar(
        "INSERT INTO rooms (kind, name, creator_id, direct_key, created_at, updated_at)
         VALUES ('direct', '', $1, $2, $3, $3) RETURNING id",
    )
    .bind(creator_id)
    .bind(direct_key(user_ids))
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// The ids of sorted people, each once, like `1,5,9`.
fn direct_key(user_ids: &[UserId]) -> String {
    user_ids.iter().map(UserId::to_string).collect::<Vec<_>>().join(",")
}

/// The room's newest message; nothing in an empty room.
pub async fn newest_message(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar("SELECT last_message_id FROM rooms WHERE id = $1 AND last_message_id > 0")
        .bind(room_id)
        .fetch_optional(db)
        .await
}

/// The room that has existed longest among the person's.
pub async fn oldest_of(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT room_id FROM memberships WHERE user_id = $1 ORDER BY room_id LIMIT 1")
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// Puts a room out of sight, for good; what it held goes in steps.
pub async fn mark_removed(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<()> {
    sqlx::query("UPDATE rooms SET removed = TRUE, direct_key = NULL WHERE id = $1")
        .bind(room_id)
        .execute(db)
        .await
        .map(drop)
}

/// Removed rooms of which something is left.
pub async fn list_removed(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<RoomId>> {
    sqlx::query_scalar("SELECT id FROM rooms WHERE removed ORDER BY id").fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_sidebar_lists_ones_own_rooms_by_name_and_marks_the_unread() {
        let world = testing::world().await;
        let zebra = world.open_closed_room("zebra", &[]).await;
        let apple = world.open_closed_room("Apple", &[&world.bob]).await;
        world.post(&world.ada, apple.id, "hello").await;

        let reader = world.state.db.reader();
        let shown =
            |rooms: Vec<SidebarRoom>| rooms.into_iter().map(|room| (room.name, room.unread)).collect::<Vec<_>>();
        let of_ada = shown(world.sidebar(world.ada.id).await);
        assert_eq!(of_ada, [("All Talk".into(), false), ("Apple".into(), false), ("zebra".into(), false)]);
        let of_bob = shown(world.sidebar(world.bob.id).await);
        assert_eq!(of_bob, [("All Talk".into(), false), ("Apple".into(), true)]);
        assert_eq!(oldest_of(reader, world.bob.id).await.unwrap(), Some(world.all_talk.id));
        assert_eq!(oldest_of(reader, UserId(99)).await.unwrap(), None);
        assert_ne!(zebra.id, apple.id);
    }

    #[tokio::test]
    async fn a_direct_room_cannot_be_updated() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let kind = world
            .state
            .db
            .write(async move |tx| {
                sqlx::query("UPDATE rooms SET kind = 'direct' WHERE id = $1").bind(room_id).execute(tx.db()).await?;
                update(tx.db(), room_id, RoomKind::Open, &"Other".parse()?, 5).await?;
                Ok(sqlx::query_scalar::<_, RoomKind>("SELECT kind FROM rooms WHERE id = $1")
                    .bind(room_id)
                    .fetch_one(tx.db())
                    .await?)
            })
            .await;
        assert_eq!(kind, Ok(RoomKind::Direct));
    }
}
