//! Memberships of private rooms that an import does not give by itself.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::NewMembership;
use crate::model::UserId;
use crate::store::json_ids;

/// Inserts memberships of rooms and users that exist. Those of closed and direct rooms are held back from users who can
/// sign in already, and are no members yet. Returns how many were held back.
pub async fn insert_or_hold(db: &mut SqliteConnection, memberships: &[NewMembership]) -> sqlx::Result<u64> {
    let rows = json_ids(memberships);
    let held = sqlx::query(
        "INSERT INTO held_memberships (room_id, user_id, involvement, created_at, direct_key)
         SELECT rooms.id, users.id, new.value ->> 2, new.value ->> 3,
                COALESCE(rooms.direct_key, (SELECT held.direct_key FROM held_memberships AS held
                                             WHERE held.room_id = rooms.id AND held.direct_key IS NOT NULL LIMIT 1))
           FROM json_each($1) AS new
           JOIN rooms ON rooms.id = new.value ->> 0 AND rooms.kind <> 'open'
           JOIN users ON users.id = new.value ->> 1 AND users.password_hash IS NOT NULL
          WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE room_id = rooms.id AND user_id = users.id)
             ON CONFLICT DO NOTHING",
    )
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO memberships (room_id, user_id, involvement, created_at)
         SELECT rooms.id, users.id, new.value ->> 2, new.value ->> 3
           FROM json_each($1) AS new
           JOIN rooms ON rooms.id = new.value ->> 0
           JOIN users ON users.id = new.value ->> 1
          WHERE NOT EXISTS (SELECT 1 FROM held_memberships WHERE room_id = rooms.id AND user_id = users.id)
             ON CONFLICT DO NOTHING",
    )
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    // Who pings the same people would be led to a room that is not theirs.
    sqlx::query(
        "UPDATE rooms SET direct_key = NULL
          WHERE id IN (SELECT value ->> 0 FROM json_each($1)) AND direct_key IS NOT NULL
            AND EXISTS (SELECT 1 FROM held_memberships WHERE room_id = rooms.id)",
    )
    .bind(&rows)
    .execute(db)
    .await?;
    Ok(held.rows_affected())
}

/// Gives these users the memberships that were held back from them; what is there by now, is read. Returns how many.
pub async fn release(db: &mut SqliteConnection, user_ids: &[i64]) -> sqlx::Result<u64> {
    let user_ids = json_ids(user_ids);
    let given = sqlx::query(
        "INSERT INTO memberships (room_id, user_id, involvement, created_at, read_message_id)
         SELECT held.room_id, held.user_id, held.involvement, held.created_at, rooms.last_message_id
           FROM held_memberships AS held JOIN rooms ON rooms.id = held.room_id AND NOT rooms.removed
          WHERE held.user_id IN (SELECT value FROM json_each($1)) ON CONFLICT DO NOTHING",
    )
    .bind(&user_ids)
    .execute(&mut *db)
    .await?;
    // Another room may have the key by now: it stays the one that is found.
    sqlx::query(
        "UPDATE OR IGNORE rooms SET direct_key = held.direct_key FROM held_memberships AS held
          WHERE held.room_id = rooms.id AND held.user_id IN (SELECT value FROM json_each($1))
            AND rooms.direct_key IS NULL AND NOT rooms.removed AND held.direct_key IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM held_memberships AS other
                             WHERE other.room_id = rooms.id AND other.user_id NOT IN (SELECT value FROM json_each($1)))",
    )
    .bind(&user_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM held_memberships WHERE user_id IN (SELECT value FROM json_each($1))")
        .bind(&user_ids)
        .execute(db)
        .await?;
    Ok(given.rows_affected())
}

/// From whom memberships of rooms of a source are held back, and how many.
pub async fn list(db: impl SqliteExecutor<'_>, kind: &str, source: &str) -> sqlx::Result<Vec<(UserId, i64)>> {
    sqlx::query_as(
        "SELECT held.user_id, COUNT(*)
           FROM imported_rooms AS imported
           JOIN rooms ON rooms.id = imported.room_id AND NOT rooms.removed
           JOIN held_memberships AS held ON held.room_id = rooms.id
          WHERE imported.kind = $1 AND imported.source = $2 GROUP BY held.user_id ORDER BY held.user_id",
    )
    .bind(kind)
    .bind(source)
    .fetch_all(db)
    .await
}

