//! The crate as its callers use it.

mod client;
mod conformance;
mod connection;
mod properties;
mod tls;
