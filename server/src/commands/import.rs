//! `campfire import`: takes the history of another chat along.

use std::error::Error;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use campfire::clock::Clock;
use campfire::imports::{self, Progress, Report};
use campfire::state::AppState;
use clap::{Args, Subcommand};
use import::rails::Source;
use pictures::Thumbnailer;

use super::data_folder::GivenToOwner;
use super::output::{Printer, print};
use super::{Data, PICTURE, process};
use crate::logging;

/// Shown below the options of `campfire import rails`.
pub const RAILS_EXAMPLES: &str = "\
Examples:
  campfire import rails /var/lib/once-campfire --dry-run
  campfire import rails /var/lib/once-campfire --data /var/lib/campfire";

/// The options of `campfire import`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub source: From,
}

/// Where a history comes from.
#[derive(Clone, Debug, Subcommand)]
pub enum From {
    /// ONCE Campfire on Rails: a folder with db/production.sqlite3 and files/.
    ///
    /// Everything keeps its number, so that links to rooms and messages go on working; it is imported into an empty data
    /// folder only. People sign in with the passwords that they have. The source is not changed. An import that was cut off
    /// goes on when it is run again, and one that is finished changes nothing.
    #[command(after_help = RAILS_EXAMPLES)]
    Rails(Rails),
}

/// The options of `campfire import rails`.
#[derive(Clone, Debug, Args)]
pub struct Rails {
    /// The folder, or a copy of it. Stop that Campfire first.
    #[arg(value_name = "DIR")]
    pub source: PathBuf,
    /// Only read everything, and print what would be kept, changed and left out.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Imports.
///
/// # Errors
/// If that is not possible, with the reason.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let From::Rails(options) = options.source;
    process::prepare();
    process::lower_priority();
    rails(&options).await
}

async fn rails(options: &Rails) -> Result<(), Box<dyn Error>> {
    let Rails { source: folder, dry_run, data: Data { folder: data } } = options;
    let mut printer = Printer::default();
    let mut progress =
        |Progress { messages, total }: Progress| printer.say(|| format!("{messages} of {total} messages"));
    if !folder.is_dir() {
        return Err(format!("there is no folder {}", folder.display()).into());
    }
    // After everything else, the copy of the source included.
    let _given = (!dry_run).then(|| GivenToOwner(data));
    let scratch = if *dry_run { Scratch::elsewhere() } else { Scratch::inside(data) };
    let scratch = scratch.map_err(|error| format!("{} cannot be written: {error}", data.display()))?;
    let source = Source::open(folder, &scratch.folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let title = format!("Campfire on Rails in {} (schema {})", folder.display(), source.generation());
    if *dry_run {
        let report = imports::rails_dry_run(&source, &mut progress)?;
        print(&format!("{title}\nNothing was imported. This would be:\n{report}"));
        return Ok(());
    }
    let state = open_or_make(data).await?;
    match Thumbnailer::this_program([PICTURE.into()]) {
        Ok(thumbnailer) => state.files.set_thumbnailer(thumbnailer),
        Err(error) => tracing::warn!(%error, "no pictures of people are taken over"),
    }
    let report = imports::rails(&state, data, &source, &mut progress).await?;
    finish(data, &title, &report)
}

/// A folder for a copy of the source's database. It is deleted when this is dropped.
struct Scratch {
    folder: PathBuf,
    /// Held by one import at a time.
    _lock: Option<File>,
}

impl Scratch {
    fn elsewhere() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("campfire-import-").tempdir()?.keep();
        Ok(Self { folder, _lock: None })
    }

    /// In the data folder, which has room for the whole history. What a process left there that was killed is deleted.
    fn inside(data: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        let lock = File::options().write(true).create(true).truncate(false).open(data.join("import.lock"))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another import is running"));
        }
        let folder = data.join("importing");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&folder)?,
        }
        Ok(Self { folder, _lock: Some(lock) })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Opens the installation in a data folder, or makes an empty one.
async fn open_or_make(data: &Path) -> Result<AppState, Box<dyn Error>> {
    let opened = AppState::open(data, Clock::System).await;
    opened.map_err(|error| format!("the data in {} cannot be used: {error}", data.display()).into())
}

/// Prints the report, and stores it.
fn finish(data: &Path, title: &str, report: &Report) -> Result<(), Box<dyn Error>> {
    let path = data.join("import-rails.txt");
    let text = format!("{title}\n{report}");
    print(&text);
    fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    logging::write_line(&format!("campfire: this report is in {}; start the server anew if it runs", path.display()));
    Ok(())
}
