//! Rooms, and their entries in the sidebar.

use sqlx::SqliteExecutor;
use sqlx::types::Json;

use crate::model::{MessageId, Room, RoomId, RoomKind, RoomName, SidebarRoom, UserId, direct_name, order_key};

/// Creates an open or closed room without members.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    kind: RoomKind,
    name: &RoomName,
    creator_id: UserId,
    now_ms: i64,
) -> sqlx::Result<Room> {
    sqlx::query_as(
        "INSERT INTO rooms (kind, name, creator_id, created_at, updated_at, name_order) VALUES ($1, $2, $3, $4, $4, $5)
         RETURNING id, kind, name, creator_id",
    )
    .bind(kind)
    .bind(name.as_str())
    .bind(creator_id)
    .bind(now_ms)
    .bind(order_key(name.as_str()))
    .fetch_one(db)
    .await
}

/// Changes name and kind of an open or closed room. Does nothing for a direct one.
pub async fn update(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    kind: RoomKind,
    name: &RoomName,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE rooms SET kind = $2, name = $3, updated_at = $4, name_order = $5 WHERE id = $1 AND kind <> 'direct'",
    )
    .bind(room_id)
    .bind(kind)
    .bind(name.as_str())
    .bind(now_ms)
    .bind(order_key(name.as_str()))
    .execute(db)
    .await
    .map(drop)
}

/// Deletes a room without messages. Its memberships are deleted with it.
pub async fn remove(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM rooms WHERE id = $1").bind(room_id).execute(db).await.map(drop)
}

/// Maximum number of direct rooms in the sidebar: those with the newest messages. Older ones are opened by pinging
/// their members again.
pub const SHOWN_DIRECT_ROOMS: i64 = 100;

/// Selects the rooms of user `$1` as one JSON array, each room an array in the order of the fields of [`SidebarRoom`].
/// They are in the order of [`SidebarRoom::sidebar_cmp`]. Direct rooms have an empty name, which [`named`] fills in.
/// `$rest` is appended to the `WHERE` clause.
macro_rules! select_sidebar {
    ($rest:literal) => {
        concat!(
            "SELECT json_group_array(json_array(
                        rooms.id, rooms.kind, rooms.name,
                        json(CASE WHEN rooms.last_message_id > memberships.read_message_id THEN 'true' ELSE 'false' END),
                        (SELECT COUNT(*) FROM mentions
                          WHERE mentions.user_id = $1 AND mentions.room_id = rooms.id
                            AND mentions.message_id > memberships.read_message_id
                            AND NOT mentions.in_thread_only),
                        rooms.updated_at,
                        json(CASE rooms.kind WHEN 'direct'
                             THEN (SELECT json_group_array(json_array(users.id, users.name))
                                     FROM memberships AS theirs JOIN users ON users.id = theirs.user_id
                                    WHERE theirs.room_id = rooms.id
                                      AND (theirs.user_id <> $1 OR rooms.direct_key = CAST($1 AS TEXT)))
                             ELSE '[]' END),
                        json((SELECT json_group_array(json_array(
                                         followed.root_id,
                                         (SELECT COUNT(*)
                                            FROM (SELECT 1 FROM messages
                                                   WHERE messages.thread_root_id = followed.root_id
                                                     AND messages.id > followed.read_answer_id
                                                     AND messages.creator_id <> $1 LIMIT 99)))
                                     ORDER BY followed.root_id DESC)
                                FROM (SELECT root_id, read_answer_id FROM thread_follows
                                       WHERE user_id = $1 AND room_id = rooms.id AND unread
                                       ORDER BY root_id DESC LIMIT 20) AS followed)))
                    ORDER BY rooms.kind <> 'direct', CASE rooms.kind WHEN 'direct' THEN -rooms.updated_at END,
                             rooms.name_order, CASE rooms.kind WHEN 'direct' THEN -rooms.id ELSE rooms.id END)
               FROM memberships JOIN rooms ON rooms.id = memberships.room_id
              WHERE memberships.user_id = $1 ",
            $rest
        )
    };
}

pub(super) use select_sidebar;

/// The sidebar entry of one of a user's rooms, even if its involvement is `invisible`. `None` if the user is not a
/// member.
pub async fn sidebar_entry(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
) -> sqlx::Result<Option<SidebarRoom>> {
    let Json(rooms) = sqlx::query_scalar(select_sidebar!("AND memberships.room_id = $2"))
        .bind(user_id)
        .bind(room_id)
        .fetch_one(db)
        .await?;
    Ok(named(rooms).pop())
}

/// Names direct rooms after their other members.
pub(super) fn named(mut rooms: Vec<SidebarRoom>) -> Vec<SidebarRoom> {
    for room in rooms.iter_mut().filter(|room| room.kind == RoomKind::Direct) {
        room.name = direct_name(&room.people);
    }
    rooms
}

/// The direct room of exactly these users. `user_ids` must be sorted and without duplicates.
pub async fn find_direct(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT id FROM rooms WHERE direct_key = $1").bind(direct_key(user_ids)).fetch_optional(db).await
}

/// Creates the direct room of exactly these users, without memberships. `user_ids` must be sorted and without
/// duplicates. Fails with a unique violation if the room exists.
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

/// The unique key of a direct room: its sorted user ids, like `1,5,9`.
fn direct_key(user_ids: &[UserId]) -> String {
    user_ids.iter().map(UserId::to_string).collect::<Vec<_>>().join(",")
}

/// Number of open and closed rooms that the user made and that are not removed.
pub async fn count_shared_made_by(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM rooms WHERE creator_id = $1 AND kind <> 'direct' AND NOT removed
            AND NOT EXISTS (SELECT 1 FROM imported_rooms WHERE room_id = rooms.id)",
    )
    .bind(user_id)
    .fetch_one(db)
    .await
}

/// Number of direct rooms that the user made and that are not removed.
pub async fn count_direct_made_by(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM rooms WHERE creator_id = $1 AND kind = 'direct' AND NOT removed
            AND NOT EXISTS (SELECT 1 FROM imported_rooms WHERE room_id = rooms.id)",
    )
    .bind(user_id)
    .fetch_one(db)
    .await
}

/// The newest message of a room; `None` if the room is empty.
pub async fn newest_message(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar("SELECT last_message_id FROM rooms WHERE id = $1 AND last_message_id > 0")
        .bind(room_id)
        .fetch_optional(db)
        .await
}

/// The oldest room of a user.
pub async fn oldest_of(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<RoomId>> {
    sqlx::query_scalar("SELECT room_id FROM memberships WHERE user_id = $1 ORDER BY room_id LIMIT 1")
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// Marks a room as removed, so that new users do not become its members. A job deletes its messages in batches, then
/// the room.
pub async fn mark_removed(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<()> {
    sqlx::query("UPDATE rooms SET removed = TRUE, direct_key = NULL WHERE id = $1")
        .bind(room_id)
        .execute(db)
        .await
        .map(drop)
}

/// Rooms that are marked as removed and not deleted yet, in the order of their ids.
pub async fn list_removed(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<RoomId>> {
    sqlx::query_scalar("SELECT id FROM rooms WHERE removed ORDER BY id").fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_sidebar_lists_the_users_rooms_by_name_with_their_unread_marks() {
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
    async fn a_direct_room_keeps_its_kind() {
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
