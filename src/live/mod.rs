//! Live delivery: which users are connected, which room each socket has in view, and which events it receives.
//!
//! A write announces its events, [`publisher`] passes them on after the commit, `plan` turns them into deliveries, and
//! [`Hub`] writes each delivery to its [`Peer`]s. Nothing here is persistent: all state is derived from the database
//! and from open sockets, and ends with the process. An event is encoded once and its bytes are shared by all
//! receivers. The hub's lock is never held across an `.await`, nor during a write to a socket.

mod connection;
mod encoded_event;
mod hub;
mod peer;
mod plan;
mod presence;
mod publisher;
#[cfg(test)]
pub(crate) mod testing;
mod typing;

pub use connection::Connection;
pub use encoded_event::EncodedEvent;
pub use hub::{Hub, MAX_SOCKETS_PER_USER};
pub use peer::{Peer, PeerCommand};
pub use publisher::{Announcement, publisher};
