//! People.

use sqlx::SqliteExecutor;

use crate::model::{Bio, EmailAddress, Person, Profile, Role, Status, User, UserId, UserName};

/// Someone active with this e-mail address, the case of ASCII letters aside, and the hash of their password.
pub async fn find_by_email(
    db: impl SqliteExecutor<'_>,
    email_address: &str,
) -> sqlx::Result<Option<(UserId, Option<String>)>> {
    sqlx::query_as("SELECT id, password_hash FROM users WHERE lower(email_address) = lower($1) AND status = 0")
        .bind(email_address)
        .fetch_optional(db)
        .await
}

/// An active user by id.
pub async fn find(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<User>> {
    let row: Option<(UserId, String, Role)> =
        sqlx::query_as("SELECT id, name, role FROM users WHERE id = $1 AND status = 0")
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(id, name, role)| User { id, name, role }))
}

/// All active people, by lower-cased name.
pub async fn list(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as("SELECT id, name FROM users WHERE status = 0 ORDER BY lower(name), id").fetch_all(db).await
}

/// Everybody who has been here and is called like this, or whose name has a word that begins so.
pub async fn list_called(db: impl SqliteExecutor<'_>, name: &str) -> sqlx::Result<Vec<UserId>> {
    let wanted = name.to_lowercase();
    let people: Vec<(UserId, String)> = sqlx::query_as("SELECT id, name FROM users ORDER BY id").fetch_all(db).await?;
    let called = people.into_iter().filter(|(_, name)| {
        let name = name.to_lowercase();
        name == wanted || name.split_whitespace().any(|word| word.starts_with(&wanted)) || name.starts_with(&wanted)
    });
    Ok(called.map(|(user_id, _)| user_id).collect())
}

/// Which of `user_ids`, a JSON array of numbers, are active users.
pub async fn list_active_of(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "SELECT users.id FROM json_each($1) AS wanted JOIN users ON users.id = wanted.value
          WHERE users.status = 0 ORDER BY users.id",
    )
    .bind(super::json_ids(user_ids))
    .fetch_all(db)
    .await
}

/// The first administrator by id, whom people may ask for help.
pub async fn first_administrator(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "SELECT name, email_address FROM users
          WHERE role = 1 AND status = 0 AND email_address IS NOT NULL ORDER BY id LIMIT 1",
    )
    .fetch_optional(db)
    .await
}

/// Makes a user. Fails with a unique violation when the address is taken.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    name: &UserName,
    email_address: &EmailAddress,
    password_hash: &str,
    role: Role,
    now_ms: i64,
) -> sqlx::Result<UserId> {
    sqlx::query_scalar(
        "INSERT INTO users (name, email_address, password_hash, role, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
    )
    .bind(name.as_str())
    .bind(email_address.as_str())
    .bind(password_hash)
    .bind(role)
    .bind(now_ms)
    .fetch_one(db)
    .await
}

/// How many people one page of the list shows.
pub const LIST_PAGE_SIZE: i64 = 500;

/// Which people a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    Active,
    /// Banned people too, as administrators see the list.
    ActiveAndBanned,
}

/// People and not bots whose name has `filter` in it: administrators first, each part by lower-cased name.
///
/// Page `page` of them, from 0: at most [`LIST_PAGE_SIZE`], and one more when there is another page.
pub async fn list_page(
    db: impl SqliteExecutor<'_>,
    listed: Listed,
    filter: &str,
    page: i64,
) -> sqlx::Result<Vec<Profile>> {
    let most_status = if listed == Listed::Active { Status::Active } else { Status::Banned };
    sqlx::query_as(
        "SELECT id, name, email_address, bio, role, status FROM users
          WHERE role <> 2 AND status IN (0, $1) AND lower(name) LIKE $2 ESCAPE '!'
          ORDER BY role DESC, lower(name), id LIMIT $3 OFFSET $4",
    )
    .bind(most_status)
    .bind(super::containing(filter))
    .bind(LIST_PAGE_SIZE + 1)
    .bind(page.saturating_mul(LIST_PAGE_SIZE))
    .fetch_all(db)
    .await
}

