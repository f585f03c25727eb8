//! `campfire verify`: checks an archive or the data folder.

use std::error::Error;
use std::path::PathBuf;

use campfire::backup::{self, Report};
use clap::Args;

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
            let scratch = tempfile::Builder::new()
                .prefix(".campfire-verify-")
                .tempdir_in(&scratch)
                .map_err(|error| format!("{} cannot be written: {error}; see --scratch", scratch.display()))?;
            let report = backup::verify_archive(file, scratch.path(), &mut progress);
            (report.map_err(|error| format!("{}: {error}", file.display()))?, file.display())
        }
        None => (backup::verify_folder(&options.data.folder, &mut progress)?, options.data.folder.display()),
    };
    finish(&report, &what.to_string())
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
