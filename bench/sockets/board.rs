//! Which posts were sent, and which sockets have received them. Every post contains a unique mark; a delivery counts when a
//! socket has decoded the mark.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use campfire::protocol::{Cursor, ServerEvent};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The first character of a mark. Nothing else in a frame contains it, so that a mark is found quickly.
const SIGN: char = '§';

/// How many digits follow it.
const DIGITS: usize = 6;

/// The keys before an event's number in the log, and before its time.
const SEQ: &str = r#""seq":"#;
const AT: &str = r#""at":"#;

/// Maximum number of posts of a program, and of a round.
const MAX_POSTS: u32 = 16_384;
pub const MAX_POSTS_PER_ROUND: u32 = 1_024;

/// How long nothing may be delivered before a round counts as over: short after a `resync`, because the events that it
/// replaces never arrive; long otherwise, because slow ones do.
const QUIET_TIMEOUT_WITH_LOSSES: Duration = Duration::from_secs(3);
const QUIET_TIMEOUT: Duration = Duration::from_secs(60);

/// The text of a post's mark.
pub fn mark(post: u32) -> String {
    format!("{SIGN}{post:0DIGITS$}")
}

/// `frame` changed into that of another post: with its mark and a matching number in the log.
pub fn frame_of(post: u32, frame: &str) -> String {
    let at = frame.find(SIGN).expect("a post has a mark");
    let end = at + SIGN.len_utf8() + DIGITS;
    let seq_at = frame.find(SEQ).expect("a post has a number") + SEQ.len();
    let seq_end = seq_at + frame[seq_at..].find(',').expect("something follows it");
    format!("{}{}{}{}{}", &frame[..seq_at], post + 1, &frame[seq_end..at], mark(post), &frame[end..])
}

fn post_marked(frame: &str) -> Option<u32> {
    let digits = frame.find(SIGN).map(|at| at + SIGN.len_utf8())?;
    frame.get(digits..digits + DIGITS)?.parse().ok()
}

/// Shared by all sockets and posting clients: records what happened. Times are nanoseconds since it was created.
pub struct Board {
    began: Instant,
    posts: Box<[Post]>,
    /// The first post of the round, and the one after its last.
    first: AtomicU32,
    end: AtomicU32,
    /// Deliveries of the round: expected, done, and the time of the last.
    expected: AtomicUsize,
    delivered: AtomicUsize,
    last_delivery_ns: AtomicU64,
    losses: Losses,
    /// Posts that the server refused because it was overloaded.
    refused_count: AtomicUsize,
    /// Sockets that the server closed.
    closed_count: AtomicUsize,
    /// The first error.
    wrong: Mutex<Option<String>>,
    /// A frame as the server encodes it.
    sample: OnceLock<String>,
    moved: Notify,
}

#[derive(Default)]
struct Post {
    sent_ns: AtomicU64,
    answered_ns: AtomicU64,
    seen_by_all_ns: AtomicU64,
    missing: AtomicU32,
}

/// How often sockets had events dropped.
#[derive(Default)]
struct Losses {
    /// Room events: the socket got `resync`.
    resync_count: AtomicUsize,
    /// User events: the socket got the list of rooms again.
    list_count: AtomicUsize,
}

/// The result of a round.
pub struct Round {
    /// From sending a post until the last socket had decoded it; posts that some sockets did not receive are left out.
    pub seen_by_all: Vec<Duration>,
    /// From sending a post until its response.
    pub answered: Vec<Duration>,
    pub delivered: usize,
    /// From the first post to the last delivery.
    pub took: Duration,
    pub resync_count: usize,
    pub list_count: usize,
    /// How often the server refused a post because it was overloaded; it was then sent again.
    pub refused_count: usize,
    /// Every socket received every post once.
    pub complete: bool,
}

