//! Files that are still arriving, one file each. How much of one has arrived is the length of that file.
//!
//! Each piece is on disk before it is acknowledged. A file system that writes data before the length that covers it (ext4
//! in its default mode, XFS, Btrfs) never has a length beyond what was received, so that an upload goes on after a loss of
//! power, too.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::blobs::{blocking, entries, ignore_missing, modified_ms};
use crate::model::FileKey;

/// How long a piece may pause before its request ends. What has arrived stays.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(60);

/// How much is given to the operating system in one call, in bytes.
const WRITE_BYTES: usize = 256 * 1024;

/// Why a piece was not taken, or not all of it.
#[derive(Debug, Error)]
pub enum AppendError {
    /// It begins elsewhere than at the end of what has arrived, which is this offset.
    #[error("the upload is at another offset")]
    WrongOffset(u64),
    /// With it, the file would be longer than announced. Nothing of the piece was kept.
    #[error("more has arrived than was announced")]
    TooLong,
    /// The request broke off, or another one continues the upload. What has arrived stays.
    #[error("the request ended early")]
    Interrupted,
    /// The disk is full. What has arrived stays.
    #[error("the disk is full")]
    NoSpace,
    /// The file cannot be written.
    #[error("the file cannot be written: {0}")]
    Io(io::Error),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::NoSpace,
            _ => Self::Io(error),
        }
    }
}

/// The files that are arriving.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    /// Those that a request is working on.
    active: Mutex<HashMap<FileKey, Arc<Active>>>,
}

#[derive(Debug, Default)]
struct Active {
    /// Held by the request that writes.
    writer: AsyncMutex<Option<Running>>,
    /// The number of requests so far. A later one ends the earlier: a browser that begins anew has lost its connection.
    latest: watch::Sender<u64>,
}

/// The digest of what has arrived so far, so that a file that arrives within one process is not read again.
#[derive(Debug)]
struct Running {
    digest: Sha256,
    bytes: u64,
}

