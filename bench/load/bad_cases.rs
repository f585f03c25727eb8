//! Bad cases: many concurrent sign-ins, and the memory after many posts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use campfire::model::UserId;

use crate::meter::http::HttpConnection;
use crate::meter::process::Process;
use crate::meter::table::{
    Budget, in_milliseconds, mebibytes, median, median_and_range, number, p50_and_p99, print_row, real,
};
use crate::meter::{session_cookie, sign_in_form};
use crate::rounds::{Client, ROUND, ROUNDS};
use crate::site::{Poster, Reader, Reading, Site};

/// The number of concurrent sign-ins, and of connections they use.
const SIGN_INS: usize = 200;
const SIGN_IN_CONNECTIONS: usize = 16;

const READERS: usize = 16;

/// The number of posts before the memory is read, and of clients that send them.
const POSTS: usize = 60_000;
const POSTERS: usize = 64;

/// How long to wait for the memory to settle, and for how many readings, a second apart, it must stay within 1 %.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
const SETTLED_READINGS: usize = 3;

/// The capacity of the caches, in bytes.
const CACHES_BYTES: f64 = 16.0 * 1_024.0 * 1_024.0;

/// The phases of a round, as indices: before, during and after the sign-ins.
const BEFORE: usize = 0;
const STORM: usize = 1;
const AFTER: usize = 2;

/// Measures the room page for 16 clients while 200 people sign in.
pub async fn sign_in_storm(site: &Arc<Site>) {
    let mut before_ms = Vec::new();
    let mut during_ms = Vec::new();
    let mut sign_ins_per_second = Vec::new();
    for round in 0..ROUNDS {
        let phase = Arc::new(AtomicUsize::new(BEFORE));
        let readers = site.readers(Reading::RoomPage, READERS, 1).await;
        let tasks: Vec<_> = readers.into_iter().map(|reader| tokio::spawn(read_on(reader, phase.clone()))).collect();
        tokio::time::sleep(ROUND).await;
        phase.store(STORM, Ordering::Relaxed);
        let began = Instant::now();
        let cookies = storm(site, round * SIGN_INS).await;
        let took = began.elapsed();
        phase.store(AFTER, Ordering::Relaxed);
        let mut times = [Vec::new(), Vec::new()];
        for task in tasks {
            for (all, own) in times.iter_mut().zip(task.await.expect("a reader ends well")) {
                all.extend(own);
            }
        }
        let p99_ms = |times: &[Duration]| in_milliseconds(p50_and_p99(times).1);
        before_ms.push(p99_ms(&times[BEFORE]));
        during_ms.push(p99_ms(&times[STORM]));
        sign_ins_per_second.push(real(SIGN_INS as u64) / took.as_secs_f64());
        check_sessions(site, cookies).await;
    }
    let before = median(&before_ms);
    let during = median(&during_ms);
    let beside =
        format!("p99 {} ms before · {} sign-ins/s", number(before, 2), number(median(&sign_ins_per_second), 1));
    let budget = Budget::new("≤ 2 × p99 before", during <= 2.0 * before);
    let workload = format!("room page p99, {READERS} clients, beside {SIGN_INS} sign-ins");
    print_row(&workload, &median_and_range(&during_ms, 2, " ms"), &beside, Some(&budget));
}

/// Reads until the sign-ins are over. Returns the times before and during them.
async fn read_on(mut reader: Reader, phase: Arc<AtomicUsize>) -> [Vec<Duration>; 2] {
    // Not timed: the first page is checked completely.
    reader.ask().await;
    let mut times = [Vec::new(), Vec::new()];
    loop {
        let phase = phase.load(Ordering::Relaxed);
        if phase == AFTER {
            return times;
        }
        times[phase].push(reader.ask().await.took);
    }
}

