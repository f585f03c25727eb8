//! Who is asking, as types: holding one *is* the permission. The executable's extractors make them from requests.

use crate::model::{Involvement, Room, RoomId, SessionId, User};
use crate::store::{self, Db};
use crate::{AppError, AppResult};

/// A person with a live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    pub user: User,
    pub session_id: SessionId,
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
    /// The membership of `user` in the room.
    ///
    /// # Errors
    /// `NotFound` for a room that does not exist or that the person is not in.
    pub async fn find(db: &Db, user: &User, room_id: RoomId) -> AppResult<Self> {
        let found = store::memberships::find(db.reader(), user.id, room_id).await?;
        let (room, involvement) = found.ok_or(AppError::NotFound)?;
        Ok(Self { user: user.clone(), room, involvement })
    }

    /// Whether the member may rename, convert or delete the room.
    #[must_use]
    pub fn may_administer_room(&self) -> bool {
        self.user.may_administer(self.room.creator_id)
    }
}
