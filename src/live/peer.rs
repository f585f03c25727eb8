//! One browser's end of the live stream, as the hub sees it.
//!
//! Whoever has something to say writes it to the socket at once, as long as the socket takes it: nobody is woken for
//! that. What a socket does not take waits here, bounded, and its own task writes it when it can. Who falls behind by
//! more than that loses what came meanwhile, and is told so when there is room again.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::Frame;
use crate::clock;
use crate::event::ServerFrame;
use crate::model::{RoomId, SessionId};

/// How many frames may wait for a socket that does not take them.
const MOST_WAITING: usize = 256;

/// How many frames are written together.
const MOST_TOGETHER: usize = 64;

/// A socket that can be written to from anywhere, without waiting.
pub trait Wire: Send + Sync {
    /// Writes as much of the pieces as goes now; `WouldBlock` when nothing does.
    ///
    /// # Errors
    /// When the other side is gone.
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// Something that a socket's own task must see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// This browser was signed out.
    SignedOut(SessionId),
    /// The person left the room in view.
    Left(RoomId),
    /// Nobody has said for a while that the page is looked at.
    Unseen,
    /// The socket takes what waits again, and what concerns the person was lost meanwhile.
    Behind,
}

/// Said in the place of what was lost of the room in view, before anything newer: a page must not take what comes later
/// for all there was.
static RESYNC: LazyLock<[Frame; 1]> = LazyLock::new(|| [Frame::new(&ServerFrame::Resync)]);

/// A socket, as the hub and its own task share it.
pub struct Peer {
    wire: Arc<dyn Wire>,
    out: Mutex<Out>,
    /// Wakes the socket's task: there are orders, or something waits to be written.
    attention: Notify,
    /// The room in view, 0 without one.
    in_view: AtomicI64,
    /// The same once its page is brought up to date: everything that happens there is told.
    told_of: AtomicI64,
    /// The beat at which something was written last.
    written_at: AtomicU64,
    /// When the page said last that somebody looks at it, in milliseconds since the epoch; 0 while nobody does.
    seen_at: AtomicI64,
}

struct Out {
    waiting: VecDeque<Frame>,
    /// How many bytes of the first of them are written.
    written: usize,
    /// Since when the socket takes nothing.
    stuck_since: Option<Instant>,
    /// What concerns the person, while the state is read that it is newer than; nothing once that is told.
    held: Option<Vec<Frame>>,
    lost_of_person: bool,
    lost_of_room: bool,
    room: Option<Room>,
    orders: Vec<Order>,
    gone: bool,
}

impl Out {
    /// Nothing is written any more.
    fn end(&mut self) {
        self.gone = true;
        self.waiting.clear();
        (self.written, self.stuck_since) = (0, None);
    }
}

/// The room in view.
struct Room {
    room_id: RoomId,
    /// What came while the page is brought up to date; nothing once it is.
    held: Option<Vec<Frame>>,
    /// What the catch-up told already.
    told_seq: i64,
}

impl Peer {
    pub(super) fn new(wire: Arc<dyn Wire>, beat: u64) -> Self {
        Self {
            wire,
            out: Mutex::new(Out {
                waiting: VecDeque::new(),
                written: 0,
                stuck_since: None,
                held: Some(Vec::new()),
                lost_of_person: false,
                lost_of_room: false,
                room: None,
                orders: Vec::new(),
                gone: false,
            }),
            attention: Notify::new(),
            in_view: AtomicI64::new(0),
            told_of: AtomicI64::new(0),
            written_at: AtomicU64::new(beat),
            seen_at: AtomicI64::new(0),
        }
    }

    /// Says something to this page, whatever is held.
    pub fn say(&self, frame: &Frame) {
        self.write(&mut self.lock(), std::slice::from_ref(frame));
    }

    /// Says what concerns the person.
    pub(super) fn tell(&self, frame: &Frame) {
        let mut out = self.lock();
        let waiting_count = out.held.as_ref().map_or(out.waiting.len(), Vec::len);
        if out.lost_of_person || waiting_count >= MOST_WAITING {
            out.lost_of_person = true;
        } else if let Some(held) = &mut out.held {
            held.push(frame.clone());
        } else {
            self.write(&mut out, std::slice::from_ref(frame));
        }
    }

    /// Holds what concerns the person until [`Peer::begin`]: a state is read that it is newer than.
    pub fn hold(&self) {
        self.lock().held.get_or_insert_default();
    }

