//! Measures what one person's abuse costs everybody else: memory, and the times of others' requests beside those without.
//!
//! Usage: cargo run --release -p server --example abuse EXECUTABLE [pages|catch-up|silent|colouring|passwords]
//!
//! Each case starts a server on fresh data, and measures three phases: others alone, others beside the abuse, and the
//! memory once the abuse has ended. All of it is limited in time and number, and talks to 127.0.0.1 only. Prints rows of
//! the common table. Fails only if a case could not run.

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[expect(dead_code, reason = "this program measures no responses of the common kinds")]
mod meter;

#[path = "abuse/attacks.rs"]
mod attacks;
#[path = "abuse/others.rs"]
mod others;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use campfire::clock::Clock;
use campfire::model::{ClientMessageId, MessageId, Posted, Role, RoomId, User};
use campfire::ops::messages;
use campfire::ops::rooms::{self, Audience};
use campfire::protocol::Cursor;
use campfire::state::AppState;
use campfire::store;
use tempfile::TempDir;

use meter::Server;
use meter::data::{self, Data};
use meter::process::Process;
use meter::table::{Budget, in_milliseconds, mebibytes, number, p50_and_p99, print_row, real};
use others::Others;

const CASES: [&str; 5] = ["pages", "catch-up", "silent", "colouring", "passwords"];

const PEOPLE: usize = 30;

/// How long others are measured alone, and beside the abuse.
const ALONE: Duration = Duration::from_secs(6);
const BESIDE: Duration = Duration::from_secs(12);

/// How long to wait for the memory to settle, and for how many readings, a second apart, it must stay within 1 %.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(45);
const SETTLED_READINGS: usize = 3;

/// The interval at which the largest memory is looked for.
const MEMORY_INTERVAL: Duration = Duration::from_millis(50);

/// The capacity of the caches, in bytes.
const CACHES_BYTES: f64 = 16.0 * 1_024.0 * 1_024.0;

/// How long the whole program may run.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The number of large messages in the attacker's room.
const LARGE_MESSAGES: usize = 100;

/// A running executable, with a room of the attacker's that is full of large messages.
pub struct Site {
    server: Server,
    data: Data,
    /// The attacker's room, where nobody else is.
    room_id: RoomId,
    large_ids: Vec<MessageId>,
    /// The position in the log before the large messages, and before the last 400 KiB of others.
    before_all: Cursor,
    before_some: Cursor,
    _folder: TempDir,
}

