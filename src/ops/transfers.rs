//! Session transfers: a link, or its QR code, that signs its user in on another device.
//!
//! The link is signed for this purpose only, valid for four hours, works once, and is not stored. The signature covers
//! the password hash and the number of revocations: a new password, signing devices out, and the use of any link end all
//! earlier links.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::access::{CurrentUser, Guess, masked};
use crate::model::{Password, Role, UserId};
use crate::state::AppState;
use crate::store;
use crate::store::users::Credentials;
use crate::{AppError, AppResult};

use super::sessions::{self, SignIn, confirm_unless_recent, find_present};

/// How long a link is valid, in milliseconds: 4 hours.
pub const VALID_MS: i64 = 4 * 60 * 60 * 1_000;

/// The first bytes that are signed, so that a signature made for another purpose is never valid here.
const PURPOSE: &[u8] = b"campfire session transfer 2";

/// Size of a decoded transfer id, in bytes: the user's id, the time of expiry, and an HMAC-SHA256.
const ID_BYTES: usize = 8 + 8 + 32;

/// A transfer id for this user: 64 characters of URL-safe base64. For the operator; see [`mint_for`].
///
/// # Errors
/// `NotFound` unless the user is active and has a password.
pub async fn mint(state: &AppState, user_id: UserId) -> AppResult<String> {
    let credentials = store::users::credentials(state.db.reader(), user_id).await?.ok_or(AppError::NotFound)?;
    let expires_at = state.clock.now_ms() + VALID_MS;
    let signature = signer(state, &credentials, expires_at).await?.finalize().into_bytes();
    let mut id = Vec::with_capacity(ID_BYTES);
    id.extend(user_id.0.to_be_bytes());
    id.extend(expires_at.to_be_bytes());
    id.extend(signature);
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// A transfer id for the current user, or for any user if the current one is an administrator. The present password may
/// be missing if the session is recent.
///
/// # Errors
/// `Forbidden` for another user unless an administrator asks, `NotFound` unless the user is active and has a password,
/// `Invalid` when the present password is needed or wrong.
pub async fn mint_for(
    state: &AppState,
    current: &CurrentUser,
    user_id: UserId,
    present_password: Option<&Password>,
    from: IpAddr,
) -> AppResult<String> {
    confirm_unless_recent(state, current, present_password, from).await?;
    let (user, _) = find_present(state, current).await?;
    if user.id != user_id && user.role != Role::Administrator {
        return Err(AppError::Forbidden);
    }
    mint(state, user_id).await
}

/// A transfer id as by [`mint_for`] without the password: `None` if the session is not recent.
///
/// # Errors
/// As [`mint_for`].
pub async fn mint_if_recent(
    state: &AppState,
    current: &CurrentUser,
    user_id: UserId,
    from: IpAddr,
) -> AppResult<Option<String>> {
    if !sessions::is_recent(state, current).await? {
        return Ok(None);
    }
    mint_for(state, current, user_id, None, from).await.map(Some)
}

/// The sign-in that a transfer id proves. `None` if the id is forged, expired or used, if the password has changed or
/// devices were signed out since, or if the user is no longer active.
///
/// # Errors
/// `TooManyTries` after too many invalid ids from this network.
pub async fn redeem(state: &AppState, id: &str, from: IpAddr) -> AppResult<Option<SignIn>> {
    let guess = Guess::LinkFrom(from);
    state.guesses.check(guess)?;
    let redeemed = verify(state, id).await?;
    if redeemed.is_none() {
        state.guesses.failed(guess);
        tracing::warn!(from = masked(from), "refused a sign-in: the link is not valid");
    }
    Ok(redeemed)
}

async fn verify(state: &AppState, id: &str) -> AppResult<Option<SignIn>> {
    let Some((user_id, expires_at, signature)) = parse(id) else { return Ok(None) };
    if state.clock.now_ms() >= expires_at {
        return Ok(None);
    }
    let Some(credentials) = store::users::credentials(state.db.reader(), user_id).await? else { return Ok(None) };
    let is_valid = signer(state, &credentials, expires_at).await?.verify_slice(&signature).is_ok();
    Ok(is_valid.then(|| SignIn::by_link(credentials)))
}

fn parse(id: &str) -> Option<(UserId, i64, [u8; 32])> {
    let bytes: [u8; ID_BYTES] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let user_id = i64::from_be_bytes(bytes[..8].try_into().ok()?);
    let expires_at = i64::from_be_bytes(bytes[8..16].try_into().ok()?);
    Some((UserId(user_id), expires_at, bytes[16..].try_into().ok()?))
}

async fn signer(state: &AppState, credentials: &Credentials, expires_at: i64) -> AppResult<Hmac<Sha256>> {
    let key = store::signing_keys::session_transfer(state.db.reader()).await?;
    let mut signer = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| AppError::Internal)?;
    signer.update(PURPOSE);
    signer.update(&credentials.user.id.0.to_be_bytes());
    signer.update(&expires_at.to_be_bytes());
    signer.update(&credentials.revocation_count.to_be_bytes());
    signer.update(credentials.password_hash.as_bytes());
    Ok(signer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sessions::SessionActivity;
    use crate::ops::users::{self, NewPassword, OtherSessions, ProfileChange};
    use crate::testing::{self, LOCAL, World, current};
    use crate::{ops, testing::as_administrator};

    /// The user whom the link proves, without the limit of guesses.
    async fn user_of(world: &World, id: &str) -> Option<UserId> {
        verify(&world.state, id).await.unwrap().map(|sign_in| sign_in.user.id)
    }

    async fn begin(world: &World, sign_in: SignIn, token: u8) -> AppResult<()> {
        let activity = SessionActivity {
            user_id: UserId(0),
            ip_address: String::new(),
            user_agent: String::new(),
            last_active_at: 1,
            expires_at: i64::MAX,
        };
        sessions::begin(&world.state, sign_in, [token; 32], activity, None).await
    }

    #[tokio::test]
    async fn a_link_proves_its_user_until_it_expires() {
        let world = testing::world().await;
        let id = mint(&world.state, world.bob.id).await.unwrap();
        assert_eq!(id.len(), 64);
        assert_eq!(user_of(&world, &id).await, Some(world.bob.id));
        world.state.clock.advance(VALID_MS - 1);
        assert_eq!(user_of(&world, &id).await, Some(world.bob.id));
        world.state.clock.advance(1);
        assert_eq!(user_of(&world, &id).await, None);
    }

    #[tokio::test]
    async fn a_link_works_once_even_for_two_at_the_same_time() {
        let world = testing::world().await;
        let id = mint(&world.state, world.bob.id).await.unwrap();
        let first = redeem(&world.state, &id, LOCAL).await.unwrap().unwrap();
        let second = redeem(&world.state, &id, LOCAL).await.unwrap().unwrap();
        let (one, other) = tokio::join!(begin(&world, first, 1), begin(&world, second, 2));
        assert_eq!((one, other), (Ok(()), Err(AppError::SignedOut)));
        assert_eq!(redeem(&world.state, &id, LOCAL).await, Ok(None));
    }

    #[tokio::test]
    async fn a_forged_id_is_rejected_and_counted() {
        let world = testing::world().await;
        let id = mint(&world.state, world.bob.id).await.unwrap();
        for index in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(user_of(&world, &forged).await, None, "character {index}");
        }
        for id in ["", "AAAA", &format!("{id}A"), &"A".repeat(64), "not base64!"] {
            assert_eq!(user_of(&world, id).await, None);
        }
        let other_installation = testing::world().await;
        assert_eq!(user_of(&other_installation, &id).await, None, "another installation");
        for _ in 0..10 {
            assert_eq!(redeem(&world.state, "forged", LOCAL).await, Ok(None));
        }
        assert_eq!(redeem(&world.state, &id, LOCAL).await, Err(AppError::TooManyTries(10)));
        assert!(redeem(&world.state, &id, "192.0.2.1".parse().unwrap()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn whatever_signs_devices_out_ends_earlier_links() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = current(&world.bob);
        let link = async || mint(state, world.bob.id).await.unwrap();
        let change = |others| ProfileChange {
            name: "Bob".parse().unwrap(),
            email_address: None,
            bio: "".parse().unwrap(),
            password: Some(NewPassword { password: testing::PASSWORD.parse().unwrap(), others }),
            present_password: Some(Password::to_check(testing::PASSWORD.into())),
            from: LOCAL,
        };
        let before = link().await;
        users::update_profile(state, &bob, change(OtherSessions::Kept)).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None, "the same password is another hash");
        let before = link().await;
        users::update_profile(state, &bob, change(OtherSessions::Ended)).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None);
        let before = link().await;
        sessions::revoke_others(state, &bob).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None, "other devices were signed out");
        let before = link().await;
        begin(&world, redeem(state, &link().await, LOCAL).await.unwrap().unwrap(), 1).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None, "another link was used");
        let before = link().await;
        let phone =
            sessions::list(state, &bob).await.unwrap().into_iter().find(|one| one.id != bob.session_id).unwrap();
        sessions::revoke(state, &bob, phone.id).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None, "one device was signed out");
        let before = link().await;
        ops::bans::ban(state, &as_administrator(&world.ada), world.bob.id).await.unwrap();
        ops::bans::unban(state, &as_administrator(&world.ada), world.bob.id).await.unwrap();
        assert_eq!(user_of(&world, &before).await, None, "banned, even if that was lifted");
        ops::bans::ban(state, &as_administrator(&world.ada), world.bob.id).await.unwrap();
        assert_eq!(mint(state, world.bob.id).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn administrators_get_links_for_anyone_and_members_for_themselves() {
        let world = testing::world().await;
        let state = &world.state;
        let (ada, bob) = (current(&world.ada), current(&world.bob));
        let link = async |current: &CurrentUser, user_id| mint_for(state, current, user_id, None, LOCAL).await;
        assert!(link(&ada, world.bob.id).await.is_ok());
        assert!(link(&bob, world.bob.id).await.is_ok());
        assert_eq!(link(&bob, world.ada.id).await, Err(AppError::Forbidden));
        assert_eq!(link(&ada, UserId(99)).await, Err(AppError::NotFound));
    }

    #[tokio::test]
    async fn an_old_session_needs_the_password_for_a_link() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = current(&world.bob);
        assert!(mint_if_recent(state, &bob, world.bob.id, LOCAL).await.unwrap().is_some());
        state.clock.advance(15 * 60 * 1_000 + 1);
        assert_eq!(mint_if_recent(state, &bob, world.bob.id, LOCAL).await, Ok(None));
        let with = async |password: Option<&str>| {
            let password = password.map(|text| Password::to_check(text.into()));
            mint_for(state, &bob, world.bob.id, password.as_ref(), LOCAL).await
        };
        for password in [None, Some("wrong"), Some("")] {
            let refused = with(password).await;
            assert!(matches!(refused, Err(AppError::Invalid(errors)) if errors.get("present_password").is_some()));
        }
        assert!(with(Some(testing::PASSWORD)).await.is_ok());
    }
}
