//! The site through its real router, on a real database, signed in by the front door.

#![recursion_limit = "256"]

mod bad_input;
mod entrance;
mod freshness;
mod messages;
mod pages;
mod permissions;
mod rooms;
mod sockets;
mod support;
mod users;
