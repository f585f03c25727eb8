//! Signing in and out, and managing a user's sessions on all devices.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::access::{CurrentUser, Guess, HashFor, Verdict, masked, network};
use crate::facts::Fact;
use crate::folding;
use crate::model::{Password, SessionId, User, UserId};
use crate::state::AppState;
use crate::store::users::Credentials;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_exempt};

pub use crate::store::sessions::{Session, SessionActivity};

/// How long a session counts as new, in milliseconds: 15 minutes. Later, what could hand the account over asks for the
/// password.
const RECENT_MS: i64 = 15 * 60 * 1_000;

/// How long a session may set a password that an administrator's link began, in milliseconds: 15 minutes.
const NEW_PASSWORD_MS: i64 = 15 * 60 * 1_000;

/// What a sign-in was proved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// The password, or the registration.
    Password,
    /// A link, which works once.
    Link,
    /// A link for somebody who may have lost the password: an administrator made it, or it was sent to their address. The
    /// session may set another one, once.
    LinkForNewPassword,
}

/// Proof that a user may sign in. [`begin`] checks that it still holds, in the write that stores the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The user.
    pub user: User,
    /// The hash that the password was verified against, or that a link was signed with.
    password_hash: String,
    /// How often the user's devices had been signed out from elsewhere.
    revocation_count: i64,
    /// A hash to store instead, of the normalised password.
    new_hash: Option<String>,
    means: Means,
}

impl SignIn {
    /// A user who has just been registered with this password hash.
    pub(super) fn of_new(user: User, password_hash: String) -> Self {
        Self { user, password_hash, revocation_count: 0, new_hash: None, means: Means::Password }
    }

    /// A user with these credentials, whose password was verified.
    pub(super) fn by_password(credentials: Credentials) -> Self {
        let Credentials { user, password_hash, revocation_count } = credentials;
        Self { user, password_hash, revocation_count, new_hash: None, means: Means::Password }
    }

    /// A user with these credentials, whose link was verified.
    pub(super) fn by_link(credentials: Credentials) -> Self {
        Self { means: Means::Link, ..Self::by_password(credentials) }
    }

    /// The same, with a link that also allows to set a password.
    pub(super) fn by_link_for_new_password(credentials: Credentials) -> Self {
        Self { means: Means::LinkForNewPassword, ..Self::by_password(credentials) }
    }

    /// Whether the session may set a password without the present one.
    #[must_use]
    pub fn allows_new_password(&self) -> bool {
        self.means == Means::LinkForNewPassword
    }
}

/// A digest of an e-mail address, the same for all that are the same, or of a join code: a key of fixed size.
pub(super) fn email_digest(text: &str) -> [u8; 16] {
    let digest = Sha256::digest(folding::address(text));
    digest[..16].try_into().expect("SHA-256 has 32 bytes")
}

/// Checks an e-mail address and a password from this address.
///
/// # Errors
/// `SignedOut` when no active user has them. This takes as long for an unknown address as for a wrong password, so that
/// addresses cannot be guessed by timing. `TooManyTries` after too many failures from the network, or for the account;
/// the latter not from a network in which the user is signed in, so that nobody can lock them out.
pub async fn authenticate(
    state: &AppState,
    email_address: &str,
    password: Password,
    from: IpAddr,
) -> AppResult<SignIn> {
    let verified = verify(state, email_address, password, from).await;
    match &verified {
        Err(AppError::SignedOut) => tracing::warn!(from = masked(from), "refused a sign-in: wrong address or password"),
        Err(AppError::TooManyTries(seconds)) => {
            tracing::warn!(from = masked(from), seconds, "refused a sign-in: too many tries");
        }
        Ok(_) | Err(_) => {}
    }
    verified
}

async fn verify(state: &AppState, email_address: &str, password: Password, from: IpAddr) -> AppResult<SignIn> {
    let digest = email_digest(email_address);
    let (by_network, by_account) = (Guess::SignInFrom(from), Guess::SignInTo(digest));
    state.guesses.check(by_network)?;
    let found = store::users::find_by_email(state.db.reader(), email_address.trim()).await?;
    let user_id = found.map_or(UserId(0), |(user_id, _)| user_id);
    if !is_signed_in_from(state, user_id, from).await? {
        state.guesses.check(by_account)?;
    }
    let credentials = store::users::credentials(state.db.reader(), user_id).await?;
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let cost = store::users::bcrypt_cost(state.db.reader()).await?;
    let verdict = state.passwords.verify_sign_in(&password, hash, cost, HashFor::SignIn(from, digest)).await?;
    let new_hash = match verdict {
        Verdict::Right => None,
        Verdict::RightAsTyped(hash) => Some(hash),
        Verdict::Wrong => {
            state.guesses.failed(by_network);
            state.guesses.failed(by_account);
            return Err(AppError::SignedOut);
        }
    };
    state.guesses.succeeded(by_account);
    Ok(SignIn { new_hash, ..SignIn::by_password(credentials.ok_or(AppError::SignedOut)?) })
}

