//! People.

use sqlx::SqliteExecutor;

use crate::model::{EmailAddress, Person, Role, User, UserId, UserName};

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
