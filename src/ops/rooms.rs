//! Making, renaming, converting, leaving and removing rooms, and pinging people.

use crate::auth::Member;
use crate::live::Announcement;
use crate::model::{Involvement, Room, RoomId, RoomKind, RoomName, SidebarRoom, User, UserId};
use crate::protocol::ServerEvent;
use crate::state::AppState;
use crate::store::events::{Event, Kind};
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::accounts::announce_granted;
use super::people::announce_revoked;

/// The most people that can be chosen for a room in one request.
const MAX_CHOSEN: usize = 5_000;

/// The most people in a direct room.
const MAX_PINGED: usize = 50;

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
/// `Forbidden` when only administrators make rooms, `Invalid` when someone chosen is not an active person.
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
            require_room_creation(tx, creator_id).await?;
            let room = store::rooms::insert(tx.db(), audience.kind(), &name, creator_id, now_ms).await?;
            let event = Event { kind: Kind::RoomAdded, room_id: room.id, message_id: None, user_id: None };
            store::events::append(tx.db(), event, now_ms).await?;
            let newcomers = admit(tx, room.id, &audience, now_ms).await?;
            announce_granted(tx, sidebar_entry(&room, now_ms), newcomers, now_ms).await?;
            Ok(room)
        })
        .await
}

/// The direct room of exactly these people and whoever asks: the one there is, or a new one.
///
/// # Errors
/// `Invalid` when someone chosen is not an active person, or when there are more than 50.
pub async fn ping(state: &AppState, user: &User, mut user_ids: Vec<UserId>) -> AppResult<Room> {
    user_ids.push(user.id);
    user_ids.sort_unstable();
    user_ids.dedup();
    if user_ids.len() > MAX_PINGED {
        return Err(AppError::invalid("user_ids", "A ping is for up to 50 people. Make a room for more."));
    }
    let (creator_id, now_ms) = (user.id, state.clock.now_ms());
    // Most pings are there already: finding one needs no write.
    if let Some(room_id) = store::rooms::find_direct(state.db.reader(), &user_ids).await?
        && let Some((room, _)) = store::memberships::find(state.db.reader(), creator_id, room_id).await?
    {
        return Ok(room);
    }
    state
        .db
        .write(async move |tx| {
            let room_id = match store::rooms::find_direct(tx.db(), &user_ids).await? {
                Some(room_id) => room_id,
                None => {
                    require_active(tx, &user_ids).await?;
                    let room_id = store::rooms::insert_direct(tx.db(), &user_ids, creator_id, now_ms).await?;
                    let event = Event { kind: Kind::RoomAdded, room_id, message_id: None, user_id: None };
                    store::events::append(tx.db(), event, now_ms).await?;
                    store::memberships::grant_direct(tx.db(), room_id, &user_ids, now_ms).await?;
                    // Everyone sees the others in it.
                    for user_id in user_ids.iter().filter(|user_id| **user_id != creator_id) {
                        announce_direct(tx, room_id, *user_id, now_ms).await?;
                    }
                    room_id
                }
            };
            announce_direct(tx, room_id, creator_id, now_ms).await?;
            let found = store::memberships::find(tx.db(), creator_id, room_id).await?;
            found.map(|(room, _)| room).ok_or(AppError::NotFound)
        })
        .await
}

/// Removes a direct room with everything in it, for all its people.
///
/// # Errors
/// `NotFound` unless the member is in it still, and for rooms of another kind.
pub async fn remove_direct(state: &AppState, member: &Member) -> AppResult<()> {
    let (room_id, user_id) = (member.room.id, member.user.id);
    remove_if(state, room_id, async move |tx| {
        let (room, _) = store::memberships::find(tx.db(), user_id, room_id).await?.ok_or(AppError::NotFound)?;
        if room.kind == RoomKind::Direct { Ok(()) } else { Err(AppError::NotFound) }
    })
    .await
}

/// Takes the member out of a closed room. It stays for the others.
///
/// # Errors
/// `Invalid` for rooms of another kind, `Conflict` for the last one in it.
pub async fn leave(state: &AppState, member: &Member) -> AppResult<()> {
    let (room_id, user_id, now_ms) = (member.room.id, member.user.id, state.clock.now_ms());
    state
        .db
        .write(async move |tx| {
            let (room, _) = store::memberships::find(tx.db(), user_id, room_id).await?.ok_or(AppError::NotFound)?;
            if room.kind != RoomKind::Closed {
                return Err(AppError::invalid("room", "Everyone is in this room. Hide it with its bell instead."));
            }
            if store::memberships::count(tx.db(), room_id).await? == 1 {
                let reason = "You are the last one in this room. Delete it, or let somebody in first.";
                return Err(AppError::Conflict(reason.into()));
            }
            store::memberships::revoke(tx.db(), room_id, user_id).await?;
            announce_revoked(tx, room_id, user_id, now_ms).await
        })
        .await
}

