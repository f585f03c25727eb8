//! `import slack`: an export with every oddity, and what the product does with what was imported.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::archive::{Entry, archive};
use crate::fixture::contents;
use crate::support::{Served, TEST_TIMEOUT, command, count, database, fail, names, send, succeed, text};

/// The rows of a query with one text column.
async fn texts(data: &Path, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&mut database(data).await).await.unwrap()
}

/// The files of an export with every oddity.
fn files() -> Vec<(String, String)> {
    let user = |id: &str, name: &str, more: Value| {
        let mut user = json!({"id": id, "team_id": "T1", "name": name.to_lowercase(), "deleted": false, "is_bot": false,
            "profile": {"real_name": name, "display_name": "", "email": format!("{}@slack.example", name.to_lowercase())}});
        for (key, value) in more.as_object().unwrap() {
            user[key] = value.clone();
        }
        user
    };
    let users = json!([
        user("U1", "Grace", json!({"is_admin": true})),
        user("U2", "Linus", json!({})),
        user("U3", "Gone", json!({"deleted": true})),
        user("U4", "Deploys", json!({"is_bot": true, "profile": {"bot_id": "B4", "real_name": "Deploys"}})),
        user("U5", "Guest", json!({"is_restricted": true})),
        // The one who has set the Campfire up.
        user("U6", "Ada L", json!({"profile": {"real_name": "Ada L", "email": "ADA@example.com"}})),
        // A name twice: they are told apart.
        user("U7", "Linus", json!({"profile": {"real_name": "Linus", "email": "other@slack.example"}})),
        user("U8", "Silent", json!({"profile": {"real_name": "Silent"}})),
    ]);
    let channel = |id: &str, name: &str, members: &[&str]| json!({"id": id, "name": name, "created": 1_600_000_000, "creator": "U1", "members": members, "is_archived": false});
    let mut archived = channel("C3", "old", &["U1"]);
    archived["is_archived"] = json!(true);
    let channels = json!([
        channel("C1", "general", &["U1", "U2", "U3", "U5", "U6", "U7", "U99"]),
        channel("C2", "empty", &["U1"]),
        archived,
    ]);
    let general = json!([
        {"type": "message", "subtype": "channel_join", "user": "U1", "ts": "1700000000.000001", "text": "joined"},
        {"type": "message", "user": "U1", "ts": "1700000001.000100", "text": "Hello *world* :tada: <https://a.example|site>",
         "edited": {"user": "U1", "ts": "1700000050.000000"},
         "reactions": [{"name": "+1", "users": ["U2", "U6"], "count": 2}, {"name": "party_parrot", "users": ["U2"]},
                       {"name": "eyes", "users": ["U77"]}]},
        {"type": "message", "user": "U2", "ts": "1700000002.000100", "thread_ts": "1700000001.000100",
         "text": "<@U6> and <@U7>: look in <#C2> &amp; <@U66|nobody>"},
        {"type": "message", "user": "U2", "ts": "1700000003.000100", "thread_ts": "1500000000.000100", "text": "to nobody"},
        {"type": "message", "user": "U2", "ts": "not a time", "text": "never"},
        {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": "1700000004.0", "text": "deleted"},
        {"type": "message", "subtype": "bot_message", "bot_id": "B4", "ts": "1700000005.0", "text": "summary",
         "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*deployed* by <@U1>"}}]},
        {"type": "message", "user": "U42", "ts": "1700000006.0", "text": "a stranger",
         "user_profile": {"real_name": "Strange Friend"}},
        {"type": "message", "user": "U1", "ts": "1700000007.0", "text": "",
         "files": [{"id": "F0AAAAAAA", "name": "plan.txt", "mode": "hosted", "url_private": "https://files.slack.com/x"},
                   {"id": "F0BBBBBBB", "name": "lost.txt", "mode": "hosted", "url_private": "https://files.slack.com/y"},
                   {"id": "F0CCCCCCC", "mode": "tombstone"},
                   {"id": "F0DDDDDDD", "name": "Doc", "mode": "external", "url_private": "https://docs.example/d"}]},
        {"type": "message", "user": "U3", "ts": "1700000008.0", "subtype": "me_message", "text": "waves"},
    ]);
    let mut torn: String = (0..1_000)
        .map(|at| json!({"user": "U1", "ts": format!("17000{:05}.0", 1_000 + at), "text": format!("chunk {at}")}))
        .fold("[".to_owned(), |list, message| list + &message.to_string() + ",");
    torn.truncate(torn.find("chunk 600").unwrap() + 3);
    let private = json!([channel("G1", "secret", &["U1", "U6"])]);
    let direct = json!([{"id": "D1", "created": 1_600_000_000, "members": ["U2", "U6"]}]);
    let line = |ts: &str, user: &str, text: &str| json!([{"user": user, "ts": ts, "text": text}]).to_string();
    [
        ("users.json", users.to_string()),
        ("channels.json", channels.to_string()),
        ("groups.json", private.to_string()),
        ("dms.json", direct.to_string()),
        ("mpims.json", "{}".to_owned()),
        ("general/2023-11-14.json", general.to_string()),
        // The same day once more.
        ("general/2023-11-14-copy.json", general.to_string()),
        ("general/2023-11-15.json", torn),
        ("old/2020-01-01.json", line("1577880000.0", "U1", "archived words")),
        ("secret/2023-01-01.json", line("1672570800.0", "U1", "a secret")),
        ("D1/2023-01-02.json", line("1672657200.0", "U2", "just us")),
        ("unlisted/2023-01-01.json", line("1672570801.0", "U1", "nowhere")),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into()
}

