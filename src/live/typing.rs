//! Typing: who is typing in which room, by what their tabs report. Never stored.
//!
//! Limited by user, whatever their number of sockets: each report is published to everybody who has the room in view.

use std::time::{Duration, Instant};

use super::hub::address;
use super::plan::Delivery;
use super::presence::subscribers;
use super::{Connection, EncodedEvent};
use crate::clock;
use crate::model::{Person, RoomId};
use crate::protocol::{ServerEvent, TYPING_EVERY_MS};

/// How often a user's typing is published at most while it continues; more frequent reports are ignored. A tenth below
/// the interval of the browser, which is never exact.
const TYPING_INTERVAL: Duration = Duration::from_millis(TYPING_EVERY_MS * 9 / 10);

/// The gap between two published reports after which [`MAX_TYPING_RESTARTS`] is counted anew.
const TYPING_RESTART_WINDOW: Duration = Duration::from_secs(1);

/// How often typing may start again without a gap: a user who stops and continues is published at once, a flood of
/// starts and stops is not.
const MAX_TYPING_RESTARTS: u32 = 3;

/// What was last published of a user's typing.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// The tab where the user types, by the address of its socket, and the room.
    place: Option<(usize, RoomId)>,
    /// When it was last published that the user types.
    published_at: Option<Instant>,
    /// How often typing started without a gap of [`TYPING_RESTART_WINDOW`].
    restarts: u32,
}

impl Typing {
    /// A tab reports that the user types in a room. Returns whether to publish it.
    ///
    /// A user types in one tab at a time: the last one that reports it.
    fn start(&mut self, peer: usize, room_id: RoomId, now: Instant) -> bool {
        let is_within = |period| self.published_at.is_some_and(|at| now.duration_since(at) < period);
        let continues = self.place.is_some_and(|(_, typed_in)| typed_in == room_id);
        let is_published = if continues {
            !is_within(TYPING_INTERVAL)
        } else {
            if !is_within(TYPING_RESTART_WINDOW) {
                self.restarts = 0;
            }
            self.restarts += 1;
            self.restarts <= MAX_TYPING_RESTARTS
        };
        if is_published {
            self.published_at = Some(now);
        }
        if is_published || continues {
            self.place = Some((peer, room_id));
        }
        is_published
    }

    /// A tab reports that the user stopped. Returns the room to publish it to: `None` if the user types elsewhere, or it
    /// was not published that they type.
    fn stop(&mut self, peer: usize) -> Option<RoomId> {
        self.place.take_if(|(typed_at, _)| *typed_at == peer).map(|(_, room_id)| room_id)
    }
}

impl Connection {
    /// Publishes, within the limits, that the user types in the room in view. Does nothing without one.
    pub fn start_typing(&self) {
        let Some(room_id) = self.peer.room_in_view() else { return };
        let is_published = {
            let mut state = self.hub.lock();
            let user = state.users.get_mut(&self.user_id);
            user.is_some_and(|user| user.typing.start(address(&self.peer), room_id, clock::monotonic()))
        };
        if is_published {
            self.publish_typing(room_id, true);
        }
    }

    /// Publishes that the user stopped typing in this tab, if it was published that they type.
    pub fn stop_typing(&self) {
        let stopped_in = {
            let mut state = self.hub.lock();
            state.users.get_mut(&self.user_id).and_then(|user| user.typing.stop(address(&self.peer)))
        };
        if let Some(room_id) = stopped_in {
            self.publish_typing(room_id, false);
        }
    }

    /// Publishes to a room's subscribers that the user started typing there, or stopped. Does nothing for an outsider.
    fn publish_typing(&self, room_id: RoomId, active: bool) {
        let delivery = {
            let state = self.hub.lock();
            let room = state.rooms.get(&room_id).filter(|room| room.online.contains(&self.user_id));
            let (Some(room), Some(user)) = (room, state.users.get(&self.user_id)) else { return };
            let person = Person { id: self.user_id, name: user.name.clone() };
            let event = EncodedEvent::new(&ServerEvent::Typing { room_id, person, active });
            Delivery::to_subscribers(subscribers(room), room_id, event)
        };
        self.hub.deliver_all(&[delivery]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hub;
    use super::super::testing::{DIRECT_ROOM, ROOM, TestClient};
    use super::*;

    #[test]
    fn typing_is_published_once_in_an_interval_and_restarts_are_limited() {
        let mut typing = Typing::default();
        let began = clock::monotonic();
        let at = |ms| began + Duration::from_millis(ms);
        assert!(typing.start(1, ROOM, at(0)));
        assert!(!typing.start(1, ROOM, at(500)) && !typing.start(2, ROOM, at(899)), "from whichever tab");
        assert!(typing.start(2, ROOM, at(900)));
        assert_eq!(typing.stop(1), None, "the user types in the other tab");
        assert_eq!(typing.stop(2), Some(ROOM));
        assert_eq!(typing.stop(2), None);
        let published = (0..100).filter(|round| {
            let is_published = typing.start(round % 50, if round % 2 == 0 { ROOM } else { DIRECT_ROOM }, at(1_000));
            typing.stop(round % 50);
            is_published
        });
        assert_eq!(published.count(), 2, "the third and last restarts");
        assert!(typing.start(1, ROOM, at(2_100)), "after a gap");
    }

    #[test]
    fn the_sockets_of_a_user_publish_as_much_typing_as_one() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM, DIRECT_ROOM]);
        assert!(ada.focus(ROOM));
        let of_bob: Vec<_> = (0..40).map(|_| TestClient::connect(&hub, 2, &[ROOM, DIRECT_ROOM])).collect();
        for (index, tab) in of_bob.iter().enumerate() {
            assert!(tab.focus(if index % 2 == 0 { ROOM } else { DIRECT_ROOM }));
        }
        let mut count = 0;
        for tab in of_bob.iter().chain(&of_bob) {
            tab.start_typing();
            tab.stop_typing();
        }
        while let Some(event) = ada.receive() {
            count += usize::from(event.contains("typing"));
        }
        assert!((2..=6).contains(&count), "{count}");
    }

    #[test]
    fn closing_a_tab_in_which_the_user_types_publishes_that_they_stopped() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM]);
        let bob = TestClient::connect(&hub, 2, &[ROOM]);
        let other_tab = TestClient::connect(&hub, 2, &[ROOM]);
        assert!(ada.focus(ROOM) && bob.focus(ROOM) && other_tab.focus(ROOM));
        bob.start_typing();
        assert!(ada.receive().unwrap().contains(r#""active":true"#));
        drop(other_tab);
        assert_eq!(ada.receive(), None, "nobody typed in that one");
        drop(bob);
        assert!(ada.receive().unwrap().contains(r#""active":false"#));
    }
}
