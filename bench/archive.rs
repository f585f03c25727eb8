//! Times of searches and room pages among two million messages, on a generated database with a fixed seed.
//! Usage: cargo run --release -p server --example archive [MESSAGES]

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[path = "meter/random.rs"]
mod random;
#[expect(dead_code, reason = "this program has no budgets and no rounds")]
#[path = "meter/table.rs"]
mod table;

use std::path::Path;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Request, header};
use campfire::access::CurrentUser;
use campfire::clock::Clock;
use campfire::model::{ClientMessageId, MessageId, Role, RoomId, SessionId, User, UserId};
use campfire::ops::rooms::Audience;
use campfire::richtext::RENDER_VERSION;
use campfire::search::Zone;
use campfire::state::AppState;
use campfire::{AppResult, ops, store};
use http_body_util::BodyExt;
use random::Random;
use server::{Site, app};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::watch;
use tower::ServiceExt;

/// Messages of the room that is read; the rest is divided among [`OTHER_ROOMS`].
const LONG_ROOM: u64 = 250_000;
const OTHER_ROOMS: u64 = 40;
/// Messages of Cleo's only room.
const SMALL_ROOM: u64 = 200;
/// Messages inserted by one write.
const BATCH: u64 = 5_000;
/// Number of different words.
const WORDS: u64 = 20_000;
/// How often each search and page is measured.
const ROUNDS: usize = 50;
/// The time of the first message, in milliseconds since the epoch: 2024-01-01.
const FIRST_AT_MS: i64 = 1_704_067_200_000;
const MESSAGE_INTERVAL_MS: i64 = 40_000;

#[tokio::main]
async fn main() {
    let total = std::env::args().nth(1).map_or(2_000_000, |count| count.parse().expect("a number of messages"));
    let folder = tempfile::tempdir().expect("a folder of its own");
    let state = AppState::open(folder.path(), Clock::System).await.expect("the data can be opened");
    let (_close, closing) = watch::channel(false);
    let site = app(Site::new(state.clone(), closing));
    let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
    let request = Request::post("/first_run")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = site.clone().oneshot(request.body(Body::from(form)).expect("a request")).await.expect("an answer");
    let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("a cookie");
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();

    let ada = store::users::find(state.db.reader(), UserId(1)).await.expect("a reader").expect("Ada");
    let cleo = state.db.write(async |tx| -> AppResult<User> {
        let name = "Cleo".parse()?;
        let address = "cleo@example.com".parse()?;
        let id = store::users::insert(tx.db(), &name, &address, "x", Role::Member, 1).await?;
        Ok(User { id, name: "Cleo".into(), role: Role::Member })
    });
    let cleo = cleo.await.expect("Cleo");
    let open = async |name: String, others: Vec<UserId>| {
        ops::rooms::open(&state, &ada, name.parse().expect("a name"), Audience::Chosen(others))
            .await
            .expect("a room")
            .id
    };
    let long_room = open("Long".into(), Vec::new()).await;
    let small_room = open("Small".into(), vec![cleo.id]).await;
    let mut rooms = vec![(long_room, LONG_ROOM.min(total / 2)), (small_room, SMALL_ROOM)];
    let left = total - rooms.iter().map(|(_, count)| count).sum::<u64>();
    for number in 0..OTHER_ROOMS {
        rooms.push((open(format!("Room {number}"), Vec::new()).await, left / OTHER_ROOMS));
    }
    let began = Instant::now();
    fill(&state, &rooms).await;
    settle(folder.path()).await;
    let bytes = std::fs::metadata(folder.path().join("campfire.sqlite3")).map_or(0, |file| file.len());
    eprintln!("{total} messages made in {:.0} s, {} MiB", began.elapsed().as_secs_f64(), bytes >> 20);

    let rare = word(WORDS - 7);
    let part = &rare[1..rare.len() - 1];
    for (what, who, query) in [
        ("a word of two messages in three", &ada, "the".to_owned()),
        ("two common words", &ada, "the and".to_owned()),
        ("a rare word", &ada, rare.clone()),
        ("a part of a rare word", &ada, part.to_owned()),
        ("a phrase", &ada, "\"the and\"".to_owned()),
        ("a common word from one person", &ada, "the from:cleo".to_owned()),
        ("a common word in one room", &ada, "the in:small".to_owned()),
        ("a common word before a day", &ada, "the before:2024-06-01".to_owned()),
        ("messages with a link", &ada, "has:link".to_owned()),
        ("a common word, by a member of one room of 200", &cleo, "the".to_owned()),
        ("a word that is nowhere", &ada, "qqzzqq".to_owned()),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let current = CurrentUser { user: who.clone(), session_id: SessionId(1) };
            let began = Instant::now();
            let answer = ops::searches::search(&state, &current, &query, &Zone::UTC).await.expect("an answer");
            times.push(began.elapsed());
            found = answer.messages.len();
            assert!(answer.messages.iter().all(|(message, _)| who.id == ada.id || message.room_id == small_room));
        }
        table::print_times(&format!("search: {what}"), &times, &format!("{found} found"));
    }

    let member = state.members.find(&ada, long_room).await.expect("Ada is in it");
    let newest = ops::messages::room_page(&state, &member, campfire::model::Anchor::Newest).await.expect("a page");
    let middle = newest.timeline.messages[0].id.0 / 2;
    let middle: i64 = sqlx::query_scalar("SELECT MAX(id) FROM messages WHERE room_id = $1 AND id < $2")
        .bind(long_room)
        .bind(middle.max(2))
        .fetch_one(state.db.reader())
        .await
        .unwrap_or(1);
    for (what, path) in [
        ("room page, newest messages", format!("/rooms/{long_room}")),
        ("room page, in the middle", format!("/rooms/{long_room}/@{middle}")),
        ("search page, a common word", "/searches?q=the".to_owned()),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let request = Request::get(&path)
                .header(header::HOST, "localhost")
                .header(header::COOKIE, &cookie)
                .body(Body::empty())
                .expect("a request");
            let began = Instant::now();
            let answer = site.clone().oneshot(request).await.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            times.push(began.elapsed());
            assert!(body.ends_with(b"</html>"), "{path} is whole");
        }
        table::print_times(what, &times, "");
    }
}

