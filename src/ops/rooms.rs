//! Making, renaming, converting and removing rooms.

use crate::auth::Member;
use crate::event::ServerFrame;
use crate::live::Announcement;
use crate::model::{Involvement, Room, RoomId, RoomKind, RoomName, SidebarRoom, User, UserId};
use crate::state::AppState;
use crate::store::events::{Event, Kind};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::accounts::announce_granted;

/// The most people that can be chosen for a room in one request.
const MAX_CHOSEN: usize = 5_000;

/// How many messages of a removed room go in one write.
const REMOVED_AT_ONCE: i64 = 500;

/// Who is in a room that is made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone active, now and later.
    Everyone,
    /// Exactly these people.
    Chosen(Vec<UserId>),
}

impl Audience {
    const fn kind(&self) -> RoomKind {
        match self {
            Self::Everyone => RoomKind::Open,
            Self::Chosen(_) => RoomKind::Closed,
        }
    }

    /// Sorted, each person once.
    fn checked(self) -> AppResult<Self> {
        let Self::Chosen(mut user_ids) = self else { return Ok(self) };
        user_ids.sort_unstable();
        user_ids.dedup();
        if user_ids.len() > MAX_CHOSEN {
            return Err(AppError::invalid(
                "user_ids",
                "That is more people than a closed room can be made for at once.",
            ));
        }
        if user_ids.is_empty() {
            return Err(AppError::invalid("user_ids", "Choose at least one person for the room."));
        }
        Ok(Self::Chosen(user_ids))
    }
}

/// Makes a room; whoever makes a closed one is always in it.
///
/// # Errors
/// `Invalid` when someone chosen is not an active person.
pub async fn open(state: &AppState, user: &User, name: RoomName, audience: Audience) -> AppResult<Room> {
    let audience = match audience {
        Audience::Chosen(mut user_ids) => {
            user_ids.push(user.id);
            Audience::Chosen(user_ids)
        }
        Audience::Everyone => Audience::Everyone,
    }
    .checked()?;
    let (creator_id, now_ms) = (user.id, state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            let room = store::rooms::insert(tx.db(), audience.kind(), &name, creator_id, now_ms).await?;
            let event = Event { kind: Kind::RoomAdded, room_id: room.id, message_id: None, user_id: None };
            store::events::append(tx.db(), event, now_ms).await?;
            let newcomers = admit(tx, room.id, &audience, now_ms).await?;
            announce_granted(tx, sidebar_entry(&room), newcomers, now_ms).await?;
            Ok(room)
        })
        .await
}

/// Gives a room another name and another audience. Whoever is not in the audience leaves.
///
/// # Errors
/// `Forbidden` unless the member is an administrator or made the room, `NotFound` when the membership ended meanwhile.
pub async fn change(state: &AppState, member: &Member, name: RoomName, audience: Audience) -> AppResult<Room> {
    let (member, now_ms) = (member.clone(), state.clock.now_ms());
    let audience = audience.checked()?;
    state
        .db
        .write(async move |tx| {
            let mut room = require_administration(tx, &member).await?;
            (room.kind, room.name) = (audience.kind(), name.as_str().to_owned());
            store::rooms::update(tx.db(), room.id, room.kind, &name, now_ms).await?;
            let event = Event { kind: Kind::RoomChanged, room_id: room.id, message_id: None, user_id: None };
            store::events::append(tx.db(), event, now_ms).await?;
            let newcomers = admit(tx, room.id, &audience, now_ms).await?;
            if let Audience::Chosen(user_ids) = &audience {
                let left = store::memberships::revoke_all_but(tx.db(), room.id, user_ids).await?;
                for user_id in &left {
                    let kind = Kind::MembershipRevoked;
                    let event = Event { kind, room_id: room.id, message_id: None, user_id: Some(*user_id) };
                    store::events::append(tx.db(), event, now_ms).await?;
                }
                tx.announce(Announcement::Revoked { room_id: room.id, user_ids: left });
            }
            let changed = ServerFrame::RoomChanged { room_id: room.id, kind: room.kind, name: room.name.clone() };
            tx.announce(Announcement::Members { room_id: room.id, frame: changed });
            announce_granted(tx, sidebar_entry(&room), newcomers, now_ms).await?;
            Ok(room)
        })
        .await
}

/// Removes a room with everything in it.
///
/// The room is out of everyone's sight with the first write; what it held goes in steps after that, and is taken up
/// again at the next start if the program ends in between.
///
/// # Errors
/// `Forbidden` unless the member is an administrator or made the room, `NotFound` when the membership ended meanwhile.
pub async fn remove(state: &AppState, member: &Member) -> AppResult<()> {
    let (room_id, now_ms, member) = (member.room.id, state.clock.now_ms(), member.clone());
    state
        .db
        .write(async move |tx| {
            let room = require_administration(tx, &member).await?;
            // Whoever joins from now on is not let in.
            store::rooms::update(tx.db(), room_id, RoomKind::Closed, &room.name.parse()?, now_ms).await?;
            let event = Event { kind: Kind::RoomRemoved, room_id, message_id: None, user_id: None };
            store::events::append(tx.db(), event, now_ms).await?;
            store::memberships::revoke_all_but(tx.db(), room_id, &[]).await?;
            tx.announce(Announcement::RoomRemoved { room_id });
            Ok(())
        })
        .await?;
    // Goes on when whoever asked no longer waits.
    let state = state.clone();
    tokio::spawn(async move { empty(&state, room_id).await }).await.map_err(|_| AppError::Internal)?
}

