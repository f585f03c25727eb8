//! Kills the executable repeatedly: while clients post, every acknowledged message must be stored exactly once; and what
//! it was deleting in the background must be deleted by the next process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campfire::model::ClientMessageId;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

const CLIENT_COUNT: u64 = 8;
const KILL_COUNT: usize = 20;

/// Minimum number of messages acknowledged between two kills.
const MESSAGES_PER_KILL: u64 = 25;

/// Longer than anything that the test waits for takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// All messages sent, and those acknowledged.
#[derive(Default)]
struct Ledger {
    sent: Mutex<HashMap<String, String>>,
    acknowledged: Mutex<Vec<String>>,
    count: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_messages_survive_kills_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut campfire = start(&data, port).await;
    let cookie = set_up(port).await;

    let ledger = Arc::new(Ledger::default());
    let (progress, mut progressed) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let clients: Vec<_> = (0..CLIENT_COUNT)
        .map(|client| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(post_until_stopped(client, port, cookie.clone(), ledger, progress.clone(), stopped.clone()))
        })
        .collect();

    for _ in 0..KILL_COUNT {
        let goal = *progressed.borrow_and_update() + MESSAGES_PER_KILL;
        timeout(TEST_TIMEOUT, progressed.wait_for(|count| *count >= goal))
            .await
            .expect("messages are acknowledged")
            .unwrap();
        campfire.kill().await.unwrap();
        campfire = start(&data, port).await;
    }
    stop.send(true).unwrap();
    for client in clients {
        timeout(TEST_TIMEOUT, client).await.expect("the client stops").unwrap();
    }
    campfire.kill().await.unwrap();
    audit(&data, &ledger).await;
}

/// How many messages the removed room and the banned person have: more than a job deletes before the kill.
const TO_DELETE: i64 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_was_deleting_is_deleted_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut campfire = start(&data, port).await;
    let ada = set_up(port).await;
    let bob = join(&data, port).await;
    assert!(submit(port, "/rooms/closeds", &ada, "name=Old").await.contains("/rooms/2"));
    post(port, &ada, 2, "in the old room").await;
    post(port, &bob, 1, "by Bob").await;
    post(port, &ada, 1, "stays").await;
    campfire.kill().await.unwrap();
    let mut db = database(&data).await;
    repeat_messages(&mut db).await;

    for (path, form) in [("/rooms/2", "_method=delete"), ("/users/2/ban", "")] {
        campfire = start(&data, port).await;
        submit(port, path, &ada, form).await;
        campfire.kill().await.unwrap();
        assert!(count(&mut db, "SELECT COUNT(*) FROM jobs WHERE kind <> 'prune'").await > 0, "{path} goes on");
    }
    assert!(count(&mut db, "SELECT COUNT(*) FROM messages").await > 1, "killed before it was done");

    campfire = start(&data, port).await;
    let deleted = async {
        while count(&mut db, "SELECT COUNT(*) FROM jobs WHERE kind <> 'prune'").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, deleted).await.expect("the next process goes on");
    campfire.kill().await.unwrap();
    let left: Vec<(String,)> = sqlx::query_as("SELECT body_text FROM messages").fetch_all(&mut db).await.unwrap();
    assert_eq!(left, [("stays".to_owned(),)]);
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM rooms").await, 1);
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM message_search WHERE message_search MATCH 'old OR bob'").await, 0);
    check_integrity(&mut db).await;
}

/// Signs Bob up with the join code.
async fn join(data: &Path, port: u16) -> String {
    let code: String =
        sqlx::query_scalar("SELECT join_code FROM accounts").fetch_one(&mut database(data).await).await.unwrap();
    let form = "name=Bob&email_address=bob%40example.com&password=correct+horse";
    session_cookie(&submit(port, &format!("/join/{code}"), "", form).await)
}

async fn submit(port: u16, path: &str, cookie: &str, form: &str) -> String {
    let answer = request(port, path, cookie, "application/x-www-form-urlencoded", form).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{path}: {answer}");
    answer
}

