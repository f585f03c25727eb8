//! Code for SQLite alone: the commit counter of its write-ahead log, and its full-text tables.

mod commit_counter;
pub(super) mod search_index;

pub use commit_counter::CommitCounter;