    /// Says the state of the person's rooms, and what came meanwhile after it.
    pub fn begin(&self, frames: &[Frame]) {
        let mut out = self.lock();
        let held = out.held.take().unwrap_or_default();
        self.write(&mut out, frames);
        self.write(&mut out, &held);
    }

    /// Says what happened in a room; `false` when it is not in view.
    pub(super) fn tell_room(&self, room_id: RoomId, frames: &[Frame]) -> bool {
        let mut out = self.lock();
        let waiting_count = out.waiting.len();
        let is_lost = out.lost_of_room;
        let Some(room) = out.room.as_mut().filter(|room| room.room_id == room_id) else { return false };
        let told_seq = room.told_seq;
        let so_far = room.held.as_ref().map_or(waiting_count, Vec::len);
        let is_news = |frame: &Frame| frame.seq.is_none_or(|seq| seq > told_seq);
        if is_lost || so_far + frames.len() > MOST_WAITING {
            out.lost_of_room = true;
        } else if let Some(held) = &mut room.held {
            held.extend_from_slice(frames);
        } else if frames.iter().all(is_news) {
            self.write(&mut out, frames);
        } else {
            let news: Vec<_> = frames.iter().filter(|frame| is_news(frame)).cloned().collect();
            self.write(&mut out, &news);
        }
        true
    }

    /// Says `frames`, the state of the room in view up to `told_seq`, and everything that came meanwhile after them;
    /// nothing when the room is no longer the one in view.
    pub fn catch_up(&self, room_id: RoomId, frames: &[Frame], told_seq: i64) {
        let mut out = self.lock();
        let Some(room) = out.room.as_mut().filter(|room| room.room_id == room_id) else { return };
        let Some(held) = room.held.take() else { return };
        room.told_seq = told_seq;
        self.told_of.store(room_id.0, Ordering::Relaxed);
        // When some of what came meanwhile was lost, `write` says so instead of all of it.
        if !out.lost_of_room {
            self.write(&mut out, frames);
        }
        let is_news = |frame: &Frame| frame.seq.is_none_or(|seq| seq > told_seq);
        let news: Vec<_> = held.into_iter().filter(|frame| is_news(frame) && !out.lost_of_room).collect();
        self.write(&mut out, &news);
    }

    /// Something that the socket's task must see to.
    pub(super) fn order(&self, order: Order) {
        self.lock().orders.push(order);
        self.attention.notify_one();
    }

    /// What there is to see to, one thing at a time.
    #[must_use]
    pub fn take_order(&self) -> Option<Order> {
        let mut out = self.lock();
        if out.orders.is_empty() { None } else { Some(out.orders.remove(0)) }
    }

    /// Comes when there may be orders, or something began to wait.
    pub async fn attention(&self) {
        self.attention.notified().await;
    }

    /// Since when the socket takes nothing of what waits for it; nothing when nothing waits.
    #[must_use]
    pub fn stuck_since(&self) -> Option<Instant> {
        self.lock().stuck_since
    }

