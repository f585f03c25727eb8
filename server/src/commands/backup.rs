//! `campfire backup`: saves everything as one archive.

use std::error::Error;
use std::path::PathBuf;

use campfire::backup;
use campfire::clock::Clock;
use clap::Args;

use super::output::{Printer, count, print, size};
use super::{Data, process};
use crate::logging;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire backup /backups/campfire-$(date +%F).tar.zst
  campfire backup --data /var/lib/campfire /backups/tonight.tar.zst && campfire verify /backups/tonight.tar.zst";

/// The options of `campfire backup`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The archive to write: compressed with Zstandard, or not if its name ends in `.tar`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Makes the archive.
///
/// # Errors
/// If that is not possible, with the reason; there is no archive then.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    process::lower_priority();
    let mut printer = Printer::default();
    let target = &options.file;
    let saved = backup::save(&options.data.folder, target, Clock::System.now_ms(), &mut |progress| {
        printer.backup(progress);
    })?;
    let (messages, files) = (count(saved.message_count, "message"), count(saved.file_count, "file"));
    print(&format!("{}: {messages}, {files}, {}", target.display(), size(saved.bytes)));
    if saved.changed_count > 0 {
        let changed = count(saved.changed_count, "file");
        logging::write_line(&format!(
            "campfire: {changed} saved with other bytes than those that were stored, because the data folder has them so: \
             see `campfire verify`"
        ));
    }
    if saved.missing_count > 0 {
        let missing = count(saved.missing_count, "file");
        logging::write_line(&format!(
            "campfire: {missing} of messages cannot be saved, because they are missing in the data folder: see `campfire \
             verify`"
        ));
    }
    Ok(())
}
