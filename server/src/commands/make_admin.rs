//! `campfire make-admin`: the operator's way to another administrator.

use std::error::Error;

use campfire::{AppError, ops};
use clap::Args;

use super::{Data, output};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  campfire make-admin ada@example.com
  campfire make-admin --data /var/lib/campfire ada@example.com";

/// The options of `campfire make-admin`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The e-mail address that they sign in with.
    #[arg(value_name = "EMAIL")]
    pub email_address: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become part of the help text")]
    pub data: Data,
}

/// Makes them an administrator. Doing it again changes nothing.
///
/// # Errors
/// If there is no data, or nobody with that address.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let state = super::open(&options.data.folder).await?;
    match ops::users::make_administrator(&state, &options.email_address).await {
        Ok(user) => output::print(&format!("{} is an administrator.", user.name)),
        Err(AppError::NotFound) => return Err(format!("nobody signs in with {}", options.email_address).into()),
        Err(error) => return Err(error.to_string().into()),
    }
    Ok(())
}
