//! From announcements to deliveries: which sockets receive which events.

use std::collections::HashSet;
use std::sync::Arc;

use super::hub::HubState;
use super::{Announcement, EncodedEvent, Peer, PeerCommand};
use crate::model::{RoomId, RoomKind, UserId};
use crate::protocol::{RoomEnd, ServerEvent};

/// A payload, and the sockets to deliver it to.
pub(super) struct Delivery {
    pub peers: Vec<Arc<Peer>>,
    pub payload: Payload,
}

pub(super) enum Payload {
    /// Events of a room, for sockets that have it in view.
    Room(RoomEvents),
    /// An event on the user's own stream.
    User(EncodedEvent),
    /// A command to the socket's task.
    Command(PeerCommand),
}

pub(super) struct RoomEvents {
    pub room_id: RoomId,
    pub events: Vec<EncodedEvent>,
    /// For the last posted message among the events: its creator, and the `Unread` event for sockets that no longer
    /// have the room in view.
    pub unread: Option<(UserId, EncodedEvent)>,
}

impl Delivery {
    /// One event of a room, for sockets that have it in view.
    pub fn to_subscribers(peers: Vec<Arc<Peer>>, room_id: RoomId, event: EncodedEvent) -> Self {
        Self { peers, payload: Payload::Room(RoomEvents { room_id, events: vec![event], unread: None }) }
    }
}

impl HubState {
    /// Applies one announcement to the state, and appends the deliveries it results in.
    pub fn plan(&mut self, announcement: Announcement, deliveries: &mut Vec<Delivery>) {
        match announcement {
            Announcement::Room { room_id, event } => {
                self.plan_room_event(room_id, EncodedEvent::new(&event), deliveries);
            }
            Announcement::Posted { room_id, message_id, creator_id, mentioned } => {
                // Subscribers receive the message itself, and this event only if they leave the room before delivery.
                let unread = EncodedEvent::new(&ServerEvent::Unread { room_id, message_id });
                let room_events = deliveries.iter_mut().rev().find_map(|delivery| match &mut delivery.payload {
                    Payload::Room(room_events) if room_events.room_id == room_id => Some(room_events),
                    _ => None,
                });
                if let Some(room_events) = room_events {
                    room_events.unread = Some((creator_id, unread.clone()));
                }
                let is_receiver = |user_id: &UserId| *user_id != creator_id;
                let peers = self.peers_of_members(room_id, is_receiver).filter(|peer| !peer.is_caught_up_in(room_id));
                let peers: Vec<_> = peers.cloned().collect();
                deliveries.push(Delivery { peers, payload: Payload::User(unread) });
                let mentioned: HashSet<_> = mentioned.into_iter().collect();
                if !mentioned.is_empty() {
                    let event = EncodedEvent::new(&ServerEvent::Mentioned { room_id, message_id });
                    let is_receiver = |user_id: &UserId| *user_id != creator_id && mentioned.contains(user_id);
                    let peers = self.peers_of_members(room_id, is_receiver).cloned().collect();
                    deliveries.push(Delivery { peers, payload: Payload::User(event) });
                }
            }
            Announcement::Members { room_id, event } => deliveries.push(self.to_members(room_id, &event)),
            Announcement::Everyone { event } => {
                let peers = self.users.values().flat_map(|user| &user.peers).cloned().collect();
                deliveries.push(Delivery { peers, payload: Payload::User(EncodedEvent::new(&event)) });
            }
            Announcement::Person { user_id, event } => {
                if let (ServerEvent::Viewer { user }, Some(online_user)) = (&event, self.users.get_mut(&user_id)) {
                    online_user.name.clone_from(&user.name);
                }
                deliveries.extend(self.to_user(user_id, Payload::User(EncodedEvent::new(&event))));
            }
            Announcement::People { user_ids, event } => {
                let peers = user_ids.iter().filter_map(|user_id| self.users.get(user_id)).flat_map(|user| &user.peers);
                let peers: Vec<_> = peers.cloned().collect();
                deliveries.push(Delivery { peers, payload: Payload::User(EncodedEvent::new(&event)) });
            }
            Announcement::Granted { room, user_ids } => {
                let room_id = room.id;
                let is_direct = room.kind == RoomKind::Direct;
                let event = EncodedEvent::new(&ServerEvent::RoomAdded { room });
                for user_id in user_ids {
                    self.grant_membership(user_id, room_id, is_direct);
                    self.mark_presence_dirty(room_id);
                    deliveries.extend(self.to_user(user_id, Payload::User(event.clone())));
                }
            }
            Announcement::Revoked { room_id, user_ids, by } => {
                let end = by.map(|by| RoomEnd { by, is_deleted: false });
                let event = EncodedEvent::new(&ServerEvent::RoomRemoved { room_id, end });
                for user_id in user_ids {
                    self.revoke_membership(user_id, room_id);
                    self.plan_membership_end(user_id, room_id, event.clone(), deliveries);
                }
            }
            Announcement::RoomRemoved { room_id, by } => {
                let end = Some(RoomEnd { by, is_deleted: true });
                let event = EncodedEvent::new(&ServerEvent::RoomRemoved { room_id, end });
                let online = self.rooms.remove(&room_id).map(|room| room.online).unwrap_or_default();
                for user_id in online {
                    self.revoke_membership(user_id, room_id);
                    self.plan_membership_end(user_id, room_id, event.clone(), deliveries);
                }
            }
            Announcement::SessionEnded { user_id, session_id } => {
                deliveries.extend(self.to_user(user_id, Payload::Command(PeerCommand::SessionEnded(session_id))));
            }
        }
    }

