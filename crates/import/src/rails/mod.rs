//! ONCE Campfire on Rails: a folder with `db/production.sqlite3` and `files/`.
//!
//! Both generations of its schema are read: the one before November 2025, with `users.active` and neither bans nor
//! settings, and the present one. The folder is not changed, not even by SQLite: a database without a write-ahead log is
//! opened as immutable, and one with a log is copied first.

mod schema;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, params};
use thiserror::Error;

use crate::html;
use crate::record::{
    Account, Ban, Boost, FilePlace, Involvement, Membership, Message, Role, Room, RoomKind, Search, SourceFile, Status,
    User,
};
use crate::time;
use schema::Schema;

/// Where the database is in the folder.
const DATABASE: &str = "db/production.sqlite3";

/// How long a lock of another program is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a source cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The folder has no database where Campfire has it.
    #[error("{} does not exist: name the folder that has db/ and files/", .0.display())]
    Missing(PathBuf),
    /// The database has not the tables of Campfire.
    #[error("this is not the database of a Campfire that is known here: {0}")]
    Unknown(String),
    /// The database is damaged, or was copied while it was written.
    #[error(
        "the database is damaged, or was copied while it was written ({0}): stop that Campfire, and copy its folder again"
    )]
    Damaged(String),
    /// Another program has locked the database.
    #[error("the database is locked: stop the Campfire that uses it")]
    Locked,
    /// A file cannot be read or copied.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// The database does not answer.
    #[error("the database cannot be read: {0}")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for SourceError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Locked,
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

type Result<T> = std::result::Result<T, SourceError>;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages.
    pub messages: u64,
    /// Messages of rooms or authors that do not exist: they cannot be shown anywhere.
    pub orphans: u64,
    /// Messages that were posted before one with a smaller number.
    pub out_of_order: u64,
    /// The greatest number of a message.
    pub last_message_id: i64,
    /// Sessions, which are not taken.
    pub sessions: u64,
    /// Subscriptions to notifications, which are not taken.
    pub push_subscriptions: u64,
    /// Smaller versions of pictures, which are not taken.
    pub variants: u64,
}

/// An open source.
pub struct Source {
    folder: PathBuf,
    connection: Connection,
    schema: Schema,
    mentions: HashMap<i64, String>,
}

impl Source {
    /// Opens the source in `folder`. A database with a write-ahead log is copied to `scratch` first.
    ///
    /// # Errors
    /// As [`SourceError`].
    pub fn open(folder: &Path, scratch: &Path) -> Result<Self> {
        let database = folder.join(DATABASE);
        if !database.is_file() {
            return Err(SourceError::Missing(database));
        }
        let connection = open(&database, scratch)?;
        let problem: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if problem != "ok" {
            return Err(SourceError::Damaged(problem));
        }
        let schema = Schema::read(&connection)?;
        let mut source = Self { folder: folder.to_owned(), connection, schema, mentions: HashMap::new() };
        source.read_mentions()?;
        Ok(source)
    }

