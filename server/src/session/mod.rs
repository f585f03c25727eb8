//! Sessions over HTTP: their cookie and store, the extractors of users and members, and the sign-in throttle.

mod extractors;
pub mod store;
pub mod throttle;

pub use extractors::{Administers, InRoom, Inside, OfMessage, SignedIn, Visitor, is_refresh_due};
