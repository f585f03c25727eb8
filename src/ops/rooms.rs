//! Creating, renaming, converting and removing rooms, and pinging users.

use crate::access::{Caller, CurrentUser, Member};
use crate::facts::Fact;
use crate::model::{MessageId, Person, Room, RoomId, RoomKind, RoomName, SidebarRoom, User, UserId};
use crate::state::AppState;
use crate::store::{self, Tx};
use crate::{AppError, AppResult};

use super::permissions::{CallerRight, require_active, require_room_administration, require_room_creation, write_as};

/// Maximum number of users that one request can choose for a room.
const MAX_CHOSEN: usize = 5_000;

/// Maximum number of members of a direct room.
const MAX_PINGED: usize = 50;

/// Maximum number of open and closed rooms that were made by one user. Everybody has the open ones in their sidebar.
const MAX_ROOMS_MADE: i64 = 200;

/// Maximum number of direct rooms that were made by one user.
const MAX_PINGS_MADE: i64 = 1_000;

/// The members of a room that is created or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All active users, including those who join the account later: an open room.
    Everyone,
    /// Exactly these users: a closed room.
    Chosen(Vec<UserId>),
}

impl Audience {
    const fn kind(&self) -> RoomKind {
        match self {
            Self::Everyone => RoomKind::Open,
            Self::Chosen(_) => RoomKind::Closed,
        }
    }

