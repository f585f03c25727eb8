//! Permission checks inside a write: the permission may have ended since its proof was made.

use crate::access::{Administrator, Member};
use crate::model::{Message, MessageId, Profile, Role, Room, RoomId, RoomKind, Status, User, UserId};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

/// Checks that the user still is an active administrator.
///
/// # Errors
/// `Forbidden` if not.
pub(super) async fn require_administrator(tx: &mut Tx, administrator: &Administrator) -> AppResult<()> {
    let found = store::users::find(tx.db(), administrator.user().id).await?;
    found.filter(|user| user.role == Role::Administrator).map(drop).ok_or(AppError::Forbidden)
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
/// `Forbidden` if they may not, `SignedOut` when the user is no longer active.
pub(super) async fn require_room_creation(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    let user = store::users::find(tx.db(), user_id).await?.ok_or(AppError::SignedOut)?;
    let restricted = store::accounts::find(tx.db()).await?.is_some_and(|account| account.room_creation_restricted);
    if user.may_make_rooms(restricted) { Ok(()) } else { Err(AppError::Forbidden) }
}

/// The member's open or closed room. They must still be a member, and must be an administrator or the room's creator.
///
/// # Errors
/// `NotFound` when the membership ended and for direct rooms, `Forbidden` for other members.
pub(super) async fn require_room_administration(tx: &mut Tx, member: &Member) -> AppResult<Room> {
    let found = store::memberships::find(tx.db(), member.user.id, member.room.id).await?;
    let (room, _) = found.ok_or(AppError::NotFound)?;
    if room.kind == RoomKind::Direct {
        return Err(AppError::NotFound);
    }
    if !member.user.may_administer(room.creator_id) {
        return Err(AppError::Forbidden);
    }
    Ok(room)
}

/// The message. The user must still be a member of its room, and must be an administrator or the message's creator.
///
/// # Errors
/// `NotFound` when the message was removed or the membership ended, `Forbidden` for other members.
pub(super) async fn require_message_administration(
    tx: &mut Tx,
    user: &User,
    room_id: RoomId,
    message_id: MessageId,
) -> AppResult<Message> {
    store::memberships::find(tx.db(), user.id, room_id).await?.ok_or(AppError::NotFound)?;
    let message = store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
    if !user.may_administer(message.creator_id) {
        return Err(AppError::Forbidden);
    }
    Ok(message)
}