/// Removes what is left of a room that nobody is in.
pub(super) async fn empty(state: &AppState, room_id: RoomId) -> AppResult<()> {
    loop {
        let removed = state
            .db
            .write(async move |tx| {
                let removed = store::messages::remove_some_of_room(tx.db(), room_id, REMOVED_AT_ONCE).await?;
                if removed == 0 {
                    store::rooms::remove(tx.db(), room_id).await?;
                }
                Ok(removed)
            })
            .await?;
        if removed == 0 {
            return Ok(());
        }
    }
}

/// The room, if the member is still in it and may administer it.
async fn require_administration(tx: &mut Tx, member: &Member) -> AppResult<Room> {
    let (room, _): (Room, Involvement) =
        store::memberships::find(tx.db(), member.user.id, member.room.id).await?.ok_or(AppError::NotFound)?;
    if room.kind == RoomKind::Direct {
        return Err(AppError::NotFound);
    }
    if !member.user.may_administer(room.creator_id) {
        return Err(AppError::Forbidden);
    }
    Ok(room)
}

/// Lets the audience in and answers with the newcomers.
async fn admit(tx: &mut Tx, room_id: RoomId, audience: &Audience, now_ms: i64) -> AppResult<Vec<UserId>> {
    match audience {
        Audience::Everyone => Ok(store::memberships::grant_everyone(tx.db(), room_id, now_ms).await?),
        Audience::Chosen(user_ids) => {
            if store::users::list_active_of(tx.db(), user_ids).await? != *user_ids {
                return Err(AppError::invalid("user_ids", "Someone you chose is no longer here. Choose again."));
            }
            Ok(store::memberships::grant(tx.db(), room_id, user_ids, now_ms).await?)
        }
    }
}

fn sidebar_entry(room: &Room) -> SidebarRoom {
    SidebarRoom { id: room.id, kind: room.kind, name: room.name.clone(), unread: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    async fn people(world: &testing::World, room_id: RoomId) -> Vec<String> {
        let people = store::memberships::list_people(world.state.db.reader(), room_id).await.unwrap();
        people.into_iter().map(|person| person.name).collect()
    }

    #[tokio::test]
    async fn an_open_room_has_everyone_a_closed_one_the_chosen_and_its_maker() {
        let world = testing::world().await;
        let open_room = open(&world.state, &world.ada, "Open".parse().unwrap(), Audience::Everyone).await.unwrap();
        assert_eq!(people(&world, open_room.id).await, ["Ada", "Bob", "Cleo"]);
        let chosen = Audience::Chosen(vec![world.bob.id, world.bob.id]);
        let closed = open(&world.state, &world.ada, "Closed".parse().unwrap(), chosen).await.unwrap();
        assert_eq!(people(&world, closed.id).await, ["Ada", "Bob"]);
    }

    #[tokio::test]
    async fn a_stranger_cannot_be_chosen_and_nothing_is_made() {
        let world = testing::world().await;
        let chosen = Audience::Chosen(vec![UserId(99)]);
        let refused = open(&world.state, &world.ada, "Closed".parse().unwrap(), chosen).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))));
        let too_many = Audience::Chosen((1..=5_001).map(UserId).collect());
        assert!(matches!(
            open(&world.state, &world.ada, "Closed".parse().unwrap(), too_many).await,
            Err(AppError::Invalid(_))
        ));
        assert_eq!(store::rooms::sidebar(world.state.db.reader(), world.ada.id).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn conversion_sets_exactly_the_chosen_and_back_everyone() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[&world.bob]).await;
        let member = world.member(&world.ada, room.id).await;
        change(&world.state, &member, "Room".parse().unwrap(), Audience::Chosen(vec![world.ada.id, world.cleo.id]))
            .await
            .unwrap();
        assert_eq!(people(&world, room.id).await, ["Ada", "Cleo"]);
        let changed = change(&world.state, &member, "Everyone".parse().unwrap(), Audience::Everyone).await.unwrap();
        assert_eq!((changed.kind, changed.name.as_str()), (RoomKind::Open, "Everyone"));
        assert_eq!(people(&world, room.id).await, ["Ada", "Bob", "Cleo"]);
    }

    #[tokio::test]
    async fn only_its_maker_or_an_administrator_inside_changes_or_removes_a_room() {
        let world = testing::world().await;
        // Bob made it; Cleo is in it; Ada, the administrator, is not.
        let chosen = Audience::Chosen(vec![world.cleo.id]);
        let room = open(&world.state, &world.bob, "Bobs".parse().unwrap(), chosen).await.unwrap();
        let cleo = world.member(&world.cleo, room.id).await;
        assert_eq!(
            change(&world.state, &cleo, "Cleos".parse().unwrap(), Audience::Everyone).await,
            Err(AppError::Forbidden)
        );
        assert_eq!(remove(&world.state, &cleo).await, Err(AppError::Forbidden));
        let forged = Member { user: world.ada.clone(), ..cleo };
        assert_eq!(remove(&world.state, &forged).await, Err(AppError::NotFound), "checked again inside the write");

        let bob = world.member(&world.bob, room.id).await;
        remove(&world.state, &bob).await.unwrap();
        assert!(people(&world, room.id).await.is_empty());
    }

    #[tokio::test]
    async fn a_removed_room_takes_its_messages_along() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        for number in 0..3 {
            world.post(&world.ada, room.id, &format!("message {number}")).await;
        }
        remove(&world.state, &world.member(&world.ada, room.id).await).await.unwrap();
        let left: (i64, i64) =
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM rooms WHERE name = 'Room')")
                .fetch_one(world.state.db.reader())
                .await
                .unwrap();
        assert_eq!(left, (0, 0));
    }
}
