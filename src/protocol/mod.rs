//! The live protocol, for both ends: what the server sends, what a browser sends, and what a page keeps of it.
//!
//! JSON text messages over one WebSocket a tab, one object each, tagged by `type`. A page knows the place in the event
//! log it was rendered at, its [`Cursor`]. When its socket opens it sends `focus` with the room in view and that cursor,
//! and receives what changed since, as the state now, then what changes from there on. Every event may arrive twice or
//! late: ids and revisions decide, never the order of arrival alone.

pub mod event;
pub mod timeline;

pub use event::{
    ClientCommand, Cursor, HEARTBEAT_MS, MAX_COMMAND_BYTES, PRESENCE_REFRESH_MS, PRESENCE_TTL_MS, SILENCE_MS,
    ServerEvent, TYPING_EVERY_MS, TYPING_TTL_MS, VISIBILITY_DELAY_MS,
};
pub use timeline::{MessagePage, RoomPage, Timeline};