impl Board {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            posts: (0..MAX_POSTS).map(|_| Post::default()).collect(),
            first: AtomicU32::new(0),
            end: AtomicU32::new(0),
            expected: AtomicUsize::new(0),
            delivered: AtomicUsize::new(0),
            last_delivery_ns: AtomicU64::new(0),
            losses: Losses::default(),
            refused_count: AtomicUsize::new(0),
            closed_count: AtomicUsize::new(0),
            wrong: Mutex::default(),
            sample: OnceLock::new(),
            moved: Notify::new(),
        }
    }

    /// Begins a round of `post_count` posts for `socket_count` sockets. Returns the round's posts.
    pub fn begin(&self, post_count: u32, socket_count: usize) -> std::ops::Range<u32> {
        assert!(post_count <= MAX_POSTS_PER_ROUND, "a socket remembers no more");
        let first = self.end.load(Relaxed);
        let end = first + post_count;
        let missing = u32::try_from(socket_count).expect("there are not so many sockets");
        for post in &self.posts[first as usize..end as usize] {
            post.missing.store(missing, Relaxed);
        }
        self.first.store(first, Relaxed);
        self.end.store(end, Relaxed);
        self.expected.store(post_count as usize * socket_count, Relaxed);
        self.delivered.store(0, Relaxed);
        self.losses.resync_count.store(0, Relaxed);
        self.losses.list_count.store(0, Relaxed);
        self.refused_count.store(0, Relaxed);
        first..end
    }

    pub fn sent(&self, post: u32) {
        self.posts[post as usize].sent_ns.store(self.now_ns(), Relaxed);
    }

    pub fn answered(&self, post: u32) {
        self.posts[post as usize].answered_ns.store(self.now_ns(), Relaxed);
    }

    /// Records that the server refused a post because it was overloaded.
    pub fn refused(&self) {
        self.refused_count.fetch_add(1, Relaxed);
    }

    /// Waits until all sockets have received this post.
    pub async fn seen_by_all(&self, post: u32) {
        self.wait_until(|| self.posts[post as usize].missing.load(Relaxed) == 0).await;
    }

    /// Waits until everything that can arrive has arrived. Returns the result.
    ///
    /// # Panics
    /// On any error: an unexpected frame, a duplicate delivery, one missing without a `resync`, a closed connection.
    pub async fn end(&self) -> Round {
        let expected = self.expected.load(Relaxed);
        self.wait_until(|| self.delivered.load(Relaxed) >= expected).await;
        let posts = &self.posts[self.first.load(Relaxed) as usize..self.end.load(Relaxed) as usize];
        let since_sent = |post: &Post, then: &AtomicU64| {
            Duration::from_nanos(then.load(Relaxed).saturating_sub(post.sent_ns.load(Relaxed)))
        };
        let whole = posts.iter().filter(|post| post.missing.load(Relaxed) == 0);
        let first_sent_ns = posts.iter().map(|post| post.sent_ns.load(Relaxed)).min().unwrap_or_default();
        Round {
            seen_by_all: whole.map(|post| since_sent(post, &post.seen_by_all_ns)).collect(),
            answered: posts.iter().map(|post| since_sent(post, &post.answered_ns)).collect(),
            delivered: self.delivered.load(Relaxed),
            took: Duration::from_nanos(self.last_delivery_ns.load(Relaxed).saturating_sub(first_sent_ns)),
            resync_count: self.losses.resync_count.load(Relaxed),
            list_count: self.losses.list_count.load(Relaxed),
            refused_count: self.refused_count.load(Relaxed),
            complete: self.delivered.load(Relaxed) == expected,
        }
    }

    async fn wait_until(&self, reached: impl Fn() -> bool) {
        let mut delivered = self.delivered.load(Relaxed);
        loop {
            self.check();
            if reached() {
                return;
            }
            let has_losses = self.losses.resync_count.load(Relaxed) > 0;
            let quiet = if has_losses { QUIET_TIMEOUT_WITH_LOSSES } else { QUIET_TIMEOUT };
            if timeout(quiet, self.moved.notified()).await.is_ok() {
                continue;
            }
            let now_delivered = self.delivered.load(Relaxed);
            if now_delivered == delivered {
                let expected = self.expected.load(Relaxed);
                assert!(has_losses, "{now_delivered} of {expected} deliveries came, and no socket was told of a loss");
                return;
            }
            delivered = now_delivered;
        }
    }

    /// Checks that there was no error so far.
    ///
    /// # Panics
    /// If there was one.
    pub fn check(&self) {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).take();
        assert_eq!(wrong, None, "what a socket heard");
        assert_eq!(self.closed_count.load(Relaxed), 0, "sockets that were closed");
    }

    /// Records an error.
    pub fn wrong(&self, what: String) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
        self.moved.notify_one();
    }

    /// Records that the server closed a socket.
    pub fn closed(&self) {
        self.closed_count.fetch_add(1, Relaxed);
        self.moved.notify_one();
    }

    /// A post's frame as the server sent it; `None` before the first.
    pub fn sample(&self) -> Option<&str> {
        self.sample.get().map(String::as_str)
    }

    fn delivered(&self, post: u32, frame: &str) {
        let Some(entry) = self.posts.get(post as usize) else { return self.wrong(frame.to_owned()) };
        let now_ns = self.now_ns();
        self.last_delivery_ns.fetch_max(now_ns, Relaxed);
        let delivered = self.delivered.fetch_add(1, Relaxed) + 1;
        let is_last = entry.missing.fetch_sub(1, Relaxed) == 1;
        if is_last {
            entry.seen_by_all_ns.store(now_ns, Relaxed);
        }
        if is_last || delivered == self.expected.load(Relaxed) {
            self.moved.notify_one();
        }
        self.sample.get_or_init(|| frame.to_owned());
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).expect("it is no five hundred years")
    }
}