    /// Plans an event for a room's subscribers; appends it to the room's previous delivery where order permits, so
    /// that both are written to a socket together.
    fn plan_room_event(&self, room_id: RoomId, event: EncodedEvent, deliveries: &mut Vec<Delivery>) {
        let Some(room) = self.rooms.get(&room_id).filter(|room| !room.subscribers.is_empty()) else { return };
        // The event must not overtake a user event or a command to the same socket. Events of other rooms have other
        // receivers, as a socket has one room in view, and a post's `Unread` has none while all members are subscribed.
        for delivery in deliveries.iter_mut().rev() {
            match &mut delivery.payload {
                Payload::Room(room_events) if room_events.room_id == room_id => return room_events.events.push(event),
                Payload::Room(_) => {}
                Payload::User(_) if delivery.peers.is_empty() => {}
                Payload::User(_) | Payload::Command(_) => break,
            }
        }
        let peers = room.subscribers.values().cloned().collect();
        deliveries.push(Delivery::to_subscribers(peers, room_id, event));
    }

    /// Plans the notice to a user who is no longer a member of a room. Later events of the room do not reach them.
    fn plan_membership_end(
        &self,
        user_id: UserId,
        room_id: RoomId,
        event: EncodedEvent,
        deliveries: &mut Vec<Delivery>,
    ) {
        deliveries.extend(self.to_user(user_id, Payload::Command(PeerCommand::MembershipEnded(room_id))));
        deliveries.extend(self.to_user(user_id, Payload::User(event)));
    }

    fn to_user(&self, user_id: UserId, payload: Payload) -> Option<Delivery> {
        let peers = self.users.get(&user_id)?.peers.clone();
        Some(Delivery { peers, payload })
    }

    /// An event on the own stream of each online member of a room.
    pub fn to_members(&self, room_id: RoomId, event: &ServerEvent) -> Delivery {
        let peers = self.peers_of_members(room_id, |_| true).cloned().collect();
        Delivery { peers, payload: Payload::User(EncodedEvent::new(event)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hub;
    use super::super::testing::{ROOM, TestClient, posted, publish};
    use super::*;
    use crate::model::{MessageId, SidebarRoom};

    #[test]
    fn a_post_is_announced_to_members_except_its_creator() {
        let hub = Hub::default();
        let mut ada = TestClient::connect(&hub, 1, &[ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[ROOM]);
        let mut eve = TestClient::connect(&hub, 3, &[]);
        publish(&hub, posted());
        assert_eq!(bob.receive().as_deref(), Some(r#"{"type":"unread","room_id":1,"message_id":5}"#));
        assert_eq!(bob.receive().as_deref(), Some(r#"{"type":"mentioned","room_id":1,"message_id":5}"#));
        assert_eq!(ada.receive(), None);
        assert_eq!(eve.receive(), None);
    }

    #[test]
    fn a_subscriber_receives_room_events_and_another_tab_of_the_user_an_unread_event() {
        let hub = Hub::default();
        let _ada = TestClient::connect(&hub, 1, &[ROOM]);
        let mut bob = TestClient::connect(&hub, 2, &[ROOM]);
        let mut tab = TestClient::connect(&hub, 2, &[ROOM]);
        assert!(bob.focus(ROOM));
        let removed = ServerEvent::MessageRemoved { seq: 7, at: 7, room_id: ROOM, message_id: MessageId(4) };
        let room = || Announcement::Room { room_id: ROOM, event: removed.clone() };
        let deliveries = hub.plan(vec![room(), room()]);
        assert_eq!(deliveries.len(), 1, "both events are written together");
        hub.deliver_all(&deliveries);
        assert_eq!([bob.receive(), bob.receive(), bob.receive()].iter().flatten().count(), 2);
        publish(&hub, posted());
        assert!(tab.receive().is_some_and(|event| event.contains("unread")));
        assert!(bob.receive().is_some_and(|event| event.contains("mentioned")) && bob.receive().is_none());
    }

    #[test]
    fn a_new_member_receives_the_room_and_may_subscribe_at_once() {
        let hub = Hub::default();
        let mut bob = TestClient::connect(&hub, 2, &[]);
        let room = SidebarRoom {
            id: ROOM,
            kind: RoomKind::Closed,
            name: "Designers".into(),
            unread: false,
            mention_count: 0,
            active_at: 0,
            people: vec![],
            threads: vec![],
        };
        publish(&hub, Announcement::Granted { room, user_ids: vec![UserId(2), UserId(9)] });
        assert!(bob.receive().is_some_and(|event| event.contains("Designers")));
        assert!(bob.focus(ROOM));
    }
}