/// Signs people in from number `first` on, each from another address. Returns their numbers and cookies.
async fn storm(site: &Arc<Site>, first: usize) -> Vec<(usize, String)> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::with_capacity(SIGN_IN_CONNECTIONS);
    for _ in 0..SIGN_IN_CONNECTIONS {
        let site = site.clone();
        let next = next.clone();
        tasks.push(tokio::spawn(async move {
            let mut connection = HttpConnection::open(site.address()).await;
            let mut cookies = Vec::new();
            loop {
                let number = first + next.fetch_add(1, Ordering::Relaxed);
                if number >= first + SIGN_INS {
                    return cookies;
                }
                let (head, body) = sign_in_form(&site.data.viewers[number].email_address);
                // Another address each time: sign-ins are limited per address.
                let from = format!("x-forwarded-for: 198.18.{}.{}\r\n", number / 250, number % 250 + 1);
                let answer = connection.ask(site.address(), &(head + &from), &body).await;
                assert_eq!(answer.status, 303, "{number} signs in: {}", String::from_utf8_lossy(&answer.body));
                cookies.push((number, session_cookie(&answer.head).to_owned()));
            }
        }));
    }
    let mut cookies = Vec::with_capacity(SIGN_INS);
    for task in tasks {
        cookies.extend(task.await.expect("people sign in"));
    }
    cookies
}

/// Checks that each new session belongs to the person who signed in.
async fn check_sessions(site: &Arc<Site>, cookies: Vec<(usize, String)>) {
    let mut connection = HttpConnection::open(site.address()).await;
    assert_eq!(cookies.len(), SIGN_INS, "everybody is signed in");
    for (number, cookie) in cookies {
        let UserId(id) = site.data.viewers[number].id;
        let head = format!("GET /users/me/profile HTTP/1.1\r\ncookie: {cookie}\r\n");
        let answer = connection.ask(site.address(), &head, "").await;
        let text = String::from_utf8_lossy(&answer.body);
        let address = &site.data.viewers[number].email_address;
        assert!(answer.status == 200 && text.contains(address.as_str()), "the session of {id} is theirs");
    }
}

/// Posts [`POSTS`] messages, then waits until the memory has settled.
pub async fn posts_then_idle(site: &Arc<Site>) {
    let process = &site.server.process;
    let (idle, _) = settled(process).await;
    let left = Arc::new(AtomicUsize::new(POSTS));
    let posters = site.posters(site.data.other_room, POSTERS, 0).await;
    let began = Instant::now();
    let tasks: Vec<_> = posters.into_iter().map(|poster| tokio::spawn(post_on(poster, left.clone()))).collect();
    for task in tasks {
        task.await.expect("a poster ends well");
    }
    let took = began.elapsed();
    let busy = real(process.rss_anon_bytes());
    let (after, rested) = settled(process).await;
    let posts_per_second = real(POSTS as u64) / took.as_secs_f64();
    let most = idle * 1.2 + CACHES_BYTES;
    let budget = Budget::new(format!("≤ {}: before + 20 % + 16 MiB of caches", mebibytes(most)), after <= most);
    let beside = format!(
        "{} before · {} at the last post · at rest {} s later · {} posts/s",
        mebibytes(idle),
        mebibytes(busy),
        rested.map_or_else(|| format!("not {}", SETTLE_TIMEOUT.as_secs()), |rested| rested.as_secs().to_string()),
        number(posts_per_second, 0)
    );
    let workload = format!("RssAnon after {} posts by {POSTERS} clients", number(real(POSTS as u64), 0));
    print_row(&workload, &mebibytes(after), &beside, Some(&budget));
}

async fn post_on(mut poster: Poster, left: Arc<AtomicUsize>) {
    let take = |left: &AtomicUsize| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    while take(&left).is_ok() {
        poster.ask().await;
    }
}

/// The memory of a process once it has stayed within 1 % for [`SETTLED_READINGS`], and the time until it first had that
/// value; `None` for the time if it did not settle within [`SETTLE_TIMEOUT`].
async fn settled(process: &Process) -> (f64, Option<Duration>) {
    let began = Instant::now();
    let mut stood_from = Duration::ZERO;
    let mut stood_with = real(process.rss_anon_bytes());
    let mut stood = 0;
    while began.elapsed() < SETTLE_TIMEOUT {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = real(process.rss_anon_bytes());
        if (now - stood_with).abs() > stood_with / 100.0 {
            (stood_from, stood_with, stood) = (began.elapsed(), now, 0);
        } else {
            stood += 1;
        }
        if stood == SETTLED_READINGS {
            return (now, Some(stood_from));
        }
    }
    (real(process.rss_anon_bytes()), None)
}