impl Incoming {
    /// The files in this folder, which is made with the first one.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, active: Mutex::default() }
    }

    /// Where the bytes of an upload are.
    #[must_use]
    pub fn path(&self, key: &FileKey) -> PathBuf {
        self.folder.join(key.as_str())
    }

    /// A path for bytes of a file that are needed for a moment; `purpose` is part of its name. What a crash leaves there is
    /// swept.
    ///
    /// # Errors
    /// When the folder cannot be made, or what an earlier crash left there cannot be deleted.
    pub async fn scratch(&self, key: &FileKey, purpose: &str) -> io::Result<PathBuf> {
        tokio::fs::create_dir_all(&self.folder).await?;
        let path = self.folder.join(format!("{key}.{purpose}"));
        ignore_missing(tokio::fs::remove_file(&path).await)?;
        Ok(path)
    }

    /// How many bytes of an upload have arrived.
    ///
    /// # Errors
    /// When the file system fails.
    pub async fn offset(&self, key: &FileKey) -> io::Result<u64> {
        match tokio::fs::metadata(self.path(key)).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Appends a piece that begins at `offset`, and returns the new offset once it is on disk. A request that is still
    /// writing the same file is ended first.
    ///
    /// # Errors
    /// As [`AppendError`].
    pub async fn append<E>(
        &self,
        key: &FileKey,
        announced: u64,
        offset: u64,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, AppendError> {
        let active = self.active(key);
        let mut latest = active.latest.subscribe();
        active.latest.send_modify(|number| *number += 1);
        let own = *latest.borrow_and_update();
        let superseded = async { drop(latest.wait_for(|number| *number > own).await) };
        let mut running = active.writer.lock().await;
        let at = self.offset(key).await?;
        if at != offset {
            return Err(AppendError::WrongOffset(at));
        }
        tokio::fs::create_dir_all(&self.folder).await?;
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(key)).await?;
        file.set_max_buf_size(WRITE_BYTES);
        // Only of use if every byte since the start has gone through this process.
        let mut digest = running.take().filter(|running| running.bytes == at).map(|running| running.digest);
        if at == 0 {
            digest = Some(Sha256::new());
        }
        let received = receive(&mut file, announced.saturating_sub(at), digest.as_mut(), pieces, superseded).await;
        if matches!(received, Err(AppendError::TooLong)) {
            file.set_len(at).await?;
        }
        // What has arrived is kept even if the request ended early.
        let synced = file.sync_data().await;
        let bytes = file.metadata().await?.len();
        if received.is_ok()
            && let Some(digest) = digest
        {
            *running = Some(Running { digest, bytes });
        }
        received?;
        synced?;
        Ok(bytes)
    }

    /// The SHA-256 of a complete file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn digest(&self, key: &FileKey) -> io::Result<[u8; 32]> {
        let active = self.active(key);
        let running = active.writer.lock().await.take();
        let path = self.path(key);
        let bytes = self.offset(key).await?;
        match running.filter(|running| running.bytes == bytes) {
            Some(running) => Ok(running.digest.finalize().into()),
            None => blocking(move || digest(&path)).await,
        }
    }

    /// Deletes what has arrived of an upload.
    ///
    /// # Errors
    /// When the file system fails.
    pub async fn delete(&self, key: &FileKey) -> io::Result<()> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        ignore_missing(tokio::fs::remove_file(self.path(key)).await)
    }

    /// The names of all files that have not changed since `before_ms`, in milliseconds since the epoch: keys of uploads, and
    /// those of scratch files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list_before(&self, before_ms: i64) -> io::Result<Vec<String>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut names = Vec::new();
            for entry in entries(&folder)? {
                let entry = entry?;
                if modified_ms(&entry.metadata()?) < before_ms
                    && let Ok(name) = entry.file_name().into_string()
                {
                    names.push(name);
                }
            }
            Ok(names)
        })
        .await
    }

    /// Deletes a file by its name, as [`list_before`](Self::list_before) returns it.
    ///
    /// # Errors
    /// When the file system fails.
    pub async fn delete_stray(&self, name: &str) -> io::Result<()> {
        ignore_missing(tokio::fs::remove_file(self.folder.join(name)).await)
    }

    /// Free space on the disk for other users than root, in bytes; `None` if the system does not tell.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let existing = self.folder.ancestors().find(|folder| folder.is_dir())?;
        let space = rustix::fs::statvfs(existing).ok()?;
        Some(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn active(&self, key: &FileKey) -> Arc<Active> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever comes and goes leaves nothing: without a request, only a running digest is worth keeping.
        if active.len() >= 1_024 {
            active.retain(|_, active| Arc::strong_count(active) > 1);
        }
        active.entry(key.clone()).or_default().clone()
    }
}