    /// How people are mentioned: by their name, and with the number where several have the same.
    fn read_mentions(&mut self) -> Result<()> {
        let mut people: Vec<(i64, String)> = Vec::new();
        let mut query = self.connection.prepare("SELECT id, name FROM users ORDER BY id")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            people.push((integer(row, 0)?, text(row, 1)?.trim().to_owned()));
        }
        let mut counts: HashMap<String, u32> = HashMap::new();
        for (_, name) in &people {
            *counts.entry(name.to_lowercase()).or_default() += 1;
        }
        drop(rows);
        drop(query);
        self.mentions = people
            .into_iter()
            .filter(|(_, name)| !name.is_empty())
            .map(|(id, name)| {
                let is_shared = counts.get(&name.to_lowercase()).is_some_and(|count| *count > 1);
                (id, if is_shared { format!("@{name}#{id}") } else { format!("@{name}") })
            })
            .collect();
        Ok(())
    }

    /// Identity of the source: the same folder, or a later copy of it, has the same.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn identity(&self) -> Result<String> {
        let sql = "SELECT COALESCE((SELECT created_at FROM accounts ORDER BY id LIMIT 1), '') || ' ' ||
                          COALESCE((SELECT created_at FROM users ORDER BY id LIMIT 1), '')";
        Ok(self.connection.query_row(sql, [], |row| text(row, 0))?)
    }

    /// In words, which generation of the schema it has.
    #[must_use]
    pub fn generation(&self) -> &'static str {
        if self.schema.has_status { "since November 2025" } else { "before November 2025" }
    }

    /// Counts what there is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn totals(&self) -> Result<Totals> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
        let count_of = |table: &str| {
            if self.schema.has_table(table) { count(&format!("SELECT COUNT(*) FROM {table}")) } else { Ok(0) }
        };
        Ok(Totals {
            messages: count_of("messages")?,
            orphans: count(
                "SELECT COUNT(*) FROM messages WHERE room_id NOT IN (SELECT id FROM rooms)
                    OR creator_id NOT IN (SELECT id FROM users)",
            )?,
            out_of_order: count(
                "SELECT COUNT(*) FROM (SELECT created_at, LAG(created_at) OVER (PARTITION BY room_id ORDER BY id) AS before
                                         FROM messages) WHERE created_at < before",
            )?,
            last_message_id: self.connection.query_row("SELECT COALESCE(MAX(id), 0) FROM messages", [], |row| row.get(0))?,
            sessions: count_of("sessions")?,
            push_subscriptions: count_of("push_subscriptions")?,
            variants: count_of("active_storage_variant_records")?,
        })
    }

    /// The account.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn account(&self) -> Result<Account> {
        let has = |column| self.schema.has_column("accounts", column);
        let styles = if has("custom_styles") { "custom_styles" } else { "NULL" };
        let settings = if has("settings") { "settings" } else { "NULL" };
        let sql =
            format!("SELECT id, name, join_code, {styles}, {settings}, created_at FROM accounts ORDER BY id LIMIT 1");
        let mut query = self.connection.prepare(&sql)?;
        let mut rows = query.query([])?;
        let Some(row) = rows.next()? else { return Ok(Account::default()) };
        let settings: serde_json::Value = serde_json::from_str(&text(row, 4)?).unwrap_or_default();
        let restriction = &settings["restrict_room_creation_to_administrators"];
        Ok(Account {
            name: text(row, 1)?,
            join_code: text(row, 2)?,
            custom_styles: text(row, 3)?,
            room_creation_restricted: restriction == true || restriction == "true" || restriction == "1",
            logo: self.file_of("Account", "logo", integer(row, 0)?)?,
            created_at: moment(row, 5)?,
        })
    }

    /// All users.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn users(&self) -> Result<Vec<User>> {
        let or_null = |column: &'static str| if self.schema.has_column("users", column) { column } else { "NULL" };
        let status = if self.schema.has_status {
            "status"
        } else if self.schema.has_column("users", "active") {
            "CASE WHEN active THEN 0 ELSE 1 END"
        } else {
            "0"
        };
        let webhook = if self.schema.has_table("webhooks") {
            "(SELECT url FROM webhooks WHERE webhooks.user_id = users.id ORDER BY webhooks.id LIMIT 1)"
        } else {
            "NULL"
        };
        let sql = format!(
            "SELECT id, name, email_address, password_digest, role, {status}, {}, {}, {webhook}, created_at FROM users ORDER BY id",
            or_null("bio"),
            or_null("bot_token")
        );
        let mut users = Vec::new();
        let mut query = self.connection.prepare(&sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let id = integer(row, 0)?;
            users.push(User {
                id,
                name: text(row, 1)?,
                email_address: Some(text(row, 2)?).filter(|address| !address.trim().is_empty()),
                password_hash: Some(text(row, 3)?).filter(|hash| !hash.is_empty()),
                role: match integer(row, 4)? {
                    1 => Role::Administrator,
                    // Before there were bots, this was the owner.
                    2 if self.schema.has_bots => Role::Bot,
                    2 => Role::Administrator,
                    _ => Role::Member,
                },
                status: match integer(row, 5)? {
                    0 => Status::Active,
                    2 => Status::Banned,
                    _ => Status::Deactivated,
                },
                bio: text(row, 6)?,
                avatar: self.file_of("User", "avatar", id)?,
                bot_token: Some(text(row, 7)?).filter(|token| !token.is_empty()),
                webhook_url: Some(text(row, 8)?).filter(|url| !url.trim().is_empty()),
                created_at: moment(row, 9)?,
            });
        }
        Ok(users)
    }

    /// All rooms.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rooms(&self) -> Result<Vec<Room>> {
        let mut query = self
            .connection
            .prepare("SELECT id, type, name, creator_id, created_at, updated_at FROM rooms ORDER BY id")?;
        let mut rows = query.query([])?;
        let mut rooms = Vec::new();
        while let Some(row) = rows.next()? {
            rooms.push(Room {
                id: integer(row, 0)?,
                kind: match text(row, 1)?.as_str() {
                    "Rooms::Open" => RoomKind::Open,
                    "Rooms::Direct" => RoomKind::Direct,
                    // Of a kind that is not known, nobody else may see it.
                    _ => RoomKind::Closed,
                },
                name: text(row, 2)?,
                creator_id: integer(row, 3)?,
                created_at: moment(row, 4)?,
                updated_at: moment(row, 5)?,
            });
        }
        Ok(rooms)
    }

    /// Up to `limit` memberships with numbers above `after`, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn memberships(&self, after: i64, limit: u32) -> Result<Vec<Membership>> {
        let mut query = self.connection.prepare_cached(
            "SELECT id, room_id, user_id, involvement, unread_at, created_at FROM memberships
              WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut rows = query.query(params![after, limit])?;
        let mut memberships = Vec::new();
        while let Some(row) = rows.next()? {
            memberships.push(Membership {
                id: integer(row, 0)?,
                room_id: integer(row, 1)?,
                user_id: integer(row, 2)?,
                involvement: match text(row, 3)?.as_str() {
                    "invisible" => Involvement::Invisible,
                    "nothing" => Involvement::Nothing,
                    "everything" => Involvement::Everything,
                    _ => Involvement::Mentions,
                },
                unread_at: time::parse(&text(row, 4)?),
                created_at: moment(row, 5)?,
            });
        }
        Ok(memberships)
    }

    /// Up to `limit` messages with numbers above `after`, in their order, those of rooms and authors that do not exist left
    /// out. The number of the last one that was looked at is returned, too; `None` at the end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages(&self, after: i64, limit: u32) -> Result<Option<(Vec<Message>, i64)>> {
        let mut query = self.connection.prepare_cached(
            "SELECT messages.id, messages.room_id, messages.creator_id, messages.client_message_id, messages.created_at,
                    body, rooms.id IS NOT NULL AND users.id IS NOT NULL
               FROM messages
               LEFT JOIN rooms ON rooms.id = messages.room_id
               LEFT JOIN users ON users.id = messages.creator_id
               LEFT JOIN action_text_rich_texts AS rich
                 ON rich.record_type = 'Message' AND rich.record_id = messages.id AND rich.name = 'body'
              WHERE messages.id > ?1 ORDER BY messages.id LIMIT ?2",
        )?;
        let mut rows = query.query(params![after, limit])?;
        let mut messages: Vec<Message> = Vec::new();
        let mut last = None;
        while let Some(row) = rows.next()? {
            let id = integer(row, 0)?;
            last = Some(id);
            if integer(row, 6)? == 0 {
                continue;
            }
            let converted = html::to_markdown(&text(row, 5)?, &|user_id| self.mentions.get(&user_id).cloned());
            messages.push(Message {
                id,
                room_id: integer(row, 1)?,
                creator_id: integer(row, 2)?,
                client_message_id: text(row, 3)?,
                text: converted.markdown,
                mentions: converted.mentions,
                files: Vec::new(),
                boosts: Vec::new(),
                lost_count: converted.lost_count,
                replies_to: None,
                edited_at: None,
                changed: Vec::new(),
                dropped: Vec::new(),
                created_at: moment(row, 4)?,
            });
        }
        let Some(last) = last else { return Ok(None) };
        self.add_files(&mut messages, after, last)?;
        self.add_boosts(&mut messages, after, last)?;
        Ok(Some((messages, last)))
    }

    fn add_files(&self, messages: &mut [Message], after: i64, last: i64) -> Result<()> {
        let mut query = self.connection.prepare_cached(
            "SELECT attached.record_id, blobs.key, blobs.filename, blobs.checksum
               FROM active_storage_attachments AS attached JOIN active_storage_blobs AS blobs ON blobs.id = attached.blob_id
              WHERE attached.record_type = 'Message' AND attached.name = 'attachment'
                AND attached.record_id > ?1 AND attached.record_id <= ?2 ORDER BY attached.record_id, attached.id",
        )?;
        let mut rows = query.query(params![after, last])?;
        while let Some(row) = rows.next()? {
            let id = integer(row, 0)?;
            if let Ok(index) = messages.binary_search_by_key(&id, |message| message.id) {
                messages[index].files.push(self.file(&text(row, 1)?, text(row, 2)?, &text(row, 3)?));
            }
        }
        Ok(())
    }

    fn add_boosts(&self, messages: &mut [Message], after: i64, last: i64) -> Result<()> {
        let mut query = self.connection.prepare_cached(
            "SELECT message_id, booster_id, content, created_at FROM boosts
              WHERE message_id > ?1 AND message_id <= ?2 ORDER BY message_id, created_at, id",
        )?;
        let mut rows = query.query(params![after, last])?;
        while let Some(row) = rows.next()? {
            let id = integer(row, 0)?;
            if let Ok(index) = messages.binary_search_by_key(&id, |message| message.id) {
                messages[index].boosts.push(Boost {
                    booster_id: integer(row, 1)?,
                    content: text(row, 2)?,
                    created_at: moment(row, 3)?,
                });
            }
        }
        Ok(())
    }

    /// All recent searches, those of each user in the order of time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn searches(&self) -> Result<Vec<Search>> {
        if !self.schema.has_table("searches") {
            return Ok(Vec::new());
        }
        let mut query = self
            .connection
            .prepare("SELECT user_id, query, updated_at FROM searches ORDER BY user_id, updated_at, id")?;
        let mut rows = query.query([])?;
        let mut searches = Vec::new();
        while let Some(row) = rows.next()? {
            searches.push(Search { user_id: integer(row, 0)?, query: text(row, 1)?, searched_at: moment(row, 2)? });
        }
        Ok(searches)
    }

    /// All banned addresses.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bans(&self) -> Result<Vec<Ban>> {
        if !self.schema.has_table("bans") {
            return Ok(Vec::new());
        }
        let mut query = self.connection.prepare("SELECT user_id, ip_address, created_at FROM bans ORDER BY id")?;
        let mut rows = query.query([])?;
        let mut bans = Vec::new();
        while let Some(row) = rows.next()? {
            bans.push(Ban { user_id: integer(row, 0)?, ip_address: text(row, 1)?, created_at: moment(row, 2)? });
        }
        Ok(bans)
    }

    fn file_of(&self, record_type: &str, name: &str, record_id: i64) -> Result<Option<SourceFile>> {
        let mut query = self.connection.prepare_cached(
            "SELECT blobs.key, blobs.filename, blobs.checksum
               FROM active_storage_attachments AS attached JOIN active_storage_blobs AS blobs ON blobs.id = attached.blob_id
              WHERE attached.record_type = ?1 AND attached.name = ?2 AND attached.record_id = ?3
              ORDER BY attached.id DESC LIMIT 1",
        )?;
        let mut rows = query.query(params![record_type, name, record_id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(self.file(&text(row, 0)?, text(row, 1)?, &text(row, 2)?)))
    }

    fn file(&self, key: &str, name: String, checksum: &str) -> SourceFile {
        let is_key = key.len() >= 4 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let root = self.folder.join("files");
        let place = if is_key {
            FilePlace::Path { path: root.join(&key[..2]).join(&key[2..4]).join(key), root }
        } else {
            FilePlace::Nowhere
        };
        let md5 = STANDARD.decode(checksum).ok().and_then(|sum| sum.try_into().ok());
        SourceFile { key: key.to_owned(), place, name, md5 }
    }
}

