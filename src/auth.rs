//! Who is asking, as types: holding one *is* the permission. The executable's extractors make them from requests.

use crate::model::{Involvement, Room, RoomId, RoomKind, SessionId, User, direct_name};
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