/// Writes what arrives, up to `max_bytes`.
async fn receive<E>(
    file: &mut File,
    max_bytes: u64,
    mut digest: Option<&mut Sha256>,
    pieces: impl Stream<Item = Result<Bytes, E>>,
    superseded: impl Future<Output = ()>,
) -> Result<(), AppendError> {
    let mut pieces = std::pin::pin!(pieces);
    let mut superseded = std::pin::pin!(superseded);
    let mut received = 0_u64;
    let mut outcome = Ok(());
    loop {
        let piece = tokio::select! {
            piece = tokio::time::timeout(PAUSE_TIMEOUT, pieces.next()) => piece,
            () = &mut superseded => {
                outcome = Err(AppendError::Interrupted);
                break;
            }
        };
        match piece {
            Ok(Some(Ok(piece))) => {
                received += piece.len() as u64;
                if received > max_bytes {
                    outcome = Err(AppendError::TooLong);
                    break;
                }
                if let Some(digest) = digest.as_deref_mut() {
                    digest.update(&piece);
                }
                file.write_all(&piece).await?;
            }
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                outcome = Err(AppendError::Interrupted);
                break;
            }
        }
    }
    file.flush().await?;
    outcome
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut chunk = vec![0; WRITE_BYTES];
    loop {
        match io::Read::read(&mut file, &mut chunk)? {
            0 => return Ok(digest.finalize().into()),
            count => digest.update(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn key() -> FileKey {
        FileKey::new([7; 16])
    }

    fn pieces(pieces: &[&'static str]) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + use<> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        stream::iter(pieces)
    }

    #[tokio::test]
    async fn a_file_arrives_in_pieces_each_at_the_offset_of_the_last() {
        let parent = tempfile::tempdir().unwrap();
        let incoming = Incoming::new(parent.path().join("incoming"));
        assert_eq!(incoming.offset(&key()).await.unwrap(), 0);
        assert_eq!(incoming.append(&key(), 11, 0, pieces(&["hel", "lo"])).await.unwrap(), 5);
        let wrong = incoming.append(&key(), 11, 4, pieces(&["x"])).await.unwrap_err();
        assert!(matches!(wrong, AppendError::WrongOffset(5)), "{wrong:?}");
        let long = incoming.append(&key(), 11, 5, pieces(&[" world", "!"])).await.unwrap_err();
        assert!(matches!(long, AppendError::TooLong), "{long:?}");
        assert_eq!(incoming.offset(&key()).await.unwrap(), 5, "nothing of it was kept");
        // The process is another one.
        let incoming = Incoming::new(parent.path().join("incoming"));
        assert_eq!(incoming.append(&key(), 11, 5, pieces(&[" world"])).await.unwrap(), 11);
        assert_eq!(incoming.digest(&key()).await.unwrap()[..], Sha256::digest("hello world")[..]);
        assert_eq!(fs::read_to_string(incoming.path(&key())).unwrap(), "hello world");
        assert_eq!(incoming.list_before(i64::MAX).await.unwrap(), [key().as_str()]);
        incoming.delete(&key()).await.unwrap();
        assert!(incoming.list_before(i64::MAX).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_digest_of_a_file_that_arrives_at_once_is_that_of_its_bytes() {
        let parent = tempfile::tempdir().unwrap();
        let incoming = Incoming::new(parent.path().to_owned());
        incoming.append(&key(), 6, 0, pieces(&["abc"])).await.unwrap();
        incoming.append(&key(), 6, 3, pieces(&["def"])).await.unwrap();
        assert_eq!(incoming.digest(&key()).await.unwrap()[..], Sha256::digest("abcdef")[..]);
        assert_eq!(incoming.digest(&key()).await.unwrap()[..], Sha256::digest("abcdef")[..], "read from the file");
    }

    #[tokio::test]
    async fn what_arrived_before_a_request_broke_off_stays() {
        let parent = tempfile::tempdir().unwrap();
        let incoming = Incoming::new(parent.path().to_owned());
        let broken = pieces(&["abc"]).chain(stream::iter([Err(io::Error::other("gone"))]));
        let error = incoming.append(&key(), 6, 0, broken).await.unwrap_err();
        assert!(matches!(error, AppendError::Interrupted));
        assert_eq!(incoming.offset(&key()).await.unwrap(), 3);
        incoming.append(&key(), 6, 3, pieces(&["def"])).await.unwrap();
        assert_eq!(incoming.digest(&key()).await.unwrap()[..], Sha256::digest("abcdef")[..]);
    }

    #[tokio::test]
    async fn a_later_request_ends_the_earlier_one() {
        let parent = tempfile::tempdir().unwrap();
        let incoming = Arc::new(Incoming::new(parent.path().to_owned()));
        let (taken, is_taken) = tokio::sync::oneshot::channel();
        let silent = pieces(&["abc"]).chain(stream::once(async move {
            let _ = taken.send(());
            std::future::pending().await
        }));
        let first = tokio::spawn({
            let incoming = incoming.clone();
            async move { incoming.append(&key(), 6, 0, silent).await }
        });
        is_taken.await.unwrap();
        let key = key();
        let second = incoming.append(&key, 6, 3, pieces(&["def"]));
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().unwrap(), 6);
        assert!(matches!(first.await.unwrap(), Err(AppendError::Interrupted)));
        assert_eq!(incoming.digest(&key).await.unwrap()[..], Sha256::digest("abcdef")[..]);
    }
}
