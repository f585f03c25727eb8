//! Where the complete files of an installation are: in its data folder, or in a bucket.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bucket::{Bucket, NoLocation, Object};
use tokio::runtime::{self, Runtime};

use super::blobs::{Blobs, Folder, relative};

/// The file of the data folder that says where the files are, in one line; without it, they are in the folder itself.
pub const LOCATION: &str = "files-location";

/// A place for files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Location {
    /// `files` in the data folder.
    #[default]
    Folder,
    /// A bucket of an S3-compatible store, described by the `AWS_*` variables of the environment.
    Bucket(bucket::Location),
}

impl FromStr for Location {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        match text.trim() {
            "folder" => Ok(Self::Folder),
            text => text.parse().map(Self::Bucket),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("folder"),
            Self::Bucket(location) => location.fmt(f),
        }
    }
}

impl Location {
    /// Where the installation in `data` has its files.
    ///
    /// # Errors
    /// When that cannot be read, or is no location.
    pub fn of(data: &Path) -> io::Result<Self> {
        match fs::read_to_string(data.join(LOCATION)) {
            Ok(text) => text.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Folder),
            Err(error) => Err(error),
        }
    }

    /// Notes that the installation in `data` has its files here.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn note(&self, data: &Path) -> io::Result<()> {
        let temporary = data.join(format!("{LOCATION}.part"));
        let mut file = File::create(&temporary)?;
        writeln!(file, "{self}")?;
        file.sync_all()?;
        fs::rename(temporary, data.join(LOCATION))?;
        File::open(data)?.sync_all()
    }

    /// The store there, of the installation in `data`. Nothing is read or sent yet.
    ///
    /// # Errors
    /// When the environment does not describe a store.
    pub fn open(&self, data: &Path) -> io::Result<Arc<dyn Blobs>> {
        Ok(match self {
            Self::Folder => Arc::new(Folder::new(data.join("files"))),
            Self::Bucket(location) => Arc::new(Bucket::from_environment(location.clone())?),
        })
    }
}

/// The complete files of an installation, for programs that may block.
#[derive(Debug)]
pub struct StoredFiles(Source);

#[derive(Debug)]
enum Source {
    Folder(PathBuf),
    Bucket(Bucket, OwnRuntime),
}

/// A runtime that may be dropped on a thread of another one.
#[derive(Debug)]
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> io::Result<Self> {
        Ok(Self(Some(runtime::Builder::new_current_thread().enable_all().build()?)))
    }

    /// Waits for the future on a thread of its own: this one may be a thread of another runtime, which must not be blocked
    /// by a second one.
    fn wait<T: Send>(&self, future: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
        let runtime = self.0.as_ref().ok_or(io::ErrorKind::Other)?;
        let waited = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join());
        waited.unwrap_or_else(|_| Err(io::Error::other("reading from the bucket has failed unexpectedly")))
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl StoredFiles {
    /// The files of the installation in `data`.
    ///
    /// # Errors
    /// As [`Location::of`] and [`Location::open`].
    pub fn of(data: &Path) -> io::Result<Self> {
        Ok(Self(match Location::of(data)? {
            Location::Folder => Source::Folder(data.join("files")),
            Location::Bucket(location) => Source::Bucket(Bucket::from_environment(location)?, OwnRuntime::new()?),
        }))
    }

    /// Stores the file at `path` as `name`, where that is not the data folder: says whether it was.
    ///
    /// # Errors
    /// When the file cannot be read, or the store does not take it.
    pub fn send(&self, name: &str, path: &Path) -> io::Result<bool> {
        let Source::Bucket(bucket, runtime) = &self.0 else { return Ok(false) };
        let relative = relative(name).ok_or(io::ErrorKind::InvalidInput)?;
        runtime.wait(bucket.put(&relative, path)).map(|()| true)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound` without a file of this name.
    pub fn open(&self, name: &str) -> io::Result<StoredBytes<'_>> {
        let relative = relative(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(match &self.0 {
            Source::Folder(folder) => {
                let file = File::open(folder.join(relative))?;
                StoredBytes { bytes: file.metadata()?.len(), source: Opened::File(file) }
            }
            Source::Bucket(bucket, runtime) => {
                let object = runtime.wait(bucket.open(&relative))?;
                StoredBytes { bytes: object.bytes(), source: Opened::Object { object, position: 0, runtime } }
            }
        })
    }
}

/// An open file.
#[derive(Debug)]
pub struct StoredBytes<'s> {
    /// Its size, in bytes.
    pub bytes: u64,
    source: Opened<'s>,
}

#[derive(Debug)]
enum Opened<'s> {
    File(File),
    Object { object: Object, position: u64, runtime: &'s OwnRuntime },
}

impl Read for StoredBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Opened::File(file) => file.read(buffer),
            Opened::Object { object, position, runtime } => {
                let chunk = runtime.wait(object.read_up_to(*position..self.bytes, buffer.len()))?;
                buffer[..chunk.len()].copy_from_slice(&chunk);
                *position += chunk.len() as u64;
                Ok(chunk.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_folder_until_something_else_is_noted() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Location::of(data.path()).unwrap(), Location::Folder);
        for text in ["s3://team-files/campfire", "folder", "s3://team-files"] {
            let location: Location = text.parse().unwrap();
            location.note(data.path()).unwrap();
            assert_eq!(Location::of(data.path()).unwrap(), location);
            assert_eq!(location.to_string(), text);
        }
        fs::write(data.path().join(LOCATION), "ftp://x").unwrap();
        assert_eq!(Location::of(data.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn files_of_a_folder_are_read_by_name() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("files/ab/cd")).unwrap();
        fs::write(data.path().join("files/ab/cd/abcd0123"), b"hello").unwrap();
        let files = StoredFiles::of(data.path()).unwrap();
        let mut opened = files.open("abcd0123").unwrap();
        let mut content = String::new();
        assert_eq!((opened.bytes, opened.read_to_string(&mut content).unwrap()), (5, 5));
        assert_eq!(content, "hello");
        for name in ["abcd9999", "../../etc/passwd", ""] {
            assert_eq!(files.open(name).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
