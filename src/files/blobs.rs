//! Stores of complete files.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bucket::{Bucket, Object};
use bytes::Bytes;

/// What follows the key in the name of a preview.
pub const PREVIEW_SUFFIX: &str = "-preview";

/// How many bytes of a blob are read at once: what a slow reader keeps in memory.
const CHUNK_BYTES: u64 = 256 * 1024;

/// A store of complete files by name: a key, or a key with a suffix. Files are never changed, so that a name always means
/// the same bytes.
#[async_trait]
pub trait Blobs: std::fmt::Debug + Send + Sync {
    /// Stores the file at `path` under `name`; it is durable once this returns. `path` stays. Storing a name again replaces
    /// its file.
    async fn put(&self, name: &str, path: &Path) -> io::Result<()>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound` without a file of this name.
    async fn open(&self, name: &str) -> io::Result<Box<dyn BlobReader>>;

    /// Where the bytes of a file can be read by name: in the store itself, or in `scratch`, to which they are copied then.
    ///
    /// # Errors
    /// `NotFound` without a file of this name.
    async fn local_path(&self, name: &str, scratch: &Path) -> io::Result<PathBuf>;

    /// Deletes a file. One that does not exist is no error.
    async fn delete(&self, name: &str) -> io::Result<()>;

    /// The names of all files that have not changed since `before_ms`, in milliseconds since the epoch.
    async fn list_before(&self, before_ms: i64) -> io::Result<Vec<String>>;

    /// Whether files can be stored, read and deleted.
    ///
    /// # Errors
    /// What is in the way.
    async fn check(&self) -> io::Result<()>;
}

/// An open file of a store.
#[async_trait]
pub trait BlobReader: Send + Sync {
    /// Its size, in bytes.
    fn bytes(&self) -> u64;

    /// Reads from the start of `range` on: all of it, or as much as is read at once. Empty only for an empty range.
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes>;
}

/// Files in a folder: `ab/cd/KEY` for a key that begins with `abcd`.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
}

impl Folder {
    /// The store in this folder, which is made with the first file.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        Ok(self.folder.join(named(name)?))
    }
}

/// Where in its store the file of this name is: `ab/cd/NAME`; `None` for what is no name of a file.
#[must_use]
pub fn relative(name: &str) -> Option<String> {
    let is_name = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| format!("{}/{}/{name}", &name[..2], &name[2..4]))
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, name: &str, path: &Path) -> io::Result<()> {
        let target = self.path(name)?;
        let path = path.to_owned();
        blocking(move || put(&path, &target)).await
    }

    async fn open(&self, name: &str) -> io::Result<Box<dyn BlobReader>> {
        let path = self.path(name)?;
        blocking(move || {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            Ok(Box::new(OpenFile { file: Arc::new(file), bytes }) as Box<dyn BlobReader>)
        })
        .await
    }

    async fn local_path(&self, name: &str, _: &Path) -> io::Result<PathBuf> {
        self.path(name)
    }

    async fn delete(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        blocking(move || ignore_missing(fs::remove_file(path))).await
    }

    async fn list_before(&self, before_ms: i64) -> io::Result<Vec<String>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut names = Vec::new();
            for outer in folders(&folder)? {
                for inner in folders(&outer)? {
                    for entry in fs::read_dir(inner)? {
                        let entry = entry?;
                        if modified_ms(&entry.metadata()?) < before_ms
                            && let Ok(name) = entry.file_name().into_string()
                        {
                            names.push(name);
                        }
                    }
                }
            }
            Ok(names)
        })
        .await
    }

    async fn check(&self) -> io::Result<()> {
        let folder = self.folder.clone();
        blocking(move || make_durable_folder(&folder)).await
    }
}

/// Files in a bucket have the same relative names as those in a [`Folder`].
#[async_trait]
impl Blobs for Bucket {
    async fn put(&self, name: &str, path: &Path) -> io::Result<()> {
        self.put(&named(name)?, path).await
    }

    async fn open(&self, name: &str) -> io::Result<Box<dyn BlobReader>> {
        Ok(Box::new(self.open(&named(name)?).await?))
    }

    async fn local_path(&self, name: &str, scratch: &Path) -> io::Result<PathBuf> {
        self.download(&named(name)?, scratch).await?;
        Ok(scratch.to_owned())
    }

    async fn delete(&self, name: &str) -> io::Result<()> {
        self.delete(&named(name)?).await
    }

    async fn list_before(&self, before_ms: i64) -> io::Result<Vec<String>> {
        let listed = self.list_before(before_ms).await?;
        // The bucket may have objects of others.
        let own = listed.into_iter().filter_map(|path| {
            let name = path.rsplit('/').next()?;
            (relative(name).as_deref() == Some(&path)).then(|| name.to_owned())
        });
        Ok(own.collect())
    }

    async fn check(&self) -> io::Result<()> {
        self.check().await
    }
}

#[async_trait]
impl BlobReader for Object {
    fn bytes(&self) -> u64 {
        self.bytes()
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.read(range).await
    }
}

fn named(name: &str) -> io::Result<String> {
    relative(name).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Gives `path` a second name, so that it stays for whoever tries again, and makes that name durable.
fn put(path: &Path, target: &Path) -> io::Result<()> {
    let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_durable_folder(folder)?;
    let temporary = target.with_extension("part");
    ignore_missing(fs::remove_file(&temporary))?;
    // Not every file system has hard links.
    if fs::hard_link(path, &temporary).is_err() {
        fs::copy(path, &temporary)?;
    }
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, target)?;
    // Renaming one name of a file to another of its names does nothing (POSIX).
    ignore_missing(fs::remove_file(&temporary))?;
    File::open(folder)?.sync_all()
}

/// Makes a folder and its parents. Each is durable in its own parent.
fn make_durable_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_durable_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => File::open(parent)?.sync_all()?,
        }
    }
    Ok(())
}

/// The folders in a folder whose names have two characters; none if it does not exist.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in entries(folder)? {
        let entry = entry?;
        if entry.file_name().len() == 2 && entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The entries of a folder; none if it does not exist.
pub(super) fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>> + use<>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// When a file was changed last, in milliseconds since the epoch.
pub(super) fn modified_ms(metadata: &fs::Metadata) -> i64 {
    let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.and_then(|time| i64::try_from(time.as_millis()).ok()).unwrap_or_default()
}

pub(super) fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Runs work on files on a thread where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

struct OpenFile {
    file: Arc<File>,
    bytes: u64,
}

#[async_trait]
impl BlobReader for OpenFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let file = self.file.clone();
        let length = range.end.saturating_sub(range.start).min(CHUNK_BYTES);
        let length = usize::try_from(length).map_err(io::Error::other)?;
        blocking(move || {
            let mut chunk = vec![0; length];
            file.read_exact_at(&mut chunk, range.start)?;
            Ok(chunk.into())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "abcd0123";

    #[tokio::test]
    async fn a_stored_file_is_read_in_ranges_until_it_is_deleted() {
        let parent = tempfile::tempdir().unwrap();
        let source = parent.path().join("source");
        let content: Vec<u8> = (0..CHUNK_BYTES + 10).map(|at| u8::try_from(at % 251).unwrap()).collect();
        fs::write(&source, &content).unwrap();
        let store = Folder::new(parent.path().join("files"));
        store.put(NAME, &source).await.unwrap();
        store.put(NAME, &source).await.unwrap();
        assert!(source.exists() && parent.path().join("files/ab/cd/abcd0123").exists());
        let reader = store.open(NAME).await.unwrap();
        assert_eq!(reader.bytes(), CHUNK_BYTES + 10);
        assert_eq!(reader.read(0..u64::MAX).await.unwrap(), content[..CHUNK_BYTES as usize]);
        assert_eq!(reader.read(CHUNK_BYTES..CHUNK_BYTES + 10).await.unwrap(), content[CHUNK_BYTES as usize..]);
        assert_eq!(reader.read(3..3).await.unwrap().len(), 0);
        assert_eq!(store.list_before(i64::MAX).await.unwrap(), [NAME]);
        assert!(store.list_before(0).await.unwrap().is_empty());
        store.delete(NAME).await.unwrap();
        store.delete(NAME).await.unwrap();
        assert_eq!(store.open(NAME).await.err().unwrap().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn names_of_other_places_are_not_found() {
        let parent = tempfile::tempdir().unwrap();
        let store = Folder::new(parent.path().to_owned());
        for name in ["../../etc/passwd", "ab/../x", "", "abc", "abcd/", "a\0bcd"] {
            assert_eq!(store.open(name).await.err().unwrap().kind(), io::ErrorKind::NotFound, "{name:?}");
        }
        assert!(store.list_before(i64::MAX).await.unwrap().is_empty());
    }
}
