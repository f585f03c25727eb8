//! Sessions: signed-in browsers. The table stores a hash of each session's token, so that a copy of it does not allow
//! anyone to sign in.

use sqlx::SqliteExecutor;

use crate::model::{Role, SessionId, User, UserId};

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// The address of its last stored activity.
    pub ip_address: String,
    /// The `User-Agent` header of its last stored activity.
    pub user_agent: String,
    /// Time of its last stored activity, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// When it expires, in milliseconds since the epoch.
    pub expires_at: i64,
}

/// A live session and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSession {
    /// The user who signed in.
    pub user: User,
    /// Its id.
    pub session_id: SessionId,
    /// Time of its last stored activity, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// When it expires, in milliseconds since the epoch.
    pub expires_at: i64,
}

/// The activity that a session begins with or is refreshed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionActivity {
    /// The user of the session.
    pub user_id: UserId,
    /// The address of the request.
    pub ip_address: String,
    /// The request's `User-Agent` header.
    pub user_agent: String,
    /// Time of the request, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// When the session expires unless it is refreshed again, in milliseconds since the epoch.
    pub expires_at: i64,
}

/// The session with this token hash and its user, unless it has expired or the user is not active or a bot.
pub async fn find_user(
    db: impl SqliteExecutor<'_>,
    token_hash: &[u8],
    now_ms: i64,
) -> sqlx::Result<Option<UserSession>> {
    let row: Option<(UserId, String, Role, SessionId, i64, i64)> = sqlx::query_as(
        "SELECT users.id, users.name, users.role, sessions.id, sessions.last_active_at, sessions.expires_at
           FROM sessions JOIN users ON users.id = sessions.user_id
          WHERE sessions.token_hash = $1 AND sessions.expires_at > $2 AND users.status = 0
            AND users.role <> 2",
    )
    .bind(token_hash)
    .bind(now_ms)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, name, role, session_id, last_active_at, expires_at)| UserSession {
        user: User { id, name, role },
        session_id,
        last_active_at,
        expires_at,
    }))
}

/// The active user of a session that has not expired, and when it began, in milliseconds since the epoch.
pub async fn find_active(
    db: impl SqliteExecutor<'_>,
    session_id: SessionId,
    user_id: UserId,
    now_ms: i64,
) -> sqlx::Result<Option<(User, i64)>> {
    let row: Option<(UserId, String, Role, i64)> = sqlx::query_as(
        "SELECT users.id, users.name, users.role, sessions.created_at
           FROM sessions JOIN users ON users.id = sessions.user_id
          WHERE sessions.id = $1 AND users.id = $2 AND sessions.expires_at > $3 AND users.status = 0
            AND users.role <> 2",
    )
    .bind(session_id)
    .bind(user_id)
    .bind(now_ms)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(id, name, role, created_at)| (User { id, name, role }, created_at)))
}

/// The addresses of the sessions of all active users other than this one that were active since a time, without
/// duplicates, sorted as text.
pub async fn list_addresses_of_others(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    since_ms: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT DISTINCT sessions.ip_address FROM sessions JOIN users ON users.id = sessions.user_id
          WHERE users.id <> $1 AND users.status = 0 AND sessions.last_active_at >= $2
          ORDER BY sessions.ip_address",
    )
    .bind(user_id)
    .bind(since_ms)
    .fetch_all(db)
    .await
}

/// Whether the session exists and its user is active.
pub async fn is_live(db: impl SqliteExecutor<'_>, session_id: SessionId) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sessions JOIN users ON users.id = sessions.user_id
                         WHERE sessions.id = $1 AND users.status = 0)",
    )
    .bind(session_id)
    .fetch_one(db)
    .await
}

/// Stores a new session.
pub async fn insert(
    db: impl SqliteExecutor<'_>,
    token_hash: &[u8],
    activity: &SessionActivity,
) -> sqlx::Result<SessionId> {
    sqlx::query_scalar(
        "INSERT INTO sessions (token_hash, user_id, ip_address, user_agent, created_at, last_active_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $5, $6) RETURNING id",
    )
    .bind(token_hash)
    .bind(activity.user_id)
    .bind(&activity.ip_address)
    .bind(&activity.user_agent)
    .bind(activity.last_active_at)
    .bind(activity.expires_at)
    .fetch_one(db)
    .await
}

