//! Writing an archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::temporary::{self, Temporary};
use crate::{CHUNK_BYTES, Name, SUMS, hex};

/// How much is written before it is flushed to disk, in bytes. Flushed in one piece at the end, gigabytes would make
/// other programs wait for their own flushes.
const SYNC_BYTES: u64 = 16 * 1024 * 1024;

/// Level of the compression: the fastest one. Most bytes of an installation are pictures, which do not get smaller.
const LEVEL: i32 = 1;

/// Writes an archive under a temporary name beside its final one, which [`Writer::finish`] gives it. Dropped before, it
/// leaves nothing.
pub struct Writer {
    output: Option<tar::Builder<Output>>,
    target: PathBuf,
    temporary: Temporary,
    /// The lines of [`SUMS`]. Its file has no name any more.
    sums: BufWriter<File>,
    sums_bytes: u64,
    modified_s: u64,
    buffer: Vec<u8>,
}

/// Totals of the written archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The size of the archive, in bytes.
    pub bytes: u64,
}

impl Writer {
    /// Begins the archive that is to be at `target`: compressed unless that name ends in `.tar`. `modified_s` is the time
    /// of all members, in seconds since the epoch.
    ///
    /// # Errors
    /// When `target` exists (an archive is never replaced), when another process is writing it, and when the folder
    /// cannot be written.
    pub fn create(target: &Path, modified_s: u64) -> io::Result<Self> {
        if target.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already"));
        }
        let (file, temporary) = temporary::create_locked(target)?;
        temporary::sweep(target);
        let sums_path = temporary::beside(target, "sums");
        remove(&sums_path)?;
        let sums = temporary::create(&sums_path)?;
        fs::remove_file(&sums_path)?;

        let file = SyncedFile { file, bytes: 0, synced_bytes: 0 };
        let is_plain = target.extension().is_some_and(|extension| extension == "tar");
        let output = if is_plain {
            Output::Plain(BufWriter::with_capacity(CHUNK_BYTES, file))
        } else {
            let mut encoder = zstd::Encoder::new(file, LEVEL)?;
            encoder.include_checksum(true)?;
            Output::Compressed(encoder)
        };
        Ok(Self {
            output: Some(tar::Builder::new(output)),
            target: target.to_owned(),
            temporary,
            sums: BufWriter::new(sums),
            sums_bytes: 0,
            modified_s,
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    /// Makes an empty file that is needed while the archive is written: beside it, where an operator has made room. One
    /// that a process left there that was killed is deleted. Whoever asks for it deletes it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self, purpose: &str) -> io::Result<PathBuf> {
        let path = temporary::beside(&self.target, purpose);
        remove(&path)?;
        temporary::create(&path)?;
        Ok(path)
    }

    /// Appends a member of exactly `bytes` bytes. `progress` is called with the number of bytes of each piece.
    ///
    /// # Errors
    /// `UnexpectedEof` when the source is shorter; else as reading and writing. The archive is unusable then.
    pub fn append(
        &mut self,
        name: &Name,
        bytes: u64,
        source: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<[u8; 32]> {
        let (header, output) = self.begin(name.as_str(), bytes)?;
        output.write_all(header.as_bytes())?;
        let mut sum = Sha256::new();
        let mut left = bytes;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            let count = match source.read(&mut self.buffer[..wanted]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let piece = &self.buffer[..count];
            sum.update(piece);
            self.output.as_mut().ok_or(io::ErrorKind::Other)?.get_mut().write_all(piece)?;
            left -= count as u64;
            progress(count as u64);
        }
        self.pad(bytes)?;
        let sum: [u8; 32] = sum.finalize().into();
        let line = format!("{}  {name}\n", hex(&sum));
        self.sums.write_all(line.as_bytes())?;
        self.sums_bytes += line.len() as u64;
        Ok(sum)
    }

    /// Appends the sums, writes everything to disk, and gives the archive its name.
    ///
    /// # Errors
    /// When that fails, with nothing under the final name. `AlreadyExists` when something has got that name meanwhile.
    pub fn finish(mut self) -> io::Result<Finished> {
        self.sums.flush()?;
        let mut sums = self.sums.get_ref().try_clone()?;
        sums.rewind()?;
        let bytes = self.sums_bytes;
        let (header, output) = self.begin(SUMS, bytes)?;
        output.write_all(header.as_bytes())?;
        let copied = io::copy(&mut sums.take(bytes), output)?;
        if copied != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.pad(bytes)?;
        let output = self.output.take().ok_or(io::ErrorKind::Other)?.into_inner()?;
        let file = match output {
            Output::Plain(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error)?,
            Output::Compressed(encoder) => encoder.finish()?,
        };
        file.file.sync_all()?;
        // Unlike a rename, this never replaces a file.
        fs::hard_link(&self.temporary.path, &self.target).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has hard links.
            _ => fs::rename(&self.temporary.path, &self.target).inspect(|()| self.temporary.is_kept = true),
        })?;
        sync_folder(&self.target)?;
        Ok(Finished { bytes: file.bytes })
    }

    fn begin(&mut self, name: &str, bytes: u64) -> io::Result<(tar::Header, &mut Output)> {
        let mut header = tar::Header::new_ustar();
        header.set_path(name)?;
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.modified_s);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        Ok((header, self.output.as_mut().ok_or(io::ErrorKind::Other)?.get_mut()))
    }

    /// Members take whole blocks of 512 bytes.
    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        let padding = usize::try_from(bytes.wrapping_neg() % 512).unwrap_or_default();
        self.output.as_mut().ok_or(io::ErrorKind::Other)?.get_mut().write_all(&[0; 512][..padding])
    }
}

/// Deletes a file that need not exist.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

enum Output {
    Plain(BufWriter<SyncedFile>),
    Compressed(zstd::Encoder<'static, SyncedFile>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Compressed(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Compressed(encoder) => encoder.flush(),
        }
    }
}

/// A file that is flushed to disk every [`SYNC_BYTES`].
struct SyncedFile {
    file: File,
    bytes: u64,
    synced_bytes: u64,
}

impl Write for SyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        if self.bytes - self.synced_bytes >= SYNC_BYTES {
            self.file.sync_data()?;
            self.synced_bytes = self.bytes;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
