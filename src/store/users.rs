//! Users.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::{escape_like, keys};
use crate::folding;
use crate::model::{
    Bio, EmailAddress, Person, Profile, Role, RoomId, Status, Theme, User, UserId, UserName, order_key,
};

/// Id and password hash of the active user with this e-mail address, by the sameness of [`folding::address`].
///
/// An address that differs in the case of ASCII letters alone goes before one that is the same otherwise: users whose
/// addresses were different in older versions, and are the same now, each sign in by their own.
pub async fn find_by_email(
    db: impl SqliteExecutor<'_>,
    email_address: &str,
) -> sqlx::Result<Option<(UserId, Option<String>)>> {
    sqlx::query_as(
        "SELECT id, password_hash FROM users
          WHERE (lower(email_address) = lower($1) OR email_key = $2) AND status = 0
          ORDER BY lower(email_address) <> lower($1) LIMIT 1",
    )
    .bind(email_address)
    .bind(folding::address(email_address))
    .fetch_optional(db)
    .await
}

/// The active user with this id.
pub async fn find(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<User>> {
    let row: Option<(UserId, String, Role)> =
        sqlx::query_as("SELECT id, name, role FROM users WHERE id = $1 AND status = 0")
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(id, name, role)| User { id, name, role }))
}

/// What a sign-in of an active user is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// The hash of the password.
    pub password_hash: String,
    /// How often devices of the user were signed out from elsewhere.
    pub revocation_count: i64,
}

/// The credentials of an active user; bots have none.
pub async fn credentials(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<Credentials>> {
    let row: Option<(UserId, String, Role, String, i64)> = sqlx::query_as(
        "SELECT id, name, role, password_hash, revocation_count FROM users
          WHERE id = $1 AND status = 0 AND role <> 2 AND password_hash IS NOT NULL",
    )
    .bind(user_id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, name, role, password_hash, revocation_count)| Credentials {
        user: User { id, name, role },
        password_hash,
        revocation_count,
    }))
}

/// The same, also of a member who has no password yet, whose hash is empty then: somebody whom an import has made.
pub async fn credentials_or_none_yet(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
) -> sqlx::Result<Option<Credentials>> {
    let row: Option<(UserId, String, Role, String, i64)> = sqlx::query_as(
        "SELECT id, name, role, COALESCE(password_hash, ''), revocation_count FROM users
          WHERE id = $1 AND status = 0 AND role <> 2 AND (password_hash IS NOT NULL OR role = 0)",
    )
    .bind(user_id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, name, role, password_hash, revocation_count)| Credentials {
        user: User { id, name, role },
        password_hash,
        revocation_count,
    }))
}

/// The greatest cost of a hash of bcrypt that somebody who may sign in has; `None` if nobody has one. They come from Campfire
/// on Rails only: without an import of one, no user is looked at.
pub async fn bcrypt_cost(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<u32>> {
    sqlx::query_scalar(
        "SELECT MAX(CAST(substr(password_hash, 5, 2) AS INTEGER)) FROM users
          WHERE EXISTS (SELECT 1 FROM imports WHERE kind = 'rails') AND status = 0 AND role <> 2 AND password_hash GLOB '$2?$??$*'",
    )
    .fetch_one(db)
    .await
}

/// Counts that devices of a user were signed out from elsewhere.
pub async fn count_revocation(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET revocation_count = revocation_count + 1 WHERE id = $1")
        .bind(user_id)
        .execute(db)
        .await
        .map(drop)
}

/// The e-mail address of an active user, as it was entered; `None` for users without one.
pub async fn email_address(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<String>> {
    let found: Option<Option<String>> =
        sqlx::query_scalar("SELECT email_address FROM users WHERE id = $1 AND status = 0")
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(found.flatten())
}

/// Whether a user of any status has this e-mail address, by the sameness of [`folding::address`].
pub async fn is_email_taken(db: impl SqliteExecutor<'_>, email_address: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE lower(email_address) = lower($1) OR email_key = $2)")
        .bind(email_address)
        .bind(folding::address(email_address))
        .fetch_one(db)
        .await
}

/// Whether an active user other than `except` has a name with this skeleton.
pub async fn is_skeleton_taken(
    db: impl SqliteExecutor<'_>,
    skeleton: &str,
    except: Option<UserId>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users WHERE name_skeleton = $1 AND status = 0 AND id <> COALESCE($2, 0))",
    )
    .bind(skeleton)
    .bind(except)
    .fetch_one(db)
    .await
}

/// Replaces a user's name and its skeleton.
pub async fn update_name(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    name: &UserName,
    skeleton: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET name = $2, name_skeleton = $3, name_key = $4, name_order = $5 WHERE id = $1")
        .bind(user_id)
        .bind(name.as_str())
        .bind(skeleton)
        .bind(folding::words(name.as_str()))
        .bind(order_key(name.as_str()))
        .execute(db)
        .await
        .map(drop)
}

