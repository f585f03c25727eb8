//! The secrets with which this installation recognises what it signed.

use sqlx::SqliteExecutor;

/// The key of session transfers.
pub async fn session_transfer(db: impl SqliteExecutor<'_>) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar("SELECT key FROM signing_keys WHERE purpose = 'session_transfer'").fetch_one(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn every_installation_has_a_key_of_its_own() {
        let (one, other) = (testing::state().await, testing::state().await);
        let key = session_transfer(one.db.reader()).await.unwrap();
        assert_eq!(key.len(), 32);
        assert_ne!(key, session_transfer(other.db.reader()).await.unwrap());
    }
}
