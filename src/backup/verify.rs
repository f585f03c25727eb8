//! Checking an archive, or an installation.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use archive::{Damage, Reader};
use sha2::{Digest, Sha256};

use super::{BackupError, DATABASE, HEADER, Header, MAX_HEADER_BYTES, Progress, database_of, failed};
use crate::files::{self, PREVIEW_SUFFIX, StoredFiles};
use crate::store::sqlite::copy::{self, Checked, StoredFile};

/// How many problems are listed; more are counted.
const MAX_PROBLEMS: usize = 100;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of messages.
    pub message_count: u64,
    /// The number of stored files that were checked, without previews.
    pub file_count: u64,
    /// The problems, in words; empty if there are none.
    pub problems: Vec<String>,
    /// How many more problems there are.
    pub more_count: u64,
    /// Whether the structure or the references of the database are damaged, so that it is not restored.
    pub is_damaged: bool,
}

impl Report {
    fn add(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_count += 1;
        }
    }

    fn check_database(&mut self, checked: &Checked) -> Result<(), BackupError> {
        let schema = checked.schema().ok_or_else(|| BackupError::Damaged("it has no database of Campfire".into()))?;
        if schema > copy::newest_schema() {
            return Err(BackupError::Newer(format!("schema {schema}")));
        }
        for damage in checked.damage()? {
            self.is_damaged = true;
            self.add(damage);
        }
        checked.search_gaps()?.into_iter().for_each(|gap| self.add(gap));
        self.message_count = checked.message_count()?;
        Ok(())
    }
}

/// Checks the installation in `folder`, which may be in use.
///
/// # Errors
/// When it cannot be read. What is wrong with what can be read is in the report.
pub fn verify_folder(folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, BackupError> {
    let database = database_of(folder)?;
    let _held = files::hold(folder).map_err(failed(folder))?;
    let mut report = Report::default();
    progress(Progress::Checking);
    let checked = Checked::open(&database)?;
    report.check_database(&checked)?;
    // Files may be read for hours.
    checked.end_transaction()?;
    let stored = StoredFiles::of(folder).map_err(failed(folder))?;
    let mut bytes = 0;
    checked.files(|file: StoredFile| -> Result<(), BackupError> {
        match sum(&stored, &file.key) {
            Ok(sum) if sum[..] != file.sha256 => {
                report.add(format!("file {}: it does not have the bytes that were stored", file.key));
            }
            Ok(_) => report.file_count += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if file.is_used {
                    report.add(format!("file {}: it is missing", file.key));
                }
            }
            Err(error) => report.add(format!("file {}: {error}", file.key)),
        }
        let preview = format!("{}{PREVIEW_SUFFIX}", file.key);
        if file.has_preview && file.is_used && stored.open(&preview).is_err() {
            report.add(format!("file {preview}: it is missing"));
        }
        bytes += file.bytes;
        progress(Progress::Files(report.file_count, bytes));
        Ok(())
    })?;
    Ok(report)
}

fn sum(stored: &StoredFiles, name: &str) -> io::Result<[u8; 32]> {
    let mut file = stored.open(name)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum.finalize().into()),
            count => sum.update(&buffer[..count]),
        }
    }
}