    /// The same audience, with its users sorted and without duplicates.
    ///
    /// # Errors
    /// `Invalid` for no user, or more than [`MAX_CHOSEN`].
    fn validated(self) -> AppResult<Self> {
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

/// Creates a room. The creator of a closed room is always a member.
///
/// # Errors
/// `Forbidden` when only administrators may create rooms, `Invalid` when a chosen user is not active, or when the user
/// has made 200 rooms.
pub async fn open<C: Caller>(state: &AppState, caller: &C, name: RoomName, audience: Audience) -> AppResult<Room> {
    let audience = match audience {
        Audience::Chosen(mut user_ids) => {
            user_ids.push(caller.user().id);
            Audience::Chosen(user_ids)
        }
        Audience::Everyone => Audience::Everyone,
    }
    .validated()?;
    let open = async move |tx: &mut Tx, user: User| {
        require_room_creation(tx, &user).await?;
        if store::rooms::count_shared_made_by(tx.db(), user.id).await? >= MAX_ROOMS_MADE {
            let problem = format!("You have made {MAX_ROOMS_MADE} rooms, the most for one person. Delete one first.");
            return Err(AppError::invalid("name", problem));
        }
        let now_ms = tx.now_ms();
        let room = store::rooms::insert(tx.db(), audience.kind(), &name, user.id, now_ms).await?;
        tx.record(Fact::RoomOpened { room_id: room.id }).await?;
        let user_ids = grant(tx, room.id, &audience).await?;
        tx.record(Fact::MembershipsGranted { room: sidebar_entry(&room, now_ms), user_ids }).await?;
        Ok(room)
    };
    write_as(state, &CallerRight::of(caller), open).await
}

/// The direct room of exactly these users and the calling one. It is created if it does not exist.
///
/// # Errors
/// `Invalid` when a chosen user is not active, when there would be more than 50 members, or when the user has made 1,000
/// direct rooms.
pub async fn ping<C: Caller>(state: &AppState, caller: &C, mut user_ids: Vec<UserId>) -> AppResult<Room> {
    let creator_id = caller.user().id;
    user_ids.push(creator_id);
    user_ids.sort_unstable();
    user_ids.dedup();
    if user_ids.len() > MAX_PINGED {
        return Err(AppError::invalid("user_ids", "A ping is for up to 50 people. Make a room for more."));
    }
    // Most pings exist already: finding one needs no write.
    if let Some(room_id) = store::rooms::find_direct(state.db.reader(), &user_ids).await?
        && let Some((room, _)) = store::memberships::find(state.db.reader(), creator_id, room_id).await?
    {
        return Ok(room);
    }
    let ping = async move |tx: &mut Tx, _: User| {
        let room_id = match store::rooms::find_direct(tx.db(), &user_ids).await? {
            Some(room_id) => room_id,
            None => {
                require_active(tx, &user_ids).await?;
                if store::rooms::count_direct_made_by(tx.db(), creator_id).await? >= MAX_PINGS_MADE {
                    let problem =
                        format!("You have begun {MAX_PINGS_MADE} pings, the most for one person. Delete one first.");
                    return Err(AppError::invalid("user_ids", problem));
                }
                let now_ms = tx.now_ms();
                let room_id = store::rooms::insert_direct(tx.db(), &user_ids, creator_id, now_ms).await?;
                tx.record(Fact::RoomOpened { room_id }).await?;
                store::memberships::grant_direct(tx.db(), room_id, &user_ids, now_ms).await?;
                // One fact per member: each sees the room under the names of the others.
                for user_id in user_ids.iter().filter(|user_id| **user_id != creator_id) {
                    record_direct_membership(tx, room_id, *user_id).await?;
                }
                room_id
            }
        };
        record_direct_membership(tx, room_id, creator_id).await?;
        let found = store::memberships::find(tx.db(), creator_id, room_id).await?;
        found.map(|(room, _)| room).ok_or(AppError::NotFound)
    };
    write_as(state, &CallerRight::of(caller), ping).await
}

/// Records a membership in a direct room, with the room as this member sees it.
async fn record_direct_membership(tx: &mut Tx, room_id: RoomId, user_id: UserId) -> AppResult<()> {
    if let Some(room) = store::rooms::sidebar_entry(tx.db(), user_id, room_id).await? {
        tx.record(Fact::MembershipsGranted { room, user_ids: vec![user_id] }).await?;
    }
    Ok(())
}

/// Changes name and audience of a room. The memberships of users outside the audience end.
///
/// # Errors
/// `Forbidden` unless the member is an administrator or created the room, `NotFound` when the membership ended.
pub async fn change(state: &AppState, member: &Member, name: RoomName, audience: Audience) -> AppResult<Room> {
    let audience = audience.validated()?;
    let change = async move |tx: &mut Tx, member: Member| {
        let by = member.user.person();
        let mut room = require_room_administration(member)?;
        let now_ms = tx.now_ms();
        room.kind = audience.kind();
        name.as_str().clone_into(&mut room.name);
        store::rooms::update(tx.db(), room.id, room.kind, &name, now_ms).await?;
        let new_member_ids = grant(tx, room.id, &audience).await?;
        if let Audience::Chosen(user_ids) = &audience {
            let mut inboxes = store::inbox::list_people_of_room(tx.db(), room.id).await?;
            let revoked = store::memberships::revoke_all_but(tx.db(), room.id, user_ids).await?;
            inboxes.retain(|user_id| revoked.contains(user_id));
            for user_id in revoked {
                tx.record(Fact::MembershipRevoked { room_id: room.id, user_id, by: Some(by.clone()) }).await?;
            }
            // Their entries of the room are gone with the memberships.
            tx.record(Fact::InboxChanged { user_ids: inboxes, room_id: None }).await?;
        }
        tx.record(Fact::RoomChanged(room.clone())).await?;
        tx.record(Fact::MembershipsGranted { room: sidebar_entry(&room, now_ms), user_ids: new_member_ids }).await?;
        Ok(room)
    };
    write_as(state, member, change).await
}

/// Removes an open or closed room with all its messages.
///
/// This write ends all memberships, which hides the room from everyone; a job deletes the messages.
///
/// # Errors
/// `Forbidden` unless the member is an administrator or created the room, `NotFound` when the membership ended.
pub async fn remove(state: &AppState, member: &Member) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, member: Member| {
        let by = member.user.person();
        let room = require_room_administration(member)?;
        record_removed(tx, room.id, by).await
    };
    write_as(state, member, remove).await
}

/// Removes a direct room with all its messages, for all its members.
///
/// # Errors
/// `NotFound` when the membership ended, and for rooms of another kind.
pub async fn remove_direct(state: &AppState, member: &Member) -> AppResult<()> {
    let remove = async move |tx: &mut Tx, member: Member| {
        if member.room.kind != RoomKind::Direct {
            return Err(AppError::NotFound);
        }
        record_removed(tx, member.room.id, member.user.person()).await
    };
    write_as(state, member, remove).await
}

/// Marks a room as removed and ends all its memberships.
async fn record_removed(tx: &mut Tx, room_id: RoomId, by: Person) -> AppResult<()> {
    // Marked first, so that users who join the account later do not become members.
    store::rooms::mark_removed(tx.db(), room_id).await?;
    let user_ids = store::inbox::list_people_of_room(tx.db(), room_id).await?;
    store::memberships::revoke_all_but(tx.db(), room_id, &[]).await?;
    tx.record(Fact::RoomRemoved { room_id, by }).await?;
    Ok(tx.record(Fact::InboxChanged { user_ids, room_id: None }).await?)
}

/// The number of messages in the member's room.
///
/// # Errors
/// When the database does not answer.
pub async fn count_messages(state: &AppState, member: &Member) -> AppResult<i64> {
    Ok(store::messages::count(state.db.reader(), member.room.id).await?)
}

/// The newest message of the member's room.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_message(state: &AppState, member: &Member) -> AppResult<Option<MessageId>> {
    Ok(store::rooms::newest_message(state.db.reader(), member.room.id).await?)
}

