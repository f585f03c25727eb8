//! Making an archive.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use archive::{Name, Writer};
use serde::{Deserialize, Serialize};

use super::{BackupError, DATABASE, FORMAT, HEADER, Header, Progress, database_of, failed};
use crate::files::{self, PREVIEW_SUFFIX, StoredFiles};
use crate::store::sqlite::copy::{self, Checked, StoredFile};

/// The file in the data folder that says when the last backup was made.
const LAST_BACKUP: &str = "last-backup.json";

/// Totals and problems of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The number of messages.
    pub message_count: u64,
    /// The number of stored files, without previews.
    pub file_count: u64,
    /// The number of files that messages have, but the store does not: they are not in the archive.
    pub missing_count: u64,
    /// The number of files whose bytes are not those that were stored: they are in the archive as they are.
    pub changed_count: u64,
    /// The size of the archive, in bytes.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct LastBackup {
    made_at_ms: i64,
}

/// When the last backup of the installation in this folder was made, in milliseconds since the epoch; `None` if it is not
/// known.
#[must_use]
pub fn last_backup_ms(folder: &Path) -> Option<i64> {
    let text = fs::read(folder.join(LAST_BACKUP)).ok()?;
    serde_json::from_slice(&text).ok().map(|last: LastBackup| last.made_at_ms)
}

/// Saves the installation in `folder`, which may be in use, as an archive at `target`.
///
/// # Errors
/// As [`BackupError`]. Nothing is at `target` then, unless something was before.
pub fn save(
    folder: &Path,
    target: &Path,
    now_ms: i64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Saved, BackupError> {
    let database = database_of(folder)?;
    let modified_s = u64::try_from(now_ms / 1_000).unwrap_or_default();
    let mut writer = Writer::create(target, modified_s).map_err(failed(target))?;
    let _held = files::hold(folder).map_err(failed(folder))?;

    let copy = Scratch(writer.scratch("sqlite3").map_err(failed(target))?);
    copy::copy(&database, &copy.0, &mut |done, total| progress(Progress::Database(done, total)))?;
    let checked = Checked::open(&copy.0)?;
    let schema = checked.schema().ok_or_else(|| BackupError::NoInstallation(folder.to_owned()))?;

    let header = Header { format: FORMAT, program: env!("CARGO_PKG_VERSION").into(), schema, made_at_ms: now_ms };
    let header = serde_json::to_vec(&header).map_err(|error| failed(target)(error.into()))?;
    let name = |text: &str| text.parse::<Name>().map_err(|error| failed(target)(io::Error::other(error)));
    writer.append(&name(HEADER)?, header.len() as u64, &mut &header[..], &mut |_| {}).map_err(failed(target))?;
    let mut source = File::open(&copy.0).map_err(failed(&copy.0))?;
    let bytes = source.metadata().map_err(failed(&copy.0))?.len();
    writer.append(&name(DATABASE)?, bytes, &mut source, &mut |_| {}).map_err(failed(target))?;

    let mut saved = Saved { message_count: checked.message_count()?, ..Saved::default() };
    // The sum of what was appended; `None` for a file that is missing.
    let stored = StoredFiles::of(folder).map_err(failed(folder))?;
    let mut append = |key: &str| -> Result<Option<[u8; 32]>, BackupError> {
        let Some(relative) = files::relative(key) else { return Ok(None) };
        let member = name(&format!("files/{relative}"))?;
        let mut file = match stored.open(key) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed(Path::new(&relative)))?,
        };
        let bytes = file.bytes;
        writer.append(&member, bytes, &mut file, &mut |_| {}).map(Some).map_err(failed(target))
    };
    let mut read_bytes = 0;
    checked.files(|file: StoredFile| -> Result<(), BackupError> {
        match append(&file.key)? {
            Some(sum) => {
                saved.file_count += 1;
                saved.changed_count += u64::from(sum[..] != file.sha256);
            }
            None => saved.missing_count += u64::from(file.is_used),
        }
        if file.has_preview {
            append(&format!("{}{PREVIEW_SUFFIX}", file.key))?;
        }
        read_bytes += file.bytes;
        progress(Progress::Files(saved.file_count, read_bytes));
        Ok(())
    })?;
    drop(checked);
    saved.bytes = writer.finish().map_err(failed(target))?.bytes;

    let last = serde_json::to_vec(&LastBackup { made_at_ms: now_ms }).unwrap_or_default();
    if let Err(error) = fs::write(folder.join(LAST_BACKUP), last) {
        tracing::warn!(%error, "the backup is made, but the data folder does not know of it");
    }
    Ok(saved)
}

/// A file that is deleted with what SQLite may have made beside it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
    }
}
