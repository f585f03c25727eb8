//! `campfire restore`: makes a data folder from an archive.

use std::error::Error;
use std::path::PathBuf;

use campfire::backup;
use campfire::files::Location;
use clap::Args;

use super::data_folder::{DataFolder, GivenToOwner};
use super::output::{Printer, count, print};
use super::{Data, process};
use crate::logging;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire restore /backups/tonight.tar.zst --data /var/lib/campfire
  campfire restore /backups/tonight.tar.zst --data /tmp/rehearsal && campfire serve --data /tmp/rehearsal";

/// The options of `campfire restore`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The archive.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
    /// Where the files are to be: `s3://BUCKET` or `s3://BUCKET/PREFIX`, see `campfire serve --help`, or `folder`.
    #[arg(long, env = "CAMPFIRE_FILES", default_value_t, value_name = "LOCATION")]
    pub files: Location,
}

/// Restores.
///
/// # Errors
/// If that is not possible, with the reason; the folder is empty then.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    let Options { file, data: Data { folder }, files: location } = options;
    // Before the folder is locked, which would change one that is not ours.
    backup::is_free(folder)?;
    if !file.is_file() {
        return Err(format!("there is no archive {}", file.display()).into());
    }
    let _in_use = DataFolder::open(folder)?;
    let _given = GivenToOwner(folder);
    let mut printer = Printer::default();
    let restored = backup::restore(file, folder, location, &mut |progress| printer.backup(progress))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    for problem in &restored.problems {
        logging::write_line(&format!("campfire: {problem}"));
    }
    let problem_count = restored.problems.len() as u64 + restored.more_count;
    if problem_count > 0 {
        logging::write_line(&format!(
            "campfire: {} of the installation when it was saved; everything else is restored",
            count(problem_count, "problem")
        ));
    }
    let (messages, files) = (count(restored.message_count, "message"), count(restored.file_count, "file"));
    print(&format!("{}: {messages}, {files}. Serve it with: campfire serve --data {0}", folder.display()));
    Ok(())
}