/// Whether the user has a session in the network of this address.
async fn is_signed_in_from(state: &AppState, user_id: UserId, from: IpAddr) -> AppResult<bool> {
    let sessions = store::sessions::list(state.db.reader(), user_id, state.clock.now_ms()).await?;
    let mut addresses = sessions.iter().filter_map(|session| session.ip_address.parse().ok());
    Ok(addresses.any(|address| network(address) == network(from)))
}

/// Stores a new session under the hash of its token, and ends the one that it replaces in the same browser.
///
/// # Errors
/// `SignedOut` when the proof no longer holds: the user was removed or banned, the password was changed, devices were
/// signed out, or the link was used.
pub async fn begin(
    state: &AppState,
    sign_in: SignIn,
    token_hash: [u8; 32],
    activity: SessionActivity,
    replaced: Option<[u8; 32]>,
) -> AppResult<()> {
    let insert = async move |tx: &mut Tx| {
        let user_id = sign_in.user.id;
        let present = match sign_in.means {
            Means::LinkForNewPassword => store::users::credentials_or_none_yet(tx.db(), user_id).await?,
            Means::Password | Means::Link => store::users::credentials(tx.db(), user_id).await?,
        };
        let present = present.ok_or(AppError::SignedOut)?;
        if (&present.password_hash, present.revocation_count) != (&sign_in.password_hash, sign_in.revocation_count) {
            return Err(AppError::SignedOut);
        }
        if present.password_hash.is_empty() {
            // Nobody else becomes this user by joining.
            store::placeholders::remove(tx.db(), user_id).await?;
        }
        if let Some(new_hash) = &sign_in.new_hash {
            let now_ms = tx.now_ms();
            store::users::update_password(tx.db(), user_id, new_hash, now_ms).await?;
        }
        if sign_in.means != Means::Password {
            store::users::count_revocation(tx.db(), user_id).await?;
        }
        let activity = SessionActivity { user_id, ..activity };
        let session_id = store::sessions::insert(tx.db(), &token_hash, &activity).await?;
        if let Some(replaced) = replaced {
            store::pushes::move_to_session(tx.db(), &replaced, session_id).await?;
            end_one(tx, &replaced).await?;
        }
        if sign_in.allows_new_password() {
            let until_ms = tx.now_ms() + NEW_PASSWORD_MS;
            store::sessions::allow_new_password(tx.db(), session_id, until_ms).await?;
        }
        Ok(tx.record(Fact::SessionStarted { user_id }).await?)
    };
    write_exempt(state, Exempt::NobodyIsSignedIn, insert).await
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
    write_exempt(state, Exempt::TokenIsTheRight, update).await
}

/// Notes the network that a user writes from, if it has changed.
///
/// # Errors
/// When the database does not answer.
pub async fn note_network(state: &AppState, current: &CurrentUser, from: IpAddr) -> AppResult<()> {
    let user_id = current.user.id;
    let Some(network) = state.written_from.to_note(user_id, from) else { return Ok(()) };
    let note = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        Ok(store::networks::note(tx.db(), user_id, &network.to_string(), now_ms).await?)
    };
    write_exempt(state, Exempt::Operator, note).await
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

/// Whether the session began in the last 15 minutes, so that the password need not be entered again.
///
/// # Errors
/// `SignedOut` when the session has ended.
pub async fn is_recent(state: &AppState, current: &CurrentUser) -> AppResult<bool> {
    let (_, began_at) = find_present(state, current).await?;
    Ok((began_at..=began_at + RECENT_MS).contains(&state.clock.now_ms()))
}

/// Whether the session may set a password without the present one: an administrator's link began it less than 15 minutes
/// ago, and none was set since. Links that users make for themselves do not allow it, so that who gets hold of a session
/// cannot keep the account by one.
///
/// # Errors
/// When the database does not answer.
pub async fn may_set_password(state: &AppState, current: &CurrentUser) -> AppResult<bool> {
    let now_ms = state.clock.now_ms();
    Ok(store::sessions::may_set_password(state.db.reader(), current.session_id, now_ms).await?)
}

