//! The account: there is one.

use sqlx::SqliteExecutor;

/// The one tenant of this installation.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    pub name: String,
    /// The secret in the URL with which people register themselves: `XXXX-XXXX-XXXX`.
    pub join_code: String,
}

/// The account, once the first run is over.
pub async fn find(db: impl SqliteExecutor<'_>) -> sqlx::Result<Option<Account>> {
    sqlx::query_as("SELECT name, join_code FROM accounts").fetch_optional(db).await
}

/// Makes the account. Fails with a unique violation when there is one.
pub async fn insert(db: impl SqliteExecutor<'_>, account: &Account, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO accounts (name, join_code, created_at, updated_at) VALUES ($1, $2, $3, $3)")
        .bind(&account.name)
        .bind(&account.join_code)
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
    async fn there_is_one_account_or_none() {
        let state = testing::state().await;
        assert_eq!(find(state.db.reader()).await.unwrap(), None);
        let account = Account { name: "Campfire".into(), join_code: "aaaa-bbbb-cccc".into() };
        let insert = async || {
            let account = account.clone();
            state.db.write(async move |tx| Ok(insert(tx.db(), &account, 1).await?)).await
        };
        insert().await.unwrap();
        assert!(insert().await.is_err());
        assert_eq!(find(state.db.reader()).await.unwrap(), Some(account));
    }
}
