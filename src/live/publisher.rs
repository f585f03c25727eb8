//! From committed writes to the hub: in commit order, outside the writer's thread.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Hub;
use crate::clock::Clock;
use crate::health::Health;
use crate::model::{MessageId, Person, RoomId, SessionId, SidebarRoom, UserId};
use crate::protocol::ServerEvent;

/// An event to publish once the write that made it is committed.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// A change in a room, for sockets that have it in view.
    Room {
        /// The room.
        room_id: RoomId,
        /// The event to send.
        event: ServerEvent,
    },
    /// A new message: `Unread` for the room's online members except its creator, and `Mentioned` for those it mentions.
    Posted {
        /// The room.
        room_id: RoomId,
        /// The message.
        message_id: MessageId,
        /// The user who posted it.
        creator_id: UserId,
        /// The users it mentions.
        mentioned: Vec<UserId>,
    },
    /// A change of the room itself, for all its online members.
    Members {
        /// The room.
        room_id: RoomId,
        /// The event to send.
        event: ServerEvent,
    },
    /// An event for all sockets.
    Everyone {
        /// The event to send.
        event: ServerEvent,
    },
    /// An event for all sockets of one user.
    Person {
        /// The user.
        user_id: UserId,
        /// The event to send.
        event: ServerEvent,
    },
    /// An event for all sockets of some users.
    People {
        /// The users.
        user_ids: Vec<UserId>,
        /// The event to send.
        event: ServerEvent,
    },
    /// These users are members of the room from now on.
    Granted {
        /// The room, as their sidebars show it.
        room: SidebarRoom,
        /// The new members.
        user_ids: Vec<UserId>,
    },
    /// These users are no longer members of the room.
    Revoked {
        /// The room.
        room_id: RoomId,
        /// The former members.
        user_ids: Vec<UserId>,
        /// Who ended their memberships, if it was not for another reason.
        by: Option<Person>,
    },
    /// The room was removed, and all its memberships with it.
    RoomRemoved {
        /// The room.
        room_id: RoomId,
        /// Who removed it.
        by: Person,
    },
    /// A session ended: its sockets are closed.
    SessionEnded {
        /// The user of the session.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
    },
}

/// How long changes of presence are collected before they are published.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);

/// How often all sockets are checked for the need of a heartbeat.
const HEARTBEAT_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// How many announcements are planned together at most; their events for one socket are written together.
const MAX_ANNOUNCEMENTS_PER_BATCH: usize = 64;

/// Starts the task that passes announcements to the hub, and returns their channel. The task ends when the last sender
/// is dropped.
///
/// Starts two more tasks that end with it: one publishes presence, and sleeps while nothing changes; the other sends
/// heartbeats. `health` learns of the end of any of them.
#[must_use]
pub fn publisher(hub: Hub, clock: Clock, health: &Health) -> mpsc::UnboundedSender<Announcement> {
    let (sender, mut announcements) = mpsc::unbounded_channel();
    let presence_hub = hub.clone();
    let pulse = health.pulse("Presence is not published any more.");
    let presence_task = tokio::spawn(async move {
        let _pulse = pulse;
        loop {
            presence_hub.presence_changed().await;
            tokio::time::sleep(PRESENCE_INTERVAL).await;
            presence_hub.publish_presence();
        }
    });
    let heartbeat_hub = hub.clone();
    let pulse = health.pulse("No heartbeats are sent any more.");
    let heartbeat_task = tokio::spawn(async move {
        let _pulse = pulse;
        let mut interval = tokio::time::interval(HEARTBEAT_CHECK_INTERVAL);
        loop {
            interval.tick().await;
            heartbeat_hub.send_heartbeats(clock.now_ms()).await;
        }
    });
    let pulse = health.pulse("Nothing is published any more.");
    tokio::spawn(async move {
        let _pulse = pulse;
        loop {
            let mut batch = Vec::new();
            if announcements.recv_many(&mut batch, MAX_ANNOUNCEMENTS_PER_BATCH).await == 0 {
                break;
            }
            hub.publish(batch).await;
        }
        presence_task.abort();
        heartbeat_task.abort();
    });
    sender
}
