//! Memberships: people inside their rooms.

use std::sync::Arc;

use crate::cache::Cache;
use crate::cache::invalidation::Dependencies;
use crate::model::{Involvement, Room, RoomId, RoomKind, User, UserId, direct_name};
use crate::store::{self, Db};
use crate::{AppError, AppResult};

/// A signed-in person inside one of their rooms.
///
/// Outsiders get `NotFound`, so nobody learns that a closed room exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: User,
    /// The room. A direct one is named after the other people in it.
    pub room: Room,
    /// How much the person is notified of.
    pub involvement: Involvement,
}

impl Member {
    /// Whether the member may rename, convert or delete the room. Nobody administers a direct room.
    #[must_use]
    pub fn may_administer_room(&self) -> bool {
        self.room.kind != RoomKind::Direct && self.user.may_administer(self.room.creator_id)
    }
}

/// Memory that a membership takes, in bytes, rounded up, without the room's name.
const MEMBER_BYTES: usize = 128;

/// Memberships by person and room, cached.
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

    /// The membership of `user` in the room.
    ///
    /// # Errors
    /// `NotFound` for a room that does not exist or that the person is not in.
    pub async fn find(&self, user: &User, room_id: RoomId) -> AppResult<Member> {
        let key = (user.id, room_id);
        if let Some(cached) = self.cache.get(&key) {
            let (room, involvement) = (*cached).clone();
            return Ok(Member { user: user.clone(), room, involvement });
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
            // Names in a direct room's name, and whether the person is still active.
            people: true,
            ..Dependencies::default()
        };
        let bytes = MEMBER_BYTES + room.name.len();
        self.cache.insert(key, Arc::new((room.clone(), involvement)), bytes, version, dependencies);
        Ok(Member { user: user.clone(), room, involvement })
    }

    /// Whether a current membership of the person in the room is cached.
    #[must_use]
    pub fn is_cached(&self, user_id: UserId, room_id: RoomId) -> bool {
        self.cache.get(&(user_id, room_id)).is_some()
    }
}
