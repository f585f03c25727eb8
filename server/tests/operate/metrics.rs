//! What an operator sees of a served Campfire: metrics, and the log of requests.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::{Served, TEST_TIMEOUT, command, fail, send, text};

/// A served Campfire with these options, its metrics' port, and its log once it has ended.
async fn start(options: &[&str]) -> (Served, tokio::process::ChildStderr) {
    let mut process =
        command(options).env("RUST_LOG", "warn,requests=info,server=info").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = timeout(TEST_TIMEOUT, lines.next_line()).await.expect("it starts").unwrap().unwrap();
    let port = line.rsplit_once(':').expect("an address").1.parse().unwrap();
    let log = process.stderr.take().unwrap();
    (Served { process, port, cookie: String::new() }, log)
}

async fn set_up(served: &mut Served) {
    let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
    let answer = served.post("/first_run", form).await;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a session");
    served.cookie = cookie.split(';').next().unwrap().to_owned();
}

/// Ends the server, and returns what it has logged.
async fn end(mut served: Served, mut log: tokio::process::ChildStderr) -> String {
    let id = served.process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut logged = String::new();
    timeout(TEST_TIMEOUT, log.read_to_string(&mut logged)).await.expect("it ends").unwrap();
    assert!(served.process.wait().await.unwrap().success());
    logged
}

#[tokio::test]
async fn metrics_count_what_happens_and_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let shown = address.to_string();
    let options = ["--data", &data, "--listen", "127.0.0.1:0", "--metrics", &shown, "--writes-per-second", "0"];
    let (mut served, log) = start(&options).await;
    set_up(&mut served).await;
    for number in 0..3 {
        let answer = served.post("/rooms/1/messages", &format!("body=secret+{number}")).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    }
    for _ in 0..2 {
        assert!(served.get("/rooms/1").await.starts_with("HTTP/1.1 200"));
    }
    served.get("/rooms/1/not-a-key-KEYKEYKEYKEY/messages").await;
    served.get("/nothing/here/at/all").await;
    let answer = send(address.port(), "GET", "/metrics", "", "text/plain", "").await.unwrap();
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    for line in [
        "campfire_build_info{version=\"",
        "campfire_requests_total{method=\"POST\",route=\"/rooms/{room_id}/messages\",status=\"303\"} 3\n",
        "campfire_requests_total{method=\"GET\",route=\"/rooms/{room_id}\",status=\"200\"} 2\n",
        "campfire_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1\n",
        "campfire_request_seconds_count{route=\"/rooms/{room_id}\"} 2\n",
        "campfire_posts_total 3\n",
        "campfire_sockets 0\n",
        "campfire_write_queue_length 0\n",
        "campfire_commit_writes_bucket{le=\"+Inf\"} ",
        "campfire_jobs_waiting{kind=\"prune\"} ",
        "campfire_jobs_total{kind=\"sweep_files\",result=\"done\"} ",
        "campfire_cache_requests_total{cache=\"pages\",result=\"hit\"} ",
        "campfire_database_bytes{file=\"wal\"} ",
    ] {
        assert!(answer.contains(line), "{line} in {answer}");
    }
    let events: u64 = value(&answer, "campfire_events_total ");
    assert!(events >= 3, "{events}");
    assert!(value(&answer, "campfire_database_bytes{file=\"database\"} ") > 0);
    assert!(value(&answer, "campfire_database_bytes{file=\"wal\"} ") > 4_096);
    for secret in ["ada", "Ada", "secret", "KEYKEY", "not-a-key", "/nothing"] {
        assert!(!answer.contains(secret), "{secret} in {answer}");
    }
    assert!(send(served.port, "GET", "/metrics", "", "text/plain", "").await.unwrap().starts_with("HTTP/1.1 404"));

    let logged = end(served, log).await;
    let requests: Vec<_> = logged.lines().filter(|line| line.contains(" request ")).collect();
    assert_eq!(requests.len(), 9, "{logged}");
    assert!(requests[1].contains("method=POST route=/rooms/{room_id}/messages status=303 us="), "{}", requests[1]);
    for secret in ["ada%40", "secret", "KEYKEY", "/nothing", "127.0.0.1:5", "session_token"] {
        assert!(!requests.iter().any(|line| line.contains(secret)), "{secret} in {requests:?}");
    }
    let refused = fail(["--data", &data, "--listen", "127.0.0.1:0", "--metrics", "192.0.2.1:0"]).await;
    assert!(refused.contains("192.0.2.1:0 cannot be listened on"), "{refused}");
}

fn value(answer: &str, start: &str) -> u64 {
    let line =
        answer.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("{start} in {answer}"));
    line.parse().unwrap()
}

#[tokio::test]
async fn the_log_is_json_if_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    let (served, log) = start(&["--data", &data, "--listen", "127.0.0.1:0", "--log", "json"]).await;
    served.get("/first_run?a=b").await;
    served.get("/up").await;
    let logged = end(served, log).await;
    let lines: Vec<serde_json::Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 1, "the health check is not one: {logged}");
    assert_eq!((&requests[0]["route"], &requests[0]["status"]), (&"/first_run".into(), &200.into()));
    assert!(requests[0]["request"].as_str().is_some_and(|id| id.len() > 8), "{logged}");
    assert!(lines.iter().any(|line| line["message"] == "shutting down"), "{logged}");
}