/// Allows a session to set a password without the present one until a time, in milliseconds since the epoch.
pub async fn allow_new_password(db: impl SqliteExecutor<'_>, session_id: SessionId, until_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE sessions SET new_password_until = $2 WHERE id = $1")
        .bind(session_id)
        .bind(until_ms)
        .execute(db)
        .await
        .map(drop)
}

/// Whether a session may set a password without the present one.
pub async fn may_set_password(db: impl SqliteExecutor<'_>, session_id: SessionId, now_ms: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND new_password_until > $2)")
        .bind(session_id)
        .bind(now_ms)
        .fetch_one(db)
        .await
}

/// No session of a user may set a password without the present one any more.
pub async fn forbid_new_passwords(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<()> {
    sqlx::query("UPDATE sessions SET new_password_until = 0 WHERE user_id = $1 AND new_password_until > 0")
        .bind(user_id)
        .execute(db)
        .await
        .map(drop)
}

/// Stores the latest activity of a session. Does nothing if the session has ended.
pub async fn update(db: impl SqliteExecutor<'_>, token_hash: &[u8], activity: &SessionActivity) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE sessions SET ip_address = $2, user_agent = $3, last_active_at = $4, expires_at = $5
          WHERE token_hash = $1 AND user_id = $6",
    )
    .bind(token_hash)
    .bind(&activity.ip_address)
    .bind(&activity.user_agent)
    .bind(activity.last_active_at)
    .bind(activity.expires_at)
    .bind(activity.user_id)
    .execute(db)
    .await
    .map(drop)
}

/// Ends a session. Returns its id and its user.
pub async fn remove(db: impl SqliteExecutor<'_>, token_hash: &[u8]) -> sqlx::Result<Option<(SessionId, UserId)>> {
    sqlx::query_as("DELETE FROM sessions WHERE token_hash = $1 RETURNING id, user_id")
        .bind(token_hash)
        .fetch_optional(db)
        .await
}

