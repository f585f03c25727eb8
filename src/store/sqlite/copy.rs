//! Copies of the database that are consistent while it is written, and databases that no program has open.
//!
//! These need SQLite's own interface for backups, which SQLx does not have; they use rusqlite, on the same SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

pub use rusqlite::Error;

use crate::store::MIGRATOR;

/// How many pages are copied at a time.
const PAGES_PER_STEP: i32 = 1_024;

/// How many stored files are read at once.
const FILES_PER_PAGE: i64 = 1_000;

/// How long a lock of another program is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A stored file, as a database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its key.
    pub key: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// Whether it has a preview.
    pub has_preview: bool,
    /// Whether something has it; otherwise it expires, and its bytes may be gone before its row is.
    pub is_used: bool,
}

/// The number of the newest migration that this program knows.
#[must_use]
pub fn newest_schema() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The version of SQLite.
#[must_use]
pub fn version() -> &'static str {
    rusqlite::version()
}

/// Copies the database at `source`, as it is at the start of the copy, to a new file without a log beside it. Writers go
/// on meanwhile: in WAL mode a reader does not keep them waiting. `progress` is called with the number of pages that are
/// copied, and of all pages.
///
/// # Errors
/// When the database cannot be read, or the copy cannot be written.
pub fn copy(source: &Path, target: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    let source = open(source, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // The transaction holds one state for all steps, which would begin anew after each commit otherwise.
    source.execute_batch("PRAGMA query_only = ON; BEGIN; SELECT COUNT(*) FROM sqlite_schema")?;
    let mut copy = open(target, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Nothing is lost with a copy that a crash cuts off: whoever makes an archive of it begins anew.
    copy.execute_batch("PRAGMA synchronous = OFF")?;
    {
        let backup = Backup::new(&source, &mut copy)?;
        loop {
            let step = backup.step(PAGES_PER_STEP)?;
            let state = backup.progress();
            let (total, left) = (u64::try_from(state.pagecount), u64::try_from(state.remaining));
            let (total, left) = (total.unwrap_or_default(), left.unwrap_or_default());
            progress(total.saturating_sub(left), total);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Only the copy can be locked, which nobody else knows.
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
    copy.execute_batch("PRAGMA journal_mode = DELETE")?;
    copy.close().map_err(|(_, error)| error)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// A database that is read to be checked.
pub struct Checked {
    connection: Connection,
}

impl Checked {
    /// Opens a database, which other programs may have open, too. What is read is of one moment.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch("PRAGMA query_only = ON; BEGIN; SELECT COUNT(*) FROM sqlite_schema")?;
        Ok(Self { connection })
    }

    /// From now on, what is read is of several moments. A transaction that goes on for as long as files are read would keep
    /// a program that writes from reusing its log, which grows for all that time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn end_transaction(&self) -> Result<(), Error> {
        self.connection.execute_batch("COMMIT")
    }

    /// The number of its newest migration; `None` if it is not a database of Campfire.
    #[must_use]
    pub fn schema(&self) -> Option<i64> {
        self.number("SELECT MAX(version) FROM _sqlx_migrations WHERE success").ok()
    }

    /// How many messages it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn message_count(&self) -> Result<u64, Error> {
        self.count("SELECT COUNT(*) FROM messages")
    }

    /// The damage in it, in words: structure, indexes and references. At most some hundred lines.
    ///
    /// # Errors
    /// When it cannot be read. Damage may show itself as such an error, too.
    pub fn damage(&self) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        let mut check = self.connection.prepare("PRAGMA integrity_check")?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        for line in lines {
            let line = line?;
            if line != "ok" {
                problems.push(format!("database: {line}"));
            }
        }
        let mut check = self.connection.prepare("PRAGMA foreign_key_check")?;
        let mut rows = check.query([])?;
        let mut reference_count = 0_u64;
        while let Some(row) = rows.next()? {
            reference_count += 1;
            if reference_count == 1 {
                let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                problems.push(format!("database: a row of {table} refers to one of {parent} that does not exist"));
            }
        }
        if reference_count > 1 {
            problems.push(format!("database: {} more such references", reference_count - 1));
        }
        Ok(problems)
    }

    /// Which messages the full-text search does not find, or finds although they do not exist, in words.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn search_gaps(&self) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        for (table, index) in [("message_search", "words"), ("message_parts", "parts of words")] {
            let missing =
                self.count(&format!("SELECT COUNT(*) FROM messages WHERE id NOT IN (SELECT id FROM {table}_docsize)"))?;
            let surplus =
                self.count(&format!("SELECT COUNT(*) FROM {table}_docsize WHERE id NOT IN (SELECT id FROM messages)"))?;
            if missing > 0 {
                problems.push(format!("search: {missing} messages are not in the index of {index}"));
            }
            if surplus > 0 {
                problems.push(format!("search: the index of {index} has {surplus} messages that do not exist"));
            }
        }
        Ok(problems)
    }

    /// Hands each stored file to `receive`, until that fails. Nothing is being read meanwhile.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn files<E: From<Error>>(&self, mut receive: impl FnMut(StoredFile) -> Result<(), E>) -> Result<(), E> {
        let mut after = String::new();
        loop {
            let page = self.files_after(&after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key);
            page.into_iter().try_for_each(&mut receive)?;
        }
    }

    /// The stored files with keys above `after`: a page of them.
    fn files_after(&self, after: &str) -> Result<Vec<StoredFile>, Error> {
        let mut files = self.connection.prepare_cached(
            "SELECT key, bytes, sha256, preview_type IS NOT NULL, expires_at IS NULL
               FROM blobs WHERE key > ?1 ORDER BY key LIMIT ?2",
        )?;
        let rows = files.query_map(rusqlite::params![after, FILES_PER_PAGE], |row| {
            Ok(StoredFile {
                key: row.get(0)?,
                bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                sha256: row.get(2)?,
                has_preview: row.get(3)?,
                is_used: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Whether it knows a stored file with this key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn has_file(&self, key: &str) -> Result<bool, Error> {
        let mut exists = self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM blobs WHERE key = ?1)")?;
        exists.query_row([key], |row| row.get(0))
    }

    /// When the newest message was posted, in milliseconds since the epoch; 0 without any.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn newest_message_ms(&self) -> Result<i64, Error> {
        self.number("SELECT COALESCE((SELECT created_at FROM messages ORDER BY id DESC LIMIT 1), 0)")
    }

    /// How many jobs have failed for good in the last days.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn dead_job_count(&self) -> Result<u64, Error> {
        self.count("SELECT COUNT(*) FROM jobs WHERE dead_at IS NOT NULL")
    }

    /// How many active administrators there are.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn administrator_count(&self) -> Result<u64, Error> {
        self.count("SELECT COUNT(*) FROM users WHERE role = 1 AND status = 0")
    }

    /// The private key that pushes are signed with; `None` before it is needed for the first time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn push_key(&self) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT key FROM signing_keys WHERE purpose = 'push'";
        self.connection.query_row(sql, [], |row| row.get(0)).optional()
    }

    fn count(&self, sql: &str) -> Result<u64, Error> {
        self.number(sql).map(i64::unsigned_abs)
    }

    fn number(&self, sql: &str) -> Result<i64, Error> {
        self.connection.query_row(sql, [], |row| row.get(0))
    }
}

