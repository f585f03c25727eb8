//! `import rails`: both generations of the schema, and what the product does with what was imported.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::fixture::{self, Generation, PASSWORD, contents};
use crate::support::{Served, count, database, fail, names, run, send, succeed, text};

/// The rows of a query with one text column.
async fn texts(data: &Path, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&mut database(data).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_generations_move_in_and_the_product_is_used_with_what_they_brought() {
    for generation in [Generation::Before, Generation::Since] {
        let folder = tempfile::tempdir().unwrap();
        let (source, data) = (folder.path().join("once"), folder.path().join("data"));
        fixture::fill(&source, generation);
        let before = contents(&source);
        let dry = succeed(["import", "rails", &text(&source), "--data", &text(&data), "--dry-run"]).await;
        assert!(dry.contains("Nothing was imported. This would be:"), "{dry}");
        assert!(!data.exists(), "a dry run writes nothing");
        let report = succeed(["import", "rails", &text(&source), "--data", &text(&data)]).await;
        assert!(contents(&source) == before, "the source is as it was");
        for (number, what) in [
            (7, "people and bots"),
            (4, "rooms and pings"),
            (9, "messages"),
            (1, "files"),
            (1, "messages whose id another one of the same person has"),
            (1, "messages whose id was no UUID"),
            (2, "messages of rooms or people that do not exist"),
            (1, "messages in which there is nothing"),
            (1, "files that are missing or changed: their messages say so"),
            (1, "keys of bots"),
            (1, "webhooks of bots"),
            (1, "pings of the same people twice: the first one is found by pinging them again"),
            (1, "e-mail addresses that somebody else has in another case"),
        ] {
            assert!(report.contains(&format!("{number:>10}  {what}\n")), "{number} {what}: {report}");
            assert!(
                dry.contains(&format!("{number:>10}  {what}\n")) || what.contains("whose id another"),
                "{what}: {dry}"
            );
        }
        assert!(!report.contains("secret/path") && report.contains("bots.example"), "no secret is printed: {report}");
        assert!(fs::read_to_string(data.join("import-rails.txt")).unwrap().contains("Kept:"));
        let verified = succeed(["verify", "--data", &text(&data)]).await;
        assert!(verified.contains("9 messages, 1 file, all as they were stored"), "{verified}");
        assert!(!names(&data).contains(&"importing".to_owned()), "nothing is left over");

        // Running it twice changes nothing.
        let once = stored(&data).await;
        assert_eq!(succeed(["import", "rails", &text(&source), "--data", &text(&data)]).await, report);
        assert_eq!(stored(&data).await, once);
        check_content(&data).await;
        use_it(&data, generation).await;
    }
}

/// A snapshot of the data, to compare before and after another run.
async fn stored(data: &Path) -> Vec<String> {
    texts(
        data,
        "SELECT 'message ' || id || client_message_id || body_html FROM messages
         UNION ALL SELECT 'user ' || id || name || COALESCE(email_address, '') FROM users
         UNION ALL SELECT 'member ' || room_id || ' ' || user_id || ' ' || read_message_id || involvement FROM memberships
         UNION ALL SELECT 'boost ' || id || content FROM boosts
         UNION ALL SELECT 'file ' || key FROM blobs
         UNION ALL SELECT 'epoch ' || epoch FROM event_log ORDER BY 1",
    )
    .await
}

async fn check_content(data: &Path) {
    let bodies = texts(data, "SELECT id || ' ' || body_source FROM messages ORDER BY id").await;
    assert_eq!(
        bodies,
        [
            "1 Hello **world**",
            "2 Hi @Ada#1, look <here> \\_x\\_",
            "3 /play tada",
            "4 the same id again",
            "5 ",
            "6 broken.txt (this file was missing when the history was imported)",
            "10 > quoted\n\nthe last one",
            "42 for the designersx",
            "43 just us",
        ]
    );
    let html = texts(data, "SELECT body_html FROM messages ORDER BY id").await.join("\n");
    assert!(html.contains("<strong>world</strong>") && html.contains("href=\"/users/1\"") && html.contains("tada.mp3"));
    assert!(!html.contains("script") && !html.contains("alert"), "{html}");
    let people = texts(data, "SELECT id || ' ' || name || ' ' || role || ' ' || status FROM users ORDER BY id").await;
    assert_eq!(people[0], "1 Ada 1 0");
    assert_eq!(people[4], "5 Robot 2 0");
    assert_eq!(texts(data, "SELECT token FROM bots WHERE user_id = 5").await, ["abcdefABCDEF"], "scripts go on");
    assert_eq!(texts(data, "SELECT url FROM webhooks WHERE bot_id = 5").await, ["https://bots.example/secret/path"]);
    assert_eq!(people[5], "6 Ada (2) 0 0", "two of the same name are told apart");
    assert_eq!(people[6], "7 Somebody 7 0 0");
    let mut db = database(data).await;
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM boosts WHERE content = '🎉'").await, 1);
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM mentions WHERE user_id = 1 AND message_id = 2").await, 1);
    assert_eq!(count(&mut db, "SELECT read_message_id FROM memberships WHERE room_id = 1 AND user_id = 2").await, 6);
    assert_eq!(count(&mut db, "SELECT read_message_id FROM memberships WHERE room_id = 1 AND user_id = 1").await, 10);
    assert_eq!(texts(data, "SELECT direct_key FROM rooms WHERE direct_key IS NOT NULL").await, ["1,2"]);
}

async fn use_it(data: &Path, generation: Generation) {
    let mut served = Served::start(data).await;
    // The old password, at the address in another case; its hash becomes one of ours.
    assert_eq!(served.sign_in("bob@example.com", "wrong password").await, "");
    served.cookie = served.sign_in("bob@example.com", PASSWORD).await;
    assert!(!served.cookie.is_empty(), "signs in with the old password");
    let hashes = texts(data, "SELECT password_hash FROM users WHERE id = 2").await;
    assert!(hashes[0].starts_with("$argon2id$"), "{hashes:?}");
    assert!(!served.sign_in("bob@example.com", PASSWORD).await.is_empty());
    for nobody in ["gone-deactivated-1@example.com", "banned@example.com"] {
        assert_eq!(served.sign_in(nobody, PASSWORD).await, "", "{nobody}");
    }
    let page = served.get("/rooms/2/@42").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("for the designers"), "{page}");
    let found = served.get("/searches?q=quoted").await;
    assert!(found.starts_with("HTTP/1.1 200") && found.contains("the last one"), "{found}");
    let key = &texts(data, "SELECT key FROM blobs").await[0];
    let page = served.get("/rooms/1").await;
    assert!(page.contains(key) && page.contains("report.pdf"), "{page}");
    let posted = served.post("/rooms/1/messages", "body=a+new+one").await;
    assert!(posted.starts_with("HTTP/1.1 303"), "{posted}");
    let mut db = database(data).await;
    assert_eq!(count(&mut db, "SELECT MAX(id) FROM messages").await, 44, "numbers go on after those of the source");
    let bans = texts(data, "SELECT ip_address FROM bans").await;
    assert_eq!(bans.len(), usize::from(generation == Generation::Since), "{bans:?}");
    let join = send(served.port, "GET", "/join/aaaa-BBBB-1234", "", "text/plain", "").await.unwrap();
    assert!(join.starts_with("HTTP/1.1 200") && join.contains("Fireside"), "{join}");
    served.kill().await;
}