impl Site {
    async fn start(executable: &str) -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let data = data::make(folder.path(), PEOPLE).await;
        let state = AppState::open(folder.path(), Clock::System).await.expect("the data can be opened");
        let attacker = &data.viewers[1];
        let attacker = User { id: attacker.id, name: attacker.name.clone(), role: Role::Member };
        let name = "Flood".parse().expect("a name");
        let room_id = rooms::open(&state, &attacker, name, Audience::Chosen(Vec::new())).await.expect("a room").id;
        let member = state.members.find(&attacker, room_id).await.expect("a member");
        let cursor = || async { store::events::room_cursor(state.db.reader(), room_id).await.expect("a position") };
        let post = async |number: usize, text: String| {
            let mut randomness = [0; 10];
            randomness[..8].copy_from_slice(&(number as u64).to_be_bytes());
            let now_ms = u64::try_from(state.clock.now_ms()).expect("it is after 1970");
            let id = ClientMessageId::v7(now_ms, randomness);
            match messages::post(&state, &member, id, text.parse().expect("a draft")).await.expect("a post") {
                Posted::Stored(message) => message.id,
                Posted::Removed(_) => unreachable!("nothing is removed"),
            }
        };
        let before_all = cursor().await;
        let mut large_ids = Vec::new();
        for number in 0..LARGE_MESSAGES {
            large_ids.push(post(number, "- > a\n".repeat(5_300)).await);
        }
        let before_some = cursor().await;
        for number in 0..12 {
            post(LARGE_MESSAGES + number, "plain words ".repeat(2_600)).await;
        }
        drop(state);
        let server = Server::start(executable, folder.path());
        Arc::new(Self { server, data, room_id, large_ids, before_all, before_some, _folder: folder })
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// The cookie of the person with this number. Number 1 is the attacker, those from 10 on are the others.
    pub fn cookie(&self, number: usize) -> &str {
        &self.data.viewers[number].cookie
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let executable = arguments.next();
    let wanted = arguments.next();
    let is_known = wanted.as_deref().is_none_or(|wanted| CASES.contains(&wanted));
    let Some(executable) = executable.filter(|_| is_known) else {
        eprintln!("Usage: abuse EXECUTABLE [{}]", CASES.join("|"));
        std::process::exit(2);
    };
    let all = async {
        for case in CASES.into_iter().filter(|case| wanted.as_deref().is_none_or(|wanted| wanted == *case)) {
            measure(&executable, case).await;
        }
    };
    tokio::time::timeout(TOTAL_TIMEOUT, all).await.expect("the cases end in time");
}

async fn measure(executable: &str, case: &str) {
    let site = Site::start(executable).await;
    let process = &site.server.process;
    let alone = Others::start(&site).during(ALONE).await;
    assert!(alone.failed_count == 0 && !alone.reads.is_empty(), "without abuse everything is answered");
    let idle = settled(process).await;

    let most = Arc::new(AtomicU64::new(0));
    let others = Others::start(&site);
    let began = Instant::now();
    let attack = match case {
        "pages" => attacks::unread_pages(&site).await,
        "catch-up" => attacks::unread_catch_up(&site).await,
        "silent" => attacks::silent(&site).await,
        "colouring" => attacks::colouring(&site),
        "passwords" => attacks::passwords(&site),
        other => unreachable!("{other} is no case"),
    };
    let beside = tokio::select! {
        beside = others.during(BESIDE.saturating_sub(began.elapsed()).max(ALONE)) => beside,
        () = watch_memory(process, &most) => unreachable!("it goes on"),
    };
    let most = real(most.load(Ordering::Relaxed));
    let (workload, outcome) = attack.end().await;
    let after = settled(process).await;

    let p99_ms = |times: &[Duration]| in_milliseconds(p50_and_p99(times).1);
    let (alone_ms, beside_ms) = (p99_ms(&alone.reads), p99_ms(&beside.reads));
    let allowed = idle * 1.2 + CACHES_BYTES;
    let budget = Budget::new("≤ 2 × p99 without", beside_ms <= 2.0 * alone_ms)
        .and(Budget::new(format!("≤ {} after", mebibytes(allowed)), after <= allowed));
    let figure = format!("{} × the p99 without", number(beside_ms / alone_ms, 2));
    let text = format!(
        "room page p99 {} ms, without {} ms · post p99 {} ms, without {} ms · {} of others' requests failed · \
         RssAnon {} before, {} at most, {} after · {outcome}",
        number(beside_ms, 2),
        number(alone_ms, 2),
        number(p99_ms(&beside.posts), 2),
        number(p99_ms(&alone.posts), 2),
        beside.failed_count,
        mebibytes(idle),
        mebibytes(most),
        mebibytes(after),
    );
    print_row(&workload, &figure, &text, Some(&budget));
}

/// Stores the largest memory seen, for ever.
async fn watch_memory(process: &Process, most: &AtomicU64) {
    loop {
        most.fetch_max(process.rss_anon_bytes(), Ordering::Relaxed);
        tokio::time::sleep(MEMORY_INTERVAL).await;
    }
}

/// The memory of a process once it has stayed within 1 % for [`SETTLED_READINGS`], or after [`SETTLE_TIMEOUT`].
async fn settled(process: &Process) -> f64 {
    let began = Instant::now();
    let mut stood_with = real(process.rss_anon_bytes());
    let mut stood = 0;
    while began.elapsed() < SETTLE_TIMEOUT && stood < SETTLED_READINGS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = real(process.rss_anon_bytes());
        let is_same = (now - stood_with).abs() <= stood_with / 100.0;
        stood = if is_same { stood + 1 } else { 0 };
        if !is_same {
            stood_with = now;
        }
    }
    real(process.rss_anon_bytes())
}