/// Keeps the write-ahead log short while much is written at once. The checkpoints that run all the time do not let others
/// wait, so that the log grows for as long as somebody writes without a pause.
pub struct Checkpoints {
    connection: Connection,
}

impl Checkpoints {
    /// Opens the database for checkpoints.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_millis(500))?;
        Ok(Self { connection })
    }

    /// Copies all of the log into the database, and empties it, unless somebody is reading for longer than half a second.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn run(&self) -> Result<(), Error> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// Gives a database that no program has open another epoch: to browsers it is another database, whose events they have
/// not seen, although it has the same numbers.
///
/// # Errors
/// When it cannot be written.
pub fn begin_epoch(path: &Path) -> Result<(), Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("UPDATE event_log SET epoch = lower(hex(randomblob(16)))")?;
    connection.close().map_err(|(_, error)| error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_copy_has_the_committed_messages_and_is_one_file() {
        let world = testing::world().await;
        for number in 0..20 {
            world.post(&world.ada, world.all_talk.id, &format!("message {number}")).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        let mut pages = (0, 0);
        copy(&world.database_path(), &target, &mut |done, total| pages = (done, total)).unwrap();
        assert!(pages.0 == pages.1 && pages.1 > 10, "{pages:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no log beside it");
        let checked = Checked::open(&target).unwrap();
        assert_eq!((checked.message_count().unwrap(), checked.schema()), (20, Some(newest_schema())));
        assert_eq!((checked.damage().unwrap(), checked.search_gaps().unwrap()), (Vec::new(), Vec::new()));
        drop(checked);

        let epoch = || {
            let connection = Connection::open(&target).unwrap();
            connection.query_row("SELECT epoch FROM event_log", [], |row| row.get::<_, String>(0)).unwrap()
        };
        let before = epoch();
        begin_epoch(&target).unwrap();
        assert_ne!(epoch(), before);
    }

    #[tokio::test]
    async fn a_checkpoint_empties_the_log() {
        let world = testing::world().await;
        world.post(&world.ada, world.all_talk.id, "in the log").await;
        let mut log = world.database_path().into_os_string();
        log.push("-wal");
        let bytes = || std::fs::metadata(&log).unwrap().len();
        assert!(bytes() > 0);
        Checkpoints::open(&world.database_path()).unwrap().run().unwrap();
        assert_eq!(bytes(), 0);
        world.post(&world.ada, world.all_talk.id, "afterwards").await;
        assert_eq!(Checked::open(&world.database_path()).unwrap().message_count().unwrap(), 2);
    }

    #[tokio::test]
    async fn missing_index_entries_and_broken_references_are_found() {
        let world = testing::world().await;
        let message = world.post(&world.ada, world.all_talk.id, "lost to the search").await;
        let other = Connection::open(world.database_path()).unwrap();
        other.execute("DELETE FROM message_parts WHERE rowid = ?1", [message.id.0]).unwrap();
        other.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO boosts (message_id, booster_id, content, created_at) VALUES (999, 1, 'x', 0), (998, 1, 'x', 0)").unwrap();
        let checked = Checked::open(&world.database_path()).unwrap();
        assert_eq!(
            checked.damage().unwrap(),
            [
                "database: a row of boosts refers to one of messages that does not exist",
                "database: 1 more such references",
            ]
        );
        assert_eq!(checked.search_gaps().unwrap(), ["search: 1 messages are not in the index of parts of words"]);
    }

    #[test]
    fn what_is_no_database_of_ours_has_no_schema() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = Connection::open(file.path()).unwrap();
        other.execute_batch("CREATE TABLE messages (id)").unwrap();
        assert_eq!(Checked::open(file.path()).unwrap().schema(), None);
        std::fs::write(file.path(), "this is text, no database, and longer than a hundred bytes: ".repeat(20)).unwrap();
        assert!(Checked::open(file.path()).is_err());
    }
}
