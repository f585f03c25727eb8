//! Authentication and authorisation as types: holding a [`CurrentUser`], [`Member`] or [`Administrator`] *is* the
//! permission. The server's extractors make them from requests, and operations take them as arguments.
//!
//! Sessions and memberships are cached until their data changes. They are looked up for every request, including one
//! that is answered by a cached page: a user who was signed out or removed from a room gets no page rendered before.

mod bans;
mod guesses;
mod members;
mod networks;
mod passwords;
mod rates;
mod sessions;

pub use bans::{Bans, is_public, network};
pub use guesses::{Guess, Guesses};
pub use members::{Member, Members};
pub use networks::{WrittenFrom, masked};
pub use passwords::{HashFor, Passwords, Verdict, is_bcrypt};
pub use rates::Rate;
pub use sessions::{Administrator, Caller, CurrentBot, CurrentHook, CurrentUser, LiveSession, Sessions};
