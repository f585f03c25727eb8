//! `campfire verify`: checks an archive or the data folder.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use campfire::backup::{self, Report};
use clap::Args;
use tempfile::TempDir;

use super::output::{Printer, count, print};
use super::{Data, process};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire verify /backups/tonight.tar.zst
  campfire verify --data /var/lib/campfire";

/// The options of `campfire verify`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The archive; without it, the data folder is checked.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
    /// The folder in which the database of an archive is unpacked while it is checked; that of the archive by default.
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}

/// Checks, and prints what is wrong.
///
/// # Errors
/// If something is wrong, or cannot be checked.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    process::lower_priority();
    let mut printer = Printer::default();
    let mut progress = |progress| printer.backup(progress);
    let (report, what) = match &options.file {
        Some(file) => {
            let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).map(PathBuf::from);
            let scratch = options.scratch.clone().or(beside).unwrap_or_else(|| ".".into());
            let scratch = Scratch::inside(&scratch)
                .map_err(|error| format!("{} cannot be written: {error}; see --scratch", scratch.display()))?;
            let report = backup::verify_archive(file, scratch.folder.path(), &mut progress);
            (report.map_err(|error| format!("{}: {error}", file.display()))?, file.display())
        }
        None => (backup::verify_folder(&options.data.folder, &mut progress)?, options.data.folder.display()),
    };
    finish(&report, &what.to_string())
}

/// Prefix of the temporary folders in which databases are unpacked.
const SCRATCH: &str = ".campfire-verify-";

/// A folder in which a database is unpacked. It is deleted when this is dropped.
struct Scratch {
    folder: TempDir,
    /// The folder itself, locked for as long as this process lives.
    _lock: File,
}

impl Scratch {
    /// Makes a folder below `parent`, and deletes those that processes left there that were killed.
    fn inside(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(parent)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        sweep(parent);
        Ok(Self { folder, _lock: lock })
    }
}

/// Deletes the folders of processes that were killed. What cannot be deleted stays.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_scratch = entry.file_name().as_encoded_bytes().starts_with(SCRATCH.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        // A folder that is empty may be about to be locked; of one that was left, the database matters.
        let is_empty = || fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none());
        if is_scratch && !is_empty() && File::open(entry.path()).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn finish(report: &Report, what: &str) -> Result<(), Box<dyn Error>> {
    for problem in &report.problems {
        print(problem);
    }
    let problem_count = report.problems.len() as u64 + report.more_count;
    if problem_count > 0 {
        return Err(format!("{what}: {} found", count(problem_count, "problem")).into());
    }
    let (messages, files) = (count(report.message_count, "message"), count(report.file_count, "file"));
    print(&format!("{what}: {messages}, {files}, all as they were stored"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_left_is_deleted_and_what_is_in_use_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let used = Scratch::inside(parent.path()).unwrap();
        fs::write(used.folder.path().join("campfire.sqlite3"), "").unwrap();
        let left = parent.path().join(format!("{SCRATCH}left"));
        let other = parent.path().join(".another");
        for folder in [&left, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("campfire.sqlite3"), "").unwrap();
        }
        drop(Scratch::inside(parent.path()).unwrap());
        assert!(!left.exists() && other.exists() && used.folder.path().exists());
    }
}