/// Someone as their own page shows them, whatever their status.
pub async fn profile(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<Profile>> {
    sqlx::query_as("SELECT id, name, email_address, bio, role, status FROM users WHERE id = $1")
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// The hash of an active user's password; bots have none.
pub async fn password_hash(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<String>> {
    let found: Option<Option<String>> =
        sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1 AND status = 0")
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(found.flatten())
}

/// Stores what someone says of themselves. Fails with a unique violation when the address is taken.
pub async fn update_profile(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    name: &UserName,
    email_address: &EmailAddress,
    bio: &Bio,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET name = $2, email_address = $3, bio = $4, updated_at = $5 WHERE id = $1")
        .bind(user_id)
        .bind(name.as_str())
        .bind(email_address.as_str())
        .bind(bio.as_str())
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Gives someone another password.
pub async fn update_password(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    password_hash: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1")
        .bind(user_id)
        .bind(password_hash)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Gives someone another role.
pub async fn update_role(db: impl SqliteExecutor<'_>, user_id: UserId, role: Role, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET role = $2, updated_at = $3 WHERE id = $1")
        .bind(user_id)
        .bind(role)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Gives someone another status.
pub async fn update_status(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    status: Status,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET status = $2, updated_at = $3 WHERE id = $1")
        .bind(user_id)
        .bind(status)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Stores another address, like the one of somebody who left, which no longer keeps theirs from being used.
pub async fn update_email(db: impl SqliteExecutor<'_>, user_id: UserId, email_address: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET email_address = $2 WHERE id = $1")
        .bind(user_id)
        .bind(email_address)
        .execute(db)
        .await
        .map(drop)
}

/// How many active administrators there are besides this person.
pub async fn count_other_administrators(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE role = 1 AND status = 0 AND id <> $1")
        .bind(user_id)
        .fetch_one(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn people_are_found_by_their_address_whatever_its_case() {
        let world = testing::world().await;
        let reader = world.state.db.reader();
        let (found, hash) = find_by_email(reader, "ADA@Example.com").await.unwrap().unwrap();
        assert_eq!(found, world.ada.id);
        assert!(hash.is_some());
        assert_eq!(find_by_email(reader, "nobody@example.com").await.unwrap(), None);
        assert_eq!(find(reader, world.ada.id).await.unwrap(), Some(world.ada.clone()));
        assert_eq!(find(reader, UserId(99)).await.unwrap(), None);
        let (name, address) = first_administrator(reader).await.unwrap().unwrap();
        assert_eq!((name.as_str(), address.as_str()), ("Ada", "ada@example.com"));
    }

    #[tokio::test]
    async fn an_address_is_taken_once() {
        let world = testing::world().await;
        let taken = world
            .state
            .db
            .write(async |tx| {
                let (name, address) = ("Eve".parse()?, "Ada@EXAMPLE.com".parse()?);
                let result = insert(tx.db(), &name, &address, "x", Role::Member, 1).await;
                Ok(result.is_err_and(|e| e.as_database_error().is_some_and(|e| e.is_unique_violation())))
            })
            .await;
        assert_eq!(taken, Ok(true));
    }

    #[tokio::test]
    async fn the_list_has_administrators_first_and_takes_a_filter() {
        let world = testing::world().await;
        let (bob, cleo) = (world.bob.id, world.cleo.id);
        world
            .state
            .db
            .write(async move |tx| {
                update_role(tx.db(), cleo, Role::Administrator, 2).await?;
                update_status(tx.db(), bob, Status::Banned, 2).await?;
                Ok(update_profile(tx.db(), cleo, &"Cleo 100%".parse()?, &"c@x".parse()?, &"Hi".parse()?, 2).await?)
            })
            .await
            .unwrap();
        let reader = world.state.db.reader();
        let names = async |listed, filter: &str, page| -> Vec<String> {
            list_page(reader, listed, filter, page).await.unwrap().into_iter().map(|person| person.name).collect()
        };
        assert_eq!(names(Listed::Active, "", 0).await, ["Ada", "Cleo 100%"]);
        assert_eq!(names(Listed::ActiveAndBanned, "", 0).await, ["Ada", "Cleo 100%", "Bob"]);
        assert_eq!(names(Listed::ActiveAndBanned, "O", 0).await, ["Cleo 100%", "Bob"]);
        assert_eq!(names(Listed::Active, "0%", 0).await, ["Cleo 100%"]);
        assert!(names(Listed::Active, "", 1).await.is_empty());
        assert!(names(Listed::Active, "", i64::MAX).await.is_empty());
        assert_eq!(count_other_administrators(reader, world.ada.id).await.unwrap(), 1);
        let shown = profile(reader, cleo).await.unwrap().unwrap();
        assert_eq!((shown.bio.as_str(), shown.email_address.as_deref()), ("Hi", Some("c@x")));
        assert_eq!(password_hash(reader, bob).await.unwrap(), None, "no longer active");
    }

    #[tokio::test]
    async fn only_the_active_are_listed() {
        let world = testing::world().await;
        world
            .state
            .db
            .write(async |tx| {
                sqlx::query("UPDATE users SET status = 1 WHERE name = 'Bob'").execute(tx.db()).await?;
                Ok(())
            })
            .await
            .unwrap();
        let reader = world.state.db.reader();
        let names: Vec<_> = list(reader).await.unwrap().into_iter().map(|person| person.name).collect();
        assert_eq!(names, ["Ada", "Cleo"]);
        let wanted = [world.bob.id, world.cleo.id, UserId(77)];
        assert_eq!(list_active_of(reader, &wanted).await.unwrap(), [world.cleo.id]);
    }
}