/// The user of the session as they are now, not as they were when the request was authorised, and when the session began,
/// in milliseconds since the epoch.
///
/// # Errors
/// `SignedOut` when the session has ended.
pub(super) async fn find_present(state: &AppState, current: &CurrentUser) -> AppResult<(User, i64)> {
    let now_ms = state.clock.now_ms();
    let found = store::sessions::find_active(state.db.reader(), current.session_id, current.user.id, now_ms).await?;
    found.ok_or(AppError::SignedOut)
}

/// Checks the present password of the user, and returns its hash.
///
/// # Errors
/// `Invalid` when it is wrong, `TooManyTries` after too many wrong ones.
pub(super) async fn confirm(
    state: &AppState,
    current: &CurrentUser,
    present_password: &Password,
    from: IpAddr,
) -> AppResult<String> {
    let user_id = current.user.id;
    let guess = Guess::PresentPassword(user_id);
    state.guesses.check(guess)?;
    let credentials = store::users::credentials(state.db.reader(), user_id).await?.ok_or(AppError::SignedOut)?;
    let hash = credentials.password_hash;
    let verdict = state.passwords.verify(present_password, Some(hash.clone()), HashFor::User(from, user_id)).await?;
    if verdict == Verdict::Wrong {
        state.guesses.failed(guess);
        tracing::warn!(user.id = %user_id, from = masked(from), "refused a change: wrong present password");
        return Err(wrong_password());
    }
    state.guesses.succeeded(guess);
    Ok(hash)
}

/// Checks that the session is recent, or the present password, which may be missing only then. Returns the hash of the
/// password if it was entered.
///
/// # Errors
/// `Invalid` when the password is needed or wrong.
pub(super) async fn confirm_unless_recent(
    state: &AppState,
    current: &CurrentUser,
    present_password: Option<&Password>,
    from: IpAddr,
) -> AppResult<Option<String>> {
    match present_password {
        Some(password) => confirm(state, current, password, from).await.map(Some),
        None if is_recent(state, current).await? => Ok(None),
        None => Err(AppError::invalid("present_password", "Enter your present password: you signed in a while ago.")),
    }
}

/// The error of a wrong present password.
pub(super) fn wrong_password() -> AppError {
    AppError::invalid("present_password", "That is not your present password.")
}

/// Ends the session with this token hash and closes its sockets.
///
/// # Errors
/// When the database does not answer.
pub async fn end(state: &AppState, token_hash: [u8; 32]) -> AppResult<()> {
    let end = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        end_one(tx, &token_hash).await
    };
    write_exempt(state, Exempt::TokenIsTheRight, end).await
}

async fn end_one(tx: &mut Tx, token_hash: &[u8; 32]) -> AppResult<()> {
    if let Some((session_id, user_id)) = store::sessions::remove(tx.db(), token_hash).await? {
        tx.record(Fact::SessionEnded { user_id, session_id }).await?;
    }
    Ok(())
}

/// Ends one of the user's own sessions, on any device, and all links that sign in.
///
/// # Errors
/// `NotFound` for a session that has ended or belongs to another user.
pub async fn revoke(state: &AppState, current: &CurrentUser, session_id: SessionId) -> AppResult<()> {
    let revoke = async move |tx: &mut Tx, user: User| {
        if !store::sessions::remove_one_of(tx.db(), user.id, session_id).await? {
            return Err(AppError::NotFound);
        }
        store::users::count_revocation(tx.db(), user.id).await?;
        Ok(tx.record(Fact::SessionEnded { user_id: user.id, session_id }).await?)
    };
    write_as(state, current, revoke).await
}

/// Ends all sessions of the user except the current one, and all links that sign in. Returns how many were ended.
///
/// # Errors
/// `SignedOut` when the current session has ended.
pub async fn revoke_others(state: &AppState, current: &CurrentUser) -> AppResult<usize> {
    let current_session_id = current.session_id;
    let end_others = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        Ok(end_all(tx, user.id, Some(current_session_id)).await?.len())
    };
    write_as(state, current, end_others).await
}

