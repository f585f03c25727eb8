//! Signing in and out, here and on other devices.

use crate::auth::CurrentUser;
use crate::changes::Change;
use crate::live::Announcement;
use crate::model::{Password, SessionId, User, UserId};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// The active person with this address and password.
///
/// # Errors
/// `SignedOut` when there is none; it takes as long whether the address is known or not.
pub async fn authenticate(state: &AppState, email_address: &str, password: Password) -> AppResult<User> {
    let found = store::users::find_by_email(state.db.reader(), email_address.trim()).await?;
    let (user_id, hash) = found.map_or((None, None), |(user_id, hash)| (Some(user_id), hash));
    let matches = state.passwords.verify(&password, hash).await?;
    let user_id = user_id.filter(|_| matches).ok_or(AppError::SignedOut)?;
    store::users::find(state.db.reader(), user_id).await?.ok_or(AppError::SignedOut)
}

/// Ends the session behind a token's hash and closes its sockets.
///
/// # Errors
/// When the database does not answer.
pub async fn end(state: &AppState, token_hash: Vec<u8>) -> AppResult<()> {
    state
        .db
        .write(async move |tx| {
            if let Some((session_id, user_id)) = store::sessions::remove(tx.db(), &token_hash).await? {
                tx.announce(Announcement::SessionEnded { user_id, session_id });
            }
            tx.changed(Change::Session);
            Ok(())
        })
        .await
}

/// Ends one of the person's own sessions, on whatever device.
///
/// # Errors
/// `NotFound` for a session that is not theirs, or no longer.
pub async fn revoke(state: &AppState, user: &User, session_id: SessionId) -> AppResult<()> {
    let user_id = user.id;
    state
        .db
        .write(async move |tx| {
            if !store::sessions::remove_one_of(tx.db(), user_id, session_id).await? {
                return Err(AppError::NotFound);
            }
            tx.announce(Announcement::SessionEnded { user_id, session_id });
            tx.changed(Change::Session);
            Ok(())
        })
        .await
}

/// Ends all of the person's sessions but the one they are asking from. Answers with how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke_others(state: &AppState, current: &CurrentUser) -> AppResult<usize> {
    let (user_id, kept) = (current.user.id, current.session_id);
    let end_others = async move |tx: &mut Tx| {
        tx.changed(Change::Session);
        end_all(tx, user_id, Some(kept)).await
    };
    state.db.write(end_others).await
}

/// Ends all sessions of someone, `kept` aside, and closes their sockets. Answers with how many there were.
pub(super) async fn end_all(tx: &mut Tx, user_id: UserId, kept: Option<SessionId>) -> AppResult<usize> {
    let ended = store::sessions::remove_all_of(tx.db(), user_id, kept).await?;
    for session_id in &ended {
        tx.announce(Announcement::SessionEnded { user_id, session_id: *session_id });
    }
    Ok(ended.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn the_right_password_and_nothing_else_signs_in() {
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
