//! The data folder of a running program: private, and used by one process only.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Gid, Mode, OFlags, Uid, chownat, openat};
use rustix::io::Errno;

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

/// Gives what root makes in a data folder to the owner of the folder, when this is dropped: a service with a user of its own
/// could not read it.
#[derive(Debug)]
pub struct GivenToOwner<'f>(pub &'f Path);

impl Drop for GivenToOwner<'_> {
    fn drop(&mut self) {
        if rustix::process::geteuid().is_root()
            && let Err(error) = give_to_owner(self.0)
        {
            let folder = self.0.display();
            tracing::warn!(%error, %folder, "some files belong to root, and a service with its own user cannot read them");
        }
    }
}

fn give_to_owner(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    let owner = folder.metadata()?;
    if owner.uid() == 0 { Ok(()) } else { give(&folder, owner.uid(), owner.gid()) }
}

/// Gives the files of root in an open folder to somebody else. That user may write to the folder meanwhile: no link is
/// followed, and a file that has another name elsewhere stays as it is.
///
/// Files are opened for their metadata only (`O_PATH`): to close a database that was opened otherwise would end the locks that
/// this process has on it.
fn give(folder: &File, uid: u32, gid: u32) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let file = match openat(folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            let inner = openat(&file, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            give(&File::from(inner), uid, gid)?;
        }
        if metadata.uid() == 0 && (metadata.is_dir() || metadata.is_file() && metadata.nlink() == 1) {
            chownat(&file, c"", Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?;
        }
    }
    Ok(())
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
    fn what_root_makes_belongs_to_the_owner_of_the_folder() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (parent, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (data, other) = (parent.path().join("data"), elsewhere.path().join("other"));
        fs::create_dir_all(data.join("files/ab")).unwrap();
        for path in [&data.join("campfire.sqlite3"), &data.join("files/ab/key"), &other] {
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(&other, data.join("link")).unwrap();
        fs::hard_link(&other, data.join("name")).unwrap();
        let owner = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            (metadata.uid(), metadata.gid())
        };
        drop(GivenToOwner(&data));
        assert_eq!(owner(&data.join("campfire.sqlite3")), (0, 0));
        std::os::unix::fs::chown(&data, Some(12345), Some(23456)).unwrap();
        drop(GivenToOwner(&data));
        for name in ["campfire.sqlite3", "files", "files/ab", "files/ab/key"] {
            assert_eq!(owner(&data.join(name)), (12345, 23456), "{name}");
        }
        assert_eq!(owner(&other), (0, 0), "what links lead to stays");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = DataFolder::open(&file.path().join("data")).unwrap_err();
        assert!(refusal.contains("cannot be made"), "{refusal}");
    }
}