/// Name and e-mail address of this user; `None` if they cannot sign in.
pub async fn find_signing_in(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
) -> sqlx::Result<Option<(String, Option<String>)>> {
    sqlx::query_as("SELECT name, email_address FROM users WHERE id = $1 AND password_hash IS NOT NULL AND status = 0")
        .bind(user_id)
        .fetch_optional(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RoomKind;
    use crate::store::{self, Tx};
    use crate::testing;

    #[tokio::test]
    async fn private_rooms_wait_for_those_who_can_sign_in_and_are_given_by_name() {
        let world = testing::world().await;
        let (ada, bob, cleo, all_talk) = (world.ada.id, world.bob.id, world.cleo.id, world.all_talk.id);
        let world_rooms = async move |tx: &mut Tx| {
            let closed = store::rooms::insert(tx.db(), RoomKind::Closed, &"Secret".parse()?, ada, 1).await?.id;
            let direct = store::rooms::insert_direct(tx.db(), &[ada, bob, cleo], ada, 1).await?;
            let rooms = [("C1".to_owned(), all_talk.0), ("G1".to_owned(), closed.0), ("D1".to_owned(), direct.0)];
            store::imports::slack::insert_rooms(tx.db(), "slack", "T1", &rooms).await?;
            sqlx::query("UPDATE users SET password_hash = NULL WHERE id = $1").bind(cleo).execute(tx.db()).await?;
            sqlx::query("DELETE FROM memberships WHERE room_id = $1").bind(all_talk).execute(tx.db()).await?;
            Ok((closed, direct))
        };
        let (closed, direct) = world.state.db.write(world_rooms).await.unwrap();
        let new = |room: i64, user: i64| (room, user, "mentions".to_owned(), 1);
        // Bob's comes in another batch than Ada's.
        for (batch, expected) in [
            (vec![new(all_talk.0, bob.0), new(closed.0, ada.0), new(closed.0, cleo.0), new(direct.0, ada.0)], 2),
            (vec![new(direct.0, bob.0), new(direct.0, cleo.0), new(direct.0, ada.0)], 1),
        ] {
            let insert = async move |tx: &mut Tx| Ok(insert_or_hold(tx.db(), &batch).await?);
            assert_eq!(world.state.db.write(insert).await.unwrap(), expected);
        }
        let reader = world.state.db.reader();
        let members = async || {
            let all = "SELECT room_id, user_id FROM memberships ORDER BY room_id, user_id";
            sqlx::query_as::<_, (i64, i64)>(all).fetch_all(reader).await.unwrap()
        };
        let given = [(all_talk.0, bob.0), (closed.0, cleo.0), (direct.0, cleo.0)];
        assert_eq!(members().await, given);
        let held = list(reader, "slack", "T1").await.unwrap();
        assert_eq!(held, [(ada, 2), (bob, 1)]);
        let found = find_signing_in(reader, bob).await.unwrap();
        assert_eq!(found, Some(("Bob".to_owned(), Some("bob@example.com".to_owned()))));
        assert_eq!(find_signing_in(reader, cleo).await.unwrap(), None);
        assert!(list(reader, "slack", "T2").await.unwrap().is_empty());
        let key = async || {
            let key = "SELECT direct_key FROM rooms WHERE id = $1";
            sqlx::query_scalar::<_, Option<String>>(key).bind(direct).fetch_one(reader).await.unwrap()
        };
        assert_eq!(key().await, None, "nobody is led there by a ping");
        let release = async |user: i64| {
            let release = async move |tx: &mut Tx| Ok(release(tx.db(), &[user]).await?);
            world.state.db.write(release).await.unwrap()
        };
        assert_eq!(release(ada.0).await, 2);
        assert_eq!(key().await, None, "Bob is still missing");
        assert_eq!(release(bob.0).await, 1);
        assert_eq!(key().await, Some(format!("{ada},{bob},{cleo}")));
        assert_eq!(members().await.len(), 6);
        assert_eq!(release(bob.0).await, 0);
        assert!(list(reader, "slack", "T1").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_membership_that_is_there_stays_whoever_can_sign_in() {
        let world = testing::world().await;
        let room = world.open_closed_room("Secret", &[&world.bob]).await.id.0;
        let bob = world.bob.id.0;
        let row = (room, bob, "nothing".to_owned(), 1);
        let insert = async move |tx: &mut Tx| Ok(insert_or_hold(tx.db(), &[row]).await?);
        assert_eq!(world.state.db.write(insert).await.unwrap(), 0);
        let count = "SELECT COUNT(*) FROM memberships WHERE room_id = $1 AND user_id = $2";
        let count: i64 =
            sqlx::query_scalar(count).bind(room).bind(bob).fetch_one(world.state.db.reader()).await.unwrap();
        assert_eq!(count, 1);
    }
}
