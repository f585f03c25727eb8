//! Rounds of clients that send the next request as soon as they have the response, and the table row of a workload.

use std::time::{Duration, Instant};

use crate::meter::process::{Process, Work};
use crate::meter::table::{self, Budget, median_and_range, milliseconds, number, p50_and_p99, print_row, real};

pub const ROUNDS: usize = 3;

/// How long one round lasts.
pub const ROUND: Duration = Duration::from_secs(2);

/// A core that is busy for more than this part of the time is the bottleneck.
const BUSY: f64 = 0.9;

/// A connection that sends requests, checks the responses and measures their time.
pub trait Client: Send + 'static {
    fn ask(&mut self) -> impl Future<Output = Asked> + Send;

    /// Number of requests after which each of the client's different requests was sent once.
    fn warm_up_count(&self) -> usize {
        1
    }
}

/// One request and its response. The time ends before the response is checked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub took: Duration,
    /// Size of the body as transferred.
    pub bytes: usize,
}

/// The result of one round.
#[derive(Clone, Debug)]
pub struct Round {
    pub per_second: f64,
    pub cpu_us: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub bytes: f64,
}

/// All rounds of a workload.
#[derive(Clone, Debug)]
pub struct Rounds(Vec<Round>);

impl Rounds {
    /// The median round by responses per second.
    pub fn middle(&self) -> &Round {
        let middle = table::median(&self.per_second());
        self.0.iter().find(|round| round.per_second.total_cmp(&middle).is_eq()).expect("the median is one of them")
    }

    fn per_second(&self) -> Vec<f64> {
        self.0.iter().map(|round| round.per_second).collect()
    }

    /// Prints one row: responses per second of all rounds, and the other figures of the median round.
    pub fn print(&self, workload: &str, budget: Option<&Budget>) {
        let middle = self.middle();
        let beside = format!(
            "{} µs CPU · p50 {} · p99 {} · {} B",
            number(middle.cpu_us, 0),
            milliseconds(middle.p50),
            milliseconds(middle.p99),
            number(middle.bytes, 0)
        );
        print_row(workload, &median_and_range(&self.per_second(), 0, "/s"), &beside, budget);
    }
}

/// Sends each client's different requests once, then measures the rounds. `process` is the server's.
pub async fn measure<C: Client>(workload: &str, process: &Process, mut clients: Vec<C>) -> Rounds {
    let own_work = Work::of("self");
    for client in &mut clients {
        for _ in 0..client.warm_up_count() {
            client.ask().await;
        }
    }
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let cpu = process.cpu();
        let own_before = own_work.cpu_and_wait();
        let began = Instant::now();
        let tasks: Vec<_> = clients.drain(..).map(|client| tokio::spawn(ask_until(client, began + ROUND))).collect();
        let mut times = Vec::new();
        let mut bytes = 0;
        for task in tasks {
            let (client, asked, asked_bytes) = task.await.expect("a client ends well");
            times.extend(asked);
            bytes += asked_bytes;
            clients.push(client);
        }
        let took = began.elapsed();
        let cpu = process.cpu() - cpu;
        let own = own_work.cpu_and_wait();
        note_if_we_are_slower(workload, cpu, (own.0 - own_before.0, own.1 - own_before.1), took);
        rounds.push(round(&times, bytes, took, cpu));
    }
    Rounds(rounds)
}

async fn ask_until<C: Client>(mut client: C, end: Instant) -> (C, Vec<Duration>, usize) {
    let mut times = Vec::with_capacity(4_096);
    let mut bytes = 0;
    while Instant::now() < end {
        let asked = client.ask().await;
        times.push(asked.took);
        bytes += asked.bytes;
    }
    (client, times, bytes)
}

fn round(times: &[Duration], bytes: usize, took: Duration, cpu: Duration) -> Round {
    let count = real(times.len() as u64);
    let (p50, p99) = p50_and_p99(times);
    Round {
        per_second: count / took.as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / count,
        p50,
        p99,
        bytes: real(bytes as u64) / count,
    }
}

/// Prints a note if the clients were the bottleneck, because the figures are then those of this program.
fn note_if_we_are_slower(workload: &str, cpu: Duration, (own_cpu, own_wait): (Duration, Duration), took: Duration) {
    let part = |time: Duration| time.as_secs_f64() / took.as_secs_f64();
    if part(own_cpu + own_wait) > BUSY && part(cpu) < BUSY {
        let [its, own, waited] = [cpu, own_cpu, own_wait].map(|time| part(time) * 100.0);
        eprintln!(
            "{workload}: the clients are the bottleneck: they worked {own:.0} % of the time and waited {waited:.0} % for \
             their core, the server worked {its:.0} %."
        );
    }
}
