//! What is happening now: who is connected, which room they look at, and what they must hear.
//!
//! The hub holds no truth: everything in it is derived from the database and from open sockets, and is gone with the
//! process. A frame is encoded once, as it stands on the wire, and shared by all its receivers. The hub's lock is never
//! held across an `.await`, nor while anything is written to a socket.

mod encoded_event;
mod hub;
mod peer;
mod presence;
mod publisher;

pub use encoded_event::EncodedEvent;
pub use hub::{Connection, Hub};
pub use peer::{Peer, PeerCommand};
pub use publisher::{Announcement, publisher};
