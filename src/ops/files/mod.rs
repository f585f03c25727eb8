//! Uploading files, and reading those of messages.

mod read;
mod upload;

pub use crate::store::files::RoomFile;
pub use read::{FilePart, RoomFiles, ServedFile, find, list_of_room};
pub use upload::{UploadError, append, begin, receive, remove, resume};

/// How long a file that no message has is kept, in milliseconds: 24 hours. Also how long an upload may rest.
pub(super) const EXPIRY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a file has to be expired before it is deleted, in milliseconds: a write that began before it expired may still
/// give it to a message.
pub(crate) const GRACE_MS: i64 = 60_000;
