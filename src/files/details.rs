//! What is found out about a file, and taken out of it, once all of its bytes have arrived.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use pictures::{Stripped, content_type};
use sha2::{Digest, Sha256};

use crate::model::{FileName, is_previewed_type};

/// What is found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDetails {
    /// Its media type.
    pub content_type: String,
    /// Width and height of a picture of which a preview can be made, upright.
    pub size: Option<(u32, u32)>,
}

/// A copy of a picture without metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Where it is.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Reads the details of a file.
///
/// # Errors
/// When the file cannot be read.
pub fn read_details(path: &Path, name: &FileName) -> io::Result<FileDetails> {
    let mut head = Vec::new();
    File::open(path)?.take(content_type::HEAD_BYTES as u64).read_to_end(&mut head)?;
    let content_type = content_type::sniff(&head, name.as_str()).as_str().to_owned();
    let mut size = None;
    if is_previewed_type(&content_type) {
        // Refused: too many pixels, or no picture that can be decoded.
        size = pictures::probe(File::open(path)?).ok().map(|header| (header.width, header.height));
    }
    Ok(FileDetails { content_type, size })
}

/// Copies a picture to `target` without position and camera data; `None` if it has none, or is no picture that is known
/// well enough, and is to be kept as it is.
///
/// # Errors
/// When a file cannot be read or written.
pub fn without_metadata(path: &Path, details: &FileDetails, target: PathBuf) -> io::Result<Option<Cleaned>> {
    if !is_previewed_type(&details.content_type) {
        return Ok(None);
    }
    let mut copy = Hashed { file: File::create(&target)?, digest: Sha256::new(), bytes: 0 };
    match pictures::strip_metadata(File::open(path)?, &mut copy) {
        Ok(Stripped::Removed) => {
            copy.file.sync_all()?;
            Ok(Some(Cleaned { path: target, bytes: copy.bytes, sha256: copy.digest.finalize().into() }))
        }
        Ok(Stripped::Unchanged | Stripped::NotApplicable) => std::fs::remove_file(target).map(|()| None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => std::fs::remove_file(target).map(|()| None),
        Err(error) => Err(error),
    }
}

/// A file whose digest is computed while it is written.
struct Hashed {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digest.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
