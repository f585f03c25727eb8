//! The files of an export: a folder, or a ZIP archive, which is read where it is. Nothing is unpacked, and no name in an
//! archive becomes a path.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use zip::ZipArchive;

use super::{SourceError, Tally};

/// How many files an export may have.
const MAX_FILES: usize = 4_000_000;

/// How many bytes an archive, and each file of it, may unpack to for each of its own, beside [`FREE_BYTES`]: JSON shrinks to
/// a tenth.
const MAX_RATIO: u64 = 200;

/// What the smallest archive, and the smallest file of one, may unpack to, in bytes.
const FREE_BYTES: u64 = 1024 * 1024;

/// The lists of an export, which tell where it begins in a folder or archive.
const LISTS: [&str; 5] = ["users.json", "channels.json", "groups.json", "dms.json", "mpims.json"];

/// An open export.
pub(super) struct Export {
    container: Container,
    /// The files of each folder by name; those of the export itself are in the folder of an empty name.
    folders: BTreeMap<String, BTreeMap<String, Place>>,
    /// Compressed bytes that may still be read: entries that overlap would be read more than once.
    left_bytes: u64,
    /// Bytes that the files of the archive may still unpack to, all together.
    left_unpacked: u64,
}

enum Container {
    Folder,
    Zip(Box<ZipArchive<BufReader<File>>>),
}

/// Where a file is.
#[derive(Clone, Debug)]
enum Place {
    Path(PathBuf),
    Entry(usize),
}

impl Export {
    /// Opens a folder or an archive.
    pub fn open(path: &Path, tally: &mut Tally) -> Result<Self, SourceError> {
        let failed = |error| SourceError::Io(path.to_owned(), error);
        let metadata = fs::metadata(path).map_err(failed)?;
        let mut export = if metadata.is_dir() {
            let folders = list_folder(path, tally).map_err(failed)?;
            Self { container: Container::Folder, folders, left_bytes: u64::MAX, left_unpacked: u64::MAX }
        } else {
            let file = BufReader::new(File::open(path).map_err(failed)?);
            let mut archive = ZipArchive::new(file).map_err(|error| SourceError::Archive(error.to_string()))?;
            let folders = list_archive(&mut archive, tally)?;
            let left_unpacked = FREE_BYTES + MAX_RATIO.saturating_mul(metadata.len());
            let container = Container::Zip(Box::new(archive));
            Self { container, folders, left_bytes: metadata.len(), left_unpacked }
        };
        export.descend();
        let root = export.folders.get("");
        if !root.is_some_and(|files| LISTS.iter().any(|list| files.contains_key(*list))) {
            return Err(SourceError::NoExport);
        }
        Ok(export)
    }

    /// Looks for the lists in the one folder that has them, if they are not at the top.
    fn descend(&mut self) {
        let has_lists =
            |files: &BTreeMap<String, Place>| files.contains_key("channels.json") || files.contains_key("users.json");
        if self.folders.get("").is_some_and(has_lists) {
            return;
        }
        let mut roots = self.folders.iter().filter(|(_, files)| has_lists(files)).map(|(name, _)| name.clone());
        let (Some(root), None) = (roots.next(), roots.next()) else { return };
        let prefix = format!("{root}/");
        let folders = std::mem::take(&mut self.folders);
        self.folders = folders
            .into_iter()
            .filter_map(|(name, files)| {
                let name = if name == root { "" } else { name.strip_prefix(&prefix)? };
                Some((name.to_owned(), files))
            })
            .collect();
    }

    /// The names of the folders.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The names of the files in a folder, in their order.
    pub fn files(&self, folder: &str) -> Vec<String> {
        self.folders.get(folder).map(|files| files.keys().cloned().collect()).unwrap_or_default()
    }

    /// Distinguishes this export from others, and from later ones: the names and sizes of its files.
    pub fn fingerprint(&mut self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (folder, files) in &self.folders {
            for (name, place) in files {
                let bytes = match (place, &mut self.container) {
                    (Place::Path(path), _) => fs::symlink_metadata(path).map_or(0, |metadata| metadata.len()),
                    (Place::Entry(index), Container::Zip(archive)) => {
                        archive.by_index_raw(*index).map_or(0, |entry| entry.size() ^ (u64::from(entry.crc32()) << 32))
                    }
                    (Place::Entry(_), Container::Folder) => 0,
                };
                digest.update(format!("{folder}\0{name}\0{bytes}\n"));
            }
        }
        digest.finalize().into()
    }

