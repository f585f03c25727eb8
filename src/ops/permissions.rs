//! The only way from an operation to [`Db::write`](crate::store::Db::write): every write names the permission it was
//! given, and the permission is read again inside the transaction, because it may have ended since its proof was made.
//! `tests/architecture.rs` refuses other ways.

use std::sync::Arc;

use crate::access::{Administrator, Caller, CurrentUser, Member};
use crate::model::{Credential, Message, MessageId, Profile, Role, Room, RoomKind, Status, User, UserId};
use crate::state::AppState;
use crate::store::messages::{Inserted, NewMessage};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// A permission that can be read again.
pub(super) trait Right: Clone + Send + 'static {
    /// The permission as it is at the time of the write: role, name and involvement may have changed.
    type Present;

    /// The user whose permission it is.
    fn user_id(&self) -> UserId;

    /// The credential. The writes of a bot are counted where its requests arrive.
    fn credential(&self) -> Credential;

    /// Reads the permission again.
    ///
    /// # Errors
    /// `SignedOut`, `Forbidden` or `NotFound` when it has ended.
    async fn read_again(self, tx: &mut Tx) -> AppResult<Self::Present>;
}

/// The user and the session are still there.
impl Right for CurrentUser {
    type Present = User;

    fn user_id(&self) -> UserId {
        self.user.id
    }

    fn credential(&self) -> Credential {
        Credential::Session(self.session_id)
    }

    async fn read_again(self, tx: &mut Tx) -> AppResult<User> {
        let now_ms = tx.now_ms();
        let found = store::sessions::find_active(tx.db(), self.session_id, self.user.id, now_ms).await?;
        found.map(|(user, _)| user).ok_or(AppError::SignedOut)
    }
}

/// A user, with what the request proves them by.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallerRight {
    user_id: UserId,
    credential: Credential,
}

impl CallerRight {
    /// The right of this caller.
    pub(super) fn of<C: Caller>(caller: &C) -> Self {
        Self { user_id: caller.user().id, credential: caller.credential() }
    }
}

/// The user is still active, and the session or the key of a bot is still theirs.
impl Right for CallerRight {
    type Present = User;

    fn user_id(&self) -> UserId {
        self.user_id
    }

    fn credential(&self) -> Credential {
        self.credential
    }

    async fn read_again(self, tx: &mut Tx) -> AppResult<User> {
        let now_ms = tx.now_ms();
        let found = match self.credential {
            Credential::Session(session_id) => {
                let found = store::sessions::find_active(tx.db(), session_id, self.user_id, now_ms).await?;
                found.map(|(user, _)| user)
            }
            Credential::BotKey(_) | Credential::Hook(_) | Credential::Program => {
                require_credential(tx, self.credential, self.user_id).await?;
                store::users::find(tx.db(), self.user_id).await?
            }
        };
        found.ok_or(AppError::SignedOut)
    }
}

/// The user still has the session and is an administrator.
impl Right for Administrator {
    type Present = User;

    fn user_id(&self) -> UserId {
        self.user().id
    }

    fn credential(&self) -> Credential {
        Credential::Session(self.current().session_id)
    }

    async fn read_again(self, tx: &mut Tx) -> AppResult<User> {
        let user = self.current().clone().read_again(tx).await?;
        if user.role == Role::Administrator { Ok(user) } else { Err(AppError::Forbidden) }
    }
}

/// The user is still an active member of the room, and the session or the key of a bot is still theirs. A direct room has
/// no name in the result.
impl Right for Member {
    type Present = Self;

    fn user_id(&self) -> UserId {
        self.user.id
    }

    fn credential(&self) -> Credential {
        self.credential
    }

    async fn read_again(self, tx: &mut Tx) -> AppResult<Self> {
        let Self { credential, .. } = self;
        let now_ms = tx.now_ms();
        let found = store::memberships::find_member(tx.db(), self.user.id, self.room.id, credential, now_ms).await?;
        let Some((user, room, involvement)) = found else {
            require_credential(tx, credential, self.user.id).await?;
            return Err(AppError::NotFound);
        };
        Ok(Self { user, credential, room, involvement })
    }
}

/// Runs a write with the permission as it is inside the transaction. Counts as one of the user's writes.
///
/// # Errors
/// Those of [`Right::read_again`] and of `write`; `TooManyTries` when the user writes too fast.
pub(super) async fn write_as<R, T, F>(state: &AppState, right: &R, write: F) -> AppResult<T>
where
    R: Right,
    T: Send + 'static,
    F: AsyncFnOnce(&mut Tx, R::Present) -> AppResult<T> + Send + 'static,
{
    take_write(state, right.credential(), right.user_id())?;
    write_completion_as(state, right, write).await
}

/// Counts a write of the user. A bot's requests are counted where they arrive (`ops::bots::take_post`). What the program
/// itself does is not counted: it cannot wait.
fn take_write(state: &AppState, credential: Credential, user_id: UserId) -> AppResult<()> {
    match credential {
        Credential::BotKey(_) | Credential::Hook(_) | Credential::Program => Ok(()),
        Credential::Session(_) => state.writes.take(user_id),
    }
}

