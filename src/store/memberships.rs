//! Memberships: users in rooms, their involvement and their read positions.

use sqlx::SqliteExecutor;

use crate::model::{Credential, Involvement, MessageId, Person, Role, Room, RoomId, RoomKind, User, UserId};

/// The room and the user's involvement in it. `None` if the user is not an active member, or the room does not exist.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
) -> sqlx::Result<Option<(Room, Involvement)>> {
    let found = find_member(db, user_id, room_id, Credential::Program, 0).await?;
    Ok(found.map(|(_, room, involvement)| (room, involvement)))
}

/// The user, the room and the user's involvement in it. `None` if the user is not an active member, or if the session or
/// the key of a bot is not the user's any more. `now_ms` is the present time, in milliseconds since the epoch.
pub async fn find_member(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    credential: Credential,
    now_ms: i64,
) -> sqlx::Result<Option<(User, Room, Involvement)>> {
    let row: Option<(String, Role, RoomKind, String, UserId, Involvement)> = sqlx::query_as(
        "SELECT users.name, users.role, rooms.kind, rooms.name, rooms.creator_id, memberships.involvement
           FROM memberships
           JOIN rooms ON rooms.id = memberships.room_id
           JOIN users ON users.id = memberships.user_id AND users.status = 0
          WHERE memberships.room_id = $1 AND memberships.user_id = $2
            AND ($3 IS NULL OR EXISTS (SELECT 1 FROM sessions
                                        WHERE sessions.id = $3 AND sessions.user_id = $2 AND sessions.expires_at > $4))
            AND ($5 IS NULL OR EXISTS (SELECT 1 FROM bots WHERE bots.user_id = $2 AND bots.key_number = $5))
            AND ($6 IS NULL OR EXISTS (SELECT 1 FROM hooks WHERE hooks.id = $6 AND hooks.bot_id = $2))",
    )
    .bind(room_id)
    .bind(user_id)
    .bind(credential.session_id())
    .bind(now_ms)
    .bind(credential.key_number())
    .bind(credential.hook_id())
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(user_name, role, kind, name, creator_id, involvement)| {
        let user = User { id: user_id, name: user_name, role };
        (user, Room { id: room_id, kind, name, creator_id }, involvement)
    }))
}

