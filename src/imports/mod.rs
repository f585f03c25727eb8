//! Moving in: the history of another chat becomes an installation.
//!
//! A source is read as plain records (the crate `import`), in batches. Each batch is one write, which also stores how far
//! the import is, so that one that was cut off goes on, and one that is finished changes nothing when it is run again. The
//! chat can be served meanwhile. What is taken over is made to fit the rules of this program first ([`prepare`]), in a dry
//! run as well: it reads and counts the same, and writes nothing.

mod downloads;
mod files;
mod held;
mod prepare;
mod rails;
mod read_marks;
mod report;
mod slack;
mod writer;

pub use downloads::Downloads;
pub use rails::{dry_run as rails_dry_run, run as rails};
pub use report::{Held, Report};
pub use slack::{dry_run as slack_dry_run, run as slack};

use thiserror::Error;

use crate::AppError;
use ::import::rails::SourceError;

/// Why nothing can be imported, or not all.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The source cannot be read.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// The export cannot be read.
    #[error("{0}")]
    Slack(#[from] ::import::slack::SourceError),
    /// The installation is in use, or another history has been imported.
    #[error(
        "this Campfire is in use. A history keeps its numbers, so that it is imported into an empty Campfire only: name \
         another folder with --data, before anybody has set it up"
    )]
    InUse,
    /// There is nobody yet who could let people in.
    #[error(
        "this Campfire is not set up. People of Slack join it with its join link: start it, set it up in a browser, and run \
         this again"
    )]
    NotSetUp,
    /// Nobody here has this e-mail address.
    #[error("nobody here has the e-mail address {0}, which --trust names")]
    Unknown(String),
    /// The source has no people who could use the installation.
    #[error("the source has no account or no people: there is nothing to import")]
    Empty,
    /// The installation cannot be written.
    #[error("{0}")]
    Store(#[from] AppError),
    /// A file cannot be read or copied: which one, and why.
    #[error("the file {0}. What is done by now stays; run it again once that is set right")]
    File(String),
    /// A file cannot be stored.
    #[error("a file cannot be stored: {0}")]
    Io(#[from] std::io::Error),
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The messages that have been read, with those of earlier runs.
    pub messages: u64,
    /// All messages.
    pub total: u64,
}
