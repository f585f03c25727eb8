//! Memberships as permissions.

use std::sync::Arc;

use super::sessions::Caller;
use crate::cache::invalidation::Dependencies;
use crate::cache::{Cache, CacheUse};
use crate::model::{Credential, Involvement, Room, RoomId, RoomKind, User, UserId, direct_name};
use crate::store::{self, Db};
use crate::{AppError, AppResult};

/// A signed-in user in one of their rooms.
///
/// Other users get `NotFound`, which does not disclose that a closed room exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: User,
    /// The credential of the request; see [`Caller::credential`].
    pub credential: Credential,
    /// The room. A direct one is named after its other members.
    pub room: Room,
    /// The user's involvement in the room.
    pub involvement: Involvement,
}

impl Member {
    /// Whether the member may rename, convert or delete the room. Never for a direct room.
    #[must_use]
    pub fn may_administer_room(&self) -> bool {
        self.room.kind != RoomKind::Direct && self.user.may_administer(self.room.creator_id)
    }
}

/// Size of a cached membership without the room's name, in bytes, rounded up.
const MEMBER_BYTES: usize = 128;

/// A cache of memberships, by user and room.
#[derive(Debug)]
pub struct Members {
    cache: Cache<(UserId, RoomId), Arc<(Room, Involvement)>>,
    db: Db,
}

impl Members {
    /// Memberships of `db`, at most `capacity_bytes` of them cached.
    #[must_use]
    pub fn new(db: Db, capacity_bytes: u64) -> Self {
        Self { cache: Cache::new(db.invalidations().clone(), capacity_bytes, MEMBER_BYTES), db }
    }

    /// How often the cache was asked, and how full it is.
    #[must_use]
    pub fn usage(&self) -> CacheUse {
        self.cache.usage()
    }

    /// The membership of the caller in the room.
    ///
    /// # Errors
    /// `NotFound` for a room that does not exist or that the user is not a member of.
    pub async fn find<C: Caller>(&self, caller: &C, room_id: RoomId) -> AppResult<Member> {
        let (user, credential) = (caller.user(), caller.credential());
        let key = (user.id, room_id);
        if let Some(cached) = self.cache.get(&key) {
            let (room, involvement) = (*cached).clone();
            return Ok(Member { user: user.clone(), credential, room, involvement });
        }
        let version = self.cache.version();
        let found = store::memberships::find(self.db.reader(), user.id, room_id).await?;
        let (mut room, involvement) = found.ok_or(AppError::NotFound)?;
        if room.kind == RoomKind::Direct {
            let mut people = store::memberships::list_all_people(self.db.reader(), room_id).await?;
            if people.len() > 1 {
                people.retain(|person| person.id != user.id);
            }
            room.name = direct_name(&people);
        }
        let dependencies = Dependencies {
            memberships: Some(user.id),
            rooms: true,
            // A direct room's name consists of users' names, and the user's status decides whether there is a
            // membership.
            people: true,
            ..Dependencies::default()
        };
        let bytes = MEMBER_BYTES + room.name.len();
        self.cache.insert(key, Arc::new((room.clone(), involvement)), bytes, version, dependencies);
        Ok(Member { user: user.clone(), credential, room, involvement })
    }

    /// Whether a current membership of the user in the room is cached.
    #[must_use]
    pub fn is_cached(&self, user_id: UserId, room_id: RoomId) -> bool {
        self.cache.get(&(user_id, room_id)).is_some()
    }
}