/// The user's rooms and their kinds, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &AppState, current: &CurrentUser) -> AppResult<Vec<(RoomId, RoomKind)>> {
    Ok(store::memberships::list_rooms(state.db.reader(), current.user.id).await?)
}

/// The user's oldest room, which `/` redirects to.
///
/// # Errors
/// When the database does not answer.
pub async fn oldest(state: &AppState, current: &CurrentUser) -> AppResult<Option<RoomId>> {
    Ok(store::rooms::oldest_of(state.db.reader(), current.user.id).await?)
}

/// Grants the audience's memberships. Returns the new members.
async fn grant(tx: &mut Tx, room_id: RoomId, audience: &Audience) -> AppResult<Vec<UserId>> {
    let now_ms = tx.now_ms();
    match audience {
        Audience::Everyone => Ok(store::memberships::grant_everyone(tx.db(), room_id, now_ms).await?),
        Audience::Chosen(user_ids) => {
            require_active(tx, user_ids).await?;
            Ok(store::memberships::grant(tx.db(), room_id, user_ids, now_ms).await?)
        }
    }
}

fn sidebar_entry(room: &Room, now_ms: i64) -> SidebarRoom {
    let kind = room.kind;
    let name = room.name.clone();
    SidebarRoom {
        id: room.id,
        kind,
        name,
        unread: false,
        mention_count: 0,
        active_at: now_ms,
        people: Vec::new(),
        threads: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jobs, testing};

    async fn people(world: &testing::World, room_id: RoomId) -> Vec<String> {
        let people = store::memberships::list_people(world.state.db.reader(), room_id).await.unwrap();
        people.into_iter().map(|person| person.name).collect()
    }

    #[tokio::test]
    async fn an_open_room_has_all_users_and_a_closed_one_the_chosen_and_its_creator() {
        let world = testing::world().await;
        let open_room = open(&world.state, &world.ada, "Open".parse().unwrap(), Audience::Everyone).await.unwrap();
        assert_eq!(people(&world, open_room.id).await, ["Ada", "Bob", "Cleo"]);
        let chosen = Audience::Chosen(vec![world.bob.id, world.bob.id]);
        let closed = open(&world.state, &world.ada, "Closed".parse().unwrap(), chosen).await.unwrap();
        assert_eq!(people(&world, closed.id).await, ["Ada", "Bob"]);
    }

    #[tokio::test]
    async fn choosing_an_unknown_user_creates_no_room() {
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
    async fn converting_a_room_sets_its_members_to_the_new_audience() {
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
    async fn only_its_creator_or_an_administrator_who_is_a_member_changes_or_removes_a_room() {
        let world = testing::world().await;
        // Bob is the creator, Cleo is a member, Ada is an administrator and no member.
        let chosen = Audience::Chosen(vec![world.cleo.id]);
        let room = open(&world.state, &world.bob, "Bobs".parse().unwrap(), chosen).await.unwrap();
        let cleo = world.member(&world.cleo, room.id).await;
        assert_eq!(
            change(&world.state, &cleo, "Cleos".parse().unwrap(), Audience::Everyone).await,
            Err(AppError::Forbidden)
        );
        assert_eq!(remove(&world.state, &cleo).await, Err(AppError::Forbidden));
        let outdated = Member { user: world.ada.clone(), ..cleo };
        assert_eq!(remove(&world.state, &outdated).await, Err(AppError::NotFound), "checked again inside the write");

        let bob = world.member(&world.bob, room.id).await;
        remove(&world.state, &bob).await.unwrap();
        assert!(people(&world, room.id).await.is_empty());
    }

    #[tokio::test]
    async fn the_same_users_have_one_direct_room() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        let cleo = &world.cleo;
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

        let with_unknown_user = ping(state, ada, vec![UserId(99)]).await;
        assert!(matches!(with_unknown_user, Err(AppError::Invalid(_))));
        let too_many = ping(state, ada, (1..=51).map(UserId).collect()).await;
        assert!(matches!(too_many, Err(AppError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_direct_room_never_changes_its_kind_and_is_removed_for_all_members() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        let room = ping(state, ada, vec![bob.id]).await.unwrap();
        let member = world.member(ada, room.id).await;
        let audience = Audience::Chosen(vec![ada.id]);
        assert_eq!(change(state, &member, "Room".parse().unwrap(), audience).await, Err(AppError::NotFound));
        assert_eq!(remove(state, &member).await, Err(AppError::NotFound));
        assert!(matches!(crate::ops::memberships::leave(state, &member).await, Err(AppError::Invalid(_))));
        let shared = world.member(ada, world.all_talk.id).await;
        assert_eq!(remove_direct(state, &shared).await, Err(AppError::NotFound));
        remove_direct(state, &world.member(bob, room.id).await).await.unwrap();
        assert_eq!(world.sidebar(ada.id).await.len(), 1);
        assert_ne!(ping(state, ada, vec![bob.id]).await.unwrap().id, room.id);
    }

    #[tokio::test]
    async fn only_administrators_create_rooms_while_that_is_restricted() {
        let world = testing::world().await;
        let state = &world.state;
        let ada = &world.ada;
        let bob = &world.bob;
        crate::ops::accounts::restrict_room_creation(state, &testing::as_administrator(ada), true).await.unwrap();
        let create = async |user: &User, audience| open(state, user, "Room".parse().unwrap(), audience).await.map(drop);
        assert_eq!(create(bob, Audience::Everyone).await, Err(AppError::Forbidden));
        assert_eq!(create(bob, Audience::Chosen(vec![])).await, Err(AppError::Forbidden));
        assert_eq!(create(ada, Audience::Everyone).await, Ok(()));
        assert!(ping(state, bob, vec![ada.id]).await.is_ok(), "pings are not restricted");
    }

    #[tokio::test]
    async fn a_user_makes_a_limited_number_of_rooms_and_pings() {
        let world = testing::world().await;
        let (state, ada, bob) = (&world.state, &world.ada, &world.bob);
        let insert = |kind: &'static str, count: i64| {
            let ada_id = ada.id;
            async move |tx: &mut Tx| {
                sqlx::query(
                    "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $3)
                     INSERT INTO rooms (kind, name, creator_id, created_at, updated_at)
                     SELECT $1, 'Room', $2, 0, 0 FROM numbers",
                )
                .bind(kind)
                .bind(ada_id)
                .bind(count)
                .execute(tx.db())
                .await?;
                Ok(())
            }
        };
        let make = async |user: &User| open(state, user, "Room".parse().unwrap(), Audience::Chosen(vec![])).await;
        // All Talk is one of them.
        state.db.write(insert("closed", MAX_ROOMS_MADE - 2)).await.unwrap();
        let last = make(ada).await.unwrap();
        let Err(AppError::Invalid(problem)) = make(ada).await else { panic!("one too many") };
        assert!(problem.to_string().contains("You have made 200 rooms"), "{problem}");
        assert!(make(bob).await.is_ok(), "somebody else may");
        assert!(ping(state, ada, vec![bob.id]).await.is_ok(), "pings are counted by themselves");
        remove(state, &world.member(ada, last.id).await).await.unwrap();
        assert!(make(ada).await.is_ok(), "a removed room does not count");

        state.db.write(insert("direct", MAX_PINGS_MADE - 1)).await.unwrap();
        assert!(matches!(ping(state, ada, vec![world.cleo.id]).await, Err(AppError::Invalid(_))));
        assert!(ping(state, ada, vec![bob.id]).await.is_ok(), "one that exists");
        assert!(ping(state, bob, vec![world.cleo.id]).await.is_ok());

        state.db.write(insert("closed", 1)).await.unwrap();
        assert!(make(ada).await.is_err(), "as many as before");
        // An import makes rooms in the name of an administrator.
        let import = async |tx: &mut Tx| {
            let all = "SELECT 'C' || id, id FROM rooms WHERE name = 'Room'";
            let rooms: Vec<(String, i64)> = sqlx::query_as(all).fetch_all(&mut *tx.db()).await?;
            Ok(store::imports::slack::insert_rooms(tx.db(), "slack", "T1", &rooms).await?)
        };
        state.db.write(import).await.unwrap();
        assert!(make(ada).await.is_ok(), "imported rooms do not count");
        assert!(ping(state, ada, vec![world.cleo.id]).await.is_ok(), "nor do imported pings");
    }

    #[tokio::test]
    async fn removing_a_room_deletes_its_messages() {
        let world = testing::world().await;
        let room = world.open_closed_room("Room", &[]).await;
        for number in 0..3 {
            world.post(&world.ada, room.id, &format!("message {number}")).await;
        }
        remove(&world.state, &world.member(&world.ada, room.id).await).await.unwrap();
        jobs::run_due(&world.state).await.unwrap();
        let left: (i64, i64) =
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM rooms WHERE name = 'Room')")
                .fetch_one(world.state.db.reader())
                .await
                .unwrap();
        assert_eq!(left, (0, 0));
    }
}
