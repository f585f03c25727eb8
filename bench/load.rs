//! How much work a running Campfire does for a request, and how long it takes: the real executable over real
//! connections, every answer checked, every acknowledged post looked for afterwards.
//!
//! Usage: cargo run --release -p server --example load EXECUTABLE [WORKLOAD]
//!
//! The server runs on the first core and this program on the others, where `taskset` can arrange that. Prints one
//! Markdown table; ends with an error only when an answer was wrong.

mod meter;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use campfire::auth::Member;
use campfire::clock::Clock;
use campfire::model::{ClientMessageId, RoomId};
use campfire::ops::accounts::{self, Registration};
use campfire::ops::messages::{self, Posted};
use campfire::ops::rooms::{self, Audience};
use campfire::state::AppState;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use meter::{Answer, HttpConnection, PASSWORD, Server, sign_in, uuid};

/// The messages of the room that is read, and those of each of the others.
const BUSY_ROOM: usize = 131;
const OTHER_ROOMS: usize = 10;
const IN_EACH: usize = 4;
const PAGE: usize = 40;
const ROUNDS: usize = 3;

/// How long one round of a workload lasts.
const ROUND: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Workload {
    Up,
    RoomPage,
    OlderMessages,
    Search,
    Post,
}

impl Workload {
    const ALL: [Self; 5] = [Self::Up, Self::RoomPage, Self::OlderMessages, Self::Search, Self::Post];

    const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::RoomPage => "room-page",
            Self::OlderMessages => "older-messages",
            Self::Search => "search",
            Self::Post => "post",
        }
    }

    /// What design asks for, and whether a measurement keeps it.
    fn budget(self, clients: usize, measured: &Measured) -> (&'static str, bool) {
        match self {
            Self::RoomPage => ("≤ 500 µs CPU, ≤ 24 KB", measured.cpu_us <= 500.0 && measured.bytes <= 24.0 * 1_024.0),
            Self::Post if clients == 16 => ("p99 ≤ 5 ms", measured.p99 <= Duration::from_millis(5)),
            _ => ("", true),
        }
    }
}

/// What every client knows.
struct Site {
    address: String,
    cookie: String,
    room_id: RoomId,
    /// The ids of the newest page's messages, in order, and of the page before it.
    newest: Vec<i64>,
    older: Vec<i64>,
    /// How many messages say "walrus".
    walruses: usize,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(executable) = arguments.next() else {
        eprintln!("Usage: load EXECUTABLE [up|room-page|older-messages|search|post]");
        std::process::exit(2);
    };
    let wanted = arguments.next();
    let folder = tempfile::tempdir().expect("a folder of its own");
    let (room_id, newest, older, walruses) = make_data(folder.path()).await;
    let server = Server::start(&executable, folder.path());
    let cookie = sign_in(&server.address, "ada@example.com").await;
    let site = Arc::new(Site { address: server.address.clone(), cookie, room_id, newest, older, walruses });

    println!("| Workload | Clients | Requests/s | CPU µs/request | p50 | p99 | Bytes | Budget | Met |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let chosen = |workload: &Workload| wanted.as_deref().is_none_or(|name| name == workload.name());
    let mut acknowledged = Vec::new();
    for workload in Workload::ALL.into_iter().filter(chosen) {
        for clients in [1, 16, 64] {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let (measured, posted) = round(&server, &site, workload, clients).await;
                acknowledged.extend(posted);
                rounds.push(measured);
            }
            print(workload, clients, rounds);
        }
    }
    drop(server);
    audit(folder.path(), &acknowledged).await;
}

struct Measured {
    per_second: f64,
    cpu_us: f64,
    p50: Duration,
    p99: Duration,
    bytes: f64,
}

/// One row: the middle one of the rounds by requests a second, and their range.
fn print(workload: Workload, clients: usize, mut rounds: Vec<Measured>) {
    rounds.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    let (slowest, fastest) = (rounds[0].per_second, rounds[rounds.len() - 1].per_second);
    let middle = &rounds[rounds.len() / 2];
    let (budget, met) = workload.budget(clients, middle);
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let met = if budget.is_empty() {
        ""
    } else if met {
        "yes"
    } else {
        "no"
    };
    println!(
        "| {} | {clients} | {:.0} ({slowest:.0}–{fastest:.0}) | {:.0} | {:.2} ms | {:.2} ms | {:.0} | {budget} | {met} |",
        workload.name(),
        middle.per_second,
        middle.cpu_us,
        ms(middle.p50),
        ms(middle.p99),
        middle.bytes,
    );
}

