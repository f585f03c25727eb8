//! The data folder of a running program: private, and used by one process only.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The file that is locked while a process uses the folder. It contains the number of that process. The lock vanishes
/// with the process; the file stays.
const LOCK: &str = "campfire.lock";

/// A data folder in use. Another process can use it once this is dropped.
#[derive(Debug)]
pub struct DataFolder {
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing, makes it and its files private, and locks it.
    ///
    /// # Errors
    /// If it cannot be used, or another process uses it, in words.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let shown = folder.display();
        fs::create_dir_all(folder).map_err(|error| format!("{shown} cannot be made: {error}"))?;
        let options = File::options().read(true).write(true).create(true).truncate(false).clone();
        let mut lock =
            options.open(folder.join(LOCK)).map_err(|error| format!("{shown} cannot be written: {error}"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut lock)),
            Err(TryLockError::Error(error)) => return Err(format!("{shown} cannot be locked: {error}")),
        }
        // Only for people who look into the file, and for the words of `in_use`.
        let _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        if let Err(error) = make_private(folder) {
            tracing::warn!(%error, folder = %shown, "the data folder may be readable by other users of this machine");
        }
        Ok(Self { _lock: lock })
    }
}

fn in_use(folder: &Path, lock: &mut File) -> String {
    let mut owner = String::new();
    let _ = lock.rewind().and_then(|()| lock.read_to_string(&mut owner));
    let owner = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
    format!("another Campfire{owner} uses the data in {}: stop it first, or use another folder", folder.display())
}

/// Makes a folder and the files in it accessible to their owner only, those too that a program without the umask of
/// [`process::prepare`](super::process::prepare) made.
fn make_private(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_in_use_is_refused_in_words_until_its_process_ends() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/data");
        let first = DataFolder::open(&folder).unwrap();
        let refusal = DataFolder::open(&folder).unwrap_err();
        assert!(refusal.contains("another Campfire") && refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        DataFolder::open(&folder).unwrap();
    }

    #[test]
    fn an_existing_folder_becomes_private_with_its_files() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        fs::create_dir(&folder).unwrap();
        let file = folder.join("campfire.sqlite3");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let _open = DataFolder::open(&folder).unwrap();
        assert_eq!((mode(&folder), mode(&file), mode(&folder.join(LOCK))), (0o700, 0o600, 0o600));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = DataFolder::open(&file.path().join("data")).unwrap_err();
        assert!(refusal.contains("cannot be made"), "{refusal}");
    }
}
