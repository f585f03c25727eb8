//! Who is asking, as types: holding one *is* the permission. The executable's extractors make them from requests.
//!
//! Both are kept in memory until something changes that they say. They are asked for with every request, also with one
//! whose answer is kept: whoever is signed out, or taken out of a room, gets nothing that was made for them before.

use std::sync::Arc;

use crate::changes::Dependencies;
use crate::model::{Involvement, Room, RoomId, RoomKind, SessionId, User, UserId, direct_name};
use crate::state::{AppState, MEMBER_BYTES};
use crate::store::{self, Db};
use crate::{AppError, AppResult};

/// A person with a live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    pub user: User,
    pub session_id: SessionId,
}

/// A session as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSession {
    pub current: CurrentUser,
    /// When it was noted last that its browser is still there, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// When it ends by itself, in milliseconds since the epoch.
    pub expires_at: i64,
}

impl SeenSession {
    /// What one takes in memory, in bytes, roundly.
    pub(crate) const BYTES: usize = 160;

    /// The live session behind the hash of a token.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(state: &AppState, token_hash: [u8; 32]) -> AppResult<Option<Arc<Self>>> {
        if let Some(known) = Self::known(state, &token_hash) {
            return Ok(Some(known));
        }
        let (then, now_ms) = (state.sessions.now(), state.clock.now_ms());
        let Some(found) = store::sessions::find_user(state.db.reader(), &token_hash, now_ms).await? else {
            return Ok(None);
        };
        let found = Arc::new(found);
        let dependencies = Dependencies { sessions: true, ..Dependencies::default() };
        state.sessions.keep(token_hash, found.clone(), Self::BYTES, then, dependencies);
        Ok(Some(found))
    }

    /// The live session behind the hash of a token, if it is known without asking the database.
    #[must_use]
    pub fn known(state: &AppState, token_hash: &[u8; 32]) -> Option<Arc<Self>> {
        state.sessions.find(token_hash).filter(|session| session.expires_at > state.clock.now_ms())
    }
}

/// A signed-in person inside one of their rooms.
///
/// Outsiders get `NotFound`, so nobody learns that a closed room exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: User,
    pub room: Room,
    pub involvement: Involvement,
}

impl Member {
    /// The membership of `user` in the room, as it is kept or found.
    ///
    /// # Errors
    /// `NotFound` for a room that does not exist or that the person is not in.
    pub async fn of(state: &AppState, user: &User, room_id: RoomId) -> AppResult<Self> {
        let key = (user.id, room_id);
        if let Some(known) = state.members.find(&key) {
            let (room, involvement) = (*known).clone();
            return Ok(Self { user: user.clone(), room, involvement });
        }
        let then = state.members.now();
        let member = Self::find(&state.db, user, room_id).await?;
        let known = Arc::new((member.room.clone(), member.involvement));
        state.members.keep(key, known, MEMBER_BYTES + member.room.name.len(), then, Dependencies::default());
        Ok(member)
    }

    /// Whether it is known, without asking the database, that the person is in the room.
    #[must_use]
    pub fn is_known(state: &AppState, user_id: UserId, room_id: RoomId) -> bool {
        state.members.find(&(user_id, room_id)).is_some()
    }

    /// The membership of `user` in the room, read anew.
    ///
    /// # Errors
    /// `NotFound` for a room that does not exist or that the person is not in.
    pub async fn find(db: &Db, user: &User, room_id: RoomId) -> AppResult<Self> {
        let found = store::memberships::find(db.reader(), user.id, room_id).await?;
        let (mut room, involvement) = found.ok_or(AppError::NotFound)?;
        if room.kind == RoomKind::Direct {
            let mut people = store::memberships::list_all_people(db.reader(), room_id).await?;
            if people.len() > 1 {
                people.retain(|person| person.id != user.id);
            }
            room.name = direct_name(&people);
        }
        Ok(Self { user: user.clone(), room, involvement })
    }

    /// Whether the member may rename, convert or delete the room. Nobody administers a direct room.
    #[must_use]
    pub fn may_administer_room(&self) -> bool {
        self.room.kind != RoomKind::Direct && self.user.may_administer(self.room.creator_id)
    }
}
