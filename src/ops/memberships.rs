//! Memberships: leaving, involvement, read positions, and lists of members.

use crate::access::{CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{Involvement, MessageId, Person, RoomId, RoomKind, UserId};
use crate::state::AppState;
use crate::store::memberships::MarkedRead;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{Exempt, write_as, write_checked_exempt};

/// Ends the membership in a closed room. The room stays for the others.
///
/// # Errors
/// `Invalid` for rooms of another kind, `Conflict` for the last member.
pub async fn leave(state: &AppState, member: &Member) -> AppResult<()> {
    let leave = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        if member.room.kind != RoomKind::Closed {
            return Err(AppError::invalid("room", "Everyone is in this room. Hide it with its bell instead."));
        }
        if store::memberships::count(tx.db(), room_id).await? == 1 {
            let reason = "You are the last one in this room. Delete it, or let somebody in first.";
            return Err(AppError::Conflict(reason.into()));
        }
        store::memberships::revoke(tx.db(), room_id, user_id).await?;
        let by = Some(member.user.person());
        tx.record(Fact::MembershipRevoked { room_id, user_id, by }).await?;
        // The entries of the room are gone with the membership.
        Ok(tx.record(Fact::InboxChanged { user_ids: vec![user_id], room_id: None }).await?)
    };
    write_as(state, member, leave).await
}

/// Stores the member's involvement. A room that becomes visible again is read: what came while it was hidden is not
/// unread.
///
/// # Errors
/// `Invalid` for an involvement that this kind of room does not offer, `NotFound` when the membership ended.
pub async fn set_involvement(state: &AppState, member: &Member, involvement: Involvement) -> AppResult<()> {
    let update = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        let (room, before) = store::memberships::find(tx.db(), user_id, room_id).await?.ok_or(AppError::NotFound)?;
        if !involvement.fits(room.kind) {
            return Err(AppError::invalid("involvement", "A ping tells of everything or of nothing."));
        }
        store::memberships::update_involvement(tx.db(), room_id, user_id, involvement).await?;
        if before == Involvement::Invisible && involvement != Involvement::Invisible {
            let marked = store::memberships::mark_read(tx.db(), user_id, room_id, MessageId(i64::MAX)).await?;
            record_read(tx, user_id, room_id, marked).await?;
        }
        let entry = store::rooms::sidebar_entry(tx.db(), user_id, room_id).await?;
        let room = entry.ok_or(AppError::NotFound)?;
        Ok(tx.record(Fact::InvolvementChanged { user_id, room, involvement }).await?)
    };
    write_as(state, member, update).await
}

/// Moves the user's read position in a room forward. Does nothing for a room that the user is not an active member of.
/// Not counted as one of the user's writes: a page sends it for every message that arrives.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_read(
    state: &AppState,
    current: &CurrentUser,
    room_id: RoomId,
    message_id: MessageId,
) -> AppResult<()> {
    let user_id = current.user.id;
    let mark = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        let marked = store::memberships::mark_read(tx.db(), user_id, room_id, message_id).await?;
        record_read(tx, user_id, room_id, marked).await
    };
    write_checked_exempt(state, Exempt::StatementReadsIt, mark).await
}

/// Records what changed when a user read a room.
async fn record_read(tx: &mut Tx, user_id: UserId, room_id: RoomId, marked: MarkedRead) -> AppResult<()> {
    if let Some(message_id) = marked.position {
        tx.record(Fact::RoomRead { user_id, room_id, message_id }).await?;
    }
    if marked.inbox {
        tx.record(Fact::InboxChanged { user_ids: vec![user_id], room_id: None }).await?;
    }
    Ok(())
}

