//! Positions in the event log.

use serde::{Deserialize, Serialize};

/// A position in the event log of one database.
///
/// The time is part of it because a database restored from a backup continues the numbers from the backup: the same
/// number is then another event, with another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The id of the database whose log this is.
    pub epoch: String,
    /// The number of the last event included; 0 before the first.
    pub seq: i64,
    /// The time of that event, in milliseconds since the epoch.
    pub at: i64,
}
