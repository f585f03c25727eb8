//! Bad cases: sockets that are not read, and a restart of the server under 1,000 clients.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::board::{Board, Receiver};
use super::client::Socket;
use super::crowd::{Crowd, Place, enter, receive_all};
use super::rooms::wait_until_closed;
use super::site::Site;
use crate::meter::Server;
use crate::meter::process::tcp_bytes;
use crate::meter::table::{
    Budget, in_milliseconds, mebibytes, median, median_and_range, number, p50_and_p99, print_row, real,
};

const ROUNDS: usize = 3;

/// Number of sockets that are read, and that are not.
const READERS: usize = 1_000;
const STALLED: usize = 500;

/// Number of timed messages of 2 KB, and of messages of 16 KB that fill the kernel's buffers of unread sockets.
const POSTS: u32 = 200;
const WORDS_BYTES: usize = 2 * 1_024;
const FILLING_POSTS: u32 = 200;
const FILLING_BYTES: usize = 16 * 1_024;

/// The receive buffer of a socket that is not read: the kernel's minimum.
const STALLED_BUFFER_BYTES: u32 = 4 * 1_024;

/// The shortest and the longest pause of a browser before a new connection, in milliseconds.
const PAUSE_MS: (f64, f64) = (500.0, 15_000.0);

/// The result of one round with unread sockets.
struct Beside {
    alone_p99_ms: f64,
    together_p99_ms: f64,
    together_slowest_ms: f64,
    /// Growth of the server's memory, and of the kernel's.
    grown_bytes: f64,
    kernel_grown_bytes: f64,
    /// Sockets that the server had closed at the end.
    given_up: usize,
}

/// Measures delivery to 1,000 sockets with and without 500 others in the room that are not read.
pub async fn measure_stalled(site: &Site) {
    let server = site.start();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(stall(site, &server).await);
    }
    server.end();
    let ratios: Vec<_> = rounds.iter().map(|round| round.together_p99_ms / round.alone_p99_ms).collect();
    let middle = |of: fn(&Beside) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let beside = format!(
        "p99 {} ms, without {} ms · slowest {} ms · RssAnon +{} · the kernel's TCP memory +{} · {} given up",
        number(middle(|round| round.together_p99_ms), 2),
        number(middle(|round| round.alone_p99_ms), 2),
        number(middle(|round| round.together_slowest_ms), 2),
        mebibytes(middle(|round| round.grown_bytes)),
        mebibytes(middle(|round| round.kernel_grown_bytes)),
        number(middle(|round| real(round.given_up as u64)), 0),
    );
    print_row(
        "2 KB → seen by all of 1,000 while 500 others read nothing",
        &median_and_range(&ratios, 2, " × the p99 without"),
        &beside,
        Some(&Budget::new("≤ 1.2 ×", median(&ratios) <= 1.2)),
    );
}

async fn stall(site: &Site, server: &Server) -> Beside {
    let board = Arc::new(Board::new());
    let place = site.place(server).await;
    let author = site.author(server);
    let files_before = server.process.open_file_count();
    let cookies = site.cookies(READERS + STALLED);
    let (crowd, _) = Crowd::open(&place, &cookies[..READERS], &board).await;
    let words = " long words".repeat(WORDS_BYTES / 11);
    let alone = author.one_by_one(&board, POSTS, READERS, &words).await;
    let memory_before = server.process.rss_anon_bytes();
    let kernel_before = tcp_bytes();

    let place = site.place(server).await;
    let stalled = open_stalled(&place, &cookies[READERS..], &board).await;
    let files_with_all = server.process.open_file_count();
    author.one_by_one(&board, FILLING_POSTS, READERS, &" long words".repeat(FILLING_BYTES / 11)).await;
    let together = author.one_by_one(&board, POSTS, READERS, &words).await;
    assert!(alone.complete && together.complete, "those who read hear everything");
    let beside = Beside {
        alone_p99_ms: in_milliseconds(p50_and_p99(&alone.seen_by_all).1),
        together_p99_ms: in_milliseconds(p50_and_p99(&together.seen_by_all).1),
        together_slowest_ms: together.seen_by_all.iter().max().copied().map_or(0.0, in_milliseconds),
        grown_bytes: real(server.process.rss_anon_bytes()) - real(memory_before),
        kernel_grown_bytes: real(tcp_bytes()) - real(kernel_before),
        given_up: files_with_all.saturating_sub(server.process.open_file_count()),
    };
    drop(stalled);
    crowd.close().await;
    wait_until_closed(server, files_before).await;
    beside
}

