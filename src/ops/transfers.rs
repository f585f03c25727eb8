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

/// How long a link in a mail is valid, in milliseconds: 30 minutes.
pub const VALID_BY_MAIL_MS: i64 = 30 * 60 * 1_000;

/// Who made a link, which is part of what is signed: of the first bytes, so that a signature made for another purpose is
/// never valid here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// The user, or the operator.
    User,
    /// An administrator, for another user.
    Administrator,
    /// Whoever asked for a mail to the user's address.
    Mail,
}

impl Maker {
    const ALL: [Self; 3] = [Self::User, Self::Administrator, Self::Mail];

    const fn purpose(self) -> &'static [u8] {
        match self {
            Self::User => b"campfire session transfer 2",
            Self::Administrator => b"campfire session transfer by an administrator 1",
            Self::Mail => b"campfire session transfer by mail 1",
        }
    }

    /// How long a link is valid, in milliseconds.
    const fn valid_ms(self) -> i64 {
        match self {
            Self::User | Self::Administrator => VALID_MS,
            Self::Mail => VALID_BY_MAIL_MS,
        }
    }
}

/// Size of a decoded transfer id, in bytes: the user's id, the time of expiry, and an HMAC-SHA256.
const ID_BYTES: usize = 8 + 8 + 32;

/// A transfer id for this user: 64 characters of URL-safe base64. For the operator; see [`mint_for`].
///
/// # Errors
/// `NotFound` unless the user is active and has a password.
pub async fn mint(state: &AppState, user_id: UserId) -> AppResult<String> {
    sign(state, user_id, Maker::User).await
}

/// A transfer id that is sent to the user's own address, and allows to set a password.
///
/// # Errors
/// `NotFound` unless the user is active and a person.
pub(super) async fn mint_for_mail(state: &AppState, user_id: UserId) -> AppResult<String> {
    sign(state, user_id, Maker::Mail).await
}

async fn sign(state: &AppState, user_id: UserId, maker: Maker) -> AppResult<String> {
    let credentials = match maker {
        Maker::User => store::users::credentials(state.db.reader(), user_id).await?,
        Maker::Administrator | Maker::Mail => store::users::credentials_or_none_yet(state.db.reader(), user_id).await?,
    };
    let credentials = credentials.ok_or(AppError::NotFound)?;
    let expires_at = state.clock.now_ms() + maker.valid_ms();
    let signature = signer(state, &credentials, expires_at, maker).await?.finalize().into_bytes();
    let mut id = Vec::with_capacity(ID_BYTES);
    id.extend(user_id.0.to_be_bytes());
    id.extend(expires_at.to_be_bytes());
    id.extend(signature);
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// A transfer id for the current user, or for any user if the current one is an administrator: that one also allows to set
/// a password, for who has lost theirs, or was imported and has none yet. The present password may be missing if the session
/// is recent.
///
/// # Errors
/// `Forbidden` for another user unless an administrator asks, `NotFound` unless the user is active and a person, `Invalid` when the present password is needed or wrong.
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
    let maker = if user.id == user_id { Maker::User } else { Maker::Administrator };
    sign(state, user_id, maker).await
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
    let credentials = store::users::credentials_or_none_yet(state.db.reader(), user_id).await?;
    let Some(credentials) = credentials else { return Ok(None) };
    for maker in Maker::ALL {
        if maker == Maker::User && credentials.password_hash.is_empty() {
            continue;
        }
        if signer(state, &credentials, expires_at, maker).await?.verify_slice(&signature).is_ok() {
            return Ok(Some(match maker {
                Maker::User => SignIn::by_link(credentials),
                Maker::Administrator | Maker::Mail => SignIn::by_link_for_new_password(credentials),
            }));
        }
    }
    Ok(None)
}

fn parse(id: &str) -> Option<(UserId, i64, [u8; 32])> {
    let bytes: [u8; ID_BYTES] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let user_id = i64::from_be_bytes(bytes[..8].try_into().ok()?);
    let expires_at = i64::from_be_bytes(bytes[8..16].try_into().ok()?);
    Some((UserId(user_id), expires_at, bytes[16..].try_into().ok()?))
}

