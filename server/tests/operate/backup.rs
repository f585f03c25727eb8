//! `backup`, `verify` and `restore`, beside a served Campfire and after a kill.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};

use campfire::model::ClientMessageId;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{CAMPFIRE, Served, TEST_TIMEOUT, command, database, fail, names, run, send, succeed, text};

const POSTER_COUNT: u64 = 16;

/// Messages that are acknowledged before the backup begins, and while it is made.
const MESSAGE_COUNT: usize = 400;

/// The number of posts sent, and the ids of those acknowledged.
#[derive(Default)]
struct Ledger {
    sent: Mutex<HashMap<String, String>>,
    acknowledged: Mutex<Vec<String>>,
}

async fn post_until(
    poster: u64,
    port: u16,
    cookie: String,
    ledger: Arc<Ledger>,
    progress: watch::Sender<usize>,
    stopped: watch::Receiver<bool>,
) {
    for number in 0.. {
        if *stopped.borrow() {
            return;
        }
        let id = ClientMessageId::v7(poster << 32 | number, [0; 10]).to_string();
        let body = format!("poster{poster}number{number}");
        ledger.sent.lock().unwrap().insert(id.clone(), body.clone());
        let call = json!({"room_id": 1, "client_message_id": id, "body": body}).to_string();
        let answer = send(port, "POST", "/api/messages/post", &cookie, "application/json", &call).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut acknowledged = ledger.acknowledged.lock().unwrap();
        acknowledged.push(id);
        progress.send_replace(acknowledged.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_people_post_has_every_message_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::set_up(&data).await;
    let ledger = Arc::new(Ledger::default());
    let (progress, mut progressed) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let posters: Vec<_> = (0..POSTER_COUNT)
        .map(|poster| {
            let (cookie, ledger) = (served.cookie.clone(), Arc::clone(&ledger));
            tokio::spawn(post_until(poster, served.port, cookie, ledger, progress.clone(), stopped.clone()))
        })
        .collect();
    let mut wait_for = async |goal: usize| {
        timeout(TEST_TIMEOUT, progressed.wait_for(|count| *count >= goal)).await.expect("they post").unwrap();
    };
    wait_for(MESSAGE_COUNT).await;

    let mut checked = Vec::new();
    for name in ["a.tar.zst", "b.tar"] {
        let archive = text(&folder.path().join(name));
        let before = ledger.acknowledged.lock().unwrap().clone();
        let printed = succeed(["backup", "--data", &text(&data), &archive]).await;
        assert!(printed.starts_with(&format!("{archive}: ")) && printed.contains(" messages, 0 files, "), "{printed}");
        let verified = succeed(["verify", &archive]).await;
        assert!(verified.contains("all as they were stored"), "{verified}");
        checked.push((archive, before));
    }
    let verified = succeed(["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("all as they were stored"), "{verified}");
    let after = ledger.acknowledged.lock().unwrap().len();
    wait_for(after + 1).await;
    stop.send(true).unwrap();
    for poster in posters {
        timeout(TEST_TIMEOUT, poster).await.expect("the poster stops").unwrap();
    }
    assert!(names(folder.path()).iter().all(|name| !name.starts_with('.')), "{:?}", names(folder.path()));

    let sent = ledger.sent.lock().unwrap().clone();
    for (archive, before) in checked {
        let restored = folder.path().join("restored");
        succeed(["restore", &archive, "--data", &text(&restored)]).await;
        let mut db = database(&restored).await;
        let stored: Vec<(String, String)> =
            sqlx::query_as("SELECT client_message_id, body_source FROM messages").fetch_all(&mut db).await.unwrap();
        let stored: HashMap<_, _> = stored.into_iter().collect();
        assert!(before.iter().all(|id| stored.get(id) == sent.get(id)), "what was acknowledged before is there");
        assert!(stored.iter().all(|(id, body)| sent.get(id) == Some(body)), "and nothing that was not sent");
        let again = Served { cookie: served.cookie.clone(), ..Served::start(&restored).await };
        let page = again.get("/rooms/1").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("poster"), "the session goes on: {page}");
        again.kill().await;
        fs::remove_dir_all(restored).unwrap();
    }
    served.kill().await;
}

/// Gives the message in room 1 a file of so many zeros.
async fn attach_zeros(data: &Path, bytes: u64) {
    let key = "00112233445566778899aabbccddeeff";
    let path = data.join("files/00/11");
    fs::create_dir_all(&path).unwrap();
    File::create(path.join(key)).unwrap().set_len(bytes).unwrap();
    let mut sum = Sha256::new();
    let zeros = vec![0; 1 << 20];
    (0..bytes >> 20).for_each(|_| sum.update(&zeros));
    let mut db = database(data).await;
    sqlx::query(
        "INSERT INTO blobs (key, creator_id, bytes, sha256, content_type, created_at) VALUES ($1, 1, $2, $3, 'x/y', 0);
         INSERT INTO attachments (room_id, message_id, position, blob_key, name) VALUES (1, 1, 0, $1, 'zeros')",
    )
    .bind(key)
    .bind(i64::try_from(bytes).unwrap())
    .bind(sum.finalize().to_vec())
    .execute(&mut db)
    .await
    .unwrap();
}

/// A data folder with one message, which has a large file.
async fn large(data: &Path) {
    let served = Served::set_up(data).await;
    assert!(served.post("/rooms/1/messages", "body=hello").await.starts_with("HTTP/1.1 303"));
    served.kill().await;
    attach_zeros(data, 256 << 20).await;
}

/// Starts a command, and kills it as soon as `is_begun`.
async fn kill_in_the_middle(arguments: &[&str], is_begun: impl Fn() -> bool) {
    let mut process = command(arguments).spawn().unwrap();
    let begun = async {
        while !is_begun() {
            assert!(process.try_wait().unwrap().is_none(), "it was still running");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    timeout(TEST_TIMEOUT, begun).await.expect("it begins");
    process.kill().await.unwrap();
}

#[tokio::test]
async fn a_kill_in_the_middle_leaves_no_archive_and_no_installation_and_the_next_run_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    large(&data).await;
    let (data, backups) = (text(&data), folder.path().join("backups"));
    fs::create_dir(&backups).unwrap();
    let archive = text(&backups.join("a.tar.zst"));
    kill_in_the_middle(&["backup", "--data", &data, &archive], || {
        fs::metadata(backups.join(".a.tar.zst.part")).is_ok_and(|part| part.len() > 0)
    })
    .await;
    assert!(!names(&backups).contains(&"a.tar.zst".to_owned()), "{:?}", names(&backups));
    succeed(["backup", "--data", &data, &archive]).await;
    assert_eq!(names(&backups), ["a.tar.zst"], "what was left is gone");

    let restored = folder.path().join("restored");
    let restore = ["restore", &archive, "--data", &text(&restored)].map(str::to_owned);
    let arguments: Vec<_> = restore.iter().map(String::as_str).collect();
    kill_in_the_middle(&arguments, || restored.join("restoring/files").exists()).await;
    assert_eq!(names(&restored), ["campfire.lock", "restoring"]);
    let refused = fail(["verify", "--data", &text(&restored)]).await;
    assert!(refused.contains("there is no Campfire in "), "{refused}");
    let printed = succeed(&restore).await;
    assert!(printed.contains(": 1 message, 1 file. Serve it with: campfire serve --data "), "{printed}");
    assert_eq!(names(&restored), ["campfire.lock", "campfire.sqlite3", "files"]);
    let verified = succeed(["verify", "--data", &text(&restored)]).await;
    assert!(verified.contains("1 message, 1 file, all as they were stored"), "{verified}");
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_under_the_final_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    large(&data).await;
    let archive = folder.path().join("backups/a.tar");
    fs::create_dir(archive.parent().unwrap()).unwrap();
    // A limit of the size of files, which answers like a full disk; in blocks of 512 or 1,024 bytes.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 16384 && exec \"$@\"", "sh", CAMPFIRE, "backup", "--data", &text(&data)]);
    let output = timeout(TEST_TIMEOUT, shell.arg(&archive).output()).await.expect("it ends").unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("campfire: "));
    assert!(names(archive.parent().unwrap()).is_empty(), "{:?}", names(archive.parent().unwrap()));

    let (data, archive) = (text(&data), text(&archive));
    succeed(["backup", "--data", &data, &archive]).await;
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 16384 && exec \"$@\"", "sh", CAMPFIRE, "restore", &archive, "--data"]);
    let restored = folder.path().join("restored");
    let output = timeout(TEST_TIMEOUT, shell.arg(&restored).output()).await.expect("it ends").unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("00112233445566778899aabbccddeeff"), "the file is named: {error}");
    assert_eq!(names(&restored), ["campfire.lock"]);
}