/// Opens sockets with the room in view that are never read again.
async fn open_stalled(place: &Place, cookies: &[&str], board: &Board) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for cookie in cookies {
        let entered = enter(place, cookie, Some(STALLED_BUFFER_BYTES), &mut Receiver::new(), board).await;
        sockets.push(entered.expect("everybody gets a socket").0);
    }
    sockets
}

/// Measures how long 1,000 clients take to reconnect after a restart, with the pauses of the browser's client.
pub async fn measure_restart(site: &Site) {
    let board = Arc::new(Board::new());
    let mut server = site.start();
    let place = site.place(&server).await;
    let (back, mut returns) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for (number, cookie) in site.cookies(READERS).into_iter().enumerate() {
        clients.spawn(stay(number, place.clone(), cookie.to_owned(), board.clone(), back.clone()));
    }
    all_back(&mut returns).await;

    let mut after_s = Vec::new();
    let mut down_s = Vec::new();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let posts = board.begin(2, READERS);
        site.author(&server).connect().await.post(&board, posts.start, " before the end").await;
        let began = Instant::now();
        server = start_anew(site, server).await;
        let answers = Instant::now();
        site.author(&server).connect().await.post(&board, posts.start + 1, " after it").await;
        let returned = all_back(&mut returns).await;
        assert!(board.end().await.complete, "everybody hears what was posted before and after");
        let last = returned.iter().max().expect("somebody came back");
        after_s.push((*last - answers).as_secs_f64());
        down_s.push((answers - began).as_secs_f64());
        times.extend(returned.iter().map(|then| *then - began));
    }
    clients.shutdown().await;
    server.end();
    let (p50, p99) = p50_and_p99(&times);
    let beside = format!(
        "down {} s · away p50 {} s, p99 {} s · nothing missed",
        number(median(&down_s), 2),
        number(p50.as_secs_f64(), 2),
        number(p99.as_secs_f64(), 2),
    );
    print_row(
        "restart under 1,000 clients: all caught up after it answers again",
        &median_and_range(&after_s, 2, " s"),
        &beside,
        Some(&Budget::new("≤ 3 s", median(&after_s) <= 3.0)),
    );
}

/// Restarts the server at the same address with the same data, on another thread than the clients.
async fn start_anew(site: &Site, server: Server) -> Server {
    let (executable, folder) = site.parts();
    let folder = folder.to_owned();
    let restarted = spawn_blocking(move || {
        let address = server.address.clone();
        server.end();
        Server::start_at(&executable, &folder, address)
    });
    restarted.await.expect("it starts again")
}

/// Waits until all clients are connected. Returns when each of them was.
async fn all_back(returns: &mut mpsc::UnboundedReceiver<(usize, Instant)>) -> Vec<Instant> {
    let mut clients = HashSet::new();
    let mut times = Vec::new();
    while clients.len() < READERS {
        let (number, then) = returns.recv().await.expect("the clients go on");
        clients.insert(number);
        times.push(then);
    }
    times
}

/// Keeps a client connected as a browser does: reconnects after 0.5 to 2 s, then after growing pauses.
async fn stay(
    number: usize,
    place: Place,
    cookie: String,
    board: Arc<Board>,
    back: mpsc::UnboundedSender<(usize, Instant)>,
) {
    let mut receiver = Receiver::new();
    let mut failure_count = 0;
    loop {
        if let Ok((mut socket, _)) = enter(&place, &cookie, None, &mut receiver, &board).await {
            failure_count = 0;
            let _ = back.send((number, Instant::now()));
            receive_all(&mut socket, &mut receiver, &board).await;
        }
        failure_count += 1;
        sleep(pause(failure_count)).await;
    }
}

/// The browser's pause after `failure_count` failures in a row.
fn pause(failure_count: u32) -> Duration {
    let pause_ms = (PAUSE_MS.0 * f64::from(1_u32 << (failure_count - 1).min(8))).min(PAUSE_MS.1);
    let jitter = if failure_count == 1 { 3.0 } else { 1.0 };
    let [.., low, high] = uuid::Uuid::new_v4().into_bytes();
    let random = f64::from(u16::from_be_bytes([low, high])) / f64::from(u16::MAX);
    Duration::from_secs_f64(pause_ms * (1.0 + jitter * random) / 1_000.0)
}