async fn signer(state: &AppState, credentials: &Credentials, expires_at: i64, maker: Maker) -> AppResult<Hmac<Sha256>> {
    let key = store::signing_keys::session_transfer(state.db.reader()).await?;
    let mut signer = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| AppError::Internal)?;
    signer.update(maker.purpose());
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

    /// The session with this token, after `sign_in` began it.
    async fn session_of(world: &World, sign_in: SignIn, token: u8) -> CurrentUser {
        begin(world, sign_in, token).await.unwrap();
        world.state.sessions.find([token; 32]).await.unwrap().unwrap().current.clone()
    }

    fn new_password(text: &str) -> ProfileChange {
        ProfileChange {
            name: "Bob".parse().unwrap(),
            email_address: None,
            bio: "".parse().unwrap(),
            password: Some(NewPassword { password: text.parse().unwrap(), others: OtherSessions::Ended }),
            present_password: None,
            from: LOCAL,
        }
    }

    fn is_refused(result: &AppResult<()>) -> bool {
        matches!(result, Err(AppError::Invalid(errors)) if errors.get("present_password").is_some())
    }

    #[tokio::test]
    async fn who_came_by_an_administrators_link_may_set_a_password_once_within_fifteen_minutes() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = current(&world.ada);
        let rescued = async |token| {
            let id = mint_for(state, &ada, world.bob.id, None, LOCAL).await.unwrap();
            let sign_in = redeem(state, &id, LOCAL).await.unwrap().unwrap();
            assert!(sign_in.allows_new_password());
            session_of(&world, sign_in, token).await
        };
        let set = async |session: &CurrentUser, text| users::update_profile(state, session, new_password(text)).await;

        let phone = rescued(1).await;
        assert!(is_refused(&set(&current(&world.bob), "stolen horse").await), "another session of the same user");
        assert_eq!(sessions::may_set_password(state, &phone).await, Ok(true));
        set(&phone, "another horse").await.unwrap();
        let sign_in = async |text: &str| {
            sessions::authenticate(state, "bob@example.com", Password::to_check(text.into()), LOCAL).await
        };
        assert!(sign_in("another horse").await.is_ok() && sign_in(testing::PASSWORD).await.is_err());
        assert_eq!(sessions::is_live(state, &current(&world.bob)).await, Ok(false), "the other devices are signed out");
        assert!(is_refused(&set(&phone, "third horse").await), "once");

        let (one, other) = (rescued(2).await, rescued(3).await);
        let kept = ProfileChange {
            password: Some(NewPassword { password: "fourth horse".parse().unwrap(), others: OtherSessions::Kept }),
            ..new_password("unused horse")
        };
        users::update_profile(state, &one, kept).await.unwrap();
        assert!(is_refused(&set(&other, "fifth horse").await), "not after another device has set one");

        let late = rescued(4).await;
        state.clock.advance(15 * 60 * 1_000);
        assert_eq!(sessions::may_set_password(state, &late).await, Ok(false));
        assert!(is_refused(&set(&late, "sixth horse").await));
    }

    #[tokio::test]
    async fn who_was_imported_sets_the_first_password_by_an_administrators_link() {
        let world = testing::world().await;
        let (state, bob) = (&world.state, world.bob.id);
        let forget = async move |tx: &mut store::Tx| {
            sqlx::query("UPDATE users SET password_hash = NULL WHERE id = $1").bind(bob).execute(tx.db()).await?;
            Ok(store::placeholders::insert(tx.db(), &[bob.0]).await?)
        };
        state.db.write(forget).await.unwrap();
        assert_eq!(
            mint(state, bob).await,
            Err(AppError::NotFound),
            "there is nothing that a link of theirs could prove"
        );
        let link = async || mint_for(state, &current(&world.ada), bob, None, LOCAL).await.unwrap();
        let (first, other) = (link().await, link().await);
        let session = session_of(&world, redeem(state, &first, LOCAL).await.unwrap().unwrap(), 1).await;
        assert_eq!(user_of(&world, &first).await, None, "once");
        assert_eq!(user_of(&world, &other).await, None);
        let found = store::placeholders::find(state.db.reader(), "bob@example.com").await.unwrap();
        assert_eq!(found, None, "nobody else joins with the address now");
        users::update_profile(state, &session, new_password("first horse")).await.unwrap();
        let password = Password::to_check("first horse".into());
        assert!(sessions::authenticate(state, "bob@example.com", password, LOCAL).await.is_ok());
    }

    #[tokio::test]
    async fn no_other_session_may_set_a_password_without_the_present_one() {
        let world = testing::world().await;
        let state = &world.state;
        let own = mint_for(state, &current(&world.bob), world.bob.id, None, LOCAL).await.unwrap();
        let of_ada = mint_for(state, &current(&world.ada), world.ada.id, None, LOCAL).await.unwrap();
        let by_operator = mint(state, world.cleo.id).await.unwrap();
        for (token, id) in [own, of_ada, by_operator].into_iter().enumerate() {
            let sign_in = redeem(state, &id, LOCAL).await.unwrap().unwrap();
            assert!(!sign_in.allows_new_password());
            let session = session_of(&world, sign_in, u8::try_from(token).unwrap() + 1).await;
            assert!(is_refused(&users::update_profile(state, &session, new_password("another horse")).await));
        }
        let password = Password::to_check(testing::PASSWORD.into());
        let sign_in = sessions::authenticate(state, "bob@example.com", password, LOCAL).await.unwrap();
        let session = session_of(&world, sign_in, 9).await;
        assert!(is_refused(&users::update_profile(state, &session, new_password("another horse")).await));
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
