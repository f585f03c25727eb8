//! The way back: an archive becomes an installation.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use archive::Reader;

use super::verify::{Extracted, Member, Report, write};
use super::{BackupError, DATABASE, Progress, failed};
use crate::files::{self, LOCATION, Location, StoredFiles};
use crate::store::sqlite::copy;

/// The folder below the data folder in which everything is prepared. Nothing has its final name before all is checked.
const PREPARED: &str = "restoring";

/// The folder of the stored files, in archives and in data folders.
const FILES: &str = "files";

/// Names that do not count as content of a data folder: locks, and leftovers of a killed restore.
const IGNORED: [&str; 3] = ["campfire.lock", "import.lock", PREPARED];

/// Totals and problems of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The number of messages.
    pub message_count: u64,
    /// The number of stored files, without previews.
    pub file_count: u64,
    /// What was wrong with the installation when it was saved, in words: files that are missing or changed, and messages
    /// that the search does not find. Everything else is restored nevertheless.
    pub problems: Vec<String>,
    /// How many more problems there are.
    pub more_count: u64,
}

/// Whether a backup can be restored into this folder: it does not exist, or is empty.
///
/// # Errors
/// `NotEmpty`, and when it cannot be read.
pub fn is_free(folder: &Path) -> Result<(), BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed(folder))?,
    };
    let is_cut_off = is_cut_off(folder);
    for entry in entries {
        let name = entry.map_err(failed(folder))?.file_name();
        if (name == FILES || name == LOCATION) && is_cut_off {
            continue;
        }
        if !IGNORED.iter().any(|ignored| name == *ignored) {
            return Err(BackupError::NotEmpty(folder.to_owned()));
        }
    }
    Ok(())
}

/// Whether a process was killed here after it had restored the files, but not the database.
fn is_cut_off(folder: &Path) -> bool {
    folder.join(PREPARED).is_dir() && folder.join(DATABASE).symlink_metadata().is_err()
}

/// Restores the archive at `path` into `folder`, which must be locked by the caller and [free](is_free), and its files to
/// `location`.
///
/// # Errors
/// As [`BackupError`]. The folder is as empty as before then; a bucket may have some of the files.
pub fn restore(
    path: &Path,
    folder: &Path,
    location: &Location,
    progress: &mut dyn FnMut(Progress),
) -> Result<Restored, BackupError> {
    is_free(folder)?;
    let prepared = folder.join(PREPARED);
    if is_cut_off(folder) {
        // Before the folder that says so.
        remove(&folder.join(FILES))?;
        let _ = fs::remove_file(folder.join(LOCATION));
    }
    remove(&prepared)?;
    fs::create_dir(&prepared).map_err(failed(&prepared))?;
    if *location != Location::Folder {
        location.note(&prepared).map_err(failed(&prepared))?;
    }
    let restored = prepare(path, &prepared, progress).and_then(|restored| {
        publish(&prepared, folder).inspect_err(|_| {
            let _ = fs::remove_file(folder.join(DATABASE));
            let _ = fs::remove_dir_all(folder.join(FILES));
            let _ = fs::remove_file(folder.join(LOCATION));
        })?;
        Ok(restored)
    });
    remove(&prepared)?;
    restored
}

/// Gives everything that is prepared its final name. The database comes last: before it there is no installation.
fn publish(prepared: &Path, folder: &Path) -> Result<(), BackupError> {
    for name in [FILES, LOCATION, DATABASE] {
        match fs::rename(prepared.join(name), folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(folder)(error)),
            _ => sync(folder)?,
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(folder)(error)),
        _ => Ok(()),
    }
}

/// Unpacks and checks everything.
fn prepare(path: &Path, prepared: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupError> {
    let mut extracted = Extracted::default();
    let mut bytes = 0;
    let database = prepared.join(DATABASE);
    let stored = StoredFiles::of(prepared).map_err(failed(prepared))?;
    let mut broken = None;
    let read = Reader::open(path).map_err(failed(path))?.read(|name, member_bytes, source| {
        match extracted.member(name.as_str(), source)? {
            Member::Header => {}
            Member::Database => {
                write(&database, source).inspect_err(|_| broken = Some(database.clone()))?;
            }
            Member::File => {
                let key = name.as_str().rsplit('/').next().unwrap_or_default();
                let relative = files::relative(key).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                let path = prepared.join(FILES).join(relative);
                let make = || fs::create_dir_all(path.parent().unwrap_or(prepared));
                let written = make().and_then(|()| write(&path, source)).and_then(|sum| {
                    if stored.send(key, &path)? {
                        fs::remove_file(&path)?;
                    }
                    Ok(sum)
                });
                let sum = written.inspect_err(|_| broken = Some(path.clone()))?;
                extracted.note(name.as_str(), sum);
            }
        }
        bytes += member_bytes;
        progress(Progress::Files(extracted.sums.len() as u64, bytes));
        Ok(())
    });
    match (read, broken) {
        // Of a failure to write, the file matters; a damaged archive has no error of the file system.
        (Err(archive::Damage::Io(error)), Some(path)) => return Err(BackupError::Io(path, error)),
        (read, _) => extracted.finish(read)?,
    }
    progress(Progress::Checking);
    let report = extracted.check(&database)?;
    if let (true, Some(problem)) = (report.is_damaged, report.problems.first()) {
        return Err(BackupError::Damaged(format!("what was saved is damaged: {problem}")));
    }
    copy::begin_epoch(&database)?;
    sync(prepared)?;
    let Report { message_count, file_count, problems, more_count, .. } = report;
    Ok(Restored { message_count, file_count, problems, more_count })
}

/// Writes everything on the folder's file system to disk: one call for all files.
fn sync(folder: &Path) -> Result<(), BackupError> {
    let open = File::open(folder).map_err(failed(folder))?;
    rustix::fs::syncfs(&open).map_err(|error| failed(folder)(error.into()))
}
