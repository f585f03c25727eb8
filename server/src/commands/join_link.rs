//! `campfire join-link`: prints the link by which people join.

use std::error::Error;

use campfire::model::paths;
use campfire::ops;
use clap::Args;

use super::{Data, output};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire join-link --url https://chat.example.com
  campfire join-link --data /var/lib/campfire";

/// The options of `campfire join-link`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The address of the chat; without it, the link begins with its path.
    #[arg(long, env = "CAMPFIRE_URL", default_value = "", hide_default_value = true, value_name = "URL")]
    pub url: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Prints the link.
///
/// # Errors
/// If there is no data, or it is not set up.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let state = super::open(&options.data.folder).await?;
    let account = ops::accounts::find(&state).await.map_err(|error| error.to_string())?;
    let account = account.ok_or("this Campfire is not set up: open it in a browser first")?;
    output::print(&format!("{}{}", options.url.trim_end_matches('/'), paths::join(&account.join_code)));
    Ok(())
}