/// Inserts messages without the product's operations, in the order of time; a room gets messages in proportion to its size.
async fn fill(state: &AppState, rooms: &[(RoomId, u64)]) {
    let total: u64 = rooms.iter().map(|(_, count)| count).sum();
    let mut left: Vec<u64> = rooms.iter().map(|(_, count)| *count).collect();
    let mut random = Random(7);
    let mut made = 0;
    while made < total {
        let mut rows = Vec::new();
        while rows.len() < usize::try_from(BATCH).expect("it fits") && made < total {
            let mut pick = random.below(left.iter().sum());
            let index = left.iter().position(|count| {
                let hit = pick < *count;
                pick = pick.saturating_sub(*count);
                hit
            });
            let index = index.expect("something is left");
            left[index] -= 1;
            let mut text = sentence(&mut random);
            let mut marks = "";
            if random.below(50) == 0 {
                (text, marks) = (format!("{text} https://a.example/{made}"), "link ");
            }
            let creator = if random.below(10_000) == 0 { 2 } else { 1 };
            let at = FIRST_AT_MS + i64::try_from(made).expect("it fits") * MESSAGE_INTERVAL_MS;
            let sent_as = ClientMessageId::v7(at.unsigned_abs(), [0; 10]);
            rows.push(serde_json::json!([rooms[index].0, creator, sent_as, text, marks, at]));
            made += 1;
        }
        let rows = serde_json::Value::Array(rows).to_string();
        let written = state.db.write(async move |tx| -> AppResult<()> {
            let made: Vec<(MessageId, u32)> = sqlx::query_as(
                "INSERT INTO messages (room_id, creator_id, client_message_id, sent_digest, body_source, body_html,
                                       body_text, search_marks, render_version, created_at, updated_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, x'00', value ->> 3, '<p>' || (value ->> 3) || '</p>',
                        value ->> 3, value ->> 4, $2, value ->> 5, value ->> 5
                   FROM json_each($1)
                 RETURNING id, octet_length(body_text)",
            )
            .bind(rows)
            .bind(RENDER_VERSION)
            .fetch_all(tx.db())
            .await?;
            for (message_id, text_bytes) in made {
                tx.index(message_id, usize::try_from(text_bytes).expect("it fits"));
            }
            Ok(())
        });
        written.await.expect("messages");
    }
    let settled = state.db.write(async |tx| -> AppResult<()> {
        // There is nothing to render anew.
        sqlx::query("INSERT INTO renderings (version, before_id) VALUES ($1, 0)")
            .bind(RENDER_VERSION)
            .execute(&mut *tx.db())
            .await?;
        sqlx::query(
            "UPDATE rooms SET last_message_id = (SELECT COALESCE(MAX(id), 0) FROM messages WHERE room_id = rooms.id)",
        )
        .execute(&mut *tx.db())
        .await?;
        // Authors have read their rooms, and nearly all messages here have one author.
        sqlx::query(
            "UPDATE memberships SET read_message_id = (SELECT last_message_id FROM rooms WHERE rooms.id = room_id)",
        )
        .execute(&mut *tx.db())
        .await?;
        Ok(())
    });
    settled.await.expect("the rooms");
}

/// Copies the write-ahead log back into the database, as the server does while it is idle.
async fn settle(folder: &Path) {
    let options = SqliteConnectOptions::new().filename(folder.join("campfire.sqlite3"));
    let mut database = SqliteConnection::connect_with(&options).await.expect("the database");
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut database).await.expect("the log copied back");
}

/// Six to twenty words; common ones are drawn more often than rare ones.
fn sentence(random: &mut Random) -> String {
    let words = (0..6 + random.below(15)).map(|_| match random.below(10) {
        0 => "the".to_owned(),
        1 => "and".to_owned(),
        _ => {
            // The square of a uniform number between 0 and 1: low word numbers are drawn more often.
            let at = random.below(1_000_000);
            word(at * at / 1_000_000 * WORDS / 1_000_000)
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The word with this number: one syllable for each digit.
fn word(number: u64) -> String {
    let syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu"];
    (number + 100).to_string().bytes().map(|digit| syllables[usize::from(digit - b'0')]).collect()
}
