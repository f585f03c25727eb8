//! Files of messages that are beside an export: where programs that fetch them put each under its id.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Tally;
use crate::record::FilePlace;

/// How deep folders are looked at.
const MAX_DEPTH: usize = 4;

/// How many entries of folders are looked at.
const MAX_ENTRIES: usize = 4_000_000;

/// The files in some folders, by their ids: `F0123ABCD-name.pdf`, as slackdump names them in its folders `attachments`, or
/// `F0123ABCD/name.pdf`, as it does in `__uploads`.
#[derive(Debug, Default)]
pub(super) struct FileIndex {
    places: HashMap<String, FilePlace>,
}

impl FileIndex {
    /// Looks for files in a folder.
    pub fn add(&mut self, root: &Path, tally: &mut Tally) {
        let mut left: Vec<(PathBuf, usize)> = vec![(root.to_owned(), 0)];
        let mut count = 0;
        while let Some((folder, depth)) = left.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                tally.drop("folders of files that cannot be read", 1);
                continue;
            };
            let of_folder = folder.file_name().and_then(|name| name.to_str()).and_then(id_of_folder);
            for entry in entries.flatten() {
                count += 1;
                if count > MAX_ENTRIES {
                    tally.drop("folders of files with more than 4,000,000 entries", 1);
                    return;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let name = entry.file_name().to_string_lossy().into_owned();
                if kind.is_dir() && depth < MAX_DEPTH {
                    left.push((entry.path(), depth + 1));
                } else if let Some(id) = kind.is_file().then(|| of_folder.or(id_of_file(&name))).flatten() {
                    let place = FilePlace::Path { path: entry.path(), root: root.to_owned() };
                    self.places.insert(id.to_owned(), place);
                }
            }
        }
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where the file with this id is.
    pub fn find(&self, id: &str) -> Option<FilePlace> {
        self.places.get(id).cloned()
    }
}

fn id_of_folder(name: &str) -> Option<&str> {
    Some(name).filter(|name| is_id(name))
}

fn id_of_file(name: &str) -> Option<&str> {
    let end = name.find(['-', '_', '.']).unwrap_or(name.len());
    Some(&name[..end]).filter(|id| is_id(id))
}

/// Whether this is an id of a file of Slack: `F`, then capital letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    let is_mark = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (6..=20).contains(&text.len()) && text.starts_with('F') && text.bytes().all(is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_ids_in_both_layouts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, name) in
            [("general/attachments", "F0AAAAAAA-a.pdf"), ("__uploads/F0BBBBBBB", "b.pdf"), ("x", "notes.txt")]
        {
            fs::create_dir_all(root.join(path)).unwrap();
            fs::write(root.join(path).join(name), name).unwrap();
        }
        let mut index = FileIndex::default();
        index.add(root, &mut Tally::default());
        let path = |id| match index.find(id) {
            Some(FilePlace::Path { path, .. }) => path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
            _ => String::new(),
        };
        assert_eq!(path("F0AAAAAAA"), "general/attachments/F0AAAAAAA-a.pdf");
        assert_eq!(path("F0BBBBBBB"), "__uploads/F0BBBBBBB/b.pdf");
        assert_eq!(path("F0CCCCCCC"), "");
        assert_eq!(index.places.len(), 2);
    }
}