/// The theme that a user chose.
pub async fn theme(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<Theme>> {
    sqlx::query_scalar("SELECT theme FROM users WHERE id = $1").bind(user_id).fetch_optional(db).await
}

/// Stores the theme that a user chose.
pub async fn update_theme(db: impl SqliteExecutor<'_>, user_id: UserId, theme: Theme) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET theme = $2 WHERE id = $1").bind(user_id).bind(theme).execute(db).await.map(drop)
}

/// Up to `limit` users whose name's skeleton has not been worked out, those with the lowest ids.
pub async fn list_without_skeleton(db: impl SqliteExecutor<'_>, limit: i64) -> sqlx::Result<Vec<(UserId, String)>> {
    sqlx::query_as("SELECT id, name FROM users WHERE name_skeleton IS NULL ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(db)
        .await
}

/// All active users, by name.
pub async fn list(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as("SELECT id, name FROM users WHERE status = 0 ORDER BY name_order, id").fetch_all(db).await
}

/// A user as programs see them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SeenUser {
    /// The id of the user.
    pub id: UserId,
    /// The name shown to others.
    pub name: String,
    /// The user's permissions in the account.
    pub role: Role,
    /// The number of the latest change to the user's picture.
    pub avatar_version: i64,
}

/// These users, of any status, by id.
pub async fn list_seen(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Vec<SeenUser>> {
    sqlx::query_as(
        "SELECT id, name, role, avatar_version FROM users
          WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    )
    .bind(super::json_ids(user_ids))
    .fetch_all(db)
    .await
}

/// Up to `limit` active users with ids above `after`, by id: of a room, or of the account.
pub async fn list_seen_after(
    db: impl SqliteExecutor<'_>,
    room_id: Option<RoomId>,
    after: UserId,
    limit: i64,
) -> sqlx::Result<Vec<SeenUser>> {
    sqlx::query_as(
        "SELECT id, name, role, avatar_version FROM users
          WHERE status = 0 AND id > $2
            AND ($1 IS NULL OR EXISTS (SELECT 1 FROM memberships WHERE room_id = $1 AND user_id = users.id))
          ORDER BY id LIMIT $3",
    )
    .bind(room_id)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Users of any status whose name, or a later word of it, begins with `name`, by the sameness of [`folding::words`].
pub async fn list_called(db: impl SqliteExecutor<'_>, name: &str) -> sqlx::Result<Vec<UserId>> {
    let wanted = escape_like(&folding::words(name));
    sqlx::query_scalar(
        "SELECT id FROM users WHERE name_key LIKE $1 || '%' ESCAPE '!' OR name_key LIKE '% ' || $1 || '%' ESCAPE '!'
          ORDER BY id",
    )
    .bind(wanted)
    .fetch_all(db)
    .await
}

/// The active users among `user_ids`, sorted by id.
pub async fn list_active_of(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "SELECT users.id FROM json_each($1) AS wanted JOIN users ON users.id = wanted.value
          WHERE users.status = 0 ORDER BY users.id",
    )
    .bind(super::json_ids(user_ids))
    .fetch_all(db)
    .await
}

/// Name and e-mail address of the active administrator with the lowest id: the account's contact for help.
pub async fn first_administrator(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "SELECT name, email_address FROM users
          WHERE role = 1 AND status = 0 AND email_address IS NOT NULL ORDER BY id LIMIT 1",
    )
    .fetch_optional(db)
    .await
}

/// Creates a user. Fails with a unique violation if the address is taken.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    name: &UserName,
    email_address: &EmailAddress,
    password_hash: &str,
    role: Role,
    now_ms: i64,
) -> sqlx::Result<UserId> {
    sqlx::query_scalar(
        "INSERT INTO users (name, email_address, password_hash, role, created_at, updated_at, name_key, name_order,
                            email_key)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8) RETURNING id",
    )
    .bind(name.as_str())
    .bind(email_address.as_str())
    .bind(password_hash)
    .bind(role)
    .bind(now_ms)
    .bind(folding::words(name.as_str()))
    .bind(order_key(name.as_str()))
    .bind(folding::address(email_address.as_str()))
    .fetch_one(db)
    .await
}

/// Number of users on one page of the list.
pub const LIST_PAGE_SIZE: i64 = 100;

/// The statuses of users in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedStatus {
    /// Active users, as members see the list.
    Active,
    /// Active and banned users, as administrators see the list.
    ActiveAndBanned,
}