/// Opens the database without changing anything in its folder.
fn open(path: &Path, scratch: &Path) -> Result<Connection> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| SourceError::Io(path, error)
    };
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut header = Vec::new();
    File::open(path).map_err(failed(path))?.take(20).read_to_end(&mut header).map_err(failed(path))?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(SourceError::Damaged("it does not begin like one".into()));
    }
    let has_content = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let is_wal = header.get(18) == Some(&2);
    let wal = beside("-wal");
    let connection = if is_wal && has_content(&wal) {
        // A reader of a log writes an index beside it.
        let copy = scratch.join("source.sqlite3");
        let copy_wal = scratch.join("source.sqlite3-wal");
        fs::copy(path, &copy).map_err(failed(path))?;
        fs::copy(&wal, &copy_wal).map_err(failed(&wal))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(copy, flags)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        connection
    } else if is_wal {
        let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?
    } else {
        if has_content(&beside("-journal")) {
            return Err(SourceError::Damaged("a transaction was cut off".into()));
        }
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Nothing that a table says about itself is executed.
    connection.execute_batch("PRAGMA trusted_schema = OFF")?;
    Ok(connection)
}

/// A column as text, whatever it is; empty for NULL.
fn text(row: &Row<'_>, index: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).replace('\0', ""),
    })
}

/// A column as a number; 0 for what is none.
fn integer(row: &Row<'_>, index: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(number) => number,
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default(),
        _ => 0,
    })
}

/// A column as a time; the epoch for what is none.
fn moment(row: &Row<'_>, index: usize) -> rusqlite::Result<i64> {
    Ok(time::parse(&text(row, index)?).unwrap_or_default())
}
