//! `campfire export`: what was said, readable without this program.

use std::error::Error;
use std::path::PathBuf;

use campfire::exports::{self, Exported};
use campfire::model::RoomId;
use clap::Args;

use super::output::{Printer, count, print};
use super::{Data, process};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire export /tmp/history
  campfire export --data /var/lib/campfire --room 3 /tmp/designers";

/// The options of `campfire export`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The folder to write: it must be empty, or not exist.
    #[arg(value_name = "DIR")]
    pub target: PathBuf,
    /// Only this room: the number in its address.
    #[arg(long, value_name = "ID")]
    pub room: Option<RoomId>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Exports.
///
/// # Errors
/// If that is not possible, with the reason.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    process::prepare();
    process::lower_priority();
    let state = super::open(&options.data.folder).await?;
    match options.room {
        Some(room_id) => tracing::info!(room.id = room_id.0, "the operator exports a room, whoever is in it"),
        None => tracing::info!("the operator exports all rooms, closed ones and pings included"),
    }
    let mut printer = Printer::default();
    let mut progress = |exported: Exported| {
        printer.say(|| format!("{} messages, {} files", exported.message_count, exported.file_count))
    };
    let Exported { room_count, message_count, file_count, missing_count } =
        exports::export(&state, &options.target, options.room, &mut progress).await?;
    let (rooms, messages, files) =
        (count(room_count, "room"), count(message_count, "message"), count(file_count, "file"));
    print(&format!("{}: {rooms}, {messages}, {files}", options.target.display()));
    if missing_count > 0 {
        return Err(
            format!("{} missing in the data folder: see `campfire verify`", count(missing_count, "file")).into()
        );
    }
    Ok(())
}