#[tokio::test]
async fn folders_in_use_and_archives_that_exist_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::set_up(&data).await;
    let (data, archive) = (text(&data), text(&folder.path().join("a.tar")));
    succeed(["backup", "--data", &data, &archive]).await;
    let bytes = fs::read(&archive).unwrap();
    let refused = fail(["backup", "--data", &data, &archive]).await;
    assert!(refused.contains("it exists already"), "{refused}");
    assert_eq!(fs::read(&archive).unwrap(), bytes);

    let refused = fail(["restore", &archive, "--data", &data]).await;
    assert!(refused.contains("is not empty"), "{refused}");
    assert_eq!(served.get("/up").await.get(9..12), Some("200"));
    let fresh = folder.path().join("fresh");
    let other = Served::start(&fresh).await;
    let refused = fail(["restore", &archive, "--data", &text(&fresh)]).await;
    assert!(refused.contains("is not empty"), "{refused}");
    other.kill().await;

    // A folder of somebody else stays as it is.
    let others = folder.path().join("others");
    fs::create_dir(&others).unwrap();
    fs::write(others.join("letter.txt"), "dear").unwrap();
    fail(["restore", &archive, "--data", &text(&others)]).await;
    assert_eq!(names(&others), ["letter.txt"]);

    for missing in [vec!["backup", "--data", "/nonexistent", "/tmp/never.tar"], vec!["restore", "/nonexistent.tar"]] {
        fail(missing).await;
    }
    for usage in [vec!["backup"], vec!["restore"], vec!["backup", "a", "b"], vec!["verify", "--loud"]] {
        assert_eq!(run(usage).await.code, Some(2));
    }
    served.kill().await;
}

#[tokio::test]
async fn each_command_explains_itself_with_an_example() {
    for name in
        ["backup", "verify", "restore", "make-admin", "join-link", "doctor", "export", "healthcheck", "reset-password"]
    {
        let help = succeed([name, "--help"]).await;
        assert!(help.contains("Examples:") && help.contains(&format!("  campfire {name}")), "{help}");
    }
    let help = succeed(["import", "rails", "--help"]).await;
    assert!(help.contains("Examples:") && help.contains("  campfire import rails"), "{help}");
}