/// All clients ask as fast as they are answered until the round is over.
async fn round(server: &Server, site: &Arc<Site>, workload: Workload, clients: usize) -> (Measured, Vec<String>) {
    let (began, cpu) = (Instant::now(), server.cpu());
    let tasks: Vec<_> = (0..clients).map(|_| tokio::spawn(ask_until(site.clone(), workload, began + ROUND))).collect();
    let (mut times, mut bytes, mut posted) = (Vec::new(), 0, Vec::new());
    for task in tasks {
        let asked = task.await.expect("a client ends well");
        times.extend(asked.times);
        bytes += asked.bytes;
        posted.extend(asked.posted);
    }
    let (took, cpu) = (began.elapsed(), server.cpu() - cpu);
    times.sort_unstable();
    let count = times.len();
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let (count_f, bytes) = (count as f64, bytes as f64);
    let measured = Measured {
        per_second: count_f / took.as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / count_f,
        p50: times[count / 2],
        p99: times[count * 99 / 100],
        bytes: bytes / count_f,
    };
    (measured, posted)
}

#[derive(Default)]
struct Asked {
    times: Vec<Duration>,
    bytes: usize,
    /// The ids of the messages whose posts were acknowledged.
    posted: Vec<String>,
}

async fn ask_until(site: Arc<Site>, workload: Workload, end: Instant) -> Asked {
    let mut connection = HttpConnection::open(&site.address).await;
    let mut asked = Asked::default();
    let cookie = format!("cookie: {}\r\n", site.cookie);
    while Instant::now() < end {
        let id = uuid();
        let (head, body) = match workload {
            Workload::Up => ("GET /up HTTP/1.1\r\n".to_owned(), String::new()),
            Workload::RoomPage => (format!("GET /rooms/{} HTTP/1.1\r\n{cookie}", site.room_id), String::new()),
            Workload::Search => (format!("GET /searches?q=walrus HTTP/1.1\r\n{cookie}"), String::new()),
            Workload::OlderMessages => call(
                &cookie,
                "messages/before",
                format!(r#"{{"room_id":{},"message_id":{}}}"#, site.room_id, site.newest[0]),
            ),
            Workload::Post => call(
                &cookie,
                "messages/post",
                format!(r#"{{"room_id":{},"client_message_id":"{id}","body":"words of {id}"}}"#, site.room_id),
            ),
        };
        let began = Instant::now();
        let answer = connection.ask(&site.address, &head, &body).await;
        asked.times.push(began.elapsed());
        asked.bytes += answer.wire_bytes;
        check(&site, workload, &answer, &id);
        if workload == Workload::Post {
            asked.posted.push(id);
        }
    }
    asked
}

fn call(cookie: &str, function: &str, body: String) -> (String, String) {
    let head = format!(
        "POST /api/{function} HTTP/1.1\r\n{cookie}content-type: application/json\r\naccept: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    (head, body)
}

/// Every answer is whole, and what was asked for.
fn check(site: &Site, workload: Workload, answer: &Answer, id: &str) {
    let text = || String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{}: {}", workload.name(), text());
    let ids = |text: &str, mark: &str| -> Vec<i64> {
        text.split(mark)
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .collect()
    };
    match workload {
        Workload::Up => {}
        Workload::RoomPage => {
            let text = text();
            assert!(text.ends_with("</html>") && text.contains("Ada"), "a whole page for the right viewer");
            assert_eq!(ids(&text, "id=\"message-"), site.newest, "the newest messages in order");
            assert!(text.contains(&format!("walrus number {}", BUSY_ROOM - 1)), "and what they say");
        }
        Workload::OlderMessages => assert_eq!(ids(&text(), "{\"id\":"), site.older, "the page before"),
        Workload::Search => {
            let found = ids(&text(), "id=\"says-");
            assert_eq!(found.len(), site.walruses.min(100), "as many as there are");
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "in order");
        }
        Workload::Post => assert!(text().contains(id), "the message that was posted"),
    }
}

/// Every acknowledged post is in the database, its search tables and its log exactly once.
async fn audit(folder: &Path, acknowledged: &[String]) {
    let distinct: HashSet<_> = acknowledged.iter().collect();
    assert_eq!(distinct.len(), acknowledged.len(), "ids are used once");
    let options = SqliteConnectOptions::new().filename(folder.join("campfire.sqlite3"));
    let mut database = SqliteConnection::connect_with(&options).await.expect("the database");
    for step in [
        "CREATE TEMP TABLE posted AS SELECT message_id FROM events WHERE kind = 'message_posted'",
        "CREATE INDEX temp.posted_message ON posted (message_id)",
    ] {
        sqlx::query(step).execute(&mut database).await.expect("a list of the posts in the log");
    }
    let wrong: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM json_each($1) AS sent
          WHERE (SELECT COUNT(*) FROM messages
                  WHERE creator_id = 1 AND client_message_id = sent.value AND body_source = 'words of ' || sent.value
                    AND (SELECT COUNT(*) FROM posted WHERE message_id = messages.id) = 1
                    AND EXISTS (SELECT 1 FROM message_search WHERE rowid = messages.id)
                    AND EXISTS (SELECT 1 FROM message_parts WHERE rowid = messages.id)) <> 1",
    )
    .bind(serde_json::to_string(acknowledged).expect("ids are JSON"))
    .fetch_one(&mut database)
    .await
    .expect("an answer");
    assert_eq!(wrong, 0, "acknowledged posts that are not there exactly once");
    eprintln!("{} acknowledged posts are there exactly once.", acknowledged.len());
}

/// Ten people and eleven rooms, one of them busy. Answers with the busy room, the ids of its newest page and of the one
/// before, and how many messages say "walrus".
async fn make_data(folder: &Path) -> (RoomId, Vec<i64>, Vec<i64>, usize) {
    let state = AppState::open(folder, Clock::System).await.expect("the data can be opened");
    let registration = |name: &str| Registration {
        name: name.parse().expect("a name"),
        email_address: format!("{}@example.com", name.to_lowercase()).parse().expect("an address"),
        password: PASSWORD.parse().expect("a password"),
    };
    let ada = accounts::set_up(&state, registration("Ada")).await.expect("Ada");
    let account = campfire::store::accounts::find(state.db.reader()).await.expect("a reader").expect("an account");
    let mut people = vec![ada.clone()];
    for name in ["Bob", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jo"] {
        people.push(accounts::join(&state, &account.join_code, registration(name)).await.expect("somebody"));
    }
    let mut room_ids = Vec::new();
    for number in 0..=OTHER_ROOMS {
        let name = format!("Room {number}").parse().expect("a name");
        room_ids.push(rooms::open(&state, &ada, name, Audience::Everyone).await.expect("a room").id);
    }
    let post = async |person: usize, room_id: RoomId, text: String| -> i64 {
        let member = Member::find(&state.db, &people[person % people.len()], room_id).await.expect("everybody is in");
        let id = uuid().parse::<ClientMessageId>().expect("an id");
        match messages::post(&state, &member, id, text.parse().expect("a draft")).await.expect("a post") {
            Posted::Stored(message) => message.id.0,
            Posted::Removed(_) => unreachable!("nothing is removed"),
        }
    };
    for room_id in &room_ids[1..] {
        for number in 0..IN_EACH {
            post(number, *room_id, format!("Small talk {number}, with **bold** words")).await;
        }
    }
    let mut ids = Vec::new();
    for number in 0..BUSY_ROOM {
        let text = match number % 6 {
            0 => format!("walrus number {number}"),
            1 => format!("walrus number {number}: see https://a.example/{number}"),
            2 => format!("walrus number {number}\n\n> quoted\n\n- one\n- two"),
            3 => format!("walrus number {number}\n\n```rust\nlet answer = {number};\n```"),
            4 => format!("walrus number {number}, @Bob, and a longer sentence that goes on for a while, as they do."),
            _ => format!("walrus number {number} 🎉"),
        };
        ids.push(post(number / 3, room_ids[0], text).await);
    }
    let newest = ids[BUSY_ROOM - PAGE..].to_vec();
    let older = ids[BUSY_ROOM - 2 * PAGE..BUSY_ROOM - PAGE].to_vec();
    (room_ids[0], newest, older, BUSY_ROOM)
}
