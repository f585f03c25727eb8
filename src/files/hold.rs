//! Keeps complete files from being deleted while they are read by another process.
//!
//! The lock is one of the folder itself (`flock`): there is no file that another user could own or delete, and it ends with
//! the process that has it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// A lock on the files of a data folder, until it is dropped. There is nothing to lock while no file has arrived.
#[derive(Debug)]
pub struct Hold {
    _folder: Option<File>,
}

/// Keeps the files in a data folder from being deleted. Waits for those that are being deleted at this moment.
///
/// # Errors
/// When the file system fails.
pub fn hold(data: &Path) -> io::Result<Hold> {
    let folder = open(data)?;
    if let Some(folder) = &folder {
        folder.lock_shared()?;
    }
    Ok(Hold { _folder: folder })
}

/// The right to delete files; `None` while another process keeps them.
pub(super) fn try_exclusively(data: &Path) -> io::Result<Option<Hold>> {
    let folder = open(data)?;
    match folder.as_ref().map(File::try_lock) {
        None | Some(Ok(())) => Ok(Some(Hold { _folder: folder })),
        Some(Err(TryLockError::WouldBlock)) => Ok(None),
        Some(Err(TryLockError::Error(error))) => Err(error),
    }
}

fn open(data: &Path) -> io::Result<Option<File>> {
    match File::open(data.join("files")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_deleted_while_somebody_holds_the_files() {
        let data = tempfile::tempdir().unwrap();
        assert!(try_exclusively(data.path()).unwrap().is_some(), "there are none yet");
        std::fs::create_dir(data.path().join("files")).unwrap();
        let first = hold(data.path()).unwrap();
        let second = hold(data.path()).unwrap();
        assert!(try_exclusively(data.path()).unwrap().is_none());
        drop((first, second));
        assert!(try_exclusively(data.path()).unwrap().is_some());
    }
}
