//! SQLite's own count of commits: how what another program writes into the same file is noticed at once.
//!
//! In WAL mode the programs that have a database open share an index of its log, the file that ends in `-shm`. Its
//! header begins with a version, a word that is unused, and a counter that grows by one with every commit, each of four
//! bytes in the machine's order: <https://www.sqlite.org/walformat.html#the_wal_index_file_format>.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Where in the header the counter stands, in bytes.
const COUNTER_AT: u64 = 8;

/// Reads the count of commits of a database that stays open. Clones share the file.
#[derive(Clone, Debug)]
pub struct CommitCounter {
    /// Never closed: closing any descriptor of a file ends all locks that the process holds on it, SQLite's too.
    index: Arc<ManuallyDrop<File>>,
}

impl CommitCounter {
    /// Finds the index of the database at `path`, which somebody in this program holds open.
    ///
    /// # Errors
    /// When there is none to read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        Ok(Self { index: Arc::new(ManuallyDrop::new(File::open(index)?)) })
    }

    /// How many commits there have been, modulo 2³²; nothing when it cannot be read.
    #[must_use]
    pub fn read(&self) -> Option<u32> {
        let mut counter = [0; 4];
        self.index.read_exact_at(&mut counter, COUNTER_AT).ok()?;
        Some(u32::from_ne_bytes(counter))
    }
}
