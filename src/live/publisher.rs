//! From committed writes to the hub: in the order of the commits, off the writer's thread.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Hub;
use crate::clock::Clock;
use crate::model::{MessageId, RoomId, SessionId, SidebarRoom, UserId};
use crate::protocol::ServerEvent;

/// What a write wants to be known once it is committed.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// Everyone with the room in view hears of a change in it.
    Room { room_id: RoomId, frame: ServerEvent },
    /// Everyone online in the room, its author aside, learns that there is something to read.
    /// Those it names learn that too.
    Posted { room_id: RoomId, message_id: MessageId, creator_id: UserId, mentioned: Vec<UserId> },
    /// Everyone online in the room hears of the room itself.
    Members { room_id: RoomId, frame: ServerEvent },
    /// Everyone online hears something.
    Everyone { frame: ServerEvent },
    /// One person's tabs hear something.
    Person { user_id: UserId, frame: ServerEvent },
    /// These people are in the room from now on.
    Granted { room: SidebarRoom, user_ids: Vec<UserId> },
    /// These people are no longer in the room.
    Revoked { room_id: RoomId, user_ids: Vec<UserId> },
    /// The room is gone.
    RoomRemoved { room_id: RoomId },
    /// This browser is signed out.
    SessionEnded { user_id: UserId, session_id: SessionId },
}

/// How long changes of presence are gathered before they are told.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked after sockets that have heard nothing.
const BEAT_EVERY: Duration = Duration::from_millis(500);

/// How many announcements are seen to at once: what they say to one socket is written together.
const TOGETHER: usize = 64;

/// Starts the task that hands announcements to the hub, which ends with the last sender, and two that end with it: one
/// tells who is present, and sleeps while nothing changes; the other lets silent sockets hear that the server is there.
#[must_use]
pub fn publisher(hub: Hub, clock: Clock) -> mpsc::UnboundedSender<Announcement> {
    let (sender, mut announcements) = mpsc::unbounded_channel();
    let presence = hub.clone();
    let presence = tokio::spawn(async move {
        loop {
            presence.presence_changed().await;
            tokio::time::sleep(PRESENCE_EVERY).await;
            presence.tell_presence();
        }
    });
    let beating = hub.clone();
    let beating = tokio::spawn(async move {
        let mut beats = tokio::time::interval(BEAT_EVERY);
        loop {
            beats.tick().await;
            beating.beat(clock.now_ms()).await;
        }
    });
    tokio::spawn(async move {
        loop {
            let mut together = Vec::new();
            if announcements.recv_many(&mut together, TOGETHER).await == 0 {
                break;
            }
            hub.publish(together).await;
        }
        presence.abort();
        beating.abort();
    });
    sender
}
