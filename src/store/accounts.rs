//! The account: the table has at most one row.

use sqlx::SqliteExecutor;

use crate::model::{Account, AccountName, CustomStyles};

/// The account; `None` before it is set up.
pub async fn find(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<Account>> {
    sqlx::query_as(
        "SELECT name, join_code, room_creation_restricted, custom_styles_digest, avatars_version, logo_version
           FROM accounts",
    )
    .fetch_optional(db)
    .await
}

/// Creates the account. Fails with a unique violation if there is one.
pub async fn insert(db: impl SqliteExecutor<'_>, name: &str, join_code: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO accounts (name, join_code, created_at, updated_at) VALUES ($1, $2, $3, $3)")
        .bind(name)
        .bind(join_code)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Renames the account.
pub async fn update_name(db: impl SqliteExecutor<'_>, name: &AccountName, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET name = $1, updated_at = $2")
        .bind(name.as_str())
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Replaces the account's join code.
pub async fn update_join_code(db: impl SqliteExecutor<'_>, join_code: &str, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET join_code = $1, updated_at = $2")
        .bind(join_code)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Stores whether only administrators may create rooms.
pub async fn update_restriction(db: impl SqliteExecutor<'_>, restricted: bool, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET room_creation_restricted = $1, updated_at = $2")
        .bind(restricted)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Whether everybody in a room sees the earlier texts of its messages.
pub async fn are_edits_shown(db: impl SqliteExecutor<'_>) -> sqlx::Result<bool> {
    let shown: Option<bool> = sqlx::query_scalar("SELECT edits_shown FROM accounts").fetch_optional(db).await?;
    Ok(shown.unwrap_or_default())
}

/// Stores whether everybody in a room sees the earlier texts of its messages.
pub async fn update_edits_shown(db: impl SqliteExecutor<'_>, shown: bool, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET edits_shown = $1, updated_at = $2")
        .bind(shown)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Whether pages before signing in name an administrator to write to.
pub async fn is_help_shown(db: impl SqliteExecutor<'_>) -> sqlx::Result<bool> {
    let shown: Option<bool> = sqlx::query_scalar("SELECT help_shown FROM accounts").fetch_optional(db).await?;
    Ok(shown.unwrap_or_default())
}

/// Stores whether pages before signing in name an administrator to write to.
pub async fn update_help_shown(db: impl SqliteExecutor<'_>, shown: bool, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET help_shown = $1, updated_at = $2")
        .bind(shown)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

/// The account's custom CSS; empty without any.
pub async fn custom_styles(db: impl SqliteExecutor<'_>) -> sqlx::Result<String> {
    let styles: Option<String> = sqlx::query_scalar("SELECT custom_styles FROM accounts").fetch_optional(db).await?;
    Ok(styles.unwrap_or_default())
}

/// Stores the account's custom CSS with its digest, which names it in URLs.
pub async fn update_custom_styles(
    db: impl SqliteExecutor<'_>,
    styles: &CustomStyles,
    digest: &str,
    now_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE accounts SET custom_styles = $1, custom_styles_digest = $2, updated_at = $3")
        .bind(styles.as_str())
        .bind(digest)
        .bind(now_ms)
        .execute(db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn there_is_at_most_one_account_and_its_fields_are_updated() {
        let state = testing::state().await;
        assert_eq!(find(state.db.reader()).await.unwrap(), None);
        assert_eq!(custom_styles(state.db.reader()).await.unwrap(), "");
        let insert =
            async || state.db.write(async |tx| Ok(insert(tx.db(), "Campfire", "aaaa-bbbb-cccc", 1).await?)).await;
        insert().await.unwrap();
        assert!(insert().await.is_err());
        state
            .db
            .write(async |tx| {
                update_name(tx.db(), &"Fire".parse()?, 2).await?;
                update_join_code(tx.db(), "dddd-eeee-ffff", 2).await?;
                update_restriction(tx.db(), true, 2).await?;
                Ok(update_custom_styles(tx.db(), &"b{}".parse()?, "digest", 2).await?)
            })
            .await
            .unwrap();
        let account = Account {
            name: "Fire".into(),
            join_code: "dddd-eeee-ffff".into(),
            room_creation_restricted: true,
            custom_styles_digest: "digest".into(),
            avatars_version: 0,
            logo_version: 0,
        };
        assert_eq!(find(state.db.reader()).await.unwrap(), Some(account));
        assert_eq!(custom_styles(state.db.reader()).await.unwrap(), "b{}");
    }
}
