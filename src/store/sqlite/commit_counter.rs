//! SQLite's own commit counter, which detects the commits of other programs to the same file.
//!
//! In WAL mode all programs that have a database open share an index of its log, the file that ends in `-shm`. Its
//! header begins with a version, an unused word, and a counter that grows by one with every commit, each of four bytes
//! in native byte order: <https://www.sqlite.org/walformat.html#the_wal_index_file_format>.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Offset of the counter in the header, in bytes.
const COUNTER_OFFSET_BYTES: u64 = 8;

/// Reads the commit counter of a database that stays open. Clones share the file.
#[derive(Clone, Debug)]
pub struct CommitCounter {
    /// Never closed: closing any descriptor of a file releases all POSIX locks of the process on it, SQLite's included.
    index: Arc<ManuallyDrop<File>>,
}

impl CommitCounter {
    /// Opens the index of the database at `path`, which a connection of this process must have open.
    ///
    /// # Errors
    /// When the index does not exist or cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        Ok(Self { index: Arc::new(ManuallyDrop::new(File::open(index)?)) })
    }

    /// Number of commits so far, modulo 2³²; `None` if it cannot be read.
    #[must_use]
    pub fn read(&self) -> Option<u32> {
        let mut counter = [0; 4];
        self.index.read_exact_at(&mut counter, COUNTER_OFFSET_BYTES).ok()?;
        Some(u32::from_ne_bytes(counter))
    }
}