/// Page `page`, from 0, of the users whose names contain `filter` by the sameness of [`folding::words`], bots excluded:
/// administrators first, then members, each by name.
///
/// At most [`LIST_PAGE_SIZE`] users, and one more if there is another page.
pub async fn list_page(
    db: impl SqliteExecutor<'_>,
    listed: ListedStatus,
    filter: &str,
    page: i64,
) -> sqlx::Result<Vec<Profile>> {
    let other_status = if listed == ListedStatus::Active { Status::Active } else { Status::Banned };
    sqlx::query_as(
        "SELECT id, name, email_address, bio, role, status FROM users
          WHERE role <> 2 AND status IN (0, $1) AND name_key LIKE '%' || $2 || '%' ESCAPE '!'
          ORDER BY role DESC, name_order, id LIMIT $3 OFFSET $4",
    )
    .bind(other_status)
    .bind(escape_like(&folding::words(filter.trim())))
    .bind(LIST_PAGE_SIZE + 1)
    .bind(page.saturating_mul(LIST_PAGE_SIZE))
    .fetch_all(db)
    .await
}

/// A user's profile, whatever the status.
pub async fn profile(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<Profile>> {
    sqlx::query_as("SELECT id, name, email_address, bio, role, status FROM users WHERE id = $1")
        .bind(user_id)
        .fetch_optional(db)
        .await
}

/// The password hash of an active user; bots have none.
pub async fn password_hash(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Option<String>> {
    let found: Option<Option<String>> =
        sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1 AND status = 0")
            .bind(user_id)
            .fetch_optional(db)
            .await?;
    Ok(found.flatten())
}

/// Updates the fields of a user's profile other than the name; without an e-mail address it stays. Fails with a unique
/// violation if the address is taken.
pub async fn update_profile(
    db: &mut SqliteConnection,
    user_id: UserId,
    email_address: Option<&EmailAddress>,
    bio: &Bio,
    now_ms: i64,
) -> sqlx::Result<()> {
    // An address that is not changed keeps its key, also if it has none.
    sqlx::query(
        "UPDATE users
            SET email_address = COALESCE($2, email_address), bio = $3, updated_at = $4,
                email_key = CASE WHEN COALESCE($2, email_address) = email_address THEN email_key ELSE $5 END
          WHERE id = $1",
    )
    .bind(user_id)
    .bind(email_address.map(EmailAddress::as_str))
    .bind(bio.as_str())
    .bind(now_ms)
    .bind(email_address.map(|address| folding::address(address.as_str())))
    .execute(&mut *db)
    .await?;
    keys::fill_address_keys(db).await.map(drop)
}

/// Replaces a user's password hash.
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

/// Changes a user's role.
pub async fn update_role(db: impl SqliteExecutor<'_>, user_id: UserId, role: Role, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET role = $2, updated_at = $3 WHERE id = $1")
        .bind(user_id)
        .bind(role)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Changes a user's status.
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

/// Replaces a user's e-mail address, for example when the user is deactivated, so that another user can register with
/// it.
pub async fn update_email(db: &mut SqliteConnection, user_id: UserId, email_address: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET email_address = $2, email_key = $3 WHERE id = $1")
        .bind(user_id)
        .bind(email_address)
        .bind(folding::address(email_address))
        .execute(&mut *db)
        .await?;
    keys::fill_address_keys(db).await.map(drop)
}

/// Number of active administrators other than this user.
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
    async fn users_are_found_by_address_ignoring_case() {
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
    async fn the_greatest_cost_of_bcrypt_is_that_of_people_who_may_sign_in() {
        let world = testing::world().await;
        let (ada, bob) = (world.ada.id, world.bob.id);
        let set = async |user_id: UserId, hash: &'static str, status: i64| {
            let set = async move |tx: &mut crate::store::Tx| {
                let update = sqlx::query("UPDATE users SET password_hash = $2, status = $3 WHERE id = $1");
                update.bind(user_id).bind(hash).bind(status).execute(tx.db()).await?;
                Ok(())
            };
            world.state.db.write(set).await.unwrap();
            bcrypt_cost(world.state.db.reader()).await.unwrap()
        };
        assert_eq!(set(ada, "$2a$11$salt", 0).await, None, "nothing was imported");
        let note = async |tx: &mut crate::store::Tx| {
            let insert = "INSERT INTO imports VALUES ('rails', '', '', '', 0, 0)";
            sqlx::query(insert).execute(tx.db()).await?;
            Ok(())
        };
        world.state.db.write(note).await.unwrap();
        assert_eq!(set(bob, "$2b$12$salt", 0).await, Some(12));
        assert_eq!(set(bob, "$2b$12$salt", 1).await, Some(11), "who is deactivated does not sign in");
        assert_eq!(set(ada, "$argon2id$v=19$salt", 0).await, None);
    }

    #[tokio::test]
    async fn only_active_people_have_credentials() {
        let world = testing::world().await;
        let bob = world.bob.id;
        let reader = world.state.db.reader();
        let before = credentials(reader, bob).await.unwrap().unwrap();
        assert_eq!((&before.user, before.revocation_count), (&world.bob, 0));
        world.state.db.write(async move |tx| Ok(count_revocation(tx.db(), bob).await?)).await.unwrap();
        assert_eq!(credentials(reader, bob).await.unwrap().unwrap().revocation_count, 1);
        let ban = async move |tx: &mut crate::store::Tx| Ok(update_status(tx.db(), bob, Status::Banned, 2).await?);
        world.state.db.write(ban).await.unwrap();
        assert_eq!(credentials(reader, bob).await.unwrap(), None);
        assert!(is_email_taken(reader, "ＢＯＢ@example.com").await.unwrap(), "of a banned user, too");
        assert!(!is_email_taken(reader, "nobody@example.com").await.unwrap());
    }

    #[tokio::test]
    async fn an_address_can_be_used_once_in_any_spelling() {
        let world = testing::world().await;
        let is_taken = async |address: &'static str| {
            let insert = async move |tx: &mut crate::store::Tx| {
                let result = insert(tx.db(), &"Eve".parse()?, &address.parse()?, "x", Role::Member, 1).await;
                Ok(result.is_err_and(|e| e.as_database_error().is_some_and(|e| e.is_unique_violation())))
            };
            world.state.db.write(insert).await.unwrap()
        };
        assert!(is_taken("Ada@EXAMPLE.com").await);
        for (first, others) in [
            ("Élodie@example.com", ["ÉLODIE@example.com", "élodie@EXAMPLE.com", "e\u{301}lodie@example.com"]),
            ("straße@example.com", ["STRASSE@example.com", "strasse@example.com", "Straße@example.com"]),
            ("ipek@example.com", ["İpek@example.com", "IPEK@example.com", "ıpek@example.com"]),
            ("Иван@example.com", ["ИВАН@example.com", "иван@example.com", "иВАН@example.COM"]),
        ] {
            assert!(!is_taken(first).await, "{first}");
            for other in others {
                assert!(is_taken(other).await, "{other}");
                let found = find_by_email(world.state.db.reader(), other).await.unwrap();
                assert_eq!(found, find_by_email(world.state.db.reader(), first).await.unwrap(), "{other}");
                assert!(found.is_some());
            }
        }
        assert!(!is_taken("elodie@example.com").await, "an accent makes another address");
    }

    #[tokio::test]
    async fn the_list_has_administrators_first_and_is_filtered_by_name() {
        let world = testing::world().await;
        let bob = world.bob.id;
        let cleo = world.cleo.id;
        world
            .state
            .db
            .write(async move |tx| {
                update_role(tx.db(), cleo, Role::Administrator, 2).await?;
                update_status(tx.db(), bob, Status::Banned, 2).await?;
                update_name(tx.db(), cleo, &"Cleo 100%".parse()?, "cleo100").await?;
                Ok(update_profile(tx.db(), cleo, Some(&"c@x.example".parse()?), &"Hi".parse()?, 2).await?)
            })
            .await
            .unwrap();
        let reader = world.state.db.reader();
        let names = async |listed, filter: &str, page| -> Vec<String> {
            list_page(reader, listed, filter, page).await.unwrap().into_iter().map(|person| person.name).collect()
        };
        assert_eq!(names(ListedStatus::Active, "", 0).await, ["Ada", "Cleo 100%"]);
        assert_eq!(names(ListedStatus::ActiveAndBanned, "", 0).await, ["Ada", "Cleo 100%", "Bob"]);
        assert_eq!(names(ListedStatus::ActiveAndBanned, "O", 0).await, ["Cleo 100%", "Bob"]);
        assert_eq!(names(ListedStatus::Active, "0%", 0).await, ["Cleo 100%"]);
        assert_eq!(names(ListedStatus::Active, "ＣLÉO", 0).await, ["Cleo 100%"]);
        assert!(names(ListedStatus::Active, "", 1).await.is_empty());
        assert!(names(ListedStatus::Active, "", i64::MAX).await.is_empty());
        assert_eq!(count_other_administrators(reader, world.ada.id).await.unwrap(), 1);
        let shown = profile(reader, cleo).await.unwrap().unwrap();
        assert_eq!((shown.bio.as_str(), shown.email_address.as_deref()), ("Hi", Some("c@x.example")));
        assert_eq!(password_hash(reader, bob).await.unwrap(), None, "no longer active");
    }

    #[tokio::test]
    async fn only_active_users_are_listed() {
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
