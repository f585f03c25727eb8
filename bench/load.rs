//! Measures requests to a running executable over real connections: requests per second, CPU time and latency. Every
//! response is checked, and every acknowledged post is looked up afterwards.
//!
//! Usage: cargo run --release -p server --example load EXECUTABLE [WORKLOAD]
//!
//! The server runs on the first core and this program on another, where `taskset` can arrange that. Prints rows of the
//! common table. Fails only if a response was wrong.

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[expect(dead_code, reason = "this program opens no sockets")]
mod meter;

#[path = "load/audit.rs"]
mod audit;
#[path = "load/bad_cases.rs"]
mod bad_cases;
#[path = "load/calibrators.rs"]
mod calibrators;
#[path = "load/rounds.rs"]
mod rounds;
#[path = "load/site.rs"]
mod site;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use campfire::model::RoomId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use meter::knows_option;
use meter::table::{Budget, number};
use rounds::{Client, Rounds, measure};
use site::{Reading, Site};

const WORKLOADS: [&str; 10] =
    ["up", "nginx", "sqlite", "room-page", "profiles", "older-messages", "search", "post", "sign-ins", "idle"];

const CLIENT_COUNTS: [usize; 4] = [1, 16, 64, 256];

/// The same for what is not served from memory, of which the server does only so much for one user at a time.
const LIMITED_CLIENT_COUNTS: [usize; 3] = [1, 16, 64];

/// The number of clients at which most workloads are compared.
const COMPARED_CLIENTS: usize = 16;

const PEOPLE: usize = 10;
const MANY_MEMBERS: usize = 520;
const MANY_PEOPLE: usize = 1_000;
const VIEWERS: usize = 100;

/// The interval of the posts that are sent while pages are measured: ten a second.
const POST_INTERVAL: Duration = Duration::from_millis(100);

/// The budgets.
const MAX_PAGE_BYTES: f64 = 24.0 * 1_024.0;
const MAX_UNCACHED_CPU_US: f64 = 500.0;
const MAX_WARM_TIMES_UP: f64 = 3.0;
const MAX_POST_P99: Duration = Duration::from_millis(5);

/// How long the whole program may run; a server that no longer answers is not waited for.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// A folder whose files are in memory.
const IN_MEMORY: &str = "/dev/shm";

/// The executable, and the selected workload; all of them if `None`.
struct Run {
    executable: String,
    wanted: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let executable = arguments.next();
    let wanted = arguments.next();
    let known = wanted.as_deref().is_none_or(|wanted| WORKLOADS.contains(&wanted));
    let Some(executable) = executable.filter(|_| known) else {
        eprintln!("Usage: load EXECUTABLE [{}]", WORKLOADS.join("|"));
        std::process::exit(2);
    };
    let run = Run { executable, wanted };
    tokio::time::timeout(TOTAL_TIMEOUT, run.all()).await.expect("the server answers");
}

impl Run {
    fn wants(&self, workloads: &[&str]) -> bool {
        self.wanted.as_deref().is_none_or(|wanted| workloads.contains(&wanted))
    }

    async fn all(&self) {
        if self.wants(&["up", "nginx", "room-page", "profiles", "older-messages", "search", "post"]) {
            let site = self.start(PEOPLE, &[]).await;
            self.one_site(&site).await;
            end(site).await;
        }
        if self.wants(&["sqlite", "post"]) {
            let folder = tempfile::tempdir().expect("a folder of its own");
            for together in [1, COMPARED_CLIENTS] {
                let rows = if together == 1 { "one row" } else { "16 rows" };
                let workload = format!("SQLite alone, on disk, {rows} a transaction");
                calibrators::sqlite(&workload, folder.path(), together).await;
            }
        }
        if self.wants(&["post"]) {
            self.posts_in_memory().await;
        }
        if self.wants(&["profiles"]) {
            self.without_caches().await;
            self.many_members().await;
        }
        if self.wants(&["profiles", "sign-ins"]) {
            self.many_people().await;
        }
        if self.wants(&["idle"]) {
            let site = self.start(PEOPLE, &[]).await;
            bad_cases::posts_then_idle(&site).await;
            end(site).await;
        }
    }

    async fn start(&self, people_count: usize, options: &[&str]) -> Arc<Site> {
        Site::start(&self.executable, &std::env::temp_dir(), people_count, options).await
    }

