//! Reading an archive, as if a stranger had written it.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{CHUNK_BYTES, Name, SUMS, hex};

/// The first bytes of a file that is compressed with Zstandard (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The longest line of [`SUMS`]: a sum, two spaces and a name.
const MAX_LINE_BYTES: usize = 64 + 2 + 100;

/// Why an archive is not believed.
#[derive(Debug, Error)]
pub enum Damage {
    /// It ends before its sums.
    #[error("it is cut off")]
    Truncated,
    /// A member has other bytes than when it was written.
    #[error("{0} does not have the bytes that were saved")]
    Sum(String),
    /// It is not an archive of ours, or its structure is damaged.
    #[error("it is damaged, or no archive of Campfire: {0}")]
    Format(String),
    /// The archive cannot be read, or what receives its members failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// An archive that is open for reading.
pub struct Reader {
    tar: tar::Archive<Box<dyn Read>>,
}

impl Reader {
    /// Opens an archive.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut magic = [0; 4];
        let is_compressed = match file.read_exact(&mut magic) {
            Ok(()) => magic == ZSTD_MAGIC,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        };
        io::Seek::rewind(&mut file)?;
        let input: Box<dyn Read> = if is_compressed {
            Box::new(zstd::Decoder::new(file)?)
        } else {
            Box::new(BufReader::with_capacity(CHUNK_BYTES, file))
        };
        Ok(Self { tar: tar::Archive::new(input) })
    }

    /// Hands each member to `receive`: its name, its size in bytes, and its bytes, of which it may leave some unread. The
    /// sums of all are compared at the end: until this has returned, nothing that was received may be believed.
    ///
    /// Returns the number of members.
    ///
    /// # Errors
    /// As [`Damage`], including what `receive` returns.
    pub fn read(
        mut self,
        mut receive: impl FnMut(&Name, u64, &mut dyn Read) -> Result<(), Damage>,
    ) -> Result<u64, Damage> {
        // Of each line of the sums as it must be, 16 bytes of its own sum.
        let mut expected: Vec<[u8; 16]> = Vec::new();
        // Raw, since extensions of the format would be read into memory whatever their size.
        let entries = self.tar.entries().map_err(structure)?.raw(true);
        for entry in entries {
            let mut entry = entry.map_err(structure)?;
            if !matches!(entry.header().entry_type(), tar::EntryType::Regular) {
                return Err(Damage::Format("a member is not a plain file".into()));
            }
            let path = entry.path_bytes().into_owned();
            let name: Option<Name> = std::str::from_utf8(&path).ok().and_then(|name| name.parse().ok());
            let name =
                name.ok_or_else(|| Damage::Format(format!("a member is called {:?}", String::from_utf8_lossy(&path))))?;
            let bytes = entry.header().entry_size().map_err(structure)?;
            if name.as_str() == SUMS {
                compare(&expected, bytes, entry)?;
                return Ok(expected.len() as u64);
            }
            let mut summed = Summed { source: &mut entry, sum: Sha256::new(), left: bytes, failure: None };
            receive(&name, bytes, &mut summed).map_err(|damage| summed.failure.take().unwrap_or(damage))?;
            if let Err(error) = io::copy(&mut summed, &mut io::sink()) {
                return Err(summed.failure.take().unwrap_or(Damage::Io(error)));
            }
            expected.push(line_sum(&format!("{}  {name}", hex(&summed.sum.finalize()))));
        }
        Err(Damage::Truncated)
    }
}

fn line_sum(line: &str) -> [u8; 16] {
    let sum = Sha256::digest(line);
    let mut short = [0; 16];
    short.copy_from_slice(&sum[..16]);
    short
}

/// Compares the lines of the sums with those that the members have.
fn compare(expected: &[[u8; 16]], bytes: u64, source: impl Read) -> Result<(), Damage> {
    let wrong = || Damage::Format(format!("{SUMS} does not list what the archive has"));
    let mut source = BufReader::new(source);
    let mut read_bytes = 0;
    for sum in expected {
        let line = read_line(&mut source)?.ok_or_else(wrong)?;
        read_bytes += line.len() as u64 + 1;
        if line_sum(&line) != *sum {
            let name = line.get(66..).and_then(|name| name.parse::<Name>().ok());
            return Err(name.map_or_else(wrong, |name| Damage::Sum(name.to_string())));
        }
    }
    if read_bytes != bytes {
        return Err(wrong());
    }
    Ok(())
}

/// Reads a line without its end; `None` at the end of the file, and for one that is too long or has no end.
fn read_line(source: &mut impl Read) -> Result<Option<String>, Damage> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() <= MAX_LINE_BYTES {
        match source.read(&mut byte) {
            Ok(0) => return if line.is_empty() { Err(Damage::Truncated) } else { Ok(None) },
            Ok(_) if byte == *b"\n" => return Ok(String::from_utf8(line).ok()),
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(structure(error)),
        }
    }
    Ok(None)
}

/// A failure while the structure of the archive is read: what is compressed says so for damaged bytes, too.
fn structure(error: io::Error) -> Damage {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::Truncated,
        // The one of the operating system about the disk, not about the bytes.
        _ if error.raw_os_error().is_some() => Damage::Io(error),
        _ => Damage::Format(error.to_string()),
    }
}

/// Reads a member and works out its sum. Failures of the archive are kept apart from those of whoever receives it.
struct Summed<'r> {
    source: &'r mut dyn Read,
    sum: Sha256,
    /// How many bytes are to come.
    left: u64,
    failure: Option<Damage>,
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.source.read(buffer) {
            Ok(0) if self.left > 0 && !buffer.is_empty() => {
                self.failure = Some(Damage::Truncated);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(count) => {
                self.sum.update(&buffer[..count]);
                self.left = self.left.saturating_sub(count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(structure(error));
                Err(io::Error::other("the archive cannot be read"))
            }
        }
    }
}