/// A user's sessions that have not expired, the most recently active first.
pub async fn list(db: impl SqliteExecutor<'_>, user_id: UserId, now_ms: i64) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as(
        "SELECT id, user_id, ip_address, user_agent, last_active_at, expires_at
           FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY last_active_at DESC, id DESC",
    )
    .bind(user_id)
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Ends one of a user's sessions. Returns whether there was one.
pub async fn remove_one_of(db: impl SqliteExecutor<'_>, user_id: UserId, session_id: SessionId) -> sqlx::Result<bool> {
    let removed = sqlx::query("DELETE FROM sessions WHERE id = $1 AND user_id = $2")
        .bind(session_id)
        .bind(user_id)
        .execute(db)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// Ends all sessions of a user except `kept`. Returns the ended ones.
pub async fn remove_all_of(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    kept: Option<SessionId>,
) -> sqlx::Result<Vec<SessionId>> {
    sqlx::query_scalar("DELETE FROM sessions WHERE user_id = $1 AND id <> COALESCE($2, 0) RETURNING id")
        .bind(user_id)
        .bind(kept)
        .fetch_all(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_session_is_live_until_it_expires_or_is_removed() {
        let world = testing::world().await;
        let db = &world.state.db;
        let ada = world.ada.clone();
        let activity = SessionActivity {
            user_id: ada.id,
            ip_address: "127.0.0.1".into(),
            user_agent: "a browser".into(),
            last_active_at: 5,
            expires_at: 100,
        };
        let later = SessionActivity { last_active_at: 9, ..activity.clone() };
        let session_id = db
            .write(async move |tx| {
                let first = insert(tx.db(), b"hash", &activity).await?;
                update(tx.db(), b"hash", &later).await?;
                update(tx.db(), b"ended", &later).await?;
                Ok(first)
            })
            .await
            .unwrap();

        let expected = UserSession { user: ada.clone(), session_id, last_active_at: 9, expires_at: 100 };
        assert_eq!(find_user(db.reader(), b"hash", 99).await.unwrap(), Some(expected));
        assert_eq!(find_user(db.reader(), b"hash", 100).await.unwrap(), None);
        assert_eq!(find_user(db.reader(), b"other", 99).await.unwrap(), None);
        assert!(is_live(db.reader(), session_id).await.unwrap());
        let active = async |user_id, now_ms| find_active(db.reader(), session_id, user_id, now_ms).await.unwrap();
        assert_eq!(active(ada.id, 99).await, Some((ada.clone(), 5)));
        assert_eq!(active(ada.id, 100).await, None, "expired");
        assert_eq!(active(world.bob.id, 99).await, None, "of another user");

        let removed = db.write(async |tx| Ok(remove(tx.db(), b"hash").await?)).await.unwrap();
        assert_eq!(removed, Some((session_id, ada.id)));
        assert!(!is_live(db.reader(), session_id).await.unwrap());
    }

    #[tokio::test]
    async fn a_users_sessions_are_listed_and_ended_one_by_one_or_all_together() {
        let world = testing::world().await;
        let ada = world.ada.id;
        let bob = world.bob.id;
        let db = &world.state.db;
        db.write(async |tx| Ok(sqlx::query("DELETE FROM sessions").execute(tx.db()).await.map(drop)?)).await.unwrap();
        let ids = db
            .write(async move |tx| {
                let mut ids = Vec::new();
                for (number, user_id) in [ada, ada, ada, bob].into_iter().enumerate() {
                    let activity = SessionActivity {
                        user_id,
                        ip_address: "192.0.2.1".into(),
                        user_agent: String::new(),
                        last_active_at: i64::try_from(number).expect("small"),
                        expires_at: 100,
                    };
                    ids.push(insert(tx.db(), &[u8::try_from(number).expect("small")], &activity).await?);
                }
                Ok(ids)
            })
            .await
            .unwrap();
        let listed = async |user_id| -> Vec<SessionId> {
            list(db.reader(), user_id, 50).await.unwrap().into_iter().map(|session| session.id).collect()
        };
        assert_eq!(listed(ada).await, [ids[2], ids[1], ids[0]]);
        let second = ids[1];
        let of_bob = ids[3];
        let ended = db
            .write(async move |tx| {
                let foreign = remove_one_of(tx.db(), ada, of_bob).await?;
                let own = remove_one_of(tx.db(), ada, second).await?;
                Ok((foreign, own))
            })
            .await;
        assert_eq!(ended, Ok((false, true)));
        let kept = ids[0];
        let ended = db.write(async move |tx| Ok(remove_all_of(tx.db(), ada, Some(kept)).await?)).await;
        assert_eq!(ended, Ok(vec![ids[2]]));
        assert_eq!(listed(ada).await, [kept]);
        let ended = db.write(async move |tx| Ok(remove_all_of(tx.db(), ada, None).await?)).await;
        assert_eq!(ended, Ok(vec![kept]));
        assert_eq!(listed(bob).await, [of_bob]);
    }

    #[tokio::test]
    async fn a_session_may_set_a_password_until_a_time_or_until_one_is_set() {
        let world = testing::world().await;
        let db = &world.state.db;
        let (bob, session_id) = (world.bob.id, SessionId(world.bob.id.0));
        let may = async |now_ms| may_set_password(db.reader(), session_id, now_ms).await.unwrap();
        assert!(!may(1).await);
        db.write(async move |tx| Ok(allow_new_password(tx.db(), session_id, 50).await?)).await.unwrap();
        assert!(may(49).await && !may(50).await);
        assert!(!may_set_password(db.reader(), SessionId(world.ada.id.0), 49).await.unwrap(), "another session");
        let ada = world.ada.id;
        db.write(async move |tx| Ok(forbid_new_passwords(tx.db(), ada).await?)).await.unwrap();
        assert!(may(49).await, "another user's");
        db.write(async move |tx| Ok(forbid_new_passwords(tx.db(), bob).await?)).await.unwrap();
        assert!(!may(49).await);
    }

    #[tokio::test]
    async fn the_session_of_an_inactive_user_is_not_live() {
        let world = testing::world().await;
        let bob = world.bob.id;
        let db = &world.state.db;
        let session_id = db
            .write(async move |tx| {
                let activity = SessionActivity {
                    user_id: bob,
                    ip_address: String::new(),
                    user_agent: String::new(),
                    last_active_at: 1,
                    expires_at: 100,
                };
                let id = insert(tx.db(), b"bob", &activity).await?;
                sqlx::query("UPDATE users SET status = 2 WHERE id = $1").bind(bob).execute(tx.db()).await?;
                Ok(id)
            })
            .await
            .unwrap();
        assert_eq!(find_user(db.reader(), b"bob", 50).await.unwrap(), None);
        assert_eq!(find_active(db.reader(), session_id, bob, 50).await.unwrap(), None);
        assert!(!is_live(db.reader(), session_id).await.unwrap());
    }
}
