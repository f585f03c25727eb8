//! Signing in and out, and managing a user's sessions on all devices.

use crate::access::CurrentUser;
use crate::facts::Fact;
use crate::model::{Password, SessionId, User, UserId};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

pub use crate::store::sessions::{Session, SessionActivity};

/// The active user with this address and password.
///
/// # Errors
/// `SignedOut` when there is none. This takes as long for an unknown address as for a wrong password, so that addresses
/// cannot be guessed by timing.
pub async fn authenticate(state: &AppState, email_address: &str, password: Password) -> AppResult<User> {
    let found = store::users::find_by_email(state.db.reader(), email_address.trim()).await?;
    let (user_id, hash) = found.map_or((None, None), |(user_id, hash)| (Some(user_id), hash));
    let matches = state.passwords.verify(&password, hash).await?;
    let user_id = user_id.filter(|_| matches).ok_or(AppError::SignedOut)?;
    store::users::find(state.db.reader(), user_id).await?.ok_or(AppError::SignedOut)
}

/// Stores a new session under the hash of its token.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(state: &AppState, token_hash: [u8; 32], activity: SessionActivity) -> AppResult<()> {
    let insert = async move |tx: &mut Tx| {
        store::sessions::insert(tx.db(), &token_hash, &activity).await?;
        Ok(tx.record(Fact::SessionStarted { user_id: activity.user_id }).await?)
    };
    state.db.write(insert).await
}

/// Stores the latest activity of a session. Does nothing if the session has ended.
///
/// # Errors
/// When the database does not answer.
pub async fn refresh(state: &AppState, token_hash: [u8; 32], activity: SessionActivity) -> AppResult<()> {
    let update = async move |tx: &mut Tx| {
        store::sessions::update(tx.db(), &token_hash, &activity).await?;
        Ok(tx.record(Fact::SessionSeen { user_id: activity.user_id }).await?)
    };
    state.db.write(update).await
}

/// The session with this token hash, unless it has expired. Its user may be inactive.
///
/// # Errors
/// When the database does not answer.
pub async fn find(state: &AppState, token_hash: &[u8; 32]) -> AppResult<Option<Session>> {
    Ok(store::sessions::find(state.db.reader(), token_hash, state.clock.now_ms()).await?)
}

/// The user's sessions that have not expired, the most recently active first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, current: &CurrentUser) -> AppResult<Vec<Session>> {
    Ok(store::sessions::list(state.db.reader(), current.user.id, state.clock.now_ms()).await?)
}

/// Whether the session still exists and its user is active, read from the database and not from the cache.
///
/// # Errors
/// When the database does not answer.
pub async fn is_live(state: &AppState, current: &CurrentUser) -> AppResult<bool> {
    Ok(store::sessions::is_live(state.db.reader(), current.session_id).await?)
}

/// Ends the session with this token hash and closes its sockets.
///
/// # Errors
/// When the database does not answer.
pub async fn end(state: &AppState, token_hash: [u8; 32]) -> AppResult<()> {
    let end = async move |tx: &mut Tx| {
        match store::sessions::remove(tx.db(), &token_hash).await? {
            Some((session_id, user_id)) => tx.record(Fact::SessionEnded { user_id, session_id }).await?,
            None => tx.changes_nothing_visible(),
        }
        Ok(())
    };
    state.db.write(end).await
}

/// Ends one of the user's own sessions, on any device.
///
/// # Errors
/// `NotFound` for a session that has ended or belongs to another user.
pub async fn revoke(state: &AppState, current: &CurrentUser, session_id: SessionId) -> AppResult<()> {
    let user_id = current.user.id;
    let revoke = async move |tx: &mut Tx| {
        if !store::sessions::remove_one_of(tx.db(), user_id, session_id).await? {
            return Err(AppError::NotFound);
        }
        Ok(tx.record(Fact::SessionEnded { user_id, session_id }).await?)
    };
    state.db.write(revoke).await
}

/// Ends all sessions of the user except the current one. Returns how many were ended.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke_others(state: &AppState, current: &CurrentUser) -> AppResult<usize> {
    let user_id = current.user.id;
    let current_session_id = current.session_id;
    let end_others = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        end_all(tx, user_id, Some(current_session_id)).await
    };
    state.db.write(end_others).await
}

/// Ends all sessions of a user except `except`, and closes their sockets. Returns how many were ended.
pub(super) async fn end_all(tx: &mut Tx, user_id: UserId, except: Option<SessionId>) -> AppResult<usize> {
    let ended = store::sessions::remove_all_of(tx.db(), user_id, except).await?;
    for session_id in &ended {
        tx.record(Fact::SessionEnded { user_id, session_id: *session_id }).await?;
    }
    Ok(ended.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn only_the_right_password_signs_in() {
        let world = testing::world().await;
        let state = &world.state;
        let try_with = async |address: &str, password: &str| {
            authenticate(state, address, Password::to_check(password.into())).await
        };
        assert_eq!(try_with(" Ada@example.com ", testing::PASSWORD).await, Ok(world.ada.clone()));
        assert_eq!(try_with("ada@example.com", "another one").await, Err(AppError::SignedOut));
        assert_eq!(try_with("ada@example.com", "").await, Err(AppError::SignedOut));
        assert_eq!(try_with("nobody@example.com", testing::PASSWORD).await, Err(AppError::SignedOut));
    }
}
