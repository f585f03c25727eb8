//! Clients for the tests of the hub: what was written to their sockets, decoded.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use websocket::Transport;

use super::{Announcement, Connection, Hub};
use crate::model::{MessageId, RoomId, RoomKind, UserId};

/// The open room of the tests.
pub const ROOM: RoomId = RoomId(1);

/// The direct room of the tests.
pub const DIRECT_ROOM: RoomId = RoomId(2);

/// A transport that accepts a given number of bytes and records them.
pub struct FakeTransport {
    written: Mutex<Vec<u8>>,
    capacity_bytes: AtomicI64,
}

impl FakeTransport {
    pub fn unlimited() -> Arc<Self> {
        Self::with_capacity(i64::MAX)
    }

    pub fn with_capacity(bytes: i64) -> Arc<Self> {
        Arc::new(Self { written: Mutex::default(), capacity_bytes: AtomicI64::new(bytes) })
    }

    /// Accepts this many more bytes before it blocks.
    pub fn set_capacity(&self, bytes: i64) {
        self.capacity_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The bytes that [`FakeTransport::take_received`] has not taken.
    pub fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// Takes the text of every frame that has been written completely.
    pub fn take_received(&self) -> Vec<String> {
        let mut written = self.written.lock().unwrap();
        let mut rest = &written[..];
        let mut received = Vec::new();
        while let [0x81, length, after @ ..] = rest {
            let (length, after) = match length {
                126 => (usize::from(u16::from_be_bytes([after[0], after[1]])), &after[2..]),
                length => (usize::from(*length), after),
            };
            if after.len() < length {
                break;
            }
            received.push(String::from_utf8(after[..length].to_vec()).unwrap());
            rest = &after[length..];
        }
        let incomplete = rest.to_vec();
        *written = incomplete;
        received
    }
}

impl Transport for FakeTransport {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut count = 0;
        for byte in buffers.iter().flat_map(|buffer| buffer.iter()) {
            if self.capacity_bytes.load(Ordering::Relaxed) == 0 {
                break;
            }
            self.capacity_bytes.fetch_sub(1, Ordering::Relaxed);
            self.written.lock().unwrap().push(*byte);
            count += 1;
        }
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }
}

/// The `seq` of each received event.
pub fn seqs(received: &[String]) -> Vec<i64> {
    let seq = |event: &String| serde_json::from_str::<serde_json::Value>(event).unwrap()["seq"].as_i64().unwrap();
    received.iter().map(seq).collect()
}

/// A connection, and the events written to its socket.
pub struct TestClient {
    connection: Connection,
    transport: Arc<FakeTransport>,
    received: VecDeque<String>,
}

impl TestClient {
    /// Connects a user who is a member of `rooms`; the snapshot has been sent.
    pub fn connect(hub: &Hub, user_id: i64, rooms: &[RoomId]) -> Self {
        let transport = FakeTransport::unlimited();
        let connection = hub.connect(UserId(user_id), &format!("user {user_id}"), transport.clone()).unwrap();
        connection.peer.send_snapshot(&[]);
        let kind = |room_id| if room_id == DIRECT_ROOM { RoomKind::Direct } else { RoomKind::Open };
        let rooms: Vec<_> = rooms.iter().map(|room_id| (*room_id, kind(*room_id))).collect();
        assert!(connection.set_rooms(&rooms, connection.membership_version()));
        Self { connection, transport, received: VecDeque::new() }
    }

    /// The next event that was written to the socket.
    pub fn receive(&mut self) -> Option<String> {
        self.received.extend(self.transport.take_received());
        self.received.pop_front()
    }

    /// Subscribes to a room and completes its catch-up.
    pub fn focus(&self, room_id: RoomId) -> bool {
        let is_subscribed = self.subscribe(room_id);
        self.peer.complete_catch_up(room_id, &[], 0);
        is_subscribed
    }
}

impl Deref for TestClient {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for TestClient {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// Plans and delivers one announcement.
pub fn publish(hub: &Hub, announcement: Announcement) {
    hub.deliver_all(&hub.plan(vec![announcement]));
}

/// User 1 posted message 5 in [`ROOM`], which mentions users 1 and 2.
pub fn posted() -> Announcement {
    Announcement::Posted {
        room_id: ROOM,
        message_id: MessageId(5),
        creator_id: UserId(1),
        mentioned: vec![UserId(1), UserId(2)],
    }
}