/// Checks that the session, or the key of a bot, is still the user's.
///
/// # Errors
/// `SignedOut` if it is not.
pub(super) async fn require_credential(tx: &mut Tx, credential: Credential, user_id: UserId) -> AppResult<()> {
    let now_ms = tx.now_ms();
    let is_valid = match credential {
        Credential::Session(session_id) => {
            store::sessions::find_active(tx.db(), session_id, user_id, now_ms).await?.is_some()
        }
        Credential::BotKey(number) => store::bots::has_key(tx.db(), user_id, number).await?,
        Credential::Hook(hook_id) => store::hooks::exists(tx.db(), hook_id, user_id).await?,
        Credential::Program => true,
    };
    if is_valid { Ok(()) } else { Err(AppError::SignedOut) }
}

/// Runs a write that completes what an earlier one began, like [`write_as`], without counting it again: the bytes of a file
/// arrive between the two, and somebody who sends ten files does not write twenty times.
///
/// # Errors
/// Those of [`Right::read_again`] and of `write`.
pub(super) async fn write_completion_as<R, T, F>(state: &AppState, right: &R, write: F) -> AppResult<T>
where
    R: Right,
    T: Send + 'static,
    F: AsyncFnOnce(&mut Tx, R::Present) -> AppResult<T> + Send + 'static,
{
    let right = right.clone();
    let write = async move |tx: &mut Tx| {
        let present = right.read_again(tx).await?;
        write(tx, present).await
    };
    state.db.write(write).await
}

/// Inserts a message, and runs `write` with the result. The statement that inserts it reads the membership and the
/// session again.
///
/// # Errors
/// As [`Db::write_message`](crate::store::Db::write_message); `TooManyTries` when the user writes too fast.
pub(super) async fn write_message<T, F>(
    state: &AppState,
    member: &Member,
    message: Arc<NewMessage>,
    write: F,
) -> AppResult<T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut Tx, Option<Inserted>) -> AppResult<T> + Send + 'static,
{
    take_write(state, member.credential, member.user.id)?;
    state.db.write_message(message, write).await
}

/// Why a write needs no permission of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exempt {
    /// Nobody is signed in yet. What was verified before (an empty account, the join code, the password) is read again
    /// by the write itself.
    NobodyIsSignedIn,
    /// Whoever has the token of a session may end or refresh it.
    TokenIsTheRight,
    /// The statement of the write reads the permission itself, to save a round trip of a frequent write.
    StatementReadsIt,
    /// The operator of the machine, or the program itself.
    Operator,
}

/// Runs a write without a permission of a user, for the named reason.
///
/// # Errors
/// Those of `write`.
pub(super) async fn write_exempt<T, F>(state: &AppState, _: Exempt, write: F) -> AppResult<T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
{
    state.db.write(write).await
}

/// The same for a write that validates before it changes anything, see
/// [`Db::write_checked`](crate::store::Db::write_checked).
///
/// # Errors
/// Those of `write`.
pub(super) async fn write_checked_exempt<T, F>(state: &AppState, _: Exempt, write: F) -> AppResult<T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut Tx) -> AppResult<T> + Send + 'static,
{
    state.db.write_checked(write).await
}

/// The profile of the user, who must have this status and not be a bot.
///
/// # Errors
/// `NotFound` otherwise.
pub(super) async fn require_person(tx: &mut Tx, user_id: UserId, status: Status) -> AppResult<Profile> {
    let found = store::users::profile(tx.db(), user_id).await?;
    found.filter(|person| person.role != Role::Bot && person.status == status).ok_or(AppError::NotFound)
}

/// Checks that the account has an administrator other than this user, if the user is one.
///
/// # Errors
/// `Conflict` if it has none.
pub(super) async fn require_another_administrator(tx: &mut Tx, person: &Profile) -> AppResult<()> {
    if person.role == Role::Administrator && store::users::count_other_administrators(tx.db(), person.id).await? == 0 {
        return Err(AppError::Conflict("Campfire needs an administrator. Make somebody else one first.".into()));
    }
    Ok(())
}

/// Checks that all of these users, sorted by id, are active.
///
/// # Errors
/// `Invalid` if one is not.
pub(super) async fn require_active(tx: &mut Tx, user_ids: &[UserId]) -> AppResult<()> {
    if store::users::list_active_of(tx.db(), user_ids).await? == *user_ids {
        return Ok(());
    }
    Err(AppError::invalid("user_ids", "Someone you chose is no longer here. Choose again."))
}

/// Checks that the user may create open and closed rooms, which can be restricted to administrators.
///
/// # Errors
/// `Forbidden` if they may not.
pub(super) async fn require_room_creation(tx: &mut Tx, user: &User) -> AppResult<()> {
    let restricted = store::accounts::find(tx.db()).await?.is_some_and(|account| account.room_creation_restricted);
    if user.may_make_rooms(restricted) { Ok(()) } else { Err(AppError::Forbidden) }
}

/// The member's open or closed room, which only an administrator or the room's creator may change.
///
/// # Errors
/// `NotFound` for direct rooms, `Forbidden` for other members.
pub(super) fn require_room_administration(member: Member) -> AppResult<Room> {
    if member.room.kind == RoomKind::Direct {
        return Err(AppError::NotFound);
    }
    if member.may_administer_room() { Ok(member.room) } else { Err(AppError::Forbidden) }
}

/// The message of the member's room, which only an administrator or the message's creator may change.
///
/// # Errors
/// `NotFound` when the message was removed, `Forbidden` for other members.
pub(super) async fn require_message_administration(
    tx: &mut Tx,
    member: &Member,
    message_id: MessageId,
) -> AppResult<Message> {
    let message = store::messages::find(tx.db(), member.room.id, message_id).await?.ok_or(AppError::NotFound)?;
    if member.user.may_administer(message.creator_id) { Ok(message) } else { Err(AppError::Forbidden) }
}
