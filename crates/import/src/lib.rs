//! Reads the histories of other chats, as plain records that name no table of ours.
//!
//! Sources are only read, never changed. What they contain was written by strangers: nothing in them makes this panic,
//! and no more of a source is in memory at a time than a batch of its messages, and its people and rooms.

pub mod html;
pub mod rails;
mod record;
pub mod slack;
mod time;

pub use record::{
    Account, Ban, Boost, Copied, FilePlace, FileProblem, Involvement, Membership, Message, Reply, Role, Room, RoomKind,
    Search, SourceFile, Status, User,
};

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