    /// Whether the other side is gone, as writing to it showed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.lock().gone
    }

    /// Writes what waits, as far as it goes. Call it when the socket can be written to.
    pub fn write_waiting(&self) {
        self.write(&mut self.lock(), &[]);
    }

    /// Writes a last frame, which ends the stream; nothing is said after it. Where something else waits to leave, half
    /// of it perhaps written, nothing more is.
    pub fn close(&self, frame: &[u8]) {
        let mut out = self.lock();
        if !out.gone && out.waiting.is_empty() {
            // Whoever does not even take this will notice that the connection ends.
            let _ = self.wire.try_write(&[IoSlice::new(frame)]);
        }
        out.end();
    }

    /// The room in view from now on, all that happens in it being held until [`Peer::catch_up`].
    pub(super) fn enter(&self, room_id: RoomId) {
        let mut out = self.lock();
        out.room = Some(Room { room_id, held: Some(Vec::new()), told_seq: 0 });
        out.lost_of_room = false;
        self.told_of.store(0, Ordering::Relaxed);
        self.in_view.store(room_id.0, Ordering::Relaxed);
    }

    /// No room is in view from now on.
    pub(super) fn leave(&self) {
        let mut out = self.lock();
        out.room = None;
        if std::mem::take(&mut out.lost_of_room) {
            // Nobody will fetch what was lost there: that there is something to read is said with the list of rooms.
            out.lost_of_person = true;
            self.write(&mut out, &[]);
        }
        self.in_view.store(0, Ordering::Relaxed);
        self.told_of.store(0, Ordering::Relaxed);
    }

    /// Whether everything that happens in this room is told here.
    pub(super) fn is_told_of(&self, room_id: RoomId) -> bool {
        self.told_of.load(Ordering::Relaxed) == room_id.0
    }

    /// The room in view.
    #[must_use]
    pub fn in_view(&self) -> Option<RoomId> {
        let room_id = self.in_view.load(Ordering::Relaxed);
        (room_id != 0).then_some(RoomId(room_id))
    }

    /// Notes when the page said that somebody looks at it, or, with 0, that nobody does.
    pub fn seen(&self, now_ms: i64) {
        self.seen_at.store(now_ms, Ordering::Relaxed);
    }

    /// One beat: says that the server is there if nothing else was said for `silence` beats, and tells the task when
    /// the page has not been looked at since `unseen_before_ms`.
    pub(super) fn beat(&self, beat: u64, silence: u64, alive: &Frame, unseen_before_ms: i64) {
        let seen_at = self.seen_at.load(Ordering::Relaxed);
        if seen_at != 0 && seen_at <= unseen_before_ms {
            // Unless the page has said so again just now.
            if self.seen_at.compare_exchange(seen_at, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.order(Order::Unseen);
            }
        }
        if self.written_at.load(Ordering::Relaxed).saturating_add(silence) <= beat {
            let mut out = self.lock();
            if out.waiting.is_empty() {
                self.write(&mut out, std::slice::from_ref(alive));
            }
        }
        if self.written_at.load(Ordering::Relaxed) == u64::MAX {
            self.written_at.store(beat, Ordering::Relaxed);
        }
    }

    /// Writes after what waits already; what the socket does not take waits.
    fn write(&self, out: &mut Out, frames: &[Frame]) {
        if out.gone {
            return;
        }
        let was_waiting = !out.waiting.is_empty();
        let mut rest = frames;
        if was_waiting {
            out.waiting.extend(frames.iter().cloned());
            rest = &[];
        }
        loop {
            let mut pieces = [IoSlice::new(&[]); MOST_TOGETHER];
            let mut count = 0;
            let waiting = out.waiting.iter().chain(rest).take(MOST_TOGETHER);
            for (piece, frame) in pieces.iter_mut().zip(waiting) {
                let skipped = if count == 0 { out.written } else { 0 };
                *piece = IoSlice::new(&frame.wire[skipped..]);
                count += 1;
            }
            if count == 0 {
                out.stuck_since = None;
                if out.lost_of_person && out.held.is_none() {
                    out.lost_of_person = false;
                    out.orders.push(Order::Behind);
                    self.attention.notify_one();
                }
                if out.lost_of_room && out.room.as_ref().is_some_and(|room| room.held.is_none()) {
                    out.lost_of_room = false;
                    rest = &*RESYNC;
                    continue;
                }
                return;
            }
            match self.wire.try_write(&pieces[..count]) {
                Ok(0) => {}
                Ok(mut bytes) => {
                    out.stuck_since = None;
                    self.written_at.store(u64::MAX, Ordering::Relaxed);
                    bytes += out.written;
                    out.written = 0;
                    while let Some(frame) = out.waiting.front().or(rest.first()) {
                        let length = frame.wire.len();
                        if bytes < length {
                            out.written = bytes;
                            break;
                        }
                        bytes -= length;
                        if out.waiting.pop_front().is_none() {
                            rest = &rest[1..];
                        }
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    out.waiting.extend(rest.iter().cloned());
                    out.stuck_since.get_or_insert_with(clock::monotonic);
                    if !was_waiting {
                        self.attention.notify_one();
                    }
                    return;
                }
                Err(_) => {}
            }
            out.end();
            self.attention.notify_one();
            return;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        // Nothing in here panics half-way through a change.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::MessageId;

    const ROOM: RoomId = RoomId(1);

    /// A socket that takes so many bytes and keeps them.
    #[derive(Default)]
    pub struct Pipe {
        pub taken: Mutex<Vec<u8>>,
        pub room: AtomicI64,
    }

    impl Pipe {
        pub fn wide() -> Arc<Self> {
            Self::of(i64::MAX)
        }

        fn of(bytes: i64) -> Arc<Self> {
            Arc::new(Self { taken: Mutex::default(), room: AtomicI64::new(bytes) })
        }

        /// What was heard since this was asked last, message by message.
        pub fn heard(&self) -> Vec<String> {
            let mut taken = self.taken.lock().unwrap();
            let mut rest = &taken[..];
            let mut heard = Vec::new();
            while let [0x81, length, after @ ..] = rest {
                let (length, after) = match length {
                    126 => (usize::from(u16::from_be_bytes([after[0], after[1]])), &after[2..]),
                    length => (usize::from(*length), after),
                };
                if after.len() < length {
                    break;
                }
                heard.push(String::from_utf8(after[..length].to_vec()).unwrap());
                rest = &after[length..];
            }
            let left = rest.to_vec();
            *taken = left;
            heard
        }
    }

    impl Wire for Pipe {
        fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut count = 0;
            for byte in pieces.iter().flat_map(|piece| piece.iter()) {
                if self.room.load(Ordering::Relaxed) == 0 {
                    break;
                }
                self.room.fetch_sub(1, Ordering::Relaxed);
                self.taken.lock().unwrap().push(*byte);
                count += 1;
            }
            if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
        }
    }

    fn removed(seq: i64) -> Frame {
        Frame::new(&ServerFrame::MessageRemoved { seq, at: seq, room_id: ROOM, message_id: MessageId(seq) })
    }

    /// A peer whose rooms are told.
    fn begun(pipe: &Arc<Pipe>) -> Peer {
        let peer = Peer::new(pipe.clone(), 0);
        peer.begin(&[]);
        peer
    }

    fn seqs(heard: &[String]) -> Vec<i64> {
        let seq = |frame: &String| serde_json::from_str::<serde_json::Value>(frame).unwrap()["seq"].as_i64().unwrap();
        heard.iter().map(seq).collect()
    }

    #[test]
    fn what_a_socket_takes_in_pieces_arrives_whole_and_in_order() {
        let pipe = Pipe::of(0);
        let peer = begun(&pipe);
        for seq in 1..=100 {
            peer.tell(&removed(seq));
        }
        assert!(peer.stuck_since().is_some() && pipe.heard().is_empty());
        let mut heard = Vec::new();
        while peer.stuck_since().is_some() {
            pipe.room.store(37, Ordering::Relaxed);
            peer.write_waiting();
            heard.extend(pipe.heard());
        }
        assert_eq!(seqs(&heard), (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn who_falls_behind_loses_a_bounded_number_and_is_told() {
        let pipe = Pipe::of(0);
        let peer = begun(&pipe);
        peer.enter(ROOM);
        peer.catch_up(ROOM, &[], 0);
        for seq in 1..=10_000 {
            peer.tell_room(ROOM, &[removed(seq)]);
        }
        assert_eq!(peer.lock().waiting.len(), MOST_WAITING);
        assert_eq!(peer.take_order(), None, "not while it takes nothing");
        pipe.room.store(i64::MAX, Ordering::Relaxed);
        // Whoever writes first finds that it takes everything again.
        peer.tell_room(RoomId(2), &[removed(1)]);
        peer.say(&removed(10_001));
        let mut heard = pipe.heard();
        assert!(heard.pop().unwrap().contains("resync"), "in the place of what is missing");
        let mut wanted: Vec<i64> = (1..=256).collect();
        wanted.push(10_001);
        assert_eq!(seqs(&heard), wanted);
        peer.tell_room(ROOM, &[removed(10_002)]);
        assert_eq!(seqs(&pipe.heard()), [10_002], "and hears what comes from there on");
        assert_eq!(peer.take_order(), None);
    }

    #[test]
    fn whoever_loses_what_concerns_the_person_is_told_the_rooms_anew() {
        let pipe = Pipe::of(0);
        let peer = begun(&pipe);
        for seq in 1..=300 {
            peer.tell(&removed(seq));
        }
        assert_eq!(peer.take_order(), None, "not while it takes nothing");
        pipe.room.store(i64::MAX, Ordering::Relaxed);
        peer.say(&removed(301));
        assert_eq!(seqs(&pipe.heard()).len(), MOST_WAITING + 1);
        assert_eq!(peer.take_order(), Some(Order::Behind));
        peer.hold();
        peer.tell(&removed(303));
        assert!(pipe.heard().is_empty(), "newer than the state that is being read");
        peer.begin(&[removed(302)]);
        assert_eq!(seqs(&pipe.heard()), [302, 303]);
    }

    #[test]
    fn a_room_that_was_lost_meanwhile_is_not_caught_up_with() {
        let pipe = Pipe::wide();
        let peer = begun(&pipe);
        peer.enter(ROOM);
        peer.leave();
        peer.catch_up(ROOM, &[removed(3)], 5);
        assert!(pipe.heard().is_empty());
        peer.enter(ROOM);
        assert!(!peer.is_told_of(ROOM), "what comes now may be told as a part of the state");
        for seq in 1..=300 {
            peer.tell_room(ROOM, &[removed(seq)]);
        }
        peer.catch_up(ROOM, &[removed(3)], 5);
        let heard = pipe.heard();
        assert!(heard.len() == 1 && heard[0].contains("resync"), "too much came meanwhile: {heard:?}");
        assert!(peer.is_told_of(ROOM));
    }

    #[test]
    fn who_leaves_a_room_that_lost_something_is_told_the_rooms_anew() {
        let pipe = Pipe::wide();
        let peer = begun(&pipe);
        peer.enter(ROOM);
        peer.leave();
        assert_eq!(peer.take_order(), None, "nothing was lost");
        peer.enter(ROOM);
        for seq in 1..=300 {
            assert!(peer.tell_room(ROOM, &[removed(seq)]));
        }
        peer.leave();
        assert_eq!(peer.take_order(), Some(Order::Behind));
        assert!(pipe.heard().is_empty());
    }

    #[test]
    fn what_comes_during_the_catch_up_comes_after_it_and_once() {
        let pipe = Pipe::wide();
        let peer = begun(&pipe);
        peer.tell_room(ROOM, &[removed(1)]);
        peer.enter(ROOM);
        peer.tell_room(ROOM, &[removed(4), removed(5)]);
        peer.tell_room(RoomId(2), &[removed(6)]);
        peer.tell_room(ROOM, &[removed(7)]);
        assert!(pipe.heard().is_empty());
        peer.catch_up(ROOM, &[removed(3)], 5);
        assert_eq!(seqs(&pipe.heard()), [3, 7]);
        peer.tell_room(ROOM, &[removed(5), removed(8)]);
        assert_eq!(seqs(&pipe.heard()), [8], "told already");
        peer.leave();
        peer.tell_room(ROOM, &[removed(9)]);
        assert!(pipe.heard().is_empty());
    }

    #[test]
    fn nothing_is_said_after_the_last_frame() {
        let pipe = Pipe::wide();
        let peer = begun(&pipe);
        peer.enter(ROOM);
        for seq in 1..=300 {
            peer.tell_room(ROOM, &[removed(seq)]);
        }
        peer.close(b"bye");
        peer.catch_up(ROOM, &[removed(301)], 0);
        peer.tell(&removed(302));
        assert_eq!(*pipe.taken.lock().unwrap(), *b"bye");

        let pipe = Pipe::of(3);
        let peer = begun(&pipe);
        peer.tell(&removed(1));
        pipe.room.store(i64::MAX, Ordering::Relaxed);
        peer.close(b"bye");
        peer.write_waiting();
        assert_eq!(pipe.taken.lock().unwrap().len(), 3, "not in the middle of another frame");
    }

    #[test]
    fn a_silent_socket_hears_that_the_server_is_there() {
        let pipe = Pipe::wide();
        let peer = begun(&pipe);
        let alive = Frame::new(&ServerFrame::Alive);
        peer.beat(6, 7, &alive, 0);
        assert!(pipe.heard().is_empty());
        peer.beat(7, 7, &alive, 0);
        assert_eq!(pipe.heard().len(), 1);
        peer.tell(&removed(1));
        peer.beat(8, 7, &alive, 0);
        pipe.heard();
        peer.beat(14, 7, &alive, 0);
        assert!(pipe.heard().is_empty(), "something was said in between");
        peer.beat(15, 7, &alive, 0);
        assert_eq!(pipe.heard().len(), 1);
        peer.seen(1_000);
        peer.beat(16, 7, &alive, 999);
        assert_eq!(peer.take_order(), None);
        peer.beat(16, 7, &alive, 1_000);
        assert_eq!(peer.take_order(), Some(Order::Unseen));
        peer.beat(17, 7, &alive, 5_000);
        assert_eq!(peer.take_order(), None, "told once");
    }
}
