//! Pictures of users, and the account's logo.

use sqlx::{Row, SqliteConnection, SqliteExecutor};

use crate::model::{Role, UserId};

/// How many ids of users a part of the style sheet of pictures covers.
const GROUP_SIZE: i64 = 512;

/// A picture as it is served.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub content_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What is shown of a user.
pub struct Shown {
    /// The user's name.
    pub name: String,
    /// The user's role.
    pub role: Role,
    /// The number of the latest change to the picture; 0 before the first.
    pub version: i64,
    /// The picture, if there is one.
    pub picture: Option<Picture>,
}

/// What is shown of a user, whatever the status.
pub async fn find(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<Shown>> {
    let row = sqlx::query(
        "SELECT users.name, users.role, users.avatar_version, avatars.content_type, avatars.bytes
           FROM users LEFT JOIN avatars ON avatars.user_id = users.id
          WHERE users.id = $1",
    )
    .bind(user_id)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (content_type, bytes): (Option<String>, Option<Vec<u8>>) = (row.try_get(3)?, row.try_get(4)?);
    Ok(Some(Shown {
        name: row.try_get(0)?,
        role: row.try_get(1)?,
        version: row.try_get(2)?,
        picture: content_type.zip(bytes).map(|(content_type, bytes)| Picture { content_type, bytes }),
    }))
}

/// Whether a user has a picture.
pub async fn exists(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM avatars WHERE user_id = $1)").bind(user_id).fetch_one(db).await
}

/// Stores a user's picture instead of the one before.
pub async fn set(db: &mut SqliteConnection, user_id: UserId, picture: &Picture) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO avatars (user_id, content_type, bytes) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET content_type = $2, bytes = $3",
    )
    .bind(user_id)
    .bind(&picture.content_type)
    .bind(&picture.bytes)
    .execute(&mut *db)
    .await?;
    note_change(db, user_id).await
}

/// Removes a user's picture. Returns whether there was one.
pub async fn remove(db: &mut SqliteConnection, user_id: UserId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM avatars WHERE user_id = $1").bind(user_id).execute(&mut *db).await?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    note_change(db, user_id).await?;
    Ok(true)
}

/// Counts a change of what the style sheet of pictures says of a user: the picture, or that they are a bot.
pub async fn note_change(db: &mut SqliteConnection, user_id: UserId) -> sqlx::Result<()> {
    let version = next_version(db).await?;
    sqlx::query("UPDATE users SET avatar_version = $2 WHERE id = $1")
        .bind(user_id)
        .bind(version)
        .execute(db)
        .await
        .map(drop)
}

/// Counts a change.
async fn next_version(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("UPDATE accounts SET avatars_version = avatars_version + 1 RETURNING avatars_version")
        .fetch_one(db)
        .await
}

