//! Uploads files, and shows those that are chosen for a message: a chunk of its own.

pub mod engine;
mod kept_files;
pub mod tray;
