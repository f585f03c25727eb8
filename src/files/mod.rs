//! The bytes of files: receiving them piece by piece, keeping them, and reading them again.
//!
//! What is known about a file is in the database. Here are only bytes by key: those that are still arriving, in
//! `files/incoming` of the data folder, and those that are complete, in a [`Blobs`] store. A file becomes a blob in three
//! steps, each of which may be the last one before a crash: it is complete on disk, it is in the store, it has a row.

mod blobs;
mod details;
mod hold;
mod incoming;
mod location;
mod moving;

pub use blobs::{BlobReader, Blobs, Folder, PREVIEW_SUFFIX, relative};
pub use details::{Cleaned, FileDetails, read_details, without_metadata};
pub use hold::{Hold, hold};
pub use incoming::{AppendError, Incoming};
pub use location::{LOCATION, Location, StoredBytes, StoredFiles};
pub use moving::{MoveError, Moved, Place, choose, move_to};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use pictures::Thumbnailer;

use crate::low_priority::Pool;

/// Default of the largest file, in bytes: 100 MiB.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// Free space on the disk below which no upload begins, in bytes: 512 MiB. The database needs some, too.
const MIN_FREE_BYTES: u64 = 512 * 1024 * 1024;

/// The files of an installation.
#[derive(Debug)]
pub struct Files {
    /// Files that are still arriving.
    pub incoming: Incoming,
    /// Complete files.
    pub blobs: Arc<dyn Blobs>,
    /// The threads that read and write whole files.
    pub threads: Pool,
    data: PathBuf,
    thumbnailer: OnceLock<Thumbnailer>,
    max_file_bytes: AtomicU64,
    min_free_bytes: AtomicU64,
    keeps_metadata: AtomicBool,
}

impl Files {
    /// The files of the installation in a data folder. Folders are made when the first file arrives.
    ///
    /// # Errors
    /// When it is not known where they are, or the environment does not describe the store.
    pub fn open(data: &Path) -> io::Result<Self> {
        Ok(Self {
            incoming: Incoming::new(data.join("files/incoming")),
            blobs: Location::of(data)?.open(data)?,
            threads: Pool::new("files", 2),
            data: data.to_owned(),
            thumbnailer: OnceLock::new(),
            max_file_bytes: AtomicU64::new(MAX_FILE_BYTES),
            min_free_bytes: AtomicU64::new(MIN_FREE_BYTES),
            keeps_metadata: false.into(),
        })
    }

    /// The permission to delete complete files, until it is dropped. `None` while a backup is made.
    ///
    /// # Errors
    /// When the file system fails.
    pub fn try_removing(&self) -> io::Result<Option<Hold>> {
        hold::try_exclusively(&self.data)
    }

    /// The largest file that is taken, in bytes.
    #[must_use]
    pub fn max_file_bytes(&self) -> u64 {
        self.max_file_bytes.load(Ordering::Relaxed)
    }

    /// Sets the largest file that is taken, in bytes.
    pub fn set_max_file_bytes(&self, bytes: u64) {
        self.max_file_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Sets the free space below which no upload begins, in bytes.
    pub fn set_min_free_bytes(&self, bytes: u64) {
        self.min_free_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether a file of this size may begin to arrive: enough of the disk stays free.
    #[must_use]
    pub fn has_room_for(&self, bytes: u64) -> bool {
        let needed = bytes.saturating_add(self.min_free_bytes.load(Ordering::Relaxed));
        self.incoming.free_bytes().is_none_or(|free| free >= needed)
    }

    /// Whether position and camera data stay in pictures.
    #[must_use]
    pub fn keeps_metadata(&self) -> bool {
        self.keeps_metadata.load(Ordering::Relaxed)
    }

    /// Sets whether position and camera data stay in pictures.
    pub fn set_keeps_metadata(&self, keeps: bool) {
        self.keeps_metadata.store(keeps, Ordering::Relaxed);
    }

    /// What makes previews; `None` until it is set, and then none are made.
    #[must_use]
    pub fn thumbnailer(&self) -> Option<&Thumbnailer> {
        self.thumbnailer.get()
    }

    /// Sets what makes previews. Only the first call has an effect.
    pub fn set_thumbnailer(&self, thumbnailer: Thumbnailer) {
        let _ = self.thumbnailer.set(thumbnailer);
    }
}