/// Marks a message and all later ones as unread for the member.
///
/// # Errors
/// `NotFound` when the message is not in the member's room, or the membership ended.
pub async fn mark_unread(state: &AppState, member: &Member, message_id: MessageId) -> AppResult<()> {
    let mark = async move |tx: &mut Tx, member: Member| {
        let (user_id, room_id) = (member.user.id, member.room.id);
        store::messages::find(tx.db(), room_id, message_id).await?.ok_or(AppError::NotFound)?;
        if store::memberships::mark_unread(tx.db(), user_id, room_id, message_id).await? {
            let entry = store::rooms::sidebar_entry(tx.db(), user_id, room_id).await?;
            let mention_count = entry.map_or(0, |room| room.mention_count);
            tx.record(Fact::RoomMarkedUnread { user_id, room_id, message_id, mention_count }).await?;
            if store::inbox::mark_unread(tx.db(), user_id, room_id, message_id).await? > 0 {
                tx.record(Fact::InboxChanged { user_ids: vec![user_id], room_id: None }).await?;
            }
        } else {
            tx.changes_nothing_visible();
        }
        Ok(())
    };
    write_as(state, member, mark).await
}

/// The active members of the member's room, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list_people(state: &AppState, member: &Member) -> AppResult<Vec<Person>> {
    Ok(store::memberships::list_people(state.db.reader(), member.room.id).await?)
}

/// The active members of the member's room: those who posted lately first, latest first, then the others by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list_people_by_activity(state: &AppState, member: &Member) -> AppResult<Vec<Person>> {
    Ok(store::memberships::list_people_by_activity(state.db.reader(), member.room.id).await?)
}

/// The other members of the member's direct room, including inactive users; the member alone in a direct room of one.
///
/// # Errors
/// When the database does not answer.
pub async fn list_pinged(state: &AppState, member: &Member) -> AppResult<Vec<Person>> {
    let mut people = store::memberships::list_all_people(state.db.reader(), member.room.id).await?;
    if people.len() > 1 {
        people.retain(|person| person.id != member.user.id);
    }
    Ok(people)
}

/// The user's rooms and the involvement in each: shared rooms by name, then direct rooms by last activity.
///
/// # Errors
/// When the database does not answer.
pub async fn list_involvements(
    state: &AppState,
    current: &CurrentUser,
) -> AppResult<Vec<(RoomId, RoomKind, String, Involvement)>> {
    Ok(store::memberships::list_involvements(state.db.reader(), current.user.id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_member_can_leave_a_closed_room_unless_they_are_the_last() {
        let world = testing::world().await;
        let state = &world.state;
        let bob = &world.bob;
        let room = world.open_closed_room("Room", &[bob]).await;
        leave(state, &world.member(&world.ada, room.id).await).await.unwrap();
        let left = list_people(state, &world.member(bob, room.id).await).await.unwrap();
        assert_eq!(left.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["Bob"]);
        let last = leave(state, &world.member(bob, room.id).await).await;
        assert!(matches!(last, Err(AppError::Conflict(_))));
        let open_room = world.member(bob, world.all_talk.id).await;
        assert!(matches!(leave(state, &open_room).await, Err(AppError::Invalid(_))));
    }

    #[tokio::test]
    async fn an_invisible_room_is_not_in_the_sidebar_and_a_direct_room_cannot_be_invisible() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let member = world.member(ada, world.all_talk.id).await;
        set_involvement(state, &member, Involvement::Invisible).await.unwrap();
        assert!(world.sidebar(ada.id).await.is_empty());
        set_involvement(state, &member, Involvement::Nothing).await.unwrap();
        assert_eq!(world.sidebar(ada.id).await.len(), 1);
        let ping = crate::ops::rooms::ping(state, ada, vec![world.bob.id]).await.unwrap();
        let pinged = world.member(ada, ping.id).await;
        assert_eq!(pinged.involvement, Involvement::Everything);
        let hidden = set_involvement(state, &pinged, Involvement::Invisible).await;
        assert!(matches!(hidden, Err(AppError::Invalid(_))));
        set_involvement(state, &pinged, Involvement::Nothing).await.unwrap();
    }
}