/// The groups of users among whom somebody has, or had, a picture: their number, and that of the latest change in each.
pub async fn list_groups(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<(i64, i64)>> {
    sqlx::query_as(
        "SELECT id / $1 AS number, MAX(avatar_version) FROM users WHERE avatar_version > 0 GROUP BY number ORDER BY number",
    )
    .bind(GROUP_SIZE)
    .fetch_all(db)
    .await
}

/// The users of a group who have a picture, with the number of its latest change.
pub async fn list_group(db: impl SqliteExecutor<'_>, number: i64) -> sqlx::Result<Vec<(UserId, i64)>> {
    sqlx::query_as(
        "SELECT users.id, users.avatar_version FROM avatars JOIN users ON users.id = avatars.user_id
          WHERE avatars.user_id >= $1 * $2 AND avatars.user_id < ($1 + 1) * $2
          ORDER BY users.id",
    )
    .bind(number)
    .bind(GROUP_SIZE)
    .fetch_all(db)
    .await
}

/// The bots of a group, of any status, with the number of the latest change of each.
pub async fn list_bots(db: impl SqliteExecutor<'_>, number: i64) -> sqlx::Result<Vec<(UserId, i64)>> {
    sqlx::query_as(
        "SELECT id, avatar_version FROM users
          WHERE role = 2 AND avatar_version > 0 AND id >= $1 * $2 AND id < ($1 + 1) * $2 ORDER BY id",
    )
    .bind(number)
    .bind(GROUP_SIZE)
    .fetch_all(db)
    .await
}

/// The account's logo with this side, in pixels, as PNG.
pub async fn find_logo(db: impl SqliteExecutor<'_>, side: u16) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT bytes FROM logos WHERE side = $1").bind(i64::from(side)).fetch_optional(db).await
}

/// Stores the account's logo, with the side of each of its pictures, instead of the one before.
pub async fn set_logo(db: &mut SqliteConnection, pictures: &[(u16, Vec<u8>)]) -> sqlx::Result<()> {
    for (side, bytes) in pictures {
        sqlx::query("INSERT INTO logos (side, bytes) VALUES ($1, $2) ON CONFLICT (side) DO UPDATE SET bytes = $2")
            .bind(i64::from(*side))
            .bind(bytes)
            .execute(&mut *db)
            .await?;
    }
    let version = next_version(db).await?;
    sqlx::query("UPDATE accounts SET logo_version = $1").bind(version).execute(db).await.map(drop)
}

/// Removes the account's logo.
pub async fn remove_logo(db: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM logos").execute(&mut *db).await?;
    next_version(db).await?;
    sqlx::query("UPDATE accounts SET logo_version = 0").execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tx;
    use crate::{store, testing};

    fn picture(byte: u8) -> Picture {
        Picture { content_type: "image/png".into(), bytes: vec![byte; 3] }
    }

    #[tokio::test]
    async fn a_picture_is_replaced_and_removed_and_every_change_is_counted() {
        let world = testing::world().await;
        let (ada, bob) = (world.ada.id, world.bob.id);
        let version = async || store::accounts::find(world.state.db.reader()).await.unwrap().unwrap().avatars_version;
        let change = async |change: Option<u8>, user_id| {
            let change = async move |tx: &mut Tx| {
                match change {
                    Some(byte) => set(tx.db(), user_id, &picture(byte)).await?,
                    None => drop(remove(tx.db(), user_id).await?),
                }
                Ok(())
            };
            world.state.db.write(change).await.unwrap();
        };
        let reader = world.state.db.reader();
        assert_eq!(find(reader, ada).await.unwrap().unwrap().version, 0);
        change(Some(1), ada).await;
        change(Some(2), bob).await;
        change(Some(3), ada).await;
        let Shown { name, role, version: of_ada, picture: found } = find(reader, ada).await.unwrap().unwrap();
        assert_eq!((name.as_str(), role, of_ada), ("Ada", Role::Administrator, 3));
        assert!(found == Some(picture(3)) && exists(reader, ada).await.unwrap());
        assert_eq!(list_groups(reader).await.unwrap(), [(0, 3)]);
        assert_eq!(list_group(reader, 0).await.unwrap(), [(ada, 3), (bob, 2)]);
        assert_eq!(list_group(reader, 1).await.unwrap(), []);

        change(None, ada).await;
        assert_eq!(version().await, 4);
        change(None, ada).await;
        assert_eq!(version().await, 4, "nothing to remove");
        assert!(find(reader, ada).await.unwrap().unwrap().picture.is_none() && !exists(reader, ada).await.unwrap());
        assert_eq!(list_groups(reader).await.unwrap(), [(0, 4)], "whoever has the sheet is told of the removal");
        assert_eq!(list_group(reader, 0).await.unwrap(), [(bob, 2)]);
        assert!(find(reader, UserId(99)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_logo_has_a_version_while_there_is_one() {
        let world = testing::world().await;
        let reader = world.state.db.reader();
        let versions = async || {
            let account = store::accounts::find(reader).await.unwrap().unwrap();
            (account.avatars_version, account.logo_version)
        };
        assert_eq!(find_logo(reader, 192).await.unwrap(), None);
        let set = async |byte| {
            let pictures = [(192, vec![byte]), (512, vec![byte, byte])];
            world.state.db.write(async move |tx| Ok(set_logo(tx.db(), &pictures).await?)).await.unwrap();
        };
        set(1).await;
        set(2).await;
        assert_eq!(find_logo(reader, 192).await.unwrap(), Some(vec![2]));
        assert_eq!(find_logo(reader, 512).await.unwrap(), Some(vec![2, 2]));
        assert_eq!(versions().await, (2, 2));
        world.state.db.write(async |tx| Ok(remove_logo(tx.db()).await?)).await.unwrap();
        assert_eq!((versions().await, find_logo(reader, 512).await.unwrap()), ((3, 0), None));
    }
}