/// Stores how much the member wants to hear of the room; their other tabs follow.
///
/// # Errors
/// `Invalid` for what this kind of room does not know, `NotFound` when the membership ended meanwhile.
pub async fn set_involvement(state: &AppState, member: &Member, involvement: Involvement) -> AppResult<()> {
    let (room_id, user_id) = (member.room.id, member.user.id);
    state
        .db
        .write(async move |tx| {
            let entry = store::rooms::sidebar_entry(tx.db(), user_id, room_id).await?;
            let room = entry.ok_or(AppError::NotFound)?;
            if !involvement.fits(room.kind) {
                return Err(AppError::invalid("involvement", "A ping tells of everything or of nothing."));
            }
            store::memberships::update_involvement(tx.db(), room_id, user_id, involvement).await?;
            tx.announce(Announcement::Person { user_id, frame: ServerEvent::Involvement { room, involvement } });
            Ok(())
        })
        .await
}

/// Tells someone in a direct room of it, as they see it.
async fn announce_direct(tx: &mut Tx, room_id: RoomId, user_id: UserId, now_ms: i64) -> AppResult<()> {
    if let Some(entry) = store::rooms::sidebar_entry(tx.db(), user_id, room_id).await? {
        announce_granted(tx, entry, vec![user_id], now_ms).await?;
    }
    Ok(())
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
                for user_id in left {
                    announce_revoked(tx, room.id, user_id, now_ms).await?;
                }
            }
            let changed = ServerEvent::RoomChanged { room_id: room.id, kind: room.kind, name: room.name.clone() };
            tx.announce(Announcement::Members { room_id: room.id, frame: changed });
            announce_granted(tx, sidebar_entry(&room, now_ms), newcomers, now_ms).await?;
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
    let (room_id, member) = (member.room.id, member.clone());
    remove_if(state, room_id, async move |tx| require_administration(tx, &member).await.map(drop)).await
}

async fn remove_if<F>(state: &AppState, room_id: RoomId, allowed: F) -> AppResult<()>
where
    F: AsyncFnOnce(&mut Tx) -> AppResult<()> + Send + 'static,
{
    let now_ms = state.clock.now_ms();
    state
        .db
        .write(async move |tx| {
            allowed(tx).await?;
            // Whoever joins from now on is not let in.
            store::rooms::mark_removed(tx.db(), room_id).await?;
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

/// Removes what is left of a removed room.
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
            require_active(tx, user_ids).await?;
            Ok(store::memberships::grant(tx.db(), room_id, user_ids, now_ms).await?)
        }
    }
}

/// Checks that whoever asks may make rooms: while that is restricted, administrators may.
async fn require_room_creation(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    let user = store::users::find(tx.db(), user_id).await?.ok_or(AppError::SignedOut)?;
    let restricted = store::accounts::find(tx.db()).await?.is_some_and(|account| account.room_creation_restricted);
    if user.may_make_rooms(restricted) { Ok(()) } else { Err(AppError::Forbidden) }
}

/// Checks that all of these sorted people are active.
async fn require_active(tx: &mut Tx, user_ids: &[UserId]) -> AppResult<()> {
    if store::users::list_active_of(tx.db(), user_ids).await? == *user_ids {
        return Ok(());
    }
    Err(AppError::invalid("user_ids", "Someone you chose is no longer here. Choose again."))
}

