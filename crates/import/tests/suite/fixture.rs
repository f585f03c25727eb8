//! A Campfire on Rails, as its database and files are: in both generations of the schema.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use rusqlite::{Connection, params};

/// The generation of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `users.active`, no bans, no settings.
    Before,
    /// `users.status`, bans, settings.
    Since,
}

/// The password of everybody, hashed with the least cost.
pub const PASSWORD: &str = "secret123456";

/// The time of the message with this number.
pub fn time(number: i64) -> String {
    format!("2025-03-01 10:{:02}:{:02}.500000", number / 60 % 60, number % 60)
}

/// How a text mentions the user with this number.
pub fn mention(user_id: i64) -> String {
    let payload = format!(r#"{{"_rails":{{"data":"gid://campfire/User/{user_id}?expires_in","pur":"attachable"}}}}"#);
    let sgid = format!("{}--{:040x}", STANDARD.encode(payload), user_id);
    format!(
        r#"<action-text-attachment sgid="{sgid}" content-type="application/vnd.campfire.mention"></action-text-attachment>"#
    )
}

/// Makes an empty database with the tables of a generation.
pub fn schema(folder: &Path, generation: Generation) -> Connection {
    fs::create_dir_all(folder.join("db")).unwrap();
    fs::create_dir_all(folder.join("files")).unwrap();
    let db = Connection::open(folder.join("db/production.sqlite3")).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let (status, settings, bans) = match generation {
        Generation::Before => ("active boolean DEFAULT 1", "", ""),
        Generation::Since => (
            "status integer NOT NULL DEFAULT 0",
            ", settings json",
            "CREATE TABLE bans (id integer PRIMARY KEY, user_id integer NOT NULL, ip_address varchar NOT NULL, created_at datetime(6), updated_at datetime(6));",
        ),
    };
    db.execute_batch(&format!(
        "CREATE TABLE accounts (id integer PRIMARY KEY, name varchar NOT NULL, join_code varchar NOT NULL, custom_styles text{settings}, created_at datetime(6), updated_at datetime(6));
         CREATE TABLE users (id integer PRIMARY KEY, name varchar NOT NULL, email_address varchar, password_digest varchar, role integer NOT NULL DEFAULT 0, {status}, bio text, bot_token varchar, created_at datetime(6), updated_at datetime(6));
         {bans}
         CREATE TABLE rooms (id integer PRIMARY KEY, type varchar NOT NULL, name varchar, creator_id integer NOT NULL, created_at datetime(6), updated_at datetime(6));
         CREATE TABLE memberships (id integer PRIMARY KEY, room_id integer NOT NULL, user_id integer NOT NULL, involvement varchar DEFAULT 'mentions', unread_at datetime(6), connections integer NOT NULL DEFAULT 0, connected_at datetime(6), created_at datetime(6), updated_at datetime(6));
         CREATE TABLE messages (id integer PRIMARY KEY, room_id integer NOT NULL, creator_id integer NOT NULL, client_message_id varchar NOT NULL, created_at datetime(6), updated_at datetime(6));
         CREATE TABLE boosts (id integer PRIMARY KEY, message_id integer NOT NULL, booster_id integer NOT NULL, content varchar(16) NOT NULL, created_at datetime(6), updated_at datetime(6));
         CREATE TABLE searches (id integer PRIMARY KEY, user_id integer NOT NULL, query varchar NOT NULL, created_at datetime(6), updated_at datetime(6));
         CREATE TABLE sessions (id integer PRIMARY KEY, user_id integer NOT NULL, token varchar NOT NULL);
         CREATE TABLE push_subscriptions (id integer PRIMARY KEY, user_id integer NOT NULL);
         CREATE TABLE webhooks (id integer PRIMARY KEY, user_id integer NOT NULL, url varchar);
         CREATE TABLE action_text_rich_texts (id integer PRIMARY KEY, name varchar NOT NULL, body text, record_type varchar NOT NULL, record_id bigint NOT NULL);
         CREATE UNIQUE INDEX rich ON action_text_rich_texts (record_type, record_id, name);
         CREATE TABLE active_storage_blobs (id integer PRIMARY KEY, key varchar NOT NULL, filename varchar NOT NULL, content_type varchar, metadata text, service_name varchar NOT NULL DEFAULT 'local', byte_size bigint NOT NULL, checksum varchar, created_at datetime(6));
         CREATE TABLE active_storage_attachments (id integer PRIMARY KEY, name varchar NOT NULL, record_type varchar NOT NULL, record_id bigint NOT NULL, blob_id bigint NOT NULL, created_at datetime(6));
         CREATE INDEX attached ON active_storage_attachments (record_type, record_id, name, blob_id);
         CREATE TABLE active_storage_variant_records (id integer PRIMARY KEY, blob_id bigint NOT NULL, variation_digest varchar NOT NULL);
         CREATE VIRTUAL TABLE message_search_index USING fts5(body, tokenize=porter);"
    ))
    .unwrap();
    db
}

/// Adds a message with this text, as HTML.
pub fn message(db: &Connection, id: i64, room_id: i64, creator_id: i64, client_message_id: &str, html: &str) {
    db.execute(
        "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![id, room_id, creator_id, client_message_id, time(id)],
    )
    .unwrap();
    if !html.is_empty() {
        db.execute(
            "INSERT INTO action_text_rich_texts (name, body, record_type, record_id) VALUES ('body', ?2, 'Message', ?1)",
            params![id, html],
        )
        .unwrap();
    }
}

/// Gives a record a file. With `is_changed`, its bytes are not those of its sum.
pub fn file(
    db: &Connection,
    folder: &Path,
    record: (&str, &str, i64),
    key: &str,
    name: &str,
    bytes: &[u8],
    is_changed: bool,
) {
    let path = folder.join("files").join(&key[..2]).join(&key[2..4]);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join(key), if is_changed { b"other bytes" } else { bytes }).unwrap();
    db.execute(
        "INSERT INTO active_storage_blobs (key, filename, byte_size, checksum) VALUES (?1, ?2, ?3, ?4)",
        params![key, name, bytes.len() as i64, STANDARD.encode(Md5::digest(bytes))],
    )
    .unwrap();
    db.execute(
        "INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id) VALUES (?1, ?2, ?3, ?4)",
        params![record.1, record.0, record.2, db.last_insert_rowid()],
    )
    .unwrap();
}

