//! The client against real servers on loopback.

mod destinations;
mod limits;
mod server;
mod tls;
