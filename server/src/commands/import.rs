//! `campfire import`: takes the history of another chat along.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use campfire::clock::Clock;
use campfire::imports::{self, Downloads, Progress, Report};
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

/// Shown below the options of `campfire import slack`.
pub const SLACK_EXAMPLES: &str = "\
Examples:
  campfire import slack export.zip --dry-run
  campfire import slack export.zip --data /var/lib/campfire
  campfire import slack slackdump/ --private --trust ada@example.com --data /var/lib/campfire
  CAMPFIRE_SLACK_TOKEN=xoxp-… campfire import slack export.zip --data /var/lib/campfire";

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
    /// An export of Slack, as Slack makes it (ZIP) or slackdump (ZIP or folder).
    ///
    /// Public channels become open rooms of a Campfire that is set up, and that may be in use. People become users who wait:
    /// whoever joins with the e-mail address of one is that person, unless the person has private rooms. The export is not
    /// changed. An import that was cut off goes on when it is run again; another export of the same workspace adds what is
    /// new.
    #[command(after_help = SLACK_EXAMPLES)]
    Slack(Slack),
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

/// The options of `campfire import slack`.
#[derive(Clone, Debug, Args)]
pub struct Slack {
    /// The export.
    #[arg(value_name = "ZIP-OR-DIR")]
    pub source: PathBuf,
    /// Only read everything, and print what would be kept, changed and left out.
    #[arg(long)]
    pub dry_run: bool,
    /// Take private channels and direct messages, too.
    #[arg(long)]
    pub private: bool,
    /// Give the private rooms of the export to whoever signs in with this e-mail address. Once for each; they wait otherwise.
    #[arg(long, value_name = "EMAIL")]
    pub trust: Vec<String>,
    /// A folder with the files of messages, as slackdump makes it. Those in a folder that is imported are found without it.
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// Import the messages alone, though they have files. Another import does not add those.
    #[arg(long, conflicts_with_all = ["files", "token"])]
    pub without_files: bool,
    /// Fetch files from Slack with this token, which has the right files:read. It is sent to hosts of Slack only.
    #[arg(long, env = "CAMPFIRE_SLACK_TOKEN", hide_env_values = true)]
    pub token: Option<Token>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// A token of Slack.
#[derive(Clone)]
pub struct Token(String);

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_token = text.starts_with("xox") && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Self(text.to_owned())) } else { Err("a token of Slack begins with xox") }
    }
}

/// Without the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Imports.
///
/// # Errors
/// If that is not possible, with the reason.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    process::lower_priority();
    match options.source {
        From::Rails(options) => rails(&options).await,
        From::Slack(options) => slack(&options).await,
    }
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
    finish(data, "import-rails.txt", &title, &report)
}

async fn slack(options: &Slack) -> Result<(), Box<dyn Error>> {
    let Slack { source: path, dry_run, private, trust, files, without_files, token, data: Data { folder: data } } =
        options;
    let downloads = token.as_ref().map(|Token(token)| Downloads::from_slack(token));
    let title = format!("Slack in {}", path.display());
    if let Some(folder) = files.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no folder {}", folder.display()).into());
    }
    if !path.exists() {
        return Err(format!("there is neither a file nor a folder {}", path.display()).into());
    }
    // A folder is not made where a Campfire was meant.
    let is_there = data.join("campfire.sqlite3").is_file();
    let state = if *dry_run && !is_there { None } else { Some(super::open(data).await?) };
    let _given = state.is_some().then(|| GivenToOwner(data));
    let scratch = if *dry_run { Scratch::elsewhere() } else { Scratch::inside(data) };
    let scratch = scratch.map_err(|error| format!("{} cannot be written: {error}", data.display()))?;
    let mut printer = Printer::default();
    let read = import::slack::Options { has_private: *private, files: files.as_deref() };
    let mut reading = |count: u64| printer.say(|| format!("{count} messages read"));
    let source = import::slack::Source::read(path, read, &scratch.folder, &mut reading);
    let mut source = source.map_err(|error| format!("{}: {error}", path.display()))?;
    let lost = if downloads.is_some() || *without_files { 0 } else { source.without_files() };
    let lost = (lost > 0).then(|| {
        format!(
            "{lost} messages of this export have files, and the files are not in it. Name a folder that has them with \
             --files, or give a token of Slack with the right files:read (--help says how), or import the messages alone \
             with --without-files: another import does not add files"
        )
    });
    let mut progress =
        |Progress { messages, total }: Progress| printer.say(|| format!("{messages} of {total} messages"));
    let Some(state) = state.as_ref().filter(|_| !dry_run) else {
        let (state, downloads) = (state.as_ref(), downloads.as_ref());
        let report = imports::slack_dry_run(&mut source, state, trust, downloads, &mut progress).await?;
        let unknown = format!("There is no Campfire in {}: who is there already is not known.\n", data.display());
        let unknown = if state.is_some() { "" } else { unknown.as_str() };
        print(&format!("{title}\nNothing was imported. This would be:\n{report}{unknown}"));
        if let Some(lost) = lost {
            print(&lost);
        }
        return Ok(());
    };
    if let Some(lost) = lost {
        return Err(lost.into());
    }
    let report = imports::slack(state, data, &mut source, trust, downloads.as_ref(), &mut progress).await?;
    finish(data, "import-slack.txt", &title, &report)
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
fn finish(data: &Path, name: &str, title: &str, report: &Report) -> Result<(), Box<dyn Error>> {
    let path = data.join(name);
    let text = format!("{title}\n{report}");
    print(&text);
    fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    logging::write_line(&format!("campfire: this report is in {}; start the server anew if it runs", path.display()));
    Ok(())
}