fn sidebar_entry(room: &Room, now_ms: i64) -> SidebarRoom {
    let (kind, name) = (room.kind, room.name.clone());
    SidebarRoom { id: room.id, kind, name, unread: false, mention_count: 0, active_at: now_ms, people: Vec::new() }
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
        assert_eq!(world.sidebar(world.ada.id).await.len(), 1);
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
    async fn the_same_people_have_one_direct_room() {
        let world = testing::world().await;
        let (state, ada, bob, cleo) = (&world.state, &world.ada, &world.bob, &world.cleo);
        let first = ping(state, ada, vec![bob.id, bob.id]).await.unwrap();
        assert_eq!(first.kind, RoomKind::Direct);
        assert_eq!(ping(state, bob, vec![ada.id]).await.unwrap().id, first.id);
        let group = ping(state, bob, vec![cleo.id, ada.id]).await.unwrap();
        assert_ne!(group.id, first.id);
        let alone = ping(state, ada, vec![]).await.unwrap();
        assert_ne!(alone.id, first.id);
        let (one, other) = tokio::join!(ping(state, cleo, vec![bob.id]), ping(state, bob, vec![cleo.id]));
        assert_eq!(one.unwrap().id, other.unwrap().id);

        let sidebar = world.sidebar(ada.id).await;
        let names: Vec<_> = sidebar.iter().map(|room| room.name.as_str()).collect();
        assert_eq!(names, ["Ada", "Bob and Cleo", "Bob", "All Talk"]);
        state.clock.advance(1_000);
        world.post(bob, first.id, "hello").await;
        let sidebar = world.sidebar(ada.id).await;
        assert_eq!((sidebar[0].id, sidebar[0].unread), (first.id, true));

        let stranger = ping(state, ada, vec![UserId(99)]).await;
        assert!(matches!(stranger, Err(AppError::Invalid(_))));
        let crowd = ping(state, ada, (1..=51).map(UserId).collect()).await;
        assert!(matches!(crowd, Err(AppError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_direct_room_is_never_another_kind_and_goes_for_all_its_people() {
        let world = testing::world().await;
        let (state, ada, bob) = (&world.state, &world.ada, &world.bob);
        let room = ping(state, ada, vec![bob.id]).await.unwrap();
        let member = world.member(ada, room.id).await;
        let audience = Audience::Chosen(vec![ada.id]);
        assert_eq!(change(state, &member, "Room".parse().unwrap(), audience).await, Err(AppError::NotFound));
        assert_eq!(remove(state, &member).await, Err(AppError::NotFound));
        assert!(matches!(leave(state, &member).await, Err(AppError::Invalid(_))));
        let shared = world.member(ada, world.all_talk.id).await;
        assert_eq!(remove_direct(state, &shared).await, Err(AppError::NotFound));
        remove_direct(state, &world.member(bob, room.id).await).await.unwrap();
        assert_eq!(world.sidebar(ada.id).await.len(), 1);
        assert_ne!(ping(state, ada, vec![bob.id]).await.unwrap().id, room.id);
    }

    #[tokio::test]
    async fn one_leaves_a_closed_room_unless_one_is_the_last() {
        let world = testing::world().await;
        let (state, bob) = (&world.state, &world.bob);
        let room = world.open_closed_room("Room", &[bob]).await;
        leave(state, &world.member(&world.ada, room.id).await).await.unwrap();
        assert_eq!(people(&world, room.id).await, ["Bob"]);
        let last = leave(state, &world.member(bob, room.id).await).await;
        assert!(matches!(last, Err(AppError::Conflict(_))));
        let open_room = world.member(bob, world.all_talk.id).await;
        assert!(matches!(leave(state, &open_room).await, Err(AppError::Invalid(_))));
    }

    #[tokio::test]
    async fn an_invisible_room_leaves_the_sidebar_and_comes_back() {
        let world = testing::world().await;
        let (state, ada) = (&world.state, &world.ada);
        let member = world.member(ada, world.all_talk.id).await;
        set_involvement(state, &member, Involvement::Invisible).await.unwrap();
        assert!(world.sidebar(ada.id).await.is_empty());
        set_involvement(state, &member, Involvement::Nothing).await.unwrap();
        assert_eq!(world.sidebar(ada.id).await.len(), 1);
        let ping = ping(state, ada, vec![world.bob.id]).await.unwrap();
        let pinged = world.member(ada, ping.id).await;
        assert_eq!(pinged.involvement, Involvement::Everything);
        let hidden = set_involvement(state, &pinged, Involvement::Invisible).await;
        assert!(matches!(hidden, Err(AppError::Invalid(_))));
        set_involvement(state, &pinged, Involvement::Nothing).await.unwrap();
    }

    #[tokio::test]
    async fn rooms_are_made_by_administrators_alone_while_that_is_restricted() {
        let world = testing::world().await;
        let (state, ada, bob) = (&world.state, &world.ada, &world.bob);
        crate::ops::accounts::restrict_room_creation(state, ada, true).await.unwrap();
        let make = async |user: &User, audience| open(state, user, "Room".parse().unwrap(), audience).await.map(drop);
        assert_eq!(make(bob, Audience::Everyone).await, Err(AppError::Forbidden));
        assert_eq!(make(bob, Audience::Chosen(vec![])).await, Err(AppError::Forbidden));
        assert_eq!(make(ada, Audience::Everyone).await, Ok(()));
        assert!(ping(state, bob, vec![ada.id]).await.is_ok(), "pings are not restricted");
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
