//! Code for SQLite alone: the commit counter of its write-ahead log, its full-text tables, and copies of databases.

mod commit_counter;
pub mod copy;
pub(super) mod search_index;

pub use commit_counter::CommitCounter;
