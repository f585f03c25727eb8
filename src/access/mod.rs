//! Who is asking, as types: holding one *is* the permission. The server's extractors make them from requests, and
//! operations take them.
//!
//! Sessions and memberships are cached until something that they contain changes. They are looked up for every request,
//! also for one that a cached page answers: somebody signed out or taken out of a room gets nothing made for them before.

mod bans;
mod members;
mod passwords;
mod sessions;

pub use bans::{Bans, is_public, network};
pub use members::{Member, Members};
pub use passwords::Passwords;
pub use sessions::{Administrator, CurrentUser, SeenSession, Sessions};
