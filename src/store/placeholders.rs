//! Users whom an import made, and who have not joined yet.

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::folding;
use crate::model::UserId;

/// A user who has not joined yet: active, a member, without a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Placeholder {
    /// The user.
    pub user_id: UserId,
    /// They are a member of a closed or direct room: whoever becomes this user reads what others cannot.
    pub has_private_rooms: bool,
}

/// The placeholder with this e-mail address, by the sameness of [`folding::address`].
pub async fn find(db: impl SqliteExecutor<'_>, email_address: &str) -> sqlx::Result<Option<Placeholder>> {
    sqlx::query_as(
        "SELECT users.id AS user_id,
                EXISTS (SELECT 1 FROM memberships JOIN rooms ON rooms.id = memberships.room_id
                         WHERE memberships.user_id = users.id AND rooms.kind <> 'open') AS has_private_rooms
           FROM placeholders JOIN users ON users.id = placeholders.user_id
          WHERE (lower(users.email_address) = lower($1) OR users.email_key = $2)
            AND users.status = 0 AND users.role = 0 AND users.password_hash IS NULL
          ORDER BY lower(users.email_address) <> lower($1) LIMIT 1",
    )
    .bind(email_address)
    .bind(folding::address(email_address))
    .fetch_optional(db)
    .await
}

/// Makes these users placeholders.
pub async fn insert(db: impl SqliteExecutor<'_>, user_ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO placeholders (user_id) SELECT value FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING")
        .bind(super::json_ids(user_ids))
        .execute(db)
        .await
        .map(drop)
}

/// The user has joined.
pub async fn remove(db: &mut SqliteConnection, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM placeholders WHERE user_id = $1").bind(user_id).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RoomKind, Status};
    use crate::store::{self, Tx};
    use crate::testing;

    #[tokio::test]
    async fn only_who_has_not_joined_is_found_and_private_rooms_are_told() {
        let world = testing::world().await;
        let (bob, ada) = (world.bob.id, world.ada.id);
        let write = async |sql: &'static str| {
            let run = async move |tx: &mut Tx| Ok(sqlx::query(sql).bind(bob).execute(tx.db()).await.map(drop)?);
            world.state.db.write(run).await.unwrap();
        };
        let reader = world.state.db.reader();
        let found = async || find(reader, " bob@EXAMPLE.com".trim()).await.unwrap();
        assert_eq!(found().await, None);
        world.state.db.write(async move |tx: &mut Tx| Ok(insert(tx.db(), &[bob.0, bob.0]).await?)).await.unwrap();
        assert_eq!(found().await, None, "somebody with a password is none");
        write("UPDATE users SET password_hash = NULL WHERE id = $1").await;
        assert_eq!(found().await, Some(Placeholder { user_id: bob, has_private_rooms: false }));
        let close = async move |tx: &mut Tx| {
            let room = store::rooms::insert(tx.db(), RoomKind::Closed, &"Secret".parse()?, ada, 1).await?;
            Ok(store::memberships::grant(tx.db(), room.id, &[bob], 1).await.map(drop)?)
        };
        world.state.db.write(close).await.unwrap();
        assert_eq!(found().await, Some(Placeholder { user_id: bob, has_private_rooms: true }));
        write("UPDATE users SET role = 1 WHERE id = $1").await;
        assert_eq!(found().await, None, "nobody becomes an administrator by an address");
        write("UPDATE users SET role = 0 WHERE id = $1").await;
        let leave =
            async move |tx: &mut Tx| Ok(store::users::update_status(tx.db(), bob, Status::Deactivated, 1).await?);
        world.state.db.write(leave).await.unwrap();
        assert_eq!(found().await, None);
        write("UPDATE users SET status = 0 WHERE id = $1").await;
        world.state.db.write(async move |tx: &mut Tx| Ok(remove(tx.db(), bob).await?)).await.unwrap();
        assert_eq!(found().await, None);
    }
}
