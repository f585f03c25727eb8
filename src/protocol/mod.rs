//! The live protocol, shared by server and browser: events, commands, and the client-side state they update.
//!
//! Each browser tab has one WebSocket, which carries JSON objects as text messages. A page has the position in the event
//! log at which it was rendered, its [`Cursor`]. When the socket opens, the browser sends [`ClientCommand::Focus`] with
//! the room in view and the cursor. The server answers with the current state of everything in the room that changed
//! since, then [`ServerEvent::CaughtUp`], then live events. An event may arrive twice or late, so clients compare ids and
//! revisions instead of relying on the order of arrival.

pub mod event;
pub mod timeline;

pub use event::{
    ClientCommand, Cursor, HEARTBEAT_MS, MAX_COMMAND_BYTES, PRESENCE_REFRESH_MS, PRESENCE_TTL_MS, SILENCE_MS,
    ServerEvent, TYPING_EVERY_MS, TYPING_TTL_MS, VISIBILITY_DELAY_MS,
};
pub use timeline::{MessagePage, RoomPage, Timeline};