/// Ids and kinds of all rooms of a user, oldest first.
pub async fn list_rooms(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<(RoomId, RoomKind)>> {
    sqlx::query_as(
        "SELECT rooms.id, rooms.kind FROM memberships JOIN rooms ON rooms.id = memberships.room_id
          WHERE memberships.user_id = $1 ORDER BY rooms.id",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// The active members of a room, by name.
pub async fn list_people(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(
        "SELECT users.id, users.name FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.room_id = $1 AND users.status = 0 ORDER BY users.name_order, users.id",
    )
    .bind(room_id)
    .fetch_all(db)
    .await
}

/// Makes all active users members of a room. Existing memberships are unchanged. Returns the new members.
pub async fn grant_everyone(db: impl SqliteExecutor<'_>, room_id: RoomId, now_ms: i64) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "INSERT INTO memberships (room_id, user_id, read_message_id, created_at)
         SELECT rooms.id, users.id, rooms.last_message_id, $2 FROM rooms, users WHERE rooms.id = $1 AND users.status = 0
         ON CONFLICT DO NOTHING RETURNING user_id",
    )
    .bind(room_id)
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Makes the active users among `user_ids` members of a room. Existing memberships are unchanged. Returns the new
/// members.
pub async fn grant(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    user_ids: &[UserId],
    now_ms: i64,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "INSERT INTO memberships (room_id, user_id, read_message_id, created_at)
         SELECT rooms.id, users.id, rooms.last_message_id, $2
           FROM rooms, users JOIN json_each($3) AS wanted ON users.id = wanted.value
          WHERE rooms.id = $1 AND users.status = 0
         ON CONFLICT DO NOTHING RETURNING user_id",
    )
    .bind(room_id)
    .bind(now_ms)
    .bind(super::json_ids(user_ids))
    .fetch_all(db)
    .await
}

/// Makes users members of a direct room, with involvement `everything`.
pub async fn grant_direct(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    user_ids: &[UserId],
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO memberships (room_id, user_id, involvement, created_at)
         SELECT $1, value, 'everything', $2 FROM json_each($3)",
    )
    .bind(room_id)
    .bind(now_ms)
    .bind(super::json_ids(user_ids))
    .execute(db)
    .await
    .map(drop)
}

/// All members of a room, including inactive users, in the order of their ids.
pub async fn list_all_people(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(
        "SELECT users.id, users.name FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.room_id = $1 ORDER BY users.id",
    )
    .bind(room_id)
    .fetch_all(db)
    .await
}

/// A user's rooms and the involvement in each: id, kind, name, involvement. Shared rooms by name, then
/// direct rooms by last activity; a direct room is named after its other members.
pub async fn list_involvements(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
) -> sqlx::Result<Vec<(RoomId, RoomKind, String, Involvement)>> {
    sqlx::query_as(
        "SELECT rooms.id, rooms.kind,
                CASE rooms.kind WHEN 'direct'
                THEN (SELECT group_concat(users.name, ', ') FROM memberships AS theirs
                        JOIN users ON users.id = theirs.user_id
                       WHERE theirs.room_id = rooms.id
                         AND (theirs.user_id <> $1 OR rooms.direct_key = CAST($1 AS TEXT)))
                ELSE rooms.name END AS name,
                memberships.involvement
           FROM memberships JOIN rooms ON rooms.id = memberships.room_id
          WHERE memberships.user_id = $1
          ORDER BY rooms.kind = 'direct', rooms.name_order, rooms.updated_at DESC, rooms.id",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// Ends all memberships of a room except those of `user_ids`. Returns the users whose membership ended.
pub async fn revoke_all_but(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    user_ids: &[UserId],
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "DELETE FROM memberships
          WHERE room_id = $1 AND user_id NOT IN (SELECT value FROM json_each($2)) RETURNING user_id",
    )
    .bind(room_id)
    .bind(super::json_ids(user_ids))
    .fetch_all(db)
    .await
}

/// Ends one membership. Returns whether there was one.
pub async fn revoke(db: impl SqliteExecutor<'_>, room_id: RoomId, user_id: UserId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM memberships WHERE room_id = $1 AND user_id = $2")
        .bind(room_id)
        .bind(user_id)
        .execute(db)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// Ends a user's memberships in all but direct rooms. Returns the rooms.
pub async fn revoke_shared_rooms(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<RoomId>> {
    sqlx::query_scalar(
        "DELETE FROM memberships
          WHERE user_id = $1 AND room_id IN (SELECT id FROM rooms WHERE kind <> 'direct') RETURNING room_id",
    )
    .bind(user_id)
    .fetch_all(db)
    .await
}

/// Number of members of a room, including inactive users.
pub async fn count(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM memberships WHERE room_id = $1").bind(room_id).fetch_one(db).await
}

/// Stores a user's involvement in a room.
pub async fn update_involvement(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    user_id: UserId,
    involvement: Involvement,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE memberships SET involvement = $3 WHERE room_id = $1 AND user_id = $2")
        .bind(room_id)
        .bind(user_id)
        .bind(involvement)
        .execute(db)
        .await
        .map(drop)
}

/// Makes a new user a member of every open room. Returns those rooms.
pub async fn grant_open_rooms(db: impl SqliteExecutor<'_>, user_id: UserId, now_ms: i64) -> sqlx::Result<Vec<RoomId>> {
    sqlx::query_scalar(
        "INSERT INTO memberships (room_id, user_id, read_message_id, created_at)
         SELECT id, $1, last_message_id, $2 FROM rooms WHERE kind = 'open' AND NOT removed
         ON CONFLICT DO NOTHING RETURNING room_id",
    )
    .bind(user_id)
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Marks a message and all later ones as unread for a user. Returns `false` if they were unread already.
pub async fn mark_unread(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<bool> {
    let marked = sqlx::query(
        "UPDATE memberships
            SET read_message_id = (SELECT COALESCE(MAX(id), 0) FROM messages
                                    WHERE room_id = $1 AND in_thread_only = FALSE AND id < $3)
          WHERE room_id = $1 AND user_id = $2 AND read_message_id >= $3",
    )
    .bind(room_id)
    .bind(user_id)
    .bind(message_id)
    .execute(db)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// The active members of a room: those who posted among its last 1,000 messages, latest first, then the others by
/// name.
pub async fn list_people_by_activity(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(
        "SELECT users.id, users.name
           FROM memberships JOIN users ON users.id = memberships.user_id
           LEFT JOIN (SELECT creator_id, MAX(id) AS last_id
                        FROM (SELECT id, creator_id FROM messages WHERE room_id = $1 AND in_thread_only = FALSE
                               ORDER BY id DESC LIMIT 1000)
                       GROUP BY creator_id) AS spoke ON spoke.creator_id = users.id
          WHERE memberships.room_id = $1 AND users.status = 0
          ORDER BY COALESCE(spoke.last_id, 0) DESC, users.name_order, users.id",
    )
    .bind(room_id)
    .fetch_all(db)
    .await
}

/// The marks of a room in the sidebar of one of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Marks {
    /// The member.
    pub user_id: UserId,
    /// There are messages after the last one that the member has read.
    pub unread: bool,
    /// How many of them mention the member.
    pub mention_count: u32,
}

/// The marks of the members who have not read up to `message_id`, which may have been removed.
///
/// If that was not the room's newest message, only those of `mentioned`: it makes no difference to the others.
pub async fn list_marks(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    message_id: MessageId,
    mentioned: &[UserId],
) -> sqlx::Result<Vec<Marks>> {
    sqlx::query_as(
        "SELECT memberships.user_id, rooms.last_message_id > memberships.read_message_id AS unread,
                (SELECT COUNT(*) FROM mentions
                  WHERE mentions.user_id = memberships.user_id AND mentions.room_id = $1
                    AND mentions.message_id > memberships.read_message_id
                    AND NOT mentions.in_thread_only) AS mention_count
           FROM rooms JOIN memberships ON memberships.room_id = rooms.id
          WHERE rooms.id = $1 AND memberships.read_message_id < $2
            AND (rooms.last_message_id < $2 OR memberships.user_id IN (SELECT value FROM json_each($3)))
          ORDER BY memberships.user_id",
    )
    .bind(room_id)
    .bind(message_id)
    .bind(super::json_ids(mentioned))
    .fetch_all(db)
    .await
}

/// What changed when a user read a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarkedRead {
    /// The new read position; `None` if it is not ahead of the stored one.
    pub position: Option<MessageId>,
    /// Whether entries of the user's inbox became read.
    pub inbox: bool,
}

/// Moves an active user's read position in a room forward to `message_id`, at most to the room's newest message, and marks
/// the entries of the user's inbox about the messages in between as read, but not of answers that the room does not show: in
/// one call, as every page sends it for every message.
pub async fn mark_read(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<MarkedRead> {
    let rows: Vec<MessageId> = sqlx::query_scalar(
        "UPDATE inbox SET unread = FALSE
          WHERE user_id = $2 AND room_id = $1 AND unread AND cause NOT IN ('boost', 'reminder') AND message_id <= $3
            AND message_id > (SELECT read_message_id FROM memberships WHERE room_id = $1 AND user_id = $2)
            AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = inbox.message_id AND messages.in_thread_only)
         RETURNING 0;

         UPDATE memberships
            SET read_message_id = MIN($3, (SELECT last_message_id FROM rooms WHERE id = $1))
          WHERE room_id = $1 AND user_id = $2
            AND read_message_id < MIN($3, (SELECT last_message_id FROM rooms WHERE id = $1))
            AND EXISTS (SELECT 1 FROM users WHERE users.id = $2 AND users.status = 0)
         RETURNING read_message_id",
    )
    .bind(room_id)
    .bind(user_id)
    .bind(message_id)
    .fetch_all(db)
    .await?;
    // No message has the id 0, which each entry returns.
    let mut marked = MarkedRead::default();
    for row in rows {
        match row {
            MessageId(0) => marked.inbox = true,
            position => marked.position = Some(position),
        }
    }
    Ok(marked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn granting_an_existing_membership_changes_nothing() {
        let world = testing::world().await;
        let room = world.open_closed_room("Designers", &[&world.bob]).await;
        world.post(&world.ada, room.id, "hello").await;
        let room_id = room.id;
        let bob = world.bob.id;
        let cleo = world.cleo.id;
        let newcomers = world
            .state
            .db
            .write(async move |tx| Ok(grant(tx.db(), room_id, &[bob, cleo, cleo, UserId(99)], 2).await?))
            .await
            .unwrap();
        assert_eq!(newcomers, [cleo]);
        let unread = async |user_id| world.sidebar(user_id).await.into_iter().find(|r| r.id == room_id).unwrap().unread;
        assert!(unread(bob).await, "an existing member keeps the read position");
        assert!(!unread(cleo).await, "a new member starts with everything read");
    }

    #[tokio::test]
    async fn marks_are_listed_of_those_to_whom_a_removed_message_makes_a_difference() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let (bob, cleo) = (world.bob.id, world.cleo.id);
        let first = world.post(&world.ada, room_id, "one").await;
        let second = world.post(&world.ada, room_id, "two, @Cleo").await;
        let third = world.post(&world.ada, room_id, "three").await;
        let read = async move |tx: &mut crate::store::Tx| Ok(mark_read(tx.db(), bob, room_id, second.id).await?);
        world.state.db.write(read).await.unwrap();
        let reader = world.state.db.reader();
        let marks = |user_id, unread, mention_count| Marks { user_id, unread, mention_count };
        assert!(list_marks(reader, room_id, first.id, &[]).await.unwrap().is_empty(), "not the newest");
        let of_cleo = list_marks(reader, room_id, second.id, &[bob, cleo]).await.unwrap();
        assert_eq!(of_cleo, [marks(cleo, true, 1)], "Bob has read it");
        let remove = async move |tx: &mut crate::store::Tx| {
            Ok(crate::store::messages::remove(tx.db(), room_id, third.id).await?)
        };
        assert_eq!(world.state.db.write(remove).await.unwrap().mentioned, []);
        let after = list_marks(reader, room_id, third.id, &[]).await.unwrap();
        assert_eq!(after, [marks(bob, false, 0), marks(cleo, true, 1)]);
    }

    #[tokio::test]
    async fn revoking_all_but_keeps_exactly_the_listed_members() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let keep = [world.ada.id, world.cleo.id];
        let left =
            world.state.db.write(async move |tx| Ok(revoke_all_but(tx.db(), room_id, &keep).await?)).await.unwrap();
        assert_eq!(left, [world.bob.id]);
        let reader = world.state.db.reader();
        let names: Vec<_> = list_people(reader, room_id).await.unwrap().into_iter().map(|person| person.name).collect();
        assert_eq!(names, ["Ada", "Cleo"]);
        assert_eq!(find(reader, world.bob.id, room_id).await.unwrap(), None);
        assert!(list_rooms(reader, world.bob.id).await.unwrap().is_empty());
        assert_eq!(find(reader, world.ada.id, room_id).await.unwrap().unwrap().1, Involvement::Mentions);
    }

    #[tokio::test]
    async fn a_read_position_moves_only_forward_and_not_beyond_the_newest_message() {
        let world = testing::world().await;
        let room_id = world.all_talk.id;
        let message = world.post(&world.ada, room_id, "hello").await;
        let bob = world.bob.id;
        let read = async |message_id| {
            world.state.db.write(async move |tx| Ok(mark_read(tx.db(), bob, room_id, message_id).await?)).await.unwrap()
        };
        assert_eq!(read(MessageId(1_000_000)).await.position, Some(message.id));
        assert_eq!(read(message.id).await, MarkedRead::default());
        assert_eq!(read(MessageId(0)).await, MarkedRead::default());
    }
}
