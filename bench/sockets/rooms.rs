//! One room with 100, 1,000 and 10,000 sockets: the time to connect them, the time until all have received a post,
//! deliveries per second, and memory per socket.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{interval, sleep};

use super::bare::BareLoop;
use super::board::{Board, Round};
use super::crowd::{Crowd, Opened, Place};
use super::site::Site;
use crate::meter::Server;
use crate::meter::process::{Memory, Process, Work};
use crate::meter::table::{
    Budget, in_mebibytes, in_milliseconds, mebibytes, median, median_and_range, milliseconds, number, p50_and_p99,
    print_row, real,
};

const ROUNDS: usize = 3;

/// Number of posting clients when the server is saturated.
const CLIENTS: usize = 16;

/// How long 10,000 idle sockets are measured.
const IDLE: Duration = Duration::from_secs(5);

/// How long the server may take to close its end of closed sockets.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many sockets there are, and what is posted to them.
#[derive(Clone, Copy)]
struct Size {
    socket_count: usize,
    posts_a_second: u32,
    paced_posts: u32,
    saturated_posts: u32,
}

const SIZES: [Size; 3] = [
    Size { socket_count: 100, posts_a_second: 10, paced_posts: 30, saturated_posts: 600 },
    Size { socket_count: 1_000, posts_a_second: 10, paced_posts: 30, saturated_posts: 300 },
    Size { socket_count: 10_000, posts_a_second: 2, paced_posts: 6, saturated_posts: 60 },
];

impl Size {
    fn name(self) -> String {
        format!("{} sockets", number(real(self.socket_count as u64), 0))
    }

    const fn is_largest(self) -> bool {
        self.socket_count == 10_000
    }
}

/// The result of one size in one round.
struct Measured {
    opened: Opened,
    opening_cpu: Duration,
    /// Before anything was posted, after the paced posts, after all posts, and after all sockets were closed.
    memory: [Memory; 4],
    /// The part of a core that the server uses while nothing is posted.
    idle_share: f64,
    paced: Round,
    saturated: Saturated,
}

/// The result of a saturated server.
struct Saturated {
    round: Round,
    server_cpu: Duration,
    /// The part of a core that this program used meanwhile.
    client_share: f64,
}

impl Saturated {
    fn deliveries_a_second(&self) -> f64 {
        real(self.round.delivered as u64) / self.round.took.as_secs_f64()
    }

    fn cpu_us(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / real(self.round.delivered as u64)
    }
}

/// Measures with sockets of as many users, and prints the rows.
pub async fn measure(site: &Site) {
    let mut sizes: Vec<Vec<Measured>> = SIZES.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        let server = site.start();
        for (size, rounds) in SIZES.iter().zip(&mut sizes) {
            rounds.push(measure_one(site, &server, *size).await);
        }
        server.end();
    }
    for (size, rounds) in SIZES.iter().zip(&sizes) {
        print_opened(*size, rounds);
        print_paced(*size, rounds);
        print_saturated(&format!("deliveries, {}, as fast as it goes", size.name()), rounds, |one| &one.saturated);
    }
    print_memory(&sizes);
}

async fn measure_one(site: &Site, server: &Server, size: Size) -> Measured {
    let board = Arc::new(Board::new());
    let place = site.place(server).await;
    let author = site.author(server);
    let files_before = server.process.open_file_count();
    let cpu_before = server.process.cpu();
    let (crowd, opened) = Crowd::open(&place, &site.cookies(size.socket_count), &board).await;
    let opening_cpu = server.process.cpu() - cpu_before;
    let fresh = server.process.memory();
    let idle_share = if size.is_largest() { watch_idle(server).await } else { 0.0 };
    let paced = author.paced(&board, size.posts_a_second, size.paced_posts, crowd.len()).await;
    assert!(paced.complete, "at this pace nobody falls behind");
    let used = server.process.memory();
    let watch = Watch::begin(&server.process);
    let round = author.saturated(&board, CLIENTS, size.saturated_posts, crowd.len()).await;
    let saturated = watch.end(round);
    let exhausted = server.process.memory();
    crowd.close().await;
    wait_until_closed(server, files_before).await;
    let memory = [fresh, used, exhausted, server.process.memory()];
    Measured { opened, opening_cpu, memory, idle_share, paced, saturated }
}

async fn watch_idle(server: &Server) -> f64 {
    let cpu = server.process.cpu();
    sleep(IDLE).await;
    (server.process.cpu() - cpu).as_secs_f64() / IDLE.as_secs_f64()
}

