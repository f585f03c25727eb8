//! What is happening now: who is connected, which room they look at, and what they must hear.
//!
//! The hub holds no truth: everything in it is derived from the database and from open sockets, and is gone with the
//! process. A frame is encoded once, as it stands on the wire, and shared by all its receivers. The hub's lock is never
//! held across an `.await`, nor while anything is written to a socket.

mod frame;
mod hub;
mod peer;
mod presence;
mod publisher;

pub use frame::Frame;
pub use hub::{Connection, Hub};
pub use peer::{Order, Peer};
pub use publisher::{Announcement, publisher};