    /// Reads a file by `read`; `None` if there is none. An archive's file that unpacks to far more than it should ends
    /// early, with an error.
    pub fn read<T>(
        &mut self,
        folder: &str,
        name: &str,
        read: impl FnOnce(&mut dyn BufRead) -> T,
    ) -> io::Result<Option<T>> {
        let Some(place) = self.folders.get(folder).and_then(|files| files.get(name)).cloned() else { return Ok(None) };
        match (place, &mut self.container) {
            (Place::Path(path), _) => {
                let file = File::open(path)?;
                Ok(Some(read(&mut BufReader::with_capacity(64 * 1024, file))))
            }
            (Place::Entry(index), Container::Zip(archive)) => {
                let entry = archive.by_index(index).map_err(io::Error::other)?;
                let compressed = entry.compressed_size();
                self.left_bytes = self.left_bytes.checked_sub(compressed).ok_or_else(|| io::Error::other(OVERLAP))?;
                let bound = self.left_unpacked.min(FREE_BYTES.saturating_add(MAX_RATIO.saturating_mul(compressed)));
                let mut input = BufReader::with_capacity(64 * 1024, Bounded { input: entry, left: bound });
                let done = read(&mut input);
                self.left_unpacked -= bound - input.get_ref().left;
                Ok(Some(done))
            }
            (Place::Entry(_), Container::Folder) => Ok(None),
        }
    }
}

/// Why a file of an archive is not read.
const OVERLAP: &str = "the files of the archive overlap";

/// A file of an archive, which ends with an error after so many bytes.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.unwrap_or_default();
        left.map(|_| read).ok_or_else(|| io::Error::other("it unpacks to far more than messages do"))
    }
}

/// The name of a channel as it is compared: some systems store the letters of names in parts.
pub(super) fn folded(name: &str) -> String {
    name.nfc().collect()
}

type Folders = BTreeMap<String, BTreeMap<String, Place>>;

/// The files of a folder, and of the folders in it, two levels deep.
fn list_folder(path: &Path, tally: &mut Tally) -> io::Result<Folders> {
    let mut folders = Folders::new();
    let mut count = 0;
    let mut left = vec![(path.to_owned(), String::new(), 0)];
    while let Some((path, folder, depth)) = left.pop() {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            Err(_) => {
                tally.drop("folders that cannot be read", 1);
                continue;
            }
        };
        for entry in entries {
            let Ok(entry) = entry else {
                tally.drop("folders that cannot be read", 1);
                break;
            };
            let name = entry.file_name();
            let Some(name) = name.to_str().map(folded) else {
                tally.drop("files and folders whose name is not UTF-8", 1);
                tally.note(|| format!("{} was left out: its name is not UTF-8", entry.path().to_string_lossy()));
                continue;
            };
            let Ok(kind) = entry.file_type() else { continue };
            let inside = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if kind.is_symlink() {
                tally.drop("links, which are not followed", 1);
            } else if kind.is_dir() && depth < 2 {
                // A channel that nobody has written in has an empty folder.
                folders.entry(inside.clone()).or_default();
                left.push((entry.path(), inside, depth + 1));
            } else if kind.is_file() && name.ends_with(".json") {
                count += 1;
                if count > MAX_FILES {
                    tally.drop("files beyond the first 4,000,000", 1);
                    continue;
                }
                folders.entry(folder.clone()).or_default().insert(name, Place::Path(entry.path()));
            }
        }
    }
    Ok(folders)
}

/// The files of an archive.
fn list_archive(archive: &mut ZipArchive<BufReader<File>>, tally: &mut Tally) -> Result<Folders, SourceError> {
    let mut folders = Folders::new();
    for index in 0..archive.len().min(MAX_FILES) {
        let Ok(entry) = archive.by_index_raw(index) else {
            tally.drop("files of the archive that cannot be read", 1);
            continue;
        };
        let name = match std::str::from_utf8(entry.name_raw()) {
            Ok(name) => folded(name),
            Err(_) => {
                tally.drop("files and folders whose name is not UTF-8", 1);
                tally.note(|| format!("{} was left out: its name is not UTF-8", entry.name()));
                continue;
            }
        };
        let parts: Vec<&str> = name.trim_end_matches('/').split('/').collect();
        let leads_out = name.starts_with('/')
            || name.contains(['\\', '\0'])
            || parts.iter().any(|part| matches!(*part, "" | "." | ".."));
        if leads_out {
            tally.drop("files of the archive whose name leads to another place", 1);
            continue;
        }
        if parts[0] == "__MACOSX" || parts.len() > 3 {
            continue;
        }
        if entry.is_dir() {
            folders.entry(parts.join("/")).or_default();
        } else if entry.encrypted() {
            return Err(SourceError::Archive("it is encrypted: unpack it, and name the folder".into()));
        } else if name.ends_with(".json") {
            let (folder, file) = (parts[..parts.len() - 1].join("/"), parts[parts.len() - 1].to_owned());
            let there = folders.entry(folder).or_default().insert(file, Place::Entry(index));
            if there.is_some() {
                tally.drop("files of the archive that are there twice: the last one counts", 1);
            }
        }
    }
    if archive.len() > MAX_FILES {
        tally.drop("files beyond the first 4,000,000", (archive.len() - MAX_FILES) as u64);
    }
    Ok(folders)
}
