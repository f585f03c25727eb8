//! The files beside an archive while it is written: `.NAME.part`, which becomes the archive, and others that begin with
//! `.NAME.` and end in `.part`.
//!
//! The folder may belong to others (`/tmp`). Each file is made anew with `O_EXCL`: nothing is written to a file or link that
//! somebody else has put there. Whoever writes an archive has its `.NAME.part` locked; without that lock, such files are
//! what a process left that was killed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// How the names of all these files end.
const SUFFIX: &str = ".part";

/// Suffixes of the files that SQLite keeps beside a database.
const SQLITE_SUFFIXES: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file that is deleted when this is dropped.
pub(crate) struct Temporary {
    pub path: PathBuf,
    pub is_kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `path` with a longer name, hidden from listings: `.NAME.PURPOSE.part`, or `.NAME.part` without a purpose.
pub(crate) fn beside(path: &Path, purpose: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    if !purpose.is_empty() {
        name.push(format!(".{purpose}"));
    }
    name.push(SUFFIX);
    path.with_file_name(name)
}

/// Makes and locks the file that becomes the archive at `target`. What a process left there that was killed is deleted.
///
/// # Errors
/// `ResourceBusy` when another process is writing it.
pub(crate) fn create_locked(target: &Path) -> io::Result<(File, Temporary)> {
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing it");
    let path = beside(target, "");
    match lock_existing(&path) {
        Ok(_leftover) => fs::remove_file(&path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = match create(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(busy()),
        created => created?,
    };
    lock(&file)?;
    // Another process may have taken it for a leftover before it was locked.
    let (own, named) = (file.metadata()?, path.symlink_metadata().map_err(|_| busy())?);
    if (own.dev(), own.ino()) != (named.dev(), named.ino()) {
        return Err(busy());
    }
    Ok((file, Temporary { path, is_kept: false }))
}

/// Makes a file that does not exist yet, for its owner only.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing it"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens a file, which is not read, to see whether a process has locked it. No link is followed, and no pipe is waited for.
fn lock_existing(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags.cast_signed()).open(path)?;
    lock(&file)?;
    Ok(file)
}

/// Deletes what killed processes left of archives beside `target` whose names differ from its own in digits only, like those
/// of other nights. What cannot be deleted stays.
pub(crate) fn sweep(target: &Path) {
    let own = beside(target, "");
    let own_stem = stem(own.file_name().unwrap_or_default());
    let folder = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(left_stem) = name.as_bytes().get(..own_stem.len()) else { continue };
        let is_other = left_stem != own_stem && pattern(left_stem) == pattern(own_stem);
        if !is_other || !is_temporary(&name.as_bytes()[own_stem.len()..]) {
            continue;
        }
        let mut lock_name = left_stem.to_vec();
        lock_name.extend_from_slice(SUFFIX.as_bytes());
        let is_left = match lock_existing(&folder.join(OsStr::from_bytes(&lock_name))) {
            Ok(lock) => {
                let _ = fs::remove_file(entry.path());
                drop(lock);
                continue;
            }
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_left {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `.NAME` of `.NAME.part`.
fn stem(name: &OsStr) -> &[u8] {
    name.as_bytes().strip_suffix(SUFFIX.as_bytes()).unwrap_or_default()
}

/// Whether a name goes on after `.NAME` as those of these files do.
fn is_temporary(rest: &[u8]) -> bool {
    let without = SQLITE_SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix.as_bytes())).unwrap_or(rest);
    without.starts_with(b".") && without.ends_with(SUFFIX.as_bytes())
}

/// The name with all digits alike.
fn pattern(name: &[u8]) -> Vec<u8> {
    name.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect()
}