/// Checks an archive. Its database is unpacked for that, in `scratch`.
///
/// # Errors
/// When it cannot be read, is damaged, or was made by a newer version. What is wrong with the installation that was saved
/// is in the report.
pub fn verify_archive(path: &Path, scratch: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Report, BackupError> {
    let database = scratch.join(DATABASE);
    let mut extracted = Extracted::default();
    let mut bytes = 0;
    let count = Reader::open(path).map_err(failed(path))?.read(|name, member_bytes, source| {
        match extracted.member(name.as_str(), source)? {
            Member::Header => {}
            Member::Database => write(&database, source).map(drop)?,
            Member::File => {
                let mut sum = Sha256::new();
                copy_to(source, |piece| {
                    sum.update(piece);
                    Ok(())
                })?;
                extracted.note(name.as_str(), sum.finalize().into());
            }
        }
        bytes += member_bytes;
        progress(Progress::Files(extracted.sums.len() as u64, bytes));
        Ok(())
    });
    let result = extracted.finish(count).and_then(|()| {
        progress(Progress::Checking);
        extracted.check(&database)
    });
    let _ = fs::remove_file(&database);
    result
}

/// The kinds of members of an archive.
pub(super) enum Member {
    Header,
    Database,
    File,
}

/// An archive that is being read.
#[derive(Default)]
pub(super) struct Extracted {
    header: Option<Header>,
    has_database: bool,
    /// Sums of the files, by 16 bytes of the sum of their names.
    pub(super) sums: HashMap<[u8; 16], [u8; 32]>,
    failure: Option<BackupError>,
}

impl Extracted {
    /// Which member this is. The header is read, and must be one that this version knows: nothing else of an archive of a
    /// newer version is looked at.
    pub(super) fn member(&mut self, name: &str, source: &mut dyn Read) -> Result<Member, Damage> {
        if self.header.is_none() {
            let mut text = Vec::new();
            source.take(MAX_HEADER_BYTES).read_to_end(&mut text)?;
            let header: Option<Header> = serde_json::from_slice(&text).ok().filter(|_| name == HEADER);
            let header = header.ok_or_else(|| Damage::Format("it does not begin with what it is".into()))?;
            if let Err(newer) = header.require_known() {
                self.failure = Some(newer);
                return Err(Damage::Format("it is newer".into()));
            }
            self.header = Some(header);
            return Ok(Member::Header);
        }
        if !self.has_database {
            self.has_database = true;
            return if name == DATABASE {
                Ok(Member::Database)
            } else {
                Err(Damage::Format("it has no database".into()))
            };
        }
        let key = name.rsplit('/').next().unwrap_or_default();
        match files::relative(key) {
            Some(relative) if name.strip_prefix("files/") == Some(&relative) => Ok(Member::File),
            _ => Err(Damage::Format(format!("{name} does not belong there"))),
        }
    }

    pub(super) fn note(&mut self, name: &str, sum: [u8; 32]) {
        self.sums.insert(short(name), sum);
    }

    /// The result of reading all members.
    pub(super) fn finish(&mut self, read: Result<u64, Damage>) -> Result<(), BackupError> {
        match (self.failure.take(), read) {
            (Some(failure), _) => Err(failure),
            (None, Err(damage)) => Err(damage.into()),
            (None, Ok(_)) if self.has_database => Ok(()),
            (None, Ok(_)) => Err(BackupError::Damaged("it has no database".into())),
        }
    }

    /// Checks the database that was extracted, and that the archive has every file that it refers to.
    pub(super) fn check(&self, database: &Path) -> Result<Report, BackupError> {
        let mut report = Report::default();
        let checked = Checked::open(database)?;
        report.check_database(&checked)?;
        checked.files(|file: StoredFile| -> Result<(), BackupError> {
            let name = files::relative(&file.key).map(|relative| short(&format!("files/{relative}")));
            match name.and_then(|name| self.sums.get(&name)) {
                Some(sum) if sum[..] != file.sha256 => {
                    report.add(format!("file {}: it does not have the bytes that were stored", file.key));
                }
                Some(_) => report.file_count += 1,
                None if file.is_used => report.add(format!("file {}: it is missing", file.key)),
                None => {}
            }
            Ok(())
        })?;
        Ok(report)
    }
}

fn short(name: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(name)[..16]);
    short
}

/// Reads all of `source`, piece by piece.
fn copy_to(source: &mut dyn Read, mut receive: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => receive(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes all of `source` to a new file, and returns its sum.
pub(super) fn write(path: &Path, source: &mut dyn Read) -> io::Result<[u8; 32]> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let mut sum = Sha256::new();
    copy_to(source, |piece| {
        sum.update(piece);
        file.write_all(piece)
    })?;
    Ok(sum.finalize().into())
}