/// The events that one socket has received.
pub struct Receiver {
    /// The list of rooms was received.
    pub is_listed: bool,
    /// The room is in view, and the catch-up was received.
    pub is_in_view: bool,
    /// The position in the log; `None` before the first catch-up.
    pub cursor: Option<Cursor>,
    /// The first post of the round, and one bit for each post of the round that was received.
    first: u32,
    seen: [u64; WORDS],
}

/// One bit for each post of a round.
const WORDS: usize = (MAX_POSTS_PER_ROUND / u64::BITS) as usize;

impl Receiver {
    pub const fn new() -> Self {
        Self { is_listed: false, is_in_view: false, cursor: None, first: 0, seen: [0; WORDS] }
    }

    /// Starts a new connection; posts received before stay recorded.
    pub const fn reconnect(&mut self) {
        (self.is_listed, self.is_in_view) = (false, false);
    }

    /// Receives a frame.
    pub fn receive(&mut self, board: &Board, frame: &str) {
        const KIND: &str = r#"{"type":""#;
        let kind = frame.strip_prefix(KIND).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        match kind {
            "message_posted" => self.receive_post(board, frame),
            "alive" | "unread" | "presence" => {}
            "rooms" if self.is_listed => _ = board.losses.list_count.fetch_add(1, Relaxed),
            "rooms" => self.is_listed = true,
            "resync" if self.is_in_view => _ = board.losses.resync_count.fetch_add(1, Relaxed),
            "caught_up" => match serde_json::from_str(frame) {
                Ok(ServerEvent::CaughtUp { cursor, .. }) => (self.cursor, self.is_in_view) = (Some(cursor), true),
                _ => board.wrong(frame.to_owned()),
            },
            // A post sent while the socket was disconnected arrives as an edit.
            "message_edited" => match post_marked(frame) {
                Some(post) => _ = self.note(board, post, frame),
                None => board.wrong(frame.to_owned()),
            },
            "bye" if frame.contains(r#""reconnect":true"#) => {}
            _ => board.wrong(frame.to_owned()),
        }
    }

    fn receive_post(&mut self, board: &Board, frame: &str) {
        let (Some(cursor), Some(seq), Some(at), Some(post)) =
            (&mut self.cursor, number(frame, SEQ), number(frame, AT), post_marked(frame))
        else {
            return board.wrong(frame.to_owned());
        };
        let is_next = cursor.seq < seq;
        (cursor.seq, cursor.at) = (seq, at);
        if !is_next || !self.note(board, post, frame) {
            board.wrong(format!("twice or not in order: {frame}"));
        }
    }

    /// Records the delivery of a post. Returns whether it is the first.
    fn note(&mut self, board: &Board, post: u32, frame: &str) -> bool {
        let first = board.first.load(Relaxed);
        if self.first != first {
            (self.first, self.seen) = (first, [0; WORDS]);
        }
        // A late delivery of an earlier round.
        let Some(place) = post.checked_sub(first) else { return true };
        let Some(word) = self.seen.get_mut((place / u64::BITS) as usize) else { return false };
        let bit = 1 << (place % u64::BITS);
        let is_new = *word & bit == 0;
        *word |= bit;
        if is_new {
            board.delivered(post, frame);
        }
        is_new
    }
}

/// The number after the first `name`.
fn number(frame: &str, name: &str) -> Option<i64> {
    let digits = &frame[frame.find(name)? + name.len()..];
    digits.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()
}
