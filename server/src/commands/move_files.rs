//! `campfire move-files`: moves the files to another store.

use std::error::Error;

use campfire::files::{self, Location};
use clap::Args;

use super::data_folder::{DataFolder, GivenToOwner};
use super::output::{Printer, count, print, size};
use super::{Data, process};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire move-files s3://team-files/campfire
  campfire move-files --data /var/lib/campfire folder";

/// The options of `campfire move-files`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Where the files are to be: `s3://BUCKET` or `s3://BUCKET/PREFIX`, described by the variables AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, or `folder` for the data folder.
    #[arg(value_name = "LOCATION")]
    pub location: Location,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Moves them.
///
/// # Errors
/// If that is not possible, with the reason; the files are read where they were then.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    let Options { location, data: Data { folder } } = options;
    if !folder.join("campfire.sqlite3").is_file() {
        return Err(format!("there is no Campfire in {}; name its folder with --data", folder.display()).into());
    }
    let _in_use = DataFolder::open(&folder)?;
    let _given = GivenToOwner(&folder);
    let mut printer = Printer::default();
    let moved = files::move_to(&folder, &location, &mut |moved| {
        printer.say(|| format!("{} copied, {}", count(moved.file_count, "file"), size(moved.bytes)));
    })
    .await?;
    let place = files::Place(location);
    print(&format!(
        "{} copied to {place}, {}; {} there already. They are read from there now; the old ones may be deleted.",
        count(moved.file_count, "file"),
        size(moved.bytes),
        count(moved.skipped_count, "file"),
    ));
    Ok(())
}
