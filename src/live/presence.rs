//! Who is looking, and who writes: never stored, and gone with the sockets that said it.

use std::sync::Arc;

use super::hub::{Audience, Connection, Delivery, Hub, Inner};
use super::{EncodedEvent, Peer};
use crate::model::{Person, RoomId, UserId};
use crate::protocol::ServerEvent;

/// How many of those in a room are named to the others.
const MOST_HERE: usize = 30;

/// How many of a room's members online are marked at their avatars.
const MOST_ONLINE: usize = 100;

/// A room with this many listeners tells its presence every second, one with twice as many every other.
const LISTENERS_A_SECOND: u64 = 1_000;

impl Hub {
    /// Comes when somebody came or went since presence was told last.
    pub async fn presence_changed(&self) {
        self.presence_changed.notified().await;
    }

    /// Tells who is present where that has changed: those with a room in view, and the people of direct rooms.
    pub fn tell_presence(&self) {
        let mut deliveries = Vec::new();
        {
            let mut inner = self.lock();
            inner.tick += 1;
            let tick = inner.tick;
            for room_id in std::mem::take(&mut inner.stirred) {
                let Some(audience) = inner.rooms.get(&room_id) else { continue };
                if audience.is_direct {
                    let online = audience.online.iter().copied();
                    let user_ids = online.filter(|user_id| inner.is_present(*user_id)).collect();
                    deliveries.push(inner.to_members(room_id, &ServerEvent::Online { room_id, user_ids }));
                }
                let listener_count = u64::try_from(audience.listeners.len()).unwrap_or(u64::MAX);
                if listener_count == 0 {
                    continue;
                }
                if tick.is_multiple_of((listener_count / LISTENERS_A_SECOND).max(1)) {
                    let frame = EncodedEvent::new(&inner.presence(room_id, audience));
                    deliveries.push(Delivery::to_room(listeners(audience), room_id, frame));
                } else {
                    inner.stirred.insert(room_id);
                }
            }
            if !inner.stirred.is_empty() {
                self.presence_changed.notify_one();
            }
        }
        self.hand_over(&deliveries);
    }
}

fn listeners(audience: &Audience) -> Vec<Arc<Peer>> {
    audience.listeners.values().cloned().collect()
}

impl Connection {
    /// Says whether somebody looks at this page, and which room it shows.
    ///
    /// The others hear of it within seconds.
    pub fn set_presence(&mut self, present: bool, in_view: Option<RoomId>) {
        if (self.present, self.shown) == (present, in_view) {
            return;
        }
        let mut inner = self.hub.lock();
        let (before, after) = (self.shown.filter(|_| self.present), in_view.filter(|_| present));
        if before != after {
            if let Some(room_id) = before {
                inner.leave_view(self.user_id, room_id);
            }
            if let Some(room_id) = after {
                inner.enter_view(self.user_id, room_id);
            }
        }
        if self.present != present {
            inner.count_present(self.user_id, present);
        }
        (self.present, self.shown) = (present, in_view);
        if !inner.stirred.is_empty() {
            self.hub.presence_changed.notify_one();
        }
    }

    /// Whether somebody looks at this page, as far as it said.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.present
    }

    /// Who is present in a room now; nothing where nobody online is in it.
    #[must_use]
    pub fn presence(&self, room_id: RoomId) -> Option<ServerEvent> {
        let inner = self.hub.lock();
        inner.rooms.get(&room_id).map(|audience| inner.presence(room_id, audience))
    }

    /// Who of the people in this person's direct rooms is online now, room by room; rooms with nobody are left out.
    #[must_use]
    pub fn online_in_direct_rooms(&self) -> Vec<ServerEvent> {
        let inner = self.hub.lock();
        let Some(person) = inner.people.get(&self.user_id) else { return Vec::new() };
        let mut frames = Vec::new();
        for room_id in &person.rooms {
            let Some(audience) = inner.rooms.get(room_id).filter(|audience| audience.is_direct) else { continue };
            let user_ids: Vec<_> = audience.online.iter().copied().filter(|id| inner.is_present(*id)).collect();
            if !user_ids.is_empty() {
                frames.push(ServerEvent::Online { room_id: *room_id, user_ids });
            }
        }
        frames
    }

    /// Says to those with the room in view that this person writes there, or stopped.
    pub fn tell_typing(&self, room_id: RoomId, active: bool) {
        let delivery = {
            let inner = self.hub.lock();
            let audience = inner.rooms.get(&room_id).filter(|room| room.online.contains(&self.user_id));
            let (Some(audience), Some(person)) = (audience, inner.people.get(&self.user_id)) else { return };
            let person = Person { id: self.user_id, name: person.name.clone() };
            let frame = EncodedEvent::new(&ServerEvent::Typing { room_id, person, active });
            Delivery::to_room(listeners(audience), room_id, frame)
        };
        self.hub.hand_over(&[delivery]);
    }
}

impl Inner {
    pub(super) fn is_present(&self, user_id: UserId) -> bool {
        self.people.get(&user_id).is_some_and(|person| person.present_count > 0)
    }

    fn presence(&self, room_id: RoomId, audience: &Audience) -> ServerEvent {
        let mut here: Vec<UserId> = audience.here.keys().copied().collect();
        here.sort_unstable();
        let here_count = u32::try_from(here.len()).unwrap_or(u32::MAX);
        here.truncate(MOST_HERE);
        let named = |id| self.people.get(&id).map(|person| Person { id, name: person.name.clone() });
        let here = here.into_iter().filter_map(named).collect();
        let online = audience.online.iter().copied().filter(|id| self.is_present(*id)).take(MOST_ONLINE);
        let mut online: Vec<_> = online.collect();
        online.sort_unstable();
        ServerEvent::Presence { room_id, here, here_count, online }
    }

    /// Notes that who is present in a room has changed, if anybody might want to know.
    pub(super) fn stir(&mut self, room_id: RoomId) {
        let concerns = |audience: &Audience| audience.is_direct || !audience.listeners.is_empty();
        if self.rooms.get(&room_id).is_some_and(concerns) {
            self.stirred.insert(room_id);
        }
    }

    fn enter_view(&mut self, user_id: UserId, room_id: RoomId) {
        if let Some(audience) = self.rooms.get_mut(&room_id).filter(|audience| audience.online.contains(&user_id)) {
            *audience.here.entry(user_id).or_default() += 1;
            self.stir(room_id);
        }
    }

    fn leave_view(&mut self, user_id: UserId, room_id: RoomId) {
        let Some(audience) = self.rooms.get_mut(&room_id) else { return };
        if let Some(page_count) = audience.here.get_mut(&user_id) {
            *page_count -= 1;
            if *page_count == 0 {
                audience.here.remove(&user_id);
            }
            self.stir(room_id);
        }
    }

    /// One page more, or one less, of this person is looked at.
    fn count_present(&mut self, user_id: UserId, present: bool) {
        let Some(person) = self.people.get_mut(&user_id) else { return };
        if present {
            person.present_count += 1;
        } else {
            person.present_count -= 1;
        }
        let turned = person.present_count == usize::from(present);
        if turned {
            let room_ids: Vec<_> = person.rooms.iter().copied().collect();
            for room_id in room_ids {
                self.stir(room_id);
            }
        }
    }
}