/// Writes the export as a folder, with one of its files beside it as slackdump has it.
fn write(folder: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::create_dir_all(folder.join("general/attachments")).unwrap();
    fs::write(folder.join("general/attachments/F0AAAAAAA-plan.txt"), "the plan").unwrap();
}

/// Writes the export as an archive.
fn zip(path: &Path, files: &[(String, String)]) {
    let entry = |(name, text): &(String, String)| Entry { name: name.clone().into(), bytes: text.clone().into() };
    fs::write(path, archive(&files.iter().map(entry).collect::<Vec<_>>(), false)).unwrap();
}

struct Place {
    _folder: tempfile::TempDir,
    source: PathBuf,
    data: PathBuf,
}

/// A data folder that Ada has set up, and an export in a folder.
async fn place() -> (Place, Served) {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("slack"), folder.path().join("data"));
    write(&source, &files());
    let served = Served::set_up(&data).await;
    (Place { _folder: folder, source, data }, served)
}

/// A snapshot of the data, to compare before and after another run.
async fn stored(data: &Path) -> Vec<String> {
    texts(
        data,
        "SELECT 'message ' || id || client_message_id || body_html || revision FROM messages
         UNION ALL SELECT 'user ' || id || name || COALESCE(email_address, '') || role || status FROM users
         UNION ALL SELECT 'room ' || id || kind || name FROM rooms
         UNION ALL SELECT 'member ' || room_id || ' ' || user_id || ' ' || read_message_id || involvement FROM memberships
         UNION ALL SELECT 'boost ' || id || content FROM boosts
         UNION ALL SELECT 'file ' || key FROM blobs
         UNION ALL SELECT 'placeholder ' || user_id FROM placeholders
         UNION ALL SELECT 'sequence ' || name || ' ' || seq FROM sqlite_sequence WHERE name <> 'sessions' ORDER BY 1",
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_moves_in_and_the_product_is_used_with_what_it_brought() {
    let (Place { source, data, _folder }, mut served) = place().await;
    let before = contents(&source);
    let dry = succeed(["import", "slack", &text(&source), "--data", &text(&data), "--dry-run"]).await;
    assert!(dry.contains("Nothing was imported. This would be:"), "{dry}");
    let report = succeed(["import", "slack", &text(&source), "--data", &text(&data)]).await;
    assert!(contents(&source) == before, "the source is as it was");
    for (number, what) in [
        (9, "people and bots"),
        (3, "rooms and pings"),
        (608, "messages"),
        (1, "files"),
        (3, "boosts"),
        (1, "replies in threads, which quote the first message and link to it"),
        (1, "replies whose first message is missing: they stand alone"),
        (2, "messages whose time cannot be read"),
        (2, "messages that were deleted in Slack, or are hidden"),
        (2, "notices of what was done to channels (joined, left, topic, pins and so on)"),
        (7, "messages that are there twice"),
        (1, "files that end in the middle: what is before that is taken"),
        (1, "files that are no list"),
        (1, "files that were deleted in Slack, or are hidden"),
        (1, "files that are missing or changed: their messages say so"),
        (1, "folders of channels that are not listed"),
        (2, "private channels and conversations: --private takes them"),
        (1, "channels without messages, which become empty rooms"),
        (1, "archived channels: they are rooms that nobody sees in the sidebar"),
        (1, "reactions of people without a record"),
        (1, "memberships of people without a record"),
        (1, "guests of Slack, who see all open rooms once they have joined"),
        (1, "people without an e-mail address, whom nobody can join as: they are deactivated"),
    ] {
        let line = format!("{number:>10}  {what}\n");
        assert!(report.contains(&line), "{number} {what}: {report}");
        assert!(dry.contains(&line), "{number} {what}, dry: {dry}");
    }
    assert!(report.contains("         1  people who were here already, found by their e-mail addresses\n"), "{report}");
    assert!(report.contains("         4  people who may join with their e-mail addresses\n"), "{report}");
    assert!(fs::read_to_string(data.join("import-slack.txt")).unwrap().contains("Kept:"));
    let verified = succeed(["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("608 messages, 1 file, all as they were stored"), "{verified}");
    assert!(!names(&data).contains(&"importing".to_owned()), "nothing is left over");

    // Running it twice changes nothing.
    let once = stored(&data).await;
    assert_eq!(succeed(["import", "slack", &text(&source), "--data", &text(&data)]).await, report);
    assert_eq!(stored(&data).await, once);
    check_content(&data).await;

    // The server has been running all the time.
    let up = served.get("/up").await;
    assert!(up.starts_with("HTTP/1.1 200"), "{up}");
    served.kill().await;
    served = Served::start(&data).await;
    served.cookie = served.sign_in("ada@example.com", "correct horse").await;
    use_it(&data, &mut served).await;
    served.kill().await;
}

async fn check_content(data: &Path) {
    let bodies = texts(data, "SELECT body_source FROM messages WHERE body_source NOT LIKE 'chunk%' ORDER BY id").await;
    let root =
        texts(data, "SELECT '/rooms/' || room_id || '/@' || id FROM messages WHERE body_source LIKE 'Hello%'").await;
    let quoted = format!(
        "> Hello **world** 🎉 [site](https://a.example)\n>\n> — [Grace]({})\n\n@Ada and @Linus (2): look in \\#empty & @nobody",
        root[0]
    );
    let expected = [
        "archived words",
        "Hello **world** 🎉 [site](https://a.example)",
        &quoted,
        "to nobody",
        "**deployed** by @Grace",
        "a stranger",
        "[Doc](https://docs.example/d)\n\nlost.txt (this file was missing when the history was imported)",
        "_waves_",
    ];
    assert_eq!(bodies, expected);
    let makers = texts(data, "SELECT DISTINCT users.name FROM rooms JOIN users ON users.id = creator_id").await;
    assert_eq!(makers, ["Ada"], "nobody gets the right to delete a room by an address");
    let mut db = database(data).await;
    assert_eq!(
        count(&mut db, "SELECT COUNT(*) FROM messages WHERE revision = 2 AND updated_at = 1700000050000").await,
        1
    );
    assert_eq!(
        count(&mut db, "SELECT COUNT(*) FROM messages WHERE client_message_id GLOB '????????-????-5*'").await,
        608
    );
    let people = texts(
        data,
        "SELECT name || ' ' || role || ' ' || status || ' ' || COALESCE(email_address, '-') FROM users ORDER BY id",
    )
    .await;
    assert_eq!(
        people,
        [
            "Ada 1 0 ada@example.com",
            "Grace 0 0 grace@slack.example",
            "Linus 0 0 linus@slack.example",
            "Gone 0 1 -",
            "Deploys 2 1 -",
            "Guest 0 0 guest@slack.example",
            "Linus (2) 0 0 other@slack.example",
            "Silent 0 1 -",
            "Strange Friend 0 1 -",
        ]
    );
    let boosts = texts(data, "SELECT content FROM boosts ORDER BY content").await;
    assert_eq!(boosts, [":party_parrot:", "👍", "👍"]);
    let mentions =
        texts(data, "SELECT users.name FROM mentions JOIN users ON users.id = mentions.user_id ORDER BY users.id")
            .await;
    assert_eq!(mentions, ["Ada", "Grace", "Linus (2)"]);
    let seen = |room: &str, involvement: &str| {
        format!(
            "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = room_id WHERE rooms.name = '{room}'
                AND involvement = '{involvement}'"
        )
    };
    for (room, involvement, expected) in [
        ("general", "mentions", 5),
        ("general", "invisible", 0),
        ("empty", "mentions", 1),
        ("empty", "invisible", 4),
        ("old", "invisible", 5),
    ] {
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(seen(room, involvement))).fetch_one(&mut db).await.unwrap();
        assert_eq!(found, expected, "{room} {involvement}");
    }
    let unread =
        "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = room_id WHERE read_message_id < last_message_id";
    assert_eq!(count(&mut db, unread).await, 0, "everything imported is read");
    assert_eq!(texts(data, "SELECT name FROM attachments").await, ["plan.txt"]);
}

async fn use_it(data: &Path, served: &mut Served) {
    let room = texts(data, "SELECT CAST(id AS TEXT) FROM rooms WHERE name = 'general'").await.remove(0);
    let root = texts(data, "SELECT CAST(id AS TEXT) FROM messages WHERE body_source LIKE 'Hello%'").await.remove(0);
    let page = served.get(&format!("/rooms/{room}/@{root}")).await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<strong>world</strong>"), "a permalink: {page}");
    assert!(page.contains(&format!("href=\"/rooms/{room}/@{root}\"")), "the reply links to it");
    let found = served.get("/searches?q=deployed").await;
    assert!(found.starts_with("HTTP/1.1 200") && found.contains("deployed"), "{found}");

    // Grace joins with her address and another name, and has her messages.
    let code = texts(data, "SELECT join_code FROM accounts").await.remove(0);
    let join = async |name: &str, address: &str| {
        let form = format!("name={name}&email_address={}&password=correct+horse", address.replace('@', "%40"));
        let path = format!("/join/{code}");
        send(served.port, "POST", &path, "", "application/x-www-form-urlencoded", &form).await.unwrap()
    };
    let joined = join("Grace+Hopper", "GRACE@slack.example").await;
    assert!(joined.starts_with("HTTP/1.1 303"), "{joined}");
    let grace = texts(data, "SELECT name FROM users WHERE email_address = 'grace@slack.example'").await;
    assert_eq!(grace, ["Grace Hopper"]);
    let again = join("Mallory", "grace@slack.example").await;
    assert!(again.contains("notice=address-taken") && !again.contains("set-cookie: "), "{again}");
    assert!(!served.sign_in("grace@slack.example", "correct horse").await.is_empty());
    assert_eq!(
        served.sign_in("linus@slack.example", "correct horse").await,
        "",
        "who has not joined signs in by nothing"
    );
    let page = served.get(&format!("/rooms/{room}/@{root}")).await;
    assert!(page.contains("Grace Hopper"), "old messages have the name");

    // A new message is unread for others, and numbers go on.
    let posted = served.post(&format!("/rooms/{room}/messages"), "body=after+the+import").await;
    assert!(posted.starts_with("HTTP/1.1 303"), "{posted}");
    let mut db = database(data).await;
    let unread = "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = room_id
                   WHERE rooms.name = 'general' AND read_message_id < last_message_id";
    assert_eq!(count(&mut db, unread).await, 4);
    let last = texts(data, "SELECT body_source FROM messages ORDER BY id DESC LIMIT 1").await;
    assert_eq!(last, ["after the import"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_rooms_come_only_when_asked_for_and_open_to_nobody_by_an_address() {
    let (Place { source, data, _folder }, served) = place().await;
    let archive = _folder.path().join("slack.zip");
    zip(&archive, &files());
    // No file is in it, and none could be added later.
    let refused = fail(["import", "slack", &text(&archive), "--data", &text(&data)]).await;
    assert!(refused.contains("messages of this export have files") && refused.contains("--without-files"), "{refused}");
    assert!(texts(&data, "SELECT name FROM users WHERE id > 1").await.is_empty());
    let dry = succeed(["import", "slack", &text(&archive), "--dry-run", "--data", &text(&data)]).await;
    assert!(dry.contains("--without-files"), "{dry}");
    succeed(["import", "slack", &text(&archive), "--without-files", "--data", &text(&data)]).await;
    let mut db = database(&data).await;
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM rooms WHERE kind <> 'open'").await, 0);
    let messages = count(&mut db, "SELECT COUNT(*) FROM messages").await;
    // A message is removed, and another room is made: another run brings neither back nor twice.
    sqlx::query("DELETE FROM rooms WHERE name = 'empty'").execute(&mut db).await.unwrap();

    // Somebody has joined with the address of another one.
    let code = texts(&data, "SELECT join_code FROM accounts").await.remove(0);
    let path = format!("/join/{code}");
    let join = async |form: &str| {
        send(served.port, "POST", &path, "", "application/x-www-form-urlencoded", form).await.unwrap()
    };
    let joined = join("name=Mallory&email_address=linus%40slack.example&password=correct+horse").await;
    assert!(joined.starts_with("HTTP/1.1 303"), "{joined}");

    let import = async |more: &[&str]| {
        let (source, data) = (text(&source), text(&data));
        succeed([&["import", "slack", &source, "--private", "--data", &data], more].concat()).await
    };
    let nobody = fail(["import", "slack", &text(&source), "--trust", "no@x.example", "--data", &text(&data)]).await;
    assert!(nobody.contains("nobody here has the e-mail address no@x.example"), "{nobody}");
    let held = |count: u32, who: &str| format!("{count:>10}  {who}\n");
    let dry = import(&["--dry-run"]).await;
    let report = import(&[]).await;
    for text in [&dry, &report] {
        assert!(text.contains("run this again with --trust EMAIL"), "{text}");
        assert!(text.contains(&held(2, "Ada (ada@example.com)")), "{text}");
        assert!(text.contains(&held(1, "Mallory (linus@slack.example)")), "{text}");
    }
    let dry = import(&["--dry-run", "--trust", "ADA@example.com"]).await;
    assert!(!dry.contains("Ada (") && dry.contains("Mallory ("), "{dry}");
    assert!(report.contains(&format!("{messages:>10}  messages that were imported before\n")), "{report}");
    assert!(report.contains("         2  messages\n"), "{report}");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM messages").await, messages + 2);
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM rooms WHERE name = 'empty'").await, 0);
    let kinds = texts(&data, "SELECT kind || ' ' || name FROM rooms WHERE kind <> 'open' ORDER BY kind").await;
    assert_eq!(kinds, ["closed secret", "direct "]);
    let members = "SELECT rooms.kind || ' ' || users.name FROM memberships JOIN users ON users.id = user_id
                     JOIN rooms ON rooms.id = room_id WHERE rooms.kind <> 'open' ORDER BY rooms.kind, users.id";
    assert_eq!(texts(&data, members).await, ["closed Grace"]);
    let key = "SELECT COALESCE(direct_key, '-') FROM rooms WHERE kind = 'direct'";
    assert_eq!(texts(&data, key).await, ["-"]);

    // The operator knows who Ada is, and asks Mallory later.
    let report = import(&["--trust", "ada@example.com"]).await;
    assert!(report.contains(&held(2, "memberships of private rooms for people whom --trust names")), "{report}");
    assert!(!report.contains("Ada (") && report.contains(&held(1, "Mallory (linus@slack.example)")), "{report}");
    assert_eq!(texts(&data, members).await, ["closed Ada", "closed Grace", "direct Ada"]);
    assert_eq!(texts(&data, key).await, ["-"]);
    assert!(!import(&["--trust", "linus@slack.example"]).await.contains("held back"));
    assert_eq!(texts(&data, members).await, ["closed Ada", "closed Grace", "direct Ada", "direct Mallory"]);
    assert_eq!(texts(&data, key).await, ["1,3"]);
    let unread = "SELECT COUNT(*) FROM memberships JOIN rooms ON rooms.id = room_id
                   WHERE rooms.kind <> 'open' AND read_message_id < last_message_id";
    assert_eq!(count(&mut db, unread).await, 0);

    let refused = join("name=Mallory&email_address=grace%40slack.example&password=correct+horse").await;
    assert!(refused.starts_with("HTTP/1.1 422") && refused.contains("Private rooms wait for whoever"), "{refused}");
    let mut reset = command(["reset-password", "grace@slack.example", "--data", &text(&data)]);
    let mut reset = reset.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = reset.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, b"correct horse battery\n").await.unwrap();
    drop(input);
    assert!(reset.wait().await.unwrap().success());
    assert!(!served.sign_in("grace@slack.example", "correct horse battery").await.is_empty());
    let verified = succeed(["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("all as they were stored"), "{verified}");
    served.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_beside_a_server_that_answers() {
    const COUNT: usize = 12_000;
    let (Place { source, data, _folder }, served) = place().await;
    for day in 0..4 {
        let messages: Vec<Value> = (0..COUNT / 4)
            .map(|at| {
                let number = day * COUNT / 4 + at;
                json!({"user": "U1", "ts": format!("16{number:08}.0"), "text": format!("number {number} of _many_")})
            })
            .collect();
        fs::write(source.join(format!("general/{day}.json")), Value::from(messages).to_string()).unwrap();
    }
    let arguments = ["import", "slack", &text(&source), "--data", &text(&data)].map(str::to_owned);
    let mut process = command(&arguments).spawn().unwrap();
    let mut db = database(&data).await;
    let begun = async {
        loop {
            assert!(process.try_wait().unwrap().is_none(), "it was still running");
            let posted = served.post("/rooms/1/messages", "body=meanwhile").await;
            assert!(posted.starts_with("HTTP/1.1 303"), "{posted}");
            if count(&mut db, "SELECT COUNT(*) FROM messages WHERE room_id <> 1").await > 0 {
                return;
            }
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, begun).await.expect("it begins");
    process.kill().await.unwrap();
    let there = count(&mut db, "SELECT COUNT(*) FROM messages WHERE room_id <> 1").await;
    assert!(there > 0 && there < COUNT as i64, "killed in the middle: {there}");
    let report = succeed(&arguments).await;
    let total = COUNT as i64 + 608;
    assert!(report.contains(&format!("{total:>10}  messages\n")), "{report}");
    assert!(!report.contains("imported before"), "{report}");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM messages WHERE room_id <> 1").await, total);
    let disordered =
        "SELECT COUNT(*) FROM (SELECT created_at, LAG(created_at) OVER (PARTITION BY room_id ORDER BY id) AS before
                                              FROM messages) WHERE created_at < before";
    assert_eq!(count(&mut db, disordered).await, 0, "they are in the order of time");
    let verified = succeed(["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("all as they were stored"), "{verified}");
    served.kill().await;
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("slack"), folder.path().join("data"));
    write(&source, &files());
    let import = async |arguments: &[&str]| {
        let mut all = vec!["import", "slack"];
        all.extend(arguments);
        fail(all).await
    };
    let (source_text, data_text) = (text(&source), text(&data));
    let nowhere = import(&[&source_text, "--data", &data_text]).await;
    assert!(nowhere.contains("there is no Campfire in"), "{nowhere}");
    assert!(!data.exists());
    Served::start(&data).await.kill().await;
    assert!(import(&[&source_text, "--data", &data_text]).await.contains("this Campfire is not set up"));
    let mut db = database(&data).await;
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM users").await, 0);
    let none = import(&[&text(&data), "--dry-run"]).await;
    assert!(none.contains("this is no export of Slack"), "{none}");
    assert!(import(&["/nowhere", "--dry-run"]).await.contains("there is neither a file nor a folder"));
    assert!(import(&[&source_text, "--dry-run", "--files", "/nowhere"]).await.contains("there is no folder /nowhere"));
}
