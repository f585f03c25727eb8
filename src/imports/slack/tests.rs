//! Tests of imports of Slack in one process.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::imports::downloads::tests::{Server, answer, permitted, token_is_right};
use crate::model::MessageId;
use crate::testing::{self, World};

/// Imports an export with these files into the installation of `world`.
async fn import(world: &World, files: &[(&str, Value)], downloads: Option<&Downloads>) -> Result<Report, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (export, scratch) = (folder.path().join("export"), folder.path().join("scratch"));
    for (name, value) in files {
        let path = export.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }
    fs::create_dir(&scratch).unwrap();
    let mut source = Source::read(&export, Default::default(), &scratch, &mut |_| ()).unwrap();
    let data = world.database_path().parent().unwrap().to_owned();
    super::run(&world.state, &data, &mut source, &[], downloads, &mut |_| ()).await
}

fn person(id: &str, name: &str) -> Value {
    let email = format!("{id}@slack.example");
    json!({"id": id, "team_id": "T1", "profile": {"real_name": name, "email": email}})
}

fn channel() -> Value {
    json!([{"id": "C1", "name": "plans", "members": ["U1"]}])
}

async fn texts(world: &World, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(world.state.db.reader()).await.unwrap()
}

const BODIES: &str = "SELECT body_source FROM messages ORDER BY id";

#[tokio::test]
async fn files_are_fetched_with_a_token_and_a_failing_server_ends_the_import_until_the_next_run() {
    let world = testing::world().await;
    let busy = || answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
    let torn = || "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort".to_owned();
    let found = || answer("200 OK", "", "the plan");
    let first_run = vec![token_is_right(), found(), torn(), torn(), torn(), torn()];
    let second_run = vec![token_is_right(), found(), busy(), busy(), busy(), busy()];
    let third_run = vec![token_is_right(), found(), busy(), found(), answer("404 Not Found", "", "")];
    let server = Server::start([first_run, second_run, third_run].concat()).await;
    let message = |number: u32| {
        let file =
            json!({"id": "", "name": format!("{number}.txt"), "url_private": format!("{}/{number}", server.url)});
        json!({"user": "U1", "ts": format!("{}.0", 1_700_000_000 + number), "text": "", "files": [file]})
    };
    let files = [
        ("users.json", json!([person("U1", "Grace")])),
        ("channels.json", channel()),
        ("plans/1.json", json!([message(1), message(2), message(3)])),
    ];
    let run = async || import(&world, &files, Some(&permitted(&server))).await;
    for _ in 0..2 {
        let failed = run().await;
        assert!(matches!(&failed, Err(ImportError::File(why)) if why.contains("2.txt")), "{failed:?}");
    }
    let report = run().await.unwrap();
    assert_eq!((report.kept["messages"], report.kept["files"]), (3, 2), "{report}");
    assert_eq!(texts(&world, "SELECT name FROM attachments ORDER BY message_id").await, ["1.txt", "2.txt"]);
    assert_eq!(texts(&world, BODIES).await, ["", "", "3.txt (this file was missing when the history was imported)"]);
    assert_eq!(server.asked.lock().unwrap().len(), 17);
}

#[tokio::test]
async fn a_later_export_adds_what_is_new_and_quotes_nothing_that_was_removed() {
    let world = testing::world().await;
    let message = |second: u32, text: &str, thread: Option<u32>| {
        let thread_ts = thread.map(|second| format!("{second}.0"));
        json!({"user": "U1", "ts": format!("{second}.0"), "thread_ts": thread_ts, "text": text})
    };
    let root = message(1_700_000_001, "a secret that slipped out", None);
    let kept = message(1_700_000_002, "a plan for <@U2>", None);
    let files = |messages: Vec<Value>| {
        let people = json!([person("U1", "Grace"), person("U2", "jane_doe")]);
        [("users.json", people), ("channels.json", channel()), ("plans/1.json", Value::from(messages))]
    };
    import(&world, &files(vec![root.clone(), kept.clone()]), None).await.unwrap();
    let mentioned = "SELECT users.name FROM mentions JOIN users ON users.id = user_id";
    assert_eq!(texts(&world, mentioned).await, ["jane_doe"], "a name with a sign of Markdown");
    let ids: Vec<(i64, i64)> = sqlx::query_as("SELECT id, room_id FROM messages ORDER BY id")
        .fetch_all(world.state.db.reader())
        .await
        .unwrap();
    let [(root_id, room_id), (kept_id, _)] = ids[..] else { panic!("{ids:?}") };
    let remove = async move |tx: &mut Tx| {
        Ok(store::messages::remove(tx.db(), RoomId(room_id), MessageId(root_id)).await.map(drop)?)
    };
    world.state.db.write(remove).await.unwrap();
    let epoch = "SELECT epoch FROM event_log";
    let before = texts(&world, epoch).await;

    let answers = [(1_700_000_003, 1_700_000_001), (1_700_000_004, 1_700_000_002)];
    let replies = answers.map(|(second, root)| message(second, "me too", Some(root)));
    let report = import(&world, &files([vec![root, kept], replies.to_vec()].concat()), None).await.unwrap();
    assert_eq!(report.kept["messages that were imported before"], 2, "{report}");
    assert_eq!(report.changed["replies to messages that were removed here: they stand alone"], 1, "{report}");
    let quoting = format!("> a plan for @jane\\_doe\n>\n> — [Grace](/rooms/{room_id}/@{kept_id})\n\nme too");
    assert_eq!(texts(&world, BODIES).await, ["a plan for @jane_doe", "me too", &quoting]);
    assert_ne!(texts(&world, epoch).await, before, "browsers load the rooms again");
}

#[tokio::test]
async fn rooms_of_a_run_that_was_cut_off_are_read_after_another_export() {
    let world = testing::world().await;
    let busy = || answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
    let server = Server::start(vec![token_is_right(), busy(), busy(), busy(), busy()]).await;
    // As many as one write takes, and one whose file is not given.
    let mut messages: Vec<Value> = (0..500)
        .map(|at| json!({"user": "U1", "ts": format!("{}.0", 1_700_000_000 + at), "text": format!("number {at}")}))
        .collect();
    let file = json!({"name": "plan.txt", "url_private": format!("{}/plan", server.url)});
    messages.push(json!({"user": "U1", "ts": "1700000900.0", "text": "the last", "files": [file]}));
    let files = |messages: &[Value]| {
        let people = json!([person("U1", "Grace")]);
        [("users.json", people), ("channels.json", channel()), ("plans/1.json", json!(messages))]
    };
    let failed = import(&world, &files(&messages), Some(&permitted(&server))).await;
    assert!(matches!(failed, Err(ImportError::File(_))), "{failed:?}");
    // A write waits for those before it.
    world.state.db.write(async |_: &mut Tx| Ok(())).await.unwrap();
    assert_eq!(texts(&world, BODIES).await.len(), 500);
    messages.push(json!({"user": "U1", "ts": "1700000901.0", "text": "later"}));
    let report = import(&world, &files(&messages), None).await.unwrap();
    assert_eq!(report.kept["messages that were imported before"], 500, "{report}");
    assert_eq!(texts(&world, BODIES).await.len(), 502);
    let unread = "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = room_id
                   WHERE rooms.name = 'plans' AND read_message_id < last_message_id";
    let unread: i64 = sqlx::query_scalar(unread).fetch_one(world.state.db.reader()).await.unwrap();
    assert_eq!(unread, 0);
}