/// Waits until the server has closed its end of a closed crowd's sockets.
///
/// # Panics
/// If it keeps some of them open.
pub async fn wait_until_closed(server: &Server, files_before: usize) {
    let began = Instant::now();
    // Connections to post over and the database's own files come and go.
    while server.process.open_file_count() > files_before + 2 * CLIENTS {
        assert!(began.elapsed() < CLOSE_TIMEOUT, "the server lets go of sockets that are closed");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Measures the CPU time of the server and of this program over an interval.
struct Watch<'a> {
    server: &'a Process,
    own_work: Work,
    began: Instant,
    server_cpu: Duration,
    client_cpu: Duration,
}

impl<'a> Watch<'a> {
    fn begin(server: &'a Process) -> Self {
        let own_work = Work::of("self");
        let client_cpu = own_work.cpu();
        Self { server, own_work, began: Instant::now(), server_cpu: server.cpu(), client_cpu }
    }

    fn end(self, round: Round) -> Saturated {
        let client_cpu = self.own_work.cpu() - self.client_cpu;
        Saturated {
            round,
            server_cpu: self.server.cpu() - self.server_cpu,
            client_share: client_cpu.as_secs_f64() / self.began.elapsed().as_secs_f64(),
        }
    }
}

/// Measures the baseline: a bare loop that writes the same frames to as many sockets.
pub async fn measure_bare(site: &Site) {
    let sample = sample(site).await;
    for size in SIZES {
        let mut paced = Vec::new();
        let mut rounds = Vec::new();
        let bare = BareLoop::start(size.socket_count, &sample);
        let cursor = campfire::protocol::Cursor { epoch: String::new(), seq: 0, at: 0 };
        let place = Place { address: bare.address.clone(), room_id: campfire::model::RoomId(1), cursor };
        let board = Arc::new(Board::new());
        let (crowd, _) = Crowd::open(&place, &vec![""; size.socket_count], &board).await;
        for _ in 0..ROUNDS {
            let mut clock = interval(Duration::from_secs(1) / size.posts_a_second);
            for post in board.begin(size.paced_posts, crowd.len()) {
                clock.tick().await;
                board.sent(post);
                bare.write(post..post + 1);
            }
            paced.push(board.end().await);
            let posts = board.begin(size.saturated_posts, crowd.len());
            let watch = Watch::begin(&bare.process);
            for post in posts.clone() {
                board.sent(post);
            }
            bare.write(posts);
            rounds.push(watch.end(board.end().await));
        }
        crowd.close().await;
        let workload = format!("seen by all from a bare loop, {}, {} a second", size.name(), size.posts_a_second);
        let (p50_ms, beside) = paced_times(&paced);
        print_row(&workload, &median_and_range(&p50_ms, 2, " ms"), &beside, None);
        print_saturated(&format!("deliveries by a bare loop, {}", size.name()), &rounds, |one| one);
    }
}

/// A post as the server encodes it.
async fn sample(site: &Site) -> String {
    let server = site.start();
    let board = Arc::new(Board::new());
    let place = site.place(&server).await;
    let author = site.author(&server);
    let (crowd, _) = Crowd::open(&place, &site.cookies(1), &board).await;
    author.paced(&board, 1, 1, 1).await;
    crowd.close().await;
    board.sample().expect("it was heard").to_owned()
}

fn print_opened(size: Size, rounds: &[Measured]) {
    let took: Vec<_> = rounds.iter().map(|one| one.opened.took.as_secs_f64()).collect();
    let p99 = |times: fn(&Opened) -> &Vec<Duration>| {
        milliseconds(p50_and_p99(&rounds.iter().flat_map(|one| times(&one.opened)).copied().collect::<Vec<_>>()).1)
    };
    let cpu_us: Vec<_> =
        rounds.iter().map(|one| one.opening_cpu.as_secs_f64() * 1e6 / real(size.socket_count as u64)).collect();
    let beside = format!(
        "{} µs CPU each · rooms told p99 {} · in view p99 {}",
        number(median(&cpu_us), 0),
        p99(|opened| &opened.listed),
        p99(|opened| &opened.in_view),
    );
    let workload = format!("connect {}, 64 at a time", size.name());
    print_row(&workload, &median_and_range(&took, 2, " s"), &beside, None);
}

fn print_paced(size: Size, rounds: &[Measured]) {
    let rounds: Vec<_> = rounds.iter().map(|one| &one.paced).collect();
    let (p50_ms, beside) = paced_times(&rounds);
    let answered: Vec<_> = rounds.iter().flat_map(|one| &one.answered).copied().collect();
    let beside = format!("{beside} · answered p50 {}", milliseconds(p50_and_p99(&answered).0));
    let budget = (size.socket_count == 1_000).then(|| Budget::new("p50 ≤ 7 ms", median(&p50_ms) <= 7.0));
    let workload = format!("post → seen by all, {}, {} a second", size.name(), size.posts_a_second);
    print_row(&workload, &median_and_range(&p50_ms, 2, " ms"), &beside, budget.as_ref());
}

/// How long each round's posts took to be seen by all, in the middle, and what to say beside that.
fn paced_times(rounds: &[impl Borrow<Round>]) -> (Vec<f64>, String) {
    let rounds = rounds.iter().map(|one| &one.borrow().seen_by_all);
    let p50_ms = rounds.clone().map(|times| in_milliseconds(p50_and_p99(times).0)).collect();
    let all: Vec<_> = rounds.flatten().copied().collect();
    (p50_ms, format!("p99 {} · {} posts, complete", milliseconds(p50_and_p99(&all).1), all.len()))
}

fn print_saturated<T>(workload: &str, rounds: &[T], saturated: impl Fn(&T) -> &Saturated) {
    let rounds: Vec<_> = rounds.iter().map(saturated).collect();
    let speeds: Vec<_> = rounds.iter().map(|one| one.deliveries_a_second()).collect();
    let cpu_us: Vec<_> = rounds.iter().map(|one| one.cpu_us()).collect();
    let client: Vec<_> = rounds.iter().map(|one| one.client_share * 100.0).collect();
    let sum = |count: fn(&Round) -> usize| rounds.iter().map(|one| count(&one.round)).sum::<usize>();
    let complete = if rounds.iter().all(|one| one.round.complete) { "yes" } else { "no" };
    let beside = format!(
        "{} µs CPU each · generator {} % busy · {} resync · {} lists anew · {} refused · complete {complete}",
        number(median(&cpu_us), 2),
        number(median(&client), 0),
        sum(|round| round.resync_count),
        sum(|round| round.list_count),
        sum(|round| round.refused_count),
    );
    print_row(workload, &median_and_range(&speeds, 0, "/s"), &beside, None);
}

fn print_memory(sizes: &[Vec<Measured>]) {
    let [.., smaller, largest] = sizes else { unreachable!("there are three sizes") };
    let middle =
        |of: fn(&Measured) -> u64| mebibytes(median(&largest.iter().map(|one| real(of(one))).collect::<Vec<_>>()));
    let anonymous_mib: Vec<_> = largest.iter().map(|one| in_mebibytes(real(one.memory[1].anonymous_bytes))).collect();
    let beside = format!(
        "Pss {} · before the posts {} · after saturation {} · after closing {}",
        middle(|one| one.memory[1].proportional_bytes),
        middle(|one| one.memory[0].anonymous_bytes),
        middle(|one| one.memory[2].anonymous_bytes),
        middle(|one| one.memory[3].anonymous_bytes),
    );
    let budget = Budget::new("≤ 90 MiB", median(&anonymous_mib) <= 90.0);
    print_row("RssAnon with 10,000 sockets", &median_and_range(&anonymous_mib, 1, " MiB"), &beside, Some(&budget));

    let slopes_kib: Vec<_> = smaller.iter().zip(largest).map(|(one, other)| slope_kib(one, other)).collect();
    let budget = Budget::new("≤ 8 KiB", median(&slopes_kib) <= 8.0);
    print_row(
        "RssAnon a socket, between 1,000 and 10,000",
        &median_and_range(&slopes_kib, 1, " KiB"),
        "",
        Some(&budget),
    );

    let idle: Vec<_> = largest.iter().map(|one| one.idle_share * 100.0).collect();
    print_row(
        "CPU while 10,000 sockets hear nothing but heartbeats",
        &median_and_range(&idle, 1, " %"),
        "of one core",
        None,
    );
}

/// Memory per socket, in KiB: the slope between 1,000 and 10,000 sockets.
fn slope_kib(smaller: &Measured, larger: &Measured) -> f64 {
    let bytes = real(larger.memory[1].anonymous_bytes) - real(smaller.memory[1].anonymous_bytes);
    bytes / 9_000.0 / 1_024.0
}
