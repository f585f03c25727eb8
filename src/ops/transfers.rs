//! Session transfers: a link, or its QR code, that signs its user in on another device.
//!
//! The link is signed for this purpose only, valid for four hours, and not stored. Changing the password invalidates
//! all earlier links, because the signature covers the password hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::access::CurrentUser;
use crate::model::{Role, Status, User, UserId};
use crate::state::AppState;
use crate::store;
use crate::{AppError, AppResult};

/// How long a link is valid, in milliseconds: 4 hours.
pub const VALID_MS: i64 = 4 * 60 * 60 * 1_000;

/// The first bytes that are signed, so that a signature made for another purpose is never valid here.
const PURPOSE: &[u8] = b"campfire session transfer 1";

/// Size of a decoded transfer id, in bytes: the user's id, the time of expiry, and an HMAC-SHA256.
const ID_BYTES: usize = 8 + 8 + 32;

/// A transfer id for this user: 64 characters of URL-safe base64.
///
/// # Errors
/// `NotFound` unless the user is active and has a password.
pub async fn mint(state: &AppState, user_id: UserId) -> AppResult<String> {
    let expires_at = state.clock.now_ms() + VALID_MS;
    let signature = signer(state, user_id, expires_at).await?.ok_or(AppError::NotFound)?.finalize().into_bytes();
    let mut id = Vec::with_capacity(ID_BYTES);
    id.extend(user_id.0.to_be_bytes());
    id.extend(expires_at.to_be_bytes());
    id.extend(signature);
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// A transfer id for the current user, or for any user if the current one is an administrator.
///
/// # Errors
/// `Forbidden` for another user unless an administrator asks, `NotFound` unless the user is active and has a password.
pub async fn mint_for(state: &AppState, current: &CurrentUser, user_id: UserId) -> AppResult<String> {
    if current.user.id != user_id && current.user.role != Role::Administrator {
        return Err(AppError::Forbidden);
    }
    mint(state, user_id).await
}

/// The user that a transfer id signs in. `None` if the id is forged or expired, if the password has changed since, or
/// if the user is no longer active.
///
/// # Errors
/// When the database does not answer.
pub async fn redeem(state: &AppState, id: &str) -> AppResult<Option<User>> {
    let Some((user_id, expires_at, signature)) = parse(id) else { return Ok(None) };
    if state.clock.now_ms() >= expires_at {
        return Ok(None);
    }
    let Some(signer) = signer(state, user_id, expires_at).await? else { return Ok(None) };
    if signer.verify_slice(&signature).is_err() {
        return Ok(None);
    }
    Ok(store::users::find(state.db.reader(), user_id).await?)
}

fn parse(id: &str) -> Option<(UserId, i64, [u8; 32])> {
    let bytes: [u8; ID_BYTES] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let user_id = i64::from_be_bytes(bytes[..8].try_into().ok()?);
    let expires_at = i64::from_be_bytes(bytes[8..16].try_into().ok()?);
    Some((UserId(user_id), expires_at, bytes[16..].try_into().ok()?))
}

async fn signer(state: &AppState, user_id: UserId, expires_at: i64) -> AppResult<Option<Hmac<Sha256>>> {
    let db = state.db.reader();
    let Some(password_hash) = store::users::password_hash(db, user_id).await? else { return Ok(None) };
    let person = store::users::profile(db, user_id).await?;
    if person.is_none_or(|person| person.role == Role::Bot || person.status != Status::Active) {
        return Ok(None);
    }
    let key = store::signing_keys::session_transfer(db).await?;
    let mut signer = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| AppError::Internal)?;
    signer.update(PURPOSE);
    signer.update(&user_id.0.to_be_bytes());
    signer.update(&expires_at.to_be_bytes());
    signer.update(password_hash.as_bytes());
    Ok(Some(signer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::CurrentUser;
    use crate::model::{Password, SessionId};
    use crate::ops::users::{self, OtherSessions, PasswordChange, ProfileChange};
    use crate::{ops, testing};

    #[tokio::test]
    async fn a_link_signs_its_user_in_until_it_expires() {
        let world = testing::world().await;
        let state = &world.state;
        let id = mint(state, world.bob.id).await.unwrap();
        assert_eq!(id.len(), 64);
        assert_eq!(redeem(state, &id).await, Ok(Some(world.bob.clone())));
        assert_eq!(redeem(state, &id).await, Ok(Some(world.bob.clone())), "a link can be used more than once");
        state.clock.advance(VALID_MS - 1);
        assert!(redeem(state, &id).await.unwrap().is_some());
        state.clock.advance(1);
        assert_eq!(redeem(state, &id).await, Ok(None));
    }

    #[tokio::test]
    async fn a_forged_id_is_rejected() {
        let world = testing::world().await;
        let id = mint(&world.state, world.bob.id).await.unwrap();
        for index in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(redeem(&world.state, &forged).await, Ok(None), "character {index}");
        }
        for id in ["", "AAAA", &format!("{id}A"), &"A".repeat(64), "not base64!"] {
            assert_eq!(redeem(&world.state, id).await, Ok(None));
        }
        let other_installation = testing::world().await;
        assert_eq!(redeem(&other_installation.state, &id).await, Ok(None), "another installation");
    }

    #[tokio::test]
    async fn a_new_password_or_a_ban_invalidates_earlier_links() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = mint(state, world.bob.id).await.unwrap();
        let cleo = mint(state, world.cleo.id).await.unwrap();
        let change = ProfileChange {
            name: "Bob".parse().unwrap(),
            email_address: "bob@example.com".parse().unwrap(),
            bio: "".parse().unwrap(),
            password: Some(PasswordChange {
                present: Password::to_check(testing::PASSWORD.into()),
                new: "another horse".parse().unwrap(),
                others: OtherSessions::Kept,
            }),
        };
        let current = CurrentUser { user: world.bob.clone(), session_id: SessionId(1) };
        users::update_profile(state, &current, change).await.unwrap();
        assert_eq!(redeem(state, &bob).await, Ok(None));
        ops::bans::ban(state, &testing::as_administrator(&world.ada), world.cleo.id).await.unwrap();
        assert_eq!(redeem(state, &cleo).await, Ok(None));
        assert_eq!(mint(state, world.cleo.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn administrators_get_links_for_anyone_and_members_for_themselves() {
        let world = testing::world().await;
        let state = &world.state;
        assert!(mint_for(state, &testing::current(&world.ada), world.bob.id).await.is_ok());
        assert!(mint_for(state, &testing::current(&world.bob), world.bob.id).await.is_ok());
        assert_eq!(mint_for(state, &testing::current(&world.bob), world.ada.id).await, Err(AppError::Forbidden));
        assert_eq!(mint_for(state, &testing::current(&world.ada), UserId(99)).await, Err(AppError::NotFound));
    }
}
