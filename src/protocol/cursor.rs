//! Places in the event log.

use serde::{Deserialize, Serialize};

/// A place in the event log of one database.
///
/// The moment stands beside the number because a database restored from a backup counts on from where the backup
/// was taken: the same number then names another event, made at another moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which database counts.
    pub epoch: String,
    /// The last event known; 0 before the first.
    pub seq: i64,
    /// When that event happened, in milliseconds since the epoch.
    pub at: i64,
}
