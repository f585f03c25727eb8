//! What is happening now: who is connected, which room they look at, and what they must hear.
//!
//! The hub holds no truth: everything in it is derived from the database and from open sockets, and is gone with the
//! process. A frame is encoded once and shared by all its receivers. The hub's lock is never held across an `.await`.

mod hub;
mod publisher;

pub use hub::{Connection, Frame, Hub, Listener};
pub use publisher::{Announcement, publisher};
