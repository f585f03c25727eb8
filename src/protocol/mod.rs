//! The live protocol, shared by server and browser: events, commands, and the client-side state they update.
//!
//! JSON text messages over one WebSocket a tab, one object each, tagged by `type`, like
//! `{"type":"unread","room_id":4,"message_id":41}`. A type that the other end does not know is ignored, so that an old
//! tab and a new server get along.
//!
//! A page knows the place in the event log it was rendered at, its [`Cursor`]. When its socket opens it sends `focus`
//! with the room in view and that cursor, and receives what changed since, as the state now, then what changes from
//! there on. Every event may arrive twice or late: ids and revisions decide, never the order of arrival alone.

mod command;
mod cursor;
mod event;
mod json;
pub mod timeline;
pub mod viewer_state;

pub use command::ClientCommand;
pub use cursor::Cursor;
pub use event::{RoomEnd, ServerEvent};
pub use json::{Json, JsonText};
pub use timeline::{MessagePage, RoomPage, Timeline};
pub use viewer_state::{Changes, Presence, ViewerState};

/// How often the server sends something when nothing happens, in milliseconds. A browser that receives nothing for
/// [`SILENCE_MS`] takes the connection for dead.
pub const HEARTBEAT_MS: u64 = 4_000;

/// The longest silence of a live connection, in milliseconds.
pub const SILENCE_MS: u64 = 10_000;

/// The largest command a browser may send, in bytes.
pub const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// How long somebody counts as present after their page last reported it, in milliseconds.
pub const PRESENCE_TTL_MS: i64 = 60_000;

/// How often a visible page reports it, in milliseconds.
pub const PRESENCE_REFRESH_MS: u64 = 50_000;

/// How long a page must be hidden, or visible again, before it reports it, in milliseconds: a glance elsewhere is not
/// reported.
pub const VISIBILITY_DELAY_MS: u64 = 5_000;

/// How often a page reports that somebody writes, at most, in milliseconds.
pub const TYPING_EVERY_MS: u64 = 1_000;

/// How long somebody counts as writing after their page last reported it, in milliseconds.
pub const TYPING_TTL_MS: u64 = 5_000;
