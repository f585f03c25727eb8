//! From committed writes to the hub: in the order of the commits, off the writer's thread.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Hub;
use crate::event::ServerFrame;
use crate::model::{MessageId, RoomId, SessionId, SidebarRoom, UserId};

/// What a write wants to be known once it is committed.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// Everyone with the room in view hears of a change in it.
    Room { room_id: RoomId, frame: ServerFrame },
    /// Everyone online in the room, its author aside, learns that there is something to read.
    /// Those it names learn that too.
    Posted { room_id: RoomId, message_id: MessageId, creator_id: UserId, mentioned: Vec<UserId> },
    /// Everyone online in the room hears of the room itself.
    Members { room_id: RoomId, frame: ServerFrame },
    /// Everyone online hears something.
    Everyone { frame: ServerFrame },
    /// One person's tabs hear something.
    Person { user_id: UserId, frame: ServerFrame },
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

/// Starts the task that hands announcements to the hub, which ends with the last sender, and the one that tells who is
/// present, which sleeps while nothing changes.
#[must_use]
pub fn publisher(hub: Hub) -> mpsc::UnboundedSender<Announcement> {
    let (sender, mut announcements) = mpsc::unbounded_channel();
    let presence = hub.clone();
    tokio::spawn(async move {
        loop {
            presence.presence_changed().await;
            tokio::time::sleep(PRESENCE_EVERY).await;
            presence.tell_presence();
        }
    });
    tokio::spawn(async move {
        while let Some(announcement) = announcements.recv().await {
            hub.publish(announcement);
        }
    });
    sender
}