    /// Ten people, with the data on disk.
    async fn one_site(&self, site: &Arc<Site>) {
        let mut up_cpu_us = None;
        if self.wants(&["up", "room-page"]) {
            for count in CLIENT_COUNTS.into_iter().filter(|count| self.wants(&["up"]) || *count == COMPARED_CLIENTS) {
                let rounds = read(site, "/up", Reading::Up, count).await;
                rounds.print(&name("/up", count), None);
                if count == COMPARED_CLIENTS {
                    up_cpu_us = Some(rounds.middle().cpu_us);
                }
            }
        }
        if self.wants(&["nginx", "room-page"]) {
            match calibrators::nginx(site.packed_room_page().await, COMPARED_CLIENTS).await {
                Some(rounds) => rounds.print(&name("nginx, the packed room page as a file", COMPARED_CLIENTS), None),
                None => eprintln!("There is no nginx to compare with."),
            }
        }
        if self.wants(&["room-page"]) {
            for count in CLIENT_COUNTS {
                let rounds = read(site, "room page", Reading::RoomPage, count).await;
                let size = page_budget(&rounds);
                let budget = match up_cpu_us.filter(|_| count == COMPARED_CLIENTS) {
                    None => size,
                    Some(up_cpu_us) => warm_budget(&rounds, up_cpu_us).and(size),
                };
                rounds.print(&name("room page, one viewer, warm", count), Some(&budget));
            }
            eprintln!("The sidebar is measured as a part of the room page: nothing else serves it but the socket.");
        }
        if self.wants(&["profiles"]) {
            site.read_other_room().await;
            beside_posts(site, site.data.other_room, "another room").await;
            beside_posts(site, site.data.busy_room, "the same room").await;
        }
        for (workload, reading) in [("older-messages", Reading::OlderMessages), ("search", Reading::Search)].into_iter()
        {
            if self.wants(&[workload]) {
                let title = if reading == Reading::Search { "search, 100 found" } else { "older messages" };
                for count in LIMITED_CLIENT_COUNTS {
                    read(site, title, reading, count).await.print(&name(title, count), None);
                }
            }
        }
        if self.wants(&["post"]) {
            for count in LIMITED_CLIENT_COUNTS {
                let posters = site.posters(site.data.other_room, count, 0).await;
                let rounds = measure("post", &site.server.process, posters).await;
                let met = rounds.middle().p99 <= MAX_POST_P99;
                let budget = (count == COMPARED_CLIENTS).then(|| Budget::new("≤ 5 ms p99", met));
                rounds.print(&name("post, on disk", count), budget.as_ref());
            }
        }
    }

    async fn posts_in_memory(&self) {
        if !Path::new(IN_MEMORY).is_dir() {
            eprintln!("There is no {IN_MEMORY} to post into.");
            return;
        }
        let site = Site::start(&self.executable, Path::new(IN_MEMORY), PEOPLE, &[]).await;
        let posters = site.posters(site.data.other_room, COMPARED_CLIENTS, 0).await;
        measure("post", &site.server.process, posters).await.print(&name("post, on tmpfs", COMPARED_CLIENTS), None);
        end(site).await;
    }

    async fn without_caches(&self) {
        if !knows_option(&self.executable, "--cache-mb") {
            eprintln!("The executable has no --cache-mb: the room page without caches is left out.");
            return;
        }
        let site = self.start(PEOPLE, &["--cache-mb", "0"]).await;
        let rounds = read(&site, "room page without caches", Reading::RoomPage, COMPARED_CLIENTS).await;
        let cpu = Budget::new("≤ 500 µs CPU", rounds.middle().cpu_us <= MAX_UNCACHED_CPU_US);
        rounds.print(&name("room page, caches off", COMPARED_CLIENTS), Some(&cpu.and(page_budget(&rounds))));
        end(site).await;
    }

    async fn many_members(&self) {
        let site = self.start(MANY_MEMBERS, &[]).await;
        let rounds = read(&site, "room page of many", Reading::RoomPage, COMPARED_CLIENTS).await;
        rounds.print(&name("room page, room of 520", COMPARED_CLIENTS), Some(&page_budget(&rounds)));
        end(site).await;
    }

    async fn many_people(&self) {
        let site = self.start(MANY_PEOPLE, &[]).await;
        if self.wants(&["profiles"]) {
            let readers = site.readers(Reading::RoomPage, COMPARED_CLIENTS, VIEWERS).await;
            let rounds = measure("room page of many viewers", &site.server.process, readers).await;
            rounds.print(&name("room page, 100 viewers, room of 1,000", COMPARED_CLIENTS), Some(&page_budget(&rounds)));
        }
        if self.wants(&["sign-ins"]) {
            bad_cases::sign_in_storm(&site).await;
        }
        end(site).await;
    }
}

async fn read(site: &Arc<Site>, workload: &str, reading: Reading, count: usize) -> Rounds {
    let readers = site.readers(reading, count, 1).await;
    measure(workload, &site.server.process, readers).await
}

/// Measures the room page while another client posts.
async fn beside_posts(site: &Arc<Site>, room_id: RoomId, into: &str) {
    let drip = Drip::start(site, room_id).await;
    let workload = format!("room page, 10 posts/s into {into}");
    let rounds = read(site, &workload, Reading::RoomPage, COMPARED_CLIENTS).await;
    drip.stop().await;
    rounds.print(&name(&workload, COMPARED_CLIENTS), Some(&page_budget(&rounds)));
}

/// A task that posts as the second person, ten times a second.
struct Drip {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Drip {
    async fn start(site: &Arc<Site>, room_id: RoomId) -> Self {
        let mut posters = site.posters(room_id, 1, 1).await;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut ticks = interval(POST_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = ticks.tick() => for poster in &mut posters { poster.ask().await; },
                    _ = &mut stopped => return,
                }
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("the posts were answered well");
    }
}

/// Ends the executable and looks up every post that it acknowledged.
async fn end(site: Arc<Site>) {
    let (folder, acknowledged) = site.end();
    audit::audit(folder.path(), &acknowledged).await;
}

fn name(workload: &str, client_count: usize) -> String {
    let clients = if client_count == 1 { "client" } else { "clients" };
    format!("{workload}, {client_count} {clients}")
}

fn page_budget(rounds: &Rounds) -> Budget {
    Budget::new("≤ 24 KiB", rounds.middle().bytes <= MAX_PAGE_BYTES)
}

fn warm_budget(rounds: &Rounds, up_cpu_us: f64) -> Budget {
    let most = up_cpu_us * MAX_WARM_TIMES_UP;
    Budget::new(format!("≤ {} µs CPU (3 × /up)", number(most, 0)), rounds.middle().cpu_us <= most)
}