async fn post(port: u16, cookie: &str, room_id: i64, body: &str) {
    let id = ClientMessageId::v7(1, [room_id.to_le_bytes()[0]; 10]).to_string();
    let call = json!({"room_id": room_id, "client_message_id": id, "body": body}).to_string();
    let answer = request(port, "/api/messages/post", cookie, "application/json", &call).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Repeats the message in room 2 and Bob's until each is there [`TO_DELETE`] times.
async fn repeat_messages(db: &mut SqliteConnection) {
    sqlx::query(
        "WITH RECURSIVE repetitions (number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM repetitions LIMIT $1)
         INSERT INTO messages (room_id, creator_id, client_message_id, sent_digest, body_source, body_html, body_text,
                               render_version, created_at, updated_at, search_words, search_marks, search_parts)
         SELECT room_id, creator_id, client_message_id || number, sent_digest, body_source, body_html, body_text,
                render_version, created_at, updated_at, search_words, search_marks, search_parts
           FROM messages, repetitions WHERE room_id = 2 OR creator_id = 2",
    )
    .bind(TO_DELETE - 1)
    .execute(db)
    .await
    .unwrap();
}

async fn database(data: &Path) -> SqliteConnection {
    let path: PathBuf = data.join("campfire.sqlite3");
    SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

async fn count(db: &mut SqliteConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

async fn check_integrity(db: &mut SqliteConnection) {
    sqlx::query("INSERT INTO message_search (message_search) VALUES ('integrity-check')")
        .execute(&mut *db)
        .await
        .unwrap();
    let integrity: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(db).await.unwrap();
    assert_eq!(integrity, "ok");
}

async fn start(data: &Path, port: u16) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_campfire"))
        .args(["--listen", &format!("127.0.0.1:{port}"), "--writes-per-second", "0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("the program starts").unwrap();
    assert_eq!(line, Some(format!("Campfire is listening on http://127.0.0.1:{port}")));
    child
}

async fn set_up(port: u16) -> String {
    let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
    session_cookie(&submit(port, "/first_run", "", form).await)
}

fn session_cookie(answer: &str) -> String {
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    cookie.expect("somebody is signed in").split(';').next().unwrap().to_owned()
}

/// Posts one message after the other. A message is retried with the same id until it is acknowledged.
async fn post_until_stopped(
    client: u64,
    port: u16,
    cookie: String,
    ledger: Arc<Ledger>,
    progress: watch::Sender<u64>,
    stopped: watch::Receiver<bool>,
) {
    for number in 0.. {
        if *stopped.borrow() {
            return;
        }
        let id = ClientMessageId::v7(client << 32 | number, [0; 10]).to_string();
        let body = format!("client{client}number{number}");
        ledger.sent.lock().unwrap().insert(id.clone(), body.clone());
        let call = json!({"room_id": 1, "client_message_id": id, "body": body}).to_string();
        loop {
            let answer = request(port, "/api/messages/post", &cookie, "application/json", &call).await;
            match answer.as_deref().map(|answer| answer.get(..12)) {
                Ok(Some("HTTP/1.1 200")) => break,
                Ok(other) => assert!(matches!(other, None | Some("HTTP/1.1 503")), "{answer:?}"),
                // Killed, or not listening yet. The message may have been stored even so.
                Err(_) => tokio::task::yield_now().await,
            }
        }
        ledger.acknowledged.lock().unwrap().push(id);
        let count = ledger.count.fetch_add(1, Ordering::Relaxed) + 1;
        progress.send_if_modified(|known| {
            let is_higher = count > *known;
            *known = count.max(*known);
            is_higher
        });
    }
}

async fn request(port: u16, path: &str, cookie: &str, content_type: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: {cookie}\r\naccept: application/json\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}

/// Checks that the database, its search table and its event log contain each message once.
async fn audit(data: &Path, ledger: &Ledger) {
    let mut db = database(data).await;
    let stored: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, client_message_id, body_source FROM messages ORDER BY id")
            .fetch_all(&mut db)
            .await
            .unwrap();
    let sent = ledger.sent.lock().unwrap().clone();
    let acknowledged = ledger.acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() as u64 >= KILL_COUNT as u64 * MESSAGES_PER_KILL, "{} acknowledged", acknowledged.len());

    let by_id: HashMap<_, _> = stored.iter().map(|(_, id, body)| (id, body)).collect();
    assert_eq!(by_id.len(), stored.len(), "no message is stored twice");
    for id in &acknowledged {
        assert_eq!(by_id.get(id), Some(&&sent[id]), "every acknowledged message is stored with its text");
    }
    assert!(stored.iter().all(|(_, id, body)| sent.get(id) == Some(body)), "only sent messages are stored");

    for (id, _, body) in &stored {
        let hits: Vec<i64> = sqlx::query_scalar("SELECT rowid FROM message_search WHERE message_search MATCH $1")
            .bind(body)
            .fetch_all(&mut db)
            .await
            .unwrap();
        assert_eq!(hits, [*id], "the search table finds exactly this message");
        let posted: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE message_id = $1 AND kind = 'message_posted'")
                .bind(id)
                .fetch_one(&mut db)
                .await
                .unwrap();
        assert_eq!(posted, 1, "the log contains one event of it");
    }
    check_integrity(&mut db).await;
}