/// Ends all sessions of a user except `except`, closes their sockets, and ends all links that sign the user in and all
/// sign-ins under way. Returns the ended sessions.
pub(super) async fn end_all(tx: &mut Tx, user_id: UserId, except: Option<SessionId>) -> AppResult<Vec<SessionId>> {
    store::users::count_revocation(tx.db(), user_id).await?;
    let ended = store::sessions::remove_all_of(tx.db(), user_id, except).await?;
    for session_id in &ended {
        tx.record(Fact::SessionEnded { user_id, session_id: *session_id }).await?;
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::testing::{self, LOCAL};

    async fn try_with(state: &AppState, address: &str, password: &str, from: &str) -> AppResult<SignIn> {
        authenticate(state, address, Password::to_check(password.into()), from.parse().unwrap()).await
    }

    fn activity() -> SessionActivity {
        SessionActivity {
            user_id: UserId(0),
            ip_address: LOCAL.to_string(),
            user_agent: String::new(),
            last_active_at: 1,
            expires_at: i64::MAX,
        }
    }

    #[tokio::test]
    async fn only_the_right_password_signs_in() {
        let world = testing::world().await;
        let state = &world.state;
        let here = "127.0.0.1";
        let right = try_with(state, " Ada@example.com ", testing::PASSWORD, here).await.unwrap();
        assert_eq!(right.user, world.ada);
        for (address, password) in
            [("ada@example.com", "another one"), ("ada@example.com", ""), ("nobody@example.com", testing::PASSWORD)]
        {
            assert_eq!(try_with(state, address, password, here).await.err(), Some(AppError::SignedOut));
        }
    }

    #[tokio::test]
    async fn failures_make_a_network_and_an_account_wait_but_not_the_owners_own_network() {
        let world = testing::world().await;
        let state = &world.state;
        // The session of the fixture is in this network.
        let (home, away) = ("127.0.0.1", "198.51.100.1");
        for number in 0..5 {
            let from = format!("203.0.113.{number}");
            assert_eq!(try_with(state, "ada@example.com", "wrong", &from).await.err(), Some(AppError::SignedOut));
        }
        let waiting = try_with(state, "ada@example.com", testing::PASSWORD, away).await;
        assert_eq!(waiting.err(), Some(AppError::TooManyTries(10)));
        assert!(try_with(state, "bob@example.com", testing::PASSWORD, away).await.is_ok(), "another account");
        assert!(try_with(state, "ada@example.com", testing::PASSWORD, home).await.is_ok(), "the owner");
        assert!(try_with(state, "ada@example.com", testing::PASSWORD, away).await.is_ok(), "counted anew");
        for number in 0..10 {
            let address = format!("nobody{number}@example.com");
            assert_eq!(try_with(state, &address, "wrong", away).await.err(), Some(AppError::SignedOut));
        }
        let waiting = try_with(state, "ada@example.com", testing::PASSWORD, away).await;
        assert_eq!(waiting.err(), Some(AppError::TooManyTries(10)));
        assert!(try_with(state, "ada@example.com", testing::PASSWORD, "198.51.100.2").await.is_ok());
        for _ in 0..20 {
            assert!(try_with(state, "bob@example.com", testing::PASSWORD, home).await.is_ok(), "successes are free");
        }
    }

    #[tokio::test]
    async fn a_hash_of_a_password_as_typed_is_replaced_when_its_user_signs_in() {
        use argon2::password_hash::PasswordHasher;
        let world = testing::world().await;
        let state = &world.state;
        let bob = world.bob.id;
        let typed = "pa\u{302}ssword of old";
        let old = argon2::Argon2::default().hash_password(typed.as_bytes()).unwrap().to_string();
        let store_old = async move |tx: &mut Tx| Ok(store::users::update_password(tx.db(), bob, &old, 1).await?);
        state.db.write(store_old).await.unwrap();
        let sign_in = try_with(state, "bob@example.com", typed, "127.0.0.1").await.unwrap();
        begin(state, sign_in, [1; 32], activity(), None).await.unwrap();
        for form in [typed, "p\u{e2}ssword of old"] {
            let sign_in = try_with(state, "bob@example.com", form, "127.0.0.1").await.unwrap();
            assert_eq!(sign_in.new_hash, None, "{form}");
        }
    }

    #[tokio::test]
    async fn a_proof_of_a_sign_in_ends_with_whatever_ends_sessions() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = world.bob.id;
        let proof = async || try_with(state, "bob@example.com", testing::PASSWORD, "127.0.0.1").await.unwrap();
        let first = proof().await;
        begin(state, first.clone(), [1; 32], activity(), None).await.unwrap();
        begin(state, first.clone(), [2; 32], activity(), Some([1; 32])).await.unwrap();
        assert_eq!(state.sessions.find([1; 32]).await.unwrap(), None, "replaced in its browser");
        revoke_others(state, &testing::current(&world.bob)).await.unwrap();
        assert_eq!(begin(state, first, [3; 32], activity(), None).await, Err(AppError::SignedOut));
        let second = proof().await;
        let deactivate =
            async move |tx: &mut Tx| Ok(store::users::update_status(tx.db(), bob, Status::Deactivated, 1).await?);
        state.db.write(deactivate).await.unwrap();
        assert_eq!(begin(state, second, [4; 32], activity(), None).await, Err(AppError::SignedOut));
    }
}