#[tokio::test]
async fn an_installation_in_use_is_refused_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("once"), folder.path().join("data"));
    fixture::fill(&source, Generation::Since);
    let served = Served::set_up(&data).await;
    let before = stored(&data).await;
    let refused = fail(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    assert!(refused.contains("this Campfire is in use"), "{refused}");
    assert_eq!(stored(&data).await, before);
    served.kill().await;
}

#[tokio::test]
async fn sources_that_are_none_damaged_unknown_locked_or_still_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let import =
        async |source: &Path| run(["import", "rails", &text(source), "--data", &text(&data), "--dry-run"]).await;
    let refuse = async |source: &Path, words: &str| {
        let outcome = import(source).await;
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(outcome.error.contains(words), "{words}: {outcome:?}");
    };
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    refuse(&empty, "name the folder that has db/ and files/").await;

    let half = folder.path().join("half");
    fixture::fill(&half, Generation::Since);
    let database = half.join("db/production.sqlite3");
    let bytes = fs::read(&database).unwrap();
    fs::write(&database, &bytes[..bytes.len() / 2]).unwrap();
    refuse(&half, "damaged, or was copied while it was written").await;
    fs::write(&database, "no database").unwrap();
    refuse(&half, "damaged").await;

    let unknown = folder.path().join("unknown");
    let db = fixture::schema(&unknown, Generation::Since);
    db.execute_batch("DROP TABLE boosts; PRAGMA journal_mode = DELETE").unwrap();
    refuse(&unknown, "it has no table boosts").await;

    let locked = folder.path().join("locked");
    fixture::fill(&locked, Generation::Since);
    let db = Connection::open(locked.join("db/production.sqlite3")).unwrap();
    db.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    refuse(&locked, "the database is locked").await;
    drop(db);

    // What is only in the write-ahead log is read, too, and the source stays as it is.
    let running = folder.path().join("running");
    fixture::fill(&running, Generation::Since);
    let db = Connection::open(running.join("db/production.sqlite3")).unwrap();
    fixture::message(&db, 50, 1, 1, "01920000-0001-7fff-bfff-0000000000aa", "in the log");
    let before = contents(&running);
    let outcome = import(&running).await;
    assert!(outcome.output.contains(&format!("{:>10}  messages\n", 10)), "{outcome:?}");
    assert!(contents(&running) == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_where_it_was() {
    const COUNT: i64 = 4_000;
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("once"), folder.path().join("data"));
    fixture::fill(&source, Generation::Since);
    let db = Connection::open(source.join("db/production.sqlite3")).unwrap();
    db.execute_batch("BEGIN").unwrap();
    for id in 100..100 + COUNT {
        fixture::message(
            &db,
            id,
            1,
            1,
            &format!("01920000-0001-7fff-bfff-{id:012x}"),
            &format!("<div>number {id}</div>"),
        );
    }
    db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    db.close().unwrap();

    let arguments = ["import", "rails", &text(&source), "--data", &text(&data)].map(str::to_owned);
    let mut process = crate::support::command(&arguments).spawn().unwrap();
    let begun = async {
        loop {
            assert!(process.try_wait().unwrap().is_none(), "it was still running");
            if data.join("campfire.sqlite3").is_file() {
                let path = format!("sqlite://{}", data.join("campfire.sqlite3").display());
                let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect(&path).await.unwrap();
                let found: Result<i64, _> =
                    sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(&mut db).await;
                if found.is_ok_and(|count| count > 0) {
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::support::TEST_TIMEOUT, begun).await.expect("it begins");
    process.kill().await.unwrap();
    let mut db = database(&data).await;
    let there = count(&mut db, "SELECT COUNT(*) FROM messages").await;
    assert!(there > 0 && there < COUNT, "killed in the middle: {there}");
    let report = succeed(&arguments).await;
    assert!(report.contains(&format!("{:>10}  messages\n", COUNT + 9)), "{report}");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM messages").await, COUNT + 9);
    let verified = succeed(["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("all as they were stored"), "{verified}");
}

#[tokio::test]
async fn nobody_can_join_before_the_people_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("once"), folder.path().join("data"));
    fixture::fill(&source, Generation::Since);
    Served::start(&data).await.kill().await;
    // The import ends in the middle, as if it were killed there.
    let mut db = database(&data).await;
    let trigger = "CREATE TRIGGER stop BEFORE INSERT ON rooms BEGIN SELECT RAISE(ABORT, 'stop'); END";
    sqlx::query(trigger).execute(&mut db).await.unwrap();
    fail(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM accounts").await, 0, "there is no join code yet");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM users").await, 0);
    sqlx::query("DROP TRIGGER stop").execute(&mut db).await.unwrap();

    // Cut off after the people: the first number that is free is not that of one of them.
    let trigger = "CREATE TRIGGER stop BEFORE INSERT ON memberships BEGIN SELECT RAISE(ABORT, 'stop'); END";
    sqlx::query(trigger).execute(&mut db).await.unwrap();
    fail(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM accounts").await, 1);
    assert_eq!(count(&mut db, "SELECT seq FROM sqlite_sequence WHERE name = 'users'").await, 7);
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM users").await, 7);
    sqlx::query("DROP TRIGGER stop").execute(&mut db).await.unwrap();
    succeed(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    check_content(&data).await;
}

#[tokio::test]
async fn a_file_that_is_attached_twice_becomes_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("once"), folder.path().join("data"));
    fixture::fill(&source, Generation::Since);
    let db = Connection::open(source.join("db/production.sqlite3")).unwrap();
    for message_id in [1, 5] {
        let sql = "INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id)
                   VALUES ('attachment', 'Message', ?1, 1)";
        db.execute(sql, [message_id]).unwrap();
    }
    db.close().unwrap();
    let report = succeed(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    assert!(report.contains(&format!("{:>10}  files\n", 3)), "{report}");
    let attached =
        texts(&data, "SELECT message_id || ' ' || name FROM attachments ORDER BY message_id, position").await;
    assert_eq!(attached, ["1 report.pdf", "5 report.pdf", "5 report.pdf"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_copied_ends_the_import_and_is_there_after_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("once"), folder.path().join("data"));
    fixture::fill(&source, Generation::Since);
    let db = Connection::open(source.join("db/production.sqlite3")).unwrap();
    let (key, bytes) = ("efefabcdabcdabcdabcdabcdabcd", vec![7; 24 << 20]);
    fixture::file(&db, &source, ("Message", "attachment", 7), key, "large.bin", &bytes, false);
    db.close().unwrap();
    // A limit of the size of files, which answers like a quota; in blocks of 512 or 1,024 bytes.
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", "ulimit -f 20000 && exec \"$@\"", "sh", crate::support::CAMPFIRE, "import", "rails"]);
    let output = shell.arg(&source).arg("--data").arg(&data).output();
    let output = tokio::time::timeout(crate::support::TEST_TIMEOUT, output).await.expect("it ends").unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("large.bin"), "the file is named: {error}");
    let report = succeed(["import", "rails", &text(&source), "--data", &text(&data)]).await;
    assert!(report.contains(&format!("{:>10}  files\n", 2)), "{report}");
    let text_of = texts(&data, "SELECT body_source FROM messages WHERE id = 7").await;
    assert_eq!(text_of, [""], "the message does not say that it is missing");
}