/// The hash of [`PASSWORD`].
pub fn hash() -> String {
    bcrypt::hash_with_salt(PASSWORD, 4, *b"0123456789abcdef").unwrap().to_string()
}

/// Fills a folder with a Campfire that has one of everything.
pub fn fill(folder: &Path, generation: Generation) {
    let db = schema(folder, generation);
    let settings =
        if generation == Generation::Since { r#", '{"restrict_room_creation_to_administrators":true}'"# } else { "" };
    db.execute_batch(&format!(
        "INSERT INTO accounts VALUES (1, 'Fireside', 'aaaa-BBBB-1234', 'body {{ color: red }}'{settings}, '{0}', '{0}')",
        time(0)
    ))
    .unwrap();
    // An active, a removed and a banned person, a bot, and somebody of the same name.
    for (id, name, address, role, status, token) in [
        (1, "Ada", Some("ada@example.com"), 1, 0, None),
        (2, "Bob", Some("Bob@Example.com"), 0, 0, None),
        (3, "Gone", Some("gone-deactivated-1@example.com"), 0, 1, None),
        (4, "Banned", Some("banned@example.com"), 0, 2, None),
        (5, "Robot", None, 2, 0, Some("abcdefABCDEF")),
        (6, "Ada", Some("ADA@example.com"), 0, 0, None),
        (7, "", Some("no address"), 0, 0, None),
    ] {
        let status = match generation {
            Generation::Before => i64::from(status == 0),
            Generation::Since => status,
        };
        let password = address.map(|_| hash());
        let column = if generation == Generation::Since { "status" } else { "active" };
        let sql = format!(
            "INSERT INTO users (id, name, email_address, password_digest, role, {column}, bio, bot_token, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'Hello', ?7, ?8, ?8)"
        );
        db.execute(&sql, params![id, name, address, password, role, status, token, time(id)]).unwrap();
    }
    db.execute_batch("INSERT INTO webhooks VALUES (1, 5, 'https://bots.example/secret/path')").unwrap();
    for (id, kind, name) in [(1, "Open", "All Talk"), (2, "Closed", "Designers"), (3, "Direct", ""), (4, "Direct", "")]
    {
        db.execute(
            "INSERT INTO rooms VALUES (?1, ?2, NULLIF(?3, ''), 1, ?4, ?4)",
            params![id, format!("Rooms::{kind}"), name, time(id)],
        )
        .unwrap();
    }
    let everyone = (1..=7).map(|user| (1, user));
    for (room_id, user_id) in everyone.chain([(2, 1), (2, 2), (3, 1), (3, 2), (4, 2), (4, 1), (99, 1), (1, 99)]) {
        let involvement = if room_id > 2 { "everything" } else { "mentions" };
        // Bob has not read the last message of the first room.
        let unread = (room_id == 1 && user_id == 2).then(|| time(10));
        db.execute(
            "INSERT INTO memberships (room_id, user_id, involvement, unread_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![room_id, user_id, involvement, unread, time(0)],
        )
        .unwrap();
    }
    let uuid = |number: i64| format!("01920000-0001-7fff-bfff-{number:012x}");
    message(&db, 1, 1, 1, &uuid(1), "<div>Hello <strong>world</strong></div>");
    message(&db, 2, 1, 2, &uuid(2), &format!("<div>Hi {}, look &lt;here&gt; _x_</div>", mention(1)));
    message(&db, 3, 1, 1, "no-uuid-at-all", "<div>/play tada</div>");
    message(&db, 4, 1, 1, &uuid(1), "the same id again");
    message(&db, 5, 1, 1, &uuid(5), "");
    message(&db, 6, 1, 1, &uuid(6), "");
    message(&db, 7, 1, 1, &uuid(7), "");
    message(&db, 8, 99, 1, &uuid(8), "in no room");
    message(&db, 9, 1, 98, &uuid(9), "by nobody");
    message(&db, 10, 1, 1, &uuid(10), "<blockquote>quoted</blockquote><div>the last one</div>");
    message(
        &db,
        42,
        2,
        2,
        &uuid(42),
        r#"<div>for the designers<script>alert(1)</script><a href="javascript:alert(2)">x</a></div>"#,
    );
    message(&db, 43, 3, 1, &uuid(43), "<div>just us</div>");
    file(
        &db,
        folder,
        ("Message", "attachment", 5),
        "abcdabcdabcdabcdabcdabcdabcd",
        "report.pdf",
        b"%PDF-1.4 a report",
        false,
    );
    file(&db, folder, ("Message", "attachment", 6), "zzyxabcdabcdabcdabcdabcdabcd", "broken.txt", b"these bytes", true);
    for (message_id, booster_id, content) in
        [(1, 2, "🎉"), (1, 2, "🎉"), (1, 99, "👍"), (2, 1, "much too long for a boost")]
    {
        db.execute(
            "INSERT INTO boosts (message_id, booster_id, content, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![message_id, booster_id, content, time(11)],
        )
        .unwrap();
    }
    db.execute("INSERT INTO searches VALUES (1, 1, 'designers', ?1, ?1)", [time(12)]).unwrap();
    db.execute_batch("INSERT INTO sessions VALUES (1, 1, 'x'); INSERT INTO push_subscriptions VALUES (1, 1); INSERT INTO active_storage_variant_records VALUES (1, 1, 'x')").unwrap();
    if generation == Generation::Since {
        db.execute("INSERT INTO bans VALUES (1, 4, '203.0.113.9', ?1, ?1), (2, 4, '192.168.0.9', ?1, ?1)", [time(13)])
            .unwrap();
    }
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    db.close().unwrap();
}

/// Every file below a folder, with its bytes.
pub fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
