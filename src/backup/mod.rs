//! Backups: one archive with everything that an installation keeps, its way back, and checks of both.
//!
//! An archive has, in this order: [`HEADER`], a copy of the database, the stored files, and the sums of all of them (see
//! the crate `archive`). The copy is of one moment. The files are those that the copy refers to: a file is stored before
//! it gets a row, is never changed, and is not deleted as long as a backup is made ([`files::hold`](crate::files::hold)).
//!
//! Uploads that had not arrived whole are not saved: their browsers begin them anew.

mod restore;
mod save;
mod verify;

pub use restore::{Restored, is_free, restore};
pub use save::{Saved, last_backup_ms, save};
pub use verify::{Report, verify_archive, verify_folder};

use std::io;
use std::path::{Path, PathBuf};

use archive::Damage;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::sqlite::copy;

/// The member that says what an archive is; the first one.
const HEADER: &str = "campfire.json";

/// The name of the database, in archives and in data folders.
const DATABASE: &str = "campfire.sqlite3";

/// The version of the structure of an archive.
const FORMAT: u32 = 1;

/// Largest header that is read, in bytes.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// The manifest of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    /// [`FORMAT`].
    format: u32,
    /// The version of the program that made it.
    program: String,
    /// The number of the database's newest migration.
    schema: i64,
    /// When it was made, in milliseconds since the epoch.
    made_at_ms: i64,
}

impl Header {
    /// Whether this program understands the archive.
    fn require_known(&self) -> Result<(), BackupError> {
        if self.format > FORMAT || self.schema > copy::newest_schema() {
            return Err(BackupError::Newer(self.program.clone()));
        }
        Ok(())
    }
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The database is being copied: pages, and all pages.
    Database(u64, u64),
    /// The structure of the database is being checked.
    Checking,
    /// Files are being read or written: how many, and how many bytes.
    Files(u64, u64),
}

/// Why a backup cannot be made, checked or restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The folder has no database.
    #[error("there is no Campfire in {}; name its folder with --data", .0.display())]
    NoInstallation(PathBuf),
    /// A newer version made it: this one.
    #[error(
        "it was made by a newer Campfire ({0}), whose data this version ({version}) does not know: use that one",
        version = env!("CARGO_PKG_VERSION")
    )]
    Newer(String),
    /// The folder to restore into is not empty.
    #[error(
        "{} is not empty. A backup is restored into an empty folder only: name another one with --data, or move what is \
         there out of the way",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// The archive or the database is not as it was written.
    #[error("{0}")]
    Damaged(String),
    /// The disk is full, or the file system fails: with which file.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// The database cannot be read or copied.
    #[error("the database cannot be read: {0}")]
    Database(#[from] copy::Error),
}

impl From<Damage> for BackupError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage.to_string())
    }
}

/// A failure with the file at `path`.
fn failed(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::Io(path, error)
}

/// The database of an installation.
fn database_of(folder: &Path) -> Result<PathBuf, BackupError> {
    let path = folder.join(DATABASE);
    if path.is_file() { Ok(path) } else { Err(BackupError::NoInstallation(folder.to_owned())) }
}

#[cfg(test)]
mod tests;
